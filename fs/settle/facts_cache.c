/* To open a large folder every name would have to be decrypted again. This file keeps the
 * decrypted names between two mounts, sealed, directory by directory; it is refused as a whole when
 * any page of it was changed or cut, or is of another ledger.  The files of a directory can rest in
 * it until somebody looks there. */
#include "facts_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "contract/codes.h"
#include "keyring/content.h"
#include "settle/place.h"

#define CACHE_NAME "facts.cache"
#define CACHE_NEW "facts.cache.new"
#define CACHE_VERSION 3 /* 2 had nothing of what cannot be read */
#define LOST_JUNK 1
#define HEADER_BYTES 80
#define PAGE_BYTES 65536
#define PLAIN_BYTES (PAGE_BYTES - 16)
#define AAD_BYTES (HEADER_BYTES + 9)
#define BEHIND_MAX 64
#define BEHIND_PER_PAGE 16		/* of some 250 records */
#define CHANGED_MAX ((size_t)1 << 20)	/* with more, reading everything again is no slower */
#define SORTED_BYTES ((size_t)32 << 20) /* of rows, which stand by directory then */
#define PARENT_AT 24			/* in a description (fs/record/FORMAT.md) */

/* One record of a page, whose bytes META borrows. */
typedef struct kept_record {
	emr_place place;
	emr_bytes meta; /* without its padding */
	size_t units;
} kept_record;

typedef struct header {
	emr_id16 file_id;
	uint64_t size;
	uint8_t root[32];
	uint8_t bytes[HEADER_BYTES];
} header;

/* A walk from page to page. */
typedef struct cursor {
	uint64_t next; /* page to be read */
	uint32_t left; /* records of the one in hand, in R */
	emr_reader r;
	uint8_t sealed[PAGE_BYTES], plain[PAGE_BYTES];
	uint8_t meta[EMR_META_BYTES_MAX];
} cursor;

/* Where a file rests. */
typedef struct rester {
	uint64_t prefix; /* of its object: emr_kept_prefix */
	uint32_t run;
} rester;

struct facts_cache {
	emr_local_key *key;
	int fd;
	header head;
	uint64_t pages;
	emr_buf changed; /* of emr_named_object, sorted, each once */
	bool has_erased; /* something in the file should not exist any more */
	emr_may_rest may_rest;
	void *may_rest_arg;
	emr_buf runs;	 /* of emr_kept_run */
	emr_buf resters; /* of rester, by prefix */
	emr_buf awake;	 /* a byte for each page: something in it does not rest */
	cursor all, of_run;
};

/* A row that waits to be written. */
typedef struct queued {
	emr_id16 domain, directory;
	size_t at, len; /* in the writer's rows */
} queued;

struct facts_cache_writer {
	emr_local_key *key;
	int dirfd, fd;
	header head;
	uint64_t pages; /* written */
	size_t used;	/* of PLAIN, with its count of records in front */
	uint32_t count;
	emr_buf rows, order; /* that are not written yet; of queued, where each of them is */
	uint8_t sealed[PAGE_BYTES], plain[PAGE_BYTES];
};

/* ---- pages ---- */

/* 0 "EMRFACTS" | 8 version u8 | 9 0[7] | 16 file_id[16] | 32 size u64 | 40 root[32] | 72 0[8] */
static void header_encode(header *h)
{
	memset(h->bytes, 0, sizeof h->bytes);
	memcpy(h->bytes, "EMRFACTS", 8);
	h->bytes[8] = CACHE_VERSION;
	memcpy(h->bytes + 16, h->file_id.b, 16);
	emr_put_u64(h->bytes + 32, h->size);
	memcpy(h->bytes + 40, h->root, 32);
}

static bool header_decode(header *h)
{
	emr_reader r = emr_reader_of(emr_bytes_of(h->bytes, sizeof h->bytes));

	emr_read_magic(&r, "EMRFACTS");
	if (emr_read_u8(&r) != CACHE_VERSION)
		return false;
	emr_read_zeros(&r, 7);
	emr_read_copy(&r, h->file_id.b, sizeof h->file_id.b);
	h->size = emr_read_u64(&r);
	emr_read_copy(&r, h->root, sizeof h->root);
	emr_read_zeros(&r, 8);
	return emr_reader_done(&r);
}

/* The header, the page's number and whether it is the last: no page can be moved, left out or cut
 * off unseen. */
static void page_seal_names(const header *h, uint64_t page, bool is_last,
	uint8_t out_aad[AAD_BYTES], uint8_t out_nonce[24])
{
	memcpy(out_aad, h->bytes, HEADER_BYTES);
	emr_put_u64(out_aad + HEADER_BYTES, page);
	out_aad[HEADER_BYTES + 8] = is_last;
	memcpy(out_nonce, h->file_id.b, 16);
	emr_put_u64(out_nonce + 16, page);
}

static emr_status read_page(const facts_cache *cache, cursor *c, uint64_t page)
{
	uint8_t aad[AAD_BYTES], nonce[24];

	EMR_TRY(emr_pread_all(
		cache->fd, c->sealed, PAGE_BYTES, (off_t)(HEADER_BYTES + page * PAGE_BYTES)));
	page_seal_names(&cache->head, page, page + 1 == cache->pages, aad, nonce);
	EMR_TRY(emr_local_open(cache->key, nonce, emr_bytes_of(aad, sizeof aad),
		emr_bytes_of(c->sealed, PAGE_BYTES), c->plain));
	c->r = emr_reader_of(emr_bytes_of(c->plain, PLAIN_BYTES));
	c->left = emr_read_u32(&c->r);
	return EMR_OK;
}

static emr_status read_record(emr_reader *r, kept_record *out)
{
	size_t len;

	out->units = emr_read_u16(r);
	len = emr_read_u16(r);
	emr_place_read(r, &out->place);
	if (!r->bad && out->units == 0 && len <= LOST_JUNK) { /* it could not be read */
		out->meta = (emr_bytes){.len = len};
		return EMR_OK;
	}
	out->meta = emr_read_bytes(r, len);
	return r->bad || out->units > EMR_META_UNITS_MAX || len > out->units * EMR_META_UNIT
		       ? EMR_DAMAGED
		       : EMR_OK;
}

/* EMR_NOT_FOUND: that was the last. */
static emr_status next_kept(facts_cache *cache, kept_record *out)
{
	cursor *c = &cache->all;

	while (c->left == 0) {
		while (c->next < cache->awake.len && cache->awake.data[c->next] == 0)
			c->next++;
		EMR_TRY(c->next < cache->pages ? read_page(cache, c, c->next++) : EMR_NOT_FOUND);
	}
	c->left--;
	return read_record(&c->r, out);
}

/* With its padding again, in C until the next one. */
static emr_bytes whole_meta(cursor *c, const kept_record *kept)
{
	const size_t len = kept->units * EMR_META_UNIT;

	memcpy(c->meta, kept->meta.data, kept->meta.len);
	memset(c->meta + kept->meta.len, 0, len - kept->meta.len);
	return emr_bytes_of(c->meta, len);
}

/* ---- what changed since ---- */

static int compare_objects(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(emr_named_object));
}

static size_t count_changed(const facts_cache *cache)
{
	return cache->changed.len / sizeof(emr_named_object);
}

static void sort_changed(facts_cache *cache)
{
	emr_named_object *all = (void *)cache->changed.data;
	size_t n = count_changed(cache), kept = 0;

	if (n == 0)
		return;
	qsort(all, n, sizeof *all, compare_objects);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || compare_objects(&all[kept - 1], &all[i]) != 0)
			all[kept++] = all[i];
	cache->changed.len = kept * sizeof *all;
}

static emr_status add_changed(facts_cache *cache, emr_id16 domain, emr_id16 object)
{
	const emr_named_object id = {domain, object};

	return count_changed(cache) < CHANGED_MAX ? emr_buf_append(&cache->changed, &id, sizeof id)
						  : EMR_NOT_FOUND;
}

/* It may have become of CACHE's records. */
static bool is_of_names(const emr_replica_change *change)
{
	/* Keys of people, fragments and letters, which anybody may erase of himself again and
	 * again, take no names with them. */
	return change->result == EMR_RESULT_APPLIED &&
	       (change->family == EMR_FAMILY_OBJECT ||
		       (change->op == EMR_OP_ERASE && change->family == EMR_FAMILY_LISTKEY));
}

static emr_status note_changes(const emr_facts *facts, facts_cache *cache)
{
	/* On a device what was mine when the file was made may be so no more. */
	const bool is_device = emr_keyring_kind_of(facts->keyring) == EMR_KEYRING_DEVICE;
	emr_id16 domain = {{0}}; /* of the change before */
	emr_replica_change change;
	bool is_mine = false;

	EMR_ASK(asked, facts->replica, SINCE, .at = cache->head.size);
	while (emr_next(&asked, &change)) {
		if (!is_of_names(&change))
			continue;
		/* Changes come batch by batch, and a batch is of one domain, as a rule. */
		if (!emr_id16_equal(domain, change.domain))
			EMR_TRY(emr_replica_is_mine(facts->replica, change.domain, &is_mine));
		domain = change.domain;
		/* The file has nothing of others: what they write does not make it useless. */
		if (!is_mine && !is_device)
			continue;
		cache->has_erased |= change.op == EMR_OP_ERASE;
		/* A listing key that is gone takes names with it that are in the file. */
		EMR_TRY(change.family == EMR_FAMILY_LISTKEY
				? EMR_NOT_FOUND
				: add_changed(cache, change.domain, change.object));
	}
	return asked.status;
}

/* ---- opening ---- */

static emr_status open_file(emr_facts *facts, facts_cache *cache)
{
	struct stat st;

	cache->fd = openat(facts->cache_dirfd, CACHE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (cache->fd < 0)
		return emr_status_from_errno(errno);
	(void)posix_fadvise(cache->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (fstat(cache->fd, &st) != 0)
		return emr_status_from_errno(errno);
	if (!S_ISREG(st.st_mode) || st.st_size < HEADER_BYTES + PAGE_BYTES ||
		(st.st_size - HEADER_BYTES) % PAGE_BYTES != 0)
		return EMR_DAMAGED;
	cache->pages = (uint64_t)(st.st_size - HEADER_BYTES) / PAGE_BYTES;
	return emr_pread_all(cache->fd, cache->head.bytes, HEADER_BYTES, 0);
}

/* Does it belong to the beginning of what the replica has verified? */
static emr_status check_position(const emr_facts *facts, const facts_cache *cache)
{
	uint8_t root[32];

	EMR_TRY(emr_replica_root_at(facts->replica, cache->head.size, root));
	return memcmp(root, cache->head.root, sizeof root) == 0 ? EMR_OK : EMR_NOT_FOUND;
}

/* ---- whose folders they were ---- */

/* Those that the file has.  Records come folder by folder. */
static emr_status note_domains(facts_cache *cache, emr_buf *domains)
{
	const size_t size = sizeof(emr_id16);
	kept_record kept;
	emr_status status;

	while ((status = next_kept(cache, &kept)) == EMR_OK)
		if (domains->len == 0 ||
			memcmp(domains->data + domains->len - size, kept.place.domain.b, size) != 0)
			EMR_TRY(emr_buf_append(domains, kept.place.domain.b, size));
	cache->all.next = 0;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* A folder whose keys came by letter after the file was made may have nothing in it, and no entry
 * since: all of it has changed.  One that was taken back makes the file useless. */
static emr_status compare_folders(const emr_facts *facts, facts_cache *cache)
{
	EMR_AUTO_BUF mine = {0};
	EMR_AUTO_BUF kept = {0};
	emr_replica_head head;

	EMR_TRY(emr_replica_own_domains(facts->replica, &mine));
	EMR_TRY(note_domains(cache, &kept));
	EMR_EACH (const emr_id16, domain, &kept)
		if (!emr_buf_has(&mine, emr_bytes_of(domain, sizeof *domain)))
			return EMR_NOT_FOUND;
	EMR_EACH (const emr_id16, domain, &mine) {
		if (emr_buf_has(&kept, emr_bytes_of(domain, sizeof *domain)))
			continue;
		EMR_ASK(heads, facts->replica, HEADS, .domain = *domain);
		while (emr_next(&heads, &head))
			EMR_TRY(add_changed(cache, *domain, head.object));
		EMR_TRY(heads.status);
	}
	return EMR_OK;
}

/* ---- what rests ---- */

static bool has_changed(const facts_cache *cache, const emr_place *place)
{
	emr_named_object id = {.domain = place->domain, .object = place->object};

	return cache->changed.len > 0 && bsearch(&id, cache->changed.data, count_changed(cache),
						 sizeof id, compare_objects) != NULL;
}

/* KEPT, AT, rests: behind the last one, if it GOES_ON in the same directory, or in a new run. */
static emr_status note_rester(facts_cache *cache, const emr_kept_run *at, bool goes_on,
	const kept_record *kept, uint64_t bytes)
{
	size_t n = cache->runs.len / sizeof *at;
	emr_kept_run *runs = (emr_kept_run *)(void *)cache->runs.data;
	rester one = {.prefix = emr_kept_prefix(kept->place.object)};

	if (!goes_on || !emr_id16_equal(runs[n - 1].directory, at->directory) ||
		!emr_id16_equal(runs[n - 1].domain, at->domain)) {
		EMR_TRY(emr_buf_append(&cache->runs, at, sizeof *at));
		runs = (emr_kept_run *)(void *)cache->runs.data;
		n++;
	}
	runs[n - 1].count++;
	runs[n - 1].bytes += bytes;
	one.run = (uint32_t)n - 1;
	return emr_buf_append(&cache->resters, &one, sizeof one);
}

/* Reads PAGE, which must be whole, and notes what rests in it. */
static emr_status look_at_page(facts_cache *cache, uint64_t page)
{
	cursor *c = &cache->all;
	bool goes_on = false;
	uint8_t awake = 0;
	kept_record kept;
	emr_meta meta;

	EMR_TRY(read_page(cache, c, page));
	for (; cache->may_rest != NULL && c->left > 0; c->left--) {
		emr_kept_run at = {.page = page, .offset = PLAIN_BYTES - c->r.left};
		bool rests;

		EMR_TRY(read_record(&c->r, &kept));
		rests = kept.units > 0 && emr_meta_decode(whole_meta(c, &kept), &meta) == EMR_OK &&
			cache->may_rest(cache->may_rest_arg, &kept.place, &meta) &&
			!has_changed(cache, &kept.place);
		if (rests) {
			at.domain = kept.place.domain;
			at.directory = meta.parent;
			EMR_TRY(note_rester(cache, &at, goes_on, &kept, meta.n));
		}
		awake |= !rests;
		goes_on = rests;
	}
	c->left = 0;
	return cache->may_rest != NULL ? emr_buf_append(&cache->awake, &awake, 1) : EMR_OK;
}

static int by_prefix(const void *a, const void *b)
{
	const rester *x = a, *y = b;

	return (x->prefix > y->prefix) - (x->prefix < y->prefix);
}

static emr_status open_checked(emr_facts *facts, facts_cache *cache)
{
	EMR_TRY(open_file(facts, cache));
	if (!header_decode(&cache->head))
		return EMR_NOT_FOUND; /* of another version of the program, or damaged */
	EMR_TRY(check_position(facts, cache));
	EMR_TRY(emr_local_key_get(facts->keyring, EMR_LOCAL_VIEW, NULL, &cache->key));
	EMR_TRY(note_changes(facts, cache));
	/* Of a person's own seed a domain is hers or not, for ever. */
	if (emr_keyring_kind_of(facts->keyring) == EMR_KEYRING_DEVICE)
		EMR_TRY(compare_folders(facts, cache));
	sort_changed(cache);
	/* All of it, before the first record is given out: half a folder cannot be taken back. */
	for (uint64_t i = 0; i < cache->pages; i++)
		EMR_TRY(look_at_page(cache, i));
	if (cache->resters.len > sizeof(rester))
		qsort(cache->resters.data, cache->resters.len / sizeof(rester), sizeof(rester),
			by_prefix);
	return EMR_OK;
}

emr_status emr_kept_open(
	emr_facts *facts, emr_may_rest may_rest, void *arg, emr_kept_facts **out_cache)
{
	facts_cache *cache;
	emr_status status;

	if (facts->cache_dirfd < 0)
		return EMR_NOT_FOUND;
	cache = calloc(1, sizeof *cache);
	if (cache == NULL)
		return EMR_NO_MEMORY;
	cache->fd = -1;
	cache->may_rest = may_rest;
	cache->may_rest_arg = arg;
	status = open_checked(facts, cache);
	if (status == EMR_OK) {
		*out_cache = cache;
		return EMR_OK;
	}
	emr_kept_close(cache);
	if (status == EMR_NO_MEMORY)
		return status;
	if (status != EMR_NOT_FOUND)
		emr_log(EMR_LOG_WARN, "the kept facts are not used: %s", emr_status_text(status));
	return EMR_NOT_FOUND;
}

void emr_kept_close(emr_kept_facts *cache)
{
	if (cache == NULL)
		return;
	if (cache->fd >= 0)
		close(cache->fd);
	emr_local_key_free(cache->key);
	emr_buf_free(&cache->changed);
	emr_buf_free(&cache->runs);
	emr_buf_free(&cache->resters);
	emr_buf_free(&cache->awake);
	explicit_bzero(&cache->all, sizeof cache->all);
	explicit_bzero(&cache->of_run, sizeof cache->of_run);
	free(cache);
}

/* ---- reading ---- */

bool facts_cache_is_behind(const facts_cache *cache)
{
	return cache->has_erased ||
	       count_changed(cache) > BEHIND_MAX + cache->pages * BEHIND_PER_PAGE;
}

static facts_row row_of(cursor *c, const kept_record *kept)
{
	const bool is_lost = kept->units == 0;

	return (facts_row){.place = kept->place,
		.is_lost = is_lost,
		.is_junk = is_lost && kept->meta.len == LOST_JUNK,
		.plain = is_lost ? (emr_bytes){0} : whole_meta(c, kept)};
}

emr_status facts_cache_next(facts_cache *cache, facts_row *out)
{
	kept_record kept;
	uint32_t run;

	do
		EMR_TRY(next_kept(cache, &kept));
	while (has_changed(cache, &kept.place) || emr_kept_find(cache, kept.place.object, &run));
	*out = row_of(&cache->all, &kept);
	return EMR_OK;
}

emr_status facts_cache_next_in(facts_cache *cache, const emr_kept_run *run, facts_row *out)
{
	cursor *c = &cache->of_run;
	kept_record kept;

	if (run != NULL) {
		EMR_TRY(read_page(cache, c, run->page));
		c->r = emr_reader_of(
			emr_bytes_of(c->plain + run->offset, PLAIN_BYTES - run->offset));
		c->left = run->count;
	}
	EMR_TRY(c->left > 0 ? read_record(&c->r, &kept) : EMR_NOT_FOUND);
	c->left--;
	*out = row_of(c, &kept);
	return EMR_OK;
}

emr_kept_run *emr_kept_runs(emr_kept_facts *kept, uint32_t *out_count)
{
	*out_count = (uint32_t)(kept->runs.len / sizeof(emr_kept_run));
	return (emr_kept_run *)(void *)kept->runs.data;
}

bool emr_kept_find(const emr_kept_facts *kept, emr_id16 object, uint32_t *out_run)
{
	const rester key = {.prefix = emr_kept_prefix(object)}, *found = NULL;

	if (kept->resters.len > 0)
		found = bsearch(&key, kept->resters.data, kept->resters.len / sizeof key,
			sizeof key, by_prefix);
	if (found != NULL)
		*out_run = found->run;
	return found != NULL;
}

bool emr_kept_has_changed(const emr_kept_facts *kept)
{
	return kept->changed.len > 0;
}

emr_status emr_kept_prefixes(const emr_kept_facts *kept, emr_buf *out)
{
	EMR_EACH (const rester, one, &kept->resters)
		EMR_TRY(emr_buf_append(out, &one->prefix, sizeof one->prefix));
	return EMR_OK;
}

const emr_buf *facts_cache_changed(const facts_cache *cache)
{
	return &cache->changed;
}

/* ---- writing ---- */

static emr_status begin_file(emr_facts *facts, facts_cache_writer *w)
{
	EMR_TRY(emr_local_key_get(facts->keyring, EMR_LOCAL_VIEW, NULL, &w->key));
	if (unlinkat(w->dirfd, CACHE_NEW, 0) != 0 && errno != ENOENT)
		return emr_status_from_errno(errno);
	w->fd = openat(
		w->dirfd, CACHE_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->fd < 0)
		return emr_status_from_errno(errno);
	header_encode(&w->head);
	w->used = 4;
	return emr_pwrite_all(w->fd, w->head.bytes, HEADER_BYTES, 0);
}

emr_status facts_cache_begin(
	emr_facts *facts, const emr_replica_position *at, facts_cache_writer **out_writer)
{
	facts_cache_writer *w;
	emr_status status;

	if (facts->cache_dirfd < 0)
		return EMR_NOT_FOUND;
	w = calloc(1, sizeof *w);
	if (w == NULL)
		return EMR_NO_MEMORY;
	w->dirfd = facts->cache_dirfd;
	w->fd = -1;
	w->head = (header){.file_id = emr_id16_random(), .size = at->size};
	memcpy(w->head.root, at->root, sizeof w->head.root);
	status = begin_file(facts, w);
	if (status != EMR_OK) {
		facts_cache_abandon(w);
		return status;
	}
	*out_writer = w;
	return EMR_OK;
}

static emr_status write_page(facts_cache_writer *w, bool is_last)
{
	uint8_t aad[AAD_BYTES], nonce[24];
	emr_status status;

	memset(w->plain + w->used, 0, PLAIN_BYTES - w->used);
	emr_put_u32(w->plain, w->count);
	page_seal_names(&w->head, w->pages, is_last, aad, nonce);
	status = emr_local_seal(w->key, nonce, emr_bytes_of(aad, sizeof aad),
		emr_bytes_of(w->plain, PLAIN_BYTES), w->sealed);
	if (status == EMR_OK)
		status = emr_pwrite_all(w->fd, w->sealed, PAGE_BYTES,
			(off_t)(HEADER_BYTES + w->pages * PAGE_BYTES));
	w->pages++;
	w->count = 0;
	w->used = 4;
	return status;
}

static int by_place(const void *a, const void *b)
{
	const queued *x = a, *y = b;
	int order = memcmp(&x->domain, &y->domain, 2 * sizeof x->domain);

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static emr_status write_rows(facts_cache_writer *w)
{
	queued *all = (queued *)(void *)w->order.data;
	const size_t n = w->order.len / sizeof *all;

	if (n > 1)
		qsort(all, n, sizeof *all, by_place);
	for (size_t i = 0; i < n; i++) {
		if (w->used + all[i].len > PLAIN_BYTES)
			EMR_TRY(write_page(w, false));
		memcpy(w->plain + w->used, w->rows.data + all[i].at, all[i].len);
		w->used += all[i].len;
		w->count++;
	}
	explicit_bzero(w->rows.data, w->rows.len);
	emr_buf_clear(&w->rows);
	emr_buf_clear(&w->order);
	return EMR_OK;
}

emr_status facts_cache_add(facts_cache_writer *w, const facts_row *row)
{
	queued one = {.domain = row->place.domain, .at = w->rows.len};
	emr_writer out = emr_writer_of(&w->rows);
	size_t len = row->plain.len;

	if (len >= PARENT_AT + sizeof one.directory)
		memcpy(one.directory.b, row->plain.data + PARENT_AT, sizeof one.directory);
	while (len > 0 && row->plain.data[len - 1] == 0) /* padding */
		len--;
	emr_write_u16(&out, (uint16_t)(row->plain.len / EMR_META_UNIT));
	emr_write_u16(&out, row->is_junk ? LOST_JUNK : (uint16_t)len);
	emr_place_write(&out, &row->place);
	emr_write_bytes(&out, row->plain.data, len);
	EMR_TRY(out.status);
	one.len = w->rows.len - one.at;
	EMR_TRY(emr_buf_append(&w->order, &one, sizeof one));
	return w->rows.len < SORTED_BYTES ? EMR_OK : write_rows(w);
}

/* Not flushed: after a power cut a torn file does not open, and is made again. */
emr_status facts_cache_finish(facts_cache_writer *w)
{
	EMR_TRY(write_rows(w));
	EMR_TRY(write_page(w, true));
	if (renameat(w->dirfd, CACHE_NEW, w->dirfd, CACHE_NAME) != 0)
		return emr_status_from_errno(errno);
	close(w->fd);
	w->fd = -1;
	return EMR_OK;
}

void facts_cache_abandon(facts_cache_writer *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0) {
		close(w->fd);
		if (unlinkat(w->dirfd, CACHE_NEW, 0) != 0)
			emr_log(EMR_LOG_WARN, "half of the kept facts was left: %s",
				strerror(errno));
	}
	emr_local_key_free(w->key);
	if (w->rows.len > 0)
		explicit_bzero(w->rows.data, w->rows.len);
	emr_buf_free(&w->rows);
	emr_buf_free(&w->order);
	explicit_bzero(w->plain, sizeof w->plain);
	free(w);
}

emr_status emr_facts_forget_kept(emr_facts *facts)
{
	if (facts->cache_dirfd < 0)
		return EMR_OK;
	if (unlinkat(facts->cache_dirfd, CACHE_NEW, 0) != 0 &&
		errno != ENOENT) /* half of one, from a killed end */
		return emr_status_from_errno(errno);
	if (unlinkat(facts->cache_dirfd, CACHE_NAME, 0) != 0 && errno != ENOENT)
		return emr_status_from_errno(errno);
	return EMR_OK;
}
