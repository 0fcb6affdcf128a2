/* This interface handles a sealed content: it says what a journal row keeps of it, reads it at any
 * offset, and makes the bundle that a version names. It refuses to give out a byte that was not
 * verified, a bundle of another record or version, and a block list that is not the one tree. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "keyring/content.h"
#include "record/format.h"
#include "store/block_store.h"
#include "store/cid.h"
#include "store/reserve.h"
#include "store/unixfs.h"

/* ---- The module's shared half: store, local keys, workers, limits ---- */

typedef struct emr_record_ctx emr_record_ctx;

typedef struct emr_record_options {
	emr_block_store *store; /* borrowed; blocks are appended and read here */
	emr_keyring *keyring;	/* borrowed; seals content keys at rest and gives the spill keys */
	int spill_dirfd;	/* borrowed; where spills live; -1 = nothing may be spilled */
	emr_reserve *reserve;	/* borrowed; while it is out no spill grows; NULL: none */
	uint64_t memory_bytes;	/* unsealed bytes of all stagings held in memory; 0 = 64 MiB */
	unsigned workers;	/* sealing threads; 0 = 2; EMR_RECORD_NO_WORKERS = none */
	uint8_t suite;		/* of new contents; 0 = 1, AES-256-GCM */
	bool pow2;		/* pad new contents to powers of two */
} emr_record_options;
#define EMR_RECORD_NO_WORKERS (~0u)

/* Everything in OPTIONS must outlive the context; the context must outlive its readers and
 * stagings. */
emr_status emr_record_ctx_new(const emr_record_options *options, emr_record_ctx **out_ctx);
void emr_record_ctx_free(emr_record_ctx *ctx); /* joins the workers; NULL is fine */
/* Bytes of sealed leaves that working copies did not need any more, since the beginning: what was
 * overwritten, cut off or given up, once no spill on the disk names it.  Some were never put. */
uint64_t emr_record_ctx_left(const emr_record_ctx *ctx);
/* While a hold is open the blocks of every bundle built are among those that
 * emr_record_each_block names: until they are pinned.  Each begin has its end. */
void emr_record_hold_begin(emr_record_ctx *ctx);
void emr_record_hold_end(emr_record_ctx *ctx);
/* Every block that is in the store, needed, and perhaps under no pin: of working copies their
 * sealed leaves, what their spill still names, and the content they were frozen to last (a UnixFS
 * file, with all below); what is being sealed; bundles that are held.  The reclaiming of space
 * keeps them, and needs all working copies recovered before.  VISIT is called without any lock;
 * anything but EMR_OK stops and is returned.  Blocks that are put while this runs may be missing.
 */
typedef emr_status (*emr_record_block_visit)(void *context, const emr_cid *cid);
emr_status emr_record_each_block(emr_record_ctx *ctx, emr_record_block_visit visit, void *context);
/* Chunks decrypted so far, for all callers. */
uint64_t emr_record_ctx_chunks_opened(const emr_record_ctx *ctx);

/* ---- A frozen content, by value ---- */

#define EMR_CONTENT_ENCODED_BYTES 280

typedef struct emr_content {
	uint64_t n;			 /* true length */
	uint64_t padded;		 /* L' */
	uint8_t suite, leaf_log2, flags; /* flags as in the header of m */
	uint32_t holes;			 /* leaves that are not stored */
	uint8_t salt[24];
	uint8_t com[32];
	uint8_t hk[32];
	uint8_t root[32]; /* RFC 6962 root of the plaintext's 256 KiB segments, keyed by hk */
	emr_cid c;	  /* the content's UnixFS file */
	bool has_dek;	  /* false: the key is known from the ledger only (sealed_dek is zeros) */
	uint8_t sealed_dek[EMR_SEALED_DEK_BYTES]; /* emr_content_key_seal_local, bound to
						     salt[0..15] */
} emr_content;

/* How many of its leaves are stored, if some are not; 0: all of them. */
uint32_t emr_content_stored_leaves(const emr_content *content);
/* Bytes of the file for which something is stored: all but its holes. */
uint64_t emr_content_stored(const emr_content *content);
/* Fixed size, first byte a version.  Not authenticated: the journal seals it. */
void emr_content_encode(const emr_content *content, uint8_t out[EMR_CONTENT_ENCODED_BYTES]);
/* EMR_DAMAGED, EMR_NEWER_FORMAT; checks every limit and that padded fits n and flags. */
emr_status emr_content_decode(emr_bytes bytes, emr_content *out_content);
/* The key of a content of our own, from sealed_dek.  EMR_NOT_FOUND without one, EMR_DAMAGED when it
 * was made by another keyring. */
emr_status emr_content_open_key(
	emr_record_ctx *ctx, const emr_content *content, emr_content_key **out_key);
/* The other way round: CONTENT, whose key was known from the ledger only, carries it sealed from
 * now on. */
emr_status emr_content_keep_key(
	emr_record_ctx *ctx, emr_content *content, const emr_content_key *key);

/* ---- Reading ---- */

/* Reads one content.  Several threads may read through one reader. */
typedef struct emr_content_reader emr_content_reader;

/* KEY is borrowed for the call.  Checks limits, the commitment (constant time) and that the last
 * chunk opens and is zeros beyond n.  EMR_DAMAGED, EMR_MISSING_DATA, EMR_UNSUPPORTED, EMR_LIMIT. */
emr_status emr_content_reader_open(emr_record_ctx *ctx, const emr_content *content,
	const emr_content_key *key, emr_content_reader **out_reader);
/* One more owner; free gives one back.  NULL is fine for free. */
emr_content_reader *emr_content_reader_share(emr_content_reader *reader);
void emr_content_reader_free(emr_content_reader *reader);
const emr_content *emr_content_reader_content(const emr_content_reader *reader);
/* *out_got = min(len, n - offset), 0 at or after the end.  All of them come out of blocks that were
 * read whole, hashed and opened in this process's own memory, or the call fails (EMR_DAMAGED,
 * EMR_MISSING_DATA, EMR_IO) and BUFFER holds only such bytes or what it held before.  A block that
 * was read a moment ago may be taken from memory, as it was then. */
emr_status emr_content_reader_read(
	emr_content_reader *reader, uint64_t offset, void *buffer, size_t len, size_t *out_got);
/* The first leaf of the file that is stored, from number *LEAF on, and those that follow it with no
 * hole between: at most MAX, and EMR_UNIXFS_RUN_MAX, in *OUT.  *LEAF is then the one behind them,
 * and OUT->count 0 behind the last.  Reads none.  EMR_MISSING_DATA, EMR_DAMAGED: the name of the
 * next one is not here; those before it are in OUT all the same. */
emr_status emr_content_reader_run(
	emr_content_reader *reader, uint64_t *leaf, size_t max, emr_unixfs_run *out);
/* As lseek(2) with SEEK_DATA or SEEK_HOLE, in steps of leaves: where bytes that are stored begin at
 * or after OFFSET, or bytes that nobody ever wrote; the file's end is a hole.  EMR_NOT_FOUND: no
 * such place before the end, or OFFSET is not before it. */
emr_status emr_content_reader_seek(
	emr_content_reader *reader, uint64_t offset, bool wants_hole, uint64_t *out_offset);
/* True when every leaf and inner block is in the store; names the first missing one otherwise (may
 * be NULL). */
emr_status emr_content_reader_present(
	emr_content_reader *reader, bool *out_present, emr_cid *out_missing);
/* Reads and hashes everything that the store has now: CIDs of every block, tags, the zeros of the
 * padding, the plaintext root.  EMR_DAMAGED, EMR_MISSING_DATA; EMR_BAD_SIGNATURE: every block is
 * what it was when the content was sealed, and the root is of other bytes. */
emr_status emr_content_reader_verify(emr_content_reader *reader);

/* ---- Bundle: directory of exactly "c" and "m" ---- */

typedef struct emr_bundle_facts {
	emr_id16 record_id;
	uint64_t cver;
	int64_t mtime_ns;
	emr_bytes mime;		  /* 0..255 bytes */
	emr_bytes doc;		  /* 0..255 bytes */
	const uint8_t *statement; /* EMR_STATEMENT_BYTES, with SIG; NULL for none */
	const uint8_t *sig;	  /* 64 bytes */
} emr_bundle_facts;

/* Under a hold: what a bundle is to be built over stays, too, though its file has other bytes by
 * then. EMR_NO_MEMORY. */
emr_status emr_record_hold_content(emr_record_ctx *ctx, const emr_content *content);
/* Appends m and the directory (two blocks, not flushed) and names the directory.  Deterministic but
 * for the nonce. */
emr_status emr_bundle_build(emr_record_ctx *ctx, const emr_content *content,
	const emr_content_key *key, const emr_bundle_facts *facts, emr_cid *out_root);

typedef struct emr_bundle {
	emr_content content; /* has_dek false */
	int64_t mtime_ns;
	uint8_t mime_len, doc_len;
	char mime[256]; /* NUL-terminated, but may hold any bytes */
	char doc[256];
	bool has_statement;
	emr_statement statement; /* consistent with manifest and record: see emr_statement_check for
				    the rest */
	uint8_t statement_bytes[EMR_STATEMENT_BYTES];
	uint8_t sig[64];
} emr_bundle;

/* Fetches directory and m from the store, and verifies in this order: limits, commitment, manifest
 * under record id and cver, L' and tree shape.  (The last chunk is emr_content_reader_open's,
 * statement and signature emr_statement_check's.)  EMR_DAMAGED, EMR_MISSING_DATA, EMR_NEWER_FORMAT,
 * EMR_UNSUPPORTED. */
emr_status emr_bundle_open(emr_record_ctx *ctx, const emr_cid *root, const emr_content_key *key,
	emr_id16 record_id, uint64_t cver, emr_bundle *out_bundle);

/* ---- Statements ---- */

typedef struct emr_statement_facts {
	uint8_t kind;		   /* emr_statement_kind */
	const uint8_t *patient_pk; /* 32 bytes: Ed25519 identity key of the patient */
	uint8_t r_pid[32];
	emr_id16 record_id;
	uint64_t cver;
	uint8_t prev[32];
	emr_bytes mime, doc;
	uint64_t issued_at_unix_s;
	uint64_t issuer_seq;
	uint8_t cert_ref[32]; /* zeros for a patient's own */
} emr_statement_facts;

/* The statement about CONTENT signed with an Ed25519 key of the keyring (alg 1): the owner's domain
 * key for the owner's files, or an identity key.  EMR_INVALID for another kind of signer.
 * *out_bytes and *out_sig go into emr_bundle_facts. */
emr_status emr_statement_make(const emr_keyring *keyring, emr_signer issuer,
	const emr_content *content, const emr_statement_facts *facts,
	uint8_t out_bytes[EMR_STATEMENT_BYTES], uint8_t out_sig[64]);

/* Facts that the reader of a version knows from elsewhere. */
typedef struct emr_statement_expect {
	const uint8_t *patient_pk; /* 32 bytes, from the card or the certificate; NULL = not checked
				      here */
	const uint8_t *r_pid;	   /* 32 bytes, from the metadata; NULL = not checked here */
	emr_id16 record_id;
	uint64_t cver;
	bool reencrypted;     /* flag REENC of the item */
	emr_bytes issuer_key; /* alg 1: 32-byte Ed25519 key; alg 2: DER SubjectPublicKeyInfo of a
				 P-256 key */
} emr_statement_expect;

typedef enum emr_statement_verdict {
	EMR_STATEMENT_VALID =
		0, /* signature good, and content and com are those that were signed */
	EMR_STATEMENT_VALID_AFTER_HASH, /* good, but re-encrypted: emr_content_reader_verify must
					   agree once */
	EMR_STATEMENT_NONE,
	EMR_STATEMENT_WRONG_LENGTH, /* manifest.n is not the signed n */
	EMR_STATEMENT_WRONG_ROOT,
	EMR_STATEMENT_WRONG_TYPE,
	EMR_STATEMENT_WRONG_RECORD,
	EMR_STATEMENT_WRONG_PATIENT,
	EMR_STATEMENT_WRONG_VERSION, /* same content, other cver; or re-encrypted and not older */
	EMR_STATEMENT_WRONG_CONTENT, /* content or com differ and the item does not say re-encrypted
				      */
	EMR_STATEMENT_WRONG_ISSUER,  /* issuer_id is not the hash of issuer_key */
	EMR_STATEMENT_WRONG_SIGNATURE,
	EMR_STATEMENT_VERDICTS
} emr_statement_verdict;

/* The first thing that does not fit, in the order above; compares what the manifest says with what
 * was signed.  Whether the issuer's key was in force is the caller's to decide (it needs the
 * ledger). */
emr_statement_verdict emr_statement_check(
	const emr_bundle *bundle, const emr_statement_expect *expect);
