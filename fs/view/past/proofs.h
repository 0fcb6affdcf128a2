/* Nodes below .emrfs/proof: the tree as it is now, with NAME.tlog-proof for every file that is on
 * the ledger.  A node is made when it is looked up and knows its living one by id only, so it can
 * outlive it; it refuses every change. */
#pragma once

#include "kind.h"

#define PROOF_SUFFIX ".tlog-proof"

/* Under view->lock: .emrfs/proof itself. */
emr_status proofs_top(emr_view *view, node **out_node);
