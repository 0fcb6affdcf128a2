/* The order of checks, one place for all hosts: first the whole batch, then item by item.
 * It refuses to go on behind the first check that fails; which rows a check may read is
 * declare.c's. */
#pragma once

#include "judge.h"

/* Is the batch for this network?  NETWORK. */
emr_result emr_check_network(struct judge *judge);
/* Signature, submitter, times and what the signer has seen, root: a refusal writes no entry. */
emr_result emr_check_batch(struct judge *judge);
/* Judges item I on the rows as the items before it left them, and writes what it does. */
emr_result emr_check_item(struct judge *judge, size_t i);
