/* Pins say which blocks are still needed. This says all of them again after the store's index
 * was made anew. */
#pragma once

#include "node.h"

/* Nothing to do unless emr_store_pins_incomplete.  Reads the whole history: before the mount
 * answers, and rare. */
emr_status pins_restore(emr_view *view);
