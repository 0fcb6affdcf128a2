/* This file reads the ledger as it was at one moment, while others go on writing, and copies
 * that moment into a file. Where the ledger itself is elsewhere or damaged, it reads this
 * computer's log or its own verified copy. */
#include "ledger/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "chain_private.h"
#include "contract/rows.h"
#include "ledger/hash.h"
#include "ledger/network.h"
#include "place.h"

#define BUSY_MS 10000
#define KIND_OFFSET 68 /* of the application id in the file (sqlite.org/fileformat2.html §1.3) */

struct emr_ledger_copy {
	emr_chain *held;   /* inside a read transaction */
	emr_chain *newest; /* outside any */
	emr_chain *united; /* what is whole of that, when the ledger alone is not; NULL */
	uint64_t entries;  /* of the held moment */
};

emr_chain *copy_source(const emr_ledger_copy *copy)
{
	return copy->united != NULL ? copy->united : copy->held;
}

/* ---- the held moment ---- */

/* The snapshot begins with the first read, not with BEGIN. */
static emr_status hold(emr_ledger_copy *copy)
{
	EMR_TRY(emr_chain_begin_read(copy->held));
	return emr_chain_size(copy->held, &copy->entries);
}

static emr_status hold_private(int dirfd, const char *name, emr_ledger_copy *copy)
{
	emr_status status =
		emr_chain_open(dirfd, name, EMR_CHAIN_PRIVATE, false, BUSY_MS, &copy->held);

	if (status == EMR_OK)
		status = emr_chain_open(
			dirfd, name, EMR_CHAIN_PRIVATE, false, BUSY_MS, &copy->newest);
	return status == EMR_OK ? hold(copy) : status;
}

static emr_status open_chains(const char *path, emr_ledger_copy *copy)
{
	EMR_AUTO_FD dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	emr_status status;

	if (dirfd < 0)
		return errno == ENOENT || errno == ENOTDIR ? EMR_NOT_FOUND
							   : emr_status_from_errno(errno);
	if (faccessat(dirfd, EMR_NETWORK_LEDGER, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return emr_status_from_errno(errno);
	status = emr_network_check_place(dirfd);
	if (status == EMR_OK)
		status = place_check_rights(dirfd);
	if (status == EMR_OK)
		status = emr_chain_open(
			dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, BUSY_MS, &copy->held);
	if (status == EMR_OK)
		status = emr_chain_open(
			dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, BUSY_MS, &copy->newest);
	return status == EMR_OK ? hold(copy) : status;
}

static emr_status open_replica(const char *path, emr_ledger_copy *copy)
{
	EMR_AUTO_FD dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dirfd < 0)
		return emr_status_from_errno(errno);
	return hold_private(dirfd, CHAIN_OWN_COPY, copy);
}

static emr_status take(emr_ledger_copy *copy, emr_status status, emr_ledger_copy **out_copy)
{
	if (status != EMR_OK)
		emr_ledger_copy_close(copy);
	else
		*out_copy = copy;
	return status;
}

emr_status emr_ledger_copy_open(const char *path, emr_ledger_copy **out_copy)
{
	emr_ledger_copy *copy = calloc(1, sizeof *copy);

	return copy != NULL ? take(copy, open_chains(path, copy), out_copy) : EMR_NO_MEMORY;
}

emr_status emr_ledger_copy_open_own(const char *state_path, emr_ledger_copy **out_copy)
{
	emr_ledger_copy *copy = calloc(1, sizeof *copy);

	return copy != NULL ? take(copy, open_replica(state_path, copy), out_copy) : EMR_NO_MEMORY;
}

emr_status emr_ledger_copy_check(
	emr_ledger_copy *copy, bool is_members, emr_ledger_trouble *out_trouble)
{
	EMR_AUTO_BUF descriptor = {0};
	emr_status status = emr_ledger_copy_descriptor(copy, &descriptor);

	*out_trouble = (emr_ledger_trouble){.status = EMR_OK};
	return status == EMR_OK ? emr_chain_verify(copy->held, emr_buf_view(&descriptor),
					  is_members, out_trouble)
				: status;
}

/* ---- a damaged one ---- */

typedef struct missing_walk {
	emr_ledger_missing_fn fn;
	void *arg;
} missing_walk;

static emr_status tell_missing(void *arg, const emr_part_key *key, uint64_t seq)
{
	const missing_walk *walk = arg;

	(void)key;
	walk->fn(walk->arg, seq);
	return EMR_OK;
}

/* The local copy of STATE_PATH, if it can be opened at all. */
static emr_status open_second(const char *state_path, emr_chain **out_own)
{
	EMR_AUTO_FD dirfd = open(state_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	emr_chain *own = NULL;
	emr_status status;

	*out_own = NULL;
	if (dirfd < 0)
		return emr_status_from_errno(errno);
	status = emr_chain_open(dirfd, CHAIN_OWN_COPY, EMR_CHAIN_PRIVATE, false, BUSY_MS, &own);
	if (status == EMR_OK)
		status = emr_chain_begin_read(own);
	if (status != EMR_OK) {
		emr_chain_close(own);
		return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_OK : status;
	}
	*out_own = own;
	return EMR_OK;
}

emr_status emr_ledger_copy_make_whole(emr_ledger_copy *copy, const char *state_path,
	emr_ledger_missing_fn missing, void *arg, bool *out_was_damaged)
{
	EMR_AUTO_CHAIN own = NULL;
	EMR_AUTO_BUF descriptor = {0};
	emr_ledger_trouble trouble = {0};
	missing_walk walk = {.fn = missing, .arg = arg};
	emr_status status = emr_ledger_copy_check(copy, false, &trouble);

	*out_was_damaged = status == EMR_DAMAGED;
	if (status != EMR_DAMAGED)
		return status;
	status = open_second(state_path, &own);
	if (status == EMR_OK && (own == NULL || emr_chain_descriptor(own, &descriptor) != EMR_OK))
		status = emr_chain_descriptor(copy->held, &descriptor);
	if (status == EMR_OK)
		status = emr_chain_open_temporary(&copy->united);
	if (status == EMR_OK)
		status = emr_chain_unite(copy->held, own, emr_buf_view(&descriptor), copy->entries,
			copy->united, &trouble);
	if (status == EMR_OK)
		status = emr_chain_take_note(copy->united, copy->held);
	if (status == EMR_OK && missing != NULL)
		status = emr_chain_each_missing(copy->united, tell_missing, &walk);
	if (status == EMR_OK)
		return EMR_OK;
	emr_log(EMR_LOG_WARN, "copy: ledger entry %llu: %s", (unsigned long long)trouble.seq,
		trouble.cause);
	emr_chain_close(copy->united);
	copy->united = NULL;
	return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
}

void emr_ledger_copy_close(emr_ledger_copy *copy)
{
	if (copy == NULL)
		return;
	if (copy->held)
		emr_chain_rollback(copy->held);
	emr_chain_close(copy->held);
	emr_chain_close(copy->newest);
	emr_chain_close(copy->united);
	free(copy);
}

emr_status emr_ledger_copy_renew(emr_ledger_copy *copy)
{
	emr_chain_close(copy->united);
	copy->united = NULL;
	emr_chain_rollback(copy->held);
	return hold(copy);
}

emr_status emr_ledger_copy_is_newest(emr_ledger_copy *copy, bool *out_is_newest)
{
	uint64_t now = 0;

	EMR_TRY(emr_chain_size(copy->newest, &now));
	*out_is_newest = now == copy->entries;
	return EMR_OK;
}

/* ---- what it says ---- */

typedef struct record_walk {
	emr_chain *chain;
	emr_ledger_copy_facts *facts;
	emr_buf part;
	emr_ledger_record_fn fn; /* NULL: they are counted, and that is all */
	void *arg;
} record_walk;

static void record_walk_end(record_walk *walk)
{
	emr_buf_free(&walk->part);
}

/* A record whose sealed data is gone is bare: its part is at the version of its content. */
static emr_status count_whole(record_walk *walk, const char *key, const emr_row_object *row)
{
	char text[200];
	emr_part_key at;
	emr_status status;

	(void)snprintf(text, sizeof text, "p/%02x/%s/%016llx", EMR_FAMILY_OBJECT, key + 2,
		(unsigned long long)row->pversion);
	if (!chain_parse_key(text, 'p', &at))
		return EMR_DAMAGED;
	status = emr_chain_part(walk->chain, &at, &walk->part);
	if (status == EMR_NOT_FOUND || status == EMR_MISSING_DATA || status == EMR_DAMAGED) {
		walk->facts->bare++;
		return EMR_OK;
	}
	walk->facts->records += status == EMR_OK;
	if (status == EMR_OK && walk->fn != NULL)
		status = walk->fn(walk->arg, at.object, emr_buf_view(&walk->part));
	return status;
}

static emr_status walk_records(record_walk *walk)
{
	EMR_AUTO_CHAIN_ROWS rows = {.chain = walk->chain, .prefix = "O/"};
	emr_row_object row;

	while (emr_chain_next_row(&rows)) {
		if (emr_row_object_parse(emr_span_of(rows.value), &row) != EMR_CONTRACT_OK)
			return EMR_DAMAGED;
		if (row.head.state == EMR_OBJECT_LIVE && (row.head.flags & EMR_ITEM_NOCONTENT) == 0)
			EMR_TRY(count_whole(walk, rows.key, &row));
	}
	return rows.status;
}

emr_status emr_ledger_copy_descriptor(emr_ledger_copy *copy, emr_buf *out)
{
	return emr_required(emr_chain_entry(copy_source(copy), 0, out, NULL));
}

emr_status emr_ledger_copy_each_record(emr_ledger_copy *copy, emr_ledger_record_fn fn, void *arg)
{
	emr_ledger_copy_facts facts = {.entries = copy->entries};
	__attribute__((cleanup(record_walk_end)))
	record_walk walk = {.chain = copy_source(copy), .facts = &facts, .fn = fn, .arg = arg};

	return walk_records(&walk);
}

emr_status emr_ledger_copy_root(emr_ledger_copy *copy, uint64_t entries, uint8_t out_root[32])
{
	return entries <= copy->entries ? emr_chain_root(copy_source(copy), entries, out_root)
					: EMR_ROLLBACK;
}

emr_status emr_ledger_copy_tell(emr_ledger_copy *copy, emr_ledger_copy_facts *out_facts)
{
	EMR_AUTO_BUF descriptor = {0};
	emr_ledger_copy_facts facts = {.entries = copy->entries};
	__attribute__((cleanup(record_walk_end)))
	record_walk walk = {.chain = copy_source(copy), .facts = &facts};

	EMR_TRY(emr_ledger_copy_descriptor(copy, &descriptor));
	EMR_TRY(walk_records(&walk));
	if (copy->entries > 1)
		EMR_TRY(emr_chain_time(walk.chain, copy->entries - 1, &facts.last_unix_s));
	emr_descriptor_net_id(emr_span_of(emr_buf_view(&descriptor)), facts.net_id.b);
	*out_facts = facts;
	return EMR_OK;
}

/* ---- the file ---- */

static emr_status make_empty(int dirfd, const char *name)
{
	EMR_AUTO_FD fd =
		openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

/* All pages in one step: the source is held, so nothing can come between. */
static emr_status copy_pages(emr_ledger_copy *copy, sqlite3 *to)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", copy_source(copy)->sql.db, "main");
	int code;

	if (backup == NULL)
		return emr_sql_status(to, sqlite3_extended_errcode(to));
	code = sqlite3_backup_step(backup, -1);
	if (code == SQLITE_DONE)
		code = sqlite3_backup_finish(backup);
	else
		(void)sqlite3_backup_finish(backup);
	return emr_sql_status(to, code);
}

/* Whatever it was, it is a ledger now; by its bytes, because SQLite cannot write here with a log.
 */
static emr_status name_ledger(int dirfd, const char *name)
{
	EMR_AUTO_FD fd = openat(dirfd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	uint8_t id[4];

	if (fd < 0)
		return emr_status_from_errno(errno);
	emr_put_u32(id, CHAIN_LEDGER_ID);
	return emr_pwrite_all(fd, id, sizeof id, KIND_OFFSET);
}

static emr_status flush_file(int dirfd, const char *name)
{
	EMR_AUTO_FD fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

emr_status emr_ledger_copy_write(emr_ledger_copy *copy, int dirfd, const char *name)
{
	char path[PATH_MAX];
	sqlite3 *to = NULL;
	emr_status status;

	EMR_TRY(emr_sql_path(dirfd, name, path));
	EMR_TRY(make_empty(dirfd, name));
	/* Nobody else has this file: no locks, which a memory stick may not have, and no journal.
	 */
	status = emr_sql_status(
		NULL, sqlite3_open_v2(path, &to,
			      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			      "unix-none"));
	if (status == EMR_OK)
		status = emr_sql_status(
			to, sqlite3_exec(to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF",
				    NULL, NULL, NULL));
	if (status == EMR_OK)
		status = copy_pages(copy, to);
	(void)sqlite3_close_v2(to);
	if (status == EMR_OK)
		status = name_ledger(dirfd, name);
	if (status == EMR_OK)
		status = flush_file(dirfd, name);
	if (status != EMR_OK)
		(void)unlinkat(dirfd, name, 0);
	return status;
}
