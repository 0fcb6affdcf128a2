/* This file begins and ends the work behind `shared-with-me`, and its thread, which follows the
 * ledger, asks for keys and ends shares. At the end every key is wiped. */
#include "shared.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#include "edit.h"
#include "node.h"
#include "shared_notice.h"

#define LOOK_NS                                                                                    \
	INT64_C(5000000000) /* a look without a reason: a ledger that nobody follows, a clock that \
			       was set */

emr_status shared_new(emr_view *view)
{
	const emr_view_options *o = &view->options;
	emr_share_options options = {.keyring = o->keyring,
		.ledger = o->ledger,
		.replica = o->replica,
		.records = o->records,
		.clock = o->clock};

	view->shares = calloc(1, sizeof *view->shares);
	EMR_TRY_MEMORY(view->shares);
	emr_worker_init(&view->shares->worker);
	pthread_cond_init(&view->shares->answered, NULL);
	view->shares->fresh_boot_ns = view_boot_ns(view);
	view->shares->late.due_boot_ns = INT64_MAX;
	return emr_share_new(&options, &view->shares->share);
}

void shared_wake(emr_view *view)
{
	if (view->shares != NULL)
		emr_worker_wake(&view->shares->worker);
}

/* ---- one round ---- */

/* Only this thread takes shares off the list, and others put theirs before the first. */
static shared_share *first_busy(emr_view *view)
{
	EMR_LOCKED(&view->lock);

	return view->shares->busy;
}

/* Those with nothing left go; when the others are to be looked at again. */
static int64_t leave_out_idle(emr_view *view)
{
	int64_t due = INT64_MAX;
	EMR_LOCKED(&view->lock);

	for (shared_share **at = &view->shares->busy; *at != NULL;) {
		shared_share *s = *at;

		if (shared_goes_on(view, s, &due)) {
			at = &s->next_busy;
			continue;
		}
		*at = s->next_busy;
		s->is_busy = false;
	}
	if (view->shares->waiters != NULL && due > view_boot_ns(view) + SHARED_POLL_NS)
		due = view_boot_ns(view) + SHARED_POLL_NS;
	else if (view->shares->has_own && due > view_boot_ns(view) + SHARED_IDLE_POLL_NS)
		due = view_boot_ns(view) + SHARED_IDLE_POLL_NS;
	return due;
}

/* When the next look is worth it. */
static int64_t serve_busy(emr_view *view)
{
	const shared_share *done = NULL;
	shared_share *first;

	pthread_mutex_lock(&view->lock);
	shared_stir_all(view);
	pthread_mutex_unlock(&view->lock);
	/* A waiting request that is answered may wake others, which nothing else would. */
	while ((first = first_busy(view)) != done) {
		for (shared_share *s = first; s != done; s = s->next_busy) {
			shared_serve(view, s);
			shared_report_due(view, s);
		}
		done = first;
	}
	return leave_out_idle(view);
}

void emr_view_shared_turn(emr_view *view, int64_t *out_next_ms)
{
	int64_t now, due, end, names;
	emr_status status;

	if (view->shares == NULL)
		return;
	status = shared_follow(view);
	if (status != EMR_OK && status != EMR_OFFLINE)
		emr_log(EMR_LOG_WARN, "shares: the ledger was not followed: %s",
			emr_status_text(status));
	shared_hear_clocks(view);
	end = shared_end_due(view);
	view->writings->turn(view);
	due = serve_busy(view);
	names = shared_write_keys(view);
	now = view_boot_ns(view);
	due = end < due ? end : due;
	due = names < due ? names : due;
	due = due - now > LOOK_NS ? now + LOOK_NS : due;
	if (out_next_ms != NULL)
		*out_next_ms = due > now ? (due - now + 999999) / 1000000 : 0;
}

static void *work(void *arg)
{
	emr_view *view = arg;
	int64_t due_boot_ns = 0;

	while (emr_worker_wait(&view->shares->worker, due_boot_ns)) {
		int64_t next_ms = 0;

		emr_view_shared_turn(view, &next_ms);
		due_boot_ns = emr_clock_boot_ns(emr_clock_system()) +
			      (next_ms > 0 ? next_ms : 1) * 1000000;
	}
	return NULL;
}

/* A look into the folder when it has just been opened finds the shares from before: the thread asks
 * the ledger first, which may take its time. */
static void show_known(emr_view *view)
{
	emr_status status = shared_look(view);

	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "shares: what is known was not looked at: %s",
			emr_status_text(status));
	view->writings->turn(view);
}

emr_status shared_start(emr_view *view)
{
	if (view->shares == NULL)
		return EMR_OK;
	show_known(view);
	return emr_worker_start(&view->shares->worker, "shares", work, view);
}

void shared_stop(emr_view *view)
{
	if (view->shares == NULL)
		return;
	emr_view_end_waits(view);
	emr_worker_stop(&view->shares->worker);
	shared_end_keys(view);
	for (shared_share *s = view->shares->all; s != NULL; s = s->next) {
		shared_send_report(view, s);
		shared_close(s);
	}
}

void shared_free(emr_view *view)
{
	shares *all = view->shares;

	if (all == NULL)
		return;
	free(all->open);
	while (all->all != NULL) {
		shared_share *s = all->all;

		all->all = s->next;
		shared_tree_free(s->tree);
		free(s->rows);
		emr_buf_free(&s->owner_card);
		free(s);
	}
	while (all->owners != NULL) {
		shared_owner *o = all->owners;

		all->owners = o->next;
		free(o);
	}
	while (all->sets != NULL) {
		shared_set *set = all->sets;

		all->sets = set->next;
		emr_buf_free(&set->withheld);
		emr_buf_free(&set->clean);
		free(set);
	}
	emr_buf_free(&all->frozen);
	emr_buf_free(&all->kept_keys);
	emr_buf_free(&all->gone);
	emr_share_free(all->share);
	emr_worker_free(&all->worker);
	pthread_cond_destroy(&all->answered);
	free(all);
	view->shares = NULL;
}
