/* This makes the log of a network that lives on Fabric: each batch that a valid transaction entered
 * becomes an entry, in the order of blocks, judged again as in every copy (emr_chain_follow).
 * Everybody who observes the same blocks gets the same entries, the
 * same tree and the same rows, whichever peer was asked.
 *
 * It refuses entries whose results are not what the contract gives, and descriptors other than
 * the chain's. Private parts that are not at hand are taken at the word of the recorded result, as
 * in every replay. */
#pragma once

#include "gateway/entries.h"
#include "ledger/chain.h"

/* Brings CHAIN up to at most MAX_BLOCKS blocks behind POSITION; an empty one begins with
 * DESCRIPTOR. CHAIN is in no transaction; each block is one of its own.  POSITION goes on
 * behind several at a time.  One that is older than the chain (all zero, too) is fine: what the
 * chain has already is passed over, after it was compared.  EMR_FORK: it is otherwise.  EMR_DAMAGED
 * with *OUT_TROUBLE: an entry's results are not the contract's.  Otherwise as emr_gateway_entries.
 */
emr_status emr_observe(emr_gateway *gateway, emr_gateway_call *call, emr_chain *chain,
	emr_bytes descriptor, emr_gateway_position *position, size_t max_blocks, uint64_t *height,
	emr_ledger_trouble *out_trouble);

/* One entry, inside of a write transaction on CHAIN; FETCH brings the private parts.  EMR_OK also
 * when the chain has it already. */
emr_status emr_observe_entry(emr_chain *chain, emr_bytes descriptor, const emr_gateway_entry *entry,
	emr_chain_fetch_fn fetch, void *arg, emr_ledger_trouble *out_trouble);

/* Members agreed on a channel by the hash of its first block, which is GENESIS of the one that is
 * read (NULL: nobody knows): an administrator who brings their ledger into another one, where all
 * its entries are as right, gets nobody to follow. EMR_FORK; EMR_OK also where nothing has moved.
 */
emr_status emr_observe_channel(
	emr_chain *chain, const uint8_t *genesis, emr_ledger_trouble *out_trouble);
