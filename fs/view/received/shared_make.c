/* This file decides which files of others' shares are shown, gives each its node number, and
 * makes its node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/hash.h"

#include "node.h"
#include "shared.h"

#define DIRECTORY_MODE 0700

/* ---- what is shown ---- */

/* A new sharer gets a name when all grants have been looked at: before that the sharer's files are
 * not shown, because a kernel refuses a whole directory in which one name is empty. */
bool shared_share_is_shown(const emr_view *view, const shared_share *s)
{
	uint64_t now = (uint64_t)(view_now_ns(view) / 1000000000);

	if (s->owner->name[0] == 0)
		return false;
	switch (s->phase) {
	case SHARED_COMING:
		return false;
	case SHARED_OPEN:
		return true;
	case SHARED_EXPIRED:
	case SHARED_REVOKED:
		return now < s->ended_unix_s + SHARED_NOTE_S;
	}
	return false;
}

/* A participant who has left a dataset is not there any more; for a person who shared alone a note
 * stays. */
bool shared_owner_is_shown(const emr_view *view, const shared_owner *owner)
{
	for (const shared_share *s = owner->shares; s != NULL; s = s->next_of_owner)
		if (shared_share_is_shown(view, s) && (owner->set == NULL || !shared_is_over(s)))
			return true;
	return false;
}

bool shared_is_there(const emr_view *view)
{
	if (view->shares == NULL)
		return false;
	for (const shared_share *s = view->shares->all; s != NULL; s = s->next)
		if (s->owner->set == NULL && shared_share_is_shown(view, s))
			return true;
	return false;
}

emr_status shared_is_readable(const emr_view *view, const shared_share *s)
{
	const int64_t now_s = view_now_ns(view) / 1000000000, ahead_s = view->shares->ahead_s,
		      end_s = (int64_t)s->grant.row.not_after_unix_s;
	/* Neither a clock that was set back nor a computer that slept makes it longer. */
	const bool is_over = view_boot_ns(view) >= s->end_boot_ns || now_s >= end_s;

	if (s->phase == SHARED_REVOKED)
		return EMR_ACCESS_REVOKED;
	if (s->phase == SHARED_EXPIRED || (is_over && (ahead_s == 0 || now_s + ahead_s >= end_s)))
		return EMR_ACCESS_ENDED;
	/* By one clock alone: nothing opens, and nothing is over before it is known which is wrong.
	 */
	if (is_over || now_s + ahead_s >= end_s)
		return EMR_AWAITED; /* that somebody sets one */
	return s->phase == SHARED_OPEN ? EMR_OK : EMR_NOT_FOUND;
}

/* ---- making nodes ---- */

/* The id of a node: never that of a record of one's own. */
emr_id16 shared_id_of(
	const char *what, const void *who, size_t who_len, emr_id16 object, uint64_t version)
{
	const emr_bytes pieces[] = {emr_bytes_of(what, strlen(what) + 1),
		emr_bytes_of(who, who_len), emr_bytes_of(object.b, sizeof object.b),
		emr_bytes_of(&version, sizeof version)};
	emr_id32 hash = emr_sha256_of(pieces, sizeof pieces / sizeof pieces[0]);
	emr_id16 id;

	memcpy(id.b, hash.b, sizeof id.b);
	return id;
}

emr_id16 shared_record_id(emr_id16 space, emr_id16 object, uint64_t version)
{
	return shared_id_of("record", space.b, sizeof space.b, object, version);
}

emr_id16 shared_owner_id(const shared_owner *owner)
{
	return shared_id_of("owner", owner->signer_id.b, sizeof owner->signer_id.b,
		owner->set != NULL ? owner->set->line : (emr_id16){{0}}, 0);
}

emr_id16 shared_top_id(void)
{
	return shared_id_of("top", "", 0, (emr_id16){{0}}, 0);
}

emr_status shared_make(
	emr_view *view, emr_id16 id, emr_meta_type type, const shared_at *at, node **out_node)
{
	shared_at *place = malloc(sizeof *place);
	node *n;
	emr_status status = place != NULL ? tree_new_node(view, type, id, 0, &n) : EMR_NO_MEMORY;

	if (status != EMR_OK) {
		free(place);
		return status;
	}
	*place = *at;
	n->state = NODE_VIRTUAL;
	n->kind = view->received_kind;
	n->shared = place;
	n->mode = type == EMR_META_DIR ? DIRECTORY_MODE : 0400;
	*out_node = n;
	return EMR_OK;
}

void shared_release_if_unused(emr_view *view, node *n)
{
	/* One's own files lie among them in listings, and nothing would show them again. */
	if (shared_has(n) && n->kernel_refs == 0 && n->opens == 0 && !node_has_kids(n) &&
		!n->is_queued)
		tree_free_node(view, n);
}

bool shared_give(emr_view *view, lister *l, node *n, const char *name, uint64_t next)
{
	(void)kind_give(l, n, name, next);
	shared_release_if_unused(view, n);
	return !l->is_over;
}

emr_id16 shared_object_of(const node *n)
{
	return shared_has(n) ? n->shared->object : node_object(n);
}

emr_status shared_tell_later(emr_buf *tell, uint64_t number, const char *name)
{
	shared_telling t = {.node = number};

	if (name != NULL)
		snprintf(t.name, sizeof t.name, "%s", name);
	return emr_buf_append(tell, &t, sizeof t);
}
