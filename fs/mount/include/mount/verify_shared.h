/* verify of what others share: the verb reads it in the open folder, as any program does, and the
 * mount checks every byte and the statement on the way.  It refuses to call checked what nobody
 * gave the key of. */
#pragma once

#include "mount/reach.h"

/* The path is below shared-with-me, of a folder that is open. */
bool emr_is_shared_path(const emr_reach *reach, const emr_request *request);
/* Exit code of the verb. */
int emr_verify_shared(emr_reach *reach, const emr_request *request, emr_out *out);
