/* A record that is removed, replaced or moved out takes its copies out of the datasets here: the
 * publishing thread asks before the ledger hears of the one, and the ledger hears of the other
 * first. It waits for nobody who makes copies, and makes none. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "view/walk.h"

#include "private.h"

/* Under LOCK: which copies are there is read again only when some came since, from here or, by the
 * ledger, from another computer of this person. */
static emr_status read_folders(emr_research *r)
{
	emr_replica_position at;

	EMR_TRY(emr_replica_at(r->session->replica, &at));
	if (!atomic_exchange(&r->has_new_copies, false) && r->read_at_size == at.size)
		return EMR_OK;
	r->read_at_size = 0;
	folders_free(&r->folders);
	EMR_TRY(folders_find(r->session, &r->folders));
	for (size_t i = 0; i < r->folders.n; i++)
		EMR_TRY(there_read(&r->folders.all[i].c, &r->folders.all[i].there));
	r->read_at_size = at.size;
	return EMR_OK;
}

/* The copies of V and of what was before it. */
static emr_status take_out(struct folder *f, version v, bool *out_has)
{
	const uint64_t newest = v.number;
	copy_there *copy;

	while ((copy = there_of_record(&f->there, &f->c, newest, &v)) != NULL)
		EMR_TRY(cleaner_remove(&f->c, copy->name, out_has));
	return EMR_OK;
}

/* ---- what moves ---- */

/* A computer on which nobody has joined does not know which folders take part. */
static emr_status take_out_below(emr_research *r, struct folder *f, const char *path, bool *out_has)
{
	json_auto_t *tops = NULL; /* that copies are made of */
	emr_status status = f->there.n > 0 ? research_tops(r, f->c.dataset_id, &tops) : EMR_OK;
	version v;

	if (status != EMR_OK || json_array_size(tops) == 0)
		return status;
	EMR_WALK(walk, r->session->view, path);
	while (emr_walk_next(&walk))
		if (walk.attr.type == EMR_META_FILE && !lies_in(walk.path, tops) &&
			cleaner_version(&f->c, walk.attr.node, &v) != EMR_NOT_FOUND)
			EMR_TRY(take_out(f, v, out_has));
	return walk.status == EMR_NOT_FOUND ? EMR_OK : walk.status;
}

static emr_status leave(emr_research *r, const emr_leaving *one, bool *out_has)
{
	EMR_AUTO_FREE char *path = NULL;
	emr_status status = EMR_OK;

	if (one->is_moving)
		status = emr_view_path_of_object(r->session->view, one->object, &path);
	for (size_t i = 0; i < r->folders.n && status == EMR_OK; i++)
		status = one->is_moving ? take_out_below(r, &r->folders.all[i], path, out_has)
					: take_out(&r->folders.all[i],
						  (version){one->object, one->cver}, out_has);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Nothing but the want of memory or disk keeps a person's own changes from the ledger: what is left
 * is taken out when the folder is opened. */
emr_status emr_research_leaves(void *arg, const emr_leaving *all, size_t n, bool *out_has)
{
	emr_research *r = arg;
	emr_attr attr;
	emr_status status;
	EMR_LOCKED(&r->lock);

	if (r->session->view == NULL ||
		emr_view_find(r->session->view, EMR_COPIES_FOLDER, &attr) != EMR_OK)
		return EMR_OK;
	status = read_folders(r);
	for (size_t i = 0; i < n; i++) {
		emr_status one = leave(r, &all[i], out_has);

		status = status == EMR_OK ? one : status;
	}
	if (status == EMR_OK || status == EMR_NO_MEMORY || status == EMR_NO_SPACE ||
		status == EMR_IO)
		return status;
	emr_log(EMR_LOG_WARN, "datasets: a copy stays until the folder is opened again: %s",
		emr_status_text(status));
	return EMR_OK;
}
