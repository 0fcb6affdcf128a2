/* This file writes and reads the keyfile: the seed and a few facts, sealed under the passphrase
 * with Argon2id and XChaCha20-Poly1305 (FORMAT.md). A wrong passphrase, damage and a newer
 * format are told apart. */
#include "keyring_private.h"

#include <sodium.h>
#include <string.h>

#include "base/codec.h"
#include "base/file.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/sum.h"

#define KEYFILE_VERSION 1
#define PAYLOAD_VERSION 1
#define KDF_ARGON2ID 2
#define HEADER_BYTES 100
#define PAYLOAD_FIXED_BYTES 74 /* up to and with ntlv */
#define PAYLOAD_STEP 256
#define PAYLOAD_MAX (PAYLOAD_STEP * 300) /* 8 facts of 8 KiB and room */
#define KEYFILE_MAX (HEADER_BYTES + PAYLOAD_MAX + EMR_AEAD_TAG_BYTES + EMR_SUM_BYTES)

/* Plaintext of the payload: it holds the seed and is larger than a slot of the arena. */
EMR_AUTO_CALL(payload_free, uint8_t *, sodium_free);
#define AUTO_PAYLOAD __attribute__((cleanup(payload_free))) uint8_t *

static size_t payload_bytes(const emr_keyring *kr)
{
	size_t n = PAYLOAD_FIXED_BYTES;

	for (size_t i = 0; i < kr->nfacts; i++)
		n += 3 + kr->facts[i].value.len;
	n += kr->n_former > 0 ? 3 + EMR_FORMER_BYTES(kr->n_former) : 0;
	n += kr->next.len > 0 ? 3 + kr->next.len : 0;
	return (n + PAYLOAD_STEP - 1) / PAYLOAD_STEP * PAYLOAD_STEP;
}

/* Fills the zeroed PAYLOAD of payload_bytes. */
static void payload_write(const emr_keyring *kr, uint8_t *payload)
{
	uint8_t *at = payload + PAYLOAD_FIXED_BYTES;

	memcpy(payload, "EMRP", 4);
	payload[4] = PAYLOAD_VERSION;
	payload[5] = (uint8_t)kr->kind;
	emr_put_u32(payload + 8, kr->gen);
	memcpy(payload + 16, kr->device_id.b, 16);
	memcpy(payload + 32, kr->seed.data, EMR_SEED_BYTES);
	emr_put_u64(payload + 64, kr->created_unix_s);
	emr_put_u16(payload + 72, (uint16_t)(kr->nfacts + (kr->n_former > 0) + (kr->next.len > 0)));
	for (size_t i = 0; i < kr->nfacts; i++) {
		const emr_keyring_fact *fact = &kr->facts[i];

		at[0] = fact->type;
		emr_put_u16(at + 1, (uint16_t)fact->value.len);
		memcpy(at + 3, fact->value.data, fact->value.len);
		at += 3 + fact->value.len;
	}
	if (kr->n_former > 0) {
		at[0] = EMR_FACT_FORMER;
		emr_put_u16(at + 1, (uint16_t)EMR_FORMER_BYTES(kr->n_former));
		emr_former_write(kr, at + 3);
		at += 3 + EMR_FORMER_BYTES(kr->n_former);
	}
	if (kr->next.len > 0) {
		at[0] = EMR_FACT_NEXT;
		emr_put_u16(at + 1, (uint16_t)kr->next.len);
		memcpy(at + 3, kr->next.data, kr->next.len);
	}
}

/* Argon2id's 64 bytes: key, then commitment. */
static emr_status key_and_com(emr_bytes passphrase, const uint8_t salt[16],
	const emr_kdf_cost *cost, emr_secret *out_key, uint8_t out_com[32])
{
	EMR_AUTO_SECRET both = {0};
	EMR_AUTO_SECRET key = {0};

	if (passphrase.len == 0 || passphrase.len > EMR_PASSPHRASE_MAX)
		return EMR_INVALID;
	EMR_TRY(emr_argon2id(passphrase, salt, cost->passes, cost->memory_bytes, &both));
	EMR_TRY(emr_secret_new(32, &key));
	memcpy(key.data, both.data, 32);
	memcpy(out_com, both.data + 32, 32);
	*out_key = key;
	key = (emr_secret){0};
	return EMR_OK;
}

static emr_status header_write(const emr_kdf_cost *cost, const uint8_t salt[16],
	const uint8_t nonce[24], const uint8_t com[32], size_t sealed_bytes, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	emr_write_bytes(&w, "EMRK", 4);
	emr_write_u8(&w, KEYFILE_VERSION);
	emr_write_u8(&w, KDF_ARGON2ID);
	emr_write_u16(&w, 0);
	emr_write_u32(&w, cost->passes);
	emr_write_u64(&w, cost->memory_bytes);
	emr_write_u32(&w, 0);
	emr_write_bytes(&w, salt, 16);
	emr_write_bytes(&w, nonce, 24);
	emr_write_bytes(&w, com, 32);
	emr_write_u32(&w, (uint32_t)sealed_bytes);
	return w.status;
}

/* As the facts are at one moment. */
static emr_status payload_make(const emr_keyring *kr, uint8_t **out_payload, size_t *out_bytes)
{
	uint8_t *payload;

	emr_keyring_hold_facts(kr);
	*out_bytes = payload_bytes(kr);
	payload = sodium_malloc(*out_bytes);
	if (payload != NULL) {
		memset(payload, 0, *out_bytes);
		payload_write(kr, payload);
	}
	emr_keyring_let_facts(kr);
	*out_payload = payload;
	return payload != NULL ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_keyfile_make(const emr_keyring *kr, emr_bytes passphrase, const emr_kdf_cost *cost,
	const uint8_t salt[16], const uint8_t nonce[24], emr_buf *out)
{
	EMR_AUTO_SECRET key = {0};
	size_t plain_bytes = 0, sealed_bytes;
	AUTO_PAYLOAD payload = NULL;
	uint8_t com[32];

	EMR_TRY(key_and_com(passphrase, salt, cost, &key, com));
	EMR_TRY(payload_make(kr, &payload, &plain_bytes));
	sealed_bytes = plain_bytes + EMR_AEAD_TAG_BYTES;
	EMR_TRY(header_write(cost, salt, nonce, com, sealed_bytes, out));
	EMR_TRY(emr_buf_reserve(out, sealed_bytes));
	EMR_TRY(emr_aead_seal(&key, nonce, emr_bytes_of(out->data, HEADER_BYTES),
		emr_bytes_of(payload, plain_bytes), out->data + HEADER_BYTES));
	out->len += sealed_bytes;
	return EMR_OK;
}

/* Notes which field is damaged, for a message to a person. */
static emr_status damaged(const char *field, const char **out_field)
{
	if (out_field != NULL)
		*out_field = field;
	return EMR_DAMAGED;
}

/* Magic and version: NEWER_FORMAT only for what is ours otherwise. */
static emr_status parse_version(
	emr_reader *r, const char *magic, uint8_t known, const char **out_field)
{
	uint8_t version;

	emr_read_magic(r, magic);
	version = emr_read_u8(r);
	if (r->bad)
		return damaged("start", out_field);
	if (version == 0)
		return damaged("version", out_field);
	return version > known ? emr_newer_format(version, known) : EMR_OK;
}

emr_status emr_keyfile_parse(emr_bytes file, emr_keyfile_header *out, const char **out_field)
{
	emr_reader r = emr_reader_of(file);
	emr_keyfile_header header = {0};
	uint32_t sealed_bytes;

	EMR_TRY(parse_version(&r, "EMRK", KEYFILE_VERSION, out_field));
	if (emr_read_u8(&r) != KDF_ARGON2ID)
		return damaged("method", out_field);
	emr_read_zeros(&r, 2);
	header.passes = emr_read_u32(&r);
	header.memory_bytes = emr_read_u64(&r);
	emr_read_zeros(&r, 4);
	if (r.bad || header.passes < 1 || header.passes > 16 ||
		header.memory_bytes < (uint64_t)8 << 20 ||
		header.memory_bytes > (uint64_t)1 << 30 || header.memory_bytes % 1024 != 0)
		return damaged("cost", out_field);
	emr_read_copy(&r, header.salt, sizeof header.salt);
	emr_read_copy(&r, header.nonce, sizeof header.nonce);
	emr_read_copy(&r, header.com, sizeof header.com);
	sealed_bytes = emr_read_u32(&r);
	header.aad = emr_bytes_of(file.data, HEADER_BYTES);
	header.sealed = emr_read_bytes(&r, sealed_bytes);
	if (!emr_reader_done(&r) || sealed_bytes < PAYLOAD_STEP + EMR_AEAD_TAG_BYTES ||
		(sealed_bytes - EMR_AEAD_TAG_BYTES) % PAYLOAD_STEP != 0)
		return damaged("length", out_field);
	*out = header;
	return EMR_OK;
}

/* One that is a secret is kept as one. */
static emr_status take_fact(emr_keyring *kr, uint8_t type, emr_bytes value)
{
	if (type == EMR_FACT_FORMER)
		return emr_former_read(kr, value);
	if (type == EMR_FACT_NEXT)
		return emr_next_read(kr, value);
	return emr_keyring_tlv_set(kr, (emr_keyring_tlv)type, value);
}

static emr_status parse_facts(emr_reader *r, emr_keyring *kr, const char **out_field)
{
	size_t n = emr_read_u16(r);

	if (n > EMR_KEYRING_TLVS + 2)
		return damaged("facts", out_field);
	for (size_t i = 0; i < n; i++) {
		uint8_t type = emr_read_u8(r);
		emr_bytes value = emr_read_bytes(r, emr_read_u16(r));

		if (r->bad || type == 0 || value.len == 0 || value.len > EMR_KEYRING_TLV_MAX)
			return damaged("facts", out_field);
		if (take_fact(kr, type, value) != EMR_OK)
			return damaged("facts", out_field);
	}
	/* A type that came twice replaced itself. */
	if (kr->nfacts + (kr->n_former > 0) + (kr->next.len > 0) != n || r->left >= PAYLOAD_STEP)
		return damaged("facts", out_field);
	emr_read_zeros(r, r->left);
	return r->bad ? damaged("padding", out_field) : EMR_OK;
}

emr_status emr_keyfile_parse_payload(emr_bytes plain, emr_keyring **out, const char **out_field)
{
	EMR_AUTO_KEYRING kr = NULL;
	EMR_AUTO_SECRET seed = {0};
	emr_reader r = emr_reader_of(plain);
	emr_id16 device_id;
	uint64_t created;
	uint32_t gen;
	uint8_t kind;

	EMR_TRY(parse_version(&r, "EMRP", PAYLOAD_VERSION, out_field));
	EMR_TRY(emr_secret_new(EMR_SEED_BYTES, &seed));
	kind = emr_read_u8(&r);
	emr_read_zeros(&r, 2);
	gen = emr_read_u32(&r);
	emr_read_zeros(&r, 4);
	emr_read_copy(&r, device_id.b, sizeof device_id.b);
	emr_read_copy(&r, seed.data, EMR_SEED_BYTES);
	created = emr_read_u64(&r);
	if (r.bad || kind < EMR_KEYRING_PERSON || kind > EMR_KEYRING_ORGANISATION || gen == 0 ||
		plain.len % PAYLOAD_STEP != 0)
		return damaged("contents", out_field);
	EMR_TRY(emr_keyring_from_seed((emr_keyring_kind)kind, created, device_id, &seed, &kr));
	kr->gen = gen;
	EMR_TRY(parse_facts(&r, kr, out_field));
	*out = kr;
	kr = NULL;
	return EMR_OK;
}

static emr_kdf_cost larger_cost(const emr_kdf_cost *a, const emr_kdf_cost *b)
{
	return (emr_kdf_cost){.passes = a->passes > b->passes ? a->passes : b->passes,
		.memory_bytes =
			a->memory_bytes > b->memory_bytes ? a->memory_bytes : b->memory_bytes};
}

emr_kdf_cost emr_keyring_cost(const emr_keyring *kr)
{
	return kr->cost;
}

void emr_keyring_cost_at_least(emr_keyring *kr, const emr_kdf_cost *cost)
{
	kr->cost = larger_cost(cost, &kr->cost);
}

typedef emr_status (*file_writer)(int dirfd, const char *name, emr_bytes bytes, mode_t mode);

static emr_status save_with(file_writer write_file, const emr_keyring *kr, int dirfd,
	const char *name, emr_bytes passphrase, const emr_kdf_cost *cost)
{
	const emr_kdf_cost whole = larger_cost(cost, &kr->cost);
	EMR_AUTO_BUF file = {0};
	uint8_t salt[16];
	uint8_t nonce[24];

	randombytes_buf(salt, sizeof salt);
	randombytes_buf(nonce, sizeof nonce);
	EMR_TRY(emr_keyfile_make(kr, passphrase, &whole, salt, nonce, &file));
	EMR_TRY(emr_sum_append(&file));
	return write_file(dirfd, name, emr_buf_view(&file), 0600);
}

emr_status emr_keyring_save_new(const emr_keyring *kr, int dirfd, const char *name,
	emr_bytes passphrase, const emr_kdf_cost *cost)
{
	return save_with(emr_file_create, kr, dirfd, name, passphrase, cost);
}

emr_status emr_keyring_save(const emr_keyring *kr, int dirfd, const char *name,
	emr_bytes passphrase, const emr_kdf_cost *cost)
{
	return save_with(emr_file_replace, kr, dirfd, name, passphrase, cost);
}

/* Without one it is from before there were sums: its length says so. */
static bool has_sum(emr_bytes file)
{
	return file.len > HEADER_BYTES + EMR_AEAD_TAG_BYTES &&
	       (file.len - HEADER_BYTES - EMR_AEAD_TAG_BYTES) % PAYLOAD_STEP == EMR_SUM_BYTES;
}

/* Reads the file into FILE and its header into HEADER, which borrows from FILE.  *OUT_IS_ROTTEN: it
 * is not as it was written, which may have struck the sum alone. */
static emr_status load(int dirfd, const char *name, emr_buf *file, emr_keyfile_header *header,
	bool *out_is_rotten, const char **out_field)
{
	emr_status status = emr_file_read_private(dirfd, name, KEYFILE_MAX, file);

	if (status == EMR_LIMIT)
		return damaged("length", out_field);
	if (status != EMR_OK)
		return status;
	*out_is_rotten = false;
	if (has_sum(emr_buf_view(file))) {
		*out_is_rotten = !emr_sum_fits(emr_buf_view(file));
		file->len -= EMR_SUM_BYTES;
		if (*out_is_rotten && file->data[4] != KEYFILE_VERSION)
			return damaged("version", out_field);
	}
	return emr_keyfile_parse(emr_buf_view(file), header, out_field);
}

bool emr_keyring_is_whole(emr_bytes file)
{
	emr_keyfile_header header;

	if (has_sum(file)) {
		if (!emr_sum_fits(file))
			return false;
		file.len -= EMR_SUM_BYTES;
	}
	return emr_keyfile_parse(file, &header, NULL) != EMR_DAMAGED;
}

emr_status emr_keyring_check_file(int dirfd, const char *name, const char **out_field)
{
	EMR_AUTO_BUF file = {0};
	emr_keyfile_header header;
	bool is_rotten;

	return load(dirfd, name, &file, &header, &is_rotten, out_field);
}

static emr_status unseal(const emr_keyfile_header *header, const emr_secret *key, emr_keyring **out,
	const char **out_field)
{
	size_t plain_bytes = header->sealed.len - EMR_AEAD_TAG_BYTES;
	AUTO_PAYLOAD payload = sodium_malloc(plain_bytes);

	if (payload == NULL)
		return EMR_NO_MEMORY;
	if (emr_aead_open(key, header->nonce, header->aad, header->sealed, payload) != EMR_OK)
		return damaged("contents", out_field);
	return emr_keyfile_parse_payload(emr_bytes_of(payload, plain_bytes), out, out_field);
}

emr_status emr_keyring_open(int dirfd, const char *name, emr_bytes passphrase, emr_keyring **out,
	const char **out_field)
{
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_SECRET key = {0};
	emr_keyfile_header header;
	emr_kdf_cost cost;
	uint8_t com[32];
	bool is_rotten = false;

	EMR_TRY(load(dirfd, name, &file, &header, &is_rotten, out_field));
	cost = (emr_kdf_cost){.passes = header.passes, .memory_bytes = header.memory_bytes};
	EMR_TRY(key_and_com(passphrase, header.salt, &cost, &key, com));
	if (sodium_memcmp(com, header.com, sizeof com) != 0)
		return is_rotten ? damaged("checksum", out_field) : EMR_WRONG_PASSPHRASE;
	EMR_TRY(unseal(&header, &key, out, out_field));
	emr_keyring_cost_at_least(*out, &cost);
	return EMR_OK;
}
