/* The open folder makes the copies here that somebody joins a dataset with: first it only looks,
 * and says what would be given and what not; then, after a yes, it makes them. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kit/language.h"
#include "kit/out.h"

#include "sharing/shown.h"

#include "private.h"

#define LEDGER_NS INT64_C(30000000000) /* for originals that were just saved */
#define PROGRESS_NS INT64_C(300000000)
#define PORTION_BYTES 16384

typedef struct joining {
	emr_research *research;
	const emr_request *request;
	cleaner c;
	emr_emit_fn emit;
	void *arg;
	json_t *withheld; /* not said yet */
	size_t portion;	  /* about its bytes */
	uint64_t looked_at, copies, added, changed, removed;
	int64_t said_boot_ns;
	unsigned made;
	char shown[EMR_SHOWN_CHARS];
} joining;

static emr_status say_withheld(joining *j)
{
	json_t *object = json_pack("{s:o}", "withheld_files", j->withheld);

	j->withheld = json_array();
	j->portion = 0;
	if (object == NULL || j->withheld == NULL) {
		json_decref(object);
		return EMR_NO_MEMORY;
	}
	return j->emit(j->arg, object);
}

static emr_status withhold(joining *j, const char *path, const char *why)
{
	json_t *one = json_pack("{s:o, s:s}", "path", emr_json_text(path), "why", why);

	if (json_array_append_new(j->withheld, one) != 0)
		return EMR_NO_MEMORY;
	j->portion += 2 * strlen(path) + 40;
	return j->portion > PORTION_BYTES ? say_withheld(j) : EMR_OK;
}

static emr_status no_file(void *arg, const char *path)
{
	return withhold(arg, path, "no-file");
}

/* So long as there is something to say the verb waits. */
static emr_status say_progress(joining *j)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());

	j->looked_at++;
	if (now - j->said_boot_ns < PROGRESS_NS)
		return EMR_OK;
	j->said_boot_ns = now;
	return emr_emit(j->emit, j->arg,
		json_pack("{s:{s:I}}", "progress", "so_far", (json_int_t)j->looked_at));
}

/* ---- one file ---- */

static emr_status take(joining *j, pass *p, original *one)
{
	emr_deidentified what = {0};
	const char *why = one->waits ? "pending" : NULL;
	emr_status status = say_progress(j);

	if (status == EMR_OK && why == NULL && !one->has_copy) {
		status = pass_make(p, one, j->request->look, &what, &j->made, &why);
		if (status == EMR_BUSY) {
			why = "unreadable";
			status = EMR_OK;
		}
		j->added += status == EMR_OK && why == NULL ? 1 : 0;
	}
	if (status != EMR_OK)
		return status;
	if (why != NULL)
		return withhold(j, one->path, why);
	j->copies++;
	j->changed += what.elements_changed;
	j->removed += what.elements_removed;
	return EMR_OK;
}

/* ---- all of them ---- */

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
		is_fine = emr_view_find(j->c.session->view, part, &attr) != EMR_OK ||
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
	pass again = {.other = waits ? NULL : no_file, .arg = j};
	size_t i = 0;
	emr_status status = pass_begin(&j->c, &again);

	if (status == EMR_OK)
		status = pass_gather(&again, j->request->path);
	while (status == EMR_OK && i < again.n && !again.all[i].waits)
		i++;
	if (status == EMR_OK && waits && i < again.n) {
		status = emr_view_wait_published(
			j->c.session->view, emr_clock_boot_ns(emr_clock_system()) + LEDGER_NS);
		status = status == EMR_TIMEOUT ? EMR_OK : status;
	}
	if (status == EMR_OK && waits) {
		pass_end(&again);
		return gather(j, p, false);
	}
	*p = again;
	return status;
}

/* A participant who has left, or was interrupted before joining, is asked for this path alone: an
 * older yes for other paths is not used again with it. */
static emr_status begin_anew(joining *j, pass *p)
{
	emr_research *r = j->research;
	joined_in *all = NULL;
	size_t n = 0;
	bool is_in = false;
	emr_status status = joined_collect(r->session, &all, &n);

	for (size_t i = 0; i < n; i++)
		is_in = is_in ||
			emr_id32_equal(emr_copies_dataset_id(&all[i].dataset), j->c.dataset_id);
	free(all);
	if (status != EMR_OK || is_in)
		return status;
	pthread_mutex_lock(&r->lock);
	status = research_load(r);
	if (status == EMR_OK && agreed_drop_all(&r->agreed, j->c.dataset_id))
		status = agreed_save(r->session, &r->agreed);
	pthread_mutex_unlock(&r->lock);
	for (size_t i = 0; i < p->there.n && status == EMR_OK; i++)
		if (!p->there.all[i].is_wanted)
			status = cleaner_remove(&j->c, p->there.all[i].name);
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
		status = take(j, &p, &p.all[i]);
	if (status == EMR_OK && !j->request->look)
		status = begin_anew(j, &p);
	if (status == EMR_OK && json_array_size(j->withheld) > 0)
		status = say_withheld(j);
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
	emr_research *r = j->research;
	emr_id16 object;
	agreed_row *row;
	emr_status status;

	EMR_TRY(object_of(r->session, j->request->path, &object));
	pthread_mutex_lock(&r->lock);
	status = research_load(r);
	row = status == EMR_OK ? agreed_find(&r->agreed, j->c.dataset_id, j->request->path) : NULL;
	if (status == EMR_OK && !j->request->once)
		status = agreed_add(&r->agreed, j->c.dataset_id, object, j->request->path,
			emr_clock_unix_s(emr_clock_system()));
	else if (row != NULL)
		agreed_drop(&r->agreed, row);
	if (status == EMR_OK)
		status = agreed_save(r->session, &r->agreed);
	pthread_mutex_unlock(&r->lock);
	return status;
}

static bool follows(const joining *j)
{
	emr_research *r = j->research;
	EMR_LOCKED(&r->lock);

	return research_load(r) == EMR_OK &&
	       agreed_find(&r->agreed, j->c.dataset_id, j->request->path) != NULL;
}

/* ---- taking back what was made, where nothing came of it ---- */

static emr_status undo(joining *j, bool *out_is_gone)
{
	emr_research *r = j->research;
	AUTO_THERE t = {0};
	emr_status status = EMR_OK;
	agreed_row *row;
	char path[EMR_COPIES_PATH_BYTES];

	pthread_mutex_lock(&r->lock);
	row = agreed_find(&r->agreed, j->c.dataset_id, j->request->path);
	if (row != NULL) {
		agreed_drop(&r->agreed, row);
		status = agreed_save(r->session, &r->agreed);
	}
	pthread_mutex_unlock(&r->lock);
	*out_is_gone = r->made > 0 && emr_id32_equal(r->made_for, j->c.dataset_id);
	if (!*out_is_gone)
		return status;
	if (status == EMR_OK)
		status = there_read(&j->c, &t);
	for (size_t i = 0; i < t.n && status == EMR_OK; i++)
		status = cleaner_remove(&j->c, t.all[i].name);
	strcpy(path, j->c.copies.path);
	for (unsigned i = 0; i < r->made && status == EMR_OK; i++) {
		char *slash = strrchr(path, '/');
		emr_attr parent;

		if (slash != NULL)
			*slash = '\0';
		status = emr_view_find(r->session->view, slash != NULL ? path : "", &parent);
		if (status == EMR_OK)
			status =
				cleaner_rmdir(&j->c, parent.node, slash != NULL ? slash + 1 : path);
	}
	r->made = 0;
	*out_is_gone = status == EMR_OK;
	return EMR_OK;
}

/* ---- the whole ---- */

static emr_status say_done(joining *j, bool is_gone)
{
	return emr_emit(j->emit, j->arg,
		json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:b, s:b}", "done", 1, "shown", j->shown,
			"copies", (json_int_t)j->copies, "added", (json_int_t)j->added, "changed",
			(json_int_t)j->changed, "removed", (json_int_t)j->removed, "is_followed",
			follows(j), "gone", is_gone));
}

/* A writer of the folder can give its name to another folder while the owner reads what would be
 * given, and so can a steward with the name of a dataset. */
static emr_status check_shown(joining *j, emr_problem *out_problem)
{
	emr_id16 object;
	emr_status status = object_of(j->research->session, j->request->path, &object);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status; /* which is said of the path */
	emr_shown_copies(j->c.dataset_id, object, j->shown);
	return j->request->look ? EMR_OK : emr_shown_check(j->request, j->shown, out_problem);
}

static emr_status work(joining *j, emr_problem *out_problem)
{
	bool is_gone = false;
	emr_problem why = {0};

	if (!j->request->look && emr_session_is_read_only(j->research->session, &why))
		return EMR_READ_ONLY;
	if (!j->request->drop)
		EMR_TRY(check_shown(j, out_problem));
	if (j->request->drop)
		EMR_TRY(undo(j, &is_gone));
	else
		EMR_TRY(go_through(j, out_problem));
	if (!j->request->look && !j->request->drop) {
		j->research->made = j->made;
		j->research->made_for = j->c.dataset_id;
		EMR_TRY(note_agreed(j));
	}
	return say_done(j, is_gone);
}

emr_status research_join(emr_research *r, const emr_request *request, const emr_team *dataset,
	emr_emit_fn emit, void *arg, emr_problem *out_problem)
{
	joining j = {.research = r,
		.request = request,
		.emit = emit,
		.arg = arg,
		.withheld = json_array()};
	emr_status status = j.withheld != NULL ? EMR_OK : EMR_NO_MEMORY;

	/* Its secret is its own: the same picture would be in the dataset twice, as two people's.
	 */
	if (status == EMR_OK && emr_keyring_kind_of(r->session->keyring) == EMR_KEYRING_DEVICE) {
		emr_problem_set(out_problem, EMR_SAY_NOT_FIRST_COMPUTER, NULL);
		status = EMR_DENIED;
	}
	if (status == EMR_OK)
		status = cleaner_open(r->session, dataset, &j.c);
	if (status == EMR_UNSUPPORTED)
		emr_problem_set(out_problem, EMR_SAY_FAILED, "what", request->who, "cause",
			_("the program that makes copies is not installed"), NULL);
	if (status == EMR_OK) {
		emr_research_hold(r);
		status = work(&j, out_problem);
		emr_research_go_on(r);
	}
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, request->path);
	cleaner_close(&j.c);
	json_decref(j.withheld);
	return status;
}
