/* Terms of a share as people write them: purposes of use, with the bits they stand for (the words
 * themselves: keyring/grant.h), and who releases keys while its owner is away. It refuses words
 * that are not in the tables. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keyring/grant.h"

/* "treatment" or "treatment,research" to bits; false: not understood. */
bool emr_purposes_parse(const char *text, uint32_t *out_bits);
/* "treatment, research"; what has no word here is its number. */
#define EMR_PURPOSES_TEXT_BYTES 120
void emr_purposes_text(uint32_t bits, char out[EMR_PURPOSES_TEXT_BYTES]);

/* "others", "own", "nobody", and back; false: not understood. */
const char *emr_away_word(emr_away away);
bool emr_away_parse(const char *text, emr_away *out_away);
