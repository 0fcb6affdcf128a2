/* Many programs save by writing a new file under an old name. This file decides who inherits the
 * record of a name that went away, and which file leaves its record because it got the name of a
 * temporary file. */
#include <stdlib.h>
#include <string.h>

#include "foreign.h"
#include "node.h"
#include "ops_file.h"
#include "publish.h"
#include "signed.h"

bool heirs_lack_bytes(const node *n)
{
	return node_file(n) != NULL && node_file(n)->keep_spill;
}

node *heirs_find(const emr_view *view, const vacated *v)
{
	const node *directory = tree_directory_by_id(view, v->directory);
	node *n;

	if (!v->may_be_adopted || directory == NULL ||
		(directory->state != NODE_LIVE && !shared_has(directory)))
		return NULL;
	/* In whatever domain the directory is by now: the record goes there with its new version.
	 */
	n = tree_child(view, directory, v->name);
	return n != NULL && n->type == EMR_META_FILE && !n->is_published &&
			       (!n->is_local || tree_may_become(n))
		       ? n
		       : NULL;
}

bool heirs_are_awaited(const emr_view *view, const vacated *v)
{
	const node *heir = heirs_find(view, v);

	return heir != NULL &&
	       (node_writers(heir) != 0 || heir->failure != EMR_OK || heirs_lack_bytes(heir) ||
		       quiet_ns_of(view, heir) > view->options.quiet_ns);
}

/* ---- who takes the place of a name that went away ---- */

/* N becomes a new version of the record that had its name. */
static emr_status inherit(emr_view *view, node *n, const vacated *v)
{
	emr_place place = v->place;
	emr_id16 before = n->id;
	emr_status status;
	node_row row;
	edit e;

	EMR_TRY(tree_need_place(view, &place));
	EMR_TRY(tree_need_file(n)); /* which has its top_cver */
	EMR_TRY(tree_change_id(view, n, place.object));
	n->is_published = true;
	n->content_dirty = true; /* also when it is empty, or an older version that came back */
	tree_set_place(view, n, &place);
	node_set_top_cver(n, v->top_cver);
	n->is_domain =
		tree_is_root_object(n); /* a single file that is a domain: so is its next version */
	row = row_of_node(n);
	e = edit_begin(view);
	edit_delete(&e, before);
	edit_put(&e, n->id, &row);
	edit_unvacate(&e, place.object);
	if (node_file(n) != NULL && node_file(n)->has_content) {
		edit_unpin(&e, &node_file(n)->content->c, before);
		edit_pin(&e, &node_file(n)->content->c, n->id, EMR_PIN_WRITTEN);
	}
	status = edit_commit_node(&e, n);
	if (status != EMR_OK) {
		n->is_published = n->is_domain = false;
		return tree_change_id(view, n, before) == EMR_OK ? status : EMR_NO_MEMORY;
	}
	vacated_drop(view, place.object);
	return EMR_OK;
}

/* Gives vacated records to whoever holds their name now; the rest will be unlinked, when they are
 * quiet. */
emr_status heirs_settle(publishing *p)
{
	emr_view *view = p->view;
	vacated *v = view->vacated, *next;

	for (; v != NULL; v = next) {
		node *heir = heirs_find(view, v);
		const node *database;

		next = v->next;
		v->is_sent = false;
		if (heir != NULL && heir->in_run) {
			EMR_TRY(inherit(view, heir, v));
			continue;
		}
		database = database_left(view, v);
		/* An heir that is still being written: wait for it. */
		v->is_sent =
			heir == NULL && foreign_may_send(view, v->place.domain) &&
			(p->all ||
				(!v->has_failed &&
					(v->goes_first || view_boot_ns(view) - v->since_boot_ns >=
								  view->options.quiet_ns)));
		if (database != NULL)
			v->is_sent = heir == NULL && foreign_may_send(view, v->place.domain) &&
				     database_is_whole(p, database);
	}
	return EMR_OK;
}

/* ---- records that went to a name of scratch ---- */

/* The bytes of a published file with a key of this computer's own, so that it reads without its
 * record.  Under another name they would be saved as the owner's: EMR_BAD_SIGNATURE. */
static emr_status own_content(emr_view *view, node *n, emr_content *out_content)
{
	emr_content_key *key = NULL;
	emr_place place;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	place = node_place(n);
	pthread_mutex_unlock(&view->lock);
	status = signed_content(view, &place, out_content, &key);
	if (status == EMR_OK)
		status = emr_content_keep_key(view->options.records, out_content, key);
	emr_content_key_free(key);
	return status;
}

/* The nodes in DIRECTORY were published under the id that it had: should it be published again,
 * they must be, too. */
static void mark_kids(emr_view *view, const node *directory)
{
	for (node *kid = tree_next_kid(directory, 0); kid != NULL;
		kid = tree_next_kid(directory, kid->cookie)) {
		kid->meta_dirty = true;
		mark_changed(view, kid);
	}
}

bool heirs_is_in_trash(const node *n)
{
	while (n->parent != NULL && !emr_name_is_trash(n->name))
		n = n->parent;
	return n->parent != NULL;
}

/* N leaves its record, which was at PLACE.  When it was thrown away, they come out of the trash
 * together; otherwise (a backup, a lock) the record goes its own way. */
static void remember_record(node *n, const emr_place *place, bool is_published_version)
{
	node_file(n)->is_former = !tree_is_fixture(n);
	free(node_file(n)->restored);
	node_file(n)->restored = is_published_version && heirs_is_in_trash(n)
					 ? malloc(sizeof *node_file(n)->restored)
					 : NULL;
	if (node_file(n)->restored != NULL)
		*node_file(n)->restored = *place;
}

void heirs_forget_living_record(const emr_view *view, const node *n)
{
	const node *other;

	if (node_file(n) == NULL || node_file(n)->restored == NULL || n->is_published)
		return;
	other = tree_by_id(view, node_file(n)->restored->object);
	if (other == NULL || !other->is_published)
		return;
	free(node_file(n)->restored);
	node_file(n)->restored = NULL;
}

/* Without view->lock.  The bytes that N lost its own copy of, before its record is let go;
 * *OUT_NEEDS: it had none. */
static emr_status fetch_before_leaving(
	emr_view *view, node *n, emr_content *out_content, bool *out_needs)
{
	bool is_theirs;

	pthread_mutex_lock(&view->lock);
	is_theirs = shared_reads_theirs(n);
	pthread_mutex_unlock(&view->lock);
	if (is_theirs)
		EMR_TRY(foreign_fetch(view, n));
	pthread_mutex_lock(&view->lock);
	*out_needs = node_is_file(n) && (node_file(n) == NULL || !node_file(n)->has_content) &&
		     node_pversion(n) != 0;
	pthread_mutex_unlock(&view->lock);
	return *out_needs ? own_content(view, n, out_content) : EMR_OK;
}

/* Under view->lock: N, which was BEFORE, has its new id, and the journal says both in one frame. */
static emr_status commit_leaving(
	emr_view *view, node *n, emr_id16 before, vacated *v, bool needs_content)
{
	const node_row row = row_of_node(n);
	bool has_content = node_file(n) != NULL && node_file(n)->has_content;
	edit e = edit_begin(view);

	edit_delete(&e, before);
	edit_put(&e, n->id, &row);
	if (has_content && !needs_content)
		edit_unpin(&e, &node_file(n)->content->c, before);
	if (has_content)
		edit_pin(&e, &node_file(n)->content->c, n->id, EMR_PIN_WRITTEN);
	if (n->type == EMR_META_DIR)
		edit_moved(&e, before, n->id);
	edit_vacate(&e, v);
	return edit_commit_node(&e, n);
}

/* Under view->lock: N leaves its record to V.  CONTENT: NULL, or the bytes that it takes with it.
 */
static emr_status leave_to(emr_view *view, node *n, vacated *v, const emr_content *content)
{
	const emr_id16 before = n->id;
	bool was_domain = n->is_domain;
	emr_status status;

	if ((content != NULL && tree_need_content(n) != EMR_OK) ||
		tree_change_id(view, n, emr_id16_random()) != EMR_OK)
		return EMR_NO_MEMORY;
	n->is_published = false;
	n->is_domain = n->type == EMR_META_DIR &&
		       n->parent == view->root; /* what comes back is a record like others */
	if (content != NULL) {
		*node_file(n)->content = *content;
		node_file(n)->has_content = true;
	}
	if (node_file(n) != NULL)
		remember_record(n, &v->place, content != NULL);
	status = commit_leaving(view, n, before, v, content != NULL);
	if (status == EMR_OK)
		return EMR_OK;
	n->is_published = true;
	n->is_domain = was_domain;
	if (content != NULL) {
		node_file(n)->has_content = false;
		tree_drop_content(n);
	}
	return tree_change_id(view, n, before) == EMR_OK ? status : EMR_NO_MEMORY;
}

/* N has a local-only name: it leaves its record, which stays vacated under the name it had. */
emr_status heirs_leave_record(emr_view *view, node *n)
{
	emr_content content;
	bool needs_content = false;
	vacated *v = NULL;
	emr_status status = fetch_before_leaving(view, n, &content, &needs_content);

	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&view->lock);
	/* Written and closed while the old bytes were fetched: the next run takes what there is
	 * then. */
	if (needs_content && node_file(n) != NULL && node_file(n)->has_content)
		status = EMR_BUSY;
	else if (n->is_local && n->is_published && n->state == NODE_LIVE) {
		v = vacated_of(view, n);
		status = v != NULL ? leave_to(view, n, v, needs_content ? &content : NULL)
				   : EMR_NO_MEMORY;
	}
	if (status == EMR_OK && v != NULL) {
		n->has_row = true;
		free(n->was);
		n->was = NULL;
		vacated_add(view, v);
		v = NULL;
		if (n->type == EMR_META_DIR)
			mark_kids(view, n);
	}
	pthread_mutex_unlock(&view->lock);
	free(v);
	return status;
}
