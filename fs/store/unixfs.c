/* This file computes the shape of a content as a UnixFS tree from its length alone, and reads
 * and writes its directories. Because there is one possible shape for each length, a tree of
 * another shape is refused. */
#include "unixfs_private.h"

#include <stdlib.h>

#include "store/dag_pb.h"
#include "store/varint.h"

#define CHUNK_PLAIN ((uint64_t)16384)
#define CHUNK_TAG ((uint64_t)16)
#define PADDED_MAX (((uint64_t)1 << 43) - 1)
#define MANIFEST_MIN (100 + 16)

static const uint8_t directory_data[2] = {0x08, 0x01};

uint64_t emr_unixfs_capacity(unsigned level)
{
	return (uint64_t)1 << (10 * level);
}

/* ---- Holes ---- */

/* Not computed when needed, because they are what a reader compares with at every step; tests make
 * them again with the builder, and the second model does. */
static const uint8_t hole_digests[EMR_UNIXFS_HOLE_LEVELS][32] = {
	{0x02, 0x49, 0xc5, 0xb2, 0xb4, 0x11, 0x6c, 0x71, 0x67, 0x90, 0x9b, 0xe4, 0xb4, 0xec, 0x87,
		0xc5, 0xf9, 0x97, 0x2c, 0xd2, 0xb1, 0xba, 0x7b, 0x8d, 0x1d, 0xd4, 0x57, 0xeb, 0xfd,
		0xdb, 0xa0, 0x85},
	{0x80, 0x37, 0x21, 0x23, 0xed, 0x9c, 0x07, 0x83, 0xe2, 0x4d, 0x5c, 0xbe, 0x17, 0xd1, 0x26,
		0xa6, 0x4f, 0xde, 0xdc, 0x54, 0xaa, 0x56, 0x6e, 0x61, 0x6d, 0xb7, 0x8e, 0x95, 0x8d,
		0x64, 0xde, 0xaf},
	{0xaf, 0x10, 0xa5, 0xd7, 0xba, 0xac, 0x33, 0xe7, 0x39, 0x66, 0xd2, 0xf1, 0x6c, 0x5e, 0xf0,
		0x30, 0x6f, 0x59, 0x86, 0x86, 0xf9, 0x0d, 0xec, 0xd0, 0xdc, 0x9e, 0x76, 0xf4, 0xfd,
		0x92, 0x81, 0x17},
};

emr_cid emr_unixfs_hole(unsigned level)
{
	return emr_cid_of_digest(
		level == 0 ? EMR_CODEC_RAW : EMR_CODEC_DAG_PB, hole_digests[level]);
}

bool emr_unixfs_is_hole(const emr_cid *cid, unsigned level)
{
	emr_cid hole;

	if (level >= EMR_UNIXFS_HOLE_LEVELS)
		return false;
	hole = emr_unixfs_hole(level);
	return emr_cid_equal(cid, &hole);
}

/* ---- Sizes ---- */

static uint64_t sealed_len(uint64_t plain)
{
	return plain + CHUNK_TAG * ((plain + CHUNK_PLAIN - 1) / CHUNK_PLAIN);
}

emr_status emr_unixfs_shape_of(
	uint64_t padded_length, uint8_t leaf_log2, emr_unixfs_shape *out_shape)
{
	const uint64_t leaf_plain = (uint64_t)1 << EMR_UNIXFS_LEAF_LOG2;
	emr_unixfs_shape shape = {.padded_length = padded_length};

	if (leaf_log2 != EMR_UNIXFS_LEAF_LOG2)
		return emr_newer_format(0, 0);
	if (padded_length % CHUNK_PLAIN == 0)
		return EMR_INVALID;
	if (padded_length > PADDED_MAX)
		return EMR_TOO_BIG;
	shape.sealed_bytes = sealed_len(padded_length);
	shape.leaves = (padded_length + leaf_plain - 1) / leaf_plain;
	shape.leaf_bytes = (uint32_t)sealed_len(leaf_plain);
	shape.last_leaf_bytes =
		(uint32_t)sealed_len(padded_length - (shape.leaves - 1) * leaf_plain);
	while (emr_unixfs_capacity(shape.height) < shape.leaves)
		shape.height++;
	*out_shape = shape;
	return EMR_OK;
}

/* Serialized sizes of one link and of its block size entry, inside their parent. */
static size_t link_bytes(uint64_t tsize)
{
	size_t body = 2 + EMR_CID_BYTES + 2 + 1 + emr_varint_len(tsize);

	return 1 + emr_varint_len(body) + body;
}

/* Recursion is over levels of our own counting: at most EMR_UNIXFS_HEIGHT_MAX deep, two calls each.
 */
emr_unixfs_sizes emr_unixfs_sizes_of(unsigned level, uint64_t leaves, uint32_t leaf, uint32_t last)
{
	emr_unixfs_sizes whole = {0, 0};
	emr_unixfs_sizes tail = {0, 0};
	uint64_t below, children;
	size_t links, data;

	if (level == 0)
		return (emr_unixfs_sizes){last, last};
	below = emr_unixfs_capacity(level - 1);
	children = (leaves + below - 1) / below;
	if (children > 1)
		whole = emr_unixfs_sizes_of(level - 1, below, leaf, leaf);
	tail = emr_unixfs_sizes_of(level - 1, leaves - (children - 1) * below, leaf, last);
	links = (size_t)(children - 1) * link_bytes(whole.tsize) + link_bytes(tail.tsize);
	data = (size_t)(children - 1) * (1 + emr_varint_len(whole.file_bytes)) + 1 +
	       emr_varint_len(tail.file_bytes);
	tail.file_bytes += (children - 1) * whole.file_bytes;
	tail.tsize += (children - 1) * whole.tsize;
	data += 3 + emr_varint_len(tail.file_bytes);
	tail.tsize += links + 1 + emr_varint_len(data) + data;
	return tail;
}

uint64_t emr_unixfs_tsize_of(const emr_unixfs_shape *shape)
{
	return emr_unixfs_sizes_of(
		shape->height, shape->leaves, shape->leaf_bytes, shape->last_leaf_bytes)
		.tsize;
}

static int compare_entries(const void *x, const void *y)
{
	const emr_unixfs_entry *const *a = x;
	const emr_unixfs_entry *const *b = y;

	return strcmp((*a)->name, (*b)->name);
}

static emr_status write_entries(
	const emr_unixfs_entry **sorted, size_t count, emr_buf *out_block, uint64_t *out_tsize)
{
	uint64_t tsize = 0;

	for (size_t i = 0; i < count; i++) {
		emr_bytes name = emr_bytes_of(sorted[i]->name, strlen(sorted[i]->name));

		if (name.len == 0 || name.len > 255)
			return EMR_BAD_NAME;
		if (i > 0 && strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			return EMR_EXISTS;
		EMR_TRY(emr_dag_pb_write_link(out_block, &sorted[i]->cid, name, sorted[i]->tsize));
		tsize += sorted[i]->tsize;
	}
	*out_tsize = tsize;
	return emr_dag_pb_write_data(
		out_block, emr_bytes_of(directory_data, sizeof directory_data));
}

emr_status emr_unixfs_dir_encode(
	const emr_unixfs_entry *entries, size_t count, emr_buf *out_block, emr_unixfs_link *out_dir)
{
	const emr_unixfs_entry *sorted[EMR_UNIXFS_LINKS_MAX];
	EMR_AUTO_BUF block = {0};
	emr_unixfs_link dir = {0};

	if (count > EMR_UNIXFS_LINKS_MAX)
		return EMR_LIMIT;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &entries[i];
	qsort(sorted, count, sizeof sorted[0], compare_entries);
	EMR_TRY(write_entries(sorted, count, &block, &dir.tsize));
	dir.tsize += block.len;
	dir.cid = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_buf_view(&block));
	EMR_TRY(emr_buf_append(out_block, block.data, block.len));
	*out_dir = dir;
	return EMR_OK;
}

emr_status emr_unixfs_bundle_encode(
	const emr_unixfs_bundle *bundle, emr_buf *out_block, emr_unixfs_link *out_dir)
{
	const emr_unixfs_entry entries[2] = {
		{.name = "c", .cid = bundle->content, .tsize = bundle->content_tsize},
		{.name = "m", .cid = bundle->manifest, .tsize = bundle->manifest_bytes},
	};

	if (emr_cid_codec(&bundle->manifest) != EMR_CODEC_RAW)
		return EMR_INVALID;
	if (bundle->manifest_bytes < MANIFEST_MIN || bundle->manifest_bytes > EMR_BLOCK_MAX)
		return EMR_INVALID;
	return emr_unixfs_dir_encode(entries, 2, out_block, out_dir);
}

static bool take_named(emr_dag_pb_cursor *cursor, char name, emr_cid *out_cid, uint64_t *out_tsize)
{
	emr_dag_pb_link link;
	emr_bytes data;
	bool more;

	if (emr_dag_pb_next(cursor, &more, &link, &data) != EMR_OK || !more)
		return false;
	if (link.name.len != 1 || link.name.data[0] != (uint8_t)name)
		return false;
	*out_cid = link.cid;
	*out_tsize = link.tsize;
	return true;
}

emr_status emr_unixfs_bundle_decode(emr_bytes block, emr_unixfs_bundle *out_bundle)
{
	emr_dag_pb_cursor cursor = emr_dag_pb_begin(block);
	emr_unixfs_bundle bundle;
	emr_dag_pb_link link;
	emr_bytes data;
	bool more;

	if (!take_named(&cursor, 'c', &bundle.content, &bundle.content_tsize) ||
		!take_named(&cursor, 'm', &bundle.manifest, &bundle.manifest_bytes))
		return EMR_DAMAGED;
	if (emr_dag_pb_next(&cursor, &more, &link, &data) != EMR_OK || more)
		return EMR_DAMAGED;
	if (!emr_bytes_equal(data, emr_bytes_of(directory_data, sizeof directory_data)))
		return EMR_DAMAGED;
	if (emr_cid_codec(&bundle.manifest) != EMR_CODEC_RAW ||
		bundle.manifest_bytes < MANIFEST_MIN || bundle.manifest_bytes > EMR_BLOCK_MAX)
		return EMR_DAMAGED;
	*out_bundle = bundle;
	return EMR_OK;
}
