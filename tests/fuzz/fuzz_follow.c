/* This fuzz target reads an entry and its items as another program may have written them into
 * the ledger file: followed behind a real network. Input: u16 length of the entry, entry, items.
 * Nothing but the kept entry itself may be taken in. */
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/secret.h"
#include "ledger/chain.h"

/* A chain with a descriptor; the certificate in it is nobody's. */
static emr_chain *chain_with_descriptor(void)
{
	static emr_chain *chain;
	emr_descriptor descriptor = {
		.norg = 1, .created_unix_s = 1, .name = {(const uint8_t *)"n", 1}};
	emr_descriptor_org org = {.org = {1},
		.admin_pk = {2},
		.name = {(const uint8_t *)"o", 1},
		.msp = {(const uint8_t *)"", 0},
		.ca_der = {(const uint8_t *)"ca", 2}};
	uint8_t bytes[512];
	size_t len = 0;

	if (chain)
		return chain;
	if (emr_base_init() != EMR_OK || emr_chain_open_temporary(&chain) != EMR_OK ||
		emr_descriptor_encode(&descriptor, &org, bytes, sizeof bytes, &len) !=
			EMR_CONTRACT_OK ||
		emr_chain_append_genesis(chain, emr_bytes_of(bytes, len)) != EMR_OK)
		abort();
	return chain;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_chain *chain = chain_with_descriptor();
	emr_ledger_trouble trouble = {0};
	emr_ledger_entry entry = {.seq = 1};
	size_t len;

	if (size < 2)
		return 0;
	len = emr_get_u16(data);
	if (len > size - 2)
		len = size - 2;
	entry.entry = emr_bytes_of(data + 2, len);
	entry.items = emr_bytes_of(data + 2 + len, size - 2 - len);
	if (emr_chain_begin(chain) != EMR_OK)
		abort();
	/* It would need a signature over this very descriptor. */
	if (emr_chain_follow(chain, &entry, NULL, NULL, NULL, NULL, &trouble) == EMR_OK)
		abort();
	emr_chain_rollback(chain);
	return 0;
}
