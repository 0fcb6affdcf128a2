/* This file is `emrfs guardian`: a parent makes a keyring for a child on this computer, in the
 * parent's network if there is one. Its passphrase is known to nobody: the parents open it by their
 * own. The words on paper are the child's, who takes everything over with them. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/day.h"
#include "base/file.h"
#include "keyring/letters.h"
#include "kit/language.h"
#include "people/who.h"
#include "replica/people.h"
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

	w->all[w->n++] = emr_guardian_of(w->args->values[EMR_OPT_AS], me->signer_id, me->x25519);
	EMR_TRY(emr_crowd_open(&w->acting->session, &crowd));
	for (size_t i = 2; i < w->args->n_operands && w->n < EMR_GUARDIANS_MAX; i++) {
		const char *as = w->args->operands[i];
		emr_known_person person;
		emr_who who;

		EMR_TRY(emr_who_find_or_say(&crowd, as, &who, out_problem));
		if (!emr_at_work_as(as, false).has_keyring ||
			emr_replica_person(crowd.replica, who.id, &person) != EMR_OK)
			return wrong(_("Another guardian has a keyring on this computer, with the "
				       "same name in emrfs people as behind --as."),
				out_problem);
		w->all[w->n++] = emr_guardian_of(as, who.id, person.row.x25519);
	}
	return EMR_OK;
}

emr_status emr_guardians_draw(
	const emr_guardian *all, size_t n, emr_passphrase *out_passphrase, emr_buf *out_file)
{
	EMR_AUTO_KEYRING drawn = NULL;

	EMR_TRY(emr_keyring_create(
		EMR_KEYRING_PERSON, emr_clock_unix_s(emr_clock_system()), &drawn));
	EMR_TRY(trust_phrase(drawn, out_passphrase));
	return emr_guardians_seal(emr_passphrase_view(out_passphrase), all, n, out_file);
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

/* Names are no arguments, which other users of the computer read. */
static emr_status name_it(ward *w)
{
	emr_session *s = &w->child->session;
	emr_profile profile = {.name = ""};
	const char *field = NULL, *name = w->args->values[EMR_OPT_NAME];

	EMR_TRY(emr_keyring_open(s->state_fd, EMR_STATE_KEYFILE,
		emr_passphrase_view(&w->child->passphrase), &s->keyring, &field));
	EMR_TRY(emr_profile_load(s->keyring, s->state_fd, &profile));
	snprintf(profile.name, sizeof profile.name, "%s", name);
	snprintf(profile.born, sizeof profile.born, "%.10s", w->args->values[EMR_OPT_BORN]);
	return emr_profile_save(s->keyring, s->state_fd, &profile);
}

static emr_status make_all(ward *w, emr_problem *out_problem)
{
	EMR_AUTO_BUF file = {0};
	emr_status status = emr_guardians_draw(w->all, w->n, &w->child->passphrase, &file);

	if (status == EMR_OK) /* one of a try that was ended gives way */
		status = emr_file_replace(
			w->child->session.state_fd, EMR_STATE_GUARDIANS, emr_buf_view(&file), 0600);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, w->child->places.state);
	status = make_keyring(w);
	if (status == EMR_OK)
		status = name_it(w);
	if (status == EMR_OK)
		return EMR_OK;
	if (faccessat(w->child->session.state_fd, EMR_STATE_KEYFILE, F_OK, AT_SYMLINK_NOFOLLOW) !=
		0)
		(void)unlinkat(w->child->session.state_fd, EMR_STATE_GUARDIANS, 0);
	return EMR_PROBLEM_STATUS(out_problem, status, w->handle);
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
	if (emr_at_work_as(w->handle, false).has_keyring)
		return EMR_PROBLEM(EMR_EXISTS, out_problem, EMR_SAY_HAS_KEYRING, "state",
			w->child->places.state, NULL);
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
	EMR_TRY(emr_keyring_public(acting.session.keyring, &acting.session.identity));
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

emr_status emr_cmd_guardian(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	if (args->n_operands > 1 && strcmp(args->operands[0], "make") == 0)
		return make(args, out, out_problem);
	return wrong(_("After guardian comes make."), out_problem);
}
