/* These functions say who says that a card is its holder's: the organisations whose
 * administrators have vouched for it. They refuse vouches that are not signed by the key of an
 * administrator who is one now, by this computer's own copy of the ledger: the date in a vouch is
 * the signer's word alone. */
#pragma once

#include <jansson.h>

#include "keyring/card.h"
#include "replica/replica.h"

/* ORGANISATION says so, and that it was at TIME. */
typedef emr_status (*emr_vouched_fn)(void *arg, const char *organisation, uint64_t time_unix_s);
/* Each organisation once, in the order of the vouches. */
emr_status emr_vouched_each(emr_replica *replica, emr_bytes descriptor, emr_id16 net_id,
	emr_bytes card_and_vouches, uint64_t now_unix_s, emr_vouched_fn fn, void *arg);
/* Names of organisations in the order of the vouches behind CARD_AND_VOUCHES, each once; DESCRIPTOR
 * is the network's.  *OUT_NAMES is owned by the caller. */
emr_status emr_vouched_by(emr_replica *replica, emr_bytes descriptor, emr_id16 net_id,
	emr_bytes card_and_vouches, uint64_t now_unix_s, json_t **out_names);
