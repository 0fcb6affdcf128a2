/* This file gives each status its text and its kind (may it pass by itself?), and turns an errno of
 * the system into a status. */
#include "base/status.h"

#include <errno.h>
#include <stddef.h>

static const struct {
	const char *text;
	emr_status_kind kind;
} statuses[EMR_STATUS_COUNT] = {
	[EMR_OK] = {"ok", EMR_KIND_FINE},
	[EMR_NO_MEMORY] = {"no memory", EMR_KIND_LOCAL},
	[EMR_IO] = {"input or output failed", EMR_KIND_LOCAL},
	[EMR_NO_SPACE] = {"no space", EMR_KIND_LOCAL},
	[EMR_QUOTA] = {"quota", EMR_KIND_LOCAL},
	[EMR_INVALID] = {"invalid", EMR_KIND_UNFIT},
	[EMR_LIMIT] = {"over a limit", EMR_KIND_UNFIT},
	[EMR_NOT_FOUND] = {"not found", EMR_KIND_UNFIT},
	[EMR_EXISTS] = {"exists", EMR_KIND_FINAL},
	[EMR_NOT_EMPTY] = {"not empty", EMR_KIND_FINAL},
	[EMR_NOT_DIRECTORY] = {"not a directory", EMR_KIND_FINAL},
	[EMR_IS_DIRECTORY] = {"is a directory", EMR_KIND_FINAL},
	[EMR_BAD_NAME] = {"bad name", EMR_KIND_FINAL},
	[EMR_RESERVED_NAME] = {"reserved name", EMR_KIND_FINAL},
	[EMR_NO_HARD_LINKS] = {"no hard links", EMR_KIND_FINAL},
	[EMR_READ_ONLY] = {"read-only", EMR_KIND_FINAL},
	[EMR_NO_ATTRIBUTE] = {"no such attribute", EMR_KIND_FINAL},
	[EMR_ATTRIBUTE_SPACE] = {"no room for the attribute", EMR_KIND_FINAL},
	[EMR_RANGE] = {"buffer too small", EMR_KIND_FINAL},
	[EMR_UNSUPPORTED] = {"unsupported", EMR_KIND_UNFIT},
	[EMR_CROSS] = {"into its own child", EMR_KIND_FINAL},
	[EMR_TOO_BIG] = {"too big", EMR_KIND_UNFIT},
	[EMR_DENIED] = {"access denied", EMR_KIND_FINAL},
	[EMR_DAMAGED] = {"damaged", EMR_KIND_DAMAGE},
	[EMR_BAD_SIGNATURE] = {"bad signature", EMR_KIND_DAMAGE},
	[EMR_MISSING_DATA] = {"missing data", EMR_KIND_DAMAGE},
	[EMR_ROLLBACK] = {"rolled back", EMR_KIND_FORK},
	[EMR_FORK] = {"another history, or another network, than before", EMR_KIND_FORK},
	[EMR_NEWER_FORMAT] = {"newer format", EMR_KIND_UNFIT},
	[EMR_WRONG_PASSPHRASE] = {"wrong passphrase", EMR_KIND_FINAL},
	[EMR_WRONG_WORDS] = {"wrong words", EMR_KIND_FINAL},
	[EMR_EXPOSED] = {"readable by others", EMR_KIND_FINAL},
	[EMR_BUSY] = {"busy", EMR_KIND_LOCAL},
	[EMR_OFFLINE] = {"offline", EMR_KIND_AWAY},
	[EMR_TIMEOUT] = {"timed out", EMR_KIND_AWAY},
	[EMR_INTERRUPTED] = {"interrupted", EMR_KIND_LOCAL},
	[EMR_CONFLICT] = {"conflict", EMR_KIND_MOVED},
	[EMR_EPOCH] = {"new epoch", EMR_KIND_MOVED},
	[EMR_REFUSED] = {"refused", EMR_KIND_FINAL},
	[EMR_ACCESS_ENDED] = {"access ended", EMR_KIND_FINAL},
	[EMR_ACCESS_REVOKED] = {"access revoked", EMR_KIND_FINAL},
	[EMR_FORBIDDEN] = {"not permitted there", EMR_KIND_FINAL},
	[EMR_WOULD_SHARE] = {"somebody else would see it", EMR_KIND_FINAL},
	[EMR_APART] = {"folders of different owners", EMR_KIND_FINAL},
	[EMR_LETTERS_SPENT] = {"letters of the day spent", EMR_KIND_LOCAL},
	[EMR_BYTES_SPENT] = {"bytes of the day spent", EMR_KIND_LOCAL},
	[EMR_NO_MODULE] = {"libexec/emrfs is incomplete: install emrfs again", EMR_KIND_LOCAL},
	[EMR_AWAITED] = {"not here yet", EMR_KIND_AWAY},
	[EMR_NEWER_RULES] = {"newer rules", EMR_KIND_LOCAL},
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

emr_status emr_newer_rules(uint64_t met, uint64_t known)
{
	(void)emr_newer_format(met, known);
	return EMR_NEWER_RULES;
}

bool emr_newer_format_take(uint64_t *out_met, uint64_t *out_known)
{
	*out_met = newer.met;
	*out_known = newer.known;
	newer.met = newer.known = 0;
	return *out_met != 0;
}

const char *emr_status_text(emr_status status)
{
	return (unsigned)status < EMR_STATUS_COUNT && statuses[status].text != NULL
		       ? statuses[status].text
		       : "unknown status";
}

emr_status_kind emr_status_kind_of(emr_status status)
{
	return (unsigned)status < EMR_STATUS_COUNT ? statuses[status].kind : EMR_KIND_FINAL;
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
