/* This file is `emrfs org team`: it shows a team of the organisation and changes its members. */

#include <stdio.h>
#include <string.h>

#include "contract/codes.h"
#include "keyring/card.h"
#include "kit/language.h"
#include "kit/text.h"
#include "org/team_care.h"
#include "replica/names.h"

#include "org_private.h"

/* ---- which ---- */

emr_status emr_team_find(
	const emr_bureau *bureau, emr_team_kind kind, const char *name, emr_team *out)
{
	EMR_ASK(asked, bureau->session.replica, TEAMS_LED,
		.who = emr_session_root(&bureau->session));
	emr_team team;

	while (emr_team_next_present(&asked, kind, &team)) {
		if (strcmp(team.name, name) != 0)
			continue;
		*out = team;
		return EMR_OK;
	}
	return asked.status == EMR_OK ? EMR_NOT_FOUND : asked.status;
}

/* ---- members ---- */

static emr_status list_member(const emr_bureau *bureau, const emr_row_member *row, json_t *list)
{
	char code[EMR_KEY_CODE_MAX + 1], until[EMR_TEXT_BYTES];
	emr_staff_member m = {.person = {.signer_id = EMR_ID32_AT(row->member)}};
	emr_known_person one;

	EMR_ASK(asked, bureau->session.replica, PEOPLE_NOW);
	while (emr_next(&asked, &one))
		if (memcmp(one.row.root, row->member, sizeof one.row.root) == 0)
			m.person = one;
	EMR_TRY(asked.status);
	EMR_TRY(emr_staff_read(bureau->session.replica, &m));
	emr_key_code(m.person.signer_id, EMR_KEY_CODE_NAMES, code); /* it can be typed */
	emr_time_json((int64_t)row->not_after_unix_s, until);
	return json_array_append_new(list,
		       json_pack("{s:o, s:o, s:s, s:s}", "handle", emr_json_text(m.handle), "says",
			       emr_json_text(m.says), "code", code, "until", until)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

json_t *emr_team_members(const emr_bureau *bureau, emr_id16 team)
{
	EMR_ASK(asked, bureau->session.replica, MEMBERS, .team = team);
	json_auto_t *list = json_array();
	emr_row_member row;

	while (emr_next(&asked, &row))
		if (row.head.state == EMR_MEMBER_ACTIVE &&
			emr_clock_unix_s(emr_clock_system()) < row.not_after_unix_s &&
			list_member(bureau, &row, list) != EMR_OK)
			return NULL;
	return asked.status == EMR_OK ? json_incref(list) : NULL;
}

/* ---- the verb ---- */

static emr_status add_member(emr_bureau *bureau, const char *name, const emr_staff_member *m,
	emr_team *team, emr_problem *out_problem)
{
	emr_status status = emr_team_find(bureau, EMR_TEAM_CHOSEN, name, team);

	if (status == EMR_NOT_FOUND)
		status = emr_team_make(bureau, EMR_TEAM_CHOSEN, name, NULL, team, out_problem);
	return status == EMR_OK ? emr_team_let_in(bureau, team, &m->person, 0, out_problem)
				: status;
}

static emr_status change_member(
	emr_bureau *bureau, const emr_args *args, emr_team *team, emr_problem *out_problem)
{
	emr_staff_member m;

	EMR_TRY(emr_staff_find_or_say(bureau, args->operands[3], &m, out_problem));
	if (strcmp(args->operands[2], "add") == 0)
		return add_member(bureau, args->operands[1], &m, team, out_problem);
	EMR_TRY(emr_team_find(bureau, EMR_TEAM_CHOSEN, args->operands[1], team));
	EMR_TRY(emr_team_let_out(bureau, team, EMR_ID32_AT(m.person.row.root), out_problem));
	return emr_team_renew(bureau, team, 0, team, out_problem);
}

emr_status org_show_team(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	char shown[EMR_BESIDE_BYTES];
	emr_team team;
	json_t *members, *member;
	size_t i;
	emr_status status = args->n_operands == 4 ? change_member(bureau, args, &team, out_problem)
						  : emr_team_find(bureau, EMR_TEAM_CHOSEN,
							    args->operands[1], &team);

	if (status == EMR_NOT_FOUND && args->n_operands == 2 &&
		strcmp(args->operands[1], EMR_TEAM_STAFF_NAME) == 0)
		status = emr_team_find(bureau, EMR_TEAM_STAFF, args->operands[1], &team);
	if (status == EMR_NOT_FOUND && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_UNKNOWN_TEAM, "what", args->operands[1], NULL);
	if (status != EMR_OK)
		return status;
	members = emr_team_members(bureau, team.id);
	if (members == NULL)
		return EMR_NO_MEMORY;
	emr_bureau_show(team.name, shown);
	emr_say(out, "%s, %s: %zu in it\n", shown, bureau->name, json_array_size(members));
	json_array_foreach(members, i, member)
	{
		emr_bureau_show(json_string_value(json_object_get(member, "handle")), shown);
		emr_say(out, "  %s\n", shown);
	}
	emr_out_text(out, "team", team.name);
	emr_out_put(out, "members", members);
	return EMR_OK;
}

int emr_org_team(const emr_args *args, emr_out *out)
{
	EMR_AUTO_BUREAU bureau = EMR_BUREAU_CLOSED;
	emr_problem problem = {0};
	const char *name = args->operands[1];
	emr_status status = EMR_INVALID;

	if (args->n_operands == 3 || name[0] == '\0' || strlen(name) > EMR_TEAM_NAME_MAX ||
		!emr_card_name_ok(name) || strpbrk(name, "/@") != NULL ||
		(args->n_operands == 4 && strcmp(args->operands[2], "add") != 0 &&
			strcmp(args->operands[2], "remove") != 0))
		emr_problem_set(&problem, EMR_SAY_WRONG_USE, "what",
			_("org team takes NAME, NAME add HANDLE or NAME remove HANDLE."), "verb",
			"org", NULL);
	else if (args->n_operands == 4 && strcmp(name, EMR_TEAM_STAFF_NAME) == 0)
		emr_problem_set(&problem, EMR_SAY_WRONG_USE, "what",
			_("Everybody who works here is in staff: who comes by invite, and "
			  "nobody "
			  "whom org revoke took out."),
			"verb", "org", NULL);
	else
		status = emr_bureau_open(args, &bureau, &problem);
	if (status == EMR_OK)
		status = org_show_team(args, out, &bureau, &problem);
	return emr_out_done(out, status, &problem, _("The team"));
}
