/* To open a large folder every name would have to be decrypted again. This file keeps the
 * decrypted names between two mounts, sealed, directory by directory; it is refused as a whole when
 * any page of it was changed or cut, or is of another ledger.  The files of a directory can rest in
 * it until somebody looks there. */
#include "facts_pages.h"

#include <errno.h>
#include <fcntl.h>
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

#define BEHIND_MAX 64
#define BEHIND_PER_PAGE 16	      /* of some 250 records */
#define CHANGED_MAX ((size_t)1 << 20) /* with more, reading everything again is no slower */

/* The next one that does not rest.  EMR_NOT_FOUND: that was the last. */
static emr_status next_kept(facts_cache *cache, facts_kept *out)
{
	facts_cursor *c = &cache->all;
	bool has_run = false;

	do {
		while (c->left == 0) {
			while (c->next < cache->awake.len && cache->awake.data[c->next] == 0)
				c->next++;
			EMR_TRY(c->next < cache->pages ? facts_read_page(cache, c, c->next++)
						       : EMR_NOT_FOUND);
		}
		EMR_TRY(facts_pass_run(cache, &has_run));
	} while (has_run);
	c->left--;
	return facts_read_record(&c->r, out);
}

/* ---- what changed since ---- */

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
	qsort(all, n, sizeof *all, facts_by_ids);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || facts_by_ids(&all[kept - 1], &all[i]) != 0)
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

	cache->fd = openat(facts->cache_dirfd, FACTS_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (cache->fd < 0)
		return emr_status_from_errno(errno);
	(void)posix_fadvise(cache->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (fstat(cache->fd, &st) != 0)
		return emr_status_from_errno(errno);
	if (!S_ISREG(st.st_mode) || st.st_size < FACTS_HEADER_BYTES + FACTS_PAGE_BYTES ||
		(st.st_size - FACTS_HEADER_BYTES) % FACTS_PAGE_BYTES != 0)
		return EMR_DAMAGED;
	cache->pages = (uint64_t)(st.st_size - FACTS_HEADER_BYTES) / FACTS_PAGE_BYTES;
	return emr_pread_all(cache->fd, cache->head.bytes, FACTS_HEADER_BYTES, 0);
}

/* Does it belong to the beginning of what the replica has verified? */
static emr_status check_position(const emr_facts *facts, const facts_cache *cache)
{
	uint8_t root[32];

	EMR_TRY(emr_replica_root_at(facts->replica, cache->head.size, root));
	return memcmp(root, cache->head.root, sizeof root) == 0 ? EMR_OK : EMR_NOT_FOUND;
}

/* Those that the file has.  Records come folder by folder. */
static emr_status note_domains(facts_cache *cache, emr_buf *domains)
{
	const size_t size = sizeof(emr_id16);
	facts_kept kept;
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

static emr_status open_checked(emr_facts *facts, facts_cache *cache)
{
	EMR_TRY(open_file(facts, cache));
	if (!facts_header_decode(&cache->head))
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
		EMR_TRY(facts_look_at_page(cache, i));
	facts_sort_resters(cache);
	return EMR_OK;
}

emr_status emr_kept_open(emr_facts *facts, emr_may_rest may_rest, struct emr_loading *judge,
	emr_kept_facts **out_cache)
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
	cache->judge = judge;
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

static facts_row row_of(facts_cursor *c, const facts_kept *kept)
{
	const bool is_lost = kept->units == 0;

	return (facts_row){.place = kept->place,
		.is_lost = is_lost,
		.is_junk = is_lost && kept->meta.len == FACTS_JUNK,
		.plain = is_lost ? (emr_bytes){0} : facts_whole_meta(c, kept)};
}

emr_status facts_cache_next(facts_cache *cache, facts_row *out)
{
	facts_kept kept;

	do
		EMR_TRY(next_kept(cache, &kept));
	while (facts_has_changed(cache, &kept.place));
	*out = row_of(&cache->all, &kept);
	return EMR_OK;
}

emr_status facts_cache_next_in(facts_cache *cache, const emr_kept_run *run, facts_row *out)
{
	facts_cursor *c = &cache->of_run;
	facts_kept kept;

	if (run != NULL) {
		EMR_TRY(facts_read_page(cache, c, run->page));
		c->r = emr_reader_of(
			emr_bytes_of(c->plain + run->offset, FACTS_PLAIN_BYTES - run->offset));
		c->left = run->count;
	}
	EMR_TRY(c->left > 0 ? facts_read_record(&c->r, &kept) : EMR_NOT_FOUND);
	c->left--;
	*out = row_of(c, &kept);
	return EMR_OK;
}

const emr_buf *facts_cache_changed(const facts_cache *cache)
{
	return &cache->changed;
}
