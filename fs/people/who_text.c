/* This file writes how a person is called: the name that somebody else vouches for, and beside it,
 * marked as such, the person's own words. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

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
		snprintf(out + at, size - at, _(" (gives the name %s)"), word);
}

void emr_who_text(const emr_who *who, char *out, size_t size)
{
	put_words(who->name[0] != '\0' ? who->name : who->called, who->organisation, who->says,
		who->kind == EMR_WHO_TEAM && !who->is_dataset, out, size);
}

/* Whether NAME is the beginning of the code of ID, which says nothing beside it. */
static bool is_code_of(emr_id32 id, const char *name)
{
	char code[EMR_KEY_CODE_MAX + 1];

	emr_key_code(id, EMR_KEY_CODE_MAX, code);
	return strlen(name) >= EMR_KEY_CODE_SHOWN && strncasecmp(code, name, strlen(name)) == 0;
}

void emr_who_name(const emr_who *who, char *out, size_t size)
{
	/* A certificate's name has no brackets but around its code, and the book's is as it is. */
	const bool is_given = who->is_known && !who->is_own_word;
	const char *name = is_given ? who->called : who->name, *code = strstr(name, " ("),
		   *of = is_given ? "" : who->organisation;
	size_t len = is_given || code == NULL ? strlen(name) : (size_t)(code - name);

	out[0] = '\0';
	if (len > 0 && !is_code_of(who->id, name) && !is_code_of(who->root, name))
		snprintf(out, size, "%.*s%s%s", (int)len, name, of[0] != '\0' ? ", " : "", of);
}

void emr_who_handle(
	const emr_crowd *crowd, const emr_who *who, char *out, size_t size, unsigned *out_number)
{
	const char *code = strstr(who->name, " (");
	bool is_given = false, is_taken = false;

	snprintf(out, size, "%.*s", (int)(code != NULL ? (size_t)(code - who->name) : size),
		who->name);
	for (size_t i = 0; i < crowd->book.n; i++) {
		const emr_contact *one = &crowd->book.people[i];

		if (emr_id32_equal(one->card.signer_id, who->id) ||
			emr_id32_equal(one->card.signer_id, who->root)) {
			is_given = one->is_given && !is_code_of(one->card.signer_id, one->who);
			if (is_given)
				snprintf(out, size, "%s", one->who);
		} else if (one->is_given && strcasecmp(one->who, out) == 0)
			is_taken = true;
	}
	if (is_code_of(who->id, out) || is_code_of(who->root, out))
		out[0] = '\0';
	*out_number = is_given				   ? 1
		      : out[0] == '\0' || who->number == 0 ? 0
							   : who->number + is_taken;
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
