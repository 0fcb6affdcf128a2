/* The parts of tree_model: one operation on a tree, and the comparison of two trees. It does not
 * judge: applying reports what was seen, and the caller compares the two reports. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { TREE_SLOTS = 4, TREE_PATH_MAX = 1024, TREE_TEXT_MAX = 8192 };

/* clang-format off */
enum tree_kind { T_CREATE, T_MKDIR, T_RMDIR, T_RENAME, T_RENAME_KEEP, T_RENAME_SWAP, T_RENAME_INSIDE,
		 T_UNLINK, T_SYMLINK, T_LINK, T_TRUNCATE, T_WRITE, T_APPEND, T_CHMOD, T_UTIMENS,
		 T_SETXATTR, T_GETXATTR, T_REMOVEXATTR, T_LISTXATTR, T_STAT, T_READ, T_READLINK,
		 T_READDIR, T_HOLD, T_HELD_WRITE, T_HELD_READ, T_HELD_STAT, T_HELD_SYNC, T_DROP,
		 T_KINDS };
/* clang-format on */

/* Differences between the directory under test and the model that are by design. */
struct tree_known {
	bool link_eperm;      /* hard links are refused with EPERM */
	bool no_exchange;     /* renameat2(RENAME_EXCHANGE) is EINVAL */
	bool no_rename_flags; /* so is RENAME_NOREPLACE */
	bool no_xattr;	      /* no user.* attributes at all */
};

struct tree_op {
	enum tree_kind kind;
	char a[TREE_PATH_MAX], b[TREE_PATH_MAX]; /* relative paths; b also a link's text */
	uint64_t offset, length, pattern;
	unsigned mode, flags, slot;
	struct timespec mtime;
};

/* One side: the directory under test or the model.  Slots hold files open across operations. */
struct tree_side {
	int root;
	int slots[TREE_SLOTS]; /* -1 when empty */
};

/* The answer of an operation: errno or 0, and everything it saw in words. */
struct tree_seen {
	int error;
	char text[TREE_TEXT_MAX];
};

const char *tree_kind_name(enum tree_kind kind);

/* Draws the next operation from *rng; shared lanes get no slots and no attribute changes. */
void tree_op_draw(uint64_t *rng, bool is_shared, struct tree_op *out_op);

/* Performs OP below SIDE's root. */
void tree_op_apply(struct tree_side *side, const struct tree_op *op, struct tree_seen *out_seen);

void tree_side_drop(struct tree_side *side);

/*
 * Compares two directories with all that is below: names, types, sizes, contents, mode & 0777, user
 * attributes (not user.emrfs.*) and times of modification: equal to the nanosecond where the
 * model's was set by a test (before 2001), otherwise both of now, at most 60 s apart. Prints each
 * difference and returns their number.
 */
unsigned tree_compare(int tested, int model, const char *path, const struct tree_known *known);
