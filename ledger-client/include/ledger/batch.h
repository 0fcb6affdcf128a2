/* These functions build and sign a batch: 160-byte items with their public parts, one signature
 * over their Merkle root, then the private parts. They refuse more than 501 items or 1 MiB (the
 * format allows 1,024 and 4 MiB), and to sign twice. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "keyring/keyring.h"

#define EMR_BATCH_SEND_ITEMS 501u /* 500, and one that goes with them */
#define EMR_BATCH_SEND_BYTES (1u << 20)

typedef struct emr_batch_builder emr_batch_builder; /* used by one thread */

typedef struct emr_batch_options {
	const emr_keyring *keyring; /* borrowed until finish */
	emr_signer signer;	    /* a key of the domain, or the identity */
	emr_id16 net_id;
	uint64_t
		seen_seq; /* last entry this signer has verified, and its leaf hash; zero if none */
	emr_id32 seen_leaf;
} emr_batch_options;

typedef struct emr_operation {
	uint8_t op; /* wire code (contract/codes.h), e.g. 0x20 PUT */
	uint16_t flags;
	emr_id16 domain;
	emr_id16 object;
	uint64_t version; /* row.version + 1 */
	emr_id32 prev;	  /* row.item; zero for version 1 */
	uint64_t time;	  /* Unix seconds; at most the time given to finish */
	uint32_t epoch;
	emr_bytes pub;	/* length fixed by op */
	emr_bytes priv; /* begins with salt[32]; empty = no private part */
} emr_operation;

emr_status emr_batch_new(const emr_batch_options *options, emr_batch_builder **out_builder);
void emr_batch_free(emr_batch_builder *builder);
#define EMR_AUTO_BATCH __attribute__((cleanup(emr_batch_auto))) emr_batch_builder *
EMR_AUTO_CALL(emr_batch_auto, emr_batch_builder *, emr_batch_free);

/* Copies the item and its parts; its id is known at once.  EMR_LIMIT: the batch is full, send it
 * and begin another; EMR_INVALID: unknown op, wrong length of pub, a private part under 32 bytes.
 */
emr_status emr_batch_add(
	emr_batch_builder *builder, const emr_operation *item, emr_id32 *out_item_id);
size_t emr_batch_count(const emr_batch_builder *builder);
/* Bytes that finish would give now. */
size_t emr_batch_size(const emr_batch_builder *builder);

/* The signer_id and public key that the items will carry. */
emr_id32 emr_batch_signer_id(const emr_batch_builder *builder);

/* header.time = NOW, valid_until = NOW + VALID_FOR (both seconds).  The signed bytes; the builder
 * is then spent. *out_batch_id may be NULL. */
emr_status emr_batch_finish(emr_batch_builder *builder, uint64_t now, uint64_t valid_for,
	emr_buf *out_batch, emr_id32 *out_batch_id);

/* The signature of KEYRING's own key over BATCH in the network NET_ID: it hands that in there.
 * EMR_DENIED: no keyring. */
emr_status emr_batch_sign_submit(
	const emr_keyring *keyring, emr_id16 net_id, emr_bytes batch, uint8_t out_sig[64]);

struct emr_batch;

/* Signs those items of WAS (contract/item.h) once more that are PICKED, one flag an item, and whose
 * parts are at hand, with the key of OPTIONS' keyring that had signed it, at NOW and for as long a
 * time: they are the same bytes, and keep their ids.  OPTIONS' signer is not looked at.
 * EMR_NOT_FOUND: none is picked; EMR_DENIED: no key of this keyring signed it. */
emr_status emr_batch_again(const emr_batch_options *options, const struct emr_batch *was,
	const bool *picked, uint64_t now, emr_buf *out_batch);
