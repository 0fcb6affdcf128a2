/* This file verifies the embedded ledger against a replay of its own entries, and builds it again
 * of what is whole in it and in a verified copy. */
#include "embedded_private.h"

#include "ledger/network.h"

/* A long snapshot must not stop readers of this process. */
static emr_status open_own_connection(embedded *e, emr_chain **out_chain)
{
	return emr_chain_open(
		e->dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, EMBEDDED_BUSY_MS, out_chain);
}

emr_status embedded_verify(void *self, emr_ledger_trouble *out_trouble)
{
	embedded *e = self;
	EMR_AUTO_CHAIN chain = NULL;
	emr_ledger_trouble trouble = {0};
	emr_status status = open_own_connection(e, &chain);

	if (status == EMR_OK)
		status = emr_chain_begin_read(chain);
	if (status == EMR_OK)
		status = emr_chain_verify(chain, emr_buf_view(&e->descriptor), false, &trouble);
	if (chain != NULL && emr_chain_is_overtaken(chain))
		return emr_chain_seen(chain, status);
	*out_trouble = trouble;
	return status;
}

/* ---- building again ---- */

/* The entries are those that were verified elsewhere. */
static emr_status check_seen(
	emr_chain *united, uint64_t size, const uint8_t root[32], emr_ledger_trouble *out)
{
	uint8_t found[32];

	if (size == 0)
		return EMR_OK;
	EMR_TRY(emr_chain_root(united, size, found));
	if (memcmp(found, root, sizeof found) == 0)
		return EMR_OK;
	*out = (emr_ledger_trouble){.status = EMR_FORK,
		.seq = size - 1,
		.cause = "the entries are not those that this computer has verified"};
	return EMR_FORK;
}

/* UNITED gets what it lacks of the entries that are there now. */
static emr_status unite(embedded *e, emr_chain *chain, emr_chain *own, uint64_t size,
	const uint8_t root[32], emr_chain *united, emr_ledger_trouble *out_trouble)
{
	uint64_t here = 0, owned = 0;

	EMR_TRY(emr_chain_begin_read(chain));
	EMR_TRY(emr_chain_size(chain, &here));
	EMR_TRY(emr_chain_size(own, &owned));
	if (here < owned || here < size)
		return EMR_ROLLBACK;
	EMR_TRY(emr_chain_unite(
		chain, own, emr_buf_view(&e->descriptor), here, united, out_trouble));
	return check_seen(united, size, root, out_trouble);
}

emr_status embedded_mend(void *self, emr_chain *own, uint64_t size, const uint8_t root[32],
	emr_ledger_trouble *out_trouble, bool *out_was_damaged)
{
	embedded *e = self;
	EMR_AUTO_CHAIN chain = NULL;
	EMR_AUTO_CHAIN united = NULL;
	emr_status status;

	EMR_TRY(e->submitter == NULL ? EMR_DENIED : open_own_connection(e, &chain));
	EMR_TRY(emr_chain_open_temporary(&united));
	do {
		status = unite(e, chain, own, size, root, united, out_trouble);
		if (status == EMR_OK) {
			EMR_LOCKED(&e->write_lock);
			status = emr_chain_build_again(
				e->writer, EMR_CHAIN_SHARED, chain, united, out_was_damaged);
		}
	} while (status == EMR_CONFLICT); /* somebody has appended meanwhile */
	return status;
}
