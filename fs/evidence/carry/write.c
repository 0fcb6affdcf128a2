/* This file writes chosen records into one exported file (CAR): their blocks, as encrypted as they
 * are, below one root, by directories such as any IPFS tool makes and lists. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "carry/carry.h"
#include "base/array.h"
#include "base/file.h"
#include "store/car.h"
#include "store/unixfs.h"

#define RECORDS_MAX 1000000
#define DEPTH_MAX 4096
#define HEADER_BYTES 59 /* of a CAR with one root */
#define NAME_BYTES 4	/* "3ff" */

typedef struct record {
	emr_place place;
	emr_id16 parent;
} record;

typedef struct writing {
	const emr_carry_sources *from;
	int fd;
	record *records; /* sorted by object */
	size_t n, cap;
	emr_buf contents; /* emr_unixfs_link, those that are written */
	bool has_hole[EMR_UNIXFS_HOLE_LEVELS];
	emr_carry_tally tally;
} writing;

static void writing_end(writing *w)
{
	free(w->records);
	emr_buf_free(&w->contents);
}

/* ---- which records ---- */

static emr_status keep_records(writing *w)
{
	EMR_AUTO_FACTS_WALK all = emr_facts_all(w->from->facts);
	emr_place place;
	emr_meta meta;

	while (emr_facts_next(&all, &place, &meta)) {
		if (w->n == RECORDS_MAX)
			return EMR_LIMIT;
		EMR_TRY(emr_array_room(&w->records, w->n, &w->cap, sizeof *w->records));
		w->records[w->n++] = (record){.place = place, .parent = meta.parent};
	}
	return all.status == EMR_OK && all.damaged > 0 ? EMR_DAMAGED : all.status;
}

static int by_object(const void *a, const void *b)
{
	return memcmp(((const record *)a)->place.object.b, ((const record *)b)->place.object.b, 16);
}

static bool is_below(const writing *w, const record *r, emr_id16 root)
{
	for (int depth = 0; r != NULL && depth < DEPTH_MAX; depth++) {
		const record above = {.place.object = r->parent};

		if (emr_id16_equal(r->place.object, root))
			return true;
		r = bsearch(&above, w->records, w->n, sizeof above, by_object);
	}
	return false;
}

/* ---- the blocks ---- */

static emr_status write_all(writing *w, const void *data, size_t len)
{
	const uint8_t *at = data;

	w->tally.bytes += len;
	while (len > 0) {
		ssize_t n = write(w->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return emr_status_from_errno(errno);
		at += n;
		len -= (size_t)n;
	}
	return EMR_OK;
}

static emr_status write_block(writing *w, const emr_cid *cid, emr_bytes block)
{
	uint8_t head[EMR_CAR_SECTION_HEAD_MAX];

	EMR_TRY(write_all(w, head, emr_car_section_head(head, cid, block.len)));
	return write_all(w, block.data, block.len);
}

/* The block that stands for a hole is in many contents, and once in the file. */
static bool is_written_hole(writing *w, const emr_cid *cid)
{
	for (unsigned level = 0; level < EMR_UNIXFS_HOLE_LEVELS; level++)
		if (emr_unixfs_is_hole(cid, level)) {
			bool was = w->has_hole[level];

			w->has_hole[level] = true;
			return was;
		}
	return false;
}

static emr_status copy_block(void *context, const emr_cid *cid)
{
	writing *w = context;
	EMR_AUTO_BUF block = {0};

	if (is_written_hole(w, cid))
		return EMR_OK;
	EMR_TRY(emr_block_store_get_verified(w->from->store, cid, &block));
	return write_block(w, cid, emr_buf_view(&block));
}

static emr_status write_content(writing *w, const record *r)
{
	emr_unixfs_link link = {.cid = r->place.root};
	EMR_AUTO_BUF block = {0};
	emr_unixfs_bundle bundle;
	emr_cid missing;
	emr_status status = emr_block_store_get_verified(w->from->store, &r->place.root, &block);

	if (status == EMR_OK && emr_unixfs_bundle_decode(emr_buf_view(&block), &bundle) != EMR_OK)
		return EMR_OK; /* its name fits: somebody wrote nonsense, which opens nowhere */
	if (status == EMR_OK)
		status = emr_store_walk(w->from->store, &r->place.root, copy_block, w, &missing);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	link.tsize = block.len + bundle.content_tsize + bundle.manifest_bytes;
	w->tally.records++;
	return emr_buf_append(&w->contents, &link, sizeof link);
}

/* ROOT and what is below it.  With a name that cannot be read nobody knows whether it belongs
 * here. */
static emr_status write_records(writing *w, const emr_id16 *root)
{
	bool any = false;

	EMR_TRY(keep_records(w));
	EMR_SORT(w->records, w->n, by_object);
	for (size_t i = 0; i < w->n; i++) {
		const record *r = &w->records[i];
		bool is_taken = root == NULL || is_below(w, r, *root);

		any = any || is_taken;
		if (is_taken && r->place.pversion != 0)
			EMR_TRY(write_content(w, r));
		if (w->from->tell != NULL)
			EMR_TRY(w->from->tell(w->from->tell_arg, i + 1, w->n));
	}
	return any ? EMR_OK : EMR_NOT_FOUND;
}

/* ---- the tree above them ---- */

/* A directory of LINKS, called 000, 001 and so on; its own link goes to LEVEL. */
static emr_status write_directory(
	writing *w, const emr_unixfs_link *links, size_t n, emr_buf *level)
{
	emr_unixfs_entry entries[EMR_UNIXFS_LINKS_MAX];
	char names[EMR_UNIXFS_LINKS_MAX][NAME_BYTES];
	EMR_AUTO_BUF block = {0};
	emr_unixfs_link dir;

	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof names[i], "%03x", (unsigned)(i & 0xfff));
		entries[i] = (emr_unixfs_entry){
			.name = names[i], .cid = links[i].cid, .tsize = links[i].tsize};
	}
	EMR_TRY(emr_unixfs_dir_encode(entries, n, &block, &dir));
	EMR_TRY(write_block(w, &dir.cid, emr_buf_view(&block)));
	return emr_buf_append(level, &dir, sizeof dir);
}

/* Directories above directories, until one is above all; a content that is alone is the root. */
static emr_status write_tree(writing *w)
{
	size_t n = w->contents.len / sizeof(emr_unixfs_link);

	while (n != 1) {
		const emr_unixfs_link *links = (const void *)w->contents.data;
		emr_buf above = {0};
		size_t at = 0;
		emr_status status;

		do {
			size_t left = n - at;

			status = write_directory(w, n > 0 ? links + at : links,
				left < EMR_UNIXFS_LINKS_MAX ? left : EMR_UNIXFS_LINKS_MAX, &above);
			at += EMR_UNIXFS_LINKS_MAX;
		} while (status == EMR_OK && at < n);
		emr_buf_free(&w->contents);
		w->contents = above;
		if (status != EMR_OK)
			return status;
		n = above.len / sizeof *links;
	}
	w->tally.root = ((const emr_unixfs_link *)(const void *)w->contents.data)->cid;
	return EMR_OK;
}

/* The root is known last and stands first.  Until then there are zeros in its place, which nobody
 * takes for a CAR. */
emr_status emr_carry_write(
	const emr_carry_sources *from, const emr_id16 *root, int fd, emr_carry_tally *out_tally)
{
	__attribute__((cleanup(writing_end))) writing w = {.from = from, .fd = fd};
	uint8_t zeros[HEADER_BYTES] = {0};
	EMR_AUTO_BUF header = {0};

	EMR_TRY(write_all(&w, zeros, sizeof zeros));
	EMR_TRY(write_records(&w, root));
	EMR_TRY(write_tree(&w));
	EMR_TRY(emr_car_write_header(&header, &w.tally.root, 1));
	if (header.len != sizeof zeros)
		return EMR_INVALID;
	EMR_TRY(emr_pwrite_all(fd, header.data, header.len, 0));
	*out_tally = w.tally;
	return EMR_OK;
}
