/* These tests are about sharing when memory runs out at the n-th request: of the allocator, of
 * guarded regions, and of the locked arena. */
#include "share_world.h"

#include "exhaustion.h"
#include "held_private.h"

AUTO_OF(emr_kem_key_free, emr_kem_key *)

WRAPPED(void *, sodium_malloc, size_t size)
{
	return fail_now() ? NULL : __real_sodium_malloc(size);
}

/* ---- What is tried: everything of the share, opened and sealed again ---- */

static share_part grant, fragments, asked_for, served, mine, report, device, request, deny, admit;
static emr_grant_part granted;
static emr_kfrags_part cut;
static emr_access_part asked;
static emr_box_key *agent_box, *epk;
static emr_grantee_key *b;
static emr_epoch_key *epoch_key;
static emr_grant_letter letter;
static uint8_t A[32], B[32], ctx[32], capsule[96], team_B[32], pk[32];
static emr_pre_share shares[2];
static emr_fragment *fragment;

static emr_bytes item_of(const share_part *part)
{
	return emr_buf_view(&part->item);
}

static emr_bytes bytes_of(const share_part *part)
{
	return emr_buf_view(&part->part);
}

static emr_status seal_grant(void)
{
	EMR_AUTO_BUF out = {0};
	emr_grant_parties parties = {.agents = granted.agents};

	memcpy(parties.owner_box, pk, 32);
	memcpy(parties.grantee_x25519, pk, 32);
	memcpy(parties.B, B, 32);
	return emr_grant_part_seal(item_of(&grant), &parties, &letter, &out);
}

static emr_status open_grant(void)
{
	emr_grant_letter read;

	return emr_grant_letter_open(grantee_box, item_of(&grant), &granted, &read);
}

static emr_status seal_fragments(void)
{
	EMR_AUTO_BUF out = {0};
	emr_agent to[3];

	for (int i = 0; i < 3; i++) {
		to[i].id = granted.agents[i];
		memcpy(to[i].x25519, pk, 32);
	}
	return emr_kfrags_part_seal(
		owner, emr_signer_domain(domain_id, 1), epoch_key, &terms, B, to, &out);
}

static emr_status keep_fragment(void)
{
	emr_fragment *made = NULL;
	emr_fragment *again = NULL;
	uint8_t sealed[EMR_FRAGMENT_SEALED_BYTES];
	emr_status status = emr_fragment_open(
		agent_box, granted.agents[0], domain_pk, &terms, A, B, &cut, &made);

	if (status == EMR_OK)
		status = emr_fragment_seal_local(agents[0], made, kit_text("row"), sealed);
	if (status == EMR_OK)
		status = emr_fragment_open_local(agents[0], sealed, kit_text("row"),
			granted.agents[0], domain_pk, &terms, A, B, &again);
	emr_fragment_free(made);
	emr_fragment_free(again);
	return status;
}

static emr_status convert(void)
{
	uint8_t cfrag[EMR_PRE_CFRAG_BYTES];

	return emr_fragment_convert(fragment, ctx, capsule, asked_for.id, cfrag);
}

static emr_status seal_request(void)
{
	EMR_AUTO_BUF out = {0};
	emr_access_slot slots[5] = {
		{{{1}}, 1, 1}, {{{2}}, 1, 1}, {{{3}}, 1, 1}, {{{4}}, 1, 1}, {{{5}}, 1, 2}};
	emr_access_body body = {
		.purpose = 0, .reader = EMR_READER_PERSON, .count = 5, .slots = slots};
	emr_recipient to = {.rid = granted.agents[0]};

	memcpy(to.x25519, pk, 32);
	return emr_access_part_seal(item_of(&asked_for), pk, &to, 1, &body, &out);
}

static emr_status open_request_body(void)
{
	emr_access_body body = {0};
	emr_request_key *key = NULL;
	emr_status status = emr_request_key_open(
		domain_box, emr_owner_rid(domain_id), item_of(&asked_for), &asked, &key);

	if (status == EMR_OK)
		status = emr_access_body_open(key, item_of(&asked_for), &asked, &body);
	emr_access_body_free(&body);
	emr_request_key_free(key);
	return status;
}

static emr_status seal_answer(void)
{
	EMR_AUTO_BUF out = {0};
	emr_request_key *key = NULL;
	emr_answer_cfrag entries[3] = {{.slot = 0}, {.slot = 1}, {.slot = 2}};
	emr_answer_group group = {3, fragment, 3, entries};
	emr_asked to = {0};
	emr_status status = emr_request_key_of_served(
		domain_box, item_of(&served), bytes_of(&served), &asked, &key);

	memcpy(to.epk, pk, 32);
	memcpy(to.owner_box, pk, 32);
	to.key = key;
	if (status == EMR_OK)
		status = emr_served_part_seal_cfrags(item_of(&served), &to, &group, 1, &out);
	emr_request_key_free(key);
	return status;
}

static emr_status open_answers(void)
{
	emr_answer *answer = NULL;
	emr_kem_key *key = NULL;
	uint16_t slot;
	uint8_t why;
	emr_status status = emr_answer_open(epk, item_of(&mine), bytes_of(&mine), 5, &answer);

	if (status == EMR_OK)
		status = emr_answer_key_get(answer, 0, &slot, &why, &key);
	emr_kem_key_free(key);
	emr_answer_free(answer);
	return status;
}

static emr_status combine(void)
{
	AUTO(auto_emr_kem_key_free) emr_kem_key *key = NULL;
	emr_status status = emr_kem_key_combine(b, A, cut.X, ctx, capsule, shares, 2, &key);

	return status;
}

static emr_status decapsulate(void)
{
	AUTO(auto_emr_kem_key_free) emr_kem_key *key = NULL;
	emr_status status = emr_kem_key_decapsulate(epoch_key, ctx, capsule, &key);

	return status;
}

static emr_status reports(void)
{
	EMR_AUTO_BUF out = {0};
	EMR_AUTO_FREE emr_report_row *rows = NULL;
	size_t n;
	emr_status status =
		emr_report_part_open(domain_box, item_of(&report), bytes_of(&report), &rows, &n);

	if (status == EMR_OK)
		status = emr_report_part_seal(item_of(&report), pk, rows, n, &out);
	return status;
}

static emr_status writers(void)
{
	EMR_AUTO_BUF out = {0};
	emr_writer_letter read;
	EMR_AUTO_FREE emr_epoch_key **keys = NULL;
	emr_box_key *box = NULL;
	size_t n = 0;
	emr_status status = emr_box_key_identity(agents[2], &box);

	if (status == EMR_OK)
		status = emr_writer_part_open(
			box, item_of(&device), bytes_of(&device), &read, &keys, &n);
	if (status == EMR_OK)
		status = emr_writer_part_seal(
			item_of(&device), pk, &read, (const emr_epoch_key *const *)keys, n, &out);
	for (size_t i = 0; i < n; i++)
		emr_epoch_key_free(keys[i]);
	emr_box_key_free(box);
	return status;
}

static emr_status requests(void)
{
	EMR_AUTO_BUF out = {0};
	emr_request_body body;
	char reason[EMR_REQUEST_REASON_MAX + 1];
	emr_status status =
		emr_request_part_open(owner_box, item_of(&request), bytes_of(&request), &body);

	if (status == EMR_OK)
		status = emr_request_part_seal(item_of(&request), pk, &body, &out);
	if (status == EMR_OK)
		status = emr_deny_part_open(grantee_box, item_of(&deny), bytes_of(&deny), reason);
	if (status == EMR_OK)
		status = emr_deny_part_seal(item_of(&deny), pk, reason, &out);
	return status;
}

static emr_status members(void)
{
	EMR_AUTO_BUF out = {0};
	emr_grantee_key *key = NULL;
	emr_status status =
		emr_admit_part_open(grantee_box, item_of(&admit), bytes_of(&admit), team_B, &key);

	if (status == EMR_OK)
		status = emr_admit_part_seal(item_of(&admit), pk, key, &out);
	emr_grantee_key_free(key);
	return status;
}

static emr_status cards(void)
{
	EMR_AUTO_BUF card = {0};
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_BUF again = {0};
	emr_id16 net = {{1}};
	emr_card read;
	emr_status status =
		emr_card_make_domain(owner, net, domain_id, 1, 1, 1, 2, "Ana", "1984-03-12", &card);

	if (status == EMR_OK)
		status = emr_card_file_text(emr_buf_view(&card), &text);
	if (status == EMR_OK)
		status = emr_card_from_text(emr_buf_view(&text), &again);
	return status == EMR_OK ? emr_card_read(emr_buf_view(&again), &read) : status;
}

static emr_status new_keys(void)
{
	emr_box_key *box = NULL;
	emr_grantee_key *team = NULL;
	emr_status status = emr_box_key_new(&box);

	if (status == EMR_OK)
		status = emr_grantee_key_new(&team);
	emr_box_key_free(box);
	emr_grantee_key_free(team);
	return status;
}

static const step steps[] = {
	{"seal grant", seal_grant},
	{"open grant", open_grant},
	{"seal fragments", seal_fragments},
	{"keep fragment", keep_fragment},
	{"convert", convert},
	{"seal request", seal_request},
	{"open request", open_request_body},
	{"seal answer", seal_answer},
	{"open answers", open_answers},
	{"combine", combine},
	{"decapsulate", decapsulate},
	{"reports", reports},
	{"writers", writers},
	{"requests", requests},
	{"members", members},
	{"cards", cards},
	{"new keys", new_keys},
};
#define STEPS (sizeof steps / sizeof steps[0])

TEST(a_failed_allocation_is_told_as_such)
{
	for (size_t i = 0; i < STEPS; i++) {
		for (int n = 1;; n++) {
			emr_status status;

			atomic_store(&failed, false);
			atomic_store(&countdown, n);
			status = steps[i].run();
			atomic_store(&countdown, 0);
			if (!atomic_load(&failed)) {
				assert_ok(status);
				break;
			}
			/* OpenSSL may help itself; nothing else is hidden. */
			if (status != EMR_OK && status != EMR_NO_MEMORY)
				fail_msg("%s, allocation %d: %s", steps[i].name, n,
					emr_status_text(status));
			assert_true(n < 5000);
		}
		assert_ok(steps[i].run());
	}
}

TEST(full_memory_for_keys_is_told_as_such)
{
	keys_run_out(steps, STEPS, 256);
}

/* The answers of two agents to slot 1, the listing. */
static void take_share(const char *name, emr_pre_share *out)
{
	AUTO_PART one = share_part_of(root, name);
	emr_answer *answer = NULL;

	assert_ok(emr_answer_open(epk, item_of(&one), bytes_of(&one), 5, &answer));
	for (size_t i = 0; i < emr_answer_count(answer); i++) {
		emr_answer_entry entry;

		assert_ok(emr_answer_entry_get(answer, i, &entry));
		if (entry.slot == 1)
			*out = entry.share;
	}
	emr_answer_free(answer);
}

static void take_parts(void)
{
	grant = share_part_of(root, "GRANT");
	fragments = share_part_of(root, "KFRAGS 3");
	asked_for = share_part_of(root, "ACCESS_REQ");
	served = share_part_of(root, "ACCESS_SERVED agent1");
	mine = share_part_of(root, "ACCESS_SERVED owner");
	report = share_part_of(root, "READ_REPORT");
	device = share_part_of(root, "WRITER_ADD device");
	request = share_part_of(root, "REQUEST");
	deny = share_part_of(root, "DENY");
	admit = share_part_of(root, "DATASET_ADMIT");
}

static int set_up_all(void **state)
{
	const json_t *capsule_of;
	emr_secret sk = {0};
	uint8_t bytes[32];

	if (set_up(state) != 0)
		return -1;
	take_parts();
	vectors_fixed(vectors_get(root, "access"), "epk_sk", bytes, 32);
	sk = kit_secret(bytes, 32);
	assert_ok(emr_box_key_from(&sk, &epk));
	assert_ok(emr_grant_part_read(item_of(&grant), bytes_of(&grant), &granted));
	assert_ok(emr_grant_letter_open(grantee_box, item_of(&grant), &granted, &letter));
	assert_ok(emr_kfrags_part_read(item_of(&fragments), bytes_of(&fragments), &terms, &cut));
	assert_ok(emr_access_part_read(item_of(&asked_for), bytes_of(&asked_for), &asked));
	assert_ok(emr_box_key_identity(agents[0], &agent_box));
	assert_ok(emr_grantee_key_identity(grantee, &b));
	assert_ok(emr_keyring_epoch_key(owner, domain_id, 3, &epoch_key));
	emr_epoch_key_public(epoch_key, A);
	public_B(grantee, B);
	emr_box_key_public(domain_box, pk);
	vectors_fixed(vectors_get(root, "team"), "B", team_B, 32);
	capsule_of = json_array_get(vectors_get(root, "capsules"), 1);
	vectors_fixed(capsule_of, "ctx", ctx, 32);
	vectors_fixed(capsule_of, "capsule", capsule, 96);
	take_share("ACCESS_SERVED agent1", &shares[0]);
	take_share("ACCESS_SERVED agent2", &shares[1]);
	assert_ok(emr_fragment_open(
		agent_box, granted.agents[0], domain_pk, &terms, A, B, &cut, &fragment));
	return 0;
}

static int tear_down_all(void **state)
{
	share_part *const parts[] = {&grant, &fragments, &asked_for, &served, &mine, &report,
		&device, &request, &deny, &admit};

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		share_part_free(parts[i]);
	emr_fragment_free(fragment);
	emr_box_key_free(agent_box);
	emr_box_key_free(epk);
	emr_grantee_key_free(b);
	emr_epoch_key_free(epoch_key);
	return tear_down(state);
}

TESTS(set_up_all, tear_down_all)
