/* This file is a host that lost entries of its ledger: it takes them from its members, keeps those
 * that its own signed heads prove, hears the administrators, and then restarts (ledger/restart.h).
 * Meanwhile it takes no batch and signs no head. It refuses what no head of its own proves, and
 * waits, with both as evidence, where two such heads lie on different chains. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/worker.h"
#include "contract/codes.h"
#include "ledger/backend.h"
#include "ledger/hash.h"
#include "ledger/network.h"
#include "served_private.h"

#define SUM_BYTES 8
/* Nobody restarts while members are still coming: so long after the last who brought something, or
 * while a head speaks of entries that nobody has brought. */
#define QUIET_NS INT64_C(20000000000)
#define LACKING_NS INT64_C(3600000000000)

/* ---- small files with a sum ---- */

static emr_status put_summed(int dirfd, const char *name, emr_bytes bytes)
{
	EMR_AUTO_BUF all = {0};
	const emr_id32 hash = emr_sha256_of(&bytes, 1);

	EMR_TRY(emr_buf_append(&all, bytes.data, bytes.len));
	EMR_TRY(emr_buf_append(&all, hash.b, SUM_BYTES));
	return emr_file_replace(dirfd, name, emr_buf_view(&all), 0600);
}

/* EMR_DAMAGED, EMR_NOT_FOUND. */
static emr_status read_summed(int dirfd, const char *name, uint8_t *out, size_t len)
{
	EMR_AUTO_BUF all = {0};
	emr_bytes bytes;

	EMR_TRY(emr_file_read(dirfd, name, len + SUM_BYTES, &all));
	bytes = emr_bytes_of(all.data, len);
	if (all.len != len + SUM_BYTES ||
		memcmp(emr_sha256_of(&bytes, 1).b, all.data + len, SUM_BYTES) != 0)
		return EMR_DAMAGED;
	memcpy(out, all.data, len);
	return EMR_OK;
}

/* The ledger's file: its number, and when it was made, so that a copy in its place is another. */
static emr_status place_of(const emr_served *served, uint8_t out[EMR_RESTART_PLACE_BYTES])
{
	struct statx st;

	if (statx(served->dirfd, EMR_NETWORK_LEDGER, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME,
		    &st) != 0)
		return emr_status_from_errno(errno);
	memset(out, 0, EMR_RESTART_PLACE_BYTES);
	emr_put_u64(out, st.stx_ino);
	if ((st.stx_mask & STATX_BTIME) != 0) {
		emr_put_u64(out + 8, (uint64_t)st.stx_btime.tv_sec);
		emr_put_u32(out + 16, st.stx_btime.tv_nsec);
	}
	return EMR_OK;
}

static emr_status keep_place(const emr_served *served)
{
	uint8_t place[EMR_RESTART_PLACE_BYTES];

	EMR_TRY(place_of(served, place));
	return put_summed(served->host_dirfd, EMR_RESTART_PLACE, emr_bytes_of(place, sizeof place));
}

static bool is_elsewhere(const emr_served *served)
{
	uint8_t kept[EMR_RESTART_PLACE_BYTES], now[EMR_RESTART_PLACE_BYTES];

	return place_of(served, now) != EMR_OK ||
	       (read_summed(served->host_dirfd, EMR_RESTART_PLACE, kept, sizeof kept) == EMR_OK &&
		       memcmp(kept, now, sizeof now) != 0);
}

/* ---- beginning and end ---- */

static void forget(const emr_served *served)
{
	(void)unlinkat(served->host_dirfd, EMR_RESTART_HEAD, 0);
	(void)unlinkat(served->host_dirfd, EMR_RESTART_SPLIT, 0);
	(void)unlinkat(served->host_dirfd, EMR_RESTART_HEARD, 0);
}

static emr_status begin(emr_served *served, uint64_t size)
{
	uint8_t bytes[EMR_RESTART_RECOVERY_BYTES];

	if (atomic_load(&served->is_recovering))
		return EMR_OK;
	forget(served);
	served->heard->recovery = emr_id16_random();
	memcpy(bytes, served->heard->recovery.b, 16);
	emr_put_u64(bytes + 16, size);
	EMR_TRY(put_summed(
		served->host_dirfd, EMR_RESTART_RECOVERY, emr_bytes_of(bytes, sizeof bytes)));
	served->lost_from = size;
	atomic_store(&served->is_recovering, true);
	emr_log(EMR_LOG_WARN,
		"host: entries of the ledger are lost; they are taken from its members");
	return EMR_OK;
}

/* The ledger goes on from what it has. */
static emr_status finish(emr_served *served)
{
	const emr_ledger_options options = {.path = served->path, .clock = served->clock};

	EMR_TRY(keep_place(served));
	if (served->ledger == NULL)
		EMR_TRY(emr_embedded_open(&options, &served->ledger));
	if (unlinkat(served->host_dirfd, EMR_RESTART_RECOVERY, 0) != 0)
		return emr_status_from_errno(errno);
	(void)fsync(served->host_dirfd);
	forget(served);
	memset(served->heard, 0, sizeof *served->heard);
	served->known = 0;
	atomic_store(&served->is_recovering, false);
	emr_log(EMR_LOG_INFO, "host: it goes on");
	return EMR_OK;
}

/* Ends with EMR_EXISTS at a restart of this recovery; the newest one's time is kept. */
static emr_status note_restart(void *arg, emr_bytes bytes)
{
	emr_served *served = arg;
	EMR_AUTO_FREE emr_restart *restart = malloc(sizeof *restart);

	EMR_TRY(restart != NULL ? emr_restart_parse(bytes, restart) : EMR_NO_MEMORY);
	served->restarted = restart->time;
	return atomic_load(&served->is_recovering) &&
			       emr_id16_equal(restart->recovery, served->heard->recovery)
		       ? EMR_EXISTS
		       : EMR_OK;
}

static emr_status read_restarts(const emr_served *served, emr_buf *out)
{
	emr_status status = emr_file_read(served->host_dirfd, EMR_RESTARTS, EMR_RESTARTS_MAX, out);

	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status take_up(emr_served *served, const uint8_t bytes[EMR_RESTART_RECOVERY_BYTES])
{
	EMR_AUTO_BUF kept = {0};
	emr_checkpoint head;

	if (emr_file_read(served->host_dirfd, EMR_RESTART_HEARD, EMR_RESTART_MAX, &kept) == EMR_OK)
		(void)!emr_restart_parse(emr_buf_view(&kept), served->heard);
	if (memcmp(served->heard->recovery.b, bytes, 16) != 0)
		memset(served->heard, 0, sizeof *served->heard);
	memcpy(served->heard->recovery.b, bytes, 16);
	served->lost_from = emr_get_u64(bytes + 16);
	emr_buf_clear(&kept);
	if (emr_file_read(served->host_dirfd, EMR_RESTART_HEAD, EMR_CHECKPOINT_MAX, &kept) ==
			EMR_OK &&
		emr_checkpoint_parse(emr_buf_view(&kept), &head) == EMR_OK)
		served->known = head.size;
	served->is_split =
		faccessat(served->host_dirfd, EMR_RESTART_SPLIT, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	atomic_store(&served->is_recovering, true);
	return EMR_OK;
}

static emr_status know_network(emr_served *served)
{
	EMR_AUTO_BUF descriptor = {0};

	EMR_TRY(emr_chain_descriptor(served->rows, &descriptor));
	emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, served->net_id.b);
	return EMR_OK;
}

static emr_status open_rows(emr_served *served, bool may_make)
{
	return emr_chain_open(served->dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, may_make,
		SERVED_BUSY_MS, &served->rows);
}

emr_status served_open_recovery(emr_served *served)
{
	const bool is_lost = faccessat(served->dirfd, EMR_NETWORK_LEDGER, F_OK, 0) != 0;
	uint8_t bytes[EMR_RESTART_RECOVERY_BYTES];
	EMR_AUTO_BUF restarts = {0};
	uint64_t size = 0;
	emr_status status;

	served->heard = calloc(1, sizeof *served->heard);
	EMR_TRY(served->heard != NULL ? EMR_OK : EMR_NO_MEMORY);
	served->changed_ns = emr_clock_boot_ns(served->clock);
	if (!is_lost)
		EMR_TRY(open_rows(served, false));
	if (served->rows != NULL)
		EMR_TRY(emr_chain_size(served->rows, &size));
	if (size > 0)
		EMR_TRY(know_network(served));
	status = read_summed(served->host_dirfd, EMR_RESTART_RECOVERY, bytes, sizeof bytes);
	if (status == EMR_OK)
		EMR_TRY(take_up(served, bytes));
	else if (status != EMR_NOT_FOUND || is_lost || is_elsewhere(served))
		EMR_TRY(begin(served, size));
	else
		EMR_TRY(keep_place(served));
	if (is_lost)
		EMR_TRY(open_rows(served, true));
	EMR_TRY(read_restarts(served, &restarts));
	status = emr_restart_each(emr_buf_view(&restarts), note_restart, served);
	return status == EMR_EXISTS ? finish(served) : status;
}

/* ---- what members bring ---- */

/* Whether the chain here is that of HEAD, as far as that can be told. */
static emr_status compare(
	emr_served *served, const emr_restart_head *head, uint64_t size, bool *out_is_same)
{
	uint8_t hash[32];

	*out_is_same = true;
	if (head->head.size <= size) {
		EMR_TRY(emr_required(emr_chain_root(served->rows, head->head.size, hash)));
		*out_is_same = memcmp(hash, head->head.root, sizeof hash) == 0;
	} else if (head->at > 0 && head->at <= size) {
		EMR_TRY(emr_required(emr_chain_leaf(served->rows, head->at - 1, hash)));
		*out_is_same = memcmp(hash, head->leaf, sizeof hash) == 0;
	}
	return EMR_OK;
}

/* Both notes, for whoever has to be shown: the one that this chain fits, if there is one, and the
 * other. */
static emr_status keep_split(emr_served *served, const emr_restart_head *head)
{
	EMR_AUTO_BUF notes = {0};
	emr_status status =
		emr_file_read(served->host_dirfd, EMR_RESTART_HEAD, EMR_CHECKPOINT_MAX, &notes);

	if (served->is_split)
		return EMR_CONFLICT;
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(emr_buf_append(&notes, head->note.data, head->note.len));
	EMR_TRY(emr_file_replace(
		served->host_dirfd, EMR_RESTART_SPLIT, emr_buf_view(&notes), 0600));
	served->is_split = true;
	emr_log(EMR_LOG_ERROR, "host: its key has signed two histories of the ledger, and it waits "
			       "(" EMR_RESTART_SPLIT ")");
	return EMR_CONFLICT;
}

/* An emr_chain_fetch_fn: the parts stand behind their entry, in this order. */
static emr_status next_parts(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	emr_bytes part;

	(void)keys;
	for (size_t i = 0; i < n; i++) {
		EMR_TRY(wire_read_part(arg, &part) ? EMR_OK : EMR_INVALID);
		EMR_TRY(fn(fn_arg, i, part));
	}
	return EMR_OK;
}

typedef struct filling {
	emr_served *served;
	emr_reader *reader;
} filling;

/* The same of an entry that is here. */
static emr_status fill_parts(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	const filling *f = arg;
	emr_bytes part;
	bool fits;

	(void)fn;
	(void)fn_arg;
	for (size_t i = 0; i < n; i++) {
		EMR_TRY(wire_read_part(f->reader, &part) ? EMR_OK : EMR_INVALID);
		if (part.data != NULL)
			EMR_TRY(emr_chain_fill(f->served->rows, &keys[i], part, &fits));
	}
	return EMR_OK;
}

/* The descriptor stands beside the ledger, too; which network it is says the head. */
static emr_status take_first(emr_served *served, const emr_ledger_entry *entry, emr_id16 net_id)
{
	emr_id16 found;

	emr_descriptor_net_id((emr_span){entry->entry.data, entry->entry.len}, found.b);
	if (!emr_id16_equal(found, net_id))
		return EMR_INVALID;
	served->net_id = net_id;
	return emr_file_replace(served->dirfd, EMR_NETWORK_DESCRIPTOR, entry->entry, 0600);
}

static emr_status take_entry(emr_served *served, const emr_ledger_entry *entry, emr_id16 net_id,
	emr_reader *reader, emr_chain_parts *parts)
{
	const emr_chain_checked checked = {.is_from_peer = true};
	filling f = {served, reader};
	emr_ledger_trouble trouble;
	uint64_t size;
	uint8_t here[32], leaf[32];
	emr_status status;

	EMR_TRY(emr_chain_size(served->rows, &size));
	if (entry->seq < size) {
		emr_entry_leaf((emr_span){entry->entry.data, entry->entry.len}, leaf);
		EMR_TRY(emr_required(emr_chain_leaf(served->rows, entry->seq, here)));
		return memcmp(here, leaf, sizeof leaf) == 0
			       ? emr_chain_parts_of(entry, fill_parts, &f, NULL, NULL, parts)
			       : EMR_INVALID;
	}
	if (entry->seq == 0)
		EMR_TRY(take_first(served, entry, net_id));
	EMR_TRY(emr_chain_parts_of(entry, next_parts, reader, NULL, NULL, parts));
	status =
		emr_chain_follow(served->rows, entry, &checked, parts->spans, NULL, NULL, &trouble);
	return status == EMR_DAMAGED || status == EMR_FORK ? EMR_INVALID : status;
}

/* In a transaction.  The last one is under HEAD, and each has the hash of the one before: so all
 * are. */
static emr_status take_entries(emr_served *served, const emr_restart_head *head, emr_reader *reader)
{
	EMR_AUTO_FREE emr_chain_parts *parts = calloc(1, sizeof *parts);
	emr_status status = parts != NULL ? EMR_OK : EMR_NO_MEMORY;
	emr_ledger_entry entry;
	uint64_t before, size = 0;
	uint8_t leaf[32];

	EMR_TRY(status);
	EMR_TRY(emr_chain_size(served->rows, &before));
	while (status == EMR_OK && wire_read_entry(reader, &entry))
		status = take_entry(served, &entry, head->head.net_id, reader, parts);
	emr_chain_parts_free(parts);
	EMR_TRY(status);
	EMR_TRY(emr_chain_size(served->rows, &size));
	if (reader->bad || (size > before && size != head->at))
		return EMR_INVALID;
	if (size == before)
		return EMR_OK;
	EMR_TRY(emr_chain_leaf(served->rows, size - 1, leaf));
	served->changed_ns = emr_clock_boot_ns(served->clock);
	return memcmp(leaf, head->leaf, sizeof leaf) == 0 ? EMR_OK : EMR_INVALID;
}

/* Under rows_lock. */
static emr_status take_head(emr_served *served, const emr_restart_head *head)
{
	uint64_t size;
	bool is_same;

	EMR_TRY(emr_chain_size(served->rows, &size));
	if (size > 0 && !emr_id16_equal(head->head.net_id, served->net_id))
		return EMR_DENIED;
	/* Behind a restart it is known what went. */
	if (head->head.sigs[0].time <= served->restarted)
		return EMR_DENIED;
	EMR_TRY(compare(served, head, size, &is_same));
	if (!is_same || head->head.size > size)
		EMR_TRY(begin(served, size));
	if (!is_same)
		return keep_split(served, head);
	if (!atomic_load(&served->is_recovering) || head->head.size <= served->known)
		return EMR_OK;
	EMR_TRY(emr_file_replace(served->host_dirfd, EMR_RESTART_HEAD, head->note, 0600));
	served->known = head->head.size;
	served->changed_ns = emr_clock_boot_ns(served->clock);
	return EMR_OK;
}

emr_status served_take_brought(emr_served *served, emr_serve_call *call)
{
	emr_reader reader = emr_reader_of(emr_buf_view(&call->body));
	emr_restart_head head;
	EMR_LOCKED(&served->rows_lock);

	if (served->host_dirfd < 0 || emr_restart_head_read(&reader, &head) != EMR_OK)
		return EMR_INVALID;
	if (head.head.n_sigs != 1 ||
		emr_checkpoint_verify(
			&head.head, emr_checkpoint_host_id(served->key.b), served->key.b) != EMR_OK)
		return EMR_DENIED;
	EMR_TRY(take_head(served, &head));
	if (reader.left == 0)
		return EMR_OK;
	EMR_TRY(emr_chain_begin(served->rows));
	return emr_chain_end(served->rows, take_entries(served, &head, &reader));
}

/* ---- administrators, and the restart ---- */

emr_status served_take_heard(emr_served *served, emr_serve_call *call)
{
	EMR_AUTO_BUF bytes = {0};
	emr_checkpoint note;
	emr_row_key row;
	emr_id32 signer;
	uint64_t size;
	uint8_t root[32];
	emr_status status;
	EMR_LOCKED(&served->rows_lock);

	EMR_TRY(emr_checkpoint_parse_kind(
		emr_buf_view(&call->body), EMR_CHECKPOINT_RESTART, &note));
	if (!atomic_load(&served->is_recovering))
		return EMR_NOT_FOUND;
	EMR_TRY(emr_chain_size(served->rows, &size));
	if (note.size == 0 || note.size > size || !emr_id16_equal(note.net_id, served->net_id))
		return EMR_DENIED;
	EMR_TRY(emr_required(emr_chain_root(served->rows, note.size, root)));
	status = emr_restart_signer(&note, served->rows, &signer, &row);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	if (status == EMR_NOT_FOUND || (row.roles & EMR_ROLE_ORG_ADMIN) == 0 ||
		memcmp(root, note.root, sizeof root) != 0)
		return EMR_DENIED;
	served->heard->net_id = note.net_id;
	EMR_TRY(emr_restart_add(served->heard, &note));
	EMR_TRY(emr_restart_write(served->heard, &bytes));
	return emr_file_replace(served->host_dirfd, EMR_RESTART_HEARD, emr_buf_view(&bytes), 0600);
}

static emr_status is_heard(void *arg, const uint8_t org[16], const emr_restart_heard *heard)
{
	(void)arg;
	(void)org;
	return heard != NULL ? EMR_OK : EMR_AWAITED;
}

static emr_status restart(emr_served *served)
{
	EMR_AUTO_BUF restarts = {0};
	emr_checkpoint said;

	emr_restart_said(served->heard, &said);
	said.n_sigs = 0;
	EMR_TRY(served_sign(served, &said));
	served->heard->sig = said.sigs[0];
	EMR_TRY(read_restarts(served, &restarts));
	EMR_TRY(emr_restart_write(served->heard, &restarts));
	EMR_TRY(restarts.len <= EMR_RESTARTS_MAX ? EMR_OK : EMR_LIMIT);
	EMR_TRY(emr_file_replace(served->host_dirfd, EMR_RESTARTS, emr_buf_view(&restarts), 0600));
	served->restarted = said.sigs[0].time;
	return finish(served);
}

void served_turn_recovery(emr_served *served)
{
	const int64_t now = emr_clock_boot_ns(served->clock);
	emr_restart *heard = served->heard;
	emr_status status = EMR_AWAITED;
	EMR_LOCKED(&served->rows_lock);

	if (!atomic_load(&served->is_recovering) || served->is_split || heard->n_heard == 0)
		return;
	if (emr_chain_size(served->rows, &heard->size) != EMR_OK || heard->size == 0 ||
		now - served->changed_ns < (served->known > heard->size ? LACKING_NS : QUIET_NS) ||
		emr_chain_root(served->rows, heard->size, heard->root) != EMR_OK)
		return;
	status = emr_restart_each_org(heard, served->rows, is_heard, NULL);
	if (status == EMR_OK)
		status = restart(served);
	if (status != EMR_OK && status != EMR_AWAITED)
		emr_log(EMR_LOG_ERROR, "host: it cannot go on: %s", emr_status_text(status));
}

/* ---- what it says of itself ---- */

emr_status served_give_recovery(emr_served *served, emr_serve_call *call)
{
	emr_writer w = emr_writer_of(&call->out);
	uint64_t size = 0;
	EMR_LOCKED(&served->rows_lock);

	if (!atomic_load(&served->is_recovering))
		return EMR_NOT_FOUND;
	EMR_TRY(emr_chain_size(served->rows, &size));
	emr_write_bytes(&w, served->heard->recovery.b, 16);
	emr_write_u64(&w, served->lost_from);
	emr_write_u64(&w, size);
	emr_write_u64(&w, served->known);
	emr_write_u8(&w, served->is_split);
	return w.status;
}
