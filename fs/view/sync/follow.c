/* The owner's other computers, and people who may write here, also change the ledger. This file
 * waits for such changes, looks up what they are, and brings them into the tree. It does not let
 * anybody take over a record by choosing the id of one that is there already. */
#include "follow.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "contract/codes.h"
#include "replica/follower.h"

#include "conflict.h"
#include "deposits.h"
#include "erasing.h"
#include "health.h"
#include "node.h"
#include "ops_file.h"
#include "past.h"
#include "refusals.h"
#include "shared.h"

#define AGAIN_NS INT64_C(1000000000)
#define PART_NS INT64_C(60000000000) /* how much later than its entry a part may come */
#define PORTION 10000 /* new objects of one look: what it takes of memory has an end */

/* ---- what is to be looked at ---- */

static emr_status note_sought(emr_view *view, const sought *what)
{
	if (view->follow_again.len == 0)
		view->follow_due_boot_ns = 0;
	return emr_buf_append(&view->follow_again, what, sizeof *what);
}

emr_status follow_note(emr_view *view, emr_id16 domain, emr_id16 object)
{
	return note_sought(view, &(sought){.domain = domain, .object = object});
}

int64_t follow_due(const emr_view *view)
{
	if (view->has_news)
		return 0;
	return view->follow_again.len > 0 ? view->follow_due_boot_ns : INT64_MAX;
}

static sought sought_of(const arrival *a)
{
	return (sought){.domain = a->domain,
		.object = a->object,
		.signer_id = a->signer_id,
		.until_boot_ns = a->until_boot_ns};
}

static emr_status seek(following *f, const sought *what)
{
	if (emr_array_room(&f->all, f->n, &f->cap, sizeof *f->all) != EMR_OK)
		return EMR_NO_MEMORY;
	f->all[f->n++] = (arrival){.domain = what->domain,
		.object = what->object,
		.signer_id = what->signer_id,
		.until_boot_ns = what->until_boot_ns};
	return EMR_OK;
}

/* The tree knows this version already: our own, as a rule. */
static bool is_known(emr_view *view, const emr_replica_change *c)
{
	const node *n;
	EMR_LOCKED(&view->lock);

	n = tree_by_id(view, c->object);
	if (c->op == EMR_OP_ERASE)
		return erase_has(view, c->object) || erase_has_finished(view, c->object);
	if (c->op == EMR_OP_UNLINK)
		return n == NULL && vacated_find(view, c->object) == NULL;
	return n != NULL && n->is_published && node_version(n) >= c->version;
}

/* After a portion the rest comes at once. */
static emr_status note_changes(following *f, uint64_t from)
{
	emr_id16 domain = {{0}}; /* of the change before */
	emr_replica_change c;
	bool is_mine = false;

	EMR_ASK(asked, f->view->options.replica, SINCE, .at = from);
	while (emr_next(&asked, &c)) {
		if (f->n - f->again >= PORTION && c.seq != f->seen_seq) {
			f->is_cut = true;
			return EMR_OK;
		}
		f->seen_seq = c.seq;
		if (c.result != EMR_RESULT_APPLIED || c.family != EMR_FAMILY_OBJECT ||
			is_known(f->view, &c))
			continue;
		/* A batch is of one domain, as a rule, and whose that is costs three derived keys.
		 */
		if (!emr_id16_equal(domain, c.domain))
			EMR_TRY(emr_replica_is_mine(f->view->options.replica, c.domain, &is_mine));
		domain = c.domain;
		if (is_mine)
			EMR_TRY(seek(f, &(sought){.domain = c.domain,
						.object = c.object,
						.signer_id = c.signer_id}));
	}
	return asked.status;
}

static int by_object(const void *a, const void *b)
{
	const arrival *x = a, *y = b;
	int order = memcmp(x->domain.b, y->domain.b, sizeof x->domain.b);

	return order != 0 ? order : memcmp(x->object.b, y->object.b, sizeof x->object.b);
}

static void each_once(following *f)
{
	size_t kept = 0;

	EMR_SORT(f->all, f->n, by_object);
	for (size_t i = 0; i < f->n; i++) {
		arrival *last = kept > 0 ? &f->all[kept - 1] : NULL;

		if (last == NULL || by_object(last, &f->all[i]) != 0)
			f->all[kept++] = f->all[i];
		else if (last->until_boot_ns == 0 && f->all[i].until_boot_ns != 0)
			*last = f->all[i]; /* its minute runs already */
	}
	f->n = kept;
}

static emr_status take_again(following *f)
{
	emr_view *view = f->view;
	EMR_LOCKED(&view->lock);

	EMR_EACH (const sought, what, &view->follow_again) {
		emr_status status = seek(f, what);

		if (status != EMR_OK) { /* all of it next time */
			f->again = f->n = 0;
			return status;
		}
	}
	emr_buf_free(&view->follow_again);
	f->again = f->n;
	return EMR_OK;
}

/* ---- what the ledger says of it ---- */

/* Removed, or erased? */
static emr_status learn_end(const following *f, arrival *a)
{
	emr_replica_head head;
	emr_status status =
		emr_replica_head_get(f->view->options.replica, a->domain, a->object, &head);

	a->is_erased = status == EMR_OK && head.state == EMR_OBJECT_ERASED;
	/* It lives, and what opens its description is not there: unreadable is not removed. */
	if (status == EMR_OK && head.state == EMR_OBJECT_LIVE)
		return EMR_MISSING_DATA;
	if (status == EMR_OK && !a->is_erased && emr_id16_equal(a->domain, a->object))
		status = writers_have_ended(f->view, a->domain, a->object, &a->is_others);
	return status;
}

/* Others than the owner: in the Inbox, and in folders that they may write in. */
static emr_status learn_word(const following *f, arrival *a)
{
	emr_status status;

	EMR_TRY(deposits_learn(f->view, a));
	if (a->deposit != NULL)
		return EMR_OK;
	status = writers_judge(f->view, &a->place, &a->meta, &a->word);
	a->is_others = a->word.is_others;
	if (status == EMR_OK && a->word.is_hidden && a->meta.type == EMR_META_SYMLINK &&
		a->place.pversion == 0) {
		emr_log(EMR_LOG_INFO,
			"a writer's link is not shown: it may lead out of the folder");
		a->is_done = true;
		return EMR_OK;
	}
	return status == EMR_OK && a->word.is_hidden ? EMR_INVALID : status;
}

/* ---- ids that others chose ---- */

/* *OUT_HAS: there is one. */
static emr_status find_birth(
	emr_view *view, emr_id16 domain, emr_id16 object, emr_replica_item *out, bool *out_has)
{
	EMR_ASK(items, view->options.replica, HISTORY, .family = EMR_FAMILY_OBJECT,
		.domain = domain, .object = object);
	*out_has = emr_next(&items, out);
	return items.status;
}

emr_status follow_is_first(
	emr_view *view, emr_id16 domain, emr_id16 other, emr_id16 object, bool *out_is)
{
	emr_replica_item one, two;
	bool has_one = false, has_two = false;

	EMR_TRY(find_birth(view, domain, object, &one, &has_one));
	EMR_TRY(find_birth(view, other, object, &two, &has_two));
	*out_is = !has_two ||
		  (has_one && (one.seq < two.seq || (one.seq == two.seq && one.index < two.index)));
	return EMR_OK;
}

/* True if the node in the tree with this id lies in another domain: somebody took the id, and A is
 * not that record. */
static bool has_anothers_id(emr_view *view, const arrival *a)
{
	bool has;
	const node *n;
	EMR_LOCKED(&view->lock);

	n = tree_by_id(view, a->object);
	has = n != NULL && n->is_published && !emr_id16_equal(node_domain(n), a->domain);
	for (const vacated *v = view->vacated; v != NULL && !has; v = v->next)
		has = emr_id16_equal(v->place.object, a->object) &&
		      !emr_id16_equal(v->place.domain, a->domain);
	return has;
}

static int by_object_alone(const void *a, const void *b)
{
	const arrival *const *x = a, *const *y = b;

	return memcmp((*x)->object.b, (*y)->object.b, sizeof(*x)->object.b);
}

/* The same among what came at once: the first on the ledger is meant. */
static emr_status tell_ids_apart(following *f)
{
	EMR_AUTO_FREE arrival **all = calloc(f->n > 0 ? f->n : 1, sizeof *all);
	arrival *kept = NULL;
	emr_status status = all != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (size_t i = 0; i < f->n && status == EMR_OK; i++)
		all[i] = &f->all[i];
	if (status == EMR_OK && f->n > 1)
		qsort(all, f->n, sizeof *all, by_object_alone);
	for (size_t i = 0; i < f->n && status == EMR_OK; i++) {
		bool is_first = true;

		if (kept == NULL || by_object_alone(&kept, &all[i]) != 0) {
			kept = all[i];
			continue;
		}
		status = follow_is_first(
			f->view, kept->domain, all[i]->domain, kept->object, &is_first);
		(is_first ? all[i] : kept)->is_done = true;
		kept = is_first ? kept : all[i];
	}
	return status;
}

/* A private part may come after its entry, and the ledger says nothing more when it does.  One that
 * the owner's own computers have promised is looked for again, and told if it does not come; what
 * others leave here is not: whoever floods the folder with what can never be read would have each
 * of it read sixty times.  So is what waits for a key: the letter to this computer may be learned
 * after the entry was met. */
static emr_status await_rest(emr_view *view, const arrival *a, emr_status why, bool *out_is_awaited)
{
	sought what = sought_of(a);
	bool is_due = a->until_boot_ns != 0 || why == EMR_AWAITED;
	emr_status status = EMR_OK;
	int64_t now;

	*out_is_awaited = false;
	if (!is_due && !emr_id32_is_zero(a->signer_id))
		status = deposits_is_owners(view, a->domain, a->signer_id, &is_due);
	if (status != EMR_OK || !is_due)
		return status;
	pthread_mutex_lock(&view->lock);
	now = view_boot_ns(view);
	if (what.until_boot_ns == 0)
		what.until_boot_ns = now + PART_NS;
	*out_is_awaited = now < what.until_boot_ns;
	if (*out_is_awaited)
		status = note_sought(view, &what);
	pthread_mutex_unlock(&view->lock);
	return status;
}

static void tell_unreadable(const emr_view *view, const arrival *a, bool is_key, emr_status status)
{
	char id[33];

	emr_hex(a->object.b, sizeof a->object.b, id);
	emr_log(EMR_LOG_ERROR, "record %s cannot be read: %s", id, emr_status_text(status));
	if (view->options.notice != NULL)
		view->options.notice(
			view->options.notice_arg, is_key ? "unreadable" : "bad-data", "");
}

static emr_status fetch(following *f)
{
	for (size_t i = 0; i < f->n; i++) {
		arrival *a = &f->all[i];
		uint64_t unreadable = emr_facts_unreadable(f->view->options.facts);
		emr_status status = EMR_INVALID;
		bool is_awaited = false;

		if (a->is_done)
			continue;
		if (!has_anothers_id(f->view, a))
			status = emr_facts_get(f->view->options.facts, a->domain, a->object,
				&a->place, &a->bytes, &a->meta);
		a->is_live = status == EMR_OK;
		if (status == EMR_NOT_FOUND)
			status = learn_end(f, a); /* EMR_OK: it is over */
		else if (status == EMR_OK)
			status = learn_word(f, a);
		if (status == EMR_OK || status == EMR_NOT_FOUND)
			continue;
		if (!emr_status_is_unreadable(status) && status != EMR_AWAITED)
			return status;
		if (status == EMR_MISSING_DATA || status == EMR_AWAITED) {
			emr_status noted = await_rest(f->view, a, status, &is_awaited);

			if (noted != EMR_OK)
				return noted;
		}
		a->is_done = true;
		if (!is_awaited)
			tell_unreadable(f->view, a,
				emr_facts_unreadable(f->view->options.facts) > unreadable, status);
	}
	return EMR_OK;
}

/* A file that was changed on both sides: what was written here is sealed first, so that it can
 * become a file of its own. */
static void freeze_own(following *f)
{
	emr_view *view = f->view;

	for (size_t i = 0; i < f->n; i++) {
		emr_status status = EMR_OK;
		node *n;

		pthread_mutex_lock(&view->lock);
		n = tree_by_id(view, f->all[i].object);
		if (n == NULL && !emr_id16_is_zero(f->all[i].was))
			n = tree_by_id(view, f->all[i].was);
		if (n != NULL &&
			(!node_is_file(n) || node_writers(n) != 0 ||
				(!n->content_dirty &&
					(node_file(n) == NULL || node_file(n)->staging == NULL))))
			n = NULL;
		if (n != NULL)
			n->opens++;
		pthread_mutex_unlock(&view->lock);
		if (n == NULL)
			continue;
		status = file_freeze(view, n);
		if (status != EMR_OK)
			emr_log(EMR_LOG_INFO, "what was changed here is not sealed yet: %s",
				emr_status_text(status));
		tree_let_go(view, n);
	}
}

/* ---- into the tree ---- */

/* One pass; F's `some` says whether anything was done. Living objects come first, so that what
 * moved out of a directory is not in it any more when the directory goes. */
static emr_status pass(following *f)
{
	emr_view *view = f->view;

	f->some = false;
	for (int living = 1; living >= 0; living--) {
		for (size_t i = 0; i < f->n; i++) {
			arrival *a = &f->all[i];
			emr_status status;

			if (a->is_done || a->is_live != (living == 1))
				continue;
			pthread_mutex_lock(&view->lock);
			status = arrive_in_turn(f, a);
			if (status == EMR_BUSY) {
				status = follow_note(view, a->domain, a->object);
				a->is_done = status == EMR_OK;
			} else {
				a->is_done = status == EMR_OK || status == EMR_DAMAGED;
			}
			pthread_mutex_unlock(&view->lock);
			f->some |= a->is_done;
			if (status != EMR_OK && status != EMR_NOT_FOUND && status != EMR_DAMAGED)
				return status;
		}
	}
	return EMR_OK;
}

static emr_status take_in(following *f)
{
	emr_status status;

	do
		status = pass(f);
	while (status == EMR_OK && f->some);
	f->is_last = true;
	return status == EMR_OK ? pass(f) : status;
}

static void tell_kernel(const following *f)
{
	const emr_view_options *o = &f->view->options;

	if (o->changed == NULL)
		return;
	EMR_EACH (const telling, t, &f->tell) {
		if (t->has_name)
			o->changed(o->changed_arg, t->node, t->name);
		o->changed(o->changed_arg, t->node, NULL); /* a directory's own time, too */
	}
}

static void end(following *f, emr_status status, uint64_t size)
{
	emr_view *view = f->view;

	pthread_mutex_lock(&view->lock);
	for (size_t i = 0; i < f->n; i++) {
		const sought what = sought_of(&f->all[i]);

		/* Not forgotten, whatever went wrong. */
		if (status != EMR_OK && !f->all[i].is_done && note_sought(view, &what) != EMR_OK)
			size = view->followed;
		emr_buf_free(&f->all[i].bytes);
		deposits_forget(&f->all[i]);
		writers_forget(&f->all[i].word);
	}
	view->follow_due_boot_ns = view_boot_ns(view) + AGAIN_NS;
	view->followed = size;
	/* News since take_news, and news that could not be taken in, is for the next run. */
	view->has_news =
		view->has_news || f->is_cut || (status != EMR_OK && !emr_status_is_away(status));
	pthread_cond_broadcast(&view->settled);
	pthread_mutex_unlock(&view->lock);
	adopt_ask_leaving(f);
	tell_kernel(f);
	conflict_tell(view, &f->conflicts);
	free(f->all);
	emr_buf_free(&f->tell);
	emr_buf_free(&f->conflicts);
}

/* Entries from here on make another run. */
static uint64_t take_news(emr_view *view)
{
	EMR_LOCKED(&view->lock);

	view->has_news = false;
	return view->followed;
}

emr_status follow_run(emr_view *view, emr_status followed)
{
	following f = {.view = view};
	emr_replica_position at = {0};
	uint64_t before = take_news(view);
	emr_status status = followed;

	if (status == EMR_OK)
		status = emr_replica_at(view->options.replica, &at);
	if (status == EMR_OK)
		status = take_again(&f);
	if (status == EMR_OK && at.size > before)
		status = note_changes(&f, before);
	if (f.is_cut)
		at.size = f.seen_seq + 1;
	if (status == EMR_OK) {
		each_once(&f);
		status = tell_ids_apart(&f);
	}
	if (status == EMR_OK)
		status = fetch(&f);
	if (status == EMR_OK && f.n > 0)
		status = adopt_find(&f);
	if (status == EMR_OK && f.n > 0) {
		freeze_own(&f);
		status = take_in(&f);
	}
	end(&f, status, status == EMR_OK ? at.size : before);
	return status;
}

static emr_status note_heads(emr_view *view, emr_id16 domain)
{
	emr_replica_head head;

	EMR_ASK(asked, view->options.replica, HEADS, .domain = domain);
	while (emr_next(&asked, &head)) {
		EMR_LOCKED(&view->lock);

		EMR_TRY(follow_note(view, domain, head.object));
	}
	return asked.status;
}

emr_status emr_view_take_in(emr_view *view, emr_id16 domain)
{
	emr_status status = note_heads(view, domain);

	past_forget_all(view);
	pthread_mutex_lock(&view->lock);
	view->has_news = true;
	note_due(view, 0);
	pthread_mutex_unlock(&view->lock);
	return status;
}

/* ---- waiting for the ledger ---- */

/* A private part that came later than its entry, which nothing new on the ledger tells of.  By
 * whoever brought it. */
static void part_came(const emr_listener *self, const emr_part_key *key)
{
	emr_view *view = self->arg;
	bool is_mine = false;
	emr_status status = EMR_OK;

	if (key->family == EMR_FAMILY_OBJECT)
		status = emr_replica_is_mine(view->options.replica, key->domain, &is_mine);
	pthread_mutex_lock(&view->lock);
	if (status == EMR_OK && is_mine)
		status = follow_note(view, key->domain, key->object);
	shared_part_came(view, key->domain);
	view->has_news = true;
	note_due(view, 0);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN,
			"a record that can be read now is shown at the next opening: %s",
			emr_status_text(status));
	shared_wake(view);
}

/* The publisher takes in what is new, and finds out what is not to be believed. */
static void heard(const emr_listener *self, const emr_follow_turn *turn)
{
	emr_view *view = self->arg;

	view_hear_restart(view, turn->status);
	if (turn->has_grown)
		shared_wake(view);
	EMR_LOCKED(&view->lock);
	if (turn->status == EMR_OK ? turn->size > view->followed
				   : !emr_status_may_pass(turn->status)) {
		view->has_news = true;
		note_due(view, 0);
	}
}

emr_listener follow_listener(emr_view *view)
{
	return (emr_listener){.heard = heard, .part_came = part_came, .arg = view};
}
