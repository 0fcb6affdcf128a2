/* A read gets its bytes either from the file's working copy or, if nobody has changed the file,
 * from its last saved version. This file opens that version when it is first needed, and tells a
 * person why a file cannot be read or saved.  A file that is to be changed is brought whole first:
 * a save seals all of it again. */
#include <stdlib.h>

#include "fetch/fetch.h"

#include "file.h"
#include "health.h"
#include "kind.h"
#include "reclaim.h"
#include "signed.h"
#include "special.h"

/* ---- base and working copy ---- */

static void tell(emr_view *view, node *n, const char *id)
{
	char *path = NULL;

	if (view->options.notice == NULL)
		return;
	pthread_mutex_lock(&view->lock);
	path = kind_path(n);
	pthread_mutex_unlock(&view->lock);
	view->options.notice(view->options.notice_arg, id, path != NULL ? path : "");
	free(path);
}

/* Nothing is said of an earlier version where there is none. */
static const char *full_id(emr_view *view, const node *n)
{
	EMR_LOCKED(&view->lock);
	const bool has_earlier =
		node_pversion(n) != 0 || (node_file(n) != NULL && node_file(n)->has_content);

	return has_earlier ? "disk-full" : "disk-full-new";
}

void file_notice(emr_view *view, node *n, emr_status status)
{
	const char *id = status == EMR_MISSING_DATA    ? "missing-data"
			 : status == EMR_DAMAGED       ? "bad-data"
			 : status == EMR_NO_SPACE      ? full_id(view, n)
			 : status == EMR_QUOTA	       ? "quota"
			 : status == EMR_BAD_SIGNATURE ? "bad-signature"
			 : status == EMR_NEWER_FORMAT  ? "newer-format"
			 : status == EMR_IO	       ? "disk-unreadable"
						       : NULL;

	if (status == EMR_NO_SPACE) {
		pthread_mutex_lock(&view->lock);
		want_reclaim(view);
		pthread_mutex_unlock(&view->lock);
	}
	if (status == EMR_BAD_SIGNATURE && signed_tell(view, n))
		return;
	if (id != NULL)
		tell(view, n, id);
}

void file_notice_nodes(emr_view *view, node *n, emr_status status, const char *nodes)
{
	const char *id = status == EMR_OFFLINE	 ? "place-away"
			 : status == EMR_TIMEOUT ? "place-late"
						 : "missing-everywhere";
	emr_place at;
	bool is_own;
	char *path;

	if (view->options.notice_with == NULL) {
		file_notice(view, n, EMR_MISSING_DATA);
		return;
	}
	pthread_mutex_lock(&view->lock);
	path = kind_path(n);
	is_own = path != NULL && tree_find(view, path) == n && n->is_published;
	at = node_place(n);
	pthread_mutex_unlock(&view->lock);
	view->options.notice_with(view->options.notice_arg, id, path != NULL ? path : "", nodes);
	if (is_own && view->options.missed != NULL)
		view->options.missed(view->options.copies_arg, &at.root);
	free(path);
}

void file_notice_unsaved(emr_view *view, node *n, emr_status status)
{
	disk_hear(view, status);
	if (status != EMR_IO && status != EMR_READ_ONLY)
		file_notice(view, n, status);
}

/* STATUS of a read of HANDLE: EMR_BUSY when a block was lacking that can be brought, and otherwise
 * as it was, said as a notice. */
static emr_status file_lacks_or_say(emr_handle *handle, emr_status status)
{
	emr_cid missed;

	if ((status == EMR_MISSING_DATA || status == EMR_DAMAGED) &&
		emr_fetcher_missed(handle->view->options.fetcher, &missed)) {
		__atomic_store_n(&handle->is_damaged, status == EMR_DAMAGED, __ATOMIC_RELAXED);
		return EMR_BUSY;
	}
	file_notice(handle->view, handle->node, status);
	return status;
}

emr_status file_may_read(emr_view *view, const node *n)
{
	const node_kind *kind;
	emr_status status = EMR_OK;
	EMR_LOCKED(&view->lock);

	kind = kind_where(n);
	if (kind->may_read != NULL)
		status = kind->may_read(view, n);
	return status;
}

base_facts file_facts(emr_view *view, const node *n)
{
	const node_kind *kind;
	base_facts facts;
	EMR_LOCKED(&view->lock);

	kind = kind_where(n);
	facts = (base_facts){.is_theirs = kind->is_theirs != NULL && kind->is_theirs(n),
		.has_content = node_file(n)->has_content,
		.is_published = (n->is_published || n->is_published_gone) && node_pversion(n) != 0,
		.place = node_place(n)};
	if (facts.has_content)
		facts.content = *node_file(n)->content;
	return facts;
}

static emr_status open_base(
	emr_view *view, const node *n, const base_facts *facts, emr_content_reader **out_reader)
{
	emr_content content = facts->content;
	emr_content_key *key = NULL;
	emr_status status;

	if (!facts->has_content)
		return signed_open(view, n, &facts->place, out_reader);
	status = emr_content_open_key(view->options.records, &content, &key);
	if (status == EMR_OK)
		status = emr_content_reader_open(view->options.records, &content, key, out_reader);
	emr_content_key_free(key);
	return status;
}

emr_status file_base(emr_view *view, node *n, emr_content_reader **out_reader)
{
	base_facts facts;

	if (node_file(n)->reader != NULL) {
		*out_reader = node_file(n)->reader;
		return EMR_OK;
	}
	facts = file_facts(view, n);
	if (facts.is_theirs) { /* its key has gone since it was opened: the share has ended, or an
				  open asks again */
		EMR_TRY(file_may_read(view, n));
		return EMR_TIMEOUT;
	}
	if (!facts.has_content && !facts.is_published) {
		*out_reader = NULL;
		return EMR_OK;
	}
	EMR_TRY(open_base(view, n, &facts, out_reader));
	tree_set_reader(node_file(n), *out_reader);
	pthread_mutex_lock(&view->lock);
	tree_note_stored(n, emr_content_reader_content(*out_reader));
	pthread_mutex_unlock(&view->lock);
	return EMR_OK;
}

/* Between the two locks another reader's close may take the base away again:
 * then it is opened once more. */
emr_status file_lock_readable(emr_view *view, node *n)
{
	bool has_none = false;

	for (;;) {
		emr_content_reader *reader = NULL;
		emr_status status;

		pthread_rwlock_rdlock(&node_file(n)->lock);
		if (node_file(n)->staging != NULL || node_file(n)->reader != NULL || has_none)
			return EMR_OK;
		pthread_rwlock_unlock(&node_file(n)->lock);
		pthread_rwlock_wrlock(&node_file(n)->lock);
		status = node_file(n)->staging != NULL ? EMR_OK : file_base(view, n, &reader);
		has_none = node_file(n)->staging == NULL && reader == NULL;
		pthread_rwlock_unlock(&node_file(n)->lock);
		if (status != EMR_OK)
			return status;
	}
}

emr_status file_read(emr_handle *handle, uint64_t at, void *data, size_t len, size_t *out_len)
{
	emr_view *view = handle->view;
	node *n = handle->node;
	emr_status status;

	if (kind_of(n)->make != NULL || handle->virtual_bytes.len > 0)
		return special_read(handle, at, data, len, out_len);
	status = file_may_read(view, n);
	if (status == EMR_OK)
		status = file_lock_readable(view, n);
	if (status == EMR_OK) {
		if (node_file(n)->staging != NULL)
			status = emr_staging_read(node_file(n)->staging, at, data, len, out_len);
		else if (node_file(n)->reader != NULL)
			status = emr_content_reader_read(
				node_file(n)->reader, at, data, len, out_len);
		else
			*out_len = 0;
		pthread_rwlock_unlock(&node_file(n)->lock);
	}
	if (status != EMR_OK)
		status = file_lacks_or_say(handle, status);
	else
		__atomic_fetch_add(&handle->bytes_read, *out_len, __ATOMIC_RELAXED);
	if (status == EMR_OK && handle->report != NULL && *out_len > 0)
		handle->report->note_read(view, handle, at, *out_len);
	return status;
}

/* ---- what a write rests on ---- */

/* Under file->lock with the base open. */
static emr_status take_base_home(emr_view *view, file *f, uint64_t size)
{
	const uint64_t end = (size + EMR_LEAF_BYTES - 1) >> EMR_LEAF_LOG2;
	uint64_t leaf = __atomic_load_n(&f->home_leaves, __ATOMIC_RELAXED);
	emr_status status = file_take_home(view, f->reader, end, &leaf);

	__atomic_store_n(&f->home_leaves, leaf, __ATOMIC_RELAXED);
	return status;
}

/* Files that others share are opened by the worker of shares, in another way. */
static bool is_open_here(emr_view *view, const node *n)
{
	base_facts facts = file_facts(view, n);

	return !facts.is_theirs || tree_has_reader(n);
}

emr_status file_bring_base(emr_view *view, node *n, uint64_t size)
{
	emr_fetcher *fetcher = view->options.fetcher;
	file *f = node_file(n);
	emr_status status;
	emr_cid missed;
	bool is_begun;

	if (fetcher == NULL || size == 0)
		return EMR_OK;
	emr_fetcher_begin(fetcher);
	pthread_rwlock_rdlock(&f->lock);
	is_begun = f->staging != NULL;
	pthread_rwlock_unlock(&f->lock);
	if (is_begun || !is_open_here(view, n))
		return EMR_OK;
	status = file_lock_readable(view, n);
	if (status == EMR_OK) {
		if (f->staging == NULL && f->reader != NULL)
			status = take_base_home(view, f, size);
		pthread_rwlock_unlock(&f->lock);
	}
	if ((status == EMR_MISSING_DATA || status == EMR_DAMAGED) &&
		emr_fetcher_missed(fetcher, &missed))
		return EMR_BUSY;
	return status;
}
