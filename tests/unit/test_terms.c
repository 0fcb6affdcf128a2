/* These tests are about the terms of a dataset, which are read or refused by a name; and about
 * pseudonyms. */
#include <time.h>

#include "emr_test.h"
#include "keyring/pseudonym.h"
#include "share/terms.h"

static emr_status parse(const char *text, emr_terms *out, const char **out_what)
{
	return emr_terms_parse(emr_bytes_of(text, strlen(text)), out, out_what);
}

TEST(terms_that_are_whole_are_read)
{
	const char *what;
	emr_terms terms;

	setenv("TZ", "XST-3", 1); /* the day is the maker's */
	tzset();
	assert_ok(parse("{\"purpose\": \"To count.\", \"who\": \"Caf\xc3\xa9s\", \"until\": "
			"\"2030-02-28\", \"data\": \"de-identified\", \"price\": 3, "
			"\"daily-limit\": 20}",
		&terms, &what));
	assert_string_equal(terms.purpose, "To count.");
	assert_string_equal(terms.who, "Caf\xc3\xa9s");
	assert_string_equal(terms.until, "2030-02-28");
	/* TZ=XST-3 date -d 2030-02-28T23:59:59 +%s */
	assert_true(terms.until_unix_s == 1898542799);
	assert_true(terms.is_deidentified);
	assert_true(terms.price == 3);
	assert_int_equal(terms.daily_limit, 20);
	assert_false(terms.without_dates || terms.with_characteristics || terms.with_faces);
}

#define COPIES "\"purpose\":\"x\",\"who\":\"x\",\"until\":\"2030-01-01\",\"data\":\"de-identified\""

TEST(terms_say_how_copies_are_made)
{
	static const struct {
		const char *text;
		bool without_dates, with_characteristics, with_faces, with_derived;
		bool with_tiles, with_private;
	} good[] = {{"{" COPIES ",\"dates\":\"moved\",\"characteristics\":false,\"faces\":"
		     "\"withheld\"}",
			    false, false, false, false, false, false},
		{"{\"dates\":\"removed\"," COPIES "}", true, false, false, false, false, false},
		{"{" COPIES ",\"characteristics\":true}", false, true, false, false, false, false},
		{"{\"faces\":\"kept\"," COPIES "}", false, false, true, false, false, false},
		{"{\"derived\":\"kept\"," COPIES "}", false, false, false, true, false, false},
		{"{\"mosaic-tiles\":\"kept\"," COPIES "}", false, false, false, false, true, false},
		{"{\"safe-private\":\"kept\",\"mosaic-tiles\":\"removed\"," COPIES "}", false,
			false, false, false, false, true}};
	const char *what;
	emr_terms terms;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_ok(parse(good[i].text, &terms, &what));
		assert_int_equal(terms.without_dates, good[i].without_dates);
		assert_int_equal(terms.with_characteristics, good[i].with_characteristics);
		assert_int_equal(terms.with_faces, good[i].with_faces);
		assert_int_equal(terms.with_derived, good[i].with_derived);
		assert_int_equal(terms.with_tiles, good[i].with_tiles);
		assert_int_equal(terms.with_private, good[i].with_private);
		assert_false(terms.with_nifti || terms.with_edf || terms.with_genomes);
	}
	assert_ok(parse("{" COPIES ",\"genomes\":\"kept\"}", &terms, &what));
	assert_true(terms.with_genomes && !terms.with_nifti && !terms.with_edf);
}

#define REST "\"who\":\"x\",\"until\":\"2030-01-01\",\"data\":\"identified\""

#define HASH "b9ded82cfde75b160a6064a054d23e126d861d9268a098b9eb39042784b189c0"

TEST(words_that_a_committee_asks_for_are_taken)
{
	static const char json[] =
		"{\"purpose\":\"x\",\"contact\":\"a@b\",\"ethics\":\"REC 1/26\","
		"\"licence\":\"CC-BY-4.0\",\"funder\":\"FCT\",\"doi\":\"10.5281/zenodo.1234567\","
		"\"duo\":[\"DUO:0000042\",\"DUO:0000046\"],\"agreement\":\"" HASH "\"," REST "}";
	static const char *const words[] = {"a@b", "REC 1/26", "CC-BY-4.0", "FCT",
		"10.5281/zenodo.1234567", "DUO:0000042, DUO:0000046", HASH};
	const char *what;
	emr_terms terms;

	assert_ok(emr_terms_parse(emr_bytes_of(json, strlen(json)), &terms, &what));
	for (size_t i = 0; i < EMR_TERMS_WORDS; i++)
		assert_string_equal(terms.words[i], words[i]);
}

TEST(a_doi_is_what_crossref_recommends_and_nothing_before_it)
{
	static const char *const good[] = {"10.1234/a", "10.123456789/A-._;()/:z9", "10.5281//"},
				 *const bad[] = {"", "10.123/a", "10.1234567890/a", "10.1234",
					 "10.1234/", "11.1234/a", "10,1234/a", "10.12a4/a", "10./a",
					 "10.1234.5/a", "https://doi.org/10.1234/a",
					 "doi:10.1234/a", " 10.1234/a", "10.1234/a b",
					 "10.1234/a\\\"b", "10.1234/<a>", "10.1234/a\\n",
					 "10.1234/caf\xc3\xa9", "10.1234/a\\u0000b"};
	char text[EMR_TERMS_LINE_MAX + 100];
	const char *what;
	emr_terms terms;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		snprintf(text, sizeof text, "{\"doi\":\"%s\"," COPIES "}", good[i]);
		assert_ok(parse(text, &terms, &what));
		assert_string_equal(terms.words[EMR_TERMS_DOI], good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(text, sizeof text, "{" COPIES ",\"doi\":\"%s\"}", bad[i]);
		if (parse(text, &terms, &what) != EMR_INVALID)
			fail_msg("taken: %s", text);
		assert_string_equal(what, strstr(bad[i], "u0000") != NULL ? "" : "doi");
	}
	for (int more = 0; more <= 1; more++) {
		snprintf(text, sizeof text, "{" COPIES ",\"doi\":\"10.1234/%0*d\"}",
			EMR_TERMS_LINE_MAX - 8 + more, 1);
		assert_int_equal(parse(text, &terms, &what), more ? EMR_LIMIT : EMR_OK);
	}
}

TEST(what_is_wrong_is_refused_by_its_name)
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
		{"{\"purpose\":\"x\",\"color\":1," REST "}", "color"},
		{"{\"purpose\":\"x\",\"a\\u202eb\":1," REST "}", ""},
		{"{\"purpose\":\"x\",\"licence\":\"\"," REST "}", "licence"},
		{"{\"purpose\":\"x\",\"duo\":\"DUO:0000042\"," REST "}", "duo"},
		{"{\"purpose\":\"x\",\"duo\":[\"DUO:0000041\"]," REST "}", "duo"},
		{"{\"purpose\":\"x\",\"duo\":[\"DUO:0000042\",\"DUO:0000042\"]," REST "}", "duo"},
		{"{\"purpose\":\"x\",\"agreement\":\"b9de\"," REST "}", "agreement"},
		{"{\"purpose\":\"x\",\"agreement\":\"" HASH "0\"," REST "}", "agreement"},
		{"{" COPIES ",\"nifti\":\"moved\"}", "nifti"},
		{"{" COPIES ",\"genomes\":true}", "genomes"},
		{"{\"purpose\":\"x\",\"price\":-1," REST "}", "price"},
		{"{\"purpose\":\"x\",\"price\":1.5," REST "}", "price"},
		{"{\"purpose\":\"x\",\"price\":9000000000000," REST "}", "price"},
		{"{\"purpose\":\"x\",\"daily-limit\":1000001," REST "}", "daily-limit"},
		{"{" COPIES ",\"dates\":\"kept\"}", "dates"},
		{"{" COPIES ",\"characteristics\":\"yes\"}", "characteristics"},
		{"{" COPIES ",\"faces\":true}", "faces"},
		{"{" COPIES ",\"mosaic-tiles\":\"withheld\"}", "mosaic-tiles"},
		{"{" COPIES ",\"safe-private\":true}", "safe-private"},
		{"{\"purpose\":\"x\",\"dates\":\"moved\"," REST "}", "data"},
		{"{" COPIES ",\"columns\":{\"a\":\"code\"}}", "columns"},
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

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *what = "?";
		emr_terms terms;

		if (parse(bad[i].text, &terms, &what) == EMR_OK)
			fail_msg("taken: %s", bad[i].text);
		assert_string_equal(what, bad[i].what);
	}
}

TEST(a_file_or_a_sentence_beyond_its_limit_is_refused)
{
	char text[EMR_TERMS_FILE_MAX + 100];
	const char *what;
	emr_terms terms;

	snprintf(text, sizeof text, "{\"purpose\":\"%0*d\"," REST "}", EMR_TERMS_TEXT_MAX, 1);
	assert_ok(parse(text, &terms, &what));
	snprintf(text, sizeof text, "{\"purpose\":\"%0*d\"," REST "}", EMR_TERMS_TEXT_MAX + 1, 1);
	assert_int_equal(parse(text, &terms, &what), EMR_LIMIT);
	snprintf(text, sizeof text, "{\"purpose\":\"x\"," REST "}%*s", EMR_TERMS_FILE_MAX, "");
	assert_int_equal(parse(text, &terms, &what), EMR_LIMIT);
}

TEST(a_name_is_one_component_of_a_path_everywhere)
{
	assert_true(emr_dataset_name_ok("heart-2026.b_1"));
	assert_false(emr_dataset_name_ok(""));
	assert_false(emr_dataset_name_ok(".."));
	assert_false(emr_dataset_name_ok("a/b"));
	assert_false(emr_dataset_name_ok("a b"));
	assert_false(emr_dataset_name_ok("a:b"));
	assert_false(emr_dataset_name_ok("\xc3\xa9"));
	assert_false(emr_dataset_name_ok("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

TEST(pseudonyms_of_two_datasets_have_nothing_in_common)
{
	uint8_t one[EMR_PSEUDONYM_KEY_BYTES] = {1}, other[EMR_PSEUDONYM_KEY_BYTES] = {2};
	char a[EMR_PSEUDONYM_CHARS], again[EMR_PSEUDONYM_CHARS], b[EMR_PSEUDONYM_CHARS],
		rui[EMR_PSEUDONYM_CHARS];
	const emr_id32 ana = {{3}};

	emr_pseudonym(one, ana, a);
	emr_pseudonym(one, ana, again);
	emr_pseudonym(other, ana, b);
	emr_pseudonym(one, (emr_id32){{4}}, rui);
	assert_string_equal(a, again);
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, rui);
	assert_false(emr_id16_equal(emr_pseudonym_line(one, ana), emr_pseudonym_line(other, ana)));
	assert_false(emr_id16_equal(
		emr_pseudonym_line(one, ana), emr_pseudonym_line(one, (emr_id32){{4}})));
}

/* Known answer, by python3: base64.b32encode(hmac.digest(bytes([1]) + bytes(31),
 * b"emrfs/v1/pseudonym\0\1" + bytes([3]) + bytes(31), "sha256"))[:12].lower() */
TEST(the_known_pseudonym)
{
	const uint8_t key[EMR_PSEUDONYM_KEY_BYTES] = {1};
	char name[EMR_PSEUDONYM_CHARS];

	emr_pseudonym(key, (emr_id32){{3}}, name);
	assert_string_equal(name, "q6yem6wu7v4t");
}

TEST(a_sealed_key_opens_for_its_dataset_alone)
{
	const uint8_t key[EMR_PSEUDONYM_KEY_BYTES] = {9};
	uint8_t sealed[EMR_PSEUDONYM_SEALED_BYTES], opened[EMR_PSEUDONYM_KEY_BYTES], x25519[32];
	emr_box_key *box = NULL, *other = NULL;

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

TESTS(NULL, NULL)
