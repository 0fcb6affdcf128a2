/* When something changes in the folder without the kernel (on the ledger, or because a share has
 * ended), or past what it has cached, it must forget what it remembers of it. Threads of their own
 * tell it so, one for names and two for data, because telling can wait for a request that is being
 * answered. */
#include "notifier.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
	session *session; /* set before the thread */
	pthread_t thread;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t wake;
	notice *head, *tail;
	bool runs, stop;
	bool tells;	     /* the thread is inside the kernel */
	pthread_cond_t idle; /* it has come out and there is nothing more */
} queue;

#define QUEUE_INITIALIZER                                                                          \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER,               \
		.idle = PTHREAD_COND_INITIALIZER                                                   \
	}

static queue entries = QUEUE_INITIALIZER;
static queue data = QUEUE_INITIALIZER;
static queue writes = QUEUE_INITIALIZER;

static notice *take(queue *q)
{
	notice *first;

	pthread_mutex_lock(&q->lock);
	q->tells = false;
	if (q->head == NULL)
		pthread_cond_broadcast(&q->idle);
	while (q->head == NULL && !q->stop)
		pthread_cond_wait(&q->wake, &q->lock);
	first = q->stop ? NULL : q->head;
	q->tells = first != NULL;
	if (first != NULL)
		q->head = first->next;
	if (q->head == NULL)
		q->tail = NULL;
	pthread_mutex_unlock(&q->lock);
	return first;
}

static void end(notice *n)
{
	if (n->written != NULL)
		fuse_reply_write(n->written, n->len);
	free(n);
}

static void *tell(void *arg)
{
	queue *q = arg;
	notice *n;

	while ((n = take(q)) != NULL) {
		/* -ENOENT: the kernel does not hold it, which is as good. */
		if (n->name[0] != 0)
			fuse_lowlevel_notify_inval_entry(
				q->session->fuse, n->node, n->name, strlen(n->name));
		else
			fuse_lowlevel_notify_inval_inode(
				q->session->fuse, n->node, n->at, (off_t)n->len);
		end(n);
	}
	return NULL;
}

static emr_status start(queue *q, session *s)
{
	bool runs;

	pthread_mutex_lock(&q->lock); /* the view's threads may have something to tell already */
	q->session = s;
	q->stop = false;
	runs = q->runs = pthread_create(&q->thread, NULL, tell, q) == 0;
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
	q->stop = true;
	pthread_cond_signal(&q->wake);
	pthread_cond_broadcast(&q->idle);
	pthread_mutex_unlock(&q->lock);
	if (!ran)
		return;
	pthread_join(q->thread, NULL);
	while ((n = q->head) != NULL) {
		q->head = n->next;
		end(n);
	}
	q->tail = NULL;
}

static void await_idle(queue *q, const struct timespec *until)
{
	int status = 0;

	pthread_mutex_lock(&q->lock);
	while (q->runs && (q->head != NULL || q->tells) && status == 0)
		status = pthread_cond_timedwait(&q->idle, &q->lock, until);
	pthread_mutex_unlock(&q->lock);
}

void notifier_await(int64_t timeout_ns)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (timeout_ns + until.tv_nsec) / 1000000000;
	until.tv_nsec = (timeout_ns + until.tv_nsec) % 1000000000;
	await_idle(&entries, &until);
	await_idle(&data, &until);
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
	pthread_cond_signal(&q->wake);
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
	n->node = node;
	n->at = at;
	n->len = len;
	n->written = req;
	add(&writes, n);
}
