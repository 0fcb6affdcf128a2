/* This file is `emrfs network`, the verb of members about the network that they are in: it takes
 * the host's new address, administrators sign for a new key of the host, and a member leaves. */
#include <string.h>

#include "kit/language.h"
#include "verbs/cmd.h"
#include "verbs_private.h"

emr_status emr_cmd_network(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	const char *deed = args->n_operands > 0 ? args->operands[0] : "";

	if (strcmp(deed, "leave") == 0 && args->n_operands == 1)
		return emr_network_leave(args, out, out_problem);
	if (strcmp(deed, "address") == 0 && args->n_operands == 2)
		return emr_network_address(args, out, out_problem);
	if (strcmp(deed, "sign") == 0 && args->n_operands == 2)
		return emr_network_sign(args, out, out_problem);
	return emr_wrong_use("network",
		_("network takes address FILE, address TEXT, sign FILE, or leave."), out_problem);
}
