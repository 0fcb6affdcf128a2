/* This file brings all leaves of a content into this computer's own store before they are read
 * as a whole, because the cache of what nodes gave may forget the first before the last has
 * come. */
#include "fetch/fetch.h"

#include "file.h"

emr_status file_take_home(emr_view *view, emr_content_reader *reader, uint64_t end, uint64_t *leaf)
{
	emr_fetcher *fetcher = view->options.fetcher;
	emr_unixfs_run run = {.count = 1};

	while (*leaf < end && run.count > 0) {
		uint64_t next = *leaf;
		emr_status status = emr_content_reader_run(reader, &next, EMR_UNIXFS_RUN_MAX, &run);

		for (size_t i = 0; i < run.count; i++) {
			emr_status home = emr_fetcher_take_home(fetcher, &run.leaves[i]);

			if (home == EMR_NOT_FOUND) /* those behind it are on their way meanwhile */
				(void)emr_fetcher_bring_ahead(fetcher, &run, i + 1);
			if (home != EMR_OK)
				return home == EMR_NOT_FOUND ? EMR_MISSING_DATA : home;
		}
		if (status != EMR_OK)
			return status;
		*leaf = next;
	}
	return EMR_OK;
}
