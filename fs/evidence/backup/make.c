/* This file makes a backup: it looks whether there is room, copies everything in the right order,
 * and says what was copied and what is damaged. It replaces no backup of another state. */
#include "backup_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/disk.h"
#include "kit/places.h"
#include "ledger/network.h"
#include "store/segment_file.h"

#define SPARE_BYTES ((uint64_t)8 << 20) /* for lists and directories */
#define LOOKS 8
#define LOOK_AGAIN_NS 50000000

/* ---- space ---- */

static uint64_t ledger_bytes(const emr_backup_options *options, bool own)
{
	static const char *const names[] = {"ledger/ledger.sqlite", "ledger/ledger.sqlite-wal",
		"replica.sqlite", "replica.sqlite-wal"}; /* one of them goes in */
	struct stat st;
	uint64_t bytes = 0;

	for (size_t i = own ? 2 : 0; i < (own ? 4 : 2); i++) {
		if (fstatat(options->state_fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)st.st_size;
	}
	return bytes;
}

static emr_status check_space(backup_target *t, const moment *m, emr_backup_report *report)
{
	uint64_t ledger = ledger_bytes(t->options, m->is_own_copy);
	struct statvfs disk;

	t->total = ledger;
	report->needed_bytes = SPARE_BYTES + ledger;
	for (size_t i = 0; i < m->n; i++) {
		const emr_backup_file *known =
			target_known(t, m->segments[i].path, m->segments[i].end);

		report->needed_bytes += m->segments[i].end - (known != NULL ? known->bytes : 0);
		t->total += m->segments[i].end;
	}
	if (fstatvfs(t->data_fd, &disk) != 0)
		return EMR_IO;
	report->free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	return report->free_bytes >= report->needed_bytes ? EMR_OK : EMR_NO_SPACE;
}

/* ---- copying ---- */

/* The writer may be in the middle of a write: what is there only in part now is whole a moment
 * later, and what is damaged stays so. */
static emr_status look_twice(
	const moment_segment *segment, uint64_t from, emr_segment_extent *out_extent)
{
	const struct timespec moment_ns = {.tv_nsec = LOOK_AGAIN_NS};
	emr_status status = EMR_OK;

	for (int looks = 0; looks < LOOKS; looks++) {
		status = emr_segment_file_extent(segment->fd, from, out_extent);
		if (status == EMR_OK && out_extent->damaged == 0 && out_extent->end >= segment->end)
			return EMR_OK;
		if (status != EMR_OK && status != EMR_DAMAGED)
			return status;
		nanosleep(&moment_ns, NULL);
	}
	return status;
}

/* Only what is new is looked at: the rest was when it was new. */
static emr_status look_for_damage(const emr_backup_options *options, const moment_segment *segment,
	uint64_t from, emr_backup_report *report)
{
	emr_segment_extent extent = {0};
	emr_status status = look_twice(segment, from, &extent);

	if (status != EMR_OK && status != EMR_DAMAGED)
		return status;
	if (status == EMR_DAMAGED || extent.end < segment->end)
		extent.damaged++;
	report->damaged += extent.damaged;
	if (extent.damaged > 0)
		backup_found(options, segment->path,
			"blocks in it are damaged; they were copied as they are");
	return EMR_OK;
}

static emr_status copy_segment(backup_target *t, moment_segment *segment, emr_backup_report *report)
{
	const emr_backup_file *known = target_known(t, segment->path, segment->end);
	uint64_t copied = known != NULL ? known->bytes : 0;
	emr_status status = EMR_OK;

	/* Nothing whole in it yet. */
	if (segment->end == 0)
		return EMR_OK;
	if (copied < segment->end && segment->fd >= 0)
		status = look_for_damage(t->options, segment,
			target_scanned(t, segment->path, segment->end), report);
	if (status == EMR_OK)
		status = target_put_segment(t, segment->path, segment->fd, segment->end);
	if (segment->fd >= 0)
		close(segment->fd);
	segment->fd = -1;
	return status;
}

static emr_status copy_ledger(backup_target *t, moment *m)
{
	char temporary[64];

	target_temporary(temporary);
	EMR_TRY(emr_ledger_copy_write(m->ledger, t->data_fd, temporary));
	return target_take(t, "ledger/ledger.sqlite", temporary);
}

/* It may be larger than other small files, and one that rotted is as good as none. */
static emr_status copy_kept(backup_target *t)
{
	EMR_AUTO_FD fd = openat(
		t->options->state_fd, EMR_BACKUP_KEPT_PATH, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	return target_put_fd(t, EMR_BACKUP_KEPT_PATH, fd);
}

/* The ledger first: while it is held its log cannot be cleared. */
static emr_status copy_all(backup_target *t, moment *m, emr_backup_report *report)
{
	EMR_TRY(copy_ledger(t, m));
	EMR_TRY(backup_put_annex(t, report));
	EMR_TRY(copy_kept(t));
	for (size_t i = 0; i < m->n; i++)
		EMR_TRY(copy_segment(t, &m->segments[i], report));
	return EMR_OK;
}

static emr_status make_copy(backup_target *t, moment *m, emr_backup_report *report)
{
	struct stat before, after;
	emr_status status = EMR_OK;

	if (fstatat(t->options->state_fd, "ledger", &before, AT_SYMLINK_NOFOLLOW) != 0)
		before = (struct stat){.st_ino = 0};
	status = moment_take(m, t, t->options);

	report->net_id = m->facts.net_id;
	report->is_own_copy = m->is_own_copy && !t->options->is_served;
	report->is_mended = m->is_mended;
	report->damaged += m->missing;
	if (status == EMR_OK)
		moment_tell_rotten(m, report);
	report->here_unix_s = m->facts.last_unix_s;
	report->there_unix_s = t->old.made_unix_s;
	if (status == EMR_OK)
		status = check_space(t, m, report);
	if (status != EMR_OK)
		return status;
	t->made.entries = report->entries = m->facts.entries;
	t->made.records = report->records = m->facts.records;
	EMR_TRY(copy_all(t, m, report));
	/* A join that ended meanwhile: half of this is of the ledger before. */
	if (before.st_ino != 0 &&
		(fstatat(t->options->state_fd, "ledger", &after, AT_SYMLINK_NOFOLLOW) != 0 ||
			after.st_ino != before.st_ino || after.st_dev != before.st_dev))
		return EMR_TIMEOUT;
	EMR_TRY(backup_check_blocks(t, m, report));
	t->made.made_unix_s = report->made_unix_s = emr_clock_unix_s(t->options->clock);
	report->is_same_disk = emr_disk_is_same(t->options->state_fd, t->data_fd);
	report->bytes = emr_backup_manifest_bytes(&t->made);
	report->is_of_network = m->is_shared && !t->options->is_served;
	for (size_t i = 0; i < t->made.n; i++)
		if (emr_backup_kind_of(t->made.files[i].path) == EMR_BACKUP_LEDGER)
			report->ledger_bytes += t->made.files[i].bytes;
	status = target_finish(t);
	report->new_bytes = t->new_bytes;
	return status;
}

emr_status emr_backup_make(const emr_backup_options *options, emr_backup_report *out_report)
{
	backup_target target = {.dir_fd = -1, .data_fd = -1, .lock_fd = -1};
	moment m = {.blocks_fd = -1};
	emr_backup_report report = {.records = 0};
	emr_status status = target_open(&target, options);

	if (status == EMR_OK)
		status = make_copy(&target, &m, &report);
	moment_end(&m);
	target_close(&target);
	*out_report = report;
	return status;
}
