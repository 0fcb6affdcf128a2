/* This fuzz target reads frames of pins and marks, frames of the journal and its head file:
 * strict, and never past their end. */
#include <stdint.h>
#include <stdlib.h>

#include "journal_private.h"
#include "store_private.h"

static void store_frame(emr_bytes input)
{
	emr_id16 writer = {{0}};
	emr_log_place place = {1, 96};
	emr_store_frame frame;
	emr_pin_change change;

	if (emr_store_frame_read(input, writer, place, &frame) != EMR_OK)
		return;
	for (size_t i = 0; i < frame.count; i++)
		(void)emr_store_frame_row(input, i, &change);
}

static void journal_body(emr_bytes input)
{
	emr_rows rows = {0};
	emr_buf again = {0};
	emr_bytes rest = input;
	bool more = true;
	emr_frame_step op;

	while (emr_frame_next_op(&rest, &more, &op) == EMR_OK && more)
		if (emr_frame_put_op(&again, op.op, op.kind, op.key, op.value) != EMR_OK)
			abort();
	if (again.len > input.len ||
		(again.len > 0 && memcmp(again.data, input.data, again.len) != 0))
		abort();
	if (emr_frame_apply(input, &rows) == EMR_OK && again.len != input.len)
		abort();
	emr_rows_free(&rows);
	emr_buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_bytes input = emr_bytes_of(data, size);
	emr_id16 writer = {{0}};
	emr_journal_head head;
	emr_frame frame;

	store_frame(input);
	(void)emr_frame_head_parse(input, &frame);
	(void)emr_journal_head_decode(input, writer, &head);
	journal_body(input);
	return 0;
}
