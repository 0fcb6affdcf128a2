/* Points and credit, as anybody reads them out of a copy of the ledger: how many an account has,
 * where they came from, and whom the ledger's entries speak for.  It signs nothing and believes no
 * sum that somebody wrote down.  An account is the first key of a person's chain, or the key of a
 * domain's owner (contract/CONTRACT.md, Points). */
#pragma once

#include "contract/pubs_share.h"
#include "replica/replica.h"

/* Tokens of ACCOUNT, in no order that means anything. */
typedef emr_status (*emr_token_fn)(void *arg, emr_id16 token, uint64_t points);
emr_status emr_replica_tokens(emr_replica *replica, emr_id32 account, emr_token_fn fn, void *arg);

/* The largest tokens of an account, largest first, as many as one operation takes. */
typedef struct emr_purse {
	uint8_t tokens[EMR_TOKENS_IN][16];
	uint64_t points[EMR_TOKENS_IN];
	size_t n;
	uint64_t all; /* what the account has, these and all others */
} emr_purse;

/* EMR_LIMIT: more than 2^64 - 1. */
emr_status emr_replica_purse(emr_replica *replica, emr_id32 account, emr_purse *out);

/* A voucher of DATASET that nobody was paid yet: any, so that those who join at once seldom take
 * the same.  EMR_NOT_FOUND. */
emr_status emr_replica_voucher(
	emr_replica *replica, emr_id16 dataset, emr_id16 *out_fund, uint32_t *out_index);
/* All of DATASET, or that FUNDER (an account) paid for when it is not NULL. */
typedef emr_status (*emr_voucher_fn)(void *arg, emr_id16 fund, uint32_t index);
emr_status emr_replica_vouchers(emr_replica *replica, emr_id16 dataset, const emr_id32 *funder,
	emr_voucher_fn fn, void *arg);

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
	emr_id32 other;	  /* account; RECEIVED: the signer's */
	emr_id16 dataset; /* JOINED, FUNDED, REFUNDED */
} emr_movement;

/* Lists what came into the N accounts together and went out of them, oldest first; what only passed
 * between them is left out.  The sum of all is what their tokens are worth.  Reads every entry. */
typedef emr_status (*emr_movement_fn)(void *arg, const emr_movement *movement);
emr_status emr_replica_movements(
	emr_replica *replica, const emr_id32 *accounts, size_t n, emr_movement_fn fn, void *arg);

/* Credit is counted from applied entries, each thing once however often it is repeated:
 *
 *   agent     1 for each record whose key it helped to release
 *   patient   1 for each grant of a domain to somebody of another organisation than brought it, and
 * for each dataset that a domain joined hospital  1 for each record that it registered in somebody
 * else's domain */
typedef struct emr_credit {
	emr_id32 account;
	uint64_t agent;
	uint64_t patient;
	uint64_t hospital;
} emr_credit;

/* Of every account that has any, in the order of their ids.  Reads every entry. */
typedef emr_status (*emr_credit_fn)(void *arg, const emr_credit *credit);
emr_status emr_replica_credits(emr_replica *replica, emr_credit_fn fn, void *arg);
