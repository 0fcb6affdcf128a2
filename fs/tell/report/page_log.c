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

emr_status page_entry(const emr_session *session, emr_deeds *deeds, size_t event, size_t opening,
	size_t dealing, json_t **out_entry)
{
	const emr_openings *o = &deeds->openings;
	bool is_expired =
		dealing < o->n_dealings && o->dealings[dealing].said.kind == EMR_DEALING_EXPIRED;
	json_auto_t *entry = NULL;
	json_t *with;

	deeds->at_event = event < deeds->n ? event : deeds->n;
	deeds->at_opening = opening < o->n ? opening : o->n;
	deeds->at_dealing = dealing < o->n_dealings && !is_expired ? dealing : o->n_dealings;
	deeds->at_expired = is_expired ? dealing : o->n_dealings;
	EMR_TRY(emr_deeds_next(session, deeds, &entry));
	with = json_object_get(entry, "with");
	if (with != NULL && json_object_set_new(entry, "with",
				    page_pick(with, "who name organisation says kind")) != 0)
		return EMR_NO_MEMORY;
	*out_entry = page_pick(entry, "at_unix who name organisation says team purpose action type "
				      "path from version whole with until_unix goes_on into");
	return *out_entry != NULL ? EMR_OK : EMR_NO_MEMORY;
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

/* SIZE_MAX: all are told. */
static size_t newest_dealing(const emr_openings *o, const bool *is_told)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < o->n_dealings; i++)
		if (!is_told[i] &&
			(found == SIZE_MAX || o->dealings[i].said.at >= o->dealings[found].said.at))
			found = i;
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

emr_status page_log(const emr_session *session, emr_deeds *d, json_t *page)
{
	const emr_openings *o = &d->openings;
	EMR_AUTO_FREE bool *is_told = calloc(o->n_dealings + 1, sizeof *is_told);
	json_t *log = json_array();

	if (json_object_set_new(page, "log", log) != 0 || is_told == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = d->n, n; json_array_size(log) < LOG_MAX; i -= n) {
		size_t dealing = newest_dealing(o, is_told);
		const emr_event *e;
		json_t *entry = NULL;

		while (i > 0 && d->events[i - 1].deed == EMR_DEED_CHANGED)
			i--;
		e = i > 0 ? &d->events[i - 1] : NULL;
		if (e == NULL && dealing == SIZE_MAX)
			break;
		if (dealing != SIZE_MAX && e != NULL &&
			o->dealings[dealing].said.at < e->time_unix_s)
			dealing = SIZE_MAX;
		n = dealing == SIZE_MAX;
		if (n == 0)
			is_told[dealing] = true;
		EMR_TRY(page_entry(
			session, d, n == 1 ? i - 1 : SIZE_MAX, SIZE_MAX, dealing, &entry));
		if (json_array_append_new(log, entry) != 0)
			return EMR_NO_MEMORY;
		while (n > 0 && n < i && goes_with(e, &d->events[i - 1 - n]))
			n++;
		if (n > 1)
			EMR_TRY(put_files(entry, e, n));
	}
	return EMR_OK;
}
