/* This limits how often a person is told of refused programs. It does not repeat the same kind
 * without end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define REFUSALS 3		     /* kinds that an errno tells apart */
#define REFUSAL_COPY REFUSALS	     /* nothing was refused: a copy without its signature */
#define REFUSAL_KINDS (REFUSALS + 1) /* all that are spoken of */

typedef struct refusal_window {
	int64_t since_boot_ns;
	unsigned count;
} refusal_window;

struct emr_view;

/* Under the tree lock: whether there is room for one more notice of KIND. */
bool refusals_may_tell(struct emr_view *view, size_t kind);
/* Without view->lock: a notice with its reason, or with who is meant (emr_view_options). */
void refusals_tell_with(
	struct emr_view *view, const char *error_id, const char *path, const char *detail);
/* Why the ledger did not take a record, for a person. */
const char *refusals_reason(emr_status failure, uint8_t result);
