/* The files of this module share these things: the struct of a keyring, the derivations of the
 * key table, and sealing a key under a key of this computer. Nothing here may be included from
 * outside: these functions hand out keys. */
#pragma once

#include <openssl/evp.h>
#include <pthread.h>

#include "keyring/content.h"
#include "keyring/keyring.h"
#include "keyring/words.h"

#define EMR_SEED_BYTES 32
#define EMR_KEYRING_TLVS 8 /* entries of one keyring */

typedef struct emr_keyring_fact {
	uint8_t type;
	emr_buf value;
} emr_keyring_fact;

struct emr_keyring {
	emr_keyring_kind kind;
	uint32_t gen; /* of the identity's keys, from 1 */
	uint64_t created_unix_s;
	emr_id16 device_id;
	emr_kdf_cost cost; /* of the keyfile; zeros: not known yet */
	emr_secret seed;
	size_t n_former;
	emr_secret former[EMR_FORMER_MAX]; /* newest first */
	emr_secret next;		   /* drawn, and not in force */
	bool has_succeeded;
	uint8_t local_seed, cert_seed; /* numbers: of local keys, of certificates */
	pthread_mutex_t facts_lock;    /* nfacts, facts */
	size_t nfacts;
	emr_keyring_fact facts[EMR_KEYRING_TLVS];
	struct emr_coowned *coowned; /* coowned.c; with a lock of its own */
	struct emr_memo *memo;	     /* memo.c; the same */
	struct emr_settled *settled; /* settled.c; the same */
};

/* A keyring that takes SEED over (also when it fails). */
emr_status emr_keyring_from_seed(emr_keyring_kind kind, uint64_t created_unix_s, emr_id16 device_id,
	emr_secret *take_seed, emr_keyring **out);

/* Seed NUMBER, which there is. */
static inline const emr_secret *emr_seed_of(const emr_keyring *kr, size_t number)
{
	return number == 0 ? &kr->seed : &kr->former[number - 1];
}

/* ---- what the ledger said of a domain of a former seed (settled.c) ---- */

/* Owners that are told apart: a thief who has two former seeds may hand a folder to and fro. */
#define EMR_SETTLED_OWNERS (2 * (EMR_FORMER_MAX + 1))

typedef struct emr_settled_one {
	emr_id16 domain;
	size_t n;
	struct {
		uint32_t from; /* the first epoch of that seed */
		uint8_t seed;
	} owners[EMR_SETTLED_OWNERS]; /* the last one signs there */
} emr_settled_one;
typedef struct emr_settled emr_settled;

emr_settled *emr_settled_new(void); /* NULL without memory */
void emr_settled_free(emr_settled *settled);
/* The seed that signs in DOMAIN, 0 when nothing is known; *OUT_IS (may be NULL): it was settled. */
size_t emr_settled_owner(const emr_keyring *kr, emr_id16 domain, bool *out_is);
size_t emr_settled_epoch(const emr_keyring *kr, emr_id16 domain, uint32_t epoch);
bool emr_settled_is_closed(const emr_keyring *kr);
/* From that epoch on, SEED owns it; later calls go on from there. */
void emr_settled_add(emr_settled_one *one, uint32_t from, uint8_t seed);
/* In place of anything that was known of its domain. */
emr_status emr_settled_keep(emr_settled *settled, const emr_settled_one *one);

/* ---- seeds that were, in the keyfile and in the ledger (succession.c) ---- */

#define EMR_FORMER_BYTES(n) (4 + EMR_SEED_BYTES * (n))
/* Types of facts that are kept in locked memory. */
#define EMR_FACT_FORMER 8
#define EMR_FACT_NEXT 9
void emr_former_write(const emr_keyring *kr, uint8_t *out);
emr_status emr_former_read(emr_keyring *kr, emr_bytes value);
emr_status emr_next_read(emr_keyring *kr, emr_bytes value);

/* As emr_keyring_tlv_get, also of what that refuses to show. */
emr_status emr_keyring_fact_value(const emr_keyring *kr, emr_keyring_tlv type, emr_buf *out);
/* A caller that goes through all facts of a keyring that others may use holds its facts
 * meanwhile. */
void emr_keyring_hold_facts(const emr_keyring *kr);
void emr_keyring_let_facts(const emr_keyring *kr);
void emr_keyring_forget_facts(emr_keyring *kr); /* wiped; the end of them */

/* HKDF-SHA512("emrfs/v1/id", seed, LABEL || 0 || ID || u32 NUMBER); ID may be empty, NUMBER only
 * with with_number. */
typedef struct emr_key_info {
	const char *label;
	emr_bytes id;
	uint32_t number;
	bool with_number;
} emr_key_info;

emr_status emr_derive(
	const emr_secret *seed, const emr_key_info *info, size_t len, emr_secret *out);
/* The identity's Ed25519 key of generation 1 from a bare seed: 64 bytes of libsodium's form, seed
 * || pk. */
emr_status emr_derive_identity(const emr_secret *seed, uint32_t gen, emr_secret *out_sk);
/* Ed25519 of an identity, domain or log key, 64 bytes. */
emr_status emr_derive_signer(const emr_keyring *kr, emr_signer who, emr_secret *out_sk);
/* Its public half alone. */
emr_status emr_signer_public(const emr_keyring *kr, emr_signer who, uint8_t out_pk[32]);
/* The same of seed NUMBER. */
emr_status emr_derive_signer_of(
	const emr_keyring *kr, emr_signer who, size_t number, emr_secret *out_sk);
emr_status emr_signer_public_of(
	const emr_keyring *kr, emr_signer who, size_t number, uint8_t out_pk[32]);
/* As emr_keyring_sign, with the key of seed NUMBER. */
emr_status emr_sign_by_seed(const emr_keyring *kr, emr_signer who, size_t number,
	emr_sign_label label, emr_bytes message, uint8_t out_sig[64]);
emr_status emr_derive_box(const emr_keyring *kr, size_t number, emr_secret *out_sk);
emr_status emr_derive_domain_box(
	const emr_keyring *kr, emr_id16 domain_id, size_t number, emr_secret *out_sk);
emr_status emr_derive_pre(const emr_keyring *kr, size_t number, emr_secret *out_b);
emr_status emr_derive_domain_pre(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, emr_secret *out_a);
/* The public halves of DOMAIN's box and of A, of seed NUMBER; remembered. */
emr_status emr_domain_box_public(
	const emr_keyring *kr, emr_id16 domain_id, size_t number, uint8_t out[32]);
emr_status emr_domain_pre_public(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, size_t number, uint8_t out[32]);
emr_status emr_derive_enc(const emr_keyring *kr, emr_secret *out);
emr_status emr_derive_local(const emr_keyring *kr, emr_secret *out);

/* P-256 (p256.c). */
emr_status emr_p256_key(const emr_keyring *kr, uint32_t index, EVP_PKEY **out);
emr_status emr_p256_spki(
	const emr_keyring *kr, uint32_t index, uint8_t out_spki[EMR_P256_SPKI_BYTES]);
/* Raw r || s, low-S, over SHA-256 of the message. */
emr_status emr_p256_sign(
	const emr_keyring *kr, uint32_t index, emr_bytes message, uint8_t out_sig[64]);

/* Word list (words_list.c), sorted. */
#define EMR_WORD_LIST 2048
extern const char emr_word_list[EMR_WORD_LIST][EMR_WORD_CHARS];
/* 24 indexes of TEXT; problem may not be NULL. */
emr_status emr_words_read(
	emr_bytes text, uint16_t out_indexes[EMR_WORDS], emr_words_problem *out_problem);
/* 264 bits to 32 bytes of seed and the checksum byte; and back. */
void emr_words_unpack(
	const uint16_t indexes[EMR_WORDS], uint8_t out_seed[EMR_SEED_BYTES], uint8_t *out_check);

/* Keyfile parsing without a passphrase (keyfile.c), for tests and fuzzing. */
typedef struct emr_keyfile_header {
	uint32_t passes;
	uint64_t memory_bytes;
	uint8_t salt[16];
	uint8_t nonce[24];
	uint8_t com[32];
	emr_bytes aad;	  /* all bytes before the ciphertext; borrowed */
	emr_bytes sealed; /* borrowed */
} emr_keyfile_header;
emr_status emr_keyfile_parse(emr_bytes file, emr_keyfile_header *out, const char **out_field);
/* PLAIN holds the seed: the caller wipes it. */
emr_status emr_keyfile_parse_payload(emr_bytes plain, emr_keyring **out, const char **out_field);
/* The whole file with salt and nonce given. */
emr_status emr_keyfile_make(const emr_keyring *kr, emr_bytes passphrase, const emr_kdf_cost *cost,
	const uint8_t salt[16], const uint8_t nonce[24], emr_buf *out);

/* ---- folders of which this computer has the keys by letter (coowned.c), for derivations ---- */

typedef struct emr_coowned emr_coowned;

emr_coowned *emr_coowned_new(void); /* NULL without memory */
void emr_coowned_free(emr_coowned *coowned);
/* A copy of a of that epoch.  *out_is: the domain is co-owned.  EMR_AWAITED: its key has not come.
 */
emr_status emr_coowned_pre(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, bool *out_is, emr_secret *out_a);

/* This is what content keys, listing keys and local keys share: sealing a key of 32 bytes under
 * a key of this computer. */

/* Under a local key: OUT = nonce || sealed SECRET (32 bytes), bound to AAD. */
emr_status emr_secret_seal_local(const emr_keyring *kr, emr_local_use use, const emr_secret *secret,
	emr_bytes aad, uint8_t out[EMR_SEALED_DEK_BYTES]);
emr_status emr_secret_open_local(const emr_keyring *kr, emr_local_use use,
	const uint8_t sealed[EMR_SEALED_DEK_BYTES], emr_bytes aad, emr_secret *out);
