/* This file is `emrfs guardian`: a patient lets somebody act for the patient until a date; a parent
 * makes a keyring for a child on this computer, in the parent's network if there is one. Its
 * passphrase is known to nobody: the parents open it by their own. The words on paper are the
 * child's, who takes everything over with them. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/day.h"
#include "base/file.h"
#include "keyring/letters.h"
#include "kit/language.h"
#include "kit/purposes.h"
#include "kit/text.h"
#include "people/who.h"
#include "replica/people.h"
#include "session/keys.h"
#include "session/network_dir.h"
#include "session/session.h"

#include "trustees.h"

typedef struct ward {
	const emr_args *args;
	const char *handle; /* and --as */
	emr_acting *acting; /* of the parent who makes it */
	emr_acting *child;  /* places, state and passphrase of the new keyring */
	emr_guardian all[EMR_GUARDIANS_MAX];
	size_t n;
	bool is_there; /* a keyring of that name */
} ward;

static emr_status wrong(const char *why, emr_problem *out_problem)
{
	return emr_wrong_use("guardian", why, out_problem);
}

/* Another guardian is called here as the keyring of that person on this computer is (--as). */
static emr_status find_guardians(ward *w, emr_problem *out_problem)
{
	const emr_public *me = &w->acting->session.identity;
	EMR_AUTO_CROWD crowd = {0};

	/* A guardian is opened by a passphrase that somebody knows. */
	EMR_TRY(emr_keys_refuse_guardians(w->acting->session.state_fd, "guardian", out_problem));
	w->all[w->n++] = emr_guardian_of(w->args->values[EMR_OPT_AS], me->signer_id, me->x25519);
	EMR_TRY(emr_crowd_open(&w->acting->session, &crowd));
	for (size_t i = 2; i < w->args->n_operands && w->n < EMR_GUARDIANS_MAX; i++) {
		const char *as = w->args->operands[i];
		EMR_AUTO_PLACES places = {0};
		EMR_AUTO_FD fd = -1;
		emr_known_person person;
		emr_who who;

		EMR_TRY(emr_who_find_or_say(&crowd, as, &who, out_problem));
		if (!emr_at_work_as(as, false).has_keyring ||
			emr_replica_person(crowd.replica, who.id, &person) != EMR_OK)
			return wrong(_("Another guardian has a keyring on this computer, with the "
				       "same name in emrfs people as behind --as."),
				out_problem);
		EMR_TRY(emr_places_find(as, &places, out_problem));
		EMR_TRY(emr_places_open_state(&places, false, &fd, out_problem));
		EMR_TRY(emr_keys_refuse_guardians(fd, "guardian", out_problem));
		w->all[w->n++] = emr_guardian_of(as, who.id, person.row.x25519);
	}
	return EMR_OK;
}

#define LIST_MAX 4096

/* The list of an earlier try, or of one beside this, which MAKER's keyring opens. */
static bool take_list(int state_fd, const emr_keyring *maker, emr_passphrase *io)
{
	EMR_AUTO_BUF file = {0};
	emr_guardian one;
	emr_status status = emr_file_read(state_fd, EMR_STATE_GUARDIANS, LIST_MAX, &file);

	for (size_t i = 0; status == EMR_OK; i++) {
		status = emr_guardians_at(emr_buf_view(&file), i, &one);
		if (status == EMR_OK && emr_guardians_open(emr_buf_view(&file), i, maker, io->data,
						&io->len) == EMR_OK)
			return true;
	}
	return false;
}

emr_status emr_guardians_settle(int state_fd, const emr_keyring *maker, const emr_guardian *all,
	size_t n, emr_passphrase *io_passphrase)
{
	EMR_AUTO_KEYRING drawn = NULL;
	EMR_AUTO_BUF file = {0};
	emr_status status;

	if (io_passphrase->data == NULL) {
		EMR_TRY(emr_keyring_create(
			EMR_KEYRING_PERSON, emr_clock_unix_s(emr_clock_system()), &drawn));
		EMR_TRY(trust_phrase(drawn, io_passphrase));
	}
	if (take_list(state_fd, maker, io_passphrase))
		return EMR_OK;
	EMR_TRY(emr_guardians_seal(emr_passphrase_view(io_passphrase), all, n, &file));
	status = emr_file_create(state_fd, EMR_STATE_GUARDIANS, emr_buf_view(&file), 0600);
	if (status != EMR_EXISTS)
		return status;
	if (take_list(state_fd, maker, io_passphrase)) /* one beside this was quicker */
		return EMR_OK;
	if (faccessat(state_fd, EMR_STATE_KEYFILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return EMR_EXISTS;
	/* Somebody else's, of a try that ended without a keyring. */
	return emr_file_replace(state_fd, EMR_STATE_GUARDIANS, emr_buf_view(&file), 0600);
}

/* In the parent's network, or alone as the parent is. */
static emr_status make_keyring(ward *w)
{
	const char *words_file = w->args->values[EMR_OPT_WORDS_FILE];
	const char *const alone[] = {"init", "--yes", "--quiet", "--words-file", words_file, NULL};
	const emr_self_invited who = {.administrators = &w->acting->passphrase,
		.administrator = emr_at_work_as(EMR_FAMILY_AS, false).has_keyring
					 ? EMR_FAMILY_AS
					 : w->args->values[EMR_OPT_AS],
		.passphrase = &w->child->passphrase,
		.as = w->handle,
		.handle = w->handle,
		.role = "patient",
		.words_file = words_file};
	EMR_AUTO_FREE char *dir = NULL;
	EMR_AUTO_FREE char *state = strdup(w->acting->places.state);
	emr_status status = emr_network_dir_of(w->acting->session.state_fd, &dir);

	EMR_TRY_MEMORY(state);
	emr_session_close(&w->acting->session);
	if (status == EMR_NOT_FOUND)
		return emr_self_run(&w->child->passphrase, w->handle, alone);
	return status == EMR_OK ? emr_self_invite(&who, state) : status;
}

/* Names are no arguments, which other users of the computer read. EMR_EXISTS: it has a name. */
static emr_status name_it(ward *w)
{
	emr_session *s = &w->child->session;
	emr_profile profile = {.name = ""};
	const char *field = NULL, *name = w->args->values[EMR_OPT_NAME];

	EMR_TRY(emr_keyring_open(s->state_fd, EMR_STATE_KEYFILE,
		emr_passphrase_view(&w->child->passphrase), &s->keyring, &field));
	EMR_TRY(emr_profile_load(s->keyring, s->state_fd, &profile));
	EMR_TRY(profile.name[0] == '\0' ? EMR_OK : EMR_EXISTS);
	snprintf(profile.name, sizeof profile.name, "%s", name);
	snprintf(profile.born, sizeof profile.born, "%.10s", w->args->values[EMR_OPT_BORN]);
	return emr_profile_save(s->keyring, s->state_fd, &profile);
}

/* A keyring that is there is that of a try that was ended, where MAKER opens it and it lacks a
 * name.
 */
static emr_status make_all(ward *w, emr_problem *out_problem)
{
	emr_status status = EMR_OK;

	if (w->is_there && faccessat(w->child->session.state_fd, EMR_STATE_GUARDIANS, F_OK,
				   AT_SYMLINK_NOFOLLOW) != 0)
		status = EMR_EXISTS;
	if (status == EMR_OK)
		status = emr_guardians_settle(w->child->session.state_fd,
			w->acting->session.keyring, w->all, w->n, &w->child->passphrase);
	if (status == EMR_OK && !w->is_there)
		status = make_keyring(w);
	if (status == EMR_OK)
		status = name_it(w);
	if (status == EMR_OK)
		return EMR_OK;
	return w->is_there ? EMR_PROBLEM(EMR_EXISTS, out_problem, EMR_SAY_HAS_KEYRING, "state",
				     w->child->places.state, NULL)
			   : EMR_PROBLEM_STATUS(out_problem, status, w->handle);
}

static emr_status check(ward *w, emr_problem *out_problem)
{
	const char *name = w->args->values[EMR_OPT_NAME], *born = w->args->values[EMR_OPT_BORN];
	char today[EMR_DAY_BYTES];

	emr_day_of(emr_clock_unix_s(emr_clock_system()), today);
	if (name == NULL || !emr_card_name_ok(name) || born == NULL || !emr_day_is(born) ||
		strcmp(born, today) > 0 || w->args->values[EMR_OPT_WORDS_FILE] == NULL)
		return wrong(_("emrfs guardian make HANDLE --name NAME --born YYYY-MM-DD "
			       "--words-file FILE"),
			out_problem);
	EMR_TRY(emr_places_find(w->handle, &w->child->places, out_problem));
	w->is_there = emr_at_work_as(w->handle, false).has_keyring;
	return emr_places_open_state(
		&w->child->places, true, &w->child->session.state_fd, out_problem);
}

static emr_status make(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(emr_acting_end))) emr_acting acting = EMR_ACTING_NONE;
	__attribute__((cleanup(emr_acting_end))) emr_acting child = EMR_ACTING_NONE;
	ward w = {.args = args, .handle = args->operands[1], .acting = &acting, .child = &child};

	EMR_TRY(check(&w, out_problem));
	EMR_TRY(emr_acting_keys(&acting, args, out_problem));
	EMR_TRY(emr_acting_open(&acting, out_problem));
	EMR_TRY(find_guardians(&w, out_problem));
	EMR_TRY(make_all(&w, out_problem));
	emr_out_text(out, "as", w.handle);
	emr_out_text(out, "folder", child.places.state);
	emr_say(out,
		"It is made. Your own passphrase opens it: emrfs --as %s mount. The 24 words in %s "
		"belong on paper, for the person whose records these are: with them emrfs --as %s "
		"recover --lost takes everything over, and you open it no more.\n",
		w.handle, args->values[EMR_OPT_WORDS_FILE], w.handle);
	return EMR_OK;
}

/* ---- of a person who has a keyring ---- */

#define HOUR_NS INT64_C(3600000000000) /* a rule is shown in hours and days */

static emr_status add(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	const char *folder = args->values[EMR_OPT_FOR], *within = args->values[EMR_OPT_WITHIN];
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;
	emr_request request = {.ask = EMR_ASK_SHARE, .write = true, .deposit = true};
	int64_t most_ns = 30 * 24 * HOUR_NS;
	json_t *grant = NULL;
	size_t used = 0;

	if (folder == NULL || !args->given[EMR_OPT_UNTIL] ||
		(args->n_operands > 2 &&
			(args->n_operands == 3 || strcmp(args->operands[2], "with") != 0)))
		return wrong(_("emrfs guardian add WHO [with WHO...] --for FOLDER --until DATE"),
			out_problem);
	if ((within != NULL && emr_duration_parse(within, &most_ns) != EMR_OK) ||
		most_ns % HOUR_NS != 0 || most_ns / HOUR_NS > EMR_ASK_LIMIT_MAX / 60)
		return wrong(
			_("--within takes whole hours or days, such as 12h or 30d."), out_problem);
	if (strlen(args->operands[1]) >= sizeof request.who)
		return wrong(_("Nobody is called that."), out_problem);
	request.limit = (uint32_t)(most_ns / HOUR_NS * 60);
	snprintf(request.who, sizeof request.who, "%s", args->operands[1]);
	for (size_t i = 3; i < args->n_operands && used < sizeof request.reason; i++)
		used += (size_t)snprintf(request.reason + used, sizeof request.reason - used,
			"%s\n", args->operands[i]);
	if (used >= sizeof request.reason)
		return wrong(_("Nobody is called that."), out_problem);
	(void)emr_purposes_parse("treatment,payment,self,legal,family", &request.purposes);
	EMR_TRY(emr_until_take(args, "guardian", &request.until_unix_s, out_problem));
	EMR_TRY(emr_away_take(args, "guardian", &request, out_problem));
	EMR_TRY(emr_client_find(args->values[EMR_OPT_AS], &client, out_problem));
	EMR_TRY(emr_client_path(
		&client, strcmp(folder, "everything") == 0 ? "/" : folder, &request, out_problem));
	EMR_TRY(emr_share_as_asked(args, out, &client, &request, &grant, out_problem));
	emr_out_put(out, "grant", grant);
	return EMR_OK;
}

emr_status emr_cmd_guardian(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	if (args->n_operands > 1 && strcmp(args->operands[0], "add") == 0)
		return add(args, out, out_problem);
	if (args->n_operands > 1 && strcmp(args->operands[0], "make") == 0)
		return make(args, out, out_problem);
	return wrong(_("After guardian comes add or make."), out_problem);
}
