/* These tests are about whole batches: what refuses them, how their items see each other, and
 * that the same input gives the same output. */
#include "test_contract_kit.h"

#include "crypto/hashsig.h"

#define PUT_PART 828
#define META_PART 616

TEST(later_items_see_what_earlier_ones_wrote)
{
	static kit_run run;
	kit_state parts = {0};
	emr_row_object row;
	emr_row_place place;
	const kit_row *found;
	emr_key_text key;
	kit_world world;
	emr_span bytes;
	uint8_t id[16];

	kit_world_make(&world);
	bytes = kit_three_items(&world);
	kit_judge(&run, "a directory, a file, its new name", bytes, &world.caller, KIT_NOW,
		&world.state, NULL);
	assert_int_equal(run.outcome.kind, EMR_OUTCOME_APPLIED);
	assert_int_equal(run.outcome.results.len, 3);
	assert_memory_equal(run.outcome.results.data, "\0\0\0", 3);
	kit_commit(&run, &world.state, &parts);
	kit_id16("record", id);
	emr_key_object(world.domain, id, &key);
	found = kit_get(&world.state, key.text);
	assert_non_null(found);
	assert_int_equal(
		emr_row_object_parse(kit_span(found->value, found->len), &row), EMR_CONTRACT_OK);
	assert_int_equal(row.head.version, 2);
	assert_int_equal(row.pversion, 1);
	assert_memory_equal(row.creator, world.owner.id, 32);
	emr_key_place(EMR_FAMILY_OBJECT, world.domain, id, 2, &key);
	found = kit_get(&world.state, key.text);
	assert_non_null(found);
	assert_int_equal(
		emr_row_place_parse(kit_span(found->value, found->len), &place), EMR_CONTRACT_OK);
	assert_int_equal(place.index, 2);
	assert_memory_equal(place.batch_id, run.outcome.batch_id, 32);
	assert_int_equal(parts.count, 3);
	emr_key_part(EMR_FAMILY_OBJECT, world.domain, id, 2, &key);
	assert_int_equal(kit_get(&parts, key.text)->len, META_PART + 512);
	emr_key_head(world.domain, &key);
	assert_memory_equal(kit_get(&world.state, key.text)->value, run.outcome.batch_id, 32);
	kit_run_free(&run);
	kit_state_free(&parts);
	kit_world_free(&world);
	kit_drop(bytes);
}

TEST(a_state_row_is_written_once_with_its_last_value)
{
	static kit_run run;
	kit_world world;
	emr_span bytes;

	kit_world_make(&world);
	bytes = kit_three_items(&world);
	kit_judge(&run, NULL, bytes, &world.caller, KIT_NOW, &world.state, NULL);
	for (size_t i = 0; i < run.outcome.writes_count; i++)
		for (size_t n = 0; n < i; n++)
			assert_string_not_equal(
				run.outcome.writes[i].key, run.outcome.writes[n].key);
	/* 2 objects, 3 places, 3 parts, the batch, the domain's head, what was counted */
	assert_int_equal(run.outcome.writes_count, 11);
	kit_run_free(&run);
	kit_world_free(&world);
	kit_drop(bytes);
}

TEST(a_batch_that_comes_again_gets_its_old_answer)
{
	static kit_run run;
	kit_state parts = {0}, before;
	kit_world world;
	emr_span bytes, again;

	kit_world_make(&world);
	bytes = kit_three_items(&world);
	again = kit_three_items(&world);
	kit_judge(&run, NULL, bytes, &world.caller, KIT_NOW, &world.state, NULL);
	kit_commit(&run, &world.state, &parts);
	kit_run_free(&run);
	kit_state_copy(&world.state, &before);
	/* even long after it expired, and from anyone */
	kit_judge(&run, "the same batch again", bytes, &world.caller, KIT_NOW + 900 * KIT_DAY,
		&world.state, NULL);
	assert_int_equal(run.outcome.kind, EMR_OUTCOME_KNOWN);
	assert_memory_equal(run.outcome.results.data, "\0\0\0", 3);
	assert_int_equal(run.outcome.writes_count, 0);
	kit_run_free(&run);
	/* the same items under a new header: the ones that still stand there are ALREADY */
	((uint8_t *)(uintptr_t)again.data)[71] ^= 1; /* valid_until */
	kit_seal_again(again, &world.owner);
	kit_judge(&run, "the same items in another batch", again, &world.caller, KIT_NOW,
		&world.state, NULL);
	assert_int_equal(run.outcome.kind, EMR_OUTCOME_APPLIED);
	assert_int_equal(run.outcome.results.data[0], EMR_RESULT_ALREADY);
	assert_int_equal(run.outcome.results.data[1], EMR_RESULT_CONFLICT); /* META stands on it */
	assert_int_equal(run.outcome.results.data[2], EMR_RESULT_ALREADY);
	assert_int_equal(run.outcome.writes_count, 2); /* the count, the batch and its answers */
	kit_run_free(&run);
	assert_true(kit_state_equal(&before, &world.state));
	kit_state_free(&before);
	kit_state_free(&parts);
	kit_world_free(&world);
	kit_drop(bytes);
	kit_drop(again);
}

/* Every byte, two bits each: nothing of a batch can be changed without its signer. */
TEST(every_flip_of_a_batch_is_refused)
{
	static kit_run run;
	uint8_t *bytes;
	kit_world world;
	emr_span batch;
	size_t refused = 0, part_flips = 0;

	kit_world_make(&world);
	batch = kit_three_items(&world);
	bytes = (uint8_t *)(uintptr_t)batch.data;
	for (size_t at = 0; at < batch.len; at++) {
		size_t header_and_items = EMR_HEADER_BYTES + 3 * EMR_ITEM_BYTES;

		bytes[at] ^= (uint8_t)(at % 2 == 0 ? 0x01 : 0x80);
		kit_judge(&run, NULL, batch, &world.caller, KIT_NOW, &world.state, NULL);
		if (at < header_and_items) {
			assert_int_equal(run.outcome.kind, EMR_OUTCOME_REFUSED);
			refused++;
		} else { /* the batch stands, the item whose part it is does not */
			assert_int_equal(run.outcome.kind, EMR_OUTCOME_APPLIED);
			assert_non_null(
				memchr(run.outcome.results.data, EMR_RESULT_PRIVATE_PART, 3));
			part_flips++;
		}
		kit_run_free(&run);
		bytes[at] ^= (uint8_t)(at % 2 == 0 ? 0x01 : 0x80);
	}
	assert_int_equal(refused, EMR_HEADER_BYTES + 3 * EMR_ITEM_BYTES);
	assert_int_equal(part_flips, META_PART + PUT_PART + META_PART + 512);
	kit_world_free(&world);
	kit_drop(batch);
}

/* ---- refusals of the batch, in their order ---- */

/* One UNLINK, with the header as EDIT leaves it. */
static int one_item(const kit_world *world, const char *name, uint64_t now,
	void (*edit)(kit_batch *), void (*edit_item)(emr_item *))
{
	static kit_run run;
	emr_item item = kit_item_of(world, EMR_OP_UNLINK, "record");
	kit_batch batch;
	emr_span bytes;
	int result;

	kit_begin(&batch, &world->owner, world->net_id);
	if (edit != NULL)
		edit(&batch);
	if (edit_item != NULL)
		edit_item(&item);
	kit_add(&batch, item, kit_span(NULL, 0), kit_span(NULL, 0));
	bytes = kit_end(&batch);
	kit_judge(&run, name, bytes, &world->caller, now, &world->state, NULL);
	assert_true(run.outcome.kind != EMR_OUTCOME_REFUSED || run.outcome.writes_count == 0);
	result = kit_answer(&run);
	kit_run_free(&run);
	kit_drop(bytes);
	return result;
}

static void world_with_record(kit_world *world)
{
	uint8_t id[16];

	kit_world_make(world);
	kit_id16("record", id);
	kit_put_object(&world->state, world->domain, id, &world->owner, EMR_OBJECT_LIVE, 0, 1);
}

static void other_network(kit_batch *batch)
{
	batch->header.net_id[5] ^= 4;
}

static void clock_at_the_edge(kit_batch *batch)
{
	batch->header.time_unix_s = KIT_NOW + 600;
}

static void clock_ahead(kit_batch *batch)
{
	batch->header.time_unix_s = KIT_NOW + 601;
	batch->header.valid_until_unix_s = KIT_NOW + 700;
}

static void valid_until_now(kit_batch *batch)
{
	batch->header.valid_until_unix_s = KIT_NOW;
}

static void expired(kit_batch *batch)
{
	batch->header.valid_until_unix_s = KIT_NOW - 1;
}

static void valid_400_days(kit_batch *batch)
{
	batch->header.valid_until_unix_s = batch->header.time_unix_s + 400 * KIT_DAY;
}

static void valid_too_long(kit_batch *batch)
{
	batch->header.valid_until_unix_s = batch->header.time_unix_s + 400 * KIT_DAY + 1;
}

static void valid_for_ever(kit_batch *batch)
{
	batch->header.valid_until_unix_s = UINT64_MAX;
}

static void has_seen(kit_batch *batch)
{
	batch->header.seen_seq = 7;
	batch->header.seen_leaf[0] = 1;
}

static void future_item(emr_item *item)
{
	item->time_unix_s = KIT_NOW - 9;
}

static void wrong_prev(emr_item *item)
{
	item->prev[0] ^= 1;
}

static void wrong_version(emr_item *item)
{
	item->version++;
}

static void zero_version(emr_item *item)
{
	item->version = 0;
}

static void wrong_epoch(emr_item *item)
{
	item->epoch = 2;
}

static void unknown_flag(emr_item *item)
{
	item->flags = 8;
}

static void other_signer(emr_item *item)
{
	memset(item->signer_id, 0x55, 32);
}

static void hash_without_part(emr_item *item)
{
	item->priv_hash[31] = 1;
}

static void no_domain_named(emr_item *item)
{
	memset(item->domain_id, 0, 16);
}

TEST(headers_are_judged_before_items)
{
	static const struct {
		const char *name;
		void (*edit)(kit_batch *);
		int expected;
	} cases[] = {
		{"an ordinary batch", NULL, EMR_RESULT_APPLIED},
		{"a batch of another network", other_network, 1000 + EMR_RESULT_NETWORK},
		{"a clock 600 s ahead", clock_at_the_edge, 1000 + EMR_RESULT_EXPIRED_BATCH},
		{"a clock 601 s ahead", clock_ahead, 1000 + EMR_RESULT_TIME_AHEAD},
		{"valid until this second", valid_until_now, EMR_RESULT_APPLIED},
		{"expired a second ago", expired, 1000 + EMR_RESULT_EXPIRED_BATCH},
		{"valid for 400 days", valid_400_days, EMR_RESULT_APPLIED},
		{"valid for a second more", valid_too_long, 1000 + EMR_RESULT_EXPIRED_BATCH},
		{"valid for ever", valid_for_ever, 1000 + EMR_RESULT_EXPIRED_BATCH},
	};
	kit_world world;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		world_with_record(&world);
		assert_int_equal(one_item(&world, cases[i].name, KIT_NOW, cases[i].edit, NULL),
			cases[i].expected);
		kit_world_free(&world);
	}
}

TEST(items_are_judged_in_one_order)
{
	static const struct {
		const char *name;
		void (*edit)(emr_item *);
		int expected;
	} cases[] = {
		{"an item younger than its batch", future_item, 1000 + EMR_RESULT_TIME_AHEAD},
		{"another item stands before it", wrong_prev, EMR_RESULT_CONFLICT},
		{"another version", wrong_version, EMR_RESULT_CONFLICT},
		{"version 0", zero_version, EMR_RESULT_CONFLICT},
		{"another epoch", wrong_epoch, EMR_RESULT_EPOCH},
		{"a flag that the operation has not", unknown_flag, EMR_RESULT_FORMAT},
		{"an item of another signer", other_signer, EMR_RESULT_NOT_AUTHORISED},
		{"a hash without a part", hash_without_part, EMR_RESULT_FORMAT},
		{"no domain", no_domain_named, EMR_RESULT_FORMAT},
	};
	kit_world world;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		world_with_record(&world);
		assert_int_equal(one_item(&world, cases[i].name, KIT_NOW, NULL, cases[i].edit),
			cases[i].expected);
		kit_world_free(&world);
	}
}

TEST(the_shortest_validity_of_a_batch_counts)
{
	static kit_run run;
	uint8_t A[32] = {1};
	emr_key_text key;
	kit_batch batch;
	kit_world world;
	emr_span bytes;
	emr_item epoch = {.op = EMR_OP_EPOCH, .epoch = 2};

	for (uint64_t days = 7; days <= 8; days++) {
		world_with_record(&world);
		memcpy(epoch.domain_id, world.domain, 16);
		memcpy(epoch.object_id, world.domain, 16);
		emr_key_domain(world.domain, &key);
		kit_follow(&world.state, key.text, &epoch);
		kit_begin(&batch, &world.owner, world.net_id);
		batch.header.valid_until_unix_s = batch.header.time_unix_s + days * KIT_DAY;
		kit_add(&batch, kit_item_of(&world, EMR_OP_UNLINK, "record"), kit_span(NULL, 0),
			kit_span(NULL, 0));
		kit_add(&batch, epoch, kit_span(A, 32), kit_part(1, 33));
		bytes = kit_end(&batch);
		kit_judge(&run, "a save and an epoch, valid for days", bytes, &world.caller,
			KIT_NOW, &world.state, NULL);
		assert_int_equal(kit_answer(&run), days == 7 ? 0 : 1000 + EMR_RESULT_EXPIRED_BATCH);
		kit_run_free(&run);
		kit_world_free(&world);
		kit_drop(bytes);
	}
}

TEST(a_fork_is_seen)
{
	AUTO(kit_world_free) kit_world world;

	world_with_record(&world);
	world.caller.seen = EMR_SEEN_NOT_IN_LOG;
	assert_int_equal(one_item(&world, "a batch that has seen nothing", KIT_NOW, NULL, NULL), 0);
	assert_int_equal(
		one_item(&world, "a batch that has seen another log", KIT_NOW, has_seen, NULL),
		1000 + EMR_RESULT_FORK);
	world.caller.seen = EMR_SEEN_IN_LOG;
	assert_int_equal(
		one_item(&world, "a batch that has seen this log", KIT_NOW, has_seen, NULL), 0);
	world.caller.seen = EMR_SEEN_UNCHECKED;
	assert_int_equal(one_item(&world, "a host without a log", KIT_NOW, has_seen, NULL), 0);
}

TEST(the_submitter_is_in_force)
{
	static const struct {
		uint8_t key_state;
		int days;
		uint8_t org_state;
		int expected;
	} cases[] = {
		{EMR_KEY_ACTIVE, 1, EMR_ORG_MEMBER, 0},
		{EMR_KEY_ACTIVE, 0, EMR_ORG_MEMBER, 1000 + EMR_RESULT_SUBMITTER},
		{EMR_KEY_ROTATED, 1, EMR_ORG_MEMBER, 1000 + EMR_RESULT_SUBMITTER},
		{EMR_KEY_REVOKED, 1, EMR_ORG_MEMBER, 1000 + EMR_RESULT_SUBMITTER},
		{EMR_KEY_ACTIVE, 1, EMR_ORG_REMOVED, 1000 + EMR_RESULT_SUBMITTER},
	};
	kit_world world;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		world_with_record(&world);
		kit_put_org(&world.state, world.org, cases[i].org_state);
		kit_put_key(&world.state, &world.identity, world.org, EMR_ROLE_PATIENT, 1,
			cases[i].key_state, KIT_NOW + (uint64_t)cases[i].days * KIT_DAY);
		assert_int_equal(one_item(&world, "a batch by submitter", KIT_NOW, NULL, NULL),
			cases[i].expected);
		kit_world_free(&world);
	}
	world_with_record(&world);
	world.caller.submitter_id[0] ^= 1;
	assert_int_equal(one_item(&world, "a batch by nobody", KIT_NOW, NULL, NULL),
		1000 + EMR_RESULT_SUBMITTER);
	kit_world_free(&world);
}

/* It does not matter by whom the transaction was made: the host has verified the submitter's
 * signature. */
TEST(on_fabric_a_batch_needs_no_certificate)
{
	AUTO(kit_world_free) kit_world world;

	world_with_record(&world);
	world.caller.host = EMR_HOST_FABRIC;
	assert_int_equal(one_item(&world, "fabric, without a certificate", KIT_NOW, NULL, NULL), 0);
	world.caller.submitter_id[0] ^= 1;
	assert_int_equal(one_item(&world, "fabric, by nobody", KIT_NOW, NULL, NULL),
		1000 + EMR_RESULT_SUBMITTER);
}

/* A signed item with a broken magic, or a broken reserved byte, refuses itself and not its batch.
 */
TEST(a_broken_item_refuses_itself)
{
	static const size_t places[] = {0, 3, 4};
	static kit_run run;
	kit_world world;
	emr_span bytes;

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		kit_world_make(&world);
		bytes = kit_three_items(&world);
		((uint8_t *)(uintptr_t)bytes.data)[EMR_HEADER_BYTES + places[i]] ^= 1;
		kit_seal_again(bytes, &world.owner);
		kit_judge(&run, "a broken item among good ones", bytes, &world.caller, KIT_NOW,
			&world.state, NULL);
		assert_int_equal(run.outcome.kind, EMR_OUTCOME_APPLIED);
		assert_int_equal(run.outcome.results.data[0], EMR_RESULT_FORMAT);
		assert_int_equal(run.outcome.results.data[1], EMR_RESULT_APPLIED);
		assert_int_equal(run.outcome.results.data[2], EMR_RESULT_APPLIED);
		kit_run_free(&run);
		kit_world_free(&world);
		kit_drop(bytes);
	}
}

TEST(parts_have_the_lengths_of_their_operation)
{
	static const struct {
		uint8_t op;
		size_t len;
		int expected;
	} cases[] = {
		{EMR_OP_PUT, 828, 0},
		{EMR_OP_PUT, 827, 31},
		{EMR_OP_PUT, 829, 31},
		{EMR_OP_PUT, 316, 31},
		{EMR_OP_PUT, 0, 31},
		{EMR_OP_PUT, 300 + 512 * 32 + 16, 0},
		{EMR_OP_PUT, 300 + 512 * 33 + 16, 31},
		{EMR_OP_META, 616, 0},
		{EMR_OP_META, 88 + 512 * 32 + 16, 0},
		{EMR_OP_META, 828, 31},
		{EMR_OP_META, 0, 31},
		{EMR_OP_UNLINK, 0, 0},
		{EMR_OP_UNLINK, 33, 31},
		{EMR_OP_REWRAP, 1340, 0},
		{EMR_OP_REWRAP, 33, 31},
	};
	static kit_run run;
	kit_batch batch;
	kit_world world;
	emr_span bytes;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		world_with_record(&world);
		kit_begin(&batch, &world.owner, world.net_id);
		kit_add(&batch, kit_item_of(&world, cases[i].op, "record"), kit_span(NULL, 0),
			kit_part(3, cases[i].len));
		bytes = kit_end(&batch);
		kit_judge(&run, "a part by length", bytes, &world.caller, KIT_NOW, &world.state,
			NULL);
		assert_int_equal(kit_answer(&run), cases[i].expected);
		kit_run_free(&run);
		kit_world_free(&world);
		kit_drop(bytes);
	}
}

TESTS(NULL, NULL)
