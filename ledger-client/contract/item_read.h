/* The fields of an item before anything about them was judged. It checks nothing; see
 * emr_item_parse(). */
#pragma once

#include "contract/item.h"

bool emr_item_has_magic(const uint8_t bytes[EMR_ITEM_BYTES]); /* and version */
void emr_item_read(const uint8_t bytes[EMR_ITEM_BYTES], emr_item *out_item);
