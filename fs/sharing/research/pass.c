/* This file makes one pass over what a participant gives to a research dataset: it gathers the
 * originals, finds the de-identified copies that there are, and has the missing ones made. */
#include "private.h"

#include "kit/paths.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "view/walk.h"

emr_status pass_begin(cleaner *c, pass *p)
{
	p->c = c;
	p->names = json_object();
	return p->names != NULL ? there_read(c, &p->there) : EMR_NO_MEMORY;
}

void pass_end(pass *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->all[i].path);
	free(p->all);
	there_free(&p->there);
	json_decref(p->names);
	*p = (pass){.n = 0};
}

bool is_never_given(const char *path)
{
	static const char *const tops[] = {
		EMR_COPIES_FOLDER, "shared-with-me", "shared-by-me", "datasets", ".emrfs"};

	for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
		if (emr_path_below(tops[i], path) != NULL)
			return true;
	return false;
}

emr_status pass_add(pass *p, const char *path, const emr_attr *attr)
{
	original *one;
	emr_status status;

	if (emr_array_room(&p->all, p->n, &p->room, sizeof *p->all) != EMR_OK)
		return EMR_NO_MEMORY;
	one = &p->all[p->n];
	*one = (original){.node = attr->node, .path = strdup(path)};
	if (one->path == NULL)
		return EMR_NO_MEMORY;
	p->n++;
	status = cleaner_version(p->c, attr->node, &one->v);
	one->waits = status == EMR_BUSY;
	if (status == EMR_OK)
		cleaner_source(p->c, &one->v, one->source);
	if (status == EMR_NOT_FOUND) { /* gone by now */
		free(one->path);
		p->n--;
	}
	return status == EMR_BUSY || status == EMR_NOT_FOUND ? EMR_OK : status;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const original *)a)->path, ((const original *)b)->path);
}

void pass_match(pass *p)
{
	EMR_SORT(p->all, p->n, compare_paths);
	for (size_t i = 0; i < p->n; i++) {
		original *one = &p->all[i];
		copy_there *copy = one->waits ? NULL : there_by_source(&p->there, one->source);

		one->has_copy = copy != NULL && copy->is_of_today;
		if (copy != NULL)
			copy->is_wanted = true;
	}
}

/* The publishing thread may have looked for the copy of a file that goes just before it was there:
 * then the file is not what it was. */
static emr_status put(pass *p, const original *one, int fd, const char *name, unsigned *made,
	const char **out_why)
{
	bool was = false;
	version after;

	EMR_TRY(cleaner_put(p->c, fd, name, &one->v, made));
	atomic_store(&p->c->session->research->has_new_copies, true);
	if (cleaner_version(p->c, one->node, &after) == EMR_OK && after.number == one->v.number &&
		emr_id16_equal(after.object, one->v.object))
		return EMR_OK;
	*out_why = "changed";
	return cleaner_remove(p->c, name, &was);
}

emr_status pass_make(pass *p, original *one, bool only_look, emr_deidentified *what, unsigned *made,
	const char **out_why)
{
	EMR_AUTO_FD copy = -1;
	char name[COPY_NAME_BYTES];
	copy_there *stands;
	emr_status status = cleaner_make(p->c, one->node, &one->v, &copy, what, name, out_why);

	if (status == EMR_NOT_FOUND) { /* gone by now */
		*out_why = "changed";
		return EMR_OK;
	}
	if (status != EMR_OK || *out_why != NULL)
		return status;
	stands = there_by_name(&p->there, name);
	if (json_object_get(p->names, name) != NULL || (stands != NULL && stands->is_wanted)) {
		*out_why = "twice";
		return EMR_OK;
	}
	if (json_object_set_new(p->names, name, json_true()) != 0)
		return EMR_NO_MEMORY;
	if (!only_look && stands != NULL && !stands->is_of_today)
		status = cleaner_erase(p->c, name, &(bool){false});
	if (!only_look && status == EMR_OK)
		status = put(p, one, copy, name, made, out_why);
	if (status == EMR_OK && stands != NULL)
		stands->is_wanted = true;
	one->has_copy = status == EMR_OK && *out_why == NULL;
	return status;
}

/* ---- what lies elsewhere ---- */

bool lies_in(const char *path, const json_t *tops)
{
	for (size_t i = 0; i < json_array_size(tops); i++)
		if (emr_path_below(json_string_value(json_array_get(tops, i)), path) != NULL)
			return true;
	return false;
}

/* The copies of V and of what was before it. */
static void spare_versions(pass *p, version v)
{
	const uint64_t newest = v.number;
	copy_there *copy;

	while ((copy = there_of_record(&p->there, p->c, newest, &v)) != NULL)
		copy->is_wanted = true;
}

emr_status pass_spare(pass *p, const json_t *tops)
{
	EMR_WALK(walk, p->c->session->view, "");
	version v;

	for (size_t i = 0; i < p->n; i++)
		if (p->all[i].waits)
			spare_versions(p, p->all[i].v);
	while (emr_walk_next(&walk))
		if (walk.attr.type == EMR_META_FILE && !is_never_given(walk.path) &&
			!lies_in(walk.path, tops) &&
			cleaner_version(p->c, walk.attr.node, &v) != EMR_NOT_FOUND)
			spare_versions(p, v);
	return walk.status;
}
