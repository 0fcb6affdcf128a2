/* This file gives each status its text, and turns an errno of the system into a status. */
#include "base/status.h"

#include <errno.h>
#include <stddef.h>

static const char *const texts[EMR_STATUS_COUNT] = {
	[EMR_OK] = "ok",
	[EMR_NO_MEMORY] = "no memory",
	[EMR_IO] = "input or output failed",
	[EMR_NO_SPACE] = "no space",
	[EMR_QUOTA] = "quota",
	[EMR_INVALID] = "invalid",
	[EMR_LIMIT] = "over a limit",
	[EMR_NOT_FOUND] = "not found",
	[EMR_EXISTS] = "exists",
	[EMR_NOT_EMPTY] = "not empty",
	[EMR_NOT_DIRECTORY] = "not a directory",
	[EMR_IS_DIRECTORY] = "is a directory",
	[EMR_BAD_NAME] = "bad name",
	[EMR_RESERVED_NAME] = "reserved name",
	[EMR_NO_HARD_LINKS] = "no hard links",
	[EMR_READ_ONLY] = "read-only",
	[EMR_NO_ATTRIBUTE] = "no such attribute",
	[EMR_ATTRIBUTE_SPACE] = "no room for the attribute",
	[EMR_RANGE] = "buffer too small",
	[EMR_UNSUPPORTED] = "unsupported",
	[EMR_CROSS] = "into its own child",
	[EMR_TOO_BIG] = "too big",
	[EMR_DENIED] = "access denied",
	[EMR_DAMAGED] = "damaged",
	[EMR_BAD_SIGNATURE] = "bad signature",
	[EMR_MISSING_DATA] = "missing data",
	[EMR_ROLLBACK] = "rolled back",
	[EMR_FORK] = "forked",
	[EMR_NEWER_FORMAT] = "newer format",
	[EMR_WRONG_PASSPHRASE] = "wrong passphrase",
	[EMR_WRONG_WORDS] = "wrong words",
	[EMR_EXPOSED] = "readable by others",
	[EMR_BUSY] = "busy",
	[EMR_OFFLINE] = "offline",
	[EMR_TIMEOUT] = "timed out",
	[EMR_INTERRUPTED] = "interrupted",
	[EMR_CONFLICT] = "conflict",
	[EMR_EPOCH] = "new epoch",
	[EMR_REFUSED] = "refused",
	[EMR_ACCESS_ENDED] = "access ended",
	[EMR_ACCESS_REVOKED] = "access revoked",
	[EMR_FORBIDDEN] = "not permitted there",
	[EMR_WOULD_SHARE] = "somebody else would see it",
	[EMR_APART] = "folders of different owners",
};

/* A status goes up through many hands, and nobody on the way has to know more than that. */
static _Thread_local struct {
	uint64_t met, known;
} newer;

emr_status emr_newer_format(uint64_t met, uint64_t known)
{
	newer.met = met;
	newer.known = known;
	return EMR_NEWER_FORMAT;
}

bool emr_newer_format_take(uint64_t *out_met, uint64_t *out_known)
{
	bool is_said = newer.met != 0;

	*out_met = newer.met;
	*out_known = newer.known;
	newer.met = newer.known = 0;
	return is_said;
}

const char *emr_status_text(emr_status status)
{
	if ((unsigned)status >= EMR_STATUS_COUNT || texts[status] == NULL)
		return "unknown status";
	return texts[status];
}

emr_status emr_status_from_errno(int error)
{
	switch (error) {
	case 0:
		return EMR_OK;
	case ENOSPC:
		return EMR_NO_SPACE;
	case EDQUOT:
		return EMR_QUOTA;
	case ENOMEM:
		return EMR_NO_MEMORY;
	case ENOENT:
		return EMR_NOT_FOUND;
	case EEXIST:
		return EMR_EXISTS;
	case EACCES:
	case EPERM:
		return EMR_DENIED;
	case EROFS:
		return EMR_READ_ONLY;
	case EFBIG:
		return EMR_TOO_BIG;
	case EINTR:
		return EMR_INTERRUPTED;
	case ETIMEDOUT:
		return EMR_TIMEOUT;
	default:
		return EMR_IO;
	}
}
