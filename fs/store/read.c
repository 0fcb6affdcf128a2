/* This file reads a block. It hands out nothing that does not fit its hash; when the place that was
 * found (find.c) turns out wrong, it looks again, and makes a new index if the index was wrong.
 */
#include "store_private.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"

/* Once in a process a miss makes us ask whether the index tells the truth. */
static emr_status audit_once(emr_store *store)
{
	emr_status status;

	if (!emr_store_may_rebuild(store) || atomic_exchange(&store->indexed.was_audited, true))
		return EMR_OK;
	status = emr_store_audit(store);
	return status == EMR_DAMAGED ? emr_store_rebuild(store) : status;
}

#define VANISHED_MAX                                                                               \
	16 /* segments that their writers began or reclaimed while we looked, one after the other  \
	    */

static uint64_t vanished_of(emr_store *store)
{
	EMR_LOCKED(&store->map_lock);

	return store->vanished;
}

/* Looks once at what other processes did.  EMR_INTERRUPTED: a segment went meanwhile, so the block
 * may lie in a younger one that was not there, or not read yet, when we looked. */
static emr_status refresh_and_find(
	emr_store *store, const uint8_t *digest, emr_store_position *out_at)
{
	uint64_t vanished = vanished_of(store);
	emr_status status = emr_store_refresh(store);
	bool has_looked = false;

	if (status == EMR_OK)
		status = emr_store_find(store, digest, out_at);
	if (status == EMR_NOT_FOUND && vanished == vanished_of(store) &&
		emr_store_look_again(store, &has_looked) == EMR_OK && has_looked)
		status = emr_store_find(store, digest, out_at);
	return status == EMR_NOT_FOUND && vanished != vanished_of(store) ? EMR_INTERRUPTED : status;
}

/* As find, after looking at what other processes did; their reclaims may be going on while we look.
 */
static emr_status find_anew(emr_store *store, const uint8_t *digest, emr_store_position *out_at)
{
	emr_status status = EMR_INTERRUPTED;

	for (int i = 0; status == EMR_INTERRUPTED && i < VANISHED_MAX; i++)
		status = refresh_and_find(store, digest, out_at);
	return status == EMR_INTERRUPTED ? EMR_NOT_FOUND : status;
}

/* As find; before a miss is believed other processes' work and the index itself are looked at
 * again. */
static emr_status find_surely(emr_store *store, const uint8_t *digest, emr_store_position *out_at)
{
	emr_status status = emr_store_find(store, digest, out_at);

	if (status == EMR_DAMAGED && emr_store_may_rebuild(store)) {
		EMR_TRY(emr_store_rebuild(store));
		return emr_store_find(store, digest, out_at);
	}
	if (status == EMR_NOT_FOUND)
		status = audit_once(store);
	else if (status != EMR_INTERRUPTED)
		return status;
	return status == EMR_OK || status == EMR_INTERRUPTED ? find_anew(store, digest, out_at)
							     : status;
}

static bool is_known_damage(emr_store *store, const emr_segment *segment, uint64_t offset)
{
	char name[EMR_SEGMENT_NAME_MAX];
	bool known = false;

	emr_segment_name_of(segment->writer, segment->number, name);
	pthread_mutex_lock(&store->map_lock);
	for (size_t i = 0; i < store->damage_count; i++) {
		const emr_damage_row *row = &store->damages[i];

		known |= strcmp(row->segment, name) == 0 && offset >= row->damage.offset &&
			 offset < row->damage.offset + row->damage.len;
	}
	pthread_mutex_unlock(&store->map_lock);
	return known;
}

/* The section head in front of AT must be the one of this block; the codec may differ (same bytes,
 * same digest). */
static emr_status check_head(int fd, const uint8_t *digest, const emr_store_position *at)
{
	uint8_t expected[EMR_CAR_SECTION_HEAD_MAX];
	uint8_t found[EMR_CAR_SECTION_HEAD_MAX];
	emr_cid cid = emr_cid_of_digest(EMR_CODEC_RAW, digest);
	size_t len = emr_car_section_head(expected, &cid, at->len);

	if (at->offset < len)
		return EMR_DAMAGED;
	EMR_TRY(emr_pread_all(fd, found, len, (off_t)(at->offset - len)));
	if (found[len - EMR_CID_BYTES + 1] != EMR_CODEC_RAW &&
		found[len - EMR_CID_BYTES + 1] != EMR_CODEC_DAG_PB)
		return EMR_DAMAGED;
	found[len - EMR_CID_BYTES + 1] = EMR_CODEC_RAW;
	return memcmp(found, expected, len) == 0 ? EMR_OK : EMR_DAMAGED;
}

static emr_segment *segment_of(emr_store *store, uint32_t handle)
{
	EMR_LOCKED(&store->map_lock);

	return emr_segment_by_handle(store, handle);
}

/* Opens the place for reading after making sure that it holds the block. */
static emr_status open_place(emr_store *store, const uint8_t *digest, const emr_store_position *at,
	bool known, emr_segment **out_segment, int *out_fd)
{
	emr_segment *segment = segment_of(store, at->segment);
	emr_status status = emr_segment_use(store, segment, out_fd);

	if (status != EMR_OK)
		return status;
	if (!known)
		status = check_head(*out_fd, digest, at);
	if (status != EMR_OK) {
		emr_segment_unuse(store, segment);
		return status == EMR_DAMAGED && is_known_damage(store, segment, at->offset)
			       ? EMR_MISSING_DATA
			       : status;
	}
	if (!known)
		emr_store_cache_put(store, digest, at);
	*out_segment = segment;
	return EMR_OK;
}

/* A lie about a segment of one's own, or a sum that does not fit: the index is made again, once in
 * a process.  That another writer's segment is damaged is not the index's fault, and making it
 * again would cost everybody; in an index of one's own it may be that he has put another file
 * there. */
static emr_status doubt_index(emr_store *store, const emr_store_position *at)
{
	emr_status status = EMR_DAMAGED;
	bool was_rebuilt, is_own;

	if (!emr_store_may_rebuild(store))
		return EMR_DAMAGED;
	pthread_mutex_lock(&store->index_lock);
	was_rebuilt = store->indexed.was_rebuilt;
	pthread_mutex_lock(&store->map_lock);
	is_own = store->has_own_index || emr_segment_by_handle(store, at->segment)->own;
	pthread_mutex_unlock(&store->map_lock);
	pthread_mutex_unlock(&store->index_lock);
	/* Perhaps by another reader just now, who met the same lie: looked at once more, and then
	 * no longer. */
	if (was_rebuilt)
		return EMR_OK;
	if (!is_own)
		status = emr_store_audit(store);
	return status == EMR_DAMAGED && emr_store_rebuild(store) == EMR_OK ? EMR_OK : EMR_DAMAGED;
}

/* Finds the block; when what we knew has moved, looks again; when it is wrong, looks again once,
 * and then doubts the index. */
static emr_status reach(emr_store *store, const uint8_t *digest, emr_store_position *out_at,
	emr_segment **out_segment, int *out_fd)
{
	emr_status status = EMR_NOT_FOUND;

	if (emr_store_is_cached(store, digest, out_at)) {
		status = open_place(store, digest, out_at, true, out_segment, out_fd);
		if (status == EMR_OK)
			return EMR_OK;
	}
	for (int vanished = 0, wrong = 0; vanished < VANISHED_MAX && wrong < 3;) {
		EMR_TRY(find_surely(store, digest, out_at));
		status = open_place(store, digest, out_at, false, out_segment, out_fd);
		if (status == EMR_MISSING_DATA)
			return EMR_DAMAGED; /* known, and in quarantine */
		if (status != EMR_NOT_FOUND && status != EMR_DAMAGED)
			return status;
		if (status == EMR_NOT_FOUND)
			vanished++;
		else if (++wrong == 2 && doubt_index(store, out_at) != EMR_OK)
			return EMR_DAMAGED;
		if (wrong < 2 && emr_store_refresh(store) != EMR_OK)
			return status;
	}
	return EMR_DAMAGED;
}

emr_status emr_store_locate(emr_store *store, const emr_cid *cid, emr_store_position *out_position)
{
	emr_store_position at;
	emr_segment *segment;
	int fd;

	EMR_TRY(reach(store, emr_cid_digest(cid), &at, &segment, &fd));
	emr_segment_unuse(store, segment);
	*out_position = at;
	return EMR_OK;
}

emr_status emr_store_size(emr_store *store, const emr_cid *cid, uint64_t *out_bytes)
{
	emr_store_position at;

	EMR_TRY(emr_store_locate(store, cid, &at));
	*out_bytes = at.len;
	return EMR_OK;
}

/* The file of AT's segment is there and reaches over it. */
static bool is_long_enough(emr_store *store, const emr_store_position *at)
{
	emr_segment *segment = segment_of(store, at->segment);
	struct stat st;
	bool is;
	int fd;

	if (emr_segment_use(store, segment, &fd) != EMR_OK)
		return false;
	is = fstat(fd, &st) == 0 && at->offset + at->len <= (uint64_t)st.st_size;
	emr_segment_unuse(store, segment);
	return is;
}

emr_status emr_store_size_known(emr_store *store, const emr_cid *cid, uint64_t *out_bytes)
{
	emr_store_position at;

	if (emr_store_find_quickly(store, emr_cid_digest(cid), &at) != EMR_OK ||
		!is_long_enough(store, &at))
		return emr_store_size(store, cid, out_bytes);
	*out_bytes = at.len;
	return EMR_OK;
}

/* The block's bytes into room that BUF has reserved behind its end. */
static emr_status read_verified(emr_store *store, const emr_cid *cid, emr_buf *out)
{
	emr_store_position at;
	emr_segment *segment;
	emr_status status;
	int fd;

	EMR_TRY(reach(store, emr_cid_digest(cid), &at, &segment, &fd));
	status = emr_buf_reserve(out, at.len);
	if (status == EMR_OK && at.len > 0)
		status = emr_pread_all(fd, out->data + out->len, at.len, (off_t)at.offset);
	emr_segment_unuse(store, segment);
	if (status == EMR_OK)
		status = emr_cid_verify(cid, emr_bytes_of(out->data + out->len, at.len));
	if (status == EMR_OK)
		out->len += at.len;
	return status;
}

/* From the place that is named for it, without a look at what stands in front: the hash says more.
 * False: not there, or other bytes, and nothing is known of why. */
static bool read_at_once(emr_store *store, const emr_cid *cid, emr_buf *out)
{
	const uint8_t *digest = emr_cid_digest(cid);
	emr_store_position at;
	emr_segment *segment;
	emr_status status;
	int fd;

	if (emr_store_find(store, digest, &at) != EMR_OK || at.len > EMR_BLOCK_MAX ||
		emr_buf_reserve(out, at.len) != EMR_OK)
		return false;
	segment = segment_of(store, at.segment);
	if (emr_segment_use(store, segment, &fd) != EMR_OK)
		return false;
	status = emr_pread_all(fd, out->data + out->len, at.len, (off_t)at.offset);
	emr_segment_unuse(store, segment);
	if (status == EMR_OK)
		status = emr_cid_verify(cid, emr_bytes_of(out->data + out->len, at.len));
	if (status != EMR_OK)
		return false;
	emr_store_cache_put(store, digest, &at);
	out->len += at.len;
	return true;
}

emr_status emr_store_get_verified(emr_store *store, const emr_cid *cid, emr_buf *out)
{
	emr_store_position at;
	emr_status status;

	if (!emr_store_is_cached(store, emr_cid_digest(cid), &at) && read_at_once(store, cid, out))
		return EMR_OK;
	status = read_verified(store, cid, out);
	if (status != EMR_DAMAGED)
		return status;
	/* Perhaps there is a good copy by now that our cache does not know. */
	emr_store_cache_drop(store, emr_cid_digest(cid));
	EMR_TRY(emr_store_refresh(store));
	return read_verified(store, cid, out);
}

emr_status emr_store_read_place(
	emr_store *store, const emr_store_position *at, emr_cid *out_cid, emr_buf *out)
{
	size_t head_len = emr_varint_len(EMR_CID_BYTES + at->len) + EMR_CID_BYTES;
	emr_segment *segment = segment_of(store, at->segment);
	emr_car_section section;
	EMR_AUTO_BUF bytes = {0};
	emr_status status;
	int fd;

	if (segment == NULL || at->offset < head_len)
		return EMR_DAMAGED;
	EMR_TRY(emr_buf_append_zeros(&bytes, head_len + at->len));
	EMR_TRY(emr_segment_use(store, segment, &fd));
	status = emr_pread_all(fd, bytes.data, bytes.len, (off_t)(at->offset - head_len));
	emr_segment_unuse(store, segment);
	if (status != EMR_OK)
		return status;
	if (emr_car_read_section_head(emr_buf_view(&bytes), &section) != EMR_OK ||
		section.data_len != at->len)
		return EMR_DAMAGED;
	EMR_TRY(emr_cid_verify(&section.cid, emr_bytes_of(bytes.data + head_len, at->len)));
	EMR_TRY(emr_buf_append(out, bytes.data + head_len, at->len));
	*out_cid = section.cid;
	return EMR_OK;
}
