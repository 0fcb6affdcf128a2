/* This file brings one object that changed on the ledger into the tree.
 *
 * Bytes that came from elsewhere get a node of their own, as a rename-over would make: the old
 * node serves programs that have it open. A file that was changed here, too, keeps its bytes
 * under the name of a conflict: the first on the ledger has the name. New content beats a
 * removal, on either side. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "conflict.h"
#include "deposits.h"
#include "erasing.h"
#include "follow.h"
#include "ops_tree.h"
#include "times.h"
#include "would_share.h"

static emr_status tell(following *f, const node *directory, const char *name)
{
	telling t = {.node = directory->number, .has_name = name != NULL};

	if (name != NULL)
		memcpy(t.name, name, strlen(name) + 1);
	return emr_buf_append(&f->tell, &t, sizeof t);
}

static node *directory_known_as(const following *f, emr_id16 parent)
{
	node *n = emr_id16_is_zero(parent) ? f->view->root : tree_by_id(f->view, parent);

	return n != NULL && n->type == EMR_META_DIR && n->state == NODE_LIVE ? n : NULL;
}

/* True for a writer's word about the shared folder itself, and its end: META is the owner's. */
static bool is_not_his_to_say(const arrival *a)
{
	return a->is_others && emr_id16_equal(a->domain, a->object);
}

/* Where A says it lies.  A writer places things in the domain that he writes in and nowhere else;
 * what is somewhere else already stays there. */
static node *directory_of(const following *f, const arrival *a)
{
	const node *n = tree_by_id(f->view, a->object);
	node *said = directory_known_as(f, a->meta.parent);

	if (!a->is_others || is_not_his_to_say(a) || (said == NULL && !f->is_last))
		return said;
	if (said != NULL &&
		((n != NULL && n->parent == said) ||
			emr_id16_equal(tree_domain(said), a->domain)) &&
		writers_may_place(said, a->domain))
		return said;
	return directory_known_as(f, a->domain);
}

static bool keeps_bytes_out(const arrival *a, const node *n)
{
	return a->is_others && !is_not_his_to_say(a) && writers_are_kept_out(n, a->domain);
}

/* Where A is to hang. */
typedef struct hanging {
	node *directory; /* NULL: it is not here yet */
	bool has_moved;	 /* it has another id by now than A says */
	bool is_kept;	 /* not where A says it: the ledger is to hear so */
} hanging;

/* A computer that moves something to a folder that somebody sees wraps it for that folder, under
 * its own name. By a word alone nothing is: this computer would put it there in hers, and it would
 * stay there when the word turns out to be a stolen computer's. */
static emr_status keep_out(const following *f, const arrival *a, const node *n, hanging *out)
{
	emr_id16 there = tree_domain(out->directory);
	bool is_seen = false;
	emr_status status;

	if (emr_id16_equal(a->domain, a->object) || emr_id16_equal(there, a->domain) ||
		a->deposit != NULL || (n != NULL && n->parent == out->directory))
		return EMR_OK;
	status = move_is_seen(f->view, there, &is_seen);
	if (status == EMR_OK && is_seen) {
		out->directory = n != NULL ? n->parent : directory_known_as(f, a->domain);
		out->is_kept = true;
	}
	return status;
}

/* N: the node that it is; NULL: it is new here. */
static emr_status find_hanging(const following *f, const arrival *a, const node *n, hanging *out)
{
	*out = (hanging){.directory = directory_of(f, a)};
	if (out->directory == NULL && f->is_last && !a->is_others) {
		out->directory = adopt_directory(f->view, a->meta.parent);
		out->has_moved = out->directory != NULL;
	}
	return out->directory != NULL ? keep_out(f, a, n, out) : EMR_OK;
}

/* Finds the arrival, not looked at yet, whose node has the name and changes, too; or NULL. */
static arrival *who_has_it(const following *f, const arrival *a, const node *there)
{
	for (size_t i = 0; i < f->n && !f->is_last; i++) {
		arrival *other = &f->all[i];

		if (other != a && !other->is_done &&
			(emr_id16_equal(other->object, there->id) ||
				emr_id16_equal(other->was, there->id)))
			return other;
	}
	return NULL;
}

/* The name of A in DIRECTORY, or one like it when somebody else than SELF has it.  EMR_NOT_FOUND:
 * wait for that one, which is F's in_the_way. */
static emr_status choose_name(following *f, const arrival *a, node *directory, const node *self,
	char out[EMR_NAME_MAX + 1])
{
	node *there;
	char wanted[EMR_NAME_MAX + 1], room[EMR_WORDS_NAME_BYTES];
	emr_bytes name = a->meta.name;

	there = a->is_others && !is_not_his_to_say(a) ? directory_known_as(f, a->meta.parent)
						      : NULL;
	if (there != NULL && there != directory && !writers_may_place(there, a->domain))
		name = emr_words_name(a->meta.type, name, (emr_bytes){0}, room);
	memcpy(out, name.data, name.len);
	out[name.len] = 0;
	if (emr_name_check(out) != EMR_OK)
		strcpy(out, "unnamed");
	if (tree_is_kept_name(f->view, directory, out, emr_id16_equal(a->domain, a->object))) {
		strcpy(wanted, out);
		tree_free_name(f->view, directory, a->object, wanted, out);
		return EMR_OK;
	}
	there = tree_child(f->view, directory, out);
	if (there != NULL && there != self) {
		f->in_the_way = who_has_it(f, a, there);
		f->there = there;
		if (f->in_the_way != NULL)
			return EMR_NOT_FOUND;
		strcpy(wanted, out);
		tree_free_name(f->view, directory, a->object, wanted, out);
		directory->listing->has_lent = true;
	}
	return EMR_OK;
}

/* Nothing that N shows changes by A but, perhaps, its name. */
static bool shows_same(const node *n, const arrival *a)
{
	const emr_bytes xattrs = node_attributes(n);
	const char *target = node_target(n) != NULL ? node_target(n) : "";

	return n->mode == a->meta.mode && n->mtime_ns == a->meta.mtime_ns && n->size == a->meta.n &&
	       xattrs.len == a->meta.xattrs.len &&
	       (xattrs.len == 0 || memcmp(xattrs.data, a->meta.xattrs.data, xattrs.len) == 0) &&
	       strlen(target) == a->meta.target.len &&
	       memcmp(target, a->meta.target.data != NULL ? a->meta.target.data : (const void *)"",
		       a->meta.target.len) == 0;
}

/* It is NOW_NS that it changes here, whenever it did elsewhere. */
static emr_status describe(node *n, const arrival *a, int64_t now_ns)
{
	emr_buf attributes = {0};
	char *target = NULL;
	emr_status status = emr_buf_append(&attributes, a->meta.xattrs.data, a->meta.xattrs.len);

	if (status == EMR_OK && a->meta.target.len > 0) {
		target = strndup((const char *)a->meta.target.data, a->meta.target.len);
		status = target != NULL ? EMR_OK : EMR_NO_MEMORY;
	}
	if (status != EMR_OK) {
		emr_buf_free(&attributes);
		return status;
	}
	tree_take_attributes(n, &attributes);
	tree_take_target(n, target);
	n->mode = a->meta.mode;
	n->stored_leaves = a->meta.stored_leaves;
	n->size = a->meta.n;
	n->mtime_ns = a->meta.mtime_ns, n->ctime_ns = now_ns;
	return EMR_OK;
}

/* After tree_need_place. */
static void place(emr_view *view, node *n, const arrival *a)
{
	n->is_published = true;
	tree_set_place(view, n, &a->place);
	node_set_top_cver(n, a->place.cver <= EMR_CVER_JUMP ? a->place.cver : 0);
	/* It may have been asked here to become one. */
	n->is_domain =
		tree_is_root_object(n) || (n->is_domain && !emr_id16_is_zero(node_next_id(n)));
	view->wants_tie = view->wants_tie || tree_is_root_object(n);
}

/* ---- an object that was not here ---- */

static bool is_top(const arrival *a)
{
	return emr_id16_equal(a->domain, a->object) && a->meta.name.len == 0 &&
	       emr_id16_is_zero(a->meta.parent);
}

/* Its bytes are in the hands of who left it until they are here. */
static void tell_came(const following *f, const arrival *a)
{
	const emr_view_options *o = &f->view->options;

	if ((a->is_others || a->deposit != NULL) && a->place.pversion != 0 && o->came != NULL)
		o->came(o->copies_arg, &a->place.root);
}

static emr_status attach_new(
	following *f, const arrival *a, node *n, node *directory, bool was_vacated)
{
	char name[EMR_NAME_MAX + 1], *copy;
	node_row row;
	edit e;
	emr_status status;

	EMR_TRY(choose_name(f, a, directory, NULL, name));
	EMR_TRY(tree_need_pending(n));
	EMR_TRY(tree_prepare(f->view, directory, name, &copy));
	status = tell(f, directory, name);
	if (status != EMR_OK) {
		free(copy);
		return status;
	}
	e = edit_begin(f->view);
	if (was_vacated)
		edit_unvacate(&e, a->object);
	n->meta_dirty = a->deposit != NULL; /* the owner says where it lies */
	if (n->meta_dirty) {
		row = row_of_node(n);
		row.parent = directory->id;
		row.name = emr_bytes_of(copy, strlen(copy));
		row.change++;
		edit_put(&e, a->object, &row);
	} else {
		edit_ino(&e, a->object, n->ino);
		edit_times(&e, n, a->object, a->place.version);
	}
	edit_pin_place(&e, &a->place);
	status = n->meta_dirty ? edit_commit_node(&e, n) : edit_commit(&e, NULL);
	if (status != EMR_OK) {
		free(copy);
		return status;
	}
	tell_came(f, a);
	n->has_row = n->meta_dirty;
	if (was_vacated)
		vacated_drop(f->view, a->object);
	tree_attach_prepared(f->view, directory, copy, n);
	touch_directory(f->view, directory);
	n->is_inbox = n->is_domain && n->type == EMR_META_DIR && directory == f->view->root &&
		      strcmp(name, "Inbox") == 0;
	if (directory == f->view->root && a->is_others &&
		!emr_id16_equal(tree_domain(directory), a->domain))
		tree_set_lost_parent(n, a->domain);
	else if (directory == f->view->root && !emr_id16_is_zero(a->meta.parent) &&
		 !emr_id16_equal(a->meta.parent, directory->id))
		tree_set_lost_parent(n, a->meta.parent);
	tree_drop_pending(n);
	tree_mark_local(n);
	if (n->meta_dirty)
		mark_changed(f->view, n);
	return EMR_OK;
}

/* Its writer is the ledger's word: the copy's own may lie elsewhere still. */
static emr_status note_conflict(following *f, const arrival *a, const node *n)
{
	view_conflict conflict = {.number = n->number};

	if (a->is_others)
		conflict.by = a->signer_id;

	return emr_buf_append(&f->conflicts, &conflict, sizeof conflict);
}

/* INO 0: made from the object's id. */
static emr_status make(following *f, const arrival *a, uint64_t ino, bool was_vacated)
{
	hanging at;
	node *directory, *n;
	emr_status status;

	if (is_top(a))
		return EMR_OK;
	/* Put there before it was known that the directory has another id by now: it follows. */
	EMR_TRY(find_hanging(f, a, NULL, &at));
	directory = at.directory;
	if (directory == NULL && f->is_last)
		directory = f->view->root;
	if (a->deposit != NULL)
		EMR_TRY(deposits_directory(f, a, &directory));
	if (directory == NULL)
		return EMR_NOT_FOUND;
	EMR_TRY(tree_need_place(f->view, &a->place));
	EMR_TRY(tree_new_node(f->view, a->meta.type, a->object, ino, &n));
	place(f->view, n, a);
	status = describe(n, a, view_now_ns(f->view));
	if (status == EMR_OK) /* so that a conflict of what is there already is told for certain */
		status = emr_buf_reserve(&f->conflicts, sizeof(view_conflict));
	if (status == EMR_OK)
		status = attach_new(f, a, n, directory, was_vacated);
	if (status != EMR_OK)
		tree_free_node(f->view, n);
	else if (a->deposit == NULL && node_is_file(n) &&
		 conflict_is_copy(n->name)) /* whose other half lies here */
		status = note_conflict(f, a, n);
	if (status == EMR_OK && (at.has_moved || at.is_kept)) {
		n->meta_dirty = true;
		mark_changed(f->view, n);
	}
	return status;
}

/* ---- a name or an attribute that others changed ---- */

static emr_status move(following *f, node *n, node *directory, const char *name)
{
	node *from = n->parent;
	char *copy;
	emr_status status;

	EMR_TRY(rest_wake_below(n));
	EMR_TRY(tree_prepare(f->view, directory, name, &copy));
	status = tell(f, from, n->name);
	if (status == EMR_OK)
		status = tell(f, directory, name);
	if (status != EMR_OK) {
		free(copy);
		return status;
	}
	tree_move(f->view, n, directory, copy);
	touch_directory(f->view, from);
	touch_directory(f->view, directory);
	n->ctime_ns = directory->ctime_ns;
	tree_set_lost_parent(n, (emr_id16){{0}});
	tree_mark_local(n);
	if (n->type == EMR_META_DIR)
		requeue_below(f->view, n);
	return EMR_OK;
}

/* NAME in DIRECTORY is free: what came when it was not, and is called so on the ledger, takes it.
 * Not while somebody waits for it. */
static emr_status give_name(following *f, node *directory, const char *name)
{
	bool has_lent =
		directory->listing != NULL && directory->listing->has_lent && f->waiting == 0;
	char code[27], lent[EMR_NAME_MAX + 1];

	for (node *kid = has_lent ? tree_next_kid(directory, 0) : NULL; kid != NULL;
		kid = tree_next_kid(directory, kid->cookie)) {
		emr_base32(kid->id.b, sizeof kid->id.b, code);
		emr_name_with_code(name, code, 4, lent);
		if (kid->is_published && !kid->meta_dirty && strcmp(kid->name, lent) == 0)
			return move(f, kid, directory, name);
	}
	return EMR_OK;
}

static emr_status rename_as_said(following *f, const arrival *a, node *n, bool *out_is_kept)
{
	char name[EMR_NAME_MAX + 1], before[EMR_NAME_MAX + 1];
	node *from = n->parent;
	hanging at;

	*out_is_kept = false;
	if (n == f->view->root || a->deposit != NULL)
		return EMR_OK;
	EMR_TRY(find_hanging(f, a, n, &at));
	*out_is_kept = at.is_kept;
	if (at.directory == NULL)
		return f->is_last ? EMR_OK : EMR_NOT_FOUND;
	EMR_TRY(choose_name(f, a, at.directory, n, name));
	if ((at.directory == n->parent && strcmp(name, n->name) == 0) ||
		(n->type == EMR_META_DIR && tree_is_below(at.directory, n)))
		return EMR_OK; /* lies there, or would close a circle */
	strcpy(before, n->name);
	EMR_TRY(adopt_note_leaving(f, n, true));
	EMR_TRY(move(f, n, at.directory, name));
	return give_name(f, from, before);
}

emr_status arrive_has_room(following *f, const arrival *a, const node *n)
{
	char name[EMR_NAME_MAX + 1];
	hanging at;

	EMR_TRY(find_hanging(f, a, n, &at));
	if (n->meta_dirty || (at.directory == NULL && f->is_last))
		return EMR_OK;
	return at.directory == NULL ? EMR_NOT_FOUND : choose_name(f, a, at.directory, n, name);
}

/* Its place and name are the owner's to say: she says them again. */
static emr_status say_again(following *f, node *n)
{
	node_row row = row_of_node(n);
	edit e = edit_begin(f->view);

	row.flags |= ROW_META_DIRTY;
	row.change++;
	edit_put(&e, n->id, &row);
	EMR_TRY(edit_commit_node(&e, n));
	n->meta_dirty = n->has_row = true;
	mark_changed(f->view, n);
	return EMR_OK;
}

emr_status arrive_meta(following *f, const arrival *a, node *n)
{
	uint64_t size = n->size;
	uint32_t stored_leaves = n->stored_leaves;
	bool is_kept;

	EMR_TRY(tree_need_place(f->view, &a->place));
	if (n->meta_dirty || a->deposit != NULL ||
		is_not_his_to_say(a)) { /* ours will be the next, on top of theirs */
		place(f->view, n, a);
		return n->meta_dirty ? EMR_OK : say_again(f, n);
	}
	EMR_TRY(rename_as_said(f, a, n, &is_kept));
	EMR_TRY(tell(f, n, NULL));
	EMR_TRY(describe(n, a, shows_same(n, a) ? n->ctime_ns : view_now_ns(f->view)));
	if (n->content_dirty) {
		n->size = size;
		n->stored_leaves = stored_leaves;
	}
	place(f->view, n, a);
	times_keep(f->view, n);
	return is_kept ? say_again(f, n) : EMR_OK;
}

/* ---- new bytes ---- */

/* OLD gives up its name and its record; its open files go on. */
static void retire(emr_view *view, node *old)
{
	tree_detach(view, old);
	tree_forget_id(view, old);
	old->has_row = false;
	old->is_published_gone = old->is_published;
	old->is_published = false;
	tree_release_if_unused(view, old);
}

/* Changes that were made here to OLD's name and attributes go on with NEW. */
static emr_status take_over_meta(node *n, const node *old)
{
	n->mode = old->mode;
	if (old->mtime_ns > n->mtime_ns) /* new bytes never look older than those before */
		n->mtime_ns = old->mtime_ns;
	n->meta_dirty = true;
	n->has_row = true;
	n->is_domain = n->is_domain || old->is_domain;
	if (tree_need_pending(n) != EMR_OK)
		return EMR_NO_MEMORY;
	n->pending->change = node_change_count(old);
	tree_set_next_id(n, node_next_id(old));
	return tree_set_attributes(n, node_attributes(old));
}

static emr_status swap_in(following *f, const arrival *a, node *old, node *n)
{
	emr_view *view = f->view;
	node *directory = old->parent;
	char *copy = NULL;
	node_row row;
	emr_status status = tree_prepare(view, directory, old->name, &copy);
	edit e;

	if (status == EMR_OK)
		status = tree_reserve_ids(view, 2);
	if (status == EMR_OK)
		status = tell(f, directory, old->name);
	if (status != EMR_OK) {
		free(copy);
		return status;
	}
	e = edit_begin(view);
	if (!emr_id16_equal(old->id, a->object))
		edit_delete(&e, old->id);
	edit_forget_times(&e, old, old->id);
	edit_times(&e, n, a->object, a->place.version);
	if (n->meta_dirty) {
		row = row_of_node(n);
		row.parent = directory->id;
		row.name = emr_bytes_of(copy, strlen(copy));
		edit_put(&e, a->object, &row);
	} else {
		edit_delete(&e, a->object);
		edit_ino(&e, a->object, n->ino);
	}
	edit_pin_place(&e, &a->place);
	status = n->meta_dirty ? edit_commit_node(&e, n) : edit_commit(&e, NULL);
	if (status != EMR_OK) {
		free(copy);
		return status;
	}
	tell_came(f, a);
	n->was = old->was;
	old->was = NULL;
	retire(view, old);
	status = tree_change_id(view, n, a->object); /* reserved: cannot fail */
	tree_set_place(view, n, &a->place);	     /* it has its object's id now */
	tree_attach_prepared(view, directory, copy, n);
	touch_directory(view, directory);
	tree_mark_local(n);
	if (n->meta_dirty)
		mark_changed(view, n);
	return status;
}

static emr_status new_file(following *f, const arrival *a, node **out_node)
{
	emr_status status;

	EMR_TRY(tree_need_place(f->view, &a->place));
	EMR_TRY(tree_new_node(f->view, a->meta.type, emr_id16_random(), 0, out_node));
	place(f->view, *out_node, a);
	status = describe(*out_node, a, view_now_ns(f->view));
	if (status != EMR_OK)
		tree_free_node(f->view, *out_node);
	return status;
}

static emr_status replace(following *f, const arrival *a, node *old)
{
	bool keeps_meta = (old->meta_dirty && !keeps_bytes_out(a, old)) || a->deposit != NULL,
	     is_kept = false;
	node *n;
	emr_status status = keeps_meta ? EMR_OK : rename_as_said(f, a, old, &is_kept);

	if (status == EMR_OK)
		status = new_file(f, a, &n);
	if (status != EMR_OK)
		return status;
	if (keeps_meta || is_kept)
		status = take_over_meta(n, old);
	if (status == EMR_OK)
		status = swap_in(f, a, old, n);
	if (status != EMR_OK)
		tree_free_node(f->view, n);
	return status;
}

/* ---- bytes that were changed here as well ---- */

static bool has_own_bytes(const node *n)
{
	return node_is_file(n) &&
	       (n->content_dirty || (node_file(n) != NULL && (node_file(n)->staging != NULL ||
								     node_file(n)->has_content)));
}

/* Ready when nobody writes and every byte is frozen: follow_run saw to that, unless somebody was
 * quicker. */
static bool is_frozen(const node *n)
{
	return node_writers(n) == 0 && node_file(n) != NULL && node_file(n)->staging == NULL &&
	       node_file(n)->has_content;
}

static emr_status conflict(following *f, const arrival *a, node *n)
{
	char mine[EMR_NAME_MAX + 1], name[EMR_NAME_MAX + 1];
	emr_status status;

	if (!is_frozen(n))
		return EMR_BUSY;
	strcpy(name, n->name);
	if (keeps_bytes_out(a, n)) /* his get another name */
		strcpy(mine, name);
	else
		conflict_name(f->view, n, mine);
	status = tell(f, n->parent, name);
	if (status == EMR_OK)
		status = tell(f, n->parent, mine);
	if (status == EMR_OK)
		status = note_conflict(f, a, n);
	if (status == EMR_OK) {
		status = conflict_leave_record(f->view, n, mine);
		if (status != EMR_OK) /* there is no copy yet */
			f->conflicts.len -= sizeof(view_conflict);
	}
	/* The copy keeps the number that programs know it by. */
	return status == EMR_OK ? make(f, a, tree_ino_of(emr_id16_random()), false) : status;
}

/* The same version wrapped for another epoch (as sharing does) is no new content. */
bool arrive_is_same_content(const emr_place *a, const emr_place *b)
{
	return a->cver == b->cver && emr_id16_equal(a->record_id, b->record_id) &&
	       emr_cid_equal(&a->root, &b->root);
}

emr_status arrive_new_bytes(following *f, const arrival *a, node *n)
{
	EMR_TRY(adopt_note_leaving(f, n, false));
	return has_own_bytes(n) ? conflict(f, a, n) : replace(f, a, n);
}

emr_status arrive_new(following *f, const arrival *a)
{
	return make(f, a, 0, false);
}

static emr_status change(following *f, const arrival *a, node *n)
{
	const emr_place place = node_place(n);
	bool has_new_bytes = n->type == EMR_META_FILE && a->place.pversion != place.pversion &&
			     !arrive_is_same_content(&a->place, &place);

	if (n->type != (uint8_t)a->meta.type)
		return EMR_DAMAGED;
	if (!n->is_published || a->place.version <= place.version)
		return EMR_OK; /* our own, and known */
	if (!has_new_bytes)
		return arrive_meta(f, a, n);
	if (node_writers(n) != 0)
		return EMR_BUSY;
	return arrive_new_bytes(f, a, n);
}

/* ---- removed elsewhere ---- */

static emr_status remove_as_said(following *f, node *n)
{
	emr_view *view = f->view;
	node *directory = n->parent;
	char name[EMR_NAME_MAX + 1];
	edit e;

	strcpy(name, n->name);
	EMR_TRY(tell(f, n->parent, n->name));
	e = edit_begin(view);
	edit_delete(&e, n->id);
	edit_forget_times(&e, n, n->id);
	if (e.status == EMR_OK)
		e.status = emr_journal_delete(e.txn, EMR_ROW_INO, n->id);
	EMR_TRY(edit_commit(&e, NULL));
	retire(view, n);
	touch_directory(view, directory);
	return give_name(f, directory, name);
}

/* A directory that was removed elsewhere lives while something in it does. */
static emr_status go(following *f, const arrival *a, node *n)
{
	if (!n->is_published || !emr_id16_equal(node_object(n), a->object) || n == f->view->root ||
		n->is_inbox)
		return EMR_OK;
	if (is_not_his_to_say(a) && n->type == EMR_META_DIR)
		return edit_stay(f->view, n);
	if (node_has_kids(n))
		return f->is_last ? edit_stay(f->view, n) : EMR_NOT_FOUND;
	if (node_writers(n) != 0 || (has_own_bytes(n) && !is_frozen(n)))
		return EMR_BUSY;
	EMR_TRY(adopt_note_leaving(f, n, false));
	if (!has_own_bytes(n))
		return remove_as_said(f, n);
	return conflict_leave_record(
		f->view, n, n->name); /* what was written here is a record of its own now */
}

static emr_status drop_vacated(following *f, emr_id16 object)
{
	edit e = edit_begin(f->view);

	edit_unvacate(&e, object);
	EMR_TRY(edit_commit(&e, NULL));
	vacated_drop(f->view, object);
	return EMR_OK;
}

/* Removed here, and changed elsewhere: new bytes bring it back, a new name does not, nor do the
 * same bytes that a share has wrapped for a new epoch. */
static emr_status change_vacated(following *f, const arrival *a, vacated *v)
{
	vacated now = *v;
	edit e;

	if (a->place.version <= v->place.version)
		return EMR_OK;
	if (v->type == EMR_META_FILE && !arrive_is_same_content(&a->place, &v->place))
		return make(f, a, 0, true);
	now.place = a->place;
	e = edit_begin(f->view);
	edit_vacate(&e, &now);
	EMR_TRY(edit_commit(&e, NULL));
	v->place = a->place;
	return EMR_OK;
}

static emr_status leave(following *f, const arrival *a, node *n, const vacated *v)
{
	EMR_TRY(n != NULL ? go(f, a, n) : v != NULL ? drop_vacated(f, a->object) : EMR_OK);
	return a->is_erased ? erase_begun_elsewhere(f->view, a->domain, a->object) : EMR_OK;
}

/* As arrive_in_turn, of A alone. */
static emr_status arrive(following *f, const arrival *a)
{
	node *n = tree_by_id(f->view, a->object);
	vacated *v = vacated_find(f->view, a->object);

	if (erase_has(f->view, a->object))
		return EMR_OK;
	if (n != NULL && n->state != NODE_LIVE)
		n = NULL;
	if (!a->is_live)
		return leave(f, a, n, v);
	if (a->deposit != NULL && a->deposit->is_hidden)
		return EMR_OK;
	if (n != NULL)
		return change(f, a, n);
	if (v != NULL)
		return change_vacated(f, a, v);
	return emr_id16_is_zero(a->was) ? make(f, a, 0, false) : adopt(f, a);
}

/* ---- names that go from one to another ---- */

#define IN_TURN_MAX 32 /* so many names that move on by one go over in one step */

/* N, whose own new name comes in a moment, leaves the one it has to somebody else. */
static emr_status step_aside(following *f, node *n)
{
	char wanted[EMR_NAME_MAX + 1], aside[EMR_NAME_MAX + 1];

	strcpy(wanted, n->name);
	tree_free_name(f->view, n->parent, n->id, wanted, aside);
	return move(f, n, n->parent, aside);
}

emr_status arrive_in_turn(following *f, arrival *a)
{
	arrival *other;
	emr_status status;

	f->in_the_way = NULL;
	status = arrive(f, a);
	other = f->in_the_way;
	if (status != EMR_NOT_FOUND || other == NULL || f->waiting == IN_TURN_MAX)
		return status;
	a->is_waiting = true;
	f->waiting++;
	if (other->is_waiting) /* they go round in a circle */
		status = step_aside(f, f->there);
	else
		status = arrive_in_turn(f, other);
	if (status == EMR_OK && !other->is_waiting)
		f->some = other->is_done = true;
	if (status == EMR_OK)
		status = arrive(f, a);
	else if (!emr_status_is_local(status)) /* what hinders the other is told in its own turn */
		status = EMR_NOT_FOUND;
	a->is_waiting = false;
	f->waiting--;
	return status;
}
