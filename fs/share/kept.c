/* This file seals the keys that were released to this person for this computer's disk, bound to the
 * shared folder, the grant and its end (FORMAT.md), so that what was seen and read opens again
 * after a restart. It keeps none past the grant's end, nor of a version that the grant shows no
 * more. A grant that was given before another of the same person there ended took its place: what
 * was read by the other stays readable by it, as far as it shows that. */
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

/* EMR_NOT_FOUND: the grant shows no such names: they are the past. */
static emr_status are_names_shown(const emr_shared *shared, emr_id32 id)
{
	const emr_known_grant *grant = &shared->received.grant;
	EMR_AUTO_BUF all = {0};

	EMR_TRY(share_every_list_key(shared->share, grant->domain, &all));
	EMR_EACH (const published_key, key, &all)
		if (emr_id32_equal(key->listkey_id, id) && key->epoch >= grant->row.head.epoch)
			return EMR_OK;
	return EMR_NOT_FOUND;
}

static emr_status load_name(emr_shared *shared, const uint8_t kept[EMR_KEPT_KEY_BYTES], bool is_own)
{
	emr_list_key *key = NULL;
	emr_id32 id = EMR_ID32_AT(kept + 32);

	EMR_TRY(is_own ? EMR_OK : are_names_shown(shared, id));
	if (shared_name_key(shared, id) != NULL)
		return EMR_OK;
	EMR_TRY(emr_list_key_open_local(
		shared->share->o.keyring, kept + ROW_BYTES, emr_bytes_of(kept, ROW_BYTES), &key));
	EMR_TRY(shared_keep_name_key(shared, id, key, is_own));
	return EMR_OK;
}

static emr_status bytes_of(
	const emr_shared *shared, emr_id16 object, uint64_t version, emr_cid *out_root)
{
	EMR_AUTO_BUF part = {0};
	emr_put_part put;

	EMR_TRY(share_part(shared->share, EMR_FAMILY_OBJECT, shared->received.grant.domain, object,
		version, &part));
	EMR_TRY(emr_put_part_decode(emr_buf_view(&part), &put));
	*out_root = put.root;
	return EMR_OK;
}

/* A key is one for the bytes, also where they were wrapped again for a later epoch. *OUT_PVERSION:
 * where. EMR_NOT_FOUND: the grant does not show them. */
static emr_status are_bytes_shown(const emr_shared *shared, const emr_replica_head *head,
	uint64_t pversion, uint64_t *out_pversion)
{
	const emr_known_grant *grant = &shared->received.grant;
	const emr_access_slot slot = {
		.object_id = head->object, .version = head->pversion, .kind = EMR_CAPSULE_CONTENT};
	capsule_facts facts;
	emr_cid had, shown;

	EMR_TRY(bytes_of(shared, head->object, pversion, &had));
	EMR_TRY(bytes_of(shared, head->object, head->pversion, &shown));
	EMR_TRY(share_capsule(shared->share, grant->domain, &slot, &facts));
	*out_pversion = head->pversion;
	return emr_cid_equal(&had, &shown) && (grant->row.rights & EMR_GRANT_READ) != 0 &&
			       facts.epoch >= grant->row.head.epoch &&
			       facts.ledger_time >= shared->terms.from_time
		       ? EMR_OK
		       : EMR_NOT_FOUND;
}

/* EMR_NOT_FOUND: the grant does not show that version, or not any more. */
static emr_status is_shown(
	const emr_shared *shared, emr_id16 object, bool is_own, uint64_t *io_pversion)
{
	emr_replica_head head;

	EMR_TRY(shared_head(shared, object, &head));
	if (!is_own)
		return are_bytes_shown(shared, &head, *io_pversion, io_pversion);
	return head.pversion == *io_pversion ? EMR_OK : EMR_NOT_FOUND;
}

static emr_status load_content(
	emr_shared *shared, const uint8_t kept[EMR_KEPT_KEY_BYTES], bool is_own)
{
	uint64_t pversion = emr_get_u64(kept + 32 + 16);
	emr_content_key *key = NULL;
	emr_id16 object = EMR_ID16_AT(kept + 32);

	EMR_TRY(is_shown(shared, object, is_own, &pversion));
	if (shared_content_key(shared, object, pversion) != NULL)
		return EMR_OK;
	EMR_TRY(emr_content_key_open_local(
		shared->share->o.keyring, kept + ROW_BYTES, binding_of(kept), &key));
	EMR_TRY(shared_keep_content_key(shared, object, pversion, key, is_own));
	return EMR_OK;
}

/* GRANT is in force, and was given to the same person in the same domain before WAS was ended. */
static bool renews(const emr_known_grant *grant, const emr_known_grant *was)
{
	return emr_id16_equal(grant->domain, was->domain) &&
	       !emr_id16_equal(grant->grant, was->grant) &&
	       memcmp(grant->row.grantee, was->row.grantee, sizeof was->row.grantee) == 0 &&
	       grant->row.head.state == EMR_GRANT_ACTIVE && was->seq < grant->seq &&
	       (was->row.head.state == EMR_GRANT_ACTIVE || grant->seq < was->last_seq);
}

/* *OUT_STAYS: it is another grant's, or was taken.  One of a grant that this one renews is taken
 * and goes: it is kept by this one from then on. */
static emr_status load_one(
	emr_shared *shared, const uint8_t kept[EMR_KEPT_KEY_BYTES], bool *out_stays)
{
	uint8_t row[ROW_BYTES];
	emr_known_grant was;
	bool is_own;
	emr_status status;

	row_of(shared, EMR_ID32_AT(kept + 32), row);
	is_own = memcmp(row, kept, 32) == 0;
	*out_stays = !is_own;
	if (is_own ? memcmp(row, kept, sizeof row) != 0
		   : memcmp(row, kept, 16) != 0 ||
				emr_replica_grant(shared->share->o.replica, EMR_ID16_AT(kept),
					EMR_ID16_AT(kept + 16), &was) != EMR_OK ||
				!renews(&shared->received.grant, &was))
		return EMR_OK;
	status = is_content(kept) ? load_content(shared, kept, is_own)
				  : load_name(shared, kept, is_own);
	*out_stays = is_own && status == EMR_OK;
	return status == EMR_NOT_FOUND || (!is_own && status == EMR_MISSING_DATA) ? EMR_OK : status;
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

bool emr_kept_is_over(emr_replica *replica, emr_id16 domain, emr_id16 grant)
{
	emr_known_grant was, other;
	bool is = emr_replica_grant(replica, domain, grant, &was) == EMR_OK &&
		  was.row.head.state != EMR_GRANT_ACTIVE;
	EMR_ASK(grants, replica, GRANTS, .domain = domain);

	while (is && emr_next(&grants, &other))
		is = !renews(&other, &was);
	return is;
}

void emr_kept_key_of(const uint8_t kept[EMR_KEPT_KEY_BYTES], emr_id16 *out_domain,
	emr_id16 *out_grant, uint64_t *out_not_after)
{
	memcpy(out_domain->b, kept, sizeof out_domain->b);
	memcpy(out_grant->b, kept + 16, sizeof out_grant->b);
	*out_not_after = emr_get_u64(kept + 64);
}
