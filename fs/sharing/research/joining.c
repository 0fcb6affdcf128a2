/* The open folder makes the copies here that somebody joins a dataset with: first it only looks,
 * and says what would be given and what not; then, after a yes, it makes them. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kit/language.h"
#include "kit/out.h"

#include "sharing/shown.h"

#include "giving.h"

#define LEDGER_NS INT64_C(30000000000) /* for originals that were just saved */

typedef struct joining {
	giving g;
	const emr_request *request;
	char shown[EMR_SHOWN_CHARS];
} joining;

/* Where a link leads may be others' records, and is never gone through. */
static emr_status look_for_links(const joining *j, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *part = strdup(j->request->path);
	emr_attr attr;
	bool is_fine = part != NULL && !is_never_given(part);

	for (char *at = part; is_fine && at != NULL && *at != '\0';) {
		char *slash = strchr(at, '/');

		if (slash != NULL)
			*slash = '\0';
		is_fine = emr_view_find(j->g.c.session->view, part, &attr) != EMR_OK ||
			  attr.type != EMR_META_SYMLINK;
		if (slash != NULL)
			*slash = '/';
		at = slash != NULL ? slash + 1 : NULL;
	}
	if (is_fine)
		return EMR_OK;
	return EMR_PROBLEM(
		EMR_DENIED, out_problem, EMR_SAY_NEVER_SHARED, "path", j->request->path, NULL);
}

/* Once more after a while when something is on its way to the ledger. */
static emr_status gather(joining *j, pass *p, bool waits)
{
	pass again = {.n = 0};
	size_t i = 0;
	emr_status status = pass_begin(&j->g.c, &again);

	if (status == EMR_OK)
		status = giving_gather(waits ? NULL : &j->g, &again, j->request->path);
	while (status == EMR_OK && i < again.n && !again.all[i].waits)
		i++;
	if (status == EMR_OK && waits && i < again.n) {
		status = emr_view_wait_published(
			j->g.c.session->view, emr_clock_boot_ns(emr_clock_system()) + LEDGER_NS);
		status = status == EMR_TIMEOUT ? EMR_OK : status;
	}
	if (status == EMR_OK && waits) {
		pass_end(&again);
		return gather(j, p, false);
	}
	*p = again;
	return status;
}

static bool is_among(const joined_in *all, size_t n, emr_id32 dataset)
{
	size_t i = 0;

	while (i < n && !emr_id32_equal(emr_copies_dataset_id(&all[i].dataset), dataset))
		i++;
	return i < n;
}

/* A participant who has left, or was interrupted before joining, is asked for this path alone: an
 * older yes for other paths is not used again with it. */
static emr_status begin_anew(joining *j, pass *p)
{
	emr_research *r = j->g.research;
	joined_in *all = NULL;
	size_t n = 0;
	bool is_in, was = false;
	emr_status status;

	EMR_TRY(joined_collect(r->session, &all, &n));
	pthread_mutex_lock(&r->lock);
	status = research_load(r);
	for (size_t i = r->agreed.n; i > 0 && status == EMR_OK; i--)
		if (!is_among(all, n, r->agreed.rows[i - 1].dataset))
			agreed_drop(&r->agreed, &r->agreed.rows[i - 1]);
	if (status == EMR_OK)
		status = agreed_save(r->session, &r->agreed);
	pthread_mutex_unlock(&r->lock);
	is_in = is_among(all, n, j->g.c.dataset_id);
	free(all);
	for (size_t i = 0; i < p->there.n && status == EMR_OK && !is_in; i++)
		if (!p->there.all[i].is_wanted)
			status = cleaner_remove(&j->g.c, p->there.all[i].name, &was);
	return status;
}

static emr_status go_through(joining *j, emr_problem *out_problem)
{
	AUTO_PASS p = {0};
	emr_status status = look_for_links(j, out_problem);

	if (status == EMR_OK)
		status = gather(j, &p, true);
	if (status == EMR_OK && p.there.other != NULL)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_COPIES, "path",
			p.there.other, "what", j->request->who, NULL);
	if (status == EMR_OK)
		pass_match(&p);
	for (size_t i = 0; i < p.n && status == EMR_OK; i++)
		status = giving_take(&j->g, &p, &p.all[i]);
	if (status == EMR_OK && !j->request->look)
		status = begin_anew(j, &p);
	if (status == EMR_OK)
		status = giving_say_withheld(&j->g);
	if (status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", j->request->path, NULL);
	return status;
}

/* ---- what she agrees to ---- */

static emr_status object_of(emr_session *session, const char *path, emr_id16 *out)
{
	emr_record_facts facts;
	emr_attr attr;

	EMR_TRY(emr_view_find(session->view, path, &attr));
	EMR_TRY(emr_view_record(session->view, attr.node, &facts));
	*out = facts.object;
	return EMR_OK;
}

/* Before anything is given: who is killed now has agreed to it, and is asked again all the same. */
static emr_status note_agreed(const joining *j)
{
	emr_research *r = j->g.research;
	emr_id16 object;

	EMR_TRY(object_of(r->session, j->request->path, &object));
	EMR_LOCKED(&r->lock);
	EMR_TRY(research_load(r));
	EMR_TRY(agreed_add(&r->agreed, j->g.c.dataset_id, object, j->request->path));
	return agreed_save(r->session, &r->agreed);
}

static bool is_agreed(const joining *j)
{
	emr_research *r = j->g.research;
	EMR_LOCKED(&r->lock);

	return research_load(r) == EMR_OK &&
	       agreed_find(&r->agreed, j->g.c.dataset_id, j->request->path) != NULL;
}

/* ---- taking back what was made, where nothing came of it ---- */

static emr_status undo(joining *j, bool *out_is_gone)
{
	emr_research *r = j->g.research;
	AUTO_THERE t = {0};
	bool was = false;
	emr_status status = EMR_OK;
	agreed_row *row;
	char path[EMR_COPIES_PATH_BYTES];

	pthread_mutex_lock(&r->lock);
	row = agreed_find(&r->agreed, j->g.c.dataset_id, j->request->path);
	if (row != NULL) {
		agreed_drop(&r->agreed, row);
		status = agreed_save(r->session, &r->agreed);
	}
	pthread_mutex_unlock(&r->lock);
	*out_is_gone = r->made > 0 && emr_id32_equal(r->made_for, j->g.c.dataset_id);
	if (!*out_is_gone)
		return status;
	if (status == EMR_OK)
		status = there_read(&j->g.c, &t);
	for (size_t i = 0; i < t.n && status == EMR_OK; i++)
		status = cleaner_remove(&j->g.c, t.all[i].name, &was);
	strcpy(path, j->g.c.copies.path);
	for (unsigned i = 0; i < r->made && status == EMR_OK; i++) {
		char *slash = strrchr(path, '/');
		emr_attr parent;

		if (slash != NULL)
			*slash = '\0';
		status = emr_view_find(r->session->view, slash != NULL ? path : "", &parent);
		if (status == EMR_OK)
			status = cleaner_rmdir(
				&j->g.c, parent.node, slash != NULL ? slash + 1 : path);
	}
	r->made = 0;
	*out_is_gone = status == EMR_OK;
	return EMR_OK;
}

/* ---- the whole ---- */

/* A writer of the folder can give its name to another folder while the owner reads what would be
 * given, and so can a steward with the name of a dataset. */
static emr_status check_shown(joining *j, emr_problem *out_problem)
{
	emr_id16 object;
	emr_status status = object_of(j->g.research->session, j->request->path, &object);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status; /* which is said of the path */
	emr_shown_copies(j->g.c.dataset_id, object, j->shown);
	return j->request->look ? EMR_OK : emr_shown_check(j->request, j->shown, out_problem);
}

static emr_status work(joining *j, emr_problem *out_problem)
{
	bool is_gone = false;

	if (!j->request->drop)
		EMR_TRY(check_shown(j, out_problem));
	if (j->request->drop)
		EMR_TRY(undo(j, &is_gone));
	else
		EMR_TRY(go_through(j, out_problem));
	if (!j->request->look && !j->request->drop) {
		j->g.research->made = j->g.made;
		j->g.research->made_for = j->g.c.dataset_id;
		EMR_TRY(note_agreed(j));
	}
	return emr_emit(j->g.sink,
		json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:b, s:b}", "done", 1, "shown", j->shown,
			"copies", (json_int_t)j->g.copies, "added", (json_int_t)j->g.added,
			"changed", (json_int_t)j->g.changed, "removed", (json_int_t)j->g.removed,
			"is_agreed", is_agreed(j), "gone", is_gone));
}

emr_status research_join(emr_research *r, const emr_request *request, const emr_team *dataset,
	const emr_sink *sink, emr_problem *out_problem)
{
	joining j = {.g = {.research = r,
			     .only_look = request->look,
			     .sink = sink,
			     .withheld = json_array()},
		.request = request};
	emr_status status = j.g.withheld != NULL ? research_check(r, !request->look, out_problem)
						 : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = cleaner_open(r->session, dataset, &j.g.c);
	if (status == EMR_OK) {
		emr_research_hold(r);
		status = work(&j, out_problem);
		emr_research_go_on(r);
	}
	cleaner_close(&j.g.c);
	json_decref(j.g.withheld);
	return research_say_status(status, request->who, request->path, out_problem);
}
