/* This file puts a team in the place of a person, on the giving and on the receiving side: a member
 * opens what was shared with the team. A person is found by the key that the person has now. */
#include <string.h>

#include "contract/codes.h"

#include "share/request.h"
#include "teams_private.h"

/* ---- the owner's side ---- */

static void put_in_place(const emr_team *team, emr_known_person *out)
{
	*out = (emr_known_person){.signer_id = team->grantee};
	out->row.head.state = EMR_KEY_ACTIVE;
	memcpy(out->row.org, team->org.b, sizeof out->row.org);
	memcpy(out->row.x25519, team->x25519, sizeof out->row.x25519);
	memcpy(out->row.B, team->row.B, sizeof out->row.B);
	memcpy(out->row.root, team->grantee.b, sizeof out->row.root);
	out->row.not_after_unix_s = team->row.not_after_unix_s;
}

bool share_is_team(const emr_known_person *party)
{
	return emr_id32_is_zero(EMR_ID32_AT(party->row.pk)); /* it signs nothing */
}

emr_status share_party(
	emr_share *share, emr_id32 grantee, emr_known_person *out, bool *out_is_active)
{
	emr_replica *replica = share->o.replica;
	bool is_active = false;
	emr_team team;
	emr_status status = emr_replica_person(replica, grantee, out);

	if (status == EMR_OK && out_is_active != NULL)
		return emr_replica_person_is_active(replica, out, share_now(share), out_is_active);
	if (status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(emr_team_of_grantee(replica, grantee, &team));
	EMR_TRY(emr_team_is_active(replica, &team, share_now(share), &is_active));
	put_in_place(&team, out);
	if (out_is_active != NULL)
		*out_is_active = is_active;
	return EMR_OK;
}

emr_status share_present_key(emr_share *share, emr_id32 root, emr_id32 *out)
{
	emr_known_person person;
	emr_status status = emr_replica_present(share->o.replica, root, &person);

	if (status == EMR_NOT_FOUND) /* a team has one key for ever */
		status = share_party(share, root, &person, NULL);
	if (status == EMR_OK)
		*out = person.signer_id;
	return status;
}

/* A certificate that ran out ends no key: another one may come for it. */
static emr_status look_at_end(
	emr_share *share, const emr_known_person *person, uint64_t *out_ended_unix_s)
{
	bool is_active = false;
	const uint64_t now_unix_s = share_now(share);
	emr_status status = emr_replica_person_is_active(share->o.replica, person, 0, &is_active);

	/* Since when is the word of who revoked it, and may be any number. */
	*out_ended_unix_s = is_active ? 0
			    : person->row.invalid_since_unix_s != 0 &&
					    person->row.invalid_since_unix_s < now_unix_s
				    ? person->row.invalid_since_unix_s
				    : now_unix_s;
	return status;
}

emr_status share_key_end(emr_share *share, emr_id32 key, uint64_t *out_ended_unix_s)
{
	emr_known_person person;

	*out_ended_unix_s = 0;
	EMR_TRY(share_present_key(share, key, &key));
	EMR_TRY(share_party(share, key, &person, NULL));
	/* A team's ends with its leader's, for which the grants of its line are made again. */
	return share_is_team(&person) ? EMR_OK : look_at_end(share, &person, out_ended_unix_s);
}

/* ---- the reader's side ---- */

emr_status share_look_at_own_key(emr_share *share, standing *s)
{
	return share_key_end(share, share->me.signer_id, &s->key_ended_unix_s);
}

emr_status share_standing(
	emr_share *share, const emr_known_grant *known, emr_team *team, standing *out)
{
	const emr_id32 grantee = EMR_ID32_AT(known->row.grantee);
	emr_known_person me;
	standing s = {.is_team = false};

	EMR_TRY(emr_replica_person(share->o.replica, share->me.signer_id, &me));
	s.root = EMR_ID32_AT(me.row.root);
	EMR_TRY(share_look_at_own_key(share, &s));
	s.is_team = !emr_id32_equal(grantee, s.root);
	if (s.is_team)
		EMR_TRY(emr_team_of_grantee(share->o.replica, grantee, team));
	if (s.is_team) {
		s.team = team;
		s.team_id = team->id;
		s.is_dataset = team->kind == EMR_TEAM_DATASET;
		EMR_TRY(emr_team_reader(share->o.replica, team, s.root, &s.membership));
	}
	*out = s;
	return EMR_OK;
}

/* A grant that two must open is so for these two, for some hours, which are its end then. */
static bool is_open(emr_share *share, emr_id32 root, emr_known_grant *known)
{
	emr_emergency e;

	if (emr_emergency_of(share, known, &e) != EMR_OK || e.until_unix_s == 0 ||
		(!emr_id32_equal(e.first, root) && !emr_id32_equal(e.second, root)))
		return false;
	if (e.until_unix_s < known->row.not_after_unix_s)
		known->row.not_after_unix_s = e.until_unix_s;
	return emr_emergency_state_at(&e, share_now(share)) == EMR_EMERGENCY_OPEN;
}

emr_grant_phase share_phase(emr_share *share, const standing *s, emr_known_grant *known)
{
	emr_grant_phase phase = emr_grant_phase_at(known, share_now(share));
	bool is_over = phase == EMR_GRANT_IS_OVER || phase == EMR_GRANT_IS_REVOKED;

	if (!is_over && s->key_ended_unix_s != 0) {
		known->ledger_time = s->key_ended_unix_s;
		return EMR_GRANT_IS_REVOKED;
	}
	if (!is_over && (known->row.rights & EMR_GRANT_TWO) != 0 && !is_open(share, s->root, known))
		return EMR_GRANT_IS_OVER;
	/* A reader's admission has an end of its own, which the mount keeps as it does a grant's.
	 */
	if (s->is_dataset && !is_over && s->membership.ended_seq == 0 &&
		s->membership.row.not_after_unix_s < known->row.not_after_unix_s)
		known->row.not_after_unix_s = s->membership.row.not_after_unix_s;
	if (!s->is_team || is_over || emr_membership_is_on(&s->membership, share_now(share)))
		return phase;
	if (s->membership.ended_seq != 0)
		known->ledger_time = s->membership.ended_unix_s;
	else
		known->row.not_after_unix_s = s->membership.row.not_after_unix_s;
	return s->membership.ended_seq != 0 ? EMR_GRANT_IS_REVOKED : EMR_GRANT_IS_OVER;
}

/* Until when the person of ROOT was in TEAM; UINT64_MAX: now, 0: never. */
static uint64_t in_until(emr_share *share, const emr_team *team, emr_id32 root)
{
	emr_membership m;

	if (emr_team_membership(share->o.replica, team->id, root, &m) != EMR_OK)
		return 0;
	return m.row.head.state == EMR_MEMBER_ACTIVE ? UINT64_MAX : m.ended_unix_s;
}

/* Participants take grants to a former key back, too, when a reader is out: later. */
const char *emr_share_end_id(emr_share *share, const emr_known_grant *grant)
{
	bool was_taken_back = grant->row.head.state == EMR_GRANT_REVOKED;
	emr_team team, present;
	emr_known_person me;
	uint64_t until, now;
	bool is_in_force = false;

	if (emr_team_of_grantee(share->o.replica, EMR_ID32_AT(grant->row.grantee), &team) !=
			EMR_OK ||
		team.kind != EMR_TEAM_DATASET ||
		emr_team_present(share->o.replica, &team, &present) != EMR_OK ||
		emr_replica_person(share->o.replica, share->me.signer_id, &me) != EMR_OK ||
		emr_replica_person_is_active(
			share->o.replica, &me, share_now(share), &is_in_force) != EMR_OK ||
		!is_in_force) /* the reader's own key ended: no participant left by that */
		return "grant-revoked";
	until = in_until(share, &team, EMR_ID32_AT(me.row.root));
	now = in_until(share, &present, EMR_ID32_AT(me.row.root));
	until = now > until ? now : until;
	if (was_taken_back && grant->ledger_time < until)
		return "left";
	if (until == UINT64_MAX)
		return "grant-revoked";
	return present.row.head.state == EMR_DATASET_OPEN ? "dropped" : "closed";
}

emr_status share_was_his(
	emr_share *share, const standing *s, const emr_known_grant *known, bool *out_was)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	*out_was = !s->is_team || s->membership.ended_seq == 0;
	if (*out_was || memcmp(s->team->row.steward, s->root.b, 32) == 0)
		return EMR_OK;
	EMR_TRY(share_item(share, EMR_FAMILY_GRANT, known->domain, known->grant, 1, &bytes, &item));
	*out_was = item.seq < s->membership.ended_seq;
	return EMR_OK;
}

void share_forget_team_key(emr_share *share)
{
	emr_grantee_key_free(share->team_key.key);
	share->team_key = (team_key){.key = NULL};
}

static bool has_team_key(const emr_share *share, const standing *s)
{
	const team_key *kept = &share->team_key;
	uint8_t B[32];

	if (kept->key == NULL || !emr_id16_equal(kept->team, s->team_id) ||
		memcmp(kept->membership.b, s->membership.row.head.item, 32) != 0)
		return false;
	emr_grantee_key_public(kept->key, B);
	return memcmp(B, s->team->row.B, sizeof B) == 0;
}

static emr_status open_team_key(emr_share *share, const standing *s, emr_grantee_key **out)
{
	team_key *kept = &share->team_key;

	if (!has_team_key(share, s)) {
		share_forget_team_key(share);
		EMR_TRY(emr_team_key(
			share->o.replica, share->o.keyring, s->team, s->root, &kept->key));
		kept->team = s->team_id;
		kept->membership = EMR_ID32_AT(s->membership.row.head.item);
	}
	return emr_grantee_key_copy(kept->key, out);
}

emr_status share_standing_keys(
	emr_share *share, const standing *s, emr_box_key **out_box, emr_grantee_key **out_key)
{
	emr_grantee_key *key = NULL;
	emr_status status = s->is_team ? open_team_key(share, s, &key)
				       : emr_grantee_key_identity(share->o.keyring, &key);

	if (status == EMR_OK && out_box != NULL)
		status = s->is_team ? emr_grantee_key_box(key, out_box)
				    : emr_box_key_identity(share->o.keyring, out_box);
	if (status == EMR_OK && out_key != NULL)
		*out_key = key;
	else
		emr_grantee_key_free(key);
	return status;
}
