/* This file is `emrfs words`, and `words renew`: a person gets 24 new words and so a new key; the
 * former key and her folders go over to it on the ledger. The keyfile keeps the new seed before the
 * ledger hears of it, and goes over to it when the ledger shows it: a computer that stops in
 * between, or a host that lies, costs nothing, and the next opening finishes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "keyring/keyring.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "ledger/act_send.h"
#include "ledger/act.h"
#include "replica/follower.h"
#include "session/acting.h"
#include "session/keys.h"
#include "session/session.h"
#include "share/give.h"

#include "verbs_private.h"

#define DOMAINS_MAX 500 /* in one batch */
#define SLIPS_MAX 3

typedef struct renewing {
	const emr_args *args;
	emr_out *out;
	emr_acting acting;
	emr_keyring *next;		 /* while ACTING has the former one */
	uint64_t taken;			 /* folders that somebody else owns by now */
	bool has_trustees, has_executor; /* of the former words */
} renewing;

static void renewing_end(renewing *r)
{
	emr_acting_end(&r->acting);
	emr_keyring_free(r->next);
}

/* ---- before ---- */

emr_status emr_words_may_renew(const char *words_file, int state_fd, emr_problem *out_problem)
{
	char folder[4200], number[24];
	int pid = 0;

	if (words_file == NULL && !emr_terminal_there())
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NEEDS_WORDS_FILE, NULL);
	/* An open folder has the former seed, and would go on saving with it. */
	if (emr_session_holder(state_fd, folder, sizeof folder, &pid) != EMR_OK)
		return EMR_OK;
	snprintf(number, sizeof number, "%d", pid);
	emr_problem_set(out_problem, folder[0] != '\0' ? EMR_SAY_IN_USE : EMR_SAY_IN_USE_UNKNOWN,
		"dir", folder, "pid", number, NULL);
	return EMR_BUSY;
}

static emr_status show_and_ask_back(renewing *r, emr_problem *out_problem)
{
	emr_status status = EMR_WRONG_WORDS;

	for (int i = 0; i < SLIPS_MAX && status == EMR_WRONG_WORDS; i++) {
		*out_problem = (emr_problem){0};
		status = emr_words_show(r->next, _("\nThese words take the place of those that you "
						   "have as soon as emrfs says "
						   "so: keep the old ones until then. Press Enter: "
						   "they leave the screen, and "
						   "three of them are asked.\n"));
		if (status == EMR_OK)
			status = emr_words_ask_back(r->next, r->out, out_problem);
	}
	return status;
}

static emr_status save(renewing *r, const emr_keyring *keyring, emr_problem *out_problem)
{
	const emr_kdf_cost cost = emr_keyring_cost(keyring);
	EMR_AUTO_FD lock = -1;
	emr_status status;

	EMR_TRY(emr_keys_lock(r->acting.session.state_fd, &lock, out_problem));
	status = emr_keyring_save(keyring, r->acting.session.state_fd, EMR_STATE_KEYFILE,
		emr_passphrase_view(&r->acting.passphrase), &cost);
	return status == EMR_OK ? EMR_OK
				: EMR_PROBLEM_STATUS(out_problem, status, _("The keyfile"));
}

/* The seed that follows: its words are with the person, and then it is in the keyfile. One that
 * was drawn and never sent is in none, and so in no copy of one. */
static emr_status draw(renewing *r, emr_problem *out_problem)
{
	const char *file = r->args->values[EMR_OPT_WORDS_FILE];
	emr_keyring *keyring = r->acting.session.keyring;
	emr_status status = emr_keyring_draw_next(keyring);

	if (status == EMR_OK)
		status = emr_keyring_succeed(keyring, &r->next);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The keyring"));
	EMR_TRY(file != NULL ? emr_words_write(r->next, file, out_problem)
			     : show_and_ask_back(r, out_problem));
	return save(r, keyring, out_problem);
}

/* ---- on the ledger ---- */

typedef struct acts {
	emr_act *all;
	size_t n;
} acts;

static void acts_end(acts *a)
{
	free(a->all);
}

static emr_status row_of(const renewing *r, const emr_key_text *key, emr_buf *out)
{
	emr_buf_clear(out);
	return emr_replica_state_get(r->acting.session.replica, key->text, out);
}

/* Of the first DOMAINS_MAX folders; HEIR has the seed that they go to. */
static emr_status hand_over(
	const renewing *r, const emr_keyring *heir, const emr_buf *domains, acts *a)
{
	const emr_session *session = &r->acting.session;
	EMR_AUTO_BUF row = {0};
	emr_key_text key;

	EMR_EACH (const emr_id16, domain, domains) {
		if (a->n == DOMAINS_MAX)
			break;
		emr_key_domain(domain->b, &key);
		EMR_TRY(row_of(r, &key, &row));
		EMR_TRY(emr_act_hand_over(heir, emr_ledger_net_id(session->ledger),
			session->identity.signer_id, *domain, emr_buf_view(&row), &a->all[a->n]));
		a->n++;
	}
	return EMR_OK;
}

static emr_status acts_new(acts *a)
{
	a->all = calloc(DOMAINS_MAX + 1, sizeof *a->all);
	return a->all != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* As many folders as fit, and the key behind them: behind it the former one signs nothing. */
static emr_status rotate(renewing *r)
{
	emr_session *session = &r->acting.session;
	emr_bytes parts[DOMAINS_MAX + 1] = {{0}};
	__attribute__((cleanup(acts_end))) acts a = {0};
	EMR_AUTO_BUF domains = {0};
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_BUF row = {0};
	emr_key_text key;
	uint64_t size = 0;
	uint8_t codes[DOMAINS_MAX + 1];
	emr_session heir = *session; /* for what it asks of the same copy */

	heir.keyring = r->next;
	EMR_TRY(acts_new(&a));
	EMR_TRY(emr_session_settle(&heir));
	EMR_TRY(emr_session_unmoved(&heir, &domains, &r->taken));
	EMR_TRY(hand_over(r, r->next, &domains, &a));
	EMR_TRY(emr_act_key_rotate(r->next, emr_ledger_net_id(session->ledger),
		session->identity.signer_id, &a.all[a.n], &part));
	emr_key_signer(session->identity.signer_id.b, &key);
	EMR_TRY(row_of(r, &key, &row));
	EMR_TRY(emr_act_follow(&a.all[a.n], emr_buf_view(&row)));
	parts[a.n++] = emr_buf_view(&part);
	EMR_TRY(emr_act_send_each(
		session->keyring, session->ledger, a.all, parts, a.n, NULL, codes, &size));
	/* A folder that was refused goes over later; a host tells the former key nothing more. */
	return codes[a.n - 1] <= EMR_RESULT_ALREADY ? EMR_OK : EMR_DENIED;
}

/* Words that were asked back are tested; of a file nobody knows whether it was written down. */
static void note_tested(const renewing *r)
{
	const emr_keyring *keyring = r->acting.session.keyring;
	emr_profile profile = {.name = ""};

	if (emr_profile_load(keyring, r->acting.session.state_fd, &profile) != EMR_OK)
		return;
	profile.words_tested_unix_s = r->args->values[EMR_OPT_WORDS_FILE] != NULL
					      ? 0
					      : emr_clock_unix_s(emr_clock_system());
	profile.trustees_tested_unix_s = 0;
	(void)!emr_profile_save(keyring, r->acting.session.state_fd, &profile);
}

/* With the new seed from here on, if the ledger says so to it: a host's word alone counts nothing.
 */
static emr_status go_over(renewing *r, emr_problem *out_problem)
{
	emr_known_person me;
	emr_acting *acting = &r->acting;
	emr_places places = acting->places;
	emr_passphrase passphrase = acting->passphrase;
	int state_fd = dup(acting->session.state_fd);

	acting->places = (emr_places){0};
	acting->passphrase = (emr_passphrase){0};
	emr_acting_end(acting);
	acting->places = places;
	acting->passphrase = passphrase;
	acting->session.state_fd = state_fd;
	acting->session.keyring = r->next;
	r->next = NULL;
	EMR_TRY(emr_acting_open(acting, out_problem));
	EMR_TRY(emr_replica_person(
		acting->session.replica, acting->session.identity.signer_id, &me));
	EMR_TRY(save(r, acting->session.keyring, out_problem));
	note_tested(r);
	return EMR_OK;
}

/* From the sending on, nobody here knows what became of it until the ledger shows it. */
static emr_status follow_key(renewing *r, emr_problem *out_problem)
{
	emr_status status = rotate(r);
	char cause[EMR_PROBLEM_TEXT_BYTES];

	if (status == EMR_OK)
		status = go_over(r, out_problem);
	if (status == EMR_OK)
		return EMR_OK;
	if (!out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The ledger"));
	memcpy(cause, out_problem->text, sizeof cause);
	return EMR_PROBLEM(status, out_problem, EMR_SAY_WORDS_UNSURE, "cause", cause, NULL);
}

/* The folders that are still of a former seed, in batches. *OUT_LEFT: those that stayed. */
static emr_status move_rest(renewing *r, uint64_t *out_left)
{
	emr_session *session = &r->acting.session;
	uint64_t before = UINT64_MAX, size = 0;
	uint8_t codes[DOMAINS_MAX];

	for (;;) {
		__attribute__((cleanup(acts_end))) acts a = {0};
		EMR_AUTO_BUF domains = {0};

		EMR_TRY(emr_session_settle(session));
		EMR_TRY(emr_session_unmoved(session, &domains, &r->taken));
		*out_left = domains.len / sizeof(emr_id16);
		if (*out_left == 0 || *out_left >= before)
			return EMR_OK;
		before = *out_left;
		EMR_TRY(acts_new(&a));
		EMR_TRY(hand_over(r, session->keyring, &domains, &a));
		EMR_TRY(emr_act_send_each(
			session->keyring, session->ledger, a.all, NULL, a.n, NULL, codes, &size));
		EMR_TRY(emr_follow_to(session->replica, size));
	}
}

/* Others read on under the new keys: fragments for those it is shared with, and letters
 * for one's other computers. A failure in one folder does not stop the others; an open folder does
 * the same each day. */
static emr_status pass_on(renewing *r)
{
	emr_status status, first = EMR_OK;
	EMR_AUTO_BUF all = {0};

	EMR_TRY(EMR_ASK_ALL(&all, r->acting.session.replica, DOMAINS));
	EMR_EACH (const emr_known_domain, known, &all) {
		if (!known->is_mine || known->row.head.version == 1)
			continue;
		status = emr_share_renew(r->acting.share, known->domain);
		first = first == EMR_OK ? status : first;
	}
	status = emr_share_pass_on(r->acting.share, NULL);
	return first == EMR_OK ? status : first;
}

static void say_folders(renewing *r, uint64_t left)
{
	emr_out_number(r->out, "folders_left", left);
	emr_out_number(r->out, "folders_taken", r->taken);
	if (left > 0)
		emr_say(r->out,
			emr_text_of(left,
				"%llu folder is still of the former key. Again: emrfs words "
				"renew\n",
				"%llu folders are still of the former key. Again: emrfs words "
				"renew\n"),
			(unsigned long long)left);
	if (r->taken > 0)
		emr_say(r->out,
			emr_text_of(r->taken,
				"%llu folder was handed over before to a key that is not yours: "
				"somebody had your former words, and writes there under your name. "
				"Tell those with whom it is shared, and bring it back from a "
				"backup.\n",
				"%llu folders were handed over before to a key that is not yours: "
				"somebody had your former words, and writes there under your name. "
				"Tell those with whom they are shared, and bring them back from a "
				"backup.\n"),
			(unsigned long long)r->taken);
	if (r->has_trustees)
		emr_say(r->out,
			"Your trustees can give you nothing but the former words: choose them "
			"again (emrfs trustees set), and make a backup then.\n");
	if (r->has_executor)
		emr_say(r->out, "Your executor reads nothing of what you save from now on. To name "
				"one again: emrfs executor set\n");
	emr_say(r->out, "If somebody had the words before: look whether each person that you share "
			"with, and each computer, is yours to trust: emrfs share, emrfs device\n");
	emr_keys_say_backups(r->out, r->acting.session.state_fd);
}

static emr_status finish(renewing *r, bool is_new, emr_problem *out_problem)
{
	uint64_t left = 0;
	emr_status status;

	emr_out_text(r->out, "state", is_new ? "renewed" : "finished");
	emr_say(r->out,
		is_new ? N_("Your 24 new words are in force. The ones before open nothing but "
			    "old backups; keep the new ones, and destroy the old paper.\n")
		       : N_("Your last renewal is finished now, and no other words were "
			    "made: the 24 words that it showed are in force.\n"));
	status = move_rest(r, &left);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	if (pass_on(r) != EMR_OK)
		emr_say(r->out, "Not everybody that you share with has the new keys yet; an open "
				"folder sends them.\n");
	say_folders(r, left);
	return EMR_OK;
}

/* Words for a key that can be followed no more would be on paper and in force nowhere. */
static emr_status refuse_followed(const renewing *r, emr_problem *out_problem)
{
	emr_known_person person;
	emr_status status = emr_replica_person(
		r->acting.session.replica, r->acting.session.identity.signer_id, &person);

	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	return emr_id32_is_zero(EMR_ID32_AT(person.row.next))
		       ? EMR_OK
		       : EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_KEY_FOLLOWED, NULL);
}

static bool has_trustees(const emr_session *session, bool of_executor)
{
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};

	return emr_replica_trustees(session->replica, session->identity.signer_id, of_executor,
		       &item, &part) != EMR_NOT_FOUND;
}

static emr_status renew(renewing *r, emr_problem *out_problem)
{
	emr_session *session = &r->acting.session;
	EMR_AUTO_BUF domains = {0};
	emr_status status;

	EMR_TRY(emr_acting_open(&r->acting, out_problem));
	status = emr_session_unmoved(session, &domains, NULL);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	/* Something of a former renewal is left: that first, and no new words. Not where a computer
	 * is in other hands: it could bring folders back to a former key, and keep the present one
	 * so. */
	if (emr_keyring_has_succeeded(session->keyring) ||
		(domains.len > 0 && !r->args->given[EMR_OPT_LOST]))
		return finish(r, false, out_problem);
	EMR_TRY(refuse_followed(r, out_problem));
	r->has_trustees = has_trustees(session, false);
	r->has_executor = has_trustees(session, true);
	EMR_TRY(draw(r, out_problem));
	EMR_TRY(follow_key(r, out_problem));
	return finish(r, true, out_problem);
}

static emr_status open_keys(renewing *r, emr_problem *out_problem)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_FD state_fd = -1;

	EMR_TRY(emr_places_find(r->args->values[EMR_OPT_AS], &places, out_problem));
	EMR_TRY(emr_places_open_state(&places, false, &state_fd, out_problem));
	EMR_TRY(emr_words_may_renew(r->args->values[EMR_OPT_WORDS_FILE], state_fd, out_problem));
	EMR_TRY(emr_acting_keys(&r->acting, r->args, out_problem));
	if (emr_keyring_kind_of(r->acting.session.keyring) != EMR_KEYRING_PERSON)
		return emr_wrong_use("words",
			_("The 24 words are those of your first computer: this keyring has none."),
			out_problem);
	return EMR_OK;
}

emr_status emr_words_renew(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(renewing_end)))
	renewing r = {.args = args, .out = out, .acting = EMR_ACTING_NONE};

	EMR_TRY(open_keys(&r, out_problem));
	return renew(&r, out_problem);
}

emr_status emr_cmd_words(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_PLACES places = {0};

	if (args->n_operands > 0)
		return strcmp(args->operands[0], "renew") == 0
			       ? emr_words_renew(args, out, out_problem)
			       : emr_wrong_use("words", _("After words comes renew or nothing."),
					 out_problem);
	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &places, out_problem));
	EMR_TRY(emr_keys_protect(out_problem));
	return emr_words_hand_out(args, &places, out_problem);
}
