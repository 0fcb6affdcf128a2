/* These are the letters of grants in the clear and the insides of a fragment, for this folder
 * and its tests only. */
#pragma once

#include "keyring/grant.h"

#define EMR_GRANT_NOTE_BYTES (16 + 1 + EMR_NOTE_LABEL_MAX)

emr_status emr_grant_letter_encode(const emr_grant_letter *letter, emr_buf *out);
emr_status emr_grant_letter_decode(emr_bytes plain, emr_grant_letter *out);
void emr_grant_note_encode(const emr_grant_letter *letter, uint8_t out[EMR_GRANT_NOTE_BYTES]);
emr_status emr_grant_note_decode(const uint8_t plain[EMR_GRANT_NOTE_BYTES], emr_grant_note *out);
bool emr_agents_differ(const emr_id32 *agents, size_t n);

struct emr_fragment {
	emr_secret rk;
	emr_id16 grant_id;
	uint32_t epoch;
	emr_pre_bond bond;
	emr_pre_kfrag frag;
};
