/* When a folder is opened, this file builds its tree: first what the ledger says, then what the
 * journal says was changed here, then files that were being written at a crash. Records with an
 * unknown or circular parent are shown at the top; a part of a file that a crash left is put
 * beside the last whole version, never in its place. */
#include "load.h"

#include "domains.h"
#include "deposits.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"

#include "follow.h"
#include "folder.h"
#include "foreign.h"
#include "file.h"
#include "ops_file.h"
#include "writers.h"

/* A node whose name is not in the tree yet.  Indexed by its number minus the first one. */
typedef struct loaded {
	node *n; /* NULL: left out */
	emr_id16 parent;
	char *name;
	emr_id16 staging;
	uint64_t promised; /* of it */
	bool has_staging;
	bool is_others;	 /* a writer said it: it lies in its domain */
	bool is_foreign; /* PARENT is a directory of DOMAIN, another's */
	emr_id16 domain;
	size_t path;	      /* which walk upwards came by last, from 1 */
	struct loaded *below; /* from which that walk came; NULL: it began here */
	bool is_attached;
} loaded;

/* A directory that got another object id: what names the old one lies in it. */
typedef struct moved {
	emr_id16 from, to;
	bool is_used;
} moved;

typedef struct loading {
	emr_view *view;
	moved *moves;
	size_t nmoves, moves_cap;
	loaded *all;
	size_t count, cap;
	uint64_t first_number;
	emr_id16 root_id, inbox;
	emr_id16 known; /* the domain looked at last, and whether others may have written there */
	bool is_known, has_others;
	bool has_root, is_journal_damaged;
} loading;

static emr_status add(loading *l, node *n, emr_id16 parent, emr_bytes name)
{
	char *copy = malloc(name.len + 1);

	if (copy == NULL)
		return EMR_NO_MEMORY;
	if (l->count == l->cap) {
		size_t cap = l->cap == 0 ? 256 : l->cap * 2;
		loaded *grown = realloc(l->all, cap * sizeof *grown);

		if (grown == NULL) {
			free(copy);
			return EMR_NO_MEMORY;
		}
		l->all = grown;
		l->cap = cap;
	}
	if (name.len > 0)
		memcpy(copy, name.data, name.len);
	copy[name.len] = 0;
	l->all[l->count++] = (loaded){.n = n, .parent = parent, .name = copy};
	return EMR_OK;
}

static loaded *entry_of(const loading *l, const node *n)
{
	return &l->all[n->number - l->first_number];
}

/* ---- what the ledger says ---- */

static emr_status copy_meta(node *n, const emr_meta *meta)
{
	n->mode = meta->mode;
	n->size = meta->n;
	n->stored_leaves = meta->stored_leaves;
	n->mtime_ns = n->ctime_ns = meta->mtime_ns;
	if (meta->target.len > 0) {
		n->target = strndup((const char *)meta->target.data, meta->target.len);
		if (n->target == NULL)
			return EMR_NO_MEMORY;
	}
	return tree_set_attributes(n, meta->xattrs);
}

/* META becomes what may be believed of it. */
static emr_status judge(loading *l, const emr_place *place, emr_meta *meta, writers_word *word)
{
	emr_status status = EMR_OK;

	if (!l->is_known || !emr_id16_equal(l->known, place->domain)) {
		status = writers_has_any(l->view, place->domain, &l->has_others);
		l->is_known = status == EMR_OK;
		l->known = place->domain;
	}
	/* Whoever may leave something in the Inbox is no writer of it. */
	if (status == EMR_OK && (l->has_others || emr_id16_equal(place->object, place->domain)))
		status = writers_judge(l->view, place, meta, word);
	return status;
}

/* N, which has no name yet, is not in the folder. */
static void leave_out(loading *l, node *n)
{
	entry_of(l, n)->n = NULL;
	tree_free_node(l->view, n);
}

/* Whoever writes somewhere chooses the ids of what he makes there, and may take that of a record in
 * another domain: the first on the ledger is meant by it.  The other is not shown. */
static emr_status has_anothers_id(loading *l, const emr_place *place, bool *out_has)
{
	node *n = tree_by_id(l->view, place->object);
	emr_status status;

	*out_has = n != NULL;
	if (n == NULL)
		return EMR_OK;
	status = follow_is_first(l->view, n->place.domain, place->domain, place->object, out_has);
	if (status != EMR_OK)
		return status;
	if (!*out_has)
		leave_out(l, n);
	if (l->view->options.notice != NULL)
		l->view->options.notice(l->view->options.notice_arg, "bad-data", "");
	return EMR_OK;
}

static emr_status add_fact(
	loading *l, const emr_place *place, const emr_meta *meta, const writers_word *word)
{
	bool is_deposit = false, is_anothers = false;
	emr_status status = has_anothers_id(l, place, &is_anothers);
	node *n;

	if (status != EMR_OK || is_anothers)
		return status;

	if (emr_id16_equal(place->domain, l->inbox))
		status = deposits_is_one(l->view, place, &is_deposit);
	/* Nobody has said yet where it lies; or it is not to be shown, which a person hears of. */
	if (status == EMR_OK && (is_deposit || word->is_hidden))
		return follow_note(l->view, place->domain, place->object);
	if (status == EMR_OK)
		status = tree_new_node(l->view, meta->type, place->object, 0, &n);
	if (status == EMR_OK)
		status = add(l, n, meta->parent, meta->name);
	if (status == EMR_OK)
		status = copy_meta(n, meta);
	if (status != EMR_OK)
		return status;
	n->is_published = true;
	n->place = *place;
	n->is_domain = tree_is_root_object(n);
	n->meta_dirty =
		n->is_domain && n->type == EMR_META_DIR && word->is_others; /* she says it again */
	entry_of(l, n)->is_others = word->is_others && !n->is_domain;
	if (n->is_domain && meta->type == EMR_META_DIR && meta->name.len == 0 &&
		emr_id16_is_zero(meta->parent)) {
		l->root_id = place->object;
		l->has_root = true;
	}
	return EMR_OK;
}

static emr_status load_fact(void *arg, const emr_place *place, const emr_meta *meta)
{
	writers_word word = {.is_others = false};
	emr_meta believed = *meta;
	emr_status status = judge(arg, place, &believed, &word);

	if (status == EMR_OK)
		status = add_fact(arg, place, &believed, &word);
	writers_forget(&word);
	return status;
}

/* A folder that only a writer has removed is there, and is made again on the ledger. */
static emr_status load_lost_root(void *arg, const emr_place *place, const emr_meta *meta)
{
	const writers_word word = {.is_others = true};
	loading *l = arg;
	emr_status status = add_fact(l, place, meta, &word);
	node *n = tree_by_id(l->view, place->object);

	if (status == EMR_OK && n != NULL && emr_id16_equal(n->place.domain, place->domain))
		n->is_published = false;
	return status;
}

/* ---- what the journal says ---- */

/* A row that was written for another reason while bytes were still in memory has their size, and
 * not them. */
static void overlay_size(node *n, const node_row *row)
{
	bool has_bytes = (row->flags & (ROW_HAS_CONTENT | ROW_HAS_STAGING)) != 0;

	n->content_dirty = (row->flags & ROW_CONTENT_DIRTY) != 0 && has_bytes;
	if (!node_is_file(n) || (row->flags & ROW_HAS_STAGING))
		n->size = row->size; /* recovery has the last word */
	else if (row->flags & ROW_HAS_CONTENT)
		n->size = row->content.n;
	else if (!n->is_published)
		n->size = 0;
	/* Else as the ledger says. */
}

static emr_status overlay_content(node *n, const node_row *row)
{
	if ((row->flags & ROW_HAS_CONTENT) && tree_need_content(n) != EMR_OK)
		return EMR_NO_MEMORY;
	if (row->flags & ROW_HAS_CONTENT) {
		n->file->has_content = true;
		*n->file->content = row->content;
		tree_note_stored(n, &row->content);
	}
	if (!(row->flags & ROW_IS_RESTORED))
		return EMR_OK;
	if (tree_need_file(n) != EMR_OK)
		return EMR_NO_MEMORY;
	n->file->restored = malloc(sizeof *n->file->restored);
	if (n->file->restored == NULL)
		return EMR_NO_MEMORY;
	*n->file->restored = row->restored;
	return EMR_OK;
}

static emr_status overlay(loading *l, node *n, const node_row *row)
{
	loaded *entry = entry_of(l, n);
	char *name = strndup((const char *)row->name.data, row->name.len);

	if (name == NULL)
		return EMR_NO_MEMORY;
	if (n->is_published &&
		(strcmp(name, entry->name) != 0 || !emr_id16_equal(row->parent, entry->parent))) {
		n->was = calloc(1, sizeof *n->was);
		if (n->was == NULL) {
			free(name);
			return EMR_NO_MEMORY;
		}
		n->was->directory = entry->parent;
		strncpy(n->was->name, entry->name, EMR_NAME_MAX);
	}
	free(entry->name);
	entry->name = name;
	entry->parent = row->parent;
	entry->is_others = entry->is_others && n->is_published && n->was == NULL;
	entry->is_foreign = (row->flags & ROW_IS_FOREIGN) != 0;
	entry->domain = row->domain;
	entry->has_staging = (row->flags & ROW_HAS_STAGING) != 0;
	entry->staging = row->staging;
	entry->promised = row->promised;
	n->has_row = true;
	n->change = row->change;
	n->next_id = row->next_id;
	n->mode = row->mode;
	n->ino = row->ino;
	n->mtime_ns = row->mtime_ns;
	n->ctime_ns = row->ctime_ns;
	n->is_domain = (row->flags & ROW_IS_DOMAIN) != 0;
	n->is_inbox = (row->flags & ROW_IS_INBOX) != 0;
	n->meta_dirty = (row->flags & ROW_META_DIRTY) != 0;
	overlay_size(n, row);
	if (node_is_file(n) && overlay_content(n, row) != EMR_OK)
		return EMR_NO_MEMORY;
	free(n->target);
	n->target = NULL;
	if (row->target.len > 0) {
		n->target = strndup((const char *)row->target.data, row->target.len);
		if (n->target == NULL)
			return EMR_NO_MEMORY;
	}
	return tree_set_attributes(n, row->attributes);
}

/* The rest of a damaged journal is missing: what it says of a record that went on since is out of
 * date. */
static bool is_overtaken(const loading *l, const node *n, bool has_place, const emr_place *place)
{
	return n->is_published && (!has_place || place->version < n->place.version) &&
	       l->is_journal_damaged;
}

static emr_status load_row(void *arg, emr_id16 key, emr_bytes value)
{
	loading *l = arg;
	node_row row;
	emr_status status;
	node *n;

	status = row_decode(value, &row);
	if (status != EMR_OK)
		return status;
	n = tree_by_id(l->view, key);
	if (n != NULL && n->is_published && (row.flags & ROW_HAS_PLACE) &&
		!emr_id16_equal(row.place.domain, n->place.domain)) {
		leave_out(l, n); /* somebody took the id of what is changed here */
		n = NULL;
	}
	if (n == NULL) {
		status = tree_new_node(l->view, (emr_meta_type)row.type, key, row.ino, &n);
		if (status == EMR_OK)
			status = add(l, n, row.parent, row.name);
		if (status != EMR_OK)
			return status;
		if (row.flags & ROW_HAS_PLACE) {
			n->is_published = true;
			n->place = row.place;
			n->size = row.size;
			/* Not live there: removed or erased by others, or it cannot be read. */
			if ((row.flags & ROW_IS_FOREIGN) == 0)
				status = follow_note(l->view, row.place.domain, row.place.object);
			else
				n->top_cver = row.place.cver;
			if (status != EMR_OK)
				return status;
		}
	} else if (n->type != row.type) {
		return EMR_DAMAGED;
	} else if (is_overtaken(l, n, (row.flags & ROW_HAS_PLACE) != 0, &row.place)) {
		return EMR_OK;
	} else if ((row.flags & ROW_HAS_PLACE) && row.place.version < n->place.version) {
		/* Others went on while this computer was away: what was changed here stands on what
		 * it knew, until the two are brought together. */
		n->place = row.place;
		status = follow_note(l->view, row.place.domain, row.place.object);
		if (status != EMR_OK)
			return status;
	}
	return overlay(l, n, &row);
}

static emr_status load_vacated(void *arg, emr_id16 key, emr_bytes value)
{
	loading *l = arg;
	vacated_row row;
	emr_status status;
	vacated *v;
	node *n;

	status = vacated_decode(value, &row);
	if (status != EMR_OK)
		return status;
	n = tree_by_id(l->view, key);
	if (n != NULL && !emr_id16_equal(row.place.domain, n->place.domain)) {
		leave_out(l, n);
		n = NULL;
	}
	if (n != NULL && is_overtaken(l, n, true, &row.place))
		return EMR_OK;
	if (n != NULL && row.place.version < n->place.version) {
		status = follow_note(l->view, row.place.domain, row.place.object);
		if (status != EMR_OK)
			return status;
	}
	v = calloc(1, sizeof *v);
	if (v == NULL)
		return EMR_NO_MEMORY;
	v->place = row.place;
	v->directory = row.directory;
	v->type = row.type;
	v->may_be_adopted = row.may_be_adopted;
	v->is_sent = true; /* a batch that has no answer yet may end it */
	memcpy(v->name, row.name.data, row.name.len);
	vacated_add(l->view, v);
	if (n != NULL && n->number >= l->first_number)
		leave_out(l, n);
	return EMR_OK;
}

static emr_status load_ino(void *arg, emr_id16 key, emr_bytes value)
{
	const loading *l = arg;
	node *n = tree_by_id(l->view, key);

	if (value.len != 8)
		return EMR_DAMAGED;
	if (n != NULL && !n->has_row)
		n->ino = emr_get_u64(value.data);
	return EMR_OK;
}

static emr_status load_moved(void *arg, emr_id16 key, emr_bytes value)
{
	loading *l = arg;
	moved m = {.from = key};

	if (value.len != sizeof m.to.b)
		return EMR_DAMAGED;
	memcpy(m.to.b, value.data, sizeof m.to.b);
	if (l->nmoves == l->moves_cap) {
		size_t cap = l->moves_cap == 0 ? 16 : l->moves_cap * 2;
		moved *grown = realloc(l->moves, cap * sizeof *grown);

		if (grown == NULL)
			return EMR_NO_MEMORY;
		l->moves = grown;
		l->moves_cap = cap;
	}
	l->moves[l->nmoves++] = m;
	return EMR_OK;
}

/* ---- the tree ---- */

static const emr_id16 *moved_to(const loading *l, const emr_id16 *id)
{
	for (size_t i = 0; i < l->nmoves; i++)
		if (emr_id16_equal(l->moves[i].from, *id)) {
			l->moves[i].is_used = true;
			return &l->moves[i].to;
		}
	return NULL;
}

static node *parent_node(const loading *l, emr_id16 id)
{
	const emr_id16 *at = &id;

	if (emr_id16_is_zero(id))
		return l->view->root;
	for (size_t hops = 0; at != NULL && hops <= l->nmoves; hops++) {
		node *n = tree_by_id(l->view, *at);

		if (n != NULL)
			return n->type == EMR_META_DIR ? n : NULL;
		at = moved_to(l, at);
	}
	return NULL;
}

/* That of N, which need not hang anywhere yet. */
static emr_id16 domain_of(const loading *l, const node *n)
{
	return n == l->view->root || !n->is_published ? tree_domain(n) : n->place.domain;
}

/* The directory of one's own in which ENTRY lies in another's folder; the other chose its id. NULL:
 * it is only shown. */
static node *foreign_parent(const loading *l, const loaded *entry)
{
	node *n = emr_id16_is_zero(entry->parent) ? NULL : parent_node(l, entry->parent);
	const loaded *above = n != NULL && n != l->view->root ? entry_of(l, n) : NULL;

	return above != NULL && above->is_foreign && emr_id16_equal(above->domain, entry->domain)
		       ? n
		       : NULL;
}

/* Of ENTRY: where it is to hang. */
static node *parent_of(const loading *l, const loaded *entry)
{
	node *n = entry->is_foreign ? foreign_parent(l, entry) : parent_node(l, entry->parent);

	if (entry->is_others &&
		(n == NULL || !emr_id16_equal(domain_of(l, n), entry->n->place.domain)))
		n = parent_node(l, entry->n->place.domain);
	return n == NULL && entry->is_foreign
		       ? tree_by_shown_id(
				 l->view, shared_record_id(entry->domain, entry->parent, 0))
		       : n;
}

#define FORGOTTEN_AT_ONCE 10000 /* 22 bytes each: well within one frame */

/* Nothing names their old ids any more. */
static void forget_moves(const loading *l)
{
	size_t n = 0;
	edit e;

	for (size_t i = 0; i < l->nmoves; i++)
		n += !l->moves[i].is_used;
	if (n == 0 || l->view->options.read_only)
		return;
	e = edit_begin(l->view);
	for (size_t i = 0; i < l->nmoves && n > 0; i++)
		if (!l->moves[i].is_used && n-- <= FORGOTTEN_AT_ONCE && e.status == EMR_OK)
			e.status = emr_journal_delete(e.txn, EMR_ROW_MOVED, l->moves[i].from);
	if (edit_commit(&e, NULL) != EMR_OK)
		emr_log(EMR_LOG_WARN, "old ids of directories stay in the journal for a while");
}

static emr_status attach_one(loading *l, loaded *entry, node *directory)
{
	char name[EMR_NAME_MAX + 1];
	const char *wanted = entry->name;
	emr_status status;

	entry->is_attached = true;
	/* Published under an id that its directory no longer has: the ledger must be told the
	 * present one. */
	if (entry->n->is_published && directory != l->view->root && !entry->is_foreign &&
		!entry->is_others && !emr_id16_equal(entry->parent, directory->id))
		entry->n->meta_dirty = true;
	if (emr_name_check(wanted) != EMR_OK)
		wanted = "unnamed";
	if (tree_child(l->view, directory, wanted) != NULL ||
		tree_is_kept_name(l->view, directory, wanted, entry->n->is_domain)) {
		tree_free_name(l->view, directory, entry->n->id, wanted, name);
		wanted = name;
	}
	if (wanted != entry->name)
		return tree_attach(l->view, directory, wanted, entry->n);
	status = tree_reserve(l->view, directory);
	if (status != EMR_OK)
		return status;
	tree_attach_prepared(l->view, directory, entry->name, entry->n);
	entry->name = NULL; /* the node's */
	return EMR_OK;
}

/* One that a writer closed: what he said lies in its domain.  False: he has no part in it. */
static bool open_circle(const loading *l, loaded *first)
{
	loaded *at = first;

	do {
		if (at->is_others && !emr_id16_equal(at->parent, at->n->place.domain)) {
			at->parent = at->n->place.domain;
			return true;
		}
		at = entry_of(l, parent_of(l, at));
	} while (at != first);
	return false;
}

/* The highest entry above FIRST (or itself) that is not attached yet, and what it is to hang in.  A
 * record whose parent is unknown, or that would close a circle, hangs at the top of the folder.
 * NULL: a circle was opened, look again. */
static loaded *highest_loose(loading *l, loaded *first, size_t path, node **out_directory)
{
	loaded *entry = first;

	first->below = NULL;
	for (;;) {
		node *parent = parent_of(l, entry);
		loaded *above;

		entry->path = path;
		if (parent == NULL || parent == l->view->root) {
			if (parent == NULL)
				entry->n->lost_parent =
					entry->is_others ? entry->n->place.domain : entry->parent;
			*out_directory = l->view->root;
			return entry;
		}
		above = entry_of(l, parent);
		if (!above->is_attached && above->path == path && open_circle(l, above)) {
			*out_directory = NULL;
			return NULL;
		}
		if (above->is_attached || above->path == path) {
			*out_directory = above->is_attached ? parent : l->view->root;
			return entry;
		}
		above->below = entry;
		entry = above;
	}
}

/* That of ENTRY; it is above whatever lies deep in it, and so in the tree already. */
static node *domain_root(const loading *l, const loaded *entry)
{
	node *n = tree_by_id(l->view, entry->n->place.domain);

	return n != NULL && n->type == EMR_META_DIR &&
			       (n == l->view->root || entry_of(l, n)->is_attached)
		       ? n
		       : l->view->root;
}

/* TOP into DIRECTORY, and down from there what the walk came by: one walk for each of them would
 * take a day of directories that somebody has laid a hundred thousand deep. */
static emr_status attach_below(loading *l, loaded *top, node *directory)
{
	emr_status status = EMR_OK;

	for (loaded *entry = top; entry != NULL && status == EMR_OK; entry = entry->below) {
		if (entry->is_others && writers_is_too_deep(directory))
			directory = domain_root(l, entry);
		status = attach_one(l, entry, directory);
		directory = entry->n;
	}
	return status;
}

static emr_status attach_all(loading *l)
{
	size_t path = 0;

	for (size_t i = 0; i < l->count; i++) {
		loaded *entry = &l->all[i];

		while (entry->n != NULL && entry->n != l->view->root && !entry->is_attached) {
			node *directory;
			loaded *top = highest_loose(l, entry, ++path, &directory);
			emr_status status = top != NULL ? attach_below(l, top, directory) : EMR_OK;

			if (status != EMR_OK)
				return status;
		}
	}
	return EMR_OK;
}

/* ---- working copies ---- */

/* No working copy came back: the file is what it was before it. */
static void fall_back(emr_view *view, node *n)
{
	emr_content_reader *base = NULL;

	n->content_dirty = n->file->has_content; /* frozen, not sent yet */
	if (file_base(view, n, &base) == EMR_OK)
		n->size = base != NULL ? emr_content_reader_content(base)->n : 0;
}

/* The bytes that a flush had covered are not all there: that is said, also to verify. */
static void say_went_back(emr_view *view, node *n)
{
	char *path;

	n->file->went_back = true;
	path = n->state == NODE_LIVE ? tree_path(n) : NULL;
	if (view->options.notice != NULL)
		view->options.notice(
			view->options.notice_arg, "went-back", path != NULL ? path : "");
	free(path);
}

/* The rows of both, in one step: N has no working copy any more, PART has it. */
static emr_status write_part(emr_view *view, node *n, node *part)
{
	node_row of_part = row_of_node(part), of_n = row_of_node(n);
	edit e = edit_begin(view);
	emr_status status;

	edit_put(&e, part->id, &of_part);
	edit_put(&e, n->id, &of_n);
	status = edit_commit(&e, &part->row_seq);
	if (status == EMR_OK)
		part->has_row = n->has_row = true;
	return status;
}

/* What was saved of N's working copy, as a file beside it. */
static emr_status make_part(loading *l, const loaded *entry, node **out_part)
{
	char wanted[EMR_NAME_MAX + 1], name[EMR_NAME_MAX + 1];
	const node *n = entry->n;
	node *part;
	emr_status status = tree_new_node(l->view, EMR_META_FILE, emr_id16_random(), 0, &part);

	if (status != EMR_OK)
		return status;
	part->mode = n->mode;
	part->state = NODE_LIVE;
	emr_name_insert(n->name, " (saved in part)", wanted);
	if (tree_child(l->view, n->parent, wanted) != NULL)
		tree_free_name(l->view, n->parent, part->id, wanted, name);
	else
		memcpy(name, wanted, sizeof name);
	status = tree_need_file(part);
	if (status == EMR_OK)
		status = tree_attach(l->view, n->parent, name, part);
	if (status != EMR_OK)
		tree_free_node(l->view, part);
	else
		*out_part = part;
	return status;
}

static void take_staging(node *n, emr_staging *staging, emr_id16 id)
{
	n->file->staging = staging;
	n->file->staging_id = id;
	n->file->staging_in_row = n->file->is_spill_named = true;
	n->size = emr_staging_size(staging);
	/* The spill knows the time of the last write, the row that of the last utimens: the later
	 * one counts. */
	if (emr_staging_mtime_ns(staging) > n->ctime_ns)
		n->mtime_ns = n->ctime_ns = emr_staging_mtime_ns(staging);
	n->content_dirty = true;
}

/* The spill ends before what a flush had covered: under its name the file is the version before,
 * whole, and what there is of the working copy is a file beside it.  Where nothing may be written,
 * the spill stays for a start that may. */
static emr_status set_part_apart(loading *l, const loaded *entry, emr_staging *staging)
{
	emr_view *view = l->view;
	node *part = NULL;
	emr_status status = view->options.read_only ? EMR_READ_ONLY : make_part(l, entry, &part);

	fall_back(view, entry->n);
	say_went_back(view, entry->n);
	if (status == EMR_OK) {
		take_staging(part, staging, entry->staging);
		status = write_part(view, entry->n, part);
		if (status == EMR_OK) {
			mark_changed(view, part);
			return EMR_OK;
		}
		emr_log(EMR_LOG_WARN, "a part that was saved is not set apart: %s",
			emr_status_text(status));
		return EMR_OK;
	}
	emr_staging_free(staging);
	entry->n->file->keep_spill = true;
	return status == EMR_NO_MEMORY ? status : EMR_OK;
}

/* A moment without memory must not cost the working copy: then the folder does not open. */
static emr_status recover_staging(loading *l, const loaded *entry)
{
	emr_view *view = l->view;
	node *n = entry->n;
	emr_content_reader *base = NULL;
	emr_staging *staging = NULL;
	emr_status status;
	char id[33];

	if (tree_need_file(n) != EMR_OK)
		return EMR_NO_MEMORY;
	status = file_base(view, n, &base);
	if (status != EMR_NO_MEMORY) /* a working copy may do without its base */
		status = emr_staging_recover(view->options.records, entry->staging, base, &staging);
	if (status == EMR_NO_MEMORY)
		return status;
	if (status != EMR_OK) {
		emr_hex(n->id.b, sizeof n->id.b, id);
		emr_log(EMR_LOG_WARN, "working copy of record %s was not recovered: %s", id,
			emr_status_text(status));
		n->file->keep_spill = status != EMR_NOT_FOUND;
		fall_back(view, n);
		if (n->file->keep_spill) { /* the row goes on naming it: the next start may have
					      better luck */
			n->file->staging_id = entry->staging;
			n->file->staging_in_row = n->file->is_spill_named = true;
			n->failure = status;
			file_notice(view, n, status);
		}
		if (entry->promised > 0)
			say_went_back(view, n);
		return EMR_OK;
	}
	if (emr_staging_mark(staging) < entry->promised)
		return set_part_apart(l, entry, staging);
	take_staging(n, staging, entry->staging);
	n->file->promised = entry->promised;
	return EMR_OK;
}

static emr_status walk_rows(loading *l)
{
	emr_journal *journal = l->view->options.journal;
	emr_status status;

	status = emr_journal_each(journal, EMR_ROW_NODE, load_row, l);
	if (status == EMR_OK)
		status = emr_journal_each(journal, EMR_ROW_VACATED, load_vacated, l);
	if (status == EMR_OK)
		status = emr_journal_each(journal, EMR_ROW_INO, load_ino, l);
	if (status == EMR_OK)
		status = emr_journal_each(journal, EMR_ROW_MOVED, load_moved, l);
	return status;
}

static void set_root(loading *l)
{
	emr_view *view = l->view;
	node *root = tree_by_id(view, l->root_id);

	tree_become_root(view, root);
	root->kind = &folder_kind;
}

/* A record whose name went away waits for whoever takes the name: in the directory as it is known
 * now. */
static void follow_vacated(const loading *l)
{
	for (vacated *v = l->view->vacated; v != NULL; v = v->next) {
		const node *directory =
			emr_id16_is_zero(v->directory) ? NULL : parent_node(l, v->directory);

		if (directory == NULL) /* one's own when it was written, the other's by now */
			directory = tree_by_shown_id(
				l->view, shared_record_id(v->place.domain, v->directory, 0));
		if (directory != NULL)
			v->directory = directory->id;
	}
}

static void mark_foreign(void *arg, node *n)
{
	(void)arg;
	tree_mark_local(n);
}

static void queue_foreign(void *arg, node *n)
{
	if (needs_settling(n))
		enqueue(arg, n);
}

/* Directories of others, in which something of one's own lies: known by their ids alone, until
 * their shares are. */
static emr_status load_anchors(loading *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const loaded entry = l->all[i];
		emr_status status;
		node *n;

		if (entry.n == NULL || !entry.is_foreign)
			continue;
		if (l->view->shares == NULL)
			return EMR_INVALID;
		l->view->shares->has_own = true;
		if (foreign_parent(l, &entry) != NULL)
			continue;
		status = shared_anchor(l->view, entry.domain, entry.parent, &n);
		if (status == EMR_OK && n->number - l->first_number == l->count) /* it is new */
			status = add(l, n, (emr_id16){{0}}, (emr_bytes){0});
		if (status != EMR_OK)
			return status;
		entry_of(l, n)->is_attached = true;
	}
	return EMR_OK;
}

static emr_status load_all(loading *l)
{
	emr_view *view = l->view;
	uint64_t damaged = 0;
	emr_status status;

	l->first_number = view->next_number;
	l->is_journal_damaged = emr_journal_state_get(view->options.journal).read_only;
	status = domains_inbox(view, &l->inbox);
	if (status == EMR_OK)
		status = emr_facts_each_kept(view->options.facts, load_fact, l, &damaged);
	if (status == EMR_OK)
		status = writers_each_lost_root(view, load_lost_root, l);
	if (status != EMR_OK)
		return status;
	if (!l->has_root)
		return EMR_NOT_FOUND;
	if (damaged > 0 && view->options.notice != NULL)
		view->options.notice(view->options.notice_arg, "bad-data", "");
	if (emr_facts_unreadable(view->options.facts) > 0 && view->options.notice != NULL)
		view->options.notice(view->options.notice_arg, "unreadable", "");
	status = walk_rows(l);
	if (status != EMR_OK)
		return status;
	set_root(l);
	status = load_anchors(l);
	if (status != EMR_OK)
		return status;
	follow_vacated(l);
	status = attach_all(l);
	if (status != EMR_OK)
		return status;
	forget_moves(l);
	tree_mark_all_local(view);
	tree_walk_elsewhere(view, mark_foreign, NULL);
	for (node *kid = tree_next_kid(view->root, 0); kid != NULL;
		kid = tree_next_kid(view->root, kid->cookie)) {
		if (kid->is_domain && strcmp(kid->name, "Inbox") == 0)
			kid->is_inbox = true;
	}
	for (size_t i = 0; i < l->count && status == EMR_OK; i++)
		if (l->all[i].n != NULL && l->all[i].has_staging && node_is_file(l->all[i].n))
			status = recover_staging(l, &l->all[i]);
	if (status != EMR_OK)
		return status;
	requeue_below(view, view->root);
	tree_walk_elsewhere(view, queue_foreign, view);
	return EMR_OK;
}

emr_status load_tree(emr_view *view)
{
	loading l = {.view = view};
	emr_status status = load_all(&l);

	for (size_t i = 0; i < l.count; i++)
		free(l.all[i].name);
	free(l.all);
	free(l.moves);
	return status;
}

/* ---- spills that nobody names ---- */

static bool is_named(const emr_view *view, emr_id16 staging)
{
	for (size_t i = 0; i < view->by_number.cap; i++) {
		const node *n = table_at(&view->by_number, i);

		if (n != NULL && n->file != NULL &&
			(n->file->keep_spill || emr_id16_equal(n->file->staging_id, staging)))
			return true;
	}
	return false;
}

void load_clean_spills(emr_view *view)
{
	int fd = openat(view->options.state_dirfd, "spill", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	emr_id16 id;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		emr_status status;

		if (emr_unhex(entry->d_name, id.b, sizeof id.b) != EMR_OK || is_named(view, id))
			continue;
		status = emr_staging_remove(view->options.records, id);
		if (status != EMR_OK)
			emr_log(EMR_LOG_WARN, "a spill was not removed: %s",
				emr_status_text(status));
	}
	closedir(dir);
}
