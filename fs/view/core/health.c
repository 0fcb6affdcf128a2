/* This file knows whether the folder may be changed: when the ledger contradicts itself or what
 * this computer has seen, it stops all writing.  It says once that the ledger is away, and that it
 * is back. */
#include "health.h"

#include "base/log.h"
#include "replica/restart.h"

bool view_ledger_is_wrong(emr_status status)
{
	return status == EMR_DAMAGED || status == EMR_FORK || status == EMR_ROLLBACK ||
	       status == EMR_NEWER_FORMAT;
}

bool view_is_read_only(emr_view *view)
{
	EMR_LOCKED(&view->lock);

	return view->options.read_only;
}

/* Whether the folder had ended writing before. */
static bool stop_writing(emr_view *view, emr_status why)
{
	bool was;

	pthread_mutex_lock(&view->lock);
	was = view->options.read_only;
	view->options.read_only = true;
	if (view->stopped_by == EMR_OK)
		view->stopped_by = why;
	pthread_mutex_unlock(&view->lock);
	if (!was)
		emr_log(EMR_LOG_ERROR, "the ledger is not believed any more: %s",
			emr_status_text(why));
	return was;
}

void emr_view_stop_writing(emr_view *view, emr_status why)
{
	if (stop_writing(view, why))
		return;
	if (view->options.notice != NULL)
		view->options.notice(view->options.notice_arg,
			why == EMR_NEWER_FORMAT			       ? "newer-format"
			: why == EMR_ROLLBACK			       ? "rollback"
			: emr_replica_is_forked(view->options.replica) ? "two-histories"
								       : "ledger-damaged",
			"");
}

void emr_view_distrust_ledger(emr_view *view, emr_status why)
{
	(void)stop_writing(view, why);
}

bool view_mend_ledger(emr_view *view, emr_status why)
{
	emr_replica_mended mended;
	emr_status status;

	if (why != EMR_DAMAGED || view_is_read_only(view))
		return false;
	status = emr_replica_mend(view->options.replica, &mended);
	if (!(mended.ledger || mended.own) || (status != EMR_OK && mended.missing == 0))
		return false;
	if (view->options.notice != NULL)
		view->options.notice(view->options.notice_arg, "ledger-mended", "");
	return true;
}

emr_status emr_view_stopped_by(emr_view *view)
{
	EMR_LOCKED(&view->lock);

	return view->stopped_by;
}

bool emr_view_shows(emr_view *view, uint64_t *out_entries)
{
	EMR_LOCKED(&view->lock);

	*out_entries = view->followed;
	return !view->options.read_only;
}

void view_hear_restart(emr_view *view, emr_status status)
{
	const emr_view_options *o = &view->options;
	emr_status said = EMR_OK;

	if (emr_replica_restart_is_new(o->replica) && o->notice != NULL)
		o->notice(o->notice_arg, "host-restart", "");
	if (status == EMR_OK || status == EMR_TIMEOUT || status == EMR_OFFLINE)
		said = emr_replica_say(o->replica, o->keyring);
	if (said != EMR_OK)
		emr_log(EMR_LOG_INFO, "after the restart: %s", emr_status_text(said));
}

bool view_reaches_ledger(emr_view *view)
{
	emr_ledger_absence absence;

	emr_ledger_look(view->options.ledger, &absence);
	return absence.status == EMR_OK;
}

void view_hear_ledger(emr_view *view, emr_status status)
{
	emr_ledger_absence absence = {.status = status};
	bool is_news;

	if (status != EMR_OK && status != EMR_OFFLINE)
		return;
	view_hear_restart(view, status);
	if (status == EMR_OFFLINE)
		emr_ledger_look(view->options.ledger, &absence);
	if (absence.is_asked || absence.refusal != NULL || absence.status != status)
		return; /* nobody knows yet that it is away, or it is not */
	absence = (emr_ledger_absence){.status = status};
	pthread_mutex_lock(&view->lock);
	is_news = view->is_ledger_away && status == EMR_OK;
	pthread_mutex_unlock(&view->lock);
	/* A run that had nothing to send has not seen it. */
	if (is_news)
		emr_ledger_look(view->options.ledger, &absence);
	if (absence.status != status)
		return;
	pthread_mutex_lock(&view->lock);
	is_news = view->is_ledger_away != (status == EMR_OFFLINE);
	view->is_ledger_away = status == EMR_OFFLINE;
	pthread_mutex_unlock(&view->lock);
	if (is_news && view->options.notice != NULL)
		view->options.notice(view->options.notice_arg,
			status == EMR_OFFLINE ? "ledger-away" : "ledger-back", "");
}
