/* These tests turn 24 words into keys and back: the list is that of BIP 39, and a wrong word is
 * named. */
#include "keyring_kit.h"

#include "keyring/content.h"

#include <ctype.h>

static emr_status check_words(emr_bytes text, emr_words_problem *out_problem)
{
	EMR_AUTO_KEYRING kr = NULL;

	return emr_keyring_from_words(text, EMR_KEYRING_PERSON, 0, out_problem, &kr);
}

TEST(phrases_match_the_second_model)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("keyfile.json");
	const json_t *test;
	size_t i;

	json_array_foreach(vectors_get(root, "phrases"), i, test)
	{
		EMR_AUTO_KEYRING kr = NULL;
		EMR_AUTO_KEYRING from_seed = NULL;
		char words[EMR_WORDS][EMR_WORD_CHARS];
		char phrase[EMR_WORDS * 10] = "";
		uint8_t seed[32];

		vectors_fixed(test, "seed", seed, 32);
		from_seed = kit_keyring_of(seed, (emr_id16){{1}}, 0);
		assert_ok(emr_keyring_words(from_seed, words));
		for (int w = 0; w < EMR_WORDS; w++) {
			strcat(phrase, w == 0 ? "" : " ");
			strcat(phrase, words[w]);
			assert_true(emr_keyring_word_is(from_seed, (size_t)w, words[w]));
		}
		assert_string_equal(phrase, vectors_text(test, "phrase"));
		assert_ok(check_words(kit_text(phrase), NULL));
		assert_ok(
			emr_keyring_from_words(kit_text(phrase), EMR_KEYRING_PERSON, 5, NULL, &kr));
		assert_memory_equal(kr->seed.data, seed, 32);
		assert_false(emr_id16_equal(kr->device_id, from_seed->device_id));
	}
	assert_true(i > 0);
}

TEST(the_list_is_the_one_of_bip_39)
{
	FILE *file = fopen(EMR_VECTOR_DIR "/bip39-english.txt", "r");
	char line[32];
	int n = 0;

	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		assert_string_equal(line, emr_word_list[n]);
		n++;
	}
	fclose(file);
	assert_int_equal(n, EMR_WORD_LIST);
}

/* 24 known words that fit no checksum. */
static const char *known_phrase(json_t *root)
{
	return vectors_text(json_array_get(vectors_get(root, "bad_phrases"), 0), "phrase");
}

TEST(a_bad_phrase_says_what_is_bad)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("keyfile.json");
	const json_t *test;
	size_t i;

	json_array_foreach(vectors_get(root, "bad_phrases"), i, test)
	{
		emr_words_problem problem;
		emr_keyring *none = NULL;
		const char *why = vectors_text(test, "why");

		assert_status(EMR_WRONG_WORDS,
			check_words(kit_text(vectors_text(test, "phrase")), &problem));
		assert_status(EMR_WRONG_WORDS,
			emr_keyring_from_words(kit_text(vectors_text(test, "phrase")),
				EMR_KEYRING_PERSON, 0, NULL, &none));
		assert_null(none);
		if (strcmp(why, "checksum") == 0) {
			assert_int_equal(problem.fault, EMR_WORDS_CHECKSUM);
		} else if (strcmp(why, "unknown word") == 0) {
			assert_int_equal(problem.fault, EMR_WORDS_UNKNOWN);
			assert_int_equal(problem.position, vectors_u64(test, "wrong_index"));
			assert_string_equal(problem.word, "hospitals");
			assert_string_equal(problem.near[0], "hospital");
		} else {
			assert_int_equal(problem.fault, EMR_WORDS_COUNT_WRONG);
			assert_int_equal(problem.count, atoi(why));
		}
	}
	assert_true(i >= 4);
}

TEST(blanks_and_capitals_do_not_matter)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("keyfile.json");
	const char *phrase =
		vectors_text(json_array_get(vectors_get(root, "phrases"), 0), "phrase");
	char loud[1024] = "\r\n\t ";
	size_t at = 4;
	EMR_AUTO_KEYRING kr = NULL;

	for (const char *c = phrase; *c != '\0'; c++) {
		if (*c == ' ')
			loud[at++] = '\n';
		loud[at++] = (char)toupper(*c);
	}
	loud[at++] = '\n';
	loud[at] = '\0';
	assert_ok(check_words(kit_text(loud), NULL));
	assert_ok(emr_keyring_from_words(kit_text(loud), EMR_KEYRING_PERSON, 0, NULL, &kr));
	assert_true(emr_keyring_word_is(kr, 0, "ABANDON"));
	assert_false(emr_keyring_word_is(kr, 0, "about"));
	assert_false(emr_keyring_word_is(kr, 24, "abandon"));
	assert_false(emr_keyring_word_is(kr, 0, "abandonabandonabandonabandonabandonabandon"));
}

TEST(a_misspelt_word_gets_its_neighbours)
{
	static const char *const typed[] = {
		"hopsital", "hospitl", "patiant", "zoo1", "ab", "xq", "\xc3\xbc", "."};
	static const char *const nearest[] = {
		"hospital", "hospital", "patient", "zoo", "", "", "", ""};

	for (int i = 0; i < 4; i++) {
		emr_words_problem problem;

		assert_status(EMR_WRONG_WORDS, check_words(kit_text(typed[i]), &problem));
		assert_int_equal(problem.fault, EMR_WORDS_UNKNOWN);
		assert_string_equal(problem.near[0], nearest[i]);
	}
	for (int i = 4; i < 8; i++) {
		emr_words_problem problem;

		assert_status(EMR_WRONG_WORDS, check_words(kit_text(typed[i]), &problem));
		assert_int_equal(problem.fault, EMR_WORDS_UNKNOWN);
		assert_string_equal(problem.word, typed[i]);
	}
}

TEST(hostile_text_is_refused)
{
	static char big[5000];
	emr_words_problem problem;

	memset(big, 'a', sizeof big);
	assert_status(EMR_LIMIT, check_words(emr_bytes_of(big, sizeof big), &problem));
	assert_status(EMR_WRONG_WORDS, check_words(emr_bytes_of(big, 4096), &problem));
	assert_int_equal(problem.fault, EMR_WORDS_UNKNOWN);
	assert_int_equal(strlen(problem.word), 31);
	assert_status(EMR_WRONG_WORDS, check_words((emr_bytes){0}, &problem));
	assert_int_equal(problem.fault, EMR_WORDS_COUNT_WRONG);
	assert_int_equal(problem.count, 0);
	memset(big, ' ', sizeof big);
	assert_status(EMR_WRONG_WORDS, check_words(emr_bytes_of(big, 4096), &problem));
	assert_status(EMR_WRONG_WORDS, check_words(emr_bytes_of("abandon\0abandon", 15), &problem));
}

TEST(the_one_wrong_word_is_found_by_the_identity)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("keyfile.json");
	EMR_AUTO_KEYRING kr = kit_keyring();
	emr_public public;
	char words[EMR_WORDS][EMR_WORD_CHARS];
	char phrase[512] = "";
	char found[EMR_WORD_CHARS];
	size_t position = 99;

	assert_ok(emr_keyring_public(kr, &public));
	assert_ok(emr_keyring_words(kr, words));
	for (int w = 0; w < EMR_WORDS; w++) {
		strcat(phrase, w == 17 ? "zoo" : words[w]);
		strcat(phrase, " ");
	}
	assert_ok(emr_words_find_wrong(kit_text(phrase), public.pk, &position, found));
	assert_int_equal(position, 17);
	assert_string_equal(found, words[17]);
	/* Two wrong words are beyond it. */
	memcpy(strstr(phrase, words[0]), "zoo    ", strlen(words[0]) < 7 ? strlen(words[0]) : 7);
	assert_int_not_equal(
		emr_words_find_wrong(kit_text(phrase), public.pk, &position, found), EMR_OK);
	assert_status(EMR_WRONG_WORDS,
		emr_words_find_wrong(kit_text("abandon"), public.pk, &position, found));
	assert_status(EMR_NOT_FOUND, emr_words_find_wrong(kit_text(known_phrase(root)),
					     (uint8_t[32]){1}, &position, found));
}

/* Journal and working copies are sealed for one device: without its id the words open none of them.
 */
TEST(words_open_what_their_device_sealed)
{
	EMR_AUTO_KEYRING kr = NULL;
	EMR_AUTO_KEYRING back = NULL;
	char words[EMR_WORDS][EMR_WORD_CHARS];
	char text[EMR_WORDS * EMR_WORD_CHARS + 1] = "";
	uint8_t sealed[EMR_SEALED_DEK_BYTES];
	emr_content_key *key = NULL, *opened = NULL;
	emr_id16 id = emr_id16_random();

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &kr));
	assert_ok(emr_content_key_new(&key));
	assert_ok(emr_content_key_seal_local(kr, key, id, sealed));
	assert_ok(emr_keyring_words(kr, words));
	for (size_t i = 0; i < EMR_WORDS; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", words[i]);
	assert_ok(emr_keyring_from_words(emr_bytes_of((const uint8_t *)text, strlen(text)),
		EMR_KEYRING_PERSON, 1, NULL, &back));
	assert_status(EMR_DAMAGED, emr_content_key_open_local(back, sealed, id, &opened));
	emr_keyring_set_device(back, emr_keyring_device_id(kr));
	assert_ok(emr_content_key_open_local(back, sealed, id, &opened));
	emr_content_key_free(key);
	emr_content_key_free(opened);
}

TESTS(NULL, NULL)
