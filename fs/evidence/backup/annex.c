/* After somebody has joined a network, the earlier ledger lies beside the new one. This file
 * copies it into a backup; it does not change any more but for erasures, so it need not be held
 * still meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_private.h"

#define ANNEX "annex"

/* The ledger itself, or this computer's own copy of it, if that is whole. */
static emr_status open_copy(const char *path, emr_ledger_copy **out_copy)
{
	char ledger[4500];
	EMR_AUTO_LEDGER_COPY copy = NULL;
	emr_ledger_trouble trouble;
	emr_status status;

	snprintf(ledger, sizeof ledger, "%.4400s/ledger", path);
	status = emr_ledger_copy_open(ledger, NULL, &copy);
	if (status != EMR_OK) {
		status = emr_ledger_copy_open_own(path, &copy);
		if (status == EMR_OK)
			status = emr_ledger_copy_check(copy, false, &trouble);
	}
	if (status != EMR_OK)
		return status;
	*out_copy = copy;
	copy = NULL;
	return EMR_OK;
}

static emr_status put_small(backup_target *t, int annex_fd, const char *name, bool is_needed)
{
	char path[EMR_BACKUP_PATH_BYTES];
	EMR_AUTO_BUF bytes = {0};
	emr_status status = emr_file_read(annex_fd, name, SMALL_MAX, &bytes);

	if (status == EMR_NOT_FOUND)
		return is_needed ? EMR_MISSING_DATA : EMR_OK;
	snprintf(path, sizeof path, ANNEX "/%s", name);
	/* The mark of a ledger that grows no more is made again from its copy. */
	if (status == EMR_OK && !backup_is_whole(path, emr_buf_view(&bytes)))
		return EMR_OK;
	return status == EMR_OK ? target_put(t, path, emr_buf_view(&bytes)) : status;
}

static emr_status put_ledger(backup_target *t, emr_ledger_copy *copy)
{
	EMR_AUTO_BUF descriptor = {0};
	char temporary[64];

	EMR_TRY(emr_ledger_copy_descriptor(copy, &descriptor));
	EMR_TRY(target_put(t, ANNEX "/ledger/descriptor", emr_buf_view(&descriptor)));
	target_temporary(temporary);
	EMR_TRY(emr_ledger_copy_write(copy, t->data_fd, temporary));
	return target_take(t, ANNEX "/ledger/ledger.sqlite", temporary);
}

emr_status backup_put_annex(backup_target *t, emr_backup_report *report)
{
	const emr_backup_options *o = t->options;
	EMR_AUTO_FD fd =
		openat(o->state_fd, ANNEX, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	EMR_AUTO_LEDGER_COPY copy = NULL;
	char path[4400];
	emr_status status;

	if (fd < 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	snprintf(path, sizeof path, "%.4300s/" ANNEX, o->state_path);
	status = open_copy(path, &copy);
	if (status != EMR_OK) {
		/* The records of today must not wait for it. */
		report->damaged++;
		backup_found(o, ANNEX "/ledger/ledger.sqlite",
			"the ledger from before you joined cannot be read; it is left out");
		return EMR_OK;
	}
	EMR_TRY(put_small(t, fd, "joined", true));
	EMR_TRY(put_small(t, fd, "replica.hw", false));
	return put_ledger(t, copy);
}
