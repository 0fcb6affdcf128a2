/* This file is `emrfs network`, the verb of members about the network that they are in: it takes
 * the host's new address, administrators sign for a new key of the host, and a member leaves. */
#include <string.h>

#include "kit/language.h"
#include "verbs/cmd.h"
#include "verbs_private.h"

typedef struct deed {
	const char *name;
	size_t least, most; /* operands, with the name */
	emr_status (*act)(const emr_args *args, emr_out *out, emr_problem *out_problem);
} deed;

emr_status emr_cmd_network(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	static const deed deeds[] = {{"address", 2, 2, emr_network_address},
		{"sign", 2, 2, emr_network_sign}, {"leave", 1, 1, emr_network_leave}};

	for (size_t i = 0; i < sizeof deeds / sizeof *deeds && args->n_operands > 0; i++)
		if (strcmp(args->operands[0], deeds[i].name) == 0 &&
			args->n_operands >= deeds[i].least && args->n_operands <= deeds[i].most)
			return deeds[i].act(args, out, out_problem);
	return emr_wrong_use("network",
		_("network takes address FILE, address TEXT, sign FILE, or leave."), out_problem);
}
