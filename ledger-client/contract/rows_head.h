/* The head that every row begins with, for the parsers of rows.  It refuses other lengths, families
 * and states; what follows the head is theirs. */
#pragma once

#include "contract/rows.h"

bool emr_row_head_is(emr_span value, size_t len, uint8_t family, emr_row_head *out);
void emr_row_put_head(const emr_row_head *head, uint8_t *out);
