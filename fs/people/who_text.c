/* This file writes how a person is called: the name that somebody else vouches for, and beside it,
 * marked as such, what the person says of himself. */
#include <stdio.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "people/who.h"
#include "people_private.h"

/* Brackets are kept for the code and one's own word: no name has any of its own. */
static void put_words(const char *name, const char *organisation, const char *says, bool is_team,
	char *out, size_t size)
{
	char shown[600], of[600], word[600];
	size_t at;

	emr_show(name, shown, sizeof shown);
	emr_show(organisation, of, sizeof of);
	emr_show(says, word, sizeof word);
	snprintf(out, size, "%s%s%s%s", shown, is_team ? _(" (team)") : "",
		of[0] != '\0' ? ", " : "", of);
	at = strlen(out);
	if (word[0] != '\0' && at < size)
		snprintf(out + at, size - at, _(" (own word: %s)"), word);
}

void emr_who_text(const emr_who *who, char *out, size_t size)
{
	put_words(who->name[0] != '\0' ? who->name : who->called, who->organisation, who->says,
		who->kind == EMR_WHO_TEAM && !who->is_dataset, out, size);
}

void emr_who_json_text(const json_t *who, const char *otherwise, char *out, size_t size)
{
	const char *name = emr_json_text_at(who, "name"), *called = emr_json_text_at(who, "who");

	put_words(name[0] != '\0'     ? name
		  : called[0] != '\0' ? called
				      : otherwise,
		emr_json_text_at(who, "organisation"), emr_json_text_at(who, "says"),
		strcmp(emr_json_text_at(who, "kind"), "team") == 0 &&
			strncmp(called, EMR_DATASET_PREFIX, strlen(EMR_DATASET_PREFIX)) != 0,
		out, size);
}
