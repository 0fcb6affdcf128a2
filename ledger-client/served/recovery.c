/* This file is a host that lost entries of its ledger: it notices that, also when it is started
 * again, takes them from its members (brought.c), hears the administrators, and then restarts
 * (ledger/restart.h). Meanwhile it takes no batch and signs no head. It waits where two of its own
 * heads lie on different chains, and for an administrator of each organisation. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/worker.h"
#include "contract/codes.h"
#include "keyring/cert.h"
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

emr_status served_begin_recovery(emr_served *served, uint64_t size)
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

static void take_up(emr_served *served, const uint8_t bytes[EMR_RESTART_RECOVERY_BYTES])
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
}

static emr_status know_network(emr_served *served)
{
	EMR_AUTO_BUF descriptor = {0};

	EMR_TRY(emr_chain_descriptor(served->rows, &descriptor));
	emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, served->net_id.b);
	return EMR_OK;
}

static emr_status open_rows(int dirfd, bool may_make, emr_chain **out_rows)
{
	return emr_chain_open(
		dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, may_make, SERVED_BUSY_MS, out_rows);
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
		EMR_TRY(open_rows(served->dirfd, false, &served->rows));
	if (served->rows != NULL)
		EMR_TRY(emr_chain_size(served->rows, &size));
	if (size > 0)
		EMR_TRY(know_network(served));
	status = read_summed(served->host_dirfd, EMR_RESTART_RECOVERY, bytes, sizeof bytes);
	if (status == EMR_OK)
		take_up(served, bytes);
	else if (status != EMR_NOT_FOUND || is_lost || is_elsewhere(served))
		EMR_TRY(served_begin_recovery(served, size));
	else
		EMR_TRY(keep_place(served));
	if (is_lost)
		EMR_TRY(open_rows(served->dirfd, true, &served->rows));
	EMR_TRY(read_restarts(served, &restarts));
	status = emr_restart_each(emr_buf_view(&restarts), note_restart, served);
	return status == EMR_EXISTS ? finish(served) : status;
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

typedef struct telling {
	emr_chain *names; /* another connection: rows of the first are being read */
	emr_served_org_fn fn;
	void *arg;
} telling;

/* By its certificate authority, which bears its name where emrfs has made it. */
static emr_status tell_org(void *arg, const uint8_t org[16], const emr_restart_heard *heard)
{
	const telling *t = arg;
	EMR_AUTO_BUF descriptor = {0};
	EMR_AUTO_BUF authority = {0};
	emr_descriptor network;
	emr_descriptor_org founder;
	emr_cert_facts facts;
	emr_id16 id;
	char name[EMR_CERT_HANDLE_MAX + 1];

	memcpy(id.b, org, sizeof id.b);
	emr_hex(org, sizeof id.b, name);
	EMR_TRY(emr_chain_descriptor(t->names, &descriptor));
	if (emr_descriptor_parse((emr_span){descriptor.data, descriptor.len}, &network) ==
			EMR_CONTRACT_OK &&
		emr_descriptor_find(&network, org, &founder) && founder.name.len < sizeof name)
		(void)snprintf(name, sizeof name, "%.*s", (int)founder.name.len,
			(const char *)founder.name.data);
	else if (emr_chain_authority(t->names, id, &authority) == EMR_OK &&
		 emr_cert_read(emr_buf_view(&authority), &facts) == EMR_OK)
		(void)snprintf(name, sizeof name, "%s", facts.handle);
	return t->fn(t->arg, name, heard != NULL);
}

emr_status emr_served_recovery_tell(
	const char *dir, emr_served_recovery *out, emr_served_org_fn fn, void *arg)
{
	EMR_AUTO_FD dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_FD host = openat(dirfd, "host", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_FD ledger = openat(dirfd, "ledger", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_FREE emr_restart *heard = calloc(1, sizeof *heard);
	emr_served served = {.dirfd = ledger, .host_dirfd = host, .heard = heard};
	EMR_AUTO_CHAIN rows = NULL;
	EMR_AUTO_CHAIN names = NULL;
	uint8_t bytes[EMR_RESTART_RECOVERY_BYTES];

	if (heard == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(host >= 0 ? read_summed(host, EMR_RESTART_RECOVERY, bytes, sizeof bytes)
			  : EMR_NOT_FOUND);
	take_up(&served, bytes);
	if (ledger >= 0 && open_rows(ledger, false, &rows) == EMR_OK) {
		EMR_TRY(emr_chain_size(rows, &heard->size));
		EMR_TRY(open_rows(ledger, false, &names));
	}
	*out = (emr_served_recovery){.from = served.lost_from,
		.size = heard->size,
		.head = served.known,
		.is_split = served.is_split};
	return heard->size > 0
		       ? emr_restart_each_org(heard, rows, tell_org, &(telling){names, fn, arg})
		       : EMR_OK;
}

emr_status emr_served_mark_copy(int host_dirfd)
{
	const uint8_t nowhere[EMR_RESTART_PLACE_BYTES] = {0};

	return put_summed(host_dirfd, EMR_RESTART_PLACE, emr_bytes_of(nowhere, sizeof nowhere));
}
