/* This file is the byte format of a record's description: name, kind, length, times and extended
 * attributes. It accepts one spelling only for the same attributes, and nothing that is cut or
 * too long. */
#include "record/format.h"

#include "base/codec.h"

#define META_FIXED 80
#define STORED_AT 4
#define N_AT 8
#define R_PID_AT 40

static bool type_is_known(unsigned type)
{
	return type == EMR_META_FILE || type == EMR_META_DIR || type == EMR_META_SYMLINK;
}

/* ---- user.* values ---- */

bool emr_xattr_next(emr_bytes *rest, emr_xattr *out)
{
	emr_reader r = emr_reader_of(*rest);
	uint8_t key_len = emr_read_u8(&r);
	uint16_t value_len = emr_read_u16(&r);
	emr_bytes key = emr_read_bytes(&r, key_len);
	emr_bytes value = emr_read_bytes(&r, value_len);

	if (r.bad || key_len == 0)
		return false;
	*rest = emr_bytes_of(r.at, r.left);
	*out = (emr_xattr){.key = key, .value = value};
	return true;
}

static int key_compare(emr_bytes a, emr_bytes b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common > 0 ? memcmp(a.data, b.data, common) : 0;

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

emr_status emr_xattr_find(emr_bytes xattrs, emr_bytes key, emr_bytes *out_value)
{
	emr_xattr entry;

	while (emr_xattr_next(&xattrs, &entry)) {
		if (key_compare(entry.key, key) == 0) {
			*out_value = entry.value;
			return EMR_OK;
		}
	}
	return EMR_NO_ATTRIBUTE;
}

static void write_xattr(emr_writer *w, emr_bytes key, emr_bytes value)
{
	emr_write_u8(w, (uint8_t)key.len);
	emr_write_u16(w, (uint16_t)value.len);
	emr_write_bytes(w, key.data, key.len);
	emr_write_bytes(w, value.data, value.len);
}

emr_status emr_xattr_change(emr_bytes xattrs, emr_bytes key, emr_bytes value, bool remove,
	emr_buf *out, uint16_t *out_count)
{
	emr_writer w = emr_writer_of(out);
	bool found = false, placed = remove;
	uint16_t count = 0;
	emr_xattr entry;

	if (key.len == 0 || key.len > 255 || value.len > UINT16_MAX)
		return EMR_LIMIT;
	emr_buf_clear(out);
	while (emr_xattr_next(&xattrs, &entry)) {
		int order = key_compare(entry.key, key);

		if (order >= 0 && !placed) {
			write_xattr(&w, key, value);
			placed = true;
			count++;
		}
		if (order == 0) {
			found = true;
			continue;
		}
		write_xattr(&w, entry.key, entry.value);
		count++;
	}
	if (remove && !found)
		return EMR_NO_ATTRIBUTE;
	if (!placed) {
		write_xattr(&w, key, value);
		count++;
	}
	if (w.status == EMR_OK)
		*out_count = count;
	return w.status;
}

/* Exactly COUNT entries that fill XATTRS, keys rising: one encoding for one set of values. */
static bool xattrs_are_sound(emr_bytes xattrs, unsigned count)
{
	emr_bytes last = {0};
	emr_xattr entry;

	for (unsigned i = 0; i < count; i++) {
		if (!emr_xattr_next(&xattrs, &entry) || key_compare(last, entry.key) >= 0)
			return false;
		last = entry.key;
	}
	return xattrs.len == 0;
}

/* ---- The whole ---- */

static emr_status check_fields(const emr_meta *meta)
{
	if (!type_is_known(meta->type) || meta->mode > 07777)
		return EMR_INVALID;
	if (meta->mime.len > 255 || meta->name.len > 255 ||
		meta->target.len > EMR_META_TARGET_MAX || meta->n > EMR_RECORD_MAX_BYTES)
		return EMR_LIMIT;
	if (meta->stored_leaves > 0 && meta->type != EMR_META_FILE)
		return EMR_INVALID;
	if ((meta->type == EMR_META_SYMLINK) != (meta->target.len > 0))
		return EMR_INVALID;
	return xattrs_are_sound(meta->xattrs, meta->xattr_count) ? EMR_OK : EMR_INVALID;
}

emr_status emr_meta_encode(const emr_meta *meta, emr_buf *out)
{
	size_t used =
		META_FIXED + meta->mime.len + meta->name.len + meta->target.len + meta->xattrs.len;
	size_t padded = (used + EMR_META_UNIT - 1) / EMR_META_UNIT * EMR_META_UNIT;
	emr_writer w = emr_writer_of(out);
	emr_status status = check_fields(meta);

	if (status != EMR_OK)
		return status;
	if (padded > EMR_META_BYTES_MAX)
		return EMR_ATTRIBUTE_SPACE;
	status = emr_buf_reserve(out, padded);
	if (status != EMR_OK)
		return status;
	emr_write_u8(&w, meta->stored_leaves > 0 ? 2 : 1);
	emr_write_u8(&w, (uint8_t)meta->type);
	emr_write_u16(&w, meta->mode);
	emr_write_u32(&w, meta->stored_leaves);
	emr_write_u64(&w, meta->n);
	emr_write_u64(&w, (uint64_t)meta->mtime_ns);
	emr_write_bytes(&w, meta->parent.b, sizeof meta->parent.b);
	emr_write_bytes(&w, meta->r_pid, sizeof meta->r_pid);
	emr_write_u8(&w, (uint8_t)meta->mime.len);
	emr_write_u8(&w, (uint8_t)meta->name.len);
	emr_write_u16(&w, (uint16_t)meta->target.len);
	emr_write_u16(&w, meta->xattr_count);
	emr_write_u16(&w, 0);
	emr_write_bytes(&w, meta->mime.data, meta->mime.len);
	emr_write_bytes(&w, meta->name.data, meta->name.len);
	emr_write_bytes(&w, meta->target.data, meta->target.len);
	emr_write_bytes(&w, meta->xattrs.data, meta->xattrs.len);
	emr_write_zeros(&w, padded - used);
	return w.status;
}

/* A name is one component of a path, whoever wrote it. No record is lost by what it is called. */
static emr_bytes one_component(emr_bytes name)
{
	const bool is_dots =
		name.len > 0 && name.len <= 2 && memcmp(name.data, "..", name.len) == 0;

	if (name.len == 0 || (!is_dots && memchr(name.data, '/', name.len) == NULL &&
				     memchr(name.data, 0, name.len) == NULL))
		return name;
	return emr_bytes_of("unnamed", 7);
}

static emr_bytes read_xattrs(emr_reader *r, unsigned count)
{
	emr_bytes all = emr_bytes_of(r->at, r->left);
	emr_bytes rest = all;
	emr_xattr entry;

	for (unsigned i = 0; i < count && !r->bad; i++) {
		if (!emr_xattr_next(&rest, &entry))
			r->bad = true;
	}
	return emr_read_bytes(r, all.len - rest.len);
}

emr_status emr_meta_decode(emr_bytes plain, emr_meta *out)
{
	emr_meta meta = {0};
	emr_reader r = emr_reader_of(plain);
	uint8_t version, type, mime_len, name_len;
	uint16_t target_len;

	if (plain.len < EMR_META_UNIT || plain.len % EMR_META_UNIT != 0 ||
		plain.len > EMR_META_BYTES_MAX)
		return EMR_DAMAGED;
	version = emr_read_u8(&r);
	if (version != 1 && version != 2)
		return version > 2 ? emr_newer_format(version, 2) : EMR_DAMAGED;
	type = emr_read_u8(&r);
	meta.mode = emr_read_u16(&r);
	meta.stored_leaves = emr_read_u32(&r);
	meta.n = emr_read_u64(&r);
	meta.mtime_ns = (int64_t)emr_read_u64(&r);
	emr_read_copy(&r, meta.parent.b, sizeof meta.parent.b);
	emr_read_copy(&r, meta.r_pid, sizeof meta.r_pid);
	mime_len = emr_read_u8(&r);
	name_len = emr_read_u8(&r);
	target_len = emr_read_u16(&r);
	meta.xattr_count = emr_read_u16(&r);
	emr_read_zeros(&r, 2);
	meta.mime = emr_read_bytes(&r, mime_len);
	meta.name = one_component(emr_read_bytes(&r, name_len));
	meta.target = emr_read_bytes(&r, target_len);
	meta.xattrs = read_xattrs(&r, meta.xattr_count);
	emr_read_zeros(&r, r.left);
	if (!emr_reader_done(&r) || !type_is_known(type) ||
		version != (meta.stored_leaves > 0 ? 2 : 1))
		return EMR_DAMAGED;
	meta.type = (emr_meta_type)type;
	if (check_fields(&meta) != EMR_OK)
		return EMR_DAMAGED;
	*out = meta;
	return EMR_OK;
}

emr_status emr_meta_keep_to_content(emr_buf *plain, emr_bytes content)
{
	emr_meta said, of_content;
	emr_status status = emr_meta_decode(content, &of_content);

	if (status != EMR_OK)
		return status;
	if (emr_meta_decode(emr_buf_view(plain), &said) != EMR_OK || said.type != of_content.type) {
		emr_buf_clear(plain);
		return emr_buf_append(plain, content.data, content.len);
	}
	plain->data[0] = content.data[0];
	memcpy(plain->data + STORED_AT, content.data + STORED_AT, 4);
	memcpy(plain->data + N_AT, content.data + N_AT, 8);
	memcpy(plain->data + R_PID_AT, of_content.r_pid, 32);
	return EMR_OK;
}
