/* This file has the tables by which nodes below `shared-with-me` are looked into, read and
 * changed: those that another shares, and those of one's own that lie among them. Where there is
 * no right to write they refuse every change. */

#include <stdio.h>

#include "foreign.h"
#include "shared_notice.h"

static emr_id16 shared_domain(const node *n)
{
	return n->shared->domain;
}

static emr_id16 shared_object(const node *n)
{
	return n->shared->object;
}

static bool shared_root(const node *n, emr_cid *out)
{
	const shared_at *at = n->shared;
	bool is_known = at->share != NULL && at->share->tree != NULL && at->entry != FLAT_NONE;

	if (is_known)
		*out = at->share->tree->entries[at->entry].root;
	return is_known;
}

static void shared_note_checked(node *n)
{
	n->shared->has_verdict = true;
}

static bool shared_is_same(const node *a, const node *b)
{
	return emr_id16_equal(a->shared->domain, b->shared->domain);
}

static emr_status writing_may_make(
	emr_view *view, const node *directory, emr_meta_type type, const char *name)
{
	EMR_TRY(foreign_may_make(view, directory, type, name));
	return type == EMR_META_FILE ? foreign_check_deposit(view, directory) : EMR_OK;
}

static emr_status writing_prepare_attr(
	emr_view *view, node *n, unsigned mask, const emr_attr *wanted)
{
	bool says = (mask & (EMR_SET_MODE | EMR_SET_MTIME)) != 0 &&
		    !(shared_is_file(n) && foreign_file_may_say(n, mask, wanted));

	if ((mask & EMR_SET_SIZE) || !says)
		EMR_TRY(foreign_may_change(view, n, CHANGE_CONTENT));
	if (says)
		EMR_TRY(foreign_may_change(view, n, CHANGE_META));
	return shared_has(n) ? foreign_take(view, n) : EMR_OK;
}

static emr_status writing_set_attr(
	emr_view *view, node *n, unsigned mask, const emr_attr *wanted, bool *out_is_done)
{
	*out_is_done = shared_is_file(n);
	return *out_is_done && (mask & EMR_SET_MTIME)
		       ? foreign_file_set_time(view, n, wanted->mtime_ns)
		       : EMR_OK;
}

static bool writing_whose(const emr_view *view, const node *n, node_owner *out)
{
	const shared_share *s = shared_share_of(n);

	if (s == NULL)
		return false;
	shared_access(view, s, out->access);
	shared_owner_says(s->owner, out->name);
	out->card = s->owner->card;
	return true;
}

/* The bytes are another's, and a person reads them. */
#define READING                                                                                    \
	.note_refused = shared_note_refused, .is_theirs = shared_reads_theirs,                     \
	.may_read = shared_may_read, .start_staging = foreign_start_staging, .open = shared_open

/* These decisions follow from the right to write there, for the other's records and for one's own.
 */
#define WRITING                                                                                    \
	.is_empty = union_is_empty, .is_below = foreign_is_below,                                  \
	.may_hold = foreign_check_directory, .may_make = writing_may_make,                         \
	.may_send = foreign_check_size, .prepare = foreign_prepare_change,                         \
	.prepare_attr = writing_prepare_attr, .set_attr = writing_set_attr,                        \
	.note_made = foreign_note_made, .whose = writing_whose,                                    \
	.tell_refused = shared_notice_refused, READING

static const node_kind foreign_kind;

const node_kind shared_kind = {WRITING, .is_shown = true, .is_received = true,
	.within = &foreign_kind, .child = shared_child, .list = shared_list, .path = shared_path,
	.domain = shared_domain, .object = shared_object, .root = shared_root,
	.note_checked = shared_note_checked, .is_same = shared_is_same,
	.release = shared_release_if_unused, .attribute = shared_attribute};

/* One's own records in their folders. */
static const node_kind foreign_kind = {WRITING, .child = union_child, .list = union_list,
	.note_cut = foreign_note_cut, .is_unsent = foreign_collects, .is_whole = shared_is_file};

const node_kind foreign_cut_kind = {READING};

static void writings_turn(emr_view *view)
{
	inboxes_turn(view);
	foreign_turn(view);
}

const shared_writings foreign_writings = {
	.take_writings = foreign_take_writings, .turn = writings_turn};
