/* This file is `emrfs org mint`: administrators agree on points for somebody. Each types the same
 * command; the last one makes the points. The same points for the same person are one proposal
 * until they are made, so that no number has to be exchanged. */

#include <stdio.h>
#include <string.h>

#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "kit/language.h"
#include "kit/text.h"
#include "org/bureau.h"
#include "org/proposals.h"
#include "people/who.h"
#include "replica/replica.h"

typedef struct minting {
	const emr_bureau *bureau;
	emr_who who;
	uint64_t points, now;
	uint8_t subject[32];
	emr_id16 proposal;
	emr_row_proposal row;
	uint64_t seq; /* where it stands on the ledger */
	uint16_t index;
	bool is_there;
	bool is_ours; /* we have approved it already, and that counts */
	unsigned have, need;
} minting;

/* The newest on the ledger, whatever day its proposer chose; one that is done before all. Approvals
 * of one that is older than what was used up were meant for that: two had proposed at the same
 * moment. */
static emr_status note_proposal(minting *m, emr_id16 proposal, const emr_row_proposal *row)
{
	const emr_part_key key = {.family = EMR_FAMILY_ORG, .object = proposal, .version = 1};
	bool is_done = row->head.state == EMR_PROPOSAL_DONE;
	bool is_open = row->head.state == EMR_PROPOSAL_OPEN && m->now < row->not_after_unix_s &&
		       row->not_after_unix_s - m->now <= EMR_PROPOSAL_MAX_S;
	EMR_AUTO_BUF bytes = {0};
	emr_known_votes votes;
	emr_replica_item item;
	emr_status status;

	if (row->kind != EMR_PROPOSAL_MINT || memcmp(row->subject, m->subject, 32) != 0 ||
		(!is_open && !is_done && row->head.state != EMR_PROPOSAL_USED) ||
		m->row.head.state == EMR_PROPOSAL_DONE)
		return EMR_OK;
	status = emr_replica_votes(m->bureau->session.replica, proposal, m->bureau->org, &votes);
	if (status != EMR_OK || votes.is_over) /* nobody can approve it: another one is made */
		return status;
	status = emr_replica_item_get(m->bureau->session.replica, &key, &bytes, &item);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	if (!is_done && m->row.head.state != 0 &&
		(item.seq < m->seq || (item.seq == m->seq && item.index < m->index)))
		return EMR_OK;
	m->proposal = proposal;
	m->row = *row;
	m->have = votes.have;
	m->is_ours = votes.is_ours;
	m->seq = item.seq;
	m->index = item.index;
	m->is_there = is_open || is_done;
	return EMR_OK;
}

static emr_status look_for_proposal(minting *m)
{
	emr_replica *replica = m->bureau->session.replica;
	emr_known_proposal proposal;
	emr_row_network network;

	EMR_ASK(asked, replica, PROPOSALS);
	EMR_TRY(emr_replica_network(replica, &network));
	m->is_there = m->is_ours = false;
	m->row = (emr_row_proposal){0};
	m->have = 0;
	while (emr_next(&asked, &proposal))
		EMR_TRY(note_proposal(m, proposal.proposal, &proposal.row));
	EMR_TRY(asked.status);
	m->need = emr_approvals_needed(&network);
	m->is_ours &= m->is_there;
	return EMR_OK;
}

static emr_status propose_mint(minting *m, emr_bureau *bureau, emr_problem *out_problem)
{
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_MINT};

	memcpy(what.subject, m->subject, 32);
	return emr_proposal_make(bureau, what, (emr_bytes){0}, &m->proposal, out_problem);
}

static emr_status agree_to_mint(const emr_args *args, emr_out *out, minting *m, emr_bureau *bureau,
	emr_problem *out_problem)
{
	char text[EMR_WHO_TEXT_BYTES], who[EMR_WHO_TEXT_BYTES], number[EMR_TEXT_BYTES],
		question[1300];
	emr_status status;

	emr_who_text(&m->who, text, sizeof text);
	emr_show(text, who, sizeof who);
	emr_number_text(m->points, number);
	snprintf(question, sizeof question, _("Shall %s get %s points (yes, no)?"), who, number);
	status = emr_bureau_agree(
		args, out, question, _("Your organisation agreed to nothing."), out_problem);
	if (status == EMR_OK && !m->is_there)
		status = propose_mint(m, bureau, out_problem);
	if (status == EMR_OK)
		status = emr_proposal_approve(bureau, m->proposal, out_problem);
	return status == EMR_OK ? look_for_proposal(m) : status;
}

/* Somebody else may do it at the same moment: then they are made, too. */
static emr_status make_points(minting *m, emr_bureau *bureau, emr_problem *out_problem)
{
	emr_pub_mint what = {.amount = m->points};
	emr_problem none = {0};
	emr_row_proposal row;
	emr_act act;
	EMR_AUTO_BUF bytes = {0};
	emr_key_text key;
	emr_status status;

	memcpy(what.proposal, m->proposal.b, 16);
	memcpy(what.account, m->who.root.b, 32);
	act = emr_act_mint(&what);
	status = emr_bureau_send(bureau, &act, (emr_bytes){0}, &none);
	if (status != EMR_REFUSED) {
		*out_problem = none;
		return status;
	}
	emr_key_proposal(m->proposal.b, &key);
	status = emr_replica_state_get(bureau->session.replica, key.text, &bytes);
	if (status == EMR_OK &&
		emr_row_proposal_parse((emr_span){bytes.data, bytes.len}, &row) ==
			EMR_CONTRACT_OK &&
		row.head.state == EMR_PROPOSAL_USED)
		return EMR_OK;
	*out_problem = none;
	return EMR_REFUSED;
}

static void say_minted(emr_out *out, const minting *m)
{
	bool is_done = m->row.head.state != EMR_PROPOSAL_OPEN;
	char text[EMR_WHO_TEXT_BYTES], who[EMR_WHO_TEXT_BYTES], number[EMR_TEXT_BYTES];

	emr_who_text(&m->who, text, sizeof text);
	emr_show(text, who, sizeof who);
	emr_number_text(m->points, number);
	emr_out_text(out, "who", m->who.called);
	emr_out_number(out, "points", m->points);
	emr_out_number(out, "have", m->have);
	emr_out_number(out, "need", m->need);
	emr_out_flag(out, "done", is_done);
	if (is_done)
		emr_say(out, _("%s has %s points more.\n"), who, number);
	else
		emr_say(out, _("%u of %u members have approved %s points for %s.\n"), m->have,
			m->need, number, who);
}

emr_status emr_org_mint(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	minting m = {.bureau = bureau, .now = emr_clock_unix_s(emr_clock_system())};
	EMR_AUTO_CROWD crowd = {0};

	if (emr_points_parse(args->operands[2], &m.points) != EMR_OK) {
		return emr_wrong_use("org", _("Points are a whole number from 1 on."), out_problem);
	}
	EMR_TRY(emr_crowd_open(&bureau->session, &crowd));
	EMR_TRY(emr_who_find_or_say(&crowd, args->operands[1], &m.who, out_problem));
	if (m.who.kind != EMR_WHO_PERSON || !m.who.is_registered)
		return emr_wrong_use(
			"org", _("Points are for a person whom the ledger knows."), out_problem);
	emr_mint_subject(m.who.root.b, m.points, m.subject);
	EMR_TRY(look_for_proposal(&m));
	if (!m.is_ours && (!m.is_there || m.row.head.state == EMR_PROPOSAL_OPEN))
		EMR_TRY(agree_to_mint(args, out, &m, bureau, out_problem));
	if (m.row.head.state == EMR_PROPOSAL_DONE)
		EMR_TRY(make_points(&m, bureau, out_problem));
	say_minted(out, &m);
	return EMR_OK;
}
