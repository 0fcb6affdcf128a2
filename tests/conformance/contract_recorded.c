/* This program replays recorded batches (contract/, one JSON object a line: state, batch,
 * caller, now; answers and writes) through a contract. A second host or a second implementation
 * stands under the same files; CONTRACT.md describes them. */
#include "test_contract_kit.h"

#include <dirent.h>

#include <jansson.h>
#include <sodium.h>

#include "crypto/hashsig.h"

/* Bytes of a hex text; the caller frees .data. */
static emr_span bytes_of(const json_t *text)
{
	const char *hex = json_string_value(text);
	uint8_t *bytes;
	size_t len;

	assert_non_null(hex);
	bytes = malloc(strlen(hex) / 2 + 1);
	assert_non_null(bytes);
	assert_int_equal(
		sodium_hex2bin(bytes, strlen(hex) / 2 + 1, hex, strlen(hex), NULL, &len, NULL), 0);
	return kit_span(bytes, len);
}

static emr_span field(const json_t *object, const char *name)
{
	return bytes_of(json_object_get(object, name));
}

static void drop(emr_span bytes)
{
	free((void *)(uintptr_t)bytes.data);
}

static void copy_field(const json_t *object, const char *name, uint8_t *out, size_t len)
{
	emr_span bytes = field(object, name);

	assert_int_equal(bytes.len, len);
	memcpy(out, bytes.data, len);
	drop(bytes);
}

static uint64_t number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

/* The caller; .recorded and .cert.key are to be dropped. */
static emr_caller caller_of(const json_t *json)
{
	const json_t *cert = json_object_get(json, "cert");
	emr_caller caller = {
		.host = number(json, "host") == 0 ? EMR_HOST_EMBEDDED : EMR_HOST_FABRIC,
		.seen = (emr_seen)number(json, "seen")};

	copy_field(json, "net_id", caller.net_id, 16);
	copy_field(json, "submitter_id", caller.submitter_id, 32);
	if (json_object_get(json, "recorded") != NULL)
		caller.recorded = field(json, "recorded");
	if (cert == NULL)
		return caller;
	caller.cert.is_present = true;
	copy_field(cert, "ref", caller.cert.ref, 32);
	copy_field(cert, "org", caller.cert.org, 16);
	if (json_object_get(cert, "enrolment") != NULL)
		copy_field(cert, "enrolment", caller.cert.enrolment, 32);
	caller.cert.roles = (uint16_t)number(cert, "roles");
	caller.cert.not_after_unix_s = number(cert, "not_after");
	caller.cert.key_alg = (uint8_t)number(cert, "key_alg");
	caller.cert.key = field(cert, "key");
	return caller;
}

static void fill(const json_t *rows, kit_state *state)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)rows, key, value)
	{
		emr_span bytes = bytes_of(value);

		kit_put(state, key, bytes.data, bytes.len);
		drop(bytes);
	}
}

static void check_value(const json_t *expected, emr_span got)
{
	bool is_hashed = json_object_get(expected, "sha256") != NULL;
	emr_span value = field(expected, is_hashed ? "sha256" : "value");
	uint8_t hash[32];

	emr_sha256(got.data, got.len, hash);
	assert_int_equal(value.len, is_hashed ? 32 : got.len);
	assert_memory_equal(value.data, is_hashed ? hash : got.data, value.len);
	drop(value);
}

static void check_writes(const json_t *expected, const emr_outcome *outcome)
{
	static const char *const kinds[] = {"", "put", "put_part", "purge_parts"};
	json_t *json;
	size_t i;

	assert_int_equal(json_array_size(expected), outcome->writes_count);
	json_array_foreach(expected, i, json)
	{
		const emr_write *write = &outcome->writes[i];

		assert_string_equal(
			json_string_value(json_object_get(json, "kind")), kinds[write->kind]);
		assert_string_equal(json_string_value(json_object_get(json, "key")), write->key);
		if (write->kind == EMR_WRITE_PURGE_PARTS) {
			assert_int_equal(number(json, "versions"),
				write->last_version - write->first_version + 1);
			continue;
		}
		check_value(json, write->value);
	}
}

static void check_outcome(const json_t *expected, const emr_outcome *outcome)
{
	static const char *const kinds[] = {"", "applied", "known", "refused"};
	emr_span results;

	assert_string_equal(
		json_string_value(json_object_get(expected, "outcome")), kinds[outcome->kind]);
	if (outcome->kind == EMR_OUTCOME_REFUSED) {
		assert_int_equal(number(expected, "refusal"), outcome->refusal);
		return;
	}
	results = field(expected, "results");
	assert_int_equal(results.len, outcome->results.len);
	assert_memory_equal(results.data, outcome->results.data, results.len);
	drop(results);
	if (outcome->kind == EMR_OUTCOME_APPLIED)
		check_writes(json_object_get(expected, "writes"), outcome);
}

/* Those of which this library can say nothing: it does not know the rules. */
static size_t newer;

static bool are_rules_known(const kit_state *state)
{
	const kit_row *row = kit_get(state, "N");
	uint32_t rules;

	return emr_contract_rules(row != NULL ? kit_span(row->value, row->len) : (emr_span){0},
		       &rules) != EMR_CONTRACT_NEWER;
}

static void replay_case(const json_t *json)
{
	static kit_run run;
	emr_span batch = field(json, "batch");
	emr_caller caller = caller_of(json_object_get(json, "caller"));
	kit_state state = {0};
	emr_contract_status status;

	fill(json_object_get(json, "state"), &state);
	status = kit_try(&run, NULL, batch, &caller, number(json, "now"), &state, &state);
	if (are_rules_known(&state)) {
		assert_int_equal(status, EMR_CONTRACT_OK);
		check_outcome(json_object_get(json, "expected"), &run.outcome);
	} else {
		newer++; /* a batch that it cannot split it has not seen the rows of */
		assert_true(status == EMR_CONTRACT_NEWER ||
			    run.outcome.refusal == EMR_RESULT_UNKNOWN_OP);
	}
	kit_run_free(&run);
	kit_state_free(&state);
	drop(batch);
	drop(caller.recorded);
	drop(caller.cert.key);
}

static size_t replay_file(const char *path)
{
	FILE *file = fopen(path, "r");
	json_error_t error;
	size_t cases = 0;
	json_t *json;

	assert_non_null(file);
	while ((json = json_loadf(file, JSON_DISABLE_EOF_CHECK, &error)) != NULL) {
		replay_case(json);
		json_decref(json);
		cases++;
	}
	assert_true(feof(file));
	fclose(file);
	return cases;
}

TEST(recorded_batches_have_the_recorded_outcomes)
{
	DIR *dir = opendir(EMR_CONTRACT_CASES);
	struct dirent *entry;
	size_t cases = 0;

	assert_true(sodium_init() >= 0);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (len < 6 || strcmp(entry->d_name + len - 6, ".jsonl") != 0)
			continue;
		cases += replay_file(printed("%s/%s", EMR_CONTRACT_CASES, entry->d_name));
	}
	closedir(dir);
	assert_true(cases >= 700);
	assert_int_equal(newer > 0, emr_contract_newest() == EMR_CONTRACT_FIRST);
	print_message("%zu recorded batches\n", cases);
}

TESTS(NULL, NULL)
