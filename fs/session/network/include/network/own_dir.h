/* Somebody whose network stands elsewhere, at a host or in a channel, keeps what leads there in the
 * state: a directory of the network's kind without a ledger (EMR_STATE_NETWORK). It refuses a host
 * that shows another key than it was told of. */
#pragma once

#include "base/bytes.h"
#include "kit/message.h"

/* Whether NETWORK, of a line, is the address of a host ("https://...") and no directory. */
bool emr_own_dir_is_address(const char *network);
/* Makes it in the state STATE (open as STATE_FD), from the WAY that an invitation, a file or a copy
 * has carried and what the network began with, in the place of what an interrupted try left there.
 * *out_dir is the caller's, also when this fails behind its beginning: then the directory is to be
 * removed.  Always with a problem. */
emr_status emr_own_dir_make(int state_fd, const char *state, emr_bytes way, emr_bytes descriptor,
	char **out_dir, emr_problem *out_problem);
/* The same for who has nothing but the ADDRESS of a host (emr_served_address_read). */
emr_status emr_own_dir_meet(int state_fd, const char *state, const char *address, char **out_dir,
	emr_problem *out_problem);
