/* This file opens a received grant and holds the keys that came for it. It refuses a grant that
 * is not in force, or not for this purpose, and it wipes every key when the grant is closed. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "share/frozen.h"

#include "shared_private.h"

emr_status shared_head(const emr_shared *shared, emr_id16 object, emr_replica_head *out)
{
	emr_replica *replica = shared->share->o.replica;

	EMR_TRY(emr_replica_head_get(replica, shared->received.grant.domain, object, out));
	EMR_TRY(emr_frozen_head(replica, shared->frozen_at, out, NULL));
	return out->state == EMR_OBJECT_LIVE && out->pversion != 0 ? EMR_OK : EMR_NOT_FOUND;
}

void emr_shared_show_frozen(emr_shared *shared, uint64_t log_size)
{
	shared->frozen_at = log_size;
}

/* ---- keys in hand ---- */

const emr_list_key *shared_name_key(const emr_shared *shared, emr_id32 listkey_id)
{
	EMR_EACH (const held_name_key, held, &shared->names)
		if (emr_id32_equal(held->listkey_id, listkey_id))
			return held->key;
	return NULL;
}

const emr_content_key *shared_content_key(
	const emr_shared *shared, emr_id16 object, uint64_t pversion)
{
	EMR_EACH (const held_content_key, held, &shared->contents)
		if (emr_id16_equal(held->object, object) && held->pversion == pversion)
			return held->key;
	return NULL;
}

emr_status shared_keep_name_key(
	emr_shared *shared, emr_id32 listkey_id, emr_list_key *key, bool is_kept)
{
	const held_name_key held = {listkey_id, key, is_kept};
	emr_status status = emr_buf_append(&shared->names, &held, sizeof held);

	if (status != EMR_OK)
		emr_list_key_free(key);
	return status;
}

emr_status shared_keep_content_key(
	emr_shared *shared, emr_id16 object, uint64_t pversion, emr_content_key *key, bool is_kept)
{
	const held_content_key held = {object, pversion, key, is_kept};
	emr_status status = emr_buf_append(&shared->contents, &held, sizeof held);

	if (status != EMR_OK)
		emr_content_key_free(key);
	return status;
}

bool shared_is_closed_name(const emr_shared *shared, emr_id32 listkey_id)
{
	return emr_buf_has(&shared->closed, emr_bytes_of(&listkey_id, sizeof listkey_id));
}

emr_status shared_note_closed_name(emr_shared *shared, emr_id32 listkey_id)
{
	return shared_is_closed_name(shared, listkey_id)
		       ? EMR_OK
		       : emr_buf_append(&shared->closed, &listkey_id, sizeof listkey_id);
}

bool shared_is_liar(const emr_shared *shared, emr_id32 id)
{
	for (unsigned i = 0; i < shared->liars_n; i++)
		if (emr_id32_equal(shared->liars[i], id))
			return true;
	return false;
}

void shared_note_liar(emr_shared *shared, emr_id32 id)
{
	char hex[65];

	if (shared_is_liar(shared, id) || shared->liars_n == EMR_RESPONDERS_MAX)
		return;
	shared->liars[shared->liars_n++] = id;
	emr_hex(id.b, sizeof id.b, hex);
	emr_log(EMR_LOG_WARN, "shares: %s answered what cannot be right and is not asked again",
		hex);
}

static void wipe(emr_shared *shared)
{
	EMR_EACH (const held_name_key, held, &shared->names)
		emr_list_key_free(held->key);
	EMR_EACH (const held_content_key, held, &shared->contents)
		emr_content_key_free(held->key);
	emr_buf_clear(&shared->names);
	emr_buf_clear(&shared->contents);
}

/* ---- life ---- */

static emr_share_why why_of(emr_grant_phase phase)
{
	switch (phase) {
	case EMR_GRANT_COMING:
		return EMR_WHY_NOT_YET;
	case EMR_GRANT_IN_FORCE:
		return EMR_WHY_NONE;
	case EMR_GRANT_IS_OVER:
		return EMR_WHY_EXPIRED;
	case EMR_GRANT_IS_REVOKED:
		return EMR_WHY_REVOKED;
	}
	return EMR_WHY_NO_GRANT;
}

static emr_status denied(emr_share_why why, emr_share_trouble *out)
{
	if (out != NULL)
		*out = (emr_share_trouble){.why = why};
	return why == EMR_WHY_NONE ? EMR_OK : EMR_DENIED;
}

/* Whether the grant is to this keyring, now, and for PURPOSE. */
static emr_status may_open(emr_share *share, const emr_known_grant *known, uint8_t purpose,
	emr_team *team, standing *out_standing, emr_share_trouble *out_trouble)
{
	emr_known_grant as_his = *known;
	emr_grant_phase phase;
	emr_status status = share_standing(share, known, team, out_standing);

	if (status == EMR_NOT_FOUND)
		return denied(EMR_WHY_NO_GRANT, out_trouble);
	if (status != EMR_OK)
		return status;
	phase = share_phase(share, out_standing, &as_his);
	if (phase != EMR_GRANT_IN_FORCE)
		return denied(why_of(phase), out_trouble);
	if (purpose > 31 || (known->row.purposes & (UINT32_C(1) << purpose)) == 0)
		return denied(EMR_WHY_PURPOSE, out_trouble);
	return EMR_OK;
}

/* A grant to a dataset with a price says nothing of the payment, which comes with the joining: what
 * is granted without it is not read. */
static emr_status check_payment(
	emr_shared *shared, const emr_known_grant *known, emr_share_trouble *out_trouble)
{
	AUTO_GRANT_FACTS facts = {0};
	bool is_paid = false;
	emr_status status;

	if (!shared->standing.is_team || shared->standing.team->row.price == 0)
		return EMR_OK;
	status = share_grant_facts(shared->share, known->domain, known->grant, &facts);
	if (status == EMR_OK)
		status = share_is_paid(
			shared->share, shared->standing.team_id, &facts, &is_paid, &shared->outer);
	return status != EMR_OK || is_paid ? status : denied(EMR_WHY_UNPAID, out_trouble);
}

/* A participant who leaves has ended the grant of the folder that joined, and need not have ended
 * those inside it. */
static emr_status check_outer(emr_shared *shared, emr_share_trouble *out_trouble)
{
	bool is_in = true;

	if (!emr_id16_is_zero(shared->outer))
		EMR_TRY(share_takes_part(
			shared->share, shared->outer, shared->standing.team_id, &is_in));
	if (!is_in)
		wipe(shared);
	return denied(is_in ? EMR_WHY_NONE : EMR_WHY_UNPAID, out_trouble);
}

emr_status emr_shared_check(emr_shared *shared, emr_share_trouble *out_trouble)
{
	emr_received *r = &shared->received;
	emr_replica *replica = shared->share->o.replica;
	standing *s = &shared->standing;
	emr_known_grant known;

	EMR_TRY(emr_replica_grant(replica, r->grant.domain, r->grant.grant, &known));
	/* Its owner may go on under another key meanwhile. */
	EMR_TRY(share_domain(shared->share, r->grant.domain, &shared->row));
	memcpy(shared->owner_pk, shared->row.owner_pk, sizeof shared->owner_pk);
	if (s->is_team)
		EMR_TRY(emr_team_membership(replica, s->team_id, s->root, &s->membership));
	EMR_TRY(share_look_at_own_key(shared->share, s));
	r->phase = share_phase(shared->share, s, &known);
	r->grant = known;
	if (r->phase == EMR_GRANT_IN_FORCE)
		return check_outer(shared, out_trouble);
	wipe(shared);
	return denied(why_of(r->phase), out_trouble);
}

/* A grant to a former key of mine is read with that. */
static emr_status take_key_of(emr_shared *shared)
{
	emr_grantee_key *key = NULL;
	emr_status status = emr_grantee_key_of(shared->share->o.keyring, shared->received.B, &key);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	emr_grantee_key_free(shared->me);
	shared->me = key;
	return EMR_OK;
}

static emr_status read_terms(emr_shared *shared, const emr_known_grant *known)
{
	emr_share *share = shared->share;
	bool was_read = share_letter_said(
		share, &shared->standing, known, &shared->received, &shared->terms);
	emr_box_key *box = NULL;
	emr_status status =
		share_standing_keys(share, &shared->standing, was_read ? NULL : &box, &shared->me);

	if (status == EMR_OK && !was_read)
		status = share_open_letter(
			share, &shared->standing, box, known, &shared->received, &shared->terms);
	emr_box_key_free(box);
	if (status == EMR_OK)
		status = share_domain(share, known->domain, &shared->row);
	if (status == EMR_OK && !shared->standing.is_team)
		status = take_key_of(shared);
	if (status != EMR_OK)
		return status;
	memcpy(shared->owner_pk, shared->row.owner_pk, 32);
	emr_grantee_key_public(shared->me, shared->my_B);
	return EMR_OK;
}

emr_status emr_shared_open(emr_share *share, emr_id16 domain, emr_id16 grant, uint8_t purpose,
	emr_reader_class reader, emr_shared **out_shared, emr_share_trouble *out_trouble)
{
	emr_known_grant known;
	emr_shared *shared;
	emr_team team;
	standing s;
	emr_status status = emr_replica_grant(share->o.replica, domain, grant, &known);

	(void)denied(EMR_WHY_NONE, out_trouble);
	if (status == EMR_NOT_FOUND)
		return denied(EMR_WHY_NO_GRANT, out_trouble);
	if (status == EMR_OK)
		status = may_open(share, &known, purpose, &team, &s, out_trouble);
	if (status != EMR_OK)
		return status;
	shared = calloc(1, sizeof *shared);
	if (shared == NULL)
		return EMR_NO_MEMORY;
	shared->share = share;
	shared->standing = s;
	shared->purpose = purpose;
	shared->reader = reader;
	status = read_terms(shared, &known);
	if (status == EMR_OK)
		status = check_payment(shared, &known, out_trouble);
	shared->standing.team = NULL;
	if (status != EMR_OK) {
		emr_shared_free(shared);
		return status;
	}
	*out_shared = shared;
	return EMR_OK;
}

void emr_shared_free(emr_shared *shared)
{
	if (shared == NULL)
		return;
	wipe(shared);
	emr_buf_free(&shared->names);
	emr_buf_free(&shared->contents);
	emr_buf_free(&shared->closed);
	emr_grantee_key_free(shared->me);
	free(shared);
}

const emr_received *emr_shared_grant(const emr_shared *shared)
{
	return &shared->received;
}

bool emr_shared_has_key(const emr_shared *shared, emr_id16 object, uint64_t pversion)
{
	return shared_content_key(shared, object, pversion) != NULL;
}
