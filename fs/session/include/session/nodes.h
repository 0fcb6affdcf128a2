/* These functions open the IPFS nodes of the settings, and say in a sentence what is wrong with
 * one. They refuse a token that others could read. */
#pragma once

#include "ipfs/node.h"
#include "kit/places.h"

/* Speaks to nobody.  *OUT_IS_TOKEN (may be NULL): it is the file of the token that does not do. */
emr_status emr_node_open(const emr_node_setting *setting, emr_ipfs **out_node, bool *out_is_token,
	emr_problem *out_problem);
/* NODE: its address; SAID: its own words, or "". */
void emr_node_say(
	const char *node, emr_ipfs_fault fault, const char *said, emr_problem *out_problem);
