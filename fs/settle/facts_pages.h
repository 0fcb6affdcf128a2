/* This header declares the pages of the kept facts (FORMAT.md), which facts_leave.c writes, and a
 * file of them that is open (facts_cache.c), in which files rest (facts_rest.c). */
#pragma once

#include "facts_cache.h"

#define FACTS_NAME "facts.cache"
#define FACTS_NEW "facts.cache.new"
#define FACTS_VERSION 3 /* 2 had nothing of what cannot be read */
#define FACTS_JUNK 1
#define FACTS_HEADER_BYTES 80
#define FACTS_PAGE_BYTES 65536
#define FACTS_PLAIN_BYTES (FACTS_PAGE_BYTES - 16)
#define FACTS_AAD_BYTES (FACTS_HEADER_BYTES + 9)

typedef struct facts_header {
	emr_id16 file_id;
	uint64_t size;
	uint8_t root[32];
	uint8_t bytes[FACTS_HEADER_BYTES];
} facts_header;

void facts_header_encode(facts_header *h);
bool facts_header_decode(facts_header *h); /* false: of another version, or damaged */
/* The header, the page's number and whether it is the last: no page can be moved, left out or cut
 * off unseen. */
void facts_page_names(const facts_header *h, uint64_t page, bool is_last,
	uint8_t out_aad[FACTS_AAD_BYTES], uint8_t out_nonce[24]);

/* One record of a page, whose bytes META borrows. */
typedef struct facts_kept {
	emr_place place;
	emr_bytes meta; /* without its padding */
	size_t units;
} facts_kept;

/* A walk from page to page. */
typedef struct facts_cursor {
	uint64_t next; /* page to be read */
	uint32_t left; /* records of the one in hand, in R */
	emr_reader r;
	uint8_t sealed[FACTS_PAGE_BYTES], plain[FACTS_PAGE_BYTES];
	uint8_t meta[EMR_META_BYTES_MAX];
} facts_cursor;

struct facts_cache {
	emr_local_key *key;
	int fd;
	facts_header head;
	uint64_t pages;
	emr_buf changed; /* of emr_named_object, sorted, each once */
	bool has_erased; /* something in the file should not exist any more */
	emr_may_rest may_rest;
	struct emr_loading *judge;
	emr_buf runs;	   /* of emr_kept_run */
	emr_buf resters;   /* of rester, by prefix */
	emr_buf awake;	   /* a byte for each page: something in it does not rest */
	uint32_t next_run; /* of RUNS: the next one that ALL comes to */
	facts_cursor all, of_run;
};

/* Into C, which stands at the first record of it then.  EMR_DAMAGED: it is not whole. */
emr_status facts_read_page(const facts_cache *cache, facts_cursor *c, uint64_t page);
emr_status facts_read_record(emr_reader *r, facts_kept *out);
/* With its padding again, in C until the next one. */
emr_bytes facts_whole_meta(facts_cursor *c, const facts_kept *kept);
/* The ledger has said something of PLACE's object since the file was left. */
bool facts_has_changed(const facts_cache *cache, const emr_place *place);

/* ---- facts_rest.c ---- */

/* Reads PAGE, which must be whole, and notes the files that rest in it. */
emr_status facts_look_at_page(facts_cache *cache, uint64_t page);
/* When all pages were looked at.  A writer chooses the ids of new records: some may begin alike. */
void facts_sort_resters(facts_cache *cache);
/* Behind the run that begins where the walk over all stands.  False: none does. */
emr_status facts_pass_run(facts_cache *cache, bool *out_has);
