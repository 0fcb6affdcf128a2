/* This file ends working copies: the temporary file of one is removed only once nothing on the disk
 * names it, because a power cut may bring an old row back. */
#include "file.h"

#include <stdlib.h>

#include "base/log.h"

static bool doom(emr_view *view, emr_id16 id)
{
	doomed *d = malloc(sizeof *d);

	if (d == NULL)
		return false;
	*d = (doomed){.next = view->disk.doomed,
		.id = id,
		.seq = emr_journal_last_seq(view->options.journal)};
	view->disk.doomed = d;
	return true;
}

ended take_working_copy(emr_view *view, file *f)
{
	ended e = {.staging = f->staging, .keep_spill = f->is_spill_named};

	if (f->staging == NULL)
		return e;
	if (f->is_spill_named && !doom(view, f->staging_id)) /* the next start finds it */
		emr_log(EMR_LOG_WARN, "a spill stays for a while");
	if (f->is_spill_unsynced)
		view->disk.unsynced_spills--;
	f->is_spill_unsynced = f->is_spill_named = f->is_spill_doubted = f->staging_in_row = false;
	f->staging = NULL;
	f->promised = 0;
	return e;
}

void end_working_copy(ended e)
{
	if (e.staging == NULL)
		return;
	if (e.keep_spill)
		emr_staging_free(e.staging);
	else
		emr_staging_discard(e.staging);
}

static doomed *take_doomed(emr_view *view, uint64_t synced)
{
	doomed *found = NULL;
	EMR_LOCKED(&view->lock);

	for (doomed **at = &view->disk.doomed; *at != NULL && found == NULL;)
		if ((*at)->seq <= synced) {
			found = *at;
			*at = found->next;
		} else {
			at = &(*at)->next;
		}
	return found;
}

void remove_doomed(emr_view *view)
{
	uint64_t synced = emr_journal_synced_seq(view->options.journal);
	doomed *d;

	while ((d = take_doomed(view, synced)) != NULL) {
		emr_status status = emr_staging_remove(view->options.records, d->id);

		if (status != EMR_OK)
			emr_log(EMR_LOG_WARN, "a spill was not removed: %s",
				emr_status_text(status));
		free(d);
	}
}
