/* This file seals the keys that were released to this person for this computer's disk, bound to the
 * shared folder, the grant and its end (FORMAT.md), so that what was seen and read opens again
 * after a restart. It keeps none past the grant's end, nor of a version that the grant shows no
 * more. */
#include <string.h>

#include "base/codec.h"
#include "ledger/hash.h"

#include "shared_private.h"

#define ROW_BYTES (16 + 16 + 32 + 8)

/* A listing key is called by its item; a content's by object, version and this. */
static const char of_content[8] = "content";

static emr_id32 name_of_content(emr_id16 object, uint64_t pversion)
{
	emr_id32 name;

	memcpy(name.b, object.b, 16);
	emr_put_u64(name.b + 16, pversion);
	memcpy(name.b + 24, of_content, sizeof of_content);
	return name;
}

static bool is_content(const uint8_t row[ROW_BYTES])
{
	return memcmp(row + 32 + 24, of_content, sizeof of_content) == 0;
}

/* Makes the bytes that the sealed key is bound to, and found by. */
static void row_of(const emr_shared *shared, emr_id32 name, uint8_t out[ROW_BYTES])
{
	const emr_known_grant *grant = &shared->received.grant;

	memcpy(out, grant->domain.b, 16);
	memcpy(out + 16, grant->grant.b, 16);
	memcpy(out + 32, name.b, 32);
	emr_put_u64(out + 64, grant->row.not_after_unix_s);
}

/* The keyring binds a content key to an id of 16 bytes. */
static emr_id16 binding_of(const uint8_t row[ROW_BYTES])
{
	static const char label[] = "emrfs/v1/kept content";
	const emr_bytes parts[2] = {
		emr_bytes_of(label, sizeof label), emr_bytes_of(row, ROW_BYTES)};
	emr_id32 hash = emr_sha256_of(parts, 2);

	return EMR_ID16_AT(hash.b);
}

static emr_status save_name(emr_shared *shared, held_name_key *held, emr_buf *out)
{
	uint8_t row[EMR_KEPT_KEY_BYTES];
	emr_status status;

	row_of(shared, held->listkey_id, row);
	status = emr_list_key_seal_local(
		shared->share->o.keyring, held->key, emr_bytes_of(row, ROW_BYTES), row + ROW_BYTES);
	if (status == EMR_OK)
		status = emr_buf_append(out, row, sizeof row);
	held->is_kept = status == EMR_OK;
	return status;
}

static emr_status save_content(emr_shared *shared, held_content_key *held, emr_buf *out)
{
	uint8_t row[EMR_KEPT_KEY_BYTES];
	emr_status status;

	row_of(shared, name_of_content(held->object, held->pversion), row);
	status = emr_content_key_seal_local(
		shared->share->o.keyring, held->key, binding_of(row), row + ROW_BYTES);
	if (status == EMR_OK)
		status = emr_buf_append(out, row, sizeof row);
	held->is_kept = status == EMR_OK;
	return status;
}

emr_status emr_shared_save_keys(emr_shared *shared, emr_buf *out)
{
	EMR_EACH (held_name_key, held, &shared->names)
		if (!held->is_kept)
			EMR_TRY(save_name(shared, held, out));
	EMR_EACH (held_content_key, held, &shared->contents)
		if (!held->is_kept)
			EMR_TRY(save_content(shared, held, out));
	return EMR_OK;
}

static emr_status load_name(emr_shared *shared, const uint8_t kept[EMR_KEPT_KEY_BYTES])
{
	emr_list_key *key = NULL;
	emr_id32 id = EMR_ID32_AT(kept + 32);

	if (shared_name_key(shared, id) != NULL)
		return EMR_OK;
	EMR_TRY(emr_list_key_open_local(
		shared->share->o.keyring, kept + ROW_BYTES, emr_bytes_of(kept, ROW_BYTES), &key));
	EMR_TRY(shared_keep_name_key(shared, id, key, true));
	return EMR_OK;
}

/* EMR_NOT_FOUND: the grant does not show that version any more. */
static emr_status is_shown(const emr_shared *shared, emr_id16 object, uint64_t pversion)
{
	emr_replica_head head;

	EMR_TRY(shared_head(shared, object, &head));
	return head.pversion == pversion ? EMR_OK : EMR_NOT_FOUND;
}

static emr_status load_content(emr_shared *shared, const uint8_t kept[EMR_KEPT_KEY_BYTES])
{
	uint64_t pversion = emr_get_u64(kept + 32 + 16);
	emr_content_key *key = NULL;
	emr_id16 object = EMR_ID16_AT(kept + 32);

	EMR_TRY(is_shown(shared, object, pversion));
	if (shared_content_key(shared, object, pversion) != NULL)
		return EMR_OK;
	EMR_TRY(emr_content_key_open_local(
		shared->share->o.keyring, kept + ROW_BYTES, binding_of(kept), &key));
	EMR_TRY(shared_keep_content_key(shared, object, pversion, key, true));
	return EMR_OK;
}

/* *OUT_STAYS: it is another grant's, or was taken. */
static emr_status load_one(
	emr_shared *shared, const uint8_t kept[EMR_KEPT_KEY_BYTES], bool *out_stays)
{
	uint8_t row[ROW_BYTES];
	emr_status status;

	row_of(shared, EMR_ID32_AT(kept + 32), row);
	*out_stays = memcmp(row, kept, 32) != 0;
	if (*out_stays || memcmp(row, kept, sizeof row) != 0)
		return EMR_OK;
	status = is_content(kept) ? load_content(shared, kept) : load_name(shared, kept);
	*out_stays = status == EMR_OK;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_shared_load_keys(emr_shared *shared, emr_buf *kept)
{
	emr_status status = emr_shared_check(shared, NULL), first = status;
	size_t len = 0;

	for (size_t at = 0; status == EMR_OK && at + EMR_KEPT_KEY_BYTES <= kept->len;
		at += EMR_KEPT_KEY_BYTES) {
		bool stays = false;
		emr_status one = load_one(shared, kept->data + at, &stays);

		first = first == EMR_OK ? one : first;
		stays = stays || emr_status_is_local(one);
		if (stays)
			memmove(kept->data + len, kept->data + at, EMR_KEPT_KEY_BYTES);
		len += stays ? EMR_KEPT_KEY_BYTES : 0;
	}
	if (status == EMR_OK)
		kept->len = len;
	return first;
}

size_t emr_shared_names_held(const emr_shared *shared)
{
	return shared->names.len / sizeof(held_name_key);
}

void emr_kept_key_of(const uint8_t kept[EMR_KEPT_KEY_BYTES], emr_id16 *out_domain,
	emr_id16 *out_grant, uint64_t *out_not_after)
{
	memcpy(out_domain->b, kept, sizeof out_domain->b);
	memcpy(out_grant->b, kept + 16, sizeof out_grant->b);
	*out_not_after = emr_get_u64(kept + 64);
}
