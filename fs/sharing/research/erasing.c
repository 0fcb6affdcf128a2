/* Before an original is erased, this file erases its copies, and with them those whose original
 * is gone. If the process is killed in between, less is erased than was asked for, but the
 * command never said that it was done, and no copy outlives its original. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/walk.h"

#include "private.h"

#define DELETED ".emrfs/deleted/"
#define DEPTH_MAX 4 /* PSEUDONYM/STUDY/SERIES/FILE */

typedef struct erasing {
	cleaner *c;
	bool only_look;
	uint64_t n;
} erasing;

static emr_status erase_one(erasing *e, const char *path)
{
	const emr_erase what = {.path = path, .only_look = e->only_look};
	emr_erased erased = {0};
	emr_status status = emr_view_erase(e->c->session->view, &what, &erased);

	e->n += status == EMR_OK ? erased.live + erased.deleted : 0;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* ---- copies that are there ---- */

static emr_status erase_there(erasing *e, const char *path)
{
	AUTO_PASS p = {0};
	json_auto_t *tops = json_array();
	char copy[sizeof e->c->copies.path + COPY_NAME_BYTES];

	if (json_array_append_new(tops, json_stringn_nocheck(path, strlen(path))) != 0)
		return EMR_NO_MEMORY;
	EMR_TRY(pass_begin(e->c, &p));
	if (p.there.n > 0)
		EMR_TRY(pass_spare(&p, tops));
	for (size_t i = 0; i < p.there.n; i++) {
		if (p.there.all[i].is_wanted ||
			emr_id32_is_zero(EMR_ID32_AT(p.there.all[i].source)))
			continue;
		snprintf(copy, sizeof copy, "%s/%s", e->c->copies.path, p.there.all[i].name);
		EMR_TRY(erase_one(e, copy));
	}
	return EMR_OK;
}

/* ---- copies that were taken back before ---- */

static bool add_name(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	json_t *names = arg;

	(void)attr;
	(void)next;
	if (name[0] != '.')
		json_array_append_new(names, json_stringn_nocheck(name, strlen(name)));
	return true;
}

static emr_status erase_deleted(erasing *e, const char *path, unsigned depth)
{
	EMR_AUTO_FREE char *below = NULL;
	EMR_AUTO_FOUND at = {0};
	json_auto_t *names = json_array();
	emr_status status;

	if (asprintf(&below, DELETED "%s", path) < 0)
		return EMR_NO_MEMORY;
	status = emr_find_anywhere(e->c->session->view, below, &at);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND || status == EMR_NOT_DIRECTORY ? EMR_OK : status;
	if (at.attr.type != EMR_META_DIR) /* and not what bears its name by now */
		return erase_one(e, below);
	EMR_TRY(names != NULL && depth < DEPTH_MAX
			? emr_view_each_entry(
				  e->c->session->view, at.attr.node, 0, false, add_name, names)
			: EMR_NO_MEMORY);
	for (size_t i = 0; i < json_array_size(names); i++) {
		EMR_AUTO_FREE char *inner = NULL;

		if (asprintf(&inner, "%s/%s", path, json_string_value(json_array_get(names, i))) <
			0)
			return EMR_NO_MEMORY;
		EMR_TRY(erase_deleted(e, inner, depth + 1));
	}
	return EMR_OK;
}

emr_status research_erase_former(cleaner *c, const there *now)
{
	erasing e = {.c = c};

	for (size_t i = 0; i < now->n; i++)
		if (!now->all[i].is_of_today)
			return erase_deleted(&e, c->copies.path, 0);
	return EMR_OK;
}

/* ---- the whole ---- */

/* All are read before anything is erased: what is purged is cut out of the database's log, which
 * waits for whoever still reads. */
emr_status emr_research_erase(emr_research *r, const char *path, bool only_look, uint64_t *out_n)
{
	AUTO_FOLDERS f = {.n = 0};
	emr_status status = folders_find(r->session, &f);

	*out_n = 0;
	for (size_t i = 0; i < f.n && status == EMR_OK; i++) {
		erasing e = {.c = &f.all[i].c, .only_look = only_look};

		status = erase_there(&e, path);
		if (status == EMR_OK)
			status = erase_deleted(&e, e.c->copies.path, 0);
		*out_n += e.n;
	}
	return status;
}
