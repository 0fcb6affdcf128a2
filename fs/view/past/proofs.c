/* This file shows `.emrfs/proof`: for each file on the ledger a file NAME.tlog-proof with which
 * anybody can check its signature, its time and its place on the ledger. It stores none of them. */
#include "past.h"

#include <string.h>

#include "edit.h"
#include "tree.h"

#define SUFFIX_LEN (sizeof PROOF_SUFFIX - 1)

static const node_kind proof_kind;

/* The id of the node that stands for the living one, and the other way round. */
static emr_id16 other_id(emr_id16 id)
{
	for (size_t i = 0; i < sizeof id.b; i++)
		id.b[i] ^= 0x96;
	return id;
}

/* NULL when it is gone, or has got another id. */
static node *living(const emr_view *view, const node *n)
{
	node *live = tree_by_id(view, other_id(n->id));

	return live != NULL && live->state == NODE_LIVE ? live : NULL;
}

static bool has_proof(const node *n)
{
	return n->type == EMR_META_FILE && n->is_published && !n->is_local && node_pversion(n) != 0;
}

static emr_status node_for(emr_view *view, const node *live, node **out_node)
{
	node *n = tree_by_shown_id(view, other_id(live->id));

	if (n == NULL) {
		EMR_TRY(tree_new_node(view, (emr_meta_type)live->type, other_id(live->id), 0, &n));
		n->state = NODE_VIRTUAL;
		n->kind = &proof_kind;
		n->mode = n->type == EMR_META_DIR ? 0500 : 0400;
	}
	n->mtime_ns = live->mtime_ns;
	n->ctime_ns = live->ctime_ns;
	if (node_listing(n) != NULL && node_listing(live) != NULL)
		n->listing->subdirectories = live->listing->subdirectories;
	*out_node = n;
	return EMR_OK;
}

emr_status proofs_top(emr_view *view, node **out_node)
{
	return node_for(view, view->root, out_node);
}

/* The file that NAME is the proof of. */
static const node *proven(const emr_view *view, const node *directory, const char *name)
{
	char of[EMR_NAME_MAX + 1];
	size_t len = strlen(name);
	const node *n;

	if (len <= SUFFIX_LEN || len > EMR_NAME_MAX ||
		strcmp(name + len - SUFFIX_LEN, PROOF_SUFFIX) != 0)
		return NULL;
	memcpy(of, name, len - SUFFIX_LEN);
	of[len - SUFFIX_LEN] = 0;
	n = tree_child(view, directory, of);
	return n != NULL && has_proof(n) ? n : NULL;
}

static emr_status proofs_child(emr_view *view, node *directory, const char *name, node **out_node)
{
	const node *live = living(view, directory), *n;

	if (live == NULL)
		return EMR_NOT_FOUND;
	n = proven(view, live, name);
	if (n == NULL) {
		n = tree_child(view, live, name);
		if (n == NULL || n->type != EMR_META_DIR)
			return EMR_NOT_FOUND;
	}
	return node_for(view, n, out_node);
}

static bool give(lister *l, const node *n, const char *name)
{
	const emr_attr attr = {.ino = tree_ino_of(other_id(n->id)),
		.type = (emr_meta_type)n->type,
		.mode = n->type == EMR_META_DIR ? 0500 : 0400,
		.nlink = 1,
		.mtime_ns = n->mtime_ns,
		.ctime_ns = n->ctime_ns,
		.is_virtual = true};

	return kind_say(l, name, &attr, n->cookie);
}

/* They get their nodes when they are looked up. */
static emr_status proofs_list(emr_view *view, node *directory, lister *l)
{
	const node *live = living(view, directory);
	char name[EMR_NAME_MAX + SUFFIX_LEN + 1];

	if (live == NULL)
		return EMR_OK;
	for (node *kid = tree_next_kid(live, l->cookie < 2 ? 2 : l->cookie); kid != NULL;
		kid = tree_next_kid(live, kid->cookie)) {
		size_t len = strlen(kid->name);

		memcpy(name, kid->name, len + 1);
		if (has_proof(kid) && len + SUFFIX_LEN <= EMR_NAME_MAX)
			memcpy(name + len, PROOF_SUFFIX, SUFFIX_LEN + 1);
		else if (kid->type != EMR_META_DIR || kid->is_local ||
			 proven(view, live, name) != NULL)
			continue; /* a file's proof has the name first */
		if (!give(l, kid, name))
			break;
	}
	return EMR_OK;
}

/* Where N's content stands on the ledger, if that is what it is now. */
static emr_status place_of(const node *n, emr_place *out_place)
{
	if (n->type == EMR_META_DIR)
		return EMR_IS_DIRECTORY;
	if (!has_proof(n) || needs_settling(n))
		return EMR_NO_ATTRIBUTE;
	*out_place = node_place(n);
	return EMR_OK;
}

emr_status emr_view_place(emr_view *view, const char *path, emr_place *out_place)
{
	emr_status status = EMR_NOT_FOUND;
	const node *n;
	EMR_LOCKED(&view->lock);

	n = tree_find(view, path);
	if (n != NULL)
		status = place_of(n, out_place);
	return status;
}

/* EMR_NOT_FOUND: its file is gone; EMR_NO_ATTRIBUTE: it is not on the ledger as it is. */
static emr_status proofs_make(emr_view *view, const node *n, emr_buf *out)
{
	emr_status status = EMR_NOT_FOUND;
	const node *live;
	emr_place place;

	pthread_mutex_lock(&view->lock);
	live = living(view, n);
	if (live != NULL)
		status = place_of(live, &place);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK)
		return status;
	return view->options.make_proof(view->options.special_arg, &place, out);
}

/* Its size is right once it was opened: each costs a look into the ledger. */
static const node_kind proof_kind = {.refuses = EMR_DENIED,
	.is_shown = true,
	.child = proofs_child,
	.list = proofs_list,
	.release = kind_release_shown,
	.make = proofs_make};
