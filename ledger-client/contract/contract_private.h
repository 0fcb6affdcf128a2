/* This header declares what the files of the contract know of bytes before anything about them
 * was judged: the fields of an item, the head of a row, and facts of operations. It refuses
 * lengths, families and states that no row has. */
#pragma once

#include "contract/codes.h"
#include "contract/item.h"
#include "contract/rows.h"

/* The fields of an item before anything about them was judged. It checks nothing; see
 * emr_item_parse(). */

bool emr_item_has_magic(const uint8_t bytes[EMR_ITEM_BYTES]); /* and version */
void emr_item_read(const uint8_t bytes[EMR_ITEM_BYTES], emr_item *out_item);

/* The head that every row begins with, for the parsers of rows.  It refuses other lengths, families
 * and states; what follows the head is theirs. */

bool emr_row_head_is(emr_span value, size_t len, uint8_t family, emr_row_head *out);
void emr_row_put_head(const emr_row_head *head, uint8_t *out);

/* Facts of the operations that only the rules need.  It knows nothing of rows or authority. */

/* Operations that others have to look at, or that let one more speak: a quota of its own. */
bool emr_op_is_letter(uint8_t op);
/* How long a batch with such an item may stay valid after header.time. */
uint32_t emr_op_validity_s(uint8_t op, enum emr_host host);
