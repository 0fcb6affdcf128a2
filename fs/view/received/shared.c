/* This file begins and ends the work behind `shared-with-me`, and its thread, which follows the
 * ledger, asks for keys and ends shares. At the end every key is wiped. */
#include "shared.h"

#include <stdlib.h>

#include "base/log.h"

#include "clock.h"
#include "edit.h"
#include "shared_end.h"
#include "shared_software.h"

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
	pthread_condattr_t attr;
	emr_status status;

	view->shares = calloc(1, sizeof *view->shares);
	if (view->shares == NULL)
		return EMR_NO_MEMORY;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&view->shares->wake, &attr);
	pthread_cond_init(&view->shares->answered, NULL);
	pthread_condattr_destroy(&attr);
	view->shares->fresh_boot_ns = view_boot_ns(view);
	status = emr_share_new(&options, &view->shares->share);
	if (status != EMR_OK)
		return status;
	status = emr_share_keep_received(view->shares->share, false);
	/* Nobody known yet: an empty ledger, or one that is away. */
	return status == EMR_NO_MEMORY ? status : EMR_OK;
}

void shared_wake(emr_view *view)
{
	if (view->shares == NULL)
		return;
	view->shares->has_news = true;
	pthread_cond_signal(&view->shares->wake);
}

void emr_view_shared_turn(emr_view *view, int64_t *out_next_ms)
{
	int64_t now, due, end;
	emr_status status;

	if (view->shares == NULL)
		return;
	status = shared_follow(view);
	if (status != EMR_OK && status != EMR_OFFLINE)
		emr_log(EMR_LOG_WARN, "shares: the ledger was not followed: %s",
			emr_status_text(status));
	shared_end_due(view);
	view->guests->turn(view);
	for (shared_share *s = view->shares->all; s != NULL; s = s->next) {
		shared_serve(view, s);
		shared_report_due(view, s);
	}
	now = view_boot_ns(view);
	due = shared_due_ns(view);
	end = shared_next_end_ns(view);
	due = end < due ? end : due;
	due = due - now > LOOK_NS ? now + LOOK_NS : due;
	if (out_next_ms != NULL)
		*out_next_ms = due > now ? (due - now + 999999) / 1000000 : 0;
}

static void *work(void *arg)
{
	emr_view *view = arg;
	shares *all = view->shares;

	pthread_mutex_lock(&view->lock);
	while (!all->stop) {
		int64_t next_ms = 0;

		all->has_news = false;
		pthread_mutex_unlock(&view->lock);
		emr_view_shared_turn(view, &next_ms);
		pthread_mutex_lock(&view->lock);
		if (!all->stop && !all->has_news)
			view_wait_ns(view, &all->wake, (next_ms > 0 ? next_ms : 1) * 1000000);
	}
	pthread_mutex_unlock(&view->lock);
	return NULL;
}

emr_status shared_start(emr_view *view)
{
	if (view->shares == NULL)
		return EMR_OK;
	view->shares->stop = false;
	view->shares->has_thread = pthread_create(&view->shares->thread, NULL, work, view) == 0;
	return view->shares->has_thread ? EMR_OK : EMR_NO_MEMORY;
}

void shared_stop(emr_view *view)
{
	if (view->shares == NULL)
		return;
	emr_view_end_waits(view);
	if (view->shares->has_thread) {
		pthread_mutex_lock(&view->lock);
		view->shares->stop = true;
		pthread_cond_signal(&view->shares->wake);
		pthread_mutex_unlock(&view->lock);
		pthread_join(view->shares->thread, NULL);
		view->shares->has_thread = false;
	}
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
	shared_forget_software(view);
	emr_buf_free(&all->frozen);
	emr_buf_free(&all->kept_names);
	emr_buf_free(&all->gone);
	emr_share_free(all->share);
	pthread_cond_destroy(&all->wake);
	pthread_cond_destroy(&all->answered);
	free(all);
	view->shares = NULL;
}
