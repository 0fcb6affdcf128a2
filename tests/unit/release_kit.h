/* An owner, three agents, a doctor and a stranger; grants, requests and answers between them, as
 * the ledger would hold them. */
#pragma once

#include "contract/pubs_share.h"
#include "share_kit.h"

#define AGENTS 3
#define OP_GRANT 0x30
#define OP_KFRAGS 0x32
#define OP_ACCESS 0x48
#define OP_SERVED 0x49

static emr_keyring *owner, *doctor, *stranger, *agents[AGENTS];
static emr_public doctor_public, stranger_public, agent_public[AGENTS];
static emr_domain_public domain;
static const emr_id16 domain_id = {{7}};
static const emr_id16 grant_id = {{8}};
static const emr_id16 record_id = {{9}};
static const emr_id32 digest = {{10}};

/* ---- Items ---- */

static inline emr_bytes grant_pub(uint8_t t, uint8_t n, uint64_t not_after, emr_buf *buf)
{
	emr_pub_grant pub = {.not_before_unix_s = 1000,
		.not_after_unix_s = not_after,
		.purposes = 1,
		.rights = 3,
		.t = t,
		.n = n};

	memcpy(pub.grantee, doctor_public.signer_id.b, 32);
	assert_ok(emr_buf_append_zeros(buf, 64));
	emr_pub_grant_encode(&pub, buf->data);
	return emr_buf_view(buf);
}

/* A grant of t of n at EPOCH with its fragments, as the ledger would hold them. */
typedef struct grant_kit {
	emr_grant_terms terms;
	emr_epoch_key *key;
	uint8_t A[32];
	emr_buf item, part;
	emr_fragment *fragments[AGENTS];
} grant_kit;

static inline void kfrags_for(grant_kit *kit, const uint8_t B[32])
{
	emr_agent of[AGENTS];
	share_item facts = {.op = OP_KFRAGS,
		.domain_id = domain_id,
		.object_id = grant_id,
		.signer_id = domain.signer_id,
		.epoch = emr_epoch_key_epoch(kit->key)};
	emr_kfrags_part part;

	for (int i = 0; i < AGENTS; i++) {
		of[i].id = agent_public[i].signer_id;
		memcpy(of[i].x25519, agent_public[i].x25519, 32);
	}
	assert_ok(emr_kfrags_part_seal(
		owner, emr_signer_domain(domain_id, 1), kit->key, &kit->terms, B, of, &kit->part));
	share_item_encode(&facts, emr_buf_view(&kit->part), &kit->item);
	assert_ok(emr_kfrags_part_read(
		emr_buf_view(&kit->item), emr_buf_view(&kit->part), &kit->terms, &part));
	for (unsigned i = 0; i < kit->terms.n; i++) {
		emr_box_key *box = NULL;

		assert_ok(emr_box_key_identity(agents[i], &box));
		assert_ok(emr_fragment_open(box, of[i].id, domain.owner_pk, &kit->terms, kit->A, B,
			&part, &kit->fragments[i]));
		emr_box_key_free(box);
	}
}

static inline grant_kit grant_of(uint8_t t, uint8_t n, uint32_t epoch, const uint8_t B[32])
{
	EMR_AUTO_BUF pub = {0};
	EMR_AUTO_BUF item = {0};
	grant_kit kit = {0};
	share_item facts = {.op = OP_GRANT,
		.domain_id = domain_id,
		.object_id = grant_id,
		.signer_id = domain.signer_id,
		.epoch = epoch,
		.pub = grant_pub(t, n, 2000, &pub)};

	share_item_encode(&facts, (emr_bytes){0}, &item);
	assert_ok(emr_grant_terms_read(emr_buf_view(&item), &kit.terms));
	assert_ok(emr_keyring_epoch_key(owner, domain_id, epoch, &kit.key));
	emr_epoch_key_public(kit.key, kit.A);
	if (n > 0)
		kfrags_for(&kit, B);
	return kit;
}

static inline void grant_free(grant_kit *kit)
{
	emr_epoch_key_free(kit->key);
	emr_buf_free(&kit->item);
	emr_buf_free(&kit->part);
	for (int i = 0; i < AGENTS; i++)
		emr_fragment_free(kit->fragments[i]);
}
#define AUTO_GRANT __attribute__((cleanup(grant_free))) grant_kit

/* A content key under an epoch's A. */
typedef struct wrapped {
	uint8_t ctx[32];
	uint8_t capsule[EMR_CAPSULE_BYTES];
	uint8_t wdek[EMR_WDEK_BYTES];
	uint8_t com[32];
} wrapped;

static inline void com_of(const emr_content_key *key, uint8_t com[32])
{
	static const uint8_t salt[24];
	emr_chunk_cipher *cipher = NULL;

	assert_ok(emr_content_key_cipher(key, 1, salt, &cipher, com));
	emr_chunk_cipher_free(cipher);
}

static inline wrapped wrap(const uint8_t A[32], uint32_t epoch)
{
	emr_content_key *key = NULL;
	wrapped made;

	assert_ok(emr_content_key_new(&key));
	emr_capsule_ctx(domain_id, epoch, record_id, 1, EMR_CAPSULE_CONTENT, digest, made.ctx);
	assert_ok(emr_content_key_wrap(owner, A, made.ctx, key, made.capsule, made.wdek));
	com_of(key, made.com);
	emr_content_key_free(key);
	return made;
}

/* KEM opens what was wrapped. */
static inline emr_status opens(const emr_kem_key *kem, const wrapped *one)
{
	emr_content_key *key = NULL;
	uint8_t com[32];
	emr_status status = emr_content_key_open_kem(kem, one->ctx, one->wdek, &key);

	if (status != EMR_OK)
		return status;
	com_of(key, com);
	assert_memory_equal(com, one->com, 32);
	emr_content_key_free(key);
	return EMR_OK;
}

/* A request of two slots by DOCTOR to all agents and the owner. */
typedef struct request {
	emr_buf item, part;
	emr_box_key *epk;
	emr_id32 id;
} request;

static inline request ask(void)
{
	EMR_AUTO_BUF pub = {0};
	emr_pub_access_req named = {.count = 2};
	emr_access_slot slots[2] = {{record_id, 1, 1}, {record_id, 2, 1}};
	emr_access_body body = {
		.purpose = 0, .reader = EMR_READER_PERSON, .count = 2, .slots = slots};
	emr_recipient to[AGENTS + 1];
	share_item facts = {.op = OP_ACCESS,
		.domain_id = domain_id,
		.object_id = emr_id16_random(),
		.signer_id = doctor_public.signer_id};
	request made = {0};
	uint8_t epk[32];

	for (int i = 0; i < AGENTS; i++) {
		to[i].rid = agent_public[i].signer_id;
		memcpy(to[i].x25519, agent_public[i].x25519, 32);
	}
	to[AGENTS].rid = emr_owner_rid(domain_id);
	memcpy(to[AGENTS].x25519, domain.box, 32);
	memcpy(named.grant, grant_id.b, 16);
	assert_ok(emr_buf_append_zeros(&pub, 40));
	emr_pub_access_req_encode(&named, pub.data);
	facts.pub = emr_buf_view(&pub);
	share_item_encode(&facts, (emr_bytes){0}, &made.item);
	assert_ok(emr_box_key_new(&made.epk));
	emr_box_key_public(made.epk, epk);
	assert_ok(emr_access_part_seal(
		emr_buf_view(&made.item), epk, to, AGENTS + 1, &body, &made.part));
	share_item_encode(&facts, emr_buf_view(&made.part), &made.item);
	made.id = share_item_id(&made.item);
	return made;
}

static inline void request_free(request *asked)
{
	emr_buf_free(&asked->item);
	emr_buf_free(&asked->part);
	emr_box_key_free(asked->epk);
}
#define AUTO_REQUEST __attribute__((cleanup(request_free))) request

/* The public part of an answer. */
static inline void served_pub(const request *asked, uint8_t mode, uint16_t given, emr_buf *out)
{
	emr_pub_access_served pub = {.mode = mode, .count = given};

	memcpy(pub.req, asked->id.b, 32);
	memcpy(pub.req_object, asked->item.data + 24, 16);
	emr_buf_clear(out);
	assert_ok(emr_buf_append_zeros(out, 56));
	emr_pub_access_served_encode(&pub, out->data);
}

typedef struct answered {
	emr_buf item, part;
	emr_answer *answer;
} answered;

static inline void answered_free(answered *one)
{
	emr_buf_free(&one->item);
	emr_buf_free(&one->part);
	emr_answer_free(one->answer);
}
#define AUTO_ANSWERED __attribute__((cleanup(answered_free))) answered

/* Does what agent I does with the request: opens it, converts ONE for slot 0, seals; and opens it
 * as its reader. */
static inline answered serve(
	const grant_kit *kit, unsigned i, const request *asked, const wrapped *one)
{
	EMR_AUTO_BUF pub = {0};
	emr_box_key *box = NULL;
	emr_request_key *key = NULL;
	emr_access_part part;
	emr_answer_cfrag entries[2] = {{.slot = 0}, {.slot = 1, .status = 26}};
	emr_answer_group group = {emr_epoch_key_epoch(kit->key), kit->fragments[i], 2, entries};
	emr_asked to = {0};
	share_item facts = {
		.op = OP_SERVED, .domain_id = domain_id, .signer_id = agent_public[i].signer_id};
	answered made = {0};

	assert_ok(emr_access_part_read(
		emr_buf_view(&asked->item), emr_buf_view(&asked->part), &part));
	assert_ok(emr_box_key_identity(agents[i], &box));
	assert_ok(emr_request_key_open(
		box, agent_public[i].signer_id, emr_buf_view(&asked->item), &part, &key));
	assert_ok(emr_fragment_convert(
		kit->fragments[i], one->ctx, one->capsule, asked->id, entries[0].cfrag));
	memcpy(to.epk, part.epk, 32);
	memcpy(to.owner_box, domain.box, 32);
	to.key = key;
	served_pub(asked, 1, 1, &pub);
	facts.pub = emr_buf_view(&pub);
	share_item_encode(&facts, (emr_bytes){0}, &made.item);
	assert_ok(
		emr_served_part_seal_cfrags(emr_buf_view(&made.item), &to, &group, 1, &made.part));
	share_item_encode(&facts, emr_buf_view(&made.part), &made.item);
	assert_ok(emr_answer_open(
		asked->epk, emr_buf_view(&made.item), emr_buf_view(&made.part), 2, &made.answer));
	emr_request_key_free(key);
	emr_box_key_free(box);
	return made;
}

static inline emr_answer_entry entry_of(const answered *one)
{
	emr_answer_entry entry;

	assert_ok(emr_answer_entry_get(one->answer, 0, &entry));
	return entry;
}

static inline emr_status combine(const emr_keyring *kr, const grant_kit *kit, const wrapped *one,
	const emr_answer_entry *entries, unsigned n, emr_kem_key **out)
{
	emr_pre_share shares[AGENTS];
	emr_grantee_key *b = NULL;
	emr_status status;

	for (unsigned i = 0; i < n; i++)
		shares[i] = entries[i].share;
	assert_ok(emr_grantee_key_identity(kr, &b));
	status = emr_kem_key_combine(
		b, kit->A, entries[0].X, one->ctx, one->capsule, shares, n, out);
	emr_grantee_key_free(b);
	return status;
}

AROUND(set_up)
{
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &owner));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &doctor));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &stranger));
	assert_ok(emr_keyring_public(doctor, &doctor_public));
	assert_ok(emr_keyring_public(stranger, &stranger_public));
	assert_ok(emr_keyring_domain_public(owner, domain_id, 1, 1, &domain));
	for (int i = 0; i < AGENTS; i++) {
		assert_ok(emr_keyring_create(EMR_KEYRING_ORGANISATION, 1, &agents[i]));
		assert_ok(emr_keyring_public(agents[i], &agent_public[i]));
	}
}

AROUND(tear_down)
{
	emr_keyring_free(owner);
	emr_keyring_free(doctor);
	emr_keyring_free(stranger);
	for (int i = 0; i < AGENTS; i++)
		emr_keyring_free(agents[i]);
}
