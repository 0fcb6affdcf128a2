/* This file writes the completion of commands for bash, from the table of verbs: verbs, the words
 * that may stand behind them, and options. Everything else is the name of a file to bash. */
#include <ctype.h>
#include <string.h>

#include "pages.h"

static void options(FILE *to, emr_verb verb)
{
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		const emr_option_row *option = emr_option_get((emr_option)i);

		if (!emr_verb_takes(verb, (emr_option)i))
			continue;
		if (option->name != NULL)
			fprintf(to, " --%s", option->name);
		else
			fprintf(to, " -%c", option->letter);
	}
}

/* "add accept remove" of "add NAME | accept FILE | remove NAME". */
static void words(FILE *to, const char *operands)
{
	for (size_t n; *operands != '\0'; operands += n) {
		n = strcspn(operands, " |[]");
		if (islower((unsigned char)*operands))
			fprintf(to, " %.*s", (int)n, operands);
		n += n == 0;
	}
}

static const char begin[] =
	"# bash completion of emrfs, made from its table of verbs.\n"
	"_emrfs() {\n"
	"\tlocal word=${COMP_WORDS[COMP_CWORD]} verb='' at options words verbs='";

static const char middle[] = "'\n\tfor ((at = 1; at < COMP_CWORD; at++)); do\n"
			     "\t\tcase ${COMP_WORDS[at]} in\n"
			     "\t\t--as) ((++at)) ;;\n"
			     "\t\t-*) ;;\n"
			     "\t\t*) verb=${COMP_WORDS[at]}; break ;;\n"
			     "\t\tesac\n"
			     "\tdone\n"
			     "\tcase $verb in\n"
			     "\t'') options='--as --json --help --version' words=$verbs ;;\n";

static const char end[] = "\tesac\n"
			  "\t[[ $word != -* ]] || words=$options\n"
			  "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
			  "}\n"
			  "complete -o default -F _emrfs emrfs\n";

bool pages_bash(FILE *to)
{
	fputs(begin, to);
	for (int i = 0; i < EMR_VERB_COUNT; i++)
		fprintf(to, " %s", emr_verb_get((emr_verb)i)->name);
	fputs(middle, to);
	for (int i = 0; i < EMR_VERB_COUNT; i++) {
		const emr_verb_row *row = emr_verb_get((emr_verb)i);

		fprintf(to, "\t%s%s%s) options='", row->name, row->alias != NULL ? "|" : "",
			row->alias != NULL ? row->alias : "");
		options(to, (emr_verb)i);
		fputs("' words=\"", to);
		if (i == EMR_VERB_HELP)
			fputs("$verbs", to);
		words(to, row->operands);
		fputs("\" ;;\n", to);
	}
	fputs(end, to);
	return ferror(to) == 0;
}
