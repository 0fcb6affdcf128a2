/* Tests of the contract use this file: it keeps rows of a state in memory, makes and signs
 * batches, and has the contract judge them. */
#include "test_contract_kit.h"

#include <sodium.h>

#include "contract/pubs.h"
#include "crypto/hashsig.h"

kit_signer kit_signer_of(const char *name)
{
	kit_signer signer;
	uint8_t seed[32];

	emr_sha256(name, strlen(name), seed);
	crypto_sign_seed_keypair(signer.pk, signer.sk, seed);
	emr_signer_id(signer.pk, signer.id);
	return signer;
}

void kit_id16(const char *name, uint8_t out[16])
{
	uint8_t hash[32];

	emr_sha256(name, strlen(name), hash);
	memcpy(out, hash, 16);
}

emr_span kit_span(const void *data, size_t len)
{
	return (emr_span){data, len};
}

emr_span kit_part(uint8_t seed, size_t len)
{
	static uint8_t store[4][70000];
	static unsigned turn;
	uint8_t *bytes = store[turn++ % 4];

	assert_true(len <= sizeof store[0]);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(seed * 37 + i * 11 + i / 251);
	return kit_span(bytes, len);
}

/* ---- rows ---- */

void kit_state_free(kit_state *state)
{
	for (size_t i = 0; i < state->count; i++)
		free(state->rows[i].value);
	free(state->rows);
	*state = (kit_state){0};
}

static kit_row *find(const kit_state *state, const char *key)
{
	for (size_t i = 0; i < state->count; i++)
		if (strcmp(state->rows[i].key, key) == 0)
			return &state->rows[i];
	return NULL;
}

const kit_row *kit_get(const kit_state *state, const char *key)
{
	return find(state, key);
}

void kit_put(kit_state *state, const char *key, const void *value, size_t len)
{
	kit_row *row = find(state, key);

	if (row == NULL) {
		if (state->count == state->cap) {
			state->cap = state->cap * 2 + 16;
			state->rows = realloc(state->rows, state->cap * sizeof *state->rows);
			assert_non_null(state->rows);
		}
		row = &state->rows[state->count++];
		*row = (kit_row){0};
		snprintf(row->key, sizeof row->key, "%s", key);
	}
	free(row->value);
	row->value = malloc(len + 1);
	assert_non_null(row->value);
	if (len > 0)
		memcpy(row->value, value, len);
	row->len = len;
}

void kit_delete(kit_state *state, const char *key)
{
	kit_row *row = find(state, key);

	if (row == NULL)
		return;
	free(row->value);
	*row = state->rows[--state->count];
}

void kit_state_copy(const kit_state *from, kit_state *to)
{
	*to = (kit_state){0};
	for (size_t i = 0; i < from->count; i++)
		kit_put(to, from->rows[i].key, from->rows[i].value, from->rows[i].len);
}

bool kit_state_equal(const kit_state *a, const kit_state *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const kit_row *other = kit_get(b, a->rows[i].key);

		if (other == NULL || other->len != a->rows[i].len ||
			memcmp(other->value, a->rows[i].value, other->len) != 0)
			return false;
	}
	return true;
}

/* ---- batches ---- */

void kit_begin(kit_batch *batch, const kit_signer *signer, const uint8_t net_id[16])
{
	*batch = (kit_batch){.signer = signer};
	memcpy(batch->header.signer_pk, signer->pk, 32);
	memcpy(batch->header.net_id, net_id, 16);
	batch->header.time_unix_s = KIT_NOW - 10;
	batch->header.valid_until_unix_s = KIT_NOW + 300;
}

void kit_add(kit_batch *batch, emr_item item, emr_span pub, emr_span part)
{
	static const uint8_t zero[32];
	size_t len;

	if (memcmp(item.signer_id, zero, 32) == 0)
		memcpy(item.signer_id, batch->signer->id, 32);
	if (item.time_unix_s == 0)
		item.time_unix_s = batch->header.time_unix_s;
	if (item.priv_len == 0 && part.len > 0)
		emr_item_set_part(&item, part);
	batch->items = realloc(batch->items, batch->items_len + EMR_ITEM_BYTES + EMR_PUB_MAX);
	batch->parts = realloc(batch->parts, batch->parts_len + part.len + 1);
	assert_non_null(batch->items);
	assert_non_null(batch->parts);
	assert_int_equal(emr_item_encode(&item, pub, batch->items + batch->items_len,
				 EMR_ITEM_BYTES + EMR_PUB_MAX, &len),
		EMR_CONTRACT_OK);
	batch->items_len += len;
	if (part.len > 0)
		memcpy(batch->parts + batch->parts_len, part.data, part.len);
	batch->parts_len += part.len;
	batch->header.count++;
}

void kit_sign(uint8_t *batch_bytes, const kit_signer *signer)
{
	uint8_t message[EMR_HEADER_MESSAGE_BYTES];

	emr_header_message(batch_bytes, message);
	crypto_sign_detached(batch_bytes + 144, NULL, message, sizeof message, signer->sk);
}

emr_span kit_end(kit_batch *batch)
{
	size_t len = EMR_HEADER_BYTES + batch->items_len + batch->parts_len;
	uint8_t *bytes = malloc(len);

	assert_non_null(bytes);
	assert_int_equal(emr_items_root(kit_span(batch->items, batch->items_len),
				 batch->header.count, batch->header.root),
		EMR_CONTRACT_OK);
	emr_header_encode(&batch->header, bytes);
	memcpy(bytes + EMR_HEADER_BYTES, batch->items, batch->items_len);
	memcpy(bytes + EMR_HEADER_BYTES + batch->items_len, batch->parts, batch->parts_len);
	kit_sign(bytes, batch->signer);
	free(batch->items);
	free(batch->parts);
	return kit_span(bytes, len);
}

void kit_seal_again(emr_span batch, const kit_signer *signer)
{
	static emr_batch view;
	uint8_t *bytes = (uint8_t *)(uintptr_t)batch.data;

	assert_int_equal(emr_batch_parse(batch, &view), EMR_RESULT_APPLIED);
	assert_int_equal(
		emr_items_root(view.items_bytes, view.count, bytes + 112), EMR_CONTRACT_OK);
	kit_sign(bytes, signer);
}

/* ---- running ---- */

/* On rows of records, of what was asked to be read, released and opened (O, R, S, X). */
static bool is_save_or_read(const emr_item *item, emr_span pub)
{
	emr_pub_erase erase;
	emr_pub_restore restore;
	uint8_t family = 0;

	switch (item->op) {
	case EMR_OP_PUT:
	case EMR_OP_META:
	case EMR_OP_REWRAP:
	case EMR_OP_UNLINK:
	case EMR_OP_ACCESS_REQ:
	case EMR_OP_ACCESS_SERVED:
	case EMR_OP_READ_REPORT:
		return true;
	}
	if (item->op == EMR_OP_ERASE && emr_pub_erase_parse(pub, &erase))
		family = erase.family;
	if (item->op == EMR_OP_RESTORE_PART && emr_pub_restore_parse(pub, &restore))
		family = restore.family;
	return family == EMR_FAMILY_OBJECT || family == EMR_FAMILY_ACCESS ||
	       family == EMR_FAMILY_SERVED || family == EMR_FAMILY_REPORT;
}

/* Saves and reads are most of a ledger, and nothing but saves and reads of the same domain depends
 * on them: a copy that leaves out those of others could judge all the rest
 * (ledger-client/DESIGN.md, "Following less than everything"). */
static void expect_saves_stand_alone(const emr_batch *batch, const char *key)
{
	bool is_own = false;
	emr_item item;
	emr_span pub;
	char domain[33];

	if (strchr("ORSX", key[0]) == NULL || key[1] != '/')
		return;
	for (size_t i = 0; i < batch->count && !is_own; i++) {
		emr_batch_item_at(batch, i, &item, &pub);
		(void)sodium_bin2hex(domain, sizeof domain, item.domain_id, 16);
		is_own = is_save_or_read(&item, pub) && strncmp(key + 2, domain, 32) == 0;
	}
	assert_true(is_own);
}

static void answer_keys(
	kit_run *run, emr_key_list keys, const kit_state *state, const kit_state *part_hashes)
{
	run->values =
		realloc(run->values, (run->values_count + keys.count + 1) * sizeof *run->values);
	assert_non_null(run->values);
	for (size_t i = 0; i < keys.count; i++) {
		const kit_state *from = strncmp(keys.keys[i], "p/", 2) == 0 ? part_hashes : state;
		const kit_row *row = from == NULL ? NULL : kit_get(from, keys.keys[i]);

		run->values[run->values_count++] = (emr_value){keys.keys[i], row != NULL,
			row == NULL ? kit_span(NULL, 0) : kit_span(row->value, row->len)};
	}
}

emr_contract_status kit_try(kit_run *run, const char *name, emr_span batch,
	const emr_caller *caller, uint64_t now, const kit_state *state,
	const kit_state *part_hashes)
{
	emr_contract_arena arena = {0};
	emr_contract_status status;
	emr_key_list keys;

	memset(run, 0, sizeof *run);
	run->outcome.kind = EMR_OUTCOME_REFUSED;
	run->outcome.refusal = emr_batch_parse(batch, &run->batch);
	if (run->outcome.refusal != EMR_RESULT_APPLIED) {
		kit_record(run, name, batch, caller, now);
		return EMR_CONTRACT_OK;
	}
	arena.cap = emr_contract_arena_bytes(&run->batch);
	assert_non_null(arena.base = run->memory = malloc(arena.cap));
	for (int pass = 1; pass <= 2; pass++) {
		status = emr_contract_keys(
			pass, &run->batch, caller, run->values, run->values_count, &arena, &keys);
		if (status != EMR_CONTRACT_OK)
			return status;
		for (size_t i = 0; i < keys.count; i++)
			expect_saves_stand_alone(&run->batch, keys.keys[i]);
		answer_keys(run, keys, state, part_hashes);
	}
	status = emr_contract_apply(
		&run->batch, caller, now, run->values, run->values_count, &arena, &run->outcome);
	run->memory_used = arena.used;
	if (status == EMR_CONTRACT_OK)
		kit_record(run, name, batch, caller, now);
	return status;
}

void kit_commit(const kit_run *run, kit_state *state, kit_state *parts)
{
	emr_key_text key;

	for (size_t i = 0; i < run->outcome.writes_count; i++) {
		const emr_write *write = &run->outcome.writes[i];

		switch (write->kind) {
		case EMR_WRITE_PUT:
			kit_put(state, write->key, write->value.data, write->value.len);
			break;
		case EMR_WRITE_PUT_PART:
			kit_put(parts, write->key, write->value.data, write->value.len);
			break;
		case EMR_WRITE_PURGE_PARTS:
			for (uint64_t v = write->first_version; v <= write->last_version; v++) {
				emr_write_part_key(write, v, &key);
				kit_delete(parts, key.text);
			}
			break;
		}
	}
}

void kit_run_free(kit_run *run)
{
	free(run->memory);
	free(run->values);
}

int kit_answer(const kit_run *run)
{
	if (run->outcome.kind == EMR_OUTCOME_REFUSED)
		return 1000 + (int)run->outcome.refusal;
	return run->outcome.results.data[0];
}

/* ---- a network ---- */

static emr_row_head head_of(
	uint8_t family, uint8_t state, uint32_t epoch, uint64_t version, const char *key)
{
	emr_row_head head = {.family = family, .state = state, .epoch = epoch, .version = version};

	emr_sha256(key, strlen(key), head.item);
	return head;
}

void kit_put_org(kit_state *state, const uint8_t org[16], uint8_t org_state)
{
	emr_row_org row = {0};
	uint8_t value[EMR_ROW_ORG_BYTES];
	emr_key_text key;

	emr_key_org(org, &key);
	row.head = head_of(EMR_FAMILY_ORG, org_state, 0, 0, "");
	emr_row_org_encode(&row, value);
	kit_put(state, key.text, value, sizeof value);
}

void kit_put_key(kit_state *state, const kit_signer *signer, const uint8_t org[16], uint16_t roles,
	uint8_t how, uint8_t key_state, uint64_t not_after)
{
	emr_row_key row = {.roles = roles, .how = how, .not_after_unix_s = not_after};
	uint8_t value[EMR_ROW_KEY_BYTES];
	emr_key_text key;

	emr_key_signer(signer->id, &key);
	row.head = head_of(EMR_FAMILY_KEY, key_state, 0, 1, key.text);
	memcpy(row.pk, signer->pk, 32);
	memcpy(row.org, org, 16);
	memcpy(row.root, signer->id, 32);
	emr_row_key_encode(&row, value);
	kit_put(state, key.text, value, sizeof value);
}

void kit_put_domain(kit_state *state, const uint8_t domain[16], const kit_signer *owner,
	uint16_t flags, uint32_t epoch)
{
	emr_row_domain row = {0};
	uint8_t value[EMR_ROW_DOMAIN_BYTES];
	emr_key_text key;

	emr_key_domain(domain, &key);
	row.head = head_of(EMR_FAMILY_DOMAIN, EMR_DOMAIN_LIVE, epoch, epoch, key.text);
	row.head.flags = flags;
	memcpy(row.owner_pk, owner->pk, 32);
	emr_row_domain_encode(&row, value);
	kit_put(state, key.text, value, sizeof value);
}

void kit_put_writer(kit_state *state, const uint8_t domain[16], const kit_signer *writer,
	uint16_t rights, uint8_t writer_state, uint64_t not_after)
{
	emr_row_writer row = {.rights = rights, .not_after_unix_s = not_after};
	uint8_t value[EMR_ROW_WRITER_BYTES];
	emr_key_text key;

	emr_key_writer(domain, writer->id, &key);
	row.head = head_of(EMR_FAMILY_WRITER, writer_state, 0, 1, key.text);
	memcpy(row.writer, writer->id, 32);
	emr_row_writer_encode(&row, value);
	kit_put(state, key.text, value, sizeof value);
}

void kit_put_listkey(
	kit_state *state, const uint8_t domain[16], const kit_signer *signer, uint32_t epoch)
{
	kit_put_listkeys(state, domain, signer, epoch, 1);
}

void kit_put_listkeys(kit_state *state, const uint8_t domain[16], const kit_signer *signer,
	uint32_t epoch, uint64_t version)
{
	emr_row_listkey row = {0};
	uint8_t value[EMR_ROW_LISTKEY_BYTES], object[16];
	emr_key_text key;

	emr_object_listkey(signer->id, epoch, object);
	emr_key_listkey(domain, object, &key);
	row.head = head_of(EMR_FAMILY_LISTKEY, 1, epoch, version, key.text);
	memcpy(row.signer, signer->id, 32);
	emr_row_listkey_encode(&row, value);
	kit_put(state, key.text, value, sizeof value);
}

void kit_put_object(kit_state *state, const uint8_t domain[16], const uint8_t object[16],
	const kit_signer *creator, uint8_t object_state, uint16_t flags, uint64_t version)
{
	emr_row_object row = {0};
	uint8_t value[EMR_ROW_OBJECT_BYTES];
	emr_key_text key;

	emr_key_object(domain, object, &key);
	row.head = head_of(EMR_FAMILY_OBJECT, object_state, 1, version, key.text);
	row.head.flags = flags;
	memcpy(row.creator, creator->id, 32);
	if ((flags & EMR_ITEM_NOCONTENT) == 0) {
		row.pversion = version;
		memcpy(row.pitem, row.head.item, 32);
	}
	emr_row_object_encode(&row, value);
	kit_put(state, key.text, value, sizeof value);
}

void kit_follow(const kit_state *state, const char *key, emr_item *item)
{
	const kit_row *row = kit_get(state, key);
	emr_row_head head = {0};

	if (row != NULL)
		assert_int_equal(
			emr_row_head_parse(kit_span(row->value, row->len), &head), EMR_CONTRACT_OK);
	item->version = head.version + 1;
	memcpy(item->prev, head.item, 32);
}

void kit_world_make(kit_world *world)
{
	memset(world, 0, sizeof *world);
	assert_true(sodium_init() >= 0);
	kit_id16("network", world->net_id);
	kit_id16("general hospital", world->org);
	kit_id16("health", world->domain);
	world->identity = kit_signer_of("ana");
	world->owner = kit_signer_of("ana, health");
	kit_put_org(&world->state, world->org, EMR_ORG_MEMBER);
	kit_put_key(&world->state, &world->identity, world->org, EMR_ROLE_PATIENT,
		EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, KIT_NOW + 365 * KIT_DAY);
	kit_put_domain(&world->state, world->domain, &world->owner, 0, 1);
	kit_put_listkey(&world->state, world->domain, &world->owner, 1);
	memcpy(world->caller.net_id, world->net_id, 16);
	memcpy(world->caller.submitter_id, world->identity.id, 32);
	world->caller.seen = EMR_SEEN_IN_LOG;
}

void kit_world_free(kit_world *world)
{
	kit_state_free(&world->state);
}

/* ---- proof of possession, from the equations ---- */

static void hs(const char *tag, const uint8_t *data, size_t len, uint8_t out[32])
{
	crypto_hash_sha512_state state;
	uint8_t hash[64], tag_len = (uint8_t)strlen(tag);

	crypto_hash_sha512_init(&state);
	crypto_hash_sha512_update(&state, (const uint8_t *)"emrfs-pre-v1", 13);
	crypto_hash_sha512_update(&state, &tag_len, 1);
	crypto_hash_sha512_update(&state, (const uint8_t *)tag, tag_len);
	crypto_hash_sha512_update(&state, data, len);
	crypto_hash_sha512_final(&state, hash);
	crypto_core_ristretto255_scalar_reduce(out, hash);
}

void kit_pop(const char *name, const uint8_t net_id[16], const uint8_t signer_id[32],
	uint8_t out_B[32], uint8_t out_pop[64])
{
	uint8_t b[32], k[32], e[32], eb[32], input[112];

	hs("kat", (const uint8_t *)name, strlen(name), b);
	hs("nonce", (const uint8_t *)name, strlen(name), k);
	assert_int_equal(crypto_scalarmult_ristretto255_base(out_B, b), 0);
	memcpy(input, out_B, 32);
	assert_int_equal(crypto_scalarmult_ristretto255_base(input + 32, k), 0);
	memcpy(input + 64, net_id, 16);
	memcpy(input + 80, signer_id, 32);
	hs("pop", input, sizeof input, e);
	crypto_core_ristretto255_scalar_mul(eb, e, b);
	memcpy(out_pop, e, 32);
	crypto_core_ristretto255_scalar_add(out_pop + 32, k, eb);
}
