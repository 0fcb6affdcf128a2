/* Somebody whose network a host serves keeps what leads there in the state: a directory of the
 * network's kind without a ledger (EMR_STATE_NETWORK). It refuses a host
 * that shows another key than it was told of, and a way to a socket that nobody here has named. */
#pragma once

#include "base/bytes.h"
#include "kit/message.h"
#include "kit/out.h"

/* Whether NETWORK, of a line, is the address of a host ("https://...") and no directory. */
bool emr_own_dir_is_address(const char *network);
/* The way to the host that NAMED says (an address, or "unix:PATH") takes the place of WAY, which is
 * what a copy has of it, or empty; NAMED may be NULL or a directory, and changes nothing then. A
 * host is known by its key: EMR_FORK where the address has another one than WAY.  With a problem.
 */
emr_status emr_own_dir_readdress(const char *named, emr_buf *way, emr_problem *out_problem);
/* Says where WAY leads ("host" in an answer), before anything is made of what somebody has sent or
 * this computer speaks to anybody.  A socket of this computer, behind which any program may
 * listen, is refused but where NAMED ("unix:PATH", the person's own word; NULL: none) is that one:
 * EMR_DENIED, with a problem.  WAY may be empty. */
emr_status emr_own_dir_allow(
	emr_bytes way, const char *named, emr_out *out, emr_problem *out_problem);
/* Makes it in the state STATE (open as STATE_FD), from the WAY that an invitation, a file or a copy
 * has carried and what the network began with, in the place of what an interrupted try left there.
 * *out_dir is the caller's, also when this fails behind its beginning: then the directory is to be
 * removed.  Always with a problem.  WAY empty: as emr_network_dir_settle. */
emr_status emr_own_dir_make(int state_fd, const char *state, emr_bytes way, emr_bytes descriptor,
	char **out_dir, emr_problem *out_problem);
/* The same as emr_own_dir_make for who has nothing but the ADDRESS of a host
 * (emr_served_address_read); HAS_LOGIN: which asks the authority of their own organisation. */
emr_status emr_own_dir_meet(int state_fd, const char *state, const char *address, bool has_login,
	char **out_dir, emr_problem *out_problem);
