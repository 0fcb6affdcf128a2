/* These functions read and write the byte layouts of one record version: header and manifest,
 * statement, private parts, metadata, and how lengths are padded. They refuse every length,
 * reserved byte or padding that is not exactly what the writer of that format would have made. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "store/cid.h"

/* All integers are big-endian.  Parsers are total: any bytes give EMR_OK or a status, never a read
 * past the end. EMR_DAMAGED = not this format; EMR_NEWER_FORMAT = its magic fits but its version is
 * unknown; EMR_LIMIT = a length above a limit.  Nothing here allocates unless an emr_buf is given.
 */

#define EMR_RECORD_MAX_BYTES ((uint64_t)4 << 40) /* largest file: 4 TiB */
#define EMR_LEAF_LOG2 18
#define EMR_LEAF_BYTES ((size_t)1 << EMR_LEAF_LOG2) /* plaintext bytes of a full leaf */
#define EMR_LEAF_CHUNKS 16
#define EMR_LEAF_SEALED_BYTES 262400 /* a full leaf in the store: 16 chunks of 16,384 + 16 */

/* ---- Lengths ---- */

/* L' of a file of N bytes (at most EMR_RECORD_MAX_BYTES): 16,383 up to that size, else Padme(n + 1)
 * - 1 (Nikitin et al., PETS 2019); with POW2 max(2^14, next power of two above n) - 1.  The -1
 * leaves the last chunk short and never empty, which is the stream's end mark. */
uint64_t emr_padded_len(uint64_t n, bool pow2);
/* Number of leaves of a stream of PADDED bytes, and the sealed size of leaf INDEX of them. */
uint64_t emr_leaf_count(uint64_t padded);
size_t emr_leaf_sealed_len(uint64_t padded, uint64_t index);

/* ---- m: header and sealed manifest, one raw block ---- */

#define EMR_M_HEADER_BYTES 100
#define EMR_M_FLAG_POW2 1
#define EMR_M_FLAG_HOLES 2 /* version 2: some leaves are holes (FORMAT.md) */
#define EMR_MANIFEST_BYTES                                                                         \
	1024 /* the largest manifest has 990 bytes, so the padding unit is the size */
#define EMR_M_BYTES (EMR_M_HEADER_BYTES + EMR_MANIFEST_BYTES + 16)
#define EMR_STATEMENT_BYTES 320

typedef struct emr_m_header {
	uint8_t suite;	   /* 1 AES-256-GCM, 2 ChaCha20-Poly1305 */
	uint8_t leaf_log2; /* 18 */
	uint8_t flags;	   /* EMR_M_FLAG_* */
	uint64_t padded;   /* L' */
	uint8_t salt[24];
	uint8_t com[32];
	uint8_t nonce[24];
} emr_m_header;

/* Bytes 0..99 of m; the length field stands for a manifest of EMR_MANIFEST_BYTES. */
void emr_m_header_encode(const emr_m_header *header, uint8_t out[EMR_M_HEADER_BYTES]);
/* M is the whole block; *out_sealed points into it (manifest and tag). */
emr_status emr_m_header_decode(emr_bytes m, emr_m_header *out_header, emr_bytes *out_sealed);

typedef struct emr_manifest {
	uint64_t n; /* true length */
	int64_t mtime_ns;
	uint8_t hk[32]; /* keys the Merkle leaves of the plaintext */
	uint8_t root[32];
	emr_bytes mime; /* 0..255 bytes, borrowed */
	emr_bytes doc;	/* LOINC code or empty, 0..255 bytes, borrowed */
	uint32_t holes; /* leaves of the tree that are holes; not 0: version 2 */
	bool has_statement;
	uint8_t statement[EMR_STATEMENT_BYTES]; /* exact bytes, as signed */
	uint8_t sig[64];
} emr_manifest;

/* EMR_LIMIT when mime or doc are longer than 255 bytes. */
emr_status emr_manifest_encode(const emr_manifest *manifest, uint8_t out[EMR_MANIFEST_BYTES]);
/* mime and doc point into PLAIN. */
emr_status emr_manifest_decode(emr_bytes plain, emr_manifest *out);

/* SHA-256("emrfs/v1/content\0" || suite || leaf_log2 || L' || CID of c). */
void emr_content_hash(
	uint8_t suite, uint8_t leaf_log2, uint64_t padded, const emr_cid *c, uint8_t out[32]);
/* SHA-256(u8 len || mime || u8 len || doc); both at most 255 bytes. */
void emr_type_hash(emr_bytes mime, emr_bytes doc, uint8_t out[32]);
/* pid_commit = SHA-256("emrfs/v1/pid" || r_pid || identity key of the patient). */
void emr_pid_commit(const uint8_t r_pid[32], const uint8_t identity_pk[32], uint8_t out[32]);

/* ---- Statement: what an issuer signs about the plaintext ---- */

typedef enum emr_statement_kind {
	EMR_STATEMENT_ORIGINAL = 1,
	EMR_STATEMENT_AMENDMENT = 2,
	EMR_STATEMENT_DERIVED = 3,
	EMR_STATEMENT_ATTESTATION = 4,
} emr_statement_kind;

#define EMR_STATEMENT_ED25519 1
#define EMR_STATEMENT_P256 2

typedef struct emr_statement {
	uint8_t alg;
	uint8_t kind;	       /* emr_statement_kind */
	uint8_t issuer_id[32]; /* SHA-256 of the Ed25519 key, or of the DER SubjectPublicKeyInfo */
	uint8_t pid_commit[32];
	emr_id16 record_id;
	uint64_t cver;
	uint8_t prev[32]; /* SHA-256 of the statement that this one amends, or zeros */
	uint8_t root[32];
	uint64_t n;
	uint8_t type_hash[32];
	uint64_t issued_at; /* Unix seconds */
	uint64_t issuer_seq;
	uint8_t cert_ref[32]; /* SHA-256 of the certificate's DER, zeros for a patient's own */
	uint8_t content[32];  /* emr_content_hash as first issued */
	uint8_t com[32];
} emr_statement;

void emr_statement_encode(const emr_statement *statement, uint8_t out[EMR_STATEMENT_BYTES]);
emr_status emr_statement_decode(const uint8_t bytes[EMR_STATEMENT_BYTES], emr_statement *out);

/* ---- Metadata: the decrypted half of PUT and META ---- */

typedef enum emr_meta_type {
	EMR_META_FILE = 1,
	EMR_META_DIR = 2,
	EMR_META_SYMLINK = 3
} emr_meta_type;

#define EMR_META_UNIT 512
#define EMR_META_UNITS_MAX 32
#define EMR_META_BYTES_MAX (EMR_META_UNIT * EMR_META_UNITS_MAX)
#define EMR_META_TARGET_MAX 4095

typedef struct emr_meta {
	emr_meta_type type;
	uint16_t mode;		/* permission bits, 0..07777 */
	uint32_t stored_leaves; /* of a file with holes, for st_blocks; then version 2, else 0 */
	uint64_t n;
	int64_t mtime_ns;
	emr_id16 parent; /* directory id, zeros at the top */
	uint8_t r_pid[32];
	emr_bytes mime;	  /* 0..255 */
	emr_bytes name;	  /* 0..255; empty for the root of the folder */
	emr_bytes target; /* of a symbolic link, else empty; 0..EMR_META_TARGET_MAX */
	emr_bytes xattrs; /* nx encoded entries, see emr_xattr_next; keys sorted, no key twice */
	uint16_t xattr_count;
} emr_meta;

/* Appends the padded metadata (k * 512 bytes, smallest k) to OUT.  EMR_ATTRIBUTE_SPACE when it does
 * not fit in 32 units, EMR_LIMIT or EMR_INVALID when a field breaks its limit. */
emr_status emr_meta_encode(const emr_meta *meta, emr_buf *out);
/* Slices of *OUT point into PLAIN, whose length must be k * 512, k 1..32.  A name that is no
 * component of a path ("/" or NUL in it, "." or "..") is "unnamed". */
emr_status emr_meta_decode(emr_bytes plain, emr_meta *out);
/* PLAIN, which describes a record, becomes what may be said beside CONTENT, the description that
 * came with its bytes: whom it is about, how long it is and how much of that is stored follow the
 * bytes, and if PLAIN says that it is something else than those are, or nothing that decodes, it
 * becomes CONTENT. */
emr_status emr_meta_keep_to_content(emr_buf *plain, emr_bytes content);

typedef struct emr_xattr {
	emr_bytes key;	 /* 1..255 bytes, with its "user." */
	emr_bytes value; /* 0..65,535 bytes */
} emr_xattr;

/* Walks the entries { u8 klen | u16 vlen | key | value }: takes the first off *REST.  False at the
 * end (rest empty) and when the entry does not fit (rest not empty); emr_meta_decode gave out only
 * lists that fit. */
bool emr_xattr_next(emr_bytes *rest, emr_xattr *out);
/* The value of KEY; EMR_NO_ATTRIBUTE. */
emr_status emr_xattr_find(emr_bytes xattrs, emr_bytes key, emr_bytes *out_value);
/* *OUT (emptied first) becomes XATTRS with KEY set to VALUE, or without KEY when REMOVE, sorted;
 * *out_count entries. EMR_NO_ATTRIBUTE when there is nothing to remove; EMR_LIMIT for a key of 0 or
 * over 255 bytes or a value over 65,535.  Whether it fits the record is emr_meta_encode's to say.
 * OUT must not hold XATTRS. */
emr_status emr_xattr_change(emr_bytes xattrs, emr_bytes key, emr_bytes value, bool remove,
	emr_buf *out, uint16_t *out_count);

/* ---- Private parts of ledger items; each begins with salt[32] ---- */

#define EMR_PUT_FIXED_BYTES 300
#define EMR_PUT_NUMBER_AT 76 /* record_id */
#define EMR_META_FIXED_BYTES 88
#define EMR_LISTKEY_PART_BYTES 160

/* The writer of content says its version.  One further above the highest before it than this is
 * nobody's next one, and nothing counts on from it: else one item could leave no number for the
 * next. */
#define EMR_CVER_JUMP (UINT64_C(1) << 32)

/* PUT and REWRAP: 300 + 512k + 16 bytes. */
typedef struct emr_put_part {
	uint8_t salt[32];
	emr_cid root; /* of the bundle */
	uint64_t padded;
	emr_id16 record_id;
	uint64_t cver;
	uint8_t capsule[96];
	uint8_t wdek[48];
	emr_id32 listkey_id; /* item id of the signer's LISTKEY for this epoch */
	uint8_t nonce[24];
	emr_bytes meta_ct; /* 512k + 16 bytes, borrowed */
} emr_put_part;

/* META: 88 + 512k + 16 bytes. */
typedef struct emr_meta_part {
	uint8_t salt[32];
	emr_id32 listkey_id;
	uint8_t nonce[24];
	emr_bytes meta_ct;
} emr_meta_part;

typedef struct emr_listkey_part {
	uint8_t salt[32];
	uint8_t capsule[96];
	uint8_t kcheck[32];
} emr_listkey_part;

/* Encoders append to OUT; EMR_INVALID when meta_ct has not 512k + 16 bytes.  Decoders want the
 * exact length, a bundle CID that is a dag-pb SHA-256 one, and an L' that some file length pads to.
 */
emr_status emr_put_part_encode(const emr_put_part *part, emr_buf *out);
emr_status emr_put_part_decode(emr_bytes bytes, emr_put_part *out);
emr_status emr_meta_part_encode(const emr_meta_part *part, emr_buf *out);
emr_status emr_meta_part_decode(emr_bytes bytes, emr_meta_part *out);
void emr_listkey_part_encode(const emr_listkey_part *part, uint8_t out[EMR_LISTKEY_PART_BYTES]);
emr_status emr_listkey_part_decode(emr_bytes bytes, emr_listkey_part *out);

/* AAD of meta_ct: domain_id || object_id || u64 item version || u32 epoch || listkey_id. */
#define EMR_META_AAD_BYTES 76
void emr_meta_aad(emr_id16 domain, emr_id16 object, uint64_t item_version, uint32_t epoch,
	emr_id32 listkey_id, uint8_t out[EMR_META_AAD_BYTES]);
