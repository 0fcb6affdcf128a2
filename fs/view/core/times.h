/* The times that only this computer knows are kept in the journal, beside the rows of changed
 * nodes: the ctime of each file and link, and both times of each directory, each as of one version
 * on the ledger. A start believes them for that version only; a time that is not known is as new as
 * the start (rows T and D of FORMAT.md). */
#pragma once

#include "edit.h"

/* The times that are kept of a directory that has KIDS entries. */
typedef struct directory_times {
	uint64_t version, kids;
	int64_t mtime_ns, ctime_ns;
} directory_times;

typedef struct file_time {
	emr_id16 id;
	uint64_t version;
	int64_t ctime_ns;
	uint32_t order; /* of two with one id the later counts */
	bool is_gone;
} file_time;

/* N's are kept under ID, which stands at VERSION, from this edit on; of what lies in another's
 * folder nothing is. */
void edit_times(edit *e, const node *n, emr_id16 id, uint64_t version);
void edit_file_time(edit *e, emr_id16 id, uint64_t version, int64_t ctime_ns);
void edit_directory_times(edit *e, emr_id16 id, const directory_times *times);
/* N is not known as ID any more. */
void edit_forget_times(edit *e, const node *n, emr_id16 id);
/* An edit of its own; when it fails, they are unknown to the next start. */
void times_keep(emr_view *view, const node *n);

/* EMR_NOT_FOUND: nothing is kept, or of another version.  BUF: room that is used again. */
emr_status times_find(
	emr_view *view, emr_id16 id, uint64_t version, emr_buf *buf, int64_t *out_ctime_ns);
emr_status times_find_directory(
	emr_view *view, emr_id16 id, emr_buf *buf, directory_times *out_times);

/* Appends what is kept of ids that begin as none of PREFIXES (emr_kept_prefix), which it sorts: to
 * OUT_FILES those of files, as gone, by the beginning of their ids; to OUT_DIRECTORIES ids of
 * directories. */
emr_status times_strange(
	emr_view *view, emr_buf *prefixes, emr_buf *out_files, emr_buf *out_directories);

/* By the rows that they belong to. */
void times_sort(file_time *all, size_t n);
/* Sorts ALL and puts it into rows of TXN. */
emr_status times_put(emr_view *view, emr_journal_txn *txn, file_time *all, size_t n);
