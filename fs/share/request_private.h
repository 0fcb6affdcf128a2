/* This is what the files about requests share: the row of a request to a person, and terms that
 * can be granted. */
#pragma once

#include "share/request.h"
#include "share_private.h"

bool request_terms_ok(uint16_t rights, uint32_t purposes);
/* Whether anybody would still want to hear of it. */
bool request_is_timely(const emr_known_request *known, uint64_t now);
/* EMR_NOT_FOUND, EMR_DAMAGED. */
emr_status request_row(emr_share *share, emr_id16 request, emr_row_request *out);
