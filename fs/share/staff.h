/* The auditors of one's own organisation: they can read what one asks for.  It refuses to name
 * those of another. */
#pragma once

#include "share_private.h"

/* As of this handle's last look; borrowed. */
emr_status staff_auditors(emr_share *share, const auditors **out);
