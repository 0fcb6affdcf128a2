/* This file is `emrfs org show` and `revoke`: it lists who belongs to an organisation, and
 * takes a key out of use. */
#include "org/staff.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "contract/codes.h"
#include "keyring/card.h"
#include "kit/language.h"
#include "kit/text.h"
#include "network/enrolling.h"
#include "org/invitations.h"
#include "org/proposals.h"
#include "org/team_care.h"
#include "people/book.h"
#include "replica/names.h"

#include "org_private.h"

#define CARD_TEXT_MAX ((size_t)64 << 10)
#define STAFF_NAMES_MAX 900

/* ---- who is there ---- */

emr_status emr_staff_read(emr_replica *replica, emr_staff_member *m)
{
	EMR_AUTO_BUF part = {0};
	emr_cert_facts facts;
	emr_bytes der, name;
	emr_status status;

	EMR_TRY(emr_replica_person_is_active(
		replica, &m->person, emr_clock_unix_s(emr_clock_system()), &m->is_active));
	status = emr_replica_registration(replica, &m->person, &part, &der, &name);
	/* A computer on Fabric has a certificate of its own, with the handle that it was invited
	 * as. */
	if (status == EMR_NOT_FOUND)
		status = emr_replica_device_certificate(replica, &m->person, &part, &der, &name);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (emr_cert_read(der, &facts) != EMR_OK)
		return EMR_OK;
	memcpy(m->handle, facts.handle, sizeof facts.handle);
	emr_name_says(name, m->handle, m->says, sizeof m->says);
	return EMR_OK;
}

bool emr_staff_next(emr_asking *asked, const emr_bureau *bureau, emr_staff_member *out)
{
	*out = (emr_staff_member){.is_active = false};
	do
		if (!emr_next(asked, &out->person))
			return false;
	while (memcmp(out->person.row.org, bureau->org.b, 16) != 0 ||
		(out->person.row.how == EMR_HOW_CERTIFICATE && /* it was followed by another */
			!emr_id32_is_zero(EMR_ID32_AT(out->person.row.next))));
	asked->status = emr_staff_read(asked->about.replica, out);
	return asked->status == EMR_OK;
}

/* "lima (I7Z4...), clinician", for whoever must say which. */
static void list_member(const emr_staff_member *m, const char *code, char *names, size_t size)
{
	char bits[EMR_ROLES_TEXT_MAX], roles[300], handle[300], text[700];

	emr_roles_text(m->person.row.roles, bits);
	emr_text_words(bits, roles, sizeof roles);
	emr_show(m->handle, handle, sizeof handle);
	snprintf(text, sizeof text, "%s (%s), %s%s", handle, code, roles,
		m->is_active ? "" : _(", ended"));
	emr_names_add(text, "; ", names, size);
}

emr_status emr_staff_find(const emr_bureau *bureau, const char *what, emr_staff_member *out,
	char *out_names, size_t size)
{
	char names[STAFF_NAMES_MAX] = "", code[EMR_KEY_CODE_MAX + 1];
	unsigned active = 0, ended = 0;
	emr_staff_member m, found;

	if (what[0] == '\0')
		return EMR_NOT_FOUND;
	EMR_ASK(asked, bureau->session.replica, PEOPLE);
	while (emr_staff_next(&asked, bureau, &m)) {
		if (strcasecmp(m.handle, what) != 0 &&
			!emr_key_code_names(m.person.signer_id, what))
			continue;
		emr_key_code(m.person.signer_id, EMR_KEY_CODE_NAMES, code);
		list_member(&m, code, names, sizeof names);
		if (m.is_active || active == 0)
			found = m;
		active += m.is_active;
		ended += !m.is_active;
	}
	EMR_TRY(asked.status);
	if (out_names != NULL)
		snprintf(out_names, size, "%s", names);
	if (active > 1 || (active == 0 && ended > 1))
		return EMR_CONFLICT;
	if (active + ended == 0)
		return EMR_NOT_FOUND;
	*out = found;
	return EMR_OK;
}

emr_status emr_staff_find_or_say(
	const emr_bureau *bureau, const char *what, emr_staff_member *out, emr_problem *out_problem)
{
	char names[STAFF_NAMES_MAX], code[EMR_KEY_CODE_MAX + 1];
	emr_id32 given;
	emr_status status = emr_staff_find(bureau, what, out, names, sizeof names);

	/* By the name that the invitation says. */
	if (status == EMR_NOT_FOUND && emr_invitations_given(bureau, what, &given) == EMR_OK) {
		emr_key_code(given, EMR_KEY_CODE_NAMES, code);
		status = emr_staff_find(bureau, code, out, names, sizeof names);
	}
	if (status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_UNKNOWN_STAFF, "who", what, "what",
			bureau->name, NULL);
	else if (status == EMR_CONFLICT)
		emr_problem_set(out_problem, EMR_SAY_WHICH_STAFF, "who", what, "what", bureau->name,
			"names", names, NULL);
	return status;
}

/* ---- org show ---- */

typedef struct showing {
	const emr_bureau *bureau;
	emr_out *out;
	json_t *members, *teams, *approvals, *waiting, *organisations, *rules;
	bool has_coming; /* somebody was told to come or to leave */
} showing;

static emr_status show_member(showing *s, const emr_staff_member *m)
{
	char code[EMR_KEY_CODE_MAX + 1], roles[EMR_ROLES_TEXT_MAX], until[EMR_TEXT_BYTES],
		day[EMR_TEXT_BYTES], shown[EMR_BESIDE_BYTES], handle[300], words[300], word[160];

	emr_key_code(m->person.signer_id, EMR_KEY_CODE_NAMES, code); /* it can be typed */
	emr_roles_text(m->person.row.roles, roles);
	emr_time_json((int64_t)m->person.row.not_after_unix_s, until);
	emr_time_text((int64_t)m->person.row.not_after_unix_s, day);
	emr_bureau_show(m->handle, shown);
	emr_column_text(shown, 20, handle, sizeof handle);
	emr_text_words(roles, words, sizeof words);
	emr_bureau_show(m->says, shown);
	snprintf(word, sizeof word, shown[0] != '\0' ? _("   (gives the name %s)") : "%s", shown);
	if (!m->is_active)
		snprintf(day, sizeof day, "%s",
			m->person.row.head.state == EMR_KEY_REVOKED ? _("revoked") : _("ended"));
	emr_say(s->out, "  %s %-23s %s  %s%s%s\n", handle, words, code,
		m->is_active ? _("until ") : "", day, word);
	return json_array_append_new(
		       s->members, json_pack("{s:o, s:o, s:s, s:s, s:s, s:b}", "handle",
					   emr_json_text(m->handle), "says", emr_json_text(m->says),
					   "role", roles, "code", code, "until", until, "in_force",
					   (int)m->is_active)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

static emr_status show_organisation(showing *s, emr_id16 org, const emr_row_org *row)
{
	char name[256], shown[EMR_BESIDE_BYTES];
	bool is_member = row->head.state == EMR_ORG_MEMBER;

	EMR_TRY(emr_bureau_name(s->bureau, org, name));
	emr_bureau_show(name, shown);
	emr_say(s->out, "  %s%s\n", shown, is_member ? "" : _(" (left)"));
	return json_array_append_new(
		       s->organisations, json_pack("{s:o, s:b}", "name", emr_json_text(name),
						 "member", (int)is_member)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

static emr_status show_team(showing *s, const emr_team *team)
{
	char shown[EMR_BESIDE_BYTES];
	json_t *members, *member;
	size_t i;

	if (team->kind == EMR_TEAM_DATASET) /* which emrfs dataset shows */
		return EMR_OK;
	members = emr_team_members(s->bureau, team->id);
	if (members == NULL)
		return EMR_NO_MEMORY;
	if (json_array_size(s->teams) == 0)
		emr_say(s->out, "Teams:\n");
	emr_bureau_show(team->name, shown);
	emr_say(s->out, "  %s:", shown);
	json_array_foreach(members, i, member)
	{
		emr_bureau_show(json_string_value(json_object_get(member, "handle")), shown);
		emr_say(s->out, "%s %s", i > 0 ? "," : "", shown);
	}
	emr_say(s->out, "%s\n", json_array_size(members) == 0 ? _(" nobody") : "");
	return json_array_append_new(
		       s->teams, json_pack("{s:o, s:o}", "name", emr_json_text(team->name),
					 "members", members)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

static const char *coming_word(const emr_coming *one)
{
	if (one->kind == EMR_PROPOSAL_REMOVE)
		return one->is_own_wish ? "leave" : "expel";
	return one->is_member ? "authority" : "admit";
}

static const char *coming_text(const emr_coming *one)
{
	if (one->kind == EMR_PROPOSAL_REMOVE)
		return one->is_own_wish ? _("wants to leave") : _("is to be expelled");
	if (one->is_member)
		return _("proposes another authority for itself");
	return emr_coming_is_clear(one) ? _("asks to be admitted")
					: _("is proposed, and nobody can be asked about it");
}

static emr_status show_coming(showing *s, const emr_coming *one)
{
	bool is_in = one->kind == EMR_PROPOSAL_ADMIT;
	bool is_missing = !one->is_ours && emr_coming_is_clear(one);
	char name[EMR_BESIDE_BYTES], by[EMR_BESIDE_BYTES];
	json_auto_t *what = json_pack("{s:s, s:o, s:s, s:i, s:i, s:o}", "what", coming_word(one),
		"who", emr_json_text(one->name), "number", one->number, "have", (int)one->have,
		"need", (int)one->need, "by", emr_json_text(one->by));

	emr_bureau_show(one->name, name);
	emr_bureau_show(one->by, by);
	if (what == NULL ||
		(!emr_id16_is_zero(one->proposal) && json_array_append(s->approvals, what) != 0) ||
		(is_missing && json_array_append(s->waiting, what) != 0))
		return EMR_NO_MEMORY;
	if (!s->has_coming)
		emr_say(s->out, "On their way in or out:\n");
	s->has_coming = true;
	emr_say(s->out, "  %s %s: %u of %u approvals%s%s%s\n", name, coming_text(one), one->have,
		one->need, one->number[0] != '\0' ? _(", number ") : "", one->number,
		!is_missing ? ""
		: is_in	    ? _(".  Yours is missing: emrfs org admit")
			    : _(".  Yours is missing: emrfs org leave"));
	if (by[0] != '\0' && strcmp(by, name) != 0)
		emr_say(s->out, _("    Proposed by %s.\n"), by);
	return EMR_OK;
}

/* For whom and how many stands on the ledger as a hash: who was told looks by saying it. */
static emr_status show_points(showing *s)
{
	emr_known_proposal proposal;
	emr_known_votes votes;
	emr_row_network network;

	EMR_ASK(asked, s->bureau->session.replica, PROPOSALS);
	EMR_TRY(emr_replica_network(s->bureau->session.replica, &network));
	while (emr_proposal_next(
		&asked, s->bureau->org, 1u << EMR_PROPOSAL_MINT, &proposal, &votes)) {
		emr_say(s->out,
			_("Points are proposed for somebody: %u of %u approvals.  Whoever knows "
			  "for whom and how many says: emrfs org mint WHO POINTS\n"),
			votes.have, emr_approvals_needed(&network));
		if (json_array_append_new(s->approvals,
			    json_pack("{s:s, s:n, s:s, s:i, s:i}", "what", "mint", "who", "number",
				    "", "have", (int)votes.have, "need",
				    (int)emr_approvals_needed(&network))) != 0)
			return EMR_NO_MEMORY;
	}
	return asked.status;
}

static emr_status show_all(showing *s)
{
	emr_replica *replica = s->bureau->session.replica;
	EMR_AUTO_BUF coming = {0};
	emr_staff_member m;
	emr_known_org org;
	emr_team team;
	emr_status status;

	EMR_ASK(people, replica, PEOPLE);
	EMR_ASK(teams, replica, TEAMS_LED, .who = emr_session_root(&s->bureau->session));
	EMR_ASK(orgs, replica, ORGS);
	emr_say(s->out, "%s\nIts members:\n", s->bureau->name);
	while (emr_staff_next(&people, s->bureau, &m))
		EMR_TRY(show_member(s, &m));
	EMR_TRY(people.status);
	while (emr_team_next_present(&teams, EMR_TEAM_ANY, &team))
		EMR_TRY(show_team(s, &team));
	EMR_TRY(teams.status);
	emr_say(s->out, "Organisations of the network:\n");
	while (emr_next(&orgs, &org))
		EMR_TRY(show_organisation(s, org.org, &org.row));
	EMR_TRY(orgs.status);
	EMR_TRY(emr_coming_list(s->bureau, &coming));
	EMR_EACH (const emr_coming, one, &coming)
		EMR_TRY(show_coming(s, one));
	EMR_TRY(show_points(s));
	s->rules = emr_rules_show(s->bureau, s->out, &status);
	return status;
}

emr_status emr_org_show(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	showing s = {.bureau = bureau,
		.out = out,
		.members = json_array(),
		.teams = json_array(),
		.approvals = json_array(),
		.waiting = json_array(),
		.organisations = json_array()};
	emr_status status = show_all(&s);

	(void)args;
	(void)out_problem;
	emr_out_text(out, "organisation", bureau->name);
	emr_out_put(out, "members", s.members);
	emr_out_put(out, "teams", s.teams);
	emr_out_put(out, "approvals", s.approvals);
	emr_out_put(out, "awaiting_you", s.waiting);
	emr_out_put(out, "organisations", s.organisations);
	if (s.rules != NULL)
		emr_out_put(out, "rules", s.rules);
	return status;
}

/* ---- org revoke ---- */

/* WHO: as the administrator called him. */
static emr_status ask_authority(const emr_bureau *bureau, const emr_staff_member *m,
	const char *who, emr_problem *out_problem)
{
	emr_problem why = {0};
	emr_status status = EMR_NOT_FOUND;

	if (m->handle[0] != '\0') {
		status = emr_enrol_revoke(bureau->dir, bureau->session.keyring, m->handle, &why);
		if (status == EMR_OK || (status == EMR_NOT_FOUND && !why.is_set))
			return EMR_OK; /* whom it does not know it gives nothing */
	}
	emr_problem_set(out_problem, EMR_SAY_AUTHORITY_KEEPS, "who", who, "cause",
		why.is_set ? why.text
		: status == EMR_UNSUPPORTED
			? _("its people are those of a directory, and that must be told.")
		: m->handle[0] == '\0'
			? _("the ledger does not say any more by which log-in it knows the key.")
			: emr_text(emr_status_text(status)),
		NULL);
	return EMR_DENIED;
}

/* An organisation's own authority would renew the certificate, or give another one.  It knows
 * people by name, so a later key of the same name that is in force would end there, too. */
static emr_status tell_authority(const emr_bureau *bureau, const emr_staff_member *m,
	const char *who, emr_out *out, emr_problem *out_problem)
{
	emr_staff_member other;
	emr_status status;

	if (!emr_login_is_there(bureau->dir))
		return EMR_OK;
	EMR_ASK(asked, bureau->session.replica, PEOPLE);
	while (emr_staff_next(&asked, bureau, &other)) {
		if (!other.is_active || strcmp(other.handle, m->handle) != 0 ||
			emr_id32_equal(other.person.signer_id, m->person.signer_id))
			continue;
		emr_out_text(out, "authority", "kept");
		emr_say(out,
			"Another key in force is called %s, so the authority goes on knowing that "
			"name.\n",
			m->handle);
		return EMR_OK;
	}
	EMR_TRY(asked.status);
	status = ask_authority(bureau, m, who, out_problem);
	emr_out_text(out, "authority", status == EMR_OK ? "ended" : "not-told");
	if (status == EMR_OK)
		emr_say(out, "The authority gives no more certificates to %s.\n", m->handle);
	return status;
}

static emr_status end_key(const emr_args *args, emr_out *out, emr_bureau *bureau,
	const emr_staff_member *m, emr_problem *out_problem)
{
	char code[EMR_KEY_CODE_MAX + 1], question[512], shown[256], number[EMR_TEXT_BYTES];
	EMR_AUTO_BUF acts = {0};
	size_t others = 0;
	emr_act act;

	EMR_TRY(emr_staff_ending(bureau, m, &acts, &others));
	if (acts.len == 0 && emr_login_is_there(bureau->dir))
		return EMR_OK; /* all that is left is to tell the authority */

	emr_key_code(m->person.signer_id, EMR_KEY_CODE_NAMES, code);
	emr_show(args->operands[1], shown, sizeof shown);
	snprintf(question, sizeof question,
		_("%s%s (%s) can then save, share and release nothing, nor open what others "
		  "share, and this cannot be undone. Revoke (yes, no)?"),
		shown,
		emr_id32_equal(m->person.signer_id, bureau->session.identity.signer_id)
			? _(", which is you,")
			: "",
		code);
	EMR_TRY(emr_bureau_agree(args, out, question, _("Nothing was revoked."), out_problem));
	if (acts.len == 0) { /* the ledger says so */
		act = emr_act_key_revoke(
			m->person.signer_id, emr_clock_unix_s(emr_clock_system()), 0);
		return emr_bureau_send(bureau, &act, (emr_bytes){0}, out_problem);
	}
	EMR_TRY(emr_bureau_send_all(
		bureau, (emr_act *)(void *)acts.data, acts.len / sizeof act, out_problem));
	emr_number_text(others, number);
	if (others > 0)
		emr_say(out,
			emr_text_of(others,
				"%s key more, which had the same certificate, ended with it.\n",
				"%s keys more, which had the same certificates, ended with it.\n"),
			number);
	return EMR_OK;
}

/* The ledger first: what an authority that is away has to wait for ends nobody's rights later.
 * Where there is one, the same line again tells it what it was not told. */
emr_status emr_org_revoke(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	emr_staff_member m;
	char code[EMR_KEY_CODE_MAX + 1], shown[256];
	const emr_status withdrawn = emr_invitations_withdraw(bureau, args->operands[1]);
	emr_status status = emr_staff_find_or_say(bureau, args->operands[1], &m, out_problem);

	emr_show(args->operands[1], shown, sizeof shown);
	if (withdrawn == EMR_OK)
		emr_say(out, "The invitation for %s is withdrawn: nobody can use it any more.\n",
			shown);
	if (withdrawn != EMR_NOT_FOUND && status == EMR_NOT_FOUND) {
		*out_problem = (emr_problem){.is_set = false};
		emr_out_text(out, "handle", args->operands[1]);
		return withdrawn;
	}

	EMR_TRY(status);
	EMR_TRY(end_key(args, out, bureau, &m, out_problem));
	if (!emr_id32_equal(m.person.signer_id,
		    bureau->session.identity.signer_id)) /* who is out himself leads no more */
		EMR_TRY(emr_teams_tend(bureau, false, 0, out_problem));
	emr_key_code(m.person.signer_id, EMR_KEY_CODE_NAMES, code);
	emr_out_text(out, "handle", m.handle);
	emr_out_text(out, "code", code);
	emr_say(out,
		"%s (%s) is revoked. What %s has opened stays seen; agents release nothing more.\n",
		shown, code, shown);
	return tell_authority(bureau, &m, args->operands[1], out, out_problem);
}
