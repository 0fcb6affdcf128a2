/* These functions say how much may be left in the Inbox: bytes of one deposit, and deposits of
 * one signer on one day of the ledger's time (UTC), as the network's rules say. They refuse to
 * count what the ledger refused. */
#pragma once

#include "node.h"

/* Without view->lock: ITEM describes what is at PLACE.  The first time it is so of one signer and
 * day, a person is told, with the directory of ORGANISATION as the path. */
emr_status deposits_is_beyond(emr_view *view, const emr_place *place, const emr_replica_item *item,
	const char *organisation, bool *out_is);
void deposits_limit_free(emr_view *view);
