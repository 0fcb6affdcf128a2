/* This file is `emrfs join` and `emrfs network leave`: one takes a person with an invitation into a
 * network, together with the records that are here, or renews a certificate; the other takes the
 * person and the records out again, without the network's host. An interrupted one goes on with the
 * same command. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/codes.h"
#include "keyring/card.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "network/bringing.h"
#include "network/joining.h"
#include "network/own_dir.h"
#include "replica/names.h"
#include "replica/ask.h"
#include "session/absence.h"
#include "session/annex.h"
#include "session/keys.h"
#include "session/network_dir.h"
#include "session/registered.h"
#include "verbs/cmd.h"
#include "verbs_private.h"

typedef struct joiner {
	const emr_args *args;
	emr_out *out;
	emr_places places;
	emr_settings settings;
	emr_session session; /* the old ledger's */
	emr_joining joining;
	emr_bringing bringing;
	const char *network; /* the one that is joined, or left */
	bool leaves;
	emr_passphrase passphrase;
	int keyfile_fd; /* nobody else replaces the keyfile meanwhile */
	int64_t within_ns;
	bool is_kept, is_certified; /* by an earlier try */
	emr_takeover_tally look;
	json_t *members;
} joiner;

static void joiner_end(joiner *j)
{
	emr_bringing_end(&j->bringing);
	emr_session_close(&j->session);
	emr_joining_free(&j->joining);
	emr_passphrase_free(&j->passphrase);
	if (j->keyfile_fd >= 0)
		close(j->keyfile_fd);
	json_decref(j->members);
	emr_settings_free(&j->settings);
	emr_places_free(&j->places);
}

/* ---- which network ---- */

/* A used invitation is no file any more: then the one that was kept counts. */
static emr_status choose_invitation(joiner *j, emr_problem *out_problem)
{
	const char *file = j->args->n_operands > 0 ? j->args->operands[0] : NULL;
	bool is_begun = emr_bringing_is_begun(j->session.state_fd);
	emr_problem ignored = {0};

	if (is_begun && (file == NULL || (access(file, F_OK) != 0 && !emr_joining_is_code(file)))) {
		j->is_kept = true;
		return emr_bringing_kept(j->session.state_fd, j->places.state, &j->joining,
			&j->is_certified, out_problem);
	}
	if (file == NULL)
		return emr_wrong_use("join",
			_("join needs a code, or an invitation: a file, or -."), out_problem);
	EMR_TRY(emr_joining_read(
		file, j->args->values[EMR_OPT_NETWORK], j->places.state, &j->joining, out_problem));
	if ((j->joining.invitation.roles & EMR_ROLE_AGENT) != 0)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_BAD_INVITATION, "cause",
			_("it is for a service that releases keys, with a keyring of its own"),
			NULL);
	EMR_TRY(emr_own_dir_allow(j->joining.invitation.place, j->args->values[EMR_OPT_NETWORK],
		j->out, out_problem));
	if (is_begun) {
		emr_joining kept = {.dir = NULL};
		bool same =
			emr_bringing_kept(j->session.state_fd, j->places.state, &kept,
				&j->is_certified, &ignored) == EMR_OK &&
			emr_bytes_equal(emr_buf_view(&kept.bytes), emr_buf_view(&j->joining.bytes));
		bool goes_elsewhere = j->is_certified && !same && kept.dir != NULL &&
				      !emr_bytes_equal(kept.invitation.descriptor,
					      j->joining.invitation.descriptor);

		j->is_certified = j->is_certified && same;
		if (goes_elsewhere)
			emr_problem_set(out_problem, EMR_SAY_JOIN_UNDER_WAY, "what",
				kept.invitation.network, NULL);
		emr_joining_free(&kept);
		if (goes_elsewhere)
			return EMR_DENIED;
	}
	return EMR_OK;
}

/* The same command once more, after a join whose end nobody saw. */
static bool is_done_already(joiner *j)
{
	EMR_AUTO_FREE char *dir = NULL;
	char name[256], shown[512];
	int state_fd = j->session.state_fd;

	if (emr_bringing_is_begun(state_fd) || j->args->n_operands == 0 ||
		access(j->args->operands[0], F_OK) == 0 ||
		emr_joining_is_code(j->args->operands[0]) ||
		faccessat(state_fd, EMR_STATE_ANNEX "/" EMR_JOINING_JOINED, F_OK,
			AT_SYMLINK_NOFOLLOW) != 0 ||
		emr_network_dir_of(state_fd, &dir) != EMR_OK ||
		emr_network_dir_name(dir, name) != EMR_OK)
		return false;
	emr_show(name, shown, sizeof shown);
	emr_out_text(j->out, "network", name);
	emr_out_flag(j->out, "registered", true);
	emr_say(j->out, "Your records are with %s already.\n", shown);
	return true;
}

/* ---- the old ledger ---- */

/* A change that is not on the old ledger would not be on the new one either. */
static emr_status send_all(joiner *j, emr_problem *out_problem)
{
	emr_view_counts counts;
	uint64_t waiting = 0;
	char n[EMR_TEXT_BYTES];
	emr_status status = emr_view_publish_now(j->session.view);

	if (status == EMR_OK)
		status = emr_view_publish_now(
			j->session.view); /* what moved between domains takes two */
	if (status == EMR_OK)
		status = emr_view_waiting(j->session.view, &waiting);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("Your ledger"));
	emr_view_count(j->session.view, &counts);
	waiting =
		waiting > counts.pending + counts.failed ? waiting : counts.pending + counts.failed;
	if (waiting == 0)
		return EMR_OK;
	emr_number_text(waiting, n);
	return EMR_PROBLEM(EMR_BUSY, out_problem, EMR_SAY_UNSENT, "n", n, NULL);
}

/* A network's is left with what its host still says, if it answers; one that is not believed any
 * more keeps nobody. */
static emr_status open_old(joiner *j, emr_problem *out_problem)
{
	const emr_session_options options = {.places = &j->places, .may_hurry = j->leaves};
	emr_absence absence;
	emr_status status = EMR_OK;

	EMR_TRY(emr_session_open_keyed(&j->session, &options, out_problem));
	emr_absence_look(&j->session, &absence);
	if (!j->leaves && absence.status != EMR_OK) {
		emr_absence_say(&j->session, &absence, NULL, out_problem);
		return absence.status;
	}
	if ((!j->leaves || j->session.read_only) &&
		emr_session_is_read_only(&j->session, out_problem))
		return EMR_READ_ONLY;
	if (j->leaves && emr_keyring_kind_of(j->session.keyring) != EMR_KEYRING_PERSON)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_FIRST_COMPUTER, NULL);
	if (!j->leaves)
		status = send_all(j, out_problem);
	emr_view_free(j->session.view);
	j->session.view = NULL;
	if (status != EMR_OK)
		return status;
	status = emr_takeover_look(j->session.facts, &j->look);
	if (status == EMR_OK && j->look.unreadable > 0) {
		char n[EMR_TEXT_BYTES];

		emr_number_text(j->look.unreadable, n);
		return EMR_PROBLEM(EMR_DAMAGED, out_problem, EMR_SAY_JOIN_UNREADABLE, "n", n, NULL);
	}
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, _("Your records"));
	return status;
}

/* ---- what members will see ---- */

static void say_visible(const joiner *j, const char *n)
{
	const emr_takeover_tally *t = &j->look;
	char sizes[EMR_TEXT_BYTES], bytes[EMR_TEXT_BYTES];

	emr_number_text(t->sizes, sizes);
	emr_size_text(t->bytes, bytes);
	emr_out_put(j->out, "visible_to_members",
		json_pack("[{s:s, s:I}, {s:s, s:I}, {s:s, s:I}, {s:s, s:s}]", "what", "entries",
			"n", (json_int_t)(t->files + t->directories + t->links), "what", "sizes",
			"n", (json_int_t)t->sizes, "what", "stored_bytes", "n",
			(json_int_t)t->bytes, "what", "certificate", "code", j->session.code));
	emr_remark_that(j->out, EMR_SAY_JOIN_SEE, "what", j->network, "n", n, "m", sizes, "value",
		bytes, "who", j->session.code, NULL);
}

static emr_status agree(joiner *j, emr_problem *out_problem)
{
	char n[3 * EMR_COUNT_BYTES];

	emr_entries_text(j->look.files, j->look.directories, j->look.links, n);
	if (j->leaves)
		emr_remark_that(j->out, EMR_SAY_LEAVING, "what", j->network, "n", n, NULL);
	else
		say_visible(j, n);
	if (j->args->given[EMR_OPT_YES] || j->is_certified)
		return EMR_OK; /* of an earlier try: that was the yes */
	if (emr_terminal_there() && !j->out->is_json &&
		emr_terminal_says_yes(j->leaves
					      ? _("Leave this network (yes, no)?")
					      : _("Join, and bring your records into this network "
						  "(yes, no)?")))
		return EMR_OK;
	return EMR_PROBLEM(EMR_DENIED, out_problem,
		j->leaves ? EMR_SAY_NO_YES : EMR_SAY_JOIN_NEEDS_YES, "what",
		j->leaves ? _("Your records stay with this network.") : j->network, NULL);
}

/* ---- members ---- */

#define MEMBERS_MAX 100 /* that are told */

static emr_status add_members(joiner *j)
{
	EMR_ASK(asked, j->bringing.replica, PEOPLE);
	char id[65], code[EMR_KEY_CODE_MAX + 1];
	emr_known_person person;
	emr_registered known;

	while (json_array_size(j->members) < MEMBERS_MAX && emr_next(&asked, &person)) {
		EMR_TRY(emr_registered_find(j->bringing.replica,
			emr_ledger_descriptor(j->bringing.ledger), person.signer_id,
			emr_clock_unix_s(emr_clock_system()), &known));
		if (!known.is_active)
			continue;
		emr_hex(person.signer_id.b, sizeof person.signer_id.b, id);
		emr_key_code(person.signer_id, EMR_KEY_CODE_NAMES, code);
		if (json_array_append_new(
			    j->members, json_pack("{s:s, s:s, s:s, s:o}", "id", id, "code", code,
						"role", known.roles, "organisation",
						emr_json_text(known.organisation))) != 0)
			return EMR_NO_MEMORY;
	}
	return asked.status;
}

/* ---- the whole ---- */

static emr_status prepare(joiner *j, emr_problem *out_problem)
{
	const char *within = j->args->values[EMR_OPT_WITHIN];
	const emr_session_options options = {.places = &j->places};
	emr_status status = emr_places_find(j->args->values[EMR_OPT_AS], &j->places, out_problem);

	if (within != NULL && emr_duration_parse(within, &j->within_ns) != EMR_OK)
		return emr_wrong_use(
			"join", _("--within takes a time: 90s, 10min, 2h."), out_problem);
	if (status == EMR_OK)
		status = emr_settings_read(&j->places, &j->settings, out_problem);
	if (status == EMR_OK)
		status = emr_keys_protect(out_problem);
	if (status == EMR_OK)
		status = emr_session_lock(&j->session, &options, out_problem);
	if (status == EMR_OK)
		status = emr_keys_lock(j->session.state_fd, &j->keyfile_fd, out_problem);
	return status;
}

static emr_status code_of(const joiner *j, char out[40])
{
	emr_public identity;
	char code[64];

	EMR_TRY(emr_keyring_public(j->session.keyring, &identity));
	emr_base32(identity.signer_id.b, 8, code);
	snprintf(out, 40, "patient-%.8s", code);
	return EMR_OK;
}

static emr_status join(joiner *j, emr_problem *out_problem)
{
	emr_bringing *b = &j->bringing;
	char handle[40];
	emr_status status = open_old(j, out_problem);

	if (status == EMR_OK)
		status = agree(j, out_problem);
	if (status == EMR_OK)
		status = code_of(j, handle);
	if (status == EMR_OK)
		status = emr_bringing_begin(b, out_problem);
	if (status == EMR_OK)
		status = emr_bringing_register(b, handle, j->within_ns, out_problem);
	if (!j->leaves)
		emr_out_flag(j->out, "registered", status == EMR_OK);
	if (status == EMR_OK)
		status = emr_bringing_records(b, out_problem);
	if (status == EMR_OK)
		status = add_members(j);
	return status == EMR_OK
		       ? emr_bringing_finish(b, &j->passphrase, &j->settings.kdf, out_problem)
		       : status;
}

/* A member comes for a new certificate: with an invitation of the network it belongs to. */
static emr_status renew(joiner *j, const char *dir, emr_problem *out_problem)
{
	const emr_session_options options = {.places = &j->places};
	char handle[40];

	emr_network_hear(j->args, j->joining.invitation.place);
	EMR_TRY(emr_session_open_keyed(&j->session, &options, out_problem));
	if (!emr_bytes_equal(
		    emr_ledger_descriptor(j->session.ledger), j->joining.invitation.descriptor))
		return EMR_PROBLEM(
			EMR_EXISTS, out_problem, EMR_SAY_MEMBER_ALREADY, "dir", dir, NULL);
	EMR_TRY(code_of(j, handle));
	EMR_TRY(emr_bringing_begin(&j->bringing, out_problem));
	EMR_TRY(emr_bringing_renew(
		&j->bringing, handle, j->within_ns, &j->passphrase, &j->settings.kdf, out_problem));
	emr_out_text(j->out, "network", j->joining.invitation.network);
	emr_out_flag(j->out, "registered", true);
	emr_out_flag(j->out, "renewed", true);
	emr_say(j->out, "Your key has a new certificate of %s.\n", j->joining.invitation.network);
	return EMR_OK;
}

static void say_done(joiner *j)
{
	const emr_takeover_tally *t = &j->bringing.tally;
	uint64_t n = t->files + t->directories + t->links;
	char number[3 * EMR_COUNT_BYTES], shown[512];

	emr_entries_text(t->files, t->directories, t->links, number);
	emr_show(j->network, shown, sizeof shown);
	emr_out_text(j->out, "network", j->network);
	emr_out_number(j->out, "copied", n);
	if (j->leaves) {
		emr_say(j->out, "You have left %s. %s are on a ledger of your own.\n", shown,
			number);
	} else {
		emr_out_put(j->out, "members", json_incref(j->members));
		emr_say(j->out,
			"You are a member of %s. %s went along, with their ids, versions "
			"and contents as they were;\n"
			"what was before stays readable here, and nowhere else.\n",
			shown, number);
	}
	emr_say_to_open(j->out);
	emr_say_one_copy(j->out, &j->places, NULL); /* an earlier backup is of the old ledger */
}

static joiner joiner_of(const emr_args *args, emr_out *out)
{
	return (joiner){.args = args,
		.out = out,
		.session = EMR_SESSION_CLOSED,
		.bringing = EMR_BRINGING_NONE,
		.keyfile_fd = -1,
		.within_ns = EMR_JOIN_WITHIN_NS,
		.members = json_array()};
}

static emr_status open_keys(joiner *j, emr_problem *out_problem)
{
	j->bringing.session = &j->session;
	j->bringing.out = j->out;
	return emr_keys_open_once(j->session.state_fd, j->session.state_path,
		j->args->values[EMR_OPT_PASSPHRASE_FILE], &j->passphrase, &j->session.keyring,
		out_problem);
}

emr_status emr_join_with_keyring(const emr_args *args, emr_out *out, emr_passphrase *out_passphrase,
	emr_problem *out_problem)
{
	__attribute__((cleanup(joiner_end))) joiner j = joiner_of(args, out);
	EMR_AUTO_FREE char *dir = NULL;
	emr_status status;

	EMR_TRY(prepare(&j, out_problem));
	if (is_done_already(&j))
		return EMR_OK;
	EMR_TRY(choose_invitation(&j, out_problem));
	EMR_TRY(open_keys(&j, out_problem));
	j.joining.login = (emr_login){.id = args->values[EMR_OPT_LOGIN],
		.secret_file = args->values[EMR_OPT_SECRET_FILE]};
	j.bringing.joining = &j.joining;
	j.network = j.joining.invitation.network;
	if (emr_network_dir_of(j.session.state_fd, &dir) == EMR_OK)
		status = renew(&j, dir, out_problem);
	else if ((status = join(&j, out_problem)) == EMR_OK)
		say_done(&j);
	*out_passphrase = j.passphrase;
	j.passphrase = (emr_passphrase){0};
	return status;
}

emr_status emr_network_leave(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(joiner_end))) joiner j = joiner_of(args, out);
	EMR_AUTO_FREE char *dir = NULL;
	char name[256];
	emr_status status;

	j.leaves = true;
	EMR_TRY(prepare(&j, out_problem));
	status = emr_network_dir_of(j.session.state_fd, &dir);
	if (status == EMR_NOT_FOUND) {
		emr_say(out, "Your records are on a ledger of your own.\n");
		return EMR_OK;
	}
	if (status == EMR_OK)
		status = emr_network_dir_name(dir, name);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, EMR_STATE_NETWORK);
	if (!emr_network_dir_is_served(dir))
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_LEFT, "cause",
			_("only a network that another's host serves can be left"), NULL);
	j.network = name;
	EMR_TRY(open_keys(&j, out_problem));
	EMR_TRY(join(&j, out_problem));
	say_done(&j);
	return EMR_OK;
}
