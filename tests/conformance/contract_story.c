/* This program replays the story of the second model: a network of three organisations in twenty
 * entries. Every batch must end in the rows, parts and results that the model has, byte for
 * byte. */
#include "test_contract_kit.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include <jansson.h>
#include <sodium.h>

static json_t *load(const char *path)
{
	json_error_t error;
	json_t *json = json_load_file(path, 0, &error);

	assert_non_null(json);
	return json;
}

static size_t hex_into(const json_t *object, const char *name, uint8_t *out, size_t cap)
{
	const char *text = json_string_value(json_object_get(object, name));
	size_t len;

	assert_non_null(text);
	assert_int_equal(sodium_hex2bin(out, cap, text, strlen(text), NULL, &len, NULL), 0);
	return len;
}

/* Rows of STEP go into STATE as the model has them. */
static void adopt(const json_t *step, kit_state *state)
{
	static uint8_t value[70000];
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(step, "changed"), i, row)
	{
		size_t len = hex_into(row, "value", value, sizeof value);

		kit_put(state, json_string_value(json_object_get(row, "key")), value, len);
	}
}

/* DER SubjectPublicKeyInfo of a P-256 key (RFC 5480): these bytes, then the uncompressed point. */
static const uint8_t p256_spki_head[26] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
	0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
	0x42, 0x00};

static void cert_key_of(const json_t *registration, emr_caller_cert *cert, uint8_t store[91])
{
	size_t len;

	if (strcmp(json_string_value(json_object_get(registration, "cert_alg")), "ed25519") == 0) {
		cert->key_alg = 1;
		len = hex_into(registration, "cert_pk", store, 32);
	} else {
		cert->key_alg = 2;
		memcpy(store, p256_spki_head, 26);
		len = 26 + hex_into(registration, "cert_pk", store + 26, 65);
	}
	cert->key = kit_span(store, len);
}

static void caller_of(const json_t *story, const json_t *batch, size_t index, emr_caller *caller,
	uint8_t cert_key[91])
{
	const json_t *json = json_object_get(batch, "caller");
	const json_t *registration = json_array_get(json_object_get(story, "registrations"), index);

	memset(caller, 0, sizeof *caller);
	caller->seen = EMR_SEEN_IN_LOG;
	hex_into(batch, "net_id", caller->net_id, 16);
	hex_into(json, "submitter_id", caller->submitter_id, 32);
	if (json_string_length(json_object_get(json, "cert_sha256")) == 0)
		return;
	caller->cert.is_present = true;
	hex_into(json, "cert_sha256", caller->cert.ref, 32);
	hex_into(json, "enrolment", caller->cert.enrolment, 32);
	hex_into(json, "org", caller->cert.org, 16);
	caller->cert.roles = (uint16_t)json_integer_value(json_object_get(json, "roles"));
	caller->cert.not_after_unix_s = UINT64_MAX;
	cert_key_of(registration, &caller->cert, cert_key);
}

static void check_parts(const json_t *step, const kit_state *before, const kit_state *parts)
{
	json_t *key;
	size_t i;

	json_array_foreach(json_object_get(step, "parts_gone"), i, key)
	{
		assert_non_null(kit_get(before, json_string_value(key)));
		assert_null(kit_get(parts, json_string_value(key)));
	}
}

static void play(const json_t *story, const json_t *batch, const json_t *step, size_t index,
	kit_state *state, kit_state *parts)
{
	static uint8_t bytes[200000];
	static kit_run run;
	const json_t *entry = json_object_get(batch, "entry");
	uint8_t cert_key[91], results[EMR_BATCH_COUNT_MAX];
	size_t len = hex_into(batch, "batch", bytes, sizeof bytes);
	uint64_t now = (uint64_t)json_integer_value(json_object_get(entry, "ledger_time"));
	kit_state expected, before;
	emr_caller caller;

	caller_of(story, batch, index, &caller, cert_key);
	kit_judge(&run, "story", kit_span(bytes, len), &caller, now, state, NULL);
	assert_int_equal(run.outcome.kind, EMR_OUTCOME_APPLIED);
	len = hex_into(entry, "results", results, sizeof results);
	assert_int_equal(run.outcome.results.len, len);
	assert_memory_equal(run.outcome.results.data, results, len);
	kit_state_copy(state, &expected);
	kit_state_copy(parts, &before);
	adopt(step, &expected);
	kit_commit(&run, state, parts);
	assert_true(kit_state_equal(state, &expected));
	check_parts(step, &before, parts);
	kit_state_free(&expected);
	kit_state_free(&before);
	kit_run_free(&run);
}

TEST(the_story_ends_in_the_rows_of_the_second_model)
{
	json_t *ledger = load(EMR_VECTOR_DIR "/ledger.json"),
	       *states = load(EMR_VECTOR_DIR "/state.json");
	const json_t *story = json_object_get(ledger, "story"),
		     *steps = json_object_get(states, "steps");
	static uint8_t memory[65536] __attribute__((aligned(16))), descriptor[8192];
	emr_contract_arena arena = {memory, sizeof memory, 0};
	AUTO(kit_state_free) kit_state rows = {0}, parts = {0}, first = {0};
	const emr_write *writes;
	size_t i, count;
	json_t *batch;

	assert_true(sodium_init() >= 0);
	assert_int_equal(
		emr_contract_genesis(
			kit_span(descriptor, hex_into(json_object_get(story, "network"),
						     "descriptor", descriptor, sizeof descriptor)),
			&arena, &writes, &count),
		EMR_CONTRACT_OK);
	for (i = 0; i < count; i++)
		kit_put(&rows, writes[i].key, writes[i].value.data, writes[i].value.len);
	adopt(json_array_get(steps, 0), &first);
	assert_true(kit_state_equal(&rows, &first));
	json_array_foreach(json_object_get(story, "batches"), i, batch)
	{
		play(story, batch, json_array_get(steps, i + 1), i, &rows, &parts);
	}
	assert_int_equal(i, 20);
	json_decref(ledger);
	json_decref(states);
}

/* again_NAME: parses a public part and encodes its fields. */
#define AGAIN(name)                                                                                \
	static void again_##name(emr_span pub, uint8_t *out)                                       \
	{                                                                                          \
		emr_pub_##name fields;                                                             \
                                                                                                   \
		assert_true(emr_pub_##name##_parse(pub, &fields));                                 \
		emr_pub_##name##_encode(&fields, out);                                             \
	}
AGAIN(key_reg)
AGAIN(domain_new)
AGAIN(writer_add)
AGAIN(erase)
AGAIN(grant)
AGAIN(approve)
AGAIN(access_req)
AGAIN(access_served)
AGAIN(read_report)
AGAIN(trustee_set)

static const struct {
	uint8_t op;
	void (*again)(emr_span pub, uint8_t *out);
} with_fields[] = {{EMR_OP_KEY_REG, again_key_reg}, {EMR_OP_DOMAIN_NEW, again_domain_new},
	{EMR_OP_WRITER_ADD, again_writer_add}, {EMR_OP_ERASE, again_erase},
	{EMR_OP_GRANT, again_grant}, {EMR_OP_APPROVE, again_approve},
	{EMR_OP_ACCESS_REQ, again_access_req}, {EMR_OP_ACCESS_SERVED, again_access_served},
	{EMR_OP_READ_REPORT, again_read_report}, {EMR_OP_TRUSTEE_SET, again_trustee_set}};

/* False when OP has no fields of its own. */
static bool same_pub(uint8_t op, emr_span pub, uint8_t *out)
{
	for (size_t i = 0; i < sizeof with_fields / sizeof with_fields[0]; i++)
		if (with_fields[i].op == op) {
			with_fields[i].again(pub, out);
			return true;
		}
	return false;
}

TEST(public_parts_of_the_story_are_encoded_as_the_model_does)
{
	json_t *ledger = load(EMR_VECTOR_DIR "/ledger.json"), *batch, *item;
	uint8_t pub[EMR_PUB_MAX], again[EMR_PUB_MAX], object[32];
	size_t i, n, fields = 0;

	json_array_foreach(json_object_get(json_object_get(ledger, "story"), "batches"), i, batch)
	{
		json_array_foreach(json_object_get(batch, "items"), n, item)
		{
			uint8_t op = (uint8_t)json_integer_value(json_object_get(item, "op"));
			size_t len = hex_into(item, "pub", pub, sizeof pub);

			assert_int_equal(len, emr_op_pub_len(op));
			if (!same_pub(op, kit_span(pub, len), again))
				continue;
			assert_memory_equal(pub, again, len);
			fields++;
			if (op != EMR_OP_ACCESS_SERVED)
				continue;
			/* its object follows from the request and the agent */
			(void)hex_into(item, "signer_id", object, sizeof object);
			emr_object_served(pub, object, again);
			(void)hex_into(item, "object_id", object, sizeof object);
			assert_memory_equal(again, object, 16);
		}
	}
	assert_true(fields >= 15);
	json_decref(ledger);
}

TESTS(NULL, NULL)
