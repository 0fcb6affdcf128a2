/* A record's bytes may lie under names of scratch, too: a file manager threw the file away, or an
 * editor kept what it wrote over. This file finds those files, so that they are erased with the
 * record, and others of whose bytes it cannot tell, so that a person is told. It changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/unixfs.h"

#include "node.h"
#include "publish.h"
#include "tree.h"

#define INFO ".trashinfo" /* the note beside what was thrown away: where it was, and when */

typedef struct finding {
	const emr_buf *objects, *records;
	scratch_found *out;
} finding;

static bool goes(const finding *w, emr_id16 object)
{
	return erasing_find((erasing *)(void *)w->objects->data, w->objects->len / sizeof(erasing),
		       object) != NULL;
}

static int by_root(const void *a, const void *b)
{
	return memcmp(((const scratch_file *)a)->root.b, ((const scratch_file *)b)->root.b,
		sizeof(emr_cid));
}

/* ---- what there is ---- */

/* Of a working copy nobody can tell, and what has no bytes is nobody's. */
static bool has_root(const file *f)
{
	bool is_hole = false;

	if (f == NULL || !f->has_content || f->staging != NULL || f->content->n == 0)
		return false;
	for (unsigned level = 0; level < EMR_UNIXFS_HOLE_LEVELS; level++)
		is_hole |= emr_unixfs_is_hole(&f->content->c, level);
	return !is_hole;
}

/* Under view->lock. */
static emr_status note_file(const finding *w, const node *n)
{
	EMR_AUTO_FREE char *path = tree_path(n);
	/* A file that became a record goes with its own erasure only, but a person is told of it.
	 */
	const file *f = n->is_local && !n->is_published ? node_file(n) : NULL;
	scratch_file one = {.node = n->number,
		.id = n->id,
		.path = w->out->paths.len,
		.is_in_trash = heirs_is_in_trash(n)};

	EMR_TRY_MEMORY(path);
	if (has_root(f))
		one.root = f->content->c;
	one.is_same = f != NULL && f->has_content && f->restored != NULL && w->records->len > 0 &&
		      bsearch(&f->restored->record_id, w->records->data,
			      w->records->len / sizeof(emr_id16), sizeof(emr_id16),
			      tree_compare_ids) != NULL;
	EMR_TRY(emr_buf_append(&w->out->paths, path, strlen(path) + 1));
	return emr_buf_append(&w->out->files, &one, sizeof one);
}

static emr_status note_all(emr_view *view, const finding *w)
{
	emr_status status = EMR_OK;
	EMR_LOCKED(&view->lock);

	for (const node *n = NULL;
		status == EMR_OK && (n = tree_next_awake(view->root, n)) != NULL;)
		if (node_is_file(n) && n->state == NODE_LIVE && !goes(w, n->id) &&
			((n->is_local && !n->is_published) || emr_name_is_local(n->name)))
			status = note_file(w, n);
	return status;
}

/* ---- which have the bytes ---- */

static emr_status note_owned(void *arg, const emr_pin *pin)
{
	const finding *w = arg;

	return goes(w, pin->owner) ? emr_buf_append(&w->out->roots, &pin->root, sizeof pin->root)
				   : EMR_OK;
}

/* The same sealed bytes have the same name. */
static emr_status compare_block(void *arg, const emr_cid *cid)
{
	const finding *w = arg;
	scratch_file key = {.root = *cid}, *all = (void *)w->out->files.data, *found;
	size_t n = w->out->files.len / sizeof key;

	found = bsearch(&key, all, n, sizeof key, by_root);
	while (found != NULL && found > all && by_root(found - 1, &key) == 0)
		found--;
	for (; found != NULL && found < all + n && by_root(found, &key) == 0; found++)
		found->is_same = true;
	return EMR_OK;
}

/* ---- which are found by a path ---- */

typedef struct named {
	const char *name; /* by which they are ordered first, then by their directories */
	const char *in;	  /* the path; IN_LEN of it is the directory */
	size_t in_len;
	scratch_file *file; /* NULL: it is no file of scratch */
} named;

static named named_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	return (named){.name = name, .in = path, .in_len = (size_t)(name - path)};
}

static int compare_directories(const named *a, const named *b)
{
	int order = memcmp(a->in, b->in, a->in_len < b->in_len ? a->in_len : b->in_len);

	return order != 0 ? order : (a->in_len > b->in_len) - (a->in_len < b->in_len);
}

static int by_name(const void *a, const void *b)
{
	int names = strcmp(((const named *)a)->name, ((const named *)b)->name);

	return names != 0 ? names : compare_directories(a, b);
}

/* "DIR/files/NAME" has its note in "DIR/info/NAME.trashinfo". */
static emr_status take_notes(const finding *w)
{
	const char *paths = (const char *)w->out->paths.data;
	EMR_AUTO_BUF all = {0};

	EMR_EACH (scratch_file, one, &w->out->files) {
		named n = named_of(paths + one->path);

		n.file = one;
		EMR_TRY(emr_buf_append(&all, &n, sizeof n));
	}
	emr_buf_sort(&all, sizeof(named), by_name);
	EMR_EACH (const scratch_file, thrown, &w->out->files) {
		const char *path = paths + thrown->path, *name = strrchr(path, '/');
		EMR_AUTO_FREE char *note = NULL;
		size_t top = name != NULL ? (size_t)(name - path) : 0;
		const named *found;
		named key;

		if (!thrown->is_same || !thrown->is_in_trash || top < strlen("/files") ||
			strncmp(name - strlen("/files"), "/files", strlen("/files")) != 0)
			continue;
		if (asprintf(&note, "%.*s/info%s" INFO, (int)(top - strlen("/files")), path, name) <
			0) {
			note = NULL;
			return EMR_NO_MEMORY;
		}
		key = named_of(note);
		found = bsearch(&key, all.data, all.len / sizeof key, sizeof key, by_name);
		if (found != NULL && !found->file->is_same)
			found->file->is_same = found->file->is_note = true;
	}
	return EMR_OK;
}

emr_status scratch_find(
	emr_view *view, const emr_buf *objects, const emr_buf *records, scratch_found *out)
{
	const finding w = {.objects = objects, .records = records, .out = out};

	EMR_TRY(note_all(view, &w));
	if (out->files.len == 0)
		return EMR_OK;
	emr_buf_sort(&out->files, sizeof(scratch_file), by_root);
	EMR_TRY(emr_store_each_pin(view->options.store, note_owned, (void *)(uintptr_t)&w));
	EMR_EACH (const emr_cid, root, &out->roots) {
		emr_status status = emr_store_walk_here(emr_store_blocks(view->options.store), root,
			compare_block, (void *)(uintptr_t)&w);

		/* Another's bytes keep nobody from erasing, however they are put together. */
		if (status != EMR_OK && status != EMR_DAMAGED)
			return status;
	}
	return take_notes(&w);
}

/* ---- what another computer erased ---- */

/* Those whose rows E say that; a person here was asked about the others, and their files too. */
static emr_status note_begun_elsewhere(emr_view *view, emr_buf *out_objects)
{
	emr_status status = EMR_OK;
	EMR_LOCKED(&view->lock);

	for (size_t i = 0; i < view->erasing.n && status == EMR_OK; i++) {
		const erasing *what = &view->erasing.list[i];

		if (what->is_local && !emr_id16_is_zero(what->domain))
			status = emr_buf_append(out_objects, what, sizeof *what);
	}
	return status;
}

node *scratch_node(emr_view *view, const scratch_file *one)
{
	static const emr_cid none;
	node *n = tree_by_number(view, one->node);
	const file *f = n != NULL ? node_file(n) : NULL;

	return n != NULL && n->is_local && n->state == NODE_LIVE && !n->in_run &&
			       node_writers(n) == 0 && emr_id16_equal(n->id, one->id) &&
			       emr_cid_equal(has_root(f) ? &f->content->c : &none, &one->root)
		       ? n
		       : NULL;
}

/* EMR_BUSY: somebody writes it, or wrote, moved or removed it since the look; a later try looks
 * again. */
static emr_status begin_one(emr_view *view, const scratch_file *one)
{
	char name[EMR_NAME_MAX + 1];
	uint64_t parent = 0;
	emr_status status = EMR_BUSY;
	node *n;

	pthread_mutex_lock(&view->lock);
	n = scratch_node(view, one);
	if (n != NULL) {
		parent = n->parent->number;
		memcpy(name, n->name, strlen(n->name) + 1);
		status = erase_begun_elsewhere(view, (emr_id16){{0}}, one->id);
		if (status == EMR_OK)
			status = erase_node(view, n);
	}
	pthread_mutex_unlock(&view->lock);
	if (parent != 0)
		emr_view_tell_entry(view, parent, name);
	return status;
}

emr_status scratch_follow(emr_view *view)
{
	EMR_AUTO_BUF objects = {0};
	const emr_buf no_records = {0};
	scratch_found all = {0};
	emr_status status = note_begun_elsewhere(view, &objects);

	if (status == EMR_OK && objects.len > 0) {
		erasing_sort((erasing *)(void *)objects.data, objects.len / sizeof(erasing));
		status = scratch_find(view, &objects, &no_records, &all);
	}
	EMR_EACH (const scratch_file, one, &all.files)
		if (status == EMR_OK && one->is_same)
			status = begin_one(view, one);
	scratch_free(&all);
	return status;
}

/* ---- which may have some ---- */

/* The names of what is erased. */
typedef struct kin {
	emr_buf names;			/* of named */
	emr_buf tails;			/* the same without their first two letters */
	bool lengths[EMR_NAME_MAX + 1]; /* which names have */
} kin;

static void kin_end(kin *k)
{
	emr_buf_free(&k->names);
	emr_buf_free(&k->tails);
}

static emr_status kin_begin(kin *k, const emr_buf *erased)
{
	for (size_t at = 0; at < erased->len; at += strlen((const char *)erased->data + at) + 1) {
		named one = named_of((const char *)erased->data + at);
		size_t len = strlen(one.name);

		EMR_TRY(emr_buf_append(&k->names, &one, sizeof one));
		one.name += len > 2 ? 2 : len;
		EMR_TRY(emr_buf_append(&k->tails, &one, sizeof one));
		if (len <= EMR_NAME_MAX)
			k->lengths[len] = true;
	}
	emr_buf_sort(&k->names, sizeof(named), by_name);
	emr_buf_sort(&k->tails, sizeof(named), by_name);
	return EMR_OK;
}

/* Whether LIST has the first LEN letters of WANTED's name, in its directory or IS_ANYWHERE. */
static bool kin_has(const emr_buf *list, const named *wanted, size_t len, bool is_anywhere)
{
	const named *all = (const named *)(const void *)list->data;
	size_t low = 0, high = list->len / sizeof *all;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strncmp(all[middle].name, wanted->name, len);

		if (order == 0)
			order = all[middle].name[len] != '\0';
		if (order == 0 && !is_anywhere)
			order = compare_directories(&all[middle], wanted);
		if (order == 0)
			return true;
		low = order < 0 ? middle + 1 : low;
		high = order > 0 ? middle : high;
	}
	return false;
}

static bool is_kin(const kin *k, const char *path, bool is_in_trash)
{
	named one = named_of(path);
	size_t n = strlen(one.name);
	/* Word puts its two letters over the name's first two. */
	const bool is_words = n > 2 && strncmp(one.name, "~$", 2) == 0;

	for (size_t at = 0; at < n; at++, one.name++) {
		if (at == 2 && is_words && kin_has(&k->tails, &one, n - at, is_in_trash))
			return true;
		for (size_t len = 1; len <= n - at; len++)
			if (k->lengths[len] && kin_has(&k->names, &one, len, is_in_trash))
				return true;
	}
	return false;
}

emr_status scratch_find_kin(scratch_found *s, const emr_buf *erased)
{
	__attribute__((cleanup(kin_end))) kin k = {.names = {0}};

	EMR_TRY(kin_begin(&k, erased));
	EMR_EACH (scratch_file, one, &s->files)
		one->is_kin = is_kin(&k, scratch_path(s, one), one->is_in_trash);
	return EMR_OK;
}

void scratch_free(scratch_found *s)
{
	emr_buf_free(&s->files);
	emr_buf_free(&s->paths);
	emr_buf_free(&s->roots);
}
