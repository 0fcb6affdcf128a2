/* This is what whose.c and arrival.c share: a version that is being judged, and how its content
 * came into its row. */
#pragma once

#include "contract/rows.h"
#include "settle/whose.h"
#include "share/domain.h"

#include "facts_private.h"

typedef struct asking {
	emr_facts *facts;
	const emr_place *place;
	emr_replica_item item; /* that says the content there */
	emr_row_domain row;
	uint8_t patient_pk[32];
} asking;

/* The version above which another's has to be: the highest in the row since the owner last said
 * which one is the present. */
typedef struct content_before {
	bool is_known; /* there is some that could be read */
	uint64_t cver;
} content_before;

/* How the content came into its row. */
typedef struct arrival {
	emr_replica_item put;
	content_before before;
	bool is_here; /* with a PUT of this row */
} arrival;

/* A PUT, and the row that it is in. */
typedef struct put_place {
	emr_replica_item item; /* without its bytes */
	emr_id16 domain, object;
} put_place;

emr_status whose_is_owners(const asking *a, emr_id32 signer, bool *out_is);
/* By the chain of the row alone; carried items and those of the annex do not count. */
emr_status arrival_in_row(const asking *a, arrival *out_came);
/* The PUT with which the content came, into AT. */
emr_status arrival_find(const asking *a, emr_signed_place *at, arrival *out_came);
/* Content that another writer put into the row continues the row: it has its number, and a higher
 * version than the content before; else a mismatch. */
emr_status arrival_judge(const asking *a, const arrival *came, emr_signed *is);
/* origin.c: the PUT with which content that was moved to another domain came onto the ledger that
 * its place is on.  EMR_NOT_FOUND. */
emr_status origin_elsewhere(const asking *a, put_place *out);
