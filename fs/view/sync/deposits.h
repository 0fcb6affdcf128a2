/* These functions say what hospitals and clinicians leave in the owner's Inbox: it lies in
 * Inbox/ORGANISATION/DATE/, by whose key signed it on the ledger and the day it came, whatever
 * its description claims, and there in at most four folders that its name says; its name is made to
 * show as it is, and takes nobody else's. They refuse links and directories of others, a record
 * that says it is another one, and what is beyond the network's limits: that is neither fetched nor
 * shown, and told once.
 *
 * From then on it is a record like any other: the owner's description of it (META) goes onto the
 * ledger with its place, and the statement inside stays the hospital's. */
#pragma once

#include "follow.h"
#include "node.h"

/* Of an arrival that somebody else than the owner described last, in the Inbox. */
struct deposit {
	bool is_hidden;
	emr_id16 org;
	char organisation[EMR_NAME_MAX + 1]; /* as a directory is called */
	char day[16];
	char folders[EMR_NAME_MAX + 1]; /* as its name begins, each with FOREIGN_BETWEEN behind */
	char name[EMR_NAME_MAX + 1];
};

/* Without view->lock: sets A->deposit if it is one, and what A says to what may be believed.  A:
 * live. */
emr_status deposits_learn(emr_view *view, arrival *a);
void deposits_forget(arrival *a);
/* Under view->lock: the directory of the deposit A, made if it is not there. */
emr_status deposits_directory(following *f, const arrival *a, node **out_directory);

/* Without view->lock: whether SIGNER speaks for the owner of the domain, so that what he says is no
 * deposit. */
emr_status deposits_is_owners(emr_view *view, emr_id16 domain, emr_id32 signer, bool *out_is);
emr_status deposits_is_one(emr_view *view, const emr_place *place, bool *out_is);

/* ---- deposits_limit.c ---- */
/* These functions say how much may be left in the Inbox: bytes of one deposit, and deposits of
 * one signer on one day of the ledger's time (UTC), as the network's rules say. They refuse to
 * count what the ledger refused. */

/* Without view->lock: ITEM describes what is at PLACE.  The first time it is so of one signer and
 * day, a person is told, with the directory of ORGANISATION as the path. */
emr_status deposits_is_beyond(emr_view *view, const emr_place *place, const emr_replica_item *item,
	const char *organisation, bool *out_is);
void deposits_limit_free(emr_view *view);
