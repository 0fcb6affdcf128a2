/* This file lets a person write in a share that is a single file. Such a share lies in no
 * directory of its own domain, so what is written of it hangs in a directory that nobody sees:
 * that one stands for the share, and is known by the domain alone, also before the share is. A
 * writer decides about the bytes only. */
#include <string.h>

#include "foreign.h"
#include "node.h"
#include "shared_place.h"

emr_status foreign_file_place(
	emr_view *view, shared_share *s, node **out_directory, char out_name[EMR_NAME_MAX + 1])
{
	node *directory;

	if (s->tree->entries[FLAT_TOP].type != EMR_META_FILE)
		return EMR_READ_ONLY;
	if (tree_by_id(view, s->domain) !=
		NULL) /* a domain that is called as a record of one's own */
		return EMR_DENIED;
	EMR_TRY(shared_anchor(view, s->domain, s->domain, &directory));
	directory->shared->owner = s->owner;
	directory->shared->share = s;
	/* Its owner's name for it, which is said again with new bytes and believed by nobody. */
	strcpy(out_name,
		emr_name_check(s->tree->top_name) == EMR_OK ? s->tree->top_name : "unnamed");
	*out_directory = directory;
	return EMR_OK;
}

bool foreign_file_may_say(const node *n, unsigned mask, const emr_attr *wanted)
{
	bool has_bytes = (mask & EMR_SET_SIZE) != 0 || n->content_dirty;

	return has_bytes && ((mask & EMR_SET_MODE) == 0 || (wanted->mode & 01777) == n->mode);
}

emr_status foreign_file_set_time(emr_view *view, node *n, int64_t mtime_ns)
{
	node_row row = row_of_node(n);
	edit e;

	if (!n->content_dirty || n->mtime_ns == mtime_ns)
		return EMR_OK;
	row.mtime_ns = mtime_ns;
	row.ctime_ns = view_now_ns(view);
	row.change++;
	e = edit_begin(view);
	edit_put(&e, n->id, &row);
	EMR_TRY(edit_commit_node(&e, n));
	n->has_row = true;
	n->mtime_ns = row.mtime_ns;
	n->ctime_ns = row.ctime_ns;
	mark_changed(view, n);
	return EMR_OK;
}

emr_status foreign_tell_name(emr_view *view, const node *n, emr_buf *tell)
{
	const shared_share *s = shared_share_of(n);

	if (!shared_is_file(n))
		return shared_tell_later(tell, n->parent->number, n->name);
	if (s == NULL) /* its share was never seen, so nobody knows a name of it */
		return EMR_OK;
	shared_tell_of(view, s, tell);
	shared_tell_place(view, s, tell);
	return EMR_OK;
}
