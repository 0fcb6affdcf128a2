/* This file seals listing keys for this computer's disk, bound to the shared folder, the grant
 * and its end (FORMAT.md), so that names can be shown again after a restart. */
#include <string.h>

#include "base/codec.h"

#include "shared_private.h"

#define ROW_BYTES (16 + 16 + 32 + 8)

/* What the sealed key is bound to, and found by. */
static void row_of(const emr_shared *shared, emr_id32 listkey_id, uint8_t out[ROW_BYTES])
{
	const emr_known_grant *grant = &shared->received.grant;

	memcpy(out, grant->domain.b, 16);
	memcpy(out + 16, grant->grant.b, 16);
	memcpy(out + 32, listkey_id.b, 32);
	emr_put_u64(out + 64, grant->row.not_after_unix_s);
}

emr_status emr_shared_save_names(const emr_shared *shared, emr_buf *out)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; i < shared->names_n && status == EMR_OK; i++) {
		uint8_t row[EMR_KEPT_NAME_BYTES];

		row_of(shared, shared->names[i].listkey_id, row);
		status = emr_list_key_seal_local(shared->share->o.keyring, shared->names[i].key,
			emr_bytes_of(row, ROW_BYTES), row + ROW_BYTES);
		if (status == EMR_OK)
			status = emr_buf_append(out, row, sizeof row);
	}
	return status;
}

static emr_status load_one(emr_shared *shared, const uint8_t kept[EMR_KEPT_NAME_BYTES])
{
	uint8_t row[ROW_BYTES];
	emr_list_key *key = NULL;
	emr_id32 id;
	emr_status status;

	memcpy(id.b, kept + 32, sizeof id.b);
	row_of(shared, id, row);
	if (memcmp(row, kept, sizeof row) != 0 || shared_name_key(shared, id) != NULL)
		return EMR_OK; /* another grant's, or of other terms */
	status = emr_list_key_open_local(
		shared->share->o.keyring, kept + ROW_BYTES, emr_bytes_of(row, sizeof row), &key);
	return status == EMR_OK ? shared_keep_name_key(shared, id, key) : status;
}

emr_status emr_shared_load_names(emr_shared *shared, emr_bytes kept)
{
	emr_status status = emr_shared_check(shared, NULL);

	for (size_t at = 0; status == EMR_OK && at + EMR_KEPT_NAME_BYTES <= kept.len;
		at += EMR_KEPT_NAME_BYTES)
		status = load_one(shared, kept.data + at);
	return status;
}

size_t emr_shared_names_held(const emr_shared *shared)
{
	return shared->names_n;
}

void emr_kept_name_of(
	const uint8_t kept[EMR_KEPT_NAME_BYTES], emr_id16 *out_grant, uint64_t *out_not_after)
{
	memcpy(out_grant->b, kept + 16, sizeof out_grant->b);
	*out_not_after = emr_get_u64(kept + 64);
}
