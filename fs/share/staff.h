/* The auditors of one's own organisation can read what one asks for; this tells who they are. It
 * refuses to name those of another. */
#pragma once

#include "share_private.h"

/* As of this handle's last look; borrowed. */
emr_status staff_auditors(emr_share *share, const auditors **out);
