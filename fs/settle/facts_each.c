/* This file goes through all present records, from the kept names where nothing has changed and
 * from the ledger's copy where something has, and writes the kept names again at the end. */
#include "facts_cache.h"

#include <fcntl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"

#define SORTED_AT_ONCE 65536 /* 2.5 MiB of them */

typedef struct sorted_object {
	emr_id16 domain;
	uint8_t seq[16]; /* the entry of its last item, big-endian, and zeros */
	emr_id16 object;
} sorted_object;

bool facts_is_damage(emr_status status)
{
	return emr_status_is_unreadable(status) || status == EMR_AWAITED;
}

static emr_status lose(
	emr_facts_walk *w, const emr_replica_head *head, emr_status why, facts_row *out)
{
	char id[33];

	*out = (facts_row){
		.place = {.domain = head->domain, .object = head->object, .version = head->version},
		.is_lost = true};
	EMR_TRY(facts_note_reading(w->facts, head, why, &out->is_junk));
	emr_hex(head->object.b, sizeof head->object.b, id);
	emr_log(out->is_junk ? EMR_LOG_WARN : EMR_LOG_ERROR, "record %s cannot be read: %s", id,
		emr_status_text(why));
	w->damaged += !out->is_junk;
	return EMR_OK;
}

/* EMR_NOT_FOUND: it does not live. */
static emr_status read_object(emr_facts_walk *w, emr_id16 domain, emr_id16 object, facts_row *out)
{
	emr_replica_head head;
	emr_meta meta;
	emr_status status;

	EMR_TRY(emr_replica_head_get(w->facts->replica, domain, object, &head));
	if (head.state != EMR_OBJECT_LIVE) {
		EMR_TRY(facts_note_junk(w->facts, domain, object, 0));
		return EMR_NOT_FOUND;
	}
	*out = (facts_row){.is_lost = false};
	status = facts_read(w->facts, &head, &out->place, &w->plain, &meta, NULL);
	out->plain = emr_buf_view(&w->plain);
	return facts_is_damage(status) ? lose(w, &head, status, out) : status;
}

/* ---- in the order of the ledger ---- */

static emr_status add_head(emr_facts_walk *w, const emr_replica_head *head)
{
	sorted_object one = {.domain = head->domain, .object = head->object};

	emr_put_u64(one.seq, head->seq);
	return emr_buf_append(&w->objects, &one, sizeof one);
}

/* They are sorted by domain. */
static emr_status add_changed(emr_facts_walk *w)
{
	emr_id16 domain = {{0}};
	emr_replica_head head;
	bool is_mine = false;

	EMR_EACH (const emr_named_object, one, facts_cache_changed(w->cache)) {
		emr_status status = EMR_NOT_FOUND;

		if (!emr_id16_equal(domain, one->domain))
			EMR_TRY(emr_replica_is_mine(w->facts->replica, one->domain, &is_mine));
		domain = one->domain;
		if (is_mine)
			status = emr_replica_head_get(
				w->facts->replica, one->domain, one->object, &head);
		if (status != EMR_NOT_FOUND)
			EMR_TRY(status == EMR_OK ? add_head(w, &head) : status);
	}
	return EMR_OK;
}

/* Those of the domain in hand, or of the next one. */
static emr_status add_heads(emr_facts_walk *w)
{
	const emr_id16 *own = (const emr_id16 *)(const void *)w->own.data;
	emr_replica_head head;

	while (w->objects.len < SORTED_AT_ONCE * sizeof(sorted_object)) {
		if (emr_next(&w->heads, &head)) {
			EMR_TRY(add_head(w, &head));
			continue;
		}
		EMR_TRY(w->heads.status);
		if (w->next_own == w->own.len / sizeof *own)
			return EMR_OK;
		emr_asked_end(&w->heads);
		w->heads = emr_asking_of(
			EMR_QUESTION_HEADS, (emr_ask_about){.replica = w->facts->replica,
						    .domain = own[w->next_own++]});
	}
	return EMR_OK;
}

/* The next objects, sorted: an entry has hundreds of records and is read as a whole, and in the
 * order of their ids, which is none, it would be read again for each of them. */
static emr_status sort_some(emr_facts_walk *w)
{
	emr_buf_clear(&w->objects);
	w->next = 0;
	if (w->cache == NULL)
		EMR_TRY(add_heads(w));
	else if (!w->has_changed && !w->is_of_run)
		EMR_TRY(add_changed(w));
	w->has_changed = true;
	w->is_over = w->objects.len == 0;
	if (!w->is_over)
		qsort(w->objects.data, w->objects.len / sizeof(sorted_object),
			sizeof(sorted_object), facts_by_ids);
	return EMR_OK;
}

/* From the cache what has not changed since, from the replica what has; all of it from the replica
 * without one.  EMR_NOT_FOUND: it is none, or W is over. */
static emr_status step(emr_facts_walk *w, facts_row *out)
{
	const sorted_object *one;

	if (w->is_in_cache) {
		emr_status status = w->is_of_run ? facts_cache_next_in(w->cache, w->run, out)
						 : facts_cache_next(w->cache, out);

		w->run = NULL;

		w->is_in_cache = status == EMR_OK;
		EMR_TRY(status);
		/* A record that never opens is not tried again; one that is damaged may have been
		 * mended. */
		if (out->is_junk)
			return facts_note_junk(
				w->facts, out->place.domain, out->place.object, out->place.version);
		return out->is_lost ? read_object(w, out->place.domain, out->place.object, out)
				    : EMR_OK;
	}
	if (w->next == w->objects.len / sizeof *one)
		EMR_TRY(sort_some(w));
	if (w->is_over)
		return EMR_NOT_FOUND;
	one = (const sorted_object *)(const void *)w->objects.data + w->next++;
	return read_object(w, one->domain, one->object, out);
}

/* EMR_NOT_FOUND: that was the last. */
static emr_status next_row(emr_facts_walk *w, facts_row *out)
{
	emr_status status = EMR_NOT_FOUND;

	while (status == EMR_NOT_FOUND && !w->is_over)
		status = step(w, out);
	return status;
}

bool emr_facts_next(emr_facts_walk *w, emr_place *out_place, emr_meta *out_meta)
{
	facts_row row = {.is_lost = true};
	emr_status status = w->status;

	while (status == EMR_OK && row.is_lost)
		status = next_row(w, &row);
	if (status == EMR_OK)
		status = emr_meta_decode(row.plain, out_meta);
	*out_place = row.place;
	w->status = status == EMR_NOT_FOUND ? EMR_OK : status;
	return status == EMR_OK;
}

static emr_facts_walk begin(emr_facts *facts, facts_cache *cache)
{
	emr_facts_walk w = {.facts = facts,
		.cache = cache,
		.heads.is_over = true,
		.is_in_cache = cache != NULL};

	if (cache == NULL)
		w.status = emr_replica_own_domains(facts->replica, &w.own);
	return w;
}

emr_facts_walk emr_facts_all(emr_facts *facts)
{
	return begin(facts, NULL);
}

emr_facts_walk emr_facts_all_kept(emr_facts *facts)
{
	facts_cache *cache = NULL;
	emr_status status = emr_kept_open(facts, NULL, NULL, &cache);

	return status == EMR_OK || status == EMR_NOT_FOUND ? begin(facts, cache)
							   : (emr_facts_walk){.status = status};
}

emr_facts_walk emr_kept_awake(emr_facts *facts, emr_kept_facts *kept)
{
	emr_facts_walk w = begin(facts, kept);

	w.is_borrowed = true;
	return w;
}

emr_facts_walk emr_kept_resting(emr_facts *facts, emr_kept_facts *kept, const emr_kept_run *run)
{
	emr_facts_walk w = emr_kept_awake(facts, kept);

	w.is_of_run = true;
	w.run = run;
	return w;
}

void emr_facts_walk_end(emr_facts_walk *w)
{
	emr_asked_end(&w->heads);
	if (!w->is_borrowed)
		emr_kept_close(w->cache);
	emr_buf_free(&w->own);
	emr_buf_free(&w->objects);
	emr_buf_free(&w->plain);
}

/* ---- keeping ---- */

emr_status emr_facts_keep_in(emr_facts *facts, int dirfd)
{
	facts->cache_dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	return facts->cache_dirfd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

static emr_status write_rows(emr_facts_walk *all, facts_cache_writer *writer)
{
	facts_row row;
	emr_status status = EMR_OK;

	while (status == EMR_OK) {
		status = next_row(all, &row);
		if (status == EMR_OK)
			status = facts_cache_add(writer, &row);
	}
	return status == EMR_NOT_FOUND ? facts_cache_finish(writer) : status;
}

emr_status emr_facts_keep(emr_facts *facts, uint64_t shown)
{
	EMR_AUTO_SNAPSHOT snapshot = {0}; /* locks are taken once, and not for each row */
	EMR_AUTO_FACTS_WALK all = {.facts = NULL};
	facts_cache_writer *writer = NULL;
	emr_replica_position at;
	emr_status status;

	if (facts->cache_dirfd < 0)
		return EMR_OK;
	EMR_TRY(emr_replica_snapshot_begin(facts->replica, &snapshot));
	all = emr_facts_all_kept(facts);
	EMR_TRY(all.status);
	if (all.cache != NULL && !facts_cache_is_behind(all.cache))
		return EMR_OK;
	EMR_TRY(emr_replica_at(facts->replica, &at));
	at.size = shown < at.size ? shown : at.size;
	EMR_TRY(emr_replica_root_at(facts->replica, at.size, at.root));
	status = facts_cache_begin(facts, &at, &writer);
	if (status == EMR_OK)
		status = write_rows(&all, writer);
	facts_cache_abandon(writer);
	return status;
}
