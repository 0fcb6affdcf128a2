/* The client asks a trustless gateway with these functions. It refuses anything but blocks: what
 * a gateway makes of them cannot be verified. */
#pragma once

#include "node_private.h"

emr_status gateway_probe(node_run *run);
emr_status gateway_block(node_run *run, const emr_cid *cid, emr_buf *out);
