/* The directory .emrfs, and what the rooms of the view have in it. */
#pragma once

#include "node.h"

/* Makes it, before anything can be asked for. */
emr_status folder_new_special(emr_view *view);
