/* This file says of a share whether it opens for a person at this moment, and if not, why. It has
 * all the reasons and their sentences. */
#include "sharing/opening.h"

#include <stdio.h>
#include <string.h>

#include "kit/language.h"
#include "kit/text.h"
#include "share/write.h"

/* ---- why ---- */

bool emr_opening_ledger_is_away(emr_session *session)
{
	emr_ledger_absence absence;

	emr_ledger_look(session->ledger, &absence);
	return absence.status != EMR_OK && !absence.is_asked;
}

/* A share that was asked for and is not on the ledger. */
static const char *why_queued(emr_session *session, const emr_share_row *row, bool is_away)
{
	emr_domain_state state = {.is_whole = true};

	if (is_away)
		return "ledger-away";
	if (row->who.kind == EMR_WHO_PERSON && !row->who.is_registered)
		return "not-joined";
	/* A folder within another gets keys of its own first. */
	if (emr_view_domain_state(session->view, row->domain, &state) == EMR_OK && !state.is_whole)
		return "waits-for-key";
	return "queued";
}

static const char *why_not(
	emr_session *session, const emr_share_row *row, uint64_t now_unix_s, bool is_away)
{
	if (emr_rights_of_reading(row->rights) == 0)
		return "deposit";
	if (emr_id16_is_zero(row->grant))
		return row->state == EMR_SHARE_FAILED ? "failed"
						      : why_queued(session, row, is_away);
	if (row->is_deleted)
		return "removed";
	if (row->since_unix_s > now_unix_s)
		return "coming";
	if (row->who.kind == EMR_WHO_PERSON && row->who.is_registered && !row->who.is_active)
		return "certificate-expired";
	if (is_away)
		return "ledger-away";
	return session->read_only && !row->opens_away ? "read-only" : "";
}

void emr_opening_look(emr_session *session, uint64_t now_unix_s, emr_share_rows *rows)
{
	bool is_away = rows->n > 0 && emr_opening_ledger_is_away(session);

	for (size_t i = 0; i < rows->n; i++)
		if (rows->list[i].why_not == NULL)
			rows->list[i].why_not =
				why_not(session, &rows->list[i], now_unix_s, is_away);
}

/* ---- in words ---- */

/* The last two are states of a share that opens. */
static const struct {
	const char *why, *sentence;
} sentences[] = {
	{"", N_("Opens for %s now.")},
	{"queued", N_("Does not open for %s yet: it is not on the ledger.")},
	{"waits-for-key", N_("Does not open for %s yet: it waits for a key of its own.")},
	{"not-joined", N_("Does not open for %s yet: the invitation was not accepted.")},
	{"emergency", N_("Opens when two clinicians of %s say why.")},
	{"coming", N_("Does not open for %s yet: its time has not begun.")},
	{"failed", N_("Does not open for %s: sharing it failed.")},
	{"removed", N_("Does not open for %s: it is in the folder no more.")},
	{"deposit", N_("Does not open for %s, who may only leave files there.")},
	{"certificate-expired",
		N_("Does not open for %s now: the certificate has expired, and its organisation "
		   "renews it.")},
	{"ledger-away", N_("Does not open for %s now: the ledger is away, and no key is given "
			   "without it.")},
	{"read-only", N_("Does not open for %s now: the folder that gives the keys is open for "
			 "reading only.")},
	{"owner-away", N_("Does not open for %s now: the folder that gives the keys did not "
			  "answer.")},
	{"agents-away", N_("May not open for %s now: the service that gives the keys did not "
			   "answer when it was asked last.")},
	{"agents-silent",
		N_("May not open for %s now: the service that gives the keys has not answered for "
		   "an hour, and only the owner's open folder gives them.")},
	{"owner-unasked", N_("Opens for %s if that folder is open; nothing came from it in the "
			     "last minute.")},
	{"expired", N_("Does not open for %s any more: its time is over.")},
	{"revoked", N_("Does not open for %s any more: it was taken back.")},
	{"ending", N_("Opens for %s until the ledger has its end.")},
	{"not-ended", N_("Opens for %s now: taking it back failed.")},
};

static const char *sentence_of(const char *why_not, const char *state)
{
	const char *why = why_not[0] != '\0'		      ? why_not
			  : strcmp(state, "ending") == 0      ? "ending"
			  : strncmp(state, "failed ", 7) == 0 ? "not-ended"
							      : "";
	size_t i = 0;

	while (i + 1 < sizeof sentences / sizeof *sentences && strcmp(sentences[i].why, why) != 0)
		i++;
	return sentences[i].sentence;
}

bool emr_opening_is_plain(const char *why_not, const char *state)
{
	return sentence_of(why_not, state) == sentences[0].sentence;
}

void emr_opening_text(
	const char *why_not, const char *state, const char *who, char out[EMR_OPENING_TEXT_BYTES])
{
	const char *sentence = emr_text(sentence_of(why_not, state)),
		   *place = strstr(sentence, "%s");
	int before = place != NULL ? (int)(place - sentence) : 0;
	char shown[EMR_WHO_TEXT_BYTES];
	size_t at;

	emr_show(who, shown, sizeof shown);
	snprintf(out, EMR_OPENING_TEXT_BYTES, "%.*s%s%s", before, sentence, shown,
		place != NULL ? place + 2 : sentence);
	at = strlen(out);
	if (strncmp(state, "failed ", 7) == 0)
		snprintf(out + at, EMR_OPENING_TEXT_BYTES - at, " (%s)", state + 7);
}
