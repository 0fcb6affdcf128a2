/* These are the rules for the members of a network: proposals to admit, to remove and to change
 * the rules, and approvals (04 ORG_PROPOSE, 05 ORG_APPROVE). A proposal takes effect when enough
 * organisations have approved it. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "bytes.h"
#include "declare.h"

/* salt, name_len u8, name, url_len u16, url, ca_len u16, CA DER */
#define ADMIT_PART_MIN (32 + 1 + 2 + 2)
#define ADMIT_PART_MAX (32 + 1 + 255 + 2 + 65535 + 2 + 65535)
#define RULES_PART_MAX (32 + 65536) /* salt, text */

static emr_pub_org_propose propose_pub(emr_span bytes)
{
	emr_pub_org_propose pub = {0};

	(void)emr_pub_org_propose_parse(bytes, &pub); /* its length is that of the op */
	return pub;
}

static bool names_org(uint8_t kind)
{
	return kind == EMR_PROPOSAL_ADMIT || kind == EMR_PROPOSAL_REMOVE;
}

static emr_result administrator(struct judge *judge)
{
	return emr_judge_registered(judge, EMR_ROLE_ORG_ADMIN);
}

/* ---- 04 ORG_PROPOSE ---- */

static bool proposal_row(const emr_item *item, emr_span pub, emr_key_text *out)
{
	(void)pub;
	emr_key_proposal(item->object_id, out);
	return true;
}

/* The M row, for an approval in the same batch: its second pass cannot follow a row that is not
 * there yet. */
static void propose_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_key_text key;

	(void)item;
	emr_key_org(propose_pub(pub).org, &key);
	emr_declare(set, &key);
}

/* Every field that the kind does not use is zero, and one that it does use is not. */
static emr_result propose_form(struct judge *judge)
{
	emr_pub_org_propose pub = propose_pub(judge->pub);
	bool is_good = pub.kind >= EMR_PROPOSAL_ADMIT && pub.kind <= EMR_PROPOSAL_MINT;

	is_good &= is_zero(pub.org, 16) != names_org(pub.kind);
	is_good &= is_zero(pub.aux, 32) != (pub.kind == EMR_PROPOSAL_ADMIT);
	is_good &= is_zero(pub.subject, 32) == (pub.kind == EMR_PROPOSAL_REMOVE);
	is_good &= pub.quorum == 0 || pub.kind == EMR_PROPOSAL_RULES;
	is_good &= pub.kind != EMR_PROPOSAL_CONTRACT || is_zero(pub.subject + 4, 28);
	return is_good ? EMR_RESULT_APPLIED : EMR_RESULT_FORMAT;
}

static bool propose_part_fits(struct judge *judge)
{
	uint32_t len = judge->item.priv_len;

	switch (propose_pub(judge->pub).kind) {
	case EMR_PROPOSAL_ADMIT:
		return len >= ADMIT_PART_MIN;
	case EMR_PROPOSAL_RULES:
		return len > 32 && len <= RULES_PART_MAX;
	default: /* a number of the wire */
		return len == 0;
	}
}

/* Asked again when somebody approves: a proposal whose time was said by a clock that is ahead has a
 * day as far off as that. */
static bool is_in_reach(const struct judge *judge, uint64_t not_after)
{
	return judge->now < not_after && not_after - judge->now <= EMR_PROPOSAL_MAX_S;
}

static emr_result propose_last(struct judge *judge)
{
	emr_result result = emr_judge_key_in_force(judge);

	if (result != EMR_RESULT_APPLIED)
		return result;
	return is_in_reach(judge, propose_pub(judge->pub).not_after_unix_s) ? EMR_RESULT_APPLIED
									    : EMR_RESULT_LIMIT;
}

static void put_proposal(struct judge *judge, const emr_row_proposal *row)
{
	uint8_t value[EMR_ROW_PROPOSAL_BYTES];
	emr_key_text key;

	emr_key_proposal(judge->item.object_id, &key);
	emr_row_proposal_encode(row, value);
	emr_judge_put(judge, key.text, value, sizeof value);
}

static void propose_write(struct judge *judge)
{
	emr_pub_org_propose pub = propose_pub(judge->pub);
	emr_row_proposal row = {
		.head = emr_judge_head(judge, EMR_FAMILY_ORG, EMR_PROPOSAL_OPEN, 0, 0),
		.kind = pub.kind,
		.quorum = pub.quorum,
		.not_after_unix_s = pub.not_after_unix_s};

	memcpy(row.org, pub.org, 16);
	memcpy(row.subject, pub.subject, 32);
	memcpy(row.aux, pub.aux, 32);
	put_proposal(judge, &row);
}

/* ---- 05 ORG_APPROVE ---- */

static bool approval_row(const emr_item *item, emr_span pub, emr_key_text *out)
{
	emr_key_approval(item->object_id, pub.data, out);
	return true;
}

static void approve_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_key_text key;

	(void)pub;
	emr_key_proposal(item->object_id, &key);
	emr_declare(set, &key);
	emr_key_network(&key);
	emr_declare(set, &key);
}

static void approve_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_row_proposal row;
	emr_key_text key;
	emr_span value;

	(void)pub;
	emr_key_proposal(item->object_id, &key);
	if (!emr_declared_value(set, &key, &value) ||
		emr_row_proposal_parse(value, &row) != EMR_CONTRACT_OK)
		return;
	emr_key_org(row.org, &key);
	emr_declare(set, &key);
}

static bool get_proposal(struct judge *judge, emr_row_proposal *out_row)
{
	emr_key_text key;
	emr_span value;

	emr_key_proposal(judge->item.object_id, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_judge_parsed(judge, emr_row_proposal_parse(value, out_row));
}

static emr_row_network get_network(struct judge *judge)
{
	emr_row_network row = {0};
	emr_key_text key;
	emr_span value;

	emr_key_network(&key);
	if (emr_judge_get(judge, key.text, &value))
		(void)emr_judge_parsed(judge, emr_row_network_parse(value, &row));
	return row;
}

/* An administrator approves for his own organisation. */
static emr_result approve_authority(struct judge *judge)
{
	emr_result result = administrator(judge);
	emr_row_key key;

	if (result != EMR_RESULT_APPLIED || !emr_judge_key(judge, judge->signer_id, &key))
		return EMR_RESULT_NOT_AUTHORISED;
	return memcmp(key.org, judge->pub.data, 16) == 0 ? EMR_RESULT_APPLIED
							 : EMR_RESULT_NOT_AUTHORISED;
}

static emr_result approve_state(struct judge *judge)
{
	emr_row_proposal row;

	if (judge->is_row_present)
		return EMR_RESULT_EXISTS;
	if (!get_proposal(judge, &row) || row.head.state != EMR_PROPOSAL_OPEN ||
		!is_in_reach(judge, row.not_after_unix_s))
		return EMR_RESULT_GONE;
	return EMR_RESULT_APPLIED;
}

/* A network that shrank below its quorum is bound by all who are left, not for ever. */
static uint8_t approvals_needed(const emr_row_network *network)
{
	if (network->quorum == 0)
		return (uint8_t)(network->norg / 2 + 1);
	return network->quorum < network->norg ? network->quorum : network->norg;
}

static bool completes(struct judge *judge, const emr_row_proposal *row)
{
	emr_row_network network = get_network(judge);

	return row->count + 1 >= approvals_needed(&network);
}

/* Can what is proposed happen now? */
static bool is_possible(struct judge *judge, const emr_row_proposal *row)
{
	emr_row_network network = get_network(judge);
	bool is_member = names_org(row->kind) && emr_judge_org_is_member(judge, row->org);

	switch ((enum emr_proposal_kind)row->kind) {
	case EMR_PROPOSAL_ADMIT: /* of a member: its new CA and administrator */
		return is_member || network.norg < UINT8_MAX;
	case EMR_PROPOSAL_REMOVE:
		return is_member && network.norg > 1;
	case EMR_PROPOSAL_RULES:
		return row->quorum <= network.norg;
	case EMR_PROPOSAL_CONTRACT:
		return get_u32(row->subject) >= network.contract;
	case EMR_PROPOSAL_MINT:
		return true;
	}
	return false;
}

static emr_result approve_last(struct judge *judge)
{
	emr_result result = emr_judge_key_in_force(judge);
	emr_row_proposal row;

	if (result != EMR_RESULT_APPLIED)
		return result;
	if (!get_proposal(judge, &row))
		return EMR_RESULT_GONE;
	return completes(judge, &row) && !is_possible(judge, &row) ? EMR_RESULT_RULES
								   : EMR_RESULT_APPLIED;
}

/* Heads of M and N count the changes that proposals made, and name the approval that did it. */
static emr_row_head changed_head(struct judge *judge, const emr_row_head *old, uint8_t state)
{
	emr_row_head head = emr_judge_head(judge, EMR_FAMILY_ORG, state, 0, 0);

	head.version = old->version + 1;
	return head;
}

static void put_org(struct judge *judge, const emr_row_proposal *proposal, uint8_t state)
{
	uint8_t value[EMR_ROW_ORG_BYTES];
	emr_row_org row = {0};
	emr_key_text key;
	emr_span old;

	emr_key_org(proposal->org, &key);
	if (emr_judge_get(judge, key.text, &old))
		(void)emr_judge_parsed(judge, emr_row_org_parse(old, &row));
	row.head = changed_head(judge, &row.head, state);
	if (state == EMR_ORG_MEMBER) {
		memcpy(row.admin_id, proposal->subject, 32);
		memcpy(row.ca_hash, proposal->aux, 32);
	}
	emr_row_org_encode(&row, value);
	emr_judge_put(judge, key.text, value, sizeof value);
}

static void put_network(struct judge *judge, emr_row_network *row)
{
	uint8_t value[EMR_ROW_NETWORK_BYTES];
	emr_key_text key;

	row->head = changed_head(judge, &row->head, EMR_STATE_PRESENT);
	emr_key_network(&key);
	emr_row_network_encode(row, value);
	emr_judge_put(judge, key.text, value, sizeof value);
}

static void take_effect(struct judge *judge, const emr_row_proposal *proposal)
{
	emr_row_network network = get_network(judge);

	switch ((enum emr_proposal_kind)proposal->kind) {
	case EMR_PROPOSAL_ADMIT:
		if (!emr_judge_org_is_member(judge, proposal->org)) {
			network.norg++;
			put_network(judge, &network);
		}
		put_org(judge, proposal, EMR_ORG_MEMBER);
		break;
	case EMR_PROPOSAL_REMOVE:
		network.norg--;
		put_network(judge, &network);
		put_org(judge, proposal, EMR_ORG_REMOVED);
		break;
	case EMR_PROPOSAL_RULES:
		network.quorum = proposal->quorum;
		memcpy(network.rules, proposal->subject, 32);
		put_network(judge, &network);
		break;
	case EMR_PROPOSAL_CONTRACT:
		network.contract = get_u32(proposal->subject);
		put_network(judge, &network);
		break;
	case EMR_PROPOSAL_MINT: /* MINT uses it */
		break;
	}
}

static void approve_write(struct judge *judge)
{
	emr_row_signed approval = {
		.head = emr_judge_head(judge, EMR_FAMILY_APPROVAL, EMR_STATE_PRESENT, 0, 0)};
	uint8_t value[EMR_ROW_SIGNED_BYTES];
	emr_row_proposal row;
	emr_key_text key;

	if (!get_proposal(judge, &row))
		return;
	memcpy(approval.signer, judge->signer_id, 32);
	emr_key_approval(judge->item.object_id, judge->pub.data, &key);
	emr_row_signed_encode(&approval, value);
	emr_judge_put(judge, key.text, value, sizeof value);
	if (completes(judge, &row)) {
		row.head.state = EMR_PROPOSAL_DONE;
		take_effect(judge, &row);
	}
	row.count++;
	put_proposal(judge, &row);
}

const op_rule emr_rules_org[2] = {
	{
		.op = EMR_OP_ORG_PROPOSE,
		.domain = DOMAIN_NONE,
		.epoch = EPOCH_ZERO,
		.part_max = ADMIT_PART_MAX,
		.part_step = 1,
		.reserved_at = 2,
		.reserved_len = 6,
		.needs = NEED_SIGNER,
		.row_key = proposal_row,
		.names = propose_names,
		.part_fits = propose_part_fits,
		.form = propose_form,
		.authority = administrator,
		.state = emr_judge_is_new,
		.last = propose_last,
		.write = propose_write,
	},
	{
		.op = EMR_OP_ORG_APPROVE,
		.domain = DOMAIN_NONE,
		.epoch = EPOCH_ZERO,
		.needs = NEED_SIGNER,
		.row_key = approval_row,
		.names = approve_names,
		.follows = approve_follows,
		.authority = approve_authority,
		.state = approve_state,
		.last = approve_last,
		.write = approve_write,
	},
};
