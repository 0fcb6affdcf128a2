/* This file is the one table of verbs; their rows are in verbs/, a file for each subject, and
 * options.c has those of options. The parser, the help, the manual pages and the completion of
 * shells are made from it. */
#include "kit/verbs.h"

#include <string.h>

#define BIT(option) ((emr_option_set)1 << (option))

#define COMMON                                                                                     \
	(BIT(EMR_OPT_AS) | BIT(EMR_OPT_JSON) | BIT(EMR_OPT_QUIET) | BIT(EMR_OPT_YES) |             \
		BIT(EMR_OPT_HELP) | BIT(EMR_OPT_VERSION))

static const emr_verb_row verbs[EMR_VERB_COUNT] = {
#include "verbs/keyring.def"
#include "verbs/folder.def"
#include "verbs/copies.def"
#include "verbs/sharing.def"
#include "verbs/network.def"
};

const emr_verb_row *emr_verb_get(emr_verb verb)
{
	return &verbs[verb];
}

bool emr_verb_find(const char *name, emr_verb *out_verb)
{
	for (int i = 0; i < EMR_VERB_COUNT; i++) {
		if (strcmp(name, verbs[i].name) == 0 ||
			(verbs[i].alias != NULL && strcmp(name, verbs[i].alias) == 0)) {
			*out_verb = (emr_verb)i;
			return true;
		}
	}
	return false;
}

bool emr_verb_takes(emr_verb verb, emr_option option)
{
	return ((verbs[verb].options | COMMON) & BIT(option)) != 0;
}

bool emr_option_is_common(emr_option option)
{
	return (COMMON & BIT(option)) != 0;
}
