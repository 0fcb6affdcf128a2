/* The people and keys of share.json, and how a test flips every bit of one of its parts. */
#pragma once

#include "share_kit.h"

static json_t *root;
static emr_keyring *owner, *grantee, *agents[3];
static emr_box_key *domain_box, *grantee_box, *owner_box;
static emr_id16 domain_id;
static uint8_t domain_pk[32];
static emr_grant_terms terms;

static inline emr_id32 id_of(const emr_keyring *kr)
{
	emr_public public;

	assert_ok(emr_keyring_public(kr, &public));
	return public.signer_id;
}

static inline void public_B(const emr_keyring *kr, uint8_t out[32])
{
	emr_public public;

	assert_ok(emr_keyring_public(kr, &public));
	memcpy(out, public.B, 32);
}

static inline const json_t *fragments_of(size_t i)
{
	return json_array_get(vectors_get(root, "fragments"), i);
}

/* Both OPEN and a whole flip test need this: the part as one item has it. */
typedef emr_status (*opener)(emr_bytes item, emr_bytes part);

/* No bit of the part may change, and none of the item WITH_ITEM. */
static inline void every_bit(const share_part *one, opener open, bool with_item)
{
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};

	assert_ok(emr_buf_append(&item, one->item.data, one->item.len));
	assert_ok(emr_buf_append(&part, one->part.data, one->part.len));
	assert_ok(open(emr_buf_view(&item), emr_buf_view(&part)));
	for (size_t bit = 0; bit < part.len * 8; bit++) {
		part.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(EMR_OK, open(emr_buf_view(&item), emr_buf_view(&part)));
		part.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; with_item && bit < item.len * 8; bit++) {
		item.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(EMR_OK, open(emr_buf_view(&item), emr_buf_view(&part)));
		item.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < part.len; len += 1 + part.len / 64)
		assert_int_not_equal(
			EMR_OK, open(emr_buf_view(&item), emr_bytes_of(part.data, len)));
}

static inline void every_bit_matters(const share_part *one, opener open)
{
	every_bit(one, open, true);
}

/* PART as the one of ONE's item, whose hash is made to fit: what a ledger that lies could do. */
static inline emr_status open_instead(const share_part *one, emr_bytes part, opener open)
{
	EMR_AUTO_BUF item = {0};
	share_item facts = {.op = one->item.data[5],
		.epoch = emr_get_u32(one->item.data + 120),
		.pub = emr_bytes_of(one->item.data + 160, one->item.len - 160)};

	share_item_encode(&facts, part, &item);
	memcpy(item.data, one->item.data, 124); /* the model's own head */
	return open(emr_buf_view(&item), part);
}

/* Flips inside the letters, past the hash in the item. */
static inline void every_bit_is_authenticated_without_the_hash(
	const share_part *one, opener open, size_t first_bit)
{
	EMR_AUTO_BUF part = {0};

	assert_ok(emr_buf_append(&part, one->part.data, one->part.len));
	for (size_t bit = first_bit; bit < part.len * 8; bit += 3) {
		part.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(EMR_OK, open_instead(one, emr_buf_view(&part), open));
		part.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

AROUND(set_up)
{
	static const char *const names[] = {"agent1", "agent2", "agent3"};
	AUTO_PART grant = {0};

	root = vectors_open("share.json");
	owner = share_keyring(root, "owner");
	grantee = share_keyring(root, "grantee");
	for (int i = 0; i < 3; i++)
		agents[i] = share_keyring(root, names[i]);
	vectors_fixed(root, "domain_id", domain_id.b, 16);
	vectors_fixed(root, "domain_pk", domain_pk, 32);
	assert_ok(emr_box_key_domain(owner, domain_id, &domain_box));
	assert_ok(emr_box_key_identity(owner, &owner_box));
	assert_ok(emr_box_key_identity(grantee, &grantee_box));
	grant = share_part_of(root, "GRANT");
	assert_ok(emr_grant_terms_read(emr_buf_view(&grant.item), &terms));
}

/* As the owner opens ACCESS_REQ. */
static inline emr_status open_access(emr_bytes item, emr_bytes part)
{
	emr_access_part read;
	emr_access_body body = {0};
	emr_request_key *key = NULL;
	emr_status status = emr_access_part_read(item, part, &read);

	if (status == EMR_OK)
		status = emr_request_key_open(
			domain_box, emr_owner_rid(domain_id), item, &read, &key);
	if (status == EMR_OK)
		status = emr_access_body_open(key, item, &read, &body);
	emr_request_key_free(key);
	emr_access_body_free(&body);
	return status;
}

AROUND(tear_down)
{
	emr_box_key_free(domain_box);
	emr_box_key_free(owner_box);
	emr_box_key_free(grantee_box);
	emr_keyring_free(owner);
	emr_keyring_free(grantee);
	for (int i = 0; i < 3; i++)
		emr_keyring_free(agents[i]);
	json_decref(root);
}
