/* This file is `emrfs network leave`: a member takes the records out of a network, from the copy of
 * its ledger that this computer has verified. The network's host is not needed. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "network/bringing.h"
#include "session/annex.h"
#include "session/keys.h"
#include "session/network_dir.h"

#include "verbs_private.h"

typedef struct leaver {
	const emr_args *args;
	emr_out *out;
	emr_places places;
	emr_settings settings;
	emr_session session; /* with the network's ledger */
	emr_bringing bringing;
	emr_passphrase passphrase;
	int keyfile_fd; /* nobody else replaces the keyfile meanwhile */
	char network[256];
} leaver;

static void leaver_end(leaver *l)
{
	emr_bringing_end(&l->bringing);
	emr_session_close(&l->session);
	emr_passphrase_free(&l->passphrase);
	if (l->keyfile_fd >= 0)
		close(l->keyfile_fd);
	emr_settings_free(&l->settings);
	emr_places_free(&l->places);
}

static emr_status refuse(const char *cause, emr_problem *out_problem)
{
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_LEFT, "cause", cause, NULL);
}

static emr_status prepare(leaver *l, emr_problem *out_problem)
{
	const emr_session_options options = {.places = &l->places};
	emr_status status = emr_places_find(l->args->values[EMR_OPT_AS], &l->places, out_problem);

	if (status == EMR_OK)
		status = emr_settings_read(&l->places, &l->settings, out_problem);
	if (status == EMR_OK)
		status = emr_keys_protect(out_problem);
	if (status == EMR_OK)
		status = emr_session_lock(&l->session, &options, out_problem);
	return status == EMR_OK ? emr_keys_lock(l->session.state_fd, &l->keyfile_fd, out_problem)
				: status;
}

/* Whether DIR, with the blocks, is the one in the state. */
static bool is_own(const leaver *l, const char *dir)
{
	struct stat a, b;

	return stat(dir, &a) == 0 &&
	       fstatat(l->session.state_fd, EMR_STATE_NETWORK, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* *OUT_IS_DONE: by the same line, whose end nobody saw. */
static emr_status find_network(leaver *l, bool *out_is_done, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *dir = NULL;
	emr_status status = emr_network_dir_of(l->session.state_fd, &dir);

	*out_is_done = status == EMR_NOT_FOUND &&
		       faccessat(l->session.state_fd, EMR_STATE_ANNEX "/" EMR_JOINING_JOINED, F_OK,
			       AT_SYMLINK_NOFOLLOW) == 0;
	if (*out_is_done)
		return EMR_OK;
	if (status == EMR_NOT_FOUND)
		return refuse(_("they are in no network"), out_problem);
	if (status == EMR_OK && emr_network_dir_is_on_fabric(dir))
		return refuse(_("a network in a channel of Fabric cannot be left; this computer's "
				"copy of it opens with the channel alone"),
			out_problem);
	if (status == EMR_OK && !emr_network_dir_is_served(dir))
		return refuse(
			_("the network is yours, and others come over your host"), out_problem);
	if (status == EMR_OK && !is_own(l, dir))
		return refuse(_("what leads to the host is not in the keyring's own directory"),
			out_problem);
	if (status == EMR_OK)
		status = emr_network_dir_name(dir, l->network);
	return status == EMR_OK ? EMR_OK
				: EMR_PROBLEM_STATUS(out_problem, status, EMR_STATE_NETWORK);
}

/* With what the host still says, if it answers; one that is not believed any more keeps nobody. */
static emr_status open_old(leaver *l, emr_problem *out_problem)
{
	const emr_session_options options = {.places = &l->places, .may_hurry = true};
	emr_status status = emr_keys_open_once(l->session.state_fd, l->session.state_path,
		l->args->values[EMR_OPT_PASSPHRASE_FILE], &l->passphrase, &l->session.keyring,
		out_problem);

	if (status == EMR_OK)
		status = emr_session_open_keyed(&l->session, &options, out_problem);
	if (status != EMR_OK)
		return status;
	if (emr_keyring_kind_of(l->session.keyring) != EMR_KEYRING_PERSON)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_FIRST_COMPUTER, NULL);
	if (l->session.read_only && emr_session_is_read_only(&l->session, out_problem))
		return EMR_READ_ONLY;
	emr_view_free(l->session.view);
	l->session.view = NULL;
	return EMR_OK;
}

static emr_status agree(leaver *l, emr_problem *out_problem)
{
	emr_takeover_tally look;
	char n[EMR_TEXT_BYTES];
	emr_status status = emr_takeover_look(l->session.facts, &look);

	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("Your records"));
	emr_number_text(look.unreadable, n);
	if (look.unreadable > 0)
		return EMR_PROBLEM(EMR_DAMAGED, out_problem, EMR_SAY_JOIN_UNREADABLE, "n", n, NULL);
	emr_number_text(look.files + look.directories + look.links, n);
	emr_remark_that(l->out, EMR_SAY_LEAVING, "what", l->network, "n", n, NULL);
	if (l->args->given[EMR_OPT_YES] ||
		(emr_terminal_there() && !l->out->is_json &&
			emr_terminal_says_yes("Leave this network (yes, no)?")))
		return EMR_OK;
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NO_YES, "what",
		_("Your records stay with this network."), NULL);
}

static emr_status leave(leaver *l, emr_problem *out_problem)
{
	emr_bringing *b = &l->bringing;
	char handle[32];

	b->session = &l->session;
	b->out = l->out;
	snprintf(handle, sizeof handle, "patient-%s", l->session.code);
	EMR_TRY(emr_bringing_alone(b, handle, out_problem));
	EMR_TRY(emr_bringing_records(b, out_problem));
	return emr_bringing_finish(b, &l->passphrase, &l->settings.kdf, out_problem);
}

static void say_done(const leaver *l)
{
	const emr_takeover_tally *t = &l->bringing.tally;
	uint64_t n = t->files + t->directories + t->links;
	char number[EMR_TEXT_BYTES], shown[512];

	emr_number_text(n, number);
	emr_show(l->network, shown, sizeof shown);
	emr_out_text(l->out, "network", l->network);
	emr_out_number(l->out, "copied", n);
	emr_say(l->out, "You have left %s. %s entries are on a ledger of your own.\n", shown,
		number);
	emr_say_to_open(l->out);
	emr_remark_that(
		l->out, EMR_SAY_ONE_COPY, NULL); /* an earlier backup is one of the network */
}

emr_status emr_network_leave(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(leaver_end))) leaver l = {.args = args,
		.out = out,
		.session = EMR_SESSION_CLOSED,
		.bringing = EMR_BRINGING_NONE,
		.keyfile_fd = -1};
	bool is_done = false;

	EMR_TRY(prepare(&l, out_problem));
	EMR_TRY(find_network(&l, &is_done, out_problem));
	if (is_done) {
		emr_say(out, "Your records are on a ledger of your own already.\n");
		return EMR_OK;
	}
	EMR_TRY(open_old(&l, out_problem));
	EMR_TRY(agree(&l, out_problem));
	EMR_TRY(leave(&l, out_problem));
	say_done(&l);
	return EMR_OK;
}
