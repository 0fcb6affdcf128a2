#include "wait.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

typedef struct waiting {
	uint64_t id;	/* 0: free */
	fuse_req_t req;
	int64_t deadline_ns;
} waiting;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* below every other lock; nothing is called under it */
static pthread_cond_t wake;
static waiting table[WAIT_MAX];
static uint64_t last_id;
static size_t count;
static bool runs, stop;
static pthread_t watcher;

static int64_t boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Under lock: the entry whose deadline comes first, NULL when nothing waits. */
static waiting *first_due(void)
{
	waiting *first = NULL;

	for (size_t i = 0; i < WAIT_MAX; i++)
		if (table[i].id != 0 && (first == NULL || table[i].deadline_ns < first->deadline_ns))
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

static void answer_late(fuse_req_t req)
{
	emr_log(EMR_LOG_WARN, "a read was not served in time");
	fuse_reply_err(req, ETIMEDOUT);
}

static void sleep_until(int64_t deadline_ns)
{
	struct timespec until;
	int64_t ns = deadline_ns - boot_ns();

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ns / 1000000000;
	until.tv_nsec += ns % 1000000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&wake, &lock, &until);
}

static void *watch(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	while (!stop) {
		waiting *due = first_due();
		fuse_req_t req;

		if (due == NULL) {
			pthread_cond_wait(&wake, &lock);
		} else if (due->deadline_ns > boot_ns()) {
			sleep_until(due->deadline_ns);
		} else {
			req = take_out(due);
			pthread_mutex_unlock(&lock);
			answer_late(req);
			pthread_mutex_lock(&lock);
		}
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

emr_status wait_start(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&wake, &attr);
	pthread_condattr_destroy(&attr);
	stop = false;
	runs = pthread_create(&watcher, NULL, watch, NULL) == 0;
	return runs ? EMR_OK : EMR_NO_MEMORY;
}

void wait_stop(void)
{
	if (!runs)
		return;
	pthread_mutex_lock(&lock);
	stop = true;
	pthread_cond_signal(&wake);
	pthread_mutex_unlock(&lock);
	pthread_join(watcher, NULL);
	runs = false;
	memset(table, 0, sizeof table);
	count = 0;
}

uint64_t wait_begin(fuse_req_t req, int64_t ns)
{
	fuse_req_t oldest = NULL;
	uint64_t id;

	pthread_mutex_lock(&lock);
	if (count == WAIT_MAX)
		oldest = take_out(first_due());
	id = ++last_id;
	for (size_t i = 0; i < WAIT_MAX; i++)
		if (table[i].id == 0) {
			table[i] = (waiting){ .id = id, .req = req, .deadline_ns = boot_ns() + ns };
			break;
		}
	/* The watcher sleeps until the first deadline; all waits are equally long, so only the first wakes it. */
	if (count++ == 0)
		pthread_cond_signal(&wake);
	pthread_mutex_unlock(&lock);
	if (oldest != NULL)
		answer_late(oldest);
	return id;
}

bool wait_take(uint64_t id)
{
	bool mine = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < WAIT_MAX && !mine; i++) {
		mine = table[i].id == id;
		if (mine)
			take_out(&table[i]);
	}
	pthread_mutex_unlock(&lock);
	return mine;
}
