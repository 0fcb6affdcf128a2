/* This file is `emrfs invite` and `emrfs org`, the verbs of administrators: they invite people and
 * answer them with certificates, and hand the other deeds (members, teams, rules) to fs/people/org.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "contract/codes.h"
#include "gateway/channel.h"
#include "keyring/card.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/welcome.h"
#include "network/enrolling.h"
#include "network/post.h"
#include "org/bureau.h"
#include "org/invitations.h"
#include "org/proposals.h"
#include "org/team_care.h"
#include "replica/names.h"
#include "session/network_dir.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

#define REPLY_MAX 4096
#define SLICE_NS INT64_C(200000000) /* after which a signal is looked for */
#define DAY_NS (INT64_C(86400) * 1000000000)
#define ASK_MS 60000u
#define WITHDRAW_MS 5000u /* nobody waits long for what ends anyway, or stays where it failed */

typedef struct inviting {
	const emr_args *args;
	emr_out *out;
	emr_bureau bureau;
	emr_buf bytes; /* of the invitation; secret */
	emr_buf place; /* the way to a network on Fabric, else empty */
	emr_invitation invitation;
	emr_post post;
	const char *handle; /* NULL: the code that the invited asks for */
	int64_t within_ns;
	bool is_over; /* used or withdrawn, or refused: its file opens nothing any more */
} inviting;

static void inviting_end(inviting *i)
{
	emr_wipe(&i->invitation, sizeof i->invitation);
	if (i->bytes.len > 0)
		emr_wipe(i->bytes.data, i->bytes.len);
	emr_buf_free(&i->bytes);
	emr_buf_free(&i->place);
	emr_post_close(&i->post);
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
			  "authority, researcher, auditor, registrar or agent, or, on "
			  "Fabric, device (another computer of somebody)."),
			out_problem);
	/* A person is no agent: what releases keys is nobody who could read with them. */
	if ((*out_roles & (EMR_ROLE_ORG_ADMIN | EMR_ROLE_GATEWAY)) != 0 ||
		((*out_roles & EMR_ROLE_DEVICE) != 0 && *out_roles != EMR_ROLE_DEVICE) ||
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
	return org_host_write(file, emr_buf_view(&i->bytes), out_problem);
}

/* The invited person of a network on Fabric may be anywhere: the invitation leads there. */
static emr_status find_place(inviting *i, emr_problem *out_problem)
{
	const char *dir = i->bureau.dir;
	char cause[256] = "";
	emr_status status = emr_channel_carry(dir, &i->place, cause, sizeof cause);

	if (status == EMR_OK && i->place.len > EMR_INVITE_PLACE_MAX)
		status = EMR_LIMIT;
	if (status == EMR_LIMIT)
		snprintf(cause, sizeof cause, "%s",
			_("its settings and certificates are too long for an invitation"));
	if (status != EMR_OK && cause[0] != '\0')
		emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", dir, "cause", cause, NULL);
	return status;
}

/* A previous invitation, into a network on Fabric, whose file was not taken away: whoever has it
 * may have answered since.  EMR_NOT_FOUND: there is none, or it is another one, or somebody else's.
 */
static emr_status take_up(inviting *i, uint16_t roles)
{
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_invitation found = {0};
	emr_status status = emr_file_read(
		AT_FDCWD, i->args->values[EMR_OPT_CARD_FILE], EMR_INVITE_MAX, &i->bytes);

	if (status == EMR_OK)
		status = emr_invitation_read(emr_buf_view(&i->bytes), &found);
	if (status == EMR_OK &&
		memcmp(found.admin_pk, i->bureau.session.identity.pk, sizeof found.admin_pk) == 0 &&
		emr_id16_equal(found.org, i->bureau.org) && found.roles == roles &&
		emr_invitation_is_for(&found, i->args->operands[0]) && found.expires > now &&
		emr_bytes_equal(
			found.descriptor, emr_ledger_descriptor(i->bureau.session.ledger))) {
		i->invitation = found;
		i->within_ns = (int64_t)(found.expires - now) * 1000000000;
	} else {
		status = EMR_NOT_FOUND;
		if (i->bytes.len > 0)
			emr_wipe(i->bytes.data, i->bytes.len);
		emr_buf_clear(&i->bytes);
	}
	emr_wipe(&found, sizeof found);
	return status;
}

static emr_status new_invitation(inviting *i, uint16_t roles)
{
	const emr_welcome_away away = {.place = emr_buf_view(&i->place),
		.ca_der = emr_buf_view(&i->bureau.ca),
		.whom = i->args->operands[0]};
	char url[EMR_INVITE_URL_MAX + 1];
	uint64_t ends =
		emr_clock_unix_s(emr_clock_system()) + (uint64_t)(i->within_ns / 1000000000) + 1;

	if (snprintf(url, sizeof url, "file:%s", i->bureau.dir) >= (int)sizeof url)
		return EMR_LIMIT;
	return emr_welcome_invite(i->bureau.session.keyring, i->bureau.org,
		emr_ledger_descriptor(i->bureau.session.ledger), url, &away, roles, ends, &i->bytes,
		&i->invitation);
}

static emr_status make_invitation(inviting *i, uint16_t roles, emr_problem *out_problem)
{
	if (take_up(i, roles) == EMR_OK)
		return emr_post_open(i->bureau.dir, &i->invitation, i->bureau.session.keyring,
			&i->post, out_problem);
	EMR_TRY(new_invitation(i, roles));
	EMR_TRY(emr_post_open(
		i->bureau.dir, &i->invitation, i->bureau.session.keyring, &i->post, out_problem));
	return write_invitation(i, out_problem);
}

/* ---- waiting, which whoever invites may end ---- */

static volatile sig_atomic_t is_ended;	  /* the signal that did it */
static volatile sig_atomic_t end_fd = -1; /* ends a call to a gateway, too */

static void end_waiting(int number)
{
	const uint64_t one = 1;
	int error = errno;

	is_ended = number;
	if (end_fd >= 0)
		(void)!write(end_fd, &one, sizeof one);
	errno = error;
}

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define ENDING_SIGNALS (sizeof ending_signals / sizeof *ending_signals)

/* A signal that was ignored (nohup, a shell's background) stays so. */
static void catch_signals(struct sigaction old[ENDING_SIGNALS])
{
	struct sigaction end = {.sa_handler = end_waiting};

	is_ended = 0;
	end_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); /* without one a call ends by itself */
	for (size_t n = 0; n < ENDING_SIGNALS; n++)
		if (sigaction(ending_signals[n], NULL, &old[n]) == 0 &&
			old[n].sa_handler != SIG_IGN)
			sigaction(ending_signals[n], &end, NULL);
}

static void release_signals(const struct sigaction old[ENDING_SIGNALS])
{
	for (size_t n = 0; n < ENDING_SIGNALS; n++)
		sigaction(ending_signals[n], &old[n], NULL);
	if (end_fd >= 0)
		close(end_fd);
	end_fd = -1;
}

/* A gateway that answers nothing holds nobody up behind the end; a moment it has in any case. */
static uint32_t ask_ms(int64_t left_ns)
{
	int64_t ms = left_ns / 1000000;

	return ms < 1000 ? 1000 : ms < ASK_MS ? (uint32_t)ms : ASK_MS;
}

/* EMR_INTERRUPTED: somebody ended it; a reply that came at the same moment is not answered.  In a
 * channel, where the invited may come when nobody waits any more, the answer is an empty one. */
static emr_status await_reply(inviting *i, emr_buf *reply)
{
	const emr_clock *clock = emr_clock_system();
	const int64_t until = emr_clock_boot_ns(clock) + i->within_ns;
	emr_status status = EMR_TIMEOUT;

	while (status == EMR_TIMEOUT && !is_ended) {
		int64_t left = until - emr_clock_boot_ns(clock);
		int64_t slice = left < SLICE_NS ? left : SLICE_NS;

		if (left <= 0)
			break;
		emr_letters_bound(i->post.letters, ask_ms(left), end_fd);
		status = emr_post_look(&i->post, EMR_LETTER_REPLY, REPLY_MAX, slice, reply);
		if (status == EMR_OK && reply->len <= 1) { /* who asked has given up */
			emr_buf_clear(reply);
			status = EMR_TIMEOUT;
		}
	}
	emr_letters_bound(i->post.letters, WITHDRAW_MS, -1);
	/* A computer that is shut down, or a terminal that is closed, withdraws nothing where the
	 * invited may come later: the same line goes on. */
	if (is_ended != 0 && is_ended != SIGINT)
		return EMR_INTERRUPTED;
	if (!is_ended && status != EMR_TIMEOUT)
		return status;
	status = emr_post_put(&i->post, EMR_LETTER_ANSWER, emr_bytes_of("", 1));
	/* At its end it opens nothing, whatever the channel has taken. */
	i->is_over = !is_ended || status == EMR_OK || status == EMR_EXISTS;
	return is_ended ? EMR_INTERRUPTED : EMR_TIMEOUT;
}

static emr_status answer(inviting *i, emr_id32 *out_signer_id, emr_problem *out_problem)
{
	EMR_AUTO_BUF reply = {0};
	EMR_AUTO_BUF cert = {0};
	emr_status status = await_reply(i, &reply);

	if (status == EMR_INTERRUPTED && !i->is_over)
		emr_problem_set(out_problem, EMR_SAY_INVITATION_STAYS, "what", i->args->operands[0],
			"file", i->args->values[EMR_OPT_CARD_FILE], NULL);
	else if (status == EMR_INTERRUPTED)
		emr_problem_set(out_problem, EMR_SAY_WITHDRAWN, "what", i->args->operands[0], NULL);
	if (status == EMR_TIMEOUT)
		emr_problem_set(
			out_problem, EMR_SAY_NOBODY_CAME, "what", i->args->operands[0], NULL);
	if (status == EMR_OK)
		status = emr_invitations_certify(&i->bureau, &i->invitation, emr_buf_view(&reply),
			i->handle, &cert, out_signer_id, out_problem);
	if (status == EMR_OK)
		status = emr_post_put(&i->post, EMR_LETTER_ANSWER, emr_buf_view(&cert));
	/* A transient failure goes better when the same line goes on. */
	if (status != EMR_INTERRUPTED && !emr_status_may_pass(status))
		i->is_over = true;
	return status;
}

/* ---- where the organisation has an authority of its own ---- */

/* Into a place that names LOGIN; what was made before is forgotten. */
static emr_status make_for_login(
	inviting *i, uint16_t roles, const char *login, emr_problem *out_problem)
{
	const char *dir = i->bureau.dir;
	char cause[256] = "", url[EMR_INVITE_URL_MAX + 1];
	uint64_t ends =
		emr_clock_unix_s(emr_clock_system()) + (uint64_t)(i->within_ns / 1000000000) + 1;
	emr_welcome_away away = {.whom = login};
	emr_status status;

	emr_buf_clear(&i->place);
	if (i->bytes.len > 0)
		emr_wipe(i->bytes.data, i->bytes.len);
	emr_buf_clear(&i->bytes);
	status = emr_channel_carry_for(dir, login, &i->place, cause, sizeof cause);
	if (status != EMR_OK && cause[0] != '\0')
		emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", dir, "cause", cause, NULL);
	if (status == EMR_OK && snprintf(url, sizeof url, "file:%s", dir) >= (int)sizeof url)
		status = EMR_LIMIT;
	away.place = emr_buf_view(&i->place);
	return status == EMR_OK ? emr_welcome_invite(i->bureau.session.keyring, i->bureau.org,
					  emr_ledger_descriptor(i->bureau.session.ledger), url,
					  &away, roles, ends, &i->bytes, &i->invitation)
				: status;
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
static void choose_login(const inviting *i, char out[EMR_CHANNEL_LOGIN_MAX + 1])
{
	emr_id16 random = emr_id16_random();
	char code[64];

	emr_base32(random.b, 8, code);
	if (i->handle != NULL)
		snprintf(out, EMR_CHANNEL_LOGIN_MAX + 1, "%s", i->handle);
	else
		snprintf(out, EMR_CHANNEL_LOGIN_MAX + 1, "patient-%.13s", code);
}

/* Nobody is waited for: the authority gives the certificate. */
static emr_status invite_by_authority(inviting *i, uint16_t roles, emr_problem *out_problem)
{
	const char *file = i->args->values[EMR_OPT_CARD_FILE];
	char login[EMR_CHANNEL_LOGIN_MAX + 1];
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
	if (is_known && roles == EMR_ROLE_DEVICE)
		return emr_wrong_use("invite",
			_("The authority has its people from a directory, which gives "
			  "their computers no certificates of their own."),
			out_problem);
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
	const char *file = i->args->values[EMR_OPT_CARD_FILE];
	uint16_t roles = 0;
	emr_id32 signer_id;
	char id[65], code[EMR_KEY_CODE_MAX + 1];
	struct sigaction old[ENDING_SIGNALS];
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
	if (roles == EMR_ROLE_DEVICE && !emr_network_dir_is_on_fabric(i->bureau.dir))
		return emr_wrong_use("invite",
			_("Here another computer needs no invitation: emrfs device add."),
			out_problem);
	if (i->within_ns == 0)
		i->within_ns = emr_network_dir_is_on_fabric(i->bureau.dir) ? EMR_JOIN_WITHIN_NS
									   : 7 * DAY_NS;
	if (emr_enrolling_is_there(i->bureau.dir))
		return invite_by_authority(i, roles, out_problem);
	if (!emr_network_dir_is_on_fabric(i->bureau.dir)) {
		status = invite_by_host(i, roles, expires, out_problem);
		return status == EMR_NOT_FOUND && !out_problem->is_set
			       ? emr_network_dir_refuse(i->bureau.dir, out_problem)
			       : status;
	}
	EMR_TRY(find_place(i, out_problem));
	catch_signals(old); /* before there is a file that would stay */
	status = make_invitation(i, roles, out_problem);
	if (status != EMR_OK) {
		release_signals(old);
		return status;
	}
	emr_say(i->out,
		"The invitation is in %s. Whoever has it can join, once, from any "
		"computer; hand it over in private.\nCtrl-C withdraws it. Ended "
		"otherwise, the same line goes on.\n",
		file);
	emr_progress(i->out, "Waiting until it is used (emrfs join FILE) ...");
	status = answer(i, &signer_id, out_problem);
	emr_progress_end(i->out);
	release_signals(old);
	if (i->is_over)
		(void)unlink(file);
	if (status != EMR_OK)
		return status;
	emr_key_code(signer_id, EMR_KEY_CODE_NAMES, code);
	emr_hex(signer_id.b, sizeof signer_id.b, id);
	emr_out_text(i->out, "handle", i->args->operands[0]);
	emr_out_text(i->out, "role", i->args->values[EMR_OPT_ROLE]);
	emr_out_text(i->out, "code", code);
	emr_out_text(i->out, "id", id);
	emr_out_text(i->out, "organisation", i->bureau.name);
	if (roles & EMR_ROLES_OF_STAFF)
		emr_teams_welcome(&i->bureau, signer_id);
	emr_say(i->out, "%s has a certificate of %s now, as %s (%s).\n", i->args->operands[0],
		i->bureau.name, i->args->values[EMR_OPT_ROLE], code);
	return EMR_OK;
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
	{EMR_OPT_SECRET_FILE, "--secret-file"}};

enum {
	OF_NETWORK = 1,
	OF_ROLE = 2,
	OF_QUORUM = 4,
	OF_WITHIN = 8,
	OF_WORDS = 16,
	OF_LOGIN = 32 | 64
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
		{"vouch", 2, 2, 0, 0, NULL, emr_org_vouch},
		{"team", 2, 4, 0, 2, emr_org_team, NULL}, {"mint", 3, 3, 0, 0, NULL, emr_org_mint},
		{"move", 2, 2, 0, 0, NULL, emr_org_move},
		{"contract", 1, 2, 0, 1, NULL, emr_org_contract},
		{"host", 1, 2, 0, 1, NULL, emr_org_host}};
	emr_problem problem = {0};

	for (size_t i = 0; i < sizeof deeds / sizeof *deeds && args->n_operands > 0; i++)
		if (strcmp(args->operands[0], deeds[i].name) == 0 &&
			args->n_operands >= deeds[i].least && args->n_operands <= deeds[i].most)
			return run_deed(&deeds[i], args, out);
	(void)!emr_wrong_use("org",
		_("org takes create NAME, admit NAME, leave [NAME], show, "
		  "rules [FILE | approve ID], revoke HANDLE, vouch CARD, team NAME "
		  "[add HANDLE | remove HANDLE], mint WHO POINTS, move DIR, contract [N] or host "
		  "[KEY]."),
		&problem);
	return emr_out_fail(out, &problem);
}
