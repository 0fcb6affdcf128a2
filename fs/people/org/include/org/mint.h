/* Points that the organisations make together. It refuses to make any that not enough of them have
 * agreed on. */
#pragma once

#include "kit/out.h"

/* org mint WHO POINTS: proposes (if nobody has), approves, and makes them once enough have
 * approved. */
int emr_org_mint(const emr_args *args, emr_out *out);
