/* This file opens and closes the folder, tells its free space, and makes its first two shared
 * units (the folder itself and the Inbox). When the ledger contradicts itself or what this
 * computer has seen, it stops all writing. */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sodium.h>

#include "base/log.h"
#include "base/worker.h"
#include "fetch/fetch.h"

#include "attributes.h"
#include "awaiting.h"
#include "compare.h"
#include "deposits.h"
#include "file.h"
#include "foreign.h"
#include "given.h"
#include "health.h"
#include "past.h"
#include "publish.h"
#include "rest.h"
#include "shared.h"
#include "signed.h"

#define DEFAULT_QUIET_NS INT64_C(1000000000)
#define DEFAULT_SYNC_NS INT64_C(5000000000)

static void init_locks(emr_view *view)
{
	pthread_mutex_init(&view->lock, NULL);
	emr_cond_init(&view->wake);
	emr_cond_init(&view->settled);
}

/* A journal that is older than what this computer itself has registered is named. */
static emr_status learn_unheard(emr_view *view, emr_buf *unheard)
{
	bool is_behind = false;
	emr_status status = emr_settle_unheard(view->options.settle, unheard, &is_behind);

	if (status == EMR_NO_MEMORY)
		return status;
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "what the journal has missed is not known: %s",
			emr_status_text(status));
	if (is_behind && view->options.notice != NULL)
		view->options.notice(view->options.notice_arg, "older-journal", "");
	return EMR_OK;
}

/* Entries that were verified before stay readable whatever the ledger says now; a ledger that
 * contradicts itself or what this computer has seen takes nothing more, one that cannot be reached
 * is asked again later. */
static emr_status follow_ledger(emr_view *view, emr_buf *unheard)
{
	emr_status status = emr_settle_followed(view->options.settle);

	if (view_mend_ledger(view, status))
		status = EMR_BUSY; /* the first run of the publisher asks for the rest */
	EMR_TRY(learn_unheard(view, unheard));
	if (status == EMR_OK && !view->options.read_only)
		status = emr_settle_resend(view->options.settle, load_outcomes, view);
	view_hear_ledger(view, status);
	if (view_ledger_is_wrong(status)) {
		emr_view_stop_writing(view, status);
		return EMR_OK;
	}
	if (status == EMR_NO_MEMORY)
		return status;
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "the ledger was not followed: %s", emr_status_text(status));
	return EMR_OK;
}

static emr_status recover(emr_view *view)
{
	emr_replica_position at = {0};
	EMR_AUTO_BUF unheard = {0};
	emr_status status;

	EMR_TRY(follow_ledger(view, &unheard));
	status = load_tree(view, &unheard);
	if (status == EMR_OK)
		status = awaiting_learn(view);
	if (status == EMR_OK)
		status = emr_replica_at(view->options.replica, &at);
	view->followed = view->keeper->opened_at = at.size;
	view->wants_tie = true;
	if (status != EMR_OK || view->options.read_only)
		return status;
	load_clean_spills(view);
	EMR_TRY(erase_load(view));
	erase_look_soon(view);
	status = pins_restore(view);
	if (status !=
		EMR_OK) /* nothing is reclaimed until it succeeds, and nothing else needs it */
		emr_log(EMR_LOG_WARN, "pins were not said again: %s", emr_status_text(status));
	return EMR_OK;
}

emr_status emr_view_open(const emr_view_options *options, emr_view **out_view)
{
	emr_view *view;
	emr_status status;

	if (options->special_count > EMR_SPECIAL_MAX)
		return EMR_INVALID;
	view = calloc(1, sizeof *view);
	EMR_TRY_MEMORY(view);
	view->options = *options;
	view->grants = &giving_attributes;
	view->received_kind = &shared_kind;
	view->writings = &foreign_writings;
	if (view->options.quiet_ns == 0)
		view->options.quiet_ns = DEFAULT_QUIET_NS;
	if (view->options.sync_ns == 0)
		view->options.sync_ns = DEFAULT_SYNC_NS;
	view->next_due_boot_ns = INT64_MAX;
	view->space.doubts_pins =
		options->has_nodes && !options->read_only && !options->without_shares;
	crypto_shorthash_keygen(view->hash_key);
	randombytes_buf(view->confirm_key, sizeof view->confirm_key);
	init_locks(view);
	status = keeper_begin(view);
	if (status == EMR_OK)
		status = past_begin(view);
	if (status == EMR_OK)
		status = given_begin(view);
	if (status == EMR_OK)
		status = slots_begin(&view->nodes, EMR_ROOT_NODE + 1);
	if (status == EMR_OK)
		status = folder_new_special(view);
	view->options.headers_program = NULL; /* the caller's memory */
	if (status == EMR_OK && options->headers_program != NULL)
		status = emr_header_reader_new(options->headers_program, 0, &view->keeper->headers);
	if (status == EMR_OK && !options->without_shares)
		status = shared_new(view);
	if (status == EMR_OK)
		status = recover(view);
	if (status != EMR_OK) {
		emr_view_free(view);
		return status;
	}
	keeper_rest(view);
	*out_view = view;
	return EMR_OK;
}

static void hand_out_all(emr_view *view)
{
	emr_status status = EMR_OK, synced;

	if (view->root == NULL)
		return;
	if (!view->options.read_only)
		status = keeper_hand_out(view);
	/* Bytes that were handed out before the folder became read-only, or before one file failed,
	 * were promised. */
	synced = emr_view_sync(view);
	status = status == EMR_OK ? synced : status;
	if (status != EMR_OK)
		emr_log(EMR_LOG_ERROR, "closing: not everything reached the disk: %s",
			emr_status_text(status));
}

void emr_view_free(emr_view *view)
{
	if (view == NULL)
		return;
	emr_fetcher_stop(view->options.fetcher);
	shared_stop(view);
	keeper_stop(view);
	compare_free(view);
	hand_out_all(view);
	rest_end(view);
	for (size_t i = 0; i < view->nodes.used; i++) {
		node *n = slots_at(&view->nodes, i);

		if (n != NULL)
			tree_free_node(view, n);
	}
	past_free_all(view);
	shared_free(view);
	signed_free(view);
	deposits_limit_free(view);
	given_free(view);
	keeper_free(view);
	remove_doomed(view);
	while (view->disk.doomed != NULL) { /* the next start finds these */
		doomed *d = view->disk.doomed;

		view->disk.doomed = d->next;
		free(d);
	}
	while (view->vacated != NULL)
		vacated_drop_this(view, view->vacated);
	free(view->erasing.list);
	emr_buf_free(&view->follow_again);
	emr_buf_free(&view->erasing.erased);
	awaiting_free(view);
	for (size_t i = 0; i < view->index.domain_ids.used; i++)
		free(slots_at(&view->index.domain_ids, i));
	slots_free(&view->index.domain_ids);
	table_free(&view->index.domains);
	free(view->index.spare_place);
	free(view->index.spare_ids);
	slots_free(&view->nodes);
	table_free(&view->index.by_name);
	table_free(&view->index.by_id);
	pthread_cond_destroy(&view->wake);
	pthread_cond_destroy(&view->settled);
	pthread_mutex_destroy(&view->lock);
	free(view);
}

/* ---- numbers ---- */

/* ---- the first domains ---- */

static emr_status only_commit(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n)
{
	emr_status *worst = arg;
	uint64_t seq;

	for (size_t i = 0; i < n; i++)
		if (outcomes[i].error != EMR_OK || outcomes[i].result > 1)
			*worst = outcomes[i].error != EMR_OK ? outcomes[i].error : EMR_REFUSED;
	return emr_journal_commit(txn, &seq);
}

static emr_status make_domain(const emr_view_options *options, const char *name, bool is_inbox)
{
	emr_meta meta = {.type = EMR_META_DIR,
		.mode = 0700,
		.mtime_ns = emr_clock_unix_ns(options->clock),
		.name = emr_bytes_of(name, strlen(name))};
	emr_id16 id = emr_id16_random();
	emr_change change = {.kind = EMR_CHANGE_META,
		.node = id,
		.domain = id,
		.object = id,
		.meta = &meta,
		.is_inbox = is_inbox};
	emr_status worst = EMR_OK;

	memcpy(meta.r_pid, emr_id32_random().b, sizeof meta.r_pid);
	EMR_TRY(emr_settle_publish(options->settle, &change, 1, only_commit, &worst));
	return worst;
}

emr_status emr_view_initialise(const emr_view_options *options)
{
	EMR_AUTO_FACTS_WALK all = {.facts = NULL};
	bool has_root = false, has_inbox = false;
	emr_status worst = EMR_OK;
	emr_place place;
	emr_meta meta;

	EMR_TRY(emr_settle_resend(options->settle, only_commit, &worst));
	all = emr_facts_all(options->facts);
	while (emr_facts_next(&all, &place, &meta)) {
		if (!emr_id16_equal(place.object, place.domain) || !emr_id16_is_zero(meta.parent))
			continue;
		has_root |= meta.name.len == 0;
		has_inbox |= meta.name.len == 5 && memcmp(meta.name.data, "Inbox", 5) == 0;
	}
	EMR_TRY(all.status);
	if (!has_root)
		EMR_TRY(make_domain(options, "", false));
	if (!has_inbox)
		EMR_TRY(make_domain(options, "Inbox", true));
	return EMR_OK;
}
