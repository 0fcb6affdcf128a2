/* The one table of verbs and options, from which parser and help come. It has only verbs that are
 * built: a verb that is not here is not listed and not accepted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "kit/message.h"

typedef enum emr_verb {
	EMR_VERB_INIT,
	EMR_VERB_JOIN,
	EMR_VERB_INVITE,
	EMR_VERB_PRACTICE,
	EMR_VERB_MOUNT,
	EMR_VERB_UNMOUNT,
	EMR_VERB_STATUS,
	EMR_VERB_SHARE,
	EMR_VERB_REVOKE,
	EMR_VERB_PEOPLE,
	EMR_VERB_REQUEST,
	EMR_VERB_APPROVE,
	EMR_VERB_DENY,
	EMR_VERB_LOG,
	EMR_VERB_RESTORE,
	EMR_VERB_MOVE,
	EMR_VERB_ERASE,
	EMR_VERB_KEEP,
	EMR_VERB_COPIES,
	EMR_VERB_VERIFY,
	EMR_VERB_LEDGER,
	EMR_VERB_BACKUP,
	EMR_VERB_EXPORT,
	EMR_VERB_PASSWD,
	EMR_VERB_WORDS,
	EMR_VERB_TRUSTEES,
	EMR_VERB_EXECUTOR,
	EMR_VERB_GUARDIAN,
	EMR_VERB_EMERGENCY,
	EMR_VERB_RECOVER,
	EMR_VERB_DEVICE,
	EMR_VERB_WALLET,
	EMR_VERB_ORG,
	EMR_VERB_DATASET,
	EMR_VERB_AGENT,
	EMR_VERB_HOST,
	EMR_VERB_NETWORK,
	EMR_VERB_CHECK,
	EMR_VERB_HELP,
	EMR_VERB_COUNT
} emr_verb;

typedef enum emr_option {
	EMR_OPT_AS,
	EMR_OPT_JSON,
	EMR_OPT_QUIET,
	EMR_OPT_YES,
	EMR_OPT_HELP,
	EMR_OPT_VERSION,
	EMR_OPT_PASSPHRASE_FILE,
	EMR_OPT_NEW_PASSPHRASE_FILE,
	EMR_OPT_NAME,
	EMR_OPT_BORN,
	EMR_OPT_WORDS_FILE,
	EMR_OPT_RESTORE,
	EMR_OPT_JOIN,
	EMR_OPT_NETWORK,
	EMR_OPT_NODE,
	EMR_OPT_ROLE,
	EMR_OPT_QUORUM,
	EMR_OPT_WITHIN,
	EMR_OPT_LOGIN,
	EMR_OPT_SECRET_FILE,
	EMR_OPT_READ_ONLY,
	EMR_OPT_IDLE,
	EMR_OPT_FOREGROUND,
	EMR_OPT_MOUNT_OPTIONS,
	EMR_OPT_CARD_FILE,
	EMR_OPT_NOW,
	EMR_OPT_WAIT,
	EMR_OPT_QUICK,
	EMR_OPT_CHAIN,
	EMR_OPT_VERIFY,
	EMR_OPT_TEST,
	EMR_OPT_LOST,
	EMR_OPT_FAMILY,
	EMR_OPT_FOR,
	EMR_OPT_NEED,
	EMR_OPT_DELAY,
	EMR_OPT_LIMIT,
	EMR_OPT_CHECKPOINT,
	EMR_OPT_AS_PROOF,
	EMR_OPT_ALL,
	EMR_OPT_LIST,
	EMR_OPT_TO,
	EMR_OPT_DELETED,
	EMR_OPT_UNREADABLE,
	EMR_OPT_BEFORE,
	EMR_OPT_NOT,
	EMR_OPT_PURGE,
	EMR_OPT_REPAIR,
	EMR_OPT_PROOF,
	EMR_OPT_STAFF,
	EMR_OPT_SINCE,
	EMR_OPT_AGENT_STATUS,
	EMR_OPT_UNTIL,
	EMR_OPT_PURPOSE,
	EMR_OPT_WRITE,
	EMR_OPT_DEPOSIT,
	EMR_OPT_AWAY,
	EMR_OPT_REASON,
	EMR_OPT_EXPLAIN,
	EMR_OPT_WHO,
	EMR_OPT_SOFTWARE,
	EMR_OPT_TERMS,
	EMR_OPT_AGREEMENT,
	EMR_OPT_AGREE,
	EMR_OPT_DATASET,
	EMR_OPT_FROZEN,
	EMR_OPT_DETAILS,
	EMR_OPT_HOST_BACKUP,
	EMR_OPT_NEW_KEY,
	EMR_OPT_METRICS,
	EMR_OPT_LOGIN_CA,
	EMR_OPT_CHANNEL,
	EMR_OPT_WITNESS,
	EMR_OPTION_COUNT
} emr_option;
__extension__ typedef unsigned __int128 emr_option_set; /* there are more than 64 */

typedef enum emr_argument_kind {
	EMR_NO_ARGUMENT,
	EMR_MAY_HAVE_ARGUMENT,
	EMR_HAS_ARGUMENT
} emr_argument_kind;

typedef struct emr_option_row {
	const char *name; /* without dashes; NULL when there is only a letter */
	char letter;	  /* 0 when there is none */
	emr_argument_kind kind;
	const char *argument; /* how help calls it, NULL without one */
	const char *help;
} emr_option_row;

typedef struct emr_verb_row {
	const char *name;
	const char *alias;    /* NULL without one */
	const char *operands; /* as help shows them */
	size_t operands_max;
	const char *help;	 /* one line */
	const char *manual;	 /* a few lines more */
	const char *fields;	 /* of the JSON answer */
	emr_option_set options;	 /* bits of emr_option, without those that every verb takes */
	unsigned char exits[16]; /* besides 0, 1, 2; ended by 0 */
} emr_verb_row;

const emr_verb_row *emr_verb_get(emr_verb verb);
const emr_option_row *emr_option_get(emr_option option);
/* By name or alias. */
bool emr_verb_find(const char *name, emr_verb *out_verb);
/* Of the verb, or one that every verb takes. */
bool emr_verb_takes(emr_verb verb, emr_option option);
bool emr_option_is_common(emr_option option);
/* With its dashes and what it takes: --until T. */
void emr_option_spell(FILE *to, const emr_option_row *option);

#define EMR_OPERANDS_MAX 18 /* of any verb */

/* A parsed command line; everything is borrowed from argv. */
typedef struct emr_args {
	emr_verb verb;
	bool given[EMR_OPTION_COUNT];
	const char *values[EMR_OPTION_COUNT]; /* NULL without argument */
	const char *operands[EMR_OPERANDS_MAX];
	size_t n_operands;
} emr_args;

/* The one argument that says that all others come on standard input, each ended by a NUL, because
 * other users of the computer can read arguments. */
#define EMR_ARGS_ON_INPUT "@"
#define EMR_ARGS_ON_INPUT_MAX 64 /* of them */
#define EMR_ARGS_ON_INPUT_BYTES ((size_t)64 << 10)
typedef struct emr_args_input {
	emr_buf bytes; /* owned; ARGV points into it */
	char *argv[EMR_ARGS_ON_INPUT_MAX + 2];
	int argc;
} emr_args_input;
/* Reads FD to its end; PROGRAM becomes the first of OUT, which is zeros.  EMR_LIMIT: too many or
 * too long; EMR_INVALID: none, or the last is not ended; what reading says. */
emr_status emr_args_from_input(int fd, char *program, emr_args_input *out);

/* EMR_INVALID with a sentence that names what was wrong and what may have been meant.  *out_args
 * has the verb and the common options as far as they were understood, also then (so that --json is
 * heeded). */
emr_status emr_args_parse(
	int argc, char *const *argv, emr_args *out_args, emr_problem *out_problem);

/* How many letters somebody who typed TYPED and meant KNOWN got wrong; EMR_ARGS_FAR, larger than
 * any such number, when these are more than a third of them. */
#define EMR_ARGS_FAR 32
size_t emr_args_far(const char *typed, const char *known);
/* EMR_INVALID, and says that there is no verb NAME, and which one may have been meant. */
emr_status emr_args_unknown_verb(const char *name, emr_problem *out_problem);

/* Texts for people, owned by the caller; NULL without memory. */
char *emr_help_overview(bool all);
char *emr_help_verb(emr_verb verb);
