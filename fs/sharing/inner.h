/* Domains inside domains, for whoever shares: when an inner one may be granted, and what lies in
 * what. It refuses to call whole what is still being moved. */
#pragma once

#include "session/session.h"
#include "share/give.h"

/* All domains of the folder, each after the one it hangs in; *OUT_TREE is the caller's to free. */
emr_status emr_inner_tree(emr_session *session, emr_nested **out_tree, size_t *out_n);
/* EMR_OK when DOMAIN is on the ledger and nothing of it is published elsewhere, but *OUT_KEPT_OUT
 * records that others put there and that are forged or do not open.  Publishes what waits
 * first.  EMR_BUSY: not yet, ask again; EMR_MISSING_DATA: what is left cannot be moved as it is;
 * EMR_NOT_FOUND: it was removed. */
emr_status emr_inner_await(emr_session *session, emr_id16 domain, uint64_t *out_kept_out);
