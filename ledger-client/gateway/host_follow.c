/* This file keeps a ledger on Fabric up with its channel: whom it asks, the place in the blocks,
 * and what is known of how that goes. */
#include <string.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/hashsig.h"
#include "host_private.h"

#define ROUND_BLOCKS 64
#define BLOCK_MS 1000 /* that a block may take on the average, behind the first minute */
#define POSITION_NAME "fabric.position"
#define POSITION_BYTES 120
#define POSITION_BLOCKS 256 /* read again at most, after a kill */

/* A refusal of this computer by a gateway, or by a program that answers in its place, is no verdict
 * of the contract: the batch was not judged, and the same may be asked again. */
static bool is_no_verdict(const emr_gateway_call *call, emr_status status)
{
	return status == emr_gateway_fault_status(call->fault) &&
	       (status == EMR_DENIED || status == EMR_UNSUPPORTED || status == EMR_INVALID);
}

emr_status host_status(const emr_gateway_call *call, emr_status status)
{
	if (status != EMR_OK && call->fault == EMR_GATEWAY_FINE) /* before a gateway was called */
		emr_log(EMR_LOG_WARN, "fabric: %s", emr_status_text(status));
	else if (status != EMR_OK && status != EMR_INTERRUPTED)
		gateway_log_fault("fabric", call);
	return is_no_verdict(call, status) ? emr_ledger_absence_of(status) : status;
}

/* ---- the place in the blocks ---- */

/* "EMFP", 1, 0[3], entries of the log u64, next block u64, hash, digest, SHA-256 of all that.  It
 * only saves reading blocks again: one that is not there, or ahead of the log (which a power cut
 * may have shortened), counts as none. */
void host_keep_position(fabric_host *h)
{
	uint8_t bytes[POSITION_BYTES] = "EMFP\1";
	uint64_t size = 0;

	if (h->position.next_block == h->kept_block || emr_chain_size(h->chain, &size) != EMR_OK)
		return;
	emr_put_u64(bytes + 8, size);
	emr_put_u64(bytes + 16, h->position.next_block);
	memcpy(bytes + 24, h->position.hash, 32);
	memcpy(bytes + 56, h->position.digest, 32);
	emr_sha256(bytes, POSITION_BYTES - 32, bytes + POSITION_BYTES - 32);
	if (emr_file_replace(h->dirfd, POSITION_NAME, emr_bytes_of(bytes, sizeof bytes), 0600) ==
		EMR_OK)
		h->kept_block = h->position.next_block;
}

void host_find_position(fabric_host *h)
{
	EMR_AUTO_BUF bytes = {0};
	uint8_t sum[32];
	uint64_t size = 0;

	if (emr_file_read(h->dirfd, POSITION_NAME, POSITION_BYTES, &bytes) != EMR_OK ||
		bytes.len != POSITION_BYTES || memcmp(bytes.data, "EMFP\1\0\0", 8) != 0 ||
		emr_chain_size(h->chain, &size) != EMR_OK || emr_get_u64(bytes.data + 8) > size)
		return;
	emr_sha256(bytes.data, POSITION_BYTES - 32, sum);
	if (memcmp(sum, bytes.data + POSITION_BYTES - 32, sizeof sum) != 0)
		return;
	h->position.next_block = h->kept_block = emr_get_u64(bytes.data + 16);
	memcpy(h->position.hash, bytes.data + 24, 32);
	memcpy(h->position.digest, bytes.data + 56, 32);
}

emr_status host_line(fabric_host *h, emr_gateway **out_gateway)
{
	*out_gateway = h->gateway;
	return h->line != NULL ? h->line(h->line_arg, out_gateway) : EMR_OK;
}

static void note_followed(fabric_host *h, emr_status status, emr_gateway_fault fault)
{
	EMR_LOCKED(&h->known_lock);

	/* While all rest nobody is asked: what made them rest is what is known. */
	if (fault != EMR_GATEWAY_RESTING || h->last == EMR_OK) {
		h->last = status;
		h->fault = fault;
	}
	h->is_hurried = false;
	h->asked_ns = emr_clock_boot_ns(emr_clock_system());
	if (status == EMR_OK)
		h->away_unix_s = 0;
	else if (h->away_unix_s == 0)
		h->away_unix_s = emr_clock_unix_s(emr_clock_system());
}

/* That nothing was heard in a moment says nothing yet. */
static void note_put_off(fabric_host *h)
{
	EMR_LOCKED(&h->known_lock);

	h->asked_ns = emr_clock_boot_ns(emr_clock_system());
	h->away_unix_s = emr_clock_unix_s(emr_clock_system());
}

/* A caller that looks meanwhile sees for how long nothing was heard. */
static void note_asking(fabric_host *h, int64_t since_ns)
{
	EMR_LOCKED(&h->known_lock);

	h->asking_ns = since_ns;
}

/* Blocks until there are no more.  A gateway that answers in time and tells next to nothing does
 * not hold up whoever waits: what it has told is kept, and the rest is for the next time. */
static emr_status follow_blocks(
	fabric_host *h, emr_gateway *gateway, emr_gateway_call *call, emr_ledger_trouble *trouble)
{
	const uint32_t most_ms = call->timeout_ms;
	const emr_clock *clock = emr_clock_system();
	int64_t until = emr_clock_boot_ns(clock) + (int64_t)most_ms * 1000000;
	uint64_t height = 0;
	emr_status status;

	do {
		const uint64_t before = h->position.next_block;
		int64_t left_ms = (until - emr_clock_boot_ns(clock)) / 1000000;

		if (left_ms <= 0)
			return EMR_TIMEOUT;
		call->timeout_ms = left_ms < most_ms ? (uint32_t)left_ms : most_ms;
		note_asking(h, emr_clock_boot_ns(clock));
		status = emr_observe(gateway, call, h->chain, emr_buf_view(&h->descriptor),
			&h->position, ROUND_BLOCKS, &height, trouble);
		until += (int64_t)(h->position.next_block - before) * BLOCK_MS * 1000000;
	} while (status == EMR_OK && h->position.next_block < height);
	return status;
}

emr_status host_follow_for(fabric_host *h, uint32_t timeout_ms, int cancel_fd)
{
	emr_gateway_call call = emr_gateway_call_of(timeout_ms, cancel_fd);
	emr_ledger_trouble trouble = {.status = EMR_OK};
	emr_gateway *gateway = NULL;
	emr_status status = host_line(h, &gateway);

	if (status == EMR_OK)
		status = follow_blocks(h, gateway, &call, &trouble);
	note_asking(h, 0);
	/* A peer that has fewer blocks than others have told is behind, which passes: what it
	 * withholds it could withhold by telling nothing new, too. */
	if (status == EMR_ROLLBACK)
		status = EMR_OFFLINE;
	if (status == EMR_TIMEOUT && timeout_ms == HOST_MOMENT_MS) {
		note_put_off(h);
		return EMR_OFFLINE;
	}
	/* A gateway, or a log, that others are busy with is not away. */
	if (status != EMR_INTERRUPTED && status != EMR_BUSY)
		note_followed(h, status,
			call.fault != EMR_GATEWAY_FINE ? call.fault
			: status == EMR_NO_MODULE      ? EMR_GATEWAY_NO_MODULE
						       : EMR_GATEWAY_HERE);
	if (h->position.next_block >= h->kept_block + POSITION_BLOCKS)
		host_keep_position(h);
	if (trouble.status != EMR_OK)
		emr_log(EMR_LOG_ERROR, "fabric: entry %llu: %s", (unsigned long long)trouble.seq,
			trouble.cause);
	return trouble.status != EMR_OK ? status : host_status(&call, status);
}

emr_status host_follow(fabric_host *h, int cancel_fd)
{
	return host_follow_for(h, h->timeout_ms, cancel_fd);
}
