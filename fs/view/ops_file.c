#include "ops_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "past.h"
#include "special.h"

static int accmode(int flags)
{
	return flags & O_ACCMODE;
}

/* ---- handles ---- */

emr_status handle_new(emr_view *view, node *n, int flags, emr_handle **out_handle)
{
	emr_handle *handle = calloc(1, sizeof *handle);

	if (handle == NULL)
		return EMR_NO_MEMORY;
	handle->view = view;
	handle->node = n;
	handle->refs = 1;
	handle->flags = flags;
	handle->may_read = accmode(flags) != O_WRONLY;
	handle->may_write = accmode(flags) != O_RDONLY || (flags & O_TRUNC) != 0;
	n->opens++;
	if (handle->may_write)
		n->write_opens++;
	*out_handle = handle;
	return EMR_OK;
}

uint64_t emr_handle_node(const emr_handle *handle)
{
	return handle->node->number;
}

static emr_status truncate_file(emr_view *view, node *n, uint64_t size);

emr_status emr_view_open_file(emr_view *view, uint64_t number, int flags, emr_handle **out_handle)
{
	bool writes = accmode(flags) != O_RDONLY || (flags & O_TRUNC) != 0;
	emr_handle *handle = NULL;
	emr_status status = EMR_OK;
	bool special = false;
	node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n == NULL)
		status = EMR_NOT_FOUND;
	else if (n->type == EMR_META_DIR)
		status = EMR_IS_DIRECTORY;
	else if (n->type != EMR_META_FILE)
		status = EMR_INVALID;
	else if (writes && view->options.read_only)
		status = EMR_READ_ONLY;
	else if (writes && n->state == NODE_VIRTUAL)
		status = n->past != NULL ? EMR_READ_ONLY : EMR_DENIED;
	else
		status = handle_new(view, n, flags, &handle);
	special = status == EMR_OK && n->special != 0;
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK)
		return status;
	if (special)
		status = special_open(view, handle);
	else if (n->past != NULL)
		status = past_learn(view, number);
	else if (flags & O_TRUNC)
		status = truncate_file(view, n, 0);
	if (status != EMR_OK) {
		emr_view_release(handle);
		return status;
	}
	*out_handle = handle;
	return EMR_OK;
}

/* ---- base and working copy ---- */

void file_notice(emr_view *view, node *n, emr_status status)
{
	const char *id = status == EMR_MISSING_DATA ? "missing-data"
		: status == EMR_DAMAGED ? "bad-data"
		: status == EMR_NO_SPACE ? "disk-full"
		: status == EMR_QUOTA ? "quota"
		: status == EMR_BAD_SIGNATURE ? "bad-signature"
		: status == EMR_NEWER_FORMAT ? "newer-format" : NULL;
	char *path = NULL;

	if (status == EMR_NO_SPACE) {
		pthread_mutex_lock(&view->lock);
		want_reclaim(view);
		pthread_mutex_unlock(&view->lock);
	}
	if (id == NULL || view->options.notice == NULL)
		return;
	pthread_mutex_lock(&view->lock);
	if (n->past != NULL)
		path = past_path(n);
	else if (n->state == NODE_LIVE)
		path = tree_path(n);
	pthread_mutex_unlock(&view->lock);
	view->options.notice(view->options.notice_arg, id, path != NULL ? path : "");
	free(path);
}

typedef struct base_facts {
	bool has_content, is_published;
	emr_content content;
	emr_place place;
} base_facts;

static base_facts facts_of(emr_view *view, const node *n)
{
	base_facts facts;

	pthread_mutex_lock(&view->lock);
	facts = (base_facts){ .has_content = n->file->has_content,
		.is_published = (n->is_published || n->is_published_gone) && n->place.pversion != 0,
		.content = n->file->content, .place = n->place };
	pthread_mutex_unlock(&view->lock);
	return facts;
}

static emr_status open_base(emr_view *view, const base_facts *facts, emr_content_reader **out_reader)
{
	emr_content content = facts->content;
	emr_content_key *key = NULL;
	emr_status status;

	if (facts->has_content)
		status = emr_content_open_key(view->options.records, &content, &key);
	else
		status = emr_facts_open_content(view->options.facts, &facts->place, &content, &key);
	if (status == EMR_OK)
		status = emr_content_reader_open(view->options.records, &content, key, out_reader);
	emr_content_key_free(key);
	return status;
}

emr_status file_base(emr_view *view, node *n, emr_content_reader **out_reader)
{
	base_facts facts;
	emr_status status;

	if (n->file->reader != NULL) {
		*out_reader = n->file->reader;
		return EMR_OK;
	}
	facts = facts_of(view, n);
	if (!facts.has_content && !facts.is_published) {
		*out_reader = NULL;
		return EMR_OK;
	}
	status = open_base(view, &facts, &n->file->reader);
	if (status == EMR_OK)
		*out_reader = n->file->reader;
	return status;
}

/* Takes file->lock for reading with the base opened or a working copy there, or neither when there are no bytes at all.
 * Between the two locks another reader's close may take the base away again: then it is opened once more. */
static emr_status lock_readable(emr_view *view, node *n)
{
	bool has_none = false;

	for (;;) {
		emr_content_reader *reader = NULL;
		emr_status status;

		pthread_rwlock_rdlock(&n->file->lock);
		if (n->file->staging != NULL || n->file->reader != NULL || has_none)
			return EMR_OK;
		pthread_rwlock_unlock(&n->file->lock);
		pthread_rwlock_wrlock(&n->file->lock);
		status = n->file->staging != NULL ? EMR_OK : file_base(view, n, &reader);
		has_none = n->file->staging == NULL && reader == NULL;
		pthread_rwlock_unlock(&n->file->lock);
		if (status != EMR_OK)
			return status;
	}
}

static emr_status read_file(emr_handle *handle, uint64_t at, void *data, size_t len, size_t *out_len)
{
	emr_view *view = handle->view;
	node *n = handle->node;
	emr_status status;

	if (n->special != 0)
		return special_read(handle, at, data, len, out_len);
	status = lock_readable(view, n);
	if (status == EMR_OK) {
		if (n->file->staging != NULL)
			status = emr_staging_read(n->file->staging, at, data, len, out_len);
		else if (n->file->reader != NULL)
			status = emr_content_reader_read(n->file->reader, at, data, len, out_len);
		else
			*out_len = 0;
		pthread_rwlock_unlock(&n->file->lock);
	}
	if (status != EMR_OK)
		file_notice(view, n, status);
	else
		__atomic_fetch_add(&handle->bytes_read, *out_len, __ATOMIC_RELAXED);
	return status;
}

static void handle_put(emr_handle *handle);

emr_status emr_view_read(emr_handle *handle, uint64_t at, void *data, size_t len, size_t *out_len)
{
	emr_status status;

	/* The kernel may have got its answer from a deadline and close the file while this read still hangs on the disk. */
	__atomic_add_fetch(&handle->refs, 1, __ATOMIC_RELAXED);
	status = read_file(handle, at, data, len, out_len);
	handle_put(handle);
	return status;
}

/* Under file->lock for writing: a working copy over the first SIZE bytes of the base. */
static emr_status start_staging(emr_view *view, node *n, uint64_t base_size)
{
	emr_id16 id = emr_id16_random();
	emr_content_reader *base = NULL;
	emr_staging *staging;
	emr_status status = EMR_OK;

	if (base_size > 0)
		status = file_base(view, n, &base);
	if (status == EMR_OK)
		status = emr_staging_new(view->options.records, id, base, base_size, &staging);
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&view->lock);
	n->file->staging = staging;
	n->file->staging_id = id;
	n->file->staging_in_row = n->file->keep_spill = false;
	hold_blocks(view);
	pthread_mutex_unlock(&view->lock);
	return EMR_OK;
}

/* Takes file->lock for reading with a working copy there. */
static emr_status lock_writable(emr_view *view, node *n)
{
	emr_status status = EMR_OK;
	uint64_t size;

	for (;;) {
		pthread_rwlock_rdlock(&n->file->lock);
		if (n->file->staging != NULL)
			return EMR_OK;
		pthread_rwlock_unlock(&n->file->lock);
		pthread_rwlock_wrlock(&n->file->lock);
		if (n->file->staging == NULL) {
			pthread_mutex_lock(&view->lock);
			size = n->size;
			pthread_mutex_unlock(&view->lock);
			status = start_staging(view, n, size);
		}
		pthread_rwlock_unlock(&n->file->lock);
		if (status != EMR_OK)
			return status;
	}
}

/* The working copy of N changed: under file->lock. */
static void note_write(emr_view *view, node *n)
{
	pthread_mutex_lock(&view->lock);
	n->size = emr_staging_size(n->file->staging);
	n->mtime_ns = n->ctime_ns = view_now_ns(view);
	n->file->wrote++;
	n->content_dirty = true;
	mark_changed(view, n);
	pthread_mutex_unlock(&view->lock);
}

emr_status emr_view_write(emr_handle *handle, uint64_t at, emr_bytes bytes)
{
	emr_view *view = handle->view;
	node *n = handle->node;
	emr_status status = lock_writable(view, n);

	if (status == EMR_OK) {
		status = emr_staging_write(n->file->staging, at, bytes.data, bytes.len);
		if (status == EMR_OK)
			note_write(view, n);
		pthread_rwlock_unlock(&n->file->lock);
	}
	if (status != EMR_OK)
		file_notice(view, n, status);
	return status;
}

/* Under view->lock. */
static void set_spill_unsynced(emr_view *view, file *f, bool is_unsynced_now)
{
	if (f->is_spill_unsynced == is_unsynced_now)
		return;
	if (is_unsynced_now) {
		note_unsynced(view);
		view->unsynced_spills++;
	} else {
		view->unsynced_spills--;
	}
	f->is_spill_unsynced = is_unsynced_now;
}

/* Under file->lock for writing: there is no working copy any more. */
static void end_staging(emr_view *view, node *n)
{
	ended e;

	pthread_mutex_lock(&view->lock);
	e = take_working_copy(view, n->file);
	pthread_mutex_unlock(&view->lock);
	end_working_copy(e);
}

/* To nothing: the old bytes are not even looked at. */
static emr_status empty_file(emr_view *view, node *n)
{
	emr_status status;

	pthread_rwlock_wrlock(&n->file->lock);
	status = n->file->staging == NULL ? start_staging(view, n, 0)
		: emr_staging_truncate(n->file->staging, 0);
	if (status == EMR_OK)
		note_write(view, n);
	pthread_rwlock_unlock(&n->file->lock);
	return status;
}

static emr_status truncate_file(emr_view *view, node *n, uint64_t size)
{
	emr_status status;

	if (size > EMR_RECORD_MAX_BYTES)
		return EMR_TOO_BIG;
	if (size == 0) {
		status = empty_file(view, n);
	} else {
		status = lock_writable(view, n);
		if (status == EMR_OK) {
			status = emr_staging_truncate(n->file->staging, size);
			if (status == EMR_OK)
				note_write(view, n);
			pthread_rwlock_unlock(&n->file->lock);
		}
	}
	if (status != EMR_OK)
		file_notice(view, n, status);
	return status;
}

emr_status emr_view_allocate(emr_handle *handle, uint64_t at, uint64_t len, bool keep_size)
{
	emr_view *view = handle->view;
	node *n = handle->node;
	uint64_t size;

	if (len == 0 || at > EMR_RECORD_MAX_BYTES || len > EMR_RECORD_MAX_BYTES - at)
		return len == 0 ? EMR_INVALID : EMR_TOO_BIG;
	pthread_mutex_lock(&view->lock);
	size = n->size;
	pthread_mutex_unlock(&view->lock);
	return keep_size || at + len <= size ? EMR_OK : truncate_file(view, n, at + len);
}

/* ---- handing out ---- */

/* The row of a node whose bytes just changed hands; nothing for one without a name. */
static emr_status put_row(node *n, edit *e)
{
	node_row row;
	emr_status status;

	if (n->state != NODE_LIVE) {
		emr_journal_rollback(e->txn);
		return EMR_OK;
	}
	row = row_of_node(n);
	edit_put(e, n->id, &row);
	status = edit_commit(e, &n->row_seq);
	if (status == EMR_OK)
		n->has_row = true;
	return status;
}

/* N's bytes are CONTENT from now on: one row, the old frozen content's blocks let go. */
static emr_status adopt_content(emr_view *view, node *n, const emr_content *content, uint64_t wrote)
{
	file *f = n->file;
	emr_content before = f->content;
	emr_place *restored = f->restored;
	bool had_content = f->has_content, was_in_row = f->staging_in_row;
	emr_status status;
	edit e = edit_begin(view);

	if (had_content)
		edit_unpin(&e, &before.c, n->id);
	edit_pin(&e, &content->c, n->id, EMR_PIN_WRITTEN);
	f->content = *content;
	f->has_content = true;
	f->restored = NULL;
	f->staging_in_row = false;
	status = put_row(n, &e);
	if (status != EMR_OK) {
		f->restored = restored;
		f->content = before;
		f->has_content = had_content;
		f->staging_in_row = was_in_row;
		return status;
	}
	free(restored);
	f->handed = wrote;
	return EMR_OK;
}

/* Under file->lock for writing, with a working copy: frozen, and read from the content afterwards. */
static emr_status freeze_locked(emr_view *view, node *n)
{
	file *f = n->file;
	emr_content_key *key = NULL;
	emr_content_reader *reader = NULL;
	emr_content content;
	uint64_t wrote;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	wrote = f->wrote;
	pthread_mutex_unlock(&view->lock);
	status = emr_staging_freeze(f->staging, &content, &key);
	if (status == EMR_OK)
		status = emr_content_reader_open(view->options.records, &content, key, &reader);
	emr_content_key_free(key);
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&view->lock);
	status = adopt_content(view, n, &content, wrote);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status;
	}
	emr_content_reader_free(f->reader);
	f->reader = reader;
	end_staging(view, n);
	return EMR_OK;
}

/* Under file->lock: the bytes go to the spill, which the row names. */
static emr_status spill_locked(emr_view *view, node *n)
{
	file *f = n->file;
	uint64_t wrote;
	int64_t mtime_ns;
	emr_status status;
	edit e;

	pthread_mutex_lock(&view->lock);
	wrote = f->wrote;
	mtime_ns = n->mtime_ns;
	pthread_mutex_unlock(&view->lock);
	status = emr_staging_spill(f->staging, mtime_ns);
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&view->lock);
	if (!f->staging_in_row) {
		f->staging_in_row = f->is_spill_named = true;
		e = edit_begin(view);
		status = put_row(n, &e);
		if (status != EMR_OK)
			f->staging_in_row = false;
	}
	if (status == EMR_OK) {
		f->handed = wrote;
		f->is_spill_doubted = false;
		set_spill_unsynced(view, f, true);
	}
	pthread_mutex_unlock(&view->lock);
	return status;
}

/* Under file->lock for writing. */
static emr_status hand_out_locked(emr_view *view, node *n)
{
	if (n->file->staging == NULL || n->file->wrote == n->file->handed)
		return EMR_OK;
	return emr_staging_is_simple(n->file->staging) ? freeze_locked(view, n) : spill_locked(view, n);
}

emr_status file_hand_out(emr_view *view, node *n)
{
	emr_status status;

	pthread_rwlock_wrlock(&n->file->lock);
	status = hand_out_locked(view, n);
	pthread_rwlock_unlock(&n->file->lock);
	return status;
}

/* As file_hand_out, but not while anybody writes besides the caller, who has MINE handles for it: what a writer has
 * begun is handed out by his own close, so that a killed process leaves the old bytes or the new. */
static emr_status hand_out_finished(emr_view *view, node *n, uint32_t mine)
{
	emr_status status = EMR_OK;
	bool is_finished;

	pthread_rwlock_wrlock(&n->file->lock);
	/* Who opens from now on cannot change the working copy before the lock is free. */
	pthread_mutex_lock(&view->lock);
	is_finished = n->write_opens <= mine;
	pthread_mutex_unlock(&view->lock);
	if (is_finished)
		status = hand_out_locked(view, n);
	pthread_rwlock_unlock(&n->file->lock);
	return status;
}

static bool is_handed_out(emr_view *view, const node *n)
{
	bool done;

	pthread_mutex_lock(&view->lock);
	done = n->file == NULL || n->file->wrote == n->file->handed || n->state == NODE_GONE;
	pthread_mutex_unlock(&view->lock);
	return done;
}

static bool is_doubted(emr_view *view, const node *n)
{
	bool is;

	pthread_mutex_lock(&view->lock);
	is = n->file != NULL && n->file->is_spill_doubted;
	pthread_mutex_unlock(&view->lock);
	return is;
}

static bool is_gone(emr_view *view, const node *n)
{
	bool gone;

	pthread_mutex_lock(&view->lock);
	gone = n->state == NODE_GONE;
	pthread_mutex_unlock(&view->lock);
	return gone;
}

emr_status emr_view_flush(emr_handle *handle)
{
	emr_status status;

	if (handle->node->special != 0 || !handle->may_write || is_handed_out(handle->view, handle->node))
		return EMR_OK;
	status = file_hand_out(handle->view, handle->node);
	if (status != EMR_OK)
		file_notice(handle->view, handle->node, status);
	return status;
}

/* Under file->lock: the working copy as last handed out. */
static emr_status sync_spill(emr_view *view, file *f)
{
	emr_status status = EMR_OK;

	pthread_mutex_lock(&view->lock);
	set_spill_unsynced(view, f, false);	/* what comes meanwhile sets it again */
	pthread_mutex_unlock(&view->lock);
	if (emr_staging_needs_store_flush(f->staging)) {
		status = emr_store_flush(view->options.store);
		if (status == EMR_OK)
			emr_staging_store_flushed(f->staging);
	}
	if (status == EMR_OK)
		status = emr_staging_sync(f->staging);
	if (status != EMR_OK) {
		pthread_mutex_lock(&view->lock);
		set_spill_unsynced(view, f, true);
		f->handed = f->wrote - 1;	/* handing out again writes another spill */
		f->is_spill_doubted = true;
		pthread_mutex_unlock(&view->lock);
	}
	return status;
}

/* Everything handed out so far of N is on the disk. */
static emr_status sync_file(emr_view *view, node *n)
{
	file *f = n->file;
	emr_status status = EMR_OK;
	uint64_t row_seq;

	pthread_rwlock_rdlock(&f->lock);
	if (f->staging != NULL)
		status = sync_spill(view, f);
	pthread_rwlock_unlock(&f->lock);
	/* Asked last: bytes that were frozen meanwhile are on the disk with the row that names them. */
	pthread_mutex_lock(&view->lock);
	row_seq = n->row_seq;
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_OK && row_seq > emr_journal_synced_seq(view->options.journal))
		status = emr_journal_sync(view->options.journal, row_seq);
	return status;
}

emr_status emr_view_fsync(emr_handle *handle)
{
	emr_view *view = handle->view;
	node *n = handle->node;
	emr_status status = EMR_OK;

	if (n->special != 0 || is_gone(view, n))
		return EMR_OK;	/* a file without a name has nothing to keep */
	if (!is_handed_out(view, n))
		status = file_hand_out(view, n);
	if (status == EMR_OK)
		status = sync_file(view, n);
	if (status != EMR_OK)
		file_notice(view, n, status);
	return status;
}

/* Files whose spills are not on the disk yet, each kept alive for the caller. */
static emr_status take_unsynced(emr_view *view, node ***out_nodes, size_t *out_count)
{
	size_t count = 0;
	node **nodes;

	pthread_mutex_lock(&view->lock);
	nodes = calloc(view->unsynced_spills + 1, sizeof *nodes);
	for (size_t i = 0; nodes != NULL && i < view->by_number.cap && count < view->unsynced_spills; i++) {
		node *n = table_at(&view->by_number, i);

		if (n == NULL || n->file == NULL || !n->file->is_spill_unsynced)
			continue;
		n->opens++;
		nodes[count++] = n;
	}
	pthread_mutex_unlock(&view->lock);
	if (nodes == NULL)
		return EMR_NO_MEMORY;
	*out_nodes = nodes;
	*out_count = count;
	return EMR_OK;
}

/* One whose disk refuses does not keep the others from it: the first failure is told at the end. */
static emr_status sync_spills(emr_view *view)
{
	EMR_AUTO_FREE node **nodes = NULL;
	size_t count = 0;
	emr_status first = take_unsynced(view, &nodes, &count);

	for (size_t i = 0; i < count; i++) {
		node *n = nodes[i];
		/* A spill that the disk once refused is written again whole, whoever is at work on it. */
		emr_status status = is_handed_out(view, n) ? EMR_OK
			: is_doubted(view, n) ? file_hand_out(view, n) : hand_out_finished(view, n, 0);

		if (status == EMR_OK)
			status = sync_file(view, n);
		if (status != EMR_OK && first == EMR_OK)
			first = status;
		pthread_mutex_lock(&view->lock);
		n->opens--;
		tree_release_if_unused(view, n);
		pthread_mutex_unlock(&view->lock);
	}
	return first;
}

emr_status emr_view_sync(emr_view *view)
{
	emr_status spills = sync_spills(view), status;
	uint64_t seq;

	pthread_mutex_lock(&view->lock);
	seq = view->unsynced_seq;
	pthread_mutex_unlock(&view->lock);
	if (seq == 0)
		return spills;
	status = emr_journal_sync(view->options.journal, seq);
	if (status != EMR_OK)
		return status;
	remove_doomed(view);
	pthread_mutex_lock(&view->lock);
	if (view->unsynced_seq <= seq)
		view->unsynced_seq = 0;
	view->unsynced_since_boot_ns = view_boot_ns(view);	/* of whatever came since */
	pthread_mutex_unlock(&view->lock);
	return spills;
}

/* ---- closing ---- */

/* The last handle of a file without a name: its working copy is wanted by nobody. */
static void discard_if_gone(emr_view *view, node *n)
{
	bool gone;

	pthread_mutex_lock(&view->lock);
	gone = n->state == NODE_GONE && n->opens == 1;
	pthread_mutex_unlock(&view->lock);
	if (!gone)
		return;
	pthread_rwlock_wrlock(&n->file->lock);
	end_staging(view, n);
	pthread_rwlock_unlock(&n->file->lock);
}

/* A published file that nobody has open keeps its reader only while it is cheap. */
static void close_reader(node *n)
{
	pthread_rwlock_wrlock(&n->file->lock);
	if (n->file->staging == NULL) {
		emr_content_reader_free(n->file->reader);
		n->file->reader = NULL;
	}
	pthread_rwlock_unlock(&n->file->lock);
}

/* A mapping written after the last FLUSH: its bytes came since.  RELEASE comes late: the next writer may have begun. */
static void finish_writing(emr_handle *handle)
{
	emr_status status;

	if (is_handed_out(handle->view, handle->node))
		return;
	status = hand_out_finished(handle->view, handle->node, 1);
	if (status != EMR_OK)	/* release(2) has nobody to tell */
		file_notice(handle->view, handle->node, status);
}

/* The last one out closes. */
static void handle_put(emr_handle *handle)
{
	emr_view *view = handle->view;
	node *n = handle->node;
	bool last;

	if (__atomic_sub_fetch(&handle->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (n->special == 0) {
		discard_if_gone(view, n);
		pthread_mutex_lock(&view->lock);
		last = n->opens == 1;
		pthread_mutex_unlock(&view->lock);
		if (last)
			close_reader(n);
	}
	pthread_mutex_lock(&view->lock);
	n->opens--;
	if (handle->may_write) {
		n->write_opens--;
		n->changed_boot_ns = view_boot_ns(view);
		note_due(view, n->changed_boot_ns + view->options.quiet_ns);
	}
	tree_release_if_unused(view, n);
	pthread_mutex_unlock(&view->lock);
	special_close(handle);
	free(handle);
}

void emr_view_release(emr_handle *handle)
{
	if (handle->node->special == 0 && handle->may_write)
		finish_writing(handle);
	handle_put(handle);
}

/* ---- freezing for publication ---- */

static emr_status freeze_empty(emr_view *view, node *n)
{
	emr_status status = start_staging(view, n, 0);

	return status == EMR_OK ? freeze_locked(view, n) : status;
}

/* Seals without the lock, so that readers go on; then changes over. */
static emr_status freeze_unlocked(emr_view *view, node *n, emr_content *out_content, uint64_t *out_seq,
	uint64_t *out_wrote)
{
	emr_content_key *key = NULL;
	emr_status status;

	pthread_rwlock_rdlock(&n->file->lock);
	if (n->file->staging == NULL) {	/* a close froze it meanwhile */
		pthread_rwlock_unlock(&n->file->lock);
		return EMR_CONFLICT;
	}
	pthread_mutex_lock(&view->lock);
	*out_wrote = n->file->wrote;
	pthread_mutex_unlock(&view->lock);
	*out_seq = emr_staging_dirty_seq(n->file->staging);
	status = emr_staging_freeze(n->file->staging, out_content, &key);
	pthread_rwlock_unlock(&n->file->lock);
	emr_content_key_free(key);
	return status;
}

static emr_status change_over(emr_view *view, node *n, const emr_content *content, uint64_t seq,
	uint64_t wrote)
{
	base_facts facts = { .has_content = true, .content = *content };
	emr_content_reader *reader = NULL;
	emr_status status;

	/* `wrote` too: the working copy may be another one by now. */
	if (n->file->staging == NULL || n->file->wrote != wrote ||
		emr_staging_dirty_seq(n->file->staging) != seq)
		return EMR_CONFLICT;
	status = open_base(view, &facts, &reader);
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&view->lock);
	status = adopt_content(view, n, content, wrote);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status;
	}
	emr_content_reader_free(n->file->reader);
	n->file->reader = reader;
	end_staging(view, n);
	return EMR_OK;
}

emr_status file_freeze(emr_view *view, node *n)
{
	emr_content content;
	uint64_t seq, wrote;
	base_facts facts;
	emr_status status;

	pthread_rwlock_wrlock(&n->file->lock);
	if (n->file->staging == NULL) {
		facts = facts_of(view, n);
		status = facts.has_content || facts.is_published ? EMR_OK : freeze_empty(view, n);
		pthread_rwlock_unlock(&n->file->lock);
		return status;
	}
	pthread_rwlock_unlock(&n->file->lock);
	status = freeze_unlocked(view, n, &content, &seq, &wrote);
	if (status != EMR_OK)
		return status;
	pthread_rwlock_wrlock(&n->file->lock);
	status = change_over(view, n, &content, seq, wrote);
	pthread_rwlock_unlock(&n->file->lock);
	return status;
}

/* ---- attributes that the kernel sets ---- */

static emr_status set_mode_and_time(emr_view *view, node *n, unsigned mask, const emr_attr *wanted)
{
	node_row row = row_of_node(n);
	emr_status status;
	edit e;

	if (mask & EMR_SET_MODE)
		row.mode = wanted->mode & 01777;
	if (mask & EMR_SET_MTIME)
		row.mtime_ns = wanted->mtime_ns;
	row.ctime_ns = view_now_ns(view);
	if (row.mode == n->mode && row.mtime_ns == n->mtime_ns) {
		n->ctime_ns = row.ctime_ns;
		return EMR_OK;
	}
	row.flags |= ROW_META_DIRTY;
	row.change++;
	if (n->state == NODE_LIVE) {
		e = edit_begin(view);
		edit_put(&e, n->id, &row);
		status = edit_commit(&e, &n->row_seq);
		if (status != EMR_OK)
			return status;
		n->has_row = true;
	}
	n->mode = row.mode;
	n->mtime_ns = row.mtime_ns;
	n->ctime_ns = row.ctime_ns;
	n->meta_dirty = true;
	mark_changed(view, n);
	return EMR_OK;
}

emr_status emr_view_set_attr(emr_view *view, uint64_t number, unsigned mask, const emr_attr *wanted,
	emr_attr *out_attr)
{
	emr_status status = EMR_OK;
	bool is_closed;
	node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n == NULL)
		status = EMR_NOT_FOUND;
	else if (mask != 0 && view->options.read_only)
		status = EMR_READ_ONLY;
	else if (mask != 0 && n->state == NODE_VIRTUAL)
		status = n->past != NULL || n == view->at_root ? EMR_READ_ONLY : EMR_DENIED;
	else if ((mask & EMR_SET_SIZE) && n->type != EMR_META_FILE)
		status = n->type == EMR_META_DIR ? EMR_IS_DIRECTORY : EMR_INVALID;
	else
		n->opens++;
	is_closed = status == EMR_OK && n->write_opens == 0;
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK)
		return status;
	if (mask & EMR_SET_SIZE)
		status = truncate_file(view, n, wanted->size_bytes);
	/* truncate(2) on a file that nobody has open: there will be no close. */
	if (status == EMR_OK && (mask & EMR_SET_SIZE) && is_closed)
		status = hand_out_finished(view, n, 0);
	pthread_mutex_lock(&view->lock);
	if (status == EMR_OK && (mask & (EMR_SET_MODE | EMR_SET_MTIME)))
		status = set_mode_and_time(view, n, mask, wanted);
	if (status == EMR_OK)
		tree_attr(n, out_attr);
	n->opens--;
	tree_release_if_unused(view, n);
	pthread_mutex_unlock(&view->lock);
	return status;
}
