/* A network of one computer becomes one in a directory, which other computers of this user can
 * reach: ledger and blocks move there as they are, nothing is encrypted again. It refuses a
 * directory with anything else in it, and goes on where an interrupted move stopped. */
#pragma once

#include "base/id.h"
#include "kit/message.h"

/* The folder must be closed and its lock held.  DIR absolute.  EMR_EXISTS: the ledger is in a
 * directory already. */
emr_status emr_network_adopt(
	int state_fd, const char *dir, emr_id16 device, emr_problem *out_problem);
