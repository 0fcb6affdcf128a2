/* This file computes what the folder looked like at a given time, or what was deleted from it,
 * from the history on the ledger. A record whose directory is unknown, or would lie within
 * itself, is shown at the top, and of two equal names the second gets a code. */
#include "past_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "view/names.h"

#include "erasing.h"
#include "file.h"
#include "rest.h"
#include "tree.h"
#include "writers.h"

/* An entry that has no place yet. */
typedef struct raw {
	flat_item item; /* first: a raw is found by its item */
	past_entry e;
	emr_id16 parent_id, record_id;
	uint64_t seq;
	bool is_wanted, is_others; /* a writer said it: it lies in its domain */
} raw;

static raw *raw_of(flat_item *item)
{
	return (raw *)item;
}

typedef struct building {
	emr_view *view;
	emr_id16 inbox;
	emr_id16 known; /* the domain looked at last, and whether others may have said something
			   there */
	bool is_known, has_others;
	raw *all;
	size_t count, cap, top;
	bool only_deleted, with_empty;
	emr_buf domains; /* emr_id16, ...: own ones */
	emr_buf waiting; /* emr_id16, ..., in order: objects that are gone here alone */
} building;

/* ---- collecting ---- */

static emr_status grow(building *b)
{
	return emr_array_room(&b->all, b->count, &b->cap, sizeof *b->all);
}

/* META becomes what may be believed of it, as in the folder of today. */
static emr_status judge(building *b, const emr_version *v, emr_meta *meta, writers_word *word)
{
	emr_place place = v->place;
	emr_status status = EMR_OK;

	if (!b->is_known || !emr_id16_equal(b->known, place.domain)) {
		status = writers_has_any(b->view, place.domain, &b->has_others);
		b->has_others |= emr_id16_equal(place.domain, b->inbox);
		b->is_known = status == EMR_OK;
		b->known = place.domain;
	}
	if (status == EMR_NOT_FOUND) /* of the ledger before a join: nobody else wrote there */
		return EMR_OK;
	place.version = v->described;
	return status == EMR_OK && b->has_others ? writers_judge(b->view, &place, meta, word)
						 : status;
}

static bool is_waiting(const building *b, emr_id16 object)
{
	return b->waiting.len > 0 &&
	       bsearch(&object, b->waiting.data, b->waiting.len / sizeof object, sizeof object,
		       tree_compare_ids) != NULL;
}

/* Appends the record that N stands for, if it stands for any. */
static emr_status note_living(const node *n, emr_buf *records)
{
	bool is_restored = node_file(n) != NULL && node_file(n)->restored != NULL;
	emr_id16 record;

	if (n->type != EMR_META_FILE || (!is_restored && !n->is_published))
		return EMR_OK;
	record = is_restored ? node_file(n)->restored->record_id : node_place(n).record_id;
	return emr_buf_append(records, &record, sizeof record);
}

/* Under view->lock.  Where a name stands again, its new file waits to go on with the old record;
 * what was brought back goes on with it, too. */
static bool has_successor(const emr_view *view, const vacated *v, const emr_buf *living)
{
	node *directory = tree_by_id(view, v->directory);

	if (v->name[0] != 0 && directory != NULL && directory->type == EMR_META_DIR &&
		tree_child(view, directory, v->name) != NULL)
		return true;
	return v->type == EMR_META_FILE && living->len > 0 &&
	       bsearch(&v->place.record_id, living->data, living->len / sizeof(emr_id16),
		       sizeof(emr_id16), tree_compare_ids) != NULL;
}

static emr_status find_waiting(building *b)
{
	emr_view *view = b->view;
	EMR_AUTO_BUF living = {0}; /* emr_id16, ...: records */
	EMR_LOCKED(&view->lock);

	for (const vacated *v = view->vacated; v != NULL; v = v->next)
		(void)rest_wake_id(view, v->place.record_id);
	for (const node *n = NULL;
		view->vacated != NULL && (n = tree_next_awake(view->root, n)) != NULL;)
		EMR_TRY(note_living(n, &living));
	emr_buf_sort(&living, sizeof(emr_id16), tree_compare_ids);
	for (const vacated *v = view->vacated; v != NULL; v = v->next)
		if (!has_successor(view, v, &living) && !erase_has(view, v->place.object))
			EMR_TRY(emr_buf_append(
				&b->waiting, &v->place.object, sizeof v->place.object));
	emr_buf_sort(&b->waiting, sizeof(emr_id16), tree_compare_ids);
	return EMR_OK;
}

static emr_status add(building *b, const emr_version *v, const emr_meta *meta, bool is_others)
{
	raw *r;

	EMR_TRY(grow(b));
	r = &b->all[b->count];
	*r = (raw){.item = {.object = v->place.object},
		.e = {.domain = v->place.domain,
			.object = v->place.object,
			.version = v->described,
			.pversion = v->place.pversion,
			.size = meta->n,
			.mtime_ns = meta->mtime_ns,
			.mode = meta->mode,
			.type = (uint8_t)meta->type,
			.is_gone = !v->is_live || is_waiting(b, v->place.object)},
		.parent_id = meta->parent,
		.record_id = v->place.record_id,
		.seq = v->seq,
		.is_wanted = !b->only_deleted,
		.is_others = is_others && !emr_id16_equal(v->place.domain, v->place.object)};
	r->item.name = flat_text(meta->name);
	if (meta->type == EMR_META_SYMLINK)
		r->e.target = flat_text(meta->target);
	if (r->item.name == NULL || (meta->type == EMR_META_SYMLINK && r->e.target == NULL)) {
		free(r->item.name);
		return EMR_NO_MEMORY;
	}
	b->count++;
	return EMR_OK;
}

static emr_status collect(building *b, const emr_version *v)
{
	writers_word word = {.is_others = false};
	emr_meta meta = *v->meta;
	emr_status status = judge(b, v, &meta, &word);

	if (status == EMR_OK && !word.is_hidden)
		status = add(b, v, &meta, word.is_others);
	writers_forget(&word);
	return status;
}

static int by_object(const void *a, const void *b)
{
	return memcmp(((const raw *)a)->e.object.b, ((const raw *)b)->e.object.b, 16);
}

/* ---- parents ---- */

static bool is_top(const raw *r)
{
	return r->e.type == EMR_META_DIR && r->item.name[0] == 0 &&
	       emr_id16_is_zero(r->parent_id) && emr_id16_equal(r->e.object, r->e.domain);
}

/* Before the folder was made, there is a top all the same. */
static emr_status find_top(building *b)
{
	for (b->top = 0; b->top < b->count; b->top++)
		if (is_top(&b->all[b->top]))
			return EMR_OK;
	EMR_TRY(grow(b));
	b->all[b->count] = (raw){.item = {.name = strdup("")}, .e = {.type = EMR_META_DIR}};
	return b->all[b->count++].item.name != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static raw *directory(const building *b, size_t known, emr_id16 id)
{
	raw key = {.e.object = id}, *up = bsearch(&key, b->all, known, sizeof key, by_object);

	return up != NULL && up->e.type == EMR_META_DIR ? up : NULL;
}

static void find_parents(building *b, size_t known)
{
	for (size_t i = 0; i < b->count; i++) {
		raw *r = &b->all[i], *up = directory(b, known, r->parent_id);

		if (r->is_others && (up == NULL || !emr_id16_equal(up->e.domain, r->e.domain)))
			up = directory(b, known, r->e.domain);
		r->item.up = up != NULL ? &up->item : &b->all[b->top].item;
	}
}

/* As writers_may_place has it; what lies in a directory of a writer's goes where that goes. */
static bool may_lie_there(const building *b, const raw *r)
{
	const raw *at = raw_of(r->item.up);

	for (size_t depth = 0; at != &b->all[b->top] && !at->is_others &&
			       !emr_id16_equal(at->e.object, r->e.domain);
		at = raw_of(at->item.up), depth++)
		if (depth > WRITERS_DEPTH_MAX ||
			emr_words_configure(
				EMR_META_DIR, emr_bytes_of(at->item.name, strlen(at->item.name))))
			return false;
	return true;
}

static emr_status keep_out(building *b, size_t known)
{
	for (size_t i = 0; i < b->count; i++) {
		raw *r = &b->all[i], *up;

		if (!r->is_others || may_lie_there(b, r))
			continue;
		up = directory(b, known, r->e.domain);
		r->item.up = up != NULL ? &up->item : &b->all[b->top].item;
		EMR_TRY(writers_call_anew(r->e.type, &r->item.name));
	}
	return EMR_OK;
}

/* ---- what was deleted ---- */

/* Of one record the live object first, then the one deleted last. */
static int by_record(const void *a, const void *b)
{
	const raw *x = *(raw *const *)a, *y = *(raw *const *)b;
	int order = memcmp(x->record_id.b, y->record_id.b, sizeof x->record_id.b);

	if (order != 0)
		return order;
	if (x->e.is_gone != y->e.is_gone)
		return x->e.is_gone ? 1 : -1;
	return x->seq > y->seq ? -1 : x->seq < y->seq;
}

static void want(raw *r)
{
	for (; !r->is_wanted; r = raw_of(r->item.up))
		r->is_wanted = true;
}

/* A record that moved left unlinked objects behind: it was not deleted. */
static emr_status want_deleted(building *b)
{
	EMR_AUTO_FREE raw **files = calloc(b->count, sizeof *files);
	size_t n = 0;

	EMR_TRY_MEMORY(files);
	b->all[b->top].is_wanted = true;
	for (size_t i = 0; i < b->count; i++) {
		if (b->all[i].e.type == EMR_META_FILE)
			files[n++] = &b->all[i];
		else if (b->all[i].e.type == EMR_META_SYMLINK && b->all[i].e.is_gone)
			want(&b->all[i]);
	}
	EMR_SORT(files, n, by_record);
	for (size_t i = 0; i < n; i++)
		if (files[i]->e.is_gone &&
			(i == 0 || !emr_id16_equal(files[i - 1]->record_id, files[i]->record_id)))
			want(files[i]);
	return EMR_OK;
}

/* A directory that moved to another domain left an unlinked object behind, out of whose id the new
 * one grows. */
static bool has_moved(const building *b, size_t known, const raw *r)
{
	emr_id16 domain = {{0}}, id;

	for (size_t i = 0; i < b->domains.len + sizeof domain; i += sizeof domain) {
		if (i > 0)
			memcpy(&domain, b->domains.data + i - sizeof domain, sizeof domain);
		if (emr_keyring_object_id(b->view->options.keyring, r->e.object, domain, &id) ==
				EMR_OK &&
			directory(b, known, id) != NULL)
			return true;
	}
	return false;
}

/* The first KNOWN are in the order of their objects. */
static emr_status want_empty(building *b, size_t known)
{
	EMR_TRY(emr_replica_own_domains(b->view->options.replica, &b->domains));
	for (size_t i = 0; i < known; i++) {
		raw *r = &b->all[i];

		if (r->e.type == EMR_META_DIR && r->e.is_gone && !r->is_wanted &&
			!has_moved(b, known, r))
			want(r);
	}
	return EMR_OK;
}

/* ---- names, and the final order ---- */

/* Of equal names in one directory what lives keeps it, then what was deleted last. */
static int is_first(const flat_item *a, const flat_item *b)
{
	const raw *x = (const raw *)a, *y = (const raw *)b;
	int order;

	if (x->e.is_gone != y->e.is_gone)
		return x->e.is_gone ? 1 : -1;
	if (x->e.is_gone && x->seq != y->seq)
		return x->seq > y->seq ? -1 : 1;
	order = memcmp(x->e.domain.b, y->e.domain.b, 16);
	return order != 0 ? order : memcmp(x->e.object.b, y->e.object.b, 16);
}

static emr_status check_names(building *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (i != b->top && emr_name_check(b->all[i].item.name) != EMR_OK)
			EMR_TRY(flat_rename(&b->all[i].item, "unnamed"));
	return EMR_OK;
}

static past_entry take_entry(raw *r)
{
	past_entry e = r->e;

	r->e.target = NULL;
	return e;
}

/* ITEMS has room for all of B. */
static emr_status finish(building *b, flat_item **items, past_tree *tree)
{
	size_t n = 0;
	emr_status status = check_names(b);

	for (size_t i = 0; i < b->count; i++)
		if (i != b->top && b->all[i].is_wanted)
			items[n++] = &b->all[i].item;
	if (status == EMR_OK)
		status = flat_build(&b->all[b->top].item, items, n, is_first, &tree->names);
	if (status != EMR_OK)
		return status;
	tree->entries = calloc(n + 1, sizeof *tree->entries);
	EMR_TRY_MEMORY(tree->entries);
	tree->entries[FLAT_TOP] = take_entry(&b->all[b->top]);
	for (size_t i = 0; i < n; i++)
		tree->entries[i + 1] = take_entry(raw_of(items[i]));
	return EMR_OK;
}

/* Gives the collected records their directories, and the wanted ones a place. */
static emr_status arrange(building *b, size_t known, past_tree *tree)
{
	EMR_AUTO_FREE flat_item **items = calloc(b->count, sizeof *items);

	EMR_TRY_MEMORY(items);
	find_parents(b, known);
	for (size_t i = 0; i < b->count; i++)
		items[i] = &b->all[i].item;
	flat_open_circles(items, b->count, &b->all[b->top].item);
	EMR_TRY(keep_out(b, known));
	if (b->only_deleted)
		EMR_TRY(want_deleted(b));
	if (b->with_empty)
		EMR_TRY(want_empty(b, known));
	return finish(b, items, tree);
}

static emr_status build(building *b, uint64_t until, past_tree *tree)
{
	EMR_AUTO_VERSIONS all = {.status = EMR_OK};
	emr_version v;
	size_t known;

	EMR_TRY(domains_inbox(b->view, &b->inbox));
	if (b->only_deleted)
		EMR_TRY(find_waiting(b));
	all = emr_facts_as_of(b->view->options.facts, until, b->only_deleted);
	while (emr_versions_next(&all, &v))
		EMR_TRY(collect(b, &v));
	EMR_TRY(all.status);
	if (all.damaged > 0)
		emr_log(EMR_LOG_WARN, "%llu records of the past cannot be read",
			(unsigned long long)all.damaged);
	EMR_SORT(b->all, b->count, by_object);
	known = b->count;
	EMR_TRY(find_top(b));
	return arrange(b, known, tree);
}

emr_status past_tree_build(
	emr_view *view, uint64_t until_unix_s, past_which which, past_tree **out_tree)
{
	building b = {.view = view,
		.only_deleted = which != PAST_ALL,
		.with_empty = which == PAST_DELETED_WITH_EMPTY};
	past_tree *tree = calloc(1, sizeof *tree);
	emr_status status = tree != NULL ? build(&b, until_unix_s, tree) : EMR_NO_MEMORY;

	for (size_t i = 0; i < b.count; i++) {
		free(b.all[i].item.name);
		free(b.all[i].e.target);
	}
	free(b.all);
	emr_buf_free(&b.domains);
	emr_buf_free(&b.waiting);
	if (status == EMR_OK)
		*out_tree = tree;
	else
		past_tree_free(tree);
	return status;
}

void past_tree_free(past_tree *tree)
{
	if (tree == NULL)
		return;
	for (size_t i = 0; tree->entries != NULL && i < tree->names.count; i++)
		free(tree->entries[i].target);
	free(tree->entries);
	flat_free(&tree->names);
	free(tree);
}
