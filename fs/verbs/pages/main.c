/* This is emrfs_pages, a program that the build runs and does not install. One argument says
 * which page goes to its output. */
#include <stdlib.h>
#include <string.h>

#include "pages.h"

static bool list_verbs(void)
{
	for (int i = 0; i < EMR_VERB_COUNT; i++)
		puts(emr_verb_get((emr_verb)i)->name);
	return true;
}

static bool make_page(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "verbs") == 0)
		return list_verbs();
	if (strcmp(what, "contract") == 0)
		return pages_contract(stdout);
	if (strcmp(what, "texts") == 0)
		return pages_texts(stdout);
	if (strcmp(what, "bash") == 0)
		return pages_bash(stdout);
	if (strcmp(what, "verb") == 0 && argc == 4)
		return pages_man_verb(stdout, argv[2], argv[3]);
	if (strcmp(what, "fill") == 0 && argc == 4)
		return pages_man_fill(stdout, argv[2], argv[3]);
	fputs("emrfs_pages verbs | contract | texts | bash | verb NAME LIMITS | fill IN CONTRACT\n",
		stderr);
	return false;
}

int main(int argc, char **argv)
{
	bool is_made = make_page(argc, argv);

	return fflush(stdout) == 0 && is_made ? EXIT_SUCCESS : EXIT_FAILURE;
}
