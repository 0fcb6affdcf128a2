/* This file draws random file operations and carries them out on a directory, with everything
 * that a program would see of it, so that an emrfs folder and an ordinary one can be compared. */
#include "tree_model.h"

#include "tool_kit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* clang-format off */
static const struct { const char *name; unsigned weight; bool is_coarse; } kinds[T_KINDS] = {
	[T_CREATE] = { "create", 10, true },         [T_MKDIR] = { "mkdir", 9, true },
	[T_RMDIR] = { "rmdir", 4, true },            [T_RENAME] = { "rename", 12, true },
	[T_RENAME_KEEP] = { "rename NOREPLACE", 4, true },
	[T_RENAME_SWAP] = { "rename EXCHANGE", 3, true },
	[T_RENAME_INSIDE] = { "rename into own child", 1, true },
	[T_UNLINK] = { "unlink", 5, true },          [T_SYMLINK] = { "symlink", 3, true },
	[T_LINK] = { "link", 1, false },             [T_TRUNCATE] = { "truncate", 6, false },
	[T_WRITE] = { "write", 14, true },           [T_APPEND] = { "append", 6, true },
	[T_CHMOD] = { "chmod", 4, false },           [T_UTIMENS] = { "utimens", 5, false },
	[T_SETXATTR] = { "setxattr", 5, false },     [T_GETXATTR] = { "getxattr", 2, false },
	[T_REMOVEXATTR] = { "removexattr", 3, false }, [T_LISTXATTR] = { "listxattr", 2, false },
	[T_STAT] = { "stat", 6, true },              [T_READ] = { "read", 8, true },
	[T_READLINK] = { "readlink", 2, true },      [T_READDIR] = { "readdir", 4, true },
	[T_HOLD] = { "open and hold", 5, false },    [T_HELD_WRITE] = { "held write", 5, false },
	[T_HELD_READ] = { "held read", 5, false },   [T_HELD_STAT] = { "held stat", 3, false },
	[T_HELD_SYNC] = { "held fsync", 2, false },  [T_DROP] = { "close held", 4, false },
};
/* clang-format on */

static const char *const names[] = {
	"a",
	"b",
	"c",
	"Report 2023-04-01.pdf",
	"\xc3\x89tude\xff\n",
	"..x",
	"d",
};
enum { NAMES = sizeof(names) / sizeof(names[0]), LONG_NAME = 255 };

static const uint64_t edges[] = {
	0, 1, 4095, 4096, 4097, 16383, 16384, 16385, 262143, 262144, 262145, 262400};

const char *tree_kind_name(enum tree_kind kind)
{
	return kinds[kind].name;
}

static void draw_name(uint64_t *rng, char *out, size_t room)
{
	if (emr_kit_below(rng, 24) == 0) {
		memset(out, 'n', LONG_NAME + 1);
		out[LONG_NAME] = '\0';
		return;
	}
	snprintf(out, room, "%s", names[emr_kit_below(rng, NAMES)]);
}

/* Short paths are frequent, so that operations meet what earlier ones left. */
static void draw_path(uint64_t *rng, char out[TREE_PATH_MAX])
{
	uint64_t depth = 1 + emr_kit_below(rng, 3);
	size_t used = 0;

	for (uint64_t i = 0; i < depth; i++) {
		if (i > 0)
			out[used++] = '/';
		draw_name(rng, out + used, TREE_PATH_MAX - used);
		used += strlen(out + used);
	}
}

static uint64_t draw_size(uint64_t *rng)
{
	uint64_t style = emr_kit_below(rng, 4);

	if (style == 0)
		return edges[emr_kit_below(rng, sizeof(edges) / sizeof(edges[0]))];
	if (style == 1)
		return emr_kit_below(rng, 40000);
	return emr_kit_below(rng, 3000);
}

static enum tree_kind draw_kind(uint64_t *rng, bool is_shared)
{
	unsigned total = 0, ticket;

	for (int k = 0; k < T_KINDS; k++)
		total += is_shared && !kinds[k].is_coarse ? 0 : kinds[k].weight;
	ticket = (unsigned)emr_kit_below(rng, total);
	for (int k = 0; k < T_KINDS; k++) {
		unsigned weight = is_shared && !kinds[k].is_coarse ? 0 : kinds[k].weight;

		if (ticket < weight)
			return (enum tree_kind)k;
		ticket -= weight;
	}
	return T_STAT;
}

void tree_op_draw(uint64_t *rng, bool is_shared, struct tree_op *op)
{
	memset(op, 0, sizeof(*op));
	op->kind = draw_kind(rng, is_shared);
	draw_path(rng, op->a);
	draw_path(rng, op->b);
	op->offset = draw_size(rng);
	op->length = draw_size(rng);
	op->pattern = emr_kit_random(rng);
	op->mode = (unsigned)emr_kit_below(rng, 01000);
	op->flags = (unsigned)emr_kit_random(rng);
	op->slot = (unsigned)emr_kit_below(rng, TREE_SLOTS);
	op->mtime.tv_sec = (time_t)(1 + emr_kit_below(rng, 900000000));
	op->mtime.tv_nsec = (long)emr_kit_below(rng, 1000000000);
	if (op->kind == T_RENAME_INSIDE)
		snprintf(op->b, sizeof(op->b), "%.600s/%s", op->a, names[op->pattern % NAMES]);
	if (op->kind == T_SYMLINK && emr_kit_below(rng, 8) == 0) {
		memset(op->b, 't', 900);
		op->b[900] = '\0';
	}
}

__attribute__((format(printf, 2, 3))) static void see(
	struct tree_seen *seen, const char *format, ...)
{
	size_t used = strlen(seen->text);
	va_list args;

	va_start(args, format);
	vsnprintf(seen->text + used, sizeof(seen->text) - used, format, args);
	va_end(args);
}

static int result(int answer)
{
	return answer == 0 ? 0 : errno;
}

static int put(int fd, const struct tree_op *op, uint64_t offset)
{
	unsigned char *bytes = emr_kit_alloc(op->length);
	ssize_t done;

	emr_kit_fill(bytes, op->length, op->pattern);
	done = pwrite(fd, bytes, op->length, (off_t)offset);
	free(bytes);
	if (done < 0)
		return errno;
	return (uint64_t)done == op->length ? 0 : EIO;
}

static int write_at(struct tree_side *side, const struct tree_op *op)
{
	int flags = (op->flags & 1 ? O_CREAT : 0) | (op->flags & 2 && op->flags & 4 ? O_TRUNC : 0);
	int fd = openat(side->root, op->a, O_WRONLY | flags, op->mode | 0600);
	int error;

	if (fd < 0)
		return errno;
	error = put(fd, op, op->flags & 8 ? op->offset : 0);
	if (error == 0 && op->flags & 16)
		error = result(fsync(fd));
	if (close(fd) != 0 && error == 0)
		error = errno;
	return error;
}

static int append(struct tree_side *side, const struct tree_op *op)
{
	int fd = openat(side->root, op->a, O_WRONLY | O_APPEND);
	int error;

	if (fd < 0)
		return errno;
	error = put(fd, op, 0);
	if (close(fd) != 0 && error == 0)
		error = errno;
	return error;
}

static int create(struct tree_side *side, const struct tree_op *op)
{
	int fd = openat(side->root, op->a, O_RDWR | O_CREAT | O_EXCL, op->mode);

	return fd < 0 ? errno : result(close(fd));
}

/* A truncation to the size it has may or may not touch the time, so it is left out. */
static int truncate_at(struct tree_side *side, const struct tree_op *op)
{
	int fd = openat(side->root, op->a, O_WRONLY);
	struct stat st;
	int error = 0;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st) != 0 ||
		((uint64_t)st.st_size != op->length && ftruncate(fd, (off_t)op->length) != 0))
		error = errno;
	if (close(fd) != 0 && error == 0)
		error = errno;
	return error;
}

static int see_stat(struct tree_seen *seen, const struct stat *st)
{
	bool is_dir = S_ISDIR(st->st_mode);

	see(seen, "type %o", st->st_mode & S_IFMT);
	if (!S_ISLNK(st->st_mode))
		see(seen, " mode %o", st->st_mode & 0777);
	if (!is_dir)
		see(seen, " size %lld links %llu", (long long)st->st_size,
			(unsigned long long)st->st_nlink);
	return 0;
}

static int see_bytes(struct tree_seen *seen, int fd)
{
	struct stat st;
	unsigned char *bytes;
	ssize_t got;

	if (fstat(fd, &st) != 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EISDIR;
	bytes = emr_kit_alloc((size_t)st.st_size + 4096);
	got = emr_kit_pread_all(fd, bytes, (size_t)st.st_size + 4096, 0);
	if (got >= 0)
		see(seen, "%zd bytes, hash %016llx", got,
			(unsigned long long)emr_kit_hash(bytes, (size_t)got));
	free(bytes);
	return got < 0 ? errno : 0;
}

static int read_at(struct tree_side *side, const struct tree_op *op, struct tree_seen *seen)
{
	int fd = openat(side->root, op->a, O_RDONLY | O_NONBLOCK);
	int error;

	if (fd < 0)
		return errno;
	error = see_bytes(seen, fd);
	close(fd);
	return error;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int readdir_at(struct tree_side *side, const struct tree_op *op, struct tree_seen *seen)
{
	struct dirent **entries;
	int count = scandirat(side->root, op->a, &entries, NULL, by_name);

	if (count < 0)
		return errno;
	for (int i = 0; i < count; i++) {
		see(seen, "%s(%u) ", entries[i]->d_name, entries[i]->d_type);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

static int readlink_at(struct tree_side *side, const struct tree_op *op, struct tree_seen *seen)
{
	char text[4096];
	ssize_t got = readlinkat(side->root, op->a, text, sizeof(text));

	if (got < 0)
		return errno;
	see(seen, "%.*s", (int)got, text);
	return 0;
}

/* There is no *at family for attributes in this libc: go through the descriptor's own path. */
struct note {
	char path[TREE_PATH_MAX + 64], name[32];
};

static struct note note_of(const struct tree_side *side, const struct tree_op *op)
{
	struct note note;

	snprintf(note.path, sizeof(note.path), "/proc/self/fd/%d/%s", side->root, op->a);
	snprintf(note.name, sizeof(note.name), "user.note%u", (unsigned)(op->pattern % 3));
	return note;
}

static int set_note(const struct tree_side *side, const struct tree_op *op)
{
	struct note note = note_of(side, op);
	size_t length = op->length % 200;
	int how = op->flags % 4 == 3 ? 0 : (int)(op->flags % 4); /* any, XATTR_CREATE, _REPLACE */
	char value[200];

	emr_kit_fill(value, length, op->pattern);
	return result(lsetxattr(note.path, note.name, value, length, how));
}

static int get_note(const struct tree_side *side, const struct tree_op *op, struct tree_seen *seen)
{
	struct note note = note_of(side, op);
	char value[8192];
	ssize_t got = lgetxattr(note.path, note.name, value, sizeof(value));

	if (got < 0)
		return errno;
	see(seen, "%zd bytes, hash %016llx", got,
		(unsigned long long)emr_kit_hash(value, (size_t)got));
	return 0;
}

static int list_notes(
	const struct tree_side *side, const struct tree_op *op, struct tree_seen *seen)
{
	struct note note = note_of(side, op);
	char list[8192];
	ssize_t got = llistxattr(note.path, list, sizeof(list));

	if (got < 0)
		return errno;
	for (int n = 0; n < 3; n++) {
		snprintf(note.name, sizeof(note.name), "user.note%d", n);
		see(seen, "%d",
			memmem(list, (size_t)got, note.name, strlen(note.name) + 1) != NULL);
	}
	return 0;
}

static int remove_note(const struct tree_side *side, const struct tree_op *op)
{
	struct note note = note_of(side, op);

	return result(lremovexattr(note.path, note.name));
}

static int utimens_at(struct tree_side *side, const struct tree_op *op)
{
	struct timespec times[2] = {{0, UTIME_OMIT}, op->mtime};

	return result(utimensat(side->root, op->a, times, AT_SYMLINK_NOFOLLOW));
}

static int hold(struct tree_side *side, const struct tree_op *op)
{
	int *slot = &side->slots[op->slot];

	if (*slot >= 0)
		close(*slot);
	*slot = openat(side->root, op->a, O_RDWR | O_NONBLOCK);
	return *slot < 0 ? errno : 0;
}

static int stat_held(int fd, struct tree_seen *seen)
{
	struct stat st;

	return fstat(fd, &st) != 0 ? errno : see_stat(seen, &st);
}

static int drop(struct tree_side *side, const struct tree_op *op)
{
	int fd = side->slots[op->slot];

	side->slots[op->slot] = -1;
	return result(close(fd));
}

static int stat_at(struct tree_side *side, const struct tree_op *op, struct tree_seen *seen)
{
	struct stat st;
	int follow = op->flags & 1 ? 0 : AT_SYMLINK_NOFOLLOW;

	return fstatat(side->root, op->a, &st, follow) != 0 ? errno : see_stat(seen, &st);
}

static int rename_at(struct tree_side *side, const struct tree_op *op, unsigned flags)
{
	int error = result(renameat2(side->root, op->a, side->root, op->b, flags));

	return error == EEXIST && flags == 0 ? ENOTEMPTY : error; /* POSIX allows either */
}

static int apply(struct tree_side *side, const struct tree_op *op, struct tree_seen *seen)
{
	int root = side->root, held = side->slots[op->slot]; /* -1 answers EBADF by itself */

	switch (op->kind) {
	case T_CREATE:
		return create(side, op);
	case T_MKDIR:
		return result(mkdirat(root, op->a, op->mode));
	case T_RMDIR:
		return result(unlinkat(root, op->a, AT_REMOVEDIR));
	case T_RENAME:
	case T_RENAME_INSIDE:
		return rename_at(side, op, 0);
	case T_RENAME_KEEP:
		return rename_at(side, op, RENAME_NOREPLACE);
	case T_RENAME_SWAP:
		return rename_at(side, op, RENAME_EXCHANGE);
	case T_UNLINK:
		return result(unlinkat(root, op->a, 0));
	case T_SYMLINK:
		return result(symlinkat(op->b, root, op->a));
	case T_LINK:
		return result(linkat(root, op->a, root, op->b, 0));
	case T_TRUNCATE:
		return truncate_at(side, op);
	case T_WRITE:
		return write_at(side, op);
	case T_APPEND:
		return append(side, op);
	case T_CHMOD:
		return result(fchmodat(root, op->a, op->mode, 0));
	case T_UTIMENS:
		return utimens_at(side, op);
	case T_SETXATTR:
		return set_note(side, op);
	case T_GETXATTR:
		return get_note(side, op, seen);
	case T_REMOVEXATTR:
		return remove_note(side, op);
	case T_LISTXATTR:
		return list_notes(side, op, seen);
	case T_STAT:
		return stat_at(side, op, seen);
	case T_READ:
		return read_at(side, op, seen);
	case T_READLINK:
		return readlink_at(side, op, seen);
	case T_READDIR:
		return readdir_at(side, op, seen);
	case T_HOLD:
		return hold(side, op);
	case T_HELD_WRITE:
		return put(held, op, op->offset);
	case T_HELD_READ:
		return see_bytes(seen, held);
	case T_HELD_STAT:
		return stat_held(held, seen);
	case T_HELD_SYNC:
		return result(op->flags & 1 ? fsync(held) : fdatasync(held));
	case T_DROP:
		return drop(side, op);
	case T_KINDS:
		break;
	}
	return EINVAL;
}

void tree_op_apply(struct tree_side *side, const struct tree_op *op, struct tree_seen *out_seen)
{
	out_seen->text[0] = '\0';
	out_seen->error = apply(side, op, out_seen);
}

void tree_side_drop(struct tree_side *side)
{
	for (int i = 0; i < TREE_SLOTS; i++) {
		if (side->slots[i] >= 0)
			close(side->slots[i]);
		side->slots[i] = -1;
	}
}
