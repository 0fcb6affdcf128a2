/* Inside this room: when a dataset was closed, and who could read it (org/datasets.h). */
#pragma once

#include "org/datasets.h"

/* When TEAM was closed, by the ledger's time; 0: it is open. */
emr_status dataset_closed(const emr_crowd *crowd, const emr_team *team, uint64_t *out_unix_s);
