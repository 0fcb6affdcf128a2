/* This makes the proof file of a version that is on the ledger. It refuses to
 * write one that it would not accept itself. */
#pragma once

#include "proof/proof.h"
#include "settle/facts.h"
#include "store/block_store.h"

/* All borrowed. */
typedef struct emr_proof_sources {
	const emr_keyring *keyring;
	emr_ledger *ledger;
	emr_replica *replica;
	emr_record_ctx *records;
	emr_block_store *store;
	emr_facts *facts;
	uint64_t now_unix_s; /* time of the checkpoint's signature */
} emr_proof_sources;

/* Appends the proof of the content at PLACE, under a checkpoint of everything that the replica has
 * verified, signed now. FORMAT.md, "What a proof gives away", says what it discloses.
 * EMR_NO_ATTRIBUTE: PLACE has no content; EMR_MISSING_DATA, EMR_DAMAGED; EMR_BAD_SIGNATURE: what is
 * here does not prove itself (the log says the step). */
emr_status emr_proof_make(
	const emr_proof_sources *sources, const emr_place *place, emr_buf *out_file);
