/* This file computes what the folder looked like at a given time, or what was deleted from it,
 * from the history on the ledger. A record whose directory is unknown, or would lie within
 * itself, is shown at the top, and of two equal names the second gets a code. */
#include "past_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "view/names.h"

#include "domains.h"
#include "erasing.h"
#include "file.h"
#include "writers.h"

/* An entry that has no place yet. */
typedef struct raw {
	past_entry e;
	emr_id16 parent_id, record_id;
	uint64_t seq;
	size_t up;			       /* in the array of raws */
	size_t walk;			       /* which walk upwards came by last, from 1 */
	uint32_t final;			       /* its place in the tree */
	bool is_wanted, is_settled, is_others; /* a writer said it: it lies in its domain */
} raw;

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

static char *copy_of(emr_bytes text)
{
	char *copy = malloc(text.len + 1);

	if (copy != NULL && text.len > 0)
		memcpy(copy, text.data, text.len);
	if (copy != NULL)
		copy[text.len] = 0;
	return copy;
}

static emr_status grow(building *b)
{
	size_t cap = b->cap == 0 ? 256 : b->cap * 2;
	raw *grown;

	if (b->count < b->cap)
		return EMR_OK;
	grown = realloc(b->all, cap * sizeof *grown);
	if (grown == NULL)
		return EMR_NO_MEMORY;
	b->all = grown;
	b->cap = cap;
	return EMR_OK;
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

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(emr_id16));
}

static bool is_waiting(const building *b, emr_id16 object)
{
	return b->waiting.len > 0 &&
	       bsearch(&object, b->waiting.data, b->waiting.len / sizeof object, sizeof object,
		       by_id) != NULL;
}

typedef struct living {
	emr_buf records; /* emr_id16, ... */
	emr_status status;
} living;

static void note_living(void *arg, node *n)
{
	living *l = arg;
	const emr_place *place = n->file != NULL && n->file->restored != NULL ? n->file->restored
				 : n->is_published			      ? &n->place
									      : NULL;

	if (place != NULL && n->type == EMR_META_FILE && l->status == EMR_OK)
		l->status = emr_buf_append(&l->records, &place->record_id, sizeof place->record_id);
}

/* Under view->lock.  Where a name stands again, its new file waits to go on with the old record;
 * what was brought back goes on with it, too. */
static bool has_successor(const emr_view *view, const vacated *v, const living *l)
{
	node *directory = tree_by_id(view, v->directory);

	if (v->name[0] != 0 && directory != NULL && directory->type == EMR_META_DIR &&
		tree_child(view, directory, v->name) != NULL)
		return true;
	return v->type == EMR_META_FILE && l->records.len > 0 &&
	       bsearch(&v->place.record_id, l->records.data, l->records.len / sizeof(emr_id16),
		       sizeof(emr_id16), by_id) != NULL;
}

static void sort_ids(emr_buf *ids)
{
	if (ids->len > sizeof(emr_id16))
		qsort(ids->data, ids->len / sizeof(emr_id16), sizeof(emr_id16), by_id);
}

static emr_status find_waiting(building *b)
{
	emr_view *view = b->view;
	living l = {.status = EMR_OK};

	pthread_mutex_lock(&view->lock);
	if (view->vacated != NULL)
		tree_walk(view->root, note_living, &l);
	sort_ids(&l.records);
	for (const vacated *v = view->vacated; v != NULL && l.status == EMR_OK; v = v->next)
		if (!has_successor(view, v, &l) && !erase_has(view, v->place.object))
			l.status = emr_buf_append(
				&b->waiting, &v->place.object, sizeof v->place.object);
	pthread_mutex_unlock(&view->lock);
	sort_ids(&b->waiting);
	emr_buf_free(&l.records);
	return l.status;
}

static emr_status add(building *b, const emr_version *v, const emr_meta *meta, bool is_others)
{
	emr_status status = grow(b);
	raw *r;

	if (status != EMR_OK)
		return status;
	r = &b->all[b->count];
	*r = (raw){.e = {.domain = v->place.domain,
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
	r->e.name = copy_of(meta->name);
	if (meta->type == EMR_META_SYMLINK)
		r->e.target = copy_of(meta->target);
	if (r->e.name == NULL || (meta->type == EMR_META_SYMLINK && r->e.target == NULL)) {
		free(r->e.name);
		return EMR_NO_MEMORY;
	}
	b->count++;
	return EMR_OK;
}

static emr_status collect(void *arg, const emr_version *v)
{
	building *b = arg;
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
	return r->e.type == EMR_META_DIR && r->e.name[0] == 0 && emr_id16_is_zero(r->parent_id) &&
	       emr_id16_equal(r->e.object, r->e.domain);
}

/* Before the folder was made, there is a top all the same. */
static emr_status find_top(building *b)
{
	emr_status status;

	for (b->top = 0; b->top < b->count; b->top++)
		if (is_top(&b->all[b->top]))
			return EMR_OK;
	status = grow(b);
	if (status != EMR_OK)
		return status;
	b->all[b->count] = (raw){.e = {.type = EMR_META_DIR, .name = strdup("")}};
	return b->all[b->count++].e.name != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static raw *directory(const building *b, size_t known, emr_id16 id)
{
	raw key = {.e.object = id}, *up = bsearch(&key, b->all, known, sizeof key, by_object);

	return up != NULL && up->e.type == EMR_META_DIR ? up : NULL;
}

static void find_parents(building *b, size_t known)
{
	for (size_t i = 0; i < b->count; i++) {
		const raw *r = &b->all[i], *up = directory(b, known, r->parent_id);

		if (r->is_others && (up == NULL || !emr_id16_equal(up->e.domain, r->e.domain)))
			up = directory(b, known, r->e.domain);
		b->all[i].up = up != NULL ? (size_t)(up - b->all) : b->top;
	}
	b->all[b->top].up = b->top;
	b->all[b->top].is_settled = true;
}

/* What would close a circle hangs at the top. */
static void open_circles(building *b)
{
	for (size_t i = 0; i < b->count; i++) {
		size_t at = i;

		while (!b->all[at].is_settled && b->all[at].walk != i + 1) {
			b->all[at].walk = i + 1;
			at = b->all[at].up;
		}
		if (!b->all[at].is_settled)
			b->all[at].up = b->top;
		for (at = i; !b->all[at].is_settled; at = b->all[at].up)
			b->all[at].is_settled = true;
	}
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

static void want(building *b, raw *r)
{
	for (; !r->is_wanted; r = &b->all[r->up])
		r->is_wanted = true;
}

/* A record that moved left unlinked objects behind: it was not deleted. */
static emr_status want_deleted(building *b)
{
	EMR_AUTO_FREE raw **files = calloc(b->count, sizeof *files);
	size_t n = 0;

	if (files == NULL)
		return EMR_NO_MEMORY;
	b->all[b->top].is_wanted = true;
	for (size_t i = 0; i < b->count; i++) {
		if (b->all[i].e.type == EMR_META_FILE)
			files[n++] = &b->all[i];
		else if (b->all[i].e.type == EMR_META_SYMLINK && b->all[i].e.is_gone)
			want(b, &b->all[i]);
	}
	if (n > 1)
		qsort(files, n, sizeof *files, by_record);
	for (size_t i = 0; i < n; i++)
		if (files[i]->e.is_gone &&
			(i == 0 || !emr_id16_equal(files[i - 1]->record_id, files[i]->record_id)))
			want(b, files[i]);
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

static emr_status note_own_domain(void *arg, emr_id16 domain, bool is_mine, emr_bytes row)
{
	(void)row;
	return is_mine ? emr_buf_append(arg, &domain, sizeof domain) : EMR_OK;
}

/* The first KNOWN are in the order of their objects. */
static emr_status want_empty(building *b, size_t known)
{
	emr_status status =
		emr_replica_domains(b->view->options.replica, note_own_domain, &b->domains);

	for (size_t i = 0; i < known && status == EMR_OK; i++) {
		raw *r = &b->all[i];

		if (r->e.type == EMR_META_DIR && r->e.is_gone && !r->is_wanted &&
			!has_moved(b, known, r))
			want(b, r);
	}
	return status;
}

/* ---- names, and the final order ---- */

/* Of equal names in one directory the first keeps it: what lives, then what was deleted last. */
static int by_name(const void *a, const void *b)
{
	const raw *x = *(raw *const *)a, *y = *(raw *const *)b;
	int order;

	if (x->up != y->up)
		return x->up < y->up ? -1 : 1;
	order = strcmp(x->e.name, y->e.name);
	if (order != 0)
		return order;
	if (x->e.is_gone != y->e.is_gone)
		return x->e.is_gone ? 1 : -1;
	if (x->e.is_gone && x->seq != y->seq)
		return x->seq > y->seq ? -1 : 1;
	order = memcmp(x->e.domain.b, y->e.domain.b, 16);
	return order != 0 ? order : memcmp(x->e.object.b, y->e.object.b, 16);
}

static emr_status rename_second(raw *r, size_t digits)
{
	char code[27], name[EMR_NAME_MAX + 1], *copy;

	emr_base32(r->e.object.b, sizeof r->e.object.b, code);
	emr_name_with_code(r->e.name, code, digits, name);
	copy = strdup(name);
	if (copy == NULL)
		return EMR_NO_MEMORY;
	free(r->e.name);
	r->e.name = copy;
	return EMR_OK;
}

/* Until no directory has two equal names. */
static emr_status tell_apart(raw **order, size_t n)
{
	for (size_t digits = 4; digits <= 26; digits += 2) {
		bool again = false;

		qsort(order, n, sizeof *order, by_name);
		for (size_t i = n; i-- > 1;) {
			emr_status status;

			if (order[i]->up != order[i - 1]->up ||
				strcmp(order[i]->e.name, order[i - 1]->e.name) != 0)
				continue;
			again = true;
			status = rename_second(order[i], digits);
			if (status != EMR_OK)
				return status;
		}
		if (!again)
			return EMR_OK;
	}
	return EMR_OK;
}

static emr_status check_names(building *b)
{
	for (size_t i = 0; i < b->count; i++) {
		char *unnamed;

		if (i == b->top || emr_name_check(b->all[i].e.name) == EMR_OK)
			continue;
		unnamed = strdup("unnamed");
		if (unnamed == NULL)
			return EMR_NO_MEMORY;
		free(b->all[i].e.name);
		b->all[i].e.name = unnamed;
	}
	return EMR_OK;
}

static void place(building *b, raw **order, size_t n, past_tree *tree)
{
	past_entry *top = &tree->entries[PAST_TOP];

	*top = b->all[b->top].e;
	b->all[b->top].e.name = b->all[b->top].e.target = NULL;
	b->all[b->top].final = PAST_TOP;
	for (size_t i = 0; i < n; i++)
		order[i]->final = (uint32_t)(i + 1);
	for (size_t i = 0; i < n; i++) {
		past_entry *e = &tree->entries[i + 1];

		*e = order[i]->e;
		order[i]->e.name = order[i]->e.target = NULL;
		e->parent = b->all[order[i]->up].final;
	}
	for (size_t i = 1; i <= n; i++) {
		past_entry *up = &tree->entries[tree->entries[i].parent];

		if (up->nkids++ == 0)
			up->first_kid = (uint32_t)i;
	}
	tree->count = n + 1;
}

static emr_status finish(building *b, past_tree **out_tree)
{
	EMR_AUTO_FREE raw **order = calloc(b->count, sizeof *order);
	past_tree *tree = calloc(1, sizeof *tree);
	size_t n = 0;
	emr_status status = order != NULL && tree != NULL ? check_names(b) : EMR_NO_MEMORY;

	for (size_t i = 0; i < b->count && status == EMR_OK; i++)
		if (i != b->top && b->all[i].is_wanted)
			order[n++] = &b->all[i];
	if (status == EMR_OK && n > 0)
		status = tell_apart(order, n);
	if (status == EMR_OK) {
		tree->entries = calloc(n + 1, sizeof *tree->entries);
		status = tree->entries != NULL ? EMR_OK : EMR_NO_MEMORY;
	}
	if (status != EMR_OK) {
		free(tree);
		return status;
	}
	place(b, order, n, tree);
	*out_tree = tree;
	return EMR_OK;
}

static emr_status build(building *b, uint64_t until, past_tree **out_tree)
{
	uint64_t damaged = 0;
	size_t known;
	emr_status status = domains_inbox(b->view, &b->inbox);

	if (status == EMR_OK && b->only_deleted)
		status = find_waiting(b);
	if (status == EMR_OK)
		status = emr_facts_each_as_of(
			b->view->options.facts, until, b->only_deleted, collect, b, &damaged);

	if (status != EMR_OK)
		return status;
	if (damaged > 0)
		emr_log(EMR_LOG_WARN, "%llu records of the past cannot be read",
			(unsigned long long)damaged);
	if (b->count > 1)
		qsort(b->all, b->count, sizeof *b->all, by_object);
	known = b->count;
	status = find_top(b);
	if (status != EMR_OK)
		return status;
	find_parents(b, known);
	open_circles(b);
	if (b->only_deleted)
		status = want_deleted(b);
	if (status == EMR_OK && b->with_empty)
		status = want_empty(b, known);
	return status == EMR_OK ? finish(b, out_tree) : status;
}

emr_status past_tree_build(
	emr_view *view, uint64_t until_unix_s, past_which which, past_tree **out_tree)
{
	building b = {.view = view,
		.only_deleted = which != PAST_ALL,
		.with_empty = which == PAST_DELETED_WITH_EMPTY};
	emr_status status = build(&b, until_unix_s, out_tree);

	for (size_t i = 0; i < b.count; i++) {
		free(b.all[i].e.name);
		free(b.all[i].e.target);
	}
	free(b.all);
	emr_buf_free(&b.domains);
	emr_buf_free(&b.waiting);
	return status;
}

void past_tree_free(past_tree *tree)
{
	if (tree == NULL)
		return;
	for (size_t i = 0; i < tree->count; i++) {
		free(tree->entries[i].name);
		free(tree->entries[i].target);
	}
	free(tree->entries);
	free(tree);
}

uint32_t past_tree_child(const past_tree *tree, uint32_t directory, const char *name)
{
	uint32_t low = tree->entries[directory].first_kid,
		 high = low + tree->entries[directory].nkids;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = strcmp(name, tree->entries[mid].name);

		if (order == 0)
			return mid;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return PAST_TOP;
}

uint32_t past_tree_find(const past_tree *tree, const char *path)
{
	char name[EMR_NAME_MAX + 1];
	uint32_t entry = PAST_TOP;

	while (*path != 0) {
		size_t len = strcspn(path, "/");

		if (len > EMR_NAME_MAX)
			return PAST_TOP;
		memcpy(name, path, len);
		name[len] = 0;
		entry = past_tree_child(tree, entry, name);
		if (entry == PAST_TOP)
			return PAST_TOP;
		path += len + (path[len] == '/');
	}
	return entry;
}
