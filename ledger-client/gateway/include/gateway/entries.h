/* The batches that were entered, as they stand in a channel's blocks: a replica follows them.  It
 * refuses blocks that do not continue what was read before, or whose transactions are not those
 * that the block's header has the hash of.  An entry that its creator has not signed, or fewer
 * organisations have endorsed than must (endorsers_least and authorities of emr_gateway_options),
 * and a valid transaction that cannot be read, count only when peers of so many organisations say
 * under their signature that it is valid: EMR_GATEWAY_LIE when they do not, EMR_GATEWAY_DOUBT when
 * too few answer.
 *
 * What it does not do: verify that orderers have signed a block.  Which transactions are valid is
 * the word of the peer, too: no hash of Fabric that can be checked here covers it.  So the position
 * has a digest over both; who reads from peers of two organisations and compares their positions
 * finds a peer that tells otherwise. */
#pragma once

#include "gateway/batch.h"

/* Entries of the ledger of a directory that one transaction may bring, as the chaincode has it. */
#define EMR_GATEWAY_MOVED_MAX 64

/* How far somebody has read; all zero: nothing yet.  To be kept together with what was made of the
 * entries. */
typedef struct emr_gateway_position {
	uint64_t next_block;
	uint8_t hash[32];   /* of the block before; zero in front of block 0 */
	uint8_t digest[32]; /* SHA-256(digest before || hash || codes of validity) */
} emr_gateway_position;

/* Borrowed during the call. */
typedef struct emr_gateway_entry {
	uint64_t block;
	uint32_t tx; /* its place in the block */
	char tx_id[EMR_GATEWAY_TX_ID_BYTES];
	uint64_t ledger_time_unix_s; /* the transaction's own */
	emr_id32 submitter;
	uint8_t submit_sig[64]; /* whether it is the submitter's, who follows checks */
	emr_bytes batch;   /* header and items with public parts; private parts are read by key */
	emr_bytes results; /* one for each item */
	emr_bytes moved; /* an entry of the directory in which the network began, as it stood there;
			  * BATCH then has its items alone.  Empty: it began here */
} emr_gateway_entry;

/* Not EMR_OK ends it, and the position stays in front of that block. */
typedef emr_status (*emr_gateway_entry_fn)(void *arg, const emr_gateway_entry *entry);

/* Reads at most MAX_BLOCKS blocks from POSITION on, as many as there are, and moves POSITION behind
 * each whose entries were all visited.  *HEIGHT = blocks of the peer that was asked (may be NULL);
 * where it says already that there are more, which saves a question, a peer is asked only when it
 * has not got the next one.  Begin with 0.  EMR_ROLLBACK: the peer has fewer than were read;
 * EMR_FORK: it has others.  Both are EMR_GATEWAY_OTHER_HISTORY; a first block other than the one
 * that the gateway was opened with is EMR_FORK and EMR_GATEWAY_OTHER_CHANNEL.  EMR_GATEWAY_LIE: a
 * block is not what its header says. */
emr_status emr_gateway_entries(emr_gateway *gateway, emr_gateway_call *call,
	emr_gateway_position *position, size_t max_blocks, emr_gateway_entry_fn visit, void *arg,
	uint64_t *height);

/* The orderers of the channel, as its blocks tell them from the first one on. A block counts as
 * ordered when an orderer of an organisation that the gateway was opened with has signed it; in a
 * channel that orders by BFT, a quorum of the channel's consenters, all of them of such
 * organisations. */
typedef struct emr_gateway_orderers emr_gateway_orderers;
emr_gateway_orderers *emr_gateway_orderers_new(void); /* NULL: no memory */
void emr_gateway_orderers_free(emr_gateway_orderers *orderers);
/* Each block but the first, which nobody signs, was.  False: some was signed by others, whom the
 * gateway does not know. */
bool emr_gateway_orderers_have_signed(const emr_gateway_orderers *orderers);
