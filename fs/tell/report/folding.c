/* This file makes one line of the log out of many entries that are alike, for example of three
 * hundred images of one series: of one kind, one folder, one person and one minute. */
#include "kit/json.h"
#include "report/folding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "report/deeds.h"

#define FOLDED 5       /* more files than these are one line */
#define GROUPS_BACK 64 /* so many kinds of deeds are looked through */

/* Deeds that are alike, of one minute. */
typedef struct group {
	json_t *first; /* owned */
	json_t *files; /* their paths, each once; owned */
	uint64_t bytes;
	char *to; /* number of the last entry; owned */
} group;

typedef struct line {
	size_t group; /* GROUPS_NONE: it stands alone */
	char *text;   /* owned */
} line;

#define GROUPS_NONE SIZE_MAX

struct emr_folding {
	emr_line_fn fn;
	void *arg;
	json_int_t minute;
	line *lines;
	size_t n, cap;
	group *groups;
	size_t n_groups, cap_groups;
	bool has_folded;
};

emr_status emr_folding_new(emr_line_fn fn, void *arg, emr_folding **out_folding)
{
	emr_folding *f = calloc(1, sizeof *f);

	if (f == NULL)
		return EMR_NO_MEMORY;
	f->fn = fn;
	f->arg = arg;
	*out_folding = f;
	return EMR_OK;
}

static void forget(emr_folding *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->lines[i].text);
	for (size_t i = 0; i < f->n_groups; i++) {
		json_decref(f->groups[i].first);
		json_decref(f->groups[i].files);
		free(f->groups[i].to);
	}
	f->n = f->n_groups = 0;
}

void emr_folding_free(emr_folding *folding)
{
	if (folding == NULL)
		return;
	forget(folding);
	free(folding->lines);
	free(folding->groups);
	free(folding);
}

bool emr_folding_has_folded(const emr_folding *folding)
{
	return folding->has_folded;
}

/* ---- what is alike ---- */

/* A file with a name, and nothing that only its own line says. */
static bool may_fold(const json_t *entry)
{
	static const char *const actions[] = {"saved", "deleted", "restored", "erased", "asked",
		"released", "opened", "refused", "left"};

	if (strcmp(emr_json_text_at(entry, "type"), "file") != 0 ||
		emr_json_text_at(entry, "path")[0] == '\0' ||
		emr_json_text_at(entry, "from")[0] != '\0')
		return false;
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (strcmp(emr_json_text_at(entry, "action"), actions[i]) == 0)
			return true;
	return false;
}

static size_t folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? (size_t)(slash - path) : 0;
}

static bool is_alike(const json_t *a, const json_t *b)
{
	static const char *const same[] = {"who", "name", "organisation", "says", "team", "purpose",
		"action", "whole", "software", "proven", "released_by", "with", "into"};
	const char *path = emr_json_text_at(a, "path"), *other = emr_json_text_at(b, "path");
	size_t len = folder_len(path);

	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		const json_t *one = json_object_get(a, same[i]), *two = json_object_get(b, same[i]);

		if ((one == NULL) != (two == NULL) || (one != NULL && !json_equal(one, two)))
			return false;
	}
	return folder_len(other) == len && strncmp(path, other, len) == 0;
}

/* ---- one minute ---- */

static emr_status new_group(emr_folding *f, const json_t *entry, size_t *out)
{
	if (emr_array_room(&f->groups, f->n_groups, &f->cap_groups, sizeof *f->groups) != EMR_OK)
		return EMR_NO_MEMORY;
	f->groups[f->n_groups] = (group){.first = json_deep_copy(entry), .files = json_object()};
	if (f->groups[f->n_groups].first == NULL || f->groups[f->n_groups].files == NULL) {
		json_decref(f->groups[f->n_groups].first);
		json_decref(f->groups[f->n_groups].files);
		return EMR_NO_MEMORY;
	}
	*out = f->n_groups++;
	return EMR_OK;
}

static emr_status find_group(emr_folding *f, const json_t *entry, size_t *out)
{
	size_t oldest = f->n_groups > GROUPS_BACK ? f->n_groups - GROUPS_BACK : 0;

	if (!may_fold(entry)) {
		*out = GROUPS_NONE;
		return EMR_OK;
	}
	for (size_t i = f->n_groups; i-- > oldest;) {
		if (is_alike(f->groups[i].first, entry)) {
			*out = i;
			return EMR_OK;
		}
	}
	return new_group(f, entry, out);
}

static emr_status join(group *g, const json_t *entry)
{
	const char *tx = emr_json_text_at(entry, "tx");
	char *to = strndup(tx, strcspn(tx, ":"));

	if (to == NULL)
		return EMR_NO_MEMORY;
	free(g->to);
	g->to = to;
	if (json_object_set_new(g->files, emr_json_text_at(entry, "path"), json_true()) != 0)
		return EMR_NO_MEMORY;
	g->bytes += emr_json_number_at(entry, "bytes");
	return EMR_OK;
}

static emr_status add_line(emr_folding *f, size_t in_group, char *text)
{
	if (emr_array_room(&f->lines, f->n, &f->cap, sizeof *f->lines) != EMR_OK)
		return EMR_NO_MEMORY;
	f->lines[f->n++] = (line){.group = in_group, .text = text};
	return EMR_OK;
}

/* The line of all of G: that of the first, of so many files, from its entry to the last one's. */
static char *line_of(const group *g)
{
	const char *tx = emr_json_text_at(g->first, "tx"),
		   *path = emr_json_text_at(g->first, "path");
	int from = (int)strcspn(tx, ":");
	EMR_AUTO_FREE char *entries = NULL, *folder = strndup(path, folder_len(path));
	bool is_one = strncmp(tx, g->to, (size_t)from) == 0 && g->to[from] == '\0';

	if (folder == NULL || (is_one ? asprintf(&entries, "%.*s:", from, tx)
				      : asprintf(&entries, "%.*s to %s:", from, tx, g->to)) < 0)
		return NULL;
	if (json_object_set_new(
		    g->first, "files", json_integer((json_int_t)json_object_size(g->files))) != 0 ||
		json_object_set_new(g->first, "path", json_string(folder)) != 0 ||
		json_object_set_new(g->first, "tx", json_string(entries)) != 0 ||
		json_object_set_new(g->first, "version", json_null()) != 0 ||
		(json_is_integer(json_object_get(g->first, "bytes")) &&
			json_object_set_new(
				g->first, "bytes", json_integer((json_int_t)g->bytes)) != 0))
		return NULL;
	return emr_deed_line(g->first);
}

emr_status emr_folding_end(emr_folding *folding)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; i < folding->n && status == EMR_OK; i++) {
		const line *one = &folding->lines[i];
		group *g = one->group != GROUPS_NONE ? &folding->groups[one->group] : NULL;
		EMR_AUTO_FREE char *text = NULL;

		if (g == NULL || json_object_size(g->files) <= FOLDED) {
			folding->fn(folding->arg, one->text);
			continue;
		}
		folding->has_folded = true;
		if (g->first == NULL) /* told */
			continue;
		text = line_of(g);
		if (text != NULL)
			folding->fn(folding->arg, text);
		status = text != NULL ? EMR_OK : EMR_NO_MEMORY;
		json_decref(g->first);
		g->first = NULL;
	}
	forget(folding);
	return status;
}

emr_status emr_folding_add(emr_folding *folding, const json_t *entry)
{
	json_int_t minute = json_integer_value(json_object_get(entry, "at_unix")) / 60;
	size_t in_group = GROUPS_NONE;
	char *text;
	emr_status status =
		folding->n > 0 && minute != folding->minute ? emr_folding_end(folding) : EMR_OK;

	folding->minute = minute;
	if (status == EMR_OK)
		status = find_group(folding, entry, &in_group);
	if (status == EMR_OK && in_group != GROUPS_NONE)
		status = join(&folding->groups[in_group], entry);
	if (status != EMR_OK)
		return status;
	text = emr_deed_line(entry);
	status = text != NULL ? add_line(folding, in_group, text) : EMR_NO_MEMORY;
	if (status != EMR_OK)
		free(text);
	return status;
}
