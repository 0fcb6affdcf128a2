/* These tests are about the daily quota of one enrolment: letters and bytes, of a person with an
 * invitation alone and of a member, until the day is over. */
#include "newcomer_kit.h"

#include "contract/quota.h"

/* COUNT on DAY in the row of ACCOUNT at PLACE. */
static void put_used(
	kit_state *state, const uint8_t account[32], uint8_t place, uint64_t day, uint64_t count)
{
	uint8_t row[EMR_ROW_QUOTA_BYTES] = {0};
	emr_key_text key;

	for (int i = 0; i < 8; i++) {
		row[7 - i] = (uint8_t)(day >> 8 * i);
		row[15 - i] = (uint8_t)(count >> 8 * i);
	}
	emr_key_quota(account, place, &key);
	kit_put(state, key.text, row, sizeof row);
}

static void put_everywhere(
	kit_state *state, const uint8_t account[32], uint64_t day, uint64_t count)
{
	for (uint8_t place = 0; place < EMR_QUOTA_PLACES; place++)
		put_used(state, account, place, day, count);
}

static uint64_t counted(const kit_state *state, const uint8_t account[32], uint8_t place)
{
	const kit_row *row;
	emr_key_text key;
	uint64_t count = 0;

	emr_key_quota(account, place, &key);
	row = kit_get(state, key.text);
	for (int i = 0; row != NULL && i < 8; i++)
		count = count << 8 | row->value[8 + i];
	return count;
}

/* A folder's new end of a share, N times, and so N letters; or N folders' entries, and none. */
static int bring(kit_world *world, const char *name, uint64_t now, uint8_t op, int n, bool commits)
{
	static kit_run run;
	kit_state parts = {0};
	kit_batch batch;
	emr_span bytes;
	int result;

	kit_begin(&batch, &world->owner, world->net_id);
	batch.header.time_unix_s = now;
	batch.header.valid_until_unix_s = now + 100;
	for (int i = 0; i < n; i++) {
		emr_item item = kit_item_of(world, op, "record");
		uint8_t pub[64] = {(uint8_t)i};

		item.time_unix_s = now;
		kit_add(&batch, item, kit_span(pub, op == EMR_OP_GRANT ? 64 : 0), kit_part(3, 828));
	}
	bytes = kit_end(&batch);
	kit_judge(&run, name, bytes, &world->caller, now, &world->state, NULL);
	result = run.outcome.kind == EMR_OUTCOME_REFUSED ? 1000 + (int)run.outcome.refusal : 0;
	if (commits && result == 0)
		kit_commit(&run, &world->state, &parts);
	kit_run_free(&run);
	kit_state_free(&parts);
	kit_drop(bytes);
	return result;
}

static const uint8_t none[32]; /* the account of keys of the kit */

TEST(a_member_has_so_many_letters_a_day)
{
	const uint64_t today = KIT_NOW / KIT_DAY;

	SCENE(kit_world, world, kit_world_make, kit_world_free);
	put_used(&world.state, none, EMR_QUOTA_PLACE_LETTERS, today, EMR_QUOTA_LETTERS - 2);
	assert_int_equal(
		bring(&world, "three letters where two are left", KIT_NOW, EMR_OP_GRANT, 3, true),
		1000 + EMR_RESULT_LETTERS_SPENT);
	assert_int_equal(bring(&world, "the last two letters", KIT_NOW, EMR_OP_GRANT, 2, true), 0);
	assert_int_equal(counted(&world.state, none, EMR_QUOTA_PLACE_LETTERS), EMR_QUOTA_LETTERS);
	assert_int_equal(bring(&world, "a letter too many", KIT_NOW, EMR_OP_GRANT, 1, true),
		1000 + EMR_RESULT_LETTERS_SPENT);
	/* Operations that are no letters go on, and the day behind has letters again. */
	assert_int_equal(bring(&world, "saves are no letters", KIT_NOW, EMR_OP_PUT, 3, true), 0);
	assert_int_equal(bring(&world, "a letter of the next day", (today + 1) * KIT_DAY,
				 EMR_OP_GRANT, 1, true),
		0);
	assert_int_equal(counted(&world.state, none, EMR_QUOTA_PLACE_LETTERS), 1);
}

TEST(refused_items_count_as_others)
{
	SCENE(kit_world, world, kit_world_make, kit_world_free);
	assert_int_equal(
		bring(&world, "ten letters of which none applies", KIT_NOW, EMR_OP_GRANT, 10, true),
		0);
	assert_int_equal(counted(&world.state, none, EMR_QUOTA_PLACE_LETTERS), 10);
}

/* Around midnight nobody begins both days in turns; a wrong clock that was mended locks nobody
 * out. */
TEST(a_day_that_was_begun_is_not_left_again)
{
	const uint64_t today = KIT_NOW / KIT_DAY;

	SCENE(kit_world, world, kit_world_make, kit_world_free);
	put_used(&world.state, none, EMR_QUOTA_PLACE_LETTERS, today + 1, EMR_QUOTA_LETTERS);
	assert_int_equal(
		bring(&world, "a letter of the day before", KIT_NOW, EMR_OP_GRANT, 1, true),
		1000 + EMR_RESULT_LETTERS_SPENT);
	put_used(&world.state, none, EMR_QUOTA_PLACE_LETTERS, today + 30000, EMR_QUOTA_LETTERS);
	assert_int_equal(
		bring(&world, "a letter behind a wrong clock", KIT_NOW, EMR_OP_GRANT, 1, true), 0);
}

TEST(a_member_has_so_many_bytes_a_day)
{
	const uint64_t today = KIT_NOW / KIT_DAY;
	const uint64_t most = EMR_QUOTA_BYTES / EMR_QUOTA_PLACES;
	const uint64_t size = EMR_HEADER_BYTES + EMR_ITEM_BYTES + 828;

	SCENE(kit_world, world, kit_world_make, kit_world_free);
	put_everywhere(&world.state, none, today, most - size + 1);
	assert_int_equal(bring(&world, "a byte too many", KIT_NOW, EMR_OP_PUT, 1, true),
		1000 + EMR_RESULT_BYTES_SPENT);
	put_everywhere(&world.state, none, today, most - size);
	assert_int_equal(bring(&world, "the last bytes", KIT_NOW, EMR_OP_PUT, 1, true), 0);
	/* On Fabric with what may lie beside it. */
	world.caller.host = EMR_HOST_FABRIC;
	world.caller.cert.is_present = true;
	put_everywhere(&world.state, none, today, most - size - EMR_QUOTA_BESIDE + 1);
	assert_int_equal(bring(&world, "a byte too many on Fabric", KIT_NOW, EMR_OP_PUT, 1, true),
		1000 + EMR_RESULT_BYTES_SPENT);
	put_everywhere(&world.state, none, today, most - size - EMR_QUOTA_BESIDE);
	assert_int_equal(
		bring(&world, "the last bytes on Fabric", KIT_NOW, EMR_OP_PUT, 1, true), 0);
}

/* Each registration by one name counts there, so neither its keys nor the certificates that its
 * authority gives it one after the other are quotas of their own. */
TEST(an_invitation_makes_few_keys)
{
	const uint64_t today = KIT_NOW / KIT_DAY;
	SCENE(newcomer, it, newcomer_make, newcomer_end);
	emr_caller_cert *cert = &it.world.caller.cert;

	put_used(&it.world.state, cert->enrolment, EMR_QUOTA_PLACE_LETTERS, today,
		EMR_QUOTA_LETTERS_INVITED - 1);
	registers(&it, "the last KEY_REG of a name today", 0);
	put_used(&it.world.state, cert->enrolment, EMR_QUOTA_PLACE_LETTERS, today,
		EMR_QUOTA_LETTERS_INVITED);
	registers(&it, "a KEY_REG too many of a name", EMR_RESULT_LETTERS_SPENT);
	memset(cert->ref, 0xcf, 32);
	memcpy(it.reg.ref, cert->ref, 32);
	registers(&it, "a KEY_REG too many, renewed certificate", EMR_RESULT_LETTERS_SPENT);
	emr_enrolment_id(it.world.org, "rui", cert->enrolment);
	registers(&it, "a KEY_REG of another name", 0);
}

/* The row that the newcomer's answered item leaves. */
static emr_row_key own_row(const newcomer *it)
{
	emr_row_key row = {0};
	emr_key_text key;
	const kit_row *own;

	emr_key_signer(it->key.id, &key);
	own = kit_get(&it->world.state, key.text);
	assert_non_null(own);
	assert_int_equal(emr_row_key_parse(kit_span(own->value, own->len), &row), EMR_CONTRACT_OK);
	return row;
}

/* A member's first letters and those behind a renewal count in one row, and so do those of a
 * computer of the same person, with a certificate of its own or without. */
TEST(a_renewed_certificate_has_no_second_quota)
{
	const uint64_t today = KIT_NOW / KIT_DAY;
	SCENE(newcomer, it, newcomer_make, newcomer_end);
	emr_caller_cert *cert = &it.world.caller.cert;
	uint8_t account[32];

	it.commits = true;
	memcpy(account, cert->enrolment, 32);
	registers(&it, "KEY_REG that is counted", 0);
	assert_int_equal(counted(&it.world.state, account, EMR_QUOTA_PLACE_LETTERS), 1);
	memset(cert->ref, 0xcf, 32);
	memcpy(it.renewal.ref, cert->ref, 32);
	put_used(&it.world.state, account, EMR_QUOTA_PLACE_LETTERS, today,
		EMR_QUOTA_LETTERS_INVITED); /* a member has more */
	renews(&it, "KEY_CERT that is counted", 0);
	assert_memory_equal(own_row(&it).account, account, 32);
	assert_int_equal(counted(&it.world.state, account, EMR_QUOTA_PLACE_LETTERS),
		EMR_QUOTA_LETTERS_INVITED + 1);
	put_used(&it.world.state, account, EMR_QUOTA_PLACE_LETTERS, today, EMR_QUOTA_LETTERS);
	memset(cert->ref, 0xd0, 32);
	memcpy(it.renewal.ref, cert->ref, 32);
	renews(&it, "a KEY_CERT too many of a member", EMR_RESULT_LETTERS_SPENT);
}

TEST(a_computer_counts_as_its_person)
{
	emr_row_key person;
	emr_key_text key;
	const kit_row *own;
	uint8_t value[EMR_ROW_KEY_BYTES];

	SCENE(newcomer, it, newcomer_make_device, newcomer_end);
	it.commits = true;
	emr_key_signer(it.world.identity.id, &key);
	own = kit_get(&it.world.state, key.text);
	assert_int_equal(
		emr_row_key_parse(kit_span(own->value, own->len), &person), EMR_CONTRACT_OK);
	emr_enrolment_id(it.world.org, "ana", person.account);
	emr_row_key_encode(&person, value);
	kit_put(&it.world.state, key.text, value, sizeof value);
	registers_by(&it, "KEY_REG of a counted person's computer", &it.world.identity, 0);
	assert_memory_equal(own_row(&it).account, person.account, 32);
	it.world.caller.cert.is_present = true;
	it.world.caller.cert.roles = EMR_ROLE_DEVICE;
	memcpy(it.world.caller.submitter_id, it.key.id, 32);
	memset(it.renewal.ref, 0xce, 32);
	renews(&it, "KEY_CERT of a counted person's computer", 0);
	assert_memory_equal(own_row(&it).account, person.account, 32);
	assert_int_equal(counted(&it.world.state, person.account, EMR_QUOTA_PLACE_LETTERS), 2);
}

TESTS(NULL, NULL)
