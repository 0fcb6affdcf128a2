/* A team of the clinic for tests, its members, and ana who shares Imaging with it.  A failed step
 * fails the test. */
#pragma once

#include "contract/codes.h"
#include "keyring/letters.h"
#include "ledger/act_send.h"
#include "story_kit.h"

typedef struct crew {
	story *s;
	person *leader;
	emr_id16 id;
	emr_id32 grantee;
	emr_grantee_key *key;
} crew;

static inline void crew_end(crew *c)
{
	emr_grantee_key_free(c->key);
}

static inline emr_id32 root_of(const person *m)
{
	return m->public.signer_id; /* nobody has rotated */
}

static inline int try_admit(crew *c, const person *m, uint64_t days)
{
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_act act = emr_act_admit(c->id, root_of(m), story_now(c->s) + days * DAY);

	story_see(c->leader);
	assert_ok(emr_replica_follow(c->leader->replica, root_of(c->leader), &act));
	assert_ok(emr_act_item(&act, root_of(c->leader), story_now(c->s), &item));
	assert_ok(emr_admit_part_seal(emr_buf_view(&item), m->public.x25519, c->key, &part));
	return story_says(c->s, c->leader, act, emr_buf_view(&part));
}

static inline void admit(crew *c, const person *m)
{
	assert_int_equal(try_admit(c, m, 300), EMR_RESULT_APPLIED);
}

static inline void drop(crew *c, const person *m)
{
	story_does(c->s, c->leader, emr_act_drop(c->id, root_of(m)));
}

static inline void crew_named(crew *c, story *s, emr_id16 id, emr_id16 before)
{
	emr_pub_dataset_new what = {
		.purposes = EMR_PURPOSES_ALL, .not_after_unix_s = story_now(s) + 400 * DAY};
	EMR_AUTO_BUF part = {0};
	emr_box_key *box = NULL;
	uint8_t x25519[32];

	*c = (crew){.s = s, .leader = &s->bosses[0], .id = id};
	emr_grantee_dataset(c->id.b, c->grantee.b);
	assert_ok(emr_grantee_key_new(&c->key));
	assert_ok(emr_grantee_key_box(c->key, &box));
	emr_box_key_public(box, x25519);
	emr_box_key_free(box);
	assert_ok(emr_team_terms_make(
		EMR_TEAM_CHOSEN, "radiology", x25519, before, &part, what.terms));
	emr_grantee_key_public(c->key, what.B);
	assert_ok(emr_grantee_key_pop(
		c->key, emr_ledger_net_id(s->lima.ledger), root_of(c->leader), what.pop));
	assert_int_equal(
		story_says(s, c->leader, emr_act_dataset(c->id, &what), emr_buf_view(&part)),
		EMR_RESULT_APPLIED);
	assert_int_equal(try_admit(c, c->leader, 1), EMR_RESULT_APPLIED); /* as `org team` does */
	drop(c, c->leader);
}

static inline void crew_begin(crew *c, story *s, const crew *before)
{
	crew_named(c, s, emr_id16_random(), before != NULL ? before->id : (emr_id16){{0}});
}

static inline emr_grant_order order_for(const crew *c)
{
	return (emr_grant_order){.domain = c->s->imaging,
		.grantee = c->grantee,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(c->s) + 7 * DAY,
		.label = "Imaging",
		.owner_name = "Silva, Ana",
		.owner_born = "1984-03-12"};
}

static inline emr_grant_made share_with(const crew *c)
{
	emr_grant_order order = order_for(c);
	emr_grant_made made;

	assert_ok(emr_share_grant(begins(c->s->ana), &order, &made));
	return made;
}
