/* For one received share this file puts questions for keys onto the ledger, collects the
 * answers, and answers the requests that wait. Files beside the one that is opened are asked for
 * with it, and late answers serve the next one. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fetch/fetch.h"

#include "kept.h"
#include "ops_file.h"
#include "shared.h"
#include "shared_notice.h"
#include "shared_place.h"

#define ASK_LIFE_NS                                                                                \
	(EMR_ASK_LIFE_S * INT64_C(1000000000)) /* an answer may come after everybody has gone:     \
						  then the next one need not ask */
#define AHEAD_MAX 1024u
#define NAMES_AHEAD_MAX 63u
#define SEVERAL 3u /* of whom names were asked for ahead: not one folder is looked at, but many */
#define BUILD_PAUSE_NS INT64_C(200000000)
#define AFTER_FAILURE_NS INT64_C(30000000000)

/* ---- questions ---- */

static void end_asking(shared_share *s, shared_asking *asking)
{
	shared_asking **at = &s->asking;

	while (*at != asking)
		at = &(*at)->next;
	*at = asking->next;
	emr_ask_free(asking->ask);
	free(asking->objects);
	free(asking);
}

void shared_close(shared_share *s)
{
	while (s->asking != NULL)
		end_asking(s, s->asking);
	emr_shared_free(s->opened);
	s->opened = NULL;
}

/* ASK was sent at BEGAN_NS.  Takes ASK and OBJECTS, also when it fails. */
static emr_status add_asking(emr_view *view, shared_share *s, emr_ask *ask, emr_id16 *objects,
	size_t n, int64_t began_ns)
{
	shared_asking *asking = calloc(1, sizeof *asking);

	if (asking == NULL) {
		emr_ask_free(ask);
		free(objects);
		return EMR_NO_MEMORY;
	}
	*asking = (shared_asking){.next = s->asking,
		.ask = ask,
		.objects = objects,
		.n = n,
		.since_boot_ns = view_boot_ns(view),
		.looked_boot_ns = view_boot_ns(view)};
	asking->patience_ns =
		emr_shared_patience_ns(asking->since_boot_ns - began_ns, s->owner->pace_ns);
	s->asking = asking;
	return EMR_OK;
}

static bool covers(const shared_asking *asking, emr_need need, emr_id16 object)
{
	if (need == EMR_NEED_NAMES || asking->objects == NULL)
		return need == EMR_NEED_NAMES && asking->objects == NULL;
	for (size_t i = 0; i < asking->n; i++)
		if (emr_id16_equal(asking->objects[i], object))
			return true;
	return false;
}

static const shared_asking *asking_for(const shared_share *s, emr_need need, emr_id16 object)
{
	const shared_asking *asking = s->asking;

	while (asking != NULL && !covers(asking, need, object))
		asking = asking->next;
	return asking;
}

/* ---- refusals ---- */

static emr_status nobody_answers(emr_share_trouble *out)
{
	*out = (emr_share_trouble){.why = EMR_WHY_NO_RELEASE, .is_owner_missing = true};
	return EMR_TIMEOUT;
}

static unsigned seconds_waited(int64_t now, const shared_waiter *w)
{
	int64_t since = w->deadline_boot_ns - EMR_SHARED_WAIT_NS;

	return now > since ? (unsigned)((now - since + 500000000) / 1000000000) : 0;
}

/* A failure that has no reason for a person gets one: an end that came meanwhile is one, whatever
 * else it looked like. */
static void look_for_reason(const shared_share *s, emr_share_trouble *trouble)
{
	emr_share_trouble end = {.why = EMR_WHY_NONE};

	if (trouble->why == EMR_WHY_NONE && s->opened != NULL &&
		emr_shared_check(s->opened, &end) == EMR_DENIED)
		*trouble = end;
}

/* Everybody who waits for NEED of S hears why it will not come; with OF only those who wait for
 * what it asked. */
static void refuse(emr_view *view, shared_share *s, const shared_asking *of, emr_need need,
	emr_status status, emr_share_trouble *trouble)
{
	int64_t now = view_boot_ns(view);
	shared_waiter *w;

	look_for_reason(s, trouble);
	shared_look_at_end(view, s, trouble);
	pthread_mutex_lock(&view->lock);
	for (w = view->shares->waiters; w != NULL; w = w->next)
		w->is_taken = w->share == s && w->need == need &&
			      (of == NULL || covers(of, need, shared_object_of(w->n)));
	w = shared_take(view);
	if (need == EMR_NEED_NAMES) { /* a listing looks at the time, too: shared_place.c */
		s->build_not_before_ns = now + AFTER_FAILURE_NS;
		s->has_failed = true;
	}
	pthread_mutex_unlock(&view->lock);
	while (w != NULL)
		w = shared_say(view, w,
			shared_notice_trouble(
				view, s, w->n, status, trouble, seconds_waited(now, w)));
}

/* ---- answers that came ---- */

static void collect(emr_view *view, shared_share *s, shared_asking *asking)
{
	emr_status status = emr_ask_collect(asking->ask, &asking->trouble);
	emr_share_trouble trouble = asking->trouble;

	if (status == EMR_OK || status == EMR_BUSY)
		shared_save_keys(view, s);
	if (status == EMR_BUSY && view_boot_ns(view) - asking->since_boot_ns < ASK_LIFE_NS)
		return;
	/* The liar is left out now, and the same is asked again. */
	if (status == EMR_DENIED && asking->trouble.why != EMR_WHY_LIAR)
		refuse(view, s, asking, asking->objects == NULL ? EMR_NEED_NAMES : EMR_NEED_BYTES,
			EMR_DENIED, &trouble);
	if (status != EMR_BUSY && emr_status_is_local(status))
		return;
	if (status == EMR_OK) {
		s->owner->away_told_boot_ns = 0;
		s->answers.is_missed = false;
		s->owner->answered_boot_ns = view_boot_ns(view);
		s->answers.absent_until_boot_ns = s->answers.absent_ns = 0;
		s->owner->pace_ns = view_boot_ns(view) - asking->since_boot_ns;
	}
	end_asking(s, asking);
}

/* Answers are seen when the ledger has them; from time to time also without: a private part may
 * come after its entry. */
static void collect_all(emr_view *view, shared_share *s)
{
	int64_t now = view_boot_ns(view);
	bool has_answers = s->answers.has_come;
	shared_asking *next;

	s->answers.has_come = false;
	for (shared_asking *asking = s->asking; asking != NULL; asking = next) {
		next = asking->next;
		if (!has_answers && now - asking->looked_boot_ns < SHARED_IDLE_POLL_NS)
			continue;
		asking->looked_boot_ns = now;
		collect(view, s, asking);
	}
}

/* ---- names ---- */

/* Refuses the readers that wait for the bytes of OBJECT, and nobody else. */
static void refuse_object(emr_view *view, shared_share *s, emr_id16 *object, emr_status status,
	emr_share_trouble *trouble)
{
	const shared_asking only = {.objects = object, .n = 1};

	refuse(view, s, &only, EMR_NEED_BYTES, status, trouble);
}

static void build(emr_view *view, shared_share *s)
{
	emr_share_trouble none = {.why = EMR_WHY_NONE};
	int64_t began = view_boot_ns(view);
	EMR_AUTO_BUF tell = {0};
	shared_tree *tree, *before;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	s->has_grown = false;
	before = s->tree; /* only this thread changes it */
	if (before != NULL)
		before->is_outdated = true;
	pthread_mutex_unlock(&view->lock);
	status = shared_tree_build(
		s->opened, s->top, s->name, before, shared_is_of_copies(s->owner), &tree);
	if (status != EMR_OK) {
		pthread_mutex_lock(&view->lock);
		s->has_grown = true; /* what is new there is looked at again */
		pthread_mutex_unlock(&view->lock);
		refuse(view, s, NULL, EMR_NEED_NAMES, status, &none);
		return;
	}
	if (tree->unreadable > 0)
		emr_log(EMR_LOG_WARN, "shares: %llu records cannot be read",
			(unsigned long long)tree->unreadable);
	pthread_mutex_lock(&view->lock);
	before = shared_swap_tree(view, s, tree, &tell);
	s->has_failed = s->is_awaited = false;
	shared_stir_owner(view, s->owner); /* what lies in it is wanted now */
	shared_rename_share(view, s, tree->top_name, &tell);
	/* A writer that saves a thousand files does not make this computer read ten thousand names
	 * a thousand times; a reader that opens one of them does not wait for that. */
	s->build_not_before_ns =
		view_boot_ns(view) + BUILD_PAUSE_NS + 5 * (view_boot_ns(view) - began);
	pthread_mutex_unlock(&view->lock);
	shared_tree_free(before);
	shared_tell(view, &tell);
	shared_save_keys(view, s);
}

static emr_status open_share(emr_view *view, shared_share *s, emr_share_trouble *trouble)
{
	if (s->opened != NULL)
		return EMR_OK;
	EMR_TRY(emr_shared_open(view->shares->share, s->domain, s->grant.grant,
		shared_purpose(view, s), EMR_READER_PERSON, &s->opened, trouble));
	emr_shared_show_frozen(s->opened, s->owner->set != NULL ? view->shares->frozen_at : 0);
	shared_load_keys(view, s);
	return EMR_OK;
}

static shared_share *after(const emr_view *view, const shared_share *s)
{
	return s->next != NULL ? s->next : view->shares->all;
}

/* Up to MOST participants of the dataset of S whose names nobody has asked for. */
static size_t list_next(emr_view *view, const shared_share *s, size_t most, shared_share **out)
{
	size_t n = 0;
	EMR_LOCKED(&view->lock);

	for (shared_share *next = after(view, s); next != s && n < most; next = after(view, next))
		if (next->owner->set == s->owner->set && next->tree == NULL &&
			next->asking == NULL && next->phase == SHARED_OPEN &&
			!shared_is_absent(view, next) && shared_share_is_shown(view, next))
			out[n++] = next;
	return n;
}

/* Once, whatever comes of it: nobody waits. */
static void ask_ahead(emr_view *view, shared_share **all, size_t n)
{
	emr_names_asked asked[NAMES_AHEAD_MAX];
	shared_share *of[NAMES_AHEAD_MAX];
	int64_t began = view_boot_ns(view);
	emr_status status;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (open_share(view, all[i], NULL) != EMR_OK)
			continue;
		of[count] = all[i];
		asked[count++].shared = all[i]->opened;
	}
	status = emr_shared_ask_names_of(view->shares->share, asked, count);
	for (size_t i = 0; i < count; i++)
		if (asked[i].ask != NULL && status == EMR_OK)
			status = add_asking(view, of[i], asked[i].ask, NULL, 0, began);
		else
			emr_ask_free(asked[i].ask);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "shares: names are not asked for ahead: %s",
			emr_status_text(status));
	pthread_mutex_lock(&view->lock);
	for (size_t i = 0; i < n; i++)
		shared_stir(view, all[i]);
	pthread_mutex_unlock(&view->lock);
}

/* A reader that lists one participant of a dataset lists the next: 1, 3, 7 ... others are asked for
 * at the same time, each time that the last were not enough. Where what is asked for counts,
 * nothing is that nobody looked at. */
static void look_ahead(emr_view *view, const shared_share *s)
{
	shared_share *next[NAMES_AHEAD_MAX];
	shared_set *set = s->owner->set;
	unsigned most;

	if (set == NULL || set->terms.daily_limit != 0)
		return;
	most = set->ahead;
	set->ahead = most < NAMES_AHEAD_MAX / 2 ? 2 * most + 1 : NAMES_AHEAD_MAX;
	if (most > 0)
		ask_ahead(view, next, list_next(view, s, most, next));
}

static void serve_names(emr_view *view, shared_share *s)
{
	emr_share_trouble trouble = {.why = EMR_WHY_NONE};
	int64_t began = view_boot_ns(view);
	emr_ask *ask = NULL;
	emr_status status;

	if (asking_for(s, EMR_NEED_NAMES, s->top) != NULL) {
		/* A reader that has listed several and waits for a silent one comes to others who
		 * may be silent, too: all of them are asked meanwhile, and waited for together. */
		if (s->owner->set != NULL && s->owner->set->ahead >= SEVERAL)
			look_ahead(view, s);
		return;
	}
	if (s->tree == NULL && shared_is_absent(view, s) && emr_shared_names_held(s->opened) == 0) {
		status = nobody_answers(&trouble);
		refuse(view, s, NULL, EMR_NEED_NAMES, status, &trouble);
		return;
	}
	status = emr_shared_ask_names(s->opened, &ask, &trouble);
	if (status == EMR_OK && ask == NULL)
		build(view, s);
	else if (status == EMR_OK) {
		status = add_asking(view, s, ask, NULL, 0, began);
		look_ahead(view, s);
	}
	if (status != EMR_OK)
		refuse(view, s, NULL, EMR_NEED_NAMES, status, &trouble);
}

/* ---- bytes ---- */

/* How many of DIRECTORY are asked for at once: 1, 2, 4 ... each time that the last were not enough.
 */
static unsigned grow_ahead(shared_share *s, emr_id16 directory)
{
	size_t places = sizeof s->ahead / sizeof s->ahead[0];

	/* Where what is asked for counts, nothing is that nobody opened. */
	if (s->owner->set != NULL && s->owner->set->terms.daily_limit != 0)
		return 1;
	for (size_t i = 0; i < places; i++)
		if (s->ahead[i].n > 0 && emr_id16_equal(s->ahead[i].directory, directory)) {
			s->ahead[i].n =
				s->ahead[i].n < AHEAD_MAX / 2 ? s->ahead[i].n * 2 : AHEAD_MAX;
			return s->ahead[i].n;
		}
	s->ahead[s->ahead_next % places].directory = directory;
	s->ahead[s->ahead_next++ % places].n = 1;
	return 1;
}

typedef struct asked {
	emr_id16 *objects;
	size_t n, first; /* FIRST of them are wanted, the others come along */
} asked;

static bool has_asked(const asked *a, emr_id16 object)
{
	for (size_t i = 0; i < a->n; i++)
		if (emr_id16_equal(a->objects[i], object))
			return true;
	return false;
}

/* Under view->lock: files beside OBJECT, from the next one on and around. */
static void add_siblings(shared_share *s, emr_id16 object, asked *a)
{
	const shared_tree *tree = s->tree;
	uint32_t entry = tree != NULL ? shared_tree_find(tree, object) : FLAT_NONE;
	uint32_t directory;
	const flat_place *up;
	unsigned left;

	if (entry == FLAT_NONE || entry == FLAT_TOP)
		return;
	directory = tree->names.places[entry].parent;
	up = &tree->names.places[directory];
	left = grow_ahead(s, tree->entries[directory].object) - 1;
	for (uint32_t i = 1; i < up->nkids && left > 0 && a->n < AHEAD_MAX; i++) {
		const shared_entry *e =
			&tree->entries[up->first_kid + (entry - up->first_kid + i) % up->nkids];

		if (e->pversion == 0 || e->type != EMR_META_FILE || has_asked(a, e->object) ||
			emr_shared_has_key(s->opened, e->object, e->pversion) ||
			asking_for(s, EMR_NEED_BYTES, e->object) != NULL)
			continue;
		a->objects[a->n++] = e->object;
		left--;
	}
}

/* One question for the first N of A's objects.  It is not made when one of them cannot be asked
 * for: the status, and *OUT_TROUBLE, say why. */
static emr_status ask_once(
	emr_view *view, shared_share *s, const asked *a, size_t n, emr_share_trouble *out_trouble)
{
	emr_id16 *objects = calloc(n, sizeof *objects);
	int64_t began = view_boot_ns(view);
	emr_ask *ask = NULL;
	emr_status status = objects == NULL ? EMR_NO_MEMORY
					    : emr_shared_ask_records(
						      s->opened, a->objects, n, &ask, out_trouble);

	if (status != EMR_OK || ask == NULL) {
		free(objects);
		return status;
	}
	memcpy(objects, a->objects, n * sizeof *objects);
	return add_asking(view, s, ask, objects, n, began);
}

/* An object that came along, or another one that is wanted, may have been removed a moment ago, or
 * cannot be asked for: nobody else has to do with that. */
static void ask_for(emr_view *view, shared_share *s, const asked *a)
{
	emr_share_trouble trouble = {.why = EMR_WHY_NONE};
	emr_status status = ask_once(view, s, a, a->n, &trouble);

	if (status == EMR_OK)
		return;
	for (size_t i = 0; i < a->first; i++) {
		asked one = {.objects = a->objects + i, .n = 1};

		trouble = (emr_share_trouble){.why = EMR_WHY_NONE};
		status = ask_once(view, s, &one, 1, &trouble);
		if (status != EMR_OK)
			refuse_object(view, s, one.objects, status, &trouble);
	}
}

/* To everybody who waits for N, which the caller holds. */
static void say_to_waiters(emr_view *view, const node *n, emr_status status)
{
	shared_answer_all(view, NULL, n, EMR_NEED_BYTES, status);
}

/* ---- blocks that are not on this computer ---- */

static void serve_again(void *arg, emr_status status)
{
	emr_view *view = arg;

	(void)status; /* whoever looks again is told the same */
	pthread_mutex_lock(&view->lock);
	shared_wake(view);
	pthread_mutex_unlock(&view->lock);
}

/* The readers that wait for N wait for a block now. */
static void wait_longer(emr_view *view, const node *n)
{
	int64_t deadline = view_boot_ns(view) + EMR_FETCH_WAIT_NS;
	EMR_LOCKED(&view->lock);

	for (shared_waiter *w = view->shares->waiters; w != NULL; w = w->next)
		if (w->n == n && w->need == EMR_NEED_BYTES)
			w->deadline_boot_ns = deadline;
}

/* True: N's keys are here, a block is on its way, and N is served again when it has come. */
static bool serve_later(emr_view *view, node *n, emr_status status)
{
	emr_fetcher *fetcher = view->options.fetcher;
	emr_cid missed;
	emr_status why;

	if ((status != EMR_MISSING_DATA && status != EMR_DAMAGED) ||
		!emr_fetcher_missed(fetcher, &missed))
		return false;
	why = emr_fetcher_bring(fetcher, &missed, serve_again, view);
	if (why == EMR_OK) {
		wait_longer(view, n);
		return true;
	}
	if (status == EMR_DAMAGED && why != EMR_INTERRUPTED)
		return false;
	if (why != EMR_INTERRUPTED)
		file_notice_nodes(view, n, why, emr_fetcher_nodes(fetcher));
	say_to_waiters(view, n, why);
	return true;
}

/* The ledger has another version than N is, and the tree does not show it yet, or what was changed
 * here of N has not met it: the name leads to the other one soon, and whoever waits hears only then
 * that N is no more. */
static bool is_about_to_go(emr_view *view, const shared_share *s, const node *n)
{
	EMR_LOCKED(&view->lock);

	return s->tree != NULL &&
	       (shared_has(n) ? n->shared->entry != FLAT_NONE : n->state == NODE_LIVE);
}

/* N's bytes, now or once they were asked for. */
static void serve_node(emr_view *view, shared_share *s, node *n, asked *a)
{
	emr_share_trouble nobody, over = {.why = EMR_WHY_REFUSED, .is_over_limit = true};
	emr_id16 object;
	emr_status status;

	emr_fetcher_begin(view->options.fetcher);
	status = tree_has_reader(n) ? EMR_OK : shared_attach(view, s, n, shared_check_copy);
	if (status != EMR_OK && emr_shared_check(s->opened, NULL) == EMR_DENIED)
		status = EMR_DENIED; /* it has ended meanwhile, which who asks is told */
	if (status == EMR_NOT_FOUND && is_about_to_go(view, s, n)) {
		s->is_awaited = true;
		return;
	}
	if (serve_later(view, n, status))
		return;
	if (status == EMR_FORBIDDEN) { /* withheld, which the person has been told */
		say_to_waiters(view, n, EMR_DENIED);
		return;
	}
	if (status != EMR_DENIED) {
		if (status != EMR_OK)
			file_notice(view, n, status);
		say_to_waiters(view, n, status);
		return;
	}
	pthread_mutex_lock(&view->lock);
	object = shared_object_of(n);
	pthread_mutex_unlock(&view->lock);
	if (asking_for(s, EMR_NEED_BYTES, object) != NULL || has_asked(a, object))
		return;
	if (shared_is_over_limit(view, s->owner)) {
		refuse_object(view, s, &object, EMR_DENIED, &over);
	} else if (shared_is_absent(view, s)) {
		status = nobody_answers(&nobody);
		refuse_object(view, s, &object, status, &nobody);
	} else if (a->n < AHEAD_MAX) {
		a->objects[a->n++] = object;
	}
}

/* Under view->lock: the nodes whose bytes are waited for, each once and held by one more open. */
static node **take_wanted(emr_view *view, const shared_share *s, size_t *out_n)
{
	size_t n = 0, most = 0;
	node **all;

	*out_n = 0;
	for (const shared_waiter *w = view->shares->waiters; w != NULL; w = w->next)
		most += w->share == s && w->need == EMR_NEED_BYTES;
	all = most > 0 ? calloc(most, sizeof *all) : NULL;
	for (const shared_waiter *w = view->shares->waiters; w != NULL && all != NULL;
		w = w->next) {
		bool is_known = false;

		if (w->share != s || w->need != EMR_NEED_BYTES)
			continue;
		for (size_t i = 0; i < n && !is_known; i++)
			is_known = all[i] == w->n;
		if (is_known)
			continue;
		w->n->opens++;
		all[n++] = w->n;
	}
	*out_n = n;
	return all;
}

static void serve_bytes(emr_view *view, shared_share *s)
{
	asked a = {.objects = NULL};
	node **wanted;
	size_t n;

	pthread_mutex_lock(&view->lock);
	wanted = take_wanted(view, s, &n);
	pthread_mutex_unlock(&view->lock);
	if (n > 0)
		a.objects = calloc(AHEAD_MAX, sizeof *a.objects);
	for (size_t i = 0; i < n && a.objects != NULL; i++)
		serve_node(view, s, wanted[i], &a);
	a.first = a.n;
	pthread_mutex_lock(&view->lock);
	for (size_t i = 0; i < a.first; i++)
		add_siblings(s, a.objects[i], &a);
	pthread_mutex_unlock(&view->lock);
	for (size_t i = 0; i < n; i++)
		kept_release(view, wanted[i]);
	if (a.n > 0)
		ask_for(view, s, &a);
	free(a.objects);
	free(wanted);
}

/* ---- deadlines ---- */

/* A closed folder is said of a ledger that was reached since, and not of one that is away. */
static void look_for_owner(const emr_view *view, const shared_share *s)
{
	for (shared_asking *asking = s->asking; asking != NULL; asking = asking->next) {
		int64_t end = asking->since_boot_ns + asking->patience_ns;

		asking->is_quiet =
			view->shares->fresh_boot_ns >= end && emr_ask_owner_is_quiet(asking->ask);
	}
}

/* Whose names were asked for before anybody looked is not waited for longer because of that. */
static bool is_late(
	const emr_view *view, const shared_share *s, const shared_waiter *w, int64_t now)
{
	int64_t began = w->deadline_boot_ns - EMR_SHARED_WAIT_NS;
	const shared_asking *asking = asking_for(s, w->need, shared_object_of(w->n));

	if (w->deadline_boot_ns <= now)
		return true;
	if (asking == NULL)
		return false;
	if (shared_is_absent(view, s))
		return true;
	if (asking->is_quiet && began + asking->patience_ns <= now)
		return true;
	return s->owner->set != NULL && w->need == EMR_NEED_NAMES &&
	       asking->since_boot_ns + EMR_SHARED_WAIT_NS <= now;
}

static emr_status say_late(emr_view *view, shared_share *s, const shared_waiter *w, int64_t now)
{
	unsigned here = seconds_waited(now, w), before = 0;
	const shared_asking *asking;
	emr_share_trouble nobody;
	emr_status status = nobody_answers(&nobody);
	/* Silence is said of a ledger that is reached, and not of one that is away. */
	const bool is_away = emr_status_is_away(view->shares->followed);

	pthread_mutex_lock(&view->lock);
	/* A list is made without a share inside, whose an unknown name may be; a writer takes it.
	 */
	if (w->need == EMR_NEED_NAMES && s->tree != NULL)
		s = w->is_listing || shared_is_writable(view, s) ? NULL : shared_awaits_inner(s);
	asking = s != NULL ? asking_for(s, w->need, shared_object_of(w->n)) : NULL;
	pthread_mutex_unlock(&view->lock);
	if (s == NULL)
		return EMR_OK;
	if (is_away && !shared_is_absent(view, s))
		status = emr_ledger_absence_of(view->shares->followed);
	if (asking != NULL)
		before = (unsigned)((now - asking->since_boot_ns) / 1000000000);
	status = shared_notice_trouble(view, s, w->n, status,
		asking != NULL ? &asking->trouble : &nobody, before > here ? before : here);
	if (status == EMR_TIMEOUT && asking != NULL && asking->trouble.code == 0)
		shared_note_absent(view, s);
	return status;
}

static void answer_late(emr_view *view, shared_share *s)
{
	int64_t now = view_boot_ns(view);
	shared_waiter *w;

	look_for_owner(view, s);
	pthread_mutex_lock(&view->lock);
	for (w = view->shares->waiters; w != NULL; w = w->next)
		w->is_taken = w->share == s && is_late(view, s, w, now);
	w = shared_take(view);
	pthread_mutex_unlock(&view->lock);
	while (w != NULL)
		w = shared_say(view, w, say_late(view, s, w, now));
}

/* ---- all of it ---- */

typedef struct work {
	bool name, names, bytes, rebuild;
} work;

/* Under view->lock: what S shows is not what the ledger has, or is wanted for the first time. */
static bool wants_build(const shared_share *s)
{
	return s->phase == SHARED_OPEN && !s->is_blind &&
	       (s->tree != NULL ? s->has_grown : s->wants_tree);
}

/* Under view->lock: and it is time. */
static bool is_build_due(const emr_view *view, const shared_share *s)
{
	return wants_build(s) &&
	       (view_boot_ns(view) >= s->build_not_before_ns || (s->is_awaited && !s->has_failed));
}

static work work_of(emr_view *view, const shared_share *s)
{
	work w = {.names = false};
	EMR_LOCKED(&view->lock);

	if (s->phase == SHARED_OPEN) {
		for (const shared_waiter *at = view->shares->waiters; at != NULL; at = at->next) {
			w.names = w.names || (at->share == s && at->need == EMR_NEED_NAMES);
			w.bytes = w.bytes || (at->share == s && at->need == EMR_NEED_BYTES);
		}
		w.names = w.names || shared_is_wanted_inside(s);
		w.name = s->is_name_due && s->tree == NULL && !s->is_blind && s->has_purpose;
		w.rebuild = is_build_due(view, s);
	}
	return w;
}

/* A reader that waits to list gets everything at once, with the shares that lie in this one. */
static void answer_names(emr_view *view, shared_share *s)
{
	bool is_whole;

	pthread_mutex_lock(&view->lock);
	is_whole = s->tree != NULL && shared_awaits_inner(s) == NULL;
	pthread_mutex_unlock(&view->lock);
	if (is_whole)
		shared_answer_names(view, s);
}

/* Finds the name of S, before anybody looks into it: by the keys that are kept, and nobody is asked
 * for others. */
static void serve_name(emr_view *view, shared_share *s)
{
	bool was_open = s->opened != NULL;
	EMR_AUTO_BUF name = {0}, tell = {0};
	static const char end[1];

	s->is_name_due = false;
	if ((!was_open && !shared_keeps_keys(view, s)) || open_share(view, s, NULL) != EMR_OK)
		return;
	if (emr_shared_name(s->opened, &name) == EMR_OK &&
		emr_buf_append(&name, end, sizeof end) == EMR_OK) {
		pthread_mutex_lock(&view->lock);
		shared_rename_share(view, s, (const char *)name.data, &tell);
		pthread_mutex_unlock(&view->lock);
		shared_tell(view, &tell);
	}
	if (!was_open)
		shared_close(s);
}

void shared_serve(emr_view *view, shared_share *s)
{
	emr_share_trouble trouble = {.why = EMR_WHY_NONE};
	work w = work_of(view, s);
	emr_status status;

	if (w.name)
		serve_name(view, s);
	if (!w.names && !w.bytes && !w.rebuild && s->asking == NULL)
		return;
	status = open_share(view, s, &trouble);
	if (status != EMR_OK) {
		refuse(view, s, NULL, EMR_NEED_NAMES, status, &trouble);
		refuse(view, s, NULL, EMR_NEED_BYTES, status, &trouble);
		return;
	}
	collect_all(view, s);
	/* Another grant has keys of its own: the tree was read with those of the one before. */
	if ((w.names && s->tree == NULL) || w.rebuild ||
		(s->tree != NULL && emr_shared_names_held(s->opened) == 0 &&
			view_boot_ns(view) >= s->build_not_before_ns))
		serve_names(view, s);
	if (w.names)
		answer_names(view, s);
	if (w.bytes)
		serve_bytes(view, s);
	answer_late(view, s);
}

static bool is_waited_for(const emr_view *view, const shared_share *s)
{
	const shared_waiter *w = view->shares->waiters;

	while (w != NULL && w->share != s)
		w = w->next;
	return w != NULL;
}

static void be_due(int64_t at_ns, int64_t *due_ns)
{
	*due_ns = at_ns < *due_ns ? at_ns : *due_ns;
}

bool shared_goes_on(const emr_view *view, const shared_share *s, int64_t *out_due_ns)
{
	bool reports = s->nrows > 0 && s->opened != NULL, builds = wants_build(s);

	if (s->asking != NULL)
		be_due(view_boot_ns(view) + SHARED_IDLE_POLL_NS, out_due_ns);
	if (reports)
		be_due(s->report_due_boot_ns, out_due_ns);
	/* While its names are asked for, the answer is waited for. */
	if (builds && asking_for(s, EMR_NEED_NAMES, s->top) == NULL)
		be_due(s->build_not_before_ns, out_due_ns);
	return s->asking != NULL || reports || builds || is_waited_for(view, s);
}
