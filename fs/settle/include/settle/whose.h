/* This tells whose word each version of the owner's records is: the statement judged at every
 * opening, and what the row's chain says beside it. It refuses to give out the key of a version
 * whose statement does not fit. Any thread; no network. */
#pragma once

#include "settle/facts.h"
#include "share/signed.h"

typedef struct emr_whose {
	emr_signed is;
	uint64_t time_unix_s; /* of the entry with which it came */
	bool is_placed; /* that entry is not here any more: it is the time of the statement, and the
			   owner's own item put it there */
	bool is_superseded; /* somebody else than the owner signed a newer version, and this one was
			       put on top of it */
	bool is_gap;	    /* it amends a version that is not in the chain (any more) */
} emr_whose;

/* The key and description of a published content, judged: there is no other way to them, so nothing
 * is shown, saved again or wrapped for others that is not whose it says.  EMR_BAD_SIGNATURE: a
 * mismatch; *out_whose says which, key and content are not given.  DESCRIPTOR is the network's. */
emr_status emr_facts_open_signed(emr_facts *facts, emr_bytes descriptor, const emr_place *place,
	emr_content *out_content, emr_content_key **out_key, emr_whose *out_whose);
/* The judgement alone, a mismatch being one: EMR_OK.  Without opening anything where the ledger
 * shows that nobody but the owner ever wrote there. */
emr_status emr_facts_whose(
	emr_facts *facts, emr_bytes descriptor, const emr_place *place, emr_whose *out_whose);
/* Whether the owner put the content there, or one of the owner's computers: opens nothing. */
emr_status emr_facts_is_owners(emr_facts *facts, const emr_place *place, bool *out_is);
/* Whether new content of the record at PLACE, saved by the owner, amends what another has said, and
 * the number of that statement.  It does not say it of records that cannot be read any more, or do
 * not fit. */
emr_status emr_facts_amended(emr_facts *facts, emr_bytes descriptor, const emr_place *place,
	bool *out_is, uint8_t out_prev[32]);
/* As emr_signed_note. */
const char *emr_whose_note(const emr_whose *whose);
