/* This names the kinds of nodes in folders that belong to somebody else: what that person
 * shares, and what this person has made or changed there. */
#pragma once

#include "shared.h"

extern const node_kind shared_kind;    /* what others share, as they share it */
extern const node_kind guest_kind;     /* one's own records in their folders */
extern const node_kind guest_cut_kind; /* one of those without a name, whose bytes are theirs */

extern const shared_guests guest_turns;
