/* This file is `emrfs executor`: somebody can read a person's records after that person's death. It
 * is another computer of that person, which only reads: its file is sealed under words that one
 * trustee, the executor, and agents who hold to a delay give together, as the 24 words. */
#include <string.h>
#include <unistd.h>

#include "keyring/letters.h"
#include "kit/language.h"
#include "ledger/act.h"
#include "ledger/act_send.h"
#include "org/bureau.h"
#include "people/who.h"
#include "replica/people.h"
#include "session/network_dir.h"
#include "share/devices.h"

#include "trustees.h"

#define NAME "executor"			     /* of the computer */
#define DELAY_S 2592000u		     /* thirty days */
#define VALID_S ((uint64_t)50 * 365 * 86400) /* nothing renews it */

typedef struct naming {
	const emr_args *args;
	emr_out *out;
	emr_acting acting;
	emr_settings settings;
	emr_trustee all[2 * EMR_SHARES_MAX]; /* the executor, trustees, agents */
	emr_pub_trustee_set what;
	emr_id32 executor; /* the first key */
	char organisations[EMR_SHARES_MAX * EMR_WHO_TEXT_BYTES];
	char called[EMR_WHO_TEXT_BYTES];
} naming;

static void naming_end(naming *n)
{
	emr_acting_end(&n->acting);
	emr_settings_free(&n->settings);
}

static emr_status wrong(const char *why, emr_problem *out_problem)
{
	return emr_wrong_use("executor", why, out_problem);
}

/* ---- set ---- */

static emr_status find_executor(naming *n, emr_crowd *crowd, emr_problem *out_problem)
{
	emr_known_person person;
	emr_who who;

	EMR_TRY(emr_who_find_or_say(crowd, n->args->operands[1], &who, out_problem));
	if (who.kind != EMR_WHO_PERSON || !who.is_active ||
		emr_id32_equal(who.root, emr_session_root(&n->acting.session)) ||
		emr_replica_person(crowd->replica, who.id, &person) != EMR_OK ||
		(person.row.roles & EMR_ROLE_AGENT) != 0)
		return wrong(
			_("An executor is another person, who is a member of your network now."),
			out_problem);
	n->all[0].id = who.id;
	memcpy(n->all[0].x25519, person.row.x25519, sizeof n->all[0].x25519);
	n->what.n = 1;
	n->executor = who.root;
	if (!who.is_compared)
		emr_remark_that(n->out, EMR_SAY_NOT_COMPARED, "who", who.called, NULL);
	emr_who_text(&who, n->called, sizeof n->called);
	return EMR_OK;
}

/* A trustee is the executor, too, under whatever key: then that one's yes is no second one.  One
 * who is no member could not be asked. */
static emr_status add_trustee(naming *n, emr_crowd *crowd, emr_id32 id)
{
	emr_trustee *to = &n->all[n->what.n];
	emr_known_person person = {.signer_id = id};
	emr_who who;

	EMR_TRY(emr_who_of(crowd, id, &who));
	if (!who.is_registered || !who.is_active || emr_id32_equal(who.root, n->executor))
		return EMR_OK;
	EMR_TRY(emr_replica_present(crowd->replica, id, &person));
	for (unsigned i = 0; i < n->what.n; i++)
		if (emr_id32_equal(n->all[i].id, person.signer_id))
			return EMR_OK;
	to->id = person.signer_id;
	memcpy(to->x25519, person.row.x25519, sizeof to->x25519);
	n->what.n++;
	return EMR_OK;
}

/* Of her own trustees. */
static emr_status find_trustees(naming *n, emr_crowd *crowd, emr_problem *out_problem)
{
	const emr_session *session = &n->acting.session;
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_pub_trustee_set set = {.n = 0};
	emr_status status = emr_replica_trustees(
		session->replica, session->identity.signer_id, false, &item, &part);

	if (status == EMR_OK &&
		!emr_pub_trustee_set_parse(
			(emr_span){item.data + EMR_ITEM_BYTES, item.len - EMR_ITEM_BYTES}, &set))
		status = EMR_DAMAGED;
	for (unsigned i = 0; status == EMR_OK && i < set.n && n->what.n < EMR_SHARES_MAX; i++) {
		emr_id32 id;

		status = emr_trustee_at(emr_buf_view(&item), emr_buf_view(&part), i, &id);
		if (status == EMR_OK)
			status = add_trustee(n, crowd, id);
	}
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	return n->what.n > 1 ? EMR_OK
			     : wrong(_("One of your trustees must be a member of your network, "
				       "who can say yes: emrfs trustees set."),
				       out_problem);
}

static emr_status find_all(naming *n, emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	unsigned agents = 0;
	emr_status status;

	EMR_TRY(emr_crowd_open(&n->acting.session, &crowd));
	EMR_TRY(find_executor(n, &crowd, out_problem));
	EMR_TRY(find_trustees(n, &crowd, out_problem));
	/* An agent that the executor may have in hand would wait for nobody. */
	status = trust_agents(&n->acting.session, &crowd, n->all[0].id, n->all + n->what.n,
		n->organisations, sizeof n->organisations, &agents);
	if (status == EMR_UNSUPPORTED)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_LATER_RULES, NULL);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	if (agents == 0)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NO_DELAY, NULL);
	n->what.t = 2;
	n->what.agents = (uint8_t)agents;
	n->what.agents_t = (uint8_t)(agents / 2 + 1);
	return EMR_OK;
}

static emr_status agree(const naming *n, emr_problem *out_problem)
{
	char question[sizeof n->organisations + 2 * sizeof n->called + 1024];

	snprintf(question, sizeof question,
		_("%1$s can read everything that you have, and what you save later, when one of "
		  "your trustees says yes, too, and agents of %2$u of these organisations (%3$s) "
		  "have waited %4$u days since %1$s asked. Your open folder says at once who asks, "
		  "and you stop it: emrfs trustees stop. Name the executor (yes, no)?"),
		n->called, n->what.agents_t, n->organisations, n->what.delay_s / 86400);
	return emr_bureau_agree(
		n->args, n->out, question, _("No executor was named."), out_problem);
}

/* The words that open the file are in nobody's hands when this has returned. */
static emr_status seal_all(naming *n, const char *dir, emr_keyring *reader, emr_buf *out_file,
	emr_act *out_act, emr_buf *out_part, emr_problem *out_problem)
{
	static const uint8_t only_reads = 1;
	const emr_session *session = &n->acting.session;
	EMR_AUTO_KEYRING words = NULL;
	EMR_AUTO_PASSPHRASE phrase = {0};
	EMR_AUTO_BUF item = {0};
	emr_public public = {.gen = 0};
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_status status = emr_keyring_create(EMR_KEYRING_PERSON, now, &words);

	if (status == EMR_OK)
		status = trust_phrase(words, &phrase);
	if (status == EMR_OK)
		status = emr_keyring_tlv_set(
			reader, EMR_KEYRING_READS, emr_bytes_of(&only_reads, 1));
	if (status == EMR_OK)
		status = verb_device_seal(session, &n->settings.kdf, emr_passphrase_view(&phrase),
			reader, dir, out_file, out_problem);
	if (status == EMR_OK)
		status = emr_keyring_public(reader, &public);
	*out_act = emr_act_trustee_set(emr_trustees_executor(public.signer_id), &n->what);
	if (status == EMR_OK)
		status = emr_act_item(out_act, session->identity.signer_id, now, &item);
	if (status == EMR_OK)
		status = emr_trustees_part_seal(words, emr_buf_view(&item), n->all, out_part);
	return status;
}

static emr_status send(naming *n, const emr_act *act, const emr_buf *part)
{
	const emr_bytes parts[1] = {emr_buf_view(part)};
	uint64_t size = 0;
	uint8_t code = 0;

	EMR_TRY(emr_act_send_each(n->acting.session.keyring, n->acting.session.ledger, act, parts,
		1, NULL, &code, &size));
	return code <= EMR_RESULT_ALREADY ? EMR_OK : EMR_DENIED;
}

static bool is_registered(naming *n, const emr_keyring *reader)
{
	emr_known_person person;
	emr_public public;

	return emr_keyring_public(reader, &public) == EMR_OK &&
	       emr_replica_person(n->acting.session.replica, public.signer_id, &person) == EMR_OK;
}

/* The computer last: the others open nothing without it, and nobody knows what it is called before,
 * who could take that name.  When it is registered an open folder sends it what is missing.  The
 * file stays where nobody knows whether it is. */
static emr_status make_all(naming *n, const char *dir, emr_problem *out_problem)
{
	const char *file = n->args->values[EMR_OPT_CARD_FILE];
	EMR_AUTO_KEYRING reader = NULL;
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	emr_act act;
	emr_status status = verb_device_make(n->acting.session.keyring, &n->settings.kdf, &reader);

	if (status == EMR_OK)
		status = seal_all(n, dir, reader, &bytes, &act, &part, out_problem);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, file);
	EMR_TRY(verb_write_new(file, emr_buf_view(&bytes), out_problem));
	status = send(n, &act, &part);
	if (status == EMR_OK)
		status = emr_share_device_add(n->acting.share, reader, NAME, true,
			emr_clock_unix_s(emr_clock_system()) + VALID_S);
	if (status == EMR_OK || is_registered(n, reader))
		return EMR_OK;
	if (!emr_status_may_pass(status))
		(void)unlink(file);
	return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
}

/* Before the ledger has anything of it. */
static emr_status is_new(naming *n, emr_problem *out_problem)
{
	EMR_AUTO_BUF devices = {0};

	EMR_TRY(emr_share_devices(n->acting.share, &devices));
	EMR_EACH (const emr_device, one, &devices)
		if (one->is_active && (one->only_reads || strcmp(one->name, NAME) == 0))
			return EMR_PROBLEM(
				EMR_EXISTS, out_problem, EMR_SAY_DEVICE_TAKEN, "who", NAME, NULL);
	return EMR_OK;
}

static emr_status set(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(naming_end)))
	naming n = {.args = args, .out = out, .acting = EMR_ACTING_NONE};
	const char *file = args->values[EMR_OPT_CARD_FILE];
	EMR_AUTO_FREE char *dir = NULL;
	emr_status status;

	if (args->n_operands != 2 || file == NULL)
		return wrong(_("emrfs executor set WHO -o FILE"), out_problem);
	EMR_TRY(trust_delay(args->values[EMR_OPT_DELAY], DELAY_S, &n.what.delay_s, out_problem));
	EMR_TRY(trust_is_new(file, out_problem));
	EMR_TRY(emr_acting_keys(&n.acting, args, out_problem));
	EMR_TRY(emr_settings_read(&n.acting.places, &n.settings, out_problem));
	if (emr_keyring_kind_of(n.acting.session.keyring) != EMR_KEYRING_PERSON)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_FIRST_COMPUTER, NULL);
	status = emr_network_dir_of(n.acting.session.state_fd, &dir);
	if (status == EMR_NOT_FOUND) /* alone: there is nobody who waits */
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NO_DELAY, NULL);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	EMR_TRY(emr_network_dir_check(dir, out_problem));
	EMR_TRY(emr_acting_open(&n.acting, out_problem));
	EMR_TRY(is_new(&n, out_problem));
	EMR_TRY(find_all(&n, out_problem));
	EMR_TRY(agree(&n, out_problem));
	EMR_TRY(make_all(&n, dir, out_problem));
	emr_out_text(out, "file", file);
	emr_out_number(out, "delay", n.what.delay_s);
	emr_out_number(out, "agents_needed", n.what.agents_t);
	emr_out_number(out, "agents", n.what.agents);
	emr_say(out,
		"Give %s to %s, and keep no copy: nobody else needs it, and it opens nothing by "
		"itself. To take it back: emrfs device remove executor\n",
		file, n.called);
	return EMR_OK;
}

/* ---- ask ---- */

/* Those who can say yes beside the executor. */
static emr_status name_others(emr_crowd *crowd, const trust_request *r, char out[], size_t size)
{
	emr_bytes item = emr_buf_view(&r->item);
	emr_pub_trustee_set set = {.n = 0};

	if (!emr_pub_trustee_set_parse(
		    (emr_span){item.data + EMR_ITEM_BYTES, item.len - EMR_ITEM_BYTES}, &set))
		return EMR_DAMAGED;
	for (unsigned i = 1; i < set.n; i++) {
		char shown[EMR_WHO_TEXT_BYTES];
		emr_id32 id;
		emr_who who;

		EMR_TRY(emr_trustee_at(item, emr_buf_view(&r->part), i, &id));
		EMR_TRY(emr_who_of(crowd, id, &who));
		emr_who_text(&who, shown, sizeof shown);
		emr_names_add(shown, "; ", out, size);
	}
	return EMR_OK;
}

static emr_status ask(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(naming_end)))
	naming n = {.args = args, .out = out, .acting = EMR_ACTING_NONE};
	AUTO_TRUST_REQUEST r = {.card = {0}};
	char others[EMR_SHARES_MAX * (EMR_WHO_TEXT_BYTES + 2)] = "";
	EMR_AUTO_CROWD crowd = {0};
	emr_status status;
	emr_who who;

	if (args->n_operands != 2 || args->values[EMR_OPT_CARD_FILE] == NULL)
		return wrong(_("emrfs executor ask WHO -o FILE"), out_problem);
	EMR_TRY(trust_is_new(args->values[EMR_OPT_CARD_FILE], out_problem));
	EMR_TRY(emr_acting_keys(&n.acting, args, out_problem));
	EMR_TRY(emr_acting_open(&n.acting, out_problem));
	EMR_TRY(emr_crowd_open(&n.acting.session, &crowd));
	EMR_TRY(emr_who_find_or_say(&crowd, args->operands[1], &who, out_problem));
	status = emr_replica_trustees(crowd.replica, who.id, true, &r.item, &r.part);
	if (status == EMR_NOT_FOUND)
		return wrong(_("That person has named no executor."), out_problem);
	if (status == EMR_OK)
		status = name_others(&crowd, &r, others, sizeof others);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	return trust_request_make(args, &r, others, out, out_problem);
}

emr_status emr_cmd_executor(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	const char *what = args->n_operands > 0 ? args->operands[0] : "";

	if (strcmp(what, "set") == 0)
		return set(args, out, out_problem);
	if (strcmp(what, "ask") == 0)
		return ask(args, out, out_problem);
	return wrong(_("After executor comes set or ask."), out_problem);
}
