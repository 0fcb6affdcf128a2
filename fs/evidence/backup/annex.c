/* After somebody has joined a network, or left one, the earlier ledger lies beside the new one, and
 * what was left before that in it. This file copies them into a backup; they do not change any more
 * but for erasures, so they need not be held still meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_private.h"

#define ANNEX "annex"
#define MOVES 7 /* of which a state keeps the ledgers; paths have room for so many */

/* The ledger itself, or this computer's own copy of it, if that is whole. */
static emr_status open_copy(const char *path, emr_ledger_copy **out_copy)
{
	char ledger[4500];
	EMR_AUTO_LEDGER_COPY copy = NULL;
	emr_ledger_trouble trouble;
	emr_status status;

	snprintf(ledger, sizeof ledger, "%.4400s/ledger", path);
	status = emr_ledger_copy_open(ledger, &copy);
	if (status != EMR_OK) {
		status = emr_ledger_copy_open_own(path, &copy);
		if (status == EMR_OK)
			status = emr_ledger_copy_check(copy, true, &trouble);
	}
	if (status != EMR_OK)
		return status;
	*out_copy = copy;
	copy = NULL;
	return EMR_OK;
}

static emr_status put_bytes(backup_target *t, const char *at, const char *name, emr_bytes bytes)
{
	char path[EMR_BACKUP_PATH_BYTES];

	snprintf(path, sizeof path, "%s/%s", at, name);
	/* The mark of a ledger that grows no more is made again from its copy. */
	return backup_is_whole(path, bytes) ? target_put(t, path, bytes) : EMR_OK;
}

static emr_status put_small(
	backup_target *t, const char *at, int annex_fd, const char *name, bool is_needed)
{
	EMR_AUTO_BUF bytes = {0};
	emr_status status = emr_file_read(annex_fd, name, SMALL_MAX, &bytes);

	if (status == EMR_NOT_FOUND)
		return is_needed ? EMR_MISSING_DATA : EMR_OK;
	return status == EMR_OK ? put_bytes(t, at, name, emr_buf_view(&bytes)) : status;
}

static emr_status put_ledger(backup_target *t, const char *at, emr_ledger_copy *copy)
{
	EMR_AUTO_BUF descriptor = {0};
	char temporary[64], path[EMR_BACKUP_PATH_BYTES];

	EMR_TRY(emr_ledger_copy_descriptor(copy, &descriptor));
	EMR_TRY(put_bytes(t, at, "ledger/descriptor", emr_buf_view(&descriptor)));
	target_temporary(temporary);
	EMR_TRY(emr_ledger_copy_write(copy, t->data_fd, temporary));
	snprintf(path, sizeof path, "%s/ledger/ledger.sqlite", at);
	return target_take(t, path, temporary);
}

/* EMR_NOT_FOUND: nothing was left AT there. */
static emr_status put_one(backup_target *t, const char *at, emr_backup_report *report)
{
	const emr_backup_options *o = t->options;
	EMR_AUTO_FD fd = openat(o->state_fd, at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	EMR_AUTO_LEDGER_COPY copy = NULL;
	char path[4400];
	emr_status status;

	if (fd < 0)
		return emr_status_from_errno(errno);
	snprintf(path, sizeof path, "%.4300s/%s", o->state_path, at);
	status = open_copy(path, &copy);
	if (status != EMR_OK) {
		/* The records of today must not wait for it. */
		report->damaged++;
		snprintf(path, sizeof path, "%s/ledger/ledger.sqlite", at);
		backup_found(o, path,
			"the ledger from before you joined cannot be read; it is left out");
		return EMR_OK;
	}
	EMR_TRY(put_small(t, at, fd, "joined", true));
	EMR_TRY(put_small(t, at, fd, "replica.hw", false));
	return put_ledger(t, at, copy);
}

emr_status backup_put_annex(backup_target *t, emr_backup_report *report)
{
	char at[MOVES * sizeof ANNEX] = "";
	emr_status status = EMR_OK;

	for (size_t i = 0; i < MOVES && status == EMR_OK; i++) {
		strcat(at, i == 0 ? ANNEX : "/" ANNEX);
		status = put_one(t, at, report);
	}
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}
