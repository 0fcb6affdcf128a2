/* Where a record stands on the ledger, in little memory: a folder may have a million of them.  What
 * hardly any record has (numbers of 32 bits and more, a record id of its own since it was moved to
 * another domain) has no room here; tree_set_place keeps the place of such a node whole. */
#pragma once

#include "settle/facts.h"

typedef struct packed_place {
	union {
		const emr_id16 *domain; /* one of the view's; NULL: the place is all zero */
		emr_place *whole;	/* owned, when the node has_whole_place */
	};
	uint8_t root[32]; /* the digest of it; zero with pversion */
	uint8_t r_pid[32];
	uint32_t version, pversion; /* the highest bit for EMR_VERSION_ANNEX */
	uint32_t cver;
	uint32_t padded; /* one more: 26 bits, shifted left as often as the highest 6 say */
} packed_place;

/* False: PLACE is not exactly what would be unpacked again for the object ID. */
bool packed_fits(const emr_place *place, emr_id16 id);
/* PLACE, which fits, in a domain that outlives the result. */
packed_place packed_of(const emr_place *place, const emr_id16 *domain);
/* The place of object ID; a record has a content when it has a pversion. */
emr_place packed_open(const packed_place *packed, emr_id16 id);
/* Of a version as it is packed. */
uint64_t packed_version(uint32_t packed);
