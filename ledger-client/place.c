/* SQLite's shared file needs locks that network disks do not keep. This file refuses a ledger on
 * a file system that is not known to be safe, and one whose directory strangers may enter. */
#include "place.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ledger/network.h"

/* f_type of file systems whose locks and shared memory SQLite's write-ahead log can rely on, from
 * statfs(2) and the kernel's include/uapi/linux/magic.h.  A list of what is allowed: an unknown
 * file system may be a network. */
static const struct {
	uint32_t magic;
	const char *name;
} local_file_systems[] = {
	{0xef53, "ext2, ext3, ext4"},
	{0x58465342, "xfs"},
	{0x9123683e, "btrfs"},
	{0x01021994, "tmpfs"},
	{0xf2f52010, "f2fs"},
	{0x2fc12fc1, "zfs"},
	{0x3153464a, "jfs"},
	{0x52654973, "reiserfs"},
	{0x794c7630, "overlayfs"},
	{0xca451a4e, "bcachefs"},
	{0xf15f, "ecryptfs"},
	{0x3434, "nilfs2"},
	{0x24051905, "ubifs"},
	{0x858458f6, "ramfs"},
};

emr_status emr_network_check_place(int dirfd)
{
	struct statfs where;

	if (fstatfs(dirfd, &where) != 0)
		return emr_status_from_errno(errno);
	for (size_t i = 0; i < sizeof local_file_systems / sizeof local_file_systems[0]; i++)
		if ((uint32_t)where.f_type == local_file_systems[i].magic)
			return EMR_OK;
	return EMR_UNSUPPORTED;
}

emr_status place_check_rights(int dirfd)
{
	struct stat st;

	if (fstat(dirfd, &st) != 0)
		return emr_status_from_errno(errno);
	/* With or without set-group-id. */
	return (st.st_mode & 05777) == 0700 && st.st_uid == geteuid() ? EMR_OK : EMR_EXPOSED;
}
