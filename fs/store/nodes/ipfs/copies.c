/* This file makes several nodes look like one: threads that bring blocks for the callers that wait.
 * The next node is asked when the one before has said no, or nothing for a moment; the first answer
 * counts, and ends the requests to the others. */
#include "ipfs/copies.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/worker.h"

#include "node_private.h"

#define AWAY_NS INT64_C(10000000000)
#define LACKS_NS INT64_C(10000000000)
#define THREADS_MAX (2 * EMR_COPIES_THREADS)

typedef struct waiter {
	struct waiter *next;
	emr_copies_done done;
	void *arg;
} waiter;

/* The questions, in this order. A node that comes to no end in a while is given all its time when
 * the others had theirs; a search that stands still goes on when it is begun again, and a slow one
 * needs its time. */
typedef enum copies_phase {
	PHASE_NONE,
	PHASE_HERE, /* of each node what it has itself */
	PHASE_HERE_AGAIN,
	PHASE_SEARCH, /* of each Kubo what others have */
	PHASE_SEARCH_AGAIN,
	PHASE_OVER,
} copies_phase;

typedef struct window window;

/* A block that somebody waits for. */
typedef struct want {
	struct want *next;
	emr_cid cid;
	window *window;	       /* it comes with others; NULL: it is asked for by itself */
	bool is_told;	       /* its answer is there: who asks now is a want of his own */
	bool is_done;	       /* everybody was told */
	int64_t asked_boot_ns; /* the last time */
	waiter *waiters;
	copies_phase phase;
	size_t queue[EMR_COPIES_NODES_MAX]; /* nodes of this phase that are still to be asked */
	size_t queue_count;
	size_t running;			    /* attempts */
	int64_t next_boot_ns;		    /* the next node is asked then, whoever is asked now */
	bool is_late[EMR_COPIES_NODES_MAX]; /* came to no end the first time */
	emr_copies_answer answer;
} want;

/* Leaves of one file that one node is asked for in one request. A leaf that it does not give is
 * asked for alone, of all nodes. */
struct window {
	emr_unixfs_run run;
	want *wants[EMR_UNIXFS_RUN_MAX]; /* NULL: told, or asked for by itself */
	size_t left;			 /* of them */
	bool is_asked;			 /* now */
};

/* The request that one thread has under way. */
typedef struct attempt {
	want *want; /* NULL: nothing, or: */
	window *window;
	size_t node;
	bool is_online;
	uint32_t ms;
	int64_t begun_boot_ns;
} attempt;

struct emr_copies {
	emr_ipfs *nodes[EMR_COPIES_NODES_MAX];
	size_t node_count;
	bool (*is_here)(void *here_arg, const emr_cid *cid);
	void *here_arg;
	uint32_t fetch_ms, search_ms;
	int64_t want_ns, late_ns, next_ns;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t work;
	int64_t away_until_boot_ns[EMR_COPIES_NODES_MAX];
	int64_t lacks_until_boot_ns[EMR_COPIES_NODES_MAX]; /* said lately that it has not what was
							    * wanted */
	int64_t alone_until_boot_ns[EMR_COPIES_NODES_MAX]; /* gave no whole window lately: it is
							    * asked for single blocks */
	size_t running[EMR_COPIES_NODES_MAX]; /* attempts: one that hangs has not all threads */
	want *wants;			      /* oldest first */
	bool is_closing;
	pthread_t threads[THREADS_MAX];
	attempt asking[THREADS_MAX];
	int cancel_fds[THREADS_MAX]; /* readable: what that thread asks is not wanted any more */
	size_t thread_max, thread_count;
};

typedef struct thread_start {
	emr_copies *copies;
	size_t index;
} thread_start;

/* ---- Which node is asked next; all of it with the lock ---- */

static int64_t boot_ns(void)
{
	return emr_clock_boot_ns(emr_clock_system());
}

/* All nodes that ARE meant, those last that gave no answer just now, or a late one. */
static void queue_nodes(emr_copies *copies, want *w,
	bool (*is_meant)(const emr_copies *copies, const want *w, size_t node))
{
	int64_t now = boot_ns();

	w->queue_count = 0;
	for (unsigned are_away = 0; are_away < 2; are_away++) {
		for (size_t i = 0; i < copies->node_count; i++) {
			bool is_away = now < copies->away_until_boot_ns[i];

			if (is_away == (are_away == 1) && is_meant(copies, w, i))
				w->queue[w->queue_count++] = i;
		}
	}
}

static bool is_any(const emr_copies *copies, const want *w, size_t node)
{
	return copies != NULL && w != NULL && node < copies->node_count;
}

static bool is_late(const emr_copies *copies, const want *w, size_t node)
{
	return is_any(copies, w, node) && w->is_late[node];
}

static bool can_search(const emr_copies *copies, const want *w, size_t node)
{
	return is_any(copies, w, node) && copies->nodes[node]->kind == EMR_IPFS_KUBO;
}

static bool is_here(copies_phase phase)
{
	return phase <= PHASE_HERE_AGAIN;
}

/* Where every node has just lacked a block, a reader that goes on has them look for the next one
 * at once, which also finds their own: half the requests. A gateway cannot look for anything. */
static bool is_sought_at_once(const emr_copies *copies)
{
	const int64_t now = boot_ns();

	for (size_t i = 0; i < copies->node_count; i++) {
		if (now >= copies->lacks_until_boot_ns[i] ||
			copies->nodes[i]->kind != EMR_IPFS_KUBO)
			return false;
	}
	return true;
}

/* When nobody of this phase is left to be asked, and nobody is being asked. */
static void next_phase(emr_copies *copies, want *w)
{
	while (w->queue_count == 0 && w->running == 0 && w->phase != PHASE_OVER) {
		w->phase = (copies_phase)(w->phase + 1);
		w->next_boot_ns = 0;
		if (w->phase == PHASE_HERE && is_sought_at_once(copies)) {
			w->phase = PHASE_SEARCH;
			w->answer.has_answered = true; /* just now */
		}
		if (w->phase == PHASE_HERE)
			queue_nodes(copies, w, is_any);
		else if (w->phase == PHASE_HERE_AGAIN)
			queue_nodes(copies, w, is_late);
		else if (w->phase != PHASE_OVER)
			queue_nodes(copies, w, can_search);
	}
}

static uint32_t time_of(const emr_copies *copies, copies_phase phase)
{
	bool is_short = phase == PHASE_SEARCH || (phase == PHASE_HERE && copies->node_count > 1);

	return is_short && copies->fetch_ms > copies->search_ms ? copies->search_ms
								: copies->fetch_ms;
}

/* How many attempts may be at one node. */
static size_t lines_of(const emr_copies *copies)
{
	size_t most = copies->thread_max / copies->node_count;

	return most > 0 ? most : 1;
}

static bool has_line(const emr_copies *copies, size_t node)
{
	return copies->running[node] < lines_of(copies);
}

/* Which of its queue, or queue_count: none yet.  A node that nobody can be sent to any more, as
 * all who were stand there, is passed over like one that says nothing. */
static size_t choose_node(const emr_copies *copies, want *w)
{
	int64_t now = boot_ns();
	size_t i = 0;

	if (w->queue_count == 0)
		return 0;
	if (w->running == 0 && has_line(copies, w->queue[0]))
		return 0;
	if (w->next_boot_ns == 0)
		w->next_boot_ns = now + copies->next_ns;
	if (now < w->next_boot_ns)
		return w->queue_count;
	while (i < w->queue_count && !has_line(copies, w->queue[i]))
		i++;
	return i;
}

/* Nobody waits for it, or has for too long: who asks from now on is a want of his own. */
static bool is_given_up(const want *w, const emr_copies *copies)
{
	return w->waiters == NULL || boot_ns() - w->asked_boot_ns >= copies->want_ns;
}

/* Nothing more is tried for it. Tells the caller what its nodes said, or that its time is over. */
static bool is_over(emr_copies *copies, want *w)
{
	if (w->running > 0)
		return false;
	if (copies->is_closing) {
		w->answer = (emr_copies_answer){.status = EMR_INTERRUPTED,
			.fault = EMR_IPFS_CANCELLED,
			.node = copies->node_count};
		return true;
	}
	next_phase(copies, w);
	if (w->phase == PHASE_OVER)
		return true;
	if (!is_given_up(w, copies))
		return false;
	if (w->answer.status == EMR_NOT_FOUND && is_here(w->phase)) /* not all have said so */
		w->answer = (emr_copies_answer){.status = EMR_TIMEOUT,
			.fault = EMR_IPFS_SLOW,
			.node = copies->node_count,
			.has_answered = w->answer.has_answered};
	w->answer.has_answered = w->answer.has_answered || is_here(w->phase);
	return true;
}

/* ---- Windows; all of it with the lock ---- */

static void leave_window(want *w)
{
	window *v = w->window;

	for (size_t i = 0; i < v->run.count; i++) {
		if (v->wants[i] == w)
			v->wants[i] = NULL;
	}
	w->window = NULL;
	v->left--;
}

/* The rest of a window is asked for leaf by leaf. */
static void end_window(window *v)
{
	for (size_t i = 0; i < v->run.count; i++) {
		if (v->wants[i] != NULL)
			v->wants[i]->window = NULL;
	}
	free(v);
}

static bool may_have_windows(const emr_copies *copies, size_t node, int64_t now)
{
	return copies->nodes[node]->kind == EMR_IPFS_KUBO &&
	       now >= copies->away_until_boot_ns[node] &&
	       now >= copies->alone_until_boot_ns[node] && now >= copies->lacks_until_boot_ns[node];
}

/* The first node that can be asked for a window now: half of a node's lines are kept for blocks
 * that somebody waits for.  node_count: none; *OUT_IS_ANY: one could be asked later. */
static size_t window_node(const emr_copies *copies, bool *out_is_any)
{
	const size_t most = (lines_of(copies) + 1) / 2;
	const int64_t now = boot_ns();

	*out_is_any = false;
	for (size_t i = 0; i < copies->node_count; i++) {
		if (!may_have_windows(copies, i, now))
			continue;
		*out_is_any = true;
		if (copies->running[i] < most)
			return i;
	}
	return copies->node_count;
}

/* How long one leaf may take: what else could give it does not wait for long. */
static uint32_t window_still_ms(const emr_copies *copies)
{
	uint32_t late_ms = (uint32_t)(copies->late_ns / 1000000);
	uint32_t still_ms = copies->node_count > 1 ? late_ms : copies->search_ms;

	return still_ms < copies->fetch_ms ? still_ms : copies->fetch_ms;
}

/* True: *OUT is to be asked for the window of W.  Where nobody can be asked, or nobody waits any
 * more, it has none from now on. */
static bool window_attempt(emr_copies *copies, want *w, attempt *out)
{
	bool is_any;
	const size_t node = window_node(copies, &is_any);

	if (w->window->is_asked)
		return false;
	if (copies->is_closing || is_given_up(w, copies) || !is_any) {
		end_window(w->window);
		return false;
	}
	if (node == copies->node_count)
		return false;
	*out = (attempt){.window = w->window,
		.node = node,
		.ms = window_still_ms(copies),
		.begun_boot_ns = boot_ns()};
	return true;
}

/* True: *OUT is to be asked.  *OUT_OVER: a want that is to be told.  Neither: not before *OUT_NS.
 */
static bool next_attempt(emr_copies *copies, attempt *out, want **out_over, int64_t *out_ns)
{
	*out_over = NULL;
	*out_ns = EMR_NEVER_NS;
	for (want *w = copies->wants; w != NULL; w = w->next) {
		size_t at;

		if (w->is_told)
			continue;
		if (w->window != NULL && window_attempt(copies, w, out))
			return true;
		if (w->window != NULL)
			continue;
		if (is_over(copies, w)) {
			*out_over = w;
			return false;
		}
		if (copies->is_closing || is_given_up(w, copies))
			continue;
		at = choose_node(copies, w);
		if (at == w->queue_count) {
			if (w->queue_count > 0 && w->next_boot_ns > boot_ns() &&
				w->next_boot_ns < *out_ns)
				*out_ns = w->next_boot_ns;
			continue;
		}
		*out = (attempt){.want = w,
			.node = w->queue[at],
			.is_online = !is_here(w->phase),
			.ms = time_of(copies, w->phase),
			.begun_boot_ns = boot_ns()};
		memmove(&w->queue[at], &w->queue[at + 1],
			(w->queue_count - at - 1) * sizeof *w->queue);
		w->queue_count--;
		w->next_boot_ns = out->begun_boot_ns + copies->next_ns;
		return true;
	}
	return false;
}

/* ---- Bringing one block ---- */

/* It is here, or nothing more is to be tried. */
static bool is_end(emr_status status)
{
	return status == EMR_OK || status == EMR_INTERRUPTED;
}

/* With the lock. A node's word about blocks of others says nothing about itself. */
static void note_whether_away(emr_copies *copies, const attempt *a, emr_status status)
{
	int64_t now = boot_ns();
	bool is_away = emr_status_is_away(status) || now - a->begun_boot_ns > copies->late_ns;

	if (status == EMR_OFFLINE) /* whoever is next asks whether it is there at all */
		copies->lacks_until_boot_ns[a->node] = 0;
	if (a->is_online || status == EMR_INTERRUPTED)
		return;
	copies->lacks_until_boot_ns[a->node] = status == EMR_NOT_FOUND ? now + LACKS_NS : 0;
	copies->away_until_boot_ns[a->node] = is_away ? now + AWAY_NS : 0;
}

/* How much who waits needs to know it: whoever could not say may have the block. */
static unsigned weight_of(emr_status status)
{
	if (status == EMR_NOT_FOUND)
		return 0;
	return status == EMR_DAMAGED || status == EMR_LIMIT ? 1 : 2;
}

/* With the lock: what a node said; of several that weigh the same the first is for whoever
 * waits. */
static void note_answer(
	const emr_copies *copies, const attempt *a, emr_status status, emr_ipfs_fault fault)
{
	emr_copies_answer *answer = &a->want->answer;

	if (a->want->phase == PHASE_HERE)
		a->want->is_late[a->node] = status == EMR_TIMEOUT && a->ms < copies->fetch_ms;
	if (status == EMR_NOT_FOUND)
		answer->has_answered = true;
	/* It has said already that it has none itself, which a search without an end does not
	 * change. */
	if (a->is_online && status == EMR_TIMEOUT)
		return;
	if (weight_of(status) > weight_of(answer->status)) {
		answer->status = status;
		answer->fault = fault;
		answer->node = a->node;
	}
}

static void remove_want(emr_copies *copies, want *gone)
{
	want **at = &copies->wants;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	free(gone);
}

/* Called and left with the lock; W is gone then, or will be when nobody asks for it any more. */
static void tell_waiters(emr_copies *copies, want *w, const emr_copies_answer *answer)
{
	w->is_told = true;
	pthread_mutex_unlock(&copies->lock);
	while (w->waiters != NULL) { /* whoever asks now is another want */
		waiter *first = w->waiters;

		w->waiters = first->next;
		first->done(first->arg, answer);
		free(first);
	}
	pthread_mutex_lock(&copies->lock);
	w->is_done = true;
	if (w->running == 0)
		remove_want(copies, w);
}

/* With the lock: whoever else asks for what WINNER wanted stops.  Where its node gave it, one that
 * was asked before and overtaken is itself asked after the others for a while. */
static void cancel_others(emr_copies *copies, const attempt *winner, bool has_given)
{
	for (size_t i = 0; i < copies->thread_count; i++) {
		const attempt *a = &copies->asking[i];

		if (a->want != winner->want)
			continue;
		(void)eventfd_write(copies->cancel_fds[i], 1);
		if (has_given && !a->is_online && a->begun_boot_ns < winner->begun_boot_ns)
			copies->away_until_boot_ns[a->node] = boot_ns() + AWAY_NS;
	}
}

/* Called and left with the lock. */
static void run_attempt(emr_copies *copies, size_t thread, const attempt *a)
{
	emr_ipfs_call call = emr_ipfs_call_of(a->ms, copies->cancel_fds[thread]);
	want *w = a->want;
	EMR_AUTO_BUF block = {0};
	emr_copies_answer answer;
	eventfd_t ignored;
	emr_status status = EMR_OK;
	bool is_here;

	w->running++;
	copies->running[a->node]++;
	copies->asking[thread] = *a;
	/* Somebody looks at the clock meanwhile: this thread may have been the one who did. */
	pthread_cond_signal(&copies->work);
	pthread_mutex_unlock(&copies->lock);
	is_here = copies->is_here != NULL && copies->is_here(copies->here_arg, &w->cid);
	if (!is_here)
		status = emr_ipfs_block(
			copies->nodes[a->node], &call, &w->cid, a->is_online, &block);
	pthread_mutex_lock(&copies->lock);
	copies->asking[thread] = (attempt){0};
	(void)eventfd_read(copies->cancel_fds[thread], &ignored);
	w->running--;
	copies->running[a->node]--;
	if (!is_here)
		note_whether_away(copies, a, status);
	if (w->is_told) {
		if (w->is_done && w->running == 0)
			remove_want(copies, w);
		return;
	}
	if (!is_end(status)) {
		note_answer(copies, a, status, call.fault);
		return;
	}
	cancel_others(copies, a, !is_here);
	answer = (emr_copies_answer){.status = status,
		.fault = call.fault,
		.node = is_here ? copies->node_count : a->node,
		.block = emr_buf_view(&block)};
	tell_waiters(copies, w, &answer);
}

/* ---- Bringing a window ---- */

typedef struct window_run {
	emr_copies *copies;
	window *window;
	size_t node, came;
	int64_t begun_boot_ns;
} window_run;

/* One leaf at a time could be had elsewhere by now: its node is overtaken as with single blocks.
 */
static bool is_slow(const window_run *r)
{
	const emr_copies *copies = r->copies;
	const int64_t most_ns = copies->late_ns + (int64_t)r->came * copies->next_ns;

	return copies->node_count > 1 && boot_ns() - r->begun_boot_ns > most_ns;
}

static emr_status leaf_came(void *arg, size_t leaf, emr_buf *block)
{
	window_run *r = arg;
	const emr_copies_answer answer = {
		.status = EMR_OK, .node = r->node, .block = emr_buf_view(block)};
	want *w;

	pthread_mutex_lock(&r->copies->lock);
	w = r->window->wants[leaf];
	w->running--;
	leave_window(w);
	r->came++;
	tell_waiters(r->copies, w, &answer);
	pthread_mutex_unlock(&r->copies->lock);
	return is_slow(r) ? emr_ipfs_fault_status(EMR_IPFS_SLOW) : EMR_OK;
}

/* With the lock. */
static void note_window(emr_copies *copies, const attempt *a, emr_status status, size_t came)
{
	int64_t now = boot_ns();

	if (is_end(status))
		return;
	if (status == EMR_NOT_FOUND) {
		copies->lacks_until_boot_ns[a->node] = now + LACKS_NS;
		return;
	}
	copies->alone_until_boot_ns[a->node] = now + AWAY_NS;
	if (came == 0 && emr_status_is_away(status))
		copies->away_until_boot_ns[a->node] = now + AWAY_NS;
	if (status == EMR_OFFLINE)
		copies->lacks_until_boot_ns[a->node] = 0;
}

static void count_running(const window *v, int by)
{
	for (size_t i = 0; i < v->run.count; i++) {
		if (v->wants[i] != NULL)
			v->wants[i]->running += (size_t)by;
	}
}

/* Called and left with the lock.  A window of which a node has nothing is asked of the next one,
 * or sought at others. */
static void run_window(emr_copies *copies, size_t thread, const attempt *a)
{
	emr_ipfs_call call = emr_ipfs_call_of(copies->fetch_ms, copies->cancel_fds[thread]);
	window *v = a->window;
	window_run r = {
		.copies = copies, .window = v, .node = a->node, .begun_boot_ns = a->begun_boot_ns};
	const emr_ipfs_window asked = {
		.run = &v->run, .still_ms = a->ms, .take = leaf_came, .arg = &r};
	eventfd_t ignored;
	emr_status status;

	v->is_asked = true;
	count_running(v, 1);
	copies->running[a->node]++;
	pthread_cond_signal(&copies->work);
	pthread_mutex_unlock(&copies->lock);
	status = emr_ipfs_read_window(copies->nodes[a->node], &call, &asked);
	pthread_mutex_lock(&copies->lock);
	(void)eventfd_read(copies->cancel_fds[thread], &ignored);
	copies->running[a->node]--;
	count_running(v, -1);
	v->is_asked = false;
	note_window(copies, a, status, r.came);
	if (v->left == 0 || status != EMR_NOT_FOUND || r.came > 0)
		end_window(v);
}

/* ---- The threads ---- */

static void *bring_blocks(void *arg)
{
	thread_start start = *(thread_start *)arg;
	emr_copies *copies = start.copies;

	free(arg);
	pthread_mutex_lock(&copies->lock);
	for (;;) {
		want *over;
		attempt a = {0};
		int64_t until;

		if (next_attempt(copies, &a, &over, &until) && a.window != NULL)
			run_window(copies, start.index, &a);
		else if (over == NULL && a.want != NULL)
			run_attempt(copies, start.index, &a);
		else if (over != NULL)
			tell_waiters(copies, over, &over->answer);
		else if (copies->is_closing)
			break;
		else
			emr_cond_wait_until(&copies->work, &copies->lock, until);
	}
	pthread_mutex_unlock(&copies->lock);
	return NULL;
}

static emr_status start_thread(emr_copies *copies)
{
	thread_start *start = malloc(sizeof *start);

	if (start == NULL)
		return EMR_NO_MEMORY;
	copies->cancel_fds[copies->thread_count] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*start = (thread_start){.copies = copies, .index = copies->thread_count};
	if (copies->cancel_fds[copies->thread_count] < 0 ||
		pthread_create(&copies->threads[copies->thread_count], NULL, bring_blocks, start) !=
			0) {
		if (copies->cancel_fds[copies->thread_count] >= 0)
			close(copies->cancel_fds[copies->thread_count]);
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

	if (options->node_count == 0 || options->node_count > EMR_COPIES_NODES_MAX)
		return EMR_INVALID;
	copies = calloc(1, sizeof *copies);
	if (copies == NULL)
		return EMR_NO_MEMORY;
	memcpy(copies->nodes, options->nodes, options->node_count * sizeof *copies->nodes);
	copies->node_count = options->node_count;
	copies->is_here = options->is_here;
	copies->here_arg = options->here_arg;
	copies->fetch_ms = options->fetch_ms != 0 ? options->fetch_ms : EMR_COPIES_FETCH_MS;
	copies->search_ms = options->search_ms != 0 ? options->search_ms : EMR_COPIES_SEARCH_MS;
	copies->want_ns =
		INT64_C(1000000) * (options->want_ms != 0 ? options->want_ms : EMR_COPIES_WANT_MS);
	copies->late_ns =
		INT64_C(1000000) * (options->late_ms != 0 ? options->late_ms : EMR_COPIES_LATE_MS);
	copies->next_ns =
		INT64_C(1000000) * (options->next_ms != 0 ? options->next_ms : EMR_COPIES_NEXT_MS);
	copies->thread_max = copies->node_count > 1 ? THREADS_MAX : EMR_COPIES_THREADS;
	pthread_mutex_init(&copies->lock, NULL);
	emr_cond_init(&copies->work);
	pthread_mutex_lock(&copies->lock);
	while (status == EMR_OK && copies->thread_count < copies->thread_max)
		status = start_thread(copies);
	pthread_mutex_unlock(&copies->lock);
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
	for (size_t i = 0; i < copies->thread_count; i++)
		(void)eventfd_write(copies->cancel_fds[i], 1);
	pthread_cond_broadcast(&copies->work);
	pthread_mutex_unlock(&copies->lock);
	for (size_t i = 0; i < copies->thread_count; i++)
		pthread_join(copies->threads[i], NULL);
	for (size_t i = 0; i < copies->thread_count; i++)
		close(copies->cancel_fds[i]);
	pthread_cond_destroy(&copies->work);
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
			**at = (want){.cid = *cid,
				.answer = {.status = EMR_NOT_FOUND,
					.fault = EMR_IPFS_MISSING,
					.node = copies->node_count}};
	}
	return *at;
}

/* With the lock; NULL: no memory. */
static want *ask_for(emr_copies *copies, const emr_cid *cid, emr_copies_done done, void *arg)
{
	waiter *mine = calloc(1, sizeof *mine);
	want *w = mine != NULL ? want_of(copies, cid) : NULL;

	if (w == NULL) {
		free(mine);
		return NULL;
	}
	*mine = (waiter){.next = w->waiters, .done = done, .arg = arg};
	w->waiters = mine;
	w->asked_boot_ns = boot_ns();
	return w;
}

emr_status emr_copies_fetch(emr_copies *copies, const emr_cid *cid, emr_copies_done done, void *arg)
{
	emr_status status = EMR_OK;

	pthread_mutex_lock(&copies->lock);
	if (copies->is_closing)
		status = EMR_INTERRUPTED;
	else if (ask_for(copies, cid, done, arg) == NULL)
		status = EMR_NO_MEMORY;
	pthread_cond_signal(&copies->work);
	pthread_mutex_unlock(&copies->lock);
	return status;
}

/* With the lock.  W is leaf I of RUN, and behind what V has, or V is NULL; NULL: W stays alone. */
static window *join_window(window *v, const emr_unixfs_run *run, size_t i, want *w)
{
	if (v == NULL)
		v = calloc(1, sizeof *v);
	if (v == NULL)
		return NULL;
	emr_unixfs_run_part(run, i - v->run.count, v->run.count + 1, &v->run);
	v->wants[v->left++] = w;
	w->window = v;
	return v;
}

size_t emr_copies_fetch_run(
	emr_copies *copies, const emr_unixfs_run *run, emr_copies_done done, void *const *args)
{
	window *v = NULL;
	size_t taken = 0;

	pthread_mutex_lock(&copies->lock);
	while (taken < run->count && !copies->is_closing) {
		want *w = ask_for(copies, &run->leaves[taken], done, args[taken]);
		bool is_new = w != NULL && w->waiters->next == NULL && w->window == NULL &&
			      w->phase == PHASE_NONE;
		if (w == NULL)
			break;
		if (!is_new && v != NULL && v->run.count == 1)
			end_window(v);
		v = is_new ? join_window(v, run, taken, w) : NULL;
		taken++;
	}
	if (v != NULL && v->run.count == 1)
		end_window(v);
	pthread_cond_signal(&copies->work);
	pthread_mutex_unlock(&copies->lock);
	return taken;
}
