/* These tests are about whole releases between keyrings of our own: an owner, agents, a grantee,
 * and people who should get nothing. */
#include "release_kit.h"

#include <pthread.h>

#include "held_private.h"

TEST(two_of_three_agents_let_the_doctor_read)
{
	AUTO_GRANT kit = grant_of(2, 3, 1, doctor_public.B);
	AUTO_REQUEST asked = ask();
	wrapped one = wrap(kit.A, 1);

	for (unsigned out = 0; out < AGENTS; out++) {
		AUTO_ANSWERED x = serve(&kit, (out + 1) % AGENTS, &asked, &one);
		AUTO_ANSWERED y = serve(&kit, (out + 2) % AGENTS, &asked, &one);
		emr_answer_entry entries[2] = {entry_of(&x), entry_of(&y)};
		emr_kem_key *kem = NULL;

		for (int i = 0; i < 2; i++)
			assert_ok(emr_answer_entry_check(&entries[i], domain.owner_pk, &kit.terms,
				kit.A, doctor_public.B, one.capsule, asked.id));
		assert_ok(combine(doctor, &kit, &one, entries, 2, &kem));
		assert_ok(opens(kem, &one));
		emr_kem_key_free(kem);
		/* One alone gives nothing; nor do two to somebody else. */
		kem = NULL;
		assert_status(EMR_DAMAGED, combine(doctor, &kit, &one, entries, 1, &kem));
		assert_status(EMR_DAMAGED, combine(stranger, &kit, &one, entries, 2, &kem));
		assert_null(kem);
	}
}

TEST(the_owners_own_answer_needs_no_agent)
{
	AUTO_GRANT kit = grant_of(0, 0, 1, doctor_public.B);
	AUTO_REQUEST asked = ask();
	wrapped one = wrap(kit.A, 1);
	EMR_AUTO_BUF pub = {0};
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_access_part read;
	emr_asked to = {0};
	emr_kem_key *kem = NULL;
	emr_kem_key *got = NULL;
	emr_answer *answer = NULL;
	share_item facts = {.op = OP_SERVED, .domain_id = domain_id, .signer_id = domain.signer_id};
	uint16_t slot;
	uint8_t status;

	assert_ok(
		emr_access_part_read(emr_buf_view(&asked.item), emr_buf_view(&asked.part), &read));
	assert_ok(emr_kem_key_decapsulate(kit.key, one.ctx, one.capsule, &kem));
	emr_answer_key answers[2] = {{0, EMR_ANSWER_GIVEN, kem}, {1, 26, NULL}};

	memcpy(to.epk, read.epk, 32);
	served_pub(&asked, 2, 1, &pub);
	facts.pub = emr_buf_view(&pub);
	share_item_encode(&facts, (emr_bytes){0}, &item);
	assert_ok(emr_served_part_seal_keys(emr_buf_view(&item), &to, answers, 2, &part));
	share_item_encode(&facts, emr_buf_view(&part), &item);
	assert_ok(emr_answer_open(asked.epk, emr_buf_view(&item), emr_buf_view(&part), 2, &answer));
	assert_ok(emr_answer_key_get(answer, 0, &slot, &status, &got));
	assert_ok(opens(got, &one));
	emr_kem_key_free(got);
	emr_answer_free(answer);
	/* The public count must be what is inside; a slot twice or a key without reason is refused.
	 */
	emr_buf_clear(&part);
	answers[1].slot = 0;
	assert_status(EMR_INVALID,
		emr_served_part_seal_keys(emr_buf_view(&item), &to, answers, 2, &part));
	answers[1].slot = 1;
	answers[1].status = EMR_ANSWER_GIVEN;
	assert_status(EMR_INVALID,
		emr_served_part_seal_keys(emr_buf_view(&item), &to, answers, 2, &part));
	assert_int_equal(part.len, 0);
	emr_kem_key_free(kem);
}

TEST(an_answer_to_another_request_is_evidence_not_a_key)
{
	AUTO_GRANT kit = grant_of(2, 3, 1, doctor_public.B);
	AUTO_REQUEST asked = ask();
	AUTO_REQUEST later = ask();
	wrapped one = wrap(kit.A, 1);
	AUTO_ANSWERED x = serve(&kit, 0, &asked, &one);
	emr_answer_entry entry = entry_of(&x);
	emr_answer *answer = NULL;

	/* The same entry held against the request that came later. */
	assert_status(EMR_DAMAGED, emr_answer_entry_check(&entry, domain.owner_pk, &kit.terms,
					   kit.A, doctor_public.B, one.capsule, later.id));
	/* And it does not even open with the later request's key. */
	assert_status(EMR_DAMAGED, emr_answer_open(later.epk, emr_buf_view(&x.item),
					   emr_buf_view(&x.part), 2, &answer));
	assert_null(answer);
}

TEST(an_answer_moved_under_another_item_does_not_open)
{
	AUTO_GRANT kit = grant_of(1, 1, 1, doctor_public.B);
	AUTO_REQUEST asked = ask();
	wrapped one = wrap(kit.A, 1);
	AUTO_ANSWERED x = serve(&kit, 0, &asked, &one);
	EMR_AUTO_BUF item = {0};
	emr_answer *answer = NULL;
	share_item facts = {.op = OP_SERVED,
		.domain_id = domain_id,
		.signer_id = agent_public[1].signer_id, /* another agent claims it */
		.pub = emr_bytes_of(x.item.data + 160, x.item.len - 160)};

	share_item_encode(&facts, emr_buf_view(&x.part), &item);
	assert_status(EMR_DAMAGED,
		emr_answer_open(asked.epk, emr_buf_view(&item), emr_buf_view(&x.part), 2, &answer));
}

TEST(a_new_epoch_shuts_out_old_fragments)
{
	AUTO_GRANT old = grant_of(2, 3, 1, doctor_public.B);
	AUTO_GRANT now = grant_of(2, 3, 2, doctor_public.B);
	AUTO_REQUEST asked = ask();
	wrapped earlier = wrap(old.A, 1);
	wrapped later = wrap(now.A, 2);
	uint8_t cfrag[EMR_PRE_CFRAG_BYTES];
	emr_kem_key *kem = NULL;

	assert_memory_not_equal(old.A, now.A, 32);
	assert_status(EMR_DAMAGED,
		emr_fragment_convert(old.fragments[0], later.ctx, later.capsule, asked.id, cfrag));
	/* Those who remain notice nothing: old and new contents both open. */
	for (int e = 0; e < 2; e++) {
		grant_kit *kit = e == 0 ? &old : &now;
		wrapped *one = e == 0 ? &earlier : &later;
		AUTO_ANSWERED x = serve(kit, 0, &asked, one);
		AUTO_ANSWERED y = serve(kit, 2, &asked, one);
		emr_answer_entry entries[2] = {entry_of(&x), entry_of(&y)};

		assert_ok(combine(doctor, kit, one, entries, 2, &kem));
		assert_ok(opens(kem, one));
		assert_status(EMR_DAMAGED, opens(kem, e == 0 ? &later : &earlier));
		emr_kem_key_free(kem);
		/* A fragment of one epoch does not pass for the other's. */
		assert_status(
			EMR_BAD_SIGNATURE, emr_answer_entry_check(&entries[0], domain.owner_pk,
						   &kit->terms, (e == 0 ? &now : &old)->A,
						   doctor_public.B, one->capsule, asked.id));
	}
}

TEST(a_lying_agent_is_named_and_the_others_suffice)
{
	AUTO_GRANT kit = grant_of(2, 3, 1, doctor_public.B);
	AUTO_REQUEST asked = ask();
	wrapped one = wrap(kit.A, 1);
	wrapped other = wrap(kit.A, 1);
	AUTO_ANSWERED x = serve(&kit, 0, &asked, &one);
	AUTO_ANSWERED liar = serve(&kit, 1, &asked, &other); /* converts something else */
	AUTO_ANSWERED y = serve(&kit, 2, &asked, &one);
	emr_answer_entry bad[2] = {entry_of(&x), entry_of(&liar)};
	emr_answer_entry good[2] = {bad[0], entry_of(&y)};
	emr_kem_key *kem = NULL;

	assert_status(EMR_DAMAGED, combine(doctor, &kit, &one, bad, 2, &kem));
	assert_ok(emr_answer_entry_check(&bad[0], domain.owner_pk, &kit.terms, kit.A,
		doctor_public.B, one.capsule, asked.id));
	assert_status(EMR_DAMAGED, emr_answer_entry_check(&bad[1], domain.owner_pk, &kit.terms,
					   kit.A, doctor_public.B, one.capsule, asked.id));
	assert_memory_equal(bad[1].frag.agent_id, agent_public[1].signer_id.b, 32);
	assert_ok(combine(doctor, &kit, &one, good, 2, &kem));
	assert_ok(opens(kem, &one));
	emr_kem_key_free(kem);
}

TEST(listings_are_released_like_contents)
{
	AUTO_GRANT kit = grant_of(1, 1, 1, doctor_public.B);
	AUTO_REQUEST asked = ask();
	wrapped one = {0};
	uint8_t kcheck[32], nonce[24] = {0}, sealed[20], plain[4];
	emr_list_key *mine = NULL;
	emr_list_key *theirs = NULL;
	emr_kem_key *kem = NULL;

	assert_ok(emr_list_key_publish(
		owner, domain_id, 1, kit.A, domain.signer_id, one.capsule, kcheck, &mine));
	emr_listing_ctx(domain_id, 1, domain.signer_id, one.ctx);
	AUTO_ANSWERED x = serve(&kit, 0, &asked, &one);
	emr_answer_entry entry = entry_of(&x);

	assert_ok(combine(doctor, &kit, &one, &entry, 1, &kem));
	assert_ok(emr_list_key_open_kem(kem, domain_id, 1, domain.signer_id, kcheck, &theirs));
	assert_ok(emr_list_key_seal(
		mine, record_id, nonce, (emr_bytes){0}, emr_bytes_of("name", 4), sealed));
	assert_ok(emr_list_key_open_meta(theirs, record_id, nonce, (emr_bytes){0},
		emr_bytes_of(sealed, sizeof sealed), plain));
	assert_memory_equal(plain, "name", 4);
	emr_list_key_free(theirs);
	theirs = NULL;
	kcheck[0] ^= 1; /* a responder that made K up */
	assert_status(EMR_DAMAGED,
		emr_list_key_open_kem(kem, domain_id, 1, domain.signer_id, kcheck, &theirs));
	assert_null(theirs);
	emr_list_key_free(mine);
	emr_kem_key_free(kem);
}

TEST(grants_with_bad_parties_are_refused)
{
	EMR_AUTO_BUF pub = {0};
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_id32 of[2] = {agent_public[0].signer_id, agent_public[0].signer_id};
	emr_grant_parties parties = {.agents = of};
	emr_grant_letter letter = {.label = "Imaging"};
	emr_grant_terms terms;
	share_item facts = {.op = OP_GRANT,
		.domain_id = domain_id,
		.object_id = grant_id,
		.pub = grant_pub(2, 2, 2000, &pub)};

	memcpy(parties.B, doctor_public.B, 32);
	memcpy(parties.grantee_x25519, doctor_public.x25519, 32);
	memcpy(parties.owner_box, domain.box, 32);
	share_item_encode(&facts, (emr_bytes){0}, &item);
	assert_status(
		EMR_INVALID, emr_grant_part_seal(emr_buf_view(&item), &parties, &letter, &part));
	of[1] = agent_public[1].signer_id;
	assert_ok(emr_grant_part_seal(emr_buf_view(&item), &parties, &letter, &part));
	emr_buf_clear(&part);
	parties.B[31] |= 0x80;
	assert_status(
		EMR_INVALID, emr_grant_part_seal(emr_buf_view(&item), &parties, &letter, &part));
	parties.B[31] &= 0x7f;
	strcpy(letter.label, "\xe2\x80\xaegnigamI");
	assert_status(
		EMR_INVALID, emr_grant_part_seal(emr_buf_view(&item), &parties, &letter, &part));
	assert_int_equal(part.len, 0);
	/* Terms that cannot be. */
	for (int i = 0; i < 3; i++) {
		static const uint8_t bad[][2] = {{3, 2}, {0, 1}, {1, 17}};

		item.data[160 + 62] = bad[i][0];
		item.data[160 + 63] = bad[i][1];
		assert_status(EMR_DAMAGED, emr_grant_terms_read(emr_buf_view(&item), &terms));
	}
}

TEST(requests_that_say_two_things_are_refused)
{
	AUTO_REQUEST asked = ask();
	EMR_AUTO_BUF part = {0};
	emr_access_slot slots[2] = {{record_id, 1, 1}, {record_id, 0, 1}};
	emr_access_body body = {
		.purpose = 0, .reader = EMR_READER_PERSON, .count = 1, .slots = slots};
	emr_recipient to[2] = {
		{.rid = agent_public[0].signer_id}, {.rid = agent_public[0].signer_id}};
	uint8_t epk[32] = {9};

	memcpy(to[0].x25519, agent_public[0].x25519, 32);
	memcpy(to[1].x25519, agent_public[0].x25519, 32);
	/* The public count says two. */
	assert_status(EMR_INVALID,
		emr_access_part_seal(emr_buf_view(&asked.item), epk, to, 1, &body, &part));
	body.count = 2; /* version 0 does not exist */
	assert_status(EMR_INVALID,
		emr_access_part_seal(emr_buf_view(&asked.item), epk, to, 1, &body, &part));
	slots[1].version = 1;
	assert_ok(emr_access_part_seal(emr_buf_view(&asked.item), epk, to, 1, &body, &part));
	assert_status(EMR_INVALID,
		emr_access_part_seal(emr_buf_view(&asked.item), epk, to, 2, &body, &part));
	body.purpose = 9;
	assert_status(EMR_INVALID,
		emr_access_part_seal(emr_buf_view(&asked.item), epk, to, 1, &body, &part));
	/* A point of low order as a recipient. */
	body.purpose = 0;
	memset(to[0].x25519, 0, 32);
	assert_status(EMR_INVALID,
		emr_access_part_seal(emr_buf_view(&asked.item), epk, to, 1, &body, &part));
}

/* ---- Threads ---- */

typedef struct job {
	const grant_kit *kit;
	const wrapped *one;
	emr_id32 req;
} job;

static void *convert_many(void *arg)
{
	const job *mine = arg;

	for (int i = 0; i < 20; i++) {
		uint8_t cfrag[EMR_PRE_CFRAG_BYTES];
		emr_status status = emr_fragment_convert(mine->kit->fragments[0], mine->one->ctx,
			mine->one->capsule, mine->req, cfrag);

		if (status != EMR_OK)
			return arg;
	}
	return NULL;
}

TEST(several_threads_convert_with_one_fragment)
{
	AUTO_GRANT kit = grant_of(2, 3, 1, doctor_public.B);
	wrapped one = wrap(kit.A, 1);
	job shared = {&kit, &one, {{1}}};
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, convert_many, &shared));
	for (int i = 0; i < 3; i++) {
		void *result;

		assert_int_equal(0, pthread_join(threads[i], &result));
		assert_null(result);
	}
}

/* Everything that was taken from the locked arena is given back. */
TEST(a_release_leaves_no_secret_behind)
{
	static emr_secret held[EMR_SECRETS_MAX_BYTES / 32];
	static const uint8_t zeros[32];
	size_t before = 0;
	size_t after = 0;

	while (before < sizeof held / sizeof held[0] && emr_secret_new(32, &held[before]) == EMR_OK)
		before++;
	for (size_t i = 0; i < before; i++)
		emr_secret_free(&held[i]);
	two_of_three_agents_let_the_doctor_read(state);
	the_owners_own_answer_needs_no_agent(state);
	while (after < sizeof held / sizeof held[0] && emr_secret_new(32, &held[after]) == EMR_OK)
		after++;
	for (size_t i = 0; i < after; i++) {
		assert_memory_equal(held[i].data, zeros, sizeof zeros);
		emr_secret_free(&held[i]);
	}
	assert_int_equal(before, after);
}

TESTS(set_up, tear_down)
