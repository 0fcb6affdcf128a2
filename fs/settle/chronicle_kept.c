/* This file keeps the history of the records in memory: objects, the records that they are, their
 * paths and what happened to them, so that all of it can be let go at once. It reads nothing
 * itself. */
#include "chronicle_private.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 256
#define PATH_BYTES_MAX 16384

emr_status chronicle_keep_text(emr_chronicle *c, emr_bytes bytes, text *out_text)
{
	EMR_TRY(emr_buf_append(&c->texts, "", c->texts.len == 0));
	*out_text = c->texts.len;
	EMR_TRY(emr_buf_append(&c->texts, bytes.data, bytes.len));
	return emr_buf_append(&c->texts, "", 1);
}

void chronicle_let_go(emr_chronicle *c)
{
	emr_buf_free(&c->texts);
	emr_buf_free(&c->objects);
	emr_buf_free(&c->subjects);
	emr_buf_free(&c->deeds);
	emr_buf_free(&c->entries);
	emr_buf_free(&c->domains);
	for (size_t i = 0; i <= EMR_MOVES_MAX; i++)
		emr_buf_free(&c->ledgers[i].domains);
	memset(c->ledgers, 0, sizeof c->ledgers);
	index16_free(&c->by_object);
	index16_free(&c->by_patient_id);
	emr_buf_free(&c->scratch);
	c->damaged = 0;
}

/* ---- paths ---- */

/* A record in no known directory is shown at the top, as the view does. */
emr_status chronicle_path_of(
	emr_chronicle *c, emr_id16 parent, text name, text known, text *out_path)
{
	const char *names[DEPTH_MAX], *path;
	size_t n = 0, len = 0;

	for (;;) {
		uint32_t up = index16_get(&c->by_object, parent);
		const object *directory = up != INDEX16_NONE ? object_at(c, up) : NULL;

		names[n] = text_at(c, name);
		len += strlen(names[n++]) + 1;
		if (directory == NULL || directory->is_top || directory->name == 0 ||
			n == DEPTH_MAX || len > PATH_BYTES_MAX)
			break;
		name = directory->name;
		parent = directory->parent;
	}
	emr_buf_clear(&c->scratch);
	while (n-- > 0) {
		EMR_TRY(emr_buf_append(&c->scratch, names[n], strlen(names[n])));
		EMR_TRY(emr_buf_append(&c->scratch, n > 0 ? "/" : "", 1));
	}
	path = (const char *)c->scratch.data;
	*out_path = known;
	return known != 0 && strcmp(text_at(c, known), path) == 0
		       ? EMR_OK
		       : chronicle_keep_text(c, emr_bytes_of(path, strlen(path)), out_path);
}

/* ---- objects and subjects ---- */

emr_status chronicle_object_of(emr_chronicle *c, emr_id16 domain, emr_id16 id, uint32_t *out_object)
{
	const object one = {.domain = domain, .subject = INDEX16_NONE};

	*out_object = index16_get(&c->by_object, id);
	if (*out_object != INDEX16_NONE)
		return emr_id16_equal(object_at(c, *out_object)->domain, domain) ? EMR_OK
										 : EMR_NOT_FOUND;
	*out_object = (uint32_t)(c->objects.len / sizeof one);
	EMR_TRY(emr_buf_append(&c->objects, &one, sizeof one));
	return index16_put(&c->by_object, id, *out_object);
}

emr_status chronicle_subject_new(emr_chronicle *c, uint32_t *out_subject)
{
	*out_subject = (uint32_t)(c->subjects.len / sizeof(subject));
	return emr_buf_append_zeros(&c->subjects, sizeof(subject));
}

emr_status chronicle_subject_of(
	emr_chronicle *c, const uint8_t r_pid[32], emr_id16 id, uint32_t *out_subject)
{
	emr_id16 key = id;

	if (!emr_id32_is_zero(EMR_ID32_AT(r_pid)))
		memcpy(key.b, r_pid, sizeof key.b);
	*out_subject = index16_get(&c->by_patient_id, key);
	if (*out_subject != INDEX16_NONE)
		return EMR_OK;
	EMR_TRY(chronicle_subject_new(c, out_subject));
	return index16_put(&c->by_patient_id, key, *out_subject);
}

/* ---- events ---- */

emr_status chronicle_add_event(
	emr_chronicle *c, const line *l, uint32_t s, emr_deed what, text path, text from)
{
	const subject *about = subject_at(c, s);
	const bool is_file = about->type == EMR_META_FILE;
	const written in = {.seq = l->at.seq,
		.time_unix_s = l->time_unix_s,
		.batch_id = l->batch_id,
		.signer_id = l->signer_id,
		.in_annex = (l->at.version & EMR_VERSION_ANNEX) != 0};
	size_t n = c->entries.len / sizeof in;
	told d = {.path = path,
		.from = from,
		.cver = is_file ? about->cver : 0,
		.bytes = is_file ? about->bytes : 0,
		.subject = s,
		.index = l->at.index,
		.deed = (uint8_t)what,
		.type = about->type};

	/* That of L is the newest or a new one. */
	if (n == 0 || !emr_id32_equal(entry_at(c, n - 1)->batch_id, l->batch_id)) {
		EMR_TRY(emr_buf_append(&c->entries, &in, sizeof in));
		n++;
	}
	d.entry = (uint32_t)(n - 1);
	return emr_buf_append(&c->deeds, &d, sizeof d);
}
