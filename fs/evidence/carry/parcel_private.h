/* This header declares what read.c and others.c share: a CAR that is being read, and what other
 * people than its owner said in it. */
#pragma once

#include "car_blocks.h"
#include "carry/carry.h"
#include "carry/catalogue.h"
#include "share/write.h"

typedef struct list_key {
	emr_id16 domain;
	emr_id32 id;
	emr_list_key *key;
} list_key;

typedef struct record {
	emr_id16 domain, object;
	uint64_t version, pversion;
	uint32_t epoch;	   /* of the content's item */
	emr_id32 put_item; /* that item */
	emr_put_part put;  /* when pversion != 0; without its metadata */
	uint8_t r_pid[32]; /* of the content's own description: a later one, which anybody who may
			      rename can make, does not change whom it is about */
	emr_buf plain;	   /* metadata */
	emr_meta meta;
	char *path;
	unsigned depth;
	bool is_others_words; /* META is not the owner's */
	bool is_left_out;
} record;

struct emr_parcel {
	emr_keyring *keyring;
	emr_public self;
	const emr_parcel_ledger *ledger; /* borrowed; NULL: there is none */
	car_blocks *blocks;
	emr_record_ctx *records_ctx;
	list_key *keys;
	size_t n_keys, keys_cap;
	record *records; /* sorted by object, then (emr_parcel_each) parents first */
	size_t n, cap;
	size_t page_from; /* those of the page that is being read begin here */
	size_t distinct;  /* of them when they were folded last */
	uint64_t taken;	  /* items that said something */
	uint64_t foreign;
	uint64_t bad_pages;
	uint64_t torn;	     /* of them: at an item of the owner's */
	emr_status bad_page; /* what was wrong with one of them */
};

/* ---- others.c ---- */

/* The very item stands on the ledger that was verified here, whose contract let it in. */
bool others_is_on_ledger(const emr_parcel_ledger *ledger, const emr_page_item *at, emr_id16 domain);
/* Its signer speaks for the owner: another computer of hers. */
emr_status others_is_owner(
	const emr_parcel *parcel, const emr_page_item *at, emr_id16 domain, bool *out_is);
/* True if a description by others counts for R, as it was (R->version 0: it is new). */
bool others_may_say(const record *r, const emr_meta *meta);
/* The name of R, in its own bytes or in ROOM: a name that others gave as in a share, "unnamed"
 * where they gave none. The owner's earlier name for it is not in a CAR. */
emr_bytes others_name(const record *r, char room[EMR_WORDS_NAME_BYTES]);
/* True for a deposit in the Inbox that the owner's computer has not put anywhere: it may be more
 * than the sender may leave. */
bool others_is_unplaced(const emr_parcel_ledger *ledger, const record *r);
/* The statement in BUNDLE as the folder would judge it.  EMR_BAD_SIGNATURE. */
emr_status others_check(const emr_parcel *parcel, const record *r, const emr_bundle *bundle);
