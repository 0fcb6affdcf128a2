/* This tells whether a directory is a place for a network's ledger: nobody but its owner may enter
 * it. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

/* EMR_EXPOSED unless it is 0700 and ours. */
emr_status place_check_rights(int dirfd);

/* network_channel.c: DESCRIPTOR begins a network in the channel, where none has begun but perhaps
 * this one.  EMR_FORK: another one has. */
emr_status place_begin_in_channel(const char *channel, emr_bytes descriptor);
