/* The journal keeps its entries as blocks (frames) in the same segments. This file finds them
 * again by their place, in order, and refuses one that another block has taken the place of. */
#include "store_private.h"

#include "base/file.h"

typedef struct frame_call {
	const char *magic;
	size_t head_bytes;
	uint64_t number;
	uint64_t end; /* what is behind it does not count */
	emr_log_visit visit;
	void *context;
} frame_call;

static emr_status visit_item(void *context, const emr_scan_item *item)
{
	const frame_call *call = context;
	emr_log_section section = {.place = {call->number, item->offset}, .len = item->len};

	if (item->offset >= call->end)
		return EMR_OK;
	if (item->hole) {
		section.damaged = true;
		return call->visit(call->context, &section);
	}
	if (emr_cid_codec(&item->cid) != EMR_CODEC_RAW || item->head.len < 4 ||
		memcmp(item->head.data, call->magic, 4) != 0)
		return EMR_OK;
	section.cid = item->cid;
	section.head = item->head;
	if (section.head.len > call->head_bytes)
		section.head.len = call->head_bytes;
	return call->visit(call->context, &section);
}

/* The local segment with the smallest number from NUMBER on; NULL when there is none. */
static emr_segment *own_from(emr_store *store, uint64_t number)
{
	emr_segment *found = NULL;
	EMR_LOCKED(&store->map_lock);

	for (size_t i = 0; i < store->segment_count; i++) {
		emr_segment *segment = store->segments[i];

		if (segment->own && !segment->gone && segment->number >= number &&
			(found == NULL || segment->number < found->number))
			found = segment;
	}
	return found;
}

static uint64_t known_to(emr_store *store, const emr_segment *segment)
{
	EMR_LOCKED(&store->map_lock);

	return segment->known_to;
}

emr_status emr_store_each_frame(emr_store *store, emr_log_place from, const char magic[4],
	size_t head_bytes, emr_log_visit visit, void *context)
{
	frame_call call = {
		.magic = magic, .head_bytes = head_bytes, .visit = visit, .context = context};
	emr_segment *segment = own_from(store, from.number);
	emr_status status = EMR_OK;

	if (store->read_only && !store->is_still)
		return EMR_READ_ONLY;
	for (; status == EMR_OK && segment != NULL; segment = own_from(store, call.number + 1)) {
		uint64_t start =
			segment->number == from.number && from.offset > EMR_SEGMENT_PREFIX_BYTES
				? from.offset
				: EMR_SEGMENT_PREFIX_BYTES;
		uint64_t end;
		int fd;

		call.number = segment->number;
		/* A torn end that could not be cut. */
		call.end = store->is_still ? known_to(store, segment) : UINT64_MAX;
		status = emr_segment_use(store, segment, &fd);
		if (status != EMR_OK)
			return status;
		status = emr_scan(fd, start, false, visit_item, &call, &end);
		emr_segment_unuse(store, segment);
	}
	return status;
}

/* Parses the section head at PLACE; frames are longer than the largest head. */
static emr_status head_at(
	emr_store *store, emr_segment *segment, uint64_t offset, emr_car_section *out_section)
{
	uint8_t head[EMR_CAR_SECTION_HEAD_MAX];
	emr_status status;
	int fd;

	EMR_TRY(emr_segment_use(store, segment, &fd));
	status = emr_pread_all(fd, head, sizeof head, (off_t)offset);
	emr_segment_unuse(store, segment);
	if (status != EMR_OK)
		return status;
	return emr_car_read_section_head(emr_bytes_of(head, sizeof head), out_section) == EMR_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}

emr_status emr_store_read_frame(
	emr_store *store, emr_log_place place, const emr_cid *cid, emr_buf *out)
{
	emr_segment *segment = own_from(store, place.number);
	emr_car_section section;
	emr_store_position at;
	size_t before = out->len;
	emr_cid found;

	if (segment == NULL || segment->number != place.number)
		return EMR_NOT_FOUND;
	EMR_TRY(head_at(store, segment, place.offset, &section));
	if (!emr_cid_equal(&section.cid, cid))
		return EMR_DAMAGED;
	at = (emr_store_position){
		segment->handle, (uint32_t)section.data_len, place.offset + section.head_len};
	EMR_TRY(emr_store_read_place(store, &at, &found, out));
	/* Another block may stand there since its head was looked at. */
	if (!emr_cid_equal(&found, cid)) {
		out->len = before;
		return EMR_DAMAGED;
	}
	return EMR_OK;
}

typedef struct verify_call {
	emr_store *store;
	emr_log_place damaged;
	uint64_t number;
	uint64_t end; /* what is behind it is not written yet */
} verify_call;

static emr_status verify_item(void *context, const emr_scan_item *item)
{
	verify_call *call = context;

	if (!item->hole || item->offset >= call->end)
		return EMR_OK;
	call->damaged = (emr_log_place){call->number, item->offset};
	return EMR_DAMAGED;
}

emr_status emr_store_verify_from(emr_store *store, emr_log_place from, emr_log_place *out_damaged)
{
	verify_call call = {.store = store};
	emr_segment *segment = own_from(store, from.number);
	emr_status status = EMR_OK;
	uint64_t end;
	int fd;

	for (; status == EMR_OK && segment != NULL; segment = own_from(store, call.number + 1)) {
		uint64_t start =
			segment->number == from.number && from.offset > EMR_SEGMENT_PREFIX_BYTES
				? from.offset
				: EMR_SEGMENT_PREFIX_BYTES;

		call.number = segment->number;
		call.end = known_to(store, segment);
		status = emr_segment_use(store, segment, &fd);
		if (status != EMR_OK)
			return status;
		status = emr_scan(fd, start, true, verify_item, &call, &end);
		emr_segment_unuse(store, segment);
	}
	if (status == EMR_DAMAGED)
		*out_damaged = call.damaged;
	return status;
}

emr_log_place emr_store_log_end(emr_store *store)
{
	emr_log_place end = {0};
	EMR_LOCKED(&store->append_lock);

	if (store->current != NULL)
		end = (emr_log_place){store->current->number, store->current->end};
	return end;
}

void emr_store_frames_live_from(emr_store *store, emr_log_place floor)
{
	EMR_LOCKED(&store->append_lock);

	store->frames_floor = floor;
}
