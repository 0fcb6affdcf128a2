/* One publishing run takes the changes that have become quiet, seals their bytes, and sends them
 * to the ledger, one shared folder after the other. A change that cannot be sealed or sent now
 * waits for the next run and does not stop the others. */
#include "publish.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "fetch/fetch.h"
#include "settle/reopen.h"

#include "awaiting.h"
#include "file.h"
#include "follow.h"
#include "foreign.h"
#include "health.h"
#include "node.h"
#include "ops_file.h"
#include "refusals.h"

/* ---- what waits ---- */

#define LACK_PAUSE_NS INT64_C(5000000000) /* a place that is away is not asked at every turn */
#define PATIENCE 14			  /* in quiet times */

/* A run that is due gives way to the programs at work here, which want the same processor: it waits
 * until nothing was changed for a moment, but not for ever. */
static int64_t in_a_lull(const emr_view *view, int64_t due)
{
	int64_t lull = view_next_lull(view);
	int64_t last;

	if (due == INT64_MAX || lull <= due)
		return due;
	last = due + PATIENCE * view->options.quiet_ns;
	return lull < last ? lull : last;
}

/* INT64_MAX: something else has to happen first. */
static int64_t due_alone(const emr_view *view, const node *n)
{
	return n->failure != EMR_OK || node_writers(n) != 0 || heirs_lack_bytes(n) ||
			       foreign_must_wait(view, n) || awaiting_holds(view, n)
		       ? INT64_MAX
		       : node_changed_boot_ns(n) + quiet_ns_of(view, n);
}

/* With what must go in the same batch. */
static int64_t due_of(const emr_view *view, const node *n)
{
	int64_t due = due_alone(view, n);

	for (size_t i = 0; i < DATABASE_FILES && due != INT64_MAX; i++) {
		const node *other = database_other(view, n, i);

		if (other != NULL && due_alone(view, other) > due)
			due = due_alone(view, other);
	}
	return due;
}

static int64_t changes_due(const emr_view *view)
{
	int64_t due = INT64_MAX;

	for (const node *n = view->queue_head; n != NULL; n = n->next_queued)
		if (node_changed_boot_ns(n) + view_soonest_ns(view) < due && needs_settling(n) &&
			due_of(view, n) < due)
			due = due_of(view, n);
	for (const vacated *v = view->vacated; v != NULL; v = v->next)
		if (!v->has_failed && v->since_boot_ns + view->options.quiet_ns < due &&
			!heirs_are_awaited(view, v) && foreign_may_send(view, v->place.domain))
			due = v->since_boot_ns + view->options.quiet_ns;
	return due;
}

int64_t publish_due(const emr_view *view)
{
	int64_t due = in_a_lull(view, changes_due(view));

	if (awaiting_is_due(view))
		due = 0;
	if (follow_due(view) < due)
		due = follow_due(view);
	if (erase_look_due(view) < due)
		due = erase_look_due(view);
	if (view->erasing.n > 0 && view->erasing.due_boot_ns < due)
		due = view->erasing.due_boot_ns;
	if (view->wants_tie && view->keeper->tie_due_boot_ns < due)
		due = view->keeper->tie_due_boot_ns;
	return due;
}

bool publish_is_idle(const emr_view *view)
{
	for (const node *n = view->queue_head; n != NULL; n = n->next_queued)
		if (n->failure == EMR_OK && needs_settling(n) && !heirs_lack_bytes(n) &&
			!foreign_must_wait(view, n))
			return false;
	for (const vacated *v = view->vacated; v != NULL; v = v->next)
		if (!v->has_failed && !v->is_held && foreign_may_send(view, v->place.domain))
			return false;
	return true;
}

static bool is_ready_alone(const publishing *p, const node *n)
{
	if (node_writers(n) != 0 || heirs_lack_bytes(n) || foreign_must_wait(p->view, n) ||
		foreign_is_heir(p->view, n) || awaiting_holds(p->view, n) ||
		(n->failure != EMR_OK && !p->all))
		return false;
	return (p->all && !quiet_hesitates(p->view, n)) ||
	       view_boot_ns(p->view) - node_changed_boot_ns(n) >= quiet_ns_of(p->view, n);
}

static bool is_ready(const publishing *p, const node *n)
{
	bool is = is_ready_alone(p, n);

	for (size_t i = 0; i < DATABASE_FILES && is; i++) {
		const node *other = database_other(p->view, n, i);

		is = other == NULL || is_ready_alone(p, other);
	}
	return is;
}

static emr_status add_node(publishing *p, node *n)
{
	if (emr_array_room(&p->nodes, p->nnodes, &p->nodes_cap, sizeof *p->nodes) != EMR_OK ||
		tree_need_pending(n) != EMR_OK) /* so that a change meanwhile is known by it */
		return EMR_NO_MEMORY;
	n->opens++;
	n->in_run = true;
	p->nodes[p->nnodes++] = n;
	return EMR_OK;
}

/* Those that need nothing any more leave the queue. */
static void prune_queue(emr_view *view)
{
	node *n = view->queue_head, *next;

	view->queue_head = view->queue_tail = NULL;
	for (; n != NULL; n = next) {
		next = n->next_queued;
		n->is_queued = false;
		n->next_queued = NULL;
		if (needs_settling(n)) {
			enqueue(view, n);
			continue;
		}
		tree_drop_pending(n);
		tree_release_if_unused(view, n);
	}
}

/* The ready ones; they stay in the queue until the answer is in. */
static emr_status take_candidates(publishing *p)
{
	emr_status status = EMR_OK;

	prune_queue(p->view);
	p->gives_way = !p->all && in_a_lull(p->view, changes_due(p->view)) > view_boot_ns(p->view);
	if (p->gives_way)
		return EMR_OK;
	for (node *n = p->view->queue_head;
		n != NULL && status == EMR_OK && p->nnodes < PUBLISH_RUN_MAX; n = n->next_queued)
		if (is_ready(p, n)) {
			if (quiet_becomes(p->view, n))
				tree_stay(p->view, n);
			status = add_node(p, n);
		}
	if (p->nnodes > 0)
		p->view->waits_for_quiet = true;
	return status;
}

/* Directories above a candidate that are not on the ledger yet must come with it. */
static emr_status take_ancestors(publishing *p)
{
	for (size_t i = 0; i < p->nnodes; i++) {
		node *up = p->nodes[i]->parent;

		for (; up != NULL && up != p->view->root; up = up->parent) {
			if (up->in_run || !needs_settling(up) || awaiting_holds(p->view, up))
				continue;
			EMR_TRY(add_node(p, up));
		}
	}
	return EMR_OK;
}

/* ---- bytes that are not frozen yet ---- */

static void drop_node(publishing *p, size_t i)
{
	node *n = p->nodes[i];

	n->in_run = false;
	n->opens--;
	tree_release_if_unused(p->view, n);
	p->nodes[i] = p->nodes[--p->nnodes];
}

static emr_status prepare(publishing *p, node *n)
{
	bool is_local, needs_content, was_refused;
	emr_status status = EMR_OK;

	pthread_mutex_lock(&p->view->lock);
	is_local = n->is_local;
	needs_content = n->type == EMR_META_FILE && (n->content_dirty || !n->is_published);
	was_refused = n->failure == EMR_TOO_BIG;
	if (needs_content && !is_local && kind_where(n)->may_send != NULL)
		status = kind_where(n)->may_send(p->view, n);
	pthread_mutex_unlock(&p->view->lock);
	if (status == EMR_TOO_BIG && !was_refused)
		kind_tell_refused(p->view, n->number, NULL, "deposit-too-large");
	if (status != EMR_OK)
		return status;
	emr_fetcher_begin(p->view->options.fetcher);
	if (is_local)
		return lacking_bring(p->view, n, heirs_leave_record(p->view, n));
	return needs_content ? lacking_freeze(p->view, n) : lacking_look(p->view, n);
}

/* Without view->lock. A fault of one record, and not of the moment, stops no other. Files that are
 * written meanwhile, or cannot be sealed now, wait for the next run. */
static emr_status prepare_all(publishing *p)
{
	emr_status first = EMR_OK;

	for (size_t i = p->nnodes; i-- > 0;) {
		node *n = p->nodes[i];
		emr_status status = prepare(p, n);
		bool is_its_own = emr_status_is_unreadable(status);

		if (is_its_own && !lacking_was_told(p->view, n))
			file_notice(p->view, n, status);
		pthread_mutex_lock(&p->view->lock);
		if (status != EMR_OK && status != EMR_CONFLICT && status != EMR_BUSY &&
			status != EMR_AWAITED && first == EMR_OK && !is_its_own)
			first = status;
		if (is_its_own)
			n->failure = status;
		if (status != EMR_OK)
			tree_note_changed(n, view_boot_ns(p->view) +
						     (status == EMR_AWAITED ? LACK_PAUSE_NS : 0));
		if (status != EMR_OK || n->is_local || n->state != NODE_LIVE)
			drop_node(p, i);
		pthread_mutex_unlock(&p->view->lock);
	}
	return first;
}

/* ---- sending, one domain after the other, the outer ones first ---- */

static void tell_former_key(emr_view *view, emr_id16 domain)
{
	EMR_AUTO_FREE char *path = NULL;
	emr_status why;
	uint8_t code;

	if (!emr_settle_kept_former_key(view->options.settle, domain, &why, &code))
		return;
	if (emr_view_domain_path(view, domain, &path) != EMR_OK)
		path = NULL;
	refusals_tell_with(
		view, "former-key", path != NULL ? path : "", refusals_reason(why, code));
}

static emr_status send_domain(publishing *p, size_t first)
{
	answering a = {.view = p->view, .run = p};
	emr_id16 domain = p->works[first].change.domain;
	uint64_t database = p->works[first].database;
	emr_change *changes = calloc(p->nworks, sizeof *changes);
	size_t n = 0;
	emr_status status;

	EMR_TRY_MEMORY(changes);
	for (size_t i = first; i < p->nworks; i++) {
		if (!emr_id16_equal(p->works[i].change.domain, domain) ||
			p->works[i].database != database)
			continue;
		p->works[i].is_done = true;
		changes[n++] = p->works[i].change;
	}
	status = emr_settle_publish(p->view->options.settle, changes, n, answers_apply, &a);
	free(changes);
	tell_former_key(p->view, domain);
	return status;
}

static emr_status ask_about_works(publishing *p, bool *out_has_removed)
{
	emr_leaving *all = calloc(p->nworks + 1, sizeof *all);
	size_t n = 0;
	emr_status status = all != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (size_t i = 0; i < p->nworks && status == EMR_OK; i++)
		if (!emr_id16_is_zero(p->works[i].leaving.object))
			all[n++] = p->works[i].leaving;
	if (n > 0 && p->view->leaving.fn != NULL)
		status = p->view->leaving.fn(p->view->leaving.arg, all, n, out_has_removed);
	free(all);
	return status;
}

/* Others that have to go before the changes of this run do are in the same run, and so may be what
 * a person removed while those were asked about: it is asked about, too. */
static emr_status ask_leaving(publishing *p)
{
	bool has_removed;

	do {
		has_removed = false;
		EMR_TRY(ask_about_works(p, &has_removed));
		if (has_removed) {
			describe_free(p);
			EMR_TRY(describe_all(p));
		}
	} while (has_removed);
	return EMR_OK;
}

static emr_status send_all(publishing *p)
{
	emr_status lacking = EMR_OK;

	for (size_t i = 0; i < p->nworks; i++) {
		emr_status status;

		if (p->works[i].is_done)
			continue;
		status = send_domain(p, i);
		/* Some of it waits for room, or for a key; others' removals need neither. */
		if (emr_status_is_full(status) || status == EMR_AWAITED)
			lacking = status;
		else if (status != EMR_OK)
			return status;
	}
	return lacking;
}

static void finish(publishing *p, emr_status status)
{
	emr_view *view = p->view;

	pthread_mutex_lock(&view->lock);
	while (p->nnodes > 0)
		drop_node(p, p->nnodes - 1);
	prune_queue(view);
	view->keeper->last_run = status;
	if (view->shares != NULL && view->shares->has_own)
		shared_wake(view);
	pthread_cond_broadcast(&view->settled);
	pthread_mutex_unlock(&view->lock);
	describe_free(p);
	free(p->nodes);
	remove_doomed(view);
}

static emr_status follow_if_due(emr_view *view, bool all, emr_status followed)
{
	emr_status status;
	bool is_due;

	pthread_mutex_lock(&view->lock);
	is_due = all || follow_due(view) <= view_boot_ns(view);
	pthread_mutex_unlock(&view->lock);
	status = is_due ? follow_run(view, followed) : followed;
	/* A folder that has something to send will hear of it; a key that one folder waits for
	 * keeps no other from the ledger. */
	return emr_status_is_away(status) ? EMR_OK : status;
}

/* The ledger takes no more today; what others did is still heard. */
static bool is_spent(emr_status status)
{
	return status == EMR_LETTERS_SPENT || status == EMR_BYTES_SPENT;
}

/* Says which changes wait for the day's end, once until they went on. */
static void tell_spent(const emr_view *view, emr_status status)
{
	const emr_view_options *o = &view->options;

	if (is_spent(status) && status != view->keeper->last_run && o->notice != NULL)
		o->notice(o->notice_arg,
			status == EMR_BYTES_SPENT ? "bytes-spent" : "letters-spent", "");
}

/* Saves the keys that were opened since: that saves time later and can do nothing else. */
static void keep_opened(emr_view *view)
{
	emr_status status = emr_facts_keep_noted(view->options.facts);

	if (status != EMR_OK)
		emr_log(EMR_LOG_INFO, "what was opened is not kept: %s", emr_status_text(status));
}

emr_status publish_run(emr_view *view, bool all)
{
	publishing p = {.view = view, .all = all};
	answering earlier = {.view = view};
	emr_status status, lacking = EMR_OK, followed;

	emr_record_hold_begin(view->options.records); /* until a batch in the journal names them */
	status = awaiting_begin(view);
	followed = emr_settle_catch_up(view->options.settle, all); /* once for all of it */
	if (status == EMR_OK)
		status = emr_settle_resend(view->options.settle, answers_apply, &earlier);
	if (is_spent(status)) {
		lacking = status;
		status = EMR_OK;
	}
	if (status == EMR_OK)
		status = awaiting_learn(view);
	if (status == EMR_OK) /* our own answers first: what is new after them is from others */
		status = follow_if_due(view, all, followed);
	if (status == EMR_OK && lacking == EMR_OK) {
		pthread_mutex_lock(&view->lock);
		(void)quiet_hear_clock(view);
		status = view->index.is_partial ? EMR_OK : take_candidates(&p);
		if (status == EMR_OK)
			status = take_ancestors(&p);
		pthread_mutex_unlock(&view->lock);
	}
	if (status == EMR_OK)
		status = prepare_all(&p);
	if (emr_status_is_full(status)) {
		lacking = status;
		status = EMR_OK;
	}
	if (status == EMR_OK || p.nnodes > 0)
		status = tops_learn(&p);
	if (status == EMR_OK) {
		headers_learn(&p);
		copies_tell(&p);
		status = describe_all(&p);
	}
	if (status == EMR_OK)
		status = ask_leaving(&p);
	if (status == EMR_OK)
		status = send_all(&p);
	if (status == EMR_OK)
		status = inner_tie(view);
	awaiting_end(view, status);
	view_hear_ledger(view, status);
	if (status == EMR_OK)
		status = lacking;
	if (view_mend_ledger(view, status))
		status = EMR_BUSY; /* the next run sends it */
	if (view_ledger_is_wrong(status))
		emr_view_stop_writing(view, status);
	answers_tell_failures(&p);
	tell_spent(view, status);
	emr_record_hold_end(view->options.records);
	keep_opened(view);
	finish(&p, status);
	return status;
}
