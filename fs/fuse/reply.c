/* This file makes the answers to the kernel: attributes, entries, and error numbers. It is the
 * only place where a status becomes an errno. */
#include "reply.h"

#include <errno.h>
#include <string.h>

static int errno_of(emr_status status)
{
	switch (status) {
	case EMR_OK:
		return 0;
	case EMR_NO_MEMORY:
		return ENOMEM;
	case EMR_NO_SPACE:
	case EMR_ATTRIBUTE_SPACE:
		return ENOSPC;
	case EMR_QUOTA:
		return EDQUOT;
	case EMR_INVALID:
	case EMR_BAD_NAME:
	case EMR_CROSS:
		return EINVAL;
	case EMR_NOT_FOUND:
		return ENOENT;
	case EMR_EXISTS:
	case EMR_RESERVED_NAME:
		return EEXIST;
	case EMR_NOT_EMPTY:
		return ENOTEMPTY;
	case EMR_NOT_DIRECTORY:
		return ENOTDIR;
	case EMR_IS_DIRECTORY:
		return EISDIR;
	case EMR_NO_HARD_LINKS:
	case EMR_FORBIDDEN:
	case EMR_WOULD_SHARE:
		return EPERM;
	case EMR_READ_ONLY:
		return EROFS;
	case EMR_APART:
		return EXDEV;
	case EMR_NO_ATTRIBUTE:
		return ENODATA;
	case EMR_RANGE:
		return ERANGE;
	case EMR_UNSUPPORTED:
		return EOPNOTSUPP;
	case EMR_TOO_BIG:
		return EFBIG;
	case EMR_DENIED:
	case EMR_EXPOSED:
		return EACCES;
	case EMR_LETTERS_SPENT:
	case EMR_BYTES_SPENT:
	case EMR_BUSY:
		return EBUSY;
	case EMR_OFFLINE:
	case EMR_AWAITED:
		return EHOSTUNREACH;
	case EMR_TIMEOUT:
		return ETIMEDOUT;
	case EMR_INTERRUPTED:
		return EINTR;
	case EMR_ACCESS_ENDED:
		return EKEYEXPIRED;
	case EMR_ACCESS_REVOKED:
		return EKEYREVOKED;
	case EMR_IO:
	case EMR_NO_MODULE:
	case EMR_LIMIT:
	case EMR_DAMAGED:
	case EMR_BAD_SIGNATURE:
	case EMR_MISSING_DATA:
	case EMR_ROLLBACK:
	case EMR_FORK:
	case EMR_NEWER_FORMAT:
	case EMR_NEWER_RULES:
	case EMR_WRONG_PASSPHRASE:
	case EMR_WRONG_WORDS:
	case EMR_CONFLICT:
	case EMR_EPOCH:
	case EMR_REFUSED:
	case EMR_STATUS_COUNT:
		return EIO;
	}
	return EIO;
}

void reply_status(fuse_req_t req, emr_status status)
{
	fuse_reply_err(req, errno_of(status));
}

static mode_t type_bits(emr_meta_type type)
{
	switch (type) {
	case EMR_META_FILE:
		return S_IFREG;
	case EMR_META_DIR:
		return S_IFDIR;
	case EMR_META_SYMLINK:
		return S_IFLNK;
	}
	return S_IFREG;
}

static struct timespec timespec_of(int64_t ns)
{
	int64_t s = ns / 1000000000, rest = ns % 1000000000;

	if (rest < 0) {
		s--;
		rest += 1000000000;
	}
	return (struct timespec){.tv_sec = s, .tv_nsec = rest};
}

void stat_of(const session *s, const emr_attr *attr, struct stat *out_stat)
{
	memset(out_stat, 0, sizeof *out_stat);
	out_stat->st_ino = attr->ino;
	out_stat->st_mode = type_bits(attr->type) | attr->mode;
	out_stat->st_nlink = attr->nlink;
	out_stat->st_uid = s->uid;
	out_stat->st_gid = s->gid;
	out_stat->st_size = (off_t)attr->size_bytes;
	out_stat->st_blksize = 4096;
	out_stat->st_blocks = (blkcnt_t)((attr->size_bytes - attr->hole_bytes + 511) / 512);
	out_stat->st_mtim = timespec_of(attr->mtime_ns);
	out_stat->st_atim = out_stat->st_mtim; /* reading is not a change of the record */
	out_stat->st_ctim = timespec_of(attr->ctime_ns);
}

double attr_timeout_of(const emr_attr *attr)
{
	return attr->is_virtual ? 0 : FILE_TIMEOUT_S;
}

void entry_of(const session *s, const emr_attr *attr, struct fuse_entry_param *out_entry)
{
	memset(out_entry, 0, sizeof *out_entry);
	out_entry->ino = attr->node;
	out_entry->generation = attr->node == EMR_ROOT_NODE ? 0 : s->generation;
	out_entry->attr_timeout = attr_timeout_of(attr);
	out_entry->entry_timeout = attr->is_virtual		? 0
				   : attr->type == EMR_META_DIR ? DIRECTORY_ENTRY_TIMEOUT_S
								: FILE_TIMEOUT_S;
	stat_of(s, attr, &out_entry->attr);
}

void reply_entry(fuse_req_t req, session *s, const emr_attr *attr)
{
	struct fuse_entry_param entry;

	entry_of(s, attr, &entry);
	if (fuse_reply_entry(req, &entry) == -ENOENT)
		emr_view_forget(s->options.view, attr->node, 1);
}

void reply_refusal(
	fuse_req_t req, const session *s, uint64_t node, const char *name, emr_status status)
{
	reply_status(req, emr_view_refuse(s->options.view, node, name, status));
}

bool refused_long_name(fuse_req_t req, const char *name)
{
	if (strlen(name) <= 255)
		return false;
	fuse_reply_err(req, ENAMETOOLONG);
	return true;
}
