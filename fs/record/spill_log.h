/* The spill is an encrypted temporary file: a header and sealed records, each at a multiple of 4
 * KiB. It is only ever appended to. It refuses records out of order, of another file, or changed
 * in any bit. */
#pragma once

#include "staging_impl.h"

#define SPILL_UNIT 4096
#define SPILL_HEADER_BYTES SPILL_UNIT
#define SPILL_RECORD_HEAD 44 /* seq u64 | off u64 | len u32 | nonce[24] */
#define SPILL_RECORD_MAX 65536
#define SPILL_PAYLOAD_MAX (SPILL_RECORD_MAX - SPILL_RECORD_HEAD - 16)
#define SPILL_NAME_MAX 64
#define SPILL_OFF_CONTROL                                                                          \
	UINT64_MAX /* the payload is a control record; else file bytes from that offset */

/* Bytes of the file that a record of LEN payload bytes takes. */
static inline uint64_t spill_record_room(uint64_t len)
{
	return (len + SPILL_RECORD_HEAD + 16 + SPILL_UNIT - 1) / SPILL_UNIT * SPILL_UNIT;
}

typedef struct spill_record {
	uint64_t at, seq, off;
	uint32_t len;
} spill_record;

/* ---- The head of a record: outside bytes, fuzzed ---- */

void spill_record_head_encode(
	const spill_record *record, const uint8_t nonce[24], uint8_t out[SPILL_RECORD_HEAD]);
/* EMR_DAMAGED unless lengths and offset are possible. */
emr_status spill_record_head_decode(
	const uint8_t bytes[SPILL_RECORD_HEAD], spill_record *out, uint8_t nonce[24]);
/* Whether a record SEQ may follow one with LAST: the next number, or the first of a later run of
 * the writer. */
bool spill_seq_follows(uint64_t last, uint64_t seq);

/* ---- Control records ---- */

typedef enum spill_control_kind {
	SPILL_BASE = 1,	  /* everything before is void; this lies below */
	SPILL_CUT = 2,	  /* nothing beyond SIZE shows, of data, leaves and base */
	SPILL_LEAVES = 3, /* these leaves are sealed in the store, under this key */
	SPILL_MARK = 4,	  /* the file is whole here */
} spill_control_kind;

typedef enum spill_base_kind {
	SPILL_BASE_NONE = 0,
	SPILL_BASE_GIVEN = 1,
	SPILL_BASE_OWN = 2
} spill_base_kind;

#define SPILL_LEAF_BYTES 44
#define SPILL_LEAVES_FIXED 104 /* kind, suite, 0[2], salt, sealed DEK, count */
#define SPILL_LEAVES_MAX ((SPILL_PAYLOAD_MAX - SPILL_LEAVES_FIXED) / SPILL_LEAF_BYTES)

typedef struct spill_leaf {
	uint64_t leaf;
	uint32_t len;
	uint8_t digest[32];
} spill_leaf;

typedef struct spill_control {
	spill_control_kind kind;
	/* BASE */
	spill_base_kind base;
	uint64_t base_limit;
	emr_cid base_cid;    /* GIVEN */
	emr_content content; /* OWN */
	/* CUT, MARK */
	uint64_t size;
	int64_t mtime_ns;
	uint64_t number; /* MARK: grows with every mark of one working copy, also over a rewrite */
	/* LEAVES */
	uint8_t suite;
	uint8_t salt[24];
	uint8_t sealed_dek[EMR_SEALED_DEK_BYTES];
	uint32_t leaf_count;
	emr_bytes leaves; /* leaf_count * SPILL_LEAF_BYTES, borrowed */
} spill_control;

/* Appends the payload to OUT. */
emr_status spill_control_encode(const spill_control *control, emr_buf *out);
emr_status spill_control_decode(emr_bytes bytes, spill_control *out);
void spill_leaf_encode(const spill_leaf *leaf, uint8_t out[SPILL_LEAF_BYTES]);
/* EMR_DAMAGED for a leaf beyond 4 TiB or longer than a leaf. */
emr_status spill_leaf_decode(const uint8_t bytes[SPILL_LEAF_BYTES], spill_leaf *out);

/* ---- The file ---- */

void spill_name(emr_id16 id, bool temporary, char out[SPILL_NAME_MAX]);
/* Makes an empty spill (replacing what has that name) with a fresh key. */
emr_status spill_create(emr_record_ctx *ctx, emr_id16 id, bool temporary, spill_file *out);
/* Opens it for recovery: end and next_seq are not known yet.  EMR_NOT_FOUND also when its header is
 * incomplete. */
emr_status spill_open(emr_record_ctx *ctx, emr_id16 id, spill_file *out);
void spill_close(spill_file *spill);
/* Appends one record.  On failure nothing was appended. */
emr_status spill_append(spill_file *spill, uint64_t off, emr_bytes payload, spill_record *out);
/* Reads and opens the record; OUT has room for record->len bytes.  EMR_DAMAGED. */
emr_status spill_read(const spill_file *spill, const spill_record *record, uint8_t *out);
/* The record at AT, if there is one that authenticates: EMR_NOT_FOUND otherwise.  PAYLOAD holds
 * SPILL_PAYLOAD_MAX. */
emr_status spill_read_at(const spill_file *spill, uint64_t at, spill_record *out, uint8_t *payload);
