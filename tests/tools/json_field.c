/* json_field FILE: is it one JSON value in one line, whose versions and bytes are numbers, and
 * whose times (NAME_at, until) are text or null, as the contract says of each answer? json_field
 * FILE NAME[.NAME...]: the text, number or truth at that place, as Python prints it. Exit 1: there
 * is none; 3: it is an object, a list or a fraction, which Python prints. The tests of verbs ask
 * this some thousand times, each time at a twentieth of what starting Python costs. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_THERE = 1, LEFT_TO_PYTHON = 3 };

/* One line, and its end. */
static bool is_one_line(const char *path)
{
	FILE *file = fopen(path, "re");
	long lines = 0;
	int last = 0;

	if (file == NULL)
		return false;
	for (int c = getc(file); c != EOF; c = getc(file)) {
		lines += c == '\n';
		last = c;
	}
	fclose(file);
	return lines == 1 && last == '\n';
}

static bool ends(const char *name, const char *end)
{
	size_t len = strlen(name), of = strlen(end);

	return len >= of && strcmp(name + len - of, end) == 0;
}

/* Says which member, however deep, is not what its name promises. */
static bool is_of_its_types(json_t *value)
{
	const char *name;
	json_t *member;
	size_t i;

	json_array_foreach(value, i, member)
	{
		if (!is_of_its_types(member))
			return false;
	}
	json_object_foreach(value, name, member)
	{
		bool is_number = strcmp(name, "version") == 0 || strcmp(name, "bytes") == 0 ||
				 ends(name, "_bytes"),
		     is_time = strcmp(name, "until") == 0 || ends(name, "_at");

		if ((is_number && !json_is_integer(member) && !json_is_null(member)) ||
			(is_time && !json_is_string(member) && !json_is_null(member))) {
			fprintf(stderr, "%s has another type than its name says\n", name);
			return false;
		}
		if (!is_of_its_types(member))
			return false;
	}
	return true;
}

/* The member or element NAME of VALUE; names are split in place. */
static const json_t *value_at(const json_t *value, char *names)
{
	char *rest = NULL;

	for (char *name = strtok_r(names, ".", &rest); name != NULL && value != NULL;
		name = strtok_r(NULL, ".", &rest)) {
		char *end;
		size_t index = strtoul(name, &end, 10);

		if (!json_is_array(value))
			value = json_object_get(value, name);
		else
			value = *end == '\0' ? json_array_get(value, index) : NULL;
	}
	return value;
}

static int print_value(const json_t *value)
{
	if (json_is_string(value)) {
		fwrite(json_string_value(value), 1, json_string_length(value), stdout);
		putchar('\n');
	} else if (json_is_integer(value)) {
		printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
	} else if (json_is_boolean(value)) {
		puts(json_is_true(value) ? "True" : "False");
	} else if (json_is_null(value)) {
		puts("None");
	} else {
		return LEFT_TO_PYTHON;
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *all;
	const json_t *value;
	int code;

	if (argc != 2 && argc != 3) {
		fputs("usage: json_field FILE [NAME[.NAME...]]\n", stderr);
		return 2;
	}
	all = json_load_file(argv[1], JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (all == NULL) {
		fprintf(stderr, "%s: %s\n", argv[1], error.text);
		return NOT_THERE;
	}
	if (argc == 2) {
		code = is_one_line(argv[1]) && is_of_its_types(all) ? EXIT_SUCCESS : NOT_THERE;
	} else {
		value = value_at(all, argv[2]);
		code = value != NULL ? print_value(value) : NOT_THERE;
	}
	json_decref(all);
	return code;
}
