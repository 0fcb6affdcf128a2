/* This is the working copy of one file. Programs write it anywhere and in any order; it is sealed
 * as it goes, spilled to disk when it must outlive the process, and frozen when nobody changes it
 * any more. It refuses to seal two plaintexts of one leaf under one key, and to call anything
 * durable that is not. */
#pragma once

#include "record/content.h"

/* Every function may be called from any thread.  A staging has one owner, who ends it with free or
 * discard when no call is running.  Locks are the module's own; none is held while the caller's
 * code runs. */
typedef struct emr_staging emr_staging;

/* A working copy over BASE (shared, not taken; NULL = nothing), of which the first BASE_SIZE bytes
 * show.  Writes no file. ID names the spill; draw a fresh one for each staging. */
emr_status emr_staging_new(emr_record_ctx *ctx, emr_id16 id, emr_content_reader *base,
	uint64_t base_size, emr_staging **out_staging);
/* The working copy as the last completed emr_staging_spill left it (after a power cut: at least as
 * the last completed emr_staging_sync did).  BASE is what emr_staging_new was given; it is ignored
 * when the staging was frozen since, for the spill then carries the content itself.  EMR_NOT_FOUND:
 * there is no spill, or none with a mark. EMR_CONFLICT: BASE is another content than the spill was
 * written over.  Never seals under an old key. */
emr_status emr_staging_recover(
	emr_record_ctx *ctx, emr_id16 id, emr_content_reader *base, emr_staging **out_staging);
/* Leaves the spill where it is, for emr_staging_recover.  NULL is fine. */
void emr_staging_free(emr_staging *staging);
/* Forgets the working copy: wipes its key, empties and removes its spill.  NULL is fine. */
void emr_staging_discard(emr_staging *staging);
/* Removes the spill of a staging that is not open (a row that was confirmed before a crash). EMR_OK
 * when none is there. */
emr_status emr_staging_remove(emr_record_ctx *ctx, emr_id16 id);

uint64_t emr_staging_size(emr_staging *staging);
/* The mtime of the last mark; after emr_staging_recover what the file's mtime was. */
int64_t emr_staging_mtime_ns(emr_staging *staging);
/* Goes up with every write and truncate.  Compare before and after emr_staging_freeze or a
 * publication. */
uint64_t emr_staging_dirty_seq(emr_staging *staging);

/* Whole or, when memory ends within it, as far as some 256 KiB boundary.  EMR_TOO_BIG beyond 4 TiB,
 * EMR_NO_MEMORY, EMR_NO_SPACE when memory is full and the spill has no room. */
emr_status emr_staging_write(emr_staging *staging, uint64_t offset, const void *data, size_t len);
/* Sets the size; what lies beyond it is gone, what is new reads as zeros. */
emr_status emr_staging_truncate(emr_staging *staging, uint64_t size);
/* As emr_content_reader_read, over the working copy. */
emr_status emr_staging_read(
	emr_staging *staging, uint64_t offset, void *buffer, size_t len, size_t *out_got);

/* As emr_content_reader_seek, over the working copy. */
emr_status emr_staging_seek(
	emr_staging *staging, uint64_t offset, bool wants_hole, uint64_t *out_offset);
/* Bytes of leaves that were written to, and those that the base has; may be more than the size.
 * Never waits. */
uint64_t emr_staging_stored(const emr_staging *staging);

/* Hands everything to the operating system, in order, with a mark of size and mtime: survives kill
 * -9 of this process. Cheap when nothing changed since the last mark. */
emr_status emr_staging_spill(emr_staging *staging, int64_t mtime_ns);
/* The number of the last mark that was handed out, or recovered; it grows.  A caller that remembers
 * the one that a sync covered knows after a recovery whether the spill was cut.  0: none. */
uint64_t emr_staging_mark(emr_staging *staging);
/* True when the last mark refers to blocks of the store that may not be on the disk: flush the
 * store between spill and sync, then say so. */
bool emr_staging_needs_store_flush(emr_staging *staging);
void emr_staging_store_flushed(emr_staging *staging);
/* One fdatasync: the last mark survives a power cut.  After a failed one the next spill writes
 * everything again. */
emr_status emr_staging_sync(emr_staging *staging);

/* True when all bytes are in memory or sealed under the present key, without base and without
 * spill: freezing then costs no reading, so a FLUSH freezes at once. */
bool emr_staging_is_simple(emr_staging *staging);

/* Seals what is not sealed yet, builds the UnixFS tree and appends its blocks (not flushed).
 * Afterwards the staging reads from the new content and may be written on (over that content, under
 * a new key).  *out_key is the caller's (emr_content_key_free).  EMR_CONFLICT when it was written
 * or truncated meanwhile, EMR_BUSY when it is being frozen already; then and on every error nothing
 * changed but the key, which is never used again. */
emr_status emr_staging_freeze(
	emr_staging *staging, emr_content *out_content, emr_content_key **out_key);
/* The reader of the content that it lies on, as a share of the caller's (emr_content_reader_free);
 * NULL: it lies on none.  After a freeze that is what was frozen, as long as nobody froze again. */
emr_content_reader *emr_staging_base(emr_staging *staging);
