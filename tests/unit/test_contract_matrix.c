/* These tests send every operation by everybody in every state, against contract_matrix.txt, and
 * check that nothing is left out there. EMR_MATRIX_WRITE=FILE writes the contract's answers, for a
 * person to read before they become the table. */
#include "matrix_world.h"

#include <ctype.h>

#define LINE_MAX_BYTES 1000
#define REFUSED 1000

/* ---- words ---- */

static void word_of(int answer, char out[48])
{
	const char *text = emr_result_text((uint8_t)(answer % REFUSED));
	size_t n = 0;

	if (answer >= REFUSED)
		n = (size_t)snprintf(out, 48, "batch:");
	for (; *text != 0 && n < 47; text++)
		out[n++] = *text == ' ' ? '-' : *text;
	out[n] = 0;
}

static int place_in(const char *const *names, int n, const char *word)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], word) == 0)
			return i;
	return -1;
}

static int form_called(const char *word)
{
	for (int i = 0; i < FORMS; i++)
		if (strcmp(form_name(i), word) == 0)
			return i;
	return -1;
}

/* ---- the table ---- */

typedef struct table {
	bool has[FORMS][STATES];
	char expected[FORMS][STATES][COLUMNS][48];
} table;

static table *expected;

/* The last of the columns that WORD, the name of the first, stands for. */
static int last_of(const char *word, int column)
{
	if (strcmp(word, "dead") == 0)
		return COL_REMOVED;
	return column == COL_REGISTERED ? COL_ENDED : column;
}

/* FORM STATE everybody's-answer [column=answer]...; dead= is expired, rotated, revoked and removed,
 * registered= also who could write here once. */
static void read_line(char *line, int number)
{
	char *save = NULL, *word = strtok_r(line, " \t\n", &save);
	int form, state;

	if (word == NULL || word[0] == '#')
		return;
	form = form_called(word);
	word = strtok_r(NULL, " \t\n", &save);
	state = word != NULL ? place_in(state_names, STATES, word) : -1;
	word = strtok_r(NULL, " \t\n", &save);
	if (form < 0 || state < 0 || word == NULL || expected->has[form][state])
		fail_msg("line %d of the table: no such operation or state, nothing expected, or "
			 "once more",
			number);
	expected->has[form][state] = true;
	for (int c = 0; c < COLUMNS; c++)
		(void)snprintf(expected->expected[form][state][c], 48, "%s", word);
	while ((word = strtok_r(NULL, " \t\n", &save)) != NULL) {
		char *equals = strchr(word, '=');
		int column;

		if (equals != NULL)
			*equals = 0;
		column = strcmp(word, "dead") == 0 ? COL_EXPIRED
						   : place_in(column_names, COLUMNS, word);
		if (equals == NULL || column < 0)
			fail_msg("line %d of the table: %s is no signer", number, word);
		for (int c = column; c <= last_of(word, column); c++)
			(void)snprintf(expected->expected[form][state][c], 48, "%s", equals + 1);
	}
}

AROUND(read_table)
{
	FILE *file = fopen(EMR_MATRIX, "r");
	char line[LINE_MAX_BYTES];
	int number = 0;

	expected = calloc(1, sizeof *expected);
	assert_non_null(file);
	assert_non_null(expected);
	while (fgets(line, sizeof line, file) != NULL)
		read_line(line, ++number);
	fclose(file);
}

AROUND_BY(free_table, free(expected))

/* ---- tests ---- */

TEST(every_operation_that_is_served_has_rows)
{
	for (int op = 0; op < 256; op++) {
		bool is_here = false;

		for (int form = 0; form < FORMS; form++)
			is_here = is_here || form_op(form) == op;
		if (is_here != (emr_op_since((uint8_t)op) != 0))
			fail_msg("%s (0x%02x) is %s", emr_op_text((uint8_t)op), op,
				is_here ? "not served" : "served and not tested");
	}
	for (int form = 0; form < FORMS; form++)
		for (int s = 0; s < STATES; s++)
			if (expected->has[form][s] != ((form_states(form) >> s & 1) != 0))
				fail_msg("%s, %s: %s", form_name(form), state_names[s],
					expected->has[form][s]
						? "no such state of it"
						: "nobody is expected to do anything");
}

TEST(every_operation_by_everybody_in_every_state)
{
	int wrong = 0, cells = 0;

	for (int form = 0; form < FORMS; form++)
		for (int s = 0; s < STATES; s++)
			for (int c = 0; c < COLUMNS && expected->has[form][s]; c++) {
				char got[48];

				word_of(matrix_answer(form, (enum state)s, (enum column)c), got);
				cells++;
				if (strcmp(got, expected->expected[form][s][c]) == 0)
					continue;
				wrong++;
				print_error("%s, %s, by %s: expected %s, got %s\n", form_name(form),
					state_names[s], column_names[c],
					expected->expected[form][s][c], got);
			}
	print_message("%d answers\n", cells);
	assert_int_equal(wrong, 0);
}

/* ---- writing what is ---- */

static void write_row(FILE *file, int form, int s)
{
	char words[COLUMNS][48];
	int most = 0, most_count = 0;
	bool are_dead_alike = true;

	for (int c = 0; c < COLUMNS; c++)
		word_of(matrix_answer(form, (enum state)s, (enum column)c), words[c]);
	for (int c = 0; c < COLUMNS; c++) {
		int count = 0;

		for (int d = 0; d < COLUMNS; d++)
			count += strcmp(words[c], words[d]) == 0;
		if (count > most_count) {
			most = c;
			most_count = count;
		}
	}
	for (int c = COL_EXPIRED; c < COLUMNS; c++)
		are_dead_alike = are_dead_alike && strcmp(words[c], words[COL_EXPIRED]) == 0;
	fprintf(file, "%-22s %-12s %-16s", form_name(form), state_names[s], words[most]);
	for (int c = 0; c < (are_dead_alike ? COL_EXPIRED + 1 : COLUMNS); c++)
		if (strcmp(words[c], words[most]) != 0)
			fprintf(file, " %s=%s",
				are_dead_alike && c == COL_EXPIRED ? "dead" : column_names[c],
				words[c]);
	fprintf(file, "\n");
}

TEST(write_what_is)
{
	const char *path = getenv("EMR_MATRIX_WRITE");
	FILE *file = path != NULL ? fopen(path, "w") : NULL;

	if (file == NULL)
		return;
	for (int form = 0; form < FORMS; form++)
		for (int s = 0; s < STATES; s++)
			if ((form_states(form) >> s & 1) != 0)
				write_row(file, form, s);
	fclose(file);
}

TESTS(read_table, free_table)
