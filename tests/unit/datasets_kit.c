/* This kit calls datasets, puts points by for them, admits their readers and lets ana take part,
 * as people's computers do. */
#include "datasets_kit.h"

#include "contract/codes.h"
#include "replica/ask.h"

void called_end(called *d)
{
	emr_grantee_key_free(d->key);
}

person *dataset_steward(const called *d)
{
	return d->leader != NULL ? d->leader : &d->s->bosses[0];
}

void dataset_admit(const called *d, const person *m)
{
	dataset_admit_until(d, m, story_now(d->s) + 300 * DAY);
}

void dataset_admit_until(const called *d, const person *m, uint64_t until_unix_s)
{
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	person *leader = dataset_steward(d);
	emr_act act = emr_act_admit(d->id, m->public.signer_id, until_unix_s);

	story_see(leader);
	assert_ok(emr_replica_follow(leader->replica, leader->public.signer_id, &act));
	assert_ok(emr_act_item(&act, leader->public.signer_id, story_now(d->s), &item));
	assert_ok(emr_admit_part_seal(emr_buf_view(&item), m->public.x25519, d->key, &part));
	assert_int_equal(story_says(d->s, leader, act, emr_buf_view(&part)), EMR_RESULT_APPLIED);
}

static void call_named(called *d, story *s, person *leader, const char *name, const char *file,
	emr_id16 before, uint64_t price)
{
	const emr_bytes bytes = emr_bytes_of(file, strlen(file));
	emr_bytes agreement = {0};
	EMR_AUTO_BUF part = {0};
	emr_pub_dataset_new what = {.purposes = 1u << RESEARCH, .price = price};
	emr_box_key *box = NULL;
	const char *wrong;
	uint8_t x25519[32];
	emr_terms terms;

	*d = (called){.s = s, .id = emr_id16_random(), .leader = leader};
	emr_grantee_dataset(d->id.b, d->grantee.b);
	memset(d->names, 7, sizeof d->names);
	assert_ok(emr_terms_parse(bytes, &terms, &wrong));
	what.not_after_unix_s = terms.until_unix_s;
	assert_ok(emr_grantee_key_new(&d->key));
	assert_ok(emr_grantee_key_box(d->key, &box));
	emr_box_key_public(box, x25519);
	emr_box_key_free(box);
	if (terms.words[EMR_TERMS_AGREEMENT][0] != '\0')
		agreement = emr_bytes_of(DATASET_AGREEMENT, strlen(DATASET_AGREEMENT));
	assert_ok(emr_dataset_terms_make(
		name, x25519, before, bytes, agreement, d->names, &part, what.terms));
	emr_grantee_key_public(d->key, what.B);
	assert_ok(emr_grantee_key_pop(d->key, emr_ledger_net_id(s->lima.ledger),
		dataset_steward(d)->public.signer_id, what.pop));
	assert_int_equal(story_says(s, dataset_steward(d), emr_act_dataset(d->id, &what),
				 emr_buf_view(&part)),
		EMR_RESULT_APPLIED);
}

void dataset_call_by(
	called *d, story *s, person *leader, const char *file, emr_id16 before, uint64_t price)
{
	call_named(d, s, leader, "knees", file, before, price);
}

void dataset_call_named(called *d, story *s, const char *name, const char *file)
{
	call_named(d, s, NULL, name, file, (emr_id16){{0}}, 0);
}

void dataset_call_on(called *d, story *s, const char *file, emr_id16 before, uint64_t price)
{
	dataset_call_by(d, s, NULL, file, before, price);
}

emr_grant_made dataset_join(const called *d)
{
	const emr_grant_order order = {.domain = d->s->imaging,
		.grantee = d->grantee,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << RESEARCH | 1u << CONSULT,
		.not_after_unix_s = story_now(d->s) + 7 * DAY,
		.label = "Imaging"};
	emr_grant_made made;

	assert_ok(emr_share_grant(begins(d->s->ana), &order, &made));
	return made;
}

void dataset_put_by(const called *d, uint64_t points, uint16_t n)
{
	story *s = d->s;
	person *boss = &s->bosses[0];
	emr_id16 proposal = emr_id16_random();
	emr_pub_org_propose what = {
		.kind = EMR_PROPOSAL_MINT, .not_after_unix_s = story_now(s) + DAY};
	emr_pub_mint mint = {.amount = points};
	const emr_bytes none = {0};
	emr_row_dataset row;

	assert_ok(emr_replica_team(boss->replica, d->id, &row));
	memcpy(mint.proposal, proposal.b, sizeof mint.proposal);
	memcpy(mint.account, boss->public.signer_id.b, sizeof mint.account);
	emr_mint_subject(mint.account, points, what.subject);
	assert_int_equal(
		story_says(s, boss, emr_act_propose(proposal, &what), none), EMR_RESULT_APPLIED);
	for (int i = 0; i <= AGENTS; i++) /* those after a majority come too late */
		(void)story_says(s, &s->bosses[i],
			emr_act_approve_proposal(proposal, s->bosses[i].org), none);
	assert_int_equal(story_says(s, boss, emr_act_mint(&mint), none), EMR_RESULT_APPLIED);
	assert_int_equal(
		story_says(s, boss,
			emr_act_transfer(boss->public.signer_id, emr_fund_of(d->id), n * row.price),
			none),
		EMR_RESULT_APPLIED);
	assert_ok(emr_replica_catch_up(s->k.stack.replica, NULL, NULL, NULL));
}
