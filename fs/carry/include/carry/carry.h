/* Records in a CAR file: written for other computers and IPFS nodes, and read back by whoever has
 * the keys.  It refuses to write a block that is not what its name says, and to give out anything
 * from a CAR that is not signed by this keyring's owner, or by somebody whom her ledger let write
 * there.
 *
 * Format: FORMAT.md. */
#pragma once

#include "settle/facts.h"
#include "store/car_store.h"

/* All borrowed. */
typedef struct emr_carry_sources {
	emr_keyring *keyring;
	emr_ledger *ledger;
	emr_replica *replica;
	emr_store *store;
	emr_facts *facts;
	/* NULL = nobody; not EMR_OK ends the work, which returns it */
	emr_status (*tell)(void *arg, uint64_t done, uint64_t of);
	void *tell_arg;
} emr_carry_sources;

typedef struct emr_carry_tally {
	uint64_t records; /* files */
	uint64_t bytes;	  /* of the CAR */
} emr_carry_tally;

/* Writes the live records at and below ROOT (a directory, a file or a link; NULL = all) to FD.
 * EMR_NOT_FOUND: there is no such record; EMR_MISSING_DATA, EMR_DAMAGED: a block or part is not
 * there or not what it was, and FD is of no use; EMR_LIMIT: more than a million records. */
emr_status emr_carry_write(
	const emr_carry_sources *from, const emr_id16 *root, int fd, emr_carry_tally *out_tally);

/* ---- reading ---- */

typedef struct emr_parcel emr_parcel; /* one thread */

/* A copy of the ledger that this computer has verified; all borrowed. */
typedef struct emr_parcel_ledger {
	emr_replica *replica;
	emr_bytes descriptor; /* of the network */
} emr_parcel_ledger;

/* The CAR in FD, a regular file, which must stay as it is while the parcel is open: reads it once,
 * checks every block's hash, and opens the catalogue.  EMR_DAMAGED; EMR_LIMIT (over 4,194,304
 * blocks or a million records); EMR_NEWER_FORMAT; EMR_NOT_FOUND: it is a CAR without a catalogue of
 * ours; EMR_DENIED: nothing in it can be opened with KEYRING.  What others signed in the owner's
 * folder counts when LEDGER (stays the caller's; NULL: there is none) has it, and is left out
 * otherwise. */
emr_status emr_parcel_open(
	int fd, emr_keyring *keyring, const emr_parcel_ledger *ledger, emr_parcel **out_parcel);
void emr_parcel_close(emr_parcel *parcel); /* NULL is fine */
#define EMR_AUTO_PARCEL __attribute__((cleanup(emr_parcel_auto))) emr_parcel *
static inline void emr_parcel_auto(emr_parcel **parcel)
{
	emr_parcel_close(*parcel);
}

typedef struct emr_parcel_record {
	emr_meta meta;	  /* its slices live as long as the parcel */
	const char *path; /* from the top of what was exported; "" for the top itself; likewise */
	bool is_others_words;	 /* name, times and attributes are not the owner's */
	size_t number;		 /* for emr_parcel_content */
	emr_id16 domain, object; /* which record it was on the ledger it comes from */
} emr_parcel_record;
/* Parents before children.  Any other status than EMR_OK ends the walk and is returned. */
typedef emr_status (*emr_parcel_fn)(void *arg, const emr_parcel_record *record);
emr_status emr_parcel_each(emr_parcel *parcel, emr_parcel_fn fn, void *arg);
/* Items of other people, and records of theirs, which were left out. */
uint64_t emr_parcel_foreign(const emr_parcel *parcel);

/* The content of file NUMBER, all of it read and checked once: blocks, tags, plaintext root,
 * statement.  ISSUERS: further domains of this person, whose key may have signed the statement;
 * somebody else's must be such as the folder would open.  EMR_MISSING_DATA, EMR_DAMAGED,
 * EMR_BAD_SIGNATURE. */
emr_status emr_parcel_content(emr_parcel *parcel, size_t number, const emr_id16 *issuers,
	size_t n_issuers, emr_content_reader **out_reader);
