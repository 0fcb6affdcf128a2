/* These tests follow a ledger with a computer's own copy: saved changes are seen, and every answer
 * of the copy is of one state. */
#include <pthread.h>

#include "contract/item.h"
#include "contract/rows.h"
#include "reads_kit.h"
#include "replica_kit.h"

/* ---- what questions cost ---- */

#define MANY EMR_MANY(2000) /* what is read is counted: one more row for one more entry is seen */

/* The newest N that WHO did are saves of one entry, in its order; with 0, there is nothing. */
static void did_last(emr_id32 who, unsigned n)
{
	emr_replica_change change;

	EMR_ASK(asked, replica, BY, .who = who);
	for (unsigned i = 0; i < n; i++) {
		assert_true(emr_next(&asked, &change));
		assert_true(change.op == EMR_OP_PUT && change.index == i);
	}
	assert_true(n > 0 || !emr_next(&asked, &change));
	assert_ok(asked.status);
}

TEST_IN(begin, end, what_a_computer_did_last_costs_what_is_found_of_two_thousand_entries)
{
	uint64_t before;

	(void)save(emr_id16_random(), MANY);
	kit_fill(&k, &domain, 2);
	(void)catch_up();
	before = rows_read();
	did_last(emr_id32_random(), 0);
	assert_int_equal(rows_read() - before, 0);
	did_last(k.owner.signer_id, 2);
	assert_in_range(rows_read() - before, 2, 4);
}

/* ---- following ---- */

TEST_IN(begin, end, what_is_saved_is_seen_after_catching_up)
{
	emr_id16 object = emr_id16_random();
	emr_id32 item = save(object, 2);
	emr_part_key key = {.domain = domain.id, .object = object, .version = 2, .family = 0x20};
	emr_replica_position position;
	emr_replica_head head;
	emr_replica_item found;
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};

	assert_ok(emr_replica_at(replica, &position));
	assert_int_equal(position.size, 0);
	assert_int_equal(position.freshness_s, -1);
	assert_int_equal(catch_up(), 5);
	assert_int_equal(catch_up(), 0);
	assert_ok(emr_replica_head_get(replica, domain.id, object, &head));
	assert_int_equal(head.version, 2);
	assert_int_equal(head.pversion, 2);
	assert_int_equal(head.state, EMR_OBJECT_LIVE);
	assert_int_equal(head.seq, 4);
	assert_int_equal(head.ledger_time, KIT_NOW);
	assert_memory_equal(head.item_id.b, item.b, 32);
	assert_ok(emr_replica_item_get(replica, &key, &bytes, &found));
	assert_memory_equal(found.item_id.b, item.b, 32);
	assert_int_equal(found.bytes.len, EMR_ITEM_BYTES);
	assert_int_equal(found.seq, 4);
	assert_ok(emr_replica_part(replica, &key, &part));
	assert_int_equal(part.len, 828);
	key.version = 3;
	assert_status(EMR_NOT_FOUND, emr_replica_part(replica, &key, &part));
	assert_ok(emr_replica_at(replica, &position));
	assert_int_equal(position.size, 5);
	assert_int_equal(position.freshness_s, 0);
	k.clock.boot_ns += 7000000000;
	assert_ok(emr_replica_at(replica, &position));
	assert_int_equal(position.freshness_s, 7);
}

/* Questions meanwhile by others, or by walks, are answered as always. */
TEST_IN(begin, end, a_snapshot_is_of_one_state_until_it_ends)
{
	emr_id16 object = emr_id16_random();
	emr_replica_snapshot snapshot = {0}, inner = {0};
	emr_replica_position before, position;
	emr_replica_head head;
	emr_batch_builder *b;
	emr_id32 item;

	item = save(object, 1);
	(void)catch_up();
	assert_ok(emr_replica_at(replica, &before));
	assert_ok(emr_replica_snapshot_begin(replica, &snapshot));
	assert_ok(emr_replica_head_get(replica, domain.id, object, &head));
	assert_int_equal(head.version, 1);
	assert_ok(emr_replica_snapshot_begin(replica, &inner));
	assert_null(inner.replica);
	emr_replica_snapshot_end(&inner);
	b = kit_batch(&k, domain.id);
	(void)kit_put(b, &domain, object, 2, item);
	(void)kit_send(&k, b);
	assert_int_equal(catch_up(), 1);
	assert_ok(emr_replica_head_get(replica, domain.id, object, &head));
	assert_int_equal(head.version, 1);
	assert_ok(emr_replica_at(replica, &position));
	assert_int_equal(position.size, before.size + 1);
	emr_replica_snapshot_end(&snapshot);
	assert_ok(emr_replica_head_get(replica, domain.id, object, &head));
	assert_int_equal(head.version, 2);
}

TEST_IN(begin, end, the_root_is_the_ledgers)
{
	emr_replica_position position;
	uint8_t root[32];

	kit_fill(&k, &domain, 3);
	(void)catch_up();
	assert_ok(emr_replica_at(replica, &position));
	assert_ok(emr_ledger_root(k.ledger, position.size, root));
	assert_memory_equal(root, position.root, 32);
}

static void see(void *arg, const emr_replica_change *change)
{
	seen *s = arg;
	emr_replica_position position;

	/* No lock is held: the replica may be read from here. */
	assert_ok(emr_replica_at(replica, &position));
	s->n++;
	s->last = *change;
}

TEST_IN(begin, end, each_item_is_told_once_and_in_order)
{
	seen s = {0};
	emr_id16 object = emr_id16_random();
	emr_id32 item;

	assert_ok(emr_replica_catch_up(replica, see, &s, NULL));
	assert_int_equal(s.n, 3); /* KEY_REG, DOMAIN_NEW, LISTKEY */
	item = save(object, 1);
	assert_ok(emr_replica_catch_up(replica, see, &s, NULL));
	assert_int_equal(s.n, 4);
	assert_int_equal(s.last.op, EMR_OP_PUT);
	assert_int_equal(s.last.family, EMR_FAMILY_OBJECT);
	assert_memory_equal(s.last.item_id.b, item.b, 32);
	assert_memory_equal(s.last.object.b, object.b, 16);
	assert_true(s.last.is_mine);
	assert_int_equal(s.last.result, EMR_RESULT_APPLIED);
}

static bool is_none(void *arg, emr_id16 id, emr_bytes d_row)
{
	emr_domain_public *mine = arg;

	(void)id;
	assert_int_equal(d_row.len, 96);
	return memcmp(d_row.data, mine->owner_pk, 32) == 0;
}

TEST_IN(begin, end, parts_of_other_domains_are_not_kept)
{
	emr_domain_public mine;
	emr_replica_options options = {.state_dirfd = k.state_fd,
		.ledger = k.ledger,
		.clock = &k.clock.clock,
		.is_mine = is_none,
		.is_mine_arg = &mine};
	emr_id16 object = emr_id16_random();
	kit_domain other;
	emr_part_key key = {.object = object, .version = 1, .family = 0x20};
	EMR_AUTO_BUF part = {0};
	emr_replica_trouble trouble;
	emr_replica_head head;
	uint64_t checked = 0;

	stop();
	(void)save(object, 1);
	other = domain;
	domain = kit_domain_new(&k);
	(void)save(object, 1);
	assert_ok(emr_keyring_domain_public(k.keyring, domain.id, 1, 1, &mine));
	assert_ok(emr_replica_open(&options, &replica));
	(void)catch_up();
	key.domain = other.id;
	assert_status(EMR_NOT_FOUND, emr_replica_part(replica, &key, &part));
	assert_ok(emr_replica_head_get(replica, other.id, object, &head));
	key.domain = domain.id;
	assert_ok(emr_replica_part(replica, &key, &part));
	assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
}

/* ---- reading ---- */

/* How many heads are asked for, each of which can be looked up. */
static size_t count_heads(emr_asking *asked)
{
	emr_replica_head head, again;
	size_t n = 0;

	for (; emr_next(asked, &head); n++)
		assert_ok(emr_replica_head_get(replica, head.domain, head.object, &again));
	assert_ok(asked->status);
	return n;
}

TEST_IN(begin, end, heads_are_listed_by_domain_and_all)
{
	kit_domain first = domain;

	kit_fill(&k, &domain, 20);
	domain = kit_domain_new(&k);
	kit_fill(&k, &domain, 5);
	(void)catch_up();
	EMR_ASK(all, replica, ALL_HEADS);
	assert_int_equal(count_heads(&all), 25);
	EMR_ASK(its, replica, HEADS, .domain = first.id);
	assert_int_equal(count_heads(&its), 20);
}

TEST_IN(begin, end, the_history_of_a_record_is_every_version_of_its_row)
{
	emr_id16 object = emr_id16_random();
	emr_id32 item = save(object, 2);
	emr_batch_builder *b = kit_batch(&k, domain.id);
	emr_replica_item found;
	uint64_t version = 0;

	(void)kit_unlink(b, &domain, object, 3, item);
	(void)kit_send(&k, b);
	(void)catch_up();
	EMR_ASK(asked, replica, HISTORY, .family = EMR_FAMILY_OBJECT, .domain = domain.id,
		.object = object);
	while (emr_next(&asked, &found))
		assert_int_equal(found.version, ++version);
	assert_ok(asked.status);
	assert_int_equal(version, 3);
	assert_int_equal(found.op, EMR_OP_UNLINK);
}

/* The bytes belong to an entry that a caller still holds. */
static void rest_and_look(emr_id16 object)
{
	EMR_AUTO_BUF before = {0};
	emr_replica_item item;

	EMR_ASK(asked, replica, HISTORY, .family = EMR_FAMILY_OBJECT, .domain = domain.id,
		.object = object);
	assert_true(emr_next(&asked, &item));
	assert_ok(emr_buf_append(&before, item.bytes.data, item.bytes.len));
	emr_replica_rest(replica);
	assert_int_equal(item.bytes.len, before.len);
	assert_memory_equal(item.bytes.data, before.data, before.len);
	assert_int_equal(item.version, 1);
	assert_false(emr_next(&asked, &item));
	assert_ok(asked.status);
}

/* A row that rotted, and was put right while somebody read it, is not read by the next. */
static void forget_and_look_anew(emr_id16 object)
{
	emr_replica_item item, other;

	EMR_ASK(asked, replica, HISTORY, .family = EMR_FAMILY_OBJECT, .domain = domain.id,
		.object = object);
	assert_true(emr_next(&asked, &item));
	emr_replica_rest(replica);
	EMR_ASK(again, replica, HISTORY, .family = EMR_FAMILY_OBJECT, .domain = domain.id,
		.object = object);
	assert_true(emr_next(&again, &other));
	assert_ptr_not_equal(other.bytes.data, item.bytes.data);
}

TEST_IN(begin, end, at_rest_nothing_is_lost_that_somebody_reads)
{
	emr_id16 object = emr_id16_random();
	emr_batch_builder *b = kit_batch(&k, domain.id);

	(void)kit_put(b, &domain, object, 1, (emr_id32){{0}});
	for (int i = 0; i < 60; i++) /* an entry that is worth to be kept */
		(void)kit_put(b, &domain, emr_id16_random(), 1, (emr_id32){{0}});
	(void)kit_send(&k, b);
	(void)catch_up();
	for (int i = 0; i < 2; i++)
		rest_and_look(object);
	forget_and_look_anew(object);
}

TEST_IN(begin, end, recent_entries_come_newest_first_with_refused_items)
{
	emr_id16 object = emr_id16_random();
	emr_batch_builder *b;
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer answer, found;
	emr_replica_listing line;

	(void)save(object, 1); /* entry 3 */
	b = kit_batch(&k, domain.id);
	(void)kit_put(b, &domain, object, 1, (emr_id32){{0}});
	kit_finish(&k, b, &bytes);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer)); /* entry 4 */
	(void)catch_up();
	EMR_ASK(its, replica, RECENT_IN, .domain = domain.id);
	assert_true(emr_next(&its, &line));
	assert_memory_equal(line.object.b, object.b, sizeof object.b);
	assert_int_equal(line.item.seq, 3);
	EMR_ASK(all, replica, RECENT, .at = 9); /* behind the end */
	for (uint64_t seq = 4; seq >= 2; seq--) {
		assert_true(emr_next(&all, &line));
		assert_int_equal(line.item.seq, seq);
		assert_int_equal(line.result, seq == 4 ? EMR_RESULT_CONFLICT : EMR_RESULT_APPLIED);
		assert_true(seq == 2 || emr_id16_equal(line.object, object));
	}
	assert_ok(emr_replica_find_batch(replica, answer.batch_id, &found));
	assert_int_equal(found.seq, 4);
	assert_int_equal(found.results[0], EMR_RESULT_CONFLICT);
	assert_status(EMR_NOT_FOUND, emr_replica_find_batch(replica, (emr_id32){{1}}, &found));
}

TEST_IN(begin, end, rows_are_read_by_key)
{
	emr_key_text key;
	EMR_AUTO_BUF row = {0};
	emr_row_key parsed;
	emr_known_domain known;

	(void)catch_up();
	emr_key_signer(k.owner.signer_id.b, &key);
	assert_ok(emr_replica_state_get(replica, key.text, &row));
	assert_int_equal(
		emr_row_key_parse((emr_span){row.data, row.len}, &parsed), EMR_CONTRACT_OK);
	assert_memory_equal(parsed.pk, k.owner.pk, 32);
	assert_status(EMR_NOT_FOUND, emr_replica_state_get(replica, "D/00", &row));
	EMR_ASK(asked, replica, DOMAINS);
	assert_true(emr_next(&asked, &known));
	assert_true(known.is_mine);
	assert_false(emr_next(&asked, &known));
	assert_ok(asked.status);
}

TEST_IN(begin, end, a_part_that_was_altered_on_this_disk_is_read_by_nobody)
{
	emr_id16 object = emr_id16_random();
	emr_part_key key = emr_part_of_object(domain.id, object, 1);
	EMR_AUTO_BUF part = {0};

	(void)save(object, 1);
	(void)catch_up();
	assert_ok(emr_replica_part(replica, &key, &part));
	kit_sql(k.state, "replica.sqlite", "UPDATE parts SET part=zeroblob(length(part))");
	assert_status(EMR_DAMAGED, emr_replica_part(replica, &key, &part));
}

TEST_IN(begin, end, an_erased_version_has_no_part_and_the_rest_stays_provable)
{
	emr_id16 object = emr_id16_random();
	emr_id32 item = save(object, 2);
	emr_part_key key = {.domain = domain.id, .object = object, .version = 1, .family = 0x20};
	emr_batch_builder *b = kit_batch(&k, domain.id);
	emr_replica_trouble trouble;
	EMR_AUTO_BUF part = {0};
	uint64_t checked = 0;

	(void)catch_up();
	assert_ok(emr_replica_part(replica, &key, &part));
	(void)kit_erase(b, &domain, object, 3, item, 1, 1);
	(void)kit_send(&k, b);
	(void)catch_up();
	assert_status(EMR_NOT_FOUND, emr_replica_part(replica, &key, &part));
	assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
	assert_int_equal(checked, 6);
	/* A computer that comes later never sees the part, and reaches the same state. */
	stop();
	kit_remove_tree(k.state);
	assert_int_equal(mkdir(k.state, 0700), 0);
	(void)close(k.state_fd);
	k.state_fd = open(k.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	start();
	assert_int_equal(catch_up(), 6);
	assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
}

typedef struct reader {
	bool *is_over; /* atomically */
	size_t reads;
} reader;

static void *read_all_the_time(void *arg)
{
	reader *r = arg;
	size_t before = 0;

	do {
		emr_replica_position position;
		emr_replica_head head;
		size_t n = 0;
		EMR_ASK(asked, replica, ALL_HEADS);

		assert_ok(emr_replica_at(replica, &position));
		for (; emr_next(&asked, &head); n++)
			assert_int_equal(head.version, 1);
		assert_ok(asked.status);
		/* Batches of ten come whole, and nothing goes back. */
		assert_int_equal(n % 10, 0);
		assert_true(n >= before);
		before = n;
		r->reads++;
	} while (!__atomic_load_n(r->is_over, __ATOMIC_ACQUIRE));
	return NULL;
}

TEST_IN(begin, end, readers_see_whole_batches_while_it_catches_up)
{
	bool is_over = false;
	reader readers[3] = {{&is_over, 0}, {&is_over, 0}, {&is_over, 0}};
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, read_all_the_time, &readers[i]), 0);
	for (int i = 0; i < 40; i++) {
		kit_fill(&k, &domain, 10);
		(void)catch_up();
	}
	__atomic_store_n(&is_over, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(readers[i].reads > 0);
	}
}

/* ---- checking while another thread goes on ---- */

static bool is_checking;

/* Asked in the middle of the check, where another thread may catch up, too. */
static bool is_mine_and_grows(void *arg, emr_id16 id, emr_bytes row)
{
	(void)arg;
	(void)id;
	(void)row;
	if (is_checking) {
		is_checking = false;
		(void)save(emr_id16_random(), 1);
		assert_int_equal(catch_up(), 1);
	}
	return true;
}

TEST_IN(begin, end, a_copy_that_grows_while_it_is_checked_is_whole)
{
	const emr_replica_options options = {.state_dirfd = k.state_fd,
		.ledger = k.ledger,
		.clock = &k.clock.clock,
		.is_mine = is_mine_and_grows};
	emr_replica_trouble trouble;
	uint64_t checked = 0, grown = 0;

	stop();
	assert_ok(emr_replica_open(&options, &replica));
	(void)save(emr_id16_random(), 2);
	(void)catch_up();
	is_checking = true;
	assert_ok(emr_replica_verify_own(replica, &trouble, &checked));
	assert_false(is_checking);
	assert_ok(emr_replica_verify_own(replica, &trouble, &grown));
	assert_int_equal(grown, checked + 1);
	is_checking = true;
	assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
	assert_false(is_checking);
}

TESTS(NULL, NULL)
