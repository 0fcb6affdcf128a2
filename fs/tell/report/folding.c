/* This file makes one line of the log out of many entries that are alike, for example of three
 * hundred images of one series: of one kind, one folder, one person and one minute. */
#include "kit/json.h"
#include "report/folding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/deeds.h"

#define FOLDED 5 /* more files than these are one line */

typedef struct line {
	char *text;    /* owned */
	json_t *group; /* of the folding's; NULL: it stands alone */
} line;

struct emr_folding {
	emr_line_fn fn;
	void *arg;
	json_int_t minute; /* of all below */
	emr_buf lines;	   /* line, ... */
	json_t *groups;	   /* {what is alike: {first: entry, until it was told; paths: {path: true},
			      bytes,    to: number of the last entry}} */
	bool has_folded;
};

emr_status emr_folding_new(emr_line_fn fn, void *arg, emr_folding **out_folding)
{
	emr_folding *f = calloc(1, sizeof *f);

	if (f == NULL)
		return EMR_NO_MEMORY;
	*f = (emr_folding){.fn = fn, .arg = arg, .groups = json_object()};
	*out_folding = f;
	return EMR_OK;
}

static void forget(emr_folding *f)
{
	EMR_EACH (const line, one, &f->lines)
		free(one->text);
	emr_buf_clear(&f->lines);
	(void)json_object_clear(f->groups);
}

void emr_folding_free(emr_folding *folding)
{
	if (folding == NULL)
		return;
	forget(folding);
	emr_buf_free(&folding->lines);
	json_decref(folding->groups);
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

/* *OUT: the group that ENTRY is one of, borrowed; NULL: none. */
static emr_status join(emr_folding *f, const json_t *entry, json_t **out)
{
	static const char *const same[] = {"who", "name", "organisation", "says", "team", "purpose",
		"action", "whole", "software", "proven", "released_by", "with", "into"};
	const char *path = emr_json_text_at(entry, "path"), *tx = emr_json_text_at(entry, "tx");
	json_auto_t *alike = json_pack("{s:s%}", "folder", path, folder_len(path));
	EMR_AUTO_FREE char *key = NULL;
	json_t *group;
	int failed = 0;

	if (!may_fold(entry))
		return EMR_OK;
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		if (json_object_get(entry, same[i]) != NULL)
			failed |= json_object_set(alike, same[i], json_object_get(entry, same[i]));
	key = failed == 0 ? json_dumps(alike, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	EMR_TRY(key != NULL ? EMR_OK : EMR_NO_MEMORY);
	group = json_object_get(f->groups, key);
	if (group == NULL) {
		group = json_pack("{s:o, s:{}}", "first", json_deep_copy(entry), "paths");
		failed = json_object_set_new(f->groups, key, group);
	}
	if (failed == 0)
		failed = json_object_set_new(group, "to", json_stringn(tx, strcspn(tx, ":"))) |
			 json_object_set_new(json_object_get(group, "paths"), path, json_true()) |
			 json_object_set_new(group, "bytes",
				 json_integer((json_int_t)(emr_json_number_at(group, "bytes") +
							   emr_json_number_at(entry, "bytes"))));
	*out = group;
	return failed == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* The line of all of GROUP: that of the first, of so many files, from its entry to the last
 * one's. */
static char *line_of(json_t *group)
{
	json_t *first = json_object_get(group, "first");
	const char *tx = emr_json_text_at(first, "tx"), *to = emr_json_text_at(group, "to"),
		   *path = emr_json_text_at(first, "path");
	int from = (int)strcspn(tx, ":");
	EMR_AUTO_FREE char *entries = NULL, *folder = strndup(path, folder_len(path));
	bool is_one = strncmp(tx, to, (size_t)from) == 0 && to[from] == '\0';

	if (folder == NULL || (is_one ? asprintf(&entries, "%.*s:", from, tx)
				      : asprintf(&entries, "%.*s to %s:", from, tx, to)) < 0)
		return NULL;
	(void)json_object_del(first, "opened_at_unix"); /* of the first alone */
	if (json_object_set_new(first, "files",
		    json_integer((json_int_t)json_object_size(json_object_get(group, "paths")))) !=
			0 ||
		json_object_set_new(first, "path", json_string(folder)) != 0 ||
		json_object_set_new(first, "tx", json_string(entries)) != 0 ||
		json_object_set_new(first, "version", json_null()) != 0 ||
		(json_is_integer(json_object_get(first, "bytes")) &&
			json_object_set(first, "bytes", json_object_get(group, "bytes")) != 0))
		return NULL;
	return emr_deed_line(first);
}

emr_status emr_folding_end(emr_folding *folding)
{
	emr_status status = EMR_OK;

	EMR_EACH (const line, one, &folding->lines) {
		EMR_AUTO_FREE char *text = NULL;

		if (status != EMR_OK)
			break;
		if (json_object_size(json_object_get(one->group, "paths")) <= FOLDED) {
			folding->fn(folding->arg, one->text);
			continue;
		}
		folding->has_folded = true;
		if (json_object_get(one->group, "first") == NULL)
			continue;
		text = line_of(one->group);
		if (text != NULL)
			folding->fn(folding->arg, text);
		status = text != NULL ? EMR_OK : EMR_NO_MEMORY;
		(void)json_object_del(one->group, "first");
	}
	forget(folding);
	return status;
}

emr_status emr_folding_add(emr_folding *folding, const json_t *entry)
{
	json_int_t minute = json_integer_value(json_object_get(entry, "at_unix")) / 60;
	line one = {0};
	emr_status status;

	if (minute != folding->minute)
		EMR_TRY(emr_folding_end(folding));
	folding->minute = minute;
	EMR_TRY(join(folding, entry, &one.group));
	one.text = emr_deed_line(entry);
	status = one.text != NULL ? emr_buf_append(&folding->lines, &one, sizeof one)
				  : EMR_NO_MEMORY;
	if (status != EMR_OK)
		free(one.text);
	return status;
}
