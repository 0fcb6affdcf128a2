/* This file goes through all present records, from the kept names where nothing has changed and
 * from the ledger's copy where something has, and writes the kept names again at the end. */
#include "facts_cache.h"

#include <fcntl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"

/* The receiver of a record's description: the caller of emr_facts_each, or a new kept file. */
typedef emr_status (*plain_fn)(void *arg, const emr_place *place, emr_bytes plain);
/* The records that cannot be read: for a new kept file. */
typedef emr_status (*lost_fn)(void *arg, const emr_place *place, bool is_junk);

typedef struct walk {
	emr_facts *facts;
	plain_fn fn;
	lost_fn lost; /* NULL: it is counted, and that is all */
	void *arg;
	uint64_t damaged;
	emr_buf plain;
	emr_id16 domain; /* of the head before */
	bool has_domain, is_mine;
} walk;

bool facts_is_damage(emr_status status)
{
	return emr_status_is_unreadable(status) || status == EMR_AWAITED;
}

/* Heads come domain by domain. */
static emr_status learn_domain(walk *w, emr_id16 domain)
{
	emr_status status;

	if (w->has_domain && emr_id16_equal(w->domain, domain))
		return EMR_OK;
	status = emr_replica_is_mine(w->facts->replica, domain, &w->is_mine);
	w->has_domain = status == EMR_OK;
	w->domain = domain;
	return status;
}

static emr_status lose(walk *w, const emr_replica_head *head, emr_status why)
{
	const emr_place place = {
		.domain = head->domain, .object = head->object, .version = head->version};
	bool is_junk;
	char id[33];

	EMR_TRY(facts_note_reading(w->facts, head, why, &is_junk));
	emr_hex(head->object.b, sizeof head->object.b, id);
	emr_log(is_junk ? EMR_LOG_WARN : EMR_LOG_ERROR, "record %s cannot be read: %s", id,
		emr_status_text(why));
	w->damaged += !is_junk;
	return w->lost != NULL ? w->lost(w->arg, &place, is_junk) : EMR_OK;
}

static emr_status walk_head(void *arg, const emr_replica_head *head)
{
	walk *w = arg;
	emr_place place;
	emr_meta meta;
	emr_status status;

	if (head->state != EMR_OBJECT_LIVE)
		return facts_note_junk(w->facts, head->domain, head->object, 0);
	EMR_TRY(learn_domain(w, head->domain));
	if (!w->is_mine)
		return EMR_OK;
	status = facts_read(w->facts, head, &place, &w->plain, &meta, NULL);
	if (status != EMR_OK && !facts_is_damage(status))
		return status;
	if (status != EMR_OK)
		return lose(w, head, status);
	return w->fn(w->arg, &place, emr_buf_view(&w->plain));
}

static emr_status walk_object(walk *w, emr_id16 domain, emr_id16 object)
{
	emr_replica_head head;
	emr_status status = emr_replica_head_get(w->facts->replica, domain, object, &head);

	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	return status == EMR_OK ? walk_head(w, &head) : status;
}

/* ---- in the order of the ledger ---- */

#define SORTED_AT_ONCE 65536 /* 2.5 MiB of them */

typedef struct sorted_object {
	emr_id16 domain, object;
	uint64_t seq; /* the entry of its last item */
} sorted_object;

typedef struct sorting {
	walk *walk;
	emr_buf objects; /* of sorted_object */
} sorting;

static int by_entry(const void *x, const void *y)
{
	const sorted_object *a = x, *b = y;
	int order = memcmp(&a->domain, &b->domain, sizeof a->domain);

	return order != 0 ? order : (a->seq > b->seq) - (a->seq < b->seq);
}

static emr_status walk_sorted(sorting *s)
{
	sorted_object *all = (void *)s->objects.data;
	size_t count = s->objects.len / sizeof *all;
	emr_status status = EMR_OK;

	if (count > 0)
		qsort(all, count, sizeof *all, by_entry);
	for (size_t i = 0; i < count && status == EMR_OK; i++)
		status = walk_object(s->walk, all[i].domain, all[i].object);
	emr_buf_clear(&s->objects);
	return status;
}

static emr_status note_head(void *arg, const emr_replica_head *head)
{
	sorting *s = arg;
	sorted_object one = {head->domain, head->object, head->seq};

	EMR_TRY(emr_buf_append(&s->objects, &one, sizeof one));
	return s->objects.len == SORTED_AT_ONCE * sizeof one ? walk_sorted(s) : EMR_OK;
}

static emr_status note_changed(void *arg, emr_id16 domain, emr_id16 object)
{
	sorting *s = arg;
	emr_replica_head head;
	emr_status status = emr_replica_head_get(s->walk->facts->replica, domain, object, &head);

	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	return status == EMR_OK ? note_head(s, &head) : status;
}

static emr_status give_plain(void *arg, const emr_place *place, emr_bytes plain)
{
	walk *w = arg;

	return w->fn(w->arg, place, plain);
}

/* A record that never opens is not tried again; one that is damaged may have been mended. */
static emr_status give_lost(void *arg, const emr_place *place, bool is_junk)
{
	walk *w = arg;

	if (!is_junk)
		return walk_object(w, place->domain, place->object);
	EMR_TRY(facts_note_junk(w->facts, place->domain, place->object, place->version));
	return w->lost != NULL ? w->lost(w->arg, place, true) : EMR_OK;
}

/* From CACHE what has not changed since, from the replica what has; all of it from the replica
 * without one.  That in the order of the ledger: an entry has hundreds of records and is read as a
 * whole, and in the order of their ids, which is none, it would be read again for each of them. */
static emr_status walk_all(walk *w, facts_cache *cache)
{
	sorting s = {.walk = w};
	emr_status status;

	if (cache == NULL) {
		status = emr_replica_each_head(w->facts->replica, NULL, note_head, &s);
	} else {
		status = facts_cache_each(cache, give_plain, give_lost, w);
		if (status == EMR_OK)
			status = facts_cache_each_changed(cache, note_changed, &s);
	}
	if (status == EMR_OK)
		status = walk_sorted(&s);
	emr_buf_free(&s.objects);
	return status;
}

typedef struct giving {
	emr_fact_fn fn;
	void *arg;
} giving;

static emr_status give_fact(void *arg, const emr_place *place, emr_bytes plain)
{
	const giving *g = arg;
	emr_meta meta;

	EMR_TRY(emr_meta_decode(plain, &meta));
	return g->fn(g->arg, place, &meta);
}

static emr_status each(
	emr_facts *facts, facts_cache *cache, emr_fact_fn fn, void *arg, uint64_t *out_damaged)
{
	giving g = {.fn = fn, .arg = arg};
	walk w = {.facts = facts, .fn = give_fact, .arg = &g};
	emr_status status = walk_all(&w, cache);

	emr_buf_free(&w.plain);
	if (status == EMR_OK)
		*out_damaged = w.damaged;
	return status;
}

emr_status emr_facts_each(emr_facts *facts, emr_fact_fn fn, void *arg, uint64_t *out_damaged)
{
	return each(facts, NULL, fn, arg, out_damaged);
}

emr_status emr_facts_each_kept(emr_facts *facts, emr_fact_fn fn, void *arg, uint64_t *out_damaged)
{
	AUTO_FACTS_CACHE cache = NULL;
	emr_status status = facts_cache_open(facts, &cache);

	return status == EMR_OK || status == EMR_NOT_FOUND
		       ? each(facts, cache, fn, arg, out_damaged)
		       : status;
}

/* ---- keeping ---- */

emr_status emr_facts_keep_in(emr_facts *facts, int dirfd)
{
	facts->cache_dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	return facts->cache_dirfd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

static emr_status add_fact(void *arg, const emr_place *place, emr_bytes plain)
{
	return facts_cache_add(arg, place, plain);
}

static emr_status add_lost(void *arg, const emr_place *place, bool is_junk)
{
	return facts_cache_add_lost(arg, place, is_junk);
}

static emr_status write_new(emr_facts *facts, facts_cache *cache)
{
	facts_cache_writer *writer = NULL;
	walk w = {.facts = facts, .fn = add_fact, .lost = add_lost};
	emr_replica_position at;
	emr_status status = emr_replica_at(facts->replica, &at);

	if (status == EMR_OK)
		status = facts_cache_begin(facts, &at, &writer);
	w.arg = writer;
	if (status == EMR_OK)
		status = walk_all(&w, cache);
	if (status == EMR_OK)
		status = facts_cache_finish(writer);
	facts_cache_abandon(writer);
	emr_buf_free(&w.plain);
	return status;
}

emr_status emr_facts_keep(emr_facts *facts)
{
	AUTO_FACTS_CACHE cache = NULL;
	emr_status status;

	if (facts->cache_dirfd < 0)
		return EMR_OK;
	status = facts_cache_open(facts, &cache);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	return cache != NULL && !facts_cache_is_behind(cache) ? EMR_OK : write_new(facts, cache);
}
