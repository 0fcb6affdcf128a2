/* A folder can be shared with a team of an organisation. This file reads from the ledger which
 * teams there are, who belongs since when, and which took another's place, and opens a team's key
 * for a member. It refuses a team whose terms do not fit the ledger's row. */
#include "share/teams.h"

#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/codec.h"
#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "contract/rows.h"
#include "keyring/letters.h"
#include "ledger/hash.h"

#include "teams_private.h"

/* ---- one team ---- */

/* Reads the row; the terms are left out. */
static emr_status take_row(
	emr_replica *replica, emr_id16 id, const emr_row_dataset *row, emr_team *out)
{
	emr_known_person leader;

	*out = (emr_team){.id = id, .row = *row};
	emr_grantee_dataset(id.b, out->grantee.b);
	EMR_TRY(emr_replica_person(replica, EMR_ID32_AT(row->steward), &leader));
	out->org = EMR_ID16_AT(leader.row.org);
	/* It is shown under the organisation's name: nobody else who is registered there speaks for
	 * it. */
	return (leader.row.roles & EMR_ROLE_ORG_ADMIN) == 0 ? EMR_NOT_FOUND : EMR_OK;
}

/* A reader of the row alone must not be told anything else than a reader of the terms. */
static bool row_fits(const emr_team *team)
{
	if (team->kind != EMR_TEAM_DATASET)
		return team->row.price == 0;
	return team->row.price == team->terms.price &&
	       emr_day_may_end(team->terms.until, team->row.not_after_unix_s) &&
	       team->row.purposes == UINT32_C(1) << EMR_DATASET_PURPOSE;
}

static emr_status read_team(
	emr_replica *replica, emr_id16 id, const emr_row_dataset *row, emr_team *out)
{
	const emr_part_key key = {.family = EMR_FAMILY_DATASET, .version = 1, .object = id};
	EMR_AUTO_BUF part = {0};
	emr_status status = take_row(replica, id, row, out);

	if (status == EMR_OK)
		status = emr_replica_part(replica, &key, &part);
	if (status == EMR_OK)
		status = team_terms_read(emr_buf_view(&part), row->terms, out);
	if (status == EMR_OK && !row_fits(out))
		status = EMR_NOT_FOUND;
	out->terms.until_unix_s = row->not_after_unix_s;
	return status == EMR_MISSING_DATA || status == EMR_DAMAGED ? EMR_NOT_FOUND : status;
}

emr_status emr_team_get(emr_replica *replica, emr_id16 id, emr_team *out)
{
	emr_row_dataset row;

	EMR_TRY(emr_replica_team(replica, id, &row));
	return read_team(replica, id, &row, out);
}

bool emr_team_next(emr_asking *asked, emr_team *out)
{
	emr_known_team known;
	emr_status status = EMR_NOT_FOUND;

	while (status == EMR_NOT_FOUND && emr_next(asked, &known))
		status = read_team(asked->about.replica, known.team, &known.row, out);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		asked->status = status;
	return status == EMR_OK;
}

bool emr_team_next_present(emr_asking *asked, emr_team_kind kind, emr_team *out)
{
	emr_team present;

	while (emr_team_next(asked, out)) {
		if (kind != EMR_TEAM_ANY && out->kind != kind)
			continue;
		asked->status = emr_team_present(asked->about.replica, out, &present);
		if (asked->status == EMR_OK && emr_id16_equal(present.id, out->id))
			return true;
	}
	return false;
}

emr_status emr_team_of_grantee(emr_replica *replica, emr_id32 grantee, emr_team *out)
{
	emr_known_team known;
	emr_id32 is;
	EMR_ASK(teams, replica, TEAMS);

	while (emr_next(&teams, &known)) {
		emr_grantee_dataset(known.team.b, is.b);
		if (emr_id32_equal(grantee, is))
			return read_team(replica, known.team, &known.row, out);
	}
	return teams.status == EMR_OK ? EMR_NOT_FOUND : teams.status;
}

/* ---- which took its place ---- */

/* One of a team's keys. */
typedef struct heir {
	emr_id16 id, before;
	bool is_open;
	size_t end; /* whom the line leads to from here */
} heir;

/* Whether TEAM names another one as the one before, and could be a key of the team LIKE. */
static bool may_take_a_place(const emr_team *team, const emr_team *like)
{
	return !emr_id16_is_zero(team->before) &&
	       memcmp(team->row.steward, like->row.steward, sizeof like->row.steward) == 0 &&
	       team->kind == like->kind && strcmp(team->name, like->name) == 0 &&
	       emr_id32_equal(team->terms_id, like->terms_id);
}

/* The keys of the team LIKE in the order of the ledger: heir, ... Nobody else's terms are read. */
static emr_status find_heirs(emr_replica *replica, const emr_team *like, emr_buf *out_heirs)
{
	emr_team team;
	EMR_ASK(teams, replica, TEAM_KEYS, .who = EMR_ID32_AT(like->row.steward));

	while (emr_team_next(&teams, &team)) {
		const heir own = {.id = team.id,
			.before = team.before,
			.is_open = team.row.head.state == EMR_DATASET_OPEN};

		if (emr_id16_equal(team.id, like->id) || may_take_a_place(&team, like))
			EMR_TRY(emr_buf_append(out_heirs, &own, sizeof own));
	}
	return teams.status;
}

/* Of those that name one, the first that leads to an open one.  A leader closes a key that nothing
 * is shared with: what came after it is in its place all the same. */
static void find_ends(heir *all, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		bool is_found = false;

		all[i].end = i;
		for (size_t k = i + 1; k < n && !is_found; k++) {
			is_found =
				emr_id16_equal(all[k].before, all[i].id) && all[all[k].end].is_open;
			if (is_found)
				all[i].end = all[k].end;
		}
	}
}

/* A team that takes a place stands later on the ledger than the team that had it: one look against
 * that order finds where each leads to, and no circle leads back. */
emr_status emr_team_present(emr_replica *replica, const emr_team *team, emr_team *out)
{
	EMR_AUTO_BUF heirs = {0};
	emr_id16 present = team->id;

	EMR_TRY(find_heirs(replica, team, &heirs));
	find_ends((heir *)(void *)heirs.data, heirs.len / sizeof(heir));
	EMR_EACH (const heir, one, &heirs)
		if (emr_id16_equal(one->id, team->id))
			present = ((const heir *)(void *)heirs.data)[one->end].id;
	if (!emr_id16_equal(present, team->id))
		return emr_team_get(replica, present, out);
	*out = *team;
	return EMR_OK;
}

emr_status emr_team_follows(
	emr_replica *replica, const emr_team *team, const emr_team *former, bool *out_does)
{
	EMR_AUTO_BUF heirs = {0};
	const heir *all;
	emr_id16 at = team->id;

	*out_does = false;
	if (emr_id16_equal(at, former->id) || !may_take_a_place(team, former))
		return EMR_OK;
	EMR_TRY(find_heirs(replica, former, &heirs));
	all = (const heir *)(void *)heirs.data;
	for (size_t i = heirs.len / sizeof *all; i-- > 0 && !*out_does;) {
		if (!emr_id16_equal(all[i].id, at))
			continue;
		*out_does = emr_id16_equal(at, former->id);
		at = all[i].before;
	}
	return EMR_OK;
}

emr_status emr_team_followed_in(emr_replica *replica, const emr_team *team, uint64_t *out_seq)
{
	emr_part_key key = {.family = EMR_FAMILY_DATASET, .version = 1};
	EMR_AUTO_BUF heirs = {0};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	bool is_later = false;

	*out_seq = 0;
	EMR_TRY(find_heirs(replica, team, &heirs));
	EMR_EACH (const heir, one, &heirs) {
		if (is_later && emr_id16_equal(one->before, team->id)) {
			key.object = one->id;
			EMR_TRY(emr_replica_item_get(replica, &key, &bytes, &item));
			*out_seq = item.seq;
			return EMR_OK;
		}
		is_later |= emr_id16_equal(one->id, team->id);
	}
	return EMR_OK;
}

emr_status emr_team_is_active(
	emr_replica *replica, const emr_team *team, uint64_t now_unix_s, bool *out_is_active)
{
	emr_known_person leader;

	*out_is_active = false;
	if (team->row.head.state != EMR_DATASET_OPEN || !team->has_box ||
		now_unix_s >= team->row.not_after_unix_s)
		return EMR_OK;
	EMR_TRY(emr_replica_person(replica, EMR_ID32_AT(team->row.steward), &leader));
	return emr_replica_person_is_active(replica, &leader, now_unix_s, out_is_active);
}

/* ---- who is in ---- */

static emr_id16 member_object(emr_id16 team, emr_id32 root)
{
	emr_id16 object;

	emr_object_member(team.b, root.b, object.b);
	return object;
}

emr_status emr_team_membership(
	emr_replica *replica, emr_id16 team, emr_id32 root, emr_membership *out)
{
	emr_part_key key = {.family = EMR_FAMILY_MEMBER, .object = member_object(team, root)};
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF item = {0};
	emr_replica_item facts;
	emr_key_text text;
	emr_membership m = {.ended_seq = 0};
	emr_status status = EMR_OK;

	emr_key_by_object("DM", key.object.b, &text);
	EMR_TRY(emr_replica_state_get(replica, text.text, &bytes));
	if (emr_row_member_parse((emr_span){bytes.data, bytes.len}, &m.row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	if (m.row.head.state != EMR_MEMBER_ACTIVE) {
		key.version = m.row.head.version;
		status = emr_replica_item_get(replica, &key, &item, &facts);
		m.ended_seq = facts.seq;
		m.ended_unix_s = facts.ledger_time;
	}
	if (status == EMR_OK)
		*out = m;
	return status;
}

bool emr_membership_is_on(const emr_membership *membership, uint64_t now_unix_s)
{
	return membership->row.head.state == EMR_MEMBER_ACTIVE &&
	       now_unix_s < membership->row.not_after_unix_s;
}

/* Since when the other is out, or will be: dropped, or his time ran out, whichever comes first. */
static uint64_t out_since(const emr_membership *m)
{
	return m->ended_seq != 0 && m->ended_unix_s < m->row.not_after_unix_s
		       ? m->ended_unix_s
		       : m->row.not_after_unix_s;
}

emr_status emr_team_has_lost_one(emr_replica *replica, const emr_team *team, uint64_t now_unix_s,
	uint64_t quiet_s, bool *out_has_lost)
{
	emr_row_member row;
	emr_membership m;
	EMR_ASK(members, replica, MEMBERS, .team = team->id);

	*out_has_lost = false;
	while (emr_next(&members, &row)) {
		if (memcmp(row.member, team->row.steward, sizeof row.member) == 0)
			continue;
		EMR_TRY(emr_team_membership(replica, team->id, EMR_ID32_AT(row.member), &m));
		*out_has_lost =
			now_unix_s >= out_since(&m) && now_unix_s - out_since(&m) >= quiet_s;
		if (*out_has_lost)
			return EMR_OK;
	}
	return members.status;
}

static emr_status open_letter(emr_replica *replica, const emr_box_key *box, const emr_team *team,
	const emr_part_key *key, emr_grantee_key **out)
{
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_BUF item = {0};
	emr_replica_item facts;

	EMR_TRY(emr_replica_part(replica, key, &part));
	EMR_TRY(emr_replica_item_get(replica, key, &item, &facts));
	return emr_admit_part_open(box, emr_buf_view(&item), emr_buf_view(&part), team->row.B, out);
}

emr_status emr_team_key(emr_replica *replica, const emr_keyring *keyring, const emr_team *team,
	emr_id32 root, emr_grantee_key **out)
{
	emr_part_key key = {.family = EMR_FAMILY_MEMBER, .object = member_object(team->id, root)};
	AUTO_BOX_KEY box = NULL;
	emr_membership m;
	emr_status status = EMR_NOT_FOUND;

	EMR_TRY(emr_team_membership(replica, team->id, root, &m));
	EMR_TRY(emr_box_key_identity(keyring, &box));
	for (key.version = m.row.head.version; key.version > 0; key.version--) {
		emr_status opened = open_letter(replica, box, team, &key, out);

		if (opened != EMR_NOT_FOUND && opened != EMR_MISSING_DATA && opened != EMR_DAMAGED)
			return opened;
		/* Else it is a DROP, or gone with one. */
		if (opened == EMR_MISSING_DATA && m.row.head.state == EMR_MEMBER_ACTIVE &&
			key.version == m.row.head.version)
			status = EMR_MISSING_DATA;
	}
	return status;
}

emr_status emr_dataset_line(emr_replica *replica, const emr_keyring *keyring, const emr_team *team,
	emr_id32 root, emr_id16 *out_line)
{
	uint8_t names[EMR_PSEUDONYM_KEY_BYTES];
	emr_grantee_key *key = NULL;
	emr_box_key *box = NULL;
	emr_status status = emr_team_key(replica, keyring, team, root, &key);

	if (status == EMR_OK)
		status = emr_grantee_key_box(key, &box);
	if (status == EMR_OK)
		status = emr_pseudonym_key_open(box, team->name, team->sealed, names);
	if (status == EMR_OK)
		*out_line = emr_pseudonym_line(names, team->terms_id);
	emr_wipe(names, sizeof names);
	emr_box_key_free(box);
	emr_grantee_key_free(key);
	return status;
}

emr_status emr_grants_to_person(emr_replica *replica, emr_id32 root, emr_buf *out_grants)
{
	emr_known_team team;
	EMR_ASK(teams, replica, TEAMS);

	EMR_TRY(EMR_ASK_ALL(out_grants, replica, GRANTS_TO, .who = root));
	while (emr_next(&teams, &team)) {
		emr_membership m;
		emr_id32 grantee;
		emr_status status = emr_team_membership(replica, team.team, root, &m);

		emr_grantee_dataset(team.team.b, grantee.b);
		if (status != EMR_NOT_FOUND)
			EMR_TRY(status == EMR_OK ? EMR_ASK_ALL(out_grants, replica, GRANTS_TO,
							   .who = grantee)
						 : status);
	}
	return teams.status;
}
