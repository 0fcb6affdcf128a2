/* This header declares the inside of a working copy: leaves in buckets, each an overlay of extents
 * over a sealed leaf or the base. Private to the module. Unless said otherwise functions want the
 * gate held for writing. */
#pragma once

#include "ctx.h"
#include "gate.h"
#include "leaf.h"
#include "record/staging.h"

/* Bytes of a leaf that were written: in memory, or in a record of the spill. */
typedef struct extent {
	uint32_t from; /* within the leaf */
	uint32_t len;
	uint8_t *bytes; /* memory, CAP bytes; NULL = spilled */
	uint32_t cap;
	uint32_t skip;	     /* spilled: first byte within the record's payload */
	uint32_t record_len; /* spilled: bytes of that payload */
	uint64_t record_at;  /* spilled: place in the file */
	uint64_t record_seq;
} extent;

/* One content key and what was sealed with it. */
typedef struct key_life {
	struct key_life *next;
	emr_content_key *key;
	emr_chunk_cipher *cipher;
	uint8_t suite;
	uint8_t salt[24], com[32], hk[32];
	bool ended;	 /* seals nothing any more */
	bool is_content; /* was frozen: its leaves are needed when the working copy has ended */
	uint64_t leaves; /* buckets that lie on a leaf of it */
} key_life;

typedef struct bucket {
	uint64_t leaf;
	extent *extents; /* sorted, disjoint */
	uint32_t count, cap;
	uint32_t under_len; /* bytes that show of the sealed leaf below */
	key_life *under;    /* NULL = the base is below */
	uint8_t under_digest[32];
	uint8_t under_segment[32];
	bool under_is_zeros;
	bool used;		      /* something was written to this leaf: it is no hole */
	bool sealing;		      /* a worker reads the extents: they must not change */
	bool under_unlogged;	      /* the spill does not know the leaf below yet */
	uint64_t spilled_bytes;	      /* file room of spilled extents, roughly */
	struct bucket *newer, *older; /* list of those with memory or something unlogged */
	bool listed;
} bucket;

#define PAGE_LEAVES 16 /* a power of two; small, for most files have one leaf */
typedef struct bucket_page {
	bucket buckets[PAGE_LEAVES];
} bucket_page;

typedef struct spill_file {
	emr_reserve *reserve; /* borrowed: while it is out nothing is added; may be NULL */
	int fd;		      /* -1 = none */
	emr_local_key *key;
	emr_id32 key_id;
	uint64_t end; /* next record goes here */
	uint64_t next_seq;
	uint64_t mark;	   /* number of the last MARK in it */
	bool broken;	   /* a flush failed: what the disk holds is in doubt */
	bool dir_unsynced; /* its name may not survive a power cut */
} spill_file;

struct emr_staging {
	emr_record_ctx *ctx;
	emr_id16 id;
	struct emr_staging *next, *previous; /* ctx->stagings, under its lock */
	unsigned visitors;		     /* under the same lock: balance is at work here */

	gate gate; /* everything below, but for the atomics */
	uint64_t size;
	int64_t mtime_ns;
	emr_content_reader *base; /* owned share */
	uint64_t base_limit;	  /* bytes of the base that show */
	bool base_is_own;	  /* frozen here: the spill carries its key */
	bucket_page **pages;
	size_t page_count;
	bucket *oldest, *newest;      /* listed buckets */
	_Atomic uint64_t used_leaves; /* buckets with USED */
	_Atomic uint64_t base_stored; /* see staging_note_base */
	_Atomic uint64_t memory;
	_Atomic uint64_t dirty_seq;

	key_life *life;	    /* present key; NULL = none drawn yet */
	key_life *lives;    /* all, the present one too */
	uint64_t seal_next; /* leaves below were given to a worker under the present key */
	unsigned jobs;	    /* leaves at the workers */
	bool seal_early;    /* false after a write below the sealed end */
	bool freezing;

	spill_file spill;
	uint64_t spilled_bytes; /* file room that is still needed, roughly */
	/* Blocks that the spill on the disk names and the working copy needs no more: a crash may
	 * bring them back, until a later mark is on the disk.  Of emr_cid; there is always room for
	 * all that it lies on. */
	emr_buf retired;
	uint64_t retired_dropped; /* bytes that left the front of it so far */
	uint64_t retired_marked;  /* with those: what the last mark does not name */
	uint64_t retired_kept;	  /* so many in it are content's */
	uint64_t lies_on;	  /* buckets over a sealed leaf */
	uint64_t cut_unlogged;	  /* smallest size since the last record; UINT64_MAX = none */
	bool base_unlogged;
	uint64_t marks;	     /* numbers given to marks so far */
	uint64_t marked_seq; /* dirty_seq of the last mark */
	bool has_mark;
	uint64_t refs_logged, refs_asked,
		refs_flushed; /* records that speak of blocks of the store */
};

/* ---- retired.c ---- */

/* The spill names CID, and nothing else does from now on; room was made when it was laid on. */
void staging_retire(emr_staging *st, const emr_cid *cid);
/* The first N retired blocks are named by no spill any more: only now they are of no use. */
void staging_forget_retired(emr_staging *st, size_t n);
/* Makes that room.  EMR_NO_MEMORY. */
emr_status staging_may_lie_on_one_more(emr_staging *st);

/* ---- bucket.c ---- */

bucket *staging_bucket(const emr_staging *st, uint64_t leaf); /* NULL when nothing is there */
emr_status staging_bucket_make(emr_staging *st, uint64_t leaf, bucket **out);
/* The first leaf at or after LEAF whose bucket is used; STAGING_NO_LEAF when none is.  Gate held in
 * either way. */
#define STAGING_NO_LEAF UINT64_MAX
uint64_t staging_next_used(const emr_staging *st, uint64_t leaf);
emr_status bucket_write(
	emr_staging *st, bucket *b, uint32_t from, const uint8_t *data, uint32_t len);
/* Puts a spilled extent over what is there. */
emr_status bucket_put_spilled(emr_staging *st, bucket *b, const extent *spilled);
/* Nothing at or after FROM shows any more, but for the base, which has its own limit. */
void bucket_cut(emr_staging *st, bucket *b, uint32_t from);
void bucket_clear(emr_staging *st, bucket *b);
/* The bucket now lies on a sealed leaf, without extents. */
void bucket_settle(
	emr_staging *st, bucket *b, key_life *life, const record_sealed_leaf *leaf, uint32_t len);
/* Room for EXTRA more extents. */
emr_status bucket_reserve(bucket *b, uint32_t extra);
/* Extent I is in the spill now, as these pieces; its memory goes.  Room for COUNT - 1 more was
 * reserved. */
void bucket_replace(emr_staging *st, bucket *b, uint32_t i, const extent *pieces, uint32_t count);
bool bucket_is_covered(const bucket *b, uint32_t len); /* by extents alone */
void bucket_list(emr_staging *st, bucket *b);
void bucket_unlist_if_clean(emr_staging *st, bucket *b);

/* ---- staging_read.c, holes.c, staging.c ---- */

/* Plaintext of [from, from + len) of a leaf; gate held in either way, or the bucket sealing. */
emr_status staging_read_leaf(
	emr_staging *st, uint64_t leaf, uint32_t from, uint32_t len, uint8_t *out);
/* The first leaf at or after LEAF, below END, in which something shows that was written, or with
 * WANTS_HOLE nothing does; END when there is none.  Gate held in either way. */
emr_status staging_next(
	emr_staging *st, uint64_t leaf, uint64_t end, bool wants_hole, uint64_t *out_leaf);
/* Base or base_limit changed. */
void staging_note_base(emr_staging *st);
emr_status staging_alloc(emr_record_ctx *ctx, emr_id16 id, emr_staging **out);
void staging_clear(emr_staging *st); /* all buckets */
static inline void staging_wait_jobs(emr_staging *st)
{
	while (st->jobs > 0)
		gate_wait(&st->gate);
}
void staging_cut(emr_staging *st, uint64_t size); /* nothing at or beyond SIZE shows any more */

/* ---- seal.c ---- */

emr_status life_new(emr_staging *st, key_life **out);
void life_drop_unused(
	emr_staging *st); /* frees ended ones without leaves; no worker and no freeze is running */
void staging_end_life(emr_staging *st); /* the present key seals nothing any more */
/* Gives complete leaves well behind the frontier to the workers. */
void staging_seal_early(emr_staging *st);

/* ---- spill.c ---- */

/* Keeps all stagings together within the limit; no gate held. */
void record_balance(emr_record_ctx *ctx);
