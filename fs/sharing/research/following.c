/* This thread brings what is saved later into a dataset, as its participant agreed to. It wakes
 * when this computer has followed more of the ledger, compares the folder with the copies that
 * are there, and makes what is missing, one file after the other, while no program asks the
 * folder for anything. It keeps no list of what it has done: the copies say themselves of which
 * version they are, so a kill loses nothing, and nothing is made twice. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "keyring/keyring.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"

#include "private.h"

#define SECOND_NS INT64_C(1000000000)
#define LULL_NS (SECOND_NS / 2)	     /* without a request of any program */
#define PATIENCE_NS (15 * SECOND_NS) /* who works on without a pause has one file made so often */
#define AGAIN_NS (2 * SECOND_NS)
#define AGAIN_MAX_NS (60 * SECOND_NS)
#define REST_NS (10 * SECOND_NS)
#define LOOKING_PART                                                                               \
	20 /* of its time, at most, it looks at all files again: others' entries wake it, too */
#define NAMES_SHOWN 3

/* ---- the parts that others use ---- */

static void wake_follower(emr_research *r)
{
	EMR_LOCKED(&r->lock);

	r->is_woken = true;
	pthread_cond_broadcast(&r->woken);
}

void emr_research_hold(emr_research *r)
{
	atomic_fetch_add(&r->waiting, 1);
	wake_follower(r);
	pthread_mutex_lock(&r->work);
}

void emr_research_go_on(emr_research *r)
{
	atomic_fetch_sub(&r->waiting, 1);
	pthread_mutex_unlock(&r->work);
	wake_follower(r);
}

emr_status research_load(emr_research *r)
{
	emr_status status = r->has_agreed ? EMR_OK : agreed_load(r->session, &r->agreed);

	r->has_agreed = status == EMR_OK;
	return status;
}

/* Where ROW's folder lies now, owned by the caller; NULL: nowhere. */
static emr_status path_of(emr_session *session, const agreed_row *row, char **out)
{
	emr_attr attr;
	emr_status status = emr_view_path_of_object(session->view, row->object, out);

	if (status == EMR_NOT_FOUND)
		status = emr_view_find(session->view, row->path, &attr);
	else
		return status;
	if (status == EMR_OK) {
		*out = strdup(row->path);
		return *out != NULL ? EMR_OK : EMR_NO_MEMORY;
	}
	return status == EMR_NOT_FOUND || status == EMR_NOT_DIRECTORY ? EMR_OK : status;
}

static bool is_on(const emr_share_row *row)
{
	return row->state == EMR_SHARE_CONFIRMED || row->state == EMR_SHARE_QUEUED;
}

emr_status joined_collect(emr_session *session, joined_in **out, size_t *out_n)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_SHARES rows = {0};
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	joined_in *all = NULL;
	size_t n = 0;
	emr_status status = emr_crowd_open(session, &crowd);

	if (status == EMR_OK)
		status = emr_shares_collect(session, &crowd, NULL, false, &rows);
	all = status == EMR_OK ? calloc(rows.n + 1, sizeof *all) : NULL;
	if (status == EMR_OK && all == NULL)
		status = EMR_NO_MEMORY;
	for (size_t i = 0; i < rows.n && status == EMR_OK; i++) {
		const emr_share_row *row = &rows.list[i];
		joined_in *one = &all[n];

		if (!row->who.is_dataset || !is_on(row) ||
			emr_team_of_grantee(session->replica, row->who.root, &one->dataset) !=
				EMR_OK ||
			!one->dataset.terms.is_deidentified)
			continue;
		one->is_in = row->state == EMR_SHARE_CONFIRMED && row->who.is_active &&
			     one->dataset.terms.until_unix_s > now;
		n++;
	}
	if (status != EMR_OK) {
		free(all);
		return status;
	}
	*out = all;
	*out_n = n;
	return EMR_OK;
}

/* Whether this person is in DATASET. */
static emr_status is_joined(emr_session *session, emr_id32 dataset, bool *out_is)
{
	joined_in *all = NULL;
	size_t n = 0;
	emr_status status = joined_collect(session, &all, &n);

	*out_is = false;
	for (size_t i = 0; i < n; i++)
		*out_is = *out_is ||
			  (all[i].is_in &&
				  emr_id32_equal(emr_copies_dataset_id(&all[i].dataset), dataset));
	free(all);
	return status;
}

/* ---- what is given to one dataset ---- */

/* A copy of what was agreed to for DATASET, so that no lock is held while files are read. */
static emr_status paths_of(emr_research *r, emr_id32 dataset, json_t **out)
{
	json_auto_t *paths = json_array();
	EMR_LOCKED(&r->lock);

	EMR_TRY(research_load(r));
	for (size_t i = 0; i < r->agreed.n; i++) {
		agreed_row *row = &r->agreed.rows[i];
		EMR_AUTO_FREE char *path = NULL;

		if (!emr_id32_equal(row->dataset, dataset))
			continue;
		EMR_TRY(path_of(r->session, row, &path));
		if (path == NULL)
			continue;
		if (strcmp(path, row->path) != 0) { /* it was renamed */
			char *before = row->path;

			row->path = path;
			path = before;
			EMR_TRY(agreed_save(r->session, &r->agreed));
		}
		if (!is_never_given(row->path) &&
			json_array_append_new(
				paths, json_stringn_nocheck(row->path, strlen(row->path))) != 0)
			return EMR_NO_MEMORY;
	}
	*out = json_incref(paths);
	return EMR_OK;
}

static emr_status gather(pass *p, const json_t *paths)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; i < json_array_size(paths) && status == EMR_OK; i++) {
		status = pass_gather(p, json_string_value(json_array_get(paths, i)));
		status = status == EMR_NOT_FOUND ? EMR_OK : status;
	}
	pass_match(p);
	return status;
}

/* Whether ONE was looked at before, and cannot be given. */
static bool was_told(emr_research *r, const original *one)
{
	const told *before;
	EMR_LOCKED(&r->lock);

	before = agreed_told(&r->agreed, one->source);
	return before != NULL && (before->was_retried || !reason_may_pass(before->why));
}

emr_status research_follows(emr_research *r, const emr_team *dataset, json_t **out_list)
{
	AUTO_CLEANER c = {0};
	json_auto_t *paths = NULL;
	json_auto_t *list = json_array();

	EMR_TRY(paths_of(r, emr_copies_dataset_id(dataset), &paths));
	if (json_array_size(paths) > 0)
		EMR_TRY(cleaner_find(r->session, dataset, &c));
	for (size_t i = 0; i < json_array_size(paths); i++) {
		const char *path = json_string_value(json_array_get(paths, i));
		json_int_t copies = 0, withheld = 0;
		AUTO_PASS p = {0};
		emr_status status = pass_begin(&c, &p);

		if (status == EMR_OK)
			status = pass_gather(&p, path);
		if (status == EMR_NOT_FOUND)
			continue;
		EMR_TRY(status);
		pass_match(&p);
		for (size_t k = 0; k < p.n; k++) {
			copies += p.all[k].has_copy;
			withheld += !p.all[k].has_copy && !p.all[k].waits && was_told(r, &p.all[k]);
		}
		if (json_array_append_new(list,
			    json_pack("{s:o, s:I, s:I, s:I}", "path", emr_json_text(path), "copies",
				    copies, "waiting", (json_int_t)p.n - copies - withheld,
				    "withheld", withheld)) != 0)
			return EMR_NO_MEMORY;
	}
	*out_list = json_incref(list);
	return EMR_OK;
}

/* ---- giving way ---- */

static bool has_to_stop(void *research)
{
	emr_research *r = research;

	return atomic_load(&r->stop) || atomic_load(&r->waiting) > 0 ||
	       emr_clock_boot_ns(emr_clock_system()) < atomic_load(&r->rests_until_boot_ns);
}

/* Until programs have asked for nothing for a moment. */
static void give_way(emr_research *r)
{
	const emr_front *front = r->session->front;
	int64_t begun = emr_clock_boot_ns(emr_clock_system()), now = begun;
	int64_t quiet = front != NULL ? front->last_request_boot_ns() + LULL_NS : begun;
	EMR_LOCKED(&r->lock);

	while (!has_to_stop(r) && now < quiet && now - begun < PATIENCE_NS) {
		emr_cond_wait_until(&r->woken, &r->lock, quiet);
		now = emr_clock_boot_ns(emr_clock_system());
		quiet = front->last_request_boot_ns() + LULL_NS;
	}
}

/* ---- one dataset ---- */

typedef struct run {
	emr_research *r;
	const emr_team *dataset;
	uint64_t size, changes; /* of the ledger and of orders, when it was last in */
	pass p;
	unsigned copied, withheld, waiting, taken_back;
	char names[900];
	bool has_room; /* names are shown of the first few */
} run;

static emr_status note_withheld(run *u, const original *one, const char *why)
{
	emr_research *r = u->r;
	size_t at = strlen(u->names);
	char shown[200];
	bool is_new;
	emr_status status;

	pthread_mutex_lock(&r->lock);
	is_new = agreed_told(&r->agreed, one->source) == NULL;
	status = agreed_tell(&r->agreed, one->source, reason_number(why));
	pthread_mutex_unlock(&r->lock);
	if (!is_new)
		return status;
	if (u->withheld++ < NAMES_SHOWN) {
		emr_show(one->path, shown, sizeof shown);
		snprintf(u->names + at, sizeof u->names - at, "%s%s (%s)", at > 0 ? ", " : "",
			shown, emr_text(emr_withheld_sentence(why)));
	} else if (u->withheld == NAMES_SHOWN + 1) {
		snprintf(u->names + at, sizeof u->names - at, ", ...");
	}
	return status == EMR_LIMIT ? EMR_OK : status;
}

/* A participant who leaves in the middle gives nothing more, from the next file on; nor is anything
 * given when the terms have ended, of which no entry tells. */
static emr_status is_still_in(run *u, bool *out_is)
{
	emr_session *session = u->r->session;
	bool is_over = u->dataset->terms.until_unix_s <= emr_clock_unix_s(emr_clock_system());
	uint64_t changes = session->sharing != NULL ? emr_sharing_changes(session->sharing) : 0;
	emr_replica_position at;
	emr_status status = emr_replica_at(session->replica, &at);

	*out_is = status == EMR_OK && at.size == u->size && changes == u->changes;
	if (status == EMR_OK && !*out_is)
		status = is_joined(session, emr_copies_dataset_id(u->dataset), out_is);
	*out_is = *out_is && !is_over;
	if (status == EMR_OK && *out_is) {
		u->size = at.size;
		u->changes = changes;
	}
	return status;
}

static emr_status follow_one(run *u, original *one)
{
	emr_deidentified what;
	const char *why = NULL;
	emr_status status = pass_make(&u->p, one, false, &what, NULL, &why);

	if (status == EMR_BUSY || (why != NULL && strcmp(why, "changed") == 0)) {
		u->waiting++;
		return EMR_OK;
	}
	if (status == EMR_OK && why != NULL)
		return note_withheld(u, one, why);
	u->copied += status == EMR_OK ? 1 : 0;
	return status;
}

/* ---- what is there no more ---- */

static size_t count_stale(const there *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += !t->all[i].is_wanted;
	return n;
}

/* Nothing is taken back while a name may be between two places: an editor that saves, a move. */
static emr_status take_back(run *u, const json_t *paths)
{
	emr_session *session = u->r->session;
	emr_view_counts counts;
	emr_status status;

	if (count_stale(&u->p.there) == 0 || u->waiting > 0)
		return EMR_OK;
	emr_view_count(session->view, &counts);
	if (counts.pending > counts.awaiting || counts.writing > 0) {
		u->waiting++;
		return EMR_OK;
	}
	/* A file that was not joined with, lies elsewhere by now, or has a version on its way,
	 * keeps its copies. */
	status = pass_spare(&u->p, paths);
	for (size_t i = 0; i < u->p.there.n && status == EMR_OK; i++) {
		const copy_there *copy = &u->p.there.all[i];

		if (copy->is_wanted)
			continue;
		status = has_to_stop(u->r) ? EMR_INTERRUPTED : cleaner_remove(u->p.c, copy->name);
		u->taken_back += status == EMR_OK ? 1 : 0;
	}
	return status;
}

/* ---- all of one dataset ---- */

static void tell(const run *u, const json_t *paths)
{
	char n[EMR_COUNT_BYTES];
	const char *path = json_string_value(json_array_get(paths, 0));

	if (u->withheld == 0)
		return;
	emr_count_text(u->withheld, "file", "files", n);
	emr_notices_add_that(u->r->notices, path, EMR_SAY_FOLLOWS_NOT, "n", n, "names", u->names,
		"dataset", u->dataset->name, NULL);
}

static emr_status save_told(run *u)
{
	emr_research *r = u->r;
	emr_status status = EMR_OK;
	EMR_LOCKED(&r->lock);

	if (u->withheld > 0)
		status = agreed_save(r->session, &r->agreed);
	return status;
}

/* *OUT_WAITS: something is to be done that no entry of the ledger will tell of. */
static emr_status follow(
	emr_research *r, const emr_team *dataset, const json_t *paths, bool *out_waits)
{
	AUTO_CLEANER c = {0};
	run *u = calloc(1, sizeof *u);
	int64_t begun = emr_clock_boot_ns(emr_clock_system());
	bool is_in = true;
	emr_status status = u != NULL ? cleaner_open(r->session, dataset, &c) : EMR_NO_MEMORY;

	if (status == EMR_OK) {
		*u = (run){.r = r, .dataset = dataset, .p = {.stops = has_to_stop, .stops_arg = r}};
		status = pass_begin(&c, &u->p);
	}
	if (status == EMR_OK)
		status = gather(&u->p, paths);
	r->looked_ns += emr_clock_boot_ns(emr_clock_system()) - begun;
	for (size_t i = 0; status == EMR_OK && is_in && i < u->p.n; i++) {
		original *one = &u->p.all[i];

		if (one->waits || one->has_copy || was_told(r, one))
			continue;
		give_way(r);
		status = has_to_stop(r) ? EMR_INTERRUPTED : is_still_in(u, &is_in);
		if (status == EMR_OK && is_in)
			status = follow_one(u, one);
	}
	if (status == EMR_OK && is_in)
		status = take_back(u, paths);
	if (u != NULL) {
		/* A notice that was given stays given when the rest did not come about. */
		emr_status saved = save_told(u);

		status = status == EMR_OK ? saved : status;
		tell(u, paths);
		/* An original that waits: the view may take its answer after this was woken. */
		for (size_t i = 0; i < u->p.n; i++)
			*out_waits = *out_waits || u->p.all[i].waits;
		*out_waits = *out_waits || u->waiting > 0;
		if (u->copied + u->taken_back > 0)
			emr_log(EMR_LOG_INFO, "datasets: %u copies made, %u taken back", u->copied,
				u->taken_back);
		pass_end(&u->p);
	}
	free(u);
	return status;
}

/* A participant who has left is asked again before anything follows. */
static emr_status forget_left(emr_research *r, const joined_in *all, size_t n)
{
	bool has_changed = false;
	EMR_LOCKED(&r->lock);

	EMR_TRY(research_load(r));
	for (size_t i = r->agreed.n; i > 0; i--) {
		agreed_row *row = &r->agreed.rows[i - 1];
		size_t k = 0;

		while (k < n &&
			!emr_id32_equal(emr_copies_dataset_id(&all[k].dataset), row->dataset))
			k++;
		if (k < n && all[k].is_in && !row->was_in)
			row->was_in = has_changed = true;
		else if (k == n && row->was_in) {
			agreed_drop(&r->agreed, row);
			has_changed = true;
		}
	}
	if (has_changed)
		EMR_TRY(agreed_save(r->session, &r->agreed));
	return EMR_OK;
}

static bool has_agreed_to(emr_research *r, emr_id32 dataset)
{
	bool is = false;
	EMR_LOCKED(&r->lock);

	for (size_t i = 0; i < r->agreed.n && !is; i++)
		is = emr_id32_equal(r->agreed.rows[i].dataset, dataset);
	return is;
}

static emr_status follow_all(emr_research *r, bool *out_waits)
{
	joined_in *all = NULL;
	size_t n = 0;
	emr_status status;
	bool is_empty;

	pthread_mutex_lock(&r->lock);
	status = research_load(r);
	is_empty = r->agreed.n == 0;
	pthread_mutex_unlock(&r->lock);
	if (status != EMR_OK || is_empty)
		return status;
	status = joined_collect(r->session, &all, &n);
	if (status == EMR_OK)
		status = forget_left(r, all, n);
	if (status != EMR_OK)
		n = 0;
	for (size_t i = 0; i < n && status != EMR_INTERRUPTED; i++) {
		json_t *paths = NULL;
		emr_status one;

		if (!all[i].is_in)
			continue;
		one = paths_of(r, emr_copies_dataset_id(&all[i].dataset), &paths);
		if (one == EMR_OK && has_agreed_to(r, emr_copies_dataset_id(&all[i].dataset)))
			one = follow(r, &all[i].dataset, paths, out_waits);
		json_decref(paths);
		/* A failure with one dataset keeps nothing from the others. */
		status = status == EMR_OK || one == EMR_INTERRUPTED ? one : status;
	}
	free(all);
	return status;
}

/* ---- the thread ---- */

static void set_at_work(emr_research *r, bool is)
{
	EMR_LOCKED(&r->lock);

	r->is_at_work = is;
	pthread_cond_broadcast(&r->woken);
}

bool emr_research_rest(emr_research *r, int64_t until_boot_ns)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());
	bool is_at_work;

	if (r == NULL)
		return false;
	atomic_store(&r->rests_until_boot_ns, now + REST_NS);
	pthread_mutex_lock(&r->lock);
	pthread_cond_broadcast(&r->woken); /* it may be giving way */
	while (r->is_at_work && now < until_boot_ns) {
		emr_cond_wait_until(&r->woken, &r->lock, until_boot_ns);
		now = emr_clock_boot_ns(emr_clock_system());
	}
	is_at_work = r->is_at_work;
	pthread_mutex_unlock(&r->lock);
	return is_at_work;
}

static int64_t go_round(emr_research *r, int64_t pause_ns)
{
	bool waits = false;
	emr_status status;

	pthread_mutex_lock(&r->work);
	set_at_work(r, true);
	status = has_to_stop(r) ? EMR_INTERRUPTED : follow_all(r, &waits);
	pthread_mutex_unlock(&r->work);
	set_at_work(r, false);
	if (status != EMR_OK && status != EMR_INTERRUPTED)
		emr_log(EMR_LOG_WARN, "datasets: what comes later does not follow now: %s",
			emr_status_text(status));
	if (status == EMR_OK && !waits)
		return 0;
	pause_ns = pause_ns == 0 ? AGAIN_NS : 2 * pause_ns;
	return pause_ns > AGAIN_MAX_NS ? AGAIN_MAX_NS : pause_ns;
}

static void hear_of_ledger(void *arg, uint64_t size)
{
	(void)size;
	wake_follower(arg);
}

/* Under LOCK. The ledger of a busy network moves all the time. */
static void rest(emr_research *r)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());
	int64_t part = r->looked_ns < AGAIN_MAX_NS / LOOKING_PART ? LOOKING_PART * r->looked_ns
								  : AGAIN_MAX_NS;
	int64_t until = now + part;

	r->looked_ns = 0;
	while (now < until && !atomic_load(&r->stop) && atomic_load(&r->waiting) == 0) {
		emr_cond_wait_until(&r->woken, &r->lock, until);
		now = emr_clock_boot_ns(emr_clock_system());
	}
}

static void *run_thread(void *arg)
{
	emr_research *r = arg;
	int64_t pause_ns = 0;

	pthread_mutex_lock(&r->lock);
	while (!atomic_load(&r->stop)) {
		r->is_woken = false;
		pthread_mutex_unlock(&r->lock);
		pause_ns = go_round(r, pause_ns);
		pthread_mutex_lock(&r->lock);
		rest(r);
		if (!r->is_woken && !atomic_load(&r->stop) && pause_ns > 0)
			emr_cond_wait_until(&r->woken, &r->lock,
				emr_clock_boot_ns(emr_clock_system()) + pause_ns);
		while (!r->is_woken && !atomic_load(&r->stop) && pause_ns == 0)
			pthread_cond_wait(&r->woken, &r->lock);
		if (r->is_woken && atomic_load(&r->waiting) == 0)
			pause_ns = 0;
		while (atomic_load(&r->waiting) > 0 && !atomic_load(&r->stop))
			pthread_cond_wait(&r->woken, &r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

emr_status emr_research_new(emr_session *session, emr_research **out_research)
{
	emr_research *r = calloc(1, sizeof *r);

	if (r == NULL)
		return EMR_NO_MEMORY;
	pthread_mutex_init(&r->work, NULL);
	pthread_mutex_init(&r->lock, NULL);
	emr_cond_init(&r->woken);
	r->session = session;
	session->research = r;
	*out_research = r;
	return EMR_OK;
}

emr_status emr_research_start(emr_research *r, emr_notices *notices)
{
	emr_session *session = r->session;
	emr_problem ignored = {0};

	r->notices = notices;
	if (emr_session_is_read_only(session, &ignored) ||
		emr_keyring_kind_of(session->keyring) == EMR_KEYRING_DEVICE)
		return EMR_OK;
	EMR_TRY(emr_follow_subscribe(session->replica, NULL, hear_of_ledger, r, &r->news));
	if (pthread_create(&r->thread, NULL, run_thread, r) != 0)
		return EMR_NO_MEMORY;
	r->has_thread = true;
	return EMR_OK;
}

void emr_research_end(emr_research *r)
{
	if (r == NULL)
		return;
	emr_follow_unsubscribe(r->news);
	r->news = NULL;
	if (!r->has_thread)
		return;
	atomic_store(&r->stop, true);
	wake_follower(r);
	pthread_join(r->thread, NULL);
	r->has_thread = false;
}

void emr_research_free(emr_research *r)
{
	if (r == NULL)
		return;
	agreed_free(&r->agreed);
	pthread_cond_destroy(&r->woken);
	pthread_mutex_destroy(&r->lock);
	pthread_mutex_destroy(&r->work);
	free(r);
}
