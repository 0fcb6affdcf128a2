/* This reads the past: every version of a record, and the whole folder as of a time of the ledger.
 * Pure reads of the replica, from any thread. It refuses, as facts.h does, whatever does not
 * authenticate; an erased record is left out without a word. */
#pragma once

#include "settle/facts.h"

/* One PUT, REWRAP, META or UNLINK of an object, and what the object was after it. */
typedef struct emr_version {
	emr_place place; /* its content is that of the last PUT or REWRAP up to here; of an UNLINK:
			    as before it */
	const emr_meta *meta; /* likewise; valid until the next one */
	emr_id32 item_id, batch_id, signer_id;
	uint64_t seq;	      /* entry of the ledger */
	uint64_t time_unix_s; /* of that entry */
	uint64_t described; /* item of the row that says META: this one, or that before an UNLINK */
	uint16_t index;	    /* in its batch */
	uint8_t op;
	bool is_live; /* false: nobody has the record any more after this item */
} emr_version;

/* A question for versions:
 *
 *	EMR_AUTO_VERSIONS all = emr_facts_record_history(facts, record_id);
 *
 *	while (emr_versions_next(&all, &version))
 *		...
 *	return all.status;
 */
typedef struct emr_versions {
	emr_status status; /* EMR_OK when all were given */
	uint64_t damaged;  /* those so far that could not be read, which the log names */
	/* history.c only */
	emr_facts *facts;
	emr_buf moments, plain;
	emr_meta meta;
	size_t next;
} emr_versions;
bool emr_versions_next(emr_versions *all, emr_version *out);
void emr_versions_end(emr_versions *all);
#define EMR_AUTO_VERSIONS __attribute__((cleanup(emr_versions_end))) emr_versions

/* Every version of one record, over all objects that it has had (a move to another domain gives it
 * a new one), oldest first.  is_live tells whether any of them was live.  Reads the rows of these
 * objects, and one of each folder. */
emr_versions emr_facts_record_history(emr_facts *facts, emr_id16 record_id);

/* Every object as it was when the ledger's time was UNTIL (UINT64_MAX: now), in no order; the live
 * ones, and WITH_DELETED those that were unlinked then, too.  Costs little more than
 * emr_facts_all. */
emr_versions emr_facts_as_of(emr_facts *facts, uint64_t until_unix_s, bool with_deleted);

/* The item at VERSION of a row (not an UNLINK) and what it says; META points into *OUT_BYTES, and
 * PVERSION is the last PUT or REWRAP up to it, 0 for none.  EMR_MISSING_DATA. */
emr_status emr_facts_version(emr_facts *facts, emr_id16 domain, emr_id16 object, uint64_t version,
	uint64_t pversion, emr_place *out_place, emr_buf *out_bytes, emr_meta *out_meta);

/* The highest version of content that a record has ever had: what new content counts on from.  It
 * differs from that of its place only when an earlier version was brought back. */
typedef struct emr_top {
	emr_place place;  /* in: where the record stands */
	uint64_t highest; /* out */
} emr_top;
/* For each of the N, from the rows that it has lain in. */
emr_status emr_facts_highest(emr_facts *facts, emr_top *tops, size_t n);
