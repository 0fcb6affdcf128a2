/* With the right to write, a person can change files in a folder that somebody else shares. This
 * file turns a record of that owner into a node that can be changed here, and copies its old bytes
 * while the share allows it. */
#include "foreign.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "view/received.h"

#include "compare.h"
#include "file.h"
#include "node.h"
#include "ops_tree.h"

#define COPY_BYTES (1024u * 1024)
#define BACKUP_WAIT_NS INT64_C(60000000000)

/* ---- another's record becomes one's own node ---- */

emr_place foreign_place_of(const shared_share *s, const shared_entry *e)
{
	emr_place place = {.domain = s->domain,
		.object = e->object,
		.record_id = e->record_id,
		.cver = e->cver,
		.version = e->version,
		.pversion = e->pversion,
		.padded = e->padded,
		.root = e->root};

	memcpy(place.r_pid, e->r_pid, sizeof place.r_pid);
	return place;
}

/* N's `shared` is kept where its bytes are, or freed. */
static void keep_shown(node *n)
{
	shared_at *at = n->shared;

	n->shared = NULL;
	if (node_file(n) == NULL) {
		free(at);
		return;
	}
	free(node_file(n)->shown);
	node_file(n)->shown = at;
}

void foreign_become(emr_view *view, node *n, const emr_place *place, node *directory, char *name)
{
	(void)tree_change_id(view, n, place->object); /* reserved: cannot fail */
	keep_shown(n);
	kind_change(n, &own_kind);
	n->is_published = true;
	tree_set_place(view, n, place);
	node_set_top_cver(n, place->cver);
	n->meta_dirty = n->content_dirty = n->has_row = n->is_domain = false;
	n->failure = EMR_OK;
	tree_attach_prepared(view, directory, name, n);
	tree_mark_local(n);
	view->shares->has_own = true;
}

static emr_status take_at(emr_view *view, node *n, shared_share *s, uint32_t entry)
{
	const shared_entry *e = &s->tree->entries[entry];
	char name[EMR_NAME_MAX + 1], *copy = NULL;
	emr_place place = foreign_place_of(s, e);
	node *directory;
	emr_status status = entry == FLAT_TOP ? foreign_file_place(view, s, &directory, name)
					      : union_place(view, s, entry, &directory, name);

	if (status == EMR_OK && node_is_file(n))
		status = tree_need_file(n);
	if (status == EMR_OK)
		status = tree_prepare(view, directory, name, &copy);
	if (status == EMR_OK)
		status = tree_reserve_ids(view, 1);
	if (status == EMR_OK)
		status = tree_need_place(view, &place);
	if (status == EMR_OK)
		foreign_become(view, n, &place, directory, copy);
	else
		free(copy);
	return status;
}

emr_status foreign_take(emr_view *view, node *n)
{
	shared_share *s = n->shared->share;
	emr_id16 shown = n->id;

	if (s == NULL || s->tree == NULL || n->shared->level != SHARED_RECORD ||
		n->shared->entry == FLAT_NONE)
		return EMR_NOT_FOUND;
	if (tree_by_id(view, s->tree->entries[n->shared->entry].object) !=
		NULL) /* the id of a record of another folder */
		return EMR_DENIED;
	EMR_TRY(take_at(view, n, s, n->shared->entry));
	if (n->type == EMR_META_DIR)
		tree_follow_directory(view, n, shown);
	return EMR_OK;
}

void foreign_note_made(emr_view *view, const node *n)
{
	if (view->shares == NULL || kind_top(n) == NULL)
		return;
	view->shares->has_own = true;
	view->shares->has_leaving =
		view->shares->has_leaving || (n->is_local && n->is_published && node_is_file(n));
}

emr_status foreign_prepare_change(emr_view *view, node *n, node_change what)
{
	if (kind_top(n) == NULL)
		return n->state == NODE_VIRTUAL ? EMR_READ_ONLY : EMR_OK;
	EMR_TRY(foreign_may_change(view, n, what));
	return shared_has(n) ? foreign_take(view, n) : EMR_OK;
}

bool foreign_is_below(const emr_view *view, const node *directory, const node *n)
{
	const node *at = directory, *top = kind_top(directory);
	const shared_share *s = top != NULL ? top->shared->share : NULL;
	uint32_t entry;

	if (tree_is_below(at, n))
		return true;
	if (s == NULL || s->tree == NULL)
		return false;
	for (entry = top->shared->entry; entry != FLAT_NONE && entry != FLAT_TOP;
		entry = s->tree->names.places[entry].parent) {
		const node *own = shared_own(view, s, s->tree->entries[entry].object);

		/* Taken, and perhaps moved: what it lies in counts, not where it was. */
		if (own != NULL)
			return foreign_is_below(view, own, n);
	}
	return false;
}

bool foreign_is_domain(const emr_view *view, emr_id16 domain)
{
	return view->shares != NULL && shared_of_domain(view, domain) != NULL;
}

/* ---- bytes ---- */

void foreign_note_cut(node *n)
{
	if (!shared_reads_theirs(n))
		return;
	/* Nobody had it open, but the kernel may know it and open it now. */
	if (tree_need_file(n) == EMR_OK) {
		node_file(n)->cut = shared_share_of(n);
		kind_change(n, &foreign_cut_kind);
	} else {
		emr_log(EMR_LOG_WARN, "shares: no memory for where a file without a name was");
	}
}

static emr_status copy_all(emr_content_reader *from, emr_staging *to, uint64_t size)
{
	EMR_AUTO_FREE uint8_t *data = malloc(COPY_BYTES);
	emr_status status = data != NULL ? EMR_OK : EMR_NO_MEMORY;
	uint64_t end = 0;

	/* Holes stay holes: a size that is claimed costs nothing. */
	for (uint64_t at = 0; at < size && status == EMR_OK;) {
		size_t want, got = 0;

		if (at == end) {
			status = emr_content_reader_seek(from, at, false, &at);
			if (status == EMR_NOT_FOUND || (status == EMR_OK && at >= size))
				return emr_staging_truncate(to, size);
			if (status == EMR_OK)
				status = emr_content_reader_seek(from, at, true, &end);
			if (status == EMR_OK && end > size)
				end = size;
		}
		want = end - at < COPY_BYTES ? (size_t)(end - at) : COPY_BYTES;
		if (status == EMR_OK)
			status = emr_content_reader_read(from, at, data, want, &got);
		if (status == EMR_OK && got == 0)
			status = EMR_DAMAGED;
		if (status == EMR_OK)
			status = emr_staging_write(to, at, data, got);
		at += got;
	}
	return status;
}

emr_status foreign_start_staging(emr_view *view, node *n, uint64_t size)
{
	emr_content_reader *reader = node_file(n)->reader;
	emr_status status;

	if (reader == NULL)
		return EMR_BUSY;
	/* Bytes that are not what was signed must not become one's own. */
	if (compare_of(view, &emr_content_reader_content(reader)->c) == COMPARE_DIFFERS) {
		tree_set_reader(node_file(n), NULL);
		return EMR_BUSY;
	}
	/* A right may end, and a restart knows no keys of others: a working copy must not rest on
	 * bytes that can be lost. */
	status = file_start_staging(view, n, 0);
	if (status == EMR_OK)
		status = copy_all(reader, node_file(n)->staging, size);
	if (status == EMR_OK)
		tree_set_reader(node_file(n), NULL); /* its key, too, is not needed any more */
	else if (node_file(n)->staging != NULL)
		file_end_staging(view, n);
	return status;
}

/* ---- an editor's backup: another's record under a name of scratch, and a new file under its own
 * ---- */

static void forget_answer(void *arg, emr_status status)
{
	(void)arg;
	(void)status;
}

/* The keys that a copy needs are asked for once at a time, and not for ever. */
static emr_status ask_for_bytes(emr_view *view, node *n)
{
	EMR_AUTO_BUF tell = {0};
	bool is_asked, is_late;
	emr_status status = EMR_OK;

	pthread_mutex_lock(&view->lock);
	is_asked = n->opens > 1; /* one is the publisher's */
	is_late = !is_asked && n->state == NODE_LIVE &&
		  view_now_ns(view) - n->ctime_ns > BACKUP_WAIT_NS;
	/* Nobody gives the bytes.  The copy goes, and the record with its new version does not wait
	 * for it. */
	if (is_late)
		status = shared_tell_later(&tell, n->parent->number, n->name);
	if (is_late && status == EMR_OK)
		status = remove_node(view, n);
	pthread_mutex_unlock(&view->lock);
	shared_tell(view, &tell);
	if (is_late)
		return status == EMR_OK ? EMR_BUSY : status;
	EMR_TRY(is_asked ? EMR_BUSY
			 : emr_view_await(
				   view, n->number, EMR_NEED_BYTES, NULL, forget_answer, NULL));
	return EMR_BUSY;
}

emr_status foreign_fetch(emr_view *view, node *n)
{
	emr_status status = EMR_OK;
	bool is_here;

	pthread_mutex_lock(&view->lock);
	status = tree_need_file(n);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK)
		return status;
	pthread_rwlock_wrlock(&node_file(n)->lock);
	is_here = node_file(n)->reader != NULL || node_file(n)->staging != NULL;
	if (is_here && node_file(n)->staging == NULL)
		status = foreign_start_staging(view, n, n->size);
	pthread_rwlock_unlock(&node_file(n)->lock);
	if (status != EMR_OK)
		return status;
	return is_here ? file_freeze(view, n) : ask_for_bytes(view, n);
}

bool foreign_is_heir(emr_view *view, const node *n)
{
	bool is_heir = false, has_leaving = false;

	if (view->shares == NULL || !view->shares->has_leaving || n->is_published ||
		!node_is_file(n) || kind_top(n) == NULL)
		return false;
	for (const node *at = NULL; (at = tree_next_elsewhere(view, at)) != NULL;) {
		if (!at->is_local || !at->is_published || at->was == NULL || at->failure != EMR_OK)
			continue;
		has_leaving = true;
		is_heir = is_heir || (emr_id16_equal(at->was->directory, n->parent->id) &&
					     strcmp(at->was->name, n->name) == 0);
	}
	view->shares->has_leaving = has_leaving;
	return is_heir;
}
