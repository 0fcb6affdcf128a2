/* When a computer of the owner turns out to be stolen, this file lists the files that it saved in
 * folders that others see, and can take them out of there. It finds them by the ledger, where each
 * entry has its signer, and removes them as the owner would, so that nothing is destroyed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "contract/codes.h"
#include "share/devices.h"
#include "share_private.h"

/* ---- what it said ---- */

/* An entry about an object; HIS: of the computer, or of a writer whom it added. */
typedef struct deed {
	emr_id16 domain, object;
	uint64_t seq, at_unix_s, version;
	uint16_t index;
	uint8_t op;
	bool is_his, is_let_in;
} deed;

/* WRITER, the first bytes of a key, writes in DOMAIN by the word of the computer. */
typedef struct let_in {
	emr_id16 domain, writer;
} let_in;

typedef struct looking {
	emr_share *share;
	emr_id32 device;
	uint64_t since_unix_s, latest_unix_s; /* of all entries so far */
	emr_buf hers;			      /* emr_id32, ...: her computers that are in force */
	emr_buf lets;			      /* let_in, ...: as of the entry that is looked at */
	const deed *his; /* NULL: the first walk; else in the order of objects */
	size_t n_his;
	deed *all;
	size_t n, cap;
} looking;

static void looking_end(looking *l)
{
	emr_buf_free(&l->hers);
	emr_buf_free(&l->lets);
	free(l->all);
}
#define AUTO_LOOKING __attribute__((cleanup(looking_end))) looking

static emr_status note_hers(void *arg, const emr_device *device)
{
	looking *l = arg;

	return device->is_active
		       ? emr_buf_append(&l->hers, &device->signer_id, sizeof device->signer_id)
		       : EMR_OK;
}

/* NULL: nobody of that name was let in. */
static let_in *let_in_at(const looking *l, emr_id16 domain, emr_id16 writer)
{
	let_in *all = (let_in *)(void *)l->lets.data;

	for (size_t i = 0; i < l->lets.len / sizeof *all; i++)
		if (emr_id16_equal(all[i].domain, domain) && emr_id16_equal(all[i].writer, writer))
			return &all[i];
	return NULL;
}

/* A computer of hers is hers, whatever the stolen one says of its rights. */
static bool was_let_in(const looking *l, emr_id16 domain, emr_id32 signer)
{
	emr_id16 writer;

	if (emr_buf_has(&l->hers, &signer, sizeof signer))
		return false;
	memcpy(writer.b, signer.b, sizeof writer.b);
	return let_in_at(l, domain, writer) != NULL;
}

static bool is_his(const looking *l, const emr_replica_change *c)
{
	return emr_id32_equal(c->signer_id, l->device) || was_let_in(l, c->domain, c->signer_id);
}

/* A right is the word of who gave it last. */
static emr_status note_right(looking *l, const emr_replica_change *c)
{
	const let_in one = {.domain = c->domain, .writer = c->object};
	let_in *known = let_in_at(l, c->domain, c->object);

	if (is_his(l, c))
		return known != NULL ? EMR_OK : emr_buf_append(&l->lets, &one, sizeof one);
	if (known != NULL) {
		memcpy(known, l->lets.data + l->lets.len - sizeof one, sizeof one);
		l->lets.len -= sizeof one;
	}
	return EMR_OK;
}

static int compare_objects(const deed *x, const deed *y)
{
	int order = memcmp(x->domain.b, y->domain.b, sizeof x->domain.b);

	return order != 0 ? order : memcmp(x->object.b, y->object.b, sizeof x->object.b);
}

static int by_object(const void *a, const void *b)
{
	return compare_objects(a, b);
}

static int by_time(const void *a, const void *b)
{
	const deed *x = a, *y = b;
	int order = compare_objects(x, y);

	if (order == 0)
		order = (x->seq > y->seq) - (x->seq < y->seq);
	return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* The first walk takes what is his, the second what others said of the same objects. */
static bool is_wanted(const looking *l, const deed *d)
{
	if (l->his == NULL)
		return d->is_his && l->latest_unix_s >= l->since_unix_s;
	return !d->is_his && bsearch(d, l->his, l->n_his, sizeof *d, by_object) != NULL;
}

/* An entry is as late as any before it, whatever date it was given. */
static emr_status note_change(void *arg, const emr_replica_change *c)
{
	looking *l = arg;
	const deed said = {.domain = c->domain,
		.object = c->object,
		.seq = c->seq,
		.at_unix_s = c->ledger_time,
		.version = c->version,
		.index = c->index,
		.op = c->op,
		.is_his = is_his(l, c),
		.is_let_in = !emr_id32_equal(c->signer_id, l->device)};

	if (c->ledger_time > l->latest_unix_s)
		l->latest_unix_s = c->ledger_time;
	if (c->result != EMR_RESULT_APPLIED)
		return EMR_OK;
	if (c->family == EMR_FAMILY_WRITER)
		return note_right(l, c);
	if (c->family != EMR_FAMILY_OBJECT || !is_wanted(l, &said))
		return EMR_OK;
	if (emr_array_room(&l->all, l->n, &l->cap, sizeof *l->all) != EMR_OK)
		return EMR_NO_MEMORY;
	l->all[l->n++] = said;
	return EMR_OK;
}

/* The entries of the computer, and those of others about the same objects, in the order of objects
 * and entries. */
static emr_status look(looking *l)
{
	deed *his;
	emr_status status;

	EMR_TRY(emr_share_devices(l->share, note_hers, l));
	EMR_TRY(emr_replica_since(l->share->o.replica, 0, note_change, l));
	if (l->n == 0)
		return EMR_OK;
	qsort(l->all, l->n, sizeof *l->all, by_object);
	his = malloc(l->n * sizeof *his);
	if (his == NULL)
		return EMR_NO_MEMORY;
	memcpy(his, l->all, l->n * sizeof *his);
	l->his = his;
	l->n_his = l->n;
	l->lets.len = 0;
	l->latest_unix_s = 0;
	status = emr_replica_since(l->share->o.replica, 0, note_change, l);
	l->his = NULL;
	free(his);
	qsort(l->all, l->n, sizeof *l->all, by_time);
	return status;
}

/* ---- one folder that is shared ---- */

typedef struct thing {
	emr_id16 object, parent;
	emr_buf name;
	const deed *last; /* NULL: nothing of the computer's */
	bool is_new, is_directory, is_file;
	bool is_down;	 /* unlinked, as of the deed that is looked at */
	bool is_changed; /* somebody else has saved it since */
	bool stays;	 /* a directory of its own that has something else in it */
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

/* A folder above something that stays does, too. */
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
	for (size_t i = 0; i < f->n; i++)
		if (!is_listed(f, &f->all[i]))
			keep_above(f, &f->all[i]);
	for (size_t i = 0; i < f->n; i++) {
		const thing *t = &f->all[i];
		emr_saved saved = {.domain = f->domain,
			.object = t->object,
			.is_new = t->is_new,
			.is_changed = t->is_changed};

		if (!t->is_changed && !is_listed(f, t))
			continue;
		if (t->last != NULL) {
			saved.seq = t->last->seq;
			saved.saved_unix_s = t->last->at_unix_s;
			saved.is_let_in = t->last->is_let_in;
		}
		if (t->name.len > 0 && t->name.len < sizeof saved.name)
			memcpy(saved.name, t->name.data, t->name.len);
		name_folder(f, t, &saved);
		EMR_TRY(emr_buf_append(out, &saved, sizeof saved));
	}
	return EMR_OK;
}

/* Applies the entry D to T. A file that another person saved over is no more the computer's; nor is
 * one that the owner took away, unless the computer brings it back. */
static void follow(thing *t, const deed *d, uint64_t began)
{
	bool was_down = t->is_down;

	t->is_down = d->op == EMR_OP_UNLINK || d->op == EMR_OP_ERASE;
	if (t->is_down || (!d->is_his && (d->op == EMR_OP_PUT || was_down))) {
		t->is_changed = !t->is_down && (t->last != NULL || t->is_changed);
		t->last = NULL;
		t->is_new = false;
		return;
	}
	if (!d->is_his || d->seq <= began || (d->op == EMR_OP_META && d->version != 1 && !was_down))
		return;
	t->last = d;
	t->is_new |= d->version == 1 || was_down;
	t->is_changed = false;
}

typedef struct rooting {
	sifting *f;
	emr_share *share;
} rooting;

/* A directory in which another folder of hers lies, that is shared by itself or not, stays with it.
 */
static emr_status keep_around(void *arg, emr_id16 domain, bool is_mine, emr_bytes d_row)
{
	const rooting *r = arg;
	emr_id16 parent;
	bool has_parent = false;
	thing *around;
	emr_status status = EMR_OK;

	(void)d_row;
	if (!is_mine || emr_id16_equal(domain, r->f->domain))
		return EMR_OK;
	status = share_lies_in(r->share, domain, &parent, &has_parent);
	around = status == EMR_OK && has_parent ? thing_of(r->f, parent) : NULL;
	if (around != NULL) {
		around->stays = true;
		keep_above(r->f, around);
	}
	return status;
}

/* The N DEEDS are of one domain, in the order of their objects. */
static emr_status sift_domain(emr_share *share, const deed *deeds, size_t n, emr_buf *out)
{
	AUTO_SIFTING f = {.domain = deeds[0].domain};
	rooting r = {.f = &f, .share = share};
	uint64_t began = UINT64_MAX;

	EMR_TRY(share_began_in(share, f.domain, &began));
	/* A file that lay there when the owner shared is shared because of that. */
	if (began == UINT64_MAX)
		return EMR_OK;
	EMR_TRY(share_reader_new(share, f.domain, &f.reader));
	EMR_TRY(emr_replica_each_head(share->o.replica, &f.domain, note_head, &f));
	if (f.n > 1)
		qsort(f.all, f.n, sizeof *f.all, by_id);
	for (size_t i = 0; i < n; i++) {
		thing *t = thing_of(&f, deeds[i].object);

		if (t != NULL)
			follow(t, &deeds[i], began);
	}
	EMR_TRY(emr_replica_domains(share->o.replica, keep_around, &r));
	return add_listed(&f, out);
}

static int by_folder(const void *a, const void *b)
{
	const emr_saved *x = a, *y = b;
	int order = strcmp(x->folder, y->folder);

	return order != 0 ? order : strcmp(x->name, y->name);
}

/* Appends emr_saved, ..., in no order but that of domains. */
static emr_status find_saved(emr_share *share, emr_id32 device, uint64_t since_unix_s, emr_buf *out)
{
	AUTO_LOOKING l = {.share = share, .device = device, .since_unix_s = since_unix_s};

	EMR_TRY(look(&l));
	for (size_t from = 0, to; from < l.n; from = to) {
		for (to = from + 1; to < l.n; to++)
			if (!emr_id16_equal(l.all[to].domain, l.all[from].domain))
				break;
		EMR_TRY(sift_domain(share, &l.all[from], to - from, out));
	}
	return EMR_OK;
}

emr_status emr_share_saved(
	emr_share *share, emr_id32 device, uint64_t since_unix_s, emr_saved_fn fn, void *arg)
{
	EMR_AUTO_BUF saved = {0};

	EMR_TRY(find_saved(share, device, since_unix_s, &saved));
	if (saved.len > sizeof(emr_saved))
		qsort(saved.data, saved.len / sizeof(emr_saved), sizeof(emr_saved), by_folder);
	EMR_EACH (const emr_saved, one, &saved)
		EMR_TRY(fn(arg, one));
	return EMR_OK;
}

/* ---- its end ---- */

#define ENDS_AT_ONCE 400 /* of a batch's 500 items */
#define ROUNDS 5	 /* in which somebody may be quicker, before she has to ask again */

/* At most ENDS_AT_ONCE of DOMAIN. */
static emr_status unlink_some(emr_share *share, emr_id16 domain, const emr_saved *saved, size_t n)
{
	AUTO_PARCEL p = {0};
	emr_row_domain row;

	EMR_TRY(share_domain(share, domain, &row));
	EMR_TRY(parcel_begin(share, emr_signer_domain(domain, SHARE_GEN), &p));
	for (size_t i = 0; i < n; i++) {
		emr_act act = {.op = EMR_OP_UNLINK,
			.domain = domain,
			.object = saved[i].object,
			.epoch = row.head.epoch};

		EMR_TRY(parcel_prepare(&p, &act));
		EMR_TRY(parcel_add(&p, &act, NULL));
	}
	return emr_batch_count(p.batch) > 0 ? parcel_send(&p) : EMR_OK;
}

/* SAVED is in the order of domains. */
static emr_status unlink_all(emr_share *share, const emr_saved *saved, size_t n)
{
	emr_status first = EMR_OK;

	for (size_t from = 0, to; from < n; from = to) {
		emr_status status;

		for (to = from + 1; to < n && to - from < ENDS_AT_ONCE; to++)
			if (!emr_id16_equal(saved[to].domain, saved[from].domain))
				break;
		status = unlink_some(share, saved[from].domain, &saved[from], to - from);
		first = first == EMR_OK ? status : first;
	}
	return first;
}

static bool was_shown(const emr_saved *shown, size_t n, const emr_saved *now)
{
	for (size_t i = 0; i < n; i++)
		if (shown[i].seq == now->seq && emr_id16_equal(shown[i].domain, now->domain) &&
			emr_id16_equal(shown[i].object, now->object))
			return !shown[i].is_changed;
	return false;
}

/* Keeps only the shown items that are unchanged: the others were saved, moved or got something in
 * them since. */
static emr_status unlink_shown(emr_share *share, emr_id32 device, uint64_t since_unix_s,
	const emr_saved *shown, size_t n, size_t *out_n)
{
	EMR_AUTO_BUF found = {0};
	EMR_AUTO_BUF ends = {0};

	EMR_TRY(share_catch_up(share));
	EMR_TRY(find_saved(share, device, since_unix_s, &found));
	EMR_EACH (const emr_saved, now, &found)
		if (!now->is_changed && was_shown(shown, n, now))
			EMR_TRY(emr_buf_append(&ends, now, sizeof *now));
	*out_n = ends.len / sizeof(emr_saved);
	return unlink_all(share, (const emr_saved *)(const void *)ends.data, *out_n);
}

emr_status emr_share_saved_end(emr_share *share, emr_id32 device, uint64_t since_unix_s,
	const emr_saved *shown, size_t n, size_t *out_n)
{
	emr_status status = EMR_CONFLICT;
	size_t ended = 0;

	*out_n = 0;
	for (int round = 0; round < ROUNDS && emr_status_is_moved(status); round++) {
		status = unlink_shown(share, device, since_unix_s, shown, n, &ended);
		*out_n = ended > *out_n ? ended : *out_n;
	}
	return status;
}
