/* `emrfs dataset update` is done here, and the same once in the background when the folder is
 * opened: the folders that somebody joined with are compared with the copies that are there, what
 * is new or changed is copied, and copies of what is there no more go. It keeps no list of what it
 * has done: the copies say themselves of which version they are, so a kill loses nothing, and
 * nothing is made twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/keyring.h"
#include "kit/out.h"

#include "giving.h"

/* ---- what others of this folder use ---- */

void emr_research_hold(emr_research *r)
{
	atomic_fetch_add(&r->waiting, 1);
	pthread_mutex_lock(&r->work);
}

void emr_research_go_on(emr_research *r)
{
	atomic_fetch_sub(&r->waiting, 1);
	pthread_mutex_unlock(&r->work);
}

emr_status research_load(emr_research *r)
{
	emr_status status = r->has_agreed ? EMR_OK : agreed_load(r->session, &r->agreed);

	r->has_agreed = status == EMR_OK;
	return status;
}

/* ---- which datasets, and which folders ---- */

emr_status joined_collect(emr_session *session, joined_in **out, size_t *out_n)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_SHARES rows = {0};
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	joined_in *all;
	size_t n = 0;

	EMR_TRY(emr_crowd_open(session, &crowd));
	EMR_TRY(emr_shares_collect(session, &crowd, NULL, 0, &rows));
	all = calloc(rows.n + 1, sizeof *all);
	if (all == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < rows.n; i++) {
		const emr_share_row *row = &rows.list[i];
		joined_in *one = &all[n];

		if (!row->who.is_dataset ||
			(row->state != EMR_SHARE_CONFIRMED && row->state != EMR_SHARE_QUEUED) ||
			emr_team_of_grantee(session->replica, row->who.root, &one->dataset) !=
				EMR_OK ||
			!one->dataset.terms.is_deidentified)
			continue;
		snprintf(one->called, sizeof one->called, "%s",
			row->who.called + strlen("dataset:"));
		one->is_in = row->state == EMR_SHARE_CONFIRMED && row->who.is_active &&
			     one->dataset.terms.until_unix_s > now;
		n++;
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

/* Where ROW's folder lies now, owned by the caller; NULL: nowhere. */
static emr_status path_of(emr_session *session, const agreed_row *row, char **out)
{
	emr_attr attr;
	emr_status status = emr_view_path_of_object(session->view, row->object, out);

	if (status != EMR_NOT_FOUND)
		return status;
	status = emr_view_find(session->view, row->path, &attr);
	if (status == EMR_OK) {
		*out = strdup(row->path);
		return *out != NULL ? EMR_OK : EMR_NO_MEMORY;
	}
	return status == EMR_NOT_FOUND || status == EMR_NOT_DIRECTORY ? EMR_OK : status;
}

emr_status research_tops(emr_research *r, emr_id32 dataset, json_t **out)
{
	json_auto_t *paths = json_array();

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

/* A copy of what was agreed to, so that no lock is held while files are read. *OUT_IS_AGREED: there
 * is something, though all of it may be gone by now. */
static emr_status copy_tops(
	emr_research *r, const emr_team *dataset, json_t **out, bool *out_is_agreed)
{
	const emr_id32 id = emr_copies_dataset_id(dataset);
	EMR_LOCKED(&r->lock);

	EMR_TRY(research_tops(r, id, out));
	*out_is_agreed = false;
	for (size_t i = 0; i < r->agreed.n; i++)
		*out_is_agreed |= emr_id32_equal(r->agreed.rows[i].dataset, id);
	return EMR_OK;
}

static emr_status gather(pass *p, const json_t *tops, giving *g)
{
	for (size_t i = 0; i < json_array_size(tops); i++) {
		emr_status status = giving_gather(g, p, json_string_value(json_array_get(tops, i)));

		if (status != EMR_NOT_FOUND)
			EMR_TRY(status);
	}
	pass_match(p);
	return EMR_OK;
}

emr_status research_sources(emr_research *r, const emr_team *dataset, json_t **out_list)
{
	AUTO_CLEANER c = {0};
	json_auto_t *tops = NULL;
	json_auto_t *list = json_array();
	bool is_agreed;

	EMR_TRY(copy_tops(r, dataset, &tops, &is_agreed));
	if (json_array_size(tops) > 0)
		EMR_TRY(cleaner_find(r->session, dataset, &c));
	for (size_t i = 0; i < json_array_size(tops); i++) {
		const char *path = json_string_value(json_array_get(tops, i));
		json_int_t copies = 0;
		AUTO_PASS p = {0};
		emr_status status = pass_begin(&c, &p);

		if (status == EMR_OK)
			status = giving_gather(NULL, &p, path);
		if (status == EMR_NOT_FOUND)
			continue;
		EMR_TRY(status);
		pass_match(&p);
		for (size_t k = 0; k < p.n; k++)
			copies += p.all[k].has_copy;
		if (json_array_append_new(list,
			    json_pack("{s:o, s:I, s:I}", "path", emr_json_text(path), "copies",
				    copies, "without", (json_int_t)p.n - copies)) != 0)
			return EMR_NO_MEMORY;
	}
	*out_list = json_incref(list);
	return EMR_OK;
}

/* ---- one dataset ---- */

typedef struct updating {
	giving g;
	const joined_in *in;
	uint64_t size, changes; /* of the ledger and of orders, when this person was last in */
	pass p;
	uint64_t taken_back;
} updating;

/* A participant who leaves in the middle gives nothing more, from the next file on; nor is anything
 * given when the terms have ended, of which no entry tells. */
static emr_status is_still_in(updating *u, bool *out_is)
{
	emr_session *session = u->g.research->session;
	const emr_team *dataset = &u->in->dataset;
	bool is_over = dataset->terms.until_unix_s <= emr_clock_unix_s(emr_clock_system());
	uint64_t changes = session->sharing != NULL ? emr_sharing_changes(session->sharing) : 0;
	emr_replica_position at;

	*out_is = false;
	EMR_TRY(emr_replica_at(session->replica, &at));
	*out_is = at.size == u->size && changes == u->changes;
	if (!*out_is)
		EMR_TRY(is_joined(session, emr_copies_dataset_id(dataset), out_is));
	*out_is = *out_is && !is_over;
	u->size = *out_is ? at.size : u->size;
	u->changes = *out_is ? changes : u->changes;
	return EMR_OK;
}

/* An update that was killed has left these, or another computer removed what they were made of. A
 * file that was not joined with, lies elsewhere by now, or has a version on its way, keeps its
 * copies. */
static emr_status take_back(updating *u, const json_t *tops)
{
	bool was = false;
	emr_status status = pass_spare(&u->p, tops);

	for (size_t i = 0; i < u->p.there.n && status == EMR_OK; i++) {
		const copy_there *copy = &u->p.there.all[i];

		if (copy->is_wanted)
			continue;
		status = giving_has_to_stop(&u->g) ? EMR_INTERRUPTED
			 : copy->is_of_today	   ? cleaner_remove(&u->g.c, copy->name, &was)
						   : cleaner_erase(&u->g.c, copy->name, &was);
		u->taken_back += was;
		was = false;
	}
	return status;
}

static emr_status go_through(updating *u, const json_t *tops)
{
	bool is_in = true;

	EMR_TRY(pass_begin(&u->g.c, &u->p));
	EMR_TRY(research_erase_former(&u->g.c, &u->p.there));
	EMR_TRY(gather(&u->p, tops, &u->g));
	for (size_t i = 0; i < u->p.n && is_in; i++) {
		EMR_TRY(giving_has_to_stop(&u->g) ? EMR_INTERRUPTED : is_still_in(u, &is_in));
		if (is_in)
			EMR_TRY(giving_take(&u->g, &u->p, &u->p.all[i]));
	}
	if (is_in)
		EMR_TRY(take_back(u, tops));
	return giving_say_withheld(&u->g);
}

static emr_status say_updated(const updating *u)
{
	const giving *g = &u->g;

	emr_log(EMR_LOG_INFO, "datasets: %llu copies made, %llu taken back",
		(unsigned long long)g->added, (unsigned long long)u->taken_back);
	return emr_emit(
		g->sink, json_pack("{s:[{s:s, s:I, s:I, s:I, s:I, s:I}]}", "updated", "called",
				 u->in->called, "copies", (json_int_t)g->copies, "new",
				 (json_int_t)(g->added - g->added_again), "changed",
				 (json_int_t)g->added_again, "taken_back",
				 (json_int_t)u->taken_back, "withheld", (json_int_t)g->n_withheld));
}

static emr_status update_one(emr_research *r, const joined_in *in, const emr_sink *sink)
{
	updating u = {
		.g = {.research = r, .dataset = in->called, .sink = sink, .withheld = json_array()},
		.in = in};
	json_auto_t *tops = NULL;
	bool is_agreed = false;
	emr_status status = u.g.withheld != NULL ? copy_tops(r, &in->dataset, &tops, &is_agreed)
						 : EMR_NO_MEMORY;

	if (status == EMR_OK && is_agreed) {
		status = cleaner_open(r->session, &in->dataset, &u.g.c);
		if (status == EMR_OK)
			status = go_through(&u, tops);
		if (status == EMR_OK)
			status = say_updated(&u);
	}
	pass_end(&u.p);
	cleaner_close(&u.g.c);
	json_decref(u.g.withheld);
	return status;
}

/* A failure with one dataset keeps nothing from the others; the first is the status of the whole.
 */
static emr_status update_all(emr_research *r, const emr_sink *sink)
{
	joined_in *all = NULL;
	size_t n = 0;
	emr_status status = joined_collect(r->session, &all, &n);

	for (size_t i = 0; i < n && status != EMR_INTERRUPTED; i++) {
		emr_status one = all[i].is_in ? update_one(r, &all[i], sink) : EMR_OK;

		status = status == EMR_OK || one == EMR_INTERRUPTED ? one : status;
	}
	free(all);
	return status;
}

/* ---- for who asks ---- */

emr_status research_update(emr_research *r, const emr_sink *sink, emr_problem *out_problem)
{
	emr_status status = research_check(r, true, out_problem);

	if (status == EMR_OK) {
		emr_research_hold(r);
		status = update_all(r, sink);
		emr_research_go_on(r);
	}
	if (status == EMR_OK)
		status = emr_emit(sink, json_pack("{s:b}", "done", 1));
	return research_say_status(status, "dataset update", EMR_COPIES_FOLDER, out_problem);
}

/* ---- once, when the folder is opened ---- */

static void *run_opening(void *arg)
{
	emr_research *r = arg;
	emr_status status;

	pthread_mutex_lock(&r->work);
	status = update_all(r, NULL);
	pthread_mutex_unlock(&r->work);
	if (status != EMR_OK && status != EMR_INTERRUPTED)
		emr_log(EMR_LOG_WARN, "datasets: copies are not up to date: %s",
			emr_status_text(status));
	return NULL;
}

emr_status emr_research_new(emr_session *session, emr_research **out_research)
{
	emr_research *r = calloc(1, sizeof *r);

	if (r == NULL)
		return EMR_NO_MEMORY;
	pthread_mutex_init(&r->work, NULL);
	pthread_mutex_init(&r->lock, NULL);
	emr_worker_init(&r->opening);
	r->session = session;
	session->research = r;
	*out_research = r;
	return EMR_OK;
}

void emr_research_start(emr_research *r)
{
	emr_problem ignored = {0};

	if (!emr_session_is_read_only(r->session, &ignored) &&
		emr_keyring_kind_of(r->session->keyring) != EMR_KEYRING_DEVICE &&
		emr_worker_start(&r->opening, "datasets", run_opening, r) != EMR_OK)
		emr_log(EMR_LOG_ERROR, "datasets: copies are not brought up to date now");
}

void emr_research_rest(emr_research *r)
{
	if (r != NULL)
		atomic_store(&r->stop, true);
}

void emr_research_end(emr_research *r)
{
	emr_research_rest(r);
	if (r != NULL)
		emr_worker_stop(&r->opening);
}

void emr_research_free(emr_research *r)
{
	if (r == NULL)
		return;
	agreed_free(&r->agreed);
	folders_free(&r->folders);
	emr_worker_free(&r->opening);
	pthread_mutex_destroy(&r->lock);
	pthread_mutex_destroy(&r->work);
	free(r);
}
