/* This file writes the completion of commands for bash, zsh and fish, from the table of verbs. */
#include <string.h>

#include "pages.h"

static pages_kind pages_kind_of(const char *argument)
{
	if (strstr(argument, "DIR") != NULL)
		return PAGES_DIRECTORY;
	if (strstr(argument, "VERB") != NULL)
		return PAGES_VERB;
	if (strstr(argument, "PATH") != NULL || strstr(argument, "FILE") != NULL ||
		strstr(argument, "OUT") != NULL || strstr(argument, "SRC") != NULL ||
		strstr(argument, "NEW") != NULL || strstr(argument, "COPY") != NULL ||
		strstr(argument, "CARD") != NULL)
		return PAGES_FILE;
	return PAGES_WORD;
}

/* TEXT inside single quotes of a shell; zsh also wants its own signs escaped. */
static void quoted(FILE *to, const char *text, const char *escaped)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'') {
			fputs("'\\''", to);
			continue;
		}
		if (strchr(escaped, *text) != NULL)
			fputc('\\', to);
		fputc(*text, to);
	}
}

static void verb_names(FILE *to)
{
	for (int i = 0; i < EMR_VERB_COUNT; i++)
		fprintf(to, "%s%s", i > 0 ? " " : "", emr_verb_get((emr_verb)i)->name);
}

static bool takes(emr_verb verb, int option)
{
	return emr_verb_takes(verb, (emr_option)option);
}

/* ---- bash ---- */

static void bash_options(FILE *to, emr_verb verb)
{
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		const emr_option_row *option = emr_option_get((emr_option)i);

		if (!takes(verb, i))
			continue;
		if (option->name == NULL)
			fprintf(to, " -%c", option->letter);
		else
			fprintf(to, " --%s%s", option->name,
				option->kind == EMR_MAY_HAVE_ARGUMENT ? "=" : "");
	}
}

/* An option that takes a word is followed by anything: nothing can be guessed, so nothing is
 * offered. */
static void bash_arguments(FILE *to, pages_kind kind, const char *action)
{
	bool is_first = true;

	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		const emr_option_row *option = emr_option_get((emr_option)i);

		if (option->kind != EMR_HAS_ARGUMENT || pages_kind_of(option->argument) != kind)
			continue;
		fprintf(to, "%s%s%s", is_first ? "\t" : "|", option->name != NULL ? "--" : "-",
			option->name != NULL ? option->name : (char[]){option->letter, '\0'});
		is_first = false;
	}
	if (!is_first)
		fprintf(to, ")\n\t\t%s\n\t\treturn ;;\n", action);
}

static const char *bash_action(pages_kind kind)
{
	switch (kind) {
	case PAGES_FILE:
		return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\")";
	case PAGES_DIRECTORY:
		return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$word\")";
	case PAGES_VERB:
		return "mapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$word\")";
	case PAGES_WORD:
		break;
	}
	return "return";
}

bool pages_bash(FILE *to)
{
	fputs("# bash completion of emrfs, made from its table of verbs.\n"
	      "_emrfs() {\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb='' i "
	      "options verbs\n"
	      "\tverbs='",
		to);
	verb_names(to);
	fputs("'\n\tCOMPREPLY=()\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n"
	      "\t\t--as) ((i++)) ;;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*) verb=${COMP_WORDS[i]}; break ;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tcase $before in\n",
		to);
	bash_arguments(to, PAGES_FILE, bash_action(PAGES_FILE));
	bash_arguments(to, PAGES_DIRECTORY, bash_action(PAGES_DIRECTORY));
	bash_arguments(to, PAGES_WORD, "COMPREPLY=()");
	fputs("\tesac\n\tcase $verb in\n\t'') options='--as --json --help --version' ;;\n", to);
	for (int i = 0; i < EMR_VERB_COUNT; i++) {
		const emr_verb_row *row = emr_verb_get((emr_verb)i);

		fprintf(to, "\t%s%s%s) options='", row->name, row->alias != NULL ? "|" : "",
			row->alias != NULL ? row->alias : "");
		bash_options(to, (emr_verb)i);
		fputs("' ;;\n", to);
	}
	fputs("\tesac\n"
	      "\tif [[ $word == -* ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
	      "\t\t[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace\n"
	      "\t\treturn\n\tfi\n"
	      "\tcase $verb in\n",
		to);
	fprintf(to, "\t'') %s ;;\n", bash_action(PAGES_VERB));
	for (int i = 0; i < EMR_VERB_COUNT; i++) {
		const emr_verb_row *row = emr_verb_get((emr_verb)i);
		pages_kind kind = pages_kind_of(row->operands);

		if (row->operands_max > 0 && kind != PAGES_WORD)
			fprintf(to, "\t%s%s%s) %s ;;\n", row->name, row->alias != NULL ? "|" : "",
				row->alias != NULL ? row->alias : "", bash_action(kind));
	}
	fputs("\tesac\n}\ncomplete -F _emrfs emrfs\n", to);
	return ferror(to) == 0;
}

/* ---- zsh ---- */

static const char *zsh_action(pages_kind kind)
{
	switch (kind) {
	case PAGES_FILE:
		return "_files";
	case PAGES_DIRECTORY:
		return "_files -/";
	case PAGES_VERB:
		return "_emrfs_verbs";
	case PAGES_WORD:
		break;
	}
	return " ";
}

static void zsh_spec(FILE *to, const char *dashes, const char *name, const emr_option_row *option)
{
	fprintf(to, " \\\n\t\t'%s%s", dashes, name);
	if (option->kind == EMR_MAY_HAVE_ARGUMENT)
		fputs("=-", to);
	fputc('[', to);
	quoted(to, option->help, "[]:\\");
	fputc(']', to);
	if (option->kind != EMR_NO_ARGUMENT)
		fprintf(to, "%s%s:%s", option->kind == EMR_MAY_HAVE_ARGUMENT ? "::" : ":",
			option->argument, zsh_action(pages_kind_of(option->argument)));
	fputc('\'', to);
}

static void zsh_verb(FILE *to, emr_verb verb)
{
	const emr_verb_row *row = emr_verb_get(verb);

	fprintf(to, "\t%s%s%s)\n\t\t_arguments -s", row->name, row->alias != NULL ? "|" : "",
		row->alias != NULL ? row->alias : "");
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		const emr_option_row *option = emr_option_get((emr_option)i);

		if (!takes(verb, i))
			continue;
		if (option->name != NULL)
			zsh_spec(to, "--", option->name, option);
		if (option->letter != 0)
			zsh_spec(to, "-", (char[]){option->letter, '\0'}, option);
	}
	if (row->operands_max > 0)
		fprintf(to, " \\\n\t\t'*:%s:%s'", "argument",
			zsh_action(pages_kind_of(row->operands)));
	fputs(" ;;\n", to);
}

bool pages_zsh(FILE *to)
{
	fputs("#compdef emrfs\n# zsh completion of emrfs, made from its table of verbs.\n"
	      "_emrfs_verbs() {\n\tlocal -a verbs=(",
		to);
	for (int i = 0; i < EMR_VERB_COUNT; i++) {
		fprintf(to, "\n\t\t'%s:", emr_verb_get((emr_verb)i)->name);
		quoted(to, emr_verb_get((emr_verb)i)->help, ":\\");
		fputc('\'', to);
	}
	fputs(")\n\t_describe verb verbs\n}\n"
	      "_emrfs() {\n"
	      "\tlocal context state state_descr line curcontext=$curcontext\n"
	      "\ttypeset -A opt_args\n"
	      "\t_arguments -C '--as[keyring]:NAME: ' '--json' '1:verb:_emrfs_verbs' "
	      "'*::argument:->rest' && return\n"
	      "\tcase $line[1] in\n",
		to);
	for (int i = 0; i < EMR_VERB_COUNT; i++)
		zsh_verb(to, (emr_verb)i);
	fputs("\tesac\n}\n_emrfs \"$@\"\n", to);
	return ferror(to) == 0;
}

/* ---- fish ---- */

static void fish_option(FILE *to, emr_verb verb, const emr_option_row *option)
{
	const emr_verb_row *row = emr_verb_get(verb);

	fprintf(to, "complete -c emrfs -n '__fish_seen_subcommand_from %s%s%s'", row->name,
		row->alias != NULL ? " " : "", row->alias != NULL ? row->alias : "");
	if (option->name != NULL)
		fprintf(to, " -l %s", option->name);
	if (option->letter != 0)
		fprintf(to, " -s %c", option->letter);
	if (option->kind == EMR_HAS_ARGUMENT)
		fputs(pages_kind_of(option->argument) == PAGES_WORD ? " -x" : " -rF", to);
	fputs(" -d '", to);
	quoted(to, option->help, "");
	fputs("'\n", to);
}

bool pages_fish(FILE *to)
{
	fputs("# fish completion of emrfs, made from its table of verbs.\n"
	      "complete -c emrfs -f\n",
		to);
	for (int i = 0; i < EMR_VERB_COUNT; i++) {
		const emr_verb_row *row = emr_verb_get((emr_verb)i);

		fprintf(to, "complete -c emrfs -n __fish_use_subcommand -a %s -d '", row->name);
		quoted(to, row->help, "");
		fputs("'\n", to);
		if (row->operands_max > 0 && pages_kind_of(row->operands) == PAGES_VERB) {
			fprintf(to, "complete -c emrfs -n '__fish_seen_subcommand_from %s' -a '",
				row->name);
			verb_names(to);
			fputs("'\n", to);
		} else if (row->operands_max > 0 && pages_kind_of(row->operands) != PAGES_WORD) {
			fprintf(to,
				"complete -c emrfs -n '__fish_seen_subcommand_from %s%s%s' -F\n",
				row->name, row->alias != NULL ? " " : "",
				row->alias != NULL ? row->alias : "");
		}
		for (int o = 0; o < EMR_OPTION_COUNT; o++) {
			if (takes((emr_verb)i, o))
				fish_option(to, (emr_verb)i, emr_option_get((emr_option)o));
		}
	}
	return ferror(to) == 0;
}
