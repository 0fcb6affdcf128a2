/* A thread of its own for a loop: wait until there is news or the next thing is due, do a turn.
 *
 *     while (emr_worker_wait(&w->worker, due_boot_ns))
 *             due_boot_ns = do_turn(w);
 *
 * Times are those of emr_clock_system's boot_ns: nanoseconds, and they go on while the computer
 * sleeps.  It keeps no list of work: a caller that wakes it writes the work down first, under its
 * own lock.  Its lock is innermost: a thread that wakes it may hold any other. */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

#define EMR_NEVER_NS INT64_MAX /* due only when somebody wakes it */

typedef struct emr_worker {
	pthread_mutex_t lock; /* is_woken, is_stopping */
	pthread_cond_t wake;
	pthread_t thread;
	bool has_thread; /* of the code that starts and stops it */
	bool is_woken, is_stopping;
} emr_worker;

/* Before anything else, once: it may be woken from here on.  One that is all zeros may be stopped
 * and freed, too. */
void emr_worker_init(emr_worker *worker);
/* After emr_worker_stop; it may not be woken any more. */
void emr_worker_free(emr_worker *worker);

/* RUN(ARG) in a thread called NAME (for `ps -T`, at most 15 bytes), until emr_worker_wait says
 * false. EMR_NO_MEMORY: there is no thread.  One that was stopped may be started again. */
emr_status emr_worker_start(emr_worker *worker, const char *name, void *(*run)(void *), void *arg);
/* Tells the thread to end and waits until it has; nothing when there is none. */
void emr_worker_stop(emr_worker *worker);

/* Any thread.  A worker that is woken while it works takes one more turn afterwards, however often
 * it was woken. */
void emr_worker_wake(emr_worker *worker);

/* The thread itself: until somebody wakes it or UNTIL_BOOT_NS has come.  False: it is to end. */
bool emr_worker_wait(emr_worker *worker, int64_t until_boot_ns);
/* Any thread: whether it has been told to end. */
bool emr_worker_is_stopping(emr_worker *worker);

/* ---- for a caller that waits on a condition of its own ---- */

/* One that emr_cond_wait_until may wait on. */
void emr_cond_init(pthread_cond_t *cond);
/* With LOCK, as pthread_cond_wait: until it is signalled, UNTIL_BOOT_NS has come, an hour has
 * passed, or for no reason; the caller checks which. */
void emr_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_boot_ns);

/* EMR_LOCKED(mutex) holds a pthread_mutex_t from where it stands among the declarations of a block
 * until the block is left, also by EMR_TRY. It refuses nothing: a mutex that its thread holds
 * already stops it for ever, as pthread_mutex_lock does. */
EMR_AUTO_CALL(emr_lock_end, pthread_mutex_t *, pthread_mutex_unlock);

#define EMR_LOCKED(mutex)                                                                          \
	pthread_mutex_t *emr_locked __attribute__((cleanup(emr_lock_end))) = (mutex);              \
	(void)pthread_mutex_lock(emr_locked)
