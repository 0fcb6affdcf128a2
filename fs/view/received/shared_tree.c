/* This file builds the tree of one received share from what its owner and its writers have
 * described. It trusts none of it: names that are no names are replaced, links that lead out of
 * the share are not shown, and a directory cannot lie within itself. */
#include "shared_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "record/derived.h"
#include "share/write.h"
#include "view/names.h"

/* An entry that has no place yet. */
typedef struct raw {
	flat_item item; /* first: a raw is found by its item */
	shared_entry e;
} raw;

typedef struct building {
	raw *all;
	size_t count, cap, top;
	const shared_tree *before; /* what was read of it with the same grant; NULL: nothing */
	bool copies_only;
} building;

static void free_entry(shared_entry *e)
{
	free(e->target);
	emr_buf_free(&e->attributes);
}

static void free_raw(raw *r)
{
	free(r->item.name);
	free_entry(&r->e);
}

/* ---- collecting ---- */

/* Takes what R owns, on an error as well. */
static emr_status add(building *b, raw r)
{
	if (emr_array_room(&b->all, b->count, &b->cap, sizeof *b->all) != EMR_OK) {
		free_raw(&r);
		return EMR_NO_MEMORY;
	}
	r.item.object = r.e.object;
	b->all[b->count++] = r;
	return EMR_OK;
}

/* Of a writer's words what may be believed, as at the owner. */
static emr_status take_attributes(shared_entry *e, const emr_shared_record *r)
{
	uint16_t count;

	if (r->is_owners)
		return emr_buf_append(&e->attributes, r->meta->xattrs.data, r->meta->xattrs.len);
	return emr_words_attributes(r->meta->xattrs, (emr_bytes){0}, &e->attributes, &count);
}

static emr_status collect(void *arg, const emr_shared_record *r)
{
	const emr_meta *meta = r->meta;
	raw new = {.e = {.object = r->object,
			   .record_id = r->record_id,
			   .parent_id = meta->parent,
			   .signer = r->signer,
			   .version = r->version,
			   .pversion = r->pversion,
			   .cver = r->cver,
			   .size = meta->n,
			   .padded = r->padded,
			   .ledger_time = r->ledger_time,
			   .mtime_ns = meta->mtime_ns,
			   .root = r->root,
			   .mode = meta->mode,
			   .type = (uint8_t)meta->type}};
	char room[EMR_WORDS_NAME_BYTES];
	emr_bytes name = meta->name;
	emr_status status;

	if (!r->is_mine) { /* what others call it, and say of it, starts and configures nothing */
		new.e.mode = emr_words_mode(meta->type, meta->mode);
		name = emr_words_name(meta->type, name, (emr_bytes){0}, room);
		new.item.is_renamed = name.data != meta->name.data;
	}
	if (!r->is_owners && meta->type == EMR_META_SYMLINK && emr_words_lead_away(meta->target))
		return EMR_OK;
	status = take_attributes(&new.e, r);
	memcpy(new.e.r_pid, meta->r_pid, sizeof new.e.r_pid);
	new.e.has_sum =
		r->is_owners &&emr_derived_sum_read(meta->xattrs, meta->mtime_ns, new.e.sum);
	new.item.name = flat_text(name);
	if (meta->type == EMR_META_SYMLINK)
		new.e.target = flat_text(meta->target);
	if (new.item.name == NULL || (meta->type == EMR_META_SYMLINK && new.e.target == NULL))
		status = EMR_NO_MEMORY;
	if (status == EMR_OK)
		return add(arg, new);
	free_raw(&new);
	return status;
}

/* A record that was read before is taken from there, if its name is its own: another's may be free
 * again. */
static emr_status collect_known(void *arg, emr_id16 object, uint64_t version)
{
	building *b = arg;
	uint32_t at = b->before != NULL ? shared_tree_find(b->before, object) : FLAT_NONE;
	const shared_entry *old = at != FLAT_NONE ? &b->before->entries[at] : NULL;
	raw new;
	emr_status status;

	if (old == NULL || at == FLAT_TOP || old->version != version || old->is_called_otherwise)
		return EMR_NOT_FOUND;
	new = (raw){.e = *old};
	new.e.attributes = (emr_buf){0};
	new.item.name = strdup(b->before->names.places[at].name);
	new.e.target = old->target != NULL ? strdup(old->target) : NULL;
	status = emr_buf_append(&new.e.attributes, old->attributes.data, old->attributes.len);
	if (new.item.name == NULL || (old->target != NULL && new.e.target == NULL))
		status = EMR_NO_MEMORY;
	if (status == EMR_OK)
		return add(b, new);
	free_raw(&new);
	return status;
}

/* ---- parents ---- */

static int by_object(const void *a, const void *b)
{
	return memcmp(((const raw *)a)->e.object.b, ((const raw *)b)->e.object.b, 16);
}

/* Where the share begins; a directory of no object when it cannot be read.  EMR_DAMAGED: it is a
 * link, and would lead who knows where. */
static emr_status find_top(building *b, emr_id16 top)
{
	raw nothing = {.e = {.object = top, .type = EMR_META_DIR, .mode = 0700}};

	for (b->top = 0; b->top < b->count; b->top++)
		if (emr_id16_equal(b->all[b->top].e.object, top))
			return b->all[b->top].e.type == EMR_META_SYMLINK ? EMR_DAMAGED : EMR_OK;
	nothing.item.name = strdup("");
	return nothing.item.name != NULL ? add(b, nothing) : EMR_NO_MEMORY;
}

static void find_parents(building *b, size_t known)
{
	for (size_t i = 0; i < b->count; i++) {
		raw key = {.e.object = b->all[i].e.parent_id}, *up;

		up = bsearch(&key, b->all, known, sizeof key, by_object);
		b->all[i].item.up =
			up != NULL && up->e.type == EMR_META_DIR ? &up->item : &b->all[b->top].item;
	}
}

/* ---- links ---- */

/* "..", and how many of them TARGET begins with. */
static size_t count_ups(const char **target)
{
	size_t n = 0;

	while (strcmp(*target, "..") == 0 || strncmp(*target, "../", 3) == 0) {
		*target += 2 + strspn(*target + 2, "/");
		n++;
	}
	return n;
}

static bool has_ups(const char *target)
{
	for (; *target != 0; target += strspn(target, "/")) {
		size_t len = strcspn(target, "/");

		if (len == 2 && target[0] == '.' && target[1] == '.')
			return true;
		target += len;
	}
	return false;
}

/* The sharer also says where links lead, and they are followed on this computer. A ".." at the
 * beginning goes up from where the link lies; one behind a name may go up from wherever that name
 * leads, so it is not believed. */
static bool leads_out(const raw *link)
{
	const char *rest = link->e.target;
	const flat_item *at = link->item.up;
	size_t ups = count_ups(&rest);

	if (*link->e.target == '/' || has_ups(rest))
		return true;
	for (; ups > 0 && at->up != at; ups--)
		at = at->up;
	return ups > 0;
}

/* ---- names, and the final order ---- */

static int is_first(const flat_item *a, const flat_item *b)
{
	return memcmp(a->object.b, b->object.b, 16);
}

static bool has_code(const char **at, const char *letters, size_t n)
{
	bool has = strspn(*at, letters) == n;

	*at += has ? n : 0;
	return has;
}

static bool has_word(const char **at, const char *word)
{
	bool has = strncmp(*at, word, strlen(word)) == 0;

	*at += has ? strlen(word) : 0;
	return has;
}

/* As fs/sharing/research/cleaner.c makes them. */
bool shared_copy_name_ok(const char *name, int type)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567", digits[] = "0123456789";
	static const char ends[] = "|.nii|.nii.gz|.edf|.bdf|.vcf|.vcf.gz|.bam|.cram|";
	const char *at = name;
	char end[12];
	bool is_one;

	if (type == EMR_META_FILE && has_word(&at, "FILE-")) {
		is_one = has_code(&at, letters, 12) && *at == '.' && strchr(at, '|') == NULL;
		snprintf(end, sizeof end, "|%s|", at);
		return is_one && strstr(ends, end) != NULL;
	}
	if (type == EMR_META_FILE)
		return has_code(&at, digits, 6) && has_word(&at, "-") &&
		       has_code(&at, letters, 12) && has_word(&at, ".dcm") && *at == '\0';
	if (type != EMR_META_DIR)
		return false;
	if (strcmp(name, "FILES") == 0)
		return true;
	if (has_word(&at, "STUDY-") || has_word(&at, "SERIES-"))
		return has_code(&at, letters, 8) && *at == '\0';
	return has_code(&at, letters, 12) && *at == '\0'; /* the folder of one person's copies */
}

/* A liar may have written a name into any word of these. */
static emr_status hide_words(raw *r, bool has_own_name)
{
	emr_buf_clear(&r->e.attributes);
	if (has_own_name && !shared_copy_name_ok(r->item.name, r->e.type))
		EMR_TRY(flat_rename(&r->item, SHARED_WITHHELD));
	if (r->e.target != NULL) {
		free(r->e.target);
		r->e.target = strdup(SHARED_WITHHELD);
		EMR_TRY(r->e.target != NULL ? EMR_OK : EMR_NO_MEMORY);
	}
	return EMR_OK;
}

/* The top has the share's name; others what they say, unless that is no name. */
static emr_status check_names(building *b, const char *name)
{
	EMR_TRY(flat_rename(&b->all[b->top].item, name));
	for (size_t i = 0; i < b->count; i++) {
		raw *r = &b->all[i];

		if (b->copies_only)
			EMR_TRY(hide_words(r, i != b->top));
		else if (i != b->top && emr_name_check(r->item.name) != EMR_OK)
			EMR_TRY(flat_rename(&r->item, "unnamed"));
	}
	return EMR_OK;
}

static shared_entry take_entry(raw *r)
{
	shared_entry e = r->e;

	e.is_called_otherwise = r->item.is_renamed;
	r->e = (shared_entry){0};
	return e;
}

static int by_entry_object(const void *a, const void *b, void *arg)
{
	const shared_tree *tree = arg;

	return memcmp(tree->entries[*(const uint32_t *)a].object.b,
		tree->entries[*(const uint32_t *)b].object.b, 16);
}

static emr_status index_objects(shared_tree *tree)
{
	tree->by_object = calloc(tree->names.count, sizeof *tree->by_object);
	EMR_TRY_MEMORY(tree->by_object);
	for (uint32_t i = 0; i < tree->names.count; i++)
		tree->by_object[i] = i;
	qsort_r(tree->by_object, tree->names.count, sizeof *tree->by_object, by_entry_object, tree);
	return EMR_OK;
}

static emr_status finish(building *b, const char *name, shared_tree *tree)
{
	EMR_AUTO_FREE flat_item **items = calloc(b->count, sizeof *items);
	flat_item *top = &b->all[b->top].item;
	size_t n = 0;

	EMR_TRY(items != NULL ? check_names(b, name) : EMR_NO_MEMORY);
	for (size_t i = 0; i < b->count; i++)
		items[i] = &b->all[i].item;
	flat_open_circles(items, b->count, top);
	for (size_t i = 0; i < b->count; i++)
		if (i != b->top && (b->all[i].e.target == NULL || !leads_out(&b->all[i])))
			items[n++] = &b->all[i].item;
	EMR_TRY(flat_build(top, items, n, is_first, &tree->names));
	tree->entries = calloc(n + 1, sizeof *tree->entries);
	EMR_TRY_MEMORY(tree->entries);
	tree->entries[FLAT_TOP] = take_entry(&b->all[b->top]);
	for (size_t i = 0; i < n; i++)
		tree->entries[i + 1] = take_entry((raw *)items[i]);
	return index_objects(tree);
}

/* Nothing lies in a file, whoever says so. */
static void leave_alone(building *b)
{
	raw top = b->all[b->top];

	b->all[b->top] = (raw){.e = {.size = 0}};
	for (size_t i = 0; i < b->count; i++)
		free_raw(&b->all[i]);
	b->all[0] = top;
	b->count = 1;
	b->top = 0;
}

static emr_status build(
	emr_shared *shared, emr_id16 top, const char *name, building *b, shared_tree *tree)
{
	size_t known;

	EMR_TRY(emr_shared_each(shared, collect_known, collect, b, &tree->unreadable));
	EMR_SORT(b->all, b->count, by_object);
	known = b->count;
	EMR_TRY(find_top(b, top));
	if (b->all[b->top].e.type == EMR_META_FILE)
		leave_alone(b);
	tree->top_parent = b->all[b->top].e.parent_id;
	tree->top_name = strdup(b->all[b->top].item.name);
	EMR_TRY_MEMORY(tree->top_name);
	find_parents(b, known < b->count ? known : b->count);
	return finish(b, name, tree);
}

emr_status shared_tree_build(emr_shared *shared, emr_id16 top, const char *name,
	const shared_tree *before, bool copies_only, shared_tree **out_tree)
{
	emr_id16 grant = emr_shared_grant(shared)->grant.grant;
	building b = {
		.before = before != NULL && emr_id16_equal(before->grant, grant) ? before : NULL,
		.copies_only = copies_only};
	shared_tree *tree = calloc(1, sizeof *tree);
	emr_status status = tree != NULL ? build(shared, top, name, &b, tree) : EMR_NO_MEMORY;

	if (tree != NULL)
		tree->grant = grant;
	for (size_t i = 0; i < b.count; i++)
		free_raw(&b.all[i]);
	free(b.all);
	if (status == EMR_OK)
		*out_tree = tree;
	else
		shared_tree_free(tree);
	return status;
}

void shared_tree_free(shared_tree *tree)
{
	if (tree == NULL)
		return;
	for (size_t i = 0; tree->entries != NULL && i < tree->names.count; i++)
		free_entry(&tree->entries[i]);
	free(tree->entries);
	free(tree->by_object);
	free(tree->top_name);
	flat_free(&tree->names);
	free(tree);
}

/* ---- looking ---- */

uint32_t shared_tree_find(const shared_tree *tree, emr_id16 object)
{
	size_t low = 0, high = tree->names.count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		uint32_t entry = tree->by_object[mid];
		int order = memcmp(object.b, tree->entries[entry].object.b, 16);

		if (order == 0)
			return entry;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return FLAT_NONE;
}

bool shared_tree_is_new(const shared_tree *before, const shared_tree *now, uint32_t entry)
{
	uint32_t old = shared_tree_find(before, now->entries[entry].object);

	return old == FLAT_NONE || !shared_tree_same_place(before, old, now, entry);
}

bool shared_tree_same_place(const shared_tree *a, uint32_t i, const shared_tree *b, uint32_t k)
{
	const flat_place *x = &a->names.places[i], *y = &b->names.places[k];

	return strcmp(x->name, y->name) == 0 &&
	       emr_id16_equal(a->entries[x->parent].object, b->entries[y->parent].object);
}
