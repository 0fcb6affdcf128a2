/* These tests are about people who go on under another key, and their domains with them: what the
 * former key can do no more, and what leads to the one that followed. */
#include "test_contract_people.h"

enum {
	OK = EMR_RESULT_APPLIED,
	NO = EMR_RESULT_NOT_AUTHORISED,
	GONE = EMR_RESULT_GONE,
	HAS = EMR_RESULT_EXISTS,
	FORM = EMR_RESULT_FORMAT,
	NONE = EMR_RESULT_NO_GRANT,
	OVER = EMR_RESULT_GRANT_DEAD,
	DEAD = EMR_RESULT_KEY_DEAD,
	LIMIT = EMR_RESULT_LIMIT,
	MOVED = EMR_RESULT_CONFLICT,
};

static emr_row_domain domain_of(const people *p)
{
	emr_row_domain row;
	emr_key_text key;
	const kit_row *value;

	emr_key_domain(p->world.domain, &key);
	value = kit_get(&p->world.state, key.text);
	assert_int_equal(
		emr_row_domain_parse(kit_span(value->value, value->len), &row), EMR_CONTRACT_OK);
	return row;
}

TEST(a_domain_goes_with_others_in_the_batch_of_a_key_that_its_owner_names)
{
	people_item item, named;
	emr_row_domain before, after;
	emr_key_text key;

	SCENE(people, p, people_make, people_free);
	before = domain_of(&p);
	item = named = people_item_of(&p, DOMAIN_ROTATE, OWNER);
	people_hand_over(&p, PATIENT, OWNER, &named);
	people_expect(NO, &p, "handed over in another's batch", GRANTEE, &named);
	people_hand_over(&p, STRANGER, OWNER, &item);
	people_expect(NO, &p, "handed over by nobody's batch", STRANGER, &item);
	item = named;
	people_hand_over(&p, PATIENT, MANAGER, &item);
	people_expect(NO, &p, "handed over by a computer that manages", PATIENT, &item);
	item = named;
	memset(item.item.prev, 1, 32);
	people_hand_over(&p, PATIENT, OWNER, &item);
	memcpy(item.item.prev, named.item.prev, 32);
	people_expect(NO, &p, "handed over as of another state", PATIENT, &item);
	for (size_t at = 32; at <= 96; at += 64) {
		item = named;
		item.pub[at] ^= 1;
		people_expect(NO, &p, "handed over with a false signature", PATIENT, &item);
	}
	for (size_t at = 160; at < 224; at += 32) {
		item = named;
		item.pub[at] ^= 1;
		people_expect(NO, &p, "handed over with other keys", PATIENT, &item);
	}
	kit_expect(OK, people_do(&p, DOMAIN_ROTATE, PATIENT, &named), "named");
	after = domain_of(&p);
	assert_int_equal(after.head.epoch, before.head.epoch + 1);
	assert_memory_equal(after.owner_pk, named.pub, 32);
	assert_memory_equal(after.box, named.pub + 160, 32);
	assert_memory_equal(after.A, named.pub + 192, 32);
	emr_key_epoch(p.world.domain, after.head.epoch, &key);
	assert_non_null(kit_get(&p.world.state, key.text));
	item = people_item_of(&p, DOMAIN_ROTATE, OWNER);
	people_expect(NO, &p, "the old owner takes it back", OWNER, &item);
}

TEST(a_key_that_was_followed_ends_nothing_and_the_one_that_followed_ends_it)
{
	kit_signer next = kit_signer_of("the next key");
	people_item item;
	emr_key_text key;
	emr_row_key row;
	const kit_row *value;

	SCENE(people, p, people_make, people_free);
	item = people_item_of(&p, KEY_ROTATE, GRANTEE);
	for (uint32_t len = 76; len <= 1164; len += 32) {
		item.part = kit_part(3, len);
		kit_expect(len < 108 || len > 1100 ? EMR_RESULT_PRIVATE_PART : OK,
			people_answer(&p, "KEY_ROTATE with a part", GRANTEE, &item), "part");
	}
	item.part = kit_part(3, 112);
	kit_expect(EMR_RESULT_PRIVATE_PART,
		people_answer(&p, "KEY_ROTATE with half a seed", GRANTEE, &item), "half");
	item.part = kit_part(3, 108);
	kit_expect(OK, people_do(&p, KEY_ROTATE, GRANTEE, &item), "rotate");
	item = people_item_of(&p, KEY_REVOKE, GRANTEE);
	kit_expect(DEAD, people_answer(&p, "the stolen key ends itself", GRANTEE, &item), "self");
	people_expect(NO, &p, "somebody else ends it", PATIENT, &item);
	emr_key_signer(p.who[GRANTEE].id, &key);
	p.who[PATIENT] = next;
	kit_expect(OK, people_do(&p, KEY_REVOKE, PATIENT, &item), "the next one");
	value = kit_get(&p.world.state, key.text);
	assert_int_equal(
		emr_row_key_parse(kit_span(value->value, value->len), &row), EMR_CONTRACT_OK);
	assert_int_equal(row.head.state, EMR_KEY_REVOKED);
	assert_memory_equal(row.next, next.id, 32);
}

TEST(a_team_is_led_by_the_key_that_followed_its_leader_s)
{
	people_item item;

	SCENE(people, p, people_make, people_free);
	item = people_item_of(&p, KEY_ROTATE, STEWARD);
	kit_expect(OK, people_do(&p, KEY_ROTATE, STEWARD, &item), "rotate");
	people_expect_try(DEAD, &p, "the old key admits", DATASET_ADMIT, STEWARD);
	people_expect_try(DEAD, &p, "the old key closes", DATASET_CLOSE, STEWARD);
	p.who[STEWARD] = kit_signer_of("the next key");
	people_expect_try(OK, &p, "the new key admits", DATASET_ADMIT, STEWARD);
	people_expect_try(OK, &p, "the new key counts", DATASET_SNAPSHOT, STEWARD);
	people_expect_try(OK, &p, "the new key closes", DATASET_CLOSE, STEWARD);
}

/* The computer that a stolen seed's owner endorsed stays hers. */
TEST(a_person_who_has_a_new_key_revokes_the_computers_of_the_former_one)
{
	people_item item;
	emr_row_key row;
	emr_key_text key;
	const kit_row *value;
	uint8_t bytes[EMR_ROW_KEY_BYTES];

	SCENE(people, p, people_make, people_free);
	emr_key_signer(p.who[MANAGER].id, &key);
	value = kit_get(&p.world.state, key.text);
	assert_int_equal(
		emr_row_key_parse(kit_span(value->value, value->len), &row), EMR_CONTRACT_OK);
	memcpy(row.ref, p.who[GRANTEE].id, 32);
	emr_row_key_encode(&row, bytes);
	kit_put(&p.world.state, key.text, bytes, sizeof bytes);
	item = people_item_of(&p, KEY_ROTATE, GRANTEE);
	kit_expect(OK, people_do(&p, KEY_ROTATE, GRANTEE, &item), "rotate");
	item = people_item_of(&p, KEY_REVOKE, GRANTEE);
	memcpy(item.pub, p.who[MANAGER].id, 32);
	memcpy(item.item.object_id, p.who[MANAGER].id, 16);
	kit_follow(&p.world.state, key.text, &item.item);
	kit_expect(DEAD, people_answer(&p, "by the former key", GRANTEE, &item), "former");
	p.who[GRANTEE] = kit_signer_of("the next key");
	people_expect(OK, &p, "by the key that followed", GRANTEE, &item);
}

TESTS(NULL, NULL)
