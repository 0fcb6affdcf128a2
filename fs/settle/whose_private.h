/* What whose.c and arrival.c share: a version that is being judged, and how its content came into its row. */
#pragma once

#include "contract/rows.h"
#include "settle/whose.h"

#include "facts_private.h"

typedef struct asking {
	emr_facts *facts;
	const emr_place *place;
	emr_replica_item item;	/* that says the content there */
	emr_row_domain row;
	uint8_t patient_pk[32];
} asking;

/* What a version of another's has to be above: the highest in the row since the owner last said which one is the present. */
typedef struct content_before {
	bool is_known;	/* there is some that could be read */
	uint64_t cver;
} content_before;

/* How the content came into its row. */
typedef struct arrival {
	emr_replica_item put;
	content_before before;
	bool is_here;	/* with a PUT of this row */
} arrival;

emr_status whose_domain_row(emr_replica *replica, emr_id16 domain, emr_row_domain *out);
emr_status whose_is_owners(const asking *a, emr_id32 signer, bool *out_is);
/* The PUT with which the content came, into AT. */
emr_status arrival_find(const asking *a, emr_signed_place *at, arrival *out_came);
/* What another put into the row goes on with the row: its number, and a higher version than what lay there; else a mismatch. */
emr_status arrival_judge(const asking *a, const arrival *came, emr_signed *is);
