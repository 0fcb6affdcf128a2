/* These tests show that the ledger takes what the keyring seals: one share from the request to its
 * end. */
#include "folk_kit.h"
#include "keyring/access.h"
#include "keyring/letters.h"

AUTO_OF(emr_box_key_free, emr_box_key *)

/* One share from the request to its end; ITEM and PART are of the operation in hand. */
typedef struct sealing {
	emr_id16 grant, access, request;
	emr_domain_public owner;
	emr_id32 req;
	emr_buf item, part;
} sealing;

/* ACT of M signed by SIGNER, as it will stand: followed, and as an item to seal a part for. */
static void prepare(sealing *s, member *m, emr_id32 signer, emr_act *act)
{
	folk_see(m);
	assert_ok(emr_replica_follow(m->replica, signer, act));
	emr_buf_clear(&s->item);
	emr_buf_clear(&s->part);
	assert_ok(emr_act_item(act, signer, now, &s->item));
}

/* Looks up what M's copy has of version 1 of OBJECT. */
static void look_up(sealing *s, member *m, uint8_t family, emr_id16 object)
{
	emr_part_key key = {.family = family, .domain = health.id, .object = object, .version = 1};
	emr_replica_item stored;

	folk_see(m);
	emr_buf_clear(&s->item);
	emr_buf_clear(&s->part);
	assert_ok(emr_replica_item_get(m->replica, &key, &s->item, &stored));
	assert_ok(emr_replica_part(m->replica, &key, &s->part));
}

static void seal_request(sealing *s)
{
	emr_request_body body = {
		.rights = 3, .purposes = 1, .until = now + DAY, .reason = "before the visit"};
	emr_act act = emr_act_request(health.id, lima.public.signer_id, emr_id32_random());

	s->request = act.object;
	prepare(s, &lima, lima.public.signer_id, &act);
	assert_ok(emr_request_part_seal(emr_buf_view(&s->item), s->owner.box, &body, &s->part));
	assert_applied(folk_say(&lima, act, emr_buf_view(&s->part)));
}

static void seal_grant(sealing *s)
{
	emr_pub_grant terms = {.not_before_unix_s = now,
		.not_after_unix_s = now + DAY,
		.purposes = 1,
		.rights = 3,
		.t = 1,
		.n = 1};
	emr_grant_letter letter = {.label = "Imaging", .root_dir_id = health.id};
	emr_grant_parties parties = {.agents = &agent.public.signer_id};
	emr_agent to = {.id = agent.public.signer_id};
	emr_epoch_key *epoch = NULL;
	emr_grant_terms read;
	emr_act act;

	memcpy(terms.grantee, lima.public.signer_id.b, 32);
	memcpy(parties.owner_box, s->owner.box, 32);
	memcpy(parties.grantee_x25519, lima.public.x25519, 32);
	memcpy(parties.B, lima.public.B, 32);
	memcpy(to.x25519, agent.public.x25519, 32);
	act = emr_act_grant(health.id, s->grant, 1, &terms);
	prepare(s, &ana, s->owner.signer_id, &act);
	assert_ok(emr_grant_terms_read(emr_buf_view(&s->item), &read));
	assert_ok(emr_grant_part_seal(emr_buf_view(&s->item), &parties, &letter, &s->part));
	assert_applied(folk_own(act, emr_buf_view(&s->part)));
	assert_ok(emr_keyring_epoch_key(ana.keyring, health.id, 1, &epoch));
	emr_buf_clear(&s->part);
	assert_ok(emr_kfrags_part_seal(ana.keyring, emr_signer_domain(health.id, 1), epoch, &read,
		lima.public.B, &to, &s->part));
	assert_applied(folk_own(emr_act_kfrags(health.id, s->grant, 1), emr_buf_view(&s->part)));
	emr_epoch_key_free(epoch);
}

static void open_letter(sealing *s)
{
	AUTO(auto_emr_box_key_free) emr_box_key *box = NULL;
	emr_grant_letter letter;
	emr_grant_part part;

	look_up(s, &lima, EMR_FAMILY_GRANT, s->grant);
	assert_ok(emr_grant_part_read(emr_buf_view(&s->item), emr_buf_view(&s->part), &part));
	assert_ok(emr_box_key_identity(lima.keyring, &box));
	assert_ok(emr_grant_letter_open(box, emr_buf_view(&s->item), &part, &letter));
	assert_string_equal(letter.label, "Imaging");
}

static void seal_access(sealing *s)
{
	emr_access_slot slots[3] = {
		{.version = 1, .kind = 1}, {.version = 1, .kind = 1}, {.version = 1, .kind = 2}};
	emr_access_body body = {.reader = EMR_READER_PERSON, .count = 3, .slots = slots};
	emr_recipient to = {.rid = agent.public.signer_id};
	emr_id16 none = {{0}};
	AUTO(auto_emr_box_key_free) emr_box_key *epk = NULL;
	uint8_t pk[32];
	emr_act act = emr_act_access(health.id, s->access, s->grant, none, 3, 0);

	memcpy(to.x25519, agent.public.x25519, 32);
	for (size_t i = 0; i < 3; i++)
		slots[i].object_id = emr_id16_random();
	assert_ok(emr_box_key_new(&epk));
	emr_box_key_public(epk, pk);
	prepare(s, &lima, lima.public.signer_id, &act);
	assert_ok(emr_access_part_seal(emr_buf_view(&s->item), pk, &to, 1, &body, &s->part));
	assert_applied(
		folk_say_as(&lima, emr_signer_identity(), act, emr_buf_view(&s->part), &s->req));
}

/* The agent opens the request, and says slot by slot that it has nothing to give. */
static void seal_answer(sealing *s)
{
	emr_answer_cfrag nothing_given[3] = {{0, 26, {0}}, {1, 26, {0}}, {2, 26, {0}}};
	emr_answer_group group = {.epoch = 1, .count = 3, .answers = nothing_given};
	emr_request_key *key = NULL;
	AUTO(auto_emr_box_key_free) emr_box_key *box = NULL;
	emr_asked asked = {0};
	emr_access_part part;
	emr_act act = emr_act_served(
		health.id, agent.public.signer_id, s->req, s->access, EMR_SERVED_FRAGMENTS, 0, 0);

	look_up(s, &agent, EMR_FAMILY_ACCESS, s->access);
	assert_ok(emr_box_key_identity(agent.keyring, &box));
	assert_ok(emr_access_part_read(emr_buf_view(&s->item), emr_buf_view(&s->part), &part));
	assert_ok(emr_request_key_open(
		box, agent.public.signer_id, emr_buf_view(&s->item), &part, &key));
	memcpy(asked.epk, part.epk, 32);
	memcpy(asked.owner_box, s->owner.box, 32);
	asked.key = key;
	prepare(s, &agent, agent.public.signer_id, &act);
	assert_ok(emr_served_part_seal_cfrags(emr_buf_view(&s->item), &asked, &group, 1, &s->part));
	assert_applied(folk_say(&agent, act, emr_buf_view(&s->part)));
	emr_request_key_free(key);
}

static void seal_report_and_denial(sealing *s)
{
	emr_report_row row = {
		.version = 1, .first = now, .last = now, .opens = 1, .reader = EMR_READER_PERSON};
	emr_id16 none = {{0}};
	emr_act act = emr_act_report(health.id, emr_id16_random(), s->grant, none);

	prepare(s, &lima, lima.public.signer_id, &act);
	assert_ok(emr_report_part_seal(emr_buf_view(&s->item), s->owner.box, &row, 1, &s->part));
	assert_applied(folk_say(&lima, act, emr_buf_view(&s->part)));
	act = emr_act_deny(health.id, s->request, (emr_id32){{0}});
	prepare(s, &ana, s->owner.signer_id, &act);
	assert_ok(emr_deny_part_seal(
		emr_buf_view(&s->item), lima.public.x25519, "not now", &s->part));
	assert_applied(folk_own(act, emr_buf_view(&s->part)));
}

/* Parts that the keyring makes have the lengths that the contract takes, and open again from what
 * the other's copy of the ledger holds. */
TEST_IN(folk_with_clinic, folk_end, what_the_keyring_seals_is_what_the_ledger_takes)
{
	sealing s = {.grant = emr_id16_random(),
		.access = emr_id16_random(),
		.request = emr_id16_random()};

	assert_ok(emr_keyring_domain_public(ana.keyring, health.id, 1, 1, &s.owner));
	seal_request(&s);
	seal_grant(&s);
	open_letter(&s);
	seal_access(&s);
	seal_answer(&s);
	seal_report_and_denial(&s);
	emr_buf_free(&s.item);
	emr_buf_free(&s.part);
}

TESTS(NULL, NULL)
