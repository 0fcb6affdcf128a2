/* This file puts messages of gRPC together, whatever way their bytes were cut. It refuses
 * compressed messages. */
#include <string.h>

#include "base/codec.h"
#include "grpc.h"

void grpc_frame_head(uint32_t len, uint8_t out[GRPC_FRAME_HEAD])
{
	out[0] = 0; /* not compressed */
	emr_put_u32(out + 1, len);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void pass(emr_bytes *piece, size_t n)
{
	*piece = emr_bytes_of(piece->data + n, piece->len - n);
}

static emr_status take_head(grpc_frames *frames, emr_bytes *piece)
{
	size_t n = smaller(piece->len, GRPC_FRAME_HEAD - frames->head_len);

	memcpy(frames->head + frames->head_len, piece->data, n);
	frames->head_len += n;
	pass(piece, n);
	if (frames->head[0] != 0)
		return EMR_UNSUPPORTED;
	if (frames->head_len == GRPC_FRAME_HEAD)
		frames->message_len = emr_get_u32(frames->head + 1);
	return frames->head_len == GRPC_FRAME_HEAD && frames->message_len > frames->max_bytes
		       ? EMR_LIMIT
		       : EMR_OK;
}

/* Memory grows with what comes, not with what is announced. */
emr_status grpc_frames_take(grpc_frames *frames, emr_bytes piece, grpc_message_fn take, void *arg)
{
	emr_status status = EMR_OK;

	while (status == EMR_OK && piece.len > 0) {
		size_t n;

		if (frames->head_len < GRPC_FRAME_HEAD)
			status = take_head(frames, &piece);
		if (status != EMR_OK || frames->head_len < GRPC_FRAME_HEAD)
			return status;
		n = smaller(piece.len, frames->message_len - frames->message.len);
		if (n > 0)
			status = emr_buf_append(&frames->message, piece.data, n);
		if (status != EMR_OK)
			return status;
		pass(&piece, n);
		if (frames->message.len < frames->message_len)
			return EMR_OK;
		frames->count++;
		status = take(arg, emr_buf_view(&frames->message));
		emr_buf_clear(&frames->message);
		frames->head_len = 0;
	}
	return status;
}

bool grpc_frames_is_whole(const grpc_frames *frames)
{
	return frames->head_len == 0;
}

void grpc_frames_free(grpc_frames *frames)
{
	emr_buf_free(&frames->message);
}
