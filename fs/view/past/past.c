/* This file shows `.emrfs/at/TIME` and `.emrfs/deleted`: the folder as it was at a time, and what
 * was deleted. It builds such a tree when somebody looks into it, and keeps only the few that
 * were used last, so that looking back cannot fill the memory. */
#include "past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"

#include "edit.h"
#include "kind.h"
#include "node.h"
#include "tree.h"

#define TOP_MODE 0500

static const node_kind past_top_kind, past_kind;

/* ---- life ---- */

static void free_past(past *p)
{
	past_tree_free(p->tree);
	free(p->made);
	free(p);
}

static void unref(past *p)
{
	if (--p->refs == 0 && !p->is_listed)
		free_past(p);
}

static void take_off_list(emr_view *view, past *p)
{
	past **at = &view->past->trees;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	p->next = NULL;
	p->is_listed = false;
}

/* P, which is on no list any more. */
static void free_if_unused(past *p)
{
	if (p->refs == 0)
		free_past(p);
}

emr_status past_begin(emr_view *view)
{
	view->past = calloc(1, sizeof *view->past);
	EMR_TRY_MEMORY(view->past);
	pthread_mutex_init(&view->past->lock, NULL);
	return EMR_OK;
}

void past_free_all(emr_view *view)
{
	if (view->past == NULL)
		return;
	while (view->past->trees != NULL) {
		past *p = view->past->trees;

		view->past->trees = p->next;
		free_past(p);
	}
	free(view->past->days);
	pthread_mutex_destroy(&view->past->lock);
	free(view->past);
}

/* Trees that are found no more, of which the kernel is told so that it lets their nodes go. */
typedef struct parting {
	char names[PAST_KEPT_MAX + 2][PAST_WHEN_BYTES];
	size_t n;
} parting;

/* The least used trees go until the bounds hold; the one used last stays. */
static void keep_bounds(emr_view *view, parting *gone)
{
	size_t kept = 0, entries = 0;
	past *next;

	for (past *p = view->past->trees; p != NULL; p = next) {
		size_t more = p->tree != NULL ? p->tree->names.count : 0;

		next = p->next;
		if (kept == 0 ||
			(kept < PAST_KEPT_MAX && entries + more <= PAST_KEPT_ENTRIES_MAX)) {
			kept++;
			entries += more;
			continue;
		}
		if (gone->n < sizeof gone->names / sizeof gone->names[0])
			memcpy(gone->names[gone->n++], p->name, PAST_WHEN_BYTES);
		take_off_list(view, p);
		free_if_unused(p);
	}
}

/* Without view->lock. */
static void tell_parted(emr_view *view, const parting *gone)
{
	for (size_t i = 0; i < gone->n; i++) {
		bool is_time = gone->names[i][0] != 0;

		emr_view_tell(view, is_time ? view->special.at->number : view->special.root->number,
			is_time ? gone->names[i] : "deleted");
	}
}

void past_forget_all(emr_view *view)
{
	parting gone = {.n = 0};

	pthread_mutex_lock(&view->past->lock);
	pthread_mutex_lock(&view->lock);
	view->past->ndays = 0;
	view->past->days_size = 0;
	while (view->past->trees != NULL) {
		past *p = view->past->trees;

		if (gone.n < sizeof gone.names / sizeof gone.names[0])
			memcpy(gone.names[gone.n++], p->name, PAST_WHEN_BYTES);
		take_off_list(view, p);
		free_if_unused(p);
	}
	pthread_mutex_unlock(&view->lock);
	pthread_mutex_unlock(&view->past->lock);
	tell_parted(view, &gone);
}

/* ---- nodes ---- */

/* Not that of the living record: cp would take the two for one file. */
static uint64_t ino_of(const past_entry *e, const past *p)
{
	emr_id16 mixed = e->object;

	for (int i = 0; i < 8; i++) {
		mixed.b[i] ^= (uint8_t)(e->version >> (8 * i));
		mixed.b[7 - i] = (uint8_t)(mixed.b[7 - i] + mixed.b[8 + i] + 1);
	}
	if (e->version == 0 ||
		e->type ==
			EMR_META_DIR) /* directories differ from time to time by what is in them */
		for (int i = 0; i < 8; i++)
			mixed.b[i] ^= (uint8_t)((p->until_unix_s * UINT64_C(0x9e3779b97f4a7c15)) >>
						(8 * i));
	return tree_ino_of(mixed);
}

static emr_status copy_entry(node *n, const past_entry *e)
{
	n->mode = e->mode;
	n->size = e->size;
	n->mtime_ns = n->ctime_ns = e->mtime_ns;
	if (n->type == EMR_META_SYMLINK && e->target != NULL &&
		(n->target = strdup(e->target)) == NULL)
		return EMR_NO_MEMORY;
	return EMR_OK;
}

static void count_subdirectories(node *n, const past_tree *tree, uint32_t entry)
{
	const flat_place *at = &tree->names.places[entry];

	for (uint32_t i = 0; i < at->nkids; i++)
		n->listing->subdirectories += tree->entries[at->first_kid + i].type == EMR_META_DIR;
}

/* The node of ENTRY, made if there is none. */
static emr_status node_of(emr_view *view, past *p, uint32_t entry, node **out_node)
{
	const past_entry *e = &p->tree->entries[entry];
	emr_status status;
	node *n = p->made[entry];

	if (n != NULL) {
		*out_node = n;
		return EMR_OK;
	}
	EMR_TRY(tree_new_node(view, (emr_meta_type)e->type, emr_id16_random(), ino_of(e, p), &n));
	status = copy_entry(n, e);
	if (status != EMR_OK) {
		tree_free_node(view, n);
		return status;
	}
	if (e->type == EMR_META_DIR)
		count_subdirectories(n, p->tree, entry);
	n->state = NODE_VIRTUAL;
	n->kind = &past_kind;
	n->past = p;
	n->past_entry = entry;
	p->made[entry] = n;
	p->refs++;
	*out_node = n;
	return EMR_OK;
}

/* The directory that stands for the whole of P; it does not need the tree. */
static emr_status make_top(emr_view *view, past *p)
{
	past_entry e = {.type = EMR_META_DIR};
	int64_t now = view_now_ns(view), end = INT64_MAX;
	node *n;

	EMR_TRY(tree_new_node(view, EMR_META_DIR, emr_id16_random(), ino_of(&e, p), &n));
	if (p->until_unix_s < (uint64_t)(INT64_MAX / 1000000000))
		end = (int64_t)p->until_unix_s * 1000000000;
	n->mode = TOP_MODE;
	n->mtime_ns = n->ctime_ns = end < now ? end : now;
	n->state = NODE_VIRTUAL;
	n->kind = &past_top_kind;
	n->past = p;
	p->top = n;
	p->refs++;
	return EMR_OK;
}

static void past_release(emr_view *view, node *n)
{
	past *p = n->past;

	if (n->kernel_refs != 0 || n->opens != 0)
		return;
	if (n == p->top)
		p->top = NULL;
	else
		p->made[n->past_entry] = NULL;
	tree_free_node(view, n);
	unref(p);
}

/* ---- tops ---- */

/* A deleted file is shown before the ledger has its removal. */
static bool is_current(const emr_view *view, const past *p, uint64_t ledger_size)
{
	return p->is_final ||
	       (p->ledger_size == ledger_size &&
		       (p->name[0] != 0 || p->vacated_changes == view->vacated_changes));
}

static emr_status new_past(
	const char *name, uint64_t until, const emr_replica_position *at, past **out_past)
{
	past *p = calloc(1, sizeof *p);

	EMR_TRY_MEMORY(p);
	snprintf(p->name, sizeof p->name, "%s", name);
	p->until_unix_s = until;
	p->ledger_size = at->size;
	p->is_final = until < at->last_time;
	*out_past = p;
	return EMR_OK;
}

/* The past called NAME that holds for AT, the first of the list now. */
static emr_status current_past(emr_view *view, const char *name, uint64_t until,
	const emr_replica_position *at, past **out_past)
{
	past *p = view->past->trees;

	while (p != NULL && strcmp(p->name, name) != 0)
		p = p->next;
	if (p != NULL)
		take_off_list(view, p);
	if (p != NULL && !is_current(view, p, at->size)) {
		free_if_unused(p);
		p = NULL;
	}
	if (p == NULL) {
		EMR_TRY(new_past(name, until, at, &p));
		p->vacated_changes = view->vacated_changes;
	}
	p->next = view->past->trees;
	view->past->trees = p;
	p->is_listed = true;
	*out_past = p;
	return EMR_OK;
}

static emr_status until_of(emr_view *view, const char *name, uint64_t *out_until)
{
	emr_day_span span;

	*out_until = UINT64_MAX;
	if (name[0] == 0)
		return EMR_OK;
	if (strlen(name) >= PAST_WHEN_BYTES || emr_day_read(name, &span) != EMR_DAY_FINE ||
		(int64_t)span.first_unix_s > view_now_ns(view) / 1000000000)
		return EMR_NOT_FOUND;
	*out_until = span.last_unix_s;
	return EMR_OK;
}

emr_status past_top(emr_view *view, const char *name, node **out_node)
{
	parting gone = {.n = 0};
	emr_replica_position at;
	uint64_t until;
	emr_status status;
	past *p;

	pthread_mutex_unlock(&view->lock);
	status = until_of(view, name, &until);
	if (status == EMR_OK)
		status = emr_replica_at(view->options.replica, &at);
	pthread_mutex_lock(&view->lock);
	if (status == EMR_OK)
		status = current_past(view, name, until, &at, &p);
	if (status == EMR_OK && p->top == NULL)
		status = make_top(view, p);
	if (status != EMR_OK)
		return status;
	*out_node = p->top;
	keep_bounds(view, &gone);
	(*out_node)->kernel_refs++; /* keeps it meanwhile */
	pthread_mutex_unlock(&view->lock);
	tell_parted(view, &gone);
	pthread_mutex_lock(&view->lock);
	(*out_node)->kernel_refs--;
	return EMR_OK;
}

/* ---- building ---- */

/* Under past_lock, without view->lock. */
static emr_status build(emr_view *view, past *p)
{
	past_tree *tree;
	node **made;

	EMR_TRY(past_tree_build(
		view, p->until_unix_s, p->name[0] == 0 ? PAST_DELETED : PAST_ALL, &tree));
	made = calloc(tree->names.count, sizeof *made);
	if (made == NULL) {
		past_tree_free(tree);
		return EMR_NO_MEMORY;
	}
	pthread_mutex_lock(&view->lock);
	p->made = made;
	p->tree = tree;
	pthread_mutex_unlock(&view->lock);
	return EMR_OK;
}

static emr_status build_once(emr_view *view, past *p)
{
	parting gone = {.n = 0};
	bool is_built;
	emr_status status = EMR_OK;

	pthread_mutex_lock(&view->past->lock);
	pthread_mutex_lock(&view->lock);
	is_built = p->tree != NULL;
	pthread_mutex_unlock(&view->lock);
	if (!is_built)
		status = build(view, p);
	pthread_mutex_unlock(&view->past->lock);
	pthread_mutex_lock(&view->lock);
	if (!is_built && status == EMR_OK)
		keep_bounds(view, &gone);
	pthread_mutex_unlock(&view->lock);
	tell_parted(view, &gone);
	return status;
}

/* Builds the tree in which NUMBER lies if there is none yet. */
static emr_status past_ready(emr_view *view, uint64_t number, const char *name)
{
	const node *n = tree_by_number(view, number);
	emr_status status;
	past *p;

	(void)name;
	if (n->past->tree != NULL)
		return EMR_OK;
	if (view->past->builders >= PAST_BUILDERS_MAX)
		return EMR_BUSY;
	p = n->past;
	p->refs++;
	view->past->builders++;
	pthread_mutex_unlock(&view->lock);
	status = build_once(view, p);
	pthread_mutex_lock(&view->lock);
	view->past->builders--;
	if (status == EMR_OK && p->top != NULL)
		p->top->listing->subdirectories = 0;
	if (status == EMR_OK && p->top != NULL)
		count_subdirectories(p->top, p->tree, FLAT_TOP);
	unref(p);
	return status;
}

/* ---- looking ---- */

static emr_status past_child(emr_view *view, node *directory, const char *name, node **out_node)
{
	past *p = directory->past;
	uint32_t entry = flat_child(&p->tree->names, directory->past_entry, name);

	return entry == FLAT_NONE ? EMR_NOT_FOUND : node_of(view, p, entry, out_node);
}

static emr_status past_list(emr_view *view, node *directory, lister *l)
{
	past *p = directory->past;
	const flat_place *at = &p->tree->names.places[directory->past_entry];
	node *n;

	/* One for which there is no memory is asked for again from here. */
	for (uint64_t i = l->cookie < 2 ? 0 : l->cookie - 2;
		i < at->nkids && !l->is_over &&
		node_of(view, p, at->first_kid + (uint32_t)i, &n) == EMR_OK;
		i++) {
		(void)kind_give(l, n, p->tree->names.places[n->past_entry].name, i + 3);
		past_release(view, n);
	}
	return EMR_OK;
}

static char *past_path(const node *n)
{
	const past *p = n->past;
	EMR_AUTO_FREE char *inner = flat_path(&p->tree->names, n->past_entry);
	char *path;

	if (inner == NULL || asprintf(&path, ".emrfs/%s%s%s%s", p->name[0] != 0 ? "at/" : "deleted",
				     p->name, inner[0] != 0 ? "/" : "", inner) < 0)
		return NULL;
	return path;
}

/* ---- what a node's version says ---- */

static emr_status learn(emr_view *view, node *n)
{
	past_entry e = n->past->tree->entries[n->past_entry];
	EMR_AUTO_BUF bytes = {0};
	emr_place place;
	emr_meta meta;
	emr_status status;

	n->opens++; /* keeps it, and its tree */
	pthread_mutex_unlock(&view->lock);
	status = emr_facts_version(view->options.facts, e.domain, e.object, e.version, e.pversion,
		&place, &bytes, &meta);
	pthread_mutex_lock(&view->lock);
	if (status == EMR_OK && !n->is_published_gone) {
		status = tree_need_place(view, &place);
		if (status == EMR_OK)
			status = tree_set_attributes(n, meta.xattrs);
		if (status == EMR_OK)
			tree_set_place(view, n, &place);
		n->is_published_gone = status == EMR_OK;
	}
	n->opens--;
	past_release(view, n);
	return status;
}

static emr_status past_learn(emr_view *view, uint64_t number)
{
	emr_status status = EMR_OK;
	node *n;
	EMR_LOCKED(&view->lock);

	n = tree_by_number(view, number);
	if (n != NULL && kind_of(n)->is_past && !n->is_published_gone)
		status = learn(view, n);
	return status;
}

static emr_status past_open(emr_view *view, emr_handle *handle)
{
	return past_learn(view, handle->node->number);
}

static const node_kind past_kind = {.refuses = EMR_READ_ONLY,
	.is_past = true,
	.is_borrowed = true,
	.ready = past_ready,
	.child = past_child,
	.list = past_list,
	.path = past_path,
	.release = past_release,
	.learn = past_learn,
	.open = past_open};

/* It may be there before its tree is, and gets another one. */
static const node_kind past_top_kind = {.refuses = EMR_READ_ONLY,
	.is_borrowed = true,
	.ready = past_ready,
	.child = past_child,
	.list = past_list,
	.path = past_path,
	.release = past_release};

/* ---- days ---- */

static int newest_first(const void *a, const void *b)
{
	return strcmp(b, a);
}

/* Under view->lock.  DAYS: PAST_WHEN_BYTES each. */
static emr_status add_days(emr_view *view, const emr_buf *days)
{
	size_t n = days->len / PAST_WHEN_BYTES;
	char(*grown)[PAST_WHEN_BYTES];

	if (n == 0)
		return EMR_OK;
	grown = realloc(view->past->days, (view->past->ndays + n) * sizeof *grown);
	EMR_TRY_MEMORY(grown);
	view->past->days = grown;
	while (n-- > 0) {
		const char *day = (const char *)days->data + n * PAST_WHEN_BYTES;

		if (view->past->ndays == 0 || strcmp(grown[view->past->ndays - 1], day) < 0)
			memcpy(grown[view->past->ndays++], day, PAST_WHEN_BYTES);
	}
	return EMR_OK;
}

/* Those of DOMAIN with entries from FROM on, newest first. */
static emr_status read_days_of(emr_replica *replica, emr_id16 domain, uint64_t from, emr_buf *days)
{
	emr_replica_listing line;

	EMR_ASK(asked, replica, RECENT_IN, .domain = domain);
	while (emr_next(&asked, &line) && line.item.seq >= from) {
		char day[PAST_WHEN_BYTES] = {0};

		if (line.family != EMR_FAMILY_OBJECT || line.result > EMR_RESULT_ALREADY)
			continue;
		emr_day_of(line.item.ledger_time, day);
		if (days->len == 0 ||
			memcmp(days->data + days->len - sizeof day, day, sizeof day) != 0)
			EMR_TRY(emr_buf_append(days, day, sizeof day));
	}
	return asked.status;
}

/* Those from entry KNOWN on of our own domains, the entries of others are not read; with nothing
 * known, those on the ledgers that were left, too. */
static emr_status read_days(
	emr_replica *replica, const emr_annex *annex, uint64_t known, emr_buf *days)
{
	/* Records that were taken along changed nothing that day. */
	uint64_t from = annex != NULL && annex->joined_size > known ? annex->joined_size : known;
	EMR_AUTO_BUF mine = {0};

	EMR_TRY(emr_replica_own_domains(replica, &mine));
	EMR_EACH (const emr_id16, domain, &mine)
		EMR_TRY(read_days_of(replica, *domain, from, days));
	return annex != NULL && known == 0
		       ? read_days(annex->replica, emr_facts_annex(annex->facts), 0, days)
		       : EMR_OK;
}

static emr_status follow_days(emr_view *view, uint64_t size)
{
	const emr_view_options *o = &view->options;
	EMR_AUTO_BUF days = {0};
	emr_status status;

	EMR_TRY(read_days(o->replica, emr_facts_annex(o->facts), view->past->days_size, &days));
	emr_buf_sort(&days, PAST_WHEN_BYTES, newest_first);
	pthread_mutex_lock(&view->lock);
	status = add_days(view, &days);
	if (status == EMR_OK)
		view->past->days_size = size;
	pthread_mutex_unlock(&view->lock);
	return status;
}

static emr_status learn_days(emr_view *view)
{
	emr_replica_position at;
	emr_status status = emr_replica_at(view->options.replica, &at);

	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&view->past->lock); /* also protects days_size against other writers */
	if (at.size > view->past->days_size)
		status = follow_days(view, at.size);
	pthread_mutex_unlock(&view->past->lock);
	return status;
}

static emr_status days_ready(emr_view *view, uint64_t number, const char *name)
{
	emr_status status;

	(void)number;
	if (name != NULL) /* any day that has begun can be looked up */
		return EMR_OK;
	pthread_mutex_unlock(&view->lock);
	status = learn_days(view);
	pthread_mutex_lock(&view->lock);
	return status;
}

static emr_status days_child(emr_view *view, node *directory, const char *name, node **out_node)
{
	(void)directory;
	return *name == 0 ? EMR_NOT_FOUND : past_top(view, name, out_node);
}

/* A day gets its node when it is looked up: an entry without one. */
static emr_status days_list(emr_view *view, node *directory, lister *l)
{
	emr_attr attr = {.type = EMR_META_DIR,
		.mode = TOP_MODE,
		.nlink = 2,
		.size_bytes = 4096,
		.is_virtual = true};

	(void)directory;
	for (uint64_t i = l->cookie < 2 ? 0 : l->cookie - 2; i < view->past->ndays && !l->is_over;
		i++) {
		attr.ino = i + 3;
		(void)kind_say(l, view->past->days[i], &attr, i + 3);
	}
	return EMR_OK;
}

const node_kind past_days_kind = {
	.refuses = EMR_READ_ONLY, .ready = days_ready, .child = days_child, .list = days_list};
