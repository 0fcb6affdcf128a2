/* When something changes in the folder without the kernel (on the ledger, or because a share has
 * ended), or past what it has cached, it must forget what it remembers of it. Threads of their own
 * tell it so, one for names and two for data, because telling can wait for a request that is being
 * answered. */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/worker.h"

typedef struct notice {
	struct notice *next;
	uint64_t node;
	char name[256]; /* empty: the node's data */
	off_t at;
	size_t len;	    /* of the data; 0: all of it */
	fuse_req_t written; /* WRITE of these, answered then; NULL: none */
} notice;

/* Three queues: entries wait at most for a directory's operation, which memory answers; data may
 * wait for a READ, so that it must not hold up entries; and for one of what only a node has, so
 * that it must not hold up whoever writes. */
typedef struct queue {
	const char *name;
	session *session; /* set before the thread */
	emr_worker worker;
	pthread_mutex_t lock; /* all below */
	notice *head, *tail;
	bool runs;
	bool tells;	     /* the thread is inside the kernel */
	pthread_cond_t idle; /* it has come out and there is nothing more */
} queue;

static queue entries = {.name = "kernel entries", .lock = PTHREAD_MUTEX_INITIALIZER};
static queue data = {.name = "kernel data", .lock = PTHREAD_MUTEX_INITIALIZER};
static queue writes = {.name = "kernel writes", .lock = PTHREAD_MUTEX_INITIALIZER};

static notice *take(queue *q)
{
	notice *first;
	EMR_LOCKED(&q->lock);

	q->tells = false;
	if (q->head == NULL)
		pthread_cond_broadcast(&q->idle);
	first = q->runs ? q->head : NULL;
	q->tells = first != NULL;
	if (first != NULL)
		q->head = first->next;
	if (q->head == NULL)
		q->tail = NULL;
	return first;
}

static void end(notice *n)
{
	if (n->written != NULL)
		fuse_reply_write(n->written, n->len);
	free(n);
}

/* -ENOENT: the kernel does not hold it, which is as good. */
static void tell_kernel(queue *q, const notice *n)
{
	struct fuse_session *fuse = q->session->fuse;

	if (n->name[0] != 0)
		fuse_lowlevel_notify_inval_entry(fuse, n->node, n->name, strlen(n->name));
	else
		fuse_lowlevel_notify_inval_inode(fuse, n->node, n->at, (off_t)n->len);
}

static void *tell(void *arg)
{
	queue *q = arg;
	notice *n;

	while (emr_worker_wait(&q->worker, EMR_NEVER_NS)) {
		while ((n = take(q)) != NULL) {
			tell_kernel(q, n);
			end(n);
		}
	}
	return NULL;
}

static emr_status start(queue *q, session *s)
{
	bool runs;

	pthread_mutex_lock(&q->lock); /* the view's threads may have something to tell already */
	q->session = s;
	emr_worker_init(&q->worker);
	emr_cond_init(&q->idle);
	runs = q->runs = emr_worker_start(&q->worker, q->name, tell, q) == EMR_OK;
	pthread_mutex_unlock(&q->lock);
	return runs ? EMR_OK : EMR_NO_MEMORY;
}

static void stop(queue *q)
{
	notice *n;
	bool ran;

	pthread_mutex_lock(&q->lock);
	ran = q->runs;
	q->runs = false; /* nothing is added any more */
	pthread_cond_broadcast(&q->idle);
	pthread_mutex_unlock(&q->lock);
	if (!ran)
		return;
	emr_worker_stop(&q->worker);
	emr_worker_free(&q->worker);
	while ((n = q->head) != NULL) {
		q->head = n->next;
		end(n);
	}
	q->tail = NULL;
}

static void await_idle(queue *q, int64_t until_boot_ns)
{
	EMR_LOCKED(&q->lock);

	while (q->runs && (q->head != NULL || q->tells) &&
		emr_clock_boot_ns(emr_clock_system()) < until_boot_ns)
		emr_cond_wait_until(&q->idle, &q->lock, until_boot_ns);
}

void notifier_await(int64_t timeout_ns)
{
	int64_t until_boot_ns = emr_clock_boot_ns(emr_clock_system()) + timeout_ns;

	await_idle(&entries, until_boot_ns);
	await_idle(&data, until_boot_ns);
}

emr_status notifier_start(session *s)
{
	emr_status status = start(&entries, s);

	if (status == EMR_OK)
		status = start(&data, s);
	if (status == EMR_OK)
		status = start(&writes, s);
	if (status != EMR_OK)
		notifier_stop();
	return status;
}

void notifier_stop(void)
{
	stop(&entries);
	stop(&data);
	stop(&writes);
}

static void add(queue *q, notice *n)
{
	pthread_mutex_lock(&q->lock);
	if (!q->runs) {
		pthread_mutex_unlock(&q->lock);
		end(n);
		return;
	}
	if (q->tail != NULL)
		q->tail->next = n;
	else
		q->head = n;
	q->tail = n;
	emr_worker_wake(&q->worker);
	pthread_mutex_unlock(&q->lock);
}

void notifier_add(uint64_t node, const char *name)
{
	notice *n = calloc(1, sizeof *n);

	if (n == NULL)
		return; /* the entry's timeout will do it */
	n->node = node;
	if (name != NULL)
		strncpy(n->name, name, sizeof n->name - 1);
	add(name != NULL ? &entries : &data, n);
}

void notifier_reply_write(fuse_req_t req, uint64_t node, off_t at, size_t len)
{
	notice *n = calloc(1, sizeof *n);

	if (n == NULL) {
		fuse_reply_err(req, ENOMEM); /* sooner than that a reader has the old bytes */
		return;
	}
	*n = (notice){.node = node, .at = at, .len = len, .written = req};
	add(&writes, n);
}
