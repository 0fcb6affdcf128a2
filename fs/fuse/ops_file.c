/* This file answers the kernel's requests about open files: creating, opening, reading, writing,
 * syncing and closing. A program that reads on its own is let into nothing that another
 * shares. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "park.h"
#include "reply.h"
#include "session.h"

static emr_handle *handle_of(const struct fuse_file_info *info)
{
	return (emr_handle *)(uintptr_t)info->fh;
}

/* A node's bytes change only through requests on it, so what the kernel has cached stays right over
 * closes.  Closing what was only read hands nothing out, so that close is not asked about. */
static void fill_info(struct fuse_file_info *info, emr_handle *handle, bool is_virtual)
{
	info->fh = (uint64_t)(uintptr_t)handle;
	info->keep_cache = !is_virtual;
	info->direct_io = is_virtual;
	info->noflush = (info->flags & (O_ACCMODE | O_TRUNC)) == O_RDONLY;
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *info)
{
	session *s = session_of(req);
	struct fuse_entry_param entry;
	emr_handle *handle;
	emr_attr attr;
	emr_status status;

	if (refused_long_name(req, name))
		return;
	status = emr_view_create(s->options.view, parent, name, (uint16_t)(mode & 07777),
		info->flags, &attr, &handle);
	if (status != EMR_OK) {
		reply_refusal(req, s, parent, name, status);
		return;
	}
	session_opened(s);
	entry_of(s, &attr, &entry);
	fill_info(info, handle, false);
	/* The kernel neither copies what is written nor asks for security.capability first. */
	info->direct_io = emr_handle_is_past_cache(handle);
	if (fuse_reply_create(req, &entry, info) != -ENOENT)
		return;
	session_closed(s);
	emr_view_release(handle);
	emr_view_forget(s->options.view, attr.node, 1);
}

/* Only of what another shares: looking at a process and those above it costs a dozen reads of
 * /proc. */
static emr_status admit_caller(fuse_req_t req, emr_view *view, uint64_t node, int flags)
{
	char program[CALLER_NAME_BYTES];

	if ((flags & O_ACCMODE) == O_WRONLY || !emr_view_is_for_people(view, node) ||
		!caller_is_software(fuse_req_ctx(req)->pid, program))
		return EMR_OK;
	emr_view_refuse_program(view, node, program);
	return EMR_DENIED;
}

static void open_now(fuse_req_t req, const parked *p, emr_status status)
{
	session *s = session_of(req);
	struct fuse_file_info info = p->info;
	emr_handle *handle;
	emr_attr attr;

	if (status == EMR_OK)
		status = emr_view_open_file(s->options.view, p->node, info.flags, &handle);
	if (status == EMR_BUSY && park(req, s, EMR_NEED_BYTES, p, open_now))
		return;
	/* It had a name a moment ago: the kernel looks the name up once more, and the program hears
	 * ENOENT only when that is gone. */
	if (status == EMR_NOT_FOUND)
		fuse_reply_err(req, ESTALE);
	else if (status != EMR_OK)
		reply_refusal(req, s, p->node, NULL, status);
	if (status != EMR_OK)
		return;
	status = emr_view_attr(s->options.view, p->node, &attr);
	fill_info(&info, handle, status == EMR_OK && attr.is_virtual);
	session_opened(s);
	if (fuse_reply_open(req, &info) != -ENOENT)
		return;
	session_closed(s);
	emr_view_release(handle);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	session *s = session_of(req);
	parked p = {.node = ino, .info = *info};

	open_now(req, &p, admit_caller(req, s->options.view, ino, info->flags));
}

/* ---- one read buffer a thread ---- */

typedef struct read_buffer {
	size_t size;
	char *data;
} read_buffer;

static pthread_key_t buffer_key;
static pthread_once_t buffer_once = PTHREAD_ONCE_INIT;

static void free_buffer(void *arg)
{
	read_buffer *buffer = arg;

	free(buffer->data);
	free(buffer);
}

static void make_buffer_key(void)
{
	pthread_key_create(&buffer_key, free_buffer);
}

/* SIZE bytes that stay until this thread's next read; NULL when memory runs out. */
static char *thread_buffer(size_t size)
{
	read_buffer *buffer;
	char *grown;

	pthread_once(&buffer_once, make_buffer_key);
	buffer = pthread_getspecific(buffer_key);
	if (buffer == NULL) {
		buffer = calloc(1, sizeof *buffer);
		if (buffer == NULL || pthread_setspecific(buffer_key, buffer) != 0) {
			free(buffer);
			return NULL;
		}
	}
	if (buffer->size < size) {
		grown = realloc(buffer->data, size);
		if (grown == NULL)
			return NULL;
		buffer->data = grown;
		buffer->size = size;
	}
	return buffer->data;
}

/* However long it takes where the bytes are on this disk: a machine or disk that is slow is no
 * reason to say that they cannot be had. A program that does not want to wait can be killed
 * meanwhile. Where a block must be brought no thread waits for it. */
static void read_now(fuse_req_t req, const parked *p, emr_status status)
{
	char *data = thread_buffer(p->size);
	size_t got = 0;

	if (data == NULL)
		status = EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = emr_view_read(
			handle_of(&p->info), (uint64_t)p->offset, data, p->size, &got);
	if (status == EMR_BUSY &&
		park_block(req, handle_of(&p->info), p, read_now, PARK_READ_TRIES))
		return;
	if (status != EMR_OK)
		reply_status(req, status == EMR_BUSY ? EMR_IO : status);
	else
		fuse_reply_buf(req, data, got);
}

static void op_read(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
	parked p = {.node = ino, .info = *info, .size = size, .offset = offset};

	session_of(req);
	read_now(req, &p, EMR_OK);
}

/* Kernels before 6.6 leave pages that somebody else has read when a write goes past the cache, and
 * later ones drop them before the write only, so that a READ beside it brings the old bytes back.
 */
static void reply_written(fuse_req_t req, const parked *p)
{
	if (p->size > 0 && emr_handle_leaves_old_pages(handle_of(&p->info)))
		notifier_reply_write(req, p->node, p->offset, p->size);
	else
		fuse_reply_write(req, p->size);
}

/* The first change of a file whose bytes are elsewhere waits for all of them. */
static void write_now(fuse_req_t req, const parked *p, emr_status status)
{
	const session *s = session_of(req);

	if (status == EMR_OK)
		status = emr_view_write(
			handle_of(&p->info), (uint64_t)p->offset, emr_bytes_of(p->data, p->size));
	if (status == EMR_BUSY &&
		park_block(req, handle_of(&p->info), p, write_now, PARK_WRITE_TRIES))
		return;
	if (status != EMR_OK)
		reply_refusal(req, s, p->node, NULL, status);
	else
		reply_written(req, p);
	free(p->data);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	parked p = {.node = ino, .info = *info, .size = size, .offset = offset};
	const session *s = session_of(req);
	emr_status status =
		emr_view_write(handle_of(info), (uint64_t)offset, emr_bytes_of(data, size));

	if (status == EMR_BUSY) {
		p.data = malloc(size);
		if (p.data != NULL) {
			memcpy(p.data, data, size); /* the kernel's are gone with this call */
			write_now(req, &p, EMR_OK);
			return;
		}
		status = EMR_NO_MEMORY;
	}
	if (status != EMR_OK)
		reply_refusal(req, s, ino, NULL, status);
	else
		reply_written(req, &p);
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	(void)ino;
	session_of(req);
	reply_status(req, emr_view_flush(handle_of(info)));
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *info)
{
	(void)ino;
	(void)data_only; /* one flush covers data and metadata alike */
	session_of(req);
	reply_status(req, emr_view_fsync(handle_of(info)));
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	(void)ino;
	session_closed(session_of(req));
	emr_view_release(handle_of(info));
	fuse_reply_err(req, 0);
}

static void allocate_now(fuse_req_t req, const parked *p, emr_status status)
{
	emr_handle *handle = handle_of(&p->info);

	if (status == EMR_OK)
		status = emr_view_allocate(
			handle, (uint64_t)p->offset, p->size, p->mask == FALLOC_FL_KEEP_SIZE);
	if (status != EMR_BUSY || !park_block(req, handle, p, allocate_now, PARK_WRITE_TRIES))
		reply_refusal(req, session_of(req), p->node, NULL, status);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
	struct fuse_file_info *info)
{
	const parked p = {.node = ino,
		.info = *info,
		.size = (size_t)length,
		.offset = offset,
		.mask = (unsigned)mode};

	if (mode != 0 && mode != FALLOC_FL_KEEP_SIZE)
		fuse_reply_err(req, EOPNOTSUPP);
	else
		allocate_now(req, &p, EMR_OK);
}

/* The kernel answers all other kinds itself. */
static void op_lseek(
	fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *info)
{
	uint64_t at;
	emr_status status;

	(void)ino;
	session_of(req);
	if (offset < 0 || (whence != SEEK_DATA && whence != SEEK_HOLE)) {
		fuse_reply_err(req, offset < 0 ? ENXIO : EINVAL);
		return;
	}
	status = emr_view_seek(handle_of(info), (uint64_t)offset, whence == SEEK_HOLE, &at);
	if (status == EMR_OK)
		fuse_reply_lseek(req, (off_t)at);
	else if (status == EMR_NOT_FOUND)
		fuse_reply_err(req, ENXIO); /* nothing of that kind before the end */
	else
		reply_status(req, status);
}

void ops_file_add(struct fuse_lowlevel_ops *ops)
{
	ops->create = op_create;
	ops->open = op_open;
	ops->read = op_read;
	ops->write = op_write;
	ops->flush = op_flush;
	ops->fsync = op_fsync;
	ops->release = op_release;
	ops->fallocate = op_fallocate;
	ops->lseek = op_lseek;
}
