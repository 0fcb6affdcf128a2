/* This file reads which copies lie in a dataset's folder, and of what each was made. It believes a
 * copy's mark, never a list. */
#include "there.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/id.h"
#include "record/derived.h"
#include "view/walk.h"

#define VERSIONS_MAX 1000 /* of one file, the newest ones */

static bool is_copy_name(const char *name)
{
	return strlen(name) < COPY_NAME_BYTES &&
	       (fnmatch(COPY_NAME, name, FNM_PATHNAME | FNM_PERIOD) == 0 ||
		       fnmatch(COPY_FILE_NAME, name, FNM_PATHNAME | FNM_PERIOD) == 0);
}

static emr_status read_mark(const cleaner *c, uint64_t node, copy_there *copy)
{
	EMR_AUTO_FREE char *text = NULL;
	emr_derivation from;
	uint8_t rules[32];
	emr_status status = emr_attribute_text(c->session->view, node, "derived", &text);

	if (status != EMR_OK) /* nobody's word, or gone by now */
		return status == EMR_NO_MEMORY ? status : EMR_OK;
	cleaner_rules(c, rules);
	if (strlen(text) != 2 * sizeof from || emr_unhex(text + 64, from.rules, 32) != EMR_OK)
		return EMR_OK;
	text[64] = '\0';
	copy->is_of_today = memcmp(from.rules, rules, sizeof rules) == 0;
	return emr_unhex(text, copy->source, sizeof copy->source);
}

static emr_status note(there *t, const cleaner *c, const char *path, const emr_attr *attr)
{
	const char *name = path + strlen(c->copies.path) + 1;
	copy_there *one;

	if (attr->type == EMR_META_DIR ||
		(attr->type == EMR_META_FILE && fnmatch("?*" COPY_HALF, name, 0) == 0))
		return EMR_OK;
	if (attr->type != EMR_META_FILE || !is_copy_name(name)) {
		if (t->other == NULL)
			t->other = strdup(path);
		return EMR_OK;
	}
	EMR_TRY(emr_array_room(&t->all, t->n, &t->room, sizeof *t->all));
	one = &t->all[t->n++];
	*one = (copy_there){.is_wanted = false};
	strcpy(one->name, name);
	return read_mark(c, attr->node, one);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const copy_there *)a)->name, ((const copy_there *)b)->name);
}

static int compare_sources(const void *a, const void *b)
{
	return memcmp((*(copy_there *const *)a)->source, (*(copy_there *const *)b)->source, 32);
}

emr_status there_read(const cleaner *c, there *out)
{
	AUTO_THERE t = {.n = 0};
	EMR_WALK(walk, c->session->view, c->copies.path);

	while (emr_walk_next(&walk))
		EMR_TRY(note(&t, c, walk.path, &walk.attr));
	if (walk.status != EMR_NOT_FOUND)
		EMR_TRY(walk.status);
	t.by_source = calloc(t.n + 1, sizeof *t.by_source);
	if (t.by_source == NULL)
		return EMR_NO_MEMORY;
	EMR_SORT(t.all, t.n, compare_names);
	for (size_t i = 0; i < t.n; i++)
		t.by_source[i] = &t.all[i];
	qsort(t.by_source, t.n, sizeof(copy_there *), compare_sources);
	*out = t;
	t = (there){.n = 0};
	return EMR_OK;
}

void there_free(there *t)
{
	free(t->all);
	free(t->by_source);
	free(t->other);
	*t = (there){.n = 0};
}

copy_there *there_by_source(const there *t, const uint8_t source[32])
{
	copy_there key, *at = &key, **found;

	memcpy(key.source, source, sizeof key.source);
	found = t->n > 0 ? bsearch(&at, t->by_source, t->n, sizeof(copy_there *), compare_sources)
			 : NULL;
	return found != NULL ? *found : NULL;
}

copy_there *there_by_name(const there *t, const char *name)
{
	copy_there key;

	snprintf(key.name, sizeof key.name, "%s", name);
	return t->n > 0 ? bsearch(&key, t->all, t->n, sizeof key, compare_names) : NULL;
}

copy_there *there_of_record(const there *t, const cleaner *c, uint64_t newest, version *io)
{
	uint8_t source[32];

	while (io->number > 0 && newest - io->number < VERSIONS_MAX) {
		copy_there *copy;

		cleaner_source(c, io, source);
		io->number--;
		copy = there_by_source(t, source);
		if (copy != NULL)
			return copy;
	}
	return NULL;
}

/* ---- all folders of copies ---- */

static emr_status add_folder(folders *f, const emr_team *team)
{
	cleaner *c;

	if (team->kind != EMR_TEAM_DATASET || !team->terms.is_deidentified)
		return EMR_OK;
	if (emr_array_room(&f->all, f->n, &f->room, sizeof *f->all) != EMR_OK)
		return EMR_NO_MEMORY;
	c = &f->all[f->n].c;
	f->all[f->n].there = (there){.n = 0};
	EMR_TRY(cleaner_find(f->session, team, c));
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->all[i].c.copies.path, c->copies.path) == 0) {
			cleaner_close(c);
			return EMR_OK;
		}
	f->n++;
	return EMR_OK;
}

emr_status folders_find(emr_session *session, folders *out)
{
	EMR_ASK(asked, session->replica, TEAMS);
	emr_team team;

	*out = (folders){.session = session};
	while (emr_team_next(&asked, &team))
		EMR_TRY(add_folder(out, &team));
	return asked.status;
}

void folders_free(folders *f)
{
	for (size_t i = 0; i < f->n; i++) {
		there_free(&f->all[i].there);
		cleaner_close(&f->all[i].c);
	}
	free(f->all);
	*f = (folders){.n = 0};
}
