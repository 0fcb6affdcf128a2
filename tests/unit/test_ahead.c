/* These tests are about signatures that other cores check before it is an entry's turn: each is
 * computed once, and an entry that nobody should believe is refused as it is by one core alone. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "ledger/ahead.h"
#include "ledger/network.h"
#include "rogue_kit.h"

/* ---- what the computer is like ---- */

static size_t cores;
static bool has_threads; /* more can be had */
static atomic_size_t started, computed, computed_here;
static pthread_t judge;

WRAPPED(int, sched_getaffinity, pid_t pid, size_t size, cpu_set_t *set)
{
	(void)pid;
	(void)size;
	CPU_ZERO(set);
	for (size_t i = 0; i < cores; i++)
		CPU_SET(i, set);
	return 0;
}

WRAPPED(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes,
	void *(*start)(void *), void *arg)
{
	if (!has_threads)
		return EAGAIN;
	started++;
	return __real_pthread_create(thread, attributes, start, arg);
}

WRAPPED(bool, emr_header_is_signed, const uint8_t header[EMR_HEADER_BYTES])
{
	computed++;
	computed_here += pthread_equal(judge, pthread_self()) != 0;
	return __real_emr_header_is_signed(header);
}

/* ---- a ledger of many small entries ---- */

#define ENTRIES 200

static int begin(void **state)
{
	judge = pthread_self();
	cores = 1;
	has_threads = true;
	assert_int_equal(folk_with_clinic(state), 0);
	for (size_t i = 0; i < ENTRIES; i++)
		kit_fill(&k, &health, 1);
	return 0;
}

/* A computer with N cores, which has seen nothing yet. */
static void look_anew(const char *name, size_t n, member *out)
{
	folk_create(out, name);
	cores = n;
	started = computed = computed_here = 0;
}

static void expect_same_copy(member *a, member *b)
{
	emr_replica_position one, other;

	assert_ok(emr_replica_at(a->replica, &one));
	assert_ok(emr_replica_at(b->replica, &other));
	assert_int_equal(one.size, other.size);
	assert_memory_equal(one.root, other.root, 32);
}

TEST_IN(begin, folk_end, each_signature_is_computed_once_however_many_cores_there_are)
{
	member alone = {0}, many = {0};
	uint64_t n = 0;
	emr_replica_trouble trouble;

	look_anew("alone", 1, &alone);
	assert_ok(emr_replica_catch_up(alone.replica, NULL, NULL, &n));
	assert_int_equal(computed, n - 1); /* all but the descriptor */
	assert_int_equal(computed_here, n - 1);
	assert_int_equal(started, 0);

	look_anew("many", 8, &many);
	assert_ok(emr_replica_catch_up(many.replica, NULL, NULL, &n));
	assert_int_equal(computed, n - 1);
	assert_true(started > 0);
	expect_same_copy(&alone, &many);

	/* Both replays of a ledger, the copy's and its own. */
	computed = 0;
	assert_ok(emr_replica_verify_chain(many.replica, &trouble, &n));
	assert_int_equal(computed, 2 * (n - 1));
	computed = 0;
	assert_ok(emr_replica_verify_own(many.replica, &trouble, &n));
	assert_int_equal(computed, n - 1);
	folk_close_member(&alone, false);
	folk_close_member(&many, false);
}

TEST_IN(begin, folk_end, a_few_entries_start_no_thread)
{
	member few = {0};
	uint64_t n = 0;

	look_anew("few", 8, &few);
	assert_ok(emr_replica_catch_up(few.replica, NULL, NULL, &n));
	started = 0;
	for (size_t i = 0; i + 1 < EMR_AHEAD_ENTRIES; i++)
		kit_fill(&k, &health, 1);
	assert_ok(emr_replica_catch_up(few.replica, NULL, NULL, &n));
	assert_int_equal(n, EMR_AHEAD_ENTRIES - 1);
	assert_int_equal(started, 0);
	folk_close_member(&few, false);
}

TEST_IN(begin, folk_end, a_computer_that_has_no_more_threads_follows_alone)
{
	member poor = {0};
	uint64_t n = 0;

	look_anew("poor", 8, &poor);
	has_threads = false;
	assert_ok(emr_replica_catch_up(poor.replica, NULL, NULL, &n));
	has_threads = true;
	assert_true(n > ENTRIES);
	assert_int_equal(computed_here, n - 1);
	folk_close_member(&poor, false);
}

/* ---- an entry that nobody should believe ---- */

/* Asks a computer with N cores about the ledger; *OUT_SIZE: how far it went. */
static emr_replica_trouble what_is_wrong(const char *name, size_t n, uint64_t *out_size)
{
	member m = {0};
	emr_replica_trouble trouble = {0};
	emr_replica_position position;

	look_anew(name, n, &m);
	assert_status(EMR_DAMAGED, emr_replica_catch_up(m.replica, NULL, NULL, NULL));
	emr_replica_last_trouble(m.replica, &trouble);
	assert_ok(emr_replica_at(m.replica, &position));
	*out_size = position.size;
	folk_close_member(&m, false);
	return trouble;
}

static void expect_refused_by_all(uint64_t seq, const char *cause)
{
	for (size_t n = 1; n <= 8; n *= 8) {
		uint64_t size = 0;
		emr_replica_trouble trouble =
			what_is_wrong(n == 1 ? "one core" : "eight cores", n, &size);

		assert_int_equal(trouble.seq, seq);
		assert_string_equal(trouble.cause, cause);
		assert_int_equal(size, seq);
	}
}

/* The appender says in its own name that the signature was checked, and it was not. */
TEST_IN(begin, folk_end, a_batch_that_its_author_did_not_sign_is_refused_in_a_window)
{
	EMR_AUTO_BUF batch = {0};
	emr_batch_builder *b = kit_batch(&k, health.id);
	uint64_t seq = 0;

	(void)kit_put(b, &health, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &batch);
	batch.data[EMR_HEADER_BYTES - 1] ^= 1;
	assert_ok(emr_ledger_size(k.ledger, &seq));
	rogue_append_unsigned(&lima, emr_buf_view(&batch), now);
	for (size_t i = 0; i < EMR_AHEAD_ENTRIES; i++)
		kit_fill(&k, &health, 1);
	expect_refused_by_all(seq, "the batch should not have an entry: signature");
}

TEST_IN(begin, folk_end, a_batch_that_its_submitter_did_not_sign_is_refused_in_a_window)
{
	EMR_AUTO_BUF batch = {0};
	emr_batch_builder *b = kit_batch(&k, health.id);
	uint64_t seq = 0;

	(void)kit_put(b, &health, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &batch);
	assert_ok(emr_ledger_size(k.ledger, &seq));
	rogue_append_in_name(&lima, &ana, emr_buf_view(&batch), now);
	for (size_t i = 0; i < EMR_AHEAD_ENTRIES; i++)
		kit_fill(&k, &health, 1);
	expect_refused_by_all(seq, "the submitter's signature is wrong");
}

/* ---- what is said of an entry ---- */

typedef struct copying {
	emr_chain *ledger, *copy;
	uint64_t until;
	emr_chain_parts *parts;
	emr_buf entry, items; /* of the one at UNTIL */
} copying;

static emr_status copy_one(void *arg, const emr_ledger_entry *entry)
{
	copying *c = arg;
	emr_ledger_trouble trouble;

	if (entry->seq == c->until) {
		assert_ok(emr_buf_append(&c->entry, entry->entry.data, entry->entry.len));
		return emr_buf_append(&c->items, entry->items.data, entry->items.len);
	}
	assert_ok(emr_chain_parts_of(entry, emr_chain_fetch, c->ledger, NULL, NULL, c->parts));
	return emr_chain_follow(c->copy, entry, NULL, c->parts->spans, NULL, NULL, &trouble);
}

/* A chain with all entries but the newest, inside of a transaction, and the newest. */
static void copy_all_but_one(copying *c)
{
	int dir = open(k.network, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t size = 0;
	size_t n = 0;

	assert_true(dir >= 0);
	assert_ok(emr_chain_open(
		dir, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, 10000, &c->ledger));
	(void)close(dir);
	assert_ok(emr_chain_open_temporary(&c->copy));
	assert_ok(emr_chain_begin(c->copy));
	c->parts = calloc(1, sizeof *c->parts);
	assert_non_null(c->parts);
	assert_ok(emr_ledger_size(k.ledger, &size));
	c->until = size - 1;
	assert_ok(emr_ledger_entries(k.ledger, 0, size, copy_one, c, &n));
	assert_int_equal(n, size);
}

static void copying_end(copying *c)
{
	emr_chain_parts_free(c->parts);
	free(c->parts);
	emr_buf_free(&c->entry);
	emr_buf_free(&c->items);
	emr_chain_close(c->ledger);
	emr_chain_close(c->copy);
}

static emr_chain_checked check(const emr_ledger_entry *entry, const member *m)
{
	emr_chain_checked checked;

	emr_chain_check(entry, m ? m->public.pk : NULL, &checked);
	return checked;
}

TEST_IN(begin, folk_end, what_is_said_holds_for_these_bytes_and_this_key)
{
	AUTO(copying_end) copying c = {0};
	emr_ledger_entry entry;
	emr_ledger_trouble trouble = {0};
	emr_chain_checked said;
	uint8_t message[EMR_SUBMIT_MESSAGE_BYTES], pk[32];

	copy_all_but_one(&c);
	entry = (emr_ledger_entry){
		.seq = c.until, .entry = emr_buf_view(&c.entry), .items = emr_buf_view(&c.items)};
	assert_ok(emr_chain_submitter(c.copy, &entry, pk));
	assert_memory_equal(pk, ana.public.pk, 32);
	said = check(&entry, &ana);
	assert_true(said.is_batch_signed && said.is_handed_in);
	said = check(&entry, &lima);
	assert_true(said.is_batch_signed && !said.is_handed_in);
	said = check(&entry, NULL);
	assert_true(said.is_batch_signed && !said.is_handed_in);

	/* Lima signs what says that it is ana's: her key fits, and it is not the one that counts.
	 */
	emr_submit_message(k.net_id.b, c.entry.data + 104, message);
	assert_ok(emr_keyring_sign(lima.keyring, emr_signer_identity(), EMR_SIGN_SUBMIT,
		emr_bytes_of(message + sizeof message - 32, 32), c.entry.data + 312));
	said = check(&entry, &lima);
	assert_true(said.is_handed_in);
	assert_status(
		EMR_DAMAGED, emr_chain_follow(c.copy, &entry, &said, NULL, NULL, NULL, &trouble));
	assert_string_equal(trouble.cause, "the submitter's signature is wrong");

	c.entry.data[104 + EMR_HEADER_BYTES - 1] ^= 1;
	said = check(&entry, &ana);
	assert_false(said.is_batch_signed || said.is_handed_in);
}

/* ---- the window itself ---- */

typedef struct seen {
	size_t n, fails_at;
} seen;

static emr_status look(void *arg, const emr_ledger_entry *entry, const emr_chain_checked *checked)
{
	seen *s = arg;

	assert_false(checked->is_batch_signed || checked->is_handed_in);
	assert_int_equal(entry->seq, 1 + s->n);
	for (size_t i = 0; i < entry->items.len; i += 4096)
		assert_int_equal(entry->items.data[i], (uint8_t)entry->seq);
	return ++s->n == s->fails_at ? EMR_BUSY : EMR_OK;
}

/* N entries of SIZE bytes, which are none. */
static size_t take(emr_ahead *ahead, size_t n, size_t size)
{
	EMR_AUTO_BUF items = {0};
	size_t taken = 0;

	assert_ok(emr_buf_reserve(&items, size));
	for (size_t i = 1; i <= n; i++) {
		emr_ledger_entry entry = {.seq = i, .entry = emr_bytes_of("none", 4)};

		memset(items.data, (int)i, size);
		entry.items = emr_bytes_of(items.data, size);
		taken += !emr_ahead_is_full(ahead);
		assert_ok(emr_ahead_take(ahead, &entry));
	}
	return taken;
}

TEST(a_window_has_a_bound_and_gives_what_it_took_in_order)
{
	EMR_AUTO_CHAIN chain = NULL;
	EMR_AUTO_AHEAD ahead = NULL;
	size_t n = 0;
	seen s = {0};

	cores = 8;
	assert_ok(emr_chain_open_temporary(&chain));
	ahead = emr_ahead_new(chain);
	assert_non_null(ahead);
	assert_int_equal(take(ahead, EMR_AHEAD_ENTRIES + 5, 10), EMR_AHEAD_ENTRIES);
	assert_ok(emr_ahead_each(ahead, look, &s, &n));
	assert_int_equal(n, EMR_AHEAD_ENTRIES);

	/* 4 MiB, and one entry of any size. */
	s = (seen){0};
	(void)take(ahead, EMR_AHEAD_ENTRIES, 1 << 20);
	assert_ok(emr_ahead_each(ahead, look, &s, &n));
	assert_int_equal(n, 3);
	s = (seen){0};
	(void)take(ahead, 2, 5 << 20);
	assert_ok(emr_ahead_each(ahead, look, &s, &n));
	assert_int_equal(n, 1);

	/* A failure ends it, and the next window is a new one. */
	s = (seen){.fails_at = 7};
	(void)take(ahead, EMR_AHEAD_ENTRIES, 10);
	assert_status(EMR_BUSY, emr_ahead_each(ahead, look, &s, &n));
	assert_int_equal(n, 6);
	s = (seen){0};
	assert_ok(emr_ahead_each(ahead, look, &s, &n));
	assert_int_equal(n, 0);
}

TESTS(NULL, NULL)
