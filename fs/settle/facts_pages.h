/* This header declares the pages of the kept facts (FORMAT.md), which facts_cache.c reads and
 * facts_leave.c writes. */
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
/* The header, the page's number and whether it is the last: no page can be moved, left out or cut
 * off unseen. */
void facts_page_names(const facts_header *h, uint64_t page, bool is_last,
	uint8_t out_aad[FACTS_AAD_BYTES], uint8_t out_nonce[24]);
