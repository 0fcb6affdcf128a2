/* This fuzz target reads batches from outside, and the rules over them. The first byte says how
 * much of the batch is made right again (bit 0: signer, network, times, root and signature; bit
 * 1: signer ids and times of the items) or that the bytes are the choices from which a batch is
 * built (bit 2), so that the rules behind the signature are reached; the second byte chooses the
 * state. Whatever comes: every row that apply reads was declared, its memory suffices, a refusal
 * writes nothing, and the same input gives the same output. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "contract/contract.h"
#include "contract/pubs_share.h"
#include "contract/rows_share.h"
#include "crypto/hashsig.h"

#include "contract_item.h"

#define VALUES_MAX (EMR_BATCH_COUNT_MAX * 10 + 64)

static uint8_t pk[32], sk[64], signer_id[32];
static const uint8_t net_id[16] = "fuzzed network!";

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

static void make_signer(void)
{
	static const uint8_t seed[32] = {42};
	static bool is_made;

	if (is_made)
		return;
	check(sodium_init() >= 0);
	crypto_sign_seed_keypair(pk, sk, seed);
	emr_signer_id(pk, signer_id);
	is_made = true;
}

static void put_u64(uint8_t *p, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* Makes BATCH (parsed as VIEW) one that the harness's signer could have signed. */
static void mend(uint8_t *batch, const emr_batch *view, uint8_t mode)
{
	uint8_t message[EMR_HEADER_MESSAGE_BYTES];

	if ((mode & 2) != 0)
		for (size_t i = 0; i < view->count; i++)
			memcpy(batch + (view->items[i].bytes.data - batch) + 80, signer_id, 32);
	if ((mode & 1) == 0)
		return;
	memcpy(batch + 8, pk, 32);
	memcpy(batch + 40, net_id, 16);
	put_u64(batch + 56, NOW);
	put_u64(batch + 64, NOW + 500);
	if ((mode & 2) != 0)
		for (size_t i = 0; i < view->count; i++)
			put_u64(batch + (view->items[i].bytes.data - batch) + 112, NOW - 5);
	check(emr_items_root(view->items_bytes, view->count, batch + 112) == EMR_CONTRACT_OK);
	emr_header_message(batch, message);
	crypto_sign_detached(batch + 144, NULL, message, sizeof message, sk);
}

/* ---- a batch from choices ---- */

#define BUILT_MAX 24 /* items */

static const struct {
	uint8_t op;
	uint16_t part;
} usual[] = {{EMR_OP_KEY_REG, 40}, {EMR_OP_KEY_CERT, 40}, {EMR_OP_DOMAIN_NEW, 0},
	{EMR_OP_EPOCH, 33}, {EMR_OP_LISTKEY, 160}, {EMR_OP_PUT, 828}, {EMR_OP_META, 616},
	{EMR_OP_REWRAP, 828}, {EMR_OP_UNLINK, 0}, {EMR_OP_ERASE, 0}, {EMR_OP_RESTORE_PART, 40},
	{EMR_OP_GRANT, 722}, {EMR_OP_GRANT, 818}, {EMR_OP_REVOKE, 0}, {EMR_OP_KFRAGS, 280},
	{EMR_OP_KFRAGS, 488}, {EMR_OP_LETTER, 800}, {EMR_OP_AGENT_ACK, 0}, {EMR_OP_AGENT_ACK, 40},
	{EMR_OP_REQUEST, 592}, {EMR_OP_APPROVE, 0}, {EMR_OP_DENY, 90}, {EMR_OP_WITHDRAW, 0},
	{EMR_OP_ACCESS_REQ, 296}, {EMR_OP_ACCESS_REQ, 328}, {EMR_OP_ACCESS_SERVED, 672},
	{EMR_OP_ACCESS_SERVED, 0}, {EMR_OP_READ_REPORT, 154}, {EMR_OP_KEY_ROTATE, 0},
	{EMR_OP_KEY_REVOKE, 0}, {EMR_OP_KEY_KX, 0}, {EMR_OP_ORG_PROPOSE, 0},
	{EMR_OP_ORG_PROPOSE, 40}, {EMR_OP_ORG_APPROVE, 0}, {EMR_OP_DOMAIN_ROTATE, 0},
	{EMR_OP_WRITER_ADD, 592}, {EMR_OP_WRITER_DEL, 0}, {EMR_OP_DATASET_NEW, 40},
	{EMR_OP_DATASET_CLOSE, 0}, {EMR_OP_DATASET_ADMIT, 112}, {EMR_OP_DATASET_DROP, 0},
	{EMR_OP_TRUSTEE_SET, 249}, {EMR_OP_MINT, 0}, {EMR_OP_DATASET_JOIN, 0},
	{EMR_OP_DATASET_LEAVE, 0}, {EMR_OP_DATASET_SNAPSHOT, 0}, {EMR_OP_TRANSFER, 0},
	{EMR_OP_CERT_REVOKE, 0}, {EMR_OP_ENROL_REVOKE, 0}, {EMR_OP_HOST_KEY, 0},
	{EMR_OP_RECOVER_REQ, 0}, {EMR_OP_RECOVER_CANCEL, 0}, {EMR_OP_RECOVER_SHARE, 113},
	{EMR_OP_EMERGENCY, 592}};

/* The whole batch, unsigned, in allocated bytes. */
static uint8_t *build(const uint8_t *data, size_t size, size_t *out_len)
{
	static uint8_t parts[BUILT_MAX * 828];
	uint8_t *batch =
		malloc(EMR_HEADER_BYTES + BUILT_MAX * (EMR_ITEM_BYTES + EMR_PUB_MAX + 828));
	emr_header header = {.count = 0};
	size_t at = EMR_HEADER_BYTES, parts_len = 0, len;

	check(batch != NULL);
	for (; size >= CHOICES && header.count < BUILT_MAX; data += CHOICES, size -= CHOICES) {
		size_t kind = data[0] % (sizeof usual / sizeof usual[0]);
		uint8_t pub[EMR_PUB_MAX];
		emr_item item = chosen_item(data, usual[kind].op, signer_id);
		emr_span part = {parts + parts_len, usual[kind].part};

		chosen_pub(data, signer_id, &item, pub);
		memset(parts + parts_len, data[7], part.len);
		emr_item_set_part(&item, part);
		parts_len += part.len;
		check(emr_item_encode(&item, (emr_span){pub, (size_t)emr_op_pub_len(item.op)},
			      batch + at, EMR_ITEM_BYTES + EMR_PUB_MAX, &len) == EMR_CONTRACT_OK);
		at += len;
		header.count++;
	}
	emr_header_encode(&header, batch);
	memcpy(batch + at, parts, parts_len);
	*out_len = at + parts_len;
	return batch;
}

/* ---- a state made up from the key: present or not, with fields from a hash ---- */

static emr_row_head head_of(const uint8_t hash[32], uint8_t family, uint8_t states)
{
	emr_row_head head = {.family = family,
		.state = (uint8_t)(1 + hash[0] % states),
		.flags = hash[1] & 1,
		.epoch = 1 + hash[2] % 2,
		.version = hash[3] % 4};

	return head;
}

static size_t key_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_key row = {.head = head_of(hash, EMR_FAMILY_KEY, 3),
		.roles = (uint16_t)(hash[4] | hash[5] << 8),
		.how = 1 + hash[6] % 2,
		.not_after_unix_s = hash[7] % 4 == 0 ? NOW : NOW + 1};

	if (hash[0] % 4 != 0)
		row.head.state = EMR_KEY_ACTIVE;
	memcpy(row.pk, pk, 32);
	memset(row.org, hash[8] % 2, 16);
	memcpy(row.root, signer_id, 32);
	emr_row_key_encode(&row, out);
	return EMR_ROW_KEY_BYTES;
}

static size_t domain_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_domain row = {.head = head_of(hash, EMR_FAMILY_DOMAIN, 1)};

	memcpy(row.owner_pk, hash[4] % 2 == 0 ? pk : hash, 32);
	emr_row_domain_encode(&row, out);
	return EMR_ROW_DOMAIN_BYTES;
}

static size_t writer_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_writer row = {.head = head_of(hash, EMR_FAMILY_WRITER, 2),
		.rights = hash[4] & 31,
		.not_after_unix_s = hash[5] % 4 == 0 ? NOW : NOW + 1};

	memcpy(row.writer, signer_id, 32);
	emr_row_writer_encode(&row, out);
	return EMR_ROW_WRITER_BYTES;
}

static size_t object_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_object row = {.head = head_of(hash, EMR_FAMILY_OBJECT, 3)};

	memcpy(row.creator, hash[4] % 2 == 0 ? signer_id : hash, 32);
	emr_row_object_encode(&row, out);
	return EMR_ROW_OBJECT_BYTES;
}

static size_t listkey_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_listkey row = {.head = head_of(hash, EMR_FAMILY_LISTKEY, 1)};

	memcpy(row.signer, signer_id, 32);
	emr_row_listkey_encode(&row, out);
	return EMR_ROW_LISTKEY_BYTES;
}

static size_t org_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_org row = {.head = head_of(hash, EMR_FAMILY_ORG, 1)};

	emr_row_org_encode(&row, out);
	return EMR_ROW_ORG_BYTES;
}

static size_t grant_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_grant row = {.head = head_of(hash, EMR_FAMILY_GRANT, 2),
		.rights = hash[9] & 7,
		.not_after_unix_s = NOW + hash[4] % 3,
		.n = 1,
		.t = 1,
		.kver = hash[5] % 3};

	memcpy(row.grantee, hash[6] % 4 == 0 ? hash : signer_id, 32);
	if (hash[7] % 4 == 0) { /* one of the datasets */
		uint8_t dataset[16];

		memset(dataset, hash[8] % 5, 16);
		emr_grantee_dataset(dataset, row.grantee);
	}
	emr_row_grant_encode(&row, out);
	return EMR_ROW_GRANT_BYTES;
}

static size_t network_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_network row = {.head = head_of(hash, EMR_FAMILY_ORG, 1),
		.quorum = hash[4] % 4,
		.norg = 1 + hash[5] % 4,
		.contract = 1 + hash[6] % 2};

	return emr_row_network_encode(&row, out), EMR_ROW_NETWORK_BYTES;
}

static size_t proposal_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_proposal row = {.head = head_of(hash, EMR_FAMILY_ORG, 3),
		.kind = 1 + hash[4] % 5,
		.quorum = hash[5] % 3,
		.count = hash[6] % 3,
		.not_after_unix_s = NOW + hash[7] % 2};
	emr_voice voices[2] = {0};

	memset(row.org, hash[8] % 2, 16);
	for (size_t i = 0; i < 2; i++) {
		memset(voices[i].org, hash[9 + i] % 2, 16);
		voices[i].member_version = hash[11 + i] % 2;
		memcpy(voices[i].signer, hash[13 + i] % 2 != 0 ? signer_id : hash, 32);
	}
	row.by = voices[hash[15] % 2];
	return emr_row_proposal_encode(&row, voices, out);
}

static size_t approval_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_signed row = {.head = head_of(hash, EMR_FAMILY_APPROVAL, 1)};

	emr_row_signed_encode(&row, out);
	return hash[4] % 2 == 0 ? EMR_ROW_SIGNED_BYTES : 0;
}

static size_t epoch_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_epoch row = {.head = head_of(hash, EMR_FAMILY_EPOCH, 1)};

	emr_row_epoch_encode(&row, out);
	return EMR_ROW_EPOCH_BYTES;
}

static size_t request_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_request row = {.head = head_of(hash, EMR_FAMILY_REQUEST, 4)};

	memcpy(row.signer, hash[4] % 2 == 0 ? signer_id : hash, 32);
	emr_row_request_encode(&row, out);
	return EMR_ROW_REQUEST_BYTES;
}

static size_t access_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_access row = {.head = head_of(hash, EMR_FAMILY_ACCESS, 1),
		.time_unix_s = NOW - (hash[4] % 4 == 0 ? 86401 : 1)};

	memset(row.grant, hash[5] % 5, 16);
	emr_row_access_encode(&row, out);
	return EMR_ROW_ACCESS_BYTES;
}

static size_t dataset_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_dataset row = {.head = head_of(hash, EMR_FAMILY_DATASET, 2)};

	row.not_after_unix_s = NOW + hash[5] % 4;
	row.price = hash[6] % 3;
	memcpy(row.steward, hash[4] % 4 != 0 ? signer_id : hash, 32);
	emr_row_dataset_encode(&row, out);
	return EMR_ROW_DATASET_BYTES;
}

static size_t member_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_member row = {
		.head = head_of(hash, EMR_FAMILY_MEMBER, 2), .not_after_unix_s = NOW + hash[4] % 4};

	memset(row.dataset, hash[5] % 3, 16);
	memcpy(row.member, signer_id, 32);
	emr_row_member_encode(&row, out);
	return EMR_ROW_MEMBER_BYTES;
}

static size_t join_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_join row = {.head = head_of(hash, EMR_FAMILY_JOIN, 2)};

	memset(row.grant, hash[4] % 3, 16);
	emr_row_join_encode(&row, out);
	return EMR_ROW_JOIN_BYTES;
}

static size_t account_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_account row = {.head = head_of(hash, EMR_FAMILY_ACCOUNT, 1), .points = hash[4]};

	if (hash[5] % 8 == 0)
		row.points = UINT64_MAX - hash[4];
	emr_row_account_encode(&row, out);
	return EMR_ROW_ACCOUNT_BYTES;
}

static size_t emergency_row(const uint8_t hash[32], uint8_t *out)
{
	emr_row_emergency row = {.head = head_of(hash, EMR_FAMILY_EMERGENCY, 1),
		.first_unix_s = NOW - hash[4] % 2,
		.until_unix_s = hash[5] % 2 == 0 ? 0 : NOW + hash[5] % 4};

	memcpy(row.first, hash[6] % 2 == 0 ? signer_id : hash, 32);
	memset(row.account, hash[7] % 2, 32);
	emr_row_emergency_encode(&row, out);
	return EMR_ROW_EMERGENCY_BYTES;
}

static size_t row_of(const char *key, const uint8_t hash[32], uint8_t *out)
{
	static const struct {
		const char *letters;
		size_t (*make)(const uint8_t hash[32], uint8_t *out);
	} makers[] = {{"K/", key_row}, {"D/", domain_row}, {"W/", writer_row}, {"O/", object_row},
		{"L/", listkey_row}, {"M/", org_row}, {"G/", grant_row}, {"P/", proposal_row},
		{"PA", approval_row}, {"E/", epoch_row}, {"Q/", request_row}, {"R/", access_row},
		{"DS", dataset_row}, {"DM", member_row}, {"J/", join_row}, {"A/", account_row},
		{"EM", emergency_row}};

	for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
		if (strncmp(key, makers[i].letters, 2) == 0)
			return makers[i].make(hash, out);
	if (strcmp(key, "N") == 0)
		return network_row(hash, out);
	if (strncmp(key, "p/", 2) == 0) {
		memcpy(out, hash, 32);
		return 32;
	}
	return 0; /* b/ and rows of later operations: absent */
}

static void answer(
	emr_key_list keys, uint8_t selector, emr_value *values, size_t *count, uint8_t **rows)
{
	for (size_t i = 0; i < keys.count; i++) {
		uint8_t hash[32], salted[EMR_KEY_TEXT_BYTES + 1] = {selector};
		size_t len = strlen(keys.keys[i]);

		check(*count < VALUES_MAX && len < EMR_KEY_TEXT_BYTES);
		memcpy(salted + 1, keys.keys[i], len);
		emr_sha256(salted, len + 1, hash);
		len = hash[31] % 8 == 0 && strcmp(keys.keys[i], "N") != 0
			      ? 0
			      : row_of(keys.keys[i], hash, *rows);
		values[(*count)++] = (emr_value){keys.keys[i], len > 0, {*rows, len}};
		*rows += len;
	}
}

static void judge(const emr_batch *batch, const emr_caller *caller, uint8_t selector,
	uint8_t *memory, size_t cap, emr_outcome *outcome)
{
	static uint8_t row_store[VALUES_MAX * EMR_ROW_KEY_BYTES];
	static emr_value values[VALUES_MAX];
	emr_contract_arena arena = {memory, cap, 0};
	uint8_t *rows = row_store;
	emr_key_list keys;
	size_t count = 0;

	for (int pass = 1; pass <= 2; pass++) {
		check(emr_contract_keys(pass, batch, caller, values, count, &arena, &keys) ==
			EMR_CONTRACT_OK);
		answer(keys, selector, values, &count, &rows);
	}
	check(emr_contract_apply(batch, caller, NOW, values, count, &arena, outcome) ==
		EMR_CONTRACT_OK);
	check(outcome->kind != EMR_OUTCOME_REFUSED || outcome->writes_count == 0);
}

static void check_same(const emr_outcome *a, const emr_outcome *b)
{
	check(a->kind == b->kind && a->refusal == b->refusal && a->writes_count == b->writes_count);
	check(a->results.len == b->results.len &&
		(a->results.len == 0 ||
			memcmp(a->results.data, b->results.data, a->results.len) == 0));
	for (size_t i = 0; i < a->writes_count; i++) {
		check(a->writes[i].kind == b->writes[i].kind);
		check(strcmp(a->writes[i].key, b->writes[i].key) == 0);
		check(a->writes[i].value.len == b->writes[i].value.len);
		check(a->writes[i].value.len == 0 ||
			memcmp(a->writes[i].value.data, b->writes[i].value.data,
				a->writes[i].value.len) == 0);
	}
}

static emr_caller caller_for(uint8_t selector)
{
	emr_caller caller = {.host = (selector & 1) != 0 ? EMR_HOST_FABRIC : EMR_HOST_EMBEDDED};

	memcpy(caller.net_id, net_id, 16);
	memcpy(caller.submitter_id, signer_id, 32);
	caller.cert = (emr_caller_cert){.is_present = true,
		.roles = EMR_ROLE_ALL,
		.not_after_unix_s = UINT64_MAX,
		.key_alg = 1 + (selector >> 1) % 2,
		.key = {pk, 32}};
	return caller;
}

static void parse_the_rest(emr_span bytes)
{
	emr_descriptor descriptor;
	emr_row_batch row;
	emr_entry entry;

	if (emr_descriptor_parse(bytes, &descriptor) == EMR_CONTRACT_OK)
		for (size_t i = 0; i < descriptor.norg; i++) {
			emr_descriptor_org org;

			check(emr_descriptor_org_at(&descriptor, i, &org) == EMR_CONTRACT_OK);
		}
	if (emr_entry_parse(bytes, &entry) == EMR_CONTRACT_OK)
		check(entry.results.len == entry.count);
	if (emr_row_batch_parse(bytes, &row) == EMR_CONTRACT_OK)
		check(row.header.len + row.results.len + row.items.len == bytes.len);
}

static void try_batch(uint8_t *bytes, size_t len, uint8_t mode, uint8_t selector)
{
	static emr_batch batch;
	emr_outcome first, second;
	emr_caller caller = caller_for(selector);
	uint8_t *memory;
	size_t cap;

	if (emr_batch_parse((emr_span){bytes, len}, &batch) != EMR_RESULT_APPLIED)
		return;
	mend(bytes, &batch, mode);
	cap = emr_contract_arena_bytes(&batch);
	memory = malloc(cap * 2);
	check(memory != NULL);
	judge(&batch, &caller, selector, memory, cap, &first);
	judge(&batch, &caller, selector, memory + cap / 16 * 16, cap, &second);
	check_same(&first, &second);
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes;
	size_t len;

	if (size < 2)
		return 0;
	make_signer();
	len = size - 2;
	if ((data[0] & 4) != 0) {
		bytes = build(data + 2, size - 2, &len);
	} else {
		bytes = malloc(len + 1);
		check(bytes != NULL);
		memcpy(bytes, data + 2, len);
		parse_the_rest((emr_span){bytes, len});
	}
	try_batch(bytes, len, data[0] | ((data[0] & 4) != 0 ? 1 : 0), data[1]);
	free(bytes);
	return 0;
}
