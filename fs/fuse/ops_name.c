/* This file answers the kernel's requests about names: looking up, making, removing, renaming
 * and listing. Hard links are refused, because a record has one place. */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "park.h"
#include "reply.h"

static void lookup(fuse_req_t req, const parked *p, emr_status status)
{
	session *s = session_of(req);
	struct fuse_entry_param nothing = {.entry_timeout = NEGATIVE_TIMEOUT_S};
	emr_attr attr;

	if (status == EMR_OK)
		status = emr_view_lookup(s->options.view, p->node, p->name, &attr);
	if (status == EMR_BUSY && park(req, s, EMR_NEED_NAMES, p, lookup))
		return;
	if (status == EMR_NOT_FOUND)
		fuse_reply_entry(req, &nothing);
	else if (status != EMR_OK)
		reply_status(req, status);
	else
		reply_entry(req, s, &attr);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const session *s = session_of(req);
	parked p = {.node = parent};
	emr_status status;

	if (refused_long_name(req, name))
		return;
	memcpy(p.name, name, strlen(name) + 1);
	status = emr_view_await(s->options.view, parent, EMR_NEED_NAMES, name, NULL, NULL);
	lookup(req, &p, status);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	const session *s = fuse_req_userdata(req);

	emr_view_forget(s->options.view, ino, count);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	const session *s = fuse_req_userdata(req);

	for (size_t i = 0; i < count; i++)
		emr_view_forget(s->options.view, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	session *s = session_of(req);
	emr_attr attr;
	emr_status status;

	if (refused_long_name(req, name))
		return;
	status = emr_view_mkdir(s->options.view, parent, name, (uint16_t)(mode & 07777), &attr);
	if (status != EMR_OK)
		reply_refusal(req, s, parent, name, status);
	else
		reply_entry(req, s, &attr);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	session *s = session_of(req);
	emr_attr attr;
	emr_status status;

	(void)device;
	if (refused_long_name(req, name))
		return;
	if (!S_ISREG(mode)) {
		fuse_reply_err(req, EPERM);
		return;
	}
	status = emr_view_make(s->options.view, parent, name, (uint16_t)(mode & 07777), &attr);
	if (status != EMR_OK)
		reply_refusal(req, s, parent, name, status);
	else
		reply_entry(req, s, &attr);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	session *s = session_of(req);
	emr_attr attr;
	emr_status status;

	if (refused_long_name(req, name))
		return;
	if (strlen(target) > EMR_META_TARGET_MAX) {
		fuse_reply_err(req, ENAMETOOLONG);
		return;
	}
	status = emr_view_symlink(s->options.view, parent, name, target, &attr);
	if (status != EMR_OK)
		reply_refusal(req, s, parent, name, status);
	else
		reply_entry(req, s, &attr);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	const session *s = session_of(req);
	char *target;
	emr_status status = emr_view_read_link(s->options.view, ino, &target);

	if (status != EMR_OK) {
		reply_status(req, status);
		return;
	}
	fuse_reply_readlink(req, target);
	free(target);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const session *s = session_of(req);

	if (!refused_long_name(req, name))
		reply_refusal(req, s, parent, name, emr_view_unlink(s->options.view, parent, name));
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const session *s = session_of(req);

	if (!refused_long_name(req, name))
		reply_refusal(req, s, parent, name, emr_view_rmdir(s->options.view, parent, name));
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags)
{
	const session *s = session_of(req);
	unsigned ours = flags == RENAME_NOREPLACE  ? EMR_RENAME_NO_REPLACE
			: flags == RENAME_EXCHANGE ? EMR_RENAME_EXCHANGE
						   : 0;

	if (refused_long_name(req, name) || refused_long_name(req, new_name))
		return;
	if (flags != 0 && ours == 0) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	reply_refusal(req, s, new_parent, new_name,
		emr_view_rename(s->options.view, parent, name, new_parent, new_name, ours));
}

/* A record has one place.  The kernel would say EPERM without asking; a person wants to know why.
 */
static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	const session *s = session_of(req);

	(void)ino;
	if (!refused_long_name(req, new_name))
		reply_refusal(req, s, new_parent, new_name, EMR_NO_HARD_LINKS);
}

/* ---- listings ---- */

typedef struct listing {
	fuse_req_t req;
	const session *session;
	char *data;
	size_t len, size;
	bool plus;
	uint64_t *taken; /* nodes given with a reference */
	size_t taken_count;
} listing;

/* A reference goes with every entry of a READDIRPLUS but "." and "..". */
static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool add_entry(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	listing *l = arg;
	struct fuse_entry_param entry;
	size_t room = l->size - l->len, need;

	entry_of(l->session, attr, &entry);
	need = l->plus ? fuse_add_direntry_plus(
				 l->req, l->data + l->len, room, name, &entry, (off_t)next)
		       : fuse_add_direntry(
				 l->req, l->data + l->len, room, name, &entry.attr, (off_t)next);
	if (need > room)
		return false;
	l->len += need;
	if (l->plus && !is_dot(name))
		l->taken[l->taken_count++] = attr->node;
	return true;
}

static void list(fuse_req_t req, const parked *p, emr_status status)
{
	session *s = session_of(req);
	listing l = {.req = req, .session = s, .size = p->size, .plus = p->plus};

	if (status == EMR_OK) {
		l.data = malloc(p->size);
		l.taken = malloc((p->size / 32 + 1) * sizeof *l.taken);
		status = l.data == NULL || l.taken == NULL
				 ? EMR_NO_MEMORY
				 : emr_view_each_entry(s->options.view, p->node,
					   (uint64_t)p->offset, p->plus, add_entry, &l);
	}
	if (status != EMR_OK && (status != EMR_BUSY || !park(req, s, EMR_NEED_NAMES, p, list)))
		reply_status(req, status);
	/* The kernel has not got what L says. */
	if (status != EMR_OK || fuse_reply_buf(req, l.data, l.len) == -ENOENT)
		for (size_t i = 0; i < l.taken_count; i++)
			emr_view_forget(s->options.view, l.taken[i], 1);
	free(l.data);
	free(l.taken);
}

static void list_when_ready(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, bool plus)
{
	parked p = {.node = ino, .size = size, .offset = offset, .plus = plus};
	const session *s = session_of(req);

	list(req, &p, emr_view_await(s->options.view, ino, EMR_NEED_NAMES, NULL, NULL, NULL));
}

static void op_readdir(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
	(void)info;
	list_when_ready(req, ino, size, offset, false);
}

static void op_readdirplus(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
	(void)info;
	list_when_ready(req, ino, size, offset, true);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	session *s = session_of(req);

	(void)ino;
	session_opened(s);
	if (fuse_reply_open(req, info) == -ENOENT)
		session_closed(s);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	(void)ino;
	(void)info;
	session_closed(session_of(req));
	fuse_reply_err(req, 0);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *info)
{
	(void)ino;
	(void)data_only;
	(void)info;
	reply_status(req, emr_view_sync(session_of(req)->options.view));
}

void ops_name_add(struct fuse_lowlevel_ops *ops)
{
	ops->lookup = op_lookup;
	ops->forget = op_forget;
	ops->forget_multi = op_forget_multi;
	ops->mkdir = op_mkdir;
	ops->mknod = op_mknod;
	ops->symlink = op_symlink;
	ops->readlink = op_readlink;
	ops->unlink = op_unlink;
	ops->rmdir = op_rmdir;
	ops->rename = op_rename;
	ops->link = op_link;
	ops->readdir = op_readdir;
	ops->readdirplus = op_readdirplus;
	ops->opendir = op_opendir;
	ops->releasedir = op_releasedir;
	ops->fsyncdir = op_fsyncdir;
}
