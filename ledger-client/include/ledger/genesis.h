/* These functions say which channel of Fabric a ledger is in. Everything leads back to the
 * channel's first block, which nobody signs. */
#pragma once

#include "ledger/ledger.h"

typedef struct emr_ledger_genesis {
	uint8_t hash[32]; /* SHA-256 of the header of the channel's first block */
	bool is_pinned;	  /* the network's settings name it, and another one is refused */
} emr_ledger_genesis;

/* As the last emr_ledger_verify of LEDGER found it.  EMR_NOT_FOUND: none did; EMR_UNSUPPORTED: the
 * ledger stands in no channel. */
emr_status emr_ledger_genesis_of(emr_ledger *ledger, emr_ledger_genesis *out_genesis);
