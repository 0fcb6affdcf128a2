/* This file gives back space of the store: it says which blocks are needed though no row and no pin
 * names them, and removes what is dead. */
#include "reclaim.h"

#include <sys/statvfs.h>

#include "base/log.h"
#include "fetch/fetch.h"

#include "health.h"
#include "node.h"

#define SPARE_BYTES (UINT64_C(1) << 20) /* of free space that a copy leaves */

#define SCRUB_BATCH_BYTES (UINT64_C(32) << 20)
#define PINS_WAIT_NS INT64_C(10000000000)  /* for the first look at them */
#define NODES_ALL_NS INT64_C(600000000000) /* for all that nodes are asked for */

/* Roots that no row and no pin may name: working copies and blocks that are being sealed, then
 * files that are open without a name. In this order: a working copy that is frozen meanwhile has
 * become such a file's content, and a bundle that was just made is pinned with its batch, which the
 * reclaim hears of. */
static emr_status working_roots(void *context, emr_cid_visit visit, void *visit_context)
{
	emr_view *view = context;
	EMR_AUTO_BUF roots = {0};
	emr_status status = emr_record_each_block(view->options.records, visit, visit_context);

	pthread_mutex_lock(&view->lock);
	/* Unlinked but open: its row and pin are gone, its readers are not. */
	for (const node *n = NULL; status == EMR_OK && (n = tree_next_any(view, n)) != NULL;)
		if (node_file(n) != NULL && node_file(n)->has_content)
			status = emr_buf_append(&roots, &node_file(n)->content->c, sizeof(emr_cid));
	pthread_mutex_unlock(&view->lock);
	EMR_TRY(status);
	EMR_EACH (const emr_cid, root, &roots)
		EMR_TRY(visit(visit_context, root));
	return EMR_OK;
}

/* A pin that is lost would cost the blocks below it; with nodes it is said soon whether one is. */
static emr_status await_pins(emr_view *view)
{
	const int64_t until = view_boot_ns(view) + PINS_WAIT_NS;
	int64_t left;
	EMR_LOCKED(&view->lock);

	while (view->space.doubts_pins && !view->stop && (left = until - view_boot_ns(view)) > 0)
		view_wait_ns(view, &view->settled, left);
	return view->space.doubts_pins ? EMR_BUSY : EMR_OK;
}

emr_status view_reclaim_with(
	emr_view *view, emr_reclaim_options *options, emr_reclaim_report *out_report)
{
	EMR_TRY(await_pins(view));
	options->extra_roots = working_roots;
	options->roots_context = view;
	return emr_journal_reclaim(view->options.journal, options, out_report);
}

uint64_t space_for_copies(const void *arg)
{
	const emr_view *view = arg;
	struct statvfs disk;
	uint64_t free_bytes;

	if (fstatvfs(view->options.state_dirfd, &disk) != 0)
		return 1; /* 0 would mean no limit */
	free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	return free_bytes > SPARE_BYTES + 1 ? free_bytes - SPARE_BYTES : 1;
}

emr_block_store *nodes_here(const emr_view *view)
{
	return view->options.fetcher != NULL ? emr_fetcher_blocks(view->options.fetcher) : NULL;
}

/* ---- trees of which only nodes have a part ---- */

/* A tree, and the first block that was missing of it when it was walked last. */
typedef struct lacking_tree {
	emr_cid root, missing;
} lacking_tree;

typedef struct pinned_trees {
	const emr_reclaim_options *options;
	emr_buf trees; /* of lacking_tree */
} pinned_trees;

static emr_status note_pin(void *arg, const emr_pin *pin)
{
	pinned_trees *p = arg;
	const emr_reclaim_options *options = p->options;
	const lacking_tree tree = {.root = pin->root};

	if (options->is_forsaken != NULL &&
		options->is_forsaken(options->forsaken_context, pin->owner))
		return EMR_OK;
	return emr_buf_append(&p->trees, &tree, sizeof tree);
}

/* A node that is here in the cache only goes home: a cache may forget it before somebody needs it
 * with no node to ask. */
static emr_status take_node_home(void *fetcher, const emr_cid *cid)
{
	if (emr_cid_codec(cid) == EMR_CODEC_DAG_PB)
		(void)emr_fetcher_take_home(
			fetcher, cid); /* without room it stays, and is logged */
	return EMR_OK;
}

/* Leaves in TREES those whose next missing block may come, which stand in WANTED; *LOST counts
 * those that lack what nobody gave. */
static emr_status look_at_trees(emr_view *view, emr_buf *trees, emr_buf *wanted, uint64_t *lost)
{
	emr_fetcher *fetcher = view->options.fetcher;
	lacking_tree *all = (lacking_tree *)(void *)trees->data;
	size_t n = trees->len / sizeof *all, kept = 0;

	emr_buf_clear(wanted);
	for (size_t i = 0; i < n; i++) {
		emr_cid missed = {{0}};
		emr_status status;

		emr_fetcher_begin(fetcher);
		status = emr_store_walk(
			emr_fetcher_blocks(fetcher), &all[i].root, take_node_home, fetcher, NULL);
		if (status == EMR_NO_MEMORY)
			return status;
		if (status == EMR_OK)
			continue;
		if (!emr_fetcher_missed(fetcher, &missed) ||
			emr_cid_equal(&missed, &all[i].missing)) {
			++*lost;
			continue;
		}
		all[kept++] = (lacking_tree){.root = all[i].root, .missing = missed};
		status = emr_buf_append(wanted, &missed, sizeof missed);
		if (status != EMR_OK)
			return status;
	}
	trees->len = kept * sizeof *all;
	return EMR_OK;
}

/* Blocks between a root and its leaves are brought home, where a node has them: leaves that are
 * here, below a block that is not, would not be known to live. One block of each tree at a time, of
 * all trees side by side. *OUT_LOST: how many go on lacking a part. EMR_INTERRUPTED: the folder is
 * being closed, and nobody knows what nodes have. */
static emr_status bring_nodes(
	emr_view *view, const emr_reclaim_options *options, uint64_t *out_lost)
{
	emr_fetcher *fetcher = view->options.fetcher;
	const emr_clock *clock = emr_clock_system();
	const int64_t end_ns = emr_clock_boot_ns(clock) + NODES_ALL_NS;
	emr_fetch_patience patience = {.quiet_ns = EMR_FETCH_WAIT_NS, .all_ns = NODES_ALL_NS};
	pinned_trees pinned = {.options = options};
	EMR_AUTO_BUF wanted = {0};
	uint64_t lost = 0;
	bool goes_on = true;
	emr_status status;

	*out_lost = 1;
	if (fetcher == NULL)
		return EMR_OK;
	status = emr_store_each_pin(view->options.store, note_pin, &pinned);
	if (status == EMR_OK)
		status = look_at_trees(view, &pinned.trees, &wanted, &lost);
	while (status == EMR_OK && wanted.len > 0 && goes_on) {
		size_t came;

		goes_on = emr_fetcher_bring_together(fetcher, (const void *)wanted.data,
			wanted.len / sizeof(emr_cid), &patience, &came);
		status = look_at_trees(view, &pinned.trees, &wanted, &lost);
		patience.all_ns = end_ns - emr_clock_boot_ns(clock);
		goes_on = goes_on && patience.all_ns > 0;
	}
	lost += pinned.trees.len / sizeof(lacking_tree);
	emr_buf_free(&pinned.trees);
	if (status == EMR_OK && lost > 0 && emr_fetcher_is_stopped(fetcher))
		status = EMR_INTERRUPTED;
	if (status == EMR_OK && lost > 0)
		emr_log(EMR_LOG_WARN,
			"%llu trees have a part that no node gives: what may be below it stays",
			(unsigned long long)lost);
	*out_lost = lost;
	return status;
}

static void note_spared(emr_view *view, uint64_t bytes)
{
	EMR_LOCKED(&view->lock);

	view->space.spared_bytes = bytes;
	view->space.spared_due_boot_ns = view_boot_ns(view) + VIEW_SPARED_NS;
	pthread_cond_broadcast(&view->wake);
}

bool view_spared_is_due(const emr_view *view)
{
	return view->space.spared_bytes > 0 && view->space.spared_due_boot_ns <= view_boot_ns(view);
}

/* Nodes may take minutes. */
static void set_asking(emr_view *view, bool is_asking)
{
	EMR_LOCKED(&view->lock);

	view->space.is_asking = is_asking;
	pthread_cond_broadcast(&view->settled);
}

/* IS_AGAIN: nothing is done where that would be what was done before. */
static emr_status scrub_all(
	emr_view *view, emr_reclaim_options *options, bool is_again, emr_reclaim_report *out_report)
{
	emr_status status = view_reclaim_with(view, options, out_report);
	uint64_t lost = 0;

	if (status != EMR_MISSING_DATA)
		return status;
	set_asking(view, true);
	status = bring_nodes(view, options, &lost);
	set_asking(view, false);
	if (status == EMR_OK && is_again && lost > 0)
		return EMR_MISSING_DATA;
	options->allow_missing = true;
	options->nodes = nodes_here(view); /* also those that found no room at home */
	return status == EMR_OK ? view_reclaim_with(view, options, out_report) : status;
}

static emr_status scrub_with_reserve(
	emr_view *view, emr_reclaim_options *options, bool is_again, emr_reclaim_report *out_report)
{
	emr_reserve *reserve = emr_store_reserve(view->options.store);
	emr_status status;

	options->scrub = true;
	options->batch_bytes = SCRUB_BATCH_BYTES;
	emr_reserve_check(reserve);
	emr_reserve_lend(reserve);
	options->copy_room = space_for_copies;
	status = scrub_all(view, options, is_again, out_report);
	emr_reserve_take_back(reserve);
	if (status == EMR_OK)
		note_spared(view, out_report->bytes_spared);
	return status;
}

emr_status view_scrub(emr_view *view, bool (*is_forsaken)(void *arg, emr_id16 owner), void *arg,
	emr_reclaim_report *out_report)
{
	emr_reclaim_options options = {.is_forsaken = is_forsaken, .forsaken_context = arg};

	return scrub_with_reserve(view, &options, false, out_report);
}

emr_status view_scrub_spared(emr_view *view, emr_reclaim_report *out_report)
{
	emr_reclaim_options options = {0};

	return scrub_with_reserve(view, &options, true, out_report);
}

emr_status emr_view_purge(emr_view *view, uint64_t *out_bytes)
{
	emr_reclaim_report report = {0};
	uint64_t before = emr_store_disk_bytes(view->options.store), after;

	if (view_is_read_only(view))
		return EMR_READ_ONLY;
	EMR_TRY(view_scrub(view, NULL, NULL, &report));
	after = emr_store_disk_bytes(view->options.store);
	*out_bytes = report.bytes_blanked + (before > after ? before - after : 0);
	emr_log(EMR_LOG_INFO, "purged %llu bytes, %llu blocks were moved",
		(unsigned long long)*out_bytes, (unsigned long long)report.blocks_moved);
	return EMR_OK;
}

void want_reclaim(emr_view *view)
{
	view->space.wants_reclaim = true;
	pthread_cond_broadcast(&view->wake);
}
