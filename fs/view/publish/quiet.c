/* This file says how long a name must be quiet before it is published. A file that is saved after a
 * pause goes after a moment, so that a person who saves once does not wait. A later version waits
 * for a second of quiet, so that a program that saves again and again makes one version more and
 * not many; so does a file at the former name of a renamed record, because it is the next version
 * once that one has gone. A file waits longer where its program is not done with it although nobody
 * has it open. */
#include "publish.h"

#define HESITANT_TIMES 10 /* the usual time */
#define HALF_DOWNLOAD_NS                                                                           \
	INT64_C(3600000000000) /* a browser that ended leaves both files for ever */

/* The name that a browser reserves beside the file it fetches into. */
static bool awaits_download(const node *n)
{
	return n->size == 0 && !n->is_published && n->parent != NULL &&
	       n->parent->listing->half_downloads > 0;
}

/* Cut to nothing and closed: a program that writes in place is about to open it again. */
static bool was_emptied(const node *n)
{
	return n->size == 0 && n->is_published && n->content_dirty;
}

int64_t quiet_ns_of(const emr_view *view, const node *n)
{
	int64_t usual = view->options.quiet_ns;

	if (n->type != EMR_META_FILE || n->is_local || n->name == NULL)
		return usual;
	if (awaits_download(n))
		return HALF_DOWNLOAD_NS;
	if (was_emptied(n) || (!n->is_published && emr_name_is_hesitant(n->name)))
		return HESITANT_TIMES * usual;
	return n->content_dirty || !n->is_published ? view_soonest_ns(view) : usual;
}
