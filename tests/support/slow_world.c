/* This file runs the same tests in a slow world: linked in front of the ledger and of the blocks
 * (slow_world.cmake), this delays every call, and has the ledger lose answers, or be away, as
 * EMR_SLOW says. A caller that publishes asks again, as the thread that does it in a mount. A run
 * that met none of it fails. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ledger/backend.h"
#include "store/block_store.h"
#include "view/view.h"

#define TRIES_MAX 200

typedef struct slow_ledger {
	emr_ledger *inner;
	const emr_ledger_backend *backend; /* of INNER */
	void *self;
	uint64_t calls; /* of submit */
} slow_ledger;

static _Atomic uint64_t ledger_calls, block_calls, lost, again;
static _Thread_local bool is_publishing;

static long number_of(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text != NULL && *text != '\0' ? strtol(text, NULL, 10) : otherwise;
}

static bool is_world(const char *name)
{
	const char *world = getenv("EMR_SLOW");

	return world != NULL && strcmp(world, name) == 0;
}

static void delay(const char *name, long otherwise_ms, _Atomic uint64_t *count)
{
	long ms = number_of(name, otherwise_ms);
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	++*count;
	while (nanosleep(&left, &left) != 0)
		;
}

/* ---- the ledger ---- */

static void ledger_delay(void)
{
	delay("EMR_SLOW_LEDGER_MS", 2, &ledger_calls);
}

static void slow_close(void *arg)
{
	slow_ledger *s = arg;

	emr_ledger_close(s->inner);
	free(s);
}

/* Half of the answers are lost: in turn before the ledger hears of the batch, and after it took it.
 * Or it is away, three times of four. A batch that a test sends by itself, before it publishes,
 * arrives; of a mount (EMR_SLOW_EVERYWHERE) none does at once. */
static emr_status slow_submit(void *arg, emr_bytes batch, emr_ledger_answer *out_answer)
{
	slow_ledger *s = arg;
	bool is_meant = is_publishing || getenv("EMR_SLOW_EVERYWHERE") != NULL;
	uint64_t turn = is_meant ? __atomic_fetch_add(&s->calls, 1, __ATOMIC_RELAXED) % 4 : 0;
	emr_ledger_answer unheard;

	ledger_delay();
	if (!is_meant)
		return s->backend->submit(s->self, batch, out_answer);
	if (is_world("away") && turn != 3) {
		lost++;
		return EMR_OFFLINE;
	}
	if (is_world("lost") && turn % 2 == 0) {
		lost++;
		if (turn == 0)
			(void)s->backend->submit(s->self, batch, &unheard);
		return EMR_TIMEOUT;
	}
	return s->backend->submit(s->self, batch, out_answer);
}

#define PASSED_ON(name, parameters, arguments)                                                     \
	static emr_status slow_##name parameters                                                   \
	{                                                                                          \
		slow_ledger *s = arg;                                                              \
                                                                                                   \
		ledger_delay();                                                                    \
		return s->backend->name arguments;                                                 \
	}

PASSED_ON(size, (void *arg, uint64_t *out), (s->self, out))
PASSED_ON(entries,
	(void *arg, uint64_t from, size_t max, emr_ledger_entry_fn fn, void *fn_arg, size_t *out_n),
	(s->self, from, max, fn, fn_arg, out_n))
PASSED_ON(fetch,
	(void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg),
	(s->self, keys, n, fn, fn_arg))
PASSED_ON(find_item, (void *arg, emr_id32 item, uint64_t *out_seq, uint16_t *out_index),
	(s->self, item, out_seq, out_index))
PASSED_ON(subtree, (void *arg, uint32_t level, uint64_t index, uint8_t out_hash[32]),
	(s->self, level, index, out_hash))
PASSED_ON(note, (void *arg, emr_buf *out), (s->self, out))
PASSED_ON(replace_note, (void *arg, emr_bytes old_note, emr_bytes note), (s->self, old_note, note))
PASSED_ON(wait, (void *arg, uint64_t since, int timeout_ms, uint64_t *out),
	(s->self, since, timeout_ms, out))
PASSED_ON(verify, (void *arg, emr_ledger_trouble *out), (s->self, out))
PASSED_ON(mend,
	(void *arg, struct emr_chain *own, uint64_t size, const uint8_t root[32],
		emr_ledger_trouble *out, bool *out_was_damaged),
	(s->self, own, size, root, out, out_was_damaged))

static void slow_wake(void *arg)
{
	slow_ledger *s = arg;

	s->backend->wake(s->self);
}

static void slow_look(void *arg, emr_ledger_absence *out)
{
	slow_ledger *s = arg;

	s->backend->look(s->self, out);
}

emr_status __real_emr_ledger_open(const emr_ledger_options *options, emr_ledger **out_ledger);
emr_status __wrap_emr_ledger_open(const emr_ledger_options *options, emr_ledger **out_ledger);
emr_status __wrap_emr_ledger_open(const emr_ledger_options *options, emr_ledger **out_ledger)
{
	static const emr_ledger_backend whole = {.close = slow_close,
		.submit = slow_submit,
		.size = slow_size,
		.entries = slow_entries,
		.fetch = slow_fetch,
		.find_item = slow_find_item,
		.subtree = slow_subtree,
		.note = slow_note,
		.replace_note = slow_replace_note,
		.wait = slow_wait,
		.wake = slow_wake,
		.verify = slow_verify,
		.mend = slow_mend,
		.look = slow_look};
	static emr_ledger_backend always_there;
	emr_ledger *inner = NULL;
	emr_status status = __real_emr_ledger_open(options, &inner);
	slow_ledger *s;

	if (status != EMR_OK)
		return status;
	s = calloc(1, sizeof *s);
	if (s == NULL) {
		emr_ledger_close(inner);
		return EMR_NO_MEMORY;
	}
	s->inner = inner;
	s->backend = emr_ledger_below(inner, &s->self);
	always_there = whole;
	always_there.look = NULL;
	return emr_ledger_over(s->backend->look != NULL ? &whole : &always_there, s,
		emr_ledger_descriptor(inner), out_ledger);
}

/* ---- blocks ---- */

emr_status __real_emr_block_store_get_verified(
	emr_block_store *store, const emr_cid *cid, emr_buf *out);
emr_status __wrap_emr_block_store_get_verified(
	emr_block_store *store, const emr_cid *cid, emr_buf *out);
emr_status __wrap_emr_block_store_get_verified(
	emr_block_store *store, const emr_cid *cid, emr_buf *out)
{
	delay("EMR_SLOW_BLOCK_MS", 1, &block_calls);
	return __real_emr_block_store_get_verified(store, cid, out);
}

emr_status __real_emr_block_store_put(
	emr_block_store *store, const emr_block *blocks, size_t count);
emr_status __wrap_emr_block_store_put(
	emr_block_store *store, const emr_block *blocks, size_t count);
emr_status __wrap_emr_block_store_put(emr_block_store *store, const emr_block *blocks, size_t count)
{
	delay("EMR_SLOW_BLOCK_MS", 1, &block_calls);
	return __real_emr_block_store_put(store, blocks, count);
}

/* ---- who publishes ---- */

emr_status __real_emr_view_publish_now(emr_view *view);
emr_status __wrap_emr_view_publish_now(emr_view *view);
emr_status __wrap_emr_view_publish_now(emr_view *view)
{
	emr_status status;

	is_publishing = true;
	status = __real_emr_view_publish_now(view);
	for (int i = 0; i < TRIES_MAX && (status == EMR_TIMEOUT || status == EMR_OFFLINE); i++) {
		again++;
		status = __real_emr_view_publish_now(view);
	}
	is_publishing = false;
	return status;
}

__attribute__((destructor)) static void tell(void)
{
	bool is_lossy = is_world("lost") || is_world("away");

	if (ledger_calls == 0) /* a child that a test made */
		return;
	fprintf(stderr,
		"slow world: %lu calls of the ledger, %lu answers lost, %lu blocks, %lu times "
		"again\n",
		(unsigned long)ledger_calls, (unsigned long)lost, (unsigned long)block_calls,
		(unsigned long)again);
	if (is_lossy && lost == 0)
		_exit(1);
}
