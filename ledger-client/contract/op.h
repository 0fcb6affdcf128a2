/* Facts of the operations that only the rules need.  It knows nothing of rows or authority. */
#pragma once

#include "contract/codes.h"

/* Operations that someone waits for: short-lived, and not older than that. */
bool emr_op_is_prompt(uint8_t op);
/* How long a batch with such an item may stay valid after header.time. */
uint32_t emr_op_validity_s(uint8_t op, enum emr_host host);
