/* This file brings home what leads to a content, which reading it does not need: the record's root
 * and what describes it.  Without them nobody finds below the root what only a cache has. */
#include <stdlib.h>

#include "fetch/fetch.h"
#include "store/unixfs.h"

#define STEPS 2 /* the root, and what it names */

typedef struct way {
	emr_fetcher *fetcher;
	emr_cid root;
	unsigned steps; /* that are left */
} way;

/* *OUT_MANIFEST of the root, which is here. */
static emr_status read_root(const way *w, emr_cid *out_manifest)
{
	EMR_AUTO_BUF block = {0};
	emr_unixfs_bundle bundle;
	emr_status status =
		emr_block_store_get_verified(emr_fetcher_blocks(w->fetcher), &w->root, &block);

	if (status == EMR_OK)
		status = emr_unixfs_bundle_decode(emr_buf_view(&block), &bundle);
	if (status == EMR_OK)
		*out_manifest = bundle.manifest;
	return status;
}

static void go_on(void *arg, emr_status status)
{
	way *w = arg;
	emr_cid next = w->root, manifest;

	if (status == EMR_OK)
		status = emr_fetcher_take_home(w->fetcher, &next);
	if (status == EMR_OK)
		status = read_root(w, &manifest);
	if (status == EMR_OK) {
		next = manifest;
		status = emr_fetcher_take_home(w->fetcher, &next);
	}
	if (status != EMR_NOT_FOUND || w->steps-- == 0 ||
		emr_fetcher_bring_beside(w->fetcher, &next, go_on, w) != EMR_OK)
		free(w);
}

void emr_fetcher_bring_way(emr_fetcher *fetcher, const emr_cid *root)
{
	way *w = malloc(sizeof *w);

	if (w == NULL)
		return;
	*w = (way){.fetcher = fetcher, .root = *root, .steps = STEPS};
	go_on(w, EMR_OK);
}
