/* This file checks that the blocks which the records need are in the backup: a copy is only good
 * if it can bring them back. It reads the segments in the target, and looks in them for
 * everything below the pins of that moment. No key is needed: pins, nodes and places have none.
 *
 * A segment that was once read and found whole stands in a list by its hash; of such a segment
 * only the heads of its sections are read again. The others are hashed, block by block. */
#include "backup_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/block_store.h"
#include "store/car_store.h"
#include "store/segment_file.h"
#include "store/varint.h"

#define HEX_LINE 65 /* a hash and a newline */
#define WHOLE_MAX ((size_t)8 << 20)

/* Where a block stands in the target. */
typedef struct block_row {
	uint8_t digest[32];
	uint64_t offset;
	uint32_t file, len;
} block_row;

/* The pin that a frame states; the last frame of its writer counts. */
typedef struct pin_row {
	emr_pin pin;
	emr_id16 writer;
	uint64_t order;
	bool is_unpin;
} pin_row;

typedef struct candidate {
	emr_backup_file file;
	size_t in_list; /* its place in the list it is of */
	int fd;		/* -1: not open */
	bool is_used;
} candidate;

typedef struct looking {
	emr_block_store face; /* first: what emr_store_walk reads nodes through */
	backup_target *t;
	bool has_device;
	emr_id16 device;
	candidate *files;
	size_t n_files,
		n_made;	 /* of them: of the backup being made; the others are of the last one */
	emr_buf earlier; /* of block_row: needed, and only in the others */
	uint32_t at;	 /* the file being read */
	emr_id16 writer;
	bool with_pins;
	emr_buf rows;  /* of block_row; sorted when all is read */
	emr_buf pins;  /* of pin_row */
	emr_buf whole; /* text: a hash a line */
} looking;

static void looking_end(looking *l)
{
	for (size_t i = 0; i < l->n_files; i++)
		if (l->files[i].fd >= 0)
			close(l->files[i].fd);
	free(l->files);
	emr_buf_free(&l->rows);
	emr_buf_free(&l->earlier);
	emr_buf_free(&l->pins);
	emr_buf_free(&l->whole);
}

/* ---- which were found whole before ---- */

static bool was_whole(const looking *l, const emr_backup_file *file)
{
	char hex[HEX_LINE];

	emr_hex(file->sha256, sizeof file->sha256, hex);
	for (size_t at = 0; at + HEX_LINE <= l->whole.len; at += HEX_LINE)
		if (memcmp(l->whole.data + at, hex, HEX_LINE - 1) == 0)
			return true;
	return false;
}

static emr_status note_whole(looking *l, const emr_backup_file *file)
{
	char hex[HEX_LINE];

	emr_hex(file->sha256, sizeof file->sha256, hex);
	hex[HEX_LINE - 1] = '\n';
	return emr_buf_append(&l->whole, hex, sizeof hex);
}

/* Only those of this backup: the list does not grow for ever. */
static emr_status write_whole(looking *l)
{
	EMR_AUTO_BUF kept = {0};

	for (size_t i = 0; i < l->t->made.n; i++) {
		const emr_backup_file *file = &l->t->made.files[i];
		char hex[HEX_LINE];

		if (emr_backup_kind_of(file->path) != EMR_BACKUP_SEGMENT || !was_whole(l, file))
			continue;
		emr_hex(file->sha256, sizeof file->sha256, hex);
		hex[HEX_LINE - 1] = '\n';
		EMR_TRY(emr_buf_append(&kept, hex, sizeof hex));
	}
	return target_replace(l->t, DATA_WHOLE, emr_buf_view(&kept));
}

/* ---- reading segments ---- */

static emr_status take_block(void *arg, const emr_cid *cid, uint64_t offset, size_t len)
{
	looking *l = arg;
	block_row row = {.offset = offset, .file = l->at, .len = (uint32_t)len};

	memcpy(row.digest, emr_cid_digest(cid), sizeof row.digest);
	return emr_buf_append(&l->rows, &row, sizeof row);
}

static emr_status take_pin(void *arg, const emr_pin *pin, bool is_unpin)
{
	looking *l = arg;
	pin_row row = {.pin = *pin,
		.writer = l->writer,
		.order = l->pins.len / sizeof row,
		.is_unpin = is_unpin};

	if (!l->with_pins || (l->has_device && !emr_id16_equal(l->writer, l->device)))
		return EMR_OK;
	return emr_buf_append(&l->pins, &row, sizeof row);
}

static void note_hole(void *arg, uint64_t offset, uint64_t len)
{
	bool *is_whole = arg;

	(void)offset;
	(void)len;
	*is_whole = false;
}

static emr_status read_file(looking *l, uint32_t at)
{
	const emr_segment_visitor visitor = {.block = take_block, .pin = take_pin, .arg = l};
	candidate *c = &l->files[at];
	bool is_known = was_whole(l, &c->file) && !target_distrusts(l->t, c->file.path),
	     is_whole = true;
	uint64_t number = 0;
	emr_status status = EMR_OK;

	l->at = at;
	if (!emr_segment_file_parse(c->file.path + strlen("blocks/"), &l->writer, &number))
		return EMR_DAMAGED;
	c->fd = openat(
		l->t->data_fd, c->file.stored, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	if (!is_known) {
		status = emr_segment_file_check(c->fd, c->file.bytes, note_hole, &is_whole);
		if (status == EMR_IO) /* nothing is taken from where the disk cannot read */
			return EMR_OK;
		if (status == EMR_DAMAGED)
			status = EMR_OK;
		if (status == EMR_OK && is_whole)
			status = note_whole(l, &c->file);
	}
	if (status == EMR_OK)
		status = emr_segment_file_contents(
			c->fd, c->file.bytes, l->writer, number, !is_known && !is_whole, &visitor);
	return status;
}

/* Blocks that the backup has anyway come before those that only an earlier one has. */
static int by_digest(const void *x, const void *y)
{
	const block_row *a = x, *b = y;
	int order = memcmp(a->digest, b->digest, sizeof a->digest);

	return order != 0 ? order : a->file < b->file ? -1 : a->file > b->file;
}

static emr_status read_files(looking *l, size_t from)
{
	for (size_t i = from; i < l->n_files; i++)
		EMR_TRY(read_file(l, (uint32_t)i));
	emr_buf_sort(&l->rows, sizeof(block_row), by_digest);
	return EMR_OK;
}

/* Segments of LIST; EARLIER: only those that the backup being made does not have as they are there.
 */
static emr_status add_files(looking *l, const emr_backup_manifest *list, bool earlier)
{
	for (size_t i = 0; i < list->n; i++) {
		const emr_backup_file *file = &list->files[i];
		const emr_backup_file *made = emr_backup_manifest_find(&l->t->made, file->path);
		candidate *grown;

		if (emr_backup_kind_of(file->path) != EMR_BACKUP_SEGMENT ||
			(earlier && made != NULL && strcmp(made->stored, file->stored) == 0))
			continue;
		grown = realloc(l->files, (l->n_files + 1) * sizeof *grown);
		if (grown == NULL)
			return EMR_NO_MEMORY;
		l->files = grown;
		l->files[l->n_files++] = (candidate){.file = *file, .in_list = i, .fd = -1};
	}
	return EMR_OK;
}

/* ---- what the pins need ---- */

/* The first of those rows that have that hash. */
static const block_row *first_row(const looking *l, const uint8_t digest[32])
{
	const block_row *rows = (const block_row *)(const void *)l->rows.data;
	size_t low = 0, high = l->rows.len / sizeof *rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(rows[middle].digest, digest, 32) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->rows.len / sizeof *rows && memcmp(rows[low].digest, digest, 32) == 0
		       ? &rows[low]
		       : NULL;
}

/* NULL: nowhere. A block that only an earlier backup has is noted. */
static emr_status find_block(looking *l, const emr_cid *cid, const block_row **out_row)
{
	const block_row *row = first_row(l, emr_cid_digest(cid));

	*out_row = row;
	if (row == NULL || row->file < l->n_made)
		return EMR_OK;
	l->files[row->file].is_used = true;
	return emr_buf_append(&l->earlier, row, sizeof *row);
}

/* The one call of a store that emr_store_walk makes. */
static emr_status get_node(emr_block_store *store, const emr_cid *cid, emr_buf *out)
{
	looking *l = (looking *)(void *)store;
	const block_row *row = NULL;
	size_t before = out->len;
	emr_status status;

	EMR_TRY(find_block(l, cid, &row));
	if (row == NULL)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_buf_append_zeros(out, row->len));
	status = emr_pread_all(
		l->files[row->file].fd, out->data + before, row->len, (off_t)row->offset);
	if (status == EMR_OK)
		status = emr_cid_verify(cid, emr_bytes_of(out->data + before, row->len));
	if (status != EMR_OK)
		out->len = before;
	return status;
}

static emr_status need_block(void *arg, const emr_cid *cid)
{
	const block_row *row = NULL;

	EMR_TRY(find_block(arg, cid, &row));
	return row == NULL ? EMR_MISSING_DATA : EMR_OK;
}

static int by_pin(const void *x, const void *y)
{
	const pin_row *a = x, *b = y;
	int order = memcmp(a->pin.root.b, b->pin.root.b, sizeof a->pin.root.b);

	if (order == 0)
		order = memcmp(a->pin.owner.b, b->pin.owner.b, sizeof a->pin.owner.b);
	if (order == 0)
		order = memcmp(a->writer.b, b->writer.b, sizeof a->writer.b);
	return order != 0 ? order : a->order < b->order ? -1 : a->order > b->order;
}

static bool is_same_pin(const pin_row *a, const pin_row *b)
{
	return emr_cid_equal(&a->pin.root, &b->pin.root) &&
	       emr_id16_equal(a->pin.owner, b->pin.owner) && emr_id16_equal(a->writer, b->writer);
}

/* The list of pins may be lost together with the blocks.  The ledger has the root of each record,
 * and all records of a store that has one owner are his. */
static emr_status take_record(void *arg, emr_id16 object, emr_bytes part)
{
	looking *l = arg;
	pin_row row = {.pin = {.owner = object, .state = EMR_PIN_REGISTERED},
		.writer = l->device,
		.order = UINT64_MAX};

	if (!l->t->options->root_of(part, &row.pin.root))
		return EMR_OK; /* nothing opens it: that is said where it is read */
	return emr_buf_append(&l->pins, &row, sizeof row);
}

/* Which of the ledger's records are this member's cannot be told without a key.  The index of the
 * store keeps his pins when the segment that they lie in is lost. */
static emr_status take_member_pins(looking *l, const moment *m)
{
	const emr_pin *pins = (const emr_pin *)(const void *)m->pins.data;

	for (size_t i = 0; i < m->pins.len / sizeof *pins; i++) {
		pin_row row = {.pin = pins[i], .writer = m->device, .order = UINT64_MAX};

		EMR_TRY(emr_buf_append(&l->pins, &row, sizeof row));
	}
	return EMR_OK;
}

/* Rows that count come to the front, as emr_store_needed has them; the others go. */
static uint64_t settle_pins(looking *l)
{
	pin_row *rows = (pin_row *)(void *)l->pins.data;
	size_t n = l->pins.len / sizeof *rows, kept = 0;
	uint64_t versions = 0;

	EMR_SORT(rows, n, by_pin);
	for (size_t i = 0; i < n; i++) {
		bool is_last = i + 1 == n || !is_same_pin(&rows[i], &rows[i + 1]);

		/* Two owners of one root need the same blocks. */
		if (!is_last || rows[i].is_unpin)
			continue;
		if (kept == 0 || !emr_cid_equal(&rows[kept - 1].pin.root, &rows[i].pin.root))
			rows[kept++] = rows[i];
		else if (rows[i].pin.state > rows[kept - 1].pin.state)
			rows[kept - 1].pin.state = rows[i].pin.state;
	}
	for (size_t i = 0; i < kept; i++)
		versions += rows[i].pin.state != EMR_PIN_WRITTEN;
	l->pins.len = kept * sizeof *rows;
	return versions;
}

/* LACKING (of emr_cid) holds the roots below which something is not there. */
static emr_status look_below_all(looking *l, emr_buf *lacking)
{
	const pin_row *rows = (const pin_row *)(const void *)l->pins.data;
	size_t n = l->pins.len / sizeof *rows;

	lacking->len = 0;
	l->earlier.len = 0;
	for (size_t i = 0; i < n; i++) {
		emr_cid missing;
		emr_status status =
			emr_store_walk(&l->face, &rows[i].pin.root, need_block, l, &missing);

		if (status == EMR_NOT_FOUND || status == EMR_MISSING_DATA || status == EMR_DAMAGED)
			status = emr_buf_append(lacking, &rows[i].pin.root, sizeof(emr_cid));
		if (status != EMR_OK)
			return status;
	}
	return EMR_OK;
}

/* ---- what an earlier backup has ---- */

/* The backup being made has no such path, or only a beginning of the file: this computer has lost
 * the rest. */
static emr_status keep_file(looking *l, const candidate *c, uint32_t to)
{
	backup_found(l->t->options, c->file.path,
		"it is not whole on this computer any more; the backup keeps what it had of it");
	if (to == l->n_made)
		return emr_backup_manifest_add(&l->t->made, &c->file);
	l->t->made.files[l->files[to].in_list] = c->file;
	return EMR_OK;
}

/* Whether every block of file TO stands at the same place in candidate AT. */
static bool is_beginning(const looking *l, uint32_t to, uint32_t at)
{
	const block_row *rows = (const block_row *)(const void *)l->rows.data;
	size_t n = l->rows.len / sizeof *rows;

	if (l->files[to].file.bytes > l->files[at].file.bytes)
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t j = i;

		if (rows[i].file != to)
			continue;
		while (j < n && memcmp(rows[j].digest, rows[i].digest, 32) == 0 &&
			(rows[j].file != at || rows[j].offset != rows[i].offset))
			j++;
		if (j == n || memcmp(rows[j].digest, rows[i].digest, 32) != 0)
			return false;
	}
	return true;
}

/* Whether a whole block of file AT stands in FROM .. END. */
static bool is_taken(const looking *l, uint32_t at, uint64_t from, uint64_t end)
{
	const block_row *rows = (const block_row *)(const void *)l->rows.data;

	for (size_t i = 0; i < l->rows.len / sizeof *rows; i++)
		if (rows[i].file == at && rows[i].offset < end &&
			rows[i].offset + rows[i].len > from)
			return true;
	return false;
}

static uint64_t section_of(const block_row *row)
{
	size_t head_len = emr_varint_len(EMR_CID_BYTES + row->len) + EMR_CID_BYTES;

	return row->offset > head_len ? row->offset - head_len : 0;
}

static bool may_put_back(const looking *l, const block_row *row, uint32_t to)
{
	return row->offset + row->len <= l->files[to].file.bytes &&
	       !is_taken(l, to, section_of(row), row->offset + row->len);
}

/* ROW's section goes where it stood before: the same segment, copied again because it rotted. */
static emr_status put_back(const looking *l, const block_row *row, int out)
{
	EMR_AUTO_BUF section = {0};
	uint64_t from = section_of(row);

	EMR_TRY(emr_buf_append_zeros(&section, row->offset - from + row->len));
	EMR_TRY(emr_pread_all(l->files[row->file].fd, section.data, section.len, (off_t)from));
	return emr_pwrite_all(out, section.data, section.len, (off_t)from);
}

/* The file in the backup being made that has the path of candidate C; n_made: none has. */
static uint32_t made_of(const looking *l, const candidate *c)
{
	uint32_t at = 0;

	while (at < l->n_made && strcmp(l->files[at].file.path, c->file.path) != 0)
		at++;
	return at;
}

/* Everything of candidate AT that is needed, into the new copy of the same segment.  No list may
 * name that: a partial one has the hash of the copy as it was, and would be believed. */
static emr_status mend_file(looking *l, uint32_t at, uint32_t to)
{
	const block_row *rows = (const block_row *)(const void *)l->earlier.data;
	emr_backup_file *made = &l->t->made.files[l->files[to].in_list];
	EMR_AUTO_FD out = openat(l->t->data_fd, made->stored, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	EMR_TRY(out >= 0 ? EMR_OK : emr_status_from_errno(errno));
	for (size_t i = 0; i < l->earlier.len / sizeof *rows; i++)
		if (rows[i].file == at && !may_put_back(l, &rows[i], to))
			return EMR_MISSING_DATA; /* nothing was changed */
	EMR_TRY(target_drop_partial(l->t));
	for (size_t i = 0; i < l->earlier.len / sizeof *rows; i++)
		if (rows[i].file == at)
			EMR_TRY(put_back(l, &rows[i], out));
	if (fdatasync(out) != 0)
		EMR_TRY(emr_status_from_errno(errno));
	EMR_TRY(backup_hash(out, made->bytes, l->t->buffer, made->sha256));
	backup_found(l->t->options, made->path,
		"blocks in it are damaged on this computer; the backup keeps what it had "
		"of them");
	return EMR_OK;
}

/* Candidate AT was needed, and cannot be had: it went another way than what is there now. */
static void give_up(looking *l, uint32_t at)
{
	block_row *rows = (block_row *)(void *)l->rows.data;
	size_t n = l->rows.len / sizeof *rows, kept = 0;

	for (size_t i = 0; i < n; i++)
		if (rows[i].file != at)
			rows[kept++] = rows[i];
	l->rows.len = kept * sizeof *rows;
}

/* *OUT_IS_LOST: something of it cannot be kept. */
static emr_status keep_candidate(looking *l, uint32_t at, bool *out_is_lost)
{
	uint32_t to = made_of(l, &l->files[at]);
	emr_status status;

	if (to == l->n_made || is_beginning(l, to, at)) {
		l->t->kept_segments++;
		return keep_file(l, &l->files[at], to);
	}
	status = mend_file(l, at, to);
	if (status == EMR_MISSING_DATA) {
		give_up(l, at);
		*out_is_lost = true;
		return EMR_OK;
	}
	l->t->kept_segments += status == EMR_OK;
	return status;
}

/* A block that is missing here and was in the last backup stays in this one. */
static emr_status keep_earlier(looking *l, emr_buf *lacking)
{
	bool is_lost = false;

	EMR_TRY(add_files(l, &l->t->old, true));
	if (l->n_files == l->n_made)
		return EMR_OK;
	l->with_pins = false;
	EMR_TRY(read_files(l, l->n_made));
	EMR_TRY(look_below_all(l, lacking));
	for (size_t i = l->n_made; i < l->n_files; i++)
		if (l->files[i].is_used)
			EMR_TRY(keep_candidate(l, (uint32_t)i, &is_lost));
	return is_lost ? look_below_all(l, lacking) : EMR_OK;
}

/* Without it all writers' pins count: too many is no loss. */
static emr_status learn_device(looking *l)
{
	emr_status status = backup_device(l->t->options->state_fd, &l->device);

	l->has_device = status == EMR_OK;
	return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_OK : status;
}

static const emr_block_store_ops only_reads = {.get_verified = get_node};

emr_status backup_check_blocks(backup_target *t, moment *m, emr_backup_report *report)
{
	__attribute__((cleanup(looking_end)))
	looking l = {.face = {.ops = &only_reads}, .t = t, .with_pins = true};
	EMR_AUTO_BUF lacking = {0};
	emr_status status = learn_device(&l);

	if (status == EMR_OK &&
		emr_file_read(t->data_fd, DATA_WHOLE, WHOLE_MAX, &l.whole) != EMR_OK)
		l.whole.len = 0; /* a help only */
	if (status == EMR_OK)
		status = add_files(&l, &t->made, false);
	if (status == EMR_OK)
		status = read_files(&l, 0);
	l.n_made = l.n_files;
	if (status == EMR_OK && !m->is_shared && t->options->root_of != NULL)
		status = emr_ledger_copy_each_record(m->ledger, take_record, &l);
	if (status == EMR_OK && m->is_shared)
		status = take_member_pins(&l, m);
	if (status != EMR_OK)
		return status;
	report->versions = settle_pins(&l);
	EMR_TRY(look_below_all(&l, &lacking));
	if (lacking.len > 0 && t->has_old)
		EMR_TRY(keep_earlier(&l, &lacking));
	report->kept_segments = t->kept_segments;
	report->missing = lacking.len / sizeof(emr_cid);
	EMR_EACH (const emr_cid, root, &lacking)
		if (t->options->missing != NULL)
			t->options->missing(t->options->arg, root);
	return write_whole(&l);
}
