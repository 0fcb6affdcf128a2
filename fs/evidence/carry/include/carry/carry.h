/* This module carries records in a CAR file: written for other computers and IPFS nodes, and read
 * back by a person who has the keys. It refuses to write a block that does not fit its name, and to
 * give out anything from a CAR that is not signed by this keyring's owner, or by a writer whom the
 * owner's ledger admits there.
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
	emr_block_store *store;
	emr_facts *facts;
	/* NULL = nobody; not EMR_OK ends the work, which returns it */
	emr_status (*tell)(void *arg, uint64_t done, uint64_t of);
	void *tell_arg;
} emr_carry_sources;

typedef struct emr_carry_tally {
	uint64_t records; /* files */
	uint64_t bytes;	  /* of the CAR */
	emr_cid root;	  /* above all of it */
} emr_carry_tally;

/* Writes the live records at and below ROOT (a directory, a file or a link; NULL = all) to FD, an
 * empty regular file: one directory above all of them.
 * EMR_NOT_FOUND: there is no such record; EMR_MISSING_DATA, EMR_DAMAGED: a block or part is not
 * there or not what it was, and FD is of no use; EMR_LIMIT: more than a million records. */
emr_status emr_carry_write(
	const emr_carry_sources *from, const emr_id16 *root, int fd, emr_carry_tally *out_tally);

/* ---- reading ---- */

typedef struct emr_parcel emr_parcel; /* one thread */

/* A copy of the ledger that this computer has verified; all borrowed. */
typedef struct emr_parcel_ledger {
	emr_replica *replica;
	emr_facts *facts;     /* on that replica */
	emr_bytes descriptor; /* of the network */
} emr_parcel_ledger;

/* The CAR in FD, a regular file, which must stay as it is while the parcel is open: what
 * emr_carry_write wrote, or any part of it that a tool of IPFS gave back, beside whatever else.
 * Reads it once, checks every block's hash, and opens the catalogue.  EMR_DAMAGED; EMR_LIMIT (over
 * 4,194,304 blocks or a million records); EMR_NEWER_FORMAT; EMR_UNSUPPORTED: of an older form;
 * EMR_NOT_FOUND: it is a CAR without anything of ours; EMR_DENIED: nothing in it can be opened with
 * KEYRING.  With contents and no catalogue it is a parcel without records.  Records that others
 * signed in the owner's folder count when LEDGER (stays the caller's; NULL: there is none) has
 * them, and are left out otherwise. */
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
	const emr_cid *root;	 /* of a file's content; NULL for others; likewise */
	bool is_others_words;	 /* name, times and attributes are not the owner's */
	size_t number;		 /* for emr_parcel_content */
	emr_id16 domain, object; /* which record it was on the ledger it comes from */
} emr_parcel_record;
/* Parents before children.  Any other status than EMR_OK ends the walk and is returned. */
typedef emr_status (*emr_parcel_fn)(void *arg, const emr_parcel_record *record);
emr_status emr_parcel_each(emr_parcel *parcel, emr_parcel_fn fn, void *arg);
/* Items of other people, and records of theirs, which were left out, pages that are sealed to
 * others, and pages that are none. */
uint64_t emr_parcel_foreign(const emr_parcel *parcel);
/* Pages that end too early, at an item of the owner's: what stood behind it is not here. */
uint64_t emr_parcel_torn(const emr_parcel *parcel);

/* The content of file NUMBER, all of it read and checked once: blocks, tags, plaintext root,
 * statement.  ISSUERS: further domains of this person, whose key may have signed the statement;
 * somebody else's must be such as the folder would open.  EMR_MISSING_DATA, EMR_DAMAGED,
 * EMR_BAD_SIGNATURE. */
emr_status emr_parcel_content(emr_parcel *parcel, size_t number, const emr_id16 *issuers,
	size_t n_issuers, emr_content_reader **out_reader);

/* ---- what the local ledger knows of a parcel ---- */

/* The contents in it that are versions of records on the ledger: living, deleted or written over
 * since.  Those that were erased are not.  One thread; borrows the parcel and FACTS. */
typedef struct emr_known emr_known;
emr_status emr_known_new(emr_parcel *parcel, emr_facts *facts, emr_known **out_known);
void emr_known_free(emr_known *known); /* NULL is fine */

size_t emr_known_count(const emr_known *known); /* 0: it knows none of them */
/* Whether R, of this parcel, is one of the ledger's. */
emr_status emr_known_has(emr_known *known, const emr_parcel_record *r, bool *out_has);
/* Whether that object, which was deleted, is in the parcel, and the last version of its content
 * that is (0: it is a link). */
emr_status emr_known_wants(
	emr_known *known, emr_id16 domain, emr_id16 object, bool *out_wants, uint64_t *out_cver);

typedef struct emr_known_brought {
	uint64_t known;	  /* contents of the ledger's that are in the parcel */
	uint64_t mended;  /* of them: not whole in STORE before, and now */
	uint64_t lacking; /* of them: not whole in STORE and the parcel together */
	uint64_t blocks;
} emr_known_brought;
/* Takes into STORE what it lacks of them, or has damaged, and pins it. */
emr_status emr_known_bring(emr_known *known, emr_store *store, emr_known_brought *out_brought);
