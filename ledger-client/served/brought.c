/* This file takes what members bring to a host that lost entries of its ledger: its own heads, and
 * the entries that they prove. It refuses what no head of its own proves, and has the host wait,
 * with both as evidence, where two such heads lie on different chains. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/worker.h"
#include "ledger/network.h"
#include "served_private.h"

emr_status served_begin_recovery(emr_served *served, uint64_t size)
{
	emr_recovery lost = {.id = emr_id16_random()};
	EMR_AUTO_BUF own = {0};

	if (atomic_load(&served->is_recovering))
		return EMR_OK;
	(void)unlinkat(served->host_dirfd, EMR_RECOVERY_HEAD, 0);
	(void)unlinkat(served->host_dirfd, EMR_RECOVERY_SECOND, 0);
	(void)unlinkat(served->host_dirfd, EMR_RECOVERY_OTHER, 0);
	/* The last head of a host that serves is the other half of a proof that its key was stolen.
	 */
	if (served->ledger != NULL) {
		EMR_TRY(served_put_head(served, size, &own));
		EMR_TRY(emr_checkpoint_parse(emr_buf_view(&own), &lost.heads[0]));
		EMR_TRY(emr_file_replace(
			served->host_dirfd, EMR_RECOVERY_HEAD, emr_buf_view(&own), 0600));
	}
	EMR_TRY(emr_file_replace(
		served->host_dirfd, EMR_RECOVERY, emr_bytes_of(lost.id.b, sizeof lost.id.b), 0600));
	served->lost = lost;
	atomic_store(&served->is_recovering, true);
	emr_log(EMR_LOG_WARN,
		"host: entries of the ledger are lost; they are taken from its members");
	return EMR_OK;
}

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

/* Both notes are kept, for whoever has to be shown. */
static emr_status keep_split(emr_served *served, emr_bytes note)
{
	if (served->lost.is_split)
		return EMR_CONFLICT;
	EMR_TRY(emr_file_replace(served->host_dirfd, EMR_RECOVERY_OTHER, note, 0600));
	served->lost.is_split = true;
	emr_log(EMR_LOG_ERROR, "host: its key has signed two histories of the ledger, and it waits "
			       "(" EMR_RECOVERY_OTHER ")");
	return EMR_CONFLICT;
}

/* The largest, and another one that cannot be compared with the SIZE entries here yet. */
static emr_status keep_head(emr_served *served, const emr_restart_head *head, uint64_t size)
{
	emr_checkpoint *newest = served->lost.heads, *second = newest + 1;
	const bool is_newest = head->head.size > newest->size;

	if (head->head.size == newest->size)
		return memcmp(head->head.root, newest->root, 32) == 0
			       ? EMR_OK
			       : keep_split(served, head->note);
	if (!is_newest && head->head.size <= size)
		return EMR_OK;
	if (is_newest && newest->size > size) {
		if (renameat(served->host_dirfd, EMR_RECOVERY_HEAD, served->host_dirfd,
			    EMR_RECOVERY_SECOND) != 0)
			return emr_status_from_errno(errno);
		*second = *newest;
	}
	EMR_TRY(emr_file_replace(served->host_dirfd,
		is_newest ? EMR_RECOVERY_HEAD : EMR_RECOVERY_SECOND, head->note, 0600));
	*(is_newest ? newest : second) = head->head;
	served->changed_ns = emr_clock_boot_ns(served->clock);
	served->net_id = head->head.net_id;
	return EMR_OK;
}

emr_status served_compare_kept(emr_served *served, uint64_t size, emr_bytes shown)
{
	bool is_same = true;

	for (size_t i = 0; is_same && i < EMR_RECOVERY_HEADS; i++) {
		const emr_restart_head kept = {.head = served->lost.heads[i]};

		if (kept.head.size > 0)
			EMR_TRY(compare(served, &kept, size, &is_same));
	}
	return is_same ? EMR_OK : keep_split(served, shown);
}

/* An emr_chain_fetch_fn: the parts stand behind their entry, in this order. */
static emr_status next_parts(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	emr_reader *reader = arg;
	emr_bytes part;

	(void)keys;
	for (size_t i = 0; i < n; i++) {
		part = emr_read_bytes(reader, emr_read_u32(reader));
		EMR_TRY(reader->bad ? EMR_INVALID : EMR_OK);
		EMR_TRY(fn(fn_arg, i, part.len > 0 ? part : (emr_bytes){0}));
	}
	return EMR_OK;
}

/* The descriptor stands beside the ledger, too; which network it is says the head. */
static emr_status take_first(emr_served *served, const emr_ledger_entry *entry, emr_id16 net_id)
{
	emr_id16 found;

	emr_descriptor_net_id(emr_span_of(entry->entry), found.b);
	if (!emr_id16_equal(found, net_id))
		return EMR_INVALID;
	served->net_id = net_id;
	return emr_file_replace(served->dirfd, EMR_NETWORK_DESCRIPTOR, entry->entry, 0600);
}

static emr_status take_entry(emr_served *served, const emr_ledger_entry *entry, emr_id16 net_id,
	emr_reader *reader, emr_chain_parts *parts)
{
	const emr_chain_checked checked = {.is_from_peer = true};
	emr_ledger_trouble trouble;
	emr_status status;

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
	uint64_t size = 0;
	uint8_t leaf[32];

	while (status == EMR_OK && wire_read_entry(reader, &entry))
		status = take_entry(served, &entry, head->head.net_id, reader, parts);
	if (parts != NULL)
		emr_chain_parts_free(parts);
	EMR_TRY(status);
	EMR_TRY(emr_chain_size(served->rows, &size));
	if (reader->bad || size != head->at)
		return EMR_INVALID;
	EMR_TRY(emr_chain_leaf(served->rows, size - 1, leaf));
	return memcmp(leaf, head->leaf, sizeof leaf) == 0 ? EMR_OK : EMR_INVALID;
}

/* Behind a restart it is known what went: what lies behind its place. */
static bool is_before_restart(const emr_served *served, const emr_checkpoint *head)
{
	EMR_EACH (const emr_checkpoint, said, &served->restarts)
		if (head->size > said->size && head->sigs[0].time < said->sigs[0].time)
			return true;
	return false;
}

/* Under rows_lock. */
static emr_status take_head(emr_served *served, const emr_restart_head *head)
{
	uint64_t size;
	bool is_same;

	EMR_TRY(emr_chain_size(served->rows, &size));
	is_same = emr_id16_is_zero(served->net_id) ||
		  emr_id16_equal(head->head.net_id, served->net_id);
	if ((!is_same && served->is_net_known) || is_before_restart(served, &head->head))
		return EMR_DENIED;
	if (is_same)
		EMR_TRY(compare(served, head, size, &is_same));
	if (!is_same || head->head.size > size)
		EMR_TRY(served_begin_recovery(served, size));
	if (!is_same)
		return keep_split(served, head->note);
	return atomic_load(&served->is_recovering) ? keep_head(served, head, size) : EMR_OK;
}

emr_status served_take_brought(emr_served *served, emr_serve_call *call)
{
	emr_reader reader = emr_reader_of(emr_buf_view(&call->body));
	emr_restart_head head;
	uint64_t size;
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
	EMR_TRY(emr_chain_end(served->rows, take_entries(served, &head, &reader)));
	served->changed_ns = emr_clock_boot_ns(served->clock);
	EMR_TRY(emr_chain_size(served->rows, &size));
	return served_compare_kept(served, size, head.note);
}
