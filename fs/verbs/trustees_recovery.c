/* This file is the part of `emrfs trustees` that goes over the ledger: a member asks there for
 * somebody who lost all keys, agents of other organisations answer when the delay is over, and
 * until then the person, or one of her computers, stops it. */
#include "trustees.h"

#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "contract/rows_share.h"
#include "kit/language.h"
#include "ledger/act.h"
#include "ledger/act_send.h"
#include "replica/ask.h"
#include "replica/follower.h"
#include "session/acting.h"

/* ---- agents ---- */

/* The key that an agent never changes, of its registration: others are gone after weeks. */
static emr_status own_box(emr_replica *replica, const emr_known_person *agent, uint8_t out[32])
{
	const emr_part_key at = {
		.family = EMR_FAMILY_KEY, .object = EMR_ID16_AT(agent->signer_id.b), .version = 1};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_pub_key_reg reg;

	EMR_TRY(emr_replica_item_get(replica, &at, &bytes, &item));
	if (item.op != EMR_OP_KEY_REG || item.bytes.len < EMR_ITEM_BYTES ||
		!emr_pub_key_reg_parse((emr_span){item.bytes.data + EMR_ITEM_BYTES,
					       item.bytes.len - EMR_ITEM_BYTES},
			&reg))
		return EMR_NOT_FOUND;
	memcpy(out, reg.x25519, 32);
	return EMR_OK;
}

/* One of each other organisation: two would be in one hand.  WITHOUT those. */
static emr_status choose_agents(emr_crowd *crowd, emr_bytes without, emr_trustee *out,
	char organisations[], size_t size, unsigned *out_n)
{
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	EMR_AUTO_BUF people = {0};
	EMR_AUTO_BUF seen = {0}; /* organisations */

	EMR_TRY(emr_buf_append(&seen, without.data, without.len));
	EMR_TRY(EMR_ASK_ALL(&people, crowd->replica, PEOPLE_NOW));
	EMR_EACH (const emr_known_person, one, &people) {
		const emr_bytes org = emr_bytes_of(one->row.org, sizeof one->row.org);
		bool is_active = false;
		emr_status status;
		emr_who who;

		if ((one->row.roles & EMR_ROLE_AGENT) == 0 || *out_n == EMR_SHARES_MAX ||
			emr_buf_has(&seen, org))
			continue;
		EMR_TRY(emr_replica_person_is_active(crowd->replica, one, now, &is_active));
		status = is_active ? own_box(crowd->replica, one, out[*out_n].x25519)
				   : EMR_NOT_FOUND;
		if (status == EMR_NOT_FOUND || status == EMR_MISSING_DATA)
			continue;
		EMR_TRY(status);
		out[(*out_n)++].id = one->signer_id;
		EMR_TRY(emr_buf_append(&seen, org.data, org.len));
		EMR_TRY(emr_who_of(crowd, one->signer_id, &who));
		emr_names_add(who.organisation, "; ", organisations, size);
	}
	return EMR_OK;
}

emr_status trust_agents(emr_session *session, emr_crowd *crowd, emr_id32 beside, emr_trustee *out,
	char organisations[], size_t size, unsigned *out_n)
{
	uint8_t without[2][16];
	emr_row_network network;
	emr_known_person me;

	*out_n = 0;
	EMR_TRY(emr_replica_network(session->replica, &network));
	EMR_TRY(emr_replica_person(session->replica, session->identity.signer_id, &me));
	memcpy(without[0], me.row.org, sizeof without[0]);
	if (!emr_id32_is_zero(beside))
		EMR_TRY(emr_replica_person(session->replica, beside, &me));
	memcpy(without[1], me.row.org, sizeof without[1]);
	EMR_TRY(choose_agents(
		crowd, emr_bytes_of(without[0], sizeof without), out, organisations, size, out_n));
	if (*out_n == 0 || network.contract >= emr_op_since(EMR_OP_RECOVER_REQ))
		return EMR_OK;
	*out_n = 0; /* nobody could ask them */
	return EMR_UNSUPPORTED;
}

/* ---- asking ---- */

/* Of the same trustees and the same computer, the one that was first: others could ask after it to
 * hide it.  EMR_NOT_FOUND; EMR_DENIED: all were stopped. */
static emr_status find_recovery(
	emr_replica *replica, const trust_request *r, emr_known_recovery *out)
{
	EMR_ASK(all, replica, RECOVERIES);
	emr_status found = EMR_NOT_FOUND;
	emr_known_recovery one;

	while (emr_next(&all, &one)) {
		if (memcmp(one.row.trustees, r->trustees.b, sizeof r->trustees.b) != 0 ||
			memcmp(one.row.box, r->from.x25519, sizeof one.row.box) != 0)
			continue;
		if (one.row.head.state != EMR_RECOVERY_WAITS) {
			found = found == EMR_OK ? EMR_OK : EMR_DENIED;
		} else if (found != EMR_OK || one.row.earliest_unix_s < out->row.earliest_unix_s) {
			*out = one;
			found = EMR_OK;
		}
	}
	return all.status == EMR_OK ? found : all.status;
}

static emr_status ask_there(emr_acting *acting, const trust_request *r)
{
	emr_session *session = &acting->session;
	const emr_act act = emr_act_recover_ask(emr_id16_random(), r->trustees, r->from.x25519);
	uint64_t size = 0;
	uint8_t code = 0;

	EMR_TRY(emr_act_send_each(
		session->keyring, session->ledger, &act, NULL, 1, NULL, &code, &size));
	if (code > EMR_RESULT_ALREADY)
		return EMR_REFUSED;
	return emr_follow_to(session->replica, size);
}

/* Of those who have answered: EMR_OK also when nobody has. */
static emr_status gather(emr_replica *replica, const emr_known_recovery *of, json_t *answers)
{
	EMR_AUTO_BUF people = {0};

	EMR_TRY(EMR_ASK_ALL(&people, replica, PEOPLE));
	EMR_EACH (const emr_known_person, one, &people) {
		emr_part_key at = {.family = EMR_FAMILY_SHARE, .version = 1};
		char hex[2 * EMR_TRUSTEE_ANSWER_BYTES + 1];
		EMR_AUTO_BUF part = {0};
		emr_status status;

		if ((one->row.roles & EMR_ROLE_AGENT) == 0)
			continue;
		emr_object_recovery(of->request.b, one->signer_id.b, at.object.b);
		status = emr_replica_part(replica, &at, &part);
		if (status == EMR_NOT_FOUND || status == EMR_MISSING_DATA)
			continue;
		EMR_TRY(status);
		if (part.len != 32 + EMR_TRUSTEE_ANSWER_BYTES)
			continue;
		emr_hex(part.data + 32, EMR_TRUSTEE_ANSWER_BYTES, hex);
		if (json_array_append_new(answers, json_string(hex)) != 0)
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}

emr_status trust_recovery(emr_acting *acting, const trust_request *r, json_t **out_answers,
	uint64_t *out_earliest_unix_s)
{
	json_auto_t *answers = json_array();
	emr_known_recovery known;
	emr_known_person lost;
	emr_status status = find_recovery(acting->session.replica, r, &known);

	if (answers == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(emr_replica_person(acting->session.replica, r->owner, &lost));
	if (!emr_id32_is_zero(EMR_ID32_AT(lost.row.next)))
		return EMR_ROLLBACK;
	if (status == EMR_NOT_FOUND) {
		status = ask_there(acting, r);
		/* These two say something else here. */
		if (status == EMR_DENIED || status == EMR_ROLLBACK)
			status = EMR_REFUSED;
		if (status == EMR_OK)
			status = find_recovery(acting->session.replica, r, &known);
	}
	EMR_TRY(status);
	EMR_TRY(gather(acting->session.replica, &known, answers));
	*out_earliest_unix_s = known.row.earliest_unix_s;
	*out_answers = json_incref(answers);
	return EMR_OK;
}

/* ---- stopping ---- */

typedef struct stopping {
	uint64_t n;
	bool is_late;	  /* agents may have answered */
	bool of_executor; /* one of them at least */
} stopping;

static emr_status stop_one(
	emr_session *session, emr_id32 person, const emr_known_recovery *one, stopping *s)
{
	json_auto_t *answers = json_array();
	emr_act act = emr_act_recover_stop(one->request, person);
	uint64_t size = 0;
	uint8_t code = 0;

	s->is_late = s->is_late ||
		     emr_clock_unix_s(emr_clock_system()) >= one->row.earliest_unix_s ||
		     (answers != NULL && gather(session->replica, one, answers) == EMR_OK &&
			     json_array_size(answers) > 0);
	EMR_TRY(emr_replica_follow(session->replica, session->identity.signer_id, &act));
	EMR_TRY(emr_act_send_each(
		session->keyring, session->ledger, &act, NULL, 1, NULL, &code, &size));
	/* Another computer of hers may have been first. */
	if (code > EMR_RESULT_ALREADY && code != EMR_RESULT_GONE)
		return EMR_DENIED;
	s->of_executor = s->of_executor || emr_trustees_is_executor(one->row.trustees);
	s->n++;
	return emr_follow_to(session->replica, size);
}

/* Each of them, also when one is refused. */
static emr_status stop_all(emr_session *session, stopping *s)
{
	EMR_AUTO_BUF all = {0};
	emr_status refused = EMR_OK;
	emr_known_person me;
	emr_id32 person;

	EMR_TRY(emr_replica_person(session->replica, session->identity.signer_id, &me));
	person = me.row.how == EMR_HOW_DEVICE ? EMR_ID32_AT(me.row.ref) : me.signer_id;
	EMR_TRY(EMR_ASK_ALL(&all, session->replica, RECOVERIES));
	EMR_EACH (const emr_known_recovery, one, &all) {
		bool is_mine = false;
		emr_status status;

		EMR_TRY(emr_replica_is_same_person(
			session->replica, EMR_ID32_AT(one->row.identity), person, &is_mine));
		if (!is_mine || one->row.head.state != EMR_RECOVERY_WAITS)
			continue;
		status = stop_one(session, person, one, s);
		if (status != EMR_OK && status != EMR_DENIED)
			return status;
		refused = status == EMR_OK ? refused : status;
	}
	return refused;
}

emr_status trust_stop(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(emr_acting_end))) emr_acting acting = EMR_ACTING_NONE;
	stopping s = {.n = 0};
	emr_status status;

	if (args->n_operands != 1)
		return trust_wrong(_("emrfs trustees stop"), out_problem);
	EMR_TRY(emr_acting_keys(&acting, args, out_problem));
	EMR_TRY(emr_acting_open(&acting, out_problem));
	status = stop_all(&acting.session, &s);
	emr_out_number(out, "stopped", s.n);
	if (s.is_late)
		emr_remark_that(out, EMR_SAY_STOP_LATE, NULL);
	if (status == EMR_DENIED)
		return EMR_PROBLEM(status, out_problem, EMR_SAY_STOP_REFUSED, NULL);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	emr_say(out,
		s.n == 0    ? N_("Nobody asks for your words, or to read your records, through the "
				    "ledger.\n")
		: s.is_late ? N_("It is stopped.\n")
			    : N_("It is stopped: agents give nothing. If it was not you who asked, "
				 "somebody has a copy of your ledger, and may have asked your "
				 "trustees: call them.\n"));
	if (s.of_executor)
		emr_say(out, "What trustees gave your executor, and agents if their time was over, "
			     "stays there: name one again (emrfs device remove executor, then "
			     "emrfs executor set).\n");
	return EMR_OK;
}
