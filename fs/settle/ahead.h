/* Keys wrapped before they are asked for: by a thread of its own, while the asker seals, sends and
 * waits for the disk, and by the asker instead of waiting for that thread.  Only advice: without
 * memory or a thread everything is done when it is asked for. */
#pragma once

#include "build.h"

typedef struct ahead ahead;

/* For the REWRAPs among the N CHANGES, which are borrowed until the end, as is what CTX names. NULL
 * when there are too few. */
ahead *ahead_begin(const build_ctx *ctx, const emr_change *changes, size_t n);
/* Whether it works for the epoch and the key of CTX. */
bool ahead_fits(const ahead *a, const build_ctx *ctx);
/* What build_wrap gives for CHANGE, one of CHANGES.  One asker at a time. */
emr_status ahead_get(ahead *a, const emr_change *change, wrapped_key *out);
/* Waits for the one key that the thread is at.  Fine for NULL. */
void ahead_end(ahead *a);
