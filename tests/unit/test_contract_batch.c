/* Whole batches: what refuses them, how their items see each other, and that the same input gives
 * the same output. */
#include "test_contract_kit.h"

#include "crypto/hashsig.h"

#define PUT_PART 828
#define META_PART 616

static void drop(emr_span bytes)
{
	free((void *)(uintptr_t)bytes.data);
}

/* Follows ROW's key in the kit's state; object ids by name. */
static emr_item item_of(const kit_world *world, uint8_t op, const char *object)
{
	emr_item item = {.op = op, .epoch = 1};
	emr_key_text key;

	memcpy(item.domain_id, world->domain, 16);
	kit_id16(object, item.object_id);
	emr_key_object(item.domain_id, item.object_id, &key);
	kit_follow(&world->state, key.text, &item);
	return item;
}

/* A directory, a file, its new name: signed, judged by nobody yet. */
static emr_span three_items(const kit_world *world)
{
	emr_item dir = item_of(world, EMR_OP_META, "directory"),
		 put = item_of(world, EMR_OP_PUT, "record");
	emr_item meta = put;
	uint8_t bytes[EMR_ITEM_BYTES];
	kit_batch batch;
	size_t len;

	dir.flags = EMR_ITEM_NOCONTENT;
	kit_begin(&batch, &world->owner, world->net_id);
	kit_add(&batch, dir, kit_span(NULL, 0), kit_part(1, META_PART));
	memcpy(put.signer_id, world->owner.id, 32);
	put.time_unix_s = batch.header.time_unix_s;
	emr_item_set_part(&put, kit_part(2, PUT_PART));
	kit_add(&batch, put, kit_span(NULL, 0), kit_part(2, PUT_PART));
	assert_int_equal(emr_item_encode(&put, kit_span(NULL, 0), bytes, sizeof bytes, &len),
		EMR_CONTRACT_OK);
	meta.op = EMR_OP_META;
	meta.version = 2;
	emr_item_id(kit_span(bytes, len), meta.prev);
	kit_add(&batch, meta, kit_span(NULL, 0), kit_part(3, META_PART + 512));
	return kit_end(&batch);
}

static void later_items_see_what_earlier_ones_wrote(void **state)
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

	(void)state;
	kit_world_make(&world);
	bytes = three_items(&world);
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
	drop(bytes);
}

static void a_state_row_is_written_once_with_its_last_value(void **state)
{
	static kit_run run;
	kit_world world;
	emr_span bytes;

	(void)state;
	kit_world_make(&world);
	bytes = three_items(&world);
	kit_judge(&run, NULL, bytes, &world.caller, KIT_NOW, &world.state, NULL);
	for (size_t i = 0; i < run.outcome.writes_count; i++)
		for (size_t n = 0; n < i; n++)
			assert_string_not_equal(
				run.outcome.writes[i].key, run.outcome.writes[n].key);
	/* 2 objects, 3 places, 3 parts, the batch, the domain's head */
	assert_int_equal(run.outcome.writes_count, 10);
	kit_run_free(&run);
	kit_world_free(&world);
	drop(bytes);
}

static void a_batch_that_comes_again_gets_its_old_answer(void **state)
{
	static kit_run run;
	kit_state parts = {0}, before;
	kit_world world;
	emr_span bytes, again;

	(void)state;
	kit_world_make(&world);
	bytes = three_items(&world);
	again = three_items(&world);
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
	assert_int_equal(run.outcome.writes_count, 1); /* the batch and its answers */
	kit_run_free(&run);
	assert_true(kit_state_equal(&before, &world.state));
	kit_state_free(&before);
	kit_state_free(&parts);
	kit_world_free(&world);
	drop(bytes);
	drop(again);
}

/* Every byte, two bits each: nothing of a batch can be changed without its signer. */
static void every_flip_of_a_batch_is_refused(void **state)
{
	static kit_run run;
	uint8_t *bytes;
	kit_world world;
	emr_span batch;
	size_t refused = 0, part_flips = 0;

	(void)state;
	kit_world_make(&world);
	batch = three_items(&world);
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
	drop(batch);
}

/* ---- refusals of the batch, in their order ---- */

/* One UNLINK, with the header as EDIT leaves it. */
static int one_item(const kit_world *world, const char *name, uint64_t now,
	void (*edit)(kit_batch *), void (*edit_item)(emr_item *))
{
	static kit_run run;
	emr_item item = item_of(world, EMR_OP_UNLINK, "record");
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
	drop(bytes);
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

static void headers_are_judged_before_items(void **state)
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

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		world_with_record(&world);
		assert_int_equal(one_item(&world, cases[i].name, KIT_NOW, cases[i].edit, NULL),
			cases[i].expected);
		kit_world_free(&world);
	}
}

static void items_are_judged_in_one_order(void **state)
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

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		world_with_record(&world);
		assert_int_equal(one_item(&world, cases[i].name, KIT_NOW, NULL, cases[i].edit),
			cases[i].expected);
		kit_world_free(&world);
	}
}

static void the_shortest_validity_of_a_batch_counts(void **state)
{
	static kit_run run;
	uint8_t A[32] = {1};
	emr_key_text key;
	kit_batch batch;
	kit_world world;
	emr_span bytes;
	emr_item epoch = {.op = EMR_OP_EPOCH, .epoch = 2};

	(void)state;
	for (uint64_t days = 7; days <= 8; days++) {
		world_with_record(&world);
		memcpy(epoch.domain_id, world.domain, 16);
		memcpy(epoch.object_id, world.domain, 16);
		emr_key_domain(world.domain, &key);
		kit_follow(&world.state, key.text, &epoch);
		kit_begin(&batch, &world.owner, world.net_id);
		batch.header.valid_until_unix_s = batch.header.time_unix_s + days * KIT_DAY;
		kit_add(&batch, item_of(&world, EMR_OP_UNLINK, "record"), kit_span(NULL, 0),
			kit_span(NULL, 0));
		kit_add(&batch, epoch, kit_span(A, 32), kit_part(1, 33));
		bytes = kit_end(&batch);
		kit_judge(&run, "a save and an epoch, valid for days", bytes, &world.caller,
			KIT_NOW, &world.state, NULL);
		assert_int_equal(kit_answer(&run), days == 7 ? 0 : 1000 + EMR_RESULT_EXPIRED_BATCH);
		kit_run_free(&run);
		kit_world_free(&world);
		drop(bytes);
	}
}

static void a_fork_is_seen(void **state)
{
	kit_world world;

	(void)state;
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
	kit_world_free(&world);
}

static void the_submitter_is_in_force(void **state)
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

	(void)state;
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

static void on_fabric_the_creator_is_the_submitter(void **state)
{
	kit_world world;

	(void)state;
	world_with_record(&world);
	world.caller.host = EMR_HOST_FABRIC;
	assert_int_equal(one_item(&world, "fabric without the creator", KIT_NOW, NULL, NULL),
		1000 + EMR_RESULT_SUBMITTER);
	world.caller.cert.is_present = true; /* ref zero, as the K row has it */
	assert_int_equal(one_item(&world, "fabric with the creator", KIT_NOW, NULL, NULL), 0);
	world.caller.cert.ref[0] = 1;
	assert_int_equal(one_item(&world, "fabric with another creator", KIT_NOW, NULL, NULL),
		1000 + EMR_RESULT_SUBMITTER);
	kit_world_free(&world);
}

/* A signed item with a broken magic, or a broken reserved byte, refuses itself and not its batch.
 */
static void a_broken_item_refuses_itself(void **state)
{
	static const size_t places[] = {0, 3, 4};
	static kit_run run;
	kit_world world;
	emr_span bytes;

	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		kit_world_make(&world);
		bytes = three_items(&world);
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
		drop(bytes);
	}
}

static void parts_have_the_lengths_of_their_operation(void **state)
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

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		world_with_record(&world);
		kit_begin(&batch, &world.owner, world.net_id);
		kit_add(&batch, item_of(&world, cases[i].op, "record"), kit_span(NULL, 0),
			kit_part(3, cases[i].len));
		bytes = kit_end(&batch);
		kit_judge(&run, "a part by length", bytes, &world.caller, KIT_NOW, &world.state,
			NULL);
		assert_int_equal(kit_answer(&run), cases[i].expected);
		kit_run_free(&run);
		kit_world_free(&world);
		drop(bytes);
	}
}

/* ---- replay ---- */

static emr_contract_status judge_bare(const emr_batch *batch, const kit_world *world,
	emr_span recorded, uint8_t *memory, size_t cap, emr_outcome *out)
{
	emr_contract_arena arena = {memory, cap, 0};
	emr_caller caller = world->caller;
	emr_value values[128];
	size_t count = 0;
	emr_key_list keys;

	caller.recorded = recorded;
	for (int pass = 1; pass <= 2; pass++) {
		emr_contract_status status =
			emr_contract_keys(pass, batch, &caller, values, count, &arena, &keys);

		if (status != EMR_CONTRACT_OK)
			return status;
		for (size_t i = 0; i < keys.count; i++) {
			const kit_row *row = kit_get(&world->state, keys.keys[i]);

			values[count++] = (emr_value){keys.keys[i], row != NULL,
				row == NULL ? kit_span(NULL, 0) : kit_span(row->value, row->len)};
		}
	}
	return emr_contract_apply(batch, &caller, KIT_NOW, values, count, &arena, out);
}

static void a_replay_needs_no_erased_part(void **state)
{
	static emr_batch whole, bare;
	uint8_t *memory = malloc(1 << 20), recorded[3] = {0};
	emr_outcome outcome;
	kit_world world;
	emr_span bytes;

	(void)state;
	kit_world_make(&world);
	bytes = three_items(&world);
	assert_int_equal(emr_batch_parse(bytes, &whole), EMR_RESULT_APPLIED);
	assert_int_equal(emr_batch_parse_items(whole.header, whole.items_bytes, NULL, 0, &bare),
		EMR_RESULT_APPLIED);
	assert_int_equal(judge_bare(&bare, &world, kit_span(NULL, 0), memory, 1 << 20, &outcome),
		EMR_CONTRACT_OK);
	assert_memory_equal(
		outcome.results.data, "\37\37\37", 3); /* a new batch brings its parts */
	assert_int_equal(
		judge_bare(&bare, &world, kit_span(recorded, 3), memory, 1 << 20, &outcome),
		EMR_CONTRACT_OK);
	assert_memory_equal(outcome.results.data, "\0\0\0", 3);
	for (size_t i = 0; i < outcome.writes_count; i++)
		assert_int_equal(outcome.writes[i].kind, EMR_WRITE_PUT);
	recorded[0] = EMR_RESULT_PRIVATE_PART;
	assert_int_equal(
		judge_bare(&bare, &world, kit_span(recorded, 3), memory, 1 << 20, &outcome),
		EMR_CONTRACT_OK);
	assert_memory_equal(outcome.results.data, "\37\0\0", 3);
	assert_int_equal(
		judge_bare(&bare, &world, kit_span(recorded, 2), memory, 1 << 20, &outcome),
		EMR_CONTRACT_ARGUMENT);
	kit_world_free(&world);
	drop(bytes);
	free(memory);
}

/* ---- memory, declared rows, sameness ---- */

static void too_little_memory_decides_nothing(void **state)
{
	static emr_batch batch;
	kit_world world;
	emr_span bytes;
	size_t refused = 0, cap;
	emr_contract_status status = EMR_CONTRACT_NO_ROOM;
	emr_outcome outcome;

	(void)state;
	kit_world_make(&world);
	bytes = three_items(&world);
	assert_int_equal(emr_batch_parse(bytes, &batch), EMR_RESULT_APPLIED);
	for (cap = 0; status != EMR_CONTRACT_OK; cap += 16) {
		uint8_t *memory =
			malloc(cap + 1); /* its own block, so that a sanitizer sees the end */

		status = judge_bare(&batch, &world, kit_span(NULL, 0), memory, cap, &outcome);
		assert_true(status == EMR_CONTRACT_OK || status == EMR_CONTRACT_NO_ROOM);
		refused++;
		free(memory);
	}
	assert_true(refused > 50);
	assert_true(cap <= emr_contract_arena_bytes(&batch));
	kit_world_free(&world);
	drop(bytes);
}

static void a_row_that_was_not_given_is_no_answer(void **state)
{
	static kit_run run;
	emr_contract_arena arena;
	emr_outcome outcome;
	emr_value left[64];
	kit_world world;
	emr_span bytes;

	(void)state;
	kit_world_make(&world);
	bytes = three_items(&world);
	kit_judge(&run, NULL, bytes, &world.caller, KIT_NOW, &world.state, NULL);
	for (size_t out = 0; out < run.values_count; out++) {
		emr_contract_status status;
		size_t n = 0;

		for (size_t i = 0; i < run.values_count; i++)
			if (i != out)
				left[n++] = run.values[i];
		arena = (emr_contract_arena){malloc(1 << 20), 1 << 20, 0};
		memset(&outcome, 0x77, sizeof outcome);
		status = emr_contract_apply(
			&run.batch, &world.caller, KIT_NOW, left, n, &arena, &outcome);
		/* The K and W rows of an owner are declared, and then not needed. */
		if (status != EMR_CONTRACT_OK) {
			assert_int_equal(status, EMR_CONTRACT_UNDECLARED);
			assert_int_equal((uint8_t)outcome.kind, 0x77);
		}
		free(arena.base);
	}
	kit_run_free(&run);
	kit_world_free(&world);
	drop(bytes);
}

static void a_row_that_cannot_be_is_no_answer(void **state)
{
	static emr_batch batch;
	uint8_t *memory = malloc(1 << 20);
	emr_outcome outcome;
	kit_world world;
	emr_key_text key;
	emr_span bytes;

	(void)state;
	kit_world_make(&world);
	bytes = three_items(&world);
	assert_int_equal(emr_batch_parse(bytes, &batch), EMR_RESULT_APPLIED);
	emr_key_domain(world.domain, &key);
	kit_put(&world.state, key.text, "short", 5);
	assert_int_equal(judge_bare(&batch, &world, kit_span(NULL, 0), memory, 1 << 20, &outcome),
		EMR_CONTRACT_STATE);
	kit_world_free(&world);
	drop(bytes);
	free(memory);
}

static void the_largest_batch_fits_the_arena(void **state)
{
	static kit_run run;
	emr_pub_domain_new pub = {.box = {1}, .A = {2}};
	uint8_t bytes64[64];
	kit_batch batch;
	kit_world world;
	emr_span bytes;

	(void)state;
	kit_world_make(&world);
	emr_pub_domain_new_encode(&pub, bytes64);
	kit_begin(&batch, &world.owner, world.net_id);
	for (int i = 0; i < EMR_BATCH_COUNT_MAX; i++) { /* the operation with most rows */
		emr_item item = {.op = EMR_OP_DOMAIN_NEW, .version = 1, .epoch = 1};

		snprintf((char *)item.domain_id, 16, "domain %d", i);
		memcpy(item.object_id, item.domain_id, 16);
		kit_add(&batch, item, kit_span(bytes64, 64), kit_span(NULL, 0));
	}
	bytes = kit_end(&batch);
	kit_judge(&run, NULL, bytes, &world.caller, KIT_NOW, &world.state, NULL);
	assert_int_equal(run.outcome.kind, EMR_OUTCOME_APPLIED);
	for (int i = 0; i < EMR_BATCH_COUNT_MAX; i++)
		assert_int_equal(run.outcome.results.data[i], EMR_RESULT_APPLIED);
	assert_int_equal(run.outcome.writes_count, EMR_BATCH_COUNT_MAX * 4 + 1);
	kit_run_free(&run);
	kit_world_free(&world);
	drop(bytes);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static size_t usual_part(uint8_t op)
{
	switch (op) {
	case EMR_OP_PUT:
	case EMR_OP_REWRAP:
		return PUT_PART;
	case EMR_OP_META:
		return META_PART;
	case EMR_OP_LISTKEY:
		return 160;
	case EMR_OP_EPOCH:
		return 33;
	case EMR_OP_KEY_REG:
	case EMR_OP_KEY_CERT:
	case EMR_OP_RESTORE_PART:
		return 113;
	default:
		return 0;
	}
}

/* Ids, version and epoch as the state wants them, mostly. */
static emr_item random_item(
	const kit_world *world, const kit_signer *signer, uint8_t op, uint32_t *seed)
{
	emr_item item = {.op = op};
	emr_row_head domain;
	const kit_row *row;
	char name[16];
	emr_key_text key;

	if (next_random(seed) % 16 != 0)
		memcpy(item.domain_id, world->domain, 16);
	emr_key_domain(world->domain, &key);
	row = kit_get(&world->state, key.text);
	assert_int_equal(
		emr_row_head_parse(kit_span(row->value, row->len), &domain), EMR_CONTRACT_OK);
	item.epoch = domain.epoch + (op == EMR_OP_EPOCH) - (next_random(seed) % 8 == 0);
	if (op == EMR_OP_ERASE || op == EMR_OP_RESTORE_PART || op < EMR_OP_DOMAIN_NEW)
		item.epoch = 0;
	snprintf(name, sizeof name, "r%u", next_random(seed) % 64);
	kit_id16(name, item.object_id);
	emr_key_object(item.domain_id, item.object_id, &key);
	if (op == EMR_OP_LISTKEY) {
		emr_object_listkey(signer->id, item.epoch, item.object_id);
		emr_key_listkey(item.domain_id, item.object_id, &key);
	} else if (op == EMR_OP_EPOCH || op == EMR_OP_DOMAIN_NEW) {
		memcpy(item.object_id, item.domain_id, 16);
		emr_key_domain(item.domain_id, &key);
	} else if (op < EMR_OP_DOMAIN_NEW) {
		memset(item.domain_id, 0, 16);
		memcpy(item.object_id, signer->id, 16);
		emr_key_signer(signer->id, &key);
	}
	kit_follow(&world->state, key.text, &item);
	if (op == EMR_OP_RESTORE_PART) {
		item.version = 0;
		memset(item.prev, 0, 32);
	}
	item.flags = op == EMR_OP_META && next_random(seed) % 2 == 0 ? 1 : 0;
	return item;
}

/* A batch of random operations on few ids, so that they meet, and are refused for every reason. */
static emr_span random_batch(const kit_world *world, const kit_signer *signer, uint32_t *seed)
{
	static const uint8_t ops[] = {EMR_OP_KEY_REG, EMR_OP_KEY_CERT, EMR_OP_DOMAIN_NEW,
		EMR_OP_EPOCH, EMR_OP_LISTKEY, EMR_OP_LISTKEY, EMR_OP_PUT, EMR_OP_PUT, EMR_OP_PUT,
		EMR_OP_META, EMR_OP_META, EMR_OP_REWRAP, EMR_OP_UNLINK, EMR_OP_ERASE,
		EMR_OP_RESTORE_PART, EMR_OP_GRANT, EMR_OP_MINT};
	uint8_t pub[EMR_PUB_MAX];
	kit_batch batch;

	kit_begin(&batch, signer, world->net_id);
	for (uint32_t n = next_random(seed) % 12 + 1; n > 0; n--) {
		emr_item item =
			random_item(world, signer, ops[next_random(seed) % sizeof ops], seed);
		size_t part = usual_part(item.op) + (next_random(seed) % 16 == 0);

		for (size_t i = 0; i < sizeof pub; i++)
			pub[i] = next_random(seed) % 3 == 0 ? (uint8_t)next_random(seed) : 0;
		if (item.op == EMR_OP_ERASE)
			emr_pub_erase_encode(
				&(emr_pub_erase){next_random(seed) % 2 == 0
							 ? 0x20
							 : (uint8_t)(next_random(seed) % 0x6c),
					1, next_random(seed) % 4},
				pub);
		kit_add(&batch, item, kit_span(pub, (size_t)emr_op_pub_len(item.op)),
			kit_part((uint8_t)n, part));
	}
	return kit_end(&batch);
}

static void assert_same_run(const kit_run *a, const kit_run *b)
{
	assert_int_equal(a->outcome.kind, b->outcome.kind);
	assert_int_equal(a->outcome.refusal, b->outcome.refusal);
	assert_int_equal(a->outcome.writes_count, b->outcome.writes_count);
	assert_int_equal(a->outcome.results.len, b->outcome.results.len);
	if (a->outcome.results.len > 0)
		assert_memory_equal(
			a->outcome.results.data, b->outcome.results.data, a->outcome.results.len);
	for (size_t i = 0; i < a->outcome.writes_count; i++) {
		const emr_write *x = &a->outcome.writes[i], *y = &b->outcome.writes[i];

		assert_int_equal(x->kind, y->kind);
		assert_string_equal(x->key, y->key);
		assert_int_equal(x->value.len, y->value.len);
		if (x->value.len > 0)
			assert_memory_equal(x->value.data, y->value.data, x->value.len);
		assert_int_equal(x->last_version, y->last_version);
	}
}

/* kit_judge() gives exactly the declared rows: an undeclared read would fail there. */
static void random_batches_read_only_what_they_declared_and_repeat_exactly(void **state)
{
	static kit_run run, again;
	static unsigned seen[256];
	kit_state parts = {0};
	uint32_t seed = 20240229;
	kit_signer signers[3];
	kit_world world;
	unsigned kinds = 0;

	(void)state;
	kit_world_make(&world);
	signers[0] = world.owner;
	signers[1] = world.identity;
	signers[2] = kit_signer_of("dr lima");
	kit_put_key(
		&world.state, &signers[2], world.org, EMR_ROLE_HOSPITAL, 1, 1, KIT_NOW + KIT_DAY);
	kit_put_writer(&world.state, world.domain, &signers[2], 23, 1, KIT_NOW + KIT_DAY);
	for (int i = 0; i < 1500; i++) {
		emr_span bytes = random_batch(&world, &signers[next_random(&seed) % 3], &seed);

		kit_judge(&run, i % 25 == 0 ? "random" : NULL, bytes, &world.caller, KIT_NOW,
			&world.state, NULL);
		kit_judge(&again, NULL, bytes, &world.caller, KIT_NOW, &world.state, NULL);
		assert_same_run(&run, &again);
		assert_true(run.outcome.kind == EMR_OUTCOME_APPLIED ||
			    run.outcome.kind == EMR_OUTCOME_KNOWN);
		for (size_t n = 0; n < run.outcome.results.len; n++)
			seen[run.outcome.results.data[n]]++;
		kit_commit(&run, &world.state, &parts);
		if (i % 200 == 199) { /* keep the state small: drop what only grows */
			for (size_t n = world.state.count; n-- > 0;)
				if (world.state.rows[n].key[0] == 'b' ||
					world.state.rows[n].key[0] == 'i')
					kit_delete(&world.state, world.state.rows[n].key);
		}
		kit_run_free(&run);
		kit_run_free(&again);
		drop(bytes);
	}
	for (int i = 0; i < 256; i++)
		kinds += seen[i] > 0;
	assert_true(seen[EMR_RESULT_APPLIED] > 100);
	assert_true(kinds >= 8);
	kit_state_free(&parts);
	kit_world_free(&world);
}

static void a_descriptor_makes_the_first_rows(void **state)
{
	uint8_t ca[40] = {9}, bytes[512], memory[8192] __attribute__((aligned(16)));
	emr_contract_arena arena = {memory, sizeof memory, 0};
	emr_descriptor descriptor = {
		.norg = 1, .created_unix_s = KIT_NOW, .name = kit_span("net", 3)};
	emr_descriptor_org org = {
		.name = kit_span("home", 4), .msp = kit_span("", 0), .ca_der = kit_span(ca, 40)};
	const emr_write *writes;
	emr_row_network network;
	emr_row_org member;
	uint8_t hash[32];
	size_t len, count;

	(void)state;
	assert_int_equal(emr_descriptor_encode(&descriptor, &org, bytes, sizeof bytes, &len),
		EMR_CONTRACT_OK);
	assert_int_equal(emr_contract_genesis(kit_span(bytes, len), &arena, &writes, &count),
		EMR_CONTRACT_OK);
	assert_int_equal(count, 2);
	assert_string_equal(writes[0].key, "N");
	assert_int_equal(emr_row_network_parse(writes[0].value, &network), EMR_CONTRACT_OK);
	assert_int_equal(network.contract, EMR_CONTRACT_VERSION);
	assert_int_equal(network.norg, 1);
	assert_int_equal(emr_row_org_parse(writes[1].value, &member), EMR_CONTRACT_OK);
	emr_sha256(ca, sizeof ca, hash);
	assert_memory_equal(member.ca_hash, hash, 32);
	assert_int_equal(emr_contract_genesis(kit_span(bytes, len - 1), &arena, &writes, &count),
		EMR_CONTRACT_FORMAT);
	arena = (emr_contract_arena){memory, 64, 0};
	assert_int_equal(emr_contract_genesis(kit_span(bytes, len), &arena, &writes, &count),
		EMR_CONTRACT_NO_ROOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_items_see_what_earlier_ones_wrote),
		cmocka_unit_test(a_state_row_is_written_once_with_its_last_value),
		cmocka_unit_test(a_batch_that_comes_again_gets_its_old_answer),
		cmocka_unit_test(every_flip_of_a_batch_is_refused),
		cmocka_unit_test(headers_are_judged_before_items),
		cmocka_unit_test(items_are_judged_in_one_order),
		cmocka_unit_test(the_shortest_validity_of_a_batch_counts),
		cmocka_unit_test(a_fork_is_seen),
		cmocka_unit_test(the_submitter_is_in_force),
		cmocka_unit_test(on_fabric_the_creator_is_the_submitter),
		cmocka_unit_test(a_broken_item_refuses_itself),
		cmocka_unit_test(parts_have_the_lengths_of_their_operation),
		cmocka_unit_test(a_replay_needs_no_erased_part),
		cmocka_unit_test(too_little_memory_decides_nothing),
		cmocka_unit_test(a_row_that_was_not_given_is_no_answer),
		cmocka_unit_test(a_row_that_cannot_be_is_no_answer),
		cmocka_unit_test(the_largest_batch_fits_the_arena),
		cmocka_unit_test(random_batches_read_only_what_they_declared_and_repeat_exactly),
		cmocka_unit_test(a_descriptor_makes_the_first_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
