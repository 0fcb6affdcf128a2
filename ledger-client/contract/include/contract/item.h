/* Items, batches, entries and the network descriptor: strict parsing into borrowed views, and
 * encoding without allocation.  It refuses wrong sizes, magics, versions and reserved bytes; it
 * judges no authority and no state. Integers are big-endian.  All functions are pure and
 * thread-safe; every view lives as long as the bytes. */
#pragma once

#include "contract/codes.h"

#define EMR_ITEM_BYTES 160	/* without the public part */
#define EMR_ITEM_HEAD_BYTES 124 /* head124: what HPKE contexts bind */
#define EMR_PUB_MAX 288
#define EMR_HEADER_BYTES 208
#define EMR_HEADER_SIGNED_BYTES 144
#define EMR_BATCH_COUNT_MAX 1024
#define EMR_BATCH_BYTES_MAX ((size_t)4 << 20)
#define EMR_ENTRY_BYTES 376 /* without the results */
#define EMR_ENTRY_BYTES_MAX (EMR_ENTRY_BYTES + EMR_BATCH_COUNT_MAX)
#define EMR_DESCRIPTOR_BYTES_MAX ((size_t)4 << 20)

/* Borrowed bytes.  data NULL means "not there", which differs from empty. */
typedef struct emr_span {
	const uint8_t *data;
	size_t len;
} emr_span;

/* ---- item: 160 bytes and the public part that its op fixes ---- */

typedef struct emr_item {
	uint8_t op;
	uint16_t flags;
	uint8_t domain_id[16];
	uint8_t object_id[16];
	uint64_t version;
	uint8_t prev[32];
	uint8_t signer_id[32];
	uint64_t time_unix_s;
	uint32_t epoch;
	uint32_t priv_len;
	uint8_t priv_hash[32];
} emr_item;

/* The 160 fixed bytes (magic and version are checked, op and reserved bytes are not: those are
 * answers of the contract).  EMR_CONTRACT_FORMAT. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_item_parse(emr_span bytes, emr_item *out_item);
/* Writes 160 bytes and PUB behind them; pub.len must be emr_op_pub_len(item->op).  NO_ROOM when cap
 * is less, ARGUMENT when the op is unknown or the public part has another length. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_item_encode(
	const emr_item *item, emr_span pub, uint8_t *out, size_t cap, size_t *out_len);
/* SHA-256(item || pub): the id of the item, the prev of its successor, and the req of an answer. */
void emr_item_id(emr_span item_and_pub, uint8_t out_id[32]);
/* SHA-256("emrfs/v1/priv" || private part). */
void emr_item_priv_hash(emr_span part, uint8_t out_hash[32]);
/* PART is the private part that ITEM commits to, by length and salted hash; false for an item that
 * has none. */
bool emr_item_has_part(const emr_item *item, emr_span part);
/* Sets priv_len and priv_hash of ITEM for PART; zeros for an empty one. */
void emr_item_set_part(emr_item *item, emr_span part);

/* ---- header: 208 bytes ---- */

typedef struct emr_header {
	uint16_t count;
	uint8_t signer_pk[32];
	uint8_t net_id[16];
	uint64_t time_unix_s;
	uint64_t valid_until_unix_s;
	uint64_t seen_seq;
	uint8_t seen_leaf[32];
	uint8_t root[32];
	uint8_t sig[64];
} emr_header;

#define EMR_HEADER_MESSAGE_BYTES 159 /* "emrfs/v1/batch\0" and the 144 signed bytes */

EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_header_parse(emr_span bytes, emr_header *out_header);
/* Writes 208 bytes; sign emr_header_message() of them and put the signature at offset 144. */
void emr_header_encode(const emr_header *header, uint8_t out[EMR_HEADER_BYTES]);
/* The bytes that the batch's signature covers. */
void emr_header_message(
	const uint8_t header[EMR_HEADER_BYTES], uint8_t out[EMR_HEADER_MESSAGE_BYTES]);
/* Whether that signature is the one of the key that the header names. */
bool emr_header_is_signed(const uint8_t header[EMR_HEADER_BYTES]);
/* SHA-256 of header bytes 0..143; the signature has no part in it. */
void emr_batch_id(const uint8_t header[EMR_HEADER_BYTES], uint8_t out_id[32]);
/* The RFC 6962 root over COUNT items laid end to end (each with its public part), as the header
 * wants it. EMR_CONTRACT_FORMAT when the bytes do not split into COUNT items of known operations.
 */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_items_root(emr_span items, uint16_t count, uint8_t out_root[32]);
/* SHA-256(signer's Ed25519 public key): signer_id, agent_id and submitter_id. */
void emr_signer_id(const uint8_t pk[32], uint8_t out_id[32]);

/* ---- batch: header || items || private parts ---- */

/* One item inside a batch.  The part is empty when priv_len is 0, and data NULL when it was not
 * supplied. */
typedef struct emr_batch_item {
	emr_span bytes; /* 160 + pub */
	emr_span part;
} emr_batch_item;

/* About 32 KiB: on the heap or static, not on a small stack. */
typedef struct emr_batch {
	emr_span header;      /* 208 bytes */
	emr_span items_bytes; /* all items and public parts, as on the wire */
	uint16_t count;
	emr_batch_item items[EMR_BATCH_COUNT_MAX];
} emr_batch;

/* Splits a whole batch.  The answer is EMR_RESULT_APPLIED when it could be split; otherwise the
 * refusal that the ledger gives without an entry: EMR_RESULT_FORMAT (sizes, magic, version, count,
 * trailing bytes, more than 4 MiB), or EMR_RESULT_UNKNOWN_OP (an operation whose length the format
 * does not fix, so nothing behind it can be found).  Signature, root and item magics are judged
 * later, by emr_contract_apply(). */
EMR_CONTRACT_MUST_CHECK
emr_result emr_batch_parse(emr_span bytes, emr_batch *out_batch);
/* The same for a header and items that are kept apart from their parts: out of a b/ row, or from
 * Fabric's arguments.  PARTS is NULL (no part supplied) or has one span for each item of the
 * header's count, data NULL for a part that is not at hand. */
EMR_CONTRACT_MUST_CHECK
emr_result emr_batch_parse_items(emr_span header, emr_span items, const emr_span *parts,
	size_t parts_count, emr_batch *out_batch);
/* How much of a batch is header and items, whatever of its private parts stands behind them; 0: it
 * cannot be split. */
size_t emr_batch_public_len(emr_span bytes);
/* Whether the items of BATCH have the root that its header says. */
bool emr_batch_has_root(const emr_batch *batch);
/* Item I in parsed form, its public part and its id.  I < batch->count. */
void emr_batch_item_at(const emr_batch *batch, size_t i, emr_item *out_item, emr_span *out_pub);
/* The certificates, DER after DER, in the private part of a lone 01 or 07, which is where a
 * follower of the ledger finds the one of its bringer: the bringer's own, and those between it and
 * the organisation's CA. Empty when there is none, or the part is not at hand. */
emr_span emr_batch_certificate(const emr_batch *batch);
/* The organisation that vouches by that certificate, and no other one: a 01 names it, and for a 07
 * it is that of SIGNER, the K row of the batch's signer (len 0: it has none).  False: nobody
 * vouches. */
bool emr_batch_certified_by(const emr_batch *batch, emr_span signer, uint8_t out_org[16]);

/* ---- entry: what the log keeps: 376 bytes and one result for each item ---- */

typedef struct emr_entry {
	uint8_t host;
	uint16_t count;
	uint64_t seq;
	uint64_t ledger_time_unix_s;
	uint8_t submitter_id[32];
	uint64_t block;
	uint32_t tx;
	uint8_t prev_entry[32];
	uint8_t header[EMR_HEADER_BYTES];
	uint8_t submit_sig[64];
	emr_span results; /* count bytes */
} emr_entry;

#define EMR_SUBMIT_MESSAGE_BYTES 48 /* "emrfs/v1/submit\0" and a SHA-256 */

/* Strict; the header inside is parsed too, and its count must be the entry's.  EMR_CONTRACT_FORMAT.
 */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_entry_parse(emr_span bytes, emr_entry *out_entry);
/* Writes 376 + count bytes.  ARGUMENT when results.len or the header's count differ from count. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_entry_encode(
	const emr_entry *entry, uint8_t *out, size_t cap, size_t *out_len);
/* The message that the submitter signs, before the batch has an entry: "emrfs/v1/submit\0" ||
 * SHA-256(net_id || header). The header has the root of the items and the batch's own signature.
 * The number, the time, the predecessor and the results of the entry are not signed: they are the
 * word of the host (CONTRACT.md, "What is signed"). */
void emr_submit_message(const uint8_t net_id[16], const uint8_t header[EMR_HEADER_BYTES],
	uint8_t out[EMR_SUBMIT_MESSAGE_BYTES]);
/* The leaf of the log tree: SHA-256(0x00 || bytes).  BYTES is an encoded entry, or for seq 0 the
 * descriptor. */
void emr_entry_leaf(emr_span bytes, uint8_t out_leaf[32]);

/* ---- descriptor: entry 0 of a network ---- */

typedef struct emr_descriptor_org {
	uint8_t org[16];
	uint8_t admin_pk[32];
	emr_span name; /* <= 255 bytes, as the others of length u8 */
	emr_span msp;
	emr_span ca_der; /* <= 65,535 bytes */
} emr_descriptor_org;

typedef struct emr_descriptor {
	uint8_t norg;	/* 1..255 */
	uint8_t quorum; /* 0 = majority */
	uint64_t created_unix_s;
	uint8_t nonce[16];
	emr_span name;
	emr_span orgs_bytes; /* checked; walk it with emr_descriptor_org_at() */
} emr_descriptor;

/* Strict: no trailing bytes, quorum <= norg, no organisation twice.  EMR_CONTRACT_FORMAT. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_descriptor_parse(emr_span bytes, emr_descriptor *out_descriptor);
/* Organisation I < norg of a parsed descriptor.  EMR_CONTRACT_ARGUMENT. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_descriptor_org_at(
	const emr_descriptor *descriptor, size_t i, emr_descriptor_org *out_org);
/* The organisation that is called ID; false: it has none, and *out_org is anything. */
bool emr_descriptor_find(
	const emr_descriptor *descriptor, const uint8_t id[16], emr_descriptor_org *out_org);
/* Encodes DESCRIPTOR with ORGS (norg of them; orgs_bytes is not read).  NO_ROOM, ARGUMENT. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_descriptor_encode(const emr_descriptor *descriptor,
	const emr_descriptor_org *orgs, uint8_t *out, size_t cap, size_t *out_len);
/* The kind of ledger under a network that began with DESCRIPTOR: organisations with names of MSPs
 * are those of a Fabric channel. So nobody can call a network of a directory one of Fabric, where
 * entries have no submitter's signature: its id would be another. */
enum emr_host emr_descriptor_host(emr_span descriptor);
/* The first 16 bytes of SHA-256("emrfs/v1/net\0" || descriptor). */
void emr_descriptor_net_id(emr_span descriptor, uint8_t out_net_id[16]);
