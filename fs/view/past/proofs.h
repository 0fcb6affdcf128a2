/* Nodes below .emrfs/proof: the tree as it is now, with NAME.tlog-proof for every file that is on
 * the ledger.  A node is made when it is looked up and knows its living one by id only, so it can
 * outlive it; it refuses every change. */
#pragma once

#include "node.h"

#define SPECIAL_PROOF UINT8_MAX /* node.special of all of them */
#define PROOF_SUFFIX ".tlog-proof"

static inline bool proofs_has(const node *n)
{
	return n->special == SPECIAL_PROOF;
}

/* ---- under view->lock */
/* .emrfs/proof itself. */
emr_status proofs_top(emr_view *view, node **out_node);
emr_status proofs_child(emr_view *view, const node *directory, const char *name, node **out_node);
/* Entries after COOKIE, as emr_view_each_entry; they get their nodes when they are looked up. */
void proofs_list(
	const emr_view *view, const node *directory, uint64_t cookie, emr_entry_fn fn, void *arg);

/* ---- without view->lock */
/* The bytes of a proof.  EMR_NOT_FOUND: its file is gone; EMR_NO_ATTRIBUTE: it is not on the ledger
 * as it is. */
emr_status proofs_make(emr_view *view, uint64_t number, emr_buf *out);
