/* This file gives a Kubo trees of blocks to keep: one CAR, made while it is sent, and an answer
 * that must name every root. */
#include "kubo.h"

#include "store/car.h"

#include <string.h>

/* The CAR as a stream: the header, then head and bytes of one block after the other. */
typedef struct push_stream {
	node_run *run;
	const emr_ipfs_parcel *parcel;
	emr_buf head;	/* what is to be sent before BODY */
	emr_bytes body; /* of the block at present */
	size_t head_at;
	uint64_t bytes, blocks;
	bool is_over;
} push_stream;

static emr_status push_next(push_stream *stream)
{
	uint8_t head[EMR_CAR_SECTION_HEAD_MAX];
	emr_block block;
	bool more = false;
	size_t n;
	emr_status status = stream->parcel->next(stream->parcel->arg, &more, &block);

	if (status != EMR_OK || !more) {
		stream->is_over = true;
		return status;
	}
	if (block.data.len > EMR_BLOCK_MAX)
		return node_run_fail(stream->run, EMR_IPFS_TOO_LARGE, "a block over 2 MiB");
	n = emr_car_section_head(head, &block.cid, block.data.len);
	stream->bytes += n + block.data.len;
	if (stream->bytes > EMR_IPFS_CAR_MAX)
		return node_run_fail(stream->run, EMR_IPFS_TOO_LARGE, "a CAR over 512 MiB");
	emr_buf_clear(&stream->head);
	stream->head_at = 0;
	stream->body = block.data;
	stream->blocks++;
	return emr_buf_append(&stream->head, head, n);
}

static emr_status push_read(void *arg, void *buffer, size_t size, size_t *out_n)
{
	push_stream *stream = arg;
	uint8_t *to = buffer;
	size_t n = 0;

	while (n < size) {
		size_t of_head = stream->head.len - stream->head_at;
		size_t part = of_head > 0 ? of_head : stream->body.len;

		if (part == 0) {
			emr_status status = stream->is_over ? EMR_OK : push_next(stream);

			if (status != EMR_OK)
				return status;
			if (stream->is_over)
				break;
			continue;
		}
		if (part > size - n)
			part = size - n;
		memcpy(to + n,
			of_head > 0 ? stream->head.data + stream->head_at : stream->body.data,
			part);
		n += part;
		if (of_head > 0)
			stream->head_at += part;
		else
			stream->body =
				emr_bytes_of(stream->body.data + part, stream->body.len - part);
	}
	*out_n = n;
	return EMR_OK;
}

static emr_status push_send(node_run *run, push_stream *stream, answer_import *import)
{
	node_request request = {.read = push_read, .read_arg = stream};
	emr_ipfs_fault fault;
	emr_status status =
		kubo_ask_lines(run, "dag/import?pin-roots=true&stats=true&fast-provide-root=false",
			&request, answer_import_line, import);

	if (import->fault != EMR_IPFS_FINE)
		return node_run_fail(run, import->fault, import->said);
	if (status != EMR_OK)
		return status;
	fault = answer_import_judge(import, stream->blocks);
	return fault == EMR_IPFS_FINE
		       ? EMR_OK
		       : node_run_fail(run, fault, "not every root and block is named");
}

emr_status kubo_push(node_run *run, const emr_ipfs_parcel *parcel)
{
	push_stream stream = {.run = run, .parcel = parcel};
	answer_import import = {0};
	emr_status status = EMR_LIMIT;

	if (parcel->root_count > 0 && parcel->root_count <= EMR_IPFS_ROOTS_MAX)
		status = emr_car_write_header(&stream.head, parcel->roots, parcel->root_count);
	if (status == EMR_OK)
		status = answer_import_begin(&import, parcel->roots, parcel->root_count);
	stream.bytes = stream.head.len;
	status = status == EMR_OK ? push_send(run, &stream, &import)
				  : node_run_fail_here(run, status);
	answer_import_free(&import);
	emr_buf_free(&stream.head);
	return status;
}
