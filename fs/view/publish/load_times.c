/* When a folder is opened, this file gives each node the times that it had when the folder was
 * closed. A file whose time this computer does not know, because it is new here or was changed
 * elsewhere, is as new as the opening: a program that looks for what is new must not pass it over.
 */
#include "load_private.h"

#include <stdlib.h>

#include "base/log.h"

#include "kind.h"
#include "rest.h"
#include "times.h"

#define FILES_AT_ONCE                                                                              \
	2048 /* in one frame; each may rewrite a row of 0.3 KB in a folder of a million */
#define DIRECTORIES_AT_ONCE 8192

typedef struct timing {
	loading *l;
	emr_buf unknown; /* of file_time */
	emr_buf row;
	int64_t now_ns; /* and not older than anything that was shown */
} timing;

/* Of a status of times_find: whether the times are known. */
static emr_status is_known(emr_status status, bool *out_is)
{
	*out_is = status == EMR_OK;
	return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_OK : status;
}

static bool has_own_entry(const loading *l, const node *n)
{
	return n != NULL && n->state == NODE_LIVE && kind_top(n) == NULL && load_has_entry(l, n);
}

static void note_newest(timing *t, int64_t ns)
{
	if (ns > t->now_ns)
		t->now_ns = ns;
}

/* A row of a changed node has its ctime. */
static emr_status time_file(timing *t, loaded *entry)
{
	node *n = entry->n;
	const file_time one = {.id = n->id, .version = node_version(n)};
	int64_t ctime_ns = n->ctime_ns;
	bool is = n->has_row;

	if (!is)
		EMR_TRY(is_known(
			times_find(t->l->view, n->id, one.version, &t->row, &ctime_ns), &is));
	if (is) {
		n->ctime_ns = ctime_ns;
		note_newest(t, ctime_ns);
		return EMR_OK;
	}
	entry->is_unknown = true;
	if (has_own_entry(t->l, n->parent))
		load_entry_of(t->l, n->parent)->is_new_inside = true;
	return emr_buf_append(&t->unknown, &one, sizeof one);
}

/* A name that came, went or changed elsewhere is an entry that is not known, or another number of
 * entries. */
static emr_status time_directory(timing *t, loaded *entry)
{
	node *n = entry->n;
	directory_times times = {0};
	emr_status status =
		is_known(times_find_directory(t->l->view, n->id, &t->row, &times), &(bool){false});
	bool is = status == EMR_OK && times.version == node_version(n) && times.mtime_ns != 0;

	if (status != EMR_OK)
		return status;
	note_newest(t, times.ctime_ns); /* a program may set the other to any day */
	entry->is_unknown = !is || times.kids != n->listing->live_kids;
	n->mtime_ns = is ? times.mtime_ns : n->mtime_ns;
	n->ctime_ns = is ? times.ctime_ns : n->ctime_ns;
	if (!is && has_own_entry(t->l, n->parent))
		load_entry_of(t->l, n->parent)->is_new_inside = true;
	return EMR_OK;
}

/* ---- what is not known ---- */

static emr_status keep_files(emr_view *view, emr_buf *files)
{
	file_time *all = (file_time *)(void *)files->data;
	const size_t n = files->len / sizeof *all;

	times_sort(all, n); /* so that each row is written once */
	for (size_t i = 0; i < n; i += FILES_AT_ONCE) {
		edit e = edit_begin(view);

		if (e.status == EMR_OK)
			e.status = times_put(view, e.txn, all + i,
				n - i < FILES_AT_ONCE ? n - i : FILES_AT_ONCE);
		EMR_TRY(edit_commit(&e, NULL));
	}
	return EMR_OK;
}

/* A file that was removed elsewhere while the folder was closed has times here that nothing needs.
 */
static emr_status forget_strange(timing *t, emr_buf *files, emr_buf *directories)
{
	const loading *l = t->l;
	const resting *r = l->view->index.resting;
	EMR_AUTO_BUF prefixes = {0};
	emr_id16 *all = NULL;
	size_t n;
	emr_status status;

	for (size_t i = 0; i < l->count; i++) {
		const uint64_t prefix = l->all[i].n != NULL ? emr_kept_prefix(l->all[i].n->id) : 0;

		if (prefix != 0)
			EMR_TRY(emr_buf_append(&prefixes, &prefix, sizeof prefix));
	}
	if (r != NULL)
		EMR_TRY(emr_kept_prefixes(r->kept, &prefixes));
	status = times_strange(l->view, &prefixes, files, directories);
	all = (emr_id16 *)(void *)directories->data;
	n = directories->len / sizeof *all;
	for (size_t i = 0; i < n && status == EMR_OK; i += DIRECTORIES_AT_ONCE) {
		edit e = edit_begin(l->view);

		for (size_t k = i; k < n && k < i + DIRECTORIES_AT_ONCE && e.status == EMR_OK; k++)
			e.status = emr_journal_delete(e.txn, EMR_ROW_DIRECTORY_TIMES, all[k]);
		status = edit_commit(&e, NULL);
	}
	return status == EMR_OK ? keep_files(l->view, files) : status;
}

/* The first at I or behind it whose times are not kept yet. */
static size_t next_directory(const loading *l, size_t i)
{
	while (i < l->count && !(l->all[i].is_unknown && l->all[i].n->type == EMR_META_DIR))
		i++;
	return i;
}

/* Where all are kept nothing is written. */
static emr_status keep_directories(const timing *t)
{
	const loading *l = t->l;

	for (size_t i = next_directory(l, 0); i < l->count;) {
		edit e = edit_begin(l->view);

		for (unsigned n = 0; i < l->count && n < DIRECTORIES_AT_ONCE; n++) {
			node *directory = l->all[i].n;

			edit_times(&e, directory, directory->id, node_version(directory));
			i = next_directory(l, i + 1);
		}
		EMR_TRY(edit_commit(&e, NULL));
	}
	return EMR_OK;
}

static emr_status set_times(timing *t)
{
	loading *l = t->l;
	emr_status status = EMR_OK;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < l->count && status == EMR_OK; i++)
			if (has_own_entry(l, l->all[i].n) &&
				(l->all[i].n->type == EMR_META_DIR) == (pass == 1))
				status = pass == 0 ? time_file(t, &l->all[i])
						   : time_directory(t, &l->all[i]);
	for (size_t i = 0; i < l->count && status == EMR_OK; i++) {
		loaded *entry = &l->all[i];

		entry->is_unknown = entry->is_unknown || entry->is_new_inside;
		if (!entry->is_unknown)
			continue;
		entry->n->ctime_ns = t->now_ns;
		if (entry->n->type == EMR_META_DIR)
			entry->n->mtime_ns = t->now_ns;
	}
	return status;
}

/* A full disk, say, keeps nothing of it: then they are as new at the next opening. */
static emr_status keep_all(timing *t)
{
	EMR_AUTO_BUF files = {0};
	EMR_AUTO_BUF directories = {0};
	const resting *r = t->l->view->index.resting;
	file_time *all = (file_time *)(void *)t->unknown.data;

	for (size_t i = 0; i < t->unknown.len / sizeof *all; i++)
		all[i].ctime_ns = t->now_ns;
	EMR_TRY(keep_files(t->l->view, &t->unknown));
	EMR_TRY(keep_directories(t));
	/* Of a file that is gone the ledger has said so since the facts were kept. */
	return r != NULL && !emr_kept_has_changed(r->kept)
		       ? EMR_OK
		       : forget_strange(t, &files, &directories);
}

emr_status load_times(loading *l)
{
	timing t = {.l = l, .now_ns = view_now_ns(l->view)};
	emr_status status = set_times(&t), kept = EMR_OK;

	if (l->view->index.resting != NULL)
		l->view->index.resting->opened_ns = t.now_ns;

	if (status == EMR_OK && !l->view->options.read_only && !l->is_journal_damaged)
		kept = keep_all(&t);
	if (kept != EMR_OK)
		emr_log(EMR_LOG_INFO, "times are not kept: %s", emr_status_text(kept));
	emr_buf_free(&t.unknown);
	emr_buf_free(&t.row);
	return status;
}
