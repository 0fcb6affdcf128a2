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

#define FORMS_BYTES 1024

/* OPERANDS as forms between bars, without brackets: "rules FILE|rules approve ID" of "rules [FILE |
 * approve ID]". */
static void operand_forms(const char *operands, char out[FORMS_BYTES])
{
	size_t len = 0, begin = 0, inner = 0, deep = 0;
	const char *end = strchr(operands, ']');
	/* Brackets around all of it, or around the first word alone. */
	size_t least =
		operands[0] == '[' && end != NULL && strrchr(operands, ']')[1] == '\0' ? 1 : 0;

	for (const char *at = operands; *at != '\0' && len + 128 < FORMS_BYTES; at++) {
		if (*at == '[' && deep++ >= least)
			inner = len;
		else if (*at == ']')
			deep--;
		if (*at == '|' && deep > least) { /* what stands before the bracket comes again */
			size_t again = inner - begin;

			out[len++] = '|';
			memmove(out + len, out + begin, again);
			inner = len + again;
			begin = len;
			len += again;
		} else if (*at == '|') {
			out[len++] = '|';
			begin = len;
		} else if (*at != '[' && *at != ']') {
			out[len++] = *at;
		}
	}
	out[len] = '\0';
}

/* The words that a verb may begin with: "invite admit leave". */
static void first_words(FILE *to, const char *operands)
{
	char forms[FORMS_BYTES], *rest = forms;

	operand_forms(operands, forms);
	for (char *form; (form = strsep(&rest, "|")) != NULL;) {
		form += strspn(form, " ");
		if (form[0] >= 'a' && form[0] <= 'z')
			fprintf(to, " %.*s", (int)strcspn(form, " "), form);
	}
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

/* "--who:WHO" of each option that takes an argument: what stands behind it. */
static void bash_arguments(FILE *to, emr_verb verb)
{
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		const emr_option_row *option = emr_option_get((emr_option)i);

		if (option->kind == EMR_HAS_ARGUMENT && takes(verb, i))
			fprintf(to, " %s%s:%.*s", option->name != NULL ? "--" : "-",
				option->name != NULL ? option->name
						     : (char[]){option->letter, '\0'},
				(int)strcspn(option->argument, " "), option->argument);
	}
}

static const char bash_begin[] =
	"# bash completion of emrfs, made from its table of verbs.\n"
	"# _emrfs_ask FIELD VERB: each FIELD that an open folder answers; nobody is asked for a "
	"passphrase.\n"
	"_emrfs_ask() {\n"
	"\tlocal program=emrfs # not ./emrfs of a strange directory, whatever is typed\n"
	"\t[[ ${COMP_WORDS[0]} != /* ]] || program=${COMP_WORDS[0]}\n"
	"\tEMRFS_ASKPASS=false EMRFS_DIALOG='' timeout 5 \"$program\" ${as:+--as \"$as\"} "
	"\"$2\" --json "
	"2>/dev/null </dev/null |\n"
	"\t\tgrep -o \"\\\"$1\\\":\\\"[^\\\"\\\\\\\\]*\\\"\" | cut -d'\"' -f4\n"
	"}\n"
	"_emrfs_add() {\n"
	"\tlocal line\n"
	"\twhile IFS= read -r line; do [[ $line != \"$word\"* ]] || COMPREPLY+=(\"$line\"); done\n"
	"}\n"
	"# _emrfs_offer WHAT: adds what can stand for that operand or argument.\n"
	"_emrfs_offer() {\n"
	"\tlocal folder line\n"
	"\tcase $1 in\n"
	"\tVERB) _emrfs_add <<<\"${verbs// /$'\\n'}\" ;;\n"
	"\tWHO | OWNER*) _emrfs_add < <(_emrfs_ask who people | while IFS= read -r line; do printf "
	"'%q\\n' \"$line\"; done) ;;\n"
	"\tID) [[ $verb != approve && $verb != deny ]] || _emrfs_add < <(_emrfs_ask id request) "
	";;\n"
	"\tPATH* | SRC | DEST | NEW) # as the verb looks it up: from here inside an open folder, "
	"else from its top\n"
	"\t\tfolder=$(_emrfs_ask folder status | head -n 1)\n"
	"\t\t[[ $word != /* && $PWD/ != \"$folder\"/* ]] || folder=.\n"
	"\t\tcompopt -o filenames\n"
	"\t\t_emrfs_add < <(cd \"${folder:-.}\" 2>/dev/null && compgen -f -- \"$word\" | while "
	"IFS= read -r line; do\n"
	"\t\t\t[[ ! -d $line ]] || line+=/\n"
	"\t\t\tprintf '%s\\n' \"$line\"\n"
	"\t\tdone)\n"
	"\t\t[[ ${COMPREPLY[0]-} != */ ]] || compopt -o nospace ;;\n"
	"\tDIR) compopt -o filenames; _emrfs_add < <(compgen -d -- \"$word\") ;;\n"
	"\t*FILE* | OUT | COPY | CARD | INVITE) compopt -o filenames; _emrfs_add < <(compgen -f -- "
	"\"$word\") ;;\n"
	"\t[a-z]*) _emrfs_add <<<\"$1\" ;;\n"
	"\tesac\n"
	"}\n"
	"_emrfs() {\n"
	"\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb='' as='' i "
	"at options takes "
	"verbs forms form typed=()\n"
	"\tverbs='";

static const char bash_middle[] =
	"'\n\tCOMPREPLY=()\n"
	"\tfor ((at = 1; at < COMP_CWORD; at++)); do\n"
	"\t\tcase ${COMP_WORDS[at]} in\n"
	"\t\t--as) as=${COMP_WORDS[++at]-} ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) verb=${COMP_WORDS[at]}; break ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tcase $verb in\n"
	"\t'') options='--as --json --help --version' takes='--as:NAME' forms=VERB ;;\n";

static const char bash_end[] =
	"\tesac\n"
	"\tfor i in $takes; do\n"
	"\t\t[[ $i != \"$before:\"* ]] || { _emrfs_offer \"${i#*:}\"; return; }\n"
	"\tdone\n"
	"\tif [[ $word == -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
	"\t\t[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace\n"
	"\t\treturn\n\tfi\n"
	"\tfor ((i = at + 1; i < COMP_CWORD; i++)); do\n"
	"\t\t[[ ${COMP_WORDS[i]} == -* || \" $takes\" == *\" ${COMP_WORDS[i-1]}:\"* ]] || "
	"typed+=(\"${COMP_WORDS[i]}\")\n"
	"\tdone\n"
	"\tIFS='|' read -ra forms <<<\"$forms\"\n"
	"\tfor i in \"${forms[@]}\"; do\n"
	"\t\tread -ra form <<<\"$i\"\n"
	"\t\tfor ((i = 0; i < ${#typed[@]}; i++)); do\n"
	"\t\t\t[[ ${form[i]-} == [A-Z]* || ${form[i]-} == \"${typed[i]}\" ]] || continue 2\n"
	"\t\tdone\n"
	"\t\t_emrfs_offer \"${form[i]-}\"\n"
	"\tdone\n"
	"}\n"
	"complete -F _emrfs emrfs\n";

bool pages_bash(FILE *to)
{
	fputs(bash_begin, to);
	verb_names(to);
	fputs(bash_middle, to);
	for (int i = 0; i < EMR_VERB_COUNT; i++) {
		const emr_verb_row *row = emr_verb_get((emr_verb)i);
		char forms[FORMS_BYTES];

		operand_forms(row->operands, forms);
		fprintf(to, "\t%s%s%s) options='", row->name, row->alias != NULL ? "|" : "",
			row->alias != NULL ? row->alias : "");
		bash_options(to, (emr_verb)i);
		fputs("' takes='", to);
		bash_arguments(to, (emr_verb)i);
		fprintf(to, "' forms='%s' ;;\n", forms);
	}
	fputs(bash_end, to);
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
	if (row->operands_max > 0) {
		fputs(" \\\n\t\t'*:argument:{ compadd --", to);
		first_words(to, row->operands);
		fprintf(to, "; %s }'", zsh_action(pages_kind_of(row->operands)));
	}
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
		fprintf(to, "complete -c emrfs -n '__fish_seen_subcommand_from %s' -a '",
			row->name);
		first_words(to, row->operands);
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
