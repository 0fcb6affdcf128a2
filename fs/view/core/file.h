/* These functions work on the bytes of one file: reading, writing, syncing, freezing, and the
 * end of a working copy. The order of locks is file->lock, view->lock, journal. */
#pragma once

#include "node.h"
#include "ops_file.h"

/* ---- file_base.c: what the file was before it was written to ---- */

/* The facts that tell where N's base is, copied under view->lock. */
typedef struct base_facts {
	bool has_content, is_published;
	bool is_theirs; /* another's folder shows it, with keys of its own */
	emr_content content;
	emr_place place;
} base_facts;
/* Under no lock: N's bytes may be read (still). */
emr_status file_may_read(emr_view *view, const node *n);
base_facts file_facts(emr_view *view, const node *n);
/* Under no lock: from the working copy, or from the base.  See emr_view_read. */
emr_status file_read(emr_handle *handle, uint64_t at, void *data, size_t len, size_t *out_len);

/* Takes file->lock for reading with the base opened or a working copy there, or neither when there
 * are no bytes at all. */
emr_status file_lock_readable(emr_view *view, node *n);

/* ---- ops_file.c: the working copy ---- */

/* With file->lock held for writing: a working copy over the first BASE_SIZE bytes of the base. */
emr_status file_start_staging(emr_view *view, node *n, uint64_t base_size);
/* Under view->lock. */
void file_set_spill_unsynced(emr_view *view, file *f, bool is_unsynced_now);
/* With file->lock held for writing: there is no working copy any more. */
void file_end_staging(emr_view *view, node *n);
/* Under no lock. */
emr_status file_truncate(emr_view *view, node *n, uint64_t size);

/* Of a handle that lacked something and is closed now: what leads to it comes home.  Not before,
 * for whoever reads on needs all that a node gives at a time. */
void file_bring_way(emr_handle *handle);
/* Under no lock, before the first change of a working copy: what shows of N's base up to SIZE is in
 * this computer's own store, or EMR_BUSY: a block that this thread missed is to be brought first.
 */
emr_status file_bring_base(emr_view *view, node *n, uint64_t size);

/* ---- home.c ---- */

/* READER's leaves from *LEAF up to END are put into this computer's own store; *LEAF is then how
 * far it came.  EMR_MISSING_DATA: this thread missed the next one, and those behind it are on their
 * way; anything else: the store does not take it. */
emr_status file_take_home(emr_view *view, emr_content_reader *reader, uint64_t end, uint64_t *leaf);

/* ---- file_sync.c: what was written reaches the operating system, and the disk ---- */

/* With file->lock held for writing.  N's bytes are CONTENT from now on: one row, the old frozen
 * content's blocks let go. */
emr_status file_adopt_content(emr_view *view, node *n, const emr_content *content, uint64_t wrote);
/* With file->lock held for writing, and a working copy: frozen, and read from the content
 * afterwards. */
emr_status file_freeze_locked(emr_view *view, node *n);
/* Under no lock: before the last of MINE writers closes. */
emr_status file_hand_out_finished(emr_view *view, node *n, uint32_t mine);
bool file_is_handed_out(emr_view *view, const node *n);
/* WHAT on each file that IS_WANTED (under view->lock), at most *MOST of them (NULL: all), each kept
 * alive meanwhile.  One that fails does not keep the others from it: the first failure. */
emr_status file_each(emr_view *view, const unsigned *most,
	bool (*is_wanted)(const node *n, bool all),
	emr_status (*what)(emr_view *view, node *n, bool all), bool all);

/* ---- spill.c ---- */
/* These functions end a working copy, and remove its spill (the encrypted file that holds what
 * does not fit into memory) once no row on the disk names it any more. */

/* A working copy that was taken out of its file. */
typedef struct ended {
	emr_staging *staging; /* NULL: there was none */
	bool keep_spill;
} ended;
/* Takes the working copy of F, which no row names from the journal's present position on.  Under
 * view->lock, nobody else at F.  Its spill is removed once the disk knows that, too: a power cut
 * may bring the old row back. */
ended take_working_copy(emr_view *view, file *f);
/* Its end, with or without view->lock. */
void end_working_copy(ended e);
/* Without view->lock: removes the spills that may go now. */
void remove_doomed(emr_view *view);
