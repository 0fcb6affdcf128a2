/* This file copies what lives out of the segments that a reclaim gives back, and writes pins again
 * whose frames stand there. It copies no block whose hash does not fit. */
#include "reclaim_private.h"

#include <stdlib.h>

#define COPY_GROUP_BYTES ((size_t)4 << 20)
#define COPY_GROUP_BLOCKS 512

/* ---- Copy ---- */

typedef struct copy_group {
	emr_buf bytes;
	emr_block blocks[COPY_GROUP_BLOCKS];
	size_t offsets[COPY_GROUP_BLOCKS];
	size_t count;
} copy_group;

static emr_status append_copies(reclaim_run *run, copy_group *group)
{
	const emr_reclaim_options *options = run->options;
	emr_status status = EMR_OK;

	/* The batch had room when it was chosen, and may have rested for hours. */
	if (group->count > 0 && options->copy_room != NULL &&
		options->copy_room(options->roots_context) < group->bytes.len)
		return EMR_NO_SPACE;
	for (size_t i = 0; i < group->count; i++)
		group->blocks[i].data.data = group->bytes.data + group->offsets[i];
	if (group->count > 0)
		status = emr_store_append_group(run->store,
			&(emr_store_group){.blocks = group->blocks,
				.block_count = group->count,
				.is_needed = true},
			NULL);
	if (status == EMR_OK) {
		run->report.blocks_moved += group->count;
		run->report.bytes_copied +=
			group->bytes.len + group->count * EMR_CAR_SECTION_HEAD_MAX;
	}
	group->count = 0;
	emr_buf_clear(&group->bytes);
	return status;
}

static emr_status copy_block(reclaim_run *run, copy_group *group, const emr_store_position *at)
{
	victim *v = &run->victims[at->segment - 1];
	size_t offset = group->bytes.len;
	emr_status status;

	if (v->skip)
		return EMR_OK;
	status = emr_store_read_place(
		run->store, at, &group->blocks[group->count].cid, &group->bytes);
	if (status == EMR_DAMAGED) {
		/* The only copy perhaps: the segment stays, for salvage. */
		v->skip = true;
		run->report.segments_skipped++;
		return EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	group->blocks[group->count].data.len = at->len;
	group->offsets[group->count++] = offset;
	if (group->count == COPY_GROUP_BLOCKS || group->bytes.len >= COPY_GROUP_BYTES)
		status = append_copies(run, group);
	return status;
}

static emr_status list_move(reclaim_run *run, victim *v, const emr_store_position *at)
{
	return reclaim_is_at_work(run, v) ? emr_buf_append(&run->moves, at, sizeof *at) : EMR_OK;
}

static int compare_moves(const void *x, const void *y)
{
	const emr_store_position *a = x;
	const emr_store_position *b = y;

	if (a->segment != b->segment)
		return a->segment < b->segment ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

emr_status reclaim_copy(reclaim_run *run)
{
	copy_group *group = calloc(1, sizeof *group);
	emr_store_position *moves;
	size_t count;
	emr_status status;

	if (group == NULL)
		return EMR_NO_MEMORY;
	emr_buf_clear(&run->moves);
	status = reclaim_each_live(run, list_move);
	moves = (void *)run->moves.data;
	count = run->moves.len / sizeof *moves;
	EMR_SORT(moves, count, compare_moves);
	for (size_t i = 0; status == EMR_OK && i < count; i++) {
		status = reclaim_gives_way(run);
		if (status == EMR_OK)
			status = copy_block(run, group, &moves[i]);
	}
	if (status == EMR_OK)
		status = append_copies(run, group);
	emr_buf_free(&group->bytes);
	free(group);
	return status;
}

/* ---- Pins whose frames stand in victims are written again ---- */

typedef struct pin_call {
	reclaim_run *run;
	victim *v;
	int fd;
	emr_buf roots; /* of emr_pin: named in the victims' frames */
	emr_buf again; /* of emr_pin_change */
} pin_call;

static emr_status note_frame_pins(void *context, const emr_scan_item *item)
{
	pin_call *call = context;
	emr_log_place place = {call->v->segment->number, item->offset};
	emr_store_position at = {
		call->v->segment->handle, (uint32_t)item->data_len, item->offset + item->head_len};
	EMR_AUTO_BUF block = {0};
	emr_store_frame frame;
	emr_cid cid;
	emr_status status;

	if (item->hole || !emr_store_frame_is(item->head))
		return EMR_OK;
	status = emr_store_read_place(call->run->store, &at, &cid, &block);
	if (status == EMR_DAMAGED)
		return EMR_OK;
	if (status != EMR_OK || emr_store_frame_read(emr_buf_view(&block), call->run->store->writer,
					place, &frame) != EMR_OK)
		return status;
	for (size_t i = 0; status == EMR_OK && i < frame.count; i++) {
		emr_pin_change change;

		if (emr_store_frame_row(emr_buf_view(&block), i, &change) == EMR_OK &&
			!change.unpin)
			status = emr_buf_append(&call->roots, &change.pin, sizeof change.pin);
	}
	return status;
}

static int compare_pins(const void *x, const void *y)
{
	const emr_pin *a = x;
	const emr_pin *b = y;
	int owners = memcmp(a->owner.b, b->owner.b, sizeof a->owner.b);

	return owners != 0 ? owners : memcmp(a->root.b, b->root.b, EMR_CID_BYTES);
}

static emr_status pin_again(void *context, const emr_pin *pin)
{
	pin_call *call = context;
	emr_pin_change change = {.pin = *pin};

	if (reclaim_is_forsaken(call->run, pin) ||
		bsearch(pin, call->roots.data, call->roots.len / sizeof *pin, sizeof *pin,
			compare_pins) == NULL)
		return EMR_OK;
	return emr_buf_append(&call->again, &change, sizeof change);
}

emr_status reclaim_pins_again(reclaim_run *run)
{
	pin_call call = {.run = run};
	emr_status status = EMR_OK;
	uint64_t end;

	for (size_t i = 0; status == EMR_OK && i < run->slots; i++) {
		call.v = &run->victims[i];
		if (call.v->segment == NULL || call.v->skip)
			continue;
		status = emr_segment_use(run->store, call.v->segment, &call.fd);
		if (status != EMR_OK)
			break;
		status = emr_scan(
			call.fd, EMR_SEGMENT_PREFIX_BYTES, false, note_frame_pins, &call, &end);
		emr_segment_unuse(run->store, call.v->segment);
	}
	if (status == EMR_OK && call.roots.len > 0) {
		emr_buf_sort(&call.roots, sizeof(emr_pin), compare_pins);
		status = emr_store_each_pin_of_all(run->store, pin_again, &call);
	}
	if (status == EMR_OK && call.again.len > 0)
		status = emr_store_pin(run->store, (const void *)call.again.data,
			call.again.len / sizeof(emr_pin_change));
	emr_buf_free(&call.roots);
	emr_buf_free(&call.again);
	return status;
}
