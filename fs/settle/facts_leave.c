/* When the folder is closed, this file writes the kept facts: what was decrypted, sealed, directory
 * by directory, so that the files of one lie together. */
#include "facts_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "settle/place.h"

#define SORTED_BYTES ((size_t)32 << 20) /* of rows, which stand by directory then */
#define PARENT_AT 24			/* in a description (fs/record/FORMAT.md) */

/* A row that waits to be written. */
typedef struct queued {
	emr_id16 domain, directory;
	size_t at, len; /* in the writer's rows */
} queued;

struct facts_cache_writer {
	emr_local_key *key;
	int dirfd, fd;
	facts_header head;
	uint64_t pages; /* written */
	size_t used;	/* of PLAIN, with its count of records in front */
	uint32_t count;
	emr_buf rows, order; /* that are not written yet; of queued, where each of them is */
	uint8_t sealed[FACTS_PAGE_BYTES], plain[FACTS_PAGE_BYTES];
};

static emr_status begin_file(emr_facts *facts, facts_cache_writer *w)
{
	EMR_TRY(emr_local_key_get(facts->keyring, EMR_LOCAL_VIEW, NULL, &w->key));
	if (unlinkat(w->dirfd, FACTS_NEW, 0) != 0 && errno != ENOENT)
		return emr_status_from_errno(errno);
	w->fd = openat(
		w->dirfd, FACTS_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->fd < 0)
		return emr_status_from_errno(errno);
	facts_header_encode(&w->head);
	w->used = 4;
	return emr_pwrite_all(w->fd, w->head.bytes, FACTS_HEADER_BYTES, 0);
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
	w->head = (facts_header){.file_id = emr_id16_random(), .size = at->size};
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
	uint8_t aad[FACTS_AAD_BYTES], nonce[24];
	emr_status status;

	memset(w->plain + w->used, 0, FACTS_PLAIN_BYTES - w->used);
	emr_put_u32(w->plain, w->count);
	facts_page_names(&w->head, w->pages, is_last, aad, nonce);
	status = emr_local_seal(w->key, nonce, emr_bytes_of(aad, sizeof aad),
		emr_bytes_of(w->plain, FACTS_PLAIN_BYTES), w->sealed);
	if (status == EMR_OK)
		status = emr_pwrite_all(w->fd, w->sealed, FACTS_PAGE_BYTES,
			(off_t)(FACTS_HEADER_BYTES + w->pages * FACTS_PAGE_BYTES));
	w->pages++;
	w->count = 0;
	w->used = 4;
	return status;
}

static emr_status write_rows(facts_cache_writer *w)
{
	queued *all = (queued *)(void *)w->order.data;
	const size_t n = w->order.len / sizeof *all;

	if (n > 1)
		qsort(all, n, sizeof *all, facts_by_ids);
	for (size_t i = 0; i < n; i++) {
		if (w->used + all[i].len > FACTS_PLAIN_BYTES)
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
	emr_write_u16(&out, row->is_junk ? FACTS_JUNK : (uint16_t)len);
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
	if (renameat(w->dirfd, FACTS_NEW, w->dirfd, FACTS_NAME) != 0)
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
		if (unlinkat(w->dirfd, FACTS_NEW, 0) != 0)
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
	if (unlinkat(facts->cache_dirfd, FACTS_NEW, 0) != 0 &&
		errno != ENOENT) /* half of one, from a killed end */
		return emr_status_from_errno(errno);
	if (unlinkat(facts->cache_dirfd, FACTS_NAME, 0) != 0 && errno != ENOENT)
		return emr_status_from_errno(errno);
	return EMR_OK;
}
