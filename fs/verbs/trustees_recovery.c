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

emr_status trust_agents(const emr_acting *acting, emr_trustee *all, unsigned n, unsigned *out_n)
{
	const emr_session *session = &acting->session;
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	EMR_AUTO_BUF people = {0};
	emr_row_network network;
	emr_known_person me;

	*out_n = 0;
	EMR_TRY(emr_replica_network(session->replica, &network));
	if (network.contract < emr_op_since(EMR_OP_RECOVER_REQ)) /* nobody could ask them */
		return EMR_OK;
	EMR_TRY(emr_replica_person(session->replica, session->identity.signer_id, &me));
	EMR_TRY(EMR_ASK_ALL(&people, session->replica, PEOPLE_NOW));
	EMR_EACH (const emr_known_person, one, &people) {
		emr_trustee *to = &all[n + *out_n];
		bool is_active = false;
		emr_status status;

		if ((one->row.roles & EMR_ROLE_AGENT) == 0 ||
			memcmp(one->row.org, me.row.org, sizeof me.row.org) == 0)
			continue;
		EMR_TRY(emr_replica_person_is_active(session->replica, one, now, &is_active));
		if (!is_active)
			continue;
		to->id = one->signer_id;
		status = own_box(session->replica, one, to->x25519);
		if (status != EMR_OK && status != EMR_NOT_FOUND && status != EMR_MISSING_DATA)
			return status;
		*out_n += status == EMR_OK;
		if (*out_n == EMR_SHARES_MAX)
			break;
	}
	return EMR_OK;
}

/* ---- asking ---- */

/* Of the same trustees and the same computer.  EMR_NOT_FOUND. */
static emr_status find_recovery(
	emr_replica *replica, const trust_request *r, emr_known_recovery *out)
{
	EMR_ASK(all, replica, RECOVERIES);

	while (emr_next(&all, out))
		if (memcmp(out->row.trustees, r->trustees.b, sizeof r->trustees.b) == 0 &&
			memcmp(out->row.box, r->from.x25519, sizeof out->row.box) == 0)
			return EMR_OK;
	return all.status == EMR_OK ? EMR_NOT_FOUND : all.status;
}

static emr_status ask_there(emr_acting *acting, const trust_request *r, emr_known_recovery *out)
{
	emr_session *session = &acting->session;
	const emr_act act = emr_act_recover_ask(emr_id16_random(), r->trustees, r->from.x25519);
	uint64_t size = 0;
	uint8_t code = 0;

	EMR_TRY(emr_act_send_each(
		session->keyring, session->ledger, &act, NULL, 1, NULL, &code, &size));
	if (code > EMR_RESULT_ALREADY)
		return EMR_REFUSED;
	EMR_TRY(emr_follow_to(session->replica, size));
	return find_recovery(session->replica, r, out);
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
	emr_status status = find_recovery(acting->session.replica, r, &known);

	if (answers == NULL)
		return EMR_NO_MEMORY;
	if (status == EMR_NOT_FOUND)
		status = ask_there(acting, r, &known);
	EMR_TRY(status);
	if (known.row.head.state != EMR_RECOVERY_WAITS)
		return EMR_DENIED;
	EMR_TRY(gather(acting->session.replica, &known, answers));
	*out_earliest_unix_s = known.row.earliest_unix_s;
	*out_answers = json_incref(answers);
	return EMR_OK;
}

/* ---- stopping ---- */

/* Whose computer this is. */
static emr_status person_of(const emr_session *session, emr_id32 *out)
{
	emr_known_person me;

	EMR_TRY(emr_replica_person(session->replica, session->identity.signer_id, &me));
	*out = me.row.how == EMR_HOW_DEVICE ? EMR_ID32_AT(me.row.ref) : me.signer_id;
	return EMR_OK;
}

static emr_status stop_all(emr_acting *acting, uint64_t *out_n)
{
	emr_session *session = &acting->session;
	EMR_AUTO_BUF all = {0};
	emr_id32 person;

	EMR_TRY(person_of(session, &person));
	EMR_TRY(EMR_ASK_ALL(&all, session->replica, RECOVERIES));
	EMR_EACH (const emr_known_recovery, one, &all) {
		emr_act act = emr_act_recover_stop(one->request, person);
		uint64_t size = 0;
		uint8_t code = 0;
		bool is_mine = false;

		EMR_TRY(emr_replica_is_same_person(
			session->replica, EMR_ID32_AT(one->row.root), person, &is_mine));
		if (!is_mine || one->row.head.state != EMR_RECOVERY_WAITS)
			continue;
		EMR_TRY(emr_replica_follow(session->replica, session->identity.signer_id, &act));
		EMR_TRY(emr_act_send_each(
			session->keyring, session->ledger, &act, NULL, 1, NULL, &code, &size));
		if (code > EMR_RESULT_ALREADY)
			return EMR_DENIED;
		EMR_TRY(emr_follow_to(session->replica, size));
		++*out_n;
	}
	return EMR_OK;
}

static void acting_end(emr_acting *acting)
{
	emr_acting_end(acting);
}

emr_status trust_stop(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(acting_end))) emr_acting acting = EMR_ACTING_NONE;
	uint64_t n = 0;
	emr_status status;

	if (args->n_operands != 1)
		return trust_wrong(_("emrfs trustees stop"), out_problem);
	EMR_TRY(emr_acting_keys(&acting, args, out_problem));
	EMR_TRY(emr_acting_open(&acting, out_problem));
	EMR_TRY(emr_keyring_public(acting.session.keyring, &acting.session.identity));
	status = stop_all(&acting, &n);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	emr_out_number(out, "stopped", n);
	emr_say(out, n > 0 ? N_("It is stopped: agents give nothing. If it was not you who asked, "
				"somebody has a copy of your ledger, and may have asked your "
				"trustees: call them.\n")
			   : N_("Nobody asks for your words through the ledger.\n"));
	return EMR_OK;
}
