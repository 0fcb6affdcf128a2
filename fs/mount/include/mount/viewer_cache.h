/* A directory for what viewers keep beside what they show, as long as the folder is open: beside
 * the socket, in the user's runtime directory, which is in memory on most computers.  What the
 * menus of the desktop start gets it as XDG_CACHE_HOME.  It refuses to stay: it goes with the
 * folder. */
#pragma once

#include "kit/places.h"

/* Makes it, empty and 0700; what an earlier mount that was killed left there is removed. */
emr_status emr_viewer_cache_begin(const emr_places *places);
/* Removes it, with all that is in it. */
emr_status emr_viewer_cache_end(const emr_places *places);
/* Where it is; owned by the caller, NULL without memory. */
char *emr_viewer_cache_path(const emr_places *places);
