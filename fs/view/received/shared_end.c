/* When a share ends (taken back, over, or without news of the ledger for too long), this file
 * ends reading at once: it refuses further reads, wipes the keys, and makes the kernel forget
 * cached bytes and names. It also warns the reader before the end. */

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "fetch/fetch.h"

#include "edit.h"
#include "kept.h"
#include "node.h"
#include "shared.h"
#include "shared_notice.h"

#define FRESH_NS                                                                                   \
	(INT64_C(24) * 3600 *                                                                      \
		1000000000)	     /* without a word from the ledger keys are not kept longer */
#define LOOK_NS INT64_C(5000000000)  /* keys that came meanwhile may be too old already */
#define CLOCKS_NS INT64_C(500000000) /* between reading one clock and the other */
#define WARN_S (24 * 3600) /* before the end, or a tenth of the whole time where that is less */

/* ---- keys and readers ---- */

/* Under view->lock: the next behind AT (NULL: the first) that is read with keys of S. */
static node *next_read(const emr_view *view, const shared_share *s, const node *at)
{
	node *n = tree_next_any(view, at);

	while (n != NULL && (!tree_has_reader(n) || !shared_reads_of(n, s)))
		n = tree_next_any(view, n);
	return n;
}

/* The same held by one more open, and AT let go. */
static node *hold_next(emr_view *view, const shared_share *s, node *at)
{
	node *n;

	pthread_mutex_lock(&view->lock);
	n = next_read(view, s, at);
	if (n != NULL)
		n->opens++;
	pthread_mutex_unlock(&view->lock);
	if (at != NULL)
		kept_release(view, at);
	return n;
}

void shared_forget_keys(emr_view *view, shared_share *s, bool is_over)
{
	shared_send_report(view, s);
	shared_close(s);
	for (node *n = NULL; (n = hold_next(view, s, n)) != NULL;) {
		file *f = node_file(n);

		pthread_rwlock_wrlock(&f->lock); /* reads that are under way end first */
		pthread_mutex_lock(&view->lock);
		if (is_over || f->let_in == 0)
			tree_set_reader(f, NULL);
		else
			__atomic_store_n(&f->judged_boot_ns, 0, __ATOMIC_RELEASE);
		pthread_mutex_unlock(&view->lock);
		pthread_rwlock_unlock(&f->lock);
	}
}

/* ---- the end ---- */

/* Under view->lock, before names go: what somebody has open of S, each once; owned by the caller.
 */
static size_t open_paths(const emr_view *view, const shared_share *s, char *paths[SHARED_CUT_MAX])
{
	const node *seen[SHARED_CUT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < view->shares->nopen && n < SHARED_CUT_MAX; i++) {
		const node *at = view->shares->open[i]->node;
		size_t k = 0;

		while (k < n && seen[k] != at)
			k++;
		if (k < n || at->state == NODE_GONE || !shared_reads_of(at, s))
			continue;
		seen[n] = at;
		paths[n++] = shared_path_of_any(at);
	}
	return n;
}

void shared_end(
	emr_view *view, shared_share *s, shared_phase phase, uint64_t ended_unix_s, emr_buf *tell)
{
	const emr_status over = phase == SHARED_REVOKED ? EMR_ACCESS_REVOKED : EMR_ACCESS_ENDED;
	char *paths[SHARED_CUT_MAX];
	shared_tree *before;
	size_t n;

	pthread_mutex_lock(&view->lock);
	n = open_paths(view, s, paths);
	shared_note_end(s, phase, ended_unix_s); /* from now on nothing of it is read */
	shared_note_over(view, s);
	pthread_mutex_unlock(&view->lock);
	shared_forget_keys(view, s, true);
	emr_fetcher_forget(view->options.fetcher, INT64_MAX);
	shared_drop_keys(view, s->grant.grant);
	shared_answer_all(view, s, NULL, EMR_NEED_NAMES, over);
	shared_answer_all(view, s, NULL, EMR_NEED_BYTES, over);
	pthread_mutex_lock(&view->lock);
	shared_tell_records(view, s, tell);
	before = shared_swap_tree(view, s, NULL, tell);
	shared_tell_of(view, s, tell);
	pthread_mutex_unlock(&view->lock);
	shared_tree_free(before);
	shared_notice_cut(view, s, paths, n);
	shared_notice_end(view, s); /* last: what to ask for again is the share */
}

/* The end came after this turn's look at the ledger: the next one ends S.  The copy has it: what
 * said so stands behind it on the ledger. */
void shared_look_at_end(emr_view *view, shared_share *s, emr_share_trouble *trouble)
{
	bool is_refused = trouble->why == EMR_WHY_REFUSED || trouble->why == EMR_WHY_LEDGER;
	bool is_over = trouble->why == EMR_WHY_REVOKED ||
		       (is_refused && trouble->code == EMR_RESULT_GRANT_DEAD);
	emr_known_grant now;

	if (!is_over ||
		emr_replica_grant(view->options.replica, s->domain, s->grant.grant, &now) !=
			EMR_OK ||
		now.row.head.state != EMR_GRANT_REVOKED)
		return;
	pthread_mutex_lock(&view->lock);
	s->grant = now;
	pthread_mutex_unlock(&view->lock);
	trouble->why = EMR_WHY_REVOKED;
}

/* It ended while this folder was closed: what was read of it, at the latest with keys of the last
 * day, was not used since. */
void shared_forget_blocks(emr_view *view, const shared_share *s)
{
	emr_fetcher_forget(view->options.fetcher, (int64_t)s->ended_unix_s + FRESH_NS / 1000000000);
}

/* ---- clocks ---- */

static uint64_t warning_time(const shared_share *s)
{
	uint64_t whole = s->grant.row.not_after_unix_s - s->grant.row.not_before_unix_s;

	return s->grant.row.not_after_unix_s - (whole / 10 < WARN_S ? whole / 10 : WARN_S);
}

static void warn(emr_view *view, shared_share *s)
{
	uint64_t now = (uint64_t)(view_now_ns(view) / 1000000000);
	bool is_due;

	pthread_mutex_lock(&view->lock);
	is_due = !s->is_ending_told && now >= warning_time(s);
	s->is_ending_told = s->is_ending_told || is_due;
	pthread_mutex_unlock(&view->lock);
	if (is_due)
		shared_notice_ending(view, s);
}

/* Hours without the ledger at which a person is told how long keys are still kept. */
static const unsigned stale_hours[] = {1, 12, 20, 23};

static void warn_stale(emr_view *view, shared_share *s, int64_t age_ns)
{
	unsigned step = 0;

	while (step < sizeof stale_hours / sizeof stale_hours[0] &&
		age_ns >= (int64_t)stale_hours[step] * 3600 * 1000000000)
		step++;
	if (step > s->stale_told)
		shared_notice_stale(
			view, s, (uint64_t)((view_now_ns(view) + FRESH_NS - age_ns) / 1000000000));
	s->stale_told = step;
}

static void look_at(emr_view *view, shared_share *s, int64_t age_ns)
{
	EMR_AUTO_BUF tell = {0};
	emr_status status;
	bool is_open, holds;

	pthread_mutex_lock(&view->lock);
	is_open = s->phase == SHARED_OPEN;
	status = shared_is_readable(view, s);
	holds = s->opened != NULL || (age_ns > FRESH_NS && next_read(view, s, NULL) != NULL);
	pthread_mutex_unlock(&view->lock);
	if (!is_open)
		return;
	if (status == EMR_ACCESS_ENDED) {
		shared_end(view, s, SHARED_EXPIRED, s->grant.row.not_after_unix_s, &tell);
	} else if (age_ns > FRESH_NS && holds) {
		emr_log(EMR_LOG_WARN,
			"shares: no word from the ledger for a day: keys are dropped");
		shared_forget_keys(view, s, true);
		pthread_mutex_lock(&view->lock);
		shared_tell_records(view, s, &tell);
		pthread_mutex_unlock(&view->lock);
	} else {
		warn(view, s);
		if (holds)
			warn_stale(view, s, age_ns);
		else
			s->stale_told = 0;
	}
	shared_tell(view, &tell);
}

/* The boot clock's time of the next end or notice; INT64_MAX: none. */
static int64_t next_end_ns(emr_view *view)
{
	int64_t next = INT64_MAX, now = view_boot_ns(view);
	int64_t now_s = view_now_ns(view) / 1000000000;
	EMR_LOCKED(&view->lock);

	for (const shared_share *s = view->shares->all; s != NULL; s = s->next) {
		int64_t at = s->end_boot_ns, left_s;

		if (s->phase != SHARED_OPEN)
			continue;
		left_s = (int64_t)(s->is_ending_told ? s->grant.row.not_after_unix_s
						     : warning_time(s)) -
			 now_s;
		if (left_s < INT32_MAX && now + (left_s > 0 ? left_s : 0) * 1000000000 < at)
			at = now + (left_s > 0 ? left_s : 0) * 1000000000;
		next = at < next ? at : next;
	}
	return next;
}

/* The wall's clock was set: what ends by it may end now. */
static bool clocks_have_parted(const emr_view *view, int64_t apart_ns)
{
	int64_t moved = apart_ns - view->shares->ends_clocks_ns;

	return moved > CLOCKS_NS || moved < -CLOCKS_NS;
}

int64_t shared_end_due(emr_view *view)
{
	shares *all = view->shares;
	int64_t now = view_boot_ns(view), apart_ns = view_now_ns(view) - now;
	int64_t age_ns = now - all->fresh_boot_ns, next;

	if (now < all->ends_due_boot_ns && !clocks_have_parted(view, apart_ns))
		return all->ends_due_boot_ns;
	for (shared_share *s = all->all; s != NULL; s = s->next)
		look_at(view, s, age_ns);
	kept_drop_old(view);
	next = next_end_ns(view);
	all->ends_due_boot_ns = next < now + LOOK_NS ? next : now + LOOK_NS;
	all->ends_clocks_ns = apart_ns;
	return all->ends_due_boot_ns;
}
