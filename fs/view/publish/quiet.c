/* This file says how long a name must be quiet before it is published. A file that is saved after a
 * pause goes after a moment, so that a person who saves once does not wait. A later version waits
 * for a second of quiet, so that a program that saves again and again makes one version more and
 * not many; so does a file at the former name of a renamed record, because it is the next version
 * once that one has gone. A file waits longer where its program is not done with it although nobody
 * has it open. */
#include "publish.h"

#include "base/log.h"

#define HESITANT_TIMES 10 /* the usual time */
#define HALF_DOWNLOAD_NS                                                                           \
	INT64_C(3600000000000) /* a browser that ended leaves both files for ever */

/* The name that a browser reserves beside the file it fetches into. */
static bool awaits_download(const node *n)
{
	return n->size == 0 && !n->is_published && n->parent != NULL &&
	       n->parent->listing->half_downloads > 0;
}

bool quiet_becomes(const emr_view *view, const node *n)
{
	const node *directory, *heir;

	if (!n->is_local || n->state != NODE_LIVE || !tree_may_become(n))
		return false;
	/* Not while a new file has the name that the record N had, and will be its next version. */
	directory = n->is_published && n->was != NULL
			    ? tree_directory_by_id(view, n->was->directory)
			    : NULL;
	heir = directory != NULL ? tree_child(view, directory, n->was->name) : NULL;
	return heir == NULL || !node_is_file(heir) || heir->is_published;
}

bool quiet_hesitates(const emr_view *view, const node *n)
{
	return quiet_becomes(view, n) && database_of_log(view, n->parent, n->name) == NULL;
}

int64_t quiet_ns_of(const emr_view *view, const node *n)
{
	int64_t usual = view->options.quiet_ns;
	/* Cut to nothing and closed: a program that writes in place is about to open it again. */
	const bool was_emptied = n->size == 0 && n->is_published && n->content_dirty;

	if (n->type != EMR_META_FILE || n->name == NULL || (n->is_local && !quiet_becomes(view, n)))
		return usual;
	if (database_of_log(view, n->parent, n->name) != NULL)
		return view_soonest_ns(view);
	if (awaits_download(n))
		return HALF_DOWNLOAD_NS;
	if (n->is_local || was_emptied || (!n->is_published && emr_name_is_hesitant(n->name)))
		return HESITANT_TIMES * usual;
	return n->content_dirty || !n->is_published ? view_soonest_ns(view) : usual;
}

/* ---- what a wrong clock had refused ---- */

#define CLOCK_SET_NS INT64_C(60000000000) /* less than this is no clock that was set */

/* Between the clock of the day and one that never jumps: it changes when somebody sets the first.
 */
static int64_t clocks_apart_ns(const emr_view *view)
{
	return view_now_ns(view) - view_boot_ns(view);
}

void quiet_note_refusal(emr_view *view)
{
	view->keeper->has_refused = true;
	view->keeper->refused_apart_ns = clocks_apart_ns(view);
}

bool quiet_hear_clock(emr_view *view)
{
	struct keeper *k = view->keeper;
	int64_t moved_ns = clocks_apart_ns(view) - k->refused_apart_ns;

	k->has_refused &= view->queue_head != NULL || view->vacated != NULL;
	if (!k->has_refused || (moved_ns < CLOCK_SET_NS && moved_ns > -CLOCK_SET_NS))
		return false;
	k->has_refused = false;
	emr_log(EMR_LOG_INFO, "the clock was set: what was refused is sent again");
	for (node *n = view->queue_head; n != NULL; n = n->next_queued) {
		if (n->failure != EMR_REFUSED)
			continue;
		n->failure = EMR_OK;
		tree_note_changed(n, view_boot_ns(view));
	}
	for (vacated *v = view->vacated; v != NULL; v = v->next) {
		if (v->refusals == 0)
			continue;
		v->refusals = 0;
		v->has_failed = v->is_told = false;
		v->since_boot_ns = view_boot_ns(view);
	}
	return true;
}
