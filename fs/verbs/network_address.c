/* This file is `emrfs network address`: a member follows the host of the network to where it says,
 * signed by its key, that it is now. */
#include "verbs_private.h"

emr_status emr_network_address(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	(void)out;
	emr_problem_set_status(out_problem, EMR_UNSUPPORTED, args->operands[1]);
	return EMR_UNSUPPORTED;
}
