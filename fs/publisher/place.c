/* This file is what the publisher does with one place: whole batches are sent, each root that may
 * be there is asked for first, and what fails is tried again after a pause that grows.  One record
 * that a place does not take never keeps the others back. */
#include "place.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ipfs/cluster.h"
#include "load.h"

#define PROBE_MS 20000
#define ASK_MS 120000 /* what is asked for is read there, block by block */
#define PUSH_MS 60000 /* and a second for each of so many bytes: */
#define PUSH_BYTES_A_S ((uint64_t)64 << 10)
#define IMPORT_MS 5000		       /* a collection waits for it, and all others behind that */
#define PUSH_TELLS ((uint64_t)8 << 20) /* an import of fewer bytes says little of a place */
#define PAUSE_NS INT64_C(1000000000)   /* after the first failure; twice as long after each more */
#define PAUSE_DOUBLINGS 6
#define TELL_NS INT64_C(3600000000000) /* a person is told of one kind of failure once in it */
#define CHECK_SHARE 20		       /* of the time at most one part in so many */
#define CHECK_AGAIN_NS INT64_C(86400000000000)
#define UNSTICK_NS INT64_C(600000000000)
#define LIST_LEAST 50 /* of fewer each is asked for: a node may keep much for others */

uint16_t place_bit(const publisher_place *place)
{
	return (uint16_t)(1u << place->number);
}

emr_ipfs_call place_call(const publisher_place *place, uint32_t timeout_ms)
{
	return emr_ipfs_call_of(timeout_ms, place->publisher->stop_fd);
}

/* ---- What is noted ---- */

/* With the lock; gives it back for as long as the disk takes. */
static emr_status write_lines(emr_publisher *p)
{
	emr_status status;
	emr_buf lines;

	pthread_mutex_unlock(&p->lock);
	pthread_mutex_lock(&p->write_lock);
	pthread_mutex_lock(&p->lock);
	lines = book_take_lines(&p->book);
	pthread_mutex_unlock(&p->lock);
	status = book_write(&p->book, &lines);
	pthread_mutex_unlock(&p->write_lock);
	emr_buf_free(&lines);
	pthread_mutex_lock(&p->lock);
	return status;
}

/* With the lock.  Of what the book does not have any more there is nothing to note. */
static emr_status note(publisher_place *place, const emr_cid *root, book_mark mark)
{
	book *b = &place->publisher->book;
	book_entry *entry = book_find(b, root);

	return entry == NULL ? EMR_OK : book_set(b, entry, place->number, mark);
}

static emr_status note_and_write(publisher_place *place, const pick *picks, size_t n,
	book_mark mark, bool (*is_meant)(const pick *pick))
{
	emr_publisher *p = place->publisher;
	emr_status status = EMR_OK;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		if (is_meant(&picks[i]))
			status = note(place, &picks[i].root, mark);
	}
	if (status == EMR_OK)
		status = write_lines(p);
	pthread_mutex_unlock(&p->lock);
	return status;
}

static bool is_to_be_sent(const pick *one)
{
	return !one->is_held && !one->is_stuck && !one->is_waiting;
}

static bool is_held(const pick *one)
{
	return one->is_held;
}

/* ---- How it goes ---- */

static void say_change(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	emr_publisher_place now;

	emr_publisher_look(p, (size_t)(place - p->places), &now);
	if (p->options.say != NULL)
		p->options.say(p->options.arg, &now);
}

/* Twice as long each time, and not at the same moment as everybody else. */
static int64_t pause_ns(unsigned failures)
{
	unsigned doublings = failures < PAUSE_DOUBLINGS ? failures : PAUSE_DOUBLINGS;
	int64_t pause = PAUSE_NS << doublings;

	return pause - pause / 4 + publisher_now_ns() % (pause / 2);
}

/* With the lock. */
static void works_now(publisher_place *place)
{
	place->has_answered = true;
	place->fault = EMR_IPFS_FINE;
	place->said[0] = '\0';
	place->failures = 0;
}

static void works(publisher_place *place)
{
	pthread_mutex_lock(&place->publisher->lock);
	works_now(place);
	pthread_mutex_unlock(&place->publisher->lock);
}

/* True: a person has not heard of it lately.  With the lock. */
static bool note_fault(
	publisher_place *place, const char *address, emr_ipfs_fault fault, const char *said)
{
	bool is_new = place->fault != fault &&
		      (place->told_ns[fault] == 0 ||
			      publisher_now_ns() - place->told_ns[fault] > TELL_NS);

	if (is_new)
		place->told_ns[fault] = publisher_now_ns();
	place->fault = fault;
	place->failed = address;
	memmove(place->said, said, strnlen(said, sizeof place->said - 1) + 1);
	place->said[sizeof place->said - 1] = '\0';
	return is_new;
}

/* With the lock: it is about a record, and said until none is left of which it is. */
static void keep_trouble(publisher_place *place)
{
	place->trouble = place->fault;
	place->troubled = place->failed;
	memcpy(place->trouble_said, place->said, sizeof place->trouble_said);
}

static void tell(publisher_place *place, emr_ipfs_fault fault, bool is_new)
{
	if (!is_new)
		return;
	emr_log(EMR_LOG_WARN, "publisher: place %u: %s", place->number, emr_ipfs_fault_name(fault));
	say_change(place);
}

static void fails_at(
	publisher_place *place, const char *address, emr_ipfs_fault fault, const char *said)
{
	emr_publisher *p = place->publisher;
	bool is_new;

	if (fault == EMR_IPFS_CANCELLED)
		return;
	pthread_mutex_lock(&p->lock);
	is_new = note_fault(place, address, fault, said);
	place->retry_ns = publisher_now_ns() + pause_ns(place->failures++);
	place->is_full = fault == EMR_IPFS_FULL;
	pthread_mutex_unlock(&p->lock);
	tell(place, fault, is_new);
}

void place_fails(publisher_place *place, emr_ipfs *at, const emr_ipfs_call *call)
{
	fails_at(place, emr_ipfs_address(at), call->fault, call->said);
}

void place_complains(publisher_place *place, emr_ipfs *at, emr_ipfs_fault fault, const char *said)
{
	emr_publisher *p = place->publisher;
	bool is_new;

	pthread_mutex_lock(&p->lock);
	is_new = note_fault(place, emr_ipfs_address(at), fault, said);
	keep_trouble(place);
	pthread_mutex_unlock(&p->lock);
	tell(place, fault, is_new);
}

static void fails(publisher_place *place, emr_ipfs_fault fault, const char *said)
{
	fails_at(place, emr_ipfs_address(place->node), fault, said);
}

/* Our own side: memory, or the disk. */
static void fails_here(publisher_place *place, emr_status status)
{
	emr_log(EMR_LOG_WARN, "publisher: %s", emr_status_text(status));
	fails(place, EMR_IPFS_HERE, emr_status_text(status));
}

/* ---- Sending ---- */

static bool is_clustered(const publisher_place *place)
{
	return emr_ipfs_cluster(place->node) != NULL;
}

/* With the lock. */
static bool is_lacking(const publisher_place *place, const book_entry *entry)
{
	const unsigned not_now = entry->held | entry->stuck | entry->waits | entry->going;

	return entry->is_wanted && (not_now & place_bit(place)) == 0;
}

/* With the lock. */
static bool is_any_lacking(const publisher_place *place)
{
	const book *b = &place->publisher->book;
	size_t i = 0;

	while (i < book_count(b) && !is_lacking(place, book_at(b, i)))
		i++;
	return i < book_count(b);
}

/* With the lock.  No other thread of the place chooses them until end_going. */
static size_t choose(publisher_place *place, pick *picks, size_t max)
{
	const book *b = &place->publisher->book;
	const uint16_t bit = place_bit(place);
	size_t n = 0;

	for (size_t i = 0; i < book_count(b) && n < max; i++) {
		book_entry *entry = book_at(b, i);

		if (!is_lacking(place, entry))
			continue;
		entry->going |= bit;
		picks[n++] = (pick){.root = entry->root,
			.may_be_there = is_clustered(place) || (entry->sent & bit) != 0,
			.was_begun = (entry->sent & ~entry->doubted & bit) != 0};
	}
	return n;
}

static bool is_of_content(emr_ipfs_fault fault)
{
	return fault == EMR_IPFS_NOT_KEPT || fault == EMR_IPFS_BAD_CAR ||
	       fault == EMR_IPFS_TOO_LARGE || fault == EMR_IPFS_HERE || fault == EMR_IPFS_SLOW ||
	       fault == EMR_IPFS_ERROR;
}

/* It is left alone for a while, and the others go on: all of them before it is tried again. */
static void stick_root(publisher_place *place, const emr_cid *root)
{
	emr_publisher *p = place->publisher;
	book_entry *entry;

	pthread_mutex_lock(&p->lock);
	entry = book_find(&p->book, root);
	if (entry != NULL)
		entry->stuck |= place_bit(place);
	place->unstick_ns = publisher_now_ns() + UNSTICK_NS;
	pthread_mutex_unlock(&p->lock);
}

/* The same, because of what the place said last. */
static void stick_for_fault(publisher_place *place, const emr_cid *root)
{
	pthread_mutex_lock(&place->publisher->lock);
	keep_trouble(place);
	pthread_mutex_unlock(&place->publisher->lock);
	stick_root(place, root);
}

void place_stick(publisher_place *place, pick *one)
{
	one->is_stuck = true;
	stick_for_fault(place, &one->root);
}

emr_status place_ask(
	publisher_place *place, const emr_cid *root, bool *out_is_held, emr_ipfs_fault *out_fault)
{
	emr_ipfs_call call = place_call(place, ASK_MS);
	emr_ipfs_holding holding = {0};
	emr_status status = emr_ipfs_holds(place->node, &call, root, &holding);

	*out_is_held = status == EMR_OK && holding.is_pinned && holding.is_whole;
	*out_fault = call.fault;
	if (status != EMR_OK)
		fails(place, call.fault, call.said);
	return status;
}

/* An import that was cut off, as a computer goes to sleep: each try is to bring it further. */
static void begin_small(publisher_place *place)
{
	pthread_mutex_lock(&place->publisher->lock);
	place->room = LOAD_BYTES;
	pthread_mutex_unlock(&place->publisher->lock);
}

static emr_status ask_each(publisher_place *place, pick *picks, size_t n)
{
	emr_ipfs_fault fault = EMR_IPFS_FINE;
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		if (!picks[i].may_be_there)
			continue;
		status = is_clustered(place)
				 ? cluster_ask(place, &picks[i])
				 : place_ask(place, &picks[i].root, &picks[i].is_held, &fault);
		if (status != EMR_OK && is_of_content(fault))
			place_stick(place, &picks[i]);
		else if (!is_clustered(place) && !picks[i].is_held && picks[i].was_begun)
			begin_small(place);
	}
	return status;
}

/* The next time it is chosen. */
static void ask_first(publisher_place *place, pick *one)
{
	emr_publisher *p = place->publisher;
	book_entry *entry;

	one->is_stuck = true;
	pthread_mutex_lock(&p->lock);
	entry = book_find(&p->book, &one->root);
	if (entry != NULL)
		entry->sent |= place_bit(place);
	pthread_mutex_unlock(&p->lock);
}

static uint32_t push_ms(uint64_t bytes)
{
	return (uint32_t)(PUSH_MS + bytes / PUSH_BYTES_A_S * 1000);
}

/* What it may be about is sent in smaller parts, so that one record does not keep back all. */
static void shrink(publisher_place *place, emr_ipfs_fault fault, const load *l, pick *only)
{
	const size_t roots = l->roots.len / sizeof(emr_cid);
	const bool is_least = roots <= 1 && l->bytes <= LOAD_BYTES;

	if (!is_of_content(fault))
		return;
	if (is_least && only != NULL)
		place_stick(place, only);
	pthread_mutex_lock(&place->publisher->lock);
	if (!is_least) /* it is not the place that has to recover */
		place->failures = 0;
	place->roots_max = roots > 1 ? roots / 2 : 1;
	pthread_mutex_unlock(&place->publisher->lock);
}

/* A place gets at once what it takes in a few seconds, and at least LOAD_BYTES; no more than that
 * from the first failure of a larger import on, which may be a proxy's limit. */
static void note_pace(publisher_place *place, emr_status status, uint64_t bytes, int64_t begun_ns)
{
	const int64_t ns = publisher_now_ns() - begun_ns;
	const uint32_t import_ms = place->publisher->options.import_ms;
	uint64_t room = LOAD_BYTES;

	if (status == EMR_OK && bytes < PUSH_TELLS)
		return;
	if (status == EMR_OK)
		room = (uint64_t)((double)bytes / (double)(ns > 0 ? ns : 1) *
				  (import_ms != 0 ? import_ms : IMPORT_MS) * 1e6);
	pthread_mutex_lock(&place->publisher->lock);
	if (status != EMR_OK && bytes > LOAD_BYTES)
		place->room_max = LOAD_BYTES;
	if (room > place->room_max)
		room = place->room_max;
	place->room = room > LOAD_BYTES ? room : LOAD_BYTES;
	pthread_mutex_unlock(&place->publisher->lock);
}

static uint64_t room_of(publisher_place *place)
{
	uint64_t room;

	pthread_mutex_lock(&place->publisher->lock);
	room = place->room;
	pthread_mutex_unlock(&place->publisher->lock);
	return room;
}

/* Not while another thread's import, which failed, is to be tried again in a smaller one. */
static void grow(publisher_place *place)
{
	pthread_mutex_lock(&place->publisher->lock);
	if (publisher_now_ns() >= place->retry_ns)
		place->roots_max = place->roots_max < EMR_IPFS_ROOTS_MAX / 2 ? place->roots_max * 2
									     : EMR_IPFS_ROOTS_MAX;
	place->has_taken = true;
	place->is_full = false;
	pthread_mutex_unlock(&place->publisher->lock);
}

static emr_status push(publisher_place *place, load *l, emr_ipfs_fault *out_fault)
{
	const int64_t begun_ns = publisher_now_ns();
	lull *wait = l->await_arg;
	emr_ipfs_call call = place_call(place, push_ms(l->bytes));
	emr_ipfs_parcel parcel;
	emr_status status = load_seal(l, &parcel);

	wait->paused_ns = 0;
	parcel.still_ms = place->publisher->options.still_ms;
	if (status == EMR_OK)
		status = emr_ipfs_push(place->node, &call, &parcel);
	note_pace(place, status, l->bytes, begun_ns + wait->paused_ns);
	*out_fault = call.fault;
	if (status != EMR_OK)
		fails(place, call.fault != EMR_IPFS_FINE ? call.fault : EMR_IPFS_HERE, call.said);
	return status;
}

/* What is above some leaves, so that they are kept until the record's own root is: to be told
 * again, whatever happens. */
static emr_status note_piece(publisher_place *place, const load *l)
{
	emr_publisher *p = place->publisher;
	book_entry *entry;
	emr_status status;

	pthread_mutex_lock(&p->lock);
	status = book_add(&p->book, &l->made_cid, &entry);
	if (status == EMR_OK)
		status = book_set(&p->book, entry, place->number, BOOK_SENT);
	if (status == EMR_OK)
		status = write_lines(p);
	pthread_mutex_unlock(&p->lock);
	if (status != EMR_OK)
		fails_here(place, status);
	return status;
}

static emr_status send_piece(publisher_place *place, load *l, emr_ipfs_fault *out_fault)
{
	bool is_there = false;
	emr_status status = place_ask(place, &l->made_cid, &is_there, out_fault);

	if (status == EMR_OK && is_there)
		load_gives(l, l->bytes);
	if (status != EMR_OK || is_there)
		return status;
	status = note_piece(place, l);
	return status == EMR_OK ? push(place, l, out_fault) : status;
}

static emr_status send_in_pieces(publisher_place *place, load *l, pick *one)
{
	pieces rest = {0};
	emr_ipfs_fault fault = EMR_IPFS_FINE;
	emr_status here = pieces_of(l->store, &one->root, &rest), status = here;
	bool more = true;

	while (status == EMR_OK && more) {
		l->room = room_of(place);
		here = status = pieces_next(&rest, l, &more);
		if (status == EMR_OK)
			status = more ? send_piece(place, l, &fault) : push(place, l, &fault);
	}
	if (here != EMR_OK) {
		fault = EMR_IPFS_HERE;
		fails_here(place, here);
	}
	pieces_free(&rest);
	if (status != EMR_OK)
		shrink(place, fault, l, one);
	else if (is_clustered(place))
		status = cluster_pin(place, one);
	else
		one->is_held = true;
	return status;
}

/* What is not whole here cannot be sent; the place may have it from another computer. */
static void set_aside(publisher_place *place, pick *one, emr_status status)
{
	if (!one->may_be_there) {
		ask_first(place, one);
		return;
	}
	emr_log(EMR_LOG_WARN, "publisher: a record that is not whole here: %s",
		emr_status_text(status));
	one->is_stuck = true;
	stick_root(place, &one->root);
}

/* As many as fit; *OUT_LARGE is one that does not even alone, when it is the first.  How many bytes
 * are to go. */
static uint64_t fill(
	publisher_place *place, load *l, pick *picks, size_t n, size_t *out_n, pick **out_large)
{
	uint64_t large = 0;
	bool fits = true;
	size_t i;

	*out_large = NULL;
	for (i = 0; fits && i < n; i++) {
		uint64_t bytes;
		emr_status status;

		if (!is_to_be_sent(&picks[i]))
			continue;
		status = load_add(l, &picks[i].root, &fits, &bytes);
		if (status != EMR_OK) {
			set_aside(place, &picks[i], status);
			fits = true;
		} else if (!fits && l->roots.len == 0) {
			*out_large = &picks[i];
			large = bytes;
		}
	}
	*out_n = fits ? i : i - 1;
	return large > 0 ? large : l->bytes;
}

static emr_status send_batch(publisher_place *place, load *l, pick *picks, size_t n)
{
	const size_t roots = l->roots.len / sizeof(emr_cid);
	emr_ipfs_fault fault;
	pick *only = NULL;
	emr_status status;

	if (roots == 0)
		return EMR_OK;
	for (size_t i = 0; roots == 1 && i < n; i++)
		only = is_to_be_sent(&picks[i]) ? &picks[i] : only;
	status = push(place, l, &fault);
	if (status != EMR_OK) {
		shrink(place, fault, l, only);
		return status;
	}
	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		if (!is_to_be_sent(&picks[i]))
			continue;
		if (is_clustered(place))
			status = cluster_pin(place, &picks[i]);
		else
			picks[i].is_held = true;
	}
	grow(place);
	return status;
}

/* Another thread of the place may choose them from now on. */
static void end_going(publisher_place *place, const pick *picks, size_t n)
{
	emr_publisher *p = place->publisher;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < n; i++) {
		book_entry *entry = book_find(&p->book, &picks[i].root);

		if (entry != NULL)
			entry->going &= (uint16_t)~place_bit(place);
	}
	pthread_mutex_unlock(&p->lock);
}

static emr_status send_some(publisher_place *place, pick *picks, size_t n)
{
	lull wait = {.place = place};
	load l = {.store = place->publisher->options.store,
		.await = lull_await,
		.await_arg = &wait,
		.given = &place->going};
	const size_t chosen = n;
	uint64_t bytes = 0;
	pick *large;
	emr_status status = ask_each(place, picks, n), noted;
	bool was_asked = status == EMR_OK;

	if (was_asked) {
		l.room = room_of(place);
		bytes = fill(place, &l, picks, n, &n, &large);
		n += large != NULL;
		atomic_fetch_add(&place->going_of, bytes);
		end_going(place, picks + n, chosen - n);
		/* Before the first byte goes: whoever is killed now asks next time. */
		noted = note_and_write(place, picks, n, BOOK_SENT, is_to_be_sent);
		if (noted != EMR_OK) {
			fails_here(place, noted);
			status = noted;
		} else {
			status = large != NULL ? send_in_pieces(place, &l, large)
					       : send_batch(place, &l, picks, n);
		}
	}
	atomic_fetch_sub(&place->going, l.gave);
	atomic_fetch_sub(&place->going_of, bytes);
	noted = note_and_write(place, picks, n, BOOK_HELD, is_held);
	if (noted != EMR_OK)
		fails_here(place, noted);
	if (place->publisher->options.copied != NULL)
		place->publisher->options.copied(place->publisher->options.arg);
	if (status == EMR_OK)
		works(place);
	end_going(place, picks, n);
	load_free(&l);
	return status == EMR_OK ? noted : status;
}

/* With the lock, which it gives back meanwhile.  False: there is nothing to send. */
static bool publish_some(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	EMR_AUTO_FREE pick *picks = NULL;
	size_t n;

	if (!is_any_lacking(place)) {
		if (place->at_work == 0)
			lull_is_not_waited_for(place);
		return false;
	}
	if (!lull_has_come(place))
		return true;
	picks = calloc(place->roots_max, sizeof *picks);
	n = picks != NULL ? choose(place, picks, place->roots_max) : 0;
	if (n == 0)
		return picks != NULL; /* another thread has them meanwhile */
	place->at_work++;
	pthread_cond_broadcast(&p->wake); /* there may be more */
	pthread_mutex_unlock(&p->lock);
	(void)send_some(place, picks, n); /* what fails has set when it is tried again */
	pthread_mutex_lock(&p->lock);
	place->at_work--;
	pthread_cond_broadcast(&p->wake); /* who waits for the last of them */
	return true;
}

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
	status = note(place, root, BOOK_GONE);
	entry = book_find(&p->book, root);
	if (entry != NULL && entry->is_noted && !entry->is_wanted &&
		(entry->held | entry->sent) == 0)
		is_last = true;
	if (status == EMR_OK)
		status = write_lines(p);
	pthread_mutex_unlock(&p->lock);
	if (status == EMR_OK && is_last && p->options.left != NULL)
		status = p->options.left(p->options.arg, root);
	return status;
}

/* With the lock, which it gives back meanwhile. */
static bool let_one_go(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	emr_ipfs_call call = place_call(place, ASK_MS);
	emr_ipfs *at = place->node;
	emr_status status = EMR_OK;
	emr_cid root;

	if (!find_leaving(place, &root))
		return false;
	pthread_mutex_unlock(&p->lock);
	/* The cluster first: it would have its peers pin it again. */
	if (is_clustered(place)) {
		at = emr_ipfs_cluster(place->node);
		status = emr_ipfs_let_go(at, &call, &root);
	}
	if (status == EMR_OK) {
		at = place->node;
		status = emr_ipfs_let_go(at, &call, &root);
	}
	if (status != EMR_OK) {
		place_fails(place, at, &call);
		if (is_of_content(call.fault))
			stick_for_fault(place, &root);
	} else {
		status = note_gone(place, &root);
		if (status != EMR_OK)
			fails_here(place, status);
		else
			works(place);
	}
	pthread_mutex_lock(&p->lock);
	return true;
}

/* ---- What is there already ---- */

/* With the lock. */
static bool find_held(const publisher_place *place, emr_cid *out_root)
{
	const book *b = &place->publisher->book;

	for (size_t i = book_from(b, &place->checked); i < book_count(b); i++) {
		const book_entry *entry = book_at(b, i);

		if (entry->is_wanted && (entry->held & place_bit(place)) != 0 &&
			!emr_cid_equal(&entry->root, &place->checked)) {
			*out_root = entry->root;
			return true;
		}
	}
	return false;
}

static emr_status check_cluster(publisher_place *place, const emr_cid *root, bool *out_is_held)
{
	pick one = {.root = *root};
	emr_status status = cluster_ask(place, &one);

	*out_is_held = one.is_held;
	return status;
}

/* With the lock, which it gives back meanwhile: asks for one of those that it said it holds. */
static bool check_one(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	int64_t begun_ns = publisher_now_ns();
	emr_ipfs_fault fault = EMR_IPFS_FINE;
	bool is_held = false;
	emr_status status;
	emr_cid root;

	if (begun_ns < place->next_check_ns)
		return false;
	if (!find_held(place, &root)) {
		place->next_check_ns = begun_ns + CHECK_AGAIN_NS;
		place->checked = (emr_cid){{0}};
		place->has_hurry = false;
		return false;
	}
	pthread_mutex_unlock(&p->lock);
	if (is_clustered(place)) {
		status = check_cluster(place, &root, &is_held);
		fault = place->fault;
	} else {
		status = place_ask(place, &root, &is_held, &fault);
	}
	if (status == EMR_OK)
		works(place);
	pthread_mutex_lock(&p->lock);
	if (status != EMR_OK && !is_of_content(fault))
		return true;
	place->checked = root;
	if (!place->has_hurry)
		place->next_check_ns =
			publisher_now_ns() + CHECK_SHARE * (publisher_now_ns() - begun_ns);
	if (status != EMR_OK && fault != EMR_IPFS_ERROR)
		return true; /* it has not said that it cannot give it out */
	if (!is_held && note(place, &root, BOOK_SENT) == EMR_OK && write_lines(p) != EMR_OK)
		emr_log(EMR_LOG_WARN, "publisher: a lost copy could not be noted");
	return true;
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

/* With the lock, which it gives back meanwhile; once.  What the file does not say any more is read
 * off one list: only what is on it is asked for, whether it is whole.  Without the list each is. */
static void read_list(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	emr_ipfs_call call = place_call(place, ASK_MS);
	emr_status status;

	if (place->has_list)
		return;
	place->has_list = true;
	if (is_clustered(place) || count_doubted(place) < LIST_LEAST)
		return;
	pthread_mutex_unlock(&p->lock);
	status = emr_ipfs_each_pin(place->node, &call, note_listed, place);
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; status == EMR_OK && i < book_count(&p->book); i++) {
		book_entry *entry = book_at(&p->book, i);
		const unsigned not_there = entry->doubted & ~entry->listed & place_bit(place);

		entry->sent &= (uint16_t)~not_there;
		entry->doubted &= (uint16_t)~not_there;
	}
}

/* ---- The thread ---- */

/* A place that did not answer last time, or not yet, is asked for little before it is given much.
 */
static bool answers(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	emr_ipfs_call call = place_call(place, PROBE_MS);
	char version[EMR_IPFS_VERSION_BYTES];
	emr_ipfs *at = place->node;
	bool is_well = place->has_answered && place->fault == EMR_IPFS_FINE;

	if (is_well)
		return true;
	pthread_mutex_unlock(&p->lock);
	is_well = emr_ipfs_version(at, &call, version) == EMR_OK;
	if (is_well && is_clustered(place)) {
		at = emr_ipfs_cluster(place->node);
		is_well = emr_ipfs_version(at, &call, version) == EMR_OK;
	}
	if (!is_well)
		place_fails(place, at, &call);
	pthread_mutex_lock(&p->lock);
	place->has_answered = place->has_answered || is_well;
	return is_well;
}

/* With the lock. */
static void unstick(publisher_place *place)
{
	const book *b = &place->publisher->book;

	if (place->unstick_ns == 0 || publisher_now_ns() < place->unstick_ns)
		return;
	place->unstick_ns = 0;
	for (size_t i = 0; i < book_count(b); i++) {
		book_at(b, i)->stuck &= (uint16_t)~place_bit(place);
		book_at(b, i)->urged &= (uint16_t)~place_bit(place);
	}
}

static int64_t next_ns(const publisher_place *place)
{
	int64_t next = place->next_check_ns;

	if (place->unstick_ns != 0 && place->unstick_ns < next)
		next = place->unstick_ns;
	return place->look_ns != 0 && place->look_ns < next ? place->look_ns : next;
}

/* With the lock. */
static void serve_once(publisher_place *place)
{
	emr_publisher *p = place->publisher;

	if (publisher_now_ns() < place->retry_ns) {
		publisher_wait_until(p, place->retry_ns);
		return;
	}
	unstick(place);
	cluster_unwait(place);
	if (!answers(place))
		return;
	read_list(place);
	/* What is let go of may be what it has no room for. */
	if (place->is_full && place->at_work == 0 && let_one_go(place))
		return;
	if (publish_some(place))
		return;
	if (place->at_work > 0) { /* what is let go of may be what another thread sends */
		publisher_wait_until(p, INT64_MAX);
		return;
	}
	if (let_one_go(place) || check_one(place) || p->is_stopping)
		return;
	works_now(place);
	publisher_wait_until(p, next_ns(place));
}

/* With the lock: only to a place that is known to take what it is given. */
static void send_beside(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	const bool is_well = place->has_taken && place->failures == 0 && place->at_work > 0 &&
			     publisher_now_ns() >= place->retry_ns;

	if (!is_well || !publish_some(place))
		publisher_wait_until(p, INT64_MAX);
}

void *place_serve(void *arg)
{
	publisher_lane *lane = arg;
	publisher_place *place = lane->place;
	emr_publisher *p = place->publisher;

	publisher_step_back();
	pthread_mutex_lock(&p->lock);
	while (!p->is_stopping) {
		if (!p->has_looked)
			publisher_wait_until(p, INT64_MAX);
		else if (lane != &place->lanes[0])
			send_beside(place);
		else
			serve_once(place);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}
