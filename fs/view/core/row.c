/* This file turns what the journal keeps of a changed node, or of a name that went away, into
 * bytes and back (rows N and U of FORMAT.md). It refuses a row with a wrong length, an unknown
 * flag or an impossible value instead of guessing. */
#include "row.h"

#include <string.h>

#include "settle/place.h"

#include "tree.h"

#define ROW_VERSION 2
#define ROW_VERSION_OWN 1 /* of what lies in one's own folder */
#define ROW_FLAGS_ALL 2047

emr_status row_encode(const node_row *row, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	uint8_t content[EMR_CONTENT_ENCODED_BYTES];

	emr_write_u8(&w, row->flags & ROW_IS_FOREIGN ? ROW_VERSION : ROW_VERSION_OWN);
	emr_write_u8(&w, row->type);
	emr_write_u16(&w, row->flags);
	emr_write_u64(&w, row->change);
	emr_write_bytes(&w, row->parent.b, sizeof row->parent.b);
	emr_write_bytes(&w, row->next_id.b, sizeof row->next_id.b);
	emr_write_u16(&w, row->mode);
	emr_write_u64(&w, row->ino);
	emr_write_u64(&w, row->size);
	emr_write_u64(&w, (uint64_t)row->mtime_ns);
	emr_write_u64(&w, (uint64_t)row->ctime_ns);
	emr_write_u16(&w, (uint16_t)row->name.len);
	emr_write_u16(&w, (uint16_t)row->target.len);
	emr_write_u32(&w, (uint32_t)row->attributes.len);
	emr_write_bytes(&w, row->name.data, row->name.len);
	emr_write_bytes(&w, row->target.data, row->target.len);
	emr_write_bytes(&w, row->attributes.data, row->attributes.len);
	if (row->flags & ROW_HAS_PLACE)
		emr_place_write(&w, &row->place);
	if (row->flags & ROW_HAS_CONTENT) {
		emr_content_encode(&row->content, content);
		emr_write_bytes(&w, content, sizeof content);
	}
	if (row->flags & ROW_HAS_STAGING)
		emr_write_bytes(&w, row->staging.b, sizeof row->staging.b);
	if (row->flags & ROW_IS_PROMISED)
		emr_write_u64(&w, row->promised);
	if (row->flags & ROW_IS_RESTORED)
		emr_place_write(&w, &row->restored);
	if (row->flags & ROW_IS_FOREIGN)
		emr_write_bytes(&w, row->domain.b, sizeof row->domain.b);
	return w.status;
}

static bool is_sane(const node_row *row)
{
	return row->type >= EMR_META_FILE && row->type <= EMR_META_SYMLINK &&
	       (row->flags & ~ROW_FLAGS_ALL) == 0 && row->mode <= 07777 &&
	       row->name.len <= EMR_NAME_MAX && row->target.len <= EMR_META_TARGET_MAX &&
	       memchr(row->name.data, 0, row->name.len) == NULL;
}

emr_status row_decode(emr_bytes bytes, node_row *out_row)
{
	emr_reader r = emr_reader_of(bytes);
	node_row row = {0};
	size_t name_len, target_len, attributes_len;
	uint8_t version;
	emr_status status = EMR_OK;

	version = emr_read_u8(&r);
	if (version > ROW_VERSION)
		return emr_newer_format(version, ROW_VERSION);
	row.type = emr_read_u8(&r);
	row.flags = emr_read_u16(&r);
	row.change = emr_read_u64(&r);
	emr_read_copy(&r, row.parent.b, sizeof row.parent.b);
	emr_read_copy(&r, row.next_id.b, sizeof row.next_id.b);
	row.mode = emr_read_u16(&r);
	row.ino = emr_read_u64(&r);
	row.size = emr_read_u64(&r);
	row.mtime_ns = (int64_t)emr_read_u64(&r);
	row.ctime_ns = (int64_t)emr_read_u64(&r);
	name_len = emr_read_u16(&r);
	target_len = emr_read_u16(&r);
	attributes_len = emr_read_u32(&r);
	row.name = emr_read_bytes(&r, name_len);
	row.target = emr_read_bytes(&r, target_len);
	row.attributes = emr_read_bytes(&r, attributes_len);
	if (row.flags & ROW_HAS_PLACE)
		emr_place_read(&r, &row.place);
	if (row.flags & ROW_HAS_CONTENT)
		status = emr_content_decode(
			emr_read_bytes(&r, EMR_CONTENT_ENCODED_BYTES), &row.content);
	if (row.flags & ROW_HAS_STAGING)
		emr_read_copy(&r, row.staging.b, sizeof row.staging.b);
	if (row.flags & ROW_IS_PROMISED)
		row.promised = emr_read_u64(&r);
	if (row.flags & ROW_IS_RESTORED)
		emr_place_read(&r, &row.restored);
	if (row.flags & ROW_IS_FOREIGN)
		emr_read_copy(&r, row.domain.b, sizeof row.domain.b);
	if (!emr_reader_done(&r) || !is_sane(&row))
		return EMR_DAMAGED;
	if (status == EMR_OK)
		*out_row = row;
	return status;
}

emr_id16 row_directory(const node *directory)
{
	return kind_of(directory)->object != NULL ? kind_of(directory)->object(directory)
						  : directory->id;
}

node_row row_of_node(const node *n)
{
	const node *top = kind_top(n);
	node_row row = {
		.type = n->type,
		.change = node_change_count(n),
		.next_id = node_next_id(n),
		.mode = n->mode,
		.ino = n->ino,
		.size = n->size,
		.mtime_ns = n->mtime_ns,
		.ctime_ns = n->ctime_ns,
		.attributes = node_attributes(n),
	};

	if (n->name != NULL)
		row.name = emr_bytes_of(n->name, strlen(n->name));
	if (node_target(n) != NULL)
		row.target = emr_bytes_of(n->target, strlen(n->target));
	if (n->parent != NULL)
		row.parent = emr_id16_is_zero(node_lost_parent(n)) ? row_directory(n->parent)
								   : node_lost_parent(n);
	row.flags = (uint16_t)((n->is_domain ? ROW_IS_DOMAIN : 0) |
			       (n->is_published ? ROW_HAS_PLACE : 0) |
			       (n->meta_dirty ? ROW_META_DIRTY : 0) |
			       (n->content_dirty ? ROW_CONTENT_DIRTY : 0) |
			       (n->is_inbox ? ROW_IS_INBOX : 0));
	if (top != NULL) {
		row.flags |= ROW_IS_FOREIGN;
		row.domain = tree_domain(top);
	}
	row.place = node_place(n);
	if (node_file(n) != NULL && node_file(n)->has_content) {
		row.flags |= ROW_HAS_CONTENT;
		row.content = *node_file(n)->content;
	}
	if (node_file(n) != NULL && node_file(n)->is_former)
		row.flags |= ROW_IS_FORMER;
	if (node_file(n) != NULL && node_file(n)->has_content && node_file(n)->restored != NULL) {
		row.flags |= ROW_IS_RESTORED;
		row.restored = *node_file(n)->restored;
	}
	if (node_file(n) != NULL && node_file(n)->staging_in_row) {
		row.flags |= ROW_HAS_STAGING;
		row.staging = node_file(n)->staging_id;
		row.promised = node_file(n)->promised;
		row.flags |= row.promised > 0 ? ROW_IS_PROMISED : 0;
	}
	return row;
}

emr_status vacated_encode(const vacated_row *row, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	emr_write_u8(&w, ROW_VERSION_OWN);
	emr_write_u8(&w, row->type);
	emr_write_u8(&w, row->may_be_adopted);
	emr_place_write(&w, &row->place);
	emr_write_bytes(&w, row->directory.b, sizeof row->directory.b);
	emr_write_u16(&w, (uint16_t)row->name.len);
	emr_write_bytes(&w, row->name.data, row->name.len);
	return w.status;
}

emr_status vacated_decode(emr_bytes bytes, vacated_row *out_row)
{
	emr_reader r = emr_reader_of(bytes);
	vacated_row row = {0};
	uint8_t version;

	version = emr_read_u8(&r);
	if (version > ROW_VERSION)
		return emr_newer_format(version, ROW_VERSION);
	row.type = emr_read_u8(&r);
	row.may_be_adopted = emr_read_u8(&r) != 0;
	emr_place_read(&r, &row.place);
	emr_read_copy(&r, row.directory.b, sizeof row.directory.b);
	row.name = emr_read_bytes(&r, emr_read_u16(&r));
	if (!emr_reader_done(&r) || row.name.len > EMR_NAME_MAX)
		return EMR_DAMAGED;
	*out_row = row;
	return EMR_OK;
}
