/* This header declares the inside of the CAR store for its .c files. Nothing outside fs/store
 * includes it.
 *
 * Locks, outermost first; never take one while holding one to the right of it:
 *   reclaim_lock > index_lock > append_lock > index_swap > the two locks in the index > map_lock >
 * sync_lock.  file_sync_lock (taken with index_lock or append_lock held, or none) and the
 * reserve's are innermost.  A field that names no lock is set before the store is handed out.  A
 * field with two locks is changed under both and read under either. */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "base/worker.h"
#include "index.h"
#include "store/car.h"
#include "store/car_store.h"

#define EMR_SEGMENT_BYTES_DEFAULT ((uint64_t)256 << 20)
#define EMR_SEGMENT_PREFIX_BYTES 96 /* header of 59 bytes, then the empty raw block, 37 */
#define EMR_WINDOW_BYTES                                                                           \
	((uint64_t)1 << 20) /* zeros written ahead, so that fdatasync commits no metadata */
#define EMR_WINDOW_PIECE ((uint64_t)128 << 10) /* of them at a time: appends wait for one */
#define EMR_WINDOW_LOW ((uint64_t)256 << 10)
#define EMR_OPEN_FILES_MAX 256
#define EMR_CACHE_SLOTS 4096
#define EMR_SEGMENT_FILE_MAX ((uint64_t)4 << 30)
#define EMR_PENDING_ROWS_MAX 16384 /* more wake the indexer at once */

/* Whether a segment has a file of tags (tags.c). */
typedef enum emr_tags_state {
	EMR_TAGS_UNSEEN,
	EMR_TAGS_NONE,	  /* until something is kept */
	EMR_TAGS_REFUSED, /* what stands there is none of ours, or it cannot be opened */
} emr_tags_state;

typedef struct emr_segment {
	/* set under map_lock before anybody is given the segment */
	uint32_t handle; /* slot in store->segments + 1 */
	emr_id16 writer;
	uint64_t number;
	/* protected by map_lock; fd and own stay as they are while somebody uses the file, as
	 * `current` always is */
	bool own;	/* of this store's writer, and this process may write, or nobody can */
	int fd;		/* -1: not open */
	unsigned users; /* of fd and tags_fd */
	int tags_fd;	/* -1: not open */
	emr_tags_state tags;
	bool gone;	   /* unlinked */
	bool condemned;	   /* by us: never comes back */
	bool is_kept;	   /* another's, and its rows are for this computer's own index */
	bool odd;	   /* no regular file, and that was logged */
	int64_t index_id;  /* 0: the index has no row for it; index_lock and map_lock */
	uint64_t file;	   /* its number in the file system at that listing; 0: not listed */
	uint64_t listed;   /* the last listing of the directory that had it */
	uint64_t known_to; /* all sections below are in the index or in a map; changed under
			      index_lock or append_lock, too */
	/* own segments; protected by append_lock */
	uint64_t end; /* of the last section */
} emr_segment;

typedef struct emr_cache_slot {
	uint8_t digest[EMR_DIGEST_PREFIX];
	emr_store_position at; /* at.segment 0 = empty */
} emr_cache_slot;

typedef struct emr_damage_row {
	char segment[EMR_SEGMENT_NAME_MAX];
	emr_store_damage damage;
} emr_damage_row;

/* The pins that another writer has stated. */
typedef struct emr_foreign_pin {
	emr_id16 writer;
	emr_pin_change change;
} emr_foreign_pin;

struct emr_store {
	emr_block_store face; /* first: the vtable's object */
	char *path;
	char *index_dir; /* where the index is: PATH, or nobody else's */
	bool has_own_index;
	bool has_looked_again; /* since another's file went (map_lock), or at all (index_lock) */
	int dirfd;
	int own_dirfd; /* of index_dir, when it is not PATH; -1: it is not there */
	int lockfd;
	emr_id16 writer;
	bool read_only;
	bool is_still; /* the disk takes nothing here, and read_only is true, too; others may have
			  it mounted otherwise, and write */
	bool no_background;
	bool states_pins;
	emr_reserve *reserve;	/* borrowed, may be NULL */
	emr_unit_key *unit_key; /* borrowed */
	int tags_dirfd;		/* -1: no tags are kept */
	uint64_t segment_bytes;
	uint32_t index_delay_ms;

	pthread_mutex_t reclaim_lock; /* one reclaim at a time; `reclaiming` below */
	int reclaim_waiters;	      /* for it; atomic */

	pthread_mutex_t index_lock; /* one index batch at a time; opening and replacing `index` */
	struct {
		bool was_rebuilt; /* one that lied was, once in this process */
		bool is_in_maps;  /* `index` is NULL, and the maps have all that it would say */
		atomic_bool was_audited;
	} indexed;
	emr_buf foreign_pins; /* of emr_foreign_pin, not in this computer's own index yet, in order
			       */

	pthread_mutex_t append_lock; /* down to new_roots */
	pthread_cond_t window_done;  /* with append_lock */
	emr_segment *current; /* append_lock and sync_lock; NULL while opening and in a store that
				 is only read */
	uint64_t allocated; /* the current file is written up to here, zeros behind current->end */
	uint64_t zeroing_from;	   /* what is still to be written of the window; 0 = nothing */
	atomic_bool is_window_low; /* as of the last append: the next flush asks for another */
	uint64_t marked;	   /* synced offset that the last store frame in `current` told */
	_Atomic bool failed; /* a flush failed or an undo did: no appends until opened again */
	_Atomic uint64_t
		lost_number; /* the highest own segment that the index knew and that was gone */
	emr_log_place frames_floor;
	emr_pin_change *pins; /* not in the index yet, in order */
	size_t pin_count, pin_capacity;
	bool reclaiming;   /* then new pins are noted here, too */
	emr_buf new_roots; /* of emr_cid */

	pthread_rwlock_t index_swap; /* read: using `index`; write: replacing it */
	emr_index *index; /* index_lock and index_swap; NULL when it could not be opened */

	pthread_mutex_t map_lock; /* down to has_bad_frame */
	emr_segment **segments;
	size_t segment_count, segment_capacity;
	uint64_t listings; /* of the directory */
	uint64_t vanished; /* how often a segment of another was found to be gone (map_lock) */
	uint64_t making;   /* number of this process's segment whose file is being made; 0 = none */
	bool has_odd_names; /* it holds names like ours that are none; that was logged */
	size_t open_files;
	emr_pending pending;  /* for the index: own, and kept ones */
	emr_pending flushing; /* of them, being written to the index */
	emr_pending foreign;  /* tails of other writers; never written to the index */
	emr_cache_slot *cache;
	emr_damage_row *damages;
	size_t damage_count;
	bool has_bad_frame; /* of this writer, seen since open: pins in it are not known */

	pthread_mutex_t file_sync_lock; /* one flush of the current file at a time */
	pthread_mutex_t sync_lock;	/* down to current_base */
	pthread_cond_t synced;		/* with sync_lock */
	bool flushing_now;
	uint64_t written_total; /* bytes appended since open */
	uint64_t synced_total;
	uint64_t current_base; /* written_total + base = offset in `current`: offset = total - base
				  (mod 2^64) */

	emr_worker worker;
	atomic_bool want_window, want_index;
	struct timespec looked; /* the thread's: the directory as of its last listing */
};

/* ---- segment.c: files, names, descriptors ---- */

extern const uint8_t emr_segment_prefix[EMR_SEGMENT_PREFIX_BYTES];
void emr_segment_name_of(emr_id16 writer, uint64_t number, char out[EMR_SEGMENT_NAME_MAX]);
emr_segment *emr_segment_by_handle(emr_store *store, uint32_t handle); /* map_lock held */
emr_segment *emr_segment_by_index_id(emr_store *store, int64_t id);    /* map_lock held */
/* Opens the file when needed and counts a user; EMR_NOT_FOUND when it is gone. */
emr_status emr_segment_use(emr_store *store, emr_segment *segment, int *out_fd);
void emr_segment_unuse(emr_store *store, emr_segment *segment);
/* map_lock held, nobody uses it. */
void emr_segment_close_files(emr_store *store, emr_segment *segment);
/* map_lock held.  The last file of a writer may lose its end in a power cut, and get another: what
 * is in it is read again at each start. */
bool emr_segment_is_closed(const emr_store *store, const emr_segment *segment);
/* Lists seg-*.car in the directory into slots. */
emr_status emr_segment_list(emr_store *store);
/* A new own segment, empty but for the prefix, on disk.  EMR_EXISTS; EMR_LIMIT: no segment can have
 * that number. */
emr_status emr_segment_create(emr_store *store, uint64_t number, emr_segment **out_segment);

/* ---- append.c ---- */

void emr_store_set_current(
	emr_store *store, emr_segment *segment); /* append_lock held, or while opening */
emr_segment *emr_store_current(
	emr_store *store); /* for who may not take append_lock; takes sync_lock */

/* ---- store_frame.c: pins and the synced mark, written into the segments ---- */

#define EMR_STORE_FRAME_HEAD 48
#define EMR_STORE_FRAME_ROW 56

typedef struct emr_store_frame {
	emr_id16 writer;
	emr_log_place place;
	uint64_t synced;
	size_t count;
} emr_store_frame;

bool emr_store_frame_is(emr_bytes head);
emr_status emr_store_frame_write(
	emr_buf *out, const emr_store_frame *frame, const emr_pin_change *pins);
/* EMR_DAMAGED unless BLOCK is a frame that says it stands at PLACE of WRITER. */
emr_status emr_store_frame_read(
	emr_bytes block, emr_id16 writer, emr_log_place place, emr_store_frame *out_frame);
emr_status emr_store_frame_row(emr_bytes block, size_t row, emr_pin_change *out_change);

/* ---- scan.c: reading a segment as a CAR, past damage ---- */

typedef struct emr_scan_item {
	uint64_t offset;
	uint64_t len; /* of the section, or of the hole */
	bool hole;    /* bytes that are no section */
	emr_cid cid;
	size_t head_len;
	size_t data_len;
	emr_bytes head; /* first bytes of the block, up to 256; the whole block when hashed */
} emr_scan_item;
typedef emr_status (*emr_scan_visit)(void *context, const emr_scan_item *item);

/* From FROM to the end of FD's file.  HASHED: a section whose block has another hash is a hole,
 * too.  *out_end: where written data ends (only zeros follow). */
emr_status emr_scan(
	int fd, uint64_t from, bool hashed, emr_scan_visit visit, void *context, uint64_t *out_end);

/* ---- repair.c: what open and check do with what they find ---- */

/* Brings what stands behind segment->known_to into the maps; own segments are repaired (see scan
 * rules in DESIGN.md). DURABLE: everything below this offset was synced once.  index_lock held, no
 * append may run. */
emr_status emr_store_take_tail(
	emr_store *store, emr_segment *segment, bool hashed, uint64_t durable);
emr_status emr_store_note_damage(
	emr_store *store, const emr_segment *segment, uint64_t offset, uint64_t len, bool torn);
/* Copies the bytes to quarantine/ and puts empty sections in their place. */
emr_status emr_store_fill_hole(
	emr_store *store, emr_segment *segment, uint64_t offset, uint64_t len);

/* In two steps, so that a crash between them leaves what is found and done again: the bytes of a
 * block become zeros without room being needed (and give theirs back where the file system can);
 * then, with those synced, sections of zeros take the place of the section. */
emr_status emr_segment_blank_bytes(int fd, uint64_t from, uint64_t len);
emr_status emr_segment_blank_heads(int fd, uint64_t offset, uint64_t len);
/* CID is that of LEN zeros. */
bool emr_segment_is_blank(const emr_cid *cid, size_t len);

/* ---- reclaim.c ---- */

/* Takes reclaim_lock; a reclaim that rests for others goes on meanwhile. */
static inline void emr_store_reclaim_lock(emr_store *store)
{
	__atomic_add_fetch(&store->reclaim_waiters, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&store->reclaim_lock);
	__atomic_sub_fetch(&store->reclaim_waiters, 1, __ATOMIC_RELAXED);
}

/* ---- load.c: the index, and what it does not know yet ---- */

/* At open: lists, opens the index, reads all tails. */
emr_status emr_store_load(emr_store *store);

/* Whether it may: not who only reads what others write. */
bool emr_store_may_rebuild(const emr_store *store);
/* The index lied or was damaged: a new one from the segments (in memory, on a disk that takes
 * nothing).  reclaim_lock not needed; takes
 * index_lock. */
emr_status emr_store_rebuild(emr_store *store);
/* EMR_DAMAGED when rows of the index are not what was written.  One that is not there, or was lost,
 * says nothing wrong.  Takes index_lock. */
emr_status emr_store_audit(emr_store *store);
/* Notes in the index that it has all pins of this writer.  index_lock held. */
emr_status emr_store_pins_are_stated(emr_store *store);
/* Reads again what other processes did: new and vanished segments, grown tails, a replaced index.
 */
emr_status emr_store_refresh(emr_store *store);
/* A block that two writers have is in one's own index once, and goes with the file that it is in
 * there: all files of others are read again, once since one of them went.  *out_has: that was done.
 */
emr_status emr_store_look_again(emr_store *store, bool *out_has);
emr_status emr_store_add_pins(
	emr_store *store, const emr_pin_change *pins, size_t count); /* append_lock held */

/* ---- find.c ---- */

/* EMR_NOT_FOUND; EMR_DAMAGED: the index; EMR_INTERRUPTED: it stands in a segment that we have not
 * listed yet. */
emr_status emr_store_find(emr_store *store, const uint8_t *digest, emr_store_position *out_at);
/* The same for who has another way when it is wrong: asks the memory of places first. */
emr_status emr_store_find_quickly(
	emr_store *store, const uint8_t *digest, emr_store_position *out_at);
/* True: the place that was right when it was put, in a segment that still is there. */
bool emr_store_is_cached(emr_store *store, const uint8_t *digest, emr_store_position *out_at);
/* Remembers that this block stands at AT. */
void emr_store_cache_put(emr_store *store, const uint8_t *digest, const emr_store_position *at);
void emr_store_cache_drop(emr_store *store, const uint8_t *digest);
void emr_store_cache_clear(emr_store *store); /* map_lock held */

/* ---- read.c ---- */

/* The section whose block stands at AT: its CID and, appended, its bytes, checked. */
emr_status emr_store_read_place(
	emr_store *store, const emr_store_position *at, emr_cid *out_cid, emr_buf *out);

/* ---- tags.c ---- */

/* After the segments were listed.  Without the directory nothing is kept. */
void emr_tags_open(emr_store *store, const char *path);
/* The segment is gone. */
void emr_tags_drop(emr_store *store, const emr_segment *segment);
/* An erasure leaves no tag: all tags go, or the status says that some are left. */
emr_status emr_tags_purge(emr_store *store);

/* ---- walk.c ---- */

/* Adds ROOT and all below it to SEEN (a set: places are not used), visiting each new one.  A node
 * that is not there is counted in *missing and named the first time; with MISSING NULL it ends the
 * walk with EMR_MISSING_DATA. */
typedef struct emr_walk_missing {
	uint64_t count;
	emr_cid first;
} emr_walk_missing;
emr_status emr_store_walk_into(emr_block_store *store, const emr_cid *root, emr_pending *seen,
	emr_cid_visit visit, void *context, bool go_on, emr_walk_missing *missing);

/* ---- background.c ---- */

emr_status emr_store_background_start(emr_store *store);
void emr_store_background_stop(emr_store *store);
/* Writes zeros ahead in the current segment when little room is left. */
void emr_store_extend_window(emr_store *store);
