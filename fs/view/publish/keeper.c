/* This file starts and stops the folder's threads: the publisher sends quiet changes to the
 * ledger, the syncer brings closed files to the disk, a listener hears of news, and a third
 * gives disk space back when there is enough to give. When the ledger or the disk fails, they try
 * again after growing pauses. */
#include "publish.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "replica/follower.h"

#include "awaiting.h"
#include "compare.h"
#include "follow.h"
#include "health.h"
#include "node.h"
#include "ops_file.h"
#include "reclaim.h"
#include "shared.h"

#define BACKOFF_FIRST_NS INT64_C(1000000000)
#define BACKOFF_LAST_NS INT64_C(30000000000)
#define RECLAIM_PAUSE_NS INT64_C(5000000000) /* between two that were asked for */
#define NEWS_SHARE 10 /* a run for news takes at most one part of the time in so many */
#define FIRST_LOOK_NS INT64_C(2000000000)

emr_status keeper_begin(emr_view *view)
{
	view->keeper = calloc(1, sizeof *view->keeper);
	EMR_TRY_MEMORY(view->keeper);
	view->keeper->listener = follow_listener(view);
	emr_worker_init(&view->keeper->publisher);
	emr_worker_init(&view->keeper->syncer);
	emr_worker_init(&view->keeper->reclaimer);
	return EMR_OK;
}

void keeper_free(emr_view *view)
{
	if (view->keeper == NULL)
		return;
	emr_header_reader_free(view->keeper->headers);
	emr_worker_free(&view->keeper->publisher);
	emr_worker_free(&view->keeper->syncer);
	emr_worker_free(&view->keeper->reclaimer);
	emr_buf_free(&view->keeper->became);
	free(view->keeper);
}

static int64_t next_backoff(int64_t backoff, emr_status status)
{
	if (status == EMR_OK)
		return 0;
	if (backoff == 0)
		return BACKOFF_FIRST_NS;
	return backoff * 2 > BACKOFF_LAST_NS ? BACKOFF_LAST_NS : backoff * 2;
}

/* When the next run may begin, at the earliest: sooner where versions wait that have got their
 * copies, and where the ledger has news, because somebody waits for these. */
typedef struct rest {
	int64_t of_copies_boot_ns, of_news_boot_ns, boot_ns;
} rest;

/* Never twice within the quiet time: a change that failed for the moment is not a busy loop.  Runs
 * for news take a part of the time at most, however much is going on in the network. */
static rest rest_after(const emr_view *view, int64_t began_boot_ns, int64_t backoff_ns)
{
	const int64_t now = view_boot_ns(view), quiet_ns = view->options.quiet_ns;
	int64_t news_ns = NEWS_SHARE * (now - began_boot_ns);

	if (backoff_ns > 0)
		return (rest){now + backoff_ns, now + backoff_ns, now + backoff_ns};
	if (news_ns < quiet_ns / 100)
		news_ns = quiet_ns / 100;
	if (news_ns > quiet_ns / 4)
		news_ns = quiet_ns / 4;
	return (rest){.of_copies_boot_ns = now + quiet_ns / 100,
		.of_news_boot_ns = now + news_ns,
		.boot_ns = now + quiet_ns / 4};
}

/* Under view->lock. */
static int64_t rest_of(const emr_view *view, const rest *after)
{
	if (awaiting_is_due(view))
		return after->of_copies_boot_ns;
	return follow_due(view) <= view_boot_ns(view) ? after->of_news_boot_ns : after->boot_ns;
}

/* Under view->lock: waits until there is something to publish, somebody hurries, or the end. */
static bool wait_for_work(emr_view *view, const rest *after, uint64_t hurried)
{
	view->next_due_boot_ns = publish_due(view);
	while (!view->stop) {
		int64_t now = view_boot_ns(view), not_before_boot_ns = rest_of(view, after);
		int64_t due;

		if (quiet_hear_clock(view))
			view->next_due_boot_ns = publish_due(view);
		due = view->next_due_boot_ns;

		if (view->keeper->hurry > 0 && view->keeper->hurries != hurried)
			return true;
		if (due < not_before_boot_ns && due != INT64_MAX)
			due = not_before_boot_ns;
		if (due > now) {
			if (view->keeper->has_refused && due - now > PUBLISH_RETRY_NS)
				due = now + PUBLISH_RETRY_NS; /* to look at the clock */
			view_wait_ns(view, &view->wake, due == INT64_MAX ? -1 : due - now);
			continue;
		}
		/* A node that was due may have changed again since. */
		view->next_due_boot_ns = publish_due(view);
		if (view->next_due_boot_ns <= now)
			return true;
	}
	return false;
}

/* One run, and then, outside of its hold on the store, what is being erased. */
static emr_status publish_and_erase(emr_view *view, bool all)
{
	emr_status status;
	bool is_due;

	emr_reserve_check(
		emr_store_reserve(view->options.store)); /* ledger and replica need room, too */
	status = publish_run(view, all);
	pthread_mutex_lock(&view->lock);
	is_due = erase_look_due(view) <= view_boot_ns(view);
	pthread_mutex_unlock(&view->lock);
	if (is_due)
		erase_look_back(view);

	pthread_mutex_lock(&view->lock);
	is_due = erase_is_due(view);
	pthread_mutex_unlock(&view->lock);
	if (is_due)
		erase_run(view);
	return status;
}

static void *publish_loop(void *arg)
{
	emr_view *view = arg;
	int64_t backoff = 0;
	rest after = {0};
	uint64_t hurried = 0;

	pthread_mutex_lock(&view->lock);
	while (wait_for_work(view, &after, hurried)) {
		bool all = view->keeper->hurry > 0;
		int64_t began_boot_ns = view_boot_ns(view);
		emr_status status;

		hurried = view->keeper->hurries;
		pthread_mutex_unlock(&view->lock);
		status = publish_and_erase(view, all);
		if (status != EMR_OK)
			emr_log(EMR_LOG_WARN, "publishing: %s", emr_status_text(status));
		pthread_mutex_lock(&view->lock);
		view->keeper->hurried = hurried;
		pthread_cond_broadcast(&view->settled);
		backoff = next_backoff(backoff, status);
		after = rest_after(view, began_boot_ns, backoff);
	}
	pthread_mutex_unlock(&view->lock);
	return NULL;
}

static void *reclaim(void *arg)
{
	emr_view *view = arg;
	emr_reserve *reserve = emr_store_reserve(view->options.store);
	emr_reclaim_report report = {0};
	bool is_spared;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	is_spared = view_spared_is_due(view);
	if (is_spared)
		view->space.spared_due_boot_ns = view_boot_ns(view) + VIEW_SPARED_NS;
	pthread_mutex_unlock(&view->lock);
	emr_reserve_check(reserve);
	status = emr_reserve_is_out(reserve) ? view_scrub(view, NULL, NULL, &report)
		 : is_spared		     ? view_scrub_spared(view, &report)
					     : space_look(view, &report);
	if (status == EMR_OK)
		emr_log(EMR_LOG_INFO, "reclaimed %llu bytes",
			(unsigned long long)report.bytes_freed);
	else if (status != EMR_INTERRUPTED)
		emr_log(EMR_LOG_WARN, "space was not reclaimed: %s", emr_status_text(status));
	pthread_mutex_lock(&view->lock);
	view->space.is_looking = view->space.is_pressed = false;
	if (is_spared && !emr_reserve_is_out(reserve))
		space_check(view); /* a look may be due that was not this one */
	pthread_cond_broadcast(&view->wake);
	pthread_cond_broadcast(&view->settled); /* writers that wait for room */
	pthread_mutex_unlock(&view->lock);
	return NULL;
}

/* In a thread of its own: gigabytes are copied, and what is closed meanwhile must be on the disk in
 * time.  The view is marked as looking. */
static void start_reclaim(emr_view *view)
{
	emr_worker_stop(&view->keeper->reclaimer); /* the one before has ended */
	if (emr_worker_start(&view->keeper->reclaimer, "reclaimer", reclaim, view) == EMR_OK)
		return;
	pthread_mutex_lock(&view->lock);
	view->space.is_looking = false;
	pthread_mutex_unlock(&view->lock);
}

/* Under view->lock: asked for.  A full disk is looked at again and again, so not too soon after the
 * last time. */
static bool is_reclaim_due(const emr_view *view)
{
	return !view->space.is_looking &&
	       ((view->space.wants_look && space_look_due(view) <= view_boot_ns(view)) ||
		       view_spared_is_due(view) ||
		       (view->space.wants_reclaim &&
			       view->keeper->reclaim_due_boot_ns <= view_boot_ns(view)));
}

/* The earlier of WAIT (less than 0: there is none) and OTHER, which may have passed by now. */
static int64_t sooner(int64_t wait, int64_t other)
{
	if (other < 0)
		other = 0;
	return wait < 0 || other < wait ? other : wait;
}

/* Under view->lock: until something is to be synced, space is to be given back or looked for for
 * the FIRST time (0: that is over), or the end. */
static void wait_for_sync(emr_view *view, int64_t first_look)
{
	int64_t now = view_boot_ns(view), wait = -1;

	if (is_unsynced(view))
		wait = sooner(
			wait, view->disk.unsynced_since_boot_ns + view->options.sync_ns - now);
	if (view->space.wants_look && !view->space.is_looking)
		wait = sooner(wait, space_look_due(view) - now);
	if (view->space.wants_reclaim && !view->space.is_looking)
		wait = sooner(wait, view->keeper->reclaim_due_boot_ns - now);
	if (view->space.spared_bytes > 0 && !view->space.is_looking)
		wait = sooner(wait, view->space.spared_due_boot_ns - now);
	if (first_look != 0)
		wait = sooner(wait, first_look - now);
	view_wait_ns(view, &view->wake, wait);
}

void keeper_rest(emr_view *view)
{
	emr_replica_rest(view->options.replica);
	malloc_trim(0);
}

static void *sync_loop(void *arg)
{
	emr_view *view = arg;

	int64_t first_look; /* for what the last mount left, once whoever opened the folder has
			       looked */

	pthread_mutex_lock(&view->lock);
	first_look = view_boot_ns(view) + FIRST_LOOK_NS;
	while (!view->stop) {
		int64_t due = view->disk.unsynced_since_boot_ns + view->options.sync_ns;
		int64_t now = view_boot_ns(view);
		emr_status status;

		if (first_look != 0 && first_look <= now) {
			first_look = 0;
			space_check(view);
			pthread_mutex_unlock(&view->lock);
			keeper_rest(view);
			pthread_mutex_lock(&view->lock);
			continue;
		}

		if (is_reclaim_due(view)) {
			view->space.is_pressed = view->space.wants_reclaim;
			view->space.wants_reclaim = view->space.wants_look = false;
			view->space.is_looking = true;
			view->keeper->reclaim_due_boot_ns = now + RECLAIM_PAUSE_NS;
			pthread_mutex_unlock(&view->lock);
			start_reclaim(view);
			pthread_mutex_lock(&view->lock);
			continue;
		}
		if (!is_unsynced(view) || due > now) {
			wait_for_sync(view, first_look);
			continue;
		}
		pthread_mutex_unlock(&view->lock);
		status = emr_view_sync(view);
		if (status != EMR_OK)
			emr_log(EMR_LOG_ERROR, "the disk refused a sync: %s",
				emr_status_text(status));
		pthread_mutex_lock(&view->lock);
		space_check(view);
		if (status != EMR_OK)
			view->disk.unsynced_since_boot_ns = view_boot_ns(view);
	}
	pthread_mutex_unlock(&view->lock);
	return NULL;
}

emr_status emr_view_start(emr_view *view)
{
	emr_status status;

	pthread_mutex_lock(&view->lock);
	view->is_started = true;
	pthread_mutex_unlock(&view->lock);
	EMR_TRY(shared_start(view));
	if (view_is_read_only(view))
		return EMR_OK;
	pthread_mutex_lock(&view->lock);
	view->has_threads = true;
	pthread_mutex_unlock(&view->lock);
	status = emr_worker_start(&view->keeper->publisher, "publisher", publish_loop, view);
	if (status == EMR_OK)
		status = emr_worker_start(&view->keeper->syncer, "syncer", sync_loop, view);
	if (status == EMR_OK)
		status = emr_follow_listen(view->options.replica, &view->keeper->listener);
	if (status != EMR_OK) {
		keeper_stop(view);
		view->stop = false;
	}
	return status;
}

void keeper_stop(emr_view *view)
{
	if (!view->has_threads)
		return;
	emr_follow_leave(&view->keeper->listener);
	pthread_mutex_lock(&view->lock);
	__atomic_store_n(
		&view->stop, true, __ATOMIC_RELAXED); /* space_look asks without the lock */
	pthread_cond_broadcast(&view->wake);
	pthread_cond_broadcast(&view->settled);
	pthread_mutex_unlock(&view->lock);
	emr_worker_stop(&view->keeper->publisher);
	emr_worker_stop(&view->keeper->syncer);
	emr_worker_stop(&view->keeper->reclaimer); /* of the syncer, which has ended */
	view->has_threads = false;
}

emr_status keeper_hand_out(emr_view *view)
{
	emr_status first = EMR_OK;

	for (size_t i = 0; i < view->nodes.used; i++) {
		node *n = slots_at(&view->nodes, i);
		emr_status status;

		if (n == NULL || node_file(n) == NULL || n->state != NODE_LIVE ||
			node_file(n)->wrote == node_file(n)->handed)
			continue;
		status = file_hand_out(view, n);
		if (status != EMR_OK && first == EMR_OK)
			first = status;
	}
	return first;
}

emr_status emr_view_publish_now(emr_view *view)
{
	emr_status status;
	uint64_t mine;

	if (!view->has_threads) {
		status = publish_and_erase(view, true);
		compare_turn(view);
		space_make_room(view);
		return status;
	}
	pthread_mutex_lock(&view->lock);
	view->keeper->hurry++;
	mine = ++view->keeper->hurries;
	pthread_cond_broadcast(&view->wake);
	while (!view->stop && view->keeper->hurried < mine)
		pthread_cond_wait(&view->settled, &view->lock);
	view->keeper->hurry--;
	status = view->keeper->hurried < mine ? EMR_INTERRUPTED : view->keeper->last_run;
	pthread_mutex_unlock(&view->lock);
	return status;
}

emr_status emr_view_wait_published(emr_view *view, int64_t deadline_boot_ns)
{
	emr_status status = EMR_OK;
	EMR_LOCKED(&view->lock);

	while (!publish_is_idle(view) && status == EMR_OK) {
		int64_t now = view_boot_ns(view);

		if (view->stop)
			status = EMR_INTERRUPTED;
		else if (now >= deadline_boot_ns)
			status = EMR_TIMEOUT;
		else
			view_wait_ns(view, &view->settled, deadline_boot_ns - now);
	}
	return status;
}
