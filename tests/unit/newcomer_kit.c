/* This file has a newcomer's keys registered, renewed and put into a state, for tests of the
 * contract. */
#include "newcomer_kit.h"

#include <sodium.h>

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

void newcomer_make(newcomer *it)
{
	kit_world_make(&it->world);
	it->commits = false;
	it->key = kit_signer_of("dr lima");
	it->cert_key = kit_signer_of("dr lima, certificate");
	it->reg = (emr_pub_key_reg){
		.roles = EMR_ROLE_CLINICIAN, .how = EMR_HOW_CERTIFICATE, .not_after_unix_s = UNTIL};
	memcpy(it->reg.org, it->world.org, 16);
	memset(it->reg.ref, 0xce, 32);
	memcpy(it->renewal.ref, it->reg.ref, 32);
	it->renewal.not_after_unix_s = UNTIL;
	kit_pop("lima", it->world.net_id, it->key.id, it->reg.B, it->reg.pop);
	it->world.caller.cert = (emr_caller_cert){.is_present = true,
		.roles = EMR_ROLE_CLINICIAN | EMR_ROLE_AGENT,
		.not_after_unix_s = UNTIL,
		.key_alg = 1};
	memcpy(it->world.caller.cert.ref, it->reg.ref, 32);
	memcpy(it->world.caller.cert.org, it->world.org, 16);
	emr_enrolment_id(it->world.org, "lima", it->world.caller.cert.enrolment);
	it->world.caller.cert.key = kit_span(it->cert_key.pk, 32);
	memcpy(it->world.caller.submitter_id, it->key.id, 32);
}

void newcomer_end(newcomer *it)
{
	kit_world_free(&it->world);
}

void newcomer_bind(const newcomer *it, const kit_signer *by, uint8_t *pub, size_t len, size_t at)
{
	uint8_t message[EMR_BIND_MESSAGE_BYTES];

	assert_int_equal(
		emr_bind_message(it->world.net_id, it->key.id, kit_span(pub, len), message),
		EMR_CONTRACT_OK);
	crypto_sign_detached(pub + at, NULL, message, sizeof message, by->sk);
}

int newcomer_send(newcomer *it, const char *name, uint8_t op, const uint8_t *pub, size_t pub_len,
	emr_span part)
{
	static kit_run run;
	kit_state parts = {0};
	emr_item item = {.op = op};
	emr_key_text key;
	kit_batch batch;
	emr_span bytes;
	int result;

	memcpy(item.object_id, it->key.id, 16);
	emr_key_signer(it->key.id, &key);
	kit_follow(&it->world.state, key.text, &item);
	kit_begin(&batch, &it->key, it->world.net_id);
	kit_add(&batch, item, kit_span(pub, pub_len), part);
	bytes = kit_end(&batch);
	kit_judge(&run, name, bytes, &it->world.caller, KIT_NOW, &it->world.state, NULL);
	result = kit_answer(&run);
	/* An item about a certificate gets no entry when it is refused. */
	if (it->world.caller.cert.is_present && it->world.caller.recorded.len == 0 &&
		result != 1000 + EMR_RESULT_SUBMITTER) {
		assert_true(result == 0 || result > 1000);
		result %= 1000;
	}
	if (it->commits && result == 0)
		kit_commit(&run, &it->world.state, &parts);
	kit_state_free(&parts);
	kit_run_free(&run);
	free((void *)(uintptr_t)bytes.data);
	return result;
}

void registers_by(newcomer *it, const char *name, const kit_signer *by, int wanted)
{
	uint8_t pub[288];

	emr_pub_key_reg_encode(&it->reg, pub);
	newcomer_bind(it, by, pub, 288, 216);
	kit_expect(
		wanted, newcomer_send(it, name, EMR_OP_KEY_REG, pub, 288, kit_part(1, 400)), name);
}

void registers(newcomer *it, const char *name, int wanted)
{
	registers_by(it, name, &it->cert_key, wanted);
}

void renews_by(newcomer *it, const char *name, const kit_signer *by, int wanted)
{
	uint8_t pub[104];

	emr_pub_key_cert_encode(&it->renewal, pub);
	newcomer_bind(it, by, pub, 104, 32);
	kit_expect(
		wanted, newcomer_send(it, name, EMR_OP_KEY_CERT, pub, 104, kit_part(1, 400)), name);
}

void renews(newcomer *it, const char *name, int wanted)
{
	renews_by(it, name, &it->cert_key, wanted);
}

void newcomer_put_key(newcomer *it, uint8_t how, uint8_t key_state, uint64_t not_after)
{
	kit_put_key(&it->world.state, &it->key, it->world.org,
		how == EMR_HOW_DEVICE ? EMR_ROLE_DEVICE : EMR_ROLE_CLINICIAN, how, key_state,
		not_after);
}

void newcomer_make_device(newcomer *it)
{
	newcomer_make(it);
	it->world.caller.cert.is_present = false;
	memcpy(it->world.caller.submitter_id, it->world.identity.id, 32);
	it->reg.how = EMR_HOW_DEVICE;
	it->reg.roles = EMR_ROLE_DEVICE;
	memcpy(it->reg.ref, it->world.identity.id, 32);
	memcpy(it->renewal.ref, it->world.identity.id, 32);
}

/* The newcomer's key is a device's that the world's identity endorsed, and named REF last. */
void newcomer_put_device(newcomer *it, uint8_t key_state, uint64_t not_after, const uint8_t ref[32])
{
	emr_row_key row;
	uint8_t value[EMR_ROW_KEY_BYTES];
	emr_key_text key;
	const kit_row *own;

	newcomer_put_key(it, EMR_HOW_DEVICE, key_state, not_after);
	emr_key_signer(it->key.id, &key);
	own = kit_get(&it->world.state, key.text);
	assert_int_equal(emr_row_key_parse(kit_span(own->value, own->len), &row), EMR_CONTRACT_OK);
	memcpy(row.ref, it->world.identity.id, 32);
	memcpy(row.next, ref, 32);
	emr_row_key_encode(&row, value);
	kit_put(&it->world.state, key.text, value, sizeof value);
}

/* On Fabric, with a certificate that the host verified. */
void newcomer_make_certified_device(newcomer *it)
{
	static const uint8_t none[32] = {0};

	newcomer_make(it);
	newcomer_put_device(it, EMR_KEY_ACTIVE, UNTIL, none);
	it->world.caller.host = EMR_HOST_FABRIC;
	it->world.caller.cert.roles = EMR_ROLE_DEVICE;
}
