/* This file builds the UnixFS tree of a content while its pieces arrive one after the other,
 * without having all of them in memory. */
#include "unixfs_private.h"

#include <stdlib.h>

#include "store/dag_pb.h"
#include "store/varint.h"

#define LEVELS_MAX 4 /* 1,024^4 leaves: no content comes near */

/* A node that still takes children.  Links and block sizes grow side by side; data follows the
 * links on the wire. */
typedef struct open_node {
	emr_buf links;
	emr_buf block_sizes;
	size_t count;
	uint64_t file_bytes;
	uint64_t tsize;
	emr_unixfs_link first; /* an only child at the top is the root itself */
} open_node;

struct emr_unixfs_builder {
	emr_unixfs_emit emit;
	void *context;
	open_node levels[LEVELS_MAX];
	emr_status failed;
};

emr_status emr_unixfs_write_file_data(emr_buf *out, uint64_t file_bytes)
{
	uint8_t data[3 + EMR_VARINT_MAX] = {0x08, 0x02, 0x18};

	return emr_buf_append(out, data, 3 + emr_varint_put(data + 3, file_bytes));
}

emr_status emr_unixfs_write_block_size(emr_buf *out, uint64_t file_bytes)
{
	uint8_t data[1 + EMR_VARINT_MAX] = {0x20};

	return emr_buf_append(out, data, 1 + emr_varint_put(data + 1, file_bytes));
}

static emr_status add_child(open_node *node, const emr_unixfs_link *child)
{
	EMR_TRY(emr_dag_pb_write_link(
		&node->links, &child->cid, emr_bytes_of("", 0), child->tsize));

	EMR_TRY(emr_unixfs_write_block_size(&node->block_sizes, child->file_bytes));
	if (node->count++ == 0)
		node->first = *child;
	node->file_bytes += child->file_bytes;
	node->tsize += child->tsize;
	return EMR_OK;
}

/* Serializes NODE, hands it out and empties it for its next brother. */
static emr_status close_node(
	emr_unixfs_builder *builder, open_node *node, emr_unixfs_link *out_link)
{
	EMR_AUTO_BUF data = {0};
	emr_unixfs_link link = {.file_bytes = node->file_bytes};

	EMR_TRY(emr_unixfs_write_file_data(&data, node->file_bytes));
	EMR_TRY(emr_buf_append(&data, node->block_sizes.data, node->block_sizes.len));
	EMR_TRY(emr_dag_pb_write_data(&node->links, emr_buf_view(&data)));
	link.tsize = node->tsize + node->links.len;
	link.cid = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_buf_view(&node->links));
	EMR_TRY(builder->emit(builder->context, &link.cid, emr_buf_view(&node->links)));
	emr_buf_clear(&node->links);
	emr_buf_clear(&node->block_sizes);
	node->count = 0;
	node->file_bytes = node->tsize = 0;
	*out_link = link;
	return EMR_OK;
}

static emr_status push(emr_unixfs_builder *builder, unsigned level, emr_unixfs_link child)
{
	for (; level < LEVELS_MAX; level++) {
		open_node *node = &builder->levels[level];

		EMR_TRY(add_child(node, &child));
		if (node->count < EMR_UNIXFS_LINKS_MAX)
			return EMR_OK;
		EMR_TRY(close_node(builder, node, &child));
	}
	return EMR_LIMIT;
}

emr_status emr_unixfs_builder_new(
	emr_unixfs_emit emit, void *context, emr_unixfs_builder **out_builder)
{
	emr_unixfs_builder *builder = calloc(1, sizeof *builder);

	if (builder == NULL)
		return EMR_NO_MEMORY;
	builder->emit = emit;
	builder->context = context;
	*out_builder = builder;
	return EMR_OK;
}

emr_status emr_unixfs_builder_add(emr_unixfs_builder *builder, const emr_unixfs_link *leaf)
{
	if (builder->failed == EMR_OK)
		builder->failed = push(builder, 0, *leaf);
	return builder->failed;
}

/* Recursion is over levels: at most LEVELS_MAX deep. */
static emr_status push_run(
	emr_unixfs_builder *builder, unsigned level, emr_unixfs_link child, uint64_t count)
{
	emr_unixfs_link full;
	emr_status status = EMR_OK;
	uint64_t nodes;

	if (level == LEVELS_MAX)
		return EMR_LIMIT;
	for (; status == EMR_OK && count > 0 && builder->levels[level].count > 0; count--)
		status = push(builder, level, child);
	nodes = count / EMR_UNIXFS_LINKS_MAX;
	if (nodes > 0) {
		for (size_t i = 0; status == EMR_OK && i < EMR_UNIXFS_LINKS_MAX; i++)
			status = add_child(&builder->levels[level], &child);
		if (status == EMR_OK)
			status = close_node(builder, &builder->levels[level], &full);
		if (status == EMR_OK)
			status = push_run(builder, level + 1, full, nodes);
	}
	for (count %= EMR_UNIXFS_LINKS_MAX; status == EMR_OK && count > 0; count--)
		status = push(builder, level, child);
	return status;
}

emr_status emr_unixfs_builder_add_run(
	emr_unixfs_builder *builder, const emr_unixfs_link *leaf, uint64_t count)
{
	if (builder->failed == EMR_OK)
		builder->failed = push_run(builder, 0, *leaf, count);
	return builder->failed;
}

static bool any_above(const emr_unixfs_builder *builder, unsigned level)
{
	for (unsigned above = level + 1; above < LEVELS_MAX; above++)
		if (builder->levels[above].count > 0)
			return true;
	return false;
}

emr_status emr_unixfs_builder_finish(emr_unixfs_builder *builder, emr_unixfs_link *out_root)
{
	EMR_TRY(builder->failed);
	for (unsigned level = 0; level < LEVELS_MAX; level++) {
		open_node *node = &builder->levels[level];
		emr_unixfs_link link;

		if (node->count == 0)
			continue;
		if (node->count == 1 && !any_above(builder, level)) {
			*out_root = node->first;
			return EMR_OK;
		}
		EMR_TRY(close_node(builder, node, &link));
		EMR_TRY(push(builder, level + 1, link));
	}
	return EMR_INVALID;
}

void emr_unixfs_builder_free(emr_unixfs_builder *builder)
{
	if (builder == NULL)
		return;
	for (unsigned level = 0; level < LEVELS_MAX; level++) {
		emr_buf_free(&builder->levels[level].links);
		emr_buf_free(&builder->levels[level].block_sizes);
	}
	free(builder);
}
