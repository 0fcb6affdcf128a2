/* This file is `emrfs invite` and `emrfs org`, the verbs of administrators: they invite people and
 * answer them with certificates, and hand the other deeds (members, teams, rules) to fs/people/org.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "contract/codes.h"
#include "keyring/card.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/welcome.h"
#include "network/enrolling.h"
#include "org/bureau.h"
#include "org/invitations.h"
#include "org/proposals.h"
#include "org/team_care.h"
#include "replica/names.h"
#include "session/network_dir.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

#define DAY_NS (INT64_C(86400) * 1000000000)

typedef struct inviting {
	const emr_args *args;
	emr_out *out;
	emr_bureau bureau;
	emr_buf bytes; /* of the invitation; secret */
	emr_buf place; /* the way to the authority, else empty */
	emr_invitation invitation;
	const char *handle; /* NULL: the code that the invited asks for */
	int64_t within_ns;
} inviting;

static void inviting_end(inviting *i)
{
	emr_wipe(&i->invitation, sizeof i->invitation);
	if (i->bytes.len > 0)
		emr_wipe(i->bytes.data, i->bytes.len);
	emr_buf_free(&i->bytes);
	emr_buf_free(&i->place);
	emr_bureau_close(&i->bureau);
}

static emr_status read_line(inviting *i, uint16_t *out_roles, emr_problem *out_problem)
{
	const char *role = i->args->values[EMR_OPT_ROLE], *within = i->args->values[EMR_OPT_WITHIN];
	const char *handle = i->args->operands[0];

	if (handle[0] == '\0' || strlen(handle) > EMR_CERT_HANDLE_MAX || !emr_card_name_ok(handle))
		return emr_wrong_use(
			"invite", _("invite needs a handle of 1 to 53 bytes."), out_problem);
	if (role == NULL || emr_roles_parse(role, out_roles) != EMR_OK)
		return emr_wrong_use("invite",
			_("--role is patient, clinician, hospital, pharmacist, insurer, "
			  "authority, researcher, auditor, registrar or agent."),
			out_problem);
	/* A person is no agent: what releases keys is nobody who could read with them. */
	if ((*out_roles & (EMR_ROLE_ORG_ADMIN | EMR_ROLE_GATEWAY | EMR_ROLE_DEVICE)) != 0 ||
		((*out_roles & EMR_ROLE_AGENT) != 0 && *out_roles != EMR_ROLE_AGENT))
		return emr_wrong_use(
			"invite", _("That role is not given by invitation."), out_problem);
	if (within != NULL && (emr_duration_parse(within, &i->within_ns) != EMR_OK ||
				      i->within_ns > 366 * DAY_NS))
		return emr_wrong_use("invite",
			_("--within takes a time of at most a year: 90s, 10min, 2h."), out_problem);
	/* A patient is not named where others read it. */
	i->handle = *out_roles == EMR_ROLE_PATIENT ? NULL : handle;
	return EMR_OK;
}

/* Into a new file. */
static emr_status write_invitation(const inviting *i, emr_problem *out_problem)
{
	const char *file = i->args->values[EMR_OPT_CARD_FILE];

	if (file == NULL)
		return emr_wrong_use("invite",
			_("-o FILE says where the invitation goes; whoever has it can join."),
			out_problem);
	return verb_write_new(file, emr_buf_view(&i->bytes), out_problem);
}

/* ---- where the organisation has an authority of its own ---- */

/* Into a place that names LOGIN; what was made before is forgotten. */
static emr_status make_for_login(
	inviting *i, uint16_t roles, const char *login, emr_problem *out_problem)
{
	char url[EMR_INVITE_URL_MAX + 1];
	uint64_t ends =
		emr_clock_unix_s(emr_clock_system()) + (uint64_t)(i->within_ns / 1000000000) + 1;
	emr_welcome_away away = {0};
	emr_status status;

	emr_buf_clear(&i->place);
	if (i->bytes.len > 0)
		emr_wipe(i->bytes.data, i->bytes.len);
	emr_buf_clear(&i->bytes);
	status = emr_login_carry(i->bureau.dir, login, &i->place);
	EMR_TRY(status == EMR_NOT_FOUND ? emr_network_dir_refuse(i->bureau.dir, out_problem)
					: status);
	if (snprintf(url, sizeof url, "file:%s", i->bureau.dir) >= (int)sizeof url)
		return EMR_LIMIT;
	away.place = emr_buf_view(&i->place);
	return emr_welcome_invite(i->bureau.session.keyring, i->bureau.org,
		emr_ledger_descriptor(i->bureau.session.ledger), url, &away, roles, ends, &i->bytes,
		&i->invitation);
}

static emr_status tell_authority(
	inviting *i, uint16_t roles, const char *login, emr_problem *out_problem)
{
	char secret[EMR_LOGIN_SECRET_CHARS];
	emr_ca_person person = {.id = login, .roles = roles, .org = i->bureau.org};
	emr_status status = emr_invitation_login_secret(&i->invitation, secret);

	person.secret = emr_bytes_of(secret, strlen(secret));
	if (status == EMR_OK)
		status = emr_enrol_register(
			i->bureau.dir, i->bureau.session.keyring, &person, out_problem);
	emr_wipe(secret, sizeof secret);
	return status;
}

/* A patient is called by a random number: his log-in stands in the certificate, which others read.
 */
static void choose_login(const inviting *i, char out[EMR_LOGIN_MAX + 1])
{
	emr_id16 random = emr_id16_random();
	char code[64];

	emr_base32(random.b, 8, code);
	if (i->handle != NULL)
		snprintf(out, EMR_LOGIN_MAX + 1, "%s", i->handle);
	else
		snprintf(out, EMR_LOGIN_MAX + 1, "patient-%.13s", code);
}

/* Nobody is waited for: the authority gives the certificate. */
static emr_status invite_by_authority(inviting *i, uint16_t roles, emr_problem *out_problem)
{
	const char *file = i->args->values[EMR_OPT_CARD_FILE];
	char login[EMR_LOGIN_MAX + 1];
	bool is_known; /* by a directory of the hospital's */
	emr_status status;

	choose_login(i, login);
	if (!emr_ca_id_ok(login))
		return emr_wrong_use("invite",
			_("The authority takes handles of 1 to 64 letters of ASCII, "
			  "without blanks and colons."),
			out_problem);
	status = make_for_login(i, roles, login, out_problem);
	if (status == EMR_OK)
		status = tell_authority(i, roles, login, out_problem);
	is_known = status == EMR_UNSUPPORTED;
	if (status == EMR_OK || is_known) {
		emr_status given = emr_invitations_give_again(&i->bureau, login, 0, out_problem);

		if (given != EMR_OK)
			return given;
	}
	if (is_known)
		status = make_for_login(i, roles, "", out_problem);
	if (status == EMR_OK)
		status = write_invitation(i, out_problem);
	if (status != EMR_OK)
		return status;
	emr_out_text(i->out, "handle", i->args->operands[0]);
	emr_out_text(i->out, "role", i->args->values[EMR_OPT_ROLE]);
	emr_out_text(i->out, "organisation", i->bureau.name);
	if (is_known)
		emr_say(i->out,
			"The invitation is in %s. Whoever has it joins by log-in and password of "
			"your directory, from any computer;\nthe authority gives the "
			"certificate.\n",
			file);
	else
		emr_say(i->out,
			"The invitation is in %s. Whoever has it can join, once, from any "
			"computer; hand it over in private.\nThe authority gives the certificate, "
			"and knows %s now.\n",
			file, login);
	return EMR_OK;
}

/* A host keeps letters, so nobody has to wait; the open folder signs, and lets in who comes. */
static emr_status invite_by_host(
	inviting *i, uint16_t roles, uint64_t expires, emr_problem *out_problem)
{
	char code[EMR_CODE_CHARS_MAX + 1], id[33];
	org_desk desk = {.bureau = &i->bureau};
	emr_status status = emr_invitations_make(&i->bureau, i->args->operands[0], roles, expires,
		code, &i->invitation, out_problem);

	if (status == EMR_OK)
		status = org_host_hand_out(
			i->args, i->out, code, i->bureau.name, expires, out_problem);
	emr_wipe(code, sizeof code);
	if (status != EMR_OK || !i->args->given[EMR_OPT_WAIT])
		return status;
	emr_hex(i->invitation.id.b, sizeof i->invitation.id.b, id);
	return org_host_await(i->args, i->out, &desk, id, i->within_ns, out_problem);
}

static emr_status invite(inviting *i, emr_problem *out_problem)
{
	uint16_t roles = 0;
	bool is_done = false;
	uint64_t expires;
	emr_status status;

	EMR_TRY(read_line(i, &roles, out_problem));
	expires = emr_clock_unix_s(emr_clock_system()) +
		  (uint64_t)((i->within_ns > 0 ? i->within_ns : 7 * DAY_NS) / 1000000000) + 1;
	EMR_TRY(org_host_by_folder(i->args, i->out, expires,
		i->within_ns > 0 ? i->within_ns : 7 * DAY_NS, &is_done, out_problem));
	if (is_done)
		return EMR_OK;
	EMR_TRY(emr_bureau_open(i->args, &i->bureau, out_problem));
	if (i->within_ns == 0)
		i->within_ns = 7 * DAY_NS;
	if (emr_login_is_there(i->bureau.dir))
		return invite_by_authority(i, roles, out_problem);
	status = invite_by_host(i, roles, expires, out_problem);
	return status == EMR_NOT_FOUND && !out_problem->is_set
		       ? emr_network_dir_refuse(i->bureau.dir, out_problem)
		       : status;
}

int emr_cmd_invite(const emr_args *args, emr_out *out)
{
	__attribute__((cleanup(inviting_end)))
	inviting i = {.args = args, .out = out, .bureau = EMR_BUREAU_CLOSED};
	emr_problem problem = {0};

	return args->n_operands == 0 ? org_host_invited(args, out)
				     : emr_out_done(out, invite(&i, &problem), &problem, "invite");
}

/* Options that not every deed takes: one that would be ignored is a wrong line. */
static const struct {
	emr_option option;
	const char *name;
} particular[] = {{EMR_OPT_NETWORK, "--network"}, {EMR_OPT_ROLE, "--role"},
	{EMR_OPT_QUORUM, "--quorum"}, {EMR_OPT_WITHIN, "--within"},
	{EMR_OPT_WORDS_FILE, "--words-file"}, {EMR_OPT_LOGIN, "--login"},
	{EMR_OPT_SECRET_FILE, "--secret-file"}, {EMR_OPT_LOGIN_CA, "--login-ca"}};

enum {
	OF_NETWORK = 1,
	OF_ROLE = 2,
	OF_QUORUM = 4,
	OF_WITHIN = 8,
	OF_WORDS = 16,
	OF_LOGIN = 32 | 64 | 128
};

typedef struct deed {
	const char *name;
	size_t least, most; /* operands, with the name */
	uint32_t takes;	    /* which of `particular`, as bits */
	size_t looks;	    /* with so many operands, and no option, it changes nothing; 0: never */
	int (*run)(const emr_args *args, emr_out *out);
	emr_bureau_work *work; /* where it has no run */
} deed;

static emr_status check_options(const emr_args *args, const deed *d, emr_problem *out_problem)
{
	char what[100];

	for (size_t i = 0; i < sizeof particular / sizeof *particular; i++)
		if (args->given[particular[i].option] && (d->takes & (1u << i)) == 0) {
			snprintf(what, sizeof what, _("org %s takes no %s."), d->name,
				particular[i].name);
			return emr_wrong_use("org", what, out_problem);
		}
	return EMR_OK;
}

static int run_deed(const deed *d, const emr_args *args, emr_out *out)
{
	emr_problem problem = {0};
	bool is_done = false;
	emr_status status = check_options(args, d, &problem);

	if (status == EMR_OK && args->n_operands == d->looks && !args->given[EMR_OPT_QUORUM] &&
		!args->given[EMR_OPT_ROLE])
		status = org_host_look(args, out, &is_done, &problem);
	if (status != EMR_OK || is_done)
		return emr_bureau_end(out, status, &problem);
	return d->run != NULL ? d->run(args, out) : emr_bureau_run(args, out, d->work);
}

int emr_cmd_org(const emr_args *args, emr_out *out)
{
	static const deed deeds[] = {
		{"create", 1, 2, OF_NETWORK | OF_ROLE | OF_WITHIN | OF_WORDS | OF_LOGIN, 0,
			emr_init_network, NULL},
		{"admit", 2, 2, 0, 0, NULL, emr_org_admit},
		{"leave", 1, 2, 0, 0, NULL, emr_org_leave},
		{"show", 1, 1, 0, 1, NULL, emr_org_show},
		{"revoke", 2, 2, 0, 0, NULL, emr_org_revoke},
		{"rules", 1, 3, OF_QUORUM | OF_ROLE, 1, emr_org_rules, NULL},
		{"team", 2, 4, 0, 2, emr_org_team, NULL}, {"mint", 3, 3, 0, 0, NULL, emr_org_mint},
		{"contract", 1, 2, 0, 1, NULL, emr_org_contract},
		{"host", 1, 2, 0, 1, NULL, emr_org_host}};
	emr_problem problem = {0};

	for (size_t i = 0; i < sizeof deeds / sizeof *deeds && args->n_operands > 0; i++)
		if (strcmp(args->operands[0], deeds[i].name) == 0 &&
			args->n_operands >= deeds[i].least && args->n_operands <= deeds[i].most)
			return run_deed(&deeds[i], args, out);
	(void)!emr_wrong_use("org",
		_("org takes create NAME, admit NAME, leave [NAME], show, "
		  "rules [FILE | approve ID], revoke HANDLE, team NAME "
		  "[add HANDLE | remove HANDLE], mint WHO POINTS, contract [N] or host [KEY]."),
		&problem);
	return emr_out_fail(out, &problem);
}
