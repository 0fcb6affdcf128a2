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

static bool names_org(uint8_t kind)
{
	return kind == EMR_PROPOSAL_ADMIT || kind == EMR_PROPOSAL_REMOVE;
}

static emr_result administrator(struct judge *judge)
{
	return emr_judge_registered(judge, EMR_ROLE_ORG_ADMIN);
}

/* Makes the signer's present voice, for the organisation. */
static bool own_voice(struct judge *judge, emr_voice *out)
{
	emr_row_key key;
	emr_row_org org;

	if (!emr_judge_key(judge, judge->signer_id, &key) || !emr_judge_org(judge, key.org, &org))
		return false;
	memcpy(out->org, key.org, 16);
	out->member_version = org.head.version;
	memcpy(out->signer, judge->signer_id, 32);
	return true;
}

static bool stands(struct judge *judge, const emr_voice *voice)
{
	emr_row_key key;
	emr_row_org org;

	return emr_judge_org(judge, voice->org, &org) &&
	       emr_judge_key(judge, voice->signer, &key) && emr_voice_stands(voice, &org, &key);
}

/* Whether ORG may come in or go, by who proposes it.  A member's authority is a member's own: it
 * says who its people are.  An id is used once: whoever was given one that an organisation had
 * would be that organisation, and its people's keys would be in force again. */
static bool org_may_change(
	struct judge *judge, uint8_t kind, const uint8_t org[16], const uint8_t proposer[16])
{
	emr_row_org row;
	bool is_there = emr_judge_org(judge, org, &row);
	bool is_member = is_there && row.head.state == EMR_ORG_MEMBER;

	if (kind == EMR_PROPOSAL_REMOVE)
		return is_member;
	return !is_there || (is_member && memcmp(org, proposer, 16) == 0);
}

/* ---- 04 ORG_PROPOSE ---- */

/* The M row, for an approval in the same batch: its second pass cannot follow a row that is not
 * there yet. */
static void propose_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_key_text key;

	(void)item;
	emr_key_org(emr_pub_org_propose_of(pub).org, &key);
	emr_declare(set, &key);
}

/* Every field that the kind does not use is zero, and one that it does use is not. */
static emr_result propose_form(struct judge *judge)
{
	emr_pub_org_propose pub = emr_pub_org_propose_of(judge->pub);
	bool is_good = pub.kind >= EMR_PROPOSAL_ADMIT && pub.kind <= EMR_PROPOSAL_MINT;

	is_good &= is_zero(pub.org, 16) != names_org(pub.kind);
	is_good &= is_zero(pub.aux, 32) != (pub.kind == EMR_PROPOSAL_ADMIT);
	is_good &= is_zero(pub.subject, 32) == (pub.kind == EMR_PROPOSAL_REMOVE);
	is_good &= pub.quorum == 0 || pub.kind == EMR_PROPOSAL_RULES;
	is_good &= pub.kind != EMR_PROPOSAL_CONTRACT || is_zero(pub.subject + 4, 28);
	return is_good ? EMR_RESULT_APPLIED : EMR_RESULT_FORMAT;
}

/* Nobody proposes an authority for somebody else's organisation. */
static emr_result propose_authority(struct judge *judge)
{
	emr_pub_org_propose pub = emr_pub_org_propose_of(judge->pub);
	emr_result result = administrator(judge);
	emr_row_key key;

	if (result != EMR_RESULT_APPLIED || pub.kind != EMR_PROPOSAL_ADMIT ||
		!emr_judge_org_is_member(judge, pub.org))
		return result;
	return emr_judge_key(judge, judge->signer_id, &key) && memcmp(key.org, pub.org, 16) == 0
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_NOT_AUTHORISED;
}

static bool propose_part_fits(struct judge *judge)
{
	uint32_t len = judge->item.priv_len;

	switch (emr_pub_org_propose_of(judge->pub).kind) {
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
	emr_pub_org_propose pub = emr_pub_org_propose_of(judge->pub);
	emr_voice by;

	EMR_JUDGE_TRY(emr_judge_key_in_force(judge));
	if (!own_voice(judge, &by) ||
		(names_org(pub.kind) && !org_may_change(judge, pub.kind, pub.org, by.org)))
		return EMR_RESULT_RULES;
	return is_in_reach(judge, pub.not_after_unix_s) ? EMR_RESULT_APPLIED : EMR_RESULT_LIMIT;
}

static void put_proposal(struct judge *judge, const emr_row_proposal *row, const emr_voice *voices)
{
	uint8_t value[EMR_ROW_PROPOSAL_MAX];
	emr_key_text key;

	emr_key_proposal(judge->item.object_id, &key);
	emr_judge_put(judge, key.text, value, emr_row_proposal_encode(row, voices, value));
}

static void propose_write(struct judge *judge)
{
	emr_pub_org_propose pub = emr_pub_org_propose_of(judge->pub);
	emr_row_proposal row = {
		.head = emr_judge_head(judge, EMR_FAMILY_ORG, EMR_PROPOSAL_OPEN, 0, 0),
		.kind = pub.kind,
		.quorum = pub.quorum,
		.not_after_unix_s = pub.not_after_unix_s};

	memcpy(row.org, pub.org, 16);
	memcpy(row.subject, pub.subject, 32);
	memcpy(row.aux, pub.aux, 32);
	if (own_voice(judge, &row.by))
		put_proposal(judge, &row, NULL);
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

static void declare_voice(struct key_set *set, const emr_voice *voice)
{
	emr_key_text key;

	emr_key_org(voice->org, &key);
	emr_declare(set, &key);
	emr_declare_signer(set, voice->signer);
}

/* The organisation that it is about, and whether those who spoke may still speak. */
static void approve_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_row_proposal row;
	emr_voice voice;
	emr_key_text key;
	emr_span value;

	(void)pub;
	emr_key_proposal(item->object_id, &key);
	if (!emr_declares_approvals(set) || !emr_declared_value(set, &key, &value) ||
		emr_row_proposal_parse(value, &row) != EMR_CONTRACT_OK)
		return;
	emr_key_org(row.org, &key);
	emr_declare(set, &key);
	declare_voice(set, &row.by);
	for (size_t i = 0; i < row.count; i++) {
		emr_row_proposal_voice(value, i, &voice);
		declare_voice(set, &voice);
	}
}

/* A proposal with the approvals that count now; row.count is how many those are. */
typedef struct ballot {
	emr_row_proposal row;
	emr_voice voices[EMR_VOICES_MAX + 1]; /* room for the one in hand */
	bool is_own_there;		      /* the organisation in hand is among them */
} ballot;

static bool get_ballot(struct judge *judge, ballot *out)
{
	emr_key_text key;
	emr_span value;
	size_t all;

	out->is_own_there = false;
	emr_key_proposal(judge->item.object_id, &key);
	if (!emr_judge_get(judge, key.text, &value) ||
		!emr_judge_parsed(judge, emr_row_proposal_parse(value, &out->row)))
		return false;
	all = out->row.count;
	out->row.count = 0;
	for (size_t i = 0; i < all; i++) {
		emr_voice *voice = &out->voices[out->row.count];

		emr_row_proposal_voice(value, i, voice);
		if (!stands(judge, voice))
			continue;
		out->is_own_there |= memcmp(voice->org, judge->pub.data, 16) == 0;
		out->row.count++;
	}
	return true;
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

/* An organisation speaks once, and again when what it said counts no more.  A proposal is over when
 * who made it may not make it any more. */
static emr_result approve_state(struct judge *judge)
{
	ballot b;

	if (emr_batch_approvals(judge->batch) > EMR_BATCH_APPROVALS_MAX)
		return EMR_RESULT_LIMIT;
	if (!get_ballot(judge, &b))
		return EMR_RESULT_GONE;
	if (b.is_own_there)
		return EMR_RESULT_EXISTS;
	return b.row.head.state == EMR_PROPOSAL_OPEN &&
			       is_in_reach(judge, b.row.not_after_unix_s) &&
			       stands(judge, &b.row.by)
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_GONE;
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

	if (names_org(row->kind) && !org_may_change(judge, row->kind, row->org, row->by.org))
		return false;
	switch ((enum emr_proposal_kind)row->kind) {
	case EMR_PROPOSAL_ADMIT: /* of a member: its new CA and administrator */
		return network.norg < UINT8_MAX || emr_judge_org_is_member(judge, row->org);
	case EMR_PROPOSAL_REMOVE:
		return network.norg > 1;
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
	ballot b;

	EMR_JUDGE_TRY(emr_judge_key_in_force(judge));
	if (!get_ballot(judge, &b))
		return EMR_RESULT_GONE;
	return completes(judge, &b.row) && !is_possible(judge, &b.row) ? EMR_RESULT_RULES
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
	ballot b;

	if (!get_ballot(judge, &b) || !own_voice(judge, &b.voices[b.row.count]))
		return;
	memcpy(approval.signer, judge->signer_id, 32);
	emr_row_signed_encode(&approval, value);
	emr_judge_put_own(judge, value, sizeof value);
	if (completes(judge, &b.row)) {
		b.row.head.state = EMR_PROPOSAL_DONE;
		take_effect(judge, &b.row);
	}
	b.row.count++;
	put_proposal(judge, &b.row, b.voices);
}

/* All approvals of a proposal share one, which names the newest: also one that is said again. */
static bool approve_place(const struct judge *judge, uint8_t *out_family, uint64_t *out_version)
{
	(void)judge;
	*out_family = EMR_FAMILY_APPROVAL;
	*out_version = 1;
	return true;
}

const op_rule emr_rules_org[2] = {
	{
		.op = EMR_OP_ORG_PROPOSE,
		.part_max = ADMIT_PART_MAX,
		.part_step = 1,
		.reserved_at = 2,
		.reserved_len = 6,
		.needs = NEED_SIGNER,
		.row = {"P", KEYED_BY_OBJECT},
		.names = propose_names,
		.part_fits = propose_part_fits,
		.form = propose_form,
		.authority = propose_authority,
		.state = emr_judge_is_new,
		.last = propose_last,
		.write = propose_write,
	},
	{
		.op = EMR_OP_ORG_APPROVE,
		.needs = NEED_SIGNER,
		.row_key = approval_row,
		.names = approve_names,
		.follows = approve_follows,
		.authority = approve_authority,
		.state = approve_state,
		.last = approve_last,
		.write = approve_write,
		.place = approve_place,
	},
};
