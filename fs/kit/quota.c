/* This file asks the kernel how much of an account's limit of storage is used, for the message that
 * says that the limit is reached. */
#include "kit/quota.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static bool is_fuller(const emr_quota *a, const emr_quota *b)
{
	return b->limit == 0 ||
	       (double)a->used / (double)a->limit > (double)b->used / (double)b->limit;
}

/* A limit of zero is none. */
static void consider(emr_quota *fullest, uint64_t used, uint64_t limit, bool is_files)
{
	const emr_quota one = {.used = used, .limit = limit, .is_files = is_files};

	if (limit != 0 && is_fuller(&one, fullest))
		*fullest = one;
}

/* The lower limit counts once its time of grace is over. */
static uint64_t limit_of(uint64_t hard, uint64_t soft, uint64_t grace_ends)
{
	bool is_over = grace_ends != 0 && (uint64_t)time(NULL) >= grace_ends;

	return soft != 0 && (hard == 0 || is_over) ? soft : hard;
}

static void consider_account(emr_quota *fullest, int fd, int type, unsigned id)
{
	struct dqblk q = {0};

	/* glibc has no name for it; as an int the command would be shifted over its sign. */
	if (syscall(SYS_quotactl_fd, fd, QCMD((unsigned)Q_GETQUOTA, type), id, &q) != 0)
		return;
	consider(fullest, q.dqb_curspace,
		limit_of(q.dqb_bhardlimit, q.dqb_bsoftlimit, q.dqb_btime) * 1024, false);
	consider(fullest, q.dqb_curinodes,
		limit_of(q.dqb_ihardlimit, q.dqb_isoftlimit, q.dqb_itime), true);
}

/* A directory that belongs to a project has the project's limits for the size of the file
 * system. */
static void consider_project(emr_quota *fullest, int fd)
{
	struct fsxattr attributes = {0};
	struct statvfs s;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) != 0 || attributes.fsx_projid == 0 ||
		(attributes.fsx_xflags & FS_XFLAG_PROJINHERIT) == 0 || fstatvfs(fd, &s) != 0)
		return;
	consider(fullest, (s.f_blocks - s.f_bfree) * s.f_frsize, s.f_blocks * s.f_frsize, false);
	consider(fullest, s.f_files - s.f_ffree, s.f_files, true);
}

emr_status emr_quota_of(const char *directory, emr_quota *out)
{
	emr_quota fullest = {0};
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return EMR_NOT_FOUND;
	consider_account(&fullest, fd, USRQUOTA, geteuid());
	consider_account(&fullest, fd, GRPQUOTA, getegid());
	consider_project(&fullest, fd);
	(void)close(fd);
	if (fullest.limit == 0)
		return EMR_NOT_FOUND;
	*out = fullest;
	return EMR_OK;
}
