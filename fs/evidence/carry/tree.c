/* This file makes the directories that tie an exported file together, so that one root leads to all
 * of it. They are such as any IPFS tool makes and lists. */
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_BYTES 4 /* "3ff" */

emr_status carry_dir_encode(const emr_unixfs_link *links, size_t n, const emr_unixfs_link *page,
	emr_buf *out_block, emr_unixfs_link *out_dir)
{
	EMR_AUTO_FREE emr_unixfs_entry *entries = calloc(n + 1, sizeof *entries);
	EMR_AUTO_FREE char *names = calloc(n + 1, NAME_BYTES);

	if (entries == NULL || names == NULL)
		return EMR_NO_MEMORY;
	if (n > EMR_UNIXFS_LINKS_MAX)
		return EMR_LIMIT;
	for (size_t i = 0; i < n; i++) {
		snprintf(names + i * NAME_BYTES, NAME_BYTES, "%03x", (unsigned)(i & 0xfff));
		entries[i] = (emr_unixfs_entry){.name = names + i * NAME_BYTES,
			.cid = links[i].cid,
			.tsize = links[i].tsize};
	}
	if (page != NULL)
		entries[n++] = (emr_unixfs_entry){
			.name = "catalogue", .cid = page->cid, .tsize = page->tsize};
	return emr_unixfs_dir_encode(entries, n, out_block, out_dir);
}

static emr_status add_node(
	const emr_unixfs_link *links, size_t n, carry_emit emit, void *arg, emr_buf *out_level)
{
	EMR_AUTO_BUF block = {0};
	emr_unixfs_link dir;

	EMR_TRY(carry_dir_encode(links, n, NULL, &block, &dir));
	EMR_TRY(emit(arg, &dir.cid, emr_buf_view(&block)));
	return emr_buf_append(out_level, &dir, sizeof dir);
}

emr_status carry_tree_finish(emr_buf *parts, carry_emit emit, void *arg, emr_cid *out_root)
{
	emr_status status = parts->len > 0 ? EMR_OK : EMR_INVALID;

	while (status == EMR_OK && parts->len > sizeof(emr_unixfs_link)) {
		const emr_unixfs_link *links = (const void *)parts->data;
		size_t n = parts->len / sizeof *links;
		emr_buf above = {0};

		for (size_t i = 0; status == EMR_OK && i < n; i += EMR_UNIXFS_LINKS_MAX)
			status = add_node(links + i,
				n - i < EMR_UNIXFS_LINKS_MAX ? n - i : EMR_UNIXFS_LINKS_MAX, emit,
				arg, &above);
		emr_buf_free(parts);
		*parts = above;
	}
	if (status == EMR_OK)
		*out_root = ((const emr_unixfs_link *)(const void *)parts->data)->cid;
	return status;
}
