/* This file is one place as the publisher sees it: what is noted of it, how it goes, what people
 * are told of it, and how its threads wait.  A failed request is tried again after a pause that
 * grows. */
#include "place.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "ipfs/cluster.h"

#define NICE 10			     /* of the publisher's threads: who saves goes first */
#define PAUSE_NS INT64_C(1000000000) /* after the first failure; twice as long after each more */
#define PAUSE_DOUBLINGS 6
#define TELL_NS INT64_C(3600000000000) /* a person is told of one kind of failure once in it */
#define UNSTICK_NS INT64_C(600000000000)

uint16_t place_bit(const publisher_place *place)
{
	return (uint16_t)(1u << place->number);
}

emr_ipfs_call place_call(const publisher_place *place, uint32_t timeout_ms)
{
	return emr_ipfs_call_of(timeout_ms, place->publisher->stop_fd);
}

/* ---- Waiting ---- */

int64_t publisher_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void publisher_step_back(void)
{
	if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICE) != 0)
		emr_log(EMR_LOG_INFO, "publisher: its threads run like any other");
}

void publisher_wait_until(emr_publisher *p, int64_t until_ns)
{
	const struct timespec until = {
		.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};

	if (until_ns == INT64_MAX)
		pthread_cond_wait(&p->wake, &p->lock);
	else
		pthread_cond_timedwait(&p->wake, &p->lock, &until);
}

/* ---- What is noted ---- */

/* With the lock; gives it back for as long as the disk takes. */
emr_status place_write_lines(emr_publisher *p)
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

/* With the lock. Roots that left the book need no note. */
emr_status place_note(publisher_place *place, const emr_cid *root, book_mark mark)
{
	book *b = &place->publisher->book;
	book_entry *entry = book_find(b, root);

	return entry == NULL ? EMR_OK : book_set(b, entry, place->number, mark);
}

/* ---- What people are told ---- */

/* Returns the address by which people know it. */
static const char *address_of(const publisher_place *place)
{
	const emr_ipfs *cluster = emr_ipfs_cluster(place->node);

	return emr_ipfs_address(cluster != NULL ? cluster : place->node);
}

/* With the lock.  True: there is one that the place does not take, does not let go of, or comes to
 * no end with. */
static bool count_records(const emr_publisher *p, uint16_t bit, emr_publisher_place *out)
{
	bool is_any = false;

	for (size_t i = 0; i < book_count(&p->book); i++) {
		const book_entry *entry = book_at(&p->book, i);
		bool is_held = (entry->held & bit) != 0;
		bool is_lacking = entry->is_wanted && !is_held;
		/* Where the pins are away nothing is known to be erased. */
		bool is_leaving = !p->options.has_nothing && !entry->is_wanted &&
				  ((entry->held | entry->sent) & bit) != 0;

		out->records += entry->is_wanted;
		out->held += entry->is_wanted && is_held;
		out->leaving += is_leaving;
		out->stuck += is_lacking && (entry->stuck & bit) != 0;
		out->late += is_lacking && (entry->late & bit) != 0;
		is_any = is_any || (is_leaving && (entry->stuck & bit) != 0);
	}
	return is_any || out->stuck + out->late > 0;
}

void emr_publisher_look(emr_publisher *p, size_t index, emr_publisher_place *out_place)
{
	const publisher_place *place = &p->places[index];
	const char *said = place->said;

	pthread_mutex_lock(&p->lock);
	*out_place = (emr_publisher_place){.address = address_of(place),
		.failed = place->failed,
		.counts = place->copies,
		.has_answered = place->has_answered,
		.sending = atomic_load(&p->places[index].going),
		.sending_of = atomic_load(&p->places[index].going_of),
		.fault = place->fault};
	if (count_records(p, place_bit(place), out_place) && place->fault == EMR_IPFS_FINE) {
		out_place->fault = place->trouble;
		out_place->failed = place->troubled;
		said = place->trouble_said;
	} else if (place->fault == EMR_IPFS_FINE && place_is_unsynced(place)) {
		out_place->fault = EMR_IPFS_UNSYNCED;
		out_place->failed = address_of(place);
	}
	memcpy(out_place->said, said, sizeof out_place->said);
	pthread_mutex_unlock(&p->lock);
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

void place_works_now(publisher_place *place)
{
	place->has_answered = true;
	place->fault = EMR_IPFS_FINE;
	place->said[0] = '\0';
	place->failures = 0;
}

void place_works(publisher_place *place)
{
	pthread_mutex_lock(&place->publisher->lock);
	place_works_now(place);
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

bool place_is_away(emr_ipfs_fault fault)
{
	return fault != EMR_IPFS_CANCELLED && fault != EMR_IPFS_BUSY && fault != EMR_IPFS_FULL &&
	       fault != EMR_IPFS_HERE;
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
	place->was_away = place->was_away || (place_is_away(fault) && !place_is_of_content(fault));
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

/* With the lock, which it gives back while who waits for copies is told of some. */
static void note_verdict(publisher_place *place, bool is_unsynced)
{
	emr_publisher *p = place->publisher;

	if (is_unsynced == place_is_unsynced(place))
		return;
	if (book_set_unsynced(&p->book, place->number, is_unsynced) != EMR_OK ||
		place_write_lines(p) != EMR_OK)
		emr_log(EMR_LOG_WARN, "publisher: whether a place syncs could not be noted");
	if (is_unsynced) { /* what only it has no place holds: that is said again */
		p->here_asked++;
		pthread_cond_broadcast(&p->wake);
		return;
	}
	place->told_ns[EMR_IPFS_UNSYNCED] = 0;
	pthread_mutex_unlock(&p->lock);
	if (p->options.copied != NULL)
		p->options.copied(p->options.arg);
	pthread_mutex_lock(&p->lock);
}

/* The token may not see it, or what stands there does not have it.  An answer that cannot be read
 * says neither: what was known stays. */
static bool is_hidden(const emr_ipfs_call *call)
{
	return call->fault == EMR_IPFS_TOKEN || call->fault == EMR_IPFS_NOT_ALLOWED ||
	       (call->fault == EMR_IPFS_STRANGE && call->http_status == 404);
}

void place_look_whether_it_syncs(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	emr_ipfs_call call = place_call(place, PLACE_ASK_MS);
	emr_ipfs_verdict verdict = EMR_IPFS_UNKNOWN;
	emr_status status;

	if (publisher_now_ns() < place->ask_sync_ns)
		return;
	place->ask_sync_ns = 0;
	if (place_is_clustered(place)) /* goes by the word of its peers */
		return;
	pthread_mutex_unlock(&p->lock);
	status = emr_ipfs_syncs(place->node, &call, &verdict);
	pthread_mutex_lock(&p->lock);
	if (status == EMR_OK)
		note_verdict(place, verdict == EMR_IPFS_BROKEN);
	else if (is_hidden(&call))
		note_verdict(place, false); /* it goes by the node's word */
	else
		place->ask_sync_ns = publisher_now_ns() + PLACE_UNSYNCED_NS;
}

bool place_tells_unsynced(publisher_place *place)
{
	emr_publisher *p = place->publisher;

	if (!place_is_unsynced(place) || place->told_ns[EMR_IPFS_UNSYNCED] != 0)
		return false;
	place->told_ns[EMR_IPFS_UNSYNCED] = publisher_now_ns();
	pthread_mutex_unlock(&p->lock);
	tell(place, EMR_IPFS_UNSYNCED, true);
	pthread_mutex_lock(&p->lock);
	return true;
}

void place_fails_with(publisher_place *place, emr_ipfs_fault fault, const char *said)
{
	fails_at(place, emr_ipfs_address(place->node), fault, said);
}

/* Our own side: memory, or the disk. */
void place_fails_here(publisher_place *place, emr_status status)
{
	emr_log(EMR_LOG_WARN, "publisher: %s", emr_status_text(status));
	place_fails_with(place, EMR_IPFS_HERE, emr_status_text(status));
}

/* ---- What is asked of it, and what it does not come to an end with ---- */

bool place_is_unsynced(const publisher_place *place)
{
	return (place->publisher->book.unsynced & place_bit(place)) != 0;
}

bool place_is_clustered(const publisher_place *place)
{
	return emr_ipfs_cluster(place->node) != NULL;
}

bool place_is_of_content(emr_ipfs_fault fault)
{
	return fault == EMR_IPFS_NOT_KEPT || fault == EMR_IPFS_BAD_CAR ||
	       fault == EMR_IPFS_TOO_LARGE || fault == EMR_IPFS_HERE || fault == EMR_IPFS_SLOW ||
	       fault == EMR_IPFS_ERROR;
}

/* It is left alone for a while, and the others go on: all of them before it is tried again. */
void place_stick_root(publisher_place *place, const emr_cid *root)
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
void place_stick_for_fault(publisher_place *place, const emr_cid *root)
{
	pthread_mutex_lock(&place->publisher->lock);
	keep_trouble(place);
	pthread_mutex_unlock(&place->publisher->lock);
	place_stick_root(place, root);
}

void place_stick(publisher_place *place, pick *one)
{
	one->is_stuck = true;
	place_stick_for_fault(place, &one->root);
}

emr_status place_ask(
	publisher_place *place, const emr_cid *root, bool *out_is_held, emr_ipfs_fault *out_fault)
{
	emr_ipfs_call call = place_call(place, PLACE_ASK_MS);
	emr_ipfs_holding holding = {0};
	emr_status status = emr_ipfs_holds(place->node, &call, root, &holding);

	*out_is_held = status == EMR_OK && holding.is_pinned && holding.is_whole;
	*out_fault = call.fault;
	if (status != EMR_OK)
		place_fails_with(place, call.fault, call.said);
	return status;
}
