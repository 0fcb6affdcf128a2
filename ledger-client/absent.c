/* The ledger may be away for a while. This file stands in front of it: as long as it is away
 * each call says so at once, and what is there again is opened by the first who asks, so that
 * callers need no special case. It refuses a ledger that comes back as another one. */
#include "ledger/backend.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/worker.h"
#include "ledger/hash.h"
#include "ledger/network.h"

/* Until the next try at what stands there as it stood at the last one; and how long a call waits
 * for a try that is under way, and that try for those who are inside. */
#define KNOCK_NS 1000000000
#define KNOCK_S 1

/* The object in the ledger's place, as far as can be told without opening it. */
typedef struct sight {
	int error; /* errno of looking; 0: what follows is of the file */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
} sight;

typedef struct absent {
	/* set when it is opened */
	emr_ledger_options options; /* path is a copy */
	emr_buf descriptor;	    /* what the ledger's must be */
	char *file;		    /* where an embedded one would stand */
	int wake_fd;		    /* ends a wait before the door and one inside */

	pthread_rwlock_t
		door; /* held for reading while somebody is inside `inner`; lock is inside of it */
	emr_ledger *inner; /* NULL = away */

	pthread_mutex_t lock; /* what follows */
	emr_status status;    /* EMR_OK: inner is good */
	uint64_t since_unix_s;
	bool is_knocking;
	int64_t patience_ns; /* system boot time: nobody waits longer for who knocks */
	pthread_cond_t knocked;

	/* of whoever knocks */
	bool has_failed; /* the last try did not open anything */
	int64_t tried_ns;
	sight tried;
} absent;

/* An absence that may end by itself; or what is there must not be used.  Other statuses say that
 * this computer cannot open anything, or must not. */
static bool is_absence(emr_status status)
{
	return status == EMR_NOT_FOUND || status == EMR_IO || status == EMR_DENIED ||
	       status == EMR_BUSY || status == EMR_OFFLINE || status == EMR_DAMAGED ||
	       status == EMR_NEWER_FORMAT || status == EMR_FORK;
}

static bool is_known(const absent *a, emr_bytes descriptor)
{
	emr_id32 hash = emr_sha256_of(&descriptor, 1);

	if (a->descriptor.len > 0)
		return emr_bytes_equal(descriptor, emr_buf_view(&a->descriptor));
	return a->options.known_hash == NULL ||
	       memcmp(hash.b, a->options.known_hash->b, sizeof hash.b) == 0;
}

static emr_status try_open(absent *a, emr_ledger **out_inner)
{
	EMR_AUTO_LEDGER inner = NULL;
	emr_status (*host)(const emr_ledger_options *, int, emr_ledger **) =
		a->options.host != NULL ? a->options.host : emr_embedded_open_woken;

	a->options.known_descriptor = emr_buf_view(&a->descriptor);
	EMR_TRY(host(&a->options, a->wake_fd, &inner));
	if (!is_known(a, emr_ledger_descriptor(inner)))
		return EMR_FORK;
	*out_inner = inner;
	inner = NULL;
	return EMR_OK;
}

/* ---- the door ---- */

static void note_status(absent *a, emr_status status)
{
	(void)pthread_mutex_lock(&a->lock);
	if (status == EMR_OK)
		a->since_unix_s = 0;
	else if (a->since_unix_s == 0)
		a->since_unix_s = emr_clock_unix_s(a->options.clock);
	if (status != a->status)
		emr_log(status == EMR_OK ? EMR_LOG_INFO : EMR_LOG_WARN, "ledger: %s",
			status == EMR_OK ? "it is there again" : emr_status_text(status));
	a->status = status;
	(void)pthread_mutex_unlock(&a->lock);
}

static emr_status status_of(absent *a)
{
	EMR_LOCKED(&a->lock);

	return a->status;
}

static sight look_at_place(const absent *a)
{
	struct stat st;

	if (lstat(a->file, &st) != 0)
		return (sight){.error = errno};
	return (sight){
		.dev = st.st_dev, .ino = st.st_ino, .size = st.st_size, .changed = st.st_ctim};
}

static bool is_same_sight(const sight *a, const sight *b)
{
	return a->error == b->error && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* False: it is there, or somebody has knocked for so long that he may never come back (a disk that
 * does not answer). The result that this thread finds in time is the answer for callers meanwhile,
 * too: the last one may be older than the ledger's return. */
static bool begin_knock(absent *a)
{
	const emr_clock *system = emr_clock_system();
	bool begins;

	(void)pthread_mutex_lock(&a->lock);
	while (a->status != EMR_OK && a->is_knocking && emr_clock_boot_ns(system) < a->patience_ns)
		emr_cond_wait_until(&a->knocked, &a->lock, a->patience_ns);
	begins = a->status != EMR_OK && !a->is_knocking;
	if (begins) {
		a->is_knocking = true;
		a->patience_ns = emr_clock_boot_ns(system) + KNOCK_NS;
	}
	(void)pthread_mutex_unlock(&a->lock);
	return begins;
}

static void end_knock(absent *a)
{
	(void)pthread_mutex_lock(&a->lock);
	a->is_knocking = false;
	(void)pthread_cond_broadcast(&a->knocked);
	(void)pthread_mutex_unlock(&a->lock);
}

/* Opening costs more than a look, so what did not open is left alone for a second, unless something
 * else stands there by now. */
static bool is_worth_a_try(absent *a)
{
	int64_t now = emr_clock_boot_ns(a->options.clock);
	sight seen = look_at_place(a);

	if (a->has_failed && now - a->tried_ns < KNOCK_NS && is_same_sight(&seen, &a->tried))
		return false;
	a->tried_ns = now;
	a->tried = seen;
	return true;
}

/* These two fail only when what they tell is pending already. */
static void absent_wake(void *self)
{
	(void)eventfd_write(((const absent *)self)->wake_fd, 1);
}

static void absent_stop(void *self)
{
	(void)eventfd_write(((const absent *)self)->options.stop_fd, 1);
}

/* A waiter may sit inside for a minute, not having seen that the file was away: he is asked to come
 * out.  False: somebody stays. */
static bool lock_door(absent *a)
{
	struct timespec until;

	if (pthread_rwlock_trywrlock(&a->door) == 0)
		return true;
	absent_wake(a);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += KNOCK_S;
	return pthread_rwlock_timedwrlock(&a->door, &until) == 0;
}

/* A ledger that is away is closed first: the file that it shares with another opening (the index of
 * SQLite's log) may be what is wrong with it. */
static void drop_inner(absent *a)
{
	emr_ledger *old = NULL;

	if (lock_door(a)) {
		old = a->inner;
		a->inner = NULL;
		(void)pthread_rwlock_unlock(&a->door);
	}
	emr_ledger_close(old);
}

/* Opens outside of the door's lock: it may take as long as another process is busy. */
static void try_again(absent *a)
{
	emr_ledger *fresh = NULL, *old = NULL;
	emr_status status;

	drop_inner(a);
	status = try_open(a, &fresh);
	a->has_failed = true;
	if (status != EMR_OK) {
		note_status(a, emr_ledger_absence_of(status));
	} else if (lock_door(a)) {
		old = a->inner;
		a->inner = fresh;
		fresh = NULL;
		a->has_failed = false;
		note_status(a, EMR_OK);
		(void)pthread_rwlock_unlock(&a->door);
	}
	emr_ledger_close(fresh);
	emr_ledger_close(old);
}

static void knock(absent *a)
{
	if (status_of(a) == EMR_OK || !begin_knock(a))
		return;
	if (is_worth_a_try(a))
		try_again(a);
	end_knock(a);
}

typedef struct visit {
	absent *absent;
	emr_ledger *inner;
	const emr_ledger_backend *backend; /* its */
	void *self;
} visit;

/* EMR_OK: inside until leave. */
static emr_status enter(absent *a, visit *v)
{
	emr_status status;

	knock(a);
	(void)pthread_rwlock_rdlock(&a->door);
	status = status_of(a);
	if (status != EMR_OK) {
		(void)pthread_rwlock_unlock(&a->door);
		return status;
	}
	v->absent = a;
	v->inner = a->inner;
	v->backend = emr_ledger_below(a->inner, &v->self);
	return EMR_OK;
}

/* A host that is looked at by itself goes on trying; one that is not is opened again. */
static emr_status leave(visit *v, emr_status status)
{
	if (status == EMR_OFFLINE && v->backend->look == NULL)
		note_status(v->absent, status);
	(void)pthread_rwlock_unlock(&v->absent->door);
	return status;
}

/* ---- the backend ---- */

static void absent_close(void *self)
{
	absent *a = self;

	emr_ledger_close(a->inner);
	emr_buf_free(&a->descriptor);
	if (a->wake_fd >= 0)
		(void)close(a->wake_fd);
	if (a->options.stop_fd > 0)
		(void)close(a->options.stop_fd);
	(void)pthread_rwlock_destroy(&a->door);
	(void)pthread_mutex_destroy(&a->lock);
	(void)pthread_cond_destroy(&a->knocked);
	free(a->file);
	free((void *)(uintptr_t)a->options.path);
	free(a);
}

/* A question that is passed on to the ledger that is there. */
#define PASSED_ON(name, parameters, question)                                                      \
	static emr_status absent_##name parameters                                                 \
	{                                                                                          \
		visit v;                                                                           \
                                                                                                   \
		EMR_TRY(enter(self, &v));                                                          \
		return leave(&v, question);                                                        \
	}

PASSED_ON(submit, (void *self, emr_bytes batch, emr_ledger_answer *out_answer),
	v.backend->submit(v.self, batch, out_answer))
PASSED_ON(size, (void *self, uint64_t *out_size), v.backend->size(v.self, out_size))
PASSED_ON(fetch, (void *self, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg),
	emr_ledger_fetch(v.inner, keys, n, fn, arg))
PASSED_ON(find_item, (void *self, emr_id32 item_id, uint64_t *out_seq, uint16_t *out_index),
	emr_ledger_find_item(v.inner, item_id, out_seq, out_index))
PASSED_ON(subtree, (void *self, uint32_t level, uint64_t index, uint8_t out_hash[32]),
	v.backend->subtree(v.self, level, index, out_hash))
PASSED_ON(note, (void *self, emr_buf *out_note), emr_ledger_checkpoint(v.inner, out_note))
PASSED_ON(replace_note, (void *self, emr_bytes old_note, emr_bytes note),
	v.backend->replace_note(v.self, old_note, note))
PASSED_ON(head, (void *self, emr_buf *out_note), emr_ledger_head(v.inner, out_note))
PASSED_ON(knows, (void *self, const struct emr_checkpoint *head), emr_ledger_knows(v.inner, head))
PASSED_ON(lacks, (void *self, uint64_t from, struct emr_chain_lacking *out),
	emr_ledger_lacks(v.inner, from, out))
PASSED_ON(give,
	(void *self, const emr_part_key *keys, const emr_bytes *parts, size_t n, size_t *out_n),
	emr_ledger_give(v.inner, keys, parts, n, out_n))
PASSED_ON(mend,
	(void *self, struct emr_chain *own, uint64_t size, const uint8_t root[32],
		emr_ledger_trouble *out_trouble, bool *out_was_damaged),
	emr_ledger_mend(v.inner, own, size, root, out_trouble, out_was_damaged))
PASSED_ON(ask, (void *self, const char *what, emr_bytes body, emr_buf *out),
	emr_ledger_ask(v.inner, what, body, out))
PASSED_ON(stand_in, (void *self, emr_ledger_standing *io), emr_ledger_stand_in(v.inner, io))
PASSED_ON(entries,
	(void *self, uint64_t from, size_t max, emr_ledger_entry_fn fn, void *arg, size_t *out_n),
	emr_ledger_entries(v.inner, from, max, fn, arg, out_n))
PASSED_ON(verify, (void *self, emr_ledger_trouble *out_trouble),
	emr_ledger_verify(v.inner, out_trouble))

static int64_t left_ms(const absent *a, int64_t deadline_ns)
{
	return (deadline_ns - emr_clock_boot_ns(a->options.clock)) / 1000000;
}

/* While it is away: until it is back, somebody wakes us, or the time is over. */
static emr_status absent_wait(void *self, uint64_t since, int timeout_ms, uint64_t *out_size)
{
	absent *a = self;
	int64_t deadline_ns = emr_clock_boot_ns(a->options.clock) + (int64_t)timeout_ms * 1000000;
	struct pollfd polled = {.fd = a->wake_fd, .events = POLLIN};
	eventfd_t ignored;
	int64_t left;
	visit v;

	while (enter(a, &v) != EMR_OK) {
		left = left_ms(a, deadline_ns);
		if (left <= 0)
			return status_of(a) == EMR_OK ? EMR_TIMEOUT : status_of(a);
		if (poll(&polled, 1, left < 1000 ? (int)left : 1000) < 0 && errno != EINTR)
			return EMR_IO;
		if ((polled.revents & POLLIN) != 0 && eventfd_read(a->wake_fd, &ignored) == 0)
			return EMR_INTERRUPTED;
	}
	left = left_ms(a, deadline_ns);
	return leave(&v, emr_ledger_wait(v.inner, since, left > 0 ? (int)left : 0, out_size));
}

static void absent_look(void *self, emr_ledger_absence *out_absence)
{
	absent *a = self;
	uint64_t size;

	visit v;

	if (enter(a, &v) == EMR_OK) {
		bool looks = v.backend->look != NULL;

		if (looks)
			emr_ledger_look(v.inner, out_absence);
		(void)leave(&v, EMR_OK);
		if (looks)
			return;
	}
	/* The size is what notices that a file went away meanwhile. */
	(void)absent_size(a, &size);
	(void)pthread_mutex_lock(&a->lock);
	*out_absence = (emr_ledger_absence){.status = a->status, .since_unix_s = a->since_unix_s};
	(void)pthread_mutex_unlock(&a->lock);
}

static void absent_hurry(void *self)
{
	visit v;

	if (enter(self, &v) == EMR_OK) {
		emr_ledger_hurry(v.inner);
		(void)leave(&v, EMR_OK);
	}
}

static const emr_ledger_backend backend = {
	.close = absent_close,
	.submit = absent_submit,
	.size = absent_size,
	.entries = absent_entries,
	.fetch = absent_fetch,
	.lacks = absent_lacks,
	.give = absent_give,
	.find_item = absent_find_item,
	.subtree = absent_subtree,
	.note = absent_note,
	.replace_note = absent_replace_note,
	.wait = absent_wait,
	.wake = absent_wake,
	.stop = absent_stop,
	.verify = absent_verify,
	.mend = absent_mend,
	.look = absent_look,
	.hurry = absent_hurry,
	.head = absent_head,
	.knows = absent_knows,
	.ask = absent_ask,
	.stand_in = absent_stand_in,
};

/* ---- opening ---- */

static absent *absent_new(const emr_ledger_options *options)
{
	absent *a = calloc(1, sizeof *a);

	if (a == NULL)
		return NULL;
	a->options = *options;
	a->options.path = strdup(options->path);
	if (a->options.clock == NULL)
		a->options.clock = emr_clock_system();
	(void)pthread_rwlock_init(&a->door, NULL);
	(void)pthread_mutex_init(&a->lock, NULL);
	emr_cond_init(&a->knocked);
	if (asprintf(&a->file, "%s/" EMR_NETWORK_LEDGER, options->path) < 0)
		a->file = NULL;
	a->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	a->options.stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (a->options.path == NULL || a->file == NULL || a->wake_fd < 0 ||
		a->options.stop_fd < 0) {
		absent_close(a);
		return NULL;
	}
	return a;
}

/* Asks for the descriptor, when the ledger cannot give it. */
static emr_status ask_known(absent *a)
{
	EMR_AUTO_BUF descriptor = {0};

	EMR_TRY(a->options.known(a->options.known_dirfd, &descriptor));
	if (descriptor.len == 0 || !is_known(a, emr_buf_view(&descriptor)))
		return EMR_DAMAGED;
	return emr_buf_append(&a->descriptor, descriptor.data, descriptor.len);
}

emr_status emr_absent_open(const emr_ledger_options *options, emr_ledger **out_ledger)
{
	absent *a = absent_new(options);
	emr_status status;

	if (a == NULL)
		return EMR_NO_MEMORY;
	(void)is_worth_a_try(a);
	status = try_open(a, &a->inner);
	if (status == EMR_OK) {
		emr_bytes own = emr_ledger_descriptor(a->inner);

		status = emr_buf_append(&a->descriptor, own.data, own.len);
	} else if (is_absence(status) && ask_known(a) == EMR_OK) {
		note_status(a, emr_ledger_absence_of(status));
		a->has_failed = true;
		status = EMR_OK;
	}
	if (status != EMR_OK) {
		absent_close(a);
		return status;
	}
	/* They were for the way in; the caller's hash need not live as long as the handle. */
	a->options.known = NULL;
	a->options.known_hash = NULL;
	return emr_ledger_over(&backend, a, emr_buf_view(&a->descriptor), out_ledger);
}
