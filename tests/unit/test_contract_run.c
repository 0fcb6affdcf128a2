/* These tests are about one run of the contract: replays, memory, undeclared rows, the largest
 * batch, and the same output for the same input. */
#include "test_contract_kit.h"

#include "crypto/hashsig.h"

#define PUT_PART 828
#define META_PART 616

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

TEST(a_replay_needs_no_erased_part)
{
	static emr_batch whole, bare;
	uint8_t *memory = malloc(1 << 20), recorded[3] = {0};
	emr_outcome outcome;
	kit_world world;
	emr_span bytes;

	kit_world_make(&world);
	bytes = kit_three_items(&world);
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
	kit_drop(bytes);
	free(memory);
}

/* ---- memory, declared rows, sameness ---- */

TEST(too_little_memory_decides_nothing)
{
	static emr_batch batch;
	kit_world world;
	emr_span bytes;
	size_t refused = 0, cap;
	emr_contract_status status = EMR_CONTRACT_NO_ROOM;
	emr_outcome outcome;

	kit_world_make(&world);
	bytes = kit_three_items(&world);
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
	kit_drop(bytes);
}

TEST(a_row_that_was_not_given_is_no_answer)
{
	static kit_run run;
	emr_contract_arena arena;
	emr_outcome outcome;
	emr_value left[64];
	kit_world world;
	emr_span bytes;

	kit_world_make(&world);
	bytes = kit_three_items(&world);
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
	kit_drop(bytes);
}

TEST(a_row_that_cannot_be_is_no_answer)
{
	static emr_batch batch;
	EMR_AUTO_FREE uint8_t *memory = malloc(1 << 20);
	emr_outcome outcome;
	kit_world world;
	emr_key_text key;
	emr_span bytes;

	kit_world_make(&world);
	bytes = kit_three_items(&world);
	assert_int_equal(emr_batch_parse(bytes, &batch), EMR_RESULT_APPLIED);
	emr_key_domain(world.domain, &key);
	kit_put(&world.state, key.text, "short", 5);
	assert_int_equal(judge_bare(&batch, &world, kit_span(NULL, 0), memory, 1 << 20, &outcome),
		EMR_CONTRACT_STATE);
	kit_world_free(&world);
	kit_drop(bytes);
}

TEST(the_largest_batch_fits_the_arena)
{
	static kit_run run;
	emr_pub_domain_new pub = {.box = {1}, .A = {2}};
	uint8_t bytes64[64];
	kit_batch batch;
	kit_world world;
	emr_span bytes;

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
	assert_int_equal(run.outcome.writes_count, EMR_BATCH_COUNT_MAX * 4 + 2);
	kit_run_free(&run);
	kit_world_free(&world);
	kit_drop(bytes);
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
	kit_id16(printed("r%u", next_random(seed) % 64), item.object_id);
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
TEST(random_batches_read_only_what_they_declared_and_repeat_exactly)
{
	static kit_run run, again;
	static unsigned seen[256];
	uint32_t seed = 20240229;
	kit_signer signers[3];
	unsigned kinds = 0;

	SCENE(kit_world, world, kit_world_make, kit_world_free);
	AUTO(kit_state_free) kit_state parts = {0};

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
		kit_drop(bytes);
	}
	for (int i = 0; i < 256; i++)
		kinds += seen[i] > 0;
	assert_true(seen[EMR_RESULT_APPLIED] > 100);
	assert_true(kinds >= 8);
}

TEST(a_descriptor_makes_the_first_rows)
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

	assert_int_equal(emr_descriptor_encode(&descriptor, &org, bytes, sizeof bytes, &len),
		EMR_CONTRACT_OK);
	assert_int_equal(emr_contract_genesis(kit_span(bytes, len), &arena, &writes, &count),
		EMR_CONTRACT_OK);
	assert_int_equal(count, 2);
	assert_string_equal(writes[0].key, "N");
	assert_int_equal(emr_row_network_parse(writes[0].value, &network), EMR_CONTRACT_OK);
	assert_int_equal(network.contract, EMR_CONTRACT_FIRST);
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

TESTS(NULL, NULL)
