/* This is the block store on the local disk. It keeps blocks in append-only CAR segments, and an
 * index that can always be made again from them. It refuses to rewrite or lose a synced byte:
 * damaged places are copied to quarantine/ first and said.
 *
 * A directory holds seg-<writer>-<number>.car, quarantine/, and, unless they are in places of this
 * computer's own, index.sqlite, writer-<writer>.lock, format.  One process writes the segments of
 * one writer id; any number of processes read all of them.  Everything is thread-safe. */
#pragma once

#include "store/block_store.h"
#include "store/reserve.h"

typedef struct emr_store emr_store;

typedef struct emr_store_options {
	const char *path;	 /* the directory; made (0700) with its parents unless read_only */
	emr_id16 writer;	 /* whose segments this process appends to, e.g. the device id */
	bool read_only;		 /* no lock, no repair, no append: EMR_READ_ONLY; one's own
				    segments are read like another's, which may grow */
	uint64_t segment_bytes;	 /* roll over at this size; 0 = 256 MiB; at least 4 KiB */
	uint32_t index_delay_ms; /* pending index rows are written after this time; 0 = 1000 */
	emr_reserve *reserve;	 /* borrowed; NULL: none */
	/* Where others write in PATH, too: a directory of this computer's own for the index, made
	 * (0700), which then has everybody's closed segments and pins.  NULL: it is in PATH, and
	 * one for all. */
	const char *index_path;
	/* There, too: a file outside of PATH in which each writer of this account has a byte
	 * locked while it writes, made (0600).  NULL, or where that cannot be: the lock is a file
	 * in PATH, and a program that may open that can hold it. */
	const char *lock_path;
	const char *tags_path; /* a directory of this computer's own, made (0700); and the key,
				  borrowed: NULL for both, every block is hashed whole */
	emr_unit_key *unit_key;
	bool states_pins;   /* the caller states its pins wherever they are incomplete, which they
			       are, too, in an index older than a segment that went */
	bool no_background; /* tests: no thread; index rows are written at close and by
			       emr_store_index_now */
} emr_store_options;

/* EMR_BUSY: another process writes for this writer id; EMR_NEWER_FORMAT; EMR_NOT_FOUND (read only,
 * no store there); EMR_IO; EMR_NO_MEMORY.  Scans what the index has not seen yet; a missing, old or
 * damaged index is made again. A torn end of an own segment is cut, its bytes moved to quarantine/.
 * On a disk that takes nothing (base/disk.h) it opens for reading whatever is asked, and no byte is
 * written: what would be mended is passed over, an index that does not serve is made in memory, and
 * appending gives EMR_READ_ONLY. */
emr_status emr_store_open(const emr_store_options *options, emr_store **out_store);
/* Flushes, writes the index, cuts the spare room behind the last section.  NULL is fine. */
void emr_store_close(emr_store *store);

/* The open directory (owned by the store) for small files that belong to the segments: where they
 * are, or beside an index of one's own, and then -1 where a store that is only read finds none.
 * And whose segments. */
int emr_store_directory(const emr_store *store);
emr_id16 emr_store_writer(const emr_store *store);
emr_reserve *emr_store_reserve(const emr_store *store); /* NULL: there is none */

/* The content of the file `format`: constant, and written again where it is missing. Of another
 * text: EMR_NEWER_FORMAT or EMR_DAMAGED. */
emr_bytes emr_store_format(void);
emr_status emr_store_format_check(emr_bytes text);

/* The same store behind the common face.  Lives as long as the store; its `close` closes the store.
 */
emr_block_store *emr_store_blocks(emr_store *store);

/* ---- Appending ---- */

/* Where a block's bytes stand.  Good until a reclaim moves them. */
typedef struct emr_store_position {
	uint32_t segment; /* a number of this process; emr_store_segment_name tells more */
	uint32_t len;	  /* of the block */
	uint64_t offset;  /* of the block's first byte */
} emr_store_position;

typedef struct emr_pin_change {
	emr_pin pin;
	bool unpin;
} emr_pin_change;

/* One append, which is written in this order: blocks, pin changes, tail blocks. */
typedef struct emr_store_group {
	const emr_block *blocks;
	size_t block_count;
	const emr_pin_change *pins;
	size_t pin_count;
	bool is_needed; /* what makes room: goes on with the room that was put aside for a full disk
			 */
	const emr_block
		*tail; /* e.g. the journal's frame, which must come after what it speaks of */
	size_t tail_count;
} emr_store_group;

#define EMR_STORE_GROUP_BLOCKS_MAX 1024
#define EMR_STORE_GROUP_PINS_MAX 8192

/* A group without blocks (pins, frames) or one that is_needed uses the reserve when the disk or
 * a quota is full; while the reserve is out any other gets EMR_NO_SPACE. One pwritev.  Returns when
 * the operating system has the bytes: they survive kill -9, not a power cut.  All or nothing: after
 * EMR_NO_SPACE, EMR_QUOTA or EMR_IO nothing was appended and the store goes on.  EMR_LIMIT: more
 * than the maxima above, or a block over 2 MiB.  The CIDs are believed.  out_positions:
 * block_count, or NULL. */
emr_status emr_store_append_group(
	emr_store *store, const emr_store_group *group, emr_store_position *out_positions);
emr_status emr_store_append(
	emr_store *store, const emr_block *blocks, size_t count, emr_store_position *out_positions);

/* Everything appended before the call is on disk: one fdatasync, shared by concurrent callers. When
 * the disk refuses (EMR_IO) what was not synced is in doubt: the store stops appending (EMR_IO)
 * until it is opened again. */
emr_status emr_store_flush(emr_store *store);
/* The disk refused a flush: nothing is appended until the store is opened again. */
bool emr_store_refuses(const emr_store *store);

/* ---- Reading (see block_store.h for the contracts) ---- */

emr_status emr_store_get_verified(emr_store *store, const emr_cid *cid, emr_buf *out);
emr_status emr_store_get_units(emr_store *store, const emr_cid *cid, emr_units units, uint8_t *out);
void emr_store_note_units(
	emr_store *store, const emr_cid *cid, emr_units units, const uint8_t *bytes);
emr_status emr_store_size(emr_store *store, const emr_cid *cid, uint64_t *out_bytes);
/* The same as the index has it, without a look at the block: its segment is there and long enough.
 * For a caller that counts many, or reads and hashes it later. */
emr_status emr_store_size_known(emr_store *store, const emr_cid *cid, uint64_t *out_bytes);
emr_status emr_store_locate(emr_store *store, const emr_cid *cid, emr_store_position *out_position);
emr_status emr_store_stats_get(emr_store *store, emr_store_stats *out_stats);
/* "seg-<writer>-<number>.car" for messages; OUT holds EMR_SEGMENT_NAME_MAX bytes. */
#define EMR_SEGMENT_NAME_MAX 64
void emr_store_segment_name(emr_store *store, uint32_t segment, char *out);

/* ---- Pins ---- */

emr_status emr_store_pin(emr_store *store, const emr_pin_change *changes, size_t count);
/* This writer's.  Others' pins protect, too, as far as the index knows them, but they are not
 * shown. */
emr_status emr_store_each_pin(emr_store *store, emr_pin_visit visit, void *context);
/* Those of other writers, as far as the index knows them. */
emr_status emr_store_each_foreign_pin(emr_store *store, emr_pin_visit visit, void *context);
/* Those in the state EMR_PIN_SENT. Costs what these cost, however many others there are. */
emr_status emr_store_each_sent_pin(emr_store *store, emr_pin_visit visit, void *context);
/* True, too, where that is not known. */
bool emr_store_has_pins(emr_store *store);
/* The same as emr_store_each_pin for a caller that lets go what is not among them: EMR_BUSY, and
 * none visited, while they are incomplete. */
emr_status emr_store_each_pin_of_all(emr_store *store, emr_pin_visit visit, void *context);
/* All that must be there, appended to OUT as emr_pin: each root of this writer's pins once, sorted,
 * in the highest of its states, with one of its owners.  Backup, restore, verification, copies and
 * status read this list and keep no other; whatever decides that a root must be there, or need not
 * be any more, pins or unpins it in the transaction that says so.  IS_SURE: EMR_BUSY, and OUT as it
 * was, while the pins are incomplete. */
emr_status emr_store_needed(emr_store *store, bool is_sure, emr_buf *out);
/* True after an index was made again: pins found again in the segments protect, but nothing is
 * reclaimed until this writer has called emr_store_pins_complete. */
bool emr_store_pins_incomplete(emr_store *store);
/* This writer has pinned again all that it wants kept (KEEP, COUNT): its other pins end. */
emr_status emr_store_pins_complete(emr_store *store, const emr_pin *keep, size_t count);

/* ---- Space ---- */

/* Bytes appended since the store was opened, by all; and bytes of this writer's segments. */
uint64_t emr_store_appended(emr_store *store);
uint64_t emr_store_disk_bytes(emr_store *store);

/* Further live roots: VISIT is to be called for each by EACH.  dag-pb roots are walked, raw ones
 * taken as they are.  Whatever was put and has no pin is dead unless it is among them; only what is
 * put while the reclaim runs need not be. */
typedef emr_status (*emr_cid_visit)(void *context, const emr_cid *cid);
typedef emr_status (*emr_store_roots)(void *context, emr_cid_visit visit, void *visit_context);

typedef struct emr_reclaim_options {
	uint8_t max_live_percent; /* closed segments with at most this share of live bytes; 0 = 60
				   */
	/* Go on when a node below a pin is not there; else EMR_MISSING_DATA.  Blocks that no root
	 * leads to may then be below that node and stay, but for what a forsaken pin leads to. */
	bool allow_missing;
	/* Where nodes are read that may not be in the store: what lies below one that is here only
	 * lives.  NULL: the store itself. */
	emr_block_store *nodes;
	emr_store_roots extra_roots; /* may be NULL */
	void *roots_context;
	/* Nothing dead may stay: every closed segment that holds a dead block or frame is written
	 * again, however much of it lives, and the one being written is closed first. */
	bool scrub;
	/* Segments from this number on stay, as emr_store_log_end says it: a caller that has put
	 * blocks there may pin them later; 0: each closed one is looked at. */
	uint64_t before;
	uint64_t close_from; /* emr_journal_reclaim closes the segment being written when it has so
				many bytes; 0: only for a scrub */
	/* Pins of these owners count for nothing.  May be NULL; called under no lock. */
	bool (*is_forsaken)(void *context, emr_id16 owner);
	void *forsaken_context;
	/* Live bytes that are copied at once, before what they were copied from is removed: about
	 * this many and a sixteenth of all live ones; 0 = no limit.  A segment that alone has more
	 * is copied at once all the same. */
	uint64_t batch_bytes;
	/* How many bytes may be copied, asked with ROOTS_CONTEXT before any and as they are: a
	 * segment that has more stays, and a scrub puts zeros in the place of what is dead in it,
	 * which needs no room.  May be NULL: no limit. */
	uint64_t (*copy_room)(const void *context);
	/* Asked with ROOTS_CONTEXT between two blocks, under no lock of the store but
	 * reclaim_lock: for how many ns the reclaim should rest, because others want the processor
	 * and the disk.  It does not rest while another reclaim waits for it.  May be NULL. */
	int64_t (*rest_ns)(void *context);
	/* Set, atomically: it ends with EMR_INTERRUPTED before anything more is removed.  May be
	 * NULL. */
	const bool *stop;
} emr_reclaim_options;

typedef struct emr_reclaim_report {
	uint64_t segments_removed;
	uint64_t bytes_freed;
	uint64_t blocks_moved;
	uint64_t missing_nodes;
	emr_cid first_missing;
	uint64_t segments_skipped; /* a live block in them did not verify, or they hold live frames
				    */
	uint64_t segments_left;	   /* wanted, but over copy_room */
	uint64_t bytes_left;	   /* the least that copy_room must be for the next of them */
	uint64_t live_bytes;	   /* of this writer's blocks, also where nothing was done */
	uint64_t bytes_copied;
	uint64_t bytes_spared;	/* that no root leads to, and that may be below a missing node */
	uint64_t bytes_blanked; /* in the place of which there are zeros now */
} emr_reclaim_report;

/* Copies live blocks out of mostly dead, closed segments of this writer, flushes, switches the
 * index, unlinks. Readers and writers go on meanwhile; a second reclaim waits.  EMR_BUSY: pins are
 * incomplete (above). EMR_MISSING_DATA, EMR_DAMAGED: a node under a pin could not be walked;
 * nothing was removed. */
emr_status emr_store_reclaim(
	emr_store *store, const emr_reclaim_options *options, emr_reclaim_report *out_report);
/* Closes the segment being written, unless it is empty, so that a reclaim may take it. */
emr_status emr_store_close_segment(emr_store *store);

/* ---- Checking ---- */

typedef struct emr_store_damage {
	const char *segment; /* file name */
	uint64_t offset;
	uint64_t len;
	bool torn; /* the unsynced end of a segment; else bytes that were good once */
} emr_store_damage;
typedef void (*emr_store_damage_visit)(void *context, const emr_store_damage *damage);
/* The receiver of what is found. */
typedef struct emr_store_damage_to {
	emr_store_damage_visit visit;
	void *context;
} emr_store_damage_to;

/* Reads every section of this writer's segments, checks hashes, and compares with the index.
 * Nothing is written. EMR_DAMAGED when there was damage; TO may be NULL. */
emr_status emr_store_check(emr_store *store, const emr_store_damage_to *to);
/* The same, and mends: damaged places go to quarantine/ and are filled so that the segment stays a
 * CAR, erasures that were cut short are ended, and an index that lies (which is no damage) is made
 * again. EMR_DAMAGED when there was damage. A store that is open for reading is only checked. */
emr_status emr_store_mend(emr_store *store, const emr_store_damage_to *to);

/* Writes all pending index rows now. */
emr_status emr_store_index_now(emr_store *store);

/* ---- Frames: blocks of the journal, found again by their place ---- */

/* A place in this writer's own log, ordered by (number, offset). */
typedef struct emr_log_place {
	uint64_t number; /* of the segment, from 1 */
	uint64_t offset; /* of a section */
} emr_log_place;

/* Where the next append of this process will land, or later. */
emr_log_place emr_store_log_end(emr_store *store);

typedef struct emr_log_section {
	emr_log_place place;
	uint64_t len; /* of the whole section */
	emr_cid cid;
	emr_bytes head; /* the first bytes of the block, at most the number asked for */
	bool damaged;	/* no section could be read here: cid and head are empty */
} emr_log_section;
typedef emr_status (*emr_log_visit)(void *context, const emr_log_section *section);

/* Own sections from FROM (zero: from the beginning) in order, with up to HEAD_BYTES (<= 256) of
 * each raw block whose first bytes are MAGIC (4 bytes).  Blocks are not hashed.  When FROM's
 * segment is gone the next one is the start. */
emr_status emr_store_each_frame(emr_store *store, emr_log_place from, const char magic[4],
	size_t head_bytes, emr_log_visit visit, void *context);
/* Hashes all own sections from FROM on: EMR_DAMAGED and the place of the first one that is not what
 * it was. */
emr_status emr_store_verify_from(emr_store *store, emr_log_place from, emr_log_place *out_damaged);
/* The whole block at PLACE, checked against CID. */
emr_status emr_store_read_frame(
	emr_store *store, emr_log_place place, const emr_cid *cid, emr_buf *out);
/* Frames of this writer before FLOOR are dead.  Segments with live ones are not reclaimed; before
 * the first call every frame is live. */
void emr_store_frames_live_from(emr_store *store, emr_log_place floor);

/* ---- What is below a block ---- */

/* Visits CID and everything below it once, depth first, nodes hash-checked.  Strict dag-pb; depth
 * at most 16. */
emr_status emr_store_walk(emr_block_store *store, const emr_cid *root, emr_cid_visit visit,
	void *context, emr_cid *out_missing);
/* The same, and passes over what lies below a node that is missing or cannot be read. */
emr_status emr_store_walk_here(
	emr_block_store *store, const emr_cid *root, emr_cid_visit visit, void *context);
