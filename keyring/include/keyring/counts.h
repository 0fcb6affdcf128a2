/* The private part of DATASET_JOIN: what a folder in a dataset holds, in numbers, as a letter that
 * the dataset's steward alone can open.  It refuses parts that are not their item's; the meaning of
 * the numbers is not its business (share/counts.h).  All functions are thread-safe. */
#pragma once

#include "keyring/held.h"

#define EMR_COUNTS_PLAIN_BYTES 128
#define EMR_COUNTS_MARK_KEY_BYTES 32

/* JOIN_ITEM: 160 bytes of the item and its public part.  The mark in the part tells a holder of
 * MARK_KEY, and nobody else, whether other numbers would say the same.  Appends the part.
 * EMR_INVALID. */
emr_status emr_counts_part_seal(emr_bytes join_item, const uint8_t steward_x25519[32],
	const uint8_t mark_key[EMR_COUNTS_MARK_KEY_BYTES],
	const uint8_t plain[EMR_COUNTS_PLAIN_BYTES], emr_buf *out_part);
/* BOX is the steward's identity's.  EMR_DAMAGED. */
emr_status emr_counts_part_open(const emr_box_key *box, emr_bytes join_item, emr_bytes part,
	uint8_t out_plain[EMR_COUNTS_PLAIN_BYTES]);
/* Whether PART was made of PLAIN under MARK_KEY. */
bool emr_counts_part_says(emr_bytes part, const uint8_t mark_key[EMR_COUNTS_MARK_KEY_BYTES],
	const uint8_t plain[EMR_COUNTS_PLAIN_BYTES]);
