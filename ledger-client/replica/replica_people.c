/* This file answers from the verified copy who is registered: people, organisations, proposals,
 * teams and their members, and whether a key is in force at a time. It asks the ledger nothing. */
#include "replica/people.h"

#include <string.h>

#include "base/codec.h"

#include "replica_private.h"

emr_status replica_key_ids(
	const char *key, size_t letters, emr_id16 *out_first, emr_id16 *out_second)
{
	const char *at = key + letters + 1;
	char hex[33] = {0};
	emr_status status;

	if (strlen(key) < letters + 1 + 32 + (out_second ? 33 : 0))
		return EMR_DAMAGED;
	memcpy(hex, at, 32);
	status = emr_unhex(hex, out_first->b, 16);
	if (status == EMR_OK && out_second) {
		memcpy(hex, at + 33, 32);
		status = emr_unhex(hex, out_second->b, 16);
	}
	return status == EMR_OK ? EMR_OK : EMR_DAMAGED;
}

emr_status replica_parsed(emr_contract_status status)
{
	return status == EMR_CONTRACT_OK ? EMR_OK : EMR_DAMAGED;
}

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

static emr_status get(emr_replica *replica, const emr_key_text *key, emr_buf *row)
{
	return emr_replica_state_get(replica, key->text, row);
}

emr_status emr_replica_person(
	emr_replica *replica, emr_id32 signer_id, emr_known_person *out_person)
{
	EMR_AUTO_BUF row = {0};
	emr_known_person person = {.signer_id = signer_id};
	emr_key_text key;

	emr_key_signer(signer_id.b, &key);
	EMR_TRY(get(replica, &key, &row));
	EMR_TRY(replica_parsed(emr_row_key_parse(view_of(&row), &person.row)));
	*out_person = person;
	return EMR_OK;
}

typedef struct walk {
	void *fn_arg;
	union {
		emr_replica_person_fn person;
		emr_replica_org_fn org;
		emr_replica_proposal_fn proposal;
		emr_replica_team_fn team;
		emr_replica_member_fn member;
	} fn;
	emr_id16 team;
} walk;

static emr_status give_person(void *arg, const char *key, emr_bytes row)
{
	walk *w = arg;
	emr_known_person person;
	emr_status status = emr_unhex(key + 2, person.signer_id.b, 32);

	if (status == EMR_OK)
		status = replica_parsed(emr_row_key_parse(span_of(row), &person.row));
	return status == EMR_OK ? w->fn.person(w->fn_arg, &person) : EMR_DAMAGED;
}

emr_status emr_replica_people(emr_replica *replica, emr_replica_person_fn fn, void *arg)
{
	walk w = {.fn_arg = arg, .fn.person = fn};

	return emr_replica_each_row(replica, "K/", give_person, &w);
}

emr_status emr_replica_person_is_active(emr_replica *replica, const emr_known_person *person,
	uint64_t now_unix_s, bool *out_is_active)
{
	EMR_AUTO_BUF row = {0};
	emr_key_text key;
	emr_row_org org;
	emr_status status;

	emr_key_org(person->row.org, &key);
	status = get(replica, &key, &row);
	if (status == EMR_NOT_FOUND) {
		*out_is_active = false;
		return EMR_OK;
	}
	if (status == EMR_OK)
		status = replica_parsed(emr_row_org_parse(view_of(&row), &org));
	if (status == EMR_OK)
		*out_is_active = org.head.state == EMR_ORG_MEMBER &&
				 person->row.head.state == EMR_KEY_ACTIVE &&
				 now_unix_s < person->row.not_after_unix_s;
	return status;
}

static emr_status give_org(void *arg, const char *key, emr_bytes row)
{
	walk *w = arg;
	emr_row_org org;
	emr_id16 id;

	EMR_TRY(replica_key_ids(key, 1, &id, NULL));
	EMR_TRY(replica_parsed(emr_row_org_parse(span_of(row), &org)));
	return w->fn.org(w->fn_arg, id, &org);
}

emr_status emr_replica_orgs(emr_replica *replica, emr_replica_org_fn fn, void *arg)
{
	walk w = {.fn_arg = arg, .fn.org = fn};

	return emr_replica_each_row(replica, "M/", give_org, &w);
}

emr_status emr_replica_network(emr_replica *replica, emr_row_network *out_row)
{
	EMR_AUTO_BUF row = {0};
	emr_key_text key;

	emr_key_network(&key);
	EMR_TRY(get(replica, &key, &row));
	return replica_parsed(emr_row_network_parse(view_of(&row), out_row));
}

emr_status emr_replica_channel(emr_replica *replica, uint8_t out_genesis[32])
{
	EMR_AUTO_BUF row = {0};
	emr_row_channel channel;
	emr_key_text key;

	emr_key_channel(&key);
	EMR_TRY(get(replica, &key, &row));
	EMR_TRY(replica_parsed(emr_row_channel_parse(view_of(&row), &channel)));
	memcpy(out_genesis, channel.genesis, sizeof channel.genesis);
	return EMR_OK;
}

static emr_status give_proposal(void *arg, const char *key, emr_bytes row)
{
	walk *w = arg;
	emr_row_proposal proposal;
	emr_id16 id;

	EMR_TRY(replica_key_ids(key, 1, &id, NULL));
	EMR_TRY(replica_parsed(emr_row_proposal_parse(span_of(row), &proposal)));
	return w->fn.proposal(w->fn_arg, id, &proposal);
}

emr_status emr_replica_proposals(emr_replica *replica, emr_replica_proposal_fn fn, void *arg)
{
	walk w = {.fn_arg = arg, .fn.proposal = fn};

	return emr_replica_each_row(replica, "P/", give_proposal, &w);
}

static emr_status voice_stands(emr_replica *replica, const emr_voice *voice, bool *out_stands)
{
	EMR_AUTO_BUF row = {0};
	emr_known_person person;
	emr_row_org org;
	emr_id32 signer;
	emr_key_text key;
	emr_status status;

	memcpy(signer.b, voice->signer, 32);
	emr_key_org(voice->org, &key);
	status = get(replica, &key, &row);
	if (status == EMR_OK)
		status = replica_parsed(emr_row_org_parse(view_of(&row), &org));
	if (status == EMR_OK)
		status = emr_replica_person(replica, signer, &person);
	if (status == EMR_OK)
		*out_stands = emr_voice_stands(voice, &org, &person.row);
	return status == EMR_NOT_FOUND ? EMR_DAMAGED : status; /* such rows stay */
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
	EMR_TRY(get(replica, &key, &bytes));
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
	EMR_AUTO_BUF row = {0};
	emr_key_text key;

	emr_key_by_object("DS", team.b, &key);
	EMR_TRY(get(replica, &key, &row));
	return replica_parsed(emr_row_dataset_parse(view_of(&row), out_row));
}

static emr_status give_team(void *arg, const char *key, emr_bytes row)
{
	walk *w = arg;
	emr_row_dataset team;
	emr_id16 id;

	EMR_TRY(replica_key_ids(key, 2, &id, NULL));
	EMR_TRY(replica_parsed(emr_row_dataset_parse(span_of(row), &team)));
	return w->fn.team(w->fn_arg, id, &team);
}

emr_status emr_replica_teams(emr_replica *replica, emr_replica_team_fn fn, void *arg)
{
	walk w = {.fn_arg = arg, .fn.team = fn};

	return emr_replica_each_row(replica, "DS/", give_team, &w);
}

/* Members stand under hashes, so a team's are found among all. */
static emr_status give_member(void *arg, const char *key, emr_bytes row)
{
	walk *w = arg;
	emr_row_member member;
	emr_status status = replica_parsed(emr_row_member_parse(span_of(row), &member));

	(void)key;
	if (status != EMR_OK || memcmp(member.dataset, w->team.b, 16) != 0)
		return status;
	return w->fn.member(w->fn_arg, &member);
}

emr_status emr_replica_members(
	emr_replica *replica, emr_id16 team, emr_replica_member_fn fn, void *arg)
{
	walk w = {.fn_arg = arg, .fn.member = fn, .team = team};

	return emr_replica_each_row(replica, "DM/", give_member, &w);
}
