/* The open folder answers `emrfs emergency CARD` here, for a clinician, and this look of the
 * office's thread tells the patient, and an auditor of the clinicians, at once who said why. When
 * the time is over it ends what was open: keys are renewed, and the card is used up. */
#include "share/request.h"

#include <string.h>

#include "contract/codes.h"
#include "keyring/invite.h"
#include "kit/out.h"
#include "kit/language.h"
#include "kit/text.h"
#include "replica/ask.h"
#include "session/registered.h"
#include "share/give.h"
#include "share/read.h"
#include "share/write.h"
#include "sharing/answers.h"
#include "sharing/office_looks.h"
#include "sharing/sharing.h"

/* ---- a clinician's answer ---- */

static emr_status find(
	emr_share *share, const emr_request *request, emr_buf *out, emr_problem *out_problem)
{
	const bool is_second = request->name[0] == '\0';
	const emr_emergency *all;
	emr_id16 word;

	if (!is_second && emr_emergency_code_read(request->name, &word) != EMR_OK)
		return EMR_PROBLEM(EMR_DAMAGED, out_problem, EMR_SAY_EMERGENCY_CARD, NULL);
	EMR_TRY(emr_emergency_find(share, is_second ? NULL : &word, out));
	all = (const emr_emergency *)(const void *)out->data;
	if (out->len == 0)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem,
			is_second ? EMR_SAY_EMERGENCY_NO_FIRST : EMR_SAY_EMERGENCY_NONE, NULL);
	for (size_t i = 1; i < out->len / sizeof *all; i++)
		if (!emr_id16_equal(all[i].word, all[0].word))
			return EMR_PROBLEM(
				EMR_CONFLICT, out_problem, EMR_SAY_EMERGENCY_SEVERAL, NULL);
	return EMR_OK;
}

/* Of those that are open: what the folder is called, and whose it is. One inside comes with it. */
static emr_status name_open(emr_share *share, const emr_buf *all, json_t *folders,
	const char **out_patient, emr_buf *names)
{
	EMR_TRY(emr_share_received(share, names, NULL));
	EMR_EACH (const emr_received, r, names)
		EMR_EACH (const emr_emergency, e, all) {
			if (!emr_id16_equal(e->grant.grant, r->grant.grant) ||
				!emr_id16_equal(e->grant.domain, r->grant.domain) ||
				!emr_id16_equal(r->letter.root_dir_id, r->grant.domain))
				continue;
			*out_patient = r->card.name;
			if (json_array_append_new(folders, emr_json_text(r->letter.label)) != 0)
				return EMR_NO_MEMORY;
		}
	return EMR_OK;
}

static emr_status emit(emr_share *share, const emr_buf *all, const emr_sink *sink)
{
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	const emr_emergency *first = (const emr_emergency *)(const void *)all->data;
	const bool is_open = emr_emergency_state_at(first, now) == EMR_EMERGENCY_OPEN;
	json_auto_t *folders = json_array();
	EMR_AUTO_BUF names = {0};
	const char *patient = "";

	if (is_open)
		EMR_TRY(name_open(share, all, folders, &patient, &names));
	return emr_emit(sink, json_pack("{s:b, s:s, s:I, s:O, s:o}", "done", 1, "state",
				      is_open ? "open" : "first", "until_unix",
				      (json_int_t)(is_open ? first->until_unix_s
							   : first->first_unix_s + EMR_EMERGENCY_S),
				      "open_folders", folders, "owner", emr_json_text(patient)));
}

emr_status emr_answer_emergency(emr_session *session, const emr_request *request,
	const emr_sink *sink, emr_problem *out_problem)
{
	EMR_AUTO_SHARE share = NULL;
	EMR_AUTO_BUF all = {0};
	EMR_AUTO_BUF after = {0};
	emr_problem why = {0}; /* that the ledger is away stops nothing by itself */
	const emr_id32 root = emr_session_root(session);
	char text[EMR_WHO_TEXT_BYTES], code[EMR_EMERGENCY_CODE_CHARS + 1];
	bool is_own = false;
	emr_id16 word;
	emr_status status;

	if (emr_own_key_is_revoked(session, out_problem))
		return EMR_DENIED;
	if (emr_session_is_read_only(session, &why))
		return EMR_PROBLEM(EMR_READ_ONLY, out_problem, EMR_SAY_READ_ONLY, "path",
			_("Your folder"), NULL);
	status = emr_sharing_begin(session, &share);
	if (status == EMR_OK)
		status = find(share, request, &all, out_problem);
	if (status == EMR_OK) {
		const emr_emergency *first = (const emr_emergency *)(const void *)all.data;

		word = first->word;
		if (request->look) { /* nobody seconds without knowing whom */
			emr_emergency_code_write(first->word, code);
			EMR_TRY(emr_who_called(session, first->first, text));
			return emr_emit(
				sink, json_pack("{s:b, s:o, s:I, s:s}", "done", 1, "who",
					      emr_json_text(text), "at_unix",
					      (json_int_t)first->first_unix_s, "code", code));
		}
		status = emr_emergency_say(share, first, all.len / sizeof *first, request->reason);
		if (status == EMR_CONFLICT) { /* both at one moment: this one is the second */
			emr_buf_clear(&all);
			status = emr_emergency_find(share, &word, &all);
			if (status == EMR_OK)
				status = emr_emergency_say(share,
					(const emr_emergency *)(const void *)all.data,
					all.len / sizeof *first, request->reason);
		}
		if (status == EMR_DENIED)
			emr_problem_set(out_problem, EMR_SAY_EMERGENCY_DENIED, NULL);
		if (status == EMR_REFUSED)
			emr_problem_set(out_problem, EMR_SAY_LEDGER_REFUSED, "cause",
				emr_result_text(emr_share_refusal(share)), NULL);
	}
	if (status == EMR_OK)
		status = emr_emergency_find(share, &word, &after);
	if (status == EMR_OK && after.len == 0)
		status = EMR_NOT_FOUND;
	EMR_EACH (const emr_emergency, e, &after)
		is_own |= emr_id32_equal(e->first, root) || emr_id32_equal(e->second, root);
	if (status == EMR_OK && !is_own) { /* it is open for two others */
		emr_problem_set(out_problem, EMR_SAY_EMERGENCY_DENIED, NULL);
		status = EMR_DENIED;
	}
	if (status == EMR_OK)
		status = emit(share, &after, sink);
	if (status == EMR_INVALID && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_EMERGENCY_REASON, NULL);
	if (!out_problem->is_set && (emr_status_is_unanswered(status) || status == EMR_FORK))
		emr_problem_set(out_problem, EMR_SAY_UNSURE, "cause",
			emr_text(emr_status_text(status)), NULL);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The emergency"));
	return status;
}

/* ---- who is told ---- */

#define STAFF_S (7u * EMR_EMERGENCY_S) /* an auditor who opens the folder once a week hears all */

/* Each word of it once. */
static emr_id16 told_as(emr_id16 grant, uint64_t version)
{
	grant.b[0] ^= (uint8_t)version;
	grant.b[1] ^= (uint8_t)(version >> 8);
	return grant;
}

static emr_status tell_word(
	emr_visit *visit, const emr_emergency *e, const emr_emergency_word *word)
{
	char who[EMR_WHO_TEXT_BYTES], first[EMR_WHO_TEXT_BYTES] = "",
				      reason[EMR_EMERGENCY_REASON_MAX + 1], until[EMR_TEXT_BYTES];
	emr_status status = emr_emergency_reason(visit->share, e, word->version, reason);

	if (emr_status_is_local(status) || status == EMR_MISSING_DATA) /* it may come */
		return status;
	if (status != EMR_OK) /* it says nothing */
		snprintf(reason, sizeof reason, "?");
	EMR_TRY(emr_who_called(visit->session, word->who, who));
	if (word->until_unix_s != 0)
		EMR_TRY(emr_who_called(visit->session, word->first, first));
	emr_time_text((int64_t)word->until_unix_s, until);
	emr_notices_add_that(visit->notices, "",
		word->until_unix_s != 0 ? EMR_SAY_EMERGENCY_OPEN : EMR_SAY_EMERGENCY_BEGUN,
		"called", first, "who", who, "path", e->label, "cause", reason, "time", until,
		NULL);
	return EMR_OK;
}

/* The word on the card stands on the ledger, for everybody: all that it would open ends. */
static emr_status end_all(emr_visit *visit, const emr_buf *all, emr_id16 word)
{
	EMR_EACH (const emr_emergency, e, all) {
		emr_status status = EMR_OK;

		if (!emr_id16_equal(e->word, word))
			continue;
		status = emr_share_revoke(visit->share, e->grant.domain, e->grant.grant);
		if (status == EMR_OK)
			emr_notices_add_that(
				visit->notices, "", EMR_SAY_EMERGENCY_OVER, "path", e->label, NULL);
		if (status == EMR_OK || status == EMR_DENIED) /* another computer was quicker */
			status = emr_share_renew(visit->share, e->grant.domain);
		EMR_TRY(status);
	}
	return EMR_OK;
}

/* *OUT_ENDS: its time is over, or nobody seconded the first. */
static emr_status look_at(emr_visit *visit, const emr_emergency *e, bool *out_ends)
{
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	const emr_emergency_state state = emr_emergency_state_at(e, now);
	EMR_AUTO_BUF words = {0};
	uint64_t end = 0;
	int64_t due;

	*out_ends = false;
	EMR_TRY(emr_emergency_words(visit->share, e, &words));
	EMR_EACH (const emr_emergency_word, word, &words) {
		const emr_id16 id = told_as(e->grant.grant, word->version);

		if (emr_told_has(visit->memory, id))
			continue;
		EMR_TRY(tell_word(visit, e, word));
		EMR_TRY(emr_buf_append(visit->memory, &id, sizeof id));
	}
	if (words.len == 0)
		return EMR_OK;
	if (state == EMR_EMERGENCY_OPEN)
		end = e->until_unix_s;
	else if (state == EMR_EMERGENCY_BEGUN)
		end = e->first_unix_s + EMR_EMERGENCY_S + 1;
	*out_ends = end == 0;
	if (end == 0)
		return EMR_OK;
	due = emr_clock_boot_ns(emr_clock_system()) + (int64_t)(end - now) * INT64_C(1000000000);
	visit->due_boot_ns = due < visit->due_boot_ns ? due : visit->due_boot_ns;
	return EMR_OK;
}

/* Every folder of a card: where one is still open, or waits for the second, none ends. */
static emr_status look_at_all(emr_visit *visit, const emr_buf *all, bool may_act)
{
	emr_status first = EMR_OK, status;
	EMR_AUTO_BUF over = {0}, waits = {0};
	bool ends;

	EMR_EACH (const emr_emergency, e, all) {
		status = look_at(visit, e, &ends);
		first = first == EMR_OK ? status : first;
		if (status == EMR_OK && ends && emr_told_has(&over, e->word))
			continue;
		if (status == EMR_OK && ends)
			EMR_TRY(emr_buf_append(&over, &e->word, sizeof e->word));
		else if (e->first_unix_s != 0)
			EMR_TRY(emr_buf_append(&waits, &e->word, sizeof e->word));
	}
	EMR_TRY(first);
	EMR_EACH (const emr_id16, word, &over)
		if (may_act && !emr_told_has(&waits, *word))
			EMR_TRY(end_all(visit, all, *word));
	return EMR_OK;
}

/* The auditor hears who of the organisation spoke, and not of which patient. */
static emr_status tell_auditor(emr_visit *visit, const emr_known_person *me)
{
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	EMR_AUTO_BUF seen = {0};
	emr_replica_change change;
	EMR_ASK(asked, visit->session->replica, SINCE, .at = visit->from);

	while (emr_next(&asked, &change))
		if (change.family == EMR_FAMILY_EMERGENCY && change.result == EMR_RESULT_APPLIED &&
			change.ledger_time + STAFF_S > now)
			EMR_TRY(emr_buf_append(&seen, &change, sizeof change));
	EMR_TRY(asked.status);
	EMR_EACH (const emr_replica_change, one, &seen) {
		char who[EMR_WHO_TEXT_BYTES];
		emr_known_person clinician;
		emr_id16 id;

		EMR_TRY(emr_replica_person(visit->session->replica, one->signer_id, &clinician));
		id = told_as(one->object, one->version);
		if (memcmp(clinician.row.org, me->row.org, sizeof me->row.org) != 0 ||
			emr_told_has(visit->memory, id))
			continue;
		EMR_TRY(emr_who_called(visit->session, one->signer_id, who));
		EMR_TRY(emr_buf_append(visit->memory, &id, sizeof id));
		emr_notices_add_that(visit->notices, "", EMR_SAY_EMERGENCY_STAFF, "who", who, NULL);
	}
	return EMR_OK;
}

static bool is_word(const emr_replica_change *change)
{
	return change->op == EMR_OP_EMERGENCY;
}

/* Those for whom this person is a guardian. */
static emr_status tell_guardian(emr_visit *visit)
{
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	EMR_AUTO_BUF writings = {0};
	EMR_AUTO_BUF grants = {0};
	bool sees = false;

	EMR_TRY(emr_visit_sees(visit, is_word, &sees));
	if (sees)
		EMR_TRY(emr_share_writings(visit->share, &writings, NULL));
	EMR_EACH (const emr_writing, w, &writings)
		if (w->phase == EMR_WRITING_IN_FORCE && (w->rights & EMR_RIGHT_GUARDIAN) != 0)
			EMR_TRY(EMR_ASK_ALL(
				&grants, visit->session->replica, GRANTS, .domain = w->domain));
	EMR_EACH (const emr_known_grant, grant, &grants) {
		emr_writing w;
		emr_emergency e;
		char who[EMR_WHO_TEXT_BYTES], ward[EMR_WHO_TEXT_BYTES];
		emr_emergency_state state;
		emr_id16 id;

		if ((grant->row.rights & EMR_GRANT_TWO) == 0 ||
			emr_emergency_of(visit->share, grant, &e) != EMR_OK)
			continue;
		state = emr_emergency_state_at(&e, now);
		id = told_as(grant->grant, e.version);
		if ((state != EMR_EMERGENCY_BEGUN && state != EMR_EMERGENCY_OPEN) ||
			emr_told_has(visit->memory, id))
			continue;
		EMR_TRY(emr_share_writing(visit->share, grant->domain, &w));
		EMR_TRY(emr_who_called(
			visit->session, emr_id32_is_zero(e.second) ? e.first : e.second, who));
		EMR_TRY(emr_who_called(visit->session, w.card.signer_id, ward));
		emr_notices_add_that(visit->notices, "", EMR_SAY_EMERGENCY_WARD, "who", who,
			"called", ward, "path", w.label, NULL);
		EMR_TRY(emr_buf_append(visit->memory, &id, sizeof id));
	}
	return EMR_OK;
}

emr_status emr_look_emergency(emr_visit *visit)
{
	EMR_AUTO_BUF all = {0};
	emr_known_person me;
	emr_status status;
	bool may_act;

	if (emr_visit_told(visit) == NULL)
		return EMR_NO_MEMORY;
	may_act = !visit->session->read_only &&
		  emr_keyring_kind_of(visit->session->keyring) != EMR_KEYRING_DEVICE;
	EMR_TRY(emr_emergency_own(visit->share, &all));
	EMR_TRY(look_at_all(visit, &all, may_act));
	EMR_TRY(tell_guardian(visit));
	status = emr_replica_person(
		visit->session->replica, visit->session->identity.signer_id, &me);
	if (status == EMR_OK && (me.row.roles & EMR_ROLE_AUDITOR) != 0)
		return tell_auditor(visit, &me);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}
