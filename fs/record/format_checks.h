/* These are limits that several formats of records share. They are private to the module and
 * decide nothing but shape. */
#pragma once

#include "record/content.h"

/* Every flag that a header of m may have. */
#define RECORD_FLAGS (EMR_M_FLAG_POW2 | EMR_M_FLAG_HOLES)

/* Some file length of at most 4 TiB pads to PADDED. */
bool record_padded_is_possible(uint64_t padded, bool pow2);
/* Known suite, limits, L' = P(n), and holes if and only if the flag says so. */
emr_status record_content_check(const emr_content *content);
/* A locally sealed DEK is bound to the first 16 bytes of the only salt it is used with. */
