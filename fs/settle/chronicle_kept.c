/* This file keeps the history of the records in memory: objects, the records that they are, their
 * paths and what happened to them, so that all of it can be let go at once. It reads nothing
 * itself. */
#include "chronicle_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define DEPTH_MAX 256
#define PATH_BYTES_MAX 16384

void *chronicle_row_add(row *r, size_t item_size)
{
	if (r->n >= INDEX16_NONE || emr_array_room(&r->items, r->n, &r->cap, item_size) != EMR_OK)
		return NULL;
	return memset((char *)r->items + r->n++ * item_size, 0, item_size);
}

const char *chronicle_keep_text(emr_chronicle *c, const char *text, size_t len)
{
	char *kept;

	if (c->blocks == NULL || c->blocks->size - c->blocks->used < len + 1) {
		size_t size = len + 1 > 65536 ? len + 1 : 65536;
		block *b = malloc(sizeof *b + size);

		if (b == NULL)
			return NULL;
		*b = (block){.next = c->blocks, .size = size};
		c->blocks = b;
	}
	kept = c->blocks->bytes + c->blocks->used;
	if (len > 0)
		memcpy(kept, text, len);
	kept[len] = '\0';
	c->blocks->used += len + 1;
	return kept;
}

void chronicle_let_go(emr_chronicle *c)
{
	while (c->blocks != NULL) {
		block *b = c->blocks;

		c->blocks = b->next;
		free(b);
	}
	free(c->objects.items);
	free(c->subjects.items);
	free(c->deeds.items);
	free(c->entries.items);
	free(c->signers.items);
	free(c->domains.items);
	for (size_t i = 0; i <= EMR_MOVES_MAX; i++)
		emr_buf_free(&c->ledgers[i].domains);
	memset(c->ledgers, 0, sizeof c->ledgers);
	c->objects = c->subjects = c->deeds = c->entries = c->signers = c->domains = (row){0};
	index16_free(&c->by_object);
	index16_free(&c->by_patient_id);
	emr_buf_free(&c->scratch);
	c->damaged = 0;
}

/* ---- paths ---- */

/* As of now, from the top; in C's scratch. A record in no known directory is shown at the top, as
 * the view does. */
static emr_status path_of(
	emr_chronicle *c, emr_id16 parent, const char *name, const char **out_path)
{
	const char *names[DEPTH_MAX];
	size_t n = 0, len = 0;

	for (;;) {
		uint32_t up = index16_get(&c->by_object, parent);
		const object *directory = up != INDEX16_NONE ? object_at(c, up) : NULL;

		names[n++] = name;
		len += strlen(name) + 1;
		if (directory == NULL || directory->is_top || directory->name == NULL ||
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
	*out_path = (const char *)c->scratch.data;
	return EMR_OK;
}

emr_status chronicle_path_of(emr_chronicle *c, emr_id16 parent, const char *name, const char *known,
	const char **out_path)
{
	const char *path;

	EMR_TRY(path_of(c, parent, name, &path));
	*out_path = known != NULL && strcmp(known, path) == 0
			    ? known
			    : chronicle_keep_text(c, path, strlen(path));
	return *out_path != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- objects and subjects ---- */

emr_status chronicle_object_of(emr_chronicle *c, emr_id16 domain, emr_id16 id, uint32_t *out_object)
{
	emr_status status;
	object *o;

	*out_object = index16_get(&c->by_object, id);
	if (*out_object != INDEX16_NONE)
		return emr_id16_equal(object_at(c, *out_object)->domain, domain) ? EMR_OK
										 : EMR_NOT_FOUND;
	*out_object = (uint32_t)c->objects.n;
	o = chronicle_row_add(&c->objects, sizeof *o);
	if (o == NULL)
		return EMR_NO_MEMORY;
	o->domain = domain;
	o->subject = INDEX16_NONE;
	status = index16_put(&c->by_object, id, *out_object);
	if (status != EMR_OK)
		c->objects.n--;
	return status;
}

emr_status chronicle_subject_new(emr_chronicle *c, uint32_t *out_subject)
{
	*out_subject = (uint32_t)c->subjects.n;
	return chronicle_row_add(&c->subjects, sizeof(subject)) != NULL ? EMR_OK : EMR_NO_MEMORY;
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

static emr_status need_signer(emr_chronicle *c, emr_id32 id, uint32_t *out)
{
	emr_id32 *added;

	/* They are few, and whoever signed last is likely to have signed this. */
	for (size_t i = c->signers.n; i-- > 0;)
		if (emr_id32_equal(((const emr_id32 *)c->signers.items)[i], id)) {
			*out = (uint32_t)i;
			return EMR_OK;
		}
	added = chronicle_row_add(&c->signers, sizeof *added);
	if (added == NULL)
		return EMR_NO_MEMORY;
	*added = id;
	*out = (uint32_t)c->signers.n - 1;
	return EMR_OK;
}

/* That of L, which is the newest or a new one. */
static emr_status need_entry(emr_chronicle *c, const line *l, uint32_t *out)
{
	bool in_annex = (l->version & EMR_VERSION_ANNEX) != 0;
	const written *newest =
		c->entries.n > 0 ? (const written *)c->entries.items + c->entries.n - 1 : NULL;
	written *added;
	uint32_t signer;
	emr_status status;

	if (newest != NULL && emr_id32_equal(newest->batch_id, l->batch_id)) {
		*out = (uint32_t)c->entries.n - 1;
		return EMR_OK;
	}
	status = need_signer(c, l->signer_id, &signer);
	added = status == EMR_OK ? chronicle_row_add(&c->entries, sizeof *added) : NULL;
	if (added == NULL)
		return EMR_NO_MEMORY;
	*added = (written){.seq = l->seq,
		.time_unix_s = l->time_unix_s,
		.batch_id = l->batch_id,
		.signer = signer,
		.in_annex = in_annex};
	*out = (uint32_t)c->entries.n - 1;
	return EMR_OK;
}

emr_status chronicle_add_event(emr_chronicle *c, const line *l, uint32_t s, emr_deed what,
	const char *path, const char *from)
{
	const subject *about = subject_at(c, s);
	uint32_t in;
	emr_status status = need_entry(c, l, &in);
	told *d = status == EMR_OK ? chronicle_row_add(&c->deeds, sizeof *d) : NULL;

	if (d == NULL)
		return EMR_NO_MEMORY;
	*d = (told){.path = path,
		.from = from,
		.entry = in,
		.subject = s,
		.index = l->index,
		.deed = (uint8_t)what,
		.type = about->type};
	if (about->type == EMR_META_FILE) {
		d->cver = about->cver;
		d->bytes = about->bytes;
	}
	return EMR_OK;
}

/* ---- our domains ---- */

bool chronicle_is_ours(const emr_chronicle *c, emr_id16 domain)
{
	const emr_id16 *known = c->domains.items;

	for (size_t i = 0; i < c->domains.n; i++)
		if (emr_id16_equal(known[i], domain))
			return true;
	return false;
}

emr_status chronicle_note_domain(emr_chronicle *c, emr_id16 domain)
{
	emr_id16 *added;

	if (chronicle_is_ours(c, domain))
		return EMR_OK;
	added = chronicle_row_add(&c->domains, sizeof *added);
	if (added == NULL)
		return EMR_NO_MEMORY;
	*added = domain;
	return EMR_OK;
}
