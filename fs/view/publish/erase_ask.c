/* A person asks for something to be erased: this file finds the objects of it, on the ledger and
 * here. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "crypto/hashsig.h"

#include "erase_ask.h"
#include "health.h"
#include "node.h"
#include "past_tree.h"

#define PUBLISH_TRIES 8
#define DELETED ".emrfs/deleted"

static void add(asking *a, emr_buf *list, const void *item, size_t size)
{
	if (a->status == EMR_OK)
		a->status = emr_buf_append(list, item, size);
}

static void add_object(asking *a, emr_id16 domain, emr_id16 object, bool is_local)
{
	const erasing what = {.object = object, .domain = domain, .is_local = is_local};

	add(a, &a->objects, &what, sizeof what);
}

static void add_path(asking *a, char *path)
{
	if (path == NULL)
		a->status = EMR_NO_MEMORY;
	else
		add(a, &a->paths, path, strlen(path) + 1);
	free(path);
}

static void add_record(asking *a, emr_id16 record_id)
{
	if (!emr_id16_is_zero(record_id))
		add(a, &a->records, &record_id, sizeof record_id);
}

/* ---- what is there ---- */

static void note_node(asking *a, const node *n)
{
	a->has_inbox |= n->is_inbox;
	a->is_written |= node_writers(n) != 0;
	a->is_in_run |= n->in_run;
	if (n->type == EMR_META_DIR)
		a->erased.directories++;
	else
		a->erased.live++;
	add(a, &a->nodes, &n->number, sizeof n->number);
	if (!n->is_published) {
		add_object(a, (emr_id16){{0}}, n->id, true);
		return;
	}
	add_object(a, node_domain(n), node_object(n), false);
	if (n->type == EMR_META_FILE)
		add_record(a, node_place(n).record_id);
}

/* Records that wait for an heir, or for their end: which had the name that N has, or lay in it. */
static void note_vacated(asking *a, const node *n)
{
	for (const vacated *v = a->view->vacated; v != NULL; v = v->next) {
		const node *directory = tree_directory_by_id(a->view, v->directory);
		bool had_name = directory == n->parent && strcmp(v->name, n->name) == 0;

		if (directory == NULL || !(had_name || tree_is_below(directory, n)))
			continue;
		add_object(a, v->place.domain, v->place.object, false);
		if (v->type == EMR_META_FILE)
			add_record(a, v->place.record_id);
	}
}

/* Under view->lock.  EMR_NOT_FOUND: nothing is at PATH now. */
static emr_status note_living(asking *a)
{
	node *n = a->only_deleted ? NULL : tree_find(a->view, a->path);

	if (n == NULL)
		return EMR_NOT_FOUND;
	if (n == a->view->root || n->state != NODE_LIVE)
		return EMR_DENIED;
	for (const node *at = NULL; (at = tree_next_below(n, at)) != NULL;)
		note_node(a, at);
	note_vacated(a, n);
	add_path(a, kind_path(n));
	if (a->has_inbox)
		return EMR_DENIED;
	if (a->is_written || a->is_in_run)
		return EMR_BUSY;
	return a->status;
}

/* ---- what was deleted ---- */

static bool is_below(const past_tree *tree, uint32_t entry, uint32_t top)
{
	while (entry != top && entry != FLAT_TOP)
		entry = tree->names.places[entry].parent;
	return entry == top;
}

/* The time is the one of the deletion's own entry: what is erased does not come back. */
static bool was_deleted_in_time(asking *a, const past_entry *e)
{
	EMR_AUTO_BUF bytes = {0};
	emr_facts *facts = a->view->options.facts;
	emr_part_key at = {.family = EMR_FAMILY_OBJECT, .domain = e->domain, .object = e->object};
	emr_replica_item last;
	emr_replica_head head;

	if (a->what->until_unix_s == 0)
		return true;
	/* Where the ledger still has the record, it was deleted just now. */
	if (emr_facts_head(facts, e->domain, e->object, &head) != EMR_OK ||
		head.state == EMR_OBJECT_LIVE)
		return false;
	at.version = head.version;
	return emr_facts_item(facts, &at, &bytes, &last) == EMR_OK &&
	       last.ledger_time <= a->what->until_unix_s;
}

static void note_entry(asking *a, const past_entry *e)
{
	EMR_AUTO_BUF bytes = {0};
	emr_place place;
	emr_meta meta;

	a->erased.deleted++;
	add_object(a, e->domain, e->object, false);
	if (e->type != EMR_META_FILE || a->status != EMR_OK)
		return;
	a->status = emr_facts_version(a->view->options.facts, e->domain, e->object, e->version,
		e->pversion, &place, &bytes, &meta);
	if (a->status == EMR_OK)
		add_record(a, place.record_id);
}

/* A directory that was deleted goes with the last deleted thing in it. */
static void note_directories(asking *a, const past_tree *tree, const bool *stays)
{
	for (uint32_t i = 1; i < tree->names.count; i++) {
		const past_entry *e = &tree->entries[i];

		if (e->type != EMR_META_DIR || !e->is_gone || stays[i])
			continue;
		a->erased.directories++;
		add_object(a, e->domain, e->object, false);
	}
}

static emr_status note_in_tree(asking *a, const past_tree *tree, uint32_t top)
{
	const flat_place *places = tree->names.places;
	EMR_AUTO_FREE bool *stays = calloc(tree->names.count, sizeof *stays);

	EMR_TRY_MEMORY(stays);
	for (uint32_t i = 1; i < tree->names.count && a->status == EMR_OK; i++) {
		const past_entry *e = &tree->entries[i];
		bool goes = is_below(tree, i, top);

		if (e->type == EMR_META_DIR) {
			stays[i] = stays[i] || !goes;
			continue;
		}
		goes = goes && e->is_gone && was_deleted_in_time(a, e);
		if (goes) {
			note_entry(a, e);
			add_path(a, flat_path(&tree->names, i));
		}
		for (uint32_t up = places[i].parent; !goes && up != FLAT_TOP;
			up = places[up].parent)
			stays[up] = true;
	}
	note_directories(a, tree, stays);
	return a->status;
}

static emr_status note_deleted(asking *a)
{
	past_tree *tree;
	uint32_t top;
	emr_status status;

	EMR_TRY(past_tree_build(a->view, UINT64_MAX, PAST_DELETED, &tree));
	top = a->path == NULL ? FLAT_TOP : flat_find(&tree->names, a->path);
	status = top == FLAT_NONE || (a->path != NULL && top == FLAT_TOP)
			 ? EMR_NOT_FOUND
			 : note_in_tree(a, tree, top);
	past_tree_free(tree);
	return status;
}

/* ---- every object that those records have had ---- */

static emr_status note_former_objects(asking *a)
{
	EMR_AUTO_VERSIONS all = {.status = EMR_OK};
	emr_version v;

	if (a->records.len == 0)
		return EMR_OK;
	emr_buf_sort(&a->records, sizeof(emr_id16), tree_compare_ids);
	all = emr_facts_as_of(a->view->options.facts, UINT64_MAX, true);
	while (a->status == EMR_OK && emr_versions_next(&all, &v))
		if (!emr_id16_is_zero(v.place.record_id) &&
			bsearch(&v.place.record_id, a->records.data,
				a->records.len / sizeof(emr_id16), sizeof(emr_id16),
				tree_compare_ids) != NULL)
			add_object(a, v.place.domain, v.place.object, false);
	return a->status == EMR_OK ? all.status : a->status;
}

/* Each object once. */
static void sort_objects(asking *a)
{
	erasing *all = (erasing *)(void *)a->objects.data;
	size_t n = a->objects.len / sizeof *all, kept = 0;

	erasing_sort(all, n);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !emr_id16_equal(all[kept - 1].object, all[i].object))
			all[kept++] = all[i];
	a->objects.len = kept * sizeof *all;
}

/* The same bytes go, too. */
static emr_status note_scratch(asking *a)
{
	scratch_found all = {0};
	emr_status status = scratch_find(a->view, &a->objects, &a->records, &all);

	if (status == EMR_OK)
		status = scratch_find_kin(&all, &a->paths);
	EMR_EACH (const scratch_file, one, &all.files) {
		if (status != EMR_OK)
			break;
		if (one->is_kin && !one->is_same)
			add(a, &a->stays, scratch_path(&all, one),
				strlen(scratch_path(&all, one)) + 1);
		if (one->is_same) {
			add(a, &a->scratch, one, sizeof *one);
			add_object(a, (emr_id16){{0}}, one->id, true);
		}
		a->erased.scratch += one->is_same && !one->is_note;
	}
	scratch_free(&all);
	sort_objects(a);
	return status == EMR_OK ? a->status : status;
}

static emr_status look(asking *a)
{
	emr_status living = EMR_NOT_FOUND, deleted;
	EMR_AUTO_BUF unreadable = {0};

	if (a->what->unreadable) {
		deleted = emr_facts_unreadable_objects(a->view->options.facts, &unreadable);
		EMR_EACH (const emr_named_object, one, &unreadable) {
			a->erased.deleted++;
			add_object(a, one->domain, one->object, false);
		}
		sort_objects(a);
		return deleted == EMR_OK ? a->status : deleted;
	}
	if (a->path != NULL) {
		pthread_mutex_lock(&a->view->lock);
		living = note_living(a);
		pthread_mutex_unlock(&a->view->lock);
	}
	if (living != EMR_OK && living != EMR_NOT_FOUND)
		return living;
	deleted = note_deleted(a);
	if (deleted != EMR_OK &&
		(deleted != EMR_NOT_FOUND || (a->path != NULL && living == EMR_NOT_FOUND)))
		return deleted;
	deleted = note_former_objects(a);
	sort_objects(a);
	return deleted == EMR_OK ? note_scratch(a) : deleted;
}

/* Of this and whatever was begun before. */
static void note_state(asking *a)
{
	emr_view *view = a->view;
	EMR_LOCKED(&view->lock);

	a->erased.is_finished = view->erasing.n == 0;
	a->erased.why = view->keeper->erase_status;
	a->erased.bytes_needed = view->keeper->erase_left.bytes_left;
}

static void set_path(asking *a)
{
	size_t len = strlen(DELETED);

	a->path = a->what->path;
	if (a->path == NULL || strncmp(a->path, DELETED, len) != 0 ||
		(a->path[len] != 0 && a->path[len] != '/'))
		return;
	a->only_deleted = true;
	a->path = a->path[len] == 0 ? NULL : a->path + len + 1;
}

static emr_status sum_objects(asking *a)
{
	const erasing *all = (const erasing *)(const void *)a->objects.data;
	EMR_AUTO_BUF bytes = {0};

	for (size_t i = 0; i < a->objects.len / sizeof *all; i++) {
		EMR_TRY(emr_buf_append(&bytes, all[i].domain.b, sizeof all[i].domain.b));
		EMR_TRY(emr_buf_append(&bytes, all[i].object.b, sizeof all[i].object.b));
	}
	emr_sha256(bytes.data, bytes.len, a->erased.objects.b);
	return EMR_OK;
}

static emr_status ask_once(emr_view *view, const emr_erase *what, emr_erased *out_erased)
{
	asking a = {.view = view, .what = what};
	emr_status status;

	set_path(&a);
	status = look(&a);
	if (status == EMR_OK)
		status = sum_objects(&a);
	if (status == EMR_OK && !emr_id32_is_zero(what->objects) &&
		!emr_id32_equal(what->objects, a.erased.objects))
		status = EMR_CONFLICT;
	if (status == EMR_OK && !what->only_look && a.objects.len > 0)
		status = erase_begin(&a);
	note_state(&a);
	if (status == EMR_OK)
		*out_erased = a.erased;
	for (size_t at = 0;
		status == EMR_OK && !what->only_look && what->stays != NULL && at < a.stays.len;
		at += strlen((const char *)a.stays.data + at) + 1)
		what->stays(what->arg, (const char *)a.stays.data + at);
	emr_buf_free(&a.scratch);
	emr_buf_free(&a.paths);
	emr_buf_free(&a.stays);
	emr_buf_free(&a.names);
	emr_buf_free(&a.objects);
	emr_buf_free(&a.records);
	emr_buf_free(&a.nodes);
	return status;
}

static void add_eraser(emr_view *view, int n)
{
	EMR_LOCKED(&view->lock);

	view->awaiting.erasers += (unsigned)n;
	view->awaiting.holds_content = view->awaiting.holds_content && view->awaiting.erasers > 0;
	note_due(view, view_boot_ns(view));
}

emr_status emr_view_erase(emr_view *view, const emr_erase *what, emr_erased *out_erased)
{
	emr_status status = EMR_BUSY;

	if (view_is_read_only(view))
		return EMR_READ_ONLY;
	/* Changes that wait for the ledger get there first: an answer must not make a record of a
	 * file that is gone. A write meanwhile makes it wait once more. A change that waits for
	 * copies has not been sent, and is not until this is over. */
	add_eraser(view, 1);
	for (int i = 0; i < PUBLISH_TRIES && status == EMR_BUSY; i++) {
		status = emr_view_publish_now(view);
		/* For want of room things wait, and none is on its way. */
		if (status != EMR_OK && !emr_status_is_full(status)) {
			status = status == EMR_BUSY ? EMR_TIMEOUT : status;
			break;
		}
		status = ask_once(view, what, out_erased);
	}
	add_eraser(view, -1);
	/* A folder that may be written says of its disk that it refuses, in whatever way it did. */
	return status == EMR_READ_ONLY && !view_is_read_only(view) ? EMR_IO : status;
}
