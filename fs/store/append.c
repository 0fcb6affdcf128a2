/* This file appends blocks to the current segment, in groups that are there whole or not at all,
 * and brings them to the disk. After the disk has refused a flush once, every later flush is
 * refused, because the kernel would call the lost bytes clean. */
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"

static void wake_background(emr_store *store, bool window, bool index)
{
	if (window)
		atomic_store(&store->want_window, true);
	if (index)
		atomic_store(&store->want_index, true);
	emr_worker_wake(&store->worker);
}

#define IOVECS_MAX 1024 /* IOV_MAX of Linux */
#define WRITE_BEHIND                                                                               \
	((uint64_t)8 << 20) /* bytes of a segment that are given to the disk at once               \
			     */

/* One group laid out for pwritev: heads live here, data with the caller. */
typedef struct layout {
	struct iovec *vectors;
	size_t vector_count;
	uint8_t *heads;
	size_t section_count;
	emr_store_position *places; /* of blocks and tail, offsets still relative to the group */
	uint64_t total;
	emr_buf frame;
} layout;

static void layout_free(layout *l)
{
	free(l->vectors);
	free(l->heads);
	free(l->places);
	emr_buf_free(&l->frame);
}
/* To be laid out again. */
static void layout_clear(layout *l)
{
	l->vector_count = l->section_count = 0;
	l->total = 0;
	emr_buf_clear(&l->frame);
}
#define AUTO_LAYOUT __attribute__((cleanup(layout_free))) layout

static emr_status check_group(const emr_store_group *group)
{
	if (group->block_count > EMR_STORE_GROUP_BLOCKS_MAX ||
		group->pin_count > EMR_STORE_GROUP_PINS_MAX ||
		group->tail_count > EMR_STORE_GROUP_BLOCKS_MAX)
		return EMR_LIMIT;
	for (size_t i = 0; i < group->block_count; i++)
		if (group->blocks[i].data.len > EMR_BLOCK_MAX)
			return EMR_LIMIT;
	for (size_t i = 0; i < group->tail_count; i++)
		if (group->tail[i].data.len > EMR_BLOCK_MAX)
			return EMR_LIMIT;
	return EMR_OK;
}

static void add_section(layout *l, const emr_cid *cid, emr_bytes data)
{
	uint8_t *head = l->heads + l->section_count * EMR_CAR_SECTION_HEAD_MAX;
	size_t head_len = emr_car_section_head(head, cid, data.len);

	l->places[l->section_count] =
		(emr_store_position){.len = (uint32_t)data.len, .offset = l->total + head_len};
	l->section_count++;
	l->vectors[l->vector_count++] = (struct iovec){head, head_len};
	if (data.len > 0)
		l->vectors[l->vector_count++] =
			(struct iovec){(void *)(uintptr_t)data.data, data.len};
	l->total += head_len + data.len;
}

/* append_lock held: the frame tells where it stands, so it is made when the place is known. */
static emr_status add_frame(
	emr_store *store, layout *l, const emr_store_group *group, uint64_t synced)
{
	emr_store_frame frame = {
		.writer = store->writer,
		.place = {store->current->number, store->current->end + l->total},
		.synced = synced,
		.count = group->pin_count,
	};
	emr_cid cid;

	EMR_TRY(emr_store_frame_write(&l->frame, &frame, group->pins));
	cid = emr_cid_of_block(EMR_CODEC_RAW, emr_buf_view(&l->frame));
	add_section(l, &cid, emr_buf_view(&l->frame));
	return EMR_OK;
}

static emr_status layout_make(const emr_store_group *group, layout *l)
{
	size_t sections = group->block_count + group->tail_count + 1;

	l->vectors = malloc(2 * sections * sizeof *l->vectors);
	l->heads = malloc(sections * EMR_CAR_SECTION_HEAD_MAX);
	l->places = malloc(sections * sizeof *l->places);
	return l->vectors == NULL || l->heads == NULL || l->places == NULL ? EMR_NO_MEMORY : EMR_OK;
}

static emr_status write_vectors(int fd, struct iovec *vectors, size_t count, uint64_t at)
{
	while (count > 0) {
		ssize_t n = pwritev(
			fd, vectors, (int)(count < IOVECS_MAX ? count : IOVECS_MAX), (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return emr_status_from_errno(errno);
		if (n == 0)
			return EMR_IO;
		at += (uint64_t)n;
		for (; count > 0 && (size_t)n >= vectors->iov_len; vectors++, count--)
			n -= (ssize_t)vectors->iov_len;
		if (count > 0) {
			vectors->iov_base = (uint8_t *)vectors->iov_base + n;
			vectors->iov_len -= (size_t)n;
		}
	}
	return EMR_OK;
}

/* A write that failed halfway must leave nothing that a scan could take for data. */
static void undo_write(emr_store *store)
{
	if (ftruncate(store->current->fd, (off_t)store->current->end) == 0) {
		store->allocated = store->current->end;
		return;
	}
	emr_log(EMR_LOG_ERROR, "store: a failed append could not be undone, errno %d", errno);
	store->failed = true;
}

/* Bytes of the current segment known to be on disk. */
static uint64_t synced_offset(emr_store *store)
{
	uint64_t offset;

	pthread_mutex_lock(&store->sync_lock);
	offset = store->synced_total - store->current_base;
	pthread_mutex_unlock(&store->sync_lock);
	/* Totals from before this segment wrap around to huge numbers. */
	return offset > store->current->end ? EMR_SEGMENT_PREFIX_BYTES : offset;
}

void emr_store_set_current(emr_store *store, emr_segment *segment)
{
	pthread_mutex_lock(&store->sync_lock);
	store->current = segment;
	store->current_base = store->written_total - segment->end;
	pthread_mutex_unlock(&store->sync_lock);
	store->allocated = segment->end;
	store->marked = segment->end;
}

emr_segment *emr_store_current(emr_store *store)
{
	EMR_LOCKED(&store->sync_lock);

	return store->current;
}

/* Flushes the current segment's FD.  The kernel tells a failed write to one flush of an open file
 * and to no other, so whoever hears of it says so for all before the next flush begins: EMR_IO from
 * then on. */
static emr_status store_sync_file(emr_store *store, int fd)
{
	emr_status status = EMR_OK;
	EMR_LOCKED(&store->file_sync_lock);

	if (store->failed) {
		status = EMR_IO;
	} else if (fdatasync(fd) != 0) {
		status = emr_status_from_errno(errno);
		store->failed = true;
	}
	return status;
}

/* append_lock held: closes the current segment (cut, synced) and starts the next. */
static emr_status store_roll(emr_store *store)
{
	emr_segment *old = store->current;
	emr_segment *next;
	uint64_t number = old->number > store->lost_number ? old->number : store->lost_number;
	emr_status status;
	int fd;

	if (ftruncate(old->fd, (off_t)old->end) != 0)
		return emr_status_from_errno(errno);
	store->allocated = old->end;
	EMR_TRY(store_sync_file(store, old->fd));
	pthread_mutex_lock(&store->sync_lock);
	store->synced_total = store->written_total;
	pthread_mutex_unlock(&store->sync_lock);
	/* A name that somebody else has taken must not stop us. */
	do
		status = emr_segment_create(store, ++number, &next);
	while (status == EMR_EXISTS);
	if (status == EMR_OK)
		status = emr_segment_use(store, next, &fd);
	if (status != EMR_OK)
		return status;
	emr_store_set_current(store, next);
	emr_segment_unuse(store, old);
	return EMR_OK;
}

static emr_status reserve_pins(emr_store *store, size_t count)
{
	if (store->pin_count + count > store->pin_capacity) {
		size_t capacity = (store->pin_count + count) * 2;
		emr_pin_change *grown = realloc(store->pins, capacity * sizeof *grown);

		if (grown == NULL)
			return EMR_NO_MEMORY;
		store->pins = grown;
		store->pin_capacity = capacity;
	}
	return store->reclaiming ? emr_buf_reserve(&store->new_roots, count * sizeof(emr_cid))
				 : EMR_OK;
}

emr_status emr_store_add_pins(emr_store *store, const emr_pin_change *pins, size_t count)
{
	EMR_TRY(reserve_pins(store, count));
	for (size_t i = 0; store->reclaiming && i < count; i++)
		if (!pins[i].unpin)
			EMR_TRY(emr_buf_append(
				&store->new_roots, &pins[i].pin.root, sizeof(emr_cid)));
	if (count > 0)
		memcpy(store->pins + store->pin_count, pins, count * sizeof *pins);
	store->pin_count += count;
	return EMR_OK;
}

/* append_lock held; waiting lets it go, so everything is looked at again afterwards. */
static emr_status find_place(emr_store *store, uint64_t total)
{
	for (;;) {
		if (store->failed)
			return EMR_IO;
		if (store->zeroing_from != 0 && store->current->end + total > store->zeroing_from) {
			pthread_cond_wait(&store->window_done, &store->append_lock);
			continue;
		}
		if (store->current->end + total <= store->segment_bytes ||
			store->current->end == EMR_SEGMENT_PREFIX_BYTES)
			return EMR_OK;
		if (store->zeroing_from != 0) {
			pthread_cond_wait(&store->window_done, &store->append_lock);
			continue;
		}
		EMR_TRY(store_roll(store));
	}
}

emr_status emr_store_close_segment(emr_store *store)
{
	emr_status status = EMR_OK;

	if (store->read_only)
		return EMR_READ_ONLY;
	pthread_mutex_lock(&store->append_lock);
	while (store->zeroing_from != 0)
		pthread_cond_wait(&store->window_done, &store->append_lock);
	if (store->failed)
		status = EMR_IO;
	else if (store->current->end > EMR_SEGMENT_PREFIX_BYTES)
		status = store_roll(store);
	while (emr_status_is_full(status) && emr_reserve_release(store->reserve))
		status = store_roll(store);
	pthread_mutex_unlock(&store->append_lock);
	return status;
}

/* append_lock held: a place in which TOTAL bytes fit, and room in the maps until the lock is let
 * go. */
static emr_status prepare_place(emr_store *store, uint64_t total, size_t rows, size_t pins)
{
	emr_status status;

	EMR_TRY(find_place(store, total));
	pthread_mutex_lock(&store->map_lock);
	status = emr_pending_reserve(&store->pending, rows);
	pthread_mutex_unlock(&store->map_lock);
	return status == EMR_OK ? reserve_pins(store, pins) : status;
}

/* append_lock held, the bytes are written: readers may see them from here on. */
static bool publish(emr_store *store, const emr_store_group *group, layout *l,
	emr_store_position *out_positions)
{
	emr_segment *segment = store->current;
	size_t frames = l->section_count - group->block_count - group->tail_count;
	bool many;

	pthread_mutex_lock(&store->map_lock);
	for (size_t i = 0; i < l->section_count; i++) {
		const emr_cid *cid;

		l->places[i].segment = segment->handle;
		l->places[i].offset += segment->end;
		if (i >= group->block_count && i < group->block_count + frames)
			continue;
		cid = i < group->block_count ? &group->blocks[i].cid
					     : &group->tail[i - frames - group->block_count].cid;
		emr_pending_put(&store->pending, emr_cid_digest(cid), l->places[i]);
	}
	segment->known_to = segment->end + l->total;
	many = store->pending.count > EMR_PENDING_ROWS_MAX;
	pthread_mutex_unlock(&store->map_lock);
	if (out_positions != NULL && group->block_count > 0)
		memcpy(out_positions, l->places, group->block_count * sizeof *out_positions);
	segment->end += l->total;
	if (store->allocated < segment->end)
		store->allocated = segment->end;
	atomic_store(&store->is_window_low, store->allocated - segment->end < EMR_WINDOW_LOW);
	pthread_mutex_lock(&store->sync_lock);
	store->written_total += l->total;
	pthread_mutex_unlock(&store->sync_lock);
	return many;
}

static emr_status append_locked(emr_store *store, const emr_store_group *group, layout *l,
	emr_store_position *out_positions, bool *out_many)
{
	uint64_t most = EMR_STORE_FRAME_HEAD + EMR_CAR_SECTION_HEAD_MAX +
			group->pin_count * EMR_STORE_FRAME_ROW;
	uint64_t synced;
	emr_status status;

	for (size_t i = 0; i < group->block_count; i++)
		most += EMR_CAR_SECTION_HEAD_MAX + group->blocks[i].data.len;
	for (size_t i = 0; i < group->tail_count; i++)
		most += EMR_CAR_SECTION_HEAD_MAX + group->tail[i].data.len;
	status = prepare_place(
		store, most, group->block_count + group->tail_count, group->pin_count);
	if (status != EMR_OK)
		return status;
	for (size_t i = 0; i < group->block_count; i++)
		add_section(l, &group->blocks[i].cid, group->blocks[i].data);
	synced = synced_offset(store);
	if (group->pin_count > 0 || synced > store->marked)
		status = add_frame(store, l, group, synced);
	for (size_t i = 0; i < group->tail_count; i++)
		add_section(l, &group->tail[i].cid, group->tail[i].data);
	if (status == EMR_OK && l->total > 0)
		status = write_vectors(
			store->current->fd, l->vectors, l->vector_count, store->current->end);
	if (status != EMR_OK) {
		undo_write(store);
		return status;
	}
	if (l->frame.len > 0 && synced > store->marked)
		store->marked = synced;
	*out_many = publish(store, group, l, out_positions);
	return emr_store_add_pins(store, group->pins, group->pin_count);
}

/* The disk begins with what a large file has brought so far while the rest is encrypted: the flush
 * at its end finds little left.  Nothing is promised, and an error is left to that flush. */
static void begin_writing(emr_store *store, emr_segment *segment, uint64_t end)
{
	int fd;

	if (emr_segment_use(store, segment, &fd) != EMR_OK)
		return;
	(void)!sync_file_range(
		fd, (off_t)(end - WRITE_BEHIND), WRITE_BEHIND, SYNC_FILE_RANGE_WRITE);
	emr_segment_unuse(store, segment);
}

emr_status emr_store_append_group(
	emr_store *store, const emr_store_group *group, emr_store_position *out_positions)
{
	AUTO_LAYOUT l = {0};
	bool many = false, is_needed = group->is_needed || group->block_count == 0;
	emr_segment *segment;
	uint64_t end;
	emr_status status;

	EMR_TRY(check_group(group));
	if (store->read_only)
		return EMR_READ_ONLY;
	EMR_TRY(layout_make(group, &l));
	if (!is_needed && emr_reserve_is_out(store->reserve))
		return EMR_NO_SPACE;
	pthread_mutex_lock(&store->append_lock);
	status = append_locked(store, group, &l, out_positions, &many);
	while (emr_status_is_full(status) && is_needed && emr_reserve_release(store->reserve)) {
		layout_clear(&l);
		status = append_locked(store, group, &l, out_positions, &many);
	}
	segment = store->current;
	end = segment->end;
	pthread_mutex_unlock(&store->append_lock);
	if (status == EMR_OK && end / WRITE_BEHIND != (end - l.total) / WRITE_BEHIND)
		begin_writing(store, segment, end / WRITE_BEHIND * WRITE_BEHIND);
	if (many)
		wake_background(store, false, true);
	return status;
}

emr_status emr_store_append(
	emr_store *store, const emr_block *blocks, size_t count, emr_store_position *out_positions)
{
	const emr_store_group group = {.blocks = blocks, .block_count = count};

	return emr_store_append_group(store, &group, out_positions);
}

/* sync_lock held; lets it go during the flush. */
static emr_status flush_once(emr_store *store)
{
	uint64_t covers = store->written_total;
	emr_segment *segment = store->current;
	emr_status status;
	int fd;

	store->flushing_now = true;
	pthread_mutex_unlock(&store->sync_lock);
	status = emr_segment_use(store, segment, &fd);
	if (status == EMR_OK) {
		status = store_sync_file(store, fd);
		emr_segment_unuse(store, segment);
	}
	pthread_mutex_lock(&store->sync_lock);
	/* Another thread may have rolled on, which flushes, and a reclaim may have taken the old
	 * segment away. */
	if (status == EMR_NOT_FOUND && store->synced_total >= covers)
		status = EMR_OK;
	if (status != EMR_OK) {
		emr_log(EMR_LOG_ERROR, "store: flush failed (%s)", emr_status_text(status));
		store->failed = true;
		status = EMR_IO;
	}
	store->flushing_now = false;
	if (status == EMR_OK && store->synced_total < covers)
		store->synced_total = covers;
	pthread_cond_broadcast(&store->synced);
	return status;
}

emr_status emr_store_flush(emr_store *store)
{
	emr_status status = EMR_OK;
	uint64_t target;
	bool flushed = false;

	if (store->read_only)
		return EMR_OK;
	pthread_mutex_lock(&store->sync_lock);
	target = store->written_total;
	while (status == EMR_OK && store->synced_total < target) {
		/* After one failure the kernel may call the same pages clean: a second try would
		 * lie. */
		if (store->failed) {
			status = EMR_IO;
		} else if (store->flushing_now) {
			pthread_cond_wait(&store->synced, &store->sync_lock);
		} else {
			status = flush_once(store);
			flushed = true;
		}
	}
	pthread_mutex_unlock(&store->sync_lock);
	if (flushed && atomic_load(&store->is_window_low))
		wake_background(store, true, false);
	return status;
}
