/* This file gives back space of the store: it says which blocks are needed though no row and no pin
 * names them, and removes what is dead. */
#include "reclaim.h"

#include "base/log.h"
#include "fetch/fetch.h"

#include "health.h"
#include "space.h"

#define SCRUB_BATCH_BYTES (UINT64_C(32) << 20)

typedef struct rooting {
	emr_view *view;
	const emr_reclaim_options *options;
	emr_cid_visit visit;
	void *context; /* of visit */
} rooting;

static emr_status sent_root(void *arg, emr_id16 object, const emr_cid *root)
{
	const rooting *r = arg;
	const emr_reclaim_options *options = r->options;

	if (options->is_forsaken != NULL && options->is_forsaken(options->forsaken_context, object))
		return EMR_OK;
	/* A rename in another's folder names what may not lie here. */
	return emr_block_store_has(emr_store_blocks(r->view->options.store), root)
		       ? r->visit(r->context, root)
		       : EMR_OK;
}

/* What no row and no pin may name: working copies and what is being sealed, bundles of batches that
 * have no answer, then files that are open without a name.  In this order: a working copy that is
 * frozen meanwhile has become such a file's content, and a bundle that was just made stands in a
 * batch; what has its answer is pinned, which the reclaim hears of. */
static emr_status working_roots(void *context, emr_cid_visit visit, void *visit_context)
{
	rooting *r = context;
	emr_view *view = r->view;
	EMR_AUTO_BUF roots = {0};
	emr_status status = emr_record_each_block(view->options.records, visit, visit_context);

	r->visit = visit;
	r->context = visit_context;
	if (status == EMR_OK)
		status = emr_settle_each_sent_root(view->options.settle, sent_root, r);
	pthread_mutex_lock(&view->lock);
	for (size_t i = 0; i < view->by_number.cap && status == EMR_OK; i++) {
		const node *n = table_at(&view->by_number, i);

		/* Unlinked but open: its row and pin are gone, its readers are not. */
		if (n != NULL && n->file != NULL && n->file->has_content)
			status = emr_buf_append(&roots, &n->file->content->c, sizeof(emr_cid));
	}
	pthread_mutex_unlock(&view->lock);
	for (size_t at = 0; at < roots.len && status == EMR_OK; at += sizeof(emr_cid))
		status = visit(visit_context, (const emr_cid *)(const void *)(roots.data + at));
	return status;
}

emr_status view_reclaim_with(
	emr_view *view, emr_reclaim_options *options, emr_reclaim_report *out_report)
{
	rooting r = {.view = view, .options = options};

	options->extra_roots = working_roots;
	options->roots_context = &r;
	return emr_journal_reclaim(view->options.journal, options, out_report);
}

emr_status emr_view_reclaim(
	emr_view *view, uint8_t max_live_percent, emr_reclaim_report *out_report)
{
	emr_reclaim_options options = {.max_live_percent = max_live_percent};

	return view_reclaim_with(view, &options, out_report);
}

/* ---- trees of which only nodes have a part ---- */

static emr_status note_pin(void *arg, const emr_pin *pin)
{
	return emr_buf_append(arg, pin, sizeof *pin);
}

/* What stands between a root and its leaves is brought home, where a node has it: leaves that are
 * here and below what is not would be taken for dead.  EMR_INTERRUPTED: the folder is being closed,
 * and nobody knows what nodes have. */
static emr_status bring_nodes(emr_view *view, const emr_reclaim_options *options)
{
	emr_fetcher *fetcher = view->options.fetcher;
	EMR_AUTO_BUF pins = {0};
	uint64_t lacking = 0;
	emr_status status;

	if (fetcher == NULL)
		return EMR_OK;
	status = emr_store_each_pin(view->options.store, note_pin, &pins);
	emr_fetcher_wait_begin(fetcher, true);
	for (size_t i = 0; status == EMR_OK && i < pins.len / sizeof(emr_pin); i++) {
		const emr_pin *pin = (const emr_pin *)(const void *)pins.data + i;
		emr_cid missing;

		if (options->is_forsaken == NULL ||
			!options->is_forsaken(options->forsaken_context, pin->owner))
			lacking += emr_store_walk(emr_fetcher_blocks(fetcher), &pin->root, NULL,
					   NULL, &missing) != EMR_OK;
	}
	(void)emr_fetcher_wait_end(fetcher);
	if (status != EMR_OK)
		return status;
	if (lacking > 0 && emr_fetcher_is_stopped(fetcher))
		return EMR_INTERRUPTED;
	if (lacking > 0)
		emr_log(EMR_LOG_WARN,
			"%llu trees have a part that no node gives: what lies here below it goes, "
			"too",
			(unsigned long long)lacking);
	return EMR_OK;
}

emr_status view_scrub(emr_view *view, bool (*is_forsaken)(void *arg, emr_id16 owner), void *arg,
	emr_reclaim_report *out_report)
{
	emr_reserve *reserve = emr_store_reserve(view->options.store);
	emr_status status;
	emr_reclaim_options options = {.scrub = true,
		.batch_bytes = SCRUB_BATCH_BYTES,
		.is_forsaken = is_forsaken,
		.forsaken_context = arg};

	emr_reserve_check(reserve);
	emr_reserve_lend(reserve);
	options.max_copy_bytes = space_for_copies(view);
	status = view_reclaim_with(view, &options, out_report);
	if (status == EMR_MISSING_DATA) {
		status = bring_nodes(view, &options);
		options.allow_missing = true;
		if (status == EMR_OK)
			status = view_reclaim_with(view, &options, out_report);
	}
	emr_reserve_take_back(reserve);
	return status;
}

emr_status emr_view_purge(emr_view *view, uint64_t *out_bytes)
{
	emr_reclaim_report report = {0};
	uint64_t before = emr_store_disk_bytes(view->options.store), after;
	emr_status status;

	if (view_is_read_only(view))
		return EMR_READ_ONLY;
	status = view_scrub(view, NULL, NULL, &report);
	if (status != EMR_OK)
		return status;
	after = emr_store_disk_bytes(view->options.store);
	*out_bytes = report.bytes_blanked + (before > after ? before - after : 0);
	emr_log(EMR_LOG_INFO, "purged %llu bytes, %llu blocks were moved",
		(unsigned long long)*out_bytes, (unsigned long long)report.blocks_moved);
	return EMR_OK;
}

void want_reclaim(emr_view *view)
{
	view->wants_reclaim = true;
	pthread_cond_broadcast(&view->wake);
}
