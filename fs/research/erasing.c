/* Before an original is erased its copies are: whoever kills the process in between has erased less
 * than he was asked for, which the command never said was done, and no copy outlives its original. */
#include <stdlib.h>
#include <string.h>

#include "session/walk.h"

#include "private.h"

typedef struct matching {
	pass *p;
	uint64_t n;
} matching;

/* Each version that a file ever had may have been copied. */
static bool match(void *arg, const char *path, const emr_attr *attr)
{
	matching *m = arg;
	version v;
	uint8_t source[32];

	if (attr->type != EMR_META_FILE || is_never_given(path) ||
		cleaner_version(m->p->c, attr->node, &v) == EMR_NOT_FOUND)
		return true;
	for (; v.number > 0; v.number--) {
		copy_there *copy;

		cleaner_source(m->p->c, &v, source);
		copy = there_by_source(&m->p->there, source);
		if (copy != NULL && !copy->is_wanted) {
			copy->is_wanted = true;
			m->n++;
		}
	}
	return true;
}

static emr_status erase_matched(const cleaner *c, const there *t)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; i < t->n && status == EMR_OK; i++) {
		char path[sizeof c->copies.path + COPY_NAME_BYTES];
		const emr_erase what = {.path = path};
		emr_erased erased;

		if (!t->all[i].is_wanted)
			continue;
		snprintf(path, sizeof path, "%s/%s", c->copies.path, t->all[i].name);
		status = emr_view_erase(c->session->view, &what, &erased);
		status = status == EMR_NOT_FOUND ? EMR_OK : status;
	}
	return status;
}

static emr_status erase_in(emr_research *r, const emr_team *dataset, const char *path,
	bool only_look, uint64_t *out_n)
{
	AUTO_CLEANER c = {0};
	AUTO_PASS p = {0};
	matching m = {.p = &p};
	emr_status status = cleaner_open(r->session, dataset, &c);

	if (status == EMR_OK)
		status = pass_begin(&c, &p);
	if (status == EMR_OK && p.there.n > 0)
		status = emr_walk(r->session->view, path, match, &m);
	*out_n += m.n;
	if (status == EMR_OK && !only_look)
		status = erase_matched(&c, &p.there);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_research_erase(
	emr_research *r, const char *path, bool only_look, uint64_t *out_n)
{
	joined_in *all = NULL;
	size_t n = 0;
	emr_status status;

	*out_n = 0;
	if (r == NULL)
		return EMR_OK;
	status = joined_collect(r->session, true, &all, &n);
	if (status == EMR_OK && n > 0) {
		research_take_work(r);
		for (size_t i = 0; i < n && status == EMR_OK; i++)
			status = erase_in(r, &all[i].dataset, path, only_look, out_n);
		research_leave_work(r);
	}
	joined_free(all, n);
	return status;
}
