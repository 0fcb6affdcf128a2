/* This keeps where a record stands on the ledger, in little memory: a folder may have a million
 * of them. Numbers of 32 bits and more, which hardly any record has, have no room here;
 * tree_set_place keeps the place of such a node whole. */
#pragma once

#include "settle/facts.h"

/* Of a file that was moved to another domain, and kept its record id. */
typedef struct packed_ids {
	emr_id16 domain, record;
} packed_ids;

typedef struct packed_place {
	union {
		const emr_id16 *domain; /* one of the view's; NULL: the place is all zero */
		packed_ids *ids;	/* owned, when the node has_own_record */
		emr_place *whole;	/* owned, when the node has_whole_place */
	};
	uint8_t root[32]; /* the digest of it; zero with pversion */
	uint8_t r_pid[32];
	uint32_t version, pversion; /* the highest 3 bits for EMR_VERSION_ANNEX */
	uint32_t cver;
	uint32_t padded; /* one more: 26 bits, shifted left as often as the highest 6 say */
} packed_place;

/* False: PLACE is not exactly what would be unpacked again for the object ID, with its domain and
 * its record id. */
bool packed_fits(const emr_place *place, emr_id16 id);
/* The record id that a place has unless the node has_own_record: that of its object, or zero where
 * it has no content.  A record has one when it has a pversion. */
emr_id16 packed_record(const packed_place *packed, emr_id16 id);
/* PLACE, which fits, without its ids. */
packed_place packed_of(const emr_place *place);
/* With them again. */
emr_place packed_open(
	const packed_place *packed, emr_id16 domain, emr_id16 object, emr_id16 record);
/* Of a version as it is packed. */
uint64_t packed_version(uint32_t packed);
