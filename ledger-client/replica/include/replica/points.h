/* Points and credit, as anybody reads them out of a copy of the ledger: how many an account has,
 * where they came from, and whom the ledger's entries speak for.  It signs nothing.  An account is
 * the first key of a person's chain, or the fund of a dataset (contract/CONTRACT.md, Points). */
#pragma once

#include "contract/pubs_share.h"
#include "replica/replica.h"

/* The account of the person with this KEY; a key that is not registered is its own. */
emr_status emr_replica_account(emr_replica *replica, emr_id32 key, emr_id32 *out_account);
/* The points of ACCOUNT; 0 where nobody has sent it any. */
emr_status emr_replica_points(emr_replica *replica, emr_id32 account, uint64_t *out_points);
/* EMR_DENIED: less than PRICE is put by for DATASET. */
emr_status emr_replica_can_pay(emr_replica *replica, emr_id16 dataset, uint64_t price);

typedef enum emr_movement_kind {
	EMR_MOVEMENT_MADE,     /* the organisations agreed on it */
	EMR_MOVEMENT_RECEIVED, /* from `other` */
	EMR_MOVEMENT_SENT,     /* to `other` */
	EMR_MOVEMENT_JOINED,   /* paid for joining `dataset` */
	EMR_MOVEMENT_FUNDED,   /* put by for `dataset` */
	EMR_MOVEMENT_REFUNDED, /* of that, what nobody was paid */
} emr_movement_kind;

typedef struct emr_movement {
	emr_movement_kind kind;
	bool is_out;	    /* the points went */
	uint64_t points;    /* more than 0 */
	uint64_t seq;	    /* entry */
	uint64_t at_unix_s; /* of the entry */
	emr_id32 batch_id;
	emr_id32 other;	  /* account: RECEIVED, SENT */
	emr_id16 dataset; /* JOINED, FUNDED, REFUNDED */
} emr_movement;

/* Appends what came into ACCOUNT and went out of it (emr_movement), oldest first; the sum is what
 * it has.  Reads every entry. */
emr_status emr_replica_movements(emr_replica *replica, emr_id32 account, emr_buf *out);

/* Credit is counted from applied entries, each thing once however often it is repeated:
 *
 *   agent     1 for each record whose key it helped to release
 *   patient   1 for each grant of a domain to somebody of another organisation than brought it, and
 *             for each dataset that a domain joined, for the person who brought it
 *   hospital  1 for each record that it left in a domain under its own name
 */
typedef struct emr_credit {
	emr_id32 account;
	uint64_t agent;
	uint64_t patient;
	uint64_t hospital;
} emr_credit;

/* Appends that of every account that has any (emr_credit), in the order of their ids.  Reads every
 * entry. */
emr_status emr_replica_credits(emr_replica *replica, emr_buf *out);
