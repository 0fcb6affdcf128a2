/* What the files that make the log share. */
#pragma once

#include "log/deeds.h"

/* What the owner is called in it; borrowed from SESSION. */
const char *deeds_own_name(const emr_session *session);
/* NULL without memory. */
json_t *deeds_event_json(const emr_session *session, const emr_deeds *deeds, const emr_event *e);
