/* What a computer of hers saved in folders that others see: when it turns out to be stolen she is
 * shown that, and can take it out of there. This file finds it by the ledger, where each entry has
 * its signer, and removes it as she would herself, so that nothing is destroyed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "contract/codes.h"
#include "share/devices.h"
#include "share_private.h"

/* ---- what it said ---- */

typedef struct deed {
	emr_id16 domain, object;
	uint64_t seq, at_unix_s;
	bool is_new;
} deed;

typedef struct looking {
	emr_share *share;
	emr_id32 device;
	uint64_t since_unix_s, latest_unix_s; /* of all entries so far */
	deed *all;
	size_t n, cap;
} looking;

static void looking_end(looking *l)
{
	free(l->all);
}
#define AUTO_LOOKING __attribute__((cleanup(looking_end))) looking

/* An entry is as late as any before it, whatever date it was given. */
static emr_status note_change(void *arg, const emr_replica_change *c)
{
	looking *l = arg;
	bool is_new = c->version == 1;

	if (c->ledger_time > l->latest_unix_s)
		l->latest_unix_s = c->ledger_time;
	if (c->family != EMR_FAMILY_OBJECT || c->result != EMR_RESULT_APPLIED ||
		!emr_id32_equal(c->signer_id, l->device) || l->latest_unix_s < l->since_unix_s ||
		(c->op != EMR_OP_PUT && c->op != EMR_OP_REWRAP &&
			(c->op != EMR_OP_META || !is_new)))
		return EMR_OK;
	if (emr_array_room(&l->all, l->n, &l->cap, sizeof *l->all) != EMR_OK)
		return EMR_NO_MEMORY;
	l->all[l->n++] = (deed){.domain = c->domain,
		.object = c->object,
		.seq = c->seq,
		.at_unix_s = c->ledger_time,
		.is_new = is_new};
	return EMR_OK;
}

static int by_object(const void *a, const void *b)
{
	const deed *x = a, *y = b;
	int order = memcmp(x->domain.b, y->domain.b, sizeof x->domain.b);

	if (order == 0)
		order = memcmp(x->object.b, y->object.b, sizeof x->object.b);
	return order != 0 ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

/* ---- one folder that is shared ---- */

typedef struct thing {
	emr_id16 object, parent;
	emr_buf name;
	const deed *last; /* NULL: nothing of the computer's */
	bool is_new, is_directory, is_file;
	bool stays; /* a directory of its own that has something else in it */
} thing;

typedef struct sifting {
	emr_id16 domain;
	share_reader *reader;
	thing *all;
	size_t n, cap;
} sifting;

static void sifting_end(sifting *f)
{
	for (size_t i = 0; i < f->n; i++)
		emr_buf_free(&f->all[i].name);
	free(f->all);
	share_reader_free(f->reader);
}
#define AUTO_SIFTING __attribute__((cleanup(sifting_end))) sifting

static emr_status note_head(void *arg, const emr_replica_head *head)
{
	sifting *f = arg;
	AUTO_RECORD record = {0};
	thing *t;
	emr_status status;

	if (head->state != EMR_OBJECT_LIVE)
		return EMR_OK;
	if (emr_array_room(&f->all, f->n, &f->cap, sizeof *f->all) != EMR_OK)
		return EMR_NO_MEMORY;
	t = &f->all[f->n++];
	*t = (thing){.object = head->object};
	status = share_as_it_is(f->reader, head, &record);
	if (status != EMR_OK) /* it is there all the same */
		return emr_status_is_local(status) ? status : EMR_OK;
	t->parent = record.meta.parent;
	t->is_directory = record.meta.type == EMR_META_DIR;
	t->is_file = record.meta.type == EMR_META_FILE;
	return emr_buf_append(&t->name, record.meta.name.data, record.meta.name.len);
}

static int by_id(const void *a, const void *b)
{
	const thing *x = a, *y = b;

	return memcmp(x->object.b, y->object.b, sizeof x->object.b);
}

static thing *thing_of(const sifting *f, emr_id16 object)
{
	const thing key = {.object = object};

	return f->n > 0 ? bsearch(&key, f->all, f->n, sizeof key, by_id) : NULL;
}

/* What is above something that stays does, too. */
static void keep_above(const sifting *f, const thing *t)
{
	for (thing *up = thing_of(f, t->parent); up != NULL && !up->stays;
		up = thing_of(f, up->parent))
		up->stays = true;
}

static void put_before(char *path, size_t size, const emr_buf *name)
{
	size_t len = strlen(path), more = name->len + (len > 0);

	if (name->len == 0 || len + more >= size)
		return;
	memmove(path + more, path, len + 1);
	memcpy(path, name->data, name->len);
	if (len > 0)
		path[name->len] = '/';
}

static void name_folder(const sifting *f, const thing *t, emr_saved *out)
{
	size_t steps = 0;

	for (const thing *up = thing_of(f, t->parent); up != NULL && steps <= f->n; steps++) {
		put_before(out->folder, sizeof out->folder, &up->name);
		up = emr_id16_equal(up->object, f->domain) ? NULL : thing_of(f, up->parent);
	}
}

/* The shared folder itself goes by no word but hers; a file that is shared by itself is alone. */
static bool is_listed(const sifting *f, const thing *t)
{
	if (t->last == NULL || (t->is_directory && (t->stays || !t->is_new)))
		return false;
	return !emr_id16_equal(t->object, f->domain) || (t->is_file && f->n == 1);
}

static emr_status add_listed(const sifting *f, emr_buf *out)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; i < f->n; i++)
		if (!is_listed(f, &f->all[i]))
			keep_above(f, &f->all[i]);
	for (size_t i = 0; i < f->n && status == EMR_OK; i++) {
		const thing *t = &f->all[i];
		emr_saved saved = {.domain = f->domain, .object = t->object, .is_new = t->is_new};

		if (!is_listed(f, t))
			continue;
		saved.saved_unix_s = t->last->at_unix_s;
		if (t->name.len < sizeof saved.name)
			memcpy(saved.name, t->name.data, t->name.len);
		name_folder(f, t, &saved);
		status = emr_buf_append(out, &saved, sizeof saved);
	}
	return status;
}

/* The N DEEDS are of one domain, in the order of their objects. */
static emr_status sift_domain(emr_share *share, const deed *deeds, size_t n, emr_buf *out)
{
	AUTO_SIFTING f = {.domain = deeds[0].domain};
	uint64_t began = UINT64_MAX;
	emr_status status = share_began_in(share, f.domain, &began);

	/* What lay there when she shared is shared because she did. */
	if (status != EMR_OK || began == UINT64_MAX)
		return status;
	status = share_reader_new(share, f.domain, &f.reader);
	if (status == EMR_OK)
		status = emr_replica_each_head(share->o.replica, &f.domain, note_head, &f);
	if (status != EMR_OK)
		return status;
	if (f.n > 1)
		qsort(f.all, f.n, sizeof *f.all, by_id);
	for (size_t i = 0; i < n; i++) {
		thing *t = deeds[i].seq > began ? thing_of(&f, deeds[i].object) : NULL;

		if (t == NULL)
			continue;
		t->last = &deeds[i];
		t->is_new = t->is_new || deeds[i].is_new;
	}
	return add_listed(&f, out);
}

static int by_folder(const void *a, const void *b)
{
	const emr_saved *x = a, *y = b;
	int order = strcmp(x->folder, y->folder);

	return order != 0 ? order : strcmp(x->name, y->name);
}

emr_status emr_share_saved(
	emr_share *share, emr_id32 device, uint64_t since_unix_s, emr_saved_fn fn, void *arg)
{
	AUTO_LOOKING l = {.share = share, .device = device, .since_unix_s = since_unix_s};
	EMR_AUTO_BUF saved = {0};
	emr_status status = emr_replica_since(share->o.replica, 0, note_change, &l);

	if (status == EMR_OK && l.n > 1)
		qsort(l.all, l.n, sizeof *l.all, by_object);
	for (size_t from = 0, to; from < l.n && status == EMR_OK; from = to) {
		for (to = from + 1; to < l.n; to++)
			if (!emr_id16_equal(l.all[to].domain, l.all[from].domain))
				break;
		status = sift_domain(share, &l.all[from], to - from, &saved);
	}
	if (status == EMR_OK && saved.len > sizeof(emr_saved))
		qsort(saved.data, saved.len / sizeof(emr_saved), sizeof(emr_saved), by_folder);
	for (size_t at = 0; at < saved.len && status == EMR_OK; at += sizeof(emr_saved))
		status = fn(arg, (const emr_saved *)(const void *)(saved.data + at));
	return status;
}

/* ---- its end ---- */

#define ENDS_AT_ONCE 400 /* of a batch's 500 items */
#define ROUNDS 5	 /* in which somebody may be quicker, before she has to ask again */

/* At most ENDS_AT_ONCE of DOMAIN. */
static emr_status unlink_some(emr_share *share, emr_id16 domain, const emr_saved *saved, size_t n)
{
	AUTO_PARCEL p = {0};
	emr_row_domain row;
	emr_status status = share_catch_up(share);

	if (status == EMR_OK)
		status = share_domain(share, domain, &row);
	if (status == EMR_OK)
		status = parcel_begin(share, emr_signer_domain(domain, SHARE_GEN), &p);
	for (size_t i = 0; i < n && status == EMR_OK; i++) {
		emr_act act = {.op = EMR_OP_UNLINK,
			.domain = domain,
			.object = saved[i].object,
			.epoch = row.head.epoch};
		emr_replica_head head;

		status = emr_replica_head_get(share->o.replica, domain, saved[i].object, &head);
		if (status != EMR_OK || head.state != EMR_OBJECT_LIVE)
			continue;
		status = parcel_prepare(&p, &act);
		if (status == EMR_OK)
			status = parcel_add(&p, &act, NULL);
	}
	return status == EMR_OK && emr_batch_count(p.batch) > 0 ? parcel_send(&p) : status;
}

static int by_domain(const void *a, const void *b)
{
	const emr_saved *x = a, *y = b;

	return memcmp(x->domain.b, y->domain.b, sizeof x->domain.b);
}

/* SAVED is in the order of domains. */
static emr_status end_all(emr_share *share, const emr_saved *saved, size_t n)
{
	emr_status first = EMR_OK;

	for (size_t from = 0, to; from < n; from = to) {
		emr_status status = EMR_CONFLICT;

		for (to = from + 1; to < n && to - from < ENDS_AT_ONCE; to++)
			if (!emr_id16_equal(saved[to].domain, saved[from].domain))
				break;
		for (int round = 0; round < ROUNDS && emr_status_is_moved(status); round++)
			status = unlink_some(share, saved[from].domain, &saved[from], to - from);
		first = first == EMR_OK ? status : first;
	}
	return first;
}

emr_status emr_share_saved_end(emr_share *share, const emr_saved *saved, size_t n)
{
	emr_saved *all = calloc(n > 0 ? n : 1, sizeof *all);
	emr_status status = EMR_NO_MEMORY;

	if (all != NULL && n > 0) {
		memcpy(all, saved, n * sizeof *all);
		qsort(all, n, sizeof *all, by_domain);
	}
	if (all != NULL)
		status = end_all(share, all, n);
	free(all);
	return status;
}
