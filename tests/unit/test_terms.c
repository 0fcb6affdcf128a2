/* The terms of a dataset: what is read, what is refused and by which name; and pseudonyms. */
#include <string.h>

#include "emr_test.h"
#include "keyring/pseudonym.h"
#include "share/terms.h"

static emr_status parse(const char *text, emr_terms *out, const char **out_what)
{
	return emr_terms_parse(emr_bytes_of(text, strlen(text)), out, out_what);
}

static void terms_that_are_whole_are_read(void **state)
{
	const char *what;
	emr_terms terms;

	(void)state;
	assert_ok(parse("{\"purpose\": \"To count.\", \"who\": \"Caf\xc3\xa9s\", \"until\": "
			"\"2030-02-28\", \"data\": \"de-identified\", \"price\": 3, "
			"\"daily-limit\": 20}",
		&terms, &what));
	assert_string_equal(terms.purpose, "To count.");
	assert_string_equal(terms.who, "Caf\xc3\xa9s");
	assert_string_equal(terms.until, "2030-02-28");
	/* date -u -d 2030-02-28T23:59:59 +%s */
	assert_true(terms.until_unix_s == 1898553599);
	assert_true(terms.is_deidentified);
	assert_true(terms.price == 3);
	assert_int_equal(terms.daily_limit, 20);
	assert_false(terms.without_dates || terms.with_characteristics || terms.with_faces);
}

#define COPIES "\"purpose\":\"x\",\"who\":\"x\",\"until\":\"2030-01-01\",\"data\":\"de-identified\""

static void terms_say_how_copies_are_made(void **state)
{
	static const struct {
		const char *text;
		bool without_dates, with_characteristics, with_faces;
	} good[] = {{"{" COPIES ",\"dates\":\"moved\",\"characteristics\":false,\"faces\":"
		     "\"withheld\"}",
			    false, false, false},
		{"{\"dates\":\"removed\"," COPIES "}", true, false, false},
		{"{" COPIES ",\"characteristics\":true}", false, true, false},
		{"{\"faces\":\"kept\"," COPIES "}", false, false, true}};
	const char *what;
	emr_terms terms;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_ok(parse(good[i].text, &terms, &what));
		assert_int_equal(terms.without_dates, good[i].without_dates);
		assert_int_equal(terms.with_characteristics, good[i].with_characteristics);
		assert_int_equal(terms.with_faces, good[i].with_faces);
	}
}

#define REST "\"who\":\"x\",\"until\":\"2030-01-01\",\"data\":\"identified\""

static void what_is_wrong_is_refused_by_its_name(void **state)
{
	static const struct {
		const char *text, *what;
	} bad[] = {{"", ""}, {"[]", ""}, {"{", ""}, {"{" REST "}", "purpose"},
		{"{\"purpose\":\"\"," REST "}", "purpose"},
		{"{\"purpose\":\"a\\u0000b\"," REST "}", ""},
		{"{\"purpose\":\"a\\u001bb\"," REST "}", "purpose"},
		{"{\"purpose\":\"a\\u202eb\"," REST "}", "purpose"},
		{"{\"purpose\":3," REST "}", "purpose"},
		{"{\"purpose\":\"x\",\"purpose\":\"y\"," REST "}", ""},
		{"{\"purpose\":\"x\",\"color\":1," REST "}", ""},
		{"{\"purpose\":\"x\",\"price\":-1," REST "}", "price"},
		{"{\"purpose\":\"x\",\"price\":1.5," REST "}", "price"},
		{"{\"purpose\":\"x\",\"price\":9000000000000," REST "}", "price"},
		{"{\"purpose\":\"x\",\"daily-limit\":1000001," REST "}", "daily-limit"},
		{"{" COPIES ",\"dates\":\"kept\"}", "dates"},
		{"{" COPIES ",\"characteristics\":\"yes\"}", "characteristics"},
		{"{" COPIES ",\"faces\":true}", "faces"},
		{"{\"purpose\":\"x\",\"dates\":\"moved\"," REST "}", "data"},
		{"{\"purpose\":\"x\",\"until\":\"2030-01-01\",\"data\":\"identified\"}", "who"},
		{"{\"purpose\":\"x\",\"who\":\"x\",\"until\":\"2030-02-30\",\"data\":"
		 "\"identified\"}",
			"until"},
		{"{\"purpose\":\"x\",\"who\":\"x\",\"until\":\"2030-1-1\",\"data\":\"identified\"}",
			"until"},
		{"{\"purpose\":\"x\",\"who\":\"x\",\"until\":\"+030-01-01\",\"data\":"
		 "\"identified\"}",
			"until"},
		{"{\"purpose\":\"x\",\"who\":\"x\",\"until\":\"2030-01-01\",\"data\":\"both\"}",
			"data"}};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *what = "?";
		emr_terms terms;

		if (parse(bad[i].text, &terms, &what) == EMR_OK)
			fail_msg("taken: %s", bad[i].text);
		assert_string_equal(what, bad[i].what);
	}
}

static void a_file_or_a_sentence_beyond_its_limit_is_refused(void **state)
{
	char text[EMR_TERMS_FILE_MAX + 100];
	const char *what;
	emr_terms terms;

	(void)state;
	snprintf(text, sizeof text, "{\"purpose\":\"%0*d\"," REST "}", EMR_TERMS_TEXT_MAX, 1);
	assert_ok(parse(text, &terms, &what));
	snprintf(text, sizeof text, "{\"purpose\":\"%0*d\"," REST "}", EMR_TERMS_TEXT_MAX + 1, 1);
	assert_int_equal(parse(text, &terms, &what), EMR_LIMIT);
	snprintf(text, sizeof text, "{\"purpose\":\"x\"," REST "}%*s", EMR_TERMS_FILE_MAX, "");
	assert_int_equal(parse(text, &terms, &what), EMR_LIMIT);
}

static void a_name_is_one_component_of_a_path_everywhere(void **state)
{
	(void)state;
	assert_true(emr_dataset_name_ok("heart-2026.b_1"));
	assert_false(emr_dataset_name_ok(""));
	assert_false(emr_dataset_name_ok(".."));
	assert_false(emr_dataset_name_ok("a/b"));
	assert_false(emr_dataset_name_ok("a b"));
	assert_false(emr_dataset_name_ok("a:b"));
	assert_false(emr_dataset_name_ok("\xc3\xa9"));
	assert_false(emr_dataset_name_ok("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void pseudonyms_of_two_datasets_have_nothing_in_common(void **state)
{
	uint8_t one[EMR_PSEUDONYM_KEY_BYTES] = {1}, other[EMR_PSEUDONYM_KEY_BYTES] = {2};
	char a[EMR_PSEUDONYM_CHARS], again[EMR_PSEUDONYM_CHARS], b[EMR_PSEUDONYM_CHARS],
		rui[EMR_PSEUDONYM_CHARS];
	const emr_id32 ana = {{3}};

	(void)state;
	emr_pseudonym(one, ana, a);
	emr_pseudonym(one, ana, again);
	emr_pseudonym(other, ana, b);
	emr_pseudonym(one, (emr_id32){{4}}, rui);
	assert_string_equal(a, again);
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, rui);
	assert_false(emr_id16_equal(emr_pseudonym_line(one), emr_pseudonym_line(other)));
}

/* Known answer, by python3: base64.b32encode(hmac.digest(bytes([1]) + bytes(31),
 * b"emrfs/v1/pseudonym\0\1" + bytes([3]) + bytes(31), "sha256"))[:12].lower() */
static void the_known_pseudonym(void **state)
{
	const uint8_t key[EMR_PSEUDONYM_KEY_BYTES] = {1};
	char name[EMR_PSEUDONYM_CHARS];

	(void)state;
	emr_pseudonym(key, (emr_id32){{3}}, name);
	assert_string_equal(name, "q6yem6wu7v4t");
}

static void a_sealed_key_opens_for_its_dataset_alone(void **state)
{
	const uint8_t key[EMR_PSEUDONYM_KEY_BYTES] = {9};
	uint8_t sealed[EMR_PSEUDONYM_SEALED_BYTES], opened[EMR_PSEUDONYM_KEY_BYTES], x25519[32];
	emr_box_key *box = NULL, *other = NULL;

	(void)state;
	assert_ok(emr_box_key_new(&box));
	assert_ok(emr_box_key_new(&other));
	emr_box_key_public(box, x25519);
	assert_ok(emr_pseudonym_key_seal(x25519, "heart", key, sealed));
	assert_ok(emr_pseudonym_key_open(box, "heart", sealed, opened));
	assert_memory_equal(opened, key, sizeof key);
	assert_int_equal(emr_pseudonym_key_open(box, "hearts", sealed, opened), EMR_DAMAGED);
	assert_int_equal(emr_pseudonym_key_open(other, "heart", sealed, opened), EMR_DAMAGED);
	sealed[40] ^= 1;
	assert_int_equal(emr_pseudonym_key_open(box, "heart", sealed, opened), EMR_DAMAGED);
	emr_box_key_free(box);
	emr_box_key_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(terms_that_are_whole_are_read),
		cmocka_unit_test(terms_say_how_copies_are_made),
		cmocka_unit_test(what_is_wrong_is_refused_by_its_name),
		cmocka_unit_test(a_file_or_a_sentence_beyond_its_limit_is_refused),
		cmocka_unit_test(a_name_is_one_component_of_a_path_everywhere),
		cmocka_unit_test(pseudonyms_of_two_datasets_have_nothing_in_common),
		cmocka_unit_test(the_known_pseudonym),
		cmocka_unit_test(a_sealed_key_opens_for_its_dataset_alone)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
