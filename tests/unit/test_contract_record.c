/* Tests of the contract use this file: it writes down each judged batch with its answer, so that
 * the second model in JavaScript can be asked the same. */
#include "test_contract_kit.h"

#include <jansson.h>
#include <sodium.h>

#include "crypto/hashsig.h"

static char *hex_of(const uint8_t *data, size_t len)
{
	char *text = malloc(len * 2 + 1);

	assert_non_null(text);
	return sodium_bin2hex(text, len * 2 + 1, data, len);
}

static void set_hex(json_t *object, const char *name, const uint8_t *data, size_t len)
{
	EMR_AUTO_FREE char *text = hex_of(data, len);

	json_object_set_new(object, name, json_string(text));
}

/* Long values repeat what the batch has; their hash is enough to compare. */
static void set_value(json_t *object, emr_span value)
{
	uint8_t hash[32];

	if (value.len <= KIT_RECORD_WHOLE_MAX) {
		set_hex(object, "value", value.data, value.len);
		return;
	}
	emr_sha256(value.data, value.len, hash);
	set_hex(object, "sha256", hash, 32);
}

static json_t *caller_json(const emr_caller *caller)
{
	json_t *json = json_object(), *cert;

	json_object_set_new(json, "host", json_integer(caller->host));
	set_hex(json, "net_id", caller->net_id, 16);
	set_hex(json, "submitter_id", caller->submitter_id, 32);
	json_object_set_new(json, "seen", json_integer(caller->seen));
	if (caller->recorded.len > 0)
		set_hex(json, "recorded", caller->recorded.data, caller->recorded.len);
	if (!caller->cert.is_present)
		return json;
	cert = json_object();
	set_hex(cert, "ref", caller->cert.ref, 32);
	set_hex(cert, "org", caller->cert.org, 16);
	if (!sodium_is_zero(caller->cert.enrolment, 32))
		set_hex(cert, "enrolment", caller->cert.enrolment, 32);
	json_object_set_new(cert, "roles", json_integer(caller->cert.roles));
	json_object_set_new(
		cert, "not_after", json_integer((json_int_t)caller->cert.not_after_unix_s));
	json_object_set_new(cert, "key_alg", json_integer(caller->cert.key_alg));
	set_hex(cert, "key", caller->cert.key.data, caller->cert.key.len);
	json_object_set_new(json, "cert", cert);
	return json;
}

static json_t *writes_json(const emr_outcome *outcome)
{
	static const char *const kinds[] = {"", "put", "put_part", "purge_parts"};
	json_t *list = json_array();

	for (size_t i = 0; i < outcome->writes_count; i++) {
		const emr_write *write = &outcome->writes[i];
		json_t *json = json_object();

		json_object_set_new(json, "kind", json_string(kinds[write->kind]));
		json_object_set_new(json, "key", json_string(write->key));
		if (write->kind == EMR_WRITE_PURGE_PARTS)
			json_object_set_new(json, "versions",
				json_integer((json_int_t)(write->last_version -
							  write->first_version + 1)));
		else
			set_value(json, write->value);
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *outcome_json(const emr_outcome *outcome)
{
	static const char *const kinds[] = {"", "applied", "known", "refused"};
	json_t *json = json_object();

	json_object_set_new(json, "outcome", json_string(kinds[outcome->kind]));
	if (outcome->kind == EMR_OUTCOME_REFUSED)
		json_object_set_new(json, "refusal", json_integer(outcome->refusal));
	else
		set_hex(json, "results", outcome->results.data, outcome->results.len);
	if (outcome->kind == EMR_OUTCOME_APPLIED)
		json_object_set_new(json, "writes", writes_json(outcome));
	return json;
}

void kit_record(const kit_run *run, const char *name, emr_span batch, const emr_caller *caller,
	uint64_t now)
{
	const char *path = getenv("EMR_CONTRACT_RECORD");
	json_t *json, *state;
	FILE *file;

	if (path == NULL || name == NULL)
		return;
	json = json_object();
	state = json_object();
	json_object_set_new(json, "name", json_string(name));
	json_object_set_new(json, "now", json_integer((json_int_t)now));
	json_object_set_new(json, "caller", caller_json(caller));
	for (size_t i = 0; i < run->values_count; i++)
		if (run->values[i].is_present)
			set_hex(state, run->values[i].key, run->values[i].value.data,
				run->values[i].value.len);
	json_object_set_new(json, "state", state);
	set_hex(json, "batch", batch.data, batch.len);
	json_object_set_new(json, "expected", outcome_json(&run->outcome));
	file = fopen(path, "a");
	assert_non_null(file);
	assert_int_equal(json_dumpf(json, file, JSON_COMPACT), 0);
	fputc('\n', file);
	fclose(file);
	json_decref(json);
}
