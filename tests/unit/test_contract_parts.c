/* These tests are about domains, epochs, erased and restored parts, and operations of later
 * versions. */
#include "test_contract_kit.h"

#define PUT_PART 828

enum {
	OK = EMR_RESULT_APPLIED,
	NO = EMR_RESULT_NOT_AUTHORISED,
	GONE = EMR_RESULT_GONE,
	HAS = EMR_RESULT_EXISTS,
};

/* Sets a row of the length and family of ERASE's target, with SIGNER named at offset 48. */
static void put_named_row(
	kit_world *world, const char *key, uint8_t family, const kit_signer *signer)
{
	uint8_t value[EMR_ROW_GRANT_BYTES] = {family, 1};

	value[15] = 1;
	memcpy(value + 48, signer->id, 32);
	if (family == EMR_FAMILY_GRANT) /* over since a second */
		for (int i = 0; i < 8; i++)
			value[88 + i] = (uint8_t)((KIT_NOW - 1ull) >> (56 - 8 * i));
	kit_put(&world->state, key, value, sizeof value);
}

TEST(a_domain_is_made_once)
{
	kit_signer signer = kit_signer_of("anyone");
	uint8_t pub[64] = {1};
	emr_key_text key;
	emr_item item;

	SCENE(kit_world, world, kit_world_make, kit_world_free);
	item = kit_domain_item(&world, EMR_OP_DOMAIN_NEW, 1);
	kit_expect_item(HAS, &world, "DOMAIN_NEW over a live domain", &world.owner, item,
		kit_span(pub, 64), kit_span(NULL, 0), NULL);
	emr_key_domain(world.domain, &key);
	kit_delete(&world.state, key.text);
	item = kit_domain_item(&world, EMR_OP_DOMAIN_NEW, 1);
	kit_expect_item(OK, &world, "DOMAIN_NEW by any key", &signer, item, kit_span(pub, 64),
		kit_span(NULL, 0), NULL);
	item.epoch = 2;
	kit_expect_item(EMR_RESULT_EPOCH, &world, "DOMAIN_NEW in epoch 2", &signer, item,
		kit_span(pub, 64), kit_span(NULL, 0), NULL);
	item.epoch = 1;
	item.object_id[0] ^= 1;
	kit_expect_item(EMR_RESULT_FORMAT, &world, "DOMAIN_NEW of another object", &signer, item,
		kit_span(pub, 64), kit_span(NULL, 0), NULL);
}

TEST(an_epoch_follows_the_last)
{
	uint8_t A[32] = {7};
	emr_item item;

	SCENE(kit_world, world, kit_world_make, kit_world_free);
	for (uint32_t epoch = 0; epoch < 4; epoch++) {
		item = kit_domain_item(&world, EMR_OP_EPOCH, epoch);
		kit_expect_item(epoch == 2 ? OK : EMR_RESULT_EPOCH, &world, "EPOCH number",
			&world.owner, item, kit_span(A, 32), kit_part(1, 33), NULL);
	}
	item = kit_domain_item(&world, EMR_OP_EPOCH, 2);
	item.version++;
	kit_expect_item(EMR_RESULT_CONFLICT, &world, "EPOCH of another version", &world.owner, item,
		kit_span(A, 32), kit_part(1, 33), NULL);
}

TEST(parts_of_other_families_go_by_owner_or_named_signer)
{
	static const struct {
		uint8_t family;
		const char *letters;
		bool in_domain;
		int owner, named, stranger;
	} cases[] = {
		{EMR_FAMILY_LISTKEY, "L", true, OK, NO, NO}, /* what he described hangs on it */
		{EMR_FAMILY_WRITER, "W", true, OK, NO, NO},
		{EMR_FAMILY_GRANT, "G", true, OK, NO, NO},
		{EMR_FAMILY_KFRAGS, "G", true, OK, NO, NO}, /* also when the grant is over */
		{EMR_FAMILY_LETTER, "H", true, OK, OK, NO},
		{EMR_FAMILY_ACK, "Y", true, OK, OK, NO},
		{EMR_FAMILY_REQUEST, "Q", true, OK, OK, NO},
		{EMR_FAMILY_ACCESS, "R", true, OK, OK, NO},
		{EMR_FAMILY_SERVED, "S", true, OK, OK, NO},
		{EMR_FAMILY_REPORT, "X", true, OK, OK, NO},
		{EMR_FAMILY_EMERGENCY, "EM", true, OK, NO, NO}, /* what the owner is told */
		{EMR_FAMILY_DATASET, "DS", false, NO, NO, NO}, /* on its terms others have joined */
		{EMR_FAMILY_TRUSTEES, "TR", false, NO, OK, NO},
		{EMR_FAMILY_RECOVERY, "RQ", false, NO, OK, NO},
	};
	kit_signer named = kit_signer_of("dr lima"), stranger = kit_signer_of("dr ota");
	emr_pub_erase erase = {.from_version = 1, .to_version = 1};
	uint8_t object[16], pub[24];
	emr_item item = {.op = EMR_OP_ERASE};
	emr_key_text key;
	kit_world world;

	kit_id16("row", object);
	memcpy(item.object_id, object, 16);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		kit_world_make(&world);
		kit_put_key(&world.state, &named, world.org, EMR_ROLE_CLINICIAN, 1, 1,
			KIT_NOW + KIT_DAY);
		kit_put_key(&world.state, &stranger, world.org, EMR_ROLE_CLINICIAN, 1, 1,
			KIT_NOW + KIT_DAY);
		memset(item.domain_id, 0, 16);
		if (cases[i].in_domain)
			memcpy(item.domain_id, world.domain, 16);
		if (cases[i].in_domain)
			emr_key_in_domain(cases[i].letters, world.domain, object, &key);
		else
			emr_key_by_object(cases[i].letters, object, &key);
		erase.family = cases[i].family;
		emr_pub_erase_encode(&erase, pub);
		kit_expect(GONE,
			kit_answer_item(&world, "ERASE of an absent row", &world.owner, item,
				kit_span(pub, 24), kit_span(NULL, 0), NULL),
			key.text);
		put_named_row(&world, key.text,
			cases[i].family == EMR_FAMILY_KFRAGS ? EMR_FAMILY_GRANT : cases[i].family,
			&named);
		kit_expect(cases[i].named,
			kit_answer_item(&world, "ERASE by the signer that the row names", &named,
				item, kit_span(pub, 24), kit_span(NULL, 0), NULL),
			key.text);
		kit_expect(cases[i].stranger,
			kit_answer_item(&world, "ERASE by a stranger", &stranger, item,
				kit_span(pub, 24), kit_span(NULL, 0), NULL),
			key.text);
		kit_expect(cases[i].owner,
			kit_answer_item(&world, "ERASE by the domain's owner", &world.owner, item,
				kit_span(pub, 24), kit_span(NULL, 0), NULL),
			key.text);
		kit_world_free(&world);
	}
}

/* A newcomer judges a registration by the certificate in its part. */
TEST(nobody_erases_the_certificate_that_his_registration_is_judged_by)
{
	static const struct {
		uint8_t how, next;
		int expected;
	} cases[] = {
		{EMR_HOW_CERTIFICATE, 0, NO}, {EMR_HOW_DEVICE, 1, NO}, {EMR_HOW_DEVICE, 0, OK}};
	const emr_pub_erase erase = {.family = EMR_FAMILY_KEY, .from_version = 1, .to_version = 1};
	kit_signer lima = kit_signer_of("dr lima");
	emr_item item = {.op = EMR_OP_ERASE};
	uint8_t pub[24], value[EMR_ROW_KEY_BYTES];
	emr_row_key row;
	emr_key_text key;
	const kit_row *old;
	kit_world world;

	emr_pub_erase_encode(&erase, pub);
	emr_key_signer(lima.id, &key);
	memcpy(item.object_id, lima.id, 16);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		kit_world_make(&world);
		kit_put_key(&world.state, &lima, world.org,
			cases[i].how == EMR_HOW_DEVICE ? EMR_ROLE_DEVICE : EMR_ROLE_CLINICIAN,
			cases[i].how, EMR_KEY_ACTIVE, KIT_NOW + KIT_DAY);
		old = kit_get(&world.state, key.text);
		assert_int_equal(
			emr_row_key_parse(kit_span(old->value, old->len), &row), EMR_CONTRACT_OK);
		memset(row.next, cases[i].next, sizeof row.next);
		emr_row_key_encode(&row, value);
		kit_put(&world.state, key.text, value, sizeof value);
		kit_expect(cases[i].expected,
			kit_answer_item(&world, "ERASE of the part of one's own key", &lima, item,
				kit_span(pub, 24), kit_span(NULL, 0), NULL),
			key.text);
		kit_world_free(&world);
	}
}

TEST(an_erase_stays_within_its_bounds)
{
	static const struct {
		uint64_t from, to;
		int expected;
	} cases[] = {
		{1, 300, EMR_RESULT_LIMIT},
		{45, 300, OK},
		{44, 299, OK},
		{1, 256, OK},
		{1, 257, EMR_RESULT_LIMIT},
		{0, 3, EMR_RESULT_FORMAT},
		{5, 4, EMR_RESULT_FORMAT},
		{300, 301, EMR_RESULT_LIMIT},
		{1, UINT64_MAX, EMR_RESULT_LIMIT},
		{UINT64_MAX, UINT64_MAX, EMR_RESULT_LIMIT},
		{7, 7, OK},
	};
	emr_pub_erase erase = {.family = EMR_FAMILY_OBJECT};
	uint8_t object[16], pub[24];
	emr_item item = {.op = EMR_OP_ERASE};
	emr_key_text key;
	AUTO(kit_world_free) kit_world world;

	kit_id16("record", object);
	kit_world_make(&world);
	kit_put_object(&world.state, world.domain, object, &world.owner, EMR_OBJECT_LIVE, 0, 300);
	memcpy(item.domain_id, world.domain, 16);
	memcpy(item.object_id, object, 16);
	emr_key_object(world.domain, object, &key);
	kit_follow(&world.state, key.text, &item);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		erase.from_version = cases[i].from;
		erase.to_version = cases[i].to;
		emr_pub_erase_encode(&erase, pub);
		kit_expect_item(cases[i].expected, &world, "ERASE range", &world.owner, item,
			kit_span(pub, 24), kit_span(NULL, 0), NULL);
	}
}

/* Older ranges first: only the range with the newest version erases the object for good. */
TEST(an_object_is_erased_with_its_newest_version)
{
	static kit_run run;
	emr_pub_erase erase = {.family = EMR_FAMILY_OBJECT, .from_version = 1};
	emr_item item = {.op = EMR_OP_ERASE};
	kit_state parts = {0};
	uint8_t object[16], pub[24];
	emr_row_object row;
	const kit_row *found;
	emr_key_text key;
	kit_batch batch;
	AUTO(kit_world_free) kit_world world;
	emr_span bytes;

	kit_id16("record", object);
	kit_world_make(&world);
	kit_put_object(&world.state, world.domain, object, &world.owner, EMR_OBJECT_UNLINKED, 0, 3);
	memcpy(item.domain_id, world.domain, 16);
	memcpy(item.object_id, object, 16);
	emr_key_object(world.domain, object, &key);
	for (uint64_t to = 2; to <= 4; to += 2) { /* 1..2 of 3, then 1..4 of 4 */
		erase.to_version = to;
		emr_pub_erase_encode(&erase, pub);
		kit_follow(&world.state, key.text, &item);
		kit_begin(&batch, &world.owner, world.net_id);
		kit_add(&batch, item, kit_span(pub, 24), kit_span(NULL, 0));
		bytes = kit_end(&batch);
		kit_judge(
			&run, "ERASE in ranges", bytes, &world.caller, KIT_NOW, &world.state, NULL);
		assert_int_equal(kit_answer(&run), OK);
		kit_commit(&run, &world.state, &parts);
		found = kit_get(&world.state, key.text);
		assert_int_equal(emr_row_object_parse(kit_span(found->value, found->len), &row),
			EMR_CONTRACT_OK);
		assert_int_equal(row.head.state, to == 2 ? EMR_OBJECT_UNLINKED : EMR_OBJECT_ERASED);
		assert_int_equal(row.head.version, to == 2 ? 4 : 5);
		kit_run_free(&run);
		free((void *)(uintptr_t)bytes.data);
	}
}

TEST(a_lost_part_comes_back_only_as_it_was)
{
	kit_signer signer = kit_signer_of("dr lima"), unknown = kit_signer_of("nobody");
	emr_pub_restore restore = {.family = EMR_FAMILY_OBJECT, .version = 2};
	emr_item item = {.op = EMR_OP_RESTORE_PART};
	AUTO(kit_state_free) kit_state hashes = {0};
	uint8_t object[16], pub[16], hash[32];
	emr_span part;
	emr_key_text key;
	AUTO(kit_world_free) kit_world world;

	kit_id16("record", object);
	kit_world_make(&world);
	kit_put_key(&world.state, &signer, world.org, EMR_ROLE_AGENT, 1, 1, KIT_NOW + KIT_DAY);
	memcpy(item.domain_id, world.domain, 16);
	memcpy(item.object_id, object, 16);
	emr_pub_restore_encode(&restore, pub);
	part = kit_part(9, PUT_PART);
	emr_key_part(EMR_FAMILY_OBJECT, world.domain, object, 2, &key);
	kit_expect_item(EMR_RESULT_PRIVATE_PART, &world, "RESTORE of a purged part", &signer, item,
		kit_span(pub, 16), part, &hashes);
	emr_item_priv_hash(part, hash);
	kit_put(&hashes, key.text, hash, 32);
	kit_expect_item(OK, &world, "RESTORE", &signer, item, kit_span(pub, 16), part, &hashes);
	kit_expect_item(NO, &world, "RESTORE by a stranger", &unknown, item, kit_span(pub, 16),
		part, &hashes);
	kit_expect_item(EMR_RESULT_PRIVATE_PART, &world, "RESTORE of other bytes", &signer, item,
		kit_span(pub, 16), kit_part(10, PUT_PART), &hashes);
	/* The writer of the entry may say that it was applied. */
	world.caller.recorded = kit_span(&(uint8_t){OK}, 1);
	kit_expect_item(EMR_RESULT_PRIVATE_PART, &world,
		"RESTORE of other bytes, recorded as applied", &signer, item, kit_span(pub, 16),
		kit_part(10, PUT_PART), &hashes);
	kit_expect_item(EMR_RESULT_PRIVATE_PART, &world,
		"RESTORE of a purged part, recorded as applied", &signer, item, kit_span(pub, 16),
		part, NULL);
	world.caller.recorded = kit_span(NULL, 0);
	item.version = 1;
	kit_expect_item(EMR_RESULT_CONFLICT, &world, "RESTORE with a version", &signer, item,
		kit_span(pub, 16), part, &hashes);
	item.version = 0;
	item.prev[0] = 1;
	kit_expect_item(EMR_RESULT_CONFLICT, &world, "RESTORE with a prev", &signer, item,
		kit_span(pub, 16), part, &hashes);
}

/* The host's word about the part is of the time before the batch. */
TEST(a_part_does_not_come_back_in_the_batch_that_erased_it)
{
	static kit_run run;
	emr_pub_restore restore = {.family = EMR_FAMILY_OBJECT, .version = 1};
	emr_pub_erase erase = {EMR_FAMILY_OBJECT, 1, 1};
	emr_item item = {.op = EMR_OP_RESTORE_PART};
	uint8_t object[16], pub[24], hash[32];
	emr_span part = kit_part(9, PUT_PART), bytes;
	AUTO(kit_state_free) kit_state hashes = {0};
	emr_key_text key;
	kit_batch batch;
	AUTO(kit_world_free) kit_world world;
	emr_item first;

	kit_id16("record", object);
	kit_world_make(&world);
	/* The patient's own key, which is registered, manages the domain, too. */
	kit_put_writer(&world.state, world.domain, &world.identity, EMR_RIGHT_MANAGE,
		EMR_WRITER_ACTIVE, KIT_NOW + KIT_DAY);
	kit_put_object(&world.state, world.domain, object, &world.owner, EMR_OBJECT_LIVE, 0, 2);
	memcpy(item.domain_id, world.domain, 16);
	memcpy(item.object_id, object, 16);
	emr_item_priv_hash(part, hash);
	for (uint64_t v = 1; v <= 2; v++) {
		emr_key_part(EMR_FAMILY_OBJECT, world.domain, object, v, &key);
		kit_put(&hashes, key.text, hash, 32);
	}
	kit_begin(&batch, &world.identity, world.net_id);
	first = kit_item_of(&world, EMR_OP_ERASE, "record");
	first.epoch = 0;
	emr_pub_erase_encode(&erase, pub);
	kit_add(&batch, first, kit_span(pub, 24), kit_span(NULL, 0));
	for (restore.version = 1; restore.version <= 2; restore.version++) {
		emr_pub_restore_encode(&restore, pub);
		kit_add(&batch, item, kit_span(pub, 16), part);
	}
	bytes = kit_end(&batch);
	kit_judge(&run, "RESTORE behind an ERASE of one batch", bytes, &world.caller, KIT_NOW,
		&world.state, &hashes);
	assert_int_equal(run.outcome.kind, EMR_OUTCOME_APPLIED);
	assert_int_equal(run.outcome.results.data[0], OK);
	assert_int_equal(run.outcome.results.data[1], EMR_RESULT_PRIVATE_PART);
	assert_int_equal(run.outcome.results.data[2], OK);
	kit_run_free(&run);
	kit_drop(bytes);
}

TESTS(NULL, NULL)
