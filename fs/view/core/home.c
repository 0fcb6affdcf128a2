/* This file brings all leaves of a content into this computer's own store before they are read
 * as a whole, because the cache of what nodes gave may forget the first before the last has
 * come. */
#include "fetch/fetch.h"

#include "file.h"

#define AT_ONCE 16 /* those behind the one that lacks are on their way meanwhile */

emr_status file_take_home(emr_view *view, emr_content_reader *reader, uint64_t end, uint64_t *leaf)
{
	emr_fetcher *fetcher = view->options.fetcher;
	emr_cid cids[AT_ONCE];
	size_t n = 1;

	while (*leaf < end && n > 0) {
		uint64_t next = *leaf;
		emr_status status = emr_content_reader_leaves(reader, &next, AT_ONCE, cids, &n);

		for (size_t i = 0; i < n; i++) {
			emr_status home = emr_fetcher_take_home(fetcher, &cids[i]);

			for (size_t j = i + 1; home == EMR_NOT_FOUND && j < n; j++)
				emr_fetcher_bring_ahead(fetcher, &cids[j]);
			if (home != EMR_OK)
				return home == EMR_NOT_FOUND ? EMR_MISSING_DATA : home;
		}
		if (status != EMR_OK)
			return status;
		*leaf = next;
	}
	return EMR_OK;
}
