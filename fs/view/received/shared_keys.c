/* The keys that were released of a received share, of names and of what was read, are kept in the
 * file shared-keys, sealed, until the grant ends, so that they need not be asked for at each start.
 * This file reads, writes and shortens it. Each key is sealed for memory, and the whole for the
 * disk, which tells nobody whose shares these are. */
#include <string.h>

#include "base/log.h"
#include "keyring/sealed.h"

#include "edit.h"
#include "node.h"
#include "shared.h"

#define FILE_NAME "shared-keys"
#define FILE_MAX ((size_t)16 << 20)
/* The file is written as a whole: once for what a second opens, not for each of a thousand shares.
 */
#define WRITE_NS INT64_C(1000000000)

static const uint8_t head[EMR_SEALED_HEAD_BYTES] = {'E', 'M', 'S', 'K', 1};

/* A folder that is open for reading only keeps them, too: a reader with a limit a day asks for each
 * file once. */
static void write_file(emr_view *view)
{
	emr_status status;

	view->shares->has_new_keys = false;
	status = emr_sealed_save(view->options.keyring, view->options.state_dirfd, FILE_NAME, head,
		emr_buf_view(&view->shares->kept_keys));
	if (status != EMR_OK && status != EMR_READ_ONLY) /* a disk that takes nothing */
		emr_log(EMR_LOG_WARN, "shares: keys are not kept: %s", emr_status_text(status));
}

/* By its time, or by the ledger; IO_IS of the grant IO_GRANT, which was looked at before. */
static bool is_over(emr_view *view, const uint8_t *row, emr_id16 *io_grant, bool *io_is)
{
	uint64_t end;
	emr_id16 domain, grant;

	emr_kept_key_of(row, &domain, &grant, &end);
	if (emr_id16_equal(grant, *io_grant))
		return *io_is;
	*io_grant = grant;
	*io_is = end <= (uint64_t)(view_now_ns(view) / 1000000000) ||
		 emr_kept_is_over(view->options.replica, domain, grant);
	return *io_is;
}

/* Drops the keys of GRANT, and those that have ended; true when there were any. */
static bool leave_out(emr_view *view, emr_id16 grant)
{
	emr_buf *kept = &view->shares->kept_keys;
	size_t len = 0, was = kept->len;
	emr_id16 domain, one, last = {{0}};
	bool is = false;
	uint64_t end;

	for (size_t at = 0; at < kept->len; at += EMR_KEPT_KEY_BYTES) {
		emr_kept_key_of(kept->data + at, &domain, &one, &end);
		if (emr_id16_equal(one, grant) || is_over(view, kept->data + at, &last, &is))
			continue;
		memmove(kept->data + len, kept->data + at, EMR_KEPT_KEY_BYTES);
		len += EMR_KEPT_KEY_BYTES;
	}
	kept->len = len;
	return len != was;
}

static void write_soon(emr_view *view)
{
	if (!view->shares->has_new_keys)
		view->shares->keys_due_boot_ns = view_boot_ns(view) + WRITE_NS;
	view->shares->has_new_keys = true;
}

/* Without the file everything is asked for again; a damaged or a newer one is as good as none. */
static void need_file(emr_view *view)
{
	shares *all = view->shares;
	emr_status status;

	if (all->has_kept_keys)
		return;
	all->has_kept_keys = true;
	status = emr_sealed_load(view->options.keyring, view->options.state_dirfd, FILE_NAME, head,
		FILE_MAX, &all->kept_keys);
	if (status == EMR_OK && all->kept_keys.len % EMR_KEPT_KEY_BYTES != 0)
		status = EMR_DAMAGED;
	if (status != EMR_OK)
		emr_buf_clear(&all->kept_keys);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		emr_log(EMR_LOG_WARN, "shares: kept keys are not used: %s",
			emr_status_text(status));
	if (leave_out(view, (emr_id16){{0}})) /* while the folder was closed */
		write_soon(view);
}

bool shared_keeps_keys(emr_view *view, const shared_share *s)
{
	const emr_buf *kept = &view->shares->kept_keys;
	uint64_t end;
	emr_id16 domain, one;

	need_file(view);
	for (size_t at = 0; at < kept->len; at += EMR_KEPT_KEY_BYTES) {
		emr_kept_key_of(kept->data + at, &domain, &one, &end);
		if (emr_id16_equal(one, s->grant.grant))
			return true;
	}
	return false;
}

void shared_load_keys(emr_view *view, shared_share *s)
{
	emr_buf *kept = &view->shares->kept_keys;
	size_t was;
	emr_status status;

	need_file(view);
	was = kept->len;
	status = emr_shared_load_keys(s->opened, kept);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "shares: a kept key does not open: %s",
			emr_status_text(status));
	if (kept->len == was)
		return;
	write_soon(view);
	shared_save_keys(view, s); /* by this grant, what one before it had */
}

void shared_save_keys(emr_view *view, shared_share *s)
{
	emr_buf *kept = &view->shares->kept_keys;
	size_t was;
	emr_status status;

	need_file(view);
	was = kept->len;
	status = emr_shared_save_keys(s->opened, kept);
	if (kept->len > FILE_MAX) /* what was there before is worth as much */
		kept->len = was;
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "shares: keys are not kept: %s", emr_status_text(status));
	if (kept->len != was)
		write_soon(view);
}

int64_t shared_write_keys(emr_view *view)
{
	const shares *all = view->shares;

	if (all->has_new_keys && view_boot_ns(view) >= all->keys_due_boot_ns)
		write_file(view);
	return all->has_new_keys ? all->keys_due_boot_ns : INT64_MAX;
}

void shared_end_keys(emr_view *view)
{
	if (view->shares->has_new_keys)
		write_file(view);
}

void shared_drop_keys(emr_view *view, emr_id16 grant)
{
	need_file(view);
	if (leave_out(view, grant) || view->shares->has_new_keys)
		write_file(view);
}
