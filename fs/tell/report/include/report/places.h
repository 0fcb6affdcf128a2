/* The places that hold copies of the blocks, for people and scripts.  It asks nobody: it says what
 * the publisher knows. */
#pragma once

#include <jansson.h>

#include "publisher/publisher.h"
#include "session/session.h"

/* {name state counts copies of stuck leaving sending sending_of error message hint}, of which
 * COPIES of OF are there.  NULL without memory; the caller's. */
json_t *emr_place_json(const emr_publisher_place *place, uint64_t copies, uint64_t of);
/* All places of the settings, counting every version.  NULL without memory; the caller's. */
json_t *emr_places_json(emr_session *session);
