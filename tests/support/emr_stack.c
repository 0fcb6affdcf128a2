/* This file makes and opens everything below the kernel (keyring, ledger, store, journal,
 * folder) in a directory, for tests and tools that drive the folder without a mount. */
#include "emr_stack.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "ledger/network.h"

static const emr_kdf_cost cheap = {.passes = 1, .memory_bytes = 8 << 20};

static emr_bytes passphrase(void)
{
	return emr_bytes_of("test", 4);
}

static emr_status open_dirs(emr_stack *s)
{
	emr_status status = emr_dir_open(s->path, &s->state_dirfd);

	EMR_TRY(status);
	if (mkdirat(s->state_dirfd, "spill", 0700) != 0 && access(s->path, W_OK) != 0)
		return EMR_IO;
	s->spill_dirfd = openat(s->state_dirfd, "spill", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return s->spill_dirfd >= 0 ? EMR_OK : EMR_IO;
}

static bool is_mine(void *arg, emr_id16 domain, emr_bytes d_row)
{
	const emr_stack *s = arg;

	return (s->awaited == NULL || !emr_id16_equal(domain, *s->awaited)) &&
	       emr_keyring_owns(s->keyring, domain, d_row.data);
}

static emr_status open_ledger(
	emr_stack *s, const emr_clock *clock, const emr_stack_options *options)
{
	char path[600];
	emr_ledger_options ledger = {.path = path,
		.submitter = s->keyring,
		.clock = clock,
		.known = emr_replica_descriptor,
		.known_dirfd = s->state_dirfd};
	emr_replica_options replica = {.state_dirfd = s->state_dirfd, .clock = clock};
	emr_status status;

	snprintf(path, sizeof path, "%s/network", s->path);
	status = emr_ledger_open(&ledger, &s->ledger);
	EMR_TRY(status);
	replica.ledger = s->ledger;
	if (options->own_parts)
		replica.is_mine = is_mine;
	replica.is_mine_arg = s;
	s->awaited = options->awaited;
	return emr_replica_open(&replica, &s->replica);
}

static emr_status open_store(emr_stack *s, const emr_stack_options *options)
{
	char path[600], tags[600];
	emr_store_options store = {.path = path,
		.tags_path = tags,
		.segment_bytes = options->segment_bytes,
		.no_background = options->no_workers};
	emr_record_options records = {.keyring = s->keyring,
		.spill_dirfd = s->spill_dirfd,
		.workers = options->no_workers ? EMR_RECORD_NO_WORKERS : 0};
	emr_status status;

	snprintf(path, sizeof path, "%s/store", s->path);
	snprintf(tags, sizeof tags, "%s/tags", s->path);
	store.writer = emr_keyring_device_id(s->keyring);
	status = emr_local_unit_key(s->keyring, &s->unit_key);
	store.unit_key = s->unit_key;
	if (status == EMR_OK)
		status = emr_store_open(&store, &s->store);
	if (status == EMR_OK)
		status = emr_journal_open(s->store, s->keyring, &s->journal);
	if (status != EMR_OK)
		return status;
	records.store = emr_store_blocks(s->store);
	return emr_record_ctx_new(&records, &s->records);
}

static emr_status open_settle(emr_stack *s, const emr_clock *clock)
{
	emr_settle_options settle = {.keyring = s->keyring,
		.journal = s->journal,
		.store = s->store,
		.records = s->records,
		.ledger = s->ledger,
		.replica = s->replica,
		.clock = clock,
		.owner_name = "Ana Silva",
		.owner_born = "1984-03-12"};

	EMR_TRY(emr_facts_new(s->keyring, s->replica, s->records, &s->facts));
	EMR_TRY(emr_facts_keep_in(s->facts, s->state_dirfd));
	settle.facts = s->facts;
	EMR_TRY(emr_settle_new(&settle, &s->settle));
	(void)!emr_settle_catch_up(s->settle, true); /* as a session */
	return EMR_OK;
}

static emr_view_options view_options(
	const emr_stack *s, const emr_stack_options *options, const emr_clock *clock)
{
	return (emr_view_options){.state_dirfd = s->state_dirfd,
		.keyring = s->keyring,
		.store = s->store,
		.journal = s->journal,
		.records = s->records,
		.ledger = s->ledger,
		.replica = s->replica,
		.facts = s->facts,
		.settle = s->settle,
		.lists_patients = options->lists_patients,
		.headers_program = options->headers_program != NULL ? options->headers_program
								    : EMR_READ_HEADERS,
		.clock = clock,
		.has_nodes = options->has_nodes,
		.quiet_ns = options->quiet_ns,
		.sync_ns = options->sync_ns,
		.space_step_bytes = options->space_step_bytes,
		.notice = options->notice,
		.notice_arg = options->notice_arg,
		.changed = options->changed,
		.changed_arg = options->changed_arg,
		.make_proof = options->make_proof,
		.special_arg = options->special_arg};
}

static emr_status open_below_view(
	emr_stack *s, const char *path, const emr_stack_options *options, const emr_clock *clock)
{
	emr_status status;

	*s = (emr_stack){.state_dirfd = -1, .spill_dirfd = -1};
	snprintf(s->path, sizeof s->path, "%s", path);
	status = emr_base_init();
	if (status == EMR_OK)
		status = open_dirs(s);
	if (status == EMR_OK)
		status = emr_keyring_open(
			s->state_dirfd, "keyfile", passphrase(), &s->keyring, NULL);
	if (status == EMR_OK)
		status = open_store(s, options);
	if (status == EMR_OK)
		status = open_ledger(s, clock, options);
	if (status == EMR_OK)
		status = open_settle(s, clock);
	return status;
}

static emr_status make_keyring_and_network(const char *path)
{
	EMR_AUTO_KEYRING keyring = NULL;
	EMR_AUTO_FD dirfd = -1;
	char network[600];
	emr_network_new make = {.path = network, .name = "Test", .handle = "ana"};
	emr_id16 net_id;
	emr_status status;

	snprintf(network, sizeof network, "%s/network", path);
	status = emr_base_init();
	if (status == EMR_OK)
		status = emr_dir_open(path, &dirfd);
	if (status == EMR_OK)
		status = emr_keyring_create(
			EMR_KEYRING_PERSON, emr_clock_unix_s(emr_clock_system()), &keyring);
	if (status == EMR_OK)
		status = emr_keyring_save_new(keyring, dirfd, "keyfile", passphrase(), &cheap);
	if (status != EMR_OK)
		return status;
	make.keyring = keyring;
	return emr_network_create(&make, &net_id, NULL);
}

emr_status emr_stack_create(const char *path)
{
	emr_stack_options options = {0};
	emr_view_options view;
	emr_stack s;
	emr_status status = make_keyring_and_network(path);

	if (status != EMR_OK)
		return status;
	status = open_below_view(&s, path, &options, emr_clock_system());
	if (status == EMR_OK) {
		view = view_options(&s, &options, emr_clock_system());
		status = emr_view_initialise(&view);
	}
	emr_stack_close(&s);
	return status;
}

emr_status emr_stack_open(const char *path, const emr_stack_options *options, emr_stack *out_stack)
{
	const emr_clock *clock = options->clock != NULL ? options->clock : emr_clock_system();
	emr_view_options view;
	emr_status status = open_below_view(out_stack, path, options, clock);

	if (status == EMR_OK) {
		view = view_options(out_stack, options, clock);
		status = emr_view_open(&view, &out_stack->view);
	}
	if (status == EMR_OK && options->threads)
		status = emr_view_start(out_stack->view);
	if (status != EMR_OK)
		emr_stack_close(out_stack);
	return status;
}

void emr_stack_close(emr_stack *s)
{
	static unsigned closes;
	uint64_t shown;
	bool is_kept = s->view != NULL && emr_view_shows(s->view, &shown);

	emr_view_free(s->view);
	/* New ones every other time, in which all that is ordinary rests at the next opening. */
	if (is_kept && __atomic_fetch_add(&closes, 1, __ATOMIC_RELAXED) % 2 == 0) {
		shown = UINT64_MAX;
		is_kept = emr_facts_forget_kept(s->facts) == EMR_OK;
	}
	if (is_kept && emr_facts_keep(s->facts, shown) == EMR_OK)
		(void)emr_journal_tidy(
			s->journal); /* as the program does; no promise hangs on either */
	emr_settle_free(s->settle);
	emr_facts_free(s->facts);
	emr_record_ctx_free(s->records);
	emr_replica_close(s->replica);
	emr_ledger_close(s->ledger);
	emr_journal_close(s->journal);
	emr_store_close(s->store);
	emr_unit_key_free(s->unit_key);
	emr_keyring_free(s->keyring);
	if (s->spill_dirfd >= 0)
		close(s->spill_dirfd);
	if (s->state_dirfd >= 0)
		close(s->state_dirfd);
	*s = (emr_stack){.state_dirfd = -1, .spill_dirfd = -1};
}

/* fs/view/core/reclaim.h */
emr_status view_reclaim_with(
	emr_view *view, emr_reclaim_options *options, emr_reclaim_report *out_report);

emr_status emr_stack_reclaim(
	emr_view *view, uint8_t max_live_percent, emr_reclaim_report *out_report)
{
	emr_reclaim_options options = {.max_live_percent = max_live_percent};

	return view_reclaim_with(view, &options, out_report);
}
