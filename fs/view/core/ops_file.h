/* This is what others call to open, read, write and sync files. A caller holds view->lock only
 * where a function says so. */
#pragma once

#include "edit.h"

/* Called with what was read through a handle, and when it was closed. Without view->lock. */
typedef struct handle_report {
	void (*note_read)(emr_view *view, emr_handle *handle, uint64_t at, size_t len);
	void (*note_closed)(emr_view *view, emr_handle *handle);
} handle_report;

/* It can be mapped into memory to write. */
bool handle_may_map(const emr_handle *handle);
/* Under view->lock: one more open handle of N. */
emr_status handle_new(emr_view *view, node *n, int flags, emr_handle **out_handle);
/* One of those who keep HANDLE is done with it; the last one ends it.  Under no lock. */
void handle_put(emr_handle *handle);
/* Not under view->lock, N kept alive by the caller: what was written reaches the operating system,
 * with its row. */
emr_status file_hand_out(emr_view *view, node *n);
/* Not under view->lock: N's working copy becomes frozen content, with its row.  EMR_CONFLICT when
 * somebody has it open for writing, or it is written meanwhile. */
emr_status file_freeze(emr_view *view, node *n);
/* Under file->lock for writing, or alone: the reader of N's base; NULL when the base is empty. */
emr_status file_base(emr_view *view, node *n, emr_content_reader **out_reader);
/* Tells a person that a read of N failed with STATUS, if that is worth telling. */
void file_notice(emr_view *view, node *n, emr_status status);
/* The same of what N's program wrote and the disk did not take. */
void file_notice_unsaved(emr_view *view, node *n, emr_status status);
/* The blocks that a read of N lacks did not come from PLACES, and STATUS says why. */
void file_notice_nodes(emr_view *view, node *n, emr_status status, const char *nodes);
