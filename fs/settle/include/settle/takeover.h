/* This takes records along into a network, or out of one: every live record of a ledger is put on
 * another one, with the same domain and object ids, the same content version, the same CID and
 * content key, under a new capsule and listing key. Nothing is encrypted again and no block is
 * read. It refuses records that it cannot read, and changes nothing on the ledger they come from.
 *
 * What was put there before is left alone when it is the same, and brought up to date when it
 * is not: so it may be interrupted anywhere, and be run again after the records went on. */
#pragma once

#include "ledger/ledger.h"
#include "settle/facts.h"

/* One ledger with this computer's verified copy of it.  All borrowed. */
typedef struct emr_side {
	emr_ledger *ledger;
	emr_replica *replica;
	emr_facts *facts; /* on that replica */
} emr_side;

typedef struct emr_takeover {
	emr_keyring *keyring;
	emr_side from, to; /* TO: opened with KEYRING, which is registered there, as submitter */
	const emr_clock *clock;
	/* After every batch; may be NULL. */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
	bool ends_rights; /* of all who could read: what comes is wrapped for keys that none of
			     them has */
} emr_takeover;

typedef struct emr_takeover_tally {
	uint64_t files, directories, links; /* live ones of mine */
	uint64_t bytes;			    /* as they are stored: padded */
	uint64_t sizes; /* different ones: what somebody who sees lengths could tell apart */
	uint64_t unreadable;
	uint64_t sent; /* items that this run put on the other ledger */
} emr_takeover_tally;

/* Counts what would go, from FACTS alone. */
emr_status emr_takeover_look(emr_facts *facts, emr_takeover_tally *out_tally);
/* EMR_DAMAGED: a record could not be read (nothing of its domain's batch was sent); EMR_REFUSED,
 * EMR_CONFLICT, EMR_EPOCH: the ledger's answer; and what ledger and replica give. */
emr_status emr_takeover_run(const emr_takeover *takeover, emr_takeover_tally *out_tally);

/* Destroys on SIDE the private parts of every version of OBJECT, if it was ever there: what `erase`
 * has to reach in a ledger that was left.  EMR_REFUSED. */
emr_status emr_side_erase(const emr_side *side, emr_keyring *keyring, const emr_clock *clock,
	emr_id16 domain, emr_id16 object);
