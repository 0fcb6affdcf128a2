/* This file makes several nodes look like one: threads that bring blocks for whoever waits, and
 * what is asked of each node in turn. */
#include "ipfs/copies.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

#include "node_private.h"

#define AWAY_NS INT64_C(10000000000)

typedef struct waiter {
	struct waiter *next;
	uint64_t ticket;
	emr_copies_done done;
	void *arg;
} waiter;

/* A block that somebody waits for. */
typedef struct want {
	struct want *next;
	emr_cid cid;
	bool is_running;       /* a thread has it */
	bool is_told;	       /* its answer is there: who asks now is a want of his own */
	int64_t asked_boot_ns; /* the last time */
	waiter *waiters;
} want;

struct emr_copies {
	emr_ipfs *places[EMR_COPIES_PLACES_MAX];
	_Atomic int64_t away_until_boot_ns[EMR_COPIES_PLACES_MAX];
	size_t place_count;
	uint32_t fetch_ms;
	int64_t want_ns, late_ns;
	int stop_fd; /* readable from close on */
	pthread_mutex_t lock;
	pthread_cond_t work, told;
	want *wants; /* oldest first */
	uint64_t last_ticket;
	bool is_closing;
	pthread_t threads[EMR_COPIES_THREADS];
	uint64_t telling[EMR_COPIES_THREADS]; /* whose DONE each thread is in; 0: nobody's */
	size_t thread_count;
};

typedef struct thread_start {
	emr_copies *copies;
	size_t index;
} thread_start;

/* ---- Bringing one block ---- */

static int64_t boot_ns(void)
{
	return emr_clock_boot_ns(emr_clock_system());
}

/* All places, those last that gave no answer just now, or a late one. */
static void order_places(emr_copies *copies, size_t out[EMR_COPIES_PLACES_MAX])
{
	int64_t now = boot_ns();
	bool is_away[EMR_COPIES_PLACES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < copies->place_count; i++) {
		is_away[i] = now < atomic_load(&copies->away_until_boot_ns[i]);
		if (!is_away[i])
			out[n++] = i;
	}
	for (size_t i = 0; i < copies->place_count; i++) {
		if (is_away[i])
			out[n++] = i;
	}
}

/* What a place says of what others have says nothing about itself. */
static void note_whether_away(
	emr_copies *copies, size_t place, emr_status status, int64_t begun_boot_ns)
{
	bool is_away = status == EMR_OFFLINE || status == EMR_TIMEOUT ||
		       boot_ns() - begun_boot_ns > copies->late_ns;

	atomic_store(&copies->away_until_boot_ns[place], is_away ? boot_ns() + AWAY_NS : 0);
}

/* It is here, or nothing more is to be tried. */
static bool is_end(emr_status status)
{
	return status == EMR_OK || status == EMR_INTERRUPTED;
}

/* What PLACE said; *ANSWER is for whoever waits, of several places the first that failed. */
static emr_status bring_from(emr_copies *copies, const emr_cid *cid, size_t place, bool is_online,
	uint32_t ms, emr_buf *block, emr_copies_answer *answer)
{
	emr_ipfs_call call = emr_ipfs_call_of(ms, copies->stop_fd);
	int64_t begun_boot_ns = boot_ns();
	emr_status status = emr_ipfs_block(copies->places[place], &call, cid, is_online, block);

	if (!is_online)
		note_whether_away(copies, place, status, begun_boot_ns);
	if (is_end(status)) {
		*answer = (emr_copies_answer){.status = status,
			.fault = call.fault,
			.place = place,
			.block = emr_buf_view(block)};
	} else if (status == EMR_NOT_FOUND) {
		answer->has_answered = true;
	} else if (answer->status == EMR_NOT_FOUND) {
		answer->status = status;
		answer->fault = call.fault;
		answer->place = place;
	}
	return status;
}

/* True when nobody waits for it, or has for too long: who asks from now on is a want of his own. */
static bool is_over(emr_copies *copies, want *w, emr_copies_answer *answer)
{
	bool is;

	pthread_mutex_lock(&copies->lock);
	is = w->waiters == NULL || boot_ns() - w->asked_boot_ns >= copies->want_ns;
	w->is_told = is;
	pthread_mutex_unlock(&copies->lock);
	if (is && answer->status == EMR_NOT_FOUND)
		*answer = (emr_copies_answer){.status = EMR_TIMEOUT,
			.fault = EMR_IPFS_SLOW,
			.place = copies->place_count,
			.has_answered = answer->has_answered};
	return is;
}

/* What the places themselves have.  A place that comes to no end in a while is given all its time
 * when the others had theirs, so that a slow one makes none of them late. */
static bool bring_here(
	emr_copies *copies, want *w, const size_t *order, emr_buf *block, emr_copies_answer *answer)
{
	const bool is_short = copies->place_count > 1 && copies->fetch_ms > EMR_COPIES_SEARCH_MS;
	bool is_again[EMR_COPIES_PLACES_MAX] = {false};

	for (size_t n = 0; n < 2 * copies->place_count; n++) {
		size_t i = n % copies->place_count;
		bool is_first = n < copies->place_count;
		emr_status status;

		if (!is_first && !is_again[i])
			continue;
		if (is_over(copies, w, answer)) {
			answer->has_answered = true;
			return true;
		}
		status = bring_from(copies, &w->cid, order[i], false,
			is_first && is_short ? EMR_COPIES_SEARCH_MS : copies->fetch_ms, block,
			answer);
		if (is_end(status))
			return true;
		is_again[i] = is_first && is_short && status == EMR_TIMEOUT;
	}
	return false;
}

static void bring(emr_copies *copies, want *w, emr_buf *block, emr_copies_answer *answer)
{
	size_t order[EMR_COPIES_PLACES_MAX];

	*answer = (emr_copies_answer){
		.status = EMR_NOT_FOUND, .fault = EMR_IPFS_MISSING, .place = copies->place_count};
	order_places(copies, order);
	if (bring_here(copies, w, order, block, answer))
		return;
	order_places(copies, order);
	/* A search that stands still goes on when it is begun anew; a slow one needs its time. */
	for (size_t n = 0; n < 2 * copies->place_count; n++) {
		size_t i = order[n % copies->place_count];
		bool is_short = n < copies->place_count && copies->fetch_ms > EMR_COPIES_SEARCH_MS;

		if (copies->places[i]->kind != EMR_IPFS_KUBO)
			continue;
		if (is_over(copies, w, answer) ||
			is_end(bring_from(copies, &w->cid, i, true,
				is_short ? EMR_COPIES_SEARCH_MS : copies->fetch_ms, block, answer)))
			return;
	}
}

/* ---- The threads ---- */

static want *next_want(emr_copies *copies)
{
	for (want *w = copies->wants; w != NULL; w = w->next) {
		if (!w->is_running)
			return w;
	}
	return NULL;
}

static void remove_want(emr_copies *copies, want *gone)
{
	want **at = &copies->wants;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	free(gone);
}

/* One after the other, so that whoever forgets knows whether his is being told.  Called and left
 * with the lock. */
static void tell_waiters(
	emr_copies *copies, size_t thread, want *w, const emr_copies_answer *answer)
{
	while (w->waiters != NULL) {
		waiter *first = w->waiters;

		w->waiters = first->next;
		copies->telling[thread] = first->ticket;
		pthread_mutex_unlock(&copies->lock);
		first->done(first->arg, answer);
		pthread_mutex_lock(&copies->lock);
		copies->telling[thread] = 0;
		pthread_cond_broadcast(&copies->told);
		free(first);
	}
}

static void *bring_blocks(void *arg)
{
	thread_start start = *(thread_start *)arg;
	emr_copies *copies = start.copies;

	free(arg);
	pthread_mutex_lock(&copies->lock);
	for (;;) {
		want *w = next_want(copies);
		emr_copies_answer answer = {.status = EMR_INTERRUPTED,
			.fault = EMR_IPFS_CANCELLED,
			.place = copies->place_count};
		EMR_AUTO_BUF block = {0};

		if (w == NULL && copies->is_closing)
			break;
		if (w == NULL) {
			pthread_cond_wait(&copies->work, &copies->lock);
			continue;
		}
		w->is_running = true;
		/* Who forgot what nobody else wants costs no node anything. */
		if (!copies->is_closing && w->waiters != NULL) {
			pthread_mutex_unlock(&copies->lock);
			bring(copies, w, &block, &answer);
			pthread_mutex_lock(&copies->lock);
		}
		w->is_told = true;
		tell_waiters(copies, start.index, w, &answer);
		remove_want(copies, w);
	}
	pthread_mutex_unlock(&copies->lock);
	return NULL;
}

static emr_status start_thread(emr_copies *copies)
{
	thread_start *start = malloc(sizeof *start);

	if (start == NULL)
		return EMR_NO_MEMORY;
	*start = (thread_start){.copies = copies, .index = copies->thread_count};
	if (pthread_create(&copies->threads[copies->thread_count], NULL, bring_blocks, start) !=
		0) {
		free(start);
		return EMR_NO_MEMORY;
	}
	copies->thread_count++;
	return EMR_OK;
}

emr_status emr_copies_open(const emr_copies_options *options, emr_copies **out_copies)
{
	emr_copies *copies;
	emr_status status = EMR_OK;

	if (options->place_count == 0 || options->place_count > EMR_COPIES_PLACES_MAX)
		return EMR_INVALID;
	copies = calloc(1, sizeof *copies);
	if (copies == NULL)
		return EMR_NO_MEMORY;
	memcpy(copies->places, options->places, options->place_count * sizeof *copies->places);
	copies->place_count = options->place_count;
	copies->fetch_ms = options->fetch_ms != 0 ? options->fetch_ms : EMR_COPIES_FETCH_MS;
	copies->want_ns =
		INT64_C(1000000) * (options->want_ms != 0 ? options->want_ms : EMR_COPIES_WANT_MS);
	copies->late_ns =
		INT64_C(1000000) * (options->late_ms != 0 ? options->late_ms : EMR_COPIES_LATE_MS);
	pthread_mutex_init(&copies->lock, NULL);
	pthread_cond_init(&copies->work, NULL);
	pthread_cond_init(&copies->told, NULL);
	copies->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (copies->stop_fd < 0)
		status = EMR_NO_MEMORY;
	while (status == EMR_OK && copies->thread_count < EMR_COPIES_THREADS)
		status = start_thread(copies);
	if (status != EMR_OK) {
		emr_copies_close(copies);
		return status;
	}
	*out_copies = copies;
	return EMR_OK;
}

void emr_copies_close(emr_copies *copies)
{
	if (copies == NULL)
		return;
	pthread_mutex_lock(&copies->lock);
	copies->is_closing = true;
	if (copies->stop_fd >= 0)
		(void)eventfd_write(copies->stop_fd, 1);
	pthread_cond_broadcast(&copies->work);
	pthread_mutex_unlock(&copies->lock);
	for (size_t i = 0; i < copies->thread_count; i++)
		pthread_join(copies->threads[i], NULL);
	if (copies->stop_fd >= 0)
		close(copies->stop_fd);
	pthread_cond_destroy(&copies->work);
	pthread_cond_destroy(&copies->told);
	pthread_mutex_destroy(&copies->lock);
	free(copies);
}

/* ---- Reading ---- */

/* The want of CID, made when there is none; with the lock. */
static want *want_of(emr_copies *copies, const emr_cid *cid)
{
	want **at = &copies->wants;

	while (*at != NULL && ((*at)->is_told || !emr_cid_equal(&(*at)->cid, cid)))
		at = &(*at)->next;
	if (*at == NULL) {
		*at = calloc(1, sizeof **at);
		if (*at != NULL)
			(*at)->cid = *cid;
	}
	return *at;
}

emr_status emr_copies_fetch(emr_copies *copies, const emr_cid *cid, emr_copies_done done, void *arg,
	uint64_t *out_ticket)
{
	waiter *mine = calloc(1, sizeof *mine);
	want *w;

	if (mine == NULL)
		return EMR_NO_MEMORY;
	pthread_mutex_lock(&copies->lock);
	w = copies->is_closing ? NULL : want_of(copies, cid);
	if (w == NULL) {
		emr_status status = copies->is_closing ? EMR_INTERRUPTED : EMR_NO_MEMORY;

		pthread_mutex_unlock(&copies->lock);
		free(mine);
		return status;
	}
	*mine = (waiter){
		.next = w->waiters, .ticket = ++copies->last_ticket, .done = done, .arg = arg};
	w->waiters = mine;
	w->asked_boot_ns = boot_ns();
	*out_ticket = mine->ticket;
	pthread_cond_signal(&copies->work);
	pthread_mutex_unlock(&copies->lock);
	return EMR_OK;
}

/* Out of the list of who waits; with the lock. */
static bool take_out(emr_copies *copies, uint64_t ticket)
{
	for (want *w = copies->wants; w != NULL; w = w->next) {
		for (waiter **at = &w->waiters; *at != NULL; at = &(*at)->next) {
			waiter *found = *at;

			if (found->ticket != ticket)
				continue;
			*at = found->next;
			free(found);
			return true;
		}
	}
	return false;
}

static bool is_being_told(const emr_copies *copies, uint64_t ticket)
{
	for (size_t i = 0; i < EMR_COPIES_THREADS; i++) {
		if (copies->telling[i] == ticket)
			return true;
	}
	return false;
}

void emr_copies_forget(emr_copies *copies, uint64_t ticket)
{
	pthread_mutex_lock(&copies->lock);
	if (ticket != 0 && !take_out(copies, ticket)) {
		while (is_being_told(copies, ticket))
			pthread_cond_wait(&copies->told, &copies->lock);
	}
	pthread_mutex_unlock(&copies->lock);
}
