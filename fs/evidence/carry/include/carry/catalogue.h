/* This reads and writes the pages of a catalogue: the ledger items behind the records of a CAR,
 * with their private parts and the proof that one signature covers them, sealed to the keys of the
 * folders in it. It refuses a page whose items are not those that were signed, that is not spelled
 * in the one way, or that this keyring's keys do not open.
 *
 * Format: FORMAT.md. */
#pragma once

#include "base/bytes.h"
#include "contract/item.h"
#include "keyring/content.h"
#include "ledger/ledger.h"

#define EMR_PAGE_MAGIC "EMXC"
#define EMR_PAGE_BYTES_MAX ((size_t)1 << 18) /* one leaf also for who cuts at that */
#define EMR_PAGE_ENTRIES_MAX 512
#define EMR_PAGE_FOLDERS_MAX 64 /* whose keys open a page: each alone */
/* A page in the clear has room left for what is around it when it is sealed. */
#define EMR_PAGE_FOLDER_BYTES (16 + 4 + EMR_CAPSULE_BYTES + EMR_WDEK_BYTES)
#define EMR_PAGE_PLAIN_MAX                                                                         \
	(EMR_PAGE_BYTES_MAX - 12 - EMR_PAGE_FOLDERS_MAX * EMR_PAGE_FOLDER_BYTES - 24 - 16)

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

/* ---- as it lies in a CAR ---- */

typedef struct emr_page_folder {
	emr_id16 domain;
	uint32_t epoch;
} emr_page_folder;
/* Appends PAGE, sealed to the owner's key of each of the N FOLDERS (1 to EMR_PAGE_FOLDERS_MAX).
 * EMR_INVALID. */
emr_status emr_page_seal(const emr_keyring *kr, const emr_page_folder *folders, size_t n,
	emr_bytes page, emr_buf *out);
/* Outside bytes: appends the page in SEALED.  EMR_DENIED: none of KR's keys opens it;
 * EMR_DAMAGED, EMR_NEWER_FORMAT; EMR_UNSUPPORTED: an older form. */
emr_status emr_page_open(const emr_keyring *kr, emr_bytes sealed, emr_buf *out_page);
