/* The keys that open the names in a received share are kept in the file shared-names, sealed,
 * until the grant ends, so that they need not be asked for at each start. This file reads,
 * writes and shortens it. */
#include <string.h>

#include "base/file.h"
#include "base/log.h"

#include "edit.h"
#include "health.h"
#include "node.h"
#include "shared.h"

#define FILE_NAME "shared-names"
#define FILE_MAX ((size_t)4 << 20)
#define HEAD_BYTES 8
/* The file is written as a whole: once for what a second opens, not for each of a thousand shares.
 */
#define WRITE_NS INT64_C(1000000000)

static const uint8_t head[HEAD_BYTES] = {'E', 'M', 'S', 'N', 1};

/* Any thread: the file is replaced in one step. */
static emr_status read_file(const emr_view *view, emr_buf *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_status status =
		emr_file_read_private(view->options.state_dirfd, FILE_NAME, FILE_MAX, &bytes);

	if (status == EMR_OK &&
		(bytes.len < HEAD_BYTES || memcmp(bytes.data, head, HEAD_BYTES) != 0 ||
			(bytes.len - HEAD_BYTES) % EMR_KEPT_NAME_BYTES != 0))
		status = EMR_DAMAGED;
	return status == EMR_OK
		       ? emr_buf_append(out, bytes.data + HEAD_BYTES, bytes.len - HEAD_BYTES)
		       : status;
}

emr_status emr_view_shared_names(emr_view *view, emr_buf *out)
{
	emr_status status = read_file(view, out);

	return status == EMR_NO_MEMORY ? status : EMR_OK; /* what is not there is asked for again */
}

/* Without the file everything is asked for again; a damaged or a newer one is as good as none. */
static void need_file(emr_view *view)
{
	shares *all = view->shares;
	emr_status status;

	if (all->has_kept_names)
		return;
	all->has_kept_names = true;
	status = read_file(view, &all->kept_names);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		emr_log(EMR_LOG_WARN, "shares: kept names are not used: %s",
			emr_status_text(status));
}

static void write_file(emr_view *view)
{
	const emr_buf *kept = &view->shares->kept_names;
	EMR_AUTO_BUF bytes = {0};
	emr_status status = EMR_READ_ONLY;

	view->shares->has_new_names = false;
	if (!view_is_read_only(view) && kept->len + HEAD_BYTES <= FILE_MAX)
		status = emr_buf_append(&bytes, head, sizeof head);
	if (status == EMR_OK)
		status = emr_buf_append(&bytes, kept->data, kept->len);
	if (status == EMR_OK)
		status = emr_file_replace(
			view->options.state_dirfd, FILE_NAME, emr_buf_view(&bytes), 0600);
	if (status != EMR_OK && status != EMR_READ_ONLY)
		emr_log(EMR_LOG_WARN, "shares: names are not kept: %s", emr_status_text(status));
}

/* What belongs to GRANT, and what has ended, goes; true when anything did. */
static bool leave_out(emr_view *view, emr_id16 grant)
{
	emr_buf *kept = &view->shares->kept_names;
	uint64_t now = (uint64_t)(view_now_ns(view) / 1000000000), end;
	size_t len = 0, was = kept->len;
	emr_id16 one;

	for (size_t at = 0; at < kept->len; at += EMR_KEPT_NAME_BYTES) {
		emr_kept_name_of(kept->data + at, &one, &end);
		if (end <= now || emr_id16_equal(one, grant))
			continue;
		memmove(kept->data + len, kept->data + at, EMR_KEPT_NAME_BYTES);
		len += EMR_KEPT_NAME_BYTES;
	}
	kept->len = len;
	return len != was;
}

bool shared_keeps_names(emr_view *view, const shared_share *s)
{
	const emr_buf *kept = &view->shares->kept_names;
	uint64_t end;
	emr_id16 one;

	need_file(view);
	for (size_t at = 0; at < kept->len; at += EMR_KEPT_NAME_BYTES) {
		emr_kept_name_of(kept->data + at, &one, &end);
		if (emr_id16_equal(one, s->grant.grant))
			return true;
	}
	return false;
}

void shared_load_names(emr_view *view, shared_share *s)
{
	emr_status status;

	need_file(view);
	status = emr_shared_load_names(s->opened, emr_buf_view(&view->shares->kept_names));
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "shares: a kept key does not open: %s",
			emr_status_text(status));
	s->names_kept = emr_shared_names_held(s->opened);
}

void shared_save_names(emr_view *view, shared_share *s)
{
	emr_status status;

	if (emr_shared_names_held(s->opened) == s->names_kept)
		return;
	need_file(view);
	leave_out(view, s->grant.grant);
	status = emr_shared_save_names(s->opened, &view->shares->kept_names);
	if (status != EMR_OK) {
		emr_log(EMR_LOG_WARN, "shares: names are not kept: %s", emr_status_text(status));
		return;
	}
	s->names_kept = emr_shared_names_held(s->opened);
	if (!view->shares->has_new_names)
		view->shares->names_due_boot_ns = view_boot_ns(view) + WRITE_NS;
	view->shares->has_new_names = true;
}

int64_t shared_write_names(emr_view *view)
{
	const shares *all = view->shares;

	if (all->has_new_names && view_boot_ns(view) >= all->names_due_boot_ns)
		write_file(view);
	return all->has_new_names ? all->names_due_boot_ns : INT64_MAX;
}

void shared_end_names(emr_view *view)
{
	if (view->shares->has_new_names)
		write_file(view);
}

void shared_drop_names(emr_view *view, const shared_share *s)
{
	need_file(view);
	if (leave_out(view, s->grant.grant))
		write_file(view);
}
