/* This file writes the completion of commands for bash, from the table of verbs. */
#include <string.h>

#include "pages.h"

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
