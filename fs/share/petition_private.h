/* This is what the files about requests share: the row of a request to a person, and terms that
 * can be granted. */
#pragma once

#include "share/petition.h"
#include "share_private.h"

bool petition_terms_ok(uint16_t rights, uint32_t purposes);
/* Whether anybody would still want to hear of it. */
bool petition_is_timely(const emr_known_request *known, uint64_t now);
/* EMR_NOT_FOUND, EMR_DAMAGED. */
emr_status petition_row(emr_share *share, emr_id16 request, emr_row_request *out);
