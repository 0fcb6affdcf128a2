/* This file answers the kernel's requests about attributes, extended attributes and the size of
 * the disk. */
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <time.h>

#include "park.h"
#include "reply.h"
#include "told.h"

static void reply_attr(fuse_req_t req, const session *s, const emr_attr *attr)
{
	struct stat st;

	stat_of(s, attr, &st);
	fuse_reply_attr(req, &st, attr_timeout_of(attr));
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	const session *s = session_of(req);
	emr_attr attr;
	emr_status status = emr_view_attr(s->options.view, ino, &attr);

	(void)info;
	if (status != EMR_OK)
		reply_status(req, status);
	else
		reply_attr(req, s, &attr);
}

/* The time of a record is nanoseconds in 64 bits, from 1677 to 2262: a time beyond becomes the
 * nearest (Windows begins to count in 1601). */
static int64_t ns_of(const struct timespec *t)
{
	__int128 ns = (__int128)t->tv_sec * 1000000000 + t->tv_nsec;

	return ns < INT64_MIN ? INT64_MIN : ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

static void set_attr(fuse_req_t req, const parked *p, emr_status status);

/* True: what is to be cut is elsewhere, and the request waits for a block of it, or was answered.
 * The file stays open until that is over, so that what has come of it is known. */
static bool park_cut(fuse_req_t req, const session *s, const parked *p)
{
	emr_handle *handle;
	bool waits;

	if (!emr_view_lacks_block(s->options.view) ||
		emr_view_open_file(s->options.view, p->node, O_RDONLY, &handle) != EMR_OK)
		return false;
	waits = park_block(req, handle, p, set_attr, PARK_WRITE_TRIES);
	emr_view_release(handle);
	return waits;
}

static void set_attr(fuse_req_t req, const parked *p, emr_status status)
{
	session *s = session_of(req);
	emr_attr attr;

	if (status == EMR_OK)
		status = emr_view_set_attr(s->options.view, p->node, p->mask, &p->wanted, &attr);
	/* Or the file to be cut lies in another's folder, and its bytes are asked for first. */
	if (status == EMR_BUSY &&
		(park_cut(req, s, p) || park(req, s, EMR_NEED_BYTES, p, set_attr)))
		return;
	if (status != EMR_OK)
		reply_refusal(req, s, p->node, NULL, status);
	else
		reply_attr(req, s, &attr);
}

/* Owner and group are the mounting user's for everything and never stored: setting them succeeds
 * and changes nothing, because programs that copy refuse to go on otherwise.  Access times are not
 * kept. */
static void op_setattr(
	fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set, struct fuse_file_info *info)
{
	parked p = {.node = ino};
	struct timespec now;

	(void)info;
	if (to_set & FUSE_SET_ATTR_MODE) {
		p.mask |= EMR_SET_MODE;
		p.wanted.mode = (uint16_t)(st->st_mode & 07777);
	}
	if (to_set & FUSE_SET_ATTR_SIZE) {
		p.mask |= EMR_SET_SIZE;
		p.wanted.size_bytes = (uint64_t)st->st_size;
	}
	if (to_set & FUSE_SET_ATTR_MTIME_NOW) {
		clock_gettime(CLOCK_REALTIME, &now);
		p.mask |= EMR_SET_MTIME;
		p.wanted.mtime_ns = ns_of(&now);
	} else if (to_set & FUSE_SET_ATTR_MTIME) {
		p.mask |= EMR_SET_MTIME;
		p.wanted.mtime_ns = ns_of(&st->st_mtim);
	}
	set_attr(req, &p, EMR_OK);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	const session *s = fuse_req_userdata(req);
	struct statvfs out = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255};
	emr_space space;
	emr_status status = emr_view_space(s->options.view, &space);

	(void)ino;
	if (status != EMR_OK) {
		reply_status(req, status);
		return;
	}
	out.f_blocks = space.total_bytes / 4096;
	out.f_bfree = space.unused_bytes / 4096;
	out.f_bavail = space.free_bytes / 4096;
	/* One record needs a few kilobytes of metadata: a promise of names that can be kept. */
	out.f_ffree = out.f_favail = space.free_bytes / 8192;
	out.f_files = out.f_ffree + space.names;
	fuse_reply_statfs(req, &out);
}

/* ---- extended attributes ---- */

static void reply_bytes(fuse_req_t req, emr_status status, const emr_buf *bytes, size_t size)
{
	if (status != EMR_OK)
		reply_status(req, status);
	else if (size == 0)
		fuse_reply_xattr(req, bytes->len);
	else if (bytes->len > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, (const char *)bytes->data, bytes->len);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ns_of(&now);
}

/* A value is answered as long as it was measured, though it has changed meanwhile (told.h). */
static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	const session *s = session_of(req);
	told_key key = {.node = ino, .thread = fuse_req_ctx(req)->pid, .name = name};
	EMR_AUTO_BUF value = {0}, measured = {0};
	emr_status status = emr_view_get_attribute(s->options.view, ino, name, &value);

	if (size == 0 && status == EMR_OK)
		told_keep(key, emr_buf_view(&value), now_ns());
	if (size > 0 && told_take(key, size, now_ns(), &measured))
		reply_bytes(req, EMR_OK, &measured, size);
	else
		reply_bytes(req, status, &value, size);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	const session *s = session_of(req);
	EMR_AUTO_BUF names = {0};

	reply_bytes(req, emr_view_list_attributes(s->options.view, ino, &names), &names, size);
}

static unsigned acl_bits(uint16_t tag, uint16_t perm, uint16_t *seen)
{
	switch (tag) {
	case ACL_USER_OBJ:
		*seen |= 1;
		return (unsigned)perm << 6;
	case ACL_GROUP_OBJ:
		*seen |= 2;
		return (unsigned)perm << 3;
	case ACL_OTHER:
		*seen |= 4;
		return perm;
	default:
		*seen |= 8;
		return 0;
	}
}

/* True when an access control list says no more than MODE does: cp -a sets such ones, and they need
 * not be kept. */
static bool is_plain_acl(const char *value, size_t size, uint16_t mode)
{
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entry;
	uint16_t seen = 0;
	unsigned bits = 0;

	if (size < sizeof header || (size - sizeof header) % sizeof entry != 0)
		return false;
	memcpy(&header, value, sizeof header);
	for (size_t at = sizeof header; at < size; at += sizeof entry) {
		memcpy(&entry, value + at, sizeof entry);
		bits |= acl_bits(le16toh(entry.e_tag), le16toh(entry.e_perm) & 7, &seen);
	}
	return le32toh(header.a_version) == POSIX_ACL_XATTR_VERSION && seen == 7 &&
	       bits == (mode & 0777u);
}

static void set_acl(
	fuse_req_t req, const session *s, fuse_ino_t ino, const char *value, size_t size)
{
	emr_attr attr;
	emr_status status = emr_view_attr(s->options.view, ino, &attr);

	if (status != EMR_OK)
		reply_status(req, status);
	else
		fuse_reply_err(req, is_plain_acl(value, size, attr.mode) ? 0 : EOPNOTSUPP);
}

static void op_setxattr(
	fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	const session *s = session_of(req);
	unsigned ours = (flags & XATTR_CREATE ? EMR_ATTRIBUTE_CREATE : 0u) |
			(flags & XATTR_REPLACE ? EMR_ATTRIBUTE_REPLACE : 0u);

	if (strcmp(name, "system.posix_acl_access") == 0) {
		set_acl(req, s, ino, value, size);
		return;
	}
	told_forget(ino);
	reply_status(req, emr_view_set_attribute(
				  s->options.view, ino, name, emr_bytes_of(value, size), ours));
}

/* Nothing has an access control list beyond its mode: taking it away is done already, and cp -a
 * fails when that is refused for a directory that is there. */
static bool is_acl(const char *name)
{
	return strcmp(name, "system.posix_acl_access") == 0 ||
	       strcmp(name, "system.posix_acl_default") == 0;
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	const session *s = session_of(req);

	if (is_acl(name)) {
		fuse_reply_err(req, 0);
		return;
	}
	told_forget(ino);
	reply_status(req, emr_view_remove_attribute(s->options.view, ino, name));
}

/* Programs ask here whether a file is a terminal. */
static void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned command, void *arg,
	struct fuse_file_info *info, unsigned flags, const void *in, size_t in_size,
	size_t out_size)
{
	(void)ino;
	(void)command;
	(void)arg;
	(void)info;
	(void)flags;
	(void)in;
	(void)in_size;
	(void)out_size;
	fuse_reply_err(req, ENOTTY);
}

void ops_attr_add(struct fuse_lowlevel_ops *ops)
{
	ops->getattr = op_getattr;
	ops->setattr = op_setattr;
	ops->statfs = op_statfs;
	ops->getxattr = op_getxattr;
	ops->listxattr = op_listxattr;
	ops->setxattr = op_setxattr;
	ops->removexattr = op_removexattr;
	ops->ioctl = op_ioctl;
}
