/* This file gives one place what it lacks: whole batches, in as few imports as it takes well, each
 * root that may be there asked for first.  One record that a place does not take never keeps the
 * others back. */
#include "place.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "load.h"

#define PUSH_MS 60000 /* and a second for each of so many bytes: */
#define PUSH_BYTES_A_S ((uint64_t)64 << 10)
#define IMPORT_MS 5000		       /* a collection waits for it, and all others behind that */
#define PUSH_TELLS ((uint64_t)8 << 20) /* an import of fewer bytes says little of a place */

/* ---- What is chosen ---- */

static emr_status note_and_write(publisher_place *place, const pick *picks, size_t n,
	book_mark mark, bool (*is_meant)(const pick *pick))
{
	emr_publisher *p = place->publisher;
	emr_status status = EMR_OK;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		if (is_meant(&picks[i]))
			status = place_note(place, &picks[i].root, mark);
	}
	if (status == EMR_OK)
		status = place_write_lines(p);
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
			.may_be_there = place_is_clustered(place) || (entry->sent & bit) != 0,
			.was_begun = (entry->sent & ~entry->doubted & bit) != 0};
	}
	return n;
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
		status = place_is_clustered(place)
				 ? cluster_ask(place, &picks[i])
				 : place_ask(place, &picks[i].root, &picks[i].is_held, &fault);
		if (status != EMR_OK && place_is_of_content(fault))
			place_stick(place, &picks[i]);
		else if (!place_is_clustered(place) && !picks[i].is_held && picks[i].was_begun)
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

/* ---- One import ---- */

static uint32_t push_ms(const publisher_place *place, uint64_t bytes)
{
	const uint32_t base_ms = place->publisher->options.push_ms;

	return (uint32_t)((base_ms != 0 ? base_ms : PUSH_MS) + bytes / PUSH_BYTES_A_S * 1000);
}

/* A load that may have caused the fault is sent in smaller parts, so that one record does not keep
 * back all. */
static void shrink(publisher_place *place, emr_ipfs_fault fault, const load *l, pick *only)
{
	const size_t roots = l->roots.len / sizeof(emr_cid);
	const bool is_least = roots <= 1 && l->bytes <= LOAD_BYTES;

	if (!place_is_of_content(fault))
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
	emr_ipfs_call call = place_call(place, push_ms(place, l->bytes));
	emr_ipfs_parcel parcel;
	emr_status status = load_seal(l, &parcel);

	wait->paused_ns = 0;
	parcel.still_ms = place->publisher->options.still_ms;
	if (status == EMR_OK)
		status = emr_ipfs_push(place->node, &call, &parcel);
	note_pace(place, status, l->bytes, begun_ns + wait->paused_ns);
	*out_fault = call.fault;
	if (status != EMR_OK)
		place_fails_with(
			place, call.fault != EMR_IPFS_FINE ? call.fault : EMR_IPFS_HERE, call.said);
	return status;
}

/* Notes the node above some leaves, which keeps them until the record's own root is there: it must
 * be told to go, whatever happens. */
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
		status = place_write_lines(p);
	pthread_mutex_unlock(&p->lock);
	if (status != EMR_OK)
		place_fails_here(place, status);
	return status;
}

static emr_status send_piece(publisher_place *place, load *l, emr_ipfs_fault *out_fault)
{
	bool is_there = false;

	EMR_TRY(place_ask(place, &l->made_cid, &is_there, out_fault));
	if (is_there)
		load_gives(l, l->bytes);
	if (is_there)
		return EMR_OK;
	EMR_TRY(note_piece(place, l));
	return push(place, l, out_fault);
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
		place_fails_here(place, here);
	}
	pieces_free(&rest);
	if (status != EMR_OK)
		shrink(place, fault, l, one);
	else if (place_is_clustered(place))
		status = cluster_pin(place, one);
	else
		one->is_held = true;
	return status;
}

/* A record that is not whole here cannot be sent; the place may have it from another computer. A
 * record that cannot be read just now (too many open files, a bad sector) is not known to be lost:
 * here.c looks. */
static void set_aside(publisher_place *place, pick *one, emr_status status)
{
	if (!one->may_be_there) {
		ask_first(place, one);
		return;
	}
	emr_log(EMR_LOG_WARN, "publisher: a record that is not whole here: %s",
		emr_status_text(status));
	one->is_stuck = true;
	place_stick_root(place, &one->root);
	if (status == EMR_MISSING_DATA || status == EMR_DAMAGED)
		here_note_lacking(place->publisher, &one->root);
}

typedef struct filling {
	size_t n;    /* of the picks: those that come first */
	pick *large; /* the first to be sent, which does not fit even alone; NULL: there is none */
	uint64_t bytes; /* that are to go */
} filling;

/* As many as fit.  EMR_NO_MEMORY says nothing of any record. */
static emr_status fill(publisher_place *place, load *l, pick *picks, size_t n, filling *out)
{
	bool fits = true;
	size_t i;

	*out = (filling){.large = NULL};
	for (i = 0; fits && i < n; i++) {
		uint64_t bytes;
		emr_status status;

		if (!is_to_be_sent(&picks[i]))
			continue;
		status = load_add(l, &picks[i].root, &fits, &bytes);
		if (status == EMR_NO_MEMORY)
			return status;
		if (status != EMR_OK) {
			set_aside(place, &picks[i], status);
			fits = true;
		} else if (!fits && l->roots.len == 0) {
			out->large = &picks[i];
			out->bytes = bytes;
		}
	}
	out->n = fits || out->large != NULL ? i : i - 1;
	if (out->large == NULL)
		out->bytes = l->bytes;
	return EMR_OK;
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
		if (place_is_clustered(place))
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
	pthread_cond_broadcast(&p->wake); /* who found nothing, because they were chosen */
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
	filling what = {0};
	emr_status status = ask_each(place, picks, n), noted;

	if (status == EMR_OK) {
		l.room = room_of(place);
		status = fill(place, &l, picks, n, &what);
		if (status != EMR_OK)
			place_fails_here(place, status);
	}
	if (status == EMR_OK) {
		n = what.n;
		atomic_fetch_add(&place->going_of, what.bytes);
		end_going(place, picks + n, chosen - n);
		/* Before the first byte goes: whoever is killed now asks next time. */
		noted = note_and_write(place, picks, n, BOOK_SENT, is_to_be_sent);
		if (noted != EMR_OK) {
			place_fails_here(place, noted);
			status = noted;
		} else {
			status = what.large != NULL ? send_in_pieces(place, &l, what.large)
						    : send_batch(place, &l, picks, n);
		}
	}
	atomic_fetch_sub(&place->going, l.gave);
	atomic_fetch_sub(&place->going_of, what.bytes);
	noted = note_and_write(place, picks, n, BOOK_HELD, is_held);
	if (noted != EMR_OK)
		place_fails_here(place, noted);
	if (place->publisher->options.copied != NULL)
		place->publisher->options.copied(place->publisher->options.arg);
	if (status == EMR_OK)
		place_works(place);
	end_going(place, picks, n);
	load_free(&l);
	return status == EMR_OK ? noted : status;
}

/* With the lock, which it gives back meanwhile.  False: there is nothing to send. */
bool place_send_some(publisher_place *place)
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
