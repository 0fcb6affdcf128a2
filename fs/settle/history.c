/* This file reads the past: all versions of a file, the folder as of a time, and one record
 * wherever it was moved. Erased parts are no damage; parts that cannot be read are counted. */
#include "settle/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"

#include "facts_private.h"

#define ENOUGH EMR_INTERRUPTED /* ends a walk of our own */

/* An object after some item of its chain. */
typedef struct standing {
	emr_id16 domain, object;
	uint64_t described; /* item that says name and place; 0: none yet */
	uint64_t pversion;
	bool is_live;
} standing;

/* False for items that change nothing a person sees. */
static bool go_on(standing *s, uint8_t op, uint64_t version)
{
	switch (op) {
	case EMR_OP_PUT:
	case EMR_OP_REWRAP:
		s->pversion = version;
		s->described = version;
		s->is_live = true;
		return true;
	case EMR_OP_META:
		s->described = version;
		s->is_live = true;
		return true;
	case EMR_OP_UNLINK:
		s->is_live = false;
		return true;
	}
	return false;
}

static void copy_item(const emr_replica_item *item, emr_version *out)
{
	out->item_id = item->item_id;
	out->batch_id = item->batch_id;
	out->signer_id = item->signer_id;
	out->seq = item->seq;
	out->time_unix_s = item->ledger_time;
	out->index = item->index;
	out->op = item->op;
}

static bool has_part(emr_facts *facts, const standing *s, uint64_t version, emr_buf *scratch)
{
	emr_part_key at = emr_part_of_object(s->domain, s->object, version);

	return facts_part(facts, &at, scratch) != EMR_NOT_FOUND;
}

/* A part that is not there because it was erased is no damage. */
static bool is_erased(emr_facts *facts, const standing *s)
{
	EMR_AUTO_BUF scratch = {0};

	if (s->described == 0 || !has_part(facts, s, s->described, &scratch))
		return true;
	return s->pversion != 0 && !has_part(facts, s, s->pversion, &scratch);
}

/* Where a walk's readable versions go. */
typedef struct telling {
	emr_facts *facts;
	emr_version_fn fn;
	void *arg;
	emr_buf plain;
	uint64_t damaged;
} telling;

/* Reads what S says and gives V, whose item is set, to FN. */
static emr_status tell_version(telling *t, const standing *s, emr_version *v, uint64_t version)
{
	const emr_replica_head head = {.domain = s->domain,
		.object = s->object,
		.version = s->described,
		.pversion = s->pversion};
	char id[33];
	emr_meta meta;
	emr_status status = facts_read(t->facts, &head, &v->place, &t->plain, &meta, NULL);

	if (status == EMR_MISSING_DATA && is_erased(t->facts, s))
		return EMR_OK;
	if (status != EMR_OK && !facts_is_damage(status))
		return status;
	if (status != EMR_OK) {
		emr_hex(s->object.b, sizeof s->object.b, id);
		emr_log(EMR_LOG_ERROR, "version %llu of record %s cannot be read: %s",
			(unsigned long long)version, id, emr_status_text(status));
		t->damaged++;
		return EMR_OK;
	}
	v->place.version = version;
	v->described = s->described;
	v->meta = &meta;
	return t->fn(t->arg, v);
}

static emr_status end_telling(telling *t, emr_status status, uint64_t *out_damaged)
{
	emr_buf_free(&t->plain);
	if (status == EMR_OK && out_damaged != NULL)
		*out_damaged = t->damaged;
	return status;
}

emr_status emr_facts_version(emr_facts *facts, emr_id16 domain, emr_id16 object, uint64_t version,
	uint64_t pversion, emr_place *out_place, emr_buf *out_bytes, emr_meta *out_meta)
{
	const emr_replica_head head = {
		.domain = domain, .object = object, .version = version, .pversion = pversion};

	return facts_read(facts, &head, out_place, out_bytes, out_meta, NULL);
}

/* ---- the folder as of a time ---- */

typedef struct folder_walk {
	telling *t;
	uint64_t until;
	bool with_deleted;
} folder_walk;

typedef struct object_until {
	uint64_t until;
	standing at;
	emr_version last;
} object_until;

static emr_status note_until(void *arg, const emr_replica_item *item, bool is_carried)
{
	object_until *u = arg;

	if (item->ledger_time > u->until)
		return ENOUGH;
	if (go_on(&u->at, item->op, item->version) && !is_carried) {
		copy_item(item, &u->last);
		u->last.place.version = item->version;
		u->last.is_live = u->at.is_live;
	}
	return EMR_OK;
}

/* The head is what it was then: no need to walk its chain. */
static emr_status tell_head(const folder_walk *w, const emr_replica_head *head)
{
	emr_part_key at = emr_part_of_object(head->domain, head->object, head->version);
	standing s = {.domain = head->domain,
		.object = head->object,
		.pversion = head->pversion,
		.described = head->version,
		.is_live = head->state == EMR_OBJECT_LIVE};
	EMR_AUTO_BUF bytes = {0};
	emr_version v = {.is_live = s.is_live};
	emr_replica_item item;
	emr_status status;

	if (!s.is_live) {
		if (!w->with_deleted)
			return EMR_OK;
		s.described--; /* the UNLINK says nothing */
	}
	status = emr_facts_item(w->t->facts, &at, &bytes, &item);
	if (facts_is_damage(status)) {
		w->t->damaged++;
		return EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	copy_item(&item, &v);
	return tell_version(w->t, &s, &v, head->version);
}

static emr_status tell_object(void *arg, const emr_replica_head *head)
{
	const folder_walk *w = arg;
	object_until u = {
		.until = w->until, .at = {.domain = head->domain, .object = head->object}};
	emr_status status;

	if (head->state == EMR_OBJECT_ERASED)
		return EMR_OK;
	if (head->ledger_time <= w->until)
		return tell_head(w, head);
	status = facts_chain(w->t->facts, head->domain, head->object, note_until, &u);
	if (status != EMR_OK && status != ENOUGH)
		return status;
	if (u.at.described == 0 || (!u.at.is_live && !w->with_deleted))
		return EMR_OK;
	return tell_version(w->t, &u.at, &u.last, u.last.place.version);
}

emr_status emr_facts_each_as_of(emr_facts *facts, uint64_t until_unix_s, bool with_deleted,
	emr_version_fn fn, void *arg, uint64_t *out_damaged)
{
	telling t = {.facts = facts, .fn = fn, .arg = arg};
	folder_walk w = {.t = &t, .until = until_unix_s, .with_deleted = with_deleted};
	emr_status status = facts_each_head(facts, tell_object, &w);

	return end_telling(&t, status, out_damaged);
}

/* ---- one record, wherever it was ---- */

/* One item of one of the record's objects. */
typedef struct moment {
	standing at;
	emr_version v;
} moment;

typedef struct record_walk {
	emr_facts *facts;
	emr_id16 record_id;
	emr_buf objects; /* standing, ...: where it may have lain */
	emr_buf moments; /* moment, ... */
	standing at;	 /* of the object being walked */
} record_walk;

/* The record that HEAD's content belongs to; false when it has none, or none that can be read. */
static bool record_of(emr_facts *facts, const emr_replica_head *head, emr_id16 *out_record)
{
	EMR_AUTO_BUF bytes = {0};
	emr_put_part put;

	if (head->pversion == 0 || facts_read_put(facts, head, &bytes, &put) != EMR_OK)
		return false;
	return facts_number(facts, head->domain, head->object, put.record_id, out_record) == EMR_OK;
}

static emr_status note_moment(void *arg, const emr_replica_item *item, bool is_carried)
{
	record_walk *w = arg;
	moment m = {0};

	if (!go_on(&w->at, item->op, item->version) || is_carried)
		return EMR_OK;
	m.at = w->at;
	copy_item(item, &m.v);
	m.v.place.version = item->version;
	return emr_buf_append(&w->moments, &m, sizeof m);
}

static emr_status note_object(record_walk *w, const emr_replica_head *head)
{
	emr_id16 record;

	if (!record_of(w->facts, head, &record) || !emr_id16_equal(record, w->record_id))
		return EMR_OK;
	w->at = (standing){.domain = head->domain, .object = head->object};
	return facts_chain(w->facts, head->domain, head->object, note_moment, w);
}

static int by_ledger_order(const void *a, const void *b)
{
	const moment *x = a, *y = b;
	uint64_t x_ago = x->v.place.version & EMR_VERSION_ANNEX;
	uint64_t y_ago = y->v.place.version & EMR_VERSION_ANNEX;

	if (x_ago != y_ago)
		return x_ago > y_ago ? -1 : 1;
	if (x->v.seq != y->v.seq)
		return x->v.seq < y->v.seq ? -1 : 1;
	return x->v.index < y->v.index ? -1 : x->v.index > y->v.index;
}

static bool same_object(const standing *a, const standing *b)
{
	return emr_id16_equal(a->object, b->object) && emr_id16_equal(a->domain, b->domain);
}

/* Whether ALL[I]'s object was live before it. */
static bool was_live(const moment *all, size_t i)
{
	for (size_t j = i; j-- > 0;)
		if (same_object(&all[j].at, &all[i].at))
			return all[j].at.is_live;
	return false;
}

static emr_status tell_moments(telling *t, moment *all, size_t n)
{
	size_t live = 0;

	for (size_t i = 0; i < n; i++) {
		bool before = was_live(all, i);

		live += all[i].at.is_live && !before;
		live -= !all[i].at.is_live && before;
		all[i].v.is_live = live > 0;
		EMR_TRY(tell_version(t, &all[i].at, &all[i].v, all[i].v.place.version));
	}
	return EMR_OK;
}

/* One that the record may have lain in. */
static emr_status add_object(void *arg, emr_id16 domain, emr_id16 object)
{
	const standing where = {.domain = domain, .object = object};
	record_walk *w = arg;

	EMR_EACH (const standing, known, &w->objects)
		if (same_object(known, &where))
			return EMR_OK;
	return emr_buf_append(&w->objects, &where, sizeof where);
}

/* A record is born under its own number, and content that came elsewhere says it. */
static emr_status find_objects(record_walk *w, const emr_facts *facts)
{
	EMR_AUTO_BUF own = {0};

	EMR_TRY(emr_replica_own_domains(facts->replica, &own));
	EMR_EACH (const emr_id16, domain, &own)
		EMR_TRY(add_object(w, *domain, w->record_id));
	EMR_TRY(emr_replica_each_naming(facts->replica, w->record_id, add_object, w));
	return facts->annex.facts != NULL ? find_objects(w, facts->annex.facts) : EMR_OK;
}

static emr_status note_objects(record_walk *w)
{
	EMR_EACH (const standing, where, &w->objects) {
		emr_replica_head head;
		emr_status status = emr_facts_head(w->facts, where->domain, where->object, &head);

		if (status != EMR_NOT_FOUND)
			EMR_TRY(status == EMR_OK ? note_object(w, &head) : status);
	}
	return EMR_OK;
}

emr_status emr_facts_record_history(
	emr_facts *facts, emr_id16 record_id, emr_version_fn fn, void *arg, uint64_t *out_damaged)
{
	telling t = {.facts = facts, .fn = fn, .arg = arg};
	record_walk w = {.facts = facts, .record_id = record_id};
	emr_status status = find_objects(&w, facts);
	size_t n;

	if (status == EMR_OK)
		status = note_objects(&w);
	n = w.moments.len / sizeof(moment);
	if (status == EMR_OK && n > 0) {
		qsort(w.moments.data, n, sizeof(moment), by_ledger_order);
		status = tell_moments(&t, (moment *)(void *)w.moments.data, n);
	}
	emr_buf_free(&w.objects);
	emr_buf_free(&w.moments);
	return end_telling(&t, status, out_damaged);
}

/* ---- the highest version ---- */

typedef struct top_walk {
	emr_facts *facts;
	emr_top **wanted; /* sorted by record */
	size_t n;
	const emr_replica_head *head;
	emr_top *top;
} top_walk;

/* New content always counts on from the highest: only content that came again can be lower. */
static bool is_new_content(emr_facts *facts, const emr_place *place)
{
	emr_part_key at = emr_part_of_object(place->domain, place->object, place->pversion);
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	if (place->pversion == 0)
		return true;
	return emr_facts_item(facts, &at, &bytes, &item) == EMR_OK && item.op == EMR_OP_PUT &&
	       !facts_is_carried(facts, place->pversion,
		       item.seq); /* what was carried may have come again before */
}

static int by_record(const void *a, const void *b)
{
	const emr_top *const *x = a, *const *y = b;

	return memcmp(
		(*x)->place.record_id.b, (*y)->place.record_id.b, sizeof(*x)->place.record_id.b);
}

static emr_status note_cver(void *arg, const emr_replica_item *item, bool is_carried)
{
	const top_walk *w = arg;
	emr_replica_head at = {
		.domain = w->head->domain, .object = w->head->object, .pversion = item->version};
	EMR_AUTO_BUF bytes = {0};
	emr_put_part put;
	emr_status status;

	if (is_carried || (item->op != EMR_OP_PUT && item->op != EMR_OP_REWRAP))
		return EMR_OK;
	status = facts_read_put(w->facts, &at, &bytes, &put);
	if (status == EMR_OK && put.cver > w->top->highest &&
		put.cver - w->top->highest <= EMR_CVER_JUMP)
		w->top->highest = put.cver;
	return facts_is_damage(status) ? EMR_OK : status; /* what was erased had its successors */
}

static emr_status note_top(void *arg, const emr_replica_head *head)
{
	top_walk *w = arg;
	emr_top key = {0}, *wanted = &key, **found;
	emr_status status;

	if (!record_of(w->facts, head, &key.place.record_id))
		return EMR_OK;
	found = bsearch(&wanted, w->wanted, w->n, sizeof *w->wanted, by_record);
	if (found == NULL)
		return EMR_OK;
	w->head = head;
	w->top = *found;
	status = facts_chain(w->facts, head->domain, head->object, note_cver, w);
	return facts_is_damage(status) ? EMR_OK : status; /* one record's damage is that record's */
}

emr_status emr_facts_highest(emr_facts *facts, emr_top *tops, size_t n)
{
	EMR_AUTO_FREE emr_top **wanted = calloc(n > 0 ? n : 1, sizeof *wanted);
	top_walk w = {.facts = facts, .wanted = wanted};

	if (wanted == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		bool may_be_a_jump = tops[i].place.cver > EMR_CVER_JUMP;

		tops[i].highest = may_be_a_jump ? 0 : tops[i].place.cver;
		if (may_be_a_jump || !is_new_content(facts, &tops[i].place))
			wanted[w.n++] = &tops[i];
	}
	if (w.n == 0)
		return EMR_OK;
	qsort(wanted, w.n, sizeof *wanted, by_record);
	return facts_each_head(facts, note_top, &w);
}
