/* Content keys, listing keys and local keys as locked, opaque objects made and used through a
 * keyring. It refuses to show them, and to unwrap from a capsule that was made for another domain,
 * epoch or record.
 *
 * Threads: keys do not change once made and may be used by several threads; free them when no call
 * is running. */
#pragma once

#include "crypto/chunk.h"
#include "crypto/unit.h"
#include "keyring/held.h"
#include "keyring/keyring.h"

/* ---- Content keys: the DEK of one content ---- */

typedef struct emr_content_key emr_content_key;

#define EMR_CAPSULE_BYTES 96
#define EMR_WDEK_BYTES 48
#define EMR_SEALED_DEK_BYTES 72 /* nonce 24 || DEK 32 || tag 16 */

emr_status emr_content_key_new(emr_content_key **out); /* random */
void emr_content_key_free(emr_content_key *key);       /* wipes; NULL is fine */

/* For the journal: under the local journal key, bound to ID.  EMR_DAMAGED from open. */
emr_status emr_content_key_seal_local(const emr_keyring *kr, const emr_content_key *key,
	emr_id16 id, uint8_t out_sealed[EMR_SEALED_DEK_BYTES]);
emr_status emr_content_key_open_local(const emr_keyring *kr,
	const uint8_t sealed[EMR_SEALED_DEK_BYTES], emr_id16 id, emr_content_key **out);

/* The content's cipher and its key commitment.  A salt is used with one content key only. */
emr_status emr_content_key_cipher(const emr_content_key *key, unsigned suite,
	const uint8_t salt[24], emr_chunk_cipher **out_cipher, uint8_t out_com[32]);
/* The manifest under K_m: OUT gets plain.len + 16, or sealed.len - 16 bytes.  EMR_DAMAGED from
 * open. */
emr_status emr_content_key_manifest_seal(const emr_content_key *key, const uint8_t nonce[24],
	emr_bytes aad, emr_bytes plain, uint8_t *out);
emr_status emr_content_key_manifest_open(const emr_content_key *key, const uint8_t nonce[24],
	emr_bytes aad, emr_bytes sealed, uint8_t *out);

typedef enum emr_capsule_kind {
	EMR_CAPSULE_CONTENT = 1,
	EMR_CAPSULE_LISTING = 2,
} emr_capsule_kind;

/* ctx = SHA-256("emrfs/v1/ctx" || domain || u32 epoch || record || u64 cver || u8 kind || digest),
 * digest being the 32-byte sha2-256 digest inside the root CID. */
void emr_capsule_ctx(emr_id16 domain_id, uint32_t epoch, emr_id16 record_id, uint64_t cver,
	emr_capsule_kind kind, emr_id32 root_digest, uint8_t out_ctx[32]);
/* The one of a listing key: record = the first 16 bytes of the writer's signer_id, cver 0, digest
 * 0. */
void emr_listing_ctx(emr_id16 domain_id, uint32_t epoch, emr_id32 writer, uint8_t out_ctx[32]);

/* Wraps for the owner of A (a domain's public key of one epoch): needs no right to read there. */
emr_status emr_content_key_wrap(const emr_keyring *kr, const uint8_t A[32], const uint8_t ctx[32],
	const emr_content_key *key, uint8_t out_capsule[EMR_CAPSULE_BYTES],
	uint8_t out_wdek[EMR_WDEK_BYTES]);
/* The same as the owner of (domain, epoch), sooner: EMR_INVALID when A is not its key. */
emr_status emr_content_key_wrap_own(const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch,
	const uint8_t A[32], const uint8_t ctx[32], const emr_content_key *key,
	uint8_t out_capsule[EMR_CAPSULE_BYTES], uint8_t out_wdek[EMR_WDEK_BYTES]);
/* As the owner of (domain, epoch).  EMR_DAMAGED when capsule, context and wrapped key do not fit.
 */
emr_status emr_content_key_unwrap(const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch,
	const uint8_t ctx[32], const uint8_t capsule[EMR_CAPSULE_BYTES],
	const uint8_t wdek[EMR_WDEK_BYTES], emr_content_key **out);
/* As a grantee or a device, with the capsule's key from a release.  EMR_DAMAGED when the wrapped
 * key does not open: then the release was not honest (or CTX is another record's). */
emr_status emr_content_key_open_kem(const emr_kem_key *kem, const uint8_t ctx[32],
	const uint8_t wdek[EMR_WDEK_BYTES], emr_content_key **out);

/* ---- Listing keys: what seals the names of one writer in one domain and epoch ---- */

typedef struct emr_list_key emr_list_key;

/* The writer's own: the same capsule and key at every call, because r and u are derived. */
emr_status emr_list_key_publish(const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch,
	const uint8_t A[32], emr_id32 writer, uint8_t out_capsule[EMR_CAPSULE_BYTES],
	uint8_t out_kcheck[32], emr_list_key **out);
/* Of any writer, as the owner of the domain.  EMR_DAMAGED when capsule or kcheck do not fit. */
emr_status emr_list_key_open(const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch,
	emr_id32 writer, const uint8_t capsule[EMR_CAPSULE_BYTES], const uint8_t kcheck[32],
	emr_list_key **out);
/* As a grantee or a device, with the capsule's key from a release; kcheck proves it.  EMR_DAMAGED.
 */
emr_status emr_list_key_open_kem(const emr_kem_key *kem, emr_id16 domain_id, uint32_t epoch,
	emr_id32 writer, const uint8_t kcheck[32], emr_list_key **out);
void emr_list_key_free(emr_list_key *key);

/* meta_ct of one object: XChaCha20-Poly1305 under HKDF("emrfs/v1/meta", K_L, object_id).  OUT gets
 * plain.len + 16, or sealed.len - 16 bytes; AAD = domain_id || object_id || u64 item version || u32
 * epoch || listkey_id, made by the caller. */
emr_status emr_list_key_seal(const emr_list_key *key, emr_id16 object_id, const uint8_t nonce[24],
	emr_bytes aad, emr_bytes plain, uint8_t *out);
emr_status emr_list_key_open_meta(const emr_list_key *key, emr_id16 object_id,
	const uint8_t nonce[24], emr_bytes aad, emr_bytes sealed, uint8_t *out);
/* At rest, as the format wants it: under the local LISTKEYS key, bound to ROW (the row's key, at
 * most 255 bytes). */
emr_status emr_list_key_seal_local(const emr_keyring *kr, const emr_list_key *key, emr_bytes row,
	uint8_t out_sealed[EMR_SEALED_DEK_BYTES]);
emr_status emr_list_key_open_local(const emr_keyring *kr,
	const uint8_t sealed[EMR_SEALED_DEK_BYTES], emr_bytes row, emr_list_key **out);

/* ---- Local keys: what seals this computer's own files ---- */

typedef struct emr_local_key emr_local_key;

typedef enum emr_local_use {
	EMR_LOCAL_STAGING, /* needs the 32-byte staging id; forgetting the id shreds the spill */
	EMR_LOCAL_JOURNAL,
	EMR_LOCAL_VIEW,
	EMR_LOCAL_LISTKEYS,
	EMR_LOCAL_AGENT_STORE,
	EMR_LOCAL_UNITS, /* see emr_local_unit_key */
	EMR_LOCAL_USE_COUNT
} emr_local_use;

/* ID is for STAGING and NULL for all others (EMR_INVALID otherwise). */
emr_status emr_local_key_get(
	const emr_keyring *kr, emr_local_use use, const emr_id32 *id, emr_local_key **out);
void emr_local_key_free(emr_local_key *key);
/* XChaCha20-Poly1305: OUT gets plain.len + 16, or sealed.len - 16 bytes; in place is fine.
 * EMR_DAMAGED from open. */
emr_status emr_local_seal(const emr_local_key *key, const uint8_t nonce[24], emr_bytes aad,
	emr_bytes plain, uint8_t *out);
emr_status emr_local_open(const emr_local_key *key, const uint8_t nonce[24], emr_bytes aad,
	emr_bytes sealed, uint8_t *out);
/* The key by which this computer knows units of leaves again. */
emr_status emr_local_unit_key(const emr_keyring *kr, emr_unit_key **out);
