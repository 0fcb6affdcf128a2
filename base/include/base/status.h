/* The one result type of emrfs.  It names causes; it never carries an errno or a secret. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum emr_status {
	EMR_OK = 0,
	EMR_NO_MEMORY, /* allocation failed, or no locked memory is left */
	EMR_IO,	       /* the operating system could not read or write */
	EMR_NO_SPACE,  /* ENOSPC of the disk below */
	EMR_QUOTA,     /* a limit of the network or the disk's quota */
	EMR_INVALID,   /* an argument or input that breaks a stated rule */
	EMR_LIMIT,     /* larger than a stated limit */
	EMR_NOT_FOUND,
	EMR_EXISTS,
	EMR_NOT_EMPTY,
	EMR_NOT_DIRECTORY,
	EMR_IS_DIRECTORY,
	EMR_BAD_NAME,	   /* empty, ".", "..", over 255 bytes, or has a slash or NUL */
	EMR_RESERVED_NAME, /* a name of emrfs itself */
	EMR_NO_HARD_LINKS,
	EMR_READ_ONLY,
	EMR_NO_ATTRIBUTE,
	EMR_ATTRIBUTE_SPACE, /* user.* values do not fit the record's metadata */
	EMR_RANGE,	     /* the caller's buffer is too small */
	EMR_UNSUPPORTED,
	EMR_CROSS,   /* a rename into one's own child */
	EMR_TOO_BIG, /* over 4 TiB */
	EMR_DENIED,  /* not permitted */
	EMR_DAMAGED, /* failed authentication, hash, checksum or strict parsing */
	EMR_BAD_SIGNATURE,
	EMR_MISSING_DATA, /* a block or part that must exist is nowhere */
	EMR_ROLLBACK,	  /* older than what this computer has already verified */
	EMR_FORK,	  /* does not continue what this computer has already verified */
	EMR_NEWER_FORMAT, /* a format version this program does not know */
	EMR_WRONG_PASSPHRASE,
	EMR_WRONG_WORDS,
	EMR_EXPOSED, /* a private file that others can read */
	EMR_BUSY,    /* in use by another process */
	EMR_OFFLINE, /* who is asked (the ledger, a node) cannot be reached */
	EMR_TIMEOUT, /* it did not answer, or what was waited for did not come, in time */
	EMR_INTERRUPTED,
	EMR_CONFLICT,	    /* the row's head moved */
	EMR_EPOCH,	    /* wrap again for the new epoch */
	EMR_REFUSED,	    /* the ledger refused; the result code says why */
	EMR_ACCESS_ENDED,   /* what another shared: its time is over */
	EMR_ACCESS_REVOKED, /* what another shared: taken back */
	EMR_FORBIDDEN,	    /* not in this place, for any caller */
	EMR_WOULD_SHARE,    /* somebody else would see it, and nobody asked for that */
	EMR_APART,	   /* a rename from one owner's folder to another's: to be copied instead */
	EMR_LETTERS_SPENT, /* the day's letters that the ledger takes by one certificate */
	EMR_BYTES_SPENT,   /* the same of bytes */
	EMR_NO_MODULE,	   /* libexec/emrfs lacks a part of this program, or it does not load */
	EMR_AWAITED,	   /* somebody else has to do something first: a key has not come yet */
	EMR_NEWER_RULES,   /* the network has agreed on rules that this program does not know */
	EMR_STATUS_COUNT
} emr_status;

/* Evaluates EXPRESSION, an emr_status, once, and returns it from the calling function unless it is
 * EMR_OK.  It is for a function whose cleanup is attached to its variables (EMR_AUTO_...): one that
 * has to unlock, free or undo something by a statement of its own keeps the status in a variable.
 */
#define EMR_TRY(expression)                                                                        \
	do {                                                                                       \
		const emr_status emr_tried = (expression);                                         \
		if (emr_tried != EMR_OK)                                                           \
			return emr_tried;                                                          \
	} while (0)
/* The same for memory that was asked for: POINTER is NULL where there is none. */
#define EMR_TRY_MEMORY(pointer) EMR_TRY((pointer) != NULL ? EMR_OK : EMR_NO_MEMORY)

/* These kinds say what can be done about a status. This is said once, here: a caller that tries
 * again, passes over or gives up asks for the kind, and for a single status only where it knows
 * better. */
typedef enum emr_status_kind {
	EMR_KIND_FINE,
	EMR_KIND_LOCAL,	 /* this computer could not do it now; it says nothing of what was asked */
	EMR_KIND_AWAY,	 /* who is asked (the ledger, a node, somebody) does not answer now */
	EMR_KIND_MOVED,	 /* somebody was quicker: what was asked is made and asked again */
	EMR_KIND_DAMAGE, /* bytes that cannot be right, or are nowhere: they must be looked at */
	EMR_KIND_FORK,	 /* a history that cannot be right: nothing that builds on it goes on */
	EMR_KIND_UNFIT,	 /* it is not there, or of no form or size that this program takes */
	EMR_KIND_FINAL,	 /* the same, asked again, gets the same answer */
} emr_status_kind;

/* EMR_KIND_FINAL for what is no status. */
emr_status_kind emr_status_kind_of(emr_status status);

static inline bool emr_status_is_local(emr_status status)
{
	return emr_status_kind_of(status) == EMR_KIND_LOCAL;
}

static inline bool emr_status_is_away(emr_status status)
{
	return emr_status_kind_of(status) == EMR_KIND_AWAY;
}

static inline bool emr_status_is_moved(emr_status status)
{
	return emr_status_kind_of(status) == EMR_KIND_MOVED;
}

/* Of the moment: the same, asked again as it is, may go. */
static inline bool emr_status_may_pass(emr_status status)
{
	return emr_status_is_local(status) || emr_status_is_away(status);
}

/* Nobody answered.  Not EMR_AWAITED, where the answer is that somebody else has to act first. */
static inline bool emr_status_is_unanswered(emr_status status)
{
	return status == EMR_OFFLINE || status == EMR_TIMEOUT;
}

/* The data that was looked at is at fault, not this moment: it cannot be read as it is.  Others
 * like it may be fine: a caller that goes through many passes over it and tells it. */
static inline bool emr_status_is_unreadable(emr_status status)
{
	emr_status_kind kind = emr_status_kind_of(status);

	return kind == EMR_KIND_DAMAGE || kind == EMR_KIND_UNFIT;
}

/* No room is left, on the disk or by a limit: what needs none goes on. */
static inline bool emr_status_is_full(emr_status status)
{
	return status == EMR_NO_SPACE || status == EMR_QUOTA;
}

/* EMR_NEWER_FORMAT, remembering for this thread which version was MET, and that this program knows
 * versions up to KNOWN; 0: no version says it. */
emr_status emr_newer_format(uint64_t met, uint64_t known);
/* EMR_NEWER_RULES, with the numbers of the rules, remembered in the same place. */
emr_status emr_newer_rules(uint64_t met, uint64_t known);
/* Gives what this thread met last, once; false: nothing, or nobody knows. */
bool emr_newer_format_take(uint64_t *out_met, uint64_t *out_known);

/* A short lower-case text, never NULL; for logs and tests, not for people. */
const char *emr_status_text(emr_status status);

/* The status that stands for an errno of the operating system: ENOSPC, EDQUOT, ENOMEM, ENOENT,
 * EEXIST, EACCES/EPERM, EROFS, EFBIG, EINTR, ETIMEDOUT; everything else is EMR_IO. */
emr_status emr_status_from_errno(int error);
