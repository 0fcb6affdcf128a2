/* This file brings back an earlier version of a file, or a deleted file.
 *
 * A file that is there gets the old bytes as a rename-over would give it new ones: a new node
 * takes the name, the old one serves programs that have it open, and publishing makes of it a
 * version of the same record, under the old number. */
#include "restore_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "settle/history.h"

#include "file.h"
#include "health.h"
#include "node.h"
#include "ops_tree.h"
#include "publish.h"
#include "signed.h"
#include "tree.h"

/* One item of a record's history, without its name. */
typedef struct step {
	emr_version v; /* meta NULL */
	uint64_t bytes;
} step;

/* ---- history ---- */

static const step *steps_of(const emr_buf *history, size_t *out_n)
{
	*out_n = history->len / sizeof(step);
	return (const step *)(const void *)history->data;
}

static emr_status history_of(emr_view *view, emr_id16 record_id, emr_buf *out)
{
	EMR_AUTO_VERSIONS all = emr_facts_record_history(view->options.facts, record_id);
	step s;

	while (emr_versions_next(&all, &s.v)) {
		s.bytes = s.v.meta->n;
		s.v.meta = NULL;
		/* Else the old place of a record that moved: says nothing of the record. */
		if (s.v.op != EMR_OP_UNLINK || !s.v.is_live)
			EMR_TRY(emr_buf_append(out, &s, sizeof s));
	}
	return all.status;
}

void restore_publish_first(emr_view *view)
{
	emr_status status;

	if (view_is_read_only(view) || !view_reaches_ledger(view))
		return;
	status = emr_view_publish_now(view);
	if (status == EMR_OK) /* what was sent is in the copy of the ledger after the next run */
		status = emr_view_publish_now(view);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "publishing around a restore: %s", emr_status_text(status));
}

/* ---- what is at PATH ---- */

static bool is_being_written(const node *n)
{
	return node_writers(n) != 0 || !n->is_published || n->content_dirty ||
	       (node_file(n) != NULL &&
		       (node_file(n)->staging != NULL || node_file(n)->has_content));
}

static emr_status look(restoring *r)
{
	emr_status status = EMR_OK;
	const node *n;
	EMR_LOCKED(&r->view->lock);

	n = tree_find(r->view, r->what->path);
	if (n != NULL && n->type == EMR_META_DIR)
		status = EMR_IS_DIRECTORY;
	else if (n != NULL && n->type == EMR_META_SYMLINK)
		status = EMR_INVALID;
	else if (n != NULL) {
		r->is_live = n->is_published;
		r->is_busy = is_being_written(n);
		r->live = node_place(n);
	}
	return status;
}

/* The entry of PATH in the folder as of UNTIL, or among what was deleted; r->tree is that tree
 * then.  EMR_NOT_FOUND. */
static emr_status find_in_past(
	restoring *r, uint64_t until, bool only_deleted, past_entry *out_entry)
{
	bool is_lent = only_deleted && r->lent != NULL;
	past_tree *tree = r->lent;
	uint32_t entry;

	EMR_TRY(is_lent ? EMR_OK
			: past_tree_build(
				  r->view, until, only_deleted ? PAST_DELETED : PAST_ALL, &tree));
	entry = flat_find(&tree->names, r->what->path);
	if (entry == FLAT_NONE || tree->entries[entry].type == EMR_META_DIR ||
		(only_deleted && !tree->entries[entry].is_gone)) {
		if (!is_lent)
			past_tree_free(tree);
		return EMR_NOT_FOUND;
	}
	if (r->tree != r->lent)
		past_tree_free(r->tree);
	r->tree = tree;
	*out_entry = tree->entries[entry];
	return EMR_OK;
}

/* The description META of PLACE becomes the owner's word when it comes back: it keeps the parts
 * that may be believed. */
static emr_status believe(
	const restoring *r, const emr_place *place, emr_meta *meta, writers_word *word)
{
	writers_forget(word);
	*word = (writers_word){.is_others = false};
	EMR_TRY(writers_judge(r->view, place, meta, word));
	return word->is_hidden ? EMR_NOT_FOUND : EMR_OK;
}

static emr_status read_version(
	restoring *r, emr_id16 domain, emr_id16 object, uint64_t version, uint64_t pversion)
{
	EMR_TRY(emr_facts_version(r->view->options.facts, domain, object, version, pversion,
		&r->place, &r->bytes, &r->meta));
	return believe(r, &r->place, &r->meta, &r->word);
}

/* ---- which version ---- */

static bool is_wanted(const emr_restore *what, const step *s)
{
	if (s->v.op == EMR_OP_UNLINK || s->v.place.pversion == 0)
		return false;
	if (what->cver != 0)
		return s->v.place.cver == what->cver;
	return what->until_unix_s == 0 || s->v.time_unix_s <= what->until_unix_s;
}

/* It was deleted here, and the ledger has not heard of it. */
static bool is_waiting(const restoring *r, emr_id16 object)
{
	EMR_LOCKED(&r->view->lock);

	return vacated_find(r->view, object) != NULL;
}

/* The last version of RECORD that fits.  EMR_RANGE. */
static emr_status pick(restoring *r, emr_id16 record_id)
{
	EMR_AUTO_BUF history = {0};
	const step *steps, *found = NULL;
	size_t n;

	EMR_TRY(history_of(r->view, record_id, &history));
	steps = steps_of(&history, &n);
	r->highest = 0;
	for (size_t i = 0; i < n; i++) {
		if (is_wanted(r->what, &steps[i]))
			found = &steps[i];
		if (steps[i].v.place.cver > r->highest &&
			steps[i].v.place.cver - r->highest <= EMR_CVER_JUMP)
			r->highest = steps[i].v.place.cver;
	}
	if (found == NULL)
		return EMR_RANGE;
	r->last = steps[n - 1].v.place;
	r->lives_elsewhere = steps[n - 1].v.is_live &&
			     !(r->is_live && emr_id16_equal(record_id, r->live.record_id)) &&
			     !is_waiting(r, r->last.object);
	return read_version(r, found->v.place.domain, found->v.place.object, found->v.described,
		found->v.place.pversion);
}

/* Finds the record that had the name PATH then, whatever became of it. */
static emr_status pick_by_name(restoring *r)
{
	past_entry e;
	emr_status status;

	if (r->what->until_unix_s == 0)
		return EMR_RANGE;
	status = find_in_past(r, r->what->until_unix_s, false, &e);
	if (status == EMR_OK)
		status = read_version(r, e.domain, e.object, e.version, e.pversion);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_RANGE : status;
	return r->meta.type == EMR_META_FILE ? pick(r, r->place.record_id) : EMR_OK;
}

static emr_status pick_deleted(restoring *r)
{
	past_entry e;

	EMR_TRY(find_in_past(r, UINT64_MAX, true, &e));
	EMR_TRY(read_version(r, e.domain, e.object, e.version, e.pversion));
	r->last = r->place;
	return r->meta.type == EMR_META_FILE ? pick(r, r->place.record_id) : EMR_OK;
}

static emr_status choose(restoring *r)
{
	bool is_said = r->what->until_unix_s != 0 || r->what->cver != 0;
	emr_status status;

	if (r->is_busy && r->what->to == NULL)
		return EMR_BUSY;
	if (r->is_live && !is_said && r->what->to == NULL)
		return EMR_INVALID;
	status = r->is_live ? pick(r, r->live.record_id) : pick_deleted(r);
	if (status != EMR_RANGE && status != EMR_NOT_FOUND)
		return status;
	if (!is_said)
		return status;
	/* The name was somebody else's then. */
	return pick_by_name(r) == EMR_OK ? EMR_OK : status;
}

/* ---- what is read before the tree is locked ---- */

/* The bytes with a key of this computer's own; opened once, so that nothing is changed for bytes
 * that are not there, or are not whose they say. */
static emr_status fetch_content(restoring *r)
{
	emr_record_ctx *records = r->view->options.records;
	emr_content_key *key = NULL;
	emr_content_reader *reader = NULL;
	emr_status status;

	if (r->meta.type != EMR_META_FILE)
		return EMR_OK;
	EMR_TRY(signed_content(r->view, &r->place, &r->content, &key));
	status = emr_content_keep_key(records, &r->content, key);
	if (status == EMR_OK)
		status = emr_content_reader_open(records, &r->content, key, &reader);
	emr_content_reader_free(reader);
	emr_content_key_free(key);
	return status;
}

emr_status restore_fetch_directories(restoring *r)
{
	const char *path = r->what->path, *slash;
	char above[EMR_NAME_MAX * 16];

	for (slash = strchr(path, '/'); slash != NULL && r->tree != NULL;
		slash = strchr(slash + 1, '/')) {
		old_directory *d = &r->above[r->depth];
		const past_entry *e;
		uint32_t entry;
		emr_status status;

		if (r->depth == DEPTH_MAX || (size_t)(slash - path) >= sizeof above)
			return EMR_LIMIT;
		memcpy(above, path, (size_t)(slash - path));
		above[slash - path] = 0;
		entry = flat_find(&r->tree->names, above);
		if (entry == FLAT_NONE)
			return EMR_NOT_FOUND;
		e = &r->tree->entries[entry];
		status = emr_facts_version(r->view->options.facts, e->domain, e->object, e->version,
			e->pversion, &d->place, &d->bytes, &d->meta);
		if (status == EMR_OK)
			status = believe(r, &d->place, &d->meta, &d->word);
		if (status != EMR_OK)
			return status;
		r->depth++;
	}
	return EMR_OK;
}

/* ---- the tree, under view->lock ---- */

static emr_status fill_node(node *n, const emr_meta *meta, int64_t now_ns)
{
	n->mode = meta->mode & 01777;
	n->mtime_ns = meta->mtime_ns;
	n->ctime_ns = now_ns;
	n->meta_dirty = true;
	if (n->type == EMR_META_SYMLINK) {
		n->target = strndup((const char *)meta->target.data, meta->target.len);
		EMR_TRY_MEMORY(n->target);
	}
	return tree_set_attributes(n, meta->xattrs);
}

/* N, new, takes the place NAME in DIRECTORY, of TARGET if there is one: in the journal, then in the
 * tree. */
static emr_status put_in_place(
	emr_view *view, node *n, node *directory, const char *name, node *target)
{
	vacated *v = NULL;
	char *copy;
	node_row row;
	emr_status status;

	edit e;

	EMR_TRY(tree_prepare(view, directory, name, &copy));
	row = row_of_node(n);
	row.parent = directory->id;
	row.name = emr_bytes_of(name, strlen(name));
	e = edit_begin(view);
	edit_put(&e, n->id, &row);
	if (n->is_published)
		edit_unvacate(&e, n->id);
	if (node_file(n) != NULL)
		edit_pin(&e, &node_file(n)->content->c, n->id, EMR_PIN_WRITTEN);
	if (target != NULL)
		edit_remove(&e, target, &v);
	status = edit_commit_node(&e, n);
	if (status != EMR_OK) {
		free(v);
		free(copy);
		return status;
	}
	if (target != NULL)
		finish_remove(view, target, v);
	if (n->is_published)
		vacated_drop(view, n->id);
	tree_attach_prepared(view, directory, copy, n);
	n->has_row = true;
	tree_mark_local(n);
	touch_directory(view, directory);
	mark_changed(view, n);
	return EMR_OK;
}

/* Whether the object of PLACE may live again in DIRECTORY: it is nowhere else, and this is its
 * domain. */
static bool may_live_again(
	const emr_view *view, const emr_place *place, emr_meta_type type, const node *directory)
{
	bool is_root_object = emr_id16_equal(place->object, place->domain);
	const vacated *v = vacated_find(view, place->object);

	if (emr_id16_is_zero(place->object) || tree_by_id(view, place->object) != NULL)
		return false;
	if (v != NULL && v->is_sent) /* the ledger may end it at any moment */
		return false;
	if (type == EMR_META_DIR && directory == view->root)
		return is_root_object;
	return !is_root_object && emr_id16_equal(place->domain, tree_domain(directory));
}

static emr_status add_directory(emr_view *view, node *directory, const char *name,
	const old_directory *old, node **out_node)
{
	bool again = may_live_again(view, &old->place, EMR_META_DIR, directory);
	node *n;
	emr_status status;

	EMR_TRY(check_new_name(view, directory, name));
	EMR_TRY(tree_new_node(
		view, EMR_META_DIR, again ? old->place.object : emr_id16_random(), 0, &n));
	n->is_domain = directory == view->root && view_makes_domains(view);
	status = tree_need_place(view, &old->place);
	if (status == EMR_OK && again) {
		n->is_published = true;
		tree_set_place(view, n, &old->place);
	}
	if (status == EMR_OK)
		status = fill_node(n, &old->meta, view_now_ns(view));
	if (status == EMR_OK)
		status = put_in_place(view, n, directory, name, NULL);
	if (status == EMR_OK)
		*out_node = n;
	else
		tree_free_node(view, n);
	return status;
}

emr_status restore_find_parent(
	restoring *r, const char *path, node **out_directory, const char **out_name)
{
	emr_view *view = r->view;
	node *directory = view->root;
	char name[EMR_NAME_MAX + 1];
	const char *slash;
	size_t depth = 0;

	for (; (slash = strchr(path, '/')) != NULL; path = slash + 1, depth++) {
		node *next;

		if ((size_t)(slash - path) > EMR_NAME_MAX)
			return EMR_NOT_FOUND;
		memcpy(name, path, (size_t)(slash - path));
		name[slash - path] = 0;
		next = tree_child(view, directory, name);
		if (next == NULL && (depth >= r->depth || r->what->to != NULL))
			return EMR_NOT_FOUND;
		if (next == NULL)
			EMR_TRY(add_directory(view, directory, name, &r->above[depth], &next));
		if (next->type != EMR_META_DIR)
			return EMR_NOT_DIRECTORY;
		directory = next;
	}
	*out_directory = directory;
	*out_name = path;
	return EMR_OK;
}

/* The node that is to stand in DIRECTORY instead of TARGET. */
static emr_status make_node(
	restoring *r, const node *directory, const node *target, node **out_node)
{
	emr_view *view = r->view;
	bool same_record = r->is_live && emr_id16_equal(r->live.record_id, r->place.record_id);
	bool is_new = r->what->to != NULL || r->lives_elsewhere || (target != NULL && !same_record);
	bool again = !is_new && target == NULL &&
		     may_live_again(view, &r->last, r->meta.type, directory);
	node *n;
	emr_status status;

	EMR_TRY(tree_new_node(
		view, r->meta.type, again ? r->last.object : emr_id16_random(), 0, &n));
	status = fill_node(n, &r->meta, view_now_ns(view));
	if (status == EMR_OK && node_is_file(n))
		status = tree_need_content(n); /* and `file`, which has its top_cver */
	if (status == EMR_OK && again)
		status = tree_need_place(view, &r->last);
	if (status == EMR_OK && again) {
		n->is_published = true;
		tree_set_place(view, n, &r->last);
		node_set_top_cver(n, r->highest);
	}
	if (status == EMR_OK && node_file(n) != NULL) {
		n->size = r->content.n;
		*node_file(n)->content = r->content;
		tree_note_stored(n, &r->content);
		node_file(n)->has_content = true;
		n->content_dirty = true;
	}
	if (status == EMR_OK && node_file(n) != NULL && !is_new) {
		node_file(n)->restored = malloc(sizeof *node_file(n)->restored);
		if (node_file(n)->restored == NULL)
			status = EMR_NO_MEMORY;
		else
			*node_file(n)->restored = r->place;
	}
	if (status == EMR_OK)
		*out_node = n;
	else
		tree_free_node(view, n);
	return status;
}

/* Still the file that was looked at, and nobody writes it. */
static bool is_same_target(const restoring *r, const node *target)
{
	return target != NULL && target->type == EMR_META_FILE && !is_being_written(target) &&
	       emr_id16_equal(node_object(target), r->live.object) &&
	       node_place(target).cver == r->live.cver;
}

static emr_status bring_back(restoring *r)
{
	emr_view *view = r->view;
	bool replaces = r->is_live && r->what->to == NULL;
	const char *name;
	node *directory, *target, *n;
	emr_status status;

	if (view->options.read_only)
		return EMR_READ_ONLY;
	if (erase_has(view, r->place.object))
		return EMR_NOT_FOUND;
	EMR_TRY(restore_find_parent(
		r, r->what->to != NULL ? r->what->to : r->what->path, &directory, &name));
	EMR_TRY(check_new_name(view, directory, name));
	target = tree_child(view, directory, name);
	if (replaces && !is_same_target(r, target))
		return EMR_BUSY;
	if (!replaces && target != NULL)
		return EMR_EXISTS;
	EMR_TRY(make_node(r, directory, target, &n));
	status = put_in_place(view, n, directory, name, target);
	if (status == EMR_OK)
		r->parent = directory->number;
	else
		tree_free_node(view, n);
	return status;
}

/* ---- the whole of it ---- */

void restore_tell_kernel(const restoring *r)
{
	const emr_view_options *o = &r->view->options;
	const char *path = r->what->to != NULL ? r->what->to : r->what->path,
		   *name = strrchr(path, '/');
	char part[EMR_NAME_MAX + 1];
	uint64_t directory = EMR_ROOT_NODE;
	emr_attr attr;

	if (o->changed == NULL)
		return;
	/* Directories that came back, too: every name on the way. */
	for (const char *at = path, *slash; (slash = strchr(at, '/')) != NULL; at = slash + 1) {
		char up[EMR_NAME_MAX * 16];

		if ((size_t)(slash - path) >= sizeof up || (size_t)(slash - at) > EMR_NAME_MAX)
			break;
		memcpy(part, at, (size_t)(slash - at));
		part[slash - at] = 0;
		memcpy(up, path, (size_t)(slash - path));
		up[slash - path] = 0;
		if (r->depth > 0)
			o->changed(o->changed_arg, directory, part);
		if (emr_view_find(r->view, up, &attr) == EMR_OK)
			directory = attr.node;
	}
	o->changed(o->changed_arg, r->parent, name != NULL ? name + 1 : path);
	o->changed(o->changed_arg, r->parent, NULL);
}

static bool is_there_already(const restoring *r)
{
	return r->is_live && r->what->to == NULL &&
	       emr_id16_equal(r->live.record_id, r->place.record_id) &&
	       r->live.cver == r->place.cver;
}

static emr_status restore(restoring *r, emr_restored *out)
{
	emr_status status;

	EMR_TRY(look(r));
	EMR_TRY(choose(r));
	out->cver = r->place.cver;
	out->bytes = r->meta.type == EMR_META_FILE ? r->meta.n : 0;
	out->is_unchanged = is_there_already(r);
	if (out->is_unchanged)
		return EMR_OK;
	EMR_TRY(fetch_content(r));
	EMR_TRY(restore_fetch_directories(r));
	pthread_mutex_lock(&r->view->lock);
	status = bring_back(r);
	pthread_mutex_unlock(&r->view->lock);
	if (status != EMR_OK)
		return status;
	restore_tell_kernel(r);
	return EMR_OK;
}

void restore_end(restoring *r)
{
	for (size_t i = 0; i < DEPTH_MAX; i++) {
		emr_buf_free(&r->above[i].bytes);
		writers_forget(&r->above[i].word);
	}
	emr_buf_free(&r->bytes);
	writers_forget(&r->word);
	if (r->tree != r->lent)
		past_tree_free(r->tree);
	free(r);
}

emr_status restore_one(
	emr_view *view, const emr_restore *what, past_tree *lent, emr_restored *out_restored)
{
	restoring *r = calloc(1, sizeof *r);
	emr_restored restored = {0};
	emr_status status;

	EMR_TRY_MEMORY(r);
	r->view = view;
	r->what = what;
	r->lent = lent;
	status = restore(r, &restored);
	restore_end(r);
	if (status == EMR_OK)
		*out_restored = restored;
	return status;
}

emr_status emr_view_restore(emr_view *view, const emr_restore *what, emr_restored *out_restored)
{
	restore_publish_first(view);
	EMR_TRY(restore_one(view, what, NULL, out_restored));
	if (!out_restored->is_unchanged)
		restore_publish_first(view);
	return EMR_OK;
}

/* ---- listing ---- */

/* Step I gave the file these bytes.  A move is the same version in another place. */
static bool comes_at(const step *steps, size_t i)
{
	const emr_version *at = &steps[i].v, *before = i > 0 ? &steps[i - 1].v : NULL;

	return at->is_live && (before == NULL || !before->is_live || at->op == EMR_OP_PUT ||
				      at->place.cver != before->place.cver);
}

static emr_status tell_steps(const emr_buf *history, bool is_live, emr_buf *out)
{
	size_t n, last = 0;
	const step *steps = steps_of(history, &n);

	for (size_t i = 0; i < n; i++)
		if (comes_at(steps, i))
			last = i;
	for (size_t i = 0; i < n; i++) {
		bool goes = !steps[i].v.is_live && i > 0 && steps[i - 1].v.is_live;
		const emr_file_version v = {.cver = steps[i].v.place.cver,
			.bytes = steps[i].bytes,
			.signer_id = steps[i].v.signer_id,
			.seq = steps[i].v.seq,
			.time_unix_s = steps[i].v.time_unix_s,
			.is_deletion = goes,
			.is_current = is_live && i == last};

		if (goes || comes_at(steps, i))
			EMR_TRY(emr_buf_append(out, &v, sizeof v));
	}
	return EMR_OK;
}

/* A folder that was deleted, which has no versions of its own, or nothing at all. */
static emr_status no_file_of(const restoring *r)
{
	past_tree *tree;
	emr_status status;

	uint32_t entry;

	EMR_TRY(past_tree_build(r->view, UINT64_MAX, PAST_DELETED_WITH_EMPTY, &tree));
	entry = flat_find(&tree->names, r->what->path);
	status = entry != FLAT_NONE && tree->entries[entry].type == EMR_META_DIR ? EMR_IS_DIRECTORY
										 : EMR_NOT_FOUND;
	past_tree_free(tree);
	return status;
}

static emr_status list(restoring *r, emr_buf *out)
{
	EMR_AUTO_BUF history = {0};
	past_entry e;
	emr_status status = look(r);

	if (status == EMR_OK && !r->is_live && r->is_busy)
		return EMR_OK; /* nothing of it is published */
	if (status == EMR_OK && !r->is_live) {
		status = find_in_past(r, UINT64_MAX, true, &e);
		if (status == EMR_NOT_FOUND)
			status = no_file_of(r);
		if (status == EMR_OK && e.type != EMR_META_FILE)
			status = EMR_INVALID;
		if (status == EMR_OK)
			status = read_version(r, e.domain, e.object, e.version, e.pversion);
	}
	if (status == EMR_OK)
		status = history_of(
			r->view, r->is_live ? r->live.record_id : r->place.record_id, &history);
	return status == EMR_OK ? tell_steps(&history, r->is_live, out) : status;
}

emr_status emr_view_versions(emr_view *view, const char *path, emr_buf *out)
{
	const emr_restore what = {.path = path};
	restoring *r = calloc(1, sizeof *r);
	emr_status status;

	EMR_TRY_MEMORY(r);
	r->view = view;
	r->what = &what;
	restore_publish_first(view);
	status = list(r, out);
	restore_end(r);
	return status;
}
