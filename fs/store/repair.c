/* This file decides what damage at the end of a segment or in its middle means: a write that a
 * power cut interrupted is cut off, rot is put into quarantine and filled. Whole blocks behind
 * the damage are kept. */
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

typedef struct found_section {
	uint8_t digest[EMR_DIGEST_PREFIX];
	emr_store_position at;
} found_section;

typedef struct found_pin {
	uint64_t offset;
	emr_pin_change change;
} found_pin;

typedef struct found_hole {
	uint64_t offset;
	uint64_t len;
} found_hole;

/* The findings of a scan of one tail, before it is decided how much of it counts. */
typedef struct findings {
	emr_segment *segment;
	int fd;
	emr_buf sections; /* of found_section */
	emr_buf pins;	  /* of found_pin */
	emr_buf holes;	  /* of found_hole */
	uint64_t synced;  /* the largest synced mark */
	uint64_t end;
	bool has_bad_frame; /* something that looks like one does not fit its hash */
	bool is_unsure;	    /* what is read here was perhaps never on the disk */
} findings;

static void findings_free(findings *f)
{
	emr_buf_free(&f->sections);
	emr_buf_free(&f->pins);
	emr_buf_free(&f->holes);
}
#define AUTO_FINDINGS __attribute__((cleanup(findings_free))) findings

/* *out_ours stays false for somebody's block that only looks like a frame. */
static emr_status take_frame(
	findings *f, const emr_scan_item *item, emr_bytes block, bool *out_ours)
{
	emr_log_place place = {f->segment->number, item->offset};
	emr_store_frame frame;
	emr_status status = emr_store_frame_read(block, f->segment->writer, place, &frame);

	if (status != EMR_OK)
		return status == EMR_DAMAGED ? EMR_OK : status;
	*out_ours = true;
	if (frame.synced > f->synced && frame.synced <= item->offset)
		f->synced = frame.synced;
	for (size_t i = 0; i < frame.count; i++) {
		found_pin pin = {.offset = item->offset};

		if (emr_store_frame_row(block, i, &pin.change) != EMR_OK)
			return EMR_OK;
		EMR_TRY(emr_buf_append(&f->pins, &pin, sizeof pin));
	}
	return EMR_OK;
}

static emr_status take_section(findings *f, const emr_scan_item *item)
{
	found_section section = {.at = {.segment = f->segment->handle,
					 .len = (uint32_t)item->data_len,
					 .offset = item->offset + item->head_len}};
	EMR_AUTO_BUF block = {0};
	bool ours = false;

	if (emr_cid_codec(&item->cid) == EMR_CODEC_RAW && emr_store_frame_is(item->head)) {
		EMR_TRY(emr_buf_append_zeros(&block, item->data_len));
		EMR_TRY(emr_pread_all(f->fd, block.data, block.len, (off_t)section.at.offset));
		if (emr_cid_verify(&item->cid, emr_buf_view(&block)) == EMR_OK)
			EMR_TRY(take_frame(f, item, emr_buf_view(&block), &ours));
		else
			f->has_bad_frame = true;
		if (ours)
			return EMR_OK;
	}
	memcpy(section.digest, emr_cid_digest(&item->cid), EMR_DIGEST_PREFIX);
	return emr_buf_append(&f->sections, &section, sizeof section);
}

/* A process that ended may have had its flush refused: the kernel then calls pages clean that never
 * reached the disk, and reads them as if they had. Sections that are not known to be on the disk
 * are written once more, the bytes whose hash was right, where they stand; the flush that follows
 * makes them safe. Without room (on a disk that writes nothing in its place) they stay as they
 * were. */
static emr_status write_again(findings *f, const emr_scan_item *item)
{
	EMR_AUTO_BUF section = {0};
	uint8_t head[EMR_CAR_SECTION_HEAD_MAX];
	size_t head_len = emr_car_section_head(head, &item->cid, item->data_len);
	emr_status status;

	if (head_len != item->head_len || item->head.len != item->data_len)
		return EMR_INVALID;
	EMR_TRY(emr_buf_append(&section, head, head_len));
	EMR_TRY(emr_buf_append(&section, item->head.data, item->data_len));
	status = emr_pwrite_all(f->fd, section.data, section.len, (off_t)item->offset);
	if (emr_status_is_full(status))
		emr_log(EMR_LOG_WARN, "store: no room to write the end of a segment again");
	return emr_status_is_full(status) ? EMR_OK : status;
}

static emr_status take_item(void *context, const emr_scan_item *item)
{
	findings *f = context;
	found_hole hole = {item->offset, item->len};

	if (item->hole)
		return emr_buf_append(&f->holes, &hole, sizeof hole);
	if (f->is_unsure)
		EMR_TRY(write_again(f, item));
	return take_section(f, item);
}

emr_status emr_store_note_damage(
	emr_store *store, const emr_segment *segment, uint64_t offset, uint64_t len, bool torn)
{
	emr_damage_row *rows, *row;

	pthread_mutex_lock(&store->map_lock);
	rows = realloc(store->damages, (store->damage_count + 1) * sizeof *rows);
	if (rows != NULL) {
		store->damages = rows;
		row = &rows[store->damage_count++];
		emr_segment_name_of(segment->writer, segment->number, row->segment);
		row->damage = (emr_store_damage){.offset = offset, .len = len, .torn = torn};
		emr_log(EMR_LOG_WARN, "store: %s at %llu: %llu bytes %s", row->segment,
			(unsigned long long)offset, (unsigned long long)len,
			torn ? "of an unfinished write" : "damaged");
	}
	pthread_mutex_unlock(&store->map_lock);
	return rows == NULL ? EMR_NO_MEMORY : EMR_OK;
}

static emr_status copy_bytes(int from, int to, uint64_t offset, uint64_t len)
{
	EMR_AUTO_FREE uint8_t *buffer = malloc(65536);
	uint64_t done = 0;
	emr_status status = buffer == NULL ? EMR_NO_MEMORY : EMR_OK;

	while (status == EMR_OK && done < len) {
		size_t n = len - done < 65536 ? (size_t)(len - done) : 65536;

		status = emr_pread_all(from, buffer, n, (off_t)(offset + done));
		if (status == EMR_OK)
			status = emr_pwrite_all(to, buffer, n, (off_t)done);
		done += n;
	}
	return status;
}

/* On disk under a name that says where the bytes stood; a second time keeps the first copy. */
static emr_status quarantine(
	emr_store *store, const emr_segment *segment, int fd, uint64_t offset, uint64_t len)
{
	char segment_name[EMR_SEGMENT_NAME_MAX];
	char name[EMR_SEGMENT_NAME_MAX + 40];
	emr_status status;
	EMR_AUTO_FD dir = -1;
	EMR_AUTO_FD out = -1;

	emr_segment_name_of(segment->writer, segment->number, segment_name);
	snprintf(name, sizeof name, "%s-%llu.bad", segment_name, (unsigned long long)offset);
	if (mkdirat(store->dirfd, "quarantine", 0700) != 0 && errno != EEXIST)
		return emr_status_from_errno(errno);
	dir = openat(store->dirfd, "quarantine", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	for (int again = 1; dir >= 0 && out < 0; again++) {
		out = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (out < 0 && errno != EEXIST)
			break;
		if (out < 0)
			snprintf(name, sizeof name, "%s-%llu-%d.bad", segment_name,
				(unsigned long long)offset, again);
	}
	if (dir < 0 || out < 0)
		return emr_status_from_errno(errno);
	status = copy_bytes(fd, out, offset, len);
	if (status == EMR_OK && (fsync(out) != 0 || fsync(dir) != 0 || fsync(store->dirfd) != 0))
		status = emr_status_from_errno(errno);
	if (status != EMR_OK)
		unlinkat(dir, name, 0);
	return status;
}

/* One section of exactly SIZE bytes (at most 1 MiB) with a block of zeros; returns the length of
 * its head, 0: no varint makes that size. */
static size_t filler(uint8_t *out, size_t size)
{
	for (size_t n = 1; n <= 4; n++) {
		size_t data = size - n - EMR_CID_BYTES;
		emr_cid cid;

		if (size < n + EMR_CID_BYTES || emr_varint_len(EMR_CID_BYTES + data) != n)
			continue;
		memset(out, 0, size);
		cid = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(out, data));
		return emr_car_section_head(out, &cid, data);
	}
	return 0;
}

/* With only their heads, what is behind each is zeros already. */
static emr_status write_fillers(int fd, uint64_t offset, uint64_t len, bool only_heads)
{
	const size_t empty = 1 + EMR_CID_BYTES;
	const size_t most = (size_t)1 << 20;
	EMR_AUTO_FREE uint8_t *bytes = malloc(most);
	emr_status status = bytes == NULL ? EMR_NO_MEMORY : EMR_OK;

	while (status == EMR_OK && len > 0) {
		size_t n = len > most ? most / 2 : (size_t)len;
		size_t head;

		if (len < empty)
			return EMR_INVALID;
		head = filler(bytes, n);
		if (head == 0) {
			n = empty;
			head = filler(bytes, n);
		}
		status = emr_pwrite_all(fd, bytes, only_heads ? head : n, (off_t)offset);
		offset += n;
		len -= n;
	}
	if (status == EMR_OK && fdatasync(fd) != 0)
		status = emr_status_from_errno(errno);
	return status;
}

emr_status emr_segment_blank_heads(int fd, uint64_t offset, uint64_t len)
{
	return write_fillers(fd, offset, len, true);
}

emr_status emr_segment_blank_bytes(int fd, uint64_t from, uint64_t len)
{
	static const uint8_t zeros[65536];
	emr_status status = EMR_OK;

	if (len == 0 || fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
				(off_t)len) == 0)
		return EMR_OK;
	while (status == EMR_OK && len > 0) {
		size_t n = len < sizeof zeros ? (size_t)len : sizeof zeros;

		status = emr_pwrite_all(fd, zeros, n, (off_t)from);
		from += n;
		len -= n;
	}
	return status;
}

bool emr_segment_is_blank(const emr_cid *cid, size_t len)
{
	EMR_AUTO_FREE uint8_t *zeros = calloc(1, len + 1);

	return zeros != NULL && emr_cid_verify(cid, emr_bytes_of(zeros, len)) == EMR_OK;
}

emr_status emr_store_fill_hole(
	emr_store *store, emr_segment *segment, uint64_t offset, uint64_t len)
{
	emr_status status;
	int fd;

	EMR_TRY(emr_segment_use(store, segment, &fd));
	status = quarantine(store, segment, fd, offset, len);
	if (status == EMR_OK)
		status = write_fillers(fd, offset, len, false);
	emr_segment_unuse(store, segment);
	return status;
}

/* Takes everything from CUT on out of the segment and into quarantine; on a disk that takes nothing
 * it is passed over. */
static emr_status cut_tail(emr_store *store, findings *f, uint64_t cut)
{
	if (f->end > cut) {
		if (!store->is_still)
			EMR_TRY(quarantine(store, f->segment, f->fd, cut, f->end - cut));
		EMR_TRY(emr_store_note_damage(store, f->segment, cut, f->end - cut, true));
	}
	if (!store->is_still && (ftruncate(f->fd, (off_t)cut) != 0 || fsync(f->fd) != 0))
		return emr_status_from_errno(errno);
	f->end = cut;
	return EMR_OK;
}

/* Decides about each hole of an own segment: behind everything synced it is the torn end; before,
 * it is rot. */
static emr_status mend(emr_store *store, findings *f, uint64_t durable)
{
	const found_hole *holes = (const void *)f->holes.data;
	size_t count = f->holes.len / sizeof *holes;

	for (size_t i = 0; i < count; i++) {
		if (holes[i].offset >= durable)
			return cut_tail(store, f, holes[i].offset);
		EMR_TRY(emr_store_note_damage(
			store, f->segment, holes[i].offset, holes[i].len, false));
		if (!store->is_still && emr_store_fill_hole(store, f->segment, holes[i].offset,
						holes[i].len) != EMR_OK)
			emr_log(EMR_LOG_WARN,
				"store: a damaged place could not be moved to quarantine");
	}
	return EMR_OK;
}

/* A hole in a foreign tail may be a group that is being written while we look: it is looked at
 * again the next time, and whole sections behind it are used meanwhile. */
static uint64_t first_hole(const findings *f)
{
	const found_hole *holes = (const void *)f->holes.data;

	return f->holes.len > 0 ? holes[0].offset : f->end;
}

bool emr_segment_is_closed(const emr_store *store, const emr_segment *segment)
{
	for (size_t i = 0; i < store->segment_count; i++)
		if (!store->segments[i]->gone && store->segments[i]->number > segment->number &&
			emr_id16_equal(store->segments[i]->writer, segment->writer))
			return true;
	return false;
}

/* map_lock held.  Anybody may lay a copy of a block of ours there, and take it away again: ours is
 * where it is found. */
static bool is_ours_already(emr_store *store, const findings *f, const uint8_t *digest)
{
	const emr_store_position *at =
		f->segment->own ? NULL : emr_pending_find(&store->pending, digest);

	return at != NULL && emr_segment_by_handle(store, at->segment)->own &&
	       !emr_segment_by_handle(store, at->segment)->gone;
}

static emr_status publish(emr_store *store, findings *f)
{
	const found_section *sections = (const void *)f->sections.data;
	size_t count = f->sections.len / sizeof *sections;
	emr_pending *map;
	EMR_LOCKED(&store->map_lock);

	if (store->has_own_index && !f->segment->own &&
		f->segment->known_to == EMR_SEGMENT_PREFIX_BYTES)
		f->segment->is_kept = emr_segment_is_closed(store, f->segment);
	map = f->segment->own || f->segment->is_kept ? &store->pending : &store->foreign;
	EMR_TRY(emr_pending_reserve(map, count));
	for (size_t i = 0; i < count; i++)
		if (sections[i].at.offset < f->end &&
			!is_ours_already(store, f, sections[i].digest))
			emr_pending_put(map, sections[i].digest, sections[i].at);
	f->segment->known_to = f->segment->own ? f->end : first_hole(f);
	f->segment->end = f->end;
	store->has_bad_frame |= f->segment->own && f->has_bad_frame;
	return EMR_OK;
}

/* Nobody else tells this computer's own index.  In a file that only has this writer's name anybody
 * may speak for him.  index_lock held. */
static emr_status note_foreign_pin(
	emr_store *store, const findings *f, const emr_pin_change *change)
{
	const emr_foreign_pin pin = {.writer = f->segment->writer, .change = *change};

	return store->has_own_index && !emr_id16_equal(pin.writer, store->writer)
		       ? emr_buf_append(&store->foreign_pins, &pin, sizeof pin)
		       : EMR_OK;
}

static emr_status publish_pins(emr_store *store, const findings *f)
{
	const found_pin *pins = (const void *)f->pins.data;
	size_t count = f->pins.len / sizeof *pins;

	for (size_t i = 0; i < count; i++)
		if (pins[i].offset < f->end)
			EMR_TRY(f->segment->own ? emr_store_add_pins(store, &pins[i].change, 1)
						: note_foreign_pin(store, f, &pins[i].change));
	return EMR_OK;
}

/* The last one, and nothing is known of it: whoever made it was killed before he wrote anything. It
 * goes, because its first bytes may find no room, and without them nothing would open. */
static bool is_only_begun(const emr_store *store, const findings *f, off_t size, uint64_t durable)
{
	return size == 0 && durable == 0 && f->segment->own && !store->read_only &&
	       f->segment->index_id == 0;
}

static emr_status drop_begun(emr_store *store, const findings *f)
{
	char name[EMR_SEGMENT_NAME_MAX];

	emr_segment_name_of(f->segment->writer, f->segment->number, name);
	if (unlinkat(store->dirfd, name, 0) != 0)
		return emr_status_from_errno(errno);
	pthread_mutex_lock(&store->map_lock);
	f->segment->gone = true;
	pthread_mutex_unlock(&store->map_lock);
	return EMR_NOT_FOUND;
}

/* A segment whose first bytes are not ours: torn at its creation, or damaged. */
static emr_status check_prefix(emr_store *store, findings *f, uint64_t durable)
{
	uint8_t prefix[EMR_SEGMENT_PREFIX_BYTES] = {0};
	struct stat st;
	size_t len;
	emr_status status;

	if (fstat(f->fd, &st) != 0)
		return EMR_IO;
	if (is_only_begun(store, f, st.st_size, durable))
		return drop_begun(store, f);
	len = st.st_size < (off_t)sizeof prefix ? (size_t)st.st_size : sizeof prefix;
	EMR_TRY(emr_pread_all(f->fd, prefix, len, 0));
	if (memcmp(prefix, emr_segment_prefix, sizeof prefix) == 0)
		return EMR_OK;
	status = emr_store_note_damage(store, f->segment, 0, len, durable == 0);
	if (!f->segment->own || store->is_still)
		return status;
	if (status == EMR_OK && len > 0)
		status = quarantine(store, f->segment, f->fd, 0, len);
	if (status == EMR_OK)
		status = emr_pwrite_all(f->fd, emr_segment_prefix, sizeof prefix, 0);
	if (status == EMR_OK && fsync(f->fd) != 0)
		status = emr_status_from_errno(errno);
	return status;
}

static emr_status take_tail(emr_store *store, findings *f, bool hashed, uint64_t durable)
{
	uint64_t from = f->segment->known_to;

	f->is_unsure = f->segment->own && !store->read_only && hashed && durable <= from;

	if (from == EMR_SEGMENT_PREFIX_BYTES)
		EMR_TRY(check_prefix(store, f, durable));
	EMR_TRY(emr_scan(f->fd, from, hashed, take_item, f, &f->end));
	if (f->synced < durable)
		f->synced = durable;
	if (f->segment->own)
		EMR_TRY(mend(store, f, f->synced));
	EMR_TRY(publish_pins(store, f));
	return publish(store, f);
}

emr_status emr_store_take_tail(
	emr_store *store, emr_segment *segment, bool hashed, uint64_t durable)
{
	AUTO_FINDINGS f = {.segment = segment};
	emr_status status;

	EMR_TRY(emr_segment_use(store, segment, &f.fd));
	status = take_tail(store, &f, hashed, durable);
	emr_segment_unuse(store, segment);
	return status;
}
