/* This file holds the requests that were put aside, each with a deadline, and makes sure that each
 * is answered exactly once: by its work, by the deadline, or because the program was interrupted.
 * A request is never answered twice. */
#include "park.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"

typedef struct waiting {
	uint64_t id; /* 0: free */
	fuse_req_t req;
	int64_t deadline_ns;
	bool is_pinned; /* whoever put it in still needs REQ: nobody answers it yet */
	bool is_interrupted;
} waiting;

static pthread_mutex_t lock =
	PTHREAD_MUTEX_INITIALIZER; /* below every other lock; nothing is called under it */
static waiting table[WAIT_MAX];
static uint64_t last_id;
static size_t count;
static bool runs; /* of whoever starts and stops; all above: lock */
static emr_worker watcher;

/* Under lock: the entry whose deadline comes first, NULL when nothing that may be answered waits.
 */
static waiting *first_due(void)
{
	waiting *first = NULL;

	for (size_t i = 0; i < WAIT_MAX; i++)
		if (table[i].id != 0 && !table[i].is_pinned &&
			(first == NULL || table[i].deadline_ns < first->deadline_ns))
			first = &table[i];
	return first;
}

/* Under lock: takes ENTRY out and gives its request, to be answered after unlocking. */
static fuse_req_t take_out(waiting *entry)
{
	fuse_req_t req = entry->req;

	entry->id = 0;
	count--;
	return req;
}

static void answer_late(fuse_req_t req, bool is_interrupted)
{
	if (!is_interrupted)
		emr_log(EMR_LOG_WARN, "a request was not served in time");
	fuse_reply_err(req, is_interrupted ? EINTR : ETIMEDOUT);
}

/* When the next one is due. */
static int64_t answer_due(void)
{
	for (;;) {
		waiting *due;
		bool is_interrupted;
		fuse_req_t req;
		int64_t deadline_ns;

		pthread_mutex_lock(&lock);
		due = first_due();
		deadline_ns = due != NULL ? due->deadline_ns : EMR_NEVER_NS;
		if (deadline_ns > emr_clock_boot_ns(emr_clock_system())) {
			pthread_mutex_unlock(&lock);
			return deadline_ns;
		}
		is_interrupted = due->is_interrupted;
		req = take_out(due);
		pthread_mutex_unlock(&lock);
		answer_late(req, is_interrupted);
	}
}

static void *watch(void *arg)
{
	int64_t due_ns = EMR_NEVER_NS;

	(void)arg;
	while (emr_worker_wait(&watcher, due_ns))
		due_ns = answer_due();
	return NULL;
}

emr_status wait_start(void)
{
	emr_worker_init(&watcher);
	runs = emr_worker_start(&watcher, "deadlines", watch, NULL) == EMR_OK;
	return runs ? EMR_OK : EMR_NO_MEMORY;
}

void wait_stop(void)
{
	if (!runs)
		return;
	emr_worker_stop(&watcher);
	emr_worker_free(&watcher);
	runs = false;
	memset(table, 0, sizeof table);
	count = 0;
}

/* Pinned. */
static uint64_t put_in(fuse_req_t req, int64_t ns)
{
	waiting *first;
	fuse_req_t oldest = NULL;
	uint64_t id;

	pthread_mutex_lock(&lock);
	if (count == WAIT_MAX) {
		first = first_due();
		oldest = first != NULL ? take_out(first) : NULL;
	}
	id = ++last_id;
	for (size_t i = 0; i < WAIT_MAX; i++)
		if (table[i].id == 0) {
			table[i] = (waiting){.id = id,
				.req = req,
				.deadline_ns = emr_clock_boot_ns(emr_clock_system()) + ns,
				.is_pinned = true};
			count++;
			break;
		}
	pthread_mutex_unlock(&lock);
	if (oldest != NULL)
		answer_late(oldest, false);
	return id;
}

static waiting *find(uint64_t id)
{
	for (size_t i = 0; i < WAIT_MAX; i++)
		if (table[i].id == id)
			return &table[i];
	return NULL;
}

/* Called by libfuse inside of the request's own lock: only the watcher may answer it, because an
 * answer frees it.  Somebody else may have answered just now: then the number is no longer in the
 * table. */
static void interrupted(fuse_req_t req, void *data)
{
	waiting *entry;

	(void)req;
	pthread_mutex_lock(&lock);
	entry = find((uint64_t)(uintptr_t)data);
	if (entry != NULL) {
		entry->is_interrupted = true;
		entry->deadline_ns = 0;
		emr_worker_wake(&watcher);
	}
	pthread_mutex_unlock(&lock);
}

uint64_t wait_begin(fuse_req_t req, int64_t ns)
{
	uint64_t id = put_in(req, ns);
	waiting *entry;

	fuse_req_interrupt_func(req, interrupted, (void *)(uintptr_t)id);
	pthread_mutex_lock(&lock);
	entry = find(id);
	if (entry != NULL)
		entry->is_pinned = false;
	emr_worker_wake(&watcher);
	pthread_mutex_unlock(&lock);
	return id;
}

bool wait_take(uint64_t id)
{
	bool mine = false;
	EMR_LOCKED(&lock);

	for (size_t i = 0; i < WAIT_MAX && !mine; i++) {
		mine = table[i].id == id;
		if (mine)
			take_out(&table[i]);
	}
	return mine;
}
