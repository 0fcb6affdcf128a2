/* This file writes, for the log, what was given, taken back, asked for and answered, and what was
 * left in Inboxes, as JSON and for people. Words of others are quoted so that
 * they cannot look like emrfs's own. */
#include <stdio.h>
#include <string.h>

#include "keyring/card.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/purposes.h"
#include "kit/text.h"
#include "share/write.h"

#include "deeds_private.h"

static const char *action_of(emr_dealing_kind kind)
{
	switch (kind) {
	case EMR_DEALING_SHARED:
		return "shared";
	case EMR_DEALING_ENDED:
		return "ended";
	case EMR_DEALING_EXPIRED:
		return "expired";
	case EMR_DEALING_APPROVED:
		return "approved";
	case EMR_DEALING_DENIED:
		return "denied";
	case EMR_DEALING_LEFT:
		return "left";
	}
	return "?";
}

static json_t *with_json(const emr_who *who)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:s}", "who", emr_json_text(who->called), "name",
		emr_json_text(who->name), "organisation", emr_json_text(who->organisation), "says",
		emr_json_text(who->says), "kind",
		who->kind == EMR_WHO_PERSON ? "person"
		: who->kind == EMR_WHO_TEAM ? "team"
					    : "organisation");
}

/* Which of two patients of one name it was. */
static int add_left(json_t *entry, const emr_told *dealing, const emr_who *who)
{
	json_t *with = json_object_get(entry, "with");
	char code[EMR_KEY_CODE_MAX + 1] = "", id[65] = "";
	int failed = json_object_set_new(entry, "into", emr_json_text(dealing->into));

	if (who->called[0] != '\0') {
		emr_key_code(who->id, EMR_KEY_CODE_SHOWN, code);
		emr_hex(who->id.b, sizeof who->id.b, id);
	}
	failed |= json_object_set_new(with, "born", emr_json_text(who->born));
	failed |= json_object_set_new(with, "code", json_string(code));
	failed |= json_object_set_new(with, "id", json_string(id));
	if (dealing->path != NULL)
		failed |= json_object_set_new(
			entry, "bytes", json_integer((json_int_t)dealing->bytes));
	return failed;
}

/* Of a share alone, and of none that only takes files. */
static const char *away_of(const emr_share_dealing *said)
{
	bool is_read = said->kind == EMR_DEALING_SHARED && emr_rights_shown(said->rights) != 0;

	return is_read ? emr_away_word(emr_away_asked(said->rights)) : "";
}

static uint64_t shown_until(const emr_share_dealing *said)
{
	return said->until_unix_s < EMR_FOREVER_UNIX_S ? said->until_unix_s : EMR_FOREVER_UNIX_S;
}

json_t *emr_dealing_json(const emr_told *dealing, const emr_who *who, const char *own)
{
	const emr_share_dealing *said = &dealing->dealing;
	char until[EMR_TEXT_BYTES] = "", purposes[EMR_PURPOSES_TEXT_BYTES] = "";
	json_t *entry;

	if (said->until_unix_s > 0)
		emr_time_json((int64_t)shown_until(said), until);
	if (said->purposes != 0)
		emr_purposes_text(said->purposes, purposes);
	entry = deeds_json(&(entry_words){.seq = said->seq,
		.at = said->at,
		.batch_id = said->batch_id,
		.own = own,
		.team = "",
		.purpose = purposes,
		.action = action_of(said->kind),
		.type = dealing->type == EMR_META_SYMLINK ? 0 : dealing->type,
		.path = dealing->path,
		.is_proven = true,
		.released_by = json_array()});
	if (json_object_update_new(
		    entry, json_pack("{s:o, s:s, s:s, s:s, s:I, s:b}", "with", with_json(who),
				   "away", away_of(said), "rights",
				   said->rights != 0 ? emr_rights_word(said->rights) : "", "until",
				   until, "until_unix",
				   (json_int_t)(said->until_unix_s > 0 ? shown_until(said) : 0),
				   "goes_on", said->goes_on)) == 0 &&
		(said->kind != EMR_DEALING_LEFT || add_left(entry, dealing, who) == 0))
		return entry;
	json_decref(entry);
	return NULL;
}

bool emr_dealing_is(const json_t *entry)
{
	return json_is_object(json_object_get(entry, "with"));
}

static void put_shown(FILE *to, const char *text, const char *otherwise)
{
	char shown[4200];

	emr_show(text, shown, sizeof shown);
	fputs(shown[0] != '\0' ? shown : otherwise, to);
}

static void put_with(FILE *to, const json_t *entry)
{
	char with[EMR_WHO_TEXT_BYTES];

	emr_who_json_text(json_object_get(entry, "with"), _("somebody"), with, sizeof with);
	fputs(with, to);
}

static void put_share(FILE *to, const json_t *entry)
{
	put_shown(to, emr_json_text_at(entry, "path"), _("a record that was erased"));
	fputs(_(" with "), to);
	put_with(to, entry);
}

/* ", to read until 20 Dec 2026, for treatment" */
static void put_terms(FILE *to, const json_t *entry)
{
	const char *rights = emr_json_text_at(entry, "rights"),
		   *purpose = emr_json_text_at(entry, "purpose");
	json_int_t until = json_integer_value(json_object_get(entry, "until_unix"));
	char when[EMR_TEXT_BYTES];

	fputs(strcmp(rights, "write") == 0	 ? _(", to read and change")
		: strcmp(rights, "deposit") == 0 ? _(", to leave files there")
						 : _(", to read"),
		to);
	emr_time_text(until, when);
	if (until >= (json_int_t)EMR_FOREVER_UNIX_S)
		fputs(_(" for ever"), to);
	else
		fprintf(to, _(" until %s"), when);
	if (purpose[0] != '\0')
		fprintf(to, _(", for %s"), emr_text_word(purpose));
	if (strcmp(emr_json_text_at(entry, "away"), "own") == 0)
		fputs(_(", keys also by your own organisation"), to);
}

/* Whose words they are must be seen: nothing in them ends the quotes. */
static void put_quoted(FILE *to, const char *text)
{
	char shown[4200];

	emr_show(text, shown, sizeof shown);
	for (char *at = shown; *at != '\0'; at++)
		*at = *at == '"' ? '\'' : *at;
	fprintf(to, "\"%s\"", shown);
}

static void put_answer(FILE *to, const json_t *entry, bool is_yes)
{
	const char *path = emr_json_text_at(entry, "path");

	fputs(is_yes ? _("said yes to a request of ") : _("said no to a request of "), to);
	put_with(to, entry);
	if (path[0] == '\0')
		return;
	fputs(_(", for "), to);
	if (is_yes)
		put_shown(to, path, "");
	else
		put_quoted(to, path);
}

/* "letter.txt in the Inbox of ana (I7Z4KQ2M) (own word: Silva, Ana 1984-03-12)" */
static void put_left(FILE *to, const json_t *entry)
{
	const json_t *with = json_object_get(entry, "with");
	char shown[256];
	const char *born = emr_json_text_at(with, "born"), *into = emr_json_text_at(entry, "into"),
		   *says = emr_json_text_at(with, "says"),
		   *name = emr_json_text_at(
			   with, emr_json_text_at(with, "name")[0] != '\0' ? "name" : "who");

	deeds_put_path(to, entry, _("a file (its name cannot be read)"));
	fputs(strcmp(into, "Inbox") == 0 ? _(" in the ") : _(" in "), to);
	put_shown(to, into, _("a folder"));
	fputs(_(" of "), to);
	put_shown(to, name, _("somebody whose card is not here"));
	if (strstr(name, emr_json_text_at(with, "code")) == NULL)
		fprintf(to, " (%s)", emr_json_text_at(with, "code"));
	emr_name_says(emr_bytes_of(says, strlen(says)), name, shown, sizeof shown);
	if (shown[0] != '\0' && born[0] != '\0' && strlen(shown) + 12 < sizeof shown)
		strcat(shown, " ");
	if (strlen(shown) + strlen(born) < sizeof shown)
		strcat(shown, born);
	if (shown[0] != '\0')
		fprintf(to, _(" (own word: %s)"), shown);
}

void deeds_dealing_line(FILE *to, const json_t *entry)
{
	const char *action = emr_json_text_at(entry, "action");

	if (strcmp(action, "expired") == 0) {
		fputs(_("the share of "), to);
		put_share(to, entry);
		fputs(_(" ended (its time was over)"), to);
	} else {
		char who[EMR_WHO_TEXT_BYTES];

		deeds_who(entry, who, sizeof who);
		fprintf(to, "%s  ", who);
	}
	if (strcmp(action, "shared") == 0) {
		fputs(_("shared   "), to);
		put_share(to, entry);
		put_terms(to, entry);
	} else if (strcmp(action, "ended") == 0) {
		bool goes_on = emr_json_flag_at(entry, "goes_on");

		fputs(goes_on ? _("ended    an earlier share of ") : _("ended    the share of "),
			to);
		put_share(to, entry);
		fputs(goes_on ? _("; another goes on") : "", to);
	} else if (strcmp(action, "left") == 0) {
		fputs(_("left     "), to);
		put_left(to, entry);
	} else if (strcmp(action, "expired") != 0) {
		put_answer(to, entry, strcmp(action, "approved") == 0);
	}
	fputs(_("   proven"), to);
}
