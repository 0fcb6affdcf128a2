/* This reads and writes the pages of a catalogue: the ledger items behind the records of a CAR,
 * with their private parts and the proof that one signature covers them. It refuses a page whose
 * items are not those that were signed, or that is not spelled in the one way.
 *
 * * Format: FORMAT.md. */
#pragma once

#include "base/bytes.h"
#include "contract/item.h"
#include "ledger/ledger.h"

#define EMR_PAGE_MAGIC "EMXC"
#define EMR_PAGE_BYTES_MAX ((size_t)1 << 18) /* one leaf also for who cuts at that */
#define EMR_PAGE_ENTRIES_MAX 512

/* One item as it goes into a page; everything borrowed. */
typedef struct emr_page_entry {
	emr_bytes item;	  /* EMR_ITEM_BYTES: operations without a public part only */
	emr_bytes header; /* of its batch */
	uint16_t index;
	emr_ledger_path path;
	emr_bytes priv;
} emr_page_entry;

/* Appends ENTRY to PAGE (empty at first).  EMR_LIMIT: the page is full, begin another; EMR_INVALID.
 */
emr_status emr_page_add(emr_buf *page, const emr_page_entry *entry);

/* For taking additions back: cut the page to its old length, and say the old number again. */
uint32_t emr_page_count(emr_bytes page);
void emr_page_set_count(emr_buf *page, uint32_t count);

typedef struct emr_page_item {
	emr_item item;
	emr_id32 item_id;
	const uint8_t *signer_pk; /* 32 bytes; whose signature was checked */
	emr_bytes priv;
} emr_page_item;
/* Any other status than EMR_OK ends the walk and is returned. */
typedef emr_status (*emr_page_fn)(void *arg, const emr_page_item *item);
/* Outside bytes: checks each entry (item in its batch, signature, private part) and gives it to FN,
 * in order.  EMR_DAMAGED, EMR_NEWER_FORMAT; EMR_UNSUPPORTED: an older form. */
emr_status emr_page_each(emr_bytes page, emr_page_fn fn, void *arg);
