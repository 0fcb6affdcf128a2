/* This file verifies the embedded ledger against a replay of its own entries, and puts right
 * what can be put right in it. */
#include "embedded_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "ledger/ahead.h"
#include "ledger/network.h"

typedef struct replaying {
	emr_chain *chain, *copy;
	emr_chain_parts parts;
	emr_ledger_trouble *trouble;
} replaying;

static void replaying_free(replaying **r)
{
	if (*r != NULL)
		emr_chain_parts_free(&(*r)->parts);
	free(*r);
}

static emr_status replay_one(
	void *arg, const emr_ledger_entry *entry, const emr_chain_checked *checked)
{
	replaying *r = arg;
	emr_status status =
		emr_chain_parts_of(entry, emr_chain_fetch, r->chain, NULL, NULL, &r->parts);

	return status == EMR_OK ? emr_chain_follow(r->copy, entry, checked, r->parts.spans, NULL,
					  NULL, r->trouble)
				: status;
}

/* All entries of CHAIN into the empty COPY. */
static emr_status replay(
	emr_chain *chain, emr_chain *copy, uint64_t size, emr_ledger_trouble *out_trouble)
{
	__attribute__((cleanup(replaying_free))) replaying *r = calloc(1, sizeof *r);
	EMR_AUTO_AHEAD ahead = emr_ahead_new(copy);
	emr_status status = r && ahead ? EMR_OK : EMR_NO_MEMORY;
	size_t n = 0;

	if (status != EMR_OK)
		return status;
	*r = (replaying){.chain = chain, .copy = copy, .trouble = out_trouble};
	for (uint64_t seq = 0; status == EMR_OK && seq < size; seq += n) {
		emr_status last = emr_ahead_read(ahead, chain, seq, size);

		status = emr_ahead_each(ahead, replay_one, r, &n);
		if (status == EMR_OK && (last == EMR_NOT_FOUND || last == EMR_DAMAGED)) {
			last = EMR_DAMAGED;
			*out_trouble = (emr_ledger_trouble){.status = last,
				.seq = seq + n,
				.cause = "the entry cannot be read"};
		}
		status = status == EMR_OK ? last : status;
	}
	return status;
}

emr_status emr_chain_verify(emr_chain *chain, emr_bytes descriptor, emr_chain_keep_fn keep,
	void *keep_arg, emr_ledger_trouble *out)
{
	EMR_AUTO_CHAIN copy = NULL;
	EMR_AUTO_BUF first = {0};
	uint64_t size = 0;
	emr_status status = emr_chain_open_temporary(&copy);

	if (status == EMR_OK)
		status = emr_chain_size(chain, &size);
	if (status == EMR_OK)
		status = emr_chain_entry(chain, 0, &first, NULL);
	if (status == EMR_OK && !emr_bytes_equal(emr_buf_view(&first), descriptor))
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		status = emr_chain_begin(copy);
	if (status == EMR_OK)
		status = replay(chain, copy, size, out);
	if (status == EMR_OK)
		status = emr_chain_compare(copy, chain, keep, keep_arg, out);
	if (status == EMR_OK)
		status = emr_chain_check_file(chain);
	if (status == EMR_DAMAGED && out->status == EMR_OK) {
		*out = (emr_ledger_trouble){.status = EMR_DAMAGED};
		(void)snprintf(out->cause, sizeof out->cause, "the ledger file itself is damaged");
	}
	return status;
}

/* After the last entry of a directory that has moved, its history goes on in the blocks of the
 * channel, not here. */
static emr_status check_host(emr_chain *chain, emr_ledger_trouble *out)
{
	EMR_AUTO_BUF newest = {0};
	emr_entry parsed;
	uint64_t size = 0;

	EMR_TRY(emr_chain_size(chain, &size));
	if (size > 1)
		EMR_TRY(emr_chain_entry(chain, size - 1, &newest, NULL));
	if (size <= 1 ||
		emr_entry_parse(span_of(emr_buf_view(&newest)), &parsed) != EMR_CONTRACT_OK ||
		parsed.host == EMR_HOST_EMBEDDED)
		return EMR_OK;
	*out = (emr_ledger_trouble){.status = EMR_DAMAGED, .seq = size - 1};
	(void)snprintf(out->cause, sizeof out->cause, "an entry of a channel in a directory");
	return EMR_DAMAGED;
}

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
		status =
			emr_chain_verify(chain, emr_buf_view(&e->descriptor), NULL, NULL, &trouble);
	if (status == EMR_OK)
		status = check_host(chain, &trouble);
	if (chain != NULL && emr_chain_is_overtaken(chain))
		return emr_chain_seen(chain, status);
	*out_trouble = trouble;
	return status;
}

/* ---- putting right ---- */

emr_status embedded_unite(void *self, emr_chain *own, uint64_t size, emr_chain *united,
	emr_ledger_trouble *out_trouble)
{
	embedded *e = self;
	EMR_AUTO_CHAIN chain = NULL;
	uint64_t here = 0;
	emr_status status = open_own_connection(e, &chain);

	if (status == EMR_OK)
		status = emr_chain_begin_read(chain);
	if (status == EMR_OK)
		status = emr_chain_size(chain, &here);
	if (status == EMR_OK && here < size)
		status = EMR_ROLLBACK;
	if (status == EMR_OK)
		status = emr_chain_unite(
			chain, own, emr_buf_view(&e->descriptor), size, united, out_trouble);
	return chain != NULL ? emr_chain_seen(chain, status) : status;
}

/* Inside of the write transaction on CHAIN, so that nobody appends meanwhile. */
static emr_status unite_and_mend(embedded *e, emr_chain *chain, emr_chain *own, emr_chain *united,
	emr_ledger_trouble *out_trouble, uint64_t *out_n)
{
	uint64_t size = 0;

	EMR_TRY(emr_chain_in_place(chain));
	EMR_TRY(emr_chain_size(chain, &size));
	EMR_TRY(emr_chain_unite(
		chain, own, emr_buf_view(&e->descriptor), size, united, out_trouble));
	return emr_chain_mend(chain, united, NULL, NULL, out_n);
}

emr_status embedded_mend(void *self, emr_chain *own, emr_chain *united,
	emr_ledger_trouble *out_trouble, uint64_t *out_n)
{
	embedded *e = self;
	EMR_AUTO_CHAIN chain = NULL;
	emr_status status;

	EMR_TRY(e->submitter == NULL ? EMR_DENIED : open_own_connection(e, &chain));
	EMR_TRY(emr_chain_begin(chain));
	status = unite_and_mend(e, chain, own, united, out_trouble, out_n);
	if (status == EMR_OK && *out_n > 0)
		return emr_chain_commit(chain);
	emr_chain_rollback(chain);
	return status;
}
