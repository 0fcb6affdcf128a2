/* When a received share has got new records, this file tells the kernel which names it must look
 * up again. It changes no node. */
#include "shared.h"

void shared_tell_new(
	emr_view *view, const shared_share *s, const shared_tree *before, emr_buf *tell)
{
	for (uint32_t i = 1; i < s->tree->names.count; i++) {
		const flat_place *at = &s->tree->names.places[i];
		const shared_entry *up = &s->tree->entries[at->parent];
		const node *directory = NULL;

		if (shared_tree_is_new(before, s->tree, i))
			directory =
				tree_by_shown_id(view, shared_record_id(s->space, up->object, 0));
		if (directory == NULL && shared_tree_is_new(before, s->tree, i))
			directory = shared_own(view, s, up->object);

		/* Without memory the time-out of what is lacking does it. */
		if (directory != NULL &&
			shared_tell_later(tell, directory->number, at->name) != EMR_OK)
			return;
	}
}
