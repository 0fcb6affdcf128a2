/* These tests are about columns of tables that the terms call codes and give no list of: names that
 * are planted there are in no copy, and codes of hospitals and laboratories are. */
#include "emr_test.h"

#include <ctype.h>

#include "check.h"
#include "csv.h"
#include "deidentify_kit.h"
#include "scan.h"

static const emr_column column = {"icd", EMR_COLUMN_CODE, NULL};

/* Whether CODE stays in a copy; a reader must say the same of a table that has it. */
static bool stays(const char *code)
{
	static flat_file file;
	char text[120], out[120] = "";
	protocol_look rules = {.year = 2026};
	emr_deidentified what;
	int in, copy = made_memory(emr_bytes_of("", 0));
	bool is_there, is_shown;

	snprintf(text, sizeof text, "icd\n%s\n", code);
	in = made_memory(emr_bytes_of(text, strlen(text)));
	assert_ok(csv_take_columns(&column, 1, &rules.columns));
	assert_ok(csv_copy(in, strlen(text), copy, &(persona){.shift_us = 0}, &rules, &what));
	assert_int_equal(what.withheld, EMR_WITHHELD_NOT);
	assert_true(pread(copy, out, sizeof out - 1, 0) > 0);
	is_there = strcmp(out, text) == 0;
	if (!is_there)
		assert_string_equal(out, "icd\n\n");
	assert_int_equal(check_table(in, strlen(text), copy, what.size), EMR_WITHHELD_NOT);
	file = (flat_file){.fd = in, .size = strlen(text)};
	is_shown = scan_file(&file, &rules) == EMR_WITHHELD_NOT;
	if (is_shown != is_there)
		fail_msg("writer and reader differ: %s", code);
	close(in);
	close(copy);
	return is_there;
}

TEST(a_column_of_codes_without_a_list_has_what_is_shaped_as_a_code)
{
	static const char *const codes[] = {"C34.1", "J45.909", "8140/3", "2345-7", "rs7412",
		"pT2N0M0", "HbA1c", "CYP2D6", "sub-01", "run-2", "EEG001", "A-17", "3T", "M", "f",
		"n/a", "N/A", "g/L", "%", "+", "++", "-", "0", "1234", "K7QF4711X",
		/* as the manual says of them */
		"AS59", "Ana1"};

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (!stays(codes[i]))
			fail_msg("lost: %s", codes[i]);
}

/* SHAPE with first name, surname (N, S) and their initials (n, s), in small letters (1), capitals
 * (2) or as they are. */
static void spell(const char *shape, const char *const name[2], size_t how, char *out)
{
	for (; *shape != '\0'; shape++) {
		const char *at = strchr("Nn", *shape) != NULL	? name[0]
				 : strchr("Ss", *shape) != NULL ? name[1]
								: shape;
		size_t len = strchr("NS", *shape) != NULL ? strlen(at) : 1;

		for (; len-- > 0; at++)
			*out++ = (char)(how == 1 ? tolower(*at) : how == 2 ? toupper(*at) : *at);
	}
	*out = '\0';
}

TEST(no_name_is_left_in_a_column_of_codes_without_a_list)
{
	static const char *const names[][2] = {{"Ana", "Silva"}, {"João", "Conceição"},
		{"Joao", "Conceicao"}, {"Inês", "Falcão"}, {"Ines", "Falcao"}, {"Rui", "Sá"},
		{"Rui", "Sa"}, {"Luís", "d'Almeida"}, {"Zé", "Gonçalves"}, {"Ze", "Goncalves"},
		{"Eva", "Müller"}, {"Eva", "Mueller"}, {"Jörg", "Weiß"}, {"Joerg", "Weiss"},
		{"Hans-Peter", "Lämmle"}, {"Max", "Gross"}, {"Bo", "Ng"}, {"Li", "Xu"},
		{"Ida", "Ek"}, {"Nguyễn", "Ørsted"}};
	static const char *const shapes[] = {"N", "S", "N.S", "S/N", "S_N", "S-N", "n.S", "nS",
		"Ns", "ns", "n.s.", "n-s", "nns", "SN3", "N.S.59", "S N", "s%S"};
	size_t planted = 0, left = 0;
	char word[64];

	for (size_t i = 0; i < 3 * (sizeof names / sizeof *names); i++)
		for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
			spell(shapes[s], names[i / 3], i % 3, word);
			planted++;
			left += stays(word);
		}
	assert_int_equal(planted, 1020);
	assert_int_equal(left, 0);
}

TEST(no_day_is_left_in_a_column_of_codes_without_a_list)
{
	static const char *const days[] = {"26-JAN-1994", "26Jan1994", "26.jan.94", "1-Jan-94",
		"JAN-26-94", "26/01/94", "26.01.94", "26-01-94", "1/1/1994", "26_01_94",
		"26--01-94", "1+1+94", "94/1/26", "26%01%94"};

	for (size_t i = 0; i < sizeof days / sizeof *days; i++)
		if (stays(days[i]))
			fail_msg("left: %s", days[i]);
}

TESTS(NULL, NULL)
