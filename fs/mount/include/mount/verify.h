/* The verb `verify` asks this beside the open folder's answer. It refuses paths of what others
 * share, which whoever reads it checks. */
#pragma once

#include <jansson.h>

#include "kit/out.h"
#include "mount/reach.h"

/* EMR_DENIED with its problem: REQUEST's path is below shared-with-me or datasets, or in a dataset
 * that is mounted alone. */
emr_status emr_verify_own(
	const emr_reach *reach, const emr_request *request, emr_problem *out_problem);
/* "Paula Lima signed for you up to number 6.  Not here: 3, 5 (2 in all)...", of a {"gap"}. */
void emr_gap_say(emr_out *out, const json_t *gap);
