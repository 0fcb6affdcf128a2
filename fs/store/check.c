/* This file checks the store, or mends it: either reads every block on the disk, compares it with
 * its hash and with the index, and reports what is damaged.  A check writes nothing; mending ends
 * erasures that were cut short, puts fillers where damage was, and makes a lying index again. */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

typedef struct check_run {
	emr_store *store;
	emr_segment *segment;
	uint64_t end; /* own current segment: nothing behind it is looked at */
	const emr_store_damage_to *to;
	bool mends; /* else nothing is written */
	bool is_damaged;
	bool index_lies;
} check_run;

static emr_status report(check_run *run, uint64_t offset, uint64_t len)
{
	char name[EMR_SEGMENT_NAME_MAX];
	emr_store_damage damage = {.segment = name, .offset = offset, .len = len};

	emr_segment_name_of(run->segment->writer, run->segment->number, name);
	if (run->to != NULL)
		run->to->visit(run->to->context, &damage);
	run->is_damaged = true;
	return emr_store_note_damage(run->store, run->segment, offset, len, false);
}

/* True for the filler that stands where damage was: nobody knows it, and nothing is lost with
 * it. */
static bool is_filler(emr_bytes block)
{
	for (size_t i = 0; i < block.len; i++)
		if (block.data[i] != 0)
			return false;
	return true;
}

/* ---- Erasures that were cut short ---- */

typedef emr_status (*erased_visit)(check_run *run, int fd, const emr_scan_item *item);

/* The head at OFFSET, if one stands there whose section ends at END or before. */
static emr_status read_head(int fd, uint64_t offset, uint64_t end, emr_scan_item *out)
{
	uint8_t bytes[EMR_CAR_SECTION_HEAD_MAX];
	size_t n = end - offset < sizeof bytes ? (size_t)(end - offset) : sizeof bytes;
	emr_car_section section;

	EMR_TRY(emr_pread_all(fd, bytes, n, (off_t)offset));
	EMR_TRY(emr_car_read_section_head(emr_bytes_of(bytes, n), &section));
	if (section.head_len + section.data_len > end - offset)
		return EMR_DAMAGED;
	*out = (emr_scan_item){.offset = offset,
		.len = section.head_len + section.data_len,
		.cid = section.cid,
		.head_len = section.head_len,
		.data_len = section.data_len};
	return EMR_OK;
}

static emr_status each_section(
	check_run *run, int fd, const emr_scan_item *hole, erased_visit visit)
{
	uint64_t end = hole->offset + hole->len;
	emr_scan_item item = {.offset = hole->offset};

	for (uint64_t at = hole->offset; at < end; at += item.len) {
		EMR_TRY(read_head(fd, at, end, &item));
		EMR_TRY(visit(run, fd, &item));
	}
	return EMR_OK;
}

/* EMR_DAMAGED: it holds something, or somebody needs what it held. */
static emr_status is_erased(check_run *run, int fd, const emr_scan_item *item)
{
	EMR_AUTO_FREE uint8_t *bytes = malloc(item->data_len + 1);
	emr_store_position at;
	emr_status status;

	EMR_TRY(bytes == NULL ? EMR_NO_MEMORY : EMR_OK);
	EMR_TRY(emr_pread_all(fd, bytes, item->data_len, (off_t)(item->offset + item->head_len)));
	if (!is_filler(emr_bytes_of(bytes, item->data_len)))
		return EMR_DAMAGED;
	status = emr_store_find(run->store, emr_cid_digest(&item->cid), &at);
	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	return status == EMR_OK && (at.segment != run->segment->handle ||
					   at.offset != item->offset + item->head_len)
		       ? EMR_OK
		       : EMR_DAMAGED;
}

static emr_status blank_bytes(check_run *run, int fd, const emr_scan_item *item)
{
	(void)run;
	return emr_segment_blank_bytes(fd, item->offset + item->head_len, item->data_len);
}

static emr_status blank_head(check_run *run, int fd, const emr_scan_item *item)
{
	(void)run;
	return emr_segment_blank_heads(fd, item->offset, item->len);
}

/* An erasure lets the index forget a block, takes its bytes, and when that is on the disk its head.
 * One that a failing disk or a kill ended in between is no damage, and nothing for the quarantine:
 * it is ended where RUN mends.  The bytes once more: the disk may not have taken the zeros that we
 * read. */
static bool end_erasure(check_run *run, const emr_scan_item *hole)
{
	emr_status status;
	int fd;

	if (!run->segment->own || emr_segment_use(run->store, run->segment, &fd) != EMR_OK)
		return false;
	if (each_section(run, fd, hole, is_erased) != EMR_OK) {
		emr_segment_unuse(run->store, run->segment);
		return false;
	}
	status = run->mends ? each_section(run, fd, hole, blank_bytes) : EMR_READ_ONLY;
	if (status == EMR_OK && fdatasync(fd) != 0)
		status = emr_status_from_errno(errno);
	if (status == EMR_OK)
		status = each_section(run, fd, hole, blank_head);
	emr_segment_unuse(run->store, run->segment);
	if (status != EMR_OK && status != EMR_READ_ONLY)
		emr_log(EMR_LOG_WARN, "store: an erasure was not ended: %s",
			emr_status_text(status));
	return true;
}

/* ---- Sections ---- */

/* EMR_DAMAGED: here it is; EMR_NOT_FOUND: behind the place, and nothing was in it. */
static emr_status find_hole(void *context, const emr_scan_item *item)
{
	const emr_scan_item *hole = context;

	if (item->offset >= hole->offset + hole->len)
		return EMR_NOT_FOUND;
	return item->hole ? EMR_DAMAGED : EMR_OK;
}

/* A reclaim on a full disk takes bytes first and heads later: it is looked at again when none runs.
 */
static bool is_being_erased(check_run *run, const emr_scan_item *hole)
{
	emr_scan_item copy = *hole;
	uint64_t end;
	emr_status status;
	int fd;

	if (!run->segment->own || run->store->read_only ||
		emr_segment_use(run->store, run->segment, &fd) != EMR_OK)
		return false;
	emr_store_reclaim_lock(run->store);
	status = emr_scan(fd, hole->offset, true, find_hole, &copy, &end);
	pthread_mutex_unlock(&run->store->reclaim_lock);
	emr_segment_unuse(run->store, run->segment);
	return status == EMR_OK || status == EMR_NOT_FOUND;
}

/* A group that is appended while we look may stand half behind the damage; it is none. */
static emr_status check_hole(check_run *run, const emr_scan_item *item)
{
	uint64_t len = item->len < run->end - item->offset ? item->len : run->end - item->offset;

	if (len == item->len && (end_erasure(run, item) || is_being_erased(run, item)))
		return EMR_OK;
	EMR_TRY(report(run, item->offset, len));
	if (run->segment->own && run->mends &&
		emr_store_fill_hole(run->store, run->segment, item->offset, len) != EMR_OK)
		emr_log(EMR_LOG_WARN, "store: a damaged place could not be moved to quarantine");
	return EMR_OK;
}

/* Whether the index leads to this block.  One that another process has just replaced is read again
 * while we look, and what a reclaim takes away meanwhile need not be found. */
static emr_status look_up(check_run *run, const emr_cid *cid, bool *out_known)
{
	emr_store_position at;
	emr_status status = emr_store_find(run->store, emr_cid_digest(cid), &at);

	if (status == EMR_NOT_FOUND && !run->index_lies) {
		status = emr_store_refresh(run->store);
		if (status == EMR_OK)
			status = emr_store_find(run->store, emr_cid_digest(cid), &at);
	}
	*out_known = status != EMR_NOT_FOUND && status != EMR_DAMAGED;
	if (!*out_known) {
		pthread_mutex_lock(&run->store->map_lock);
		*out_known = run->segment->gone;
		pthread_mutex_unlock(&run->store->map_lock);
		return EMR_OK;
	}
	return status == EMR_INTERRUPTED ? EMR_OK : status;
}

static emr_status check_item(void *context, const emr_scan_item *item)
{
	check_run *run = context;
	emr_status status;
	bool is_known;

	if (item->offset >= run->end)
		return EMR_OK;
	if (item->hole)
		return check_hole(run, item);
	/* Frames of ours are not indexed; a stranger's look-alike may be. */
	if (emr_store_frame_is(item->head) || is_filler(item->head))
		return EMR_OK;
	status = look_up(run, &item->cid, &is_known);
	run->index_lies |= !is_known;
	return status;
}

/* A file that ends behind a whole section looks whole: that more stood there is known from what was
 * put there or indexed. Mending gives it fillers, so that what comes next stands where it is looked
 * for. */
static emr_status check_end(check_run *run, int fd)
{
	static const uint8_t last[1];
	struct stat st;
	uint64_t size;
	emr_status status;

	if (fstat(fd, &st) != 0)
		return emr_status_from_errno(errno);
	size = (uint64_t)st.st_size;
	if (size >= run->end)
		return EMR_OK;
	run->index_lies = true;
	EMR_TRY(report(run, size, run->end - size));
	if (!run->segment->own || !run->mends)
		return EMR_OK;
	status = emr_pwrite_all(fd, last, sizeof last, (off_t)(run->end - 1));
	if (status == EMR_OK)
		status = emr_store_fill_hole(run->store, run->segment, size, run->end - size);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "store: a segment that was cut is shorter than it was");
	return EMR_OK;
}

static emr_status check_segment(check_run *run)
{
	uint8_t prefix[EMR_SEGMENT_PREFIX_BYTES];
	uint64_t end;
	emr_status status;
	int fd;

	pthread_mutex_lock(&run->store->map_lock);
	run->end = run->segment->known_to;
	pthread_mutex_unlock(&run->store->map_lock);
	status = emr_segment_use(run->store, run->segment, &fd);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	status = emr_pread_all(fd, prefix, sizeof prefix, 0);
	if (status == EMR_DAMAGED ||
		(status == EMR_OK && memcmp(prefix, emr_segment_prefix, sizeof prefix) != 0)) {
		status = report(run, 0, sizeof prefix);
		if (status == EMR_OK && run->segment->own && run->mends)
			status = emr_pwrite_all(fd, emr_segment_prefix, sizeof prefix, 0);
	}
	if (status == EMR_OK)
		status = emr_scan(fd, EMR_SEGMENT_PREFIX_BYTES, true, check_item, run, &end);
	if (status == EMR_OK)
		status = check_end(run, fd);
	emr_segment_unuse(run->store, run->segment);
	return status;
}

static emr_status look_at_all(check_run *run)
{
	emr_store *store = run->store;
	emr_status status = emr_store_refresh(store);

	for (size_t i = 0; status == EMR_OK; i++) {
		bool is_ours;

		pthread_mutex_lock(&store->map_lock);
		run->segment = i < store->segment_count ? store->segments[i] : NULL;
		is_ours = run->segment != NULL && !run->segment->gone &&
			  emr_id16_equal(run->segment->writer, store->writer);
		pthread_mutex_unlock(&store->map_lock);
		if (run->segment == NULL)
			break;
		if (is_ours)
			status = check_segment(run);
	}
	if (status == EMR_OK && run->mends) {
		status = emr_store_audit(store);
		run->index_lies |= status == EMR_DAMAGED;
		status = run->index_lies ? emr_store_rebuild(store) : status;
	}
	return status == EMR_OK && run->is_damaged ? EMR_DAMAGED : status;
}

emr_status emr_store_check(emr_store *store, const emr_store_damage_to *to)
{
	return look_at_all(&(check_run){.store = store, .to = to});
}

emr_status emr_store_mend(emr_store *store, const emr_store_damage_to *to)
{
	return look_at_all(&(check_run){.store = store, .to = to, .mends = !store->read_only});
}
