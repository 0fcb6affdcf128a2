/* These tests are about keys that do not come from the seed alone: a team's, and an agent's of
 * one week. */
#include "release_kit.h"

TEST(a_team_reads_with_one_key)
{
	emr_grantee_key *team = NULL;
	uint8_t B[32], pop[64];
	emr_id16 net = {{1}};
	emr_kem_key *kem = NULL;

	assert_ok(emr_grantee_key_new(&team));
	emr_grantee_key_public(team, B);
	assert_ok(emr_grantee_key_pop(team, net, stranger_public.signer_id, pop));
	assert_true(emr_pre_pop_verify(B, net.b, stranger_public.signer_id.b, pop));
	assert_false(emr_pre_pop_verify(B, net.b, doctor_public.signer_id.b, pop));
	AUTO_GRANT kit = grant_of(2, 3, 1, B);
	AUTO_REQUEST asked = ask();
	wrapped one = wrap(kit.A, 1);
	AUTO_ANSWERED x = serve(&kit, 0, &asked, &one);
	AUTO_ANSWERED y = serve(&kit, 1, &asked, &one);
	emr_pre_share shares[2] = {entry_of(&x).share, entry_of(&y).share};

	assert_ok(emr_kem_key_combine(
		team, kit.A, entry_of(&x).X, one.ctx, one.capsule, shares, 2, &kem));
	assert_ok(opens(kem, &one));
	emr_kem_key_free(kem);
	emr_grantee_key_free(team);
}

TEST(an_agents_weekly_key_opens_what_the_seed_cannot)
{
	emr_box_key *week = NULL;
	emr_box_key *again = NULL;
	emr_box_key *identity = NULL;
	emr_fragment *fragment = NULL;
	uint8_t sealed[EMR_HELD_SEALED_BYTES];
	emr_agent of[AGENTS];
	emr_kfrags_part part;
	AUTO_GRANT kit = grant_of(1, 1, 1, doctor_public.B);

	assert_ok(emr_box_key_new(&week));
	assert_ok(emr_box_key_identity(agents[0], &identity));
	of[0].id = agent_public[0].signer_id;
	emr_box_key_public(week, of[0].x25519);
	emr_buf_clear(&kit.part);
	assert_ok(emr_kfrags_part_seal(owner, emr_signer_domain(domain_id, 1), kit.key, &kit.terms,
		doctor_public.B, of, &kit.part));
	share_item facts = {.op = OP_KFRAGS,
		.domain_id = domain_id,
		.object_id = grant_id,
		.signer_id = domain.signer_id,
		.epoch = 1};

	share_item_encode(&facts, emr_buf_view(&kit.part), &kit.item);
	assert_ok(emr_kfrags_part_read(
		emr_buf_view(&kit.item), emr_buf_view(&kit.part), &kit.terms, &part));
	assert_status(EMR_DAMAGED, emr_fragment_open(identity, of[0].id, domain.owner_pk,
					   &kit.terms, kit.A, doctor_public.B, &part, &fragment));
	assert_ok(emr_box_key_seal_local(agents[0], week, kit_text("week 47"), sealed));
	assert_status(EMR_DAMAGED,
		emr_box_key_open_local(agents[0], sealed, kit_text("week 48"), &again));
	assert_ok(emr_box_key_open_local(agents[0], sealed, kit_text("week 47"), &again));
	assert_ok(emr_fragment_open(again, of[0].id, domain.owner_pk, &kit.terms, kit.A,
		doctor_public.B, &part, &fragment));
	emr_fragment_free(fragment);
	emr_box_key_free(week);
	emr_box_key_free(again);
	emr_box_key_free(identity);
}

TESTS(set_up, tear_down)
