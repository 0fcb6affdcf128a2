/* This file is `emrfs trustees`: M of N people, whom a person has chosen, help to find the 24 words
 * again. At a new computer `ask` makes a request of a backup (trustees_request.c), each trustee
 * answers it with `help`, and `words` puts the words together out of enough answers. Agents of
 * other organisations have a part, too, where there are some (trustees_recovery.c). */
#include "trustees.h"

#include <stdlib.h>
#include <string.h>

#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "ledger/act_send.h"
#include "ledger/act.h"
#include "org/bureau.h"
#include "people/who.h"
#include "replica/follower.h"
#include "replica/people.h"
#include "session/keys.h"

#define DELAY_S 604800u /* seven days */
#define DAY_S 86400u

/* ---- set ---- */

typedef struct setting {
	const emr_args *args;
	emr_out *out;
	emr_acting acting;
	emr_trustee all[2 * EMR_SHARES_MAX]; /* agents behind trustees */
	emr_id32 roots[EMR_SHARES_MAX];
	emr_pub_trustee_set what;
	unsigned members; /* of the network, who can ask agents */
	char organisations[EMR_SHARES_MAX * EMR_WHO_TEXT_BYTES];
	char names[EMR_SHARES_MAX * (EMR_WHO_TEXT_BYTES + 2)];
} setting;

static void setting_end(setting *s)
{
	emr_acting_end(&s->acting);
}

static emr_status add_one(setting *s, emr_crowd *crowd, const char *text, emr_problem *out_problem)
{
	emr_trustee *to = &s->all[s->what.n];
	emr_known_person person;
	char shown[EMR_WHO_TEXT_BYTES];
	size_t at;
	emr_who who;

	EMR_TRY(emr_who_find_or_say(crowd, text, &who, out_problem));
	if (who.kind != EMR_WHO_PERSON ||
		emr_id32_equal(who.root, emr_session_root(&s->acting.session)))
		return trust_wrong(_("A trustee is another person."), out_problem);
	to->id = who.id;
	emr_who_text(&who, shown, sizeof shown);
	if (who.is_registered && !who.is_active)
		return EMR_PROBLEM(
			EMR_DENIED, out_problem, EMR_SAY_TRUSTEE_ENDED, "who", shown, NULL);
	if (emr_replica_person(crowd->replica, who.id, &person) == EMR_OK &&
		(person.row.roles & EMR_ROLE_AGENT) != 0)
		return trust_wrong(
			_("An agent is no trustee: it has its part beside them."), out_problem);
	if (emr_replica_person(crowd->replica, who.id, &person) == EMR_OK)
		memcpy(to->x25519, person.row.x25519, sizeof to->x25519);
	else if (emr_book_find(&crowd->book, who.called, &at, shown, sizeof shown) == EMR_OK)
		memcpy(to->x25519, crowd->book.people[at].card.x25519, sizeof to->x25519);
	else
		return trust_wrong(_("A trustee is another person."), out_problem);
	s->members += who.is_registered;
	for (unsigned i = 0; i < s->what.n; i++)
		if (emr_id32_equal(s->roots[i], who.root))
			return trust_wrong(_("Each trustee is named once."), out_problem);
	s->roots[s->what.n++] = who.root;
	emr_who_text(&who, shown, sizeof shown);
	emr_names_add(shown, "; ", s->names, sizeof s->names);
	if (!who.is_compared)
		emr_remark_that(s->out, EMR_SAY_NOT_COMPARED, "who", who.called, NULL);
	return EMR_OK;
}

/* "1" to "16". */
static bool read_need(const char *text, unsigned n, uint8_t *out)
{
	char *end = NULL;
	unsigned long value = text != NULL ? strtoul(text, &end, 10) : 0;

	if (text == NULL || text[0] < '0' || text[0] > '9' || *end != '\0' || value < 1 ||
		value > n)
		return false;
	*out = (uint8_t)value;
	return true;
}

emr_status trust_delay(
	const char *text, uint32_t otherwise_s, uint32_t *out, emr_problem *out_problem)
{
	int64_t ns = INT64_C(1000000000) * otherwise_s;

	if ((text != NULL && emr_duration_parse(text, &ns) != EMR_OK) ||
		ns < INT64_C(1000000000) * DAY_S || ns > INT64_C(1000000000) * 90 * DAY_S ||
		ns % (INT64_C(1000000000) * DAY_S) != 0)
		return trust_wrong(_("--delay takes whole days, 1d to 90d."), out_problem);
	*out = (uint32_t)(ns / 1000000000);
	return EMR_OK;
}

static emr_status find_all(setting *s, emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	unsigned agents = 0;
	emr_status status;

	EMR_TRY(emr_crowd_open(&s->acting.session, &crowd));
	for (size_t i = 1; i < s->args->n_operands; i++)
		EMR_TRY(s->what.n < EMR_SHARES_MAX
				? add_one(s, &crowd, s->args->operands[i], out_problem)
				: trust_wrong(_("There are 16 trustees at most."), out_problem));
	if (!read_need(s->args->values[EMR_OPT_NEED], s->what.n, &s->what.t))
		return trust_wrong(_("How many of them must help: --need N, one of them at least "
				     "and all at most."),
			out_problem);
	EMR_TRY(trust_delay(
		s->args->values[EMR_OPT_DELAY], DELAY_S, &s->what.delay_s, out_problem));
	status = trust_agents(&s->acting.session, &crowd, (emr_id32){{0}}, s->all + s->what.n,
		s->organisations, sizeof s->organisations, &agents);
	/* Without them there would be no delay, and no other choice until new words. */
	if (status == EMR_UNSUPPORTED)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_LATER_RULES, NULL);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	s->what.agents = (uint8_t)agents;
	s->what.agents_t = (uint8_t)(agents == 0 ? 0 : agents / 2 + 1);
	if (agents == 0 && s->args->values[EMR_OPT_DELAY] != NULL)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NO_DELAY, NULL);
	/* Of any who help, one at least can ask the agents. */
	return agents == 0 || s->members + s->what.t > s->what.n
		       ? EMR_OK
		       : trust_wrong(_("Agents are asked by members of your network: too few of "
				       "these are."),
				 out_problem);
}

static emr_status agree(const setting *s, emr_problem *out_problem)
{
	char question[sizeof s->names + sizeof s->organisations + 768];

	if (s->what.agents == 0)
		snprintf(question, sizeof question,
			_("Any %1$u of these together (%2$s) can open everything that you have, "
			  "at once, and you hear nothing of it: there is no agent of another "
			  "organisation who would hold to a delay. Members of your network have "
			  "the letters to them already; others need a copy of your ledger. "
			  "Choose them (yes, no)?"),
			s->what.t, s->names);
	else
		snprintf(question, sizeof question,
			_("Any %1$u of these together (%2$s) can open everything that you have, "
			  "with agents of %3$u of these organisations (%4$s), which wait %5$u days "
			  "first. Your open folder says at once who asks, and you stop it: emrfs "
			  "trustees stop. Choose them (yes, no)?"),
			s->what.t, s->names, s->what.agents_t, s->organisations,
			s->what.delay_s / DAY_S);
	return emr_bureau_agree(
		s->args, s->out, question, _("No trustees were chosen."), out_problem);
}

/* Those before could still help, whoever asks: new words first. */
static emr_status refuse_second(const setting *s, emr_problem *out_problem)
{
	const emr_session *session = &s->acting.session;
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_status status = emr_replica_trustees(
		session->replica, session->identity.signer_id, false, &item, &part);

	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	return status == EMR_OK ? EMR_PROBLEM(EMR_EXISTS, out_problem, EMR_SAY_TRUSTEES_THERE, NULL)
				: EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
}

static emr_status send(setting *s)
{
	emr_session *session = &s->acting.session;
	emr_act act = emr_act_trustee_set(emr_id16_random(), &s->what);
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_bytes parts[1];
	uint64_t size = 0;
	uint8_t code;

	EMR_TRY(emr_act_item(
		&act, session->identity.signer_id, emr_clock_unix_s(emr_clock_system()), &item));
	EMR_TRY(emr_trustees_part_seal(session->keyring, emr_buf_view(&item), s->all, &part));
	parts[0] = emr_buf_view(&part);
	EMR_TRY(emr_act_send_each(
		session->keyring, session->ledger, &act, parts, 1, NULL, &code, &size));
	if (code > EMR_RESULT_ALREADY)
		return EMR_DENIED;
	(void)!emr_follow_to(session->replica, size); /* a backup that is made now has it */
	return EMR_OK;
}

static emr_status set(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(setting_end)))
	setting s = {.args = args, .out = out, .acting = EMR_ACTING_NONE};
	emr_status status;

	EMR_TRY(emr_acting_keys(&s.acting, args, out_problem));
	if (emr_keyring_kind_of(s.acting.session.keyring) != EMR_KEYRING_PERSON)
		return trust_wrong(_("The 24 words are those of your first computer: this keyring "
				     "has none."),
			out_problem);
	EMR_TRY(emr_acting_open(&s.acting, out_problem));
	EMR_TRY(find_all(&s, out_problem));
	EMR_TRY(refuse_second(&s, out_problem));
	EMR_TRY(agree(&s, out_problem));
	status = send(&s);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	emr_out_number(out, "needed", s.what.t);
	emr_out_number(out, "trustees", s.what.n);
	emr_out_number(out, "agents_needed", s.what.agents_t);
	emr_out_number(out, "agents", s.what.agents);
	emr_say(out,
		"Any %u of these can give you your words back: %s.\nThey need nothing but their "
		"own keyrings. Make a backup now (emrfs backup DIR): whoever asks them needs one, "
		"and those from before this moment have no letters to them.\n",
		s.what.t, s.names);
	return EMR_OK;
}

/* ---- help ---- */

/* By any key that the trustee had. */
static emr_status answer(const emr_keyring *keyring, const trust_request *r, uint8_t *out)
{
	AUTO_TRUST_BOX box = NULL;
	emr_status status = emr_box_key_identity(keyring, &box);
	emr_id32 me;

	for (size_t i = 0; status == EMR_OK && emr_keyring_former_id(keyring, i, &me) == EMR_OK;
		i++) {
		emr_status one = emr_trustee_answer(box, me, emr_buf_view(&r->item),
			emr_buf_view(&r->part), r->from.x25519, r->about, out);

		if (one != EMR_NOT_FOUND)
			return one;
	}
	return status == EMR_OK ? EMR_NOT_FOUND : status;
}

typedef struct helping {
	const emr_args *args;
	emr_out *out;
	emr_acting acting;
	trust_request r;
	json_t *agents; /* NULL: none are needed */
	uint64_t earliest_unix_s;
	uint8_t sealed[EMR_TRUSTEE_ANSWER_BYTES];
} helping;

static void helping_end(helping *h)
{
	emr_acting_end(&h->acting);
	trust_request_end(&h->r);
	json_decref(h->agents);
}

/* Anybody can say to be the executor: the ledger has the one whom she named. */
static emr_status find_executor(helping *h, emr_crowd *crowd, char asks[], bool *out_is_me)
{
	emr_id32 executor;
	emr_who who;

	EMR_TRY(emr_trustee_at(emr_buf_view(&h->r.item), emr_buf_view(&h->r.part), 0, &executor));
	EMR_TRY(emr_who_of(crowd, executor, &who));
	emr_who_text(&who, asks, EMR_WHO_TEXT_BYTES);
	*out_is_me = emr_id32_equal(who.root, emr_session_root(&h->acting.session));
	return EMR_OK;
}

/* Whose words these are, and who says to ask: often the same, and where not, somebody tries it. */
static emr_status agree_to_help(helping *h, emr_problem *out_problem)
{
	const bool of_executor = emr_trustees_is_executor(h->r.trustees.b);
	EMR_AUTO_CROWD crowd = {0};
	char question[5 * EMR_WHO_TEXT_BYTES + 1024], whose[EMR_WHO_TEXT_BYTES],
		asks[EMR_WHO_TEXT_BYTES];
	bool is_me = false;
	emr_who who;
	emr_status status = emr_crowd_open(&h->acting.session, &crowd);

	if (status == EMR_OK)
		status = emr_who_of(&crowd, h->r.owner, &who);
	if (status == EMR_OK) {
		emr_who_text(&who, whose, sizeof whose);
		emr_show(h->r.from.name, asks, sizeof asks);
	}
	if (status == EMR_OK && of_executor)
		status = find_executor(h, &crowd, asks, &is_me);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	emr_out_text(h->out, "whose", whose);
	snprintf(question, sizeof question,
		is_me ? _("You are to read the records of %1$s, as executor (%2$s). Is %1$s dead "
			  "or "
			  "silent, and is this the number of a request that you made (yes, "
			  "no)?\n  %3$s\n")
		: of_executor
			? _("%2$s, whom %1$s named as executor, wants to read the records of %1$s. "
			    "Call both, by numbers that you had before. Is %1$s dead or silent, "
			    "and does %2$s read you this number (yes, no)?\n  %3$s\n")
			: _("These are the words of %1$s. Somebody who says to be '%2$s' asks for "
			    "them. Call %1$s, by a number that you had before. Does %1$s ask, and "
			    "read you this number (yes, no)?\n  %3$s\n"),
		whose, asks, h->r.number);
	EMR_TRY(emr_bureau_agree(
		h->args, h->out, question, _("Nothing was answered."), out_problem));
	snprintf(question, sizeof question,
		of_executor ? _("With enough answers the executor's file opens everything of %s. "
				"Answer (yes, no)?")
			    : _("Whoever asks can open everything of %s with the answers of enough "
				"trustees. Answer (yes, no)?"),
		whose);
	return emr_bureau_agree(h->args, h->out, question, _("Nothing was answered."), out_problem);
}

/* Of an executor who was taken back: agents would give nothing. */
static emr_status refuse_dismissed(helping *h, emr_problem *out_problem)
{
	bool is_opened = false;
	emr_status status = emr_replica_is_opened(
		h->acting.session.replica, h->r.owner, h->r.trustees.b, &is_opened);

	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	return is_opened ? EMR_OK
			 : trust_wrong(_("That person has named no executor."), out_problem);
}

/* A trustee who is no member has the letter alone; a member asks the agents, too. */
static emr_status ask_agents(helping *h, emr_problem *out_problem)
{
	EMR_AUTO_BUF row = {0};
	emr_key_text key;
	emr_status status;

	if (h->r.terms.agents_t == 0)
		return EMR_OK;
	emr_key_by_object("TR", h->r.trustees.b, &key);
	status = emr_replica_state_get(h->acting.session.replica, key.text, &row);
	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	if (status == EMR_OK)
		status = trust_recovery(&h->acting, &h->r, &h->agents, &h->earliest_unix_s);
	if (status == EMR_DENIED)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_RECOVERY_STOPPED, NULL);
	if (status == EMR_ROLLBACK)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_WORDS_FOLLOWED, NULL);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
}

static void say_helped(const helping *h, const char *file)
{
	char until[EMR_TEXT_BYTES];

	emr_out_text(h->out, "number", h->r.number);
	emr_say(h->out, "Send %s to the person who asks: nobody else can read it.\n", file);
	if (h->r.terms.agents_t == 0)
		return;
	if (h->agents == NULL) {
		emr_say(h->out, "Agents of the network must answer, too: a trustee who is a member "
				"there asks them with this same verb.\n");
		return;
	}
	emr_out_number(h->out, "agents", json_array_size(h->agents));
	emr_time_text((int64_t)h->earliest_unix_s, until);
	if (json_array_size(h->agents) < h->r.terms.agents_t)
		emr_say(h->out,
			"Agents answer from %s on, if nobody stops it: then make another answer "
			"with this same verb, which has theirs in it.\n",
			until);
}

static emr_status help(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	const char *file = args->values[EMR_OPT_CARD_FILE];
	__attribute__((cleanup(helping_end)))
	helping h = {.args = args, .out = out, .acting = EMR_ACTING_NONE};
	char about[65], hex[2 * sizeof h.sealed + 1];
	emr_status status;

	if (args->n_operands != 2 || file == NULL)
		return trust_wrong(_("emrfs trustees help REQUEST -o FILE"), out_problem);
	EMR_TRY(trust_request_read(args->operands[1], &h.r, out_problem));
	EMR_TRY(trust_is_new(file, out_problem));
	if (h.r.from.expires <= emr_clock_unix_s(emr_clock_system()))
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_REQUEST_OLD, "file",
			args->operands[1], NULL);
	EMR_TRY(emr_acting_keys(&h.acting, args, out_problem));
	EMR_TRY(emr_acting_open(&h.acting, out_problem));
	status = answer(h.acting.session.keyring, &h.r, h.sealed);
	if (status == EMR_NOT_FOUND)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NOT_TRUSTEE, NULL);
	if (status != EMR_OK)
		return EMR_PROBLEM(status, out_problem, EMR_SAY_REQUEST_WRONG, "file",
			args->operands[1], NULL);
	EMR_TRY(refuse_dismissed(&h, out_problem));
	EMR_TRY(agree_to_help(&h, out_problem));
	EMR_TRY(ask_agents(&h, out_problem));
	emr_hex(h.r.about.b, sizeof h.r.about.b, about);
	emr_hex(h.sealed, sizeof h.sealed, hex);
	EMR_TRY(trust_write(file,
		json_pack("{s:s, s:s, s:O*}", "about", about, "answer", hex, "agents", h.agents),
		out_problem));
	say_helped(&h, file);
	return EMR_OK;
}

emr_status emr_cmd_trustees(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	static const struct {
		const char *name;
		emr_status (*act)(const emr_args *args, emr_out *out, emr_problem *out_problem);
	} deeds[] = {{"set", set}, {"ask", trust_ask}, {"help", help}, {"words", trust_words},
		{"stop", trust_stop}};

	for (size_t i = 0; args->n_operands > 0 && i < sizeof deeds / sizeof *deeds; i++)
		if (strcmp(args->operands[0], deeds[i].name) == 0)
			return deeds[i].act(args, out, out_problem);
	return trust_wrong(_("After trustees comes set, ask, help, words or stop."), out_problem);
}
