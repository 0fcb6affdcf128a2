/* When a folder is opened, this file builds its tree: first what the ledger says, then what the
 * journal says was changed here, then files that were being written at a crash. */
#include "load_private.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/codec.h"

#include "deposits.h"
#include "file.h"
#include "follow.h"
#include "foreign.h"
#include "ops_file.h"
#include "publish.h"
#include "rest.h"
#include "tree.h"
#include "writers.h"

static emr_status add(loading *l, node *n, emr_id16 parent, emr_bytes name)
{
	/* At the end, or where one was left out. */
	const size_t at = slot_of(n->number) - l->first_slot;
	char *copy;

	if (emr_array_room(&l->all, l->count, &l->cap, sizeof *l->all) != EMR_OK ||
		(copy = malloc(name.len + 1)) == NULL)
		return EMR_NO_MEMORY;
	if (name.len > 0)
		memcpy(copy, name.data, name.len);
	copy[name.len] = 0;
	if (at == l->count)
		l->count++;
	else
		free(l->all[at].name);
	l->all[at] = (loaded){.n = n, .parent = parent, .name = copy};
	return EMR_OK;
}

/* ---- what the ledger says ---- */

/* N, which has no name yet, is not in the folder. */
static void leave_out(loading *l, node *n)
{
	load_entry_of(l, n)->n = NULL;
	tree_free_node(l->view, n);
}

/* A writer chooses the ids of new records, and may take that of a record in another domain: the
 * first on the ledger is meant by it. The other is not shown. */
static emr_status has_anothers_id(loading *l, const emr_place *place, bool *out_has)
{
	node *n = tree_by_id(l->view, place->object);

	*out_has = n != NULL;
	if (n == NULL)
		return EMR_OK;
	EMR_TRY(follow_is_first(l->view, node_domain(n), place->domain, place->object, out_has));
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
	node *n;

	EMR_TRY(has_anothers_id(l, place, &is_anothers));
	if (is_anothers)
		return EMR_OK;

	if (emr_id16_equal(place->domain, l->inbox))
		EMR_TRY(deposits_is_one(l->view, place, &is_deposit));
	/* Nobody has said yet where it lies; or it is not to be shown, which a person hears of. */
	if (is_deposit || word->is_hidden)
		return follow_note(l->view, place->domain, place->object);
	EMR_TRY(tree_new_node(l->view, meta->type, place->object, 0, &n));
	EMR_TRY(add(l, n, meta->parent, meta->name));
	EMR_TRY(rest_take_meta(l->view, n, place, meta));
	n->meta_dirty =
		n->is_domain && n->type == EMR_META_DIR && word->is_others; /* she says it again */
	load_entry_of(l, n)->is_others = word->is_others && !n->is_domain;
	if (n->is_domain && meta->type == EMR_META_DIR && meta->name.len == 0 &&
		emr_id16_is_zero(meta->parent)) {
		l->root_id = place->object;
		l->has_root = true;
	}
	return EMR_OK;
}

emr_status load_add_facts(loading *l, emr_facts_walk *walk)
{
	emr_place place;
	emr_meta meta;

	while (emr_facts_next(walk, &place, &meta)) {
		writers_word word = {.is_others = false};
		emr_status status = load_know_others(l, place.domain);

		/* A depositor in the Inbox is no writer of it. */
		if (status == EMR_OK &&
			(l->has_others || emr_id16_equal(place.object, place.domain)))
			status = writers_judge(l->view, &place, &meta, &word);
		if (status == EMR_OK)
			status = add_fact(l, &place, &meta, &word);
		writers_forget(&word);
		EMR_TRY(status);
	}
	return walk->status;
}

static emr_status load_facts(loading *l)
{
	emr_view *view = l->view;
	EMR_AUTO_SNAPSHOT snapshot = {0}; /* locks are taken once, and not for each row */
	EMR_AUTO_FACTS_WALK all = {0};

	EMR_TRY(emr_replica_snapshot_begin(view->options.replica, &snapshot));
	EMR_TRY(load_open_kept(l));
	all = emr_kept_awake(view->options.facts,
		view->index.resting != NULL ? view->index.resting->kept : NULL);
	EMR_TRY(load_add_facts(l, &all));
	EMR_TRY(load_ambiguous(l));
	if (all.damaged > 0 && view->options.notice != NULL)
		view->options.notice(view->options.notice_arg, "bad-data", "");
	return EMR_OK;
}

/* A folder that only a writer has removed is there, and is made again on the ledger. */
static emr_status load_lost_root(loading *l, emr_id16 domain)
{
	const writers_word word = {.is_others = true};
	EMR_AUTO_BUF plain = {0};
	emr_place place;
	emr_meta meta;
	node *n;
	emr_status status = writers_lost_root(l->view, domain, &place, &plain, &meta);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	EMR_TRY(add_fact(l, &place, &meta, &word));
	n = tree_by_id(l->view, place.object);
	if (n != NULL && emr_id16_equal(node_domain(n), place.domain))
		n->is_published = false;
	return EMR_OK;
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
		node_file(n)->has_content = true;
		*node_file(n)->content = row->content;
		tree_note_stored(n, &row->content);
	}
	if (!(row->flags & ROW_IS_RESTORED))
		return EMR_OK;
	if (tree_need_file(n) != EMR_OK)
		return EMR_NO_MEMORY;
	node_file(n)->restored = malloc(sizeof *node_file(n)->restored);
	if (node_file(n)->restored == NULL)
		return EMR_NO_MEMORY;
	*node_file(n)->restored = row->restored;
	return EMR_OK;
}

static emr_status overlay(loading *l, node *n, const node_row *row)
{
	loaded *entry = load_entry_of(l, n);
	char *name = strndup((const char *)row->name.data, row->name.len);

	EMR_TRY_MEMORY(name);
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
	if ((row->flags & ROW_IS_FORMER) != 0 && tree_need_file(n) == EMR_OK)
		node_file(n)->is_former = true;
	if (tree_need_pending(n) != EMR_OK)
		return EMR_NO_MEMORY;
	n->pending->change = row->change;
	tree_set_next_id(n, row->next_id);
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
	if (n->type == EMR_META_SYMLINK) {
		char *target = strndup((const char *)row->target.data, row->target.len);

		EMR_TRY_MEMORY(target);
		tree_take_target(n, target);
	}
	return tree_set_attributes(n, row->attributes);
}

/* The rest of a damaged journal is missing: what it says of a record that went on since is out of
 * date. */
static bool is_overtaken(const loading *l, const node *n, bool has_place, const emr_place *place)
{
	return n->is_published && (!has_place || place->version < node_version(n)) &&
	       l->is_journal_damaged;
}

static emr_status load_row(void *arg, emr_id16 key, emr_bytes value)
{
	loading *l = arg;
	bool is_passed = false;
	node_row row;
	emr_status status;
	node *n;

	status = row_decode(value, &row);
	if (status == EMR_OK)
		status = load_pass_overtaken(l, key, &row, &is_passed);
	if (status != EMR_OK || is_passed)
		return status;
	n = tree_by_id(l->view, key);
	if (n != NULL && n->is_published && (row.flags & ROW_HAS_PLACE) &&
		!emr_id16_equal(row.place.domain, node_domain(n))) {
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
			status = tree_need_place(l->view, &row.place);
			if (status != EMR_OK)
				return status;
			n->is_published = true;
			tree_set_place(l->view, n, &row.place);
			n->size = row.size;
			/* Not live there: removed or erased by others, or it cannot be read. */
			if ((row.flags & ROW_IS_FOREIGN) == 0)
				status = follow_note(l->view, row.place.domain, row.place.object);
			else if (node_is_file(n) && (status = tree_need_file(n)) == EMR_OK)
				node_set_top_cver(n, row.place.cver);
			if (status != EMR_OK)
				return status;
		}
	} else if (n->type != row.type) {
		return EMR_DAMAGED;
	} else if (is_overtaken(l, n, (row.flags & ROW_HAS_PLACE) != 0, &row.place)) {
		return EMR_OK;
	} else if ((row.flags & ROW_HAS_PLACE) && row.place.version < node_version(n)) {
		/* Others went on while this computer was away: what was changed here stands on what
		 * it knew, until the two are brought together. */
		EMR_TRY(tree_need_place(l->view, &row.place));
		EMR_TRY(follow_note(l->view, row.place.domain, row.place.object));
		tree_set_place(l->view, n, &row.place);
	}
	return overlay(l, n, &row);
}

static emr_status load_vacated(void *arg, emr_id16 key, emr_bytes value)
{
	loading *l = arg;
	bool is_passed = false;
	vacated_row row;
	vacated *v;
	node *n;

	EMR_TRY(vacated_decode(value, &row));
	EMR_TRY(load_pass_vacated(l, key, row.place.version, &is_passed));
	if (is_passed)
		return EMR_OK;
	n = tree_by_id(l->view, key);
	if (n != NULL && !emr_id16_equal(row.place.domain, node_domain(n))) {
		leave_out(l, n);
		n = NULL;
	}
	if (n != NULL && is_overtaken(l, n, true, &row.place))
		return EMR_OK;
	if (n != NULL && row.place.version < node_version(n))
		EMR_TRY(follow_note(l->view, row.place.domain, row.place.object));
	else if (n != NULL && row.place.version > node_version(n))
		row.place = node_place(n); /* it was said of a ledger that was left since */
	v = calloc(1, sizeof *v);
	EMR_TRY_MEMORY(v);
	v->place = row.place;
	v->directory = row.directory;
	v->type = row.type;
	v->may_be_adopted = row.may_be_adopted;
	v->is_sent = true; /* a batch that has no answer yet may end it */
	memcpy(v->name, row.name.data, row.name.len);
	vacated_add(l->view, v);
	if (n != NULL && load_has_entry(l, n))
		leave_out(l, n);
	return EMR_OK;
}

static emr_status load_ino(void *arg, emr_id16 key, emr_bytes value)
{
	const loading *l = arg;
	node *n = tree_awake_by_id(l->view, key); /* what rests looks for it later */

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
	if (emr_array_room(&l->moves, l->nmoves, &l->moves_cap, sizeof *l->moves) != EMR_OK)
		return EMR_NO_MEMORY;
	l->moves[l->nmoves++] = m;
	return EMR_OK;
}

static emr_status walk_rows(loading *l)
{
	emr_journal *journal = l->view->options.journal;

	EMR_TRY(emr_journal_each(journal, EMR_ROW_NODE, load_row, l));
	EMR_TRY(emr_journal_each(journal, EMR_ROW_VACATED, load_vacated, l));
	EMR_TRY(emr_journal_each(journal, EMR_ROW_INO, load_ino, l));
	return emr_journal_each(journal, EMR_ROW_MOVED, load_moved, l);
}

static emr_status set_root(loading *l)
{
	node *root = tree_by_id(l->view, l->root_id);

	root->kind = &folder_kind;
	return tree_become_root(l->view, root);
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
		if (load_foreign_parent(l, &entry) != NULL)
			continue;
		status = shared_anchor(l->view, entry.domain, entry.parent, &n);
		if (status == EMR_OK && !load_has_entry(l, n)) /* it is new */
			status = add(l, n, (emr_id16){{0}}, (emr_bytes){0});
		if (status != EMR_OK)
			return status;
		load_entry_of(l, n)->is_attached = true;
	}
	return EMR_OK;
}

static emr_status load_all(loading *l)
{
	emr_view *view = l->view;
	EMR_AUTO_BUF own = {0};

	l->first_slot = view->nodes.used;
	l->is_journal_damaged = emr_journal_state_get(view->options.journal).read_only;
	EMR_TRY(domains_inbox(view, &l->inbox));
	EMR_TRY(load_facts(l));
	EMR_TRY(emr_replica_own_domains(view->options.replica, &own));
	EMR_EACH (const emr_id16, domain, &own)
		EMR_TRY(load_lost_root(l, *domain));
	if (!l->has_root)
		return EMR_NOT_FOUND;
	if (emr_facts_unreadable(view->options.facts) > 0 && view->options.notice != NULL)
		view->options.notice(view->options.notice_arg, "unreadable", "");
	EMR_TRY(walk_rows(l));
	load_forget_overtaken(l);
	EMR_TRY(set_root(l));
	EMR_TRY(load_anchors(l));
	load_follow_vacated(l);
	EMR_TRY(load_rest(l));
	load_forget_moves(l);
	for (node *kid = tree_next_awake_kid(view->root, 0); kid != NULL;
		kid = tree_next_awake_kid(view->root, kid->cookie)) {
		if (kid->is_domain && strcmp(kid->name, "Inbox") == 0)
			kid->is_inbox = true;
	}
	for (size_t i = 0; i < l->count; i++)
		if (l->all[i].n != NULL && l->all[i].has_staging && node_is_file(l->all[i].n))
			EMR_TRY(load_working_copy(l, &l->all[i]));
	EMR_TRY(load_times(l));
	for (node *n = NULL; (n = tree_next_own(view, n)) != NULL;)
		if (needs_settling(n))
			enqueue(view, n);
	return EMR_OK;
}

emr_status load_tree(emr_view *view, emr_buf *unheard)
{
	loading l = {.view = view, .unheard = unheard};
	emr_status status;

	load_sort_unheard(unheard);
	status = load_all(&l);
	if (status != EMR_OK)
		rest_end(view);
	emr_buf_free(&l.overtaken);
	for (size_t i = 0; i < l.count; i++)
		free(l.all[i].name);
	free(l.all);
	free(l.moves);
	return status;
}
