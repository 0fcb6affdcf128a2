/* This file gives a Kubo trees of blocks to keep: one CAR, made while it is sent, and an answer
 * that must name every root.  A large one is sent as two at a time: Kubo reads and hashes the
 * blocks of one import one after the other, and waits for the disk between them.  Only the first of
 * the two is pinned.  It keeps the node's collection away as long as it runs, and ends behind the
 * other, so that what it pins is there; a block that is not is what its pin fails for. */
#include "node_private.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/car.h"

#define BESIDE_LEAST ((uint64_t)80 << 20) /* a smaller one is sent in one */
/* The first, which waits for the second, keeps the node's collection away, and all imports behind
 * that: not for as long as the call may take, which is 20 minutes and more, when the node takes
 * nothing of the second.  One that has all of it may be writing to a slow disk, and nobody can see
 * how far it is: it has as long as for an import that is sent alone. */
#define BESIDE_STILL_MS 60000
#define BESIDE_AFTER ((uint64_t)8 << 20) /* of the first, more than lies in a socket: it runs */

struct push_beside;

/* The CAR as a stream: the header, then head and bytes of one block after the other. */
typedef struct push_stream {
	node_run *run;
	const emr_ipfs_parcel *parcel;
	struct push_beside *beside; /* the other one, or NULL */
	emr_buf head;		    /* what is to be sent before BODY */
	emr_bytes body;		    /* of the block at present */
	emr_buf copy;		    /* has it, where two streams take turns */
	size_t head_at;
	uint64_t bytes, blocks;
	bool is_over;
} push_stream;

/* The second of two streams, in a thread of its own. */
typedef struct push_beside {
	pthread_mutex_t lock; /* of the parcel, and of what follows */
	bool is_parcel_over;
	bool is_begun; /* by the thread of the first */
	pthread_t thread;
	int end_fd;	    /* readable: it is to give up */
	int done_fd;	    /* readable: it has ended */
	emr_ipfs_call call; /* these two once it has ended */
	emr_status status;
	const node_run *first;
	_Atomic uint64_t given, sent; /* bytes: to libcurl, which gathers some; to the line */
	atomic_bool is_all_given;
	push_stream stream;
	answer_import import;
} push_beside;

static void beside_begin(push_stream *first);
static emr_status beside_await(const push_stream *first, bool is_patient);

/* The bytes of BLOCK are the stream's own, by exchange of the buffers or by a copy. */
static emr_status push_own(push_stream *stream, emr_block *block)
{
	emr_buf *lent = stream->parcel->lent, before = stream->copy;
	emr_status status = EMR_OK;

	if (lent != NULL && block->data.data == lent->data) {
		stream->copy = *lent;
		*lent = before;
	} else {
		emr_buf_clear(&stream->copy);
		status = emr_buf_append(&stream->copy, block->data.data, block->data.len);
	}
	block->data = emr_buf_view(&stream->copy);
	return status;
}

/* Called by both streams: the bytes of a block are good only until the other asks. */
static emr_status push_take(push_stream *stream, bool *out_more, emr_block *out_block)
{
	push_beside *beside = stream->beside;
	emr_status status = EMR_OK;

	*out_more = false;
	if (beside == NULL)
		return stream->parcel->next(stream->parcel->arg, out_more, out_block);
	pthread_mutex_lock(&beside->lock);
	if (!beside->is_parcel_over)
		status = stream->parcel->next(stream->parcel->arg, out_more, out_block);
	beside->is_parcel_over = status != EMR_OK || !*out_more;
	if (!beside->is_parcel_over)
		status = push_own(stream, out_block);
	pthread_mutex_unlock(&beside->lock);
	return status;
}

static emr_status push_next(push_stream *stream)
{
	uint8_t head[EMR_CAR_SECTION_HEAD_MAX];
	emr_block block;
	bool more = false;
	size_t n;
	emr_status status = push_take(stream, &more, &block);

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
	/* A CAR has a root; nobody pins that of the second. */
	if (stream->blocks == 0 && stream->parcel->root_count == 0)
		status = emr_car_write_header(&stream->head, &block.cid, 1);
	stream->body = block.data;
	stream->blocks++;
	return status == EMR_OK ? emr_buf_append(&stream->head, head, n) : status;
}

static emr_status push_read(void *arg, void *buffer, size_t size, size_t *out_n)
{
	push_stream *stream = arg;
	uint8_t *to = buffer;
	size_t n = 0;

	while (n < size) {
		size_t of_head = stream->head.len - stream->head_at;
		size_t part = of_head > 0 ? of_head : stream->body.len;

		if (part == 0 && stream->is_over)
			break;
		if (part == 0) {
			EMR_TRY(push_next(stream));
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

/* Of the first: ends behind the second. */
static emr_status push_read_first(void *arg, void *buffer, size_t size, size_t *out_n)
{
	push_stream *stream = arg;
	push_beside *beside = stream->beside;

	if (beside != NULL && !beside->is_begun && stream->bytes >= BESIDE_AFTER)
		beside_begin(stream);
	if (beside != NULL && beside->is_begun)
		EMR_TRY(beside_await(stream, false));
	EMR_TRY(push_read(stream, buffer, size, out_n));
	if (*out_n == 0 && beside != NULL && beside->is_begun)
		EMR_TRY(beside_await(stream, true));
	return EMR_OK;
}

/* Judges the answer to an import, when the request came to STATUS. */
static emr_status push_judge(
	node_run *run, const push_stream *stream, const answer_import *import, emr_status status)
{
	emr_ipfs_fault fault;

	if (import->fault != EMR_IPFS_FINE)
		return node_run_fail(run, import->fault, import->said);
	if (status != EMR_OK)
		return status;
	fault = answer_import_judge(import, stream->blocks);
	return fault == EMR_IPFS_FINE
		       ? EMR_OK
		       : node_run_fail(run, fault, "not every root and block is named");
}

static emr_status push_send(node_run *run, push_stream *stream, answer_import *import)
{
	node_request request = {.read = push_read_first, .read_arg = stream};
	emr_status status =
		kubo_ask_lines(run, "dag/import?pin-roots=true&stats=true&fast-provide-root=false",
			&request, answer_import_line, import);

	return push_judge(run, stream, import, status);
}

/* ---- The second of two ---- */

static emr_status push_read_second(void *arg, void *buffer, size_t size, size_t *out_n)
{
	push_stream *stream = arg;

	EMR_TRY(push_read(stream, buffer, size, out_n));
	atomic_fetch_add(&stream->beside->given, *out_n);
	if (*out_n == 0)
		atomic_store(&stream->beside->is_all_given, true);
	return EMR_OK;
}

static emr_status beside_send(push_beside *beside, node_run *run)
{
	node_request request = {
		.read = push_read_second, .read_arg = &beside->stream, .sent = &beside->sent};
	emr_status status;

	EMR_TRY(push_next(&beside->stream));
	/* Nothing is left for it: an import of nothing is an error. */
	if (beside->stream.is_over)
		return EMR_OK;
	status = answer_import_begin(&beside->import, NULL, 0);
	if (status != EMR_OK)
		return node_run_fail_here(run, status);
	status =
		kubo_ask_lines(run, "dag/import?pin-roots=false&stats=true&fast-provide-root=false",
			&request, answer_import_line, &beside->import);
	return push_judge(run, &beside->stream, &beside->import, status);
}

static void *beside_run(void *arg)
{
	push_beside *beside = arg;
	emr_ipfs_call call = emr_ipfs_call_of(node_run_left_ms(beside->first), beside->end_fd);
	node_run run = node_run_begin(beside->first->node, &call);
	emr_status status;

	beside->stream.run = &run;
	status = beside_send(beside, &run);
	if (status != EMR_OK && call.fault == EMR_IPFS_FINE)
		(void)node_run_fail_here(&run, status);
	pthread_mutex_lock(&beside->lock);
	beside->call = call;
	beside->status = status;
	pthread_mutex_unlock(&beside->lock);
	(void)eventfd_write(beside->done_fd, 1);
	return NULL;
}

/* Where there is no thread for it, or no descriptor, the first one carries all. */
static void beside_begin(push_stream *first)
{
	push_beside *beside = first->beside;

	beside->first = first->run;
	beside->is_begun = pthread_create(&beside->thread, NULL, beside_run, beside) == 0;
	if (!beside->is_begun)
		first->beside = NULL;
}

/* All of the second has gone into the line. */
static bool has_all_gone(push_beside *beside)
{
	return atomic_load(&beside->is_all_given) &&
	       atomic_load(&beside->sent) >= atomic_load(&beside->given);
}

/* Until something is to be read, or the second has stood still for too long. */
static int beside_poll(const push_stream *first, struct pollfd *looks)
{
	push_beside *beside = first->beside;
	const uint32_t parcel_ms = first->parcel->still_ms;
	const uint32_t still_ms = parcel_ms != 0 ? parcel_ms : BESIDE_STILL_MS;
	uint64_t before;
	uint32_t left, wait_ms;
	int n;

	do {
		before = atomic_load(&beside->sent);
		left = node_run_left_ms(first->run);
		wait_ms = left < still_ms || has_all_gone(beside) ? left : still_ms;
		n = poll(looks, 2, (int)wait_ms);
	} while ((n < 0 && errno == EINTR) ||
		 (n == 0 && left > wait_ms &&
			 (atomic_load(&beside->sent) != before || has_all_gone(beside))));
	return n;
}

/* Whether the second has failed; IS_PATIENT: once it has ended.  Its fault is the first one's. */
static emr_status beside_await(const push_stream *first, bool is_patient)
{
	push_beside *beside = first->beside;
	node_run *run = first->run;
	struct pollfd looks[] = {{.fd = beside->done_fd, .events = POLLIN},
		{.fd = run->call->cancel_fd, .events = POLLIN}};
	const int n = is_patient ? beside_poll(first, looks) : poll(looks, 2, 0);
	emr_status status;

	if (n > 0 && looks[1].revents != 0)
		return node_run_fail(run, EMR_IPFS_CANCELLED, "");
	if (n <= 0)
		return is_patient ? node_run_fail(run, EMR_IPFS_SLOW, "") : EMR_OK;
	pthread_mutex_lock(&beside->lock);
	status = beside->status;
	if (status != EMR_OK)
		(void)node_run_fail(run, beside->call.fault, beside->call.said);
	pthread_mutex_unlock(&beside->lock);
	return status;
}

static void beside_end(push_beside *beside)
{
	if (beside->is_begun) {
		(void)eventfd_write(beside->end_fd, 1);
		pthread_join(beside->thread, NULL);
	}
	if (beside->end_fd >= 0)
		close(beside->end_fd);
	if (beside->done_fd >= 0)
		close(beside->done_fd);
	answer_import_free(&beside->import);
	emr_buf_free(&beside->stream.head);
	emr_buf_free(&beside->stream.copy);
	pthread_mutex_destroy(&beside->lock);
}

/* Elsewhere it is the line that takes its time, and a proxy may count connections. */
static bool is_for_two(const node_run *run, const emr_ipfs_parcel *parcel)
{
	return parcel->bytes >= BESIDE_LEAST && emr_ipfs_is_near(run->node);
}

emr_status kubo_push(node_run *run, const emr_ipfs_parcel *parcel)
{
	const emr_ipfs_parcel rootless = {
		.next = parcel->next, .arg = parcel->arg, .lent = parcel->lent};
	push_beside beside = {.lock = PTHREAD_MUTEX_INITIALIZER,
		.end_fd = eventfd(0, EFD_CLOEXEC),
		.done_fd = eventfd(0, EFD_CLOEXEC)};
	push_stream stream = {.run = run, .parcel = parcel};
	answer_import import = {0};
	emr_status status = EMR_LIMIT;

	beside.stream = (push_stream){.parcel = &rootless, .beside = &beside};
	if (is_for_two(run, parcel) && beside.end_fd >= 0 && beside.done_fd >= 0)
		stream.beside = &beside;
	if (parcel->root_count > 0 && parcel->root_count <= EMR_IPFS_ROOTS_MAX)
		status = emr_car_write_header(&stream.head, parcel->roots, parcel->root_count);
	if (status == EMR_OK)
		status = answer_import_begin(&import, parcel->roots, parcel->root_count);
	stream.bytes = stream.head.len;
	status = status == EMR_OK ? push_send(run, &stream, &import)
				  : node_run_fail_here(run, status);
	if (status == EMR_OK && stream.beside != NULL && beside.is_begun)
		status = beside_await(&stream, true); /* whatever the first was told */
	beside_end(&beside);
	answer_import_free(&import);
	emr_buf_free(&stream.head);
	emr_buf_free(&stream.copy);
	return status;
}
