/* The folder itself and .emrfs, and what the rooms of the view have in them. */
#pragma once

#include "kind.h"

extern const node_kind folder_kind; /* of the folder itself */

/* Makes .emrfs, before anything can be asked for. */
emr_status folder_new_special(emr_view *view);
