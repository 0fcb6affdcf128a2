/* This file is the scrub of the store: it reads every block on the disk, compares it with its
 * hash and with the index, and reports what is damaged. */
#include "store_private.h"

#include "base/file.h"
#include "base/log.h"

typedef struct check_run {
	emr_store *store;
	emr_segment *segment;
	uint64_t end; /* own current segment: nothing behind it is looked at */
	emr_store_damage_visit visit;
	void *context;
	uint64_t damaged;
	bool index_lies;
} check_run;

static emr_status report(check_run *run, uint64_t offset, uint64_t len)
{
	char name[EMR_SEGMENT_NAME_MAX];
	emr_store_damage damage = {.segment = name, .offset = offset, .len = len};

	emr_segment_name_of(run->segment->writer, run->segment->number, name);
	if (run->visit != NULL)
		run->visit(run->context, &damage);
	run->damaged++;
	return emr_store_note_damage(run->store, run->segment, offset, len, false);
}

/* What stands where damage was: known to nobody, and nothing is lost with it. */
static bool is_filler(emr_bytes block)
{
	for (size_t i = 0; i < block.len; i++)
		if (block.data[i] != 0)
			return false;
	return true;
}

/* What is appended while we look may stand half behind the damage; it is none. */
static emr_status check_hole(check_run *run, const emr_scan_item *item)
{
	uint64_t len = item->len < run->end - item->offset ? item->len : run->end - item->offset;
	emr_status status = report(run, item->offset, len);

	if (status == EMR_OK && run->segment->own && !run->store->read_only &&
		emr_store_fill_hole(run->store, run->segment, item->offset, len) != EMR_OK)
		emr_log(EMR_LOG_WARN, "store: a damaged place could not be moved to quarantine");
	return status;
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
		if (status == EMR_OK && run->segment->own && !run->store->read_only)
			status = emr_pwrite_all(fd, emr_segment_prefix, sizeof prefix, 0);
	}
	if (status == EMR_OK)
		status = emr_scan(fd, EMR_SEGMENT_PREFIX_BYTES, true, check_item, run, &end);
	emr_segment_unuse(run->store, run->segment);
	return status;
}

emr_status emr_store_check(emr_store *store, emr_store_damage_visit visit, void *context)
{
	check_run run = {.store = store, .visit = visit, .context = context};
	emr_status status = emr_store_refresh(store);

	for (size_t i = 0; status == EMR_OK; i++) {
		bool there, gone = true;

		pthread_mutex_lock(&store->map_lock);
		there = i < store->segment_count;
		if (there) {
			run.segment = store->segments[i];
			gone = run.segment->gone ||
			       !emr_id16_equal(run.segment->writer, store->writer);
		}
		pthread_mutex_unlock(&store->map_lock);
		if (!there)
			break;
		if (!gone)
			status = check_segment(&run);
	}
	if (status == EMR_OK && !store->read_only) {
		pthread_mutex_lock(&store->index_lock);
		status = emr_index_audit(store->index);
		pthread_mutex_unlock(&store->index_lock);
		run.index_lies |= status == EMR_DAMAGED;
		status = run.index_lies ? emr_store_rebuild(store) : status;
	}
	if (status != EMR_OK)
		return status;
	return run.damaged > 0 || run.index_lies ? EMR_DAMAGED : EMR_OK;
}
