/* This file answers from the verified copy about one person, organisation, proposal, team, grant or
 * access, and whether it is in force at a time. It asks the ledger nothing. */
#include "replica/people.h"

#include <string.h>

#include "replica_private.h"

emr_status emr_replica_follow(emr_replica *replica, emr_id32 signer, emr_act *act)
{
	EMR_AUTO_BUF row = {0};
	emr_key_text key;
	emr_status status = emr_act_row_key(act, signer, &key);

	if (status == EMR_OK)
		status = emr_replica_state_get(replica, key.text, &row);
	if (status == EMR_NOT_FOUND)
		return emr_act_follow(act, (emr_bytes){0});
	return status == EMR_OK ? emr_act_follow(act, emr_buf_view(&row)) : status;
}

/* ---- people and organisations ---- */

emr_status emr_replica_person(
	emr_replica *replica, emr_id32 signer_id, emr_known_person *out_person)
{
	emr_known_person person = {.signer_id = signer_id};
	emr_key_text key;

	emr_key_signer(signer_id.b, &key);
	EMR_TRY(REPLICA_ROW(replica, key.text, key, &person.row));
	*out_person = person;
	return EMR_OK;
}

emr_status emr_replica_person_is_active(emr_replica *replica, const emr_known_person *person,
	uint64_t now_unix_s, bool *out_is_active)
{
	emr_key_text key;
	emr_row_org org;
	emr_status status;

	emr_key_org(person->row.org, &key);
	status = REPLICA_ROW(replica, key.text, org, &org);
	*out_is_active = status == EMR_OK && org.head.state == EMR_ORG_MEMBER &&
			 person->row.head.state == EMR_KEY_ACTIVE &&
			 now_unix_s < person->row.not_after_unix_s;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_replica_network(emr_replica *replica, emr_row_network *out_row)
{
	emr_key_text key;

	emr_key_network(&key);
	return REPLICA_ROW(replica, key.text, network, out_row);
}

bool emr_replica_is_on_channel(emr_replica *replica)
{
	return strcmp(emr_ledger_kind(replica->ledger), "fabric") == 0;
}

emr_status emr_replica_host_key(emr_replica *replica, emr_id16 org, emr_row_host_key *out_row)
{
	emr_key_text key;

	emr_key_host(org.b, &key);
	return REPLICA_ROW(replica, key.text, host_key, out_row);
}

static emr_status voice_stands(emr_replica *replica, const emr_voice *voice, bool *out_stands)
{
	emr_known_person person;
	emr_row_org org;
	emr_id32 signer;
	emr_key_text key;

	memcpy(signer.b, voice->signer, 32);
	emr_key_org(voice->org, &key);
	EMR_TRY(emr_required(REPLICA_ROW(replica, key.text, org, &org))); /* such rows stay */
	EMR_TRY(emr_required(emr_replica_person(replica, signer, &person)));
	*out_stands = emr_voice_stands(voice, &org, &person.row);
	return EMR_OK;
}

emr_status emr_replica_votes(
	emr_replica *replica, emr_id16 proposal, emr_id16 org, emr_known_votes *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_known_votes votes = {0};
	emr_row_proposal row;
	emr_key_text key;
	bool stands = false;

	emr_key_proposal(proposal.b, &key);
	EMR_TRY(emr_replica_state_get(replica, key.text, &bytes));
	EMR_TRY(replica_parsed(emr_row_proposal_parse(view_of(&bytes), &row)));
	EMR_TRY(voice_stands(replica, &row.by, &stands));
	votes.is_done = row.head.state != EMR_PROPOSAL_OPEN;
	votes.is_over = !votes.is_done && !stands;
	for (size_t i = 0; i < row.count; i++) {
		emr_voice voice;

		emr_row_proposal_voice(view_of(&bytes), i, &voice);
		stands = votes.is_done;
		EMR_TRY(stands ? EMR_OK : voice_stands(replica, &voice, &stands));
		votes.have += stands;
		votes.is_ours |= stands && memcmp(voice.org, org.b, 16) == 0;
	}
	*out = votes;
	return EMR_OK;
}

/* ---- teams ---- */

emr_status emr_replica_team(emr_replica *replica, emr_id16 team, emr_row_dataset *out_row)
{
	emr_key_text key;

	emr_key_by_object("DS", team.b, &key);
	return REPLICA_ROW(replica, key.text, dataset, out_row);
}

/* ---- grants, answers ---- */

emr_grant_phase emr_grant_phase_at(const emr_known_grant *grant, uint64_t now_unix_s)
{
	if (grant->row.head.state == EMR_GRANT_REVOKED)
		return EMR_GRANT_IS_REVOKED;
	if (now_unix_s >= grant->row.not_after_unix_s)
		return EMR_GRANT_IS_OVER;
	return now_unix_s < grant->row.not_before_unix_s ? EMR_GRANT_COMING : EMR_GRANT_IN_FORCE;
}

emr_status replica_complete_grant(emr_replica *replica, emr_known_grant *grant)
{
	const uint64_t version = grant->row.head.version;
	emr_chain_placed first, last;

	EMR_TRY(replica_place_of(
		replica, EMR_FAMILY_GRANT, grant->domain, grant->grant, version, &last));
	first = last;
	if (version != 1)
		EMR_TRY(replica_place_of(
			replica, EMR_FAMILY_GRANT, grant->domain, grant->grant, 1, &first));
	grant->seq = first.seq;
	grant->last_seq = last.seq;
	grant->ledger_time = last.time;
	return EMR_OK;
}

emr_status emr_replica_grant(
	emr_replica *replica, emr_id16 domain, emr_id16 grant, emr_known_grant *out_grant)
{
	emr_known_grant found = {.domain = domain, .grant = grant};
	emr_key_text key;

	emr_key_grant(domain.b, grant.b, &key);
	EMR_TRY(REPLICA_ROW(replica, key.text, grant, &found.row));
	EMR_TRY(replica_complete_grant(replica, &found));
	*out_grant = found;
	return EMR_OK;
}

emr_status emr_replica_answer(emr_replica *replica, const emr_known_release *release,
	emr_id32 responder, emr_known_answer *out_answer)
{
	EMR_AUTO_BUF bytes = {0};
	emr_known_answer answer = {.signer = responder};
	emr_pub_access_served pub;
	emr_replica_item item;

	emr_object_served(release->req.b, responder.b, answer.object.b);
	EMR_TRY(replica_first_item(
		replica, EMR_FAMILY_SERVED, release->domain, answer.object, &bytes, &item));
	if (!emr_pub_access_served_parse(pub_of(&item), &pub))
		return EMR_DAMAGED;
	answer.mode = (enum emr_served_mode)pub.mode;
	answer.reason = pub.reason;
	answer.given = pub.count;
	answer.ledger_time = item.ledger_time;
	*out_answer = answer;
	return EMR_OK;
}
