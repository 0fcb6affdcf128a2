/* This file keeps the blocks that a working copy no longer lies on while its spill still names
 * them: after a crash they are needed. */
#include <string.h>

#include "base/log.h"
#include "staging_impl.h"

void staging_retire(emr_staging *st, const emr_cid *cid)
{
	if (emr_buf_append(&st->retired, cid, sizeof *cid) != EMR_OK)
		emr_log(EMR_LOG_WARN, "what a crash may need is not kept"); /* there is room */
}

void staging_forget_retired(emr_staging *st, size_t n)
{
	size_t bytes = n * sizeof(emr_cid);
	size_t kept = n < st->retired_kept ? n : (size_t)st->retired_kept;

	st->retired_kept -= kept;
	atomic_fetch_add(&st->ctx->left, (n - kept) * EMR_LEAF_SEALED_BYTES);
	st->retired.len -= bytes;
	memmove(st->retired.data, st->retired.data + bytes, st->retired.len);
	st->retired_dropped += bytes;
}

emr_status staging_may_lie_on_one_more(emr_staging *st)
{
	return emr_buf_reserve(&st->retired, (size_t)(st->lies_on + 2) * sizeof(emr_cid));
}
