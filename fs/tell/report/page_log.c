/* This file gathers the part of the report page about what happened, the newest first, with alike
 * events as one. */
#include "page_parts.h"

#include <stdlib.h>
#include <string.h>

#include "kit/out.h"

json_t *page_pick(const json_t *from, const char *names)
{
	json_t *picked = json_object();
	int failed = 0;

	for (size_t len; *names != '\0'; names += len + (names[len] == ' ')) {
		json_t *value;

		len = strcspn(names, " ");
		value = json_object_getn(from, names, len);
		if (value != NULL)
			failed |= json_object_setn(picked, names, len, value);
	}
	return failed == 0 ? picked : (json_decref(picked), NULL);
}

#define LOG_MAX 40

json_t *page_entry(const emr_session *session, const emr_deeds *deeds, const emr_event *event,
	const emr_told *told, json_t *list)
{
	json_auto_t *entry = emr_deeds_entry(session, deeds, event, told);
	json_t *with = json_object_get(entry, "with"), *picked;

	if (entry == NULL ||
		(with != NULL && json_object_set_new(entry, "with",
					 page_pick(with, "who name organisation says kind")) != 0))
		return NULL;
	picked = page_pick(entry, "at_unix who name organisation says team purpose action type "
				  "path from version whole with until_unix goes_on into");
	return json_array_append_new(list, picked) == 0 ? picked : NULL;
}

static size_t directory_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? (size_t)(slash - path) : 0;
}

static bool is_plain(const emr_event *e)
{
	return e->type == EMR_META_FILE && e->path != NULL && e->from == NULL;
}

/* The same was done within the same minute to files of the same directory. */
static bool goes_with(const emr_event *a, const emr_event *b)
{
	size_t len;

	if (!is_plain(a) || !is_plain(b) || a->deed != b->deed ||
		a->time_unix_s / 60 != b->time_unix_s / 60 ||
		!emr_id32_equal(a->signer_id, b->signer_id))
		return false;
	len = directory_len(a->path);
	return len == directory_len(b->path) && strncmp(a->path, b->path, len) == 0;
}

/* NULL: all are told. */
static const emr_told *newest_dealing(const emr_openings *o, const bool *is_told)
{
	const emr_told *found = NULL;

	for (size_t i = 0; i < o->n; i++)
		if (o->list[i].opening == NULL && !is_told[i] &&
			(found == NULL || o->list[i].at >= found->at))
			found = &o->list[i];
	return found;
}

/* N files of the directory of E, whose ENTRY it is. */
static emr_status put_files(json_t *entry, const emr_event *e, size_t n)
{
	EMR_AUTO_FREE char *folder = strndup(e->path, directory_len(e->path));

	return folder != NULL && json_object_set_new(entry, "path", emr_json_text(folder)) == 0 &&
			       json_object_set_new(entry, "files", json_integer((json_int_t)n)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

emr_status page_log(const emr_session *session, const emr_deeds *d, json_t *page)
{
	const emr_openings *o = &d->openings;
	EMR_AUTO_FREE bool *is_told = calloc(o->n + 1, sizeof *is_told);
	json_t *log = json_array();

	if (json_object_set_new(page, "log", log) != 0 || is_told == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = d->n, n; json_array_size(log) < LOG_MAX; i -= n) {
		const emr_told *dealing = newest_dealing(o, is_told);
		const emr_event *e;
		json_t *entry;

		while (i > 0 && d->events[i - 1].deed == EMR_DEED_CHANGED)
			i--;
		e = i > 0 ? &d->events[i - 1] : NULL;
		if (dealing != NULL && (e == NULL || dealing->at >= e->time_unix_s)) {
			is_told[dealing - o->list] = true;
			e = NULL;
		} else if (e == NULL) {
			break;
		}
		entry = page_entry(session, d, e, dealing, log);
		EMR_TRY(entry != NULL ? EMR_OK : EMR_NO_MEMORY);
		n = e != NULL;
		while (n > 0 && n < i && goes_with(e, &d->events[i - 1 - n]))
			n++;
		if (n > 1)
			EMR_TRY(put_files(entry, e, n));
	}
	return EMR_OK;
}
