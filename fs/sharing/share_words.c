/* This file says of the rows of the list of shares how they are called and what they are: short ids
 * that a person can type, and back from them, JSON for scripts, and words. Texts of strangers are
 * shown between quotation marks that they cannot close. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kit/language.h"
#include "kit/out.h"
#include "kit/purposes.h"
#include "kit/text.h"
#include "share/write.h"
#include "sharing/shares.h"

#include "sharing_private.h"

void emr_sharing_cause(const emr_order *order, char *out, size_t size)
{
	if (order->failure == EMR_REFUSED)
		snprintf(out, size, _("the ledger refused it (%s)"), emr_result_text(order->code));
	else if (order->kind == EMR_ORDER_GRANT && order->failure == EMR_INVALID)
		snprintf(out, size, _("the time was over before it could be done"));
	else if (order->failure == EMR_CONFLICT && !emr_id16_is_zero(order->request))
		snprintf(out, size, _("the request was answered or taken back meanwhile"));
	else if (order->kind == EMR_ORDER_GRANT && order->failure == EMR_EXISTS &&
		 emr_rights_of_reading(order->rights) != 0)
		snprintf(out, size, _("another computer of yours had answered already"));
	else if (order->kind == EMR_ORDER_GRANT && order->failure == EMR_EXISTS)
		snprintf(out, size, _("they may write there already, which is more"));
	else
		snprintf(out, size, "%s", emr_text(emr_status_text((emr_status)order->failure)));
}

#define ID_LETTERS_MIN 4
#define ID_LETTERS_MAX 26

/* ---- ids ---- */

static bool is_request(const emr_share_row *row)
{
	return row->order.kind >= EMR_ORDER_WAITS;
}

/* All letters of a request's id, or of a grant's; "": it has none. */
static void id_text(const emr_share_row *row, char out[ID_LETTERS_MAX + 2])
{
	emr_id16 id = is_request(row) ? row->order.request : row->grant;

	out[0] = '\0';
	if (!emr_id16_is_zero(id))
		emr_base32(id.b, sizeof id.b, out);
}

/* Each as short as no other one begins, and at least four letters. */
void emr_shares_name(emr_share_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		emr_share_row *row = &rows->list[i];
		char whole[ID_LETTERS_MAX + 2], other[ID_LETTERS_MAX + 2];
		size_t letters = ID_LETTERS_MIN;

		id_text(row, whole);
		if (whole[0] == '\0')
			continue;
		for (size_t k = 0; k < rows->n; k++) {
			id_text(&rows->list[k], other);
			while (k != i && letters < ID_LETTERS_MAX &&
				strncmp(whole, other, letters) == 0)
				letters++;
		}
		snprintf(row->id, sizeof row->id, "%c-%.*s", is_request(row) ? 'r' : 'g',
			(int)letters, whole);
		if (is_request(row))
			snprintf(row->whole, sizeof row->whole, "r-%s", whole);
	}
}

emr_status emr_shares_find(const emr_share_rows *rows, const char *id, const emr_share_row **out)
{
	const emr_share_row *found = NULL;

	id += strncmp(id, "r-", 2) == 0 ? 2 : 0;
	for (size_t i = 0; i < rows->n; i++) {
		if (strlen(id) < ID_LETTERS_MIN || !is_request(&rows->list[i]) ||
			strncmp(rows->list[i].whole + 2, id, strlen(id)) != 0)
			continue;
		if (found != NULL)
			return EMR_CONFLICT;
		found = &rows->list[i];
	}
	if (found == NULL)
		return EMR_NOT_FOUND;
	*out = found;
	return EMR_OK;
}

/* handle@organisation is compared as emr_who_find does. */
static bool is_called(const emr_share_row *row, const char *text)
{
	const char *at = strrchr(text, '@'), *theirs = strrchr(row->who.called, '@');
	char org[EMR_WHO_CALLED_MAX + 1], whole[ID_LETTERS_MAX + 2];

	if (strcasecmp(row->who.called, text) == 0)
		return true;
	if (strncasecmp(text, "g-", 2) == 0 && strlen(text) >= ID_LETTERS_MIN + 2 &&
		!emr_id16_is_zero(row->grant)) {
		emr_base32(row->grant.b, sizeof row->grant.b, whole);
		if (strncasecmp(whole, text + 2, strlen(text + 2)) == 0)
			return true;
	}
	if (at == NULL || theirs == NULL || at - text != theirs - row->who.called ||
		strncasecmp(text, row->who.called, (size_t)(at - text)) != 0)
		return false;
	emr_who_fold(at + 1, org, sizeof org);
	return strcmp(org, theirs + 1) == 0;
}

emr_status emr_shares_who(const emr_share_rows *rows, const emr_id16 *domain, const char *text,
	emr_who *out_who, char *out_ids, size_t size)
{
	const emr_who *found = NULL;
	bool are_several = false;

	out_ids[0] = '\0';
	for (size_t i = 0; i < rows->n; i++) {
		const emr_share_row *row = &rows->list[i];
		size_t at = strlen(out_ids);

		if ((domain != NULL && !emr_id16_equal(row->domain, *domain)) ||
			!is_called(row, text))
			continue;
		are_several = are_several || (found != NULL && !emr_who_is_same(found, &row->who));
		found = &row->who;
		if (at + strlen(row->id) + 3 < size)
			snprintf(out_ids + at, size - at, "%s%s", at > 0 ? ", " : "", row->id);
	}
	if (found == NULL)
		return EMR_NOT_FOUND;
	if (are_several)
		return EMR_CONFLICT;
	*out_who = *found;
	return EMR_OK;
}

/* ---- words ---- */

void emr_share_state_text(const emr_share_row *row, char *out, size_t size)
{
	static const char *const words[] = {[EMR_SHARE_QUEUED] = "queued",
		[EMR_SHARE_CONFIRMED] = "confirmed",
		[EMR_SHARE_ENDING] = "ending",
		[EMR_SHARE_FAILED] = "failed ",
		[EMR_SHARE_OVER] = "over",
		[EMR_SHARE_ASKED] = "open",
		[EMR_SHARE_LATE] = "over",
		[EMR_SHARE_APPROVED] = "approved",
		[EMR_SHARE_DENIED] = "denied"};
	bool is_deleted = row->state == EMR_SHARE_CONFIRMED && row->is_deleted;
	char cause[160] = "";

	if (row->state == EMR_SHARE_FAILED)
		emr_sharing_cause(&row->order, cause, sizeof cause);
	snprintf(out, size, "%s%s", is_deleted ? "deleted" : words[row->state], cause);
}

void emr_share_who_text(const emr_share_row *row, char *out, size_t size)
{
	size_t len;

	if (row->rights == 0) {
		snprintf(out, size, _("somebody (asked from another computer)"));
		return;
	}
	emr_who_text(&row->who, out, size);
	len = strlen(out);
	if (emr_share_is_to_me(row) && !row->who.is_known && len < size)
		snprintf(out + len, size - len, _(" (no card of each other)"));
}

/* At a whole character. */
void emr_short_text(const char *text, char *out, size_t size)
{
	size_t at = size - 4;

	emr_show(text, out, size);
	if (strlen(out) < size - 1)
		return;
	while (at > 0 && ((unsigned char)out[at] & 0xc0) == 0x80)
		at--;
	memcpy(out + at, "...", 4);
}

void emr_quoted_text(const char *text, char *out, size_t size)
{
	emr_short_text(text, out, size);
	for (char *at = out; *at != '\0'; at++)
		*at = *at == '"' ? '\'' : *at;
}

void emr_share_path_text(const emr_share_row *row, char *out, size_t size)
{
	size_t len;

	if (row->path[0] != '\0')
		emr_short_text(row->path, out, size);
	else
		snprintf(out, size, "%s",
			row->rights != 0 ? _("your records (no folder named)") : "?");
	len = strlen(out);
	if (emr_share_reader(row)[0] != '\0')
		snprintf(out + len, size - len, _(" (for %s)"), emr_share_reader(row));
}

/* ---- JSON ---- */

json_t *emr_share_agents_json(emr_crowd *crowd, const emr_id32 *agents, unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n && list != NULL; i++) {
		emr_who who;
		bool is_known = emr_who_of(crowd, agents[i], &who) == EMR_OK;
		const char *text = !is_known			 ? "?"
				   : who.organisation[0] != '\0' ? who.organisation
								 : who.called;

		if (json_array_append_new(list, emr_json_text(text)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *given_json(emr_crowd *crowd, const emr_share_row *row)
{
	/* A waiting share says what was asked for. */
	const emr_away away = emr_id16_is_zero(row->grant) ? emr_away_asked(row->rights)
							   : emr_away_of(row->rights, row->n);

	return json_pack("{s:I, s:o, s:i, s:s, s:I, s:I, s:b, s:s, s:o}", "until_unix",
		(json_int_t)row->until_unix_s, "released_by",
		emr_share_agents_json(crowd, row->agents, row->n), "needed", (int)row->t, "away",
		emr_rights_of_reading(row->rights) == 0 ? "" : emr_away_word(away), "opened",
		(json_int_t)row->opened, "opened_last_unix", (json_int_t)row->opened_last_unix_s,
		"opens_now", row->why_not[0] == '\0', "why_not", row->why_not, "lets",
		emr_json_text(row->words));
}

static json_t *asked_json(const emr_share_row *row)
{
	bool is_to_me = emr_share_is_to_me(row);
	char at[EMR_TEXT_BYTES], last[EMR_TEXT_BYTES];

	emr_time_json((int64_t)row->order.asked_unix_s, at);
	emr_time_json((int64_t)row->last_at, last);
	return json_pack("{s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:o}", "whole",
		row->whole, "direction", is_to_me ? "to-me" : "from-me", "known", row->who.is_known,
		"compared", row->who.is_compared, "reason",
		emr_json_text(is_to_me ? row->words : row->order.reason), "answer",
		emr_json_text(is_to_me ? "" : row->words), "file",
		emr_json_text(emr_share_file(row)), "asker",
		emr_json_text(emr_id32_is_zero(row->guardian) ? "" : row->asker.called), "for_whom",
		emr_json_text(emr_share_reader(row)), "at", at, "answered_at",
		emr_share_waits(row) ? "" : last, "owner",
		emr_json_text(is_to_me ? "you" : row->who.name));
}

json_t *emr_share_json(emr_crowd *crowd, const emr_share_row *row)
{
	char until[EMR_TEXT_BYTES], state[200], purposes[EMR_PURPOSES_TEXT_BYTES];
	json_t *one;

	emr_time_json((int64_t)row->until_unix_s, until);
	emr_share_state_text(row, state, sizeof state);
	emr_purposes_text(row->purposes, purposes);
	one = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:s}", "id", row->id, "path",
		emr_json_text(row->path[0] != '\0' || is_request(row) ? row->path : "/"), "who",
		emr_json_text(row->who.called), "name", emr_json_text(row->who.name),
		"organisation", emr_json_text(row->who.organisation), "says",
		emr_json_text(row->who.says), "rights", emr_rights_word(row->rights), "purpose",
		purposes, "until", until, "state", state);
	if (json_object_update_new(
		    one, is_request(row) ? asked_json(row) : given_json(crowd, row)) == 0)
		return one;
	json_decref(one);
	return NULL;
}

bool emr_share_json_ids(const emr_session *session, const emr_share_row *row, json_t *one)
{
	static const char *const kinds[] = {[EMR_WHO_PERSON] = "person",
		[EMR_WHO_TEAM] = "team",
		[EMR_WHO_ORGANISATION] = "organisation"};
	char grant[33], folder[33], grantee[65], owner[65];

	emr_hex(row->grant.b, sizeof row->grant.b, grant);
	emr_hex(row->domain.b, sizeof row->domain.b, folder);
	emr_hex(row->who.root.b, sizeof row->who.root.b, grantee);
	emr_hex(session->identity.signer_id.b, sizeof session->identity.signer_id.b, owner);
	return json_object_update_new(
		       one, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "since_unix",
				    (json_int_t)row->since_unix_s, "grant_id",
				    emr_id16_is_zero(row->grant) ? "" : grant, "folder_id", folder,
				    "grantee_id", grantee, "owner_id", owner, "kind",
				    kinds[row->who.kind])) == 0;
}

/* ---- .emrfs/requests ---- */

emr_status emr_share_request_file(const emr_share_row *row, emr_buf *out)
{
	char who[900], asker[EMR_WHO_TEXT_BYTES], path[EMR_REQUEST_PATH_MAX + 1],
		reason[EMR_REQUEST_REASON_MAX + 1], when[EMR_TEXT_BYTES];
	char until[EMR_TEXT_BYTES], bits[EMR_PURPOSES_TEXT_BYTES],
		purposes[2 * EMR_PURPOSES_TEXT_BYTES], *text = NULL;
	bool is_of_file = emr_order_is_of_consent(&row->order);
	size_t size;
	FILE *to = open_memstream(&text, &size);
	emr_status status;

	if (to == NULL)
		return EMR_NO_MEMORY;
	emr_share_who_text(row, who, sizeof who);
	emr_share_path_text(row, path, sizeof path);
	emr_quoted_text(is_of_file ? emr_share_file(row) : row->words, reason, sizeof reason);
	emr_time_text((int64_t)row->order.asked_unix_s, when);
	emr_time_text((int64_t)row->until_unix_s, until);
	emr_purposes_text(row->purposes, bits);
	emr_text_words(bits, purposes, sizeof purposes);
	fprintf(to, _("Request %s of %s\n\n"), row->id, when);
	if (!emr_id32_is_zero(row->guardian)) {
		emr_who_text(&row->asker, asker, sizeof asker);
		fprintf(to, _("Guardian:   %s\n"), asker);
	}
	fprintf(to,
		is_of_file || !emr_id32_is_zero(row->guardian) ? _("For whom:   %s\n")
							       : _("Who asks:   %s\n"),
		who);
	fputs("            ", to);
	emr_hint_print(to,
		row->who.is_compared ? _("You know each other, and have compared your number.\n")
		: row->who.is_known
			? _("You know each other; your number is not compared (emrfs people "
			    "check).\n")
			: _("You have no card of each other: be sure who it is before you say "
			    "yes.\n"));
	fprintf(to, is_of_file ? _("For what:   %s\n") : _("Asks for:   %s\n"), path);
	fprintf(to, _("To:         %s, until %s%s\n"),
		row->rights == EMR_RIGHTS_DEPOSIT	  ? _("leave files there, and see nothing")
		: emr_rights_of_writing(row->rights) != 0 ? _("read and change")
							  : _("read"),
		until, row->state == EMR_SHARE_LATE ? _(" (that has passed)") : "");
	fprintf(to, _("Purpose:    %s\n"), purposes);
	if (reason[0] != '\0')
		fprintf(to, is_of_file ? _("Consent:    %s\n") : _("Says:       \"%s\"\n"), reason);
	emr_hint_print(to, "\nYes:        emrfs approve %s\nNo:         emrfs deny %s\n",
		row->whole, row->whole);
	status = fclose(to) != 0 ? EMR_NO_MEMORY : emr_buf_append(out, text, size);
	free(text);
	return status;
}
