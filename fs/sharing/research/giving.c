/* This file gives one file after the other to a dataset for whoever asked, and tells which were
 * withheld, in portions, and how far it is. */
#include "giving.h"

#include <string.h>

#include "base/clock.h"
#include "kit/language.h"
#include "kit/out.h"
#include "view/walk.h"

#define PROGRESS_NS INT64_C(300000000)
#define PORTION_BYTES 16384

emr_status giving_say_withheld(giving *g)
{
	json_t *object;

	if (json_array_size(g->withheld) == 0)
		return EMR_OK;
	object = json_pack("{s:o}", "withheld_files", g->withheld);
	g->withheld = json_array();
	g->portion = 0;
	if (object == NULL || g->withheld == NULL) {
		json_decref(object);
		return EMR_NO_MEMORY;
	}
	return emr_emit(g->sink, object);
}

static emr_status giving_withhold(giving *g, const char *path, const char *why)
{
	json_t *one = json_pack("{s:o, s:s}", "path", emr_json_text(path), "why", why);

	if (g->dataset != NULL)
		json_object_set_new(one, "called", json_string(g->dataset));
	if (json_array_append_new(g->withheld, one) != 0)
		return EMR_NO_MEMORY;
	g->n_withheld++;
	g->portion += 2 * strlen(path) + 40;
	return g->portion > PORTION_BYTES ? giving_say_withheld(g) : EMR_OK;
}

bool giving_has_to_stop(const giving *g)
{
	return g->sink == NULL &&
	       (atomic_load(&g->research->stop) || atomic_load(&g->research->waiting) > 0);
}

emr_status giving_gather(giving *g, pass *p, const char *path)
{
	EMR_WALK(walk, p->c->session->view, path);

	while (emr_walk_next(&walk)) {
		if (walk.attr.type == EMR_META_DIR || is_never_given(walk.path))
			continue;
		if (g != NULL && giving_has_to_stop(g))
			return EMR_INTERRUPTED;
		if (walk.attr.type == EMR_META_FILE)
			EMR_TRY(pass_add(p, walk.path, &walk.attr));
		else if (g != NULL)
			EMR_TRY(giving_withhold(g, walk.path, "no-file"));
	}
	return walk.status;
}

/* So long as there is something to say the verb waits. */
static emr_status say_progress(giving *g)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());

	g->looked_at++;
	if (now - g->said_boot_ns < PROGRESS_NS)
		return EMR_OK;
	g->said_boot_ns = now;
	return emr_emit(
		g->sink, json_pack("{s:{s:I}}", "progress", "so_far", (json_int_t)g->looked_at));
}

emr_status giving_take(giving *g, pass *p, original *one)
{
	emr_deidentified what = {0};
	const char *why = one->waits ? "pending" : NULL;
	emr_status status;

	EMR_TRY(say_progress(g));
	if (why == NULL && !one->has_copy) {
		status = pass_make(p, one, g->only_look, &what, &g->made, &why);
		if (status == EMR_BUSY)
			why = "unreadable";
		else
			EMR_TRY(status);
		g->added += why == NULL;
		g->added_again += why == NULL && one->v.number > 1;
	}
	if (why != NULL)
		return giving_withhold(g, one->path, why);
	g->copies++;
	g->changed += what.elements_changed;
	g->removed += what.elements_removed;
	return EMR_OK;
}

/* ---- whether any can be given ---- */

/* The secret of another computer is its own: the same picture would be in the dataset twice, as two
 * people's. */
emr_status research_check(emr_research *r, bool changes, emr_problem *out_problem)
{
	emr_problem why = {0};

	if (emr_keyring_kind_of(r->session->keyring) == EMR_KEYRING_DEVICE)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_FIRST_COMPUTER, NULL);
	return changes && emr_session_is_read_only(r->session, &why)
		       ? EMR_PROBLEM(EMR_READ_ONLY, out_problem, EMR_SAY_READ_ONLY, "path",
				 _("Your folder"), NULL)
		       : EMR_OK;
}

emr_status research_say_status(
	emr_status status, const char *what, const char *path, emr_problem *out_problem)
{
	if (status == EMR_UNSUPPORTED)
		emr_problem_set(out_problem, EMR_SAY_FAILED, "what", what, "cause",
			_("the program that makes copies is not installed"), NULL);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, path);
	return status;
}
