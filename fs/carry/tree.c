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
