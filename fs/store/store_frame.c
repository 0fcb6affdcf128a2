/* This file is the byte format of the store's own entries in a segment: pins, and how far
 * everything before is on the disk. An entry names its place and its writer, so a copied one is
 * not believed. */
#include "store_private.h"

#include "base/codec.h"

#define FRAME_VERSION 1
enum { ROW_PIN = 1, ROW_UNPIN = 2 };

bool emr_store_frame_is(emr_bytes head)
{
	return head.len >= 4 && memcmp(head.data, "EMRS", 4) == 0;
}

emr_status emr_store_frame_write(
	emr_buf *out, const emr_store_frame *frame, const emr_pin_change *pins)
{
	emr_writer w = emr_writer_of(out);

	emr_write_bytes(&w, "EMRS", 4);
	emr_write_u8(&w, FRAME_VERSION);
	emr_write_u8(&w, 0);
	emr_write_u16(&w, (uint16_t)frame->count);
	emr_write_bytes(&w, frame->writer.b, sizeof frame->writer.b);
	emr_write_u64(&w, frame->place.number);
	emr_write_u64(&w, frame->place.offset);
	emr_write_u64(&w, frame->synced);
	for (size_t i = 0; i < frame->count; i++) {
		emr_write_u8(&w, pins[i].unpin ? ROW_UNPIN : ROW_PIN);
		emr_write_u8(&w, (uint8_t)pins[i].pin.state);
		emr_write_zeros(&w, 2);
		emr_write_bytes(&w, pins[i].pin.owner.b, sizeof pins[i].pin.owner.b);
		emr_write_bytes(&w, pins[i].pin.root.b, EMR_CID_BYTES);
	}
	return w.status;
}

emr_status emr_store_frame_read(
	emr_bytes block, emr_id16 writer, emr_log_place place, emr_store_frame *out_frame)
{
	emr_reader r = emr_reader_of(block);
	emr_store_frame frame;
	uint8_t version, zero;

	emr_read_magic(&r, "EMRS");
	version = emr_read_u8(&r);
	zero = emr_read_u8(&r);
	frame.count = emr_read_u16(&r);
	emr_read_copy(&r, frame.writer.b, sizeof frame.writer.b);
	frame.place.number = emr_read_u64(&r);
	frame.place.offset = emr_read_u64(&r);
	frame.synced = emr_read_u64(&r);
	if (r.bad || zero != 0)
		return EMR_DAMAGED;
	/* A block from elsewhere may look like a frame; it cannot know where and by whom it is
	 * stored. */
	if (!emr_id16_equal(frame.writer, writer) || frame.place.number != place.number ||
		frame.place.offset != place.offset)
		return EMR_DAMAGED;
	if (version != FRAME_VERSION)
		return emr_newer_format(version, FRAME_VERSION);
	if (frame.count > EMR_STORE_GROUP_PINS_MAX || r.left != frame.count * EMR_STORE_FRAME_ROW)
		return EMR_DAMAGED;
	*out_frame = frame;
	return EMR_OK;
}

emr_status emr_store_frame_row(emr_bytes block, size_t row, emr_pin_change *out_change)
{
	emr_reader r = emr_reader_of(block);
	emr_pin_change change;
	emr_cid root;
	uint8_t op, state;

	emr_read_bytes(&r, EMR_STORE_FRAME_HEAD + row * EMR_STORE_FRAME_ROW);
	op = emr_read_u8(&r);
	state = emr_read_u8(&r);
	emr_read_zeros(&r, 2);
	emr_read_copy(&r, change.pin.owner.b, sizeof change.pin.owner.b);
	emr_read_copy(&r, root.b, EMR_CID_BYTES);
	if (r.bad || (op != ROW_PIN && op != ROW_UNPIN))
		return EMR_DAMAGED;
	if (op == ROW_PIN && (state < EMR_PIN_WRITTEN || state > EMR_PIN_KEPT))
		return EMR_DAMAGED;
	if (emr_cid_parse(emr_bytes_of(root.b, EMR_CID_BYTES), &change.pin.root) != EMR_OK)
		return EMR_DAMAGED;
	change.pin.state = (emr_pin_state)state;
	change.unpin = op == ROW_UNPIN;
	*out_change = change;
	return EMR_OK;
}
