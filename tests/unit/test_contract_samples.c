/* Tests of the contract use this file: it makes sample operations about records and folders, and
 * compares answers by name. */
#include "test_contract_people.h"

#include <sodium.h>

#define PUT_PART 828
#define META_PART 616

void kit_drop(emr_span bytes)
{
	free((void *)(uintptr_t)bytes.data);
}

emr_item kit_item_of(const kit_world *world, uint8_t op, const char *object)
{
	emr_item item = {.op = op, .epoch = 1};
	emr_key_text key;

	memcpy(item.domain_id, world->domain, 16);
	kit_id16(object, item.object_id);
	emr_key_object(item.domain_id, item.object_id, &key);
	kit_follow(&world->state, key.text, &item);
	return item;
}

emr_span kit_three_items(const kit_world *world)
{
	emr_item dir = kit_item_of(world, EMR_OP_META, "directory"),
		 put = kit_item_of(world, EMR_OP_PUT, "record");
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

int kit_answer_item(const kit_world *world, const char *name, const kit_signer *signer,
	emr_item item, emr_span pub, emr_span part, const kit_state *part_hashes)
{
	static kit_run run;
	kit_batch batch;
	emr_span bytes;
	int result;

	kit_begin(&batch, signer, world->net_id);
	kit_add(&batch, item, pub, part);
	bytes = kit_end(&batch);
	kit_judge(&run, name, bytes, &world->caller, KIT_NOW, &world->state, part_hashes);
	result = kit_answer(&run);
	kit_run_free(&run);
	free((void *)(uintptr_t)bytes.data);
	return result;
}

emr_item kit_domain_item(const kit_world *world, uint8_t op, uint32_t epoch)
{
	emr_item item = {.op = op, .epoch = epoch};
	emr_key_text key;

	memcpy(item.domain_id, world->domain, 16);
	memcpy(item.object_id, world->domain, 16);
	emr_key_domain(world->domain, &key);
	kit_follow(&world->state, key.text, &item);
	return item;
}

void kit_expect(int expected, int got, const char *name)
{
	if (expected != got)
		fail_msg("%s: expected %s (%d), got %s (%d)", name,
			emr_result_text((uint8_t)expected), expected,
			got >= 1000 ? "refusal" : emr_result_text((uint8_t)got), got);
}

void kit_expect_item(int expected, const kit_world *world, const char *name,
	const kit_signer *signer, emr_item item, emr_span pub, emr_span part,
	const kit_state *part_hashes)
{
	kit_expect(
		expected, kit_answer_item(world, name, signer, item, pub, part, part_hashes), name);
}

/* ---- a domain that goes to another key ---- */

void people_hand_over(const people *p, enum who carrier, enum who owner, people_item *out)
{
	kit_signer next = kit_signer_of("the next owner");
	uint8_t message[EMR_HANDOVER_MESSAGE_BYTES];

	memcpy(out->item.signer_id, p->who[carrier].id, 32);
	assert_int_equal(emr_handover_message(p->world.net_id, &out->item,
				 kit_span(out->pub, out->pub_len), message),
		EMR_CONTRACT_OK);
	crypto_sign_detached(out->pub + 32, NULL, message, sizeof message, next.sk);
	crypto_sign_detached(out->pub + 96, NULL, message, sizeof message, p->who[owner].sk);
}

void people_domain_rotate(const people *p, enum who who, people_item *out)
{
	kit_signer next = kit_signer_of("the next owner");
	emr_row_domain row = {0};
	emr_key_text key;
	const kit_row *value;

	emr_key_domain(p->world.domain, &key);
	value = kit_get(&p->world.state, key.text);
	if (value != NULL) /* else the domain is not there */
		assert_int_equal(emr_row_domain_parse(kit_span(value->value, value->len), &row),
			EMR_CONTRACT_OK);
	memcpy(out->pub, next.pk, 32);
	memset(out->pub + 160, 0x51, 32);
	memset(out->pub + 192, 0x52, 32);
	out->item.epoch = row.head.epoch + 1;
	people_hand_over(p, who, who, out);
}
