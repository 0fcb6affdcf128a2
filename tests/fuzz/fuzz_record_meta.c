/* This fuzz target reads metadata, attribute lists and the private parts around them. */
#include <stdlib.h>
#include <string.h>

#include "record/format.h"

static void try_meta(emr_bytes bytes)
{
	EMR_AUTO_BUF again = {0};
	emr_meta meta;
	emr_xattr entry;
	emr_bytes rest, value;

	if (emr_meta_decode(bytes, &meta) != EMR_OK)
		return;
	rest = meta.xattrs;
	for (unsigned i = 0; i < meta.xattr_count; i++) {
		if (!emr_xattr_next(&rest, &entry) ||
			emr_xattr_find(meta.xattrs, entry.key, &value) != EMR_OK)
			abort();
	}
	if (meta.name.len > 0 && (memchr(meta.name.data, '/', meta.name.len) != NULL ||
					 memchr(meta.name.data, 0, meta.name.len) != NULL))
		abort();
	if (rest.len != 0 || emr_meta_encode(&meta, &again) != EMR_OK || again.len > bytes.len)
		abort();
	/* A writer may pad further; what it wrote before the padding is what we would write, but
	 * for a name that was none. */
	if (meta.name.len > 0 && meta.name.data != bytes.data + 80 + meta.mime.len)
		return;
	if (memcmp(again.data, bytes.data, again.len) != 0)
		abort();
}

static void try_parts(emr_bytes bytes)
{
	EMR_AUTO_BUF again = {0};
	emr_put_part put;
	emr_meta_part meta;
	emr_listkey_part listkey;

	if (emr_put_part_decode(bytes, &put) == EMR_OK &&
		(emr_put_part_encode(&put, &again) != EMR_OK ||
			!emr_bytes_equal(emr_buf_view(&again), bytes)))
		abort();
	emr_buf_clear(&again);
	if (emr_meta_part_decode(bytes, &meta) == EMR_OK &&
		(emr_meta_part_encode(&meta, &again) != EMR_OK ||
			!emr_bytes_equal(emr_buf_view(&again), bytes)))
		abort();
	(void)!emr_listkey_part_decode(bytes, &listkey);
}

static void try_xattrs(emr_bytes bytes)
{
	EMR_AUTO_BUF changed = {0};
	uint16_t count;

	(void)!emr_xattr_change(
		bytes, emr_bytes_of("user.k", 6), emr_bytes_of("v", 1), false, &changed, &count);
}

/* Whatever is said beside what: it is as long as the content, about the same patient, and the same
 * kind of thing. */
static void try_beside(emr_bytes said, emr_bytes content)
{
	EMR_AUTO_BUF plain = {0};
	emr_meta kept, of_content;

	if (emr_buf_append(&plain, said.data, said.len) != EMR_OK)
		return;
	if (emr_meta_keep_to_content(&plain, content) != EMR_OK)
		return;
	if (emr_meta_decode(content, &of_content) != EMR_OK ||
		emr_meta_decode(emr_buf_view(&plain), &kept) != EMR_OK ||
		kept.type != of_content.type || kept.n != of_content.n ||
		kept.stored_leaves != of_content.stored_leaves ||
		memcmp(kept.r_pid, of_content.r_pid, 32) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_beside(emr_bytes_of(data, size / 2), emr_bytes_of(data + size / 2, size - size / 2));
	try_meta(emr_bytes_of(data, size));
	try_parts(emr_bytes_of(data, size));
	try_xattrs(emr_bytes_of(data, size));
	return 0;
}
