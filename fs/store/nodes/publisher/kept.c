/* This file is what a place has: it is told what was erased until it lets go of it, and asked again
 * whether it holds what it said, each day and when it comes back. */
#include "place.h"

#include "base/log.h"
#include "ipfs/cluster.h"

#define CHECK_SHARE 20 /* of the time at most one part in so many */
#define CHECK_AGAIN_NS INT64_C(86400000000000)
#define BACK_MS 600000 /* between two returns */
#define LIST_LEAST 50  /* of fewer each is asked for: a node may keep much for others */

/* ---- What is erased ---- */

/* With the lock. */
static bool find_leaving(const publisher_place *place, emr_cid *out_root)
{
	const book *b = &place->publisher->book;

	for (size_t i = 0; i < book_count(b); i++) {
		const book_entry *entry = book_at(b, i);

		if (!entry->is_wanted && (entry->stuck & place_bit(place)) == 0 &&
			((entry->held | entry->sent) & place_bit(place)) != 0) {
			*out_root = entry->root;
			return true;
		}
	}
	return false;
}

static emr_status note_gone(publisher_place *place, const emr_cid *root)
{
	emr_publisher *p = place->publisher;
	bool is_last = false;
	book_entry *entry;
	emr_status status;

	pthread_mutex_lock(&p->lock);
	status = place_note(place, root, BOOK_GONE);
	entry = book_find(&p->book, root);
	if (entry != NULL && entry->is_noted && !entry->is_wanted &&
		(entry->held | entry->sent) == 0)
		is_last = true;
	if (status == EMR_OK)
		status = place_write_lines(p);
	pthread_mutex_unlock(&p->lock);
	if (status == EMR_OK && is_last && p->options.left != NULL)
		status = p->options.left(p->options.arg, root);
	return status;
}

/* With the lock, which it gives back meanwhile. */
bool place_let_one_go(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	emr_ipfs_call call = place_call(place, PLACE_ASK_MS);
	emr_ipfs *at = place->node;
	emr_status status = EMR_OK;
	emr_cid root;

	if (!find_leaving(place, &root))
		return false;
	pthread_mutex_unlock(&p->lock);
	/* The cluster first: it would have its peers pin it again. */
	if (place_is_clustered(place)) {
		at = emr_ipfs_cluster(place->node);
		status = emr_ipfs_let_go(at, &call, &root);
	}
	if (status == EMR_OK) {
		at = place->node;
		status = emr_ipfs_let_go(at, &call, &root);
	}
	if (status != EMR_OK) {
		place_fails(place, at, &call);
		if (place_is_of_content(call.fault))
			place_stick_for_fault(place, &root);
	} else {
		status = note_gone(place, &root);
		if (status != EMR_OK)
			place_fails_here(place, status);
		else
			place_works(place);
	}
	pthread_mutex_lock(&p->lock);
	return true;
}

/* ---- What is there already ---- */

/* With the lock: the first behind FROM that it said it holds.  IS_UNLISTED: of those that are not
 * among its pins. */
static bool find_held(
	const publisher_place *place, const emr_cid *from, bool is_unlisted, emr_cid *out_root)
{
	const book *b = &place->publisher->book;
	const emr_cid behind = *from;

	for (size_t i = book_from(b, &behind); i < book_count(b); i++) {
		const book_entry *entry = book_at(b, i);
		const unsigned is = is_unlisted ? entry->held & ~entry->listed : entry->held;

		if (entry->is_wanted && (is & place_bit(place)) != 0 &&
			!emr_cid_equal(&entry->root, &behind)) {
			*out_root = entry->root;
			return true;
		}
	}
	return false;
}

static emr_status note_listed(void *arg, const emr_cid *root)
{
	publisher_place *place = arg;
	book_entry *entry;

	pthread_mutex_lock(&place->publisher->lock);
	entry = book_find(&place->publisher->book, root);
	if (entry != NULL)
		entry->listed |= place_bit(place);
	pthread_mutex_unlock(&place->publisher->lock);
	return EMR_OK;
}

/* With the lock, which it gives back meanwhile. */
static emr_status list_pins(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	emr_ipfs_call call = place_call(place, PLACE_ASK_MS);
	emr_status status;

	for (size_t i = 0; i < book_count(&p->book); i++)
		book_at(&p->book, i)->listed &= (uint16_t)~place_bit(place);
	pthread_mutex_unlock(&p->lock);
	status = emr_ipfs_each_pin(place->node, &call, note_listed, place);
	pthread_mutex_lock(&p->lock);
	return status;
}

/* With the lock, which it gives back meanwhile; once in a round. A place that lost one may be
 * another node by now, behind the same address: of many records one list says what it lacks.
 * Without the list each is asked for in its turn. */
static void take_back_unlisted(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	emr_cid root = {{0}};
	size_t n = 0;

	while (n < LIST_LEAST && find_held(place, &root, false, &root))
		n++;
	if (place->is_listed || place_is_clustered(place) || n < LIST_LEAST)
		return;
	place->is_listed = true;
	if (list_pins(place) != EMR_OK)
		return;
	root = (emr_cid){{0}};
	while (!p->is_stopping && find_held(place, &root, true, &root)) {
		pthread_mutex_unlock(&p->lock);
		here_unheld(p, &root, place_bit(place));
		pthread_mutex_lock(&p->lock);
		(void)place_note(place, &root, BOOK_SENT);
	}
}

static emr_status check_cluster(publisher_place *place, const emr_cid *root, bool *out_is_held)
{
	pick one = {.root = *root};
	emr_status status = cluster_ask(place, &one);

	*out_is_held = one.is_held;
	return status;
}

static bool is_none(const emr_cid *root)
{
	return emr_cid_equal(root, &(emr_cid){{0}});
}

/* With the lock: the next to be asked for.  A round goes from where the last one was broken off to
 * the end, and from the beginning to there: over a line that breaks off again and again all of them
 * have their turn. */
static bool find_next(publisher_place *place, emr_cid *out_root)
{
	if (find_held(place, &place->checked, false, out_root))
		return place->is_behind_end || is_none(&place->round_end) ||
		       book_compare(out_root, &place->round_end) <= 0;
	if (!place->is_behind_end)
		return false;
	place->is_behind_end = false;
	place->checked = (emr_cid){{0}};
	return find_held(place, &place->checked, false, out_root) &&
	       book_compare(out_root, &place->round_end) <= 0;
}

/* With the lock, which it gives back meanwhile: asks for one of those that it said it holds. */
bool place_check_one(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	int64_t begun_ns = publisher_now_ns();
	emr_ipfs_fault fault = EMR_IPFS_FINE;
	bool is_held = false;
	emr_status status;
	emr_cid root;

	if (begun_ns < place->next_check_ns)
		return false;
	if (!find_next(place, &root)) {
		place->next_check_ns = begun_ns + CHECK_AGAIN_NS;
		place->checked = place->round_end = (emr_cid){{0}};
		place->has_hurry = place->is_listed = false;
		return false;
	}
	pthread_mutex_unlock(&p->lock);
	if (place_is_clustered(place)) {
		status = check_cluster(place, &root, &is_held);
		fault = place->fault;
	} else {
		status = place_ask(place, &root, &is_held, &fault);
	}
	if (status == EMR_OK)
		place_works(place);
	/* Before it is noted, and sent again: what is told may make it whole here. */
	if (!is_held && (status == EMR_OK || fault == EMR_IPFS_ERROR))
		here_unheld(p, &root, place_bit(place));
	pthread_mutex_lock(&p->lock);
	if (status != EMR_OK && !place_is_of_content(fault))
		return true;
	place->checked = root;
	if (!place->has_hurry)
		place->next_check_ns =
			publisher_now_ns() + CHECK_SHARE * (publisher_now_ns() - begun_ns);
	if (status != EMR_OK && fault != EMR_IPFS_ERROR)
		return true; /* it has not said that it cannot give it out */
	if (is_held)
		return true;
	(void)place_note(place, &root, BOOK_SENT);
	if (status == EMR_OK)
		take_back_unlisted(place);
	if (place_write_lines(p) != EMR_OK)
		emr_log(EMR_LOG_WARN, "publisher: a lost copy could not be noted");
	return true;
}

static int64_t back_pause_ns(const publisher_place *place)
{
	const uint32_t ms = place->publisher->options.back_ms;

	return (ms != 0 ? ms : BACK_MS) * INT64_C(1000000);
}

void place_comes_back(publisher_place *place)
{
	if (!place->was_away || publisher_now_ns() < place->back_ns)
		return;
	if (!place->is_called_for) /* a person who asks for it is no return */
		place->back_ns = publisher_now_ns() + back_pause_ns(place);
	place->was_away = place->is_called_for = place->is_listed = false;
	place->next_check_ns = 0;
	place->round_end = place->checked;
	place->is_behind_end = !is_none(&place->checked);
}

/* With the lock. */
static size_t count_doubted(const publisher_place *place)
{
	const book *b = &place->publisher->book;
	size_t n = 0;

	for (size_t i = 0; i < book_count(b); i++)
		n += (book_at(b, i)->doubted & place_bit(place)) != 0;
	return n;
}

/* With the lock, which it gives back meanwhile; once. Roots that the file does not list any more
 * are read off one list: only those on it are asked for, whether they are whole. Without the list
 * each is. */
void place_read_list(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	emr_status status;

	if (place->has_list)
		return;
	place->has_list = true;
	if (place_is_clustered(place) || count_doubted(place) < LIST_LEAST)
		return;
	status = list_pins(place);
	for (size_t i = 0; status == EMR_OK && i < book_count(&p->book); i++) {
		book_entry *entry = book_at(&p->book, i);
		const unsigned not_there = entry->doubted & ~entry->listed & place_bit(place);

		entry->sent &= (uint16_t)~not_there;
		entry->doubted &= (uint16_t)~not_there;
	}
}
