/* When a team gets another key, its members could not read any more what was shared with the old
 * one. This file gives the new key what the old one has, and ends the old grant only then. */
#include <string.h>

#include "keyring/card.h"
#include "share/request.h"
#include "share/give.h"
#include "share/strangers.h"
#include "share/write.h"
#include "teams_private.h"

typedef struct moving {
	emr_id16 domain;
	emr_id16 grant; /* to the old team */
	emr_given given;
	emr_known_grant to; /* of the new one, with the same terms; zero: none yet */
	emr_team team;	    /* the new one */
} moving;

typedef struct list {
	emr_share *share;
	emr_buf *inner;	     /* emr_id16, ...: they come with the share around them */
	emr_buf *all;	     /* moving, ... */
	bool is_some_inside; /* to a former key, in a folder inside: it follows the one around it */
} list;

/* Those of a domain whose team is not the present one. */
static emr_status note_old(list *l, const emr_given *given)
{
	moving m = {.domain = given->grant.domain, .grant = given->grant.grant, .given = *given};
	emr_replica *replica = l->share->o.replica;
	emr_team old;
	bool is_active = false, is_hers = false;
	emr_emergency said;
	emr_status status;

	if (emr_phase_stands(given->phase))
		EMR_TRY(emr_grant_is_owners(replica, &given->grant, &is_hers));
	/* Once its word was said it stands on the ledger, for everybody: it is not given on. */
	if (is_hers && (given->grant.row.rights & EMR_GRANT_TWO) != 0 &&
		emr_emergency_of(l->share, &given->grant, &said) != EMR_NOT_FOUND)
		return EMR_OK;
	if (!is_hers)
		return EMR_OK;
	status = emr_team_of_grantee(replica, EMR_ID32_AT(given->grant.row.grantee), &old);
	if (status == EMR_OK)
		status = emr_team_present(replica, &old, &m.team);
	if (status == EMR_OK)
		status = emr_team_is_active(replica, &m.team, share_now(l->share), &is_active);
	if (status == EMR_NOT_FOUND ||
		(status == EMR_OK && (!is_active || emr_id16_equal(m.team.id, old.id))))
		return EMR_OK;
	EMR_TRY(status);
	if (!share_is_among(l->inner, given->grant.grant))
		return emr_buf_append(l->all, &m, sizeof m);
	l->is_some_inside = true;
	return EMR_OK;
}

static emr_status list_old(list *l)
{
	EMR_AUTO_BUF all = {0};

	EMR_TRY(emr_share_given_everywhere(l->share, &all));
	EMR_EACH (const emr_given, given, &all)
		EMR_TRY(note_old(l, given));
	return EMR_OK;
}

/* After an interruption it stands there already. */
static emr_status find_same(emr_share *share, moving *m)
{
	const emr_row_grant *was = &m->given.grant.row;
	EMR_AUTO_BUF all = {0};

	EMR_TRY(emr_share_given(share, m->domain, &all));
	EMR_EACH (const emr_given, given, &all) {
		const emr_row_grant *is = &given->grant.row;

		if (emr_phase_stands(given->phase) &&
			memcmp(is->grantee, m->team.grantee.b, 32) == 0 &&
			emr_rights_shown(is->rights) == emr_rights_shown(was->rights) &&
			emr_rights_alike(is->rights, was->rights) &&
			is->purposes == was->purposes &&
			is->not_after_unix_s == was->not_after_unix_s &&
			emr_id16_equal(given->share_id, m->given.share_id))
			m->to = given->grant;
	}
	return EMR_OK;
}

static emr_status give_grant(emr_share *share, const moving *m)
{
	const emr_row_grant *was = &m->given.grant.row;
	emr_grant_order order = {.domain = m->domain,
		.grantee = m->team.grantee,
		.rights = was->rights,
		.purposes = was->purposes,
		.not_before_unix_s = was->not_before_unix_s,
		.not_after_unix_s = was->not_after_unix_s,
		.label = m->given.label,
		.agents = m->given.agents,
		.agents_count = m->given.agents_count,
		.threshold = was->t,
		.share_id = m->given.share_id,
		.hours = emr_emergency_hours(share, &m->given.grant, m->given.share_id)};
	emr_grant_made made;

	return emr_share_grant(share, &order, &made);
}

/* Somebody took the old one back meanwhile, and meant what follows it as well. */
static emr_status take_again(emr_share *share, moving *m)
{
	EMR_TRY(find_same(share, m));
	return !emr_id16_is_zero(m->to.grant) ? share_revoke(share, &m->to, 0) : EMR_OK;
}

static emr_status look_again(emr_share *share, const moving *m, bool *out_is_over)
{
	emr_known_grant now;

	EMR_TRY(emr_replica_grant(share->o.replica, m->domain, m->grant, &now));
	*out_is_over = now.row.head.state == EMR_GRANT_REVOKED;
	return EMR_OK;
}

/* First the new one: nobody is without access in between. */
static emr_status move(emr_share *share, moving *m, bool *out_is_late)
{
	bool is_over = false;
	emr_status ended;

	EMR_TRY(look_again(share, m, &is_over));
	EMR_TRY(find_same(share, m));
	if (!is_over && emr_id16_is_zero(m->to.grant))
		EMR_TRY(give_grant(share, m));
	EMR_TRY(look_again(share, m, &is_over));
	if (is_over)
		return take_again(share, m);
	/* Records that the new grant still lacks, because they could not be judged without their
	 * data, are read by the old one, which stays until they are there. */
	EMR_TRY(share_wrap_late(share, m->domain, out_is_late));
	if (*out_is_late)
		return EMR_OK;
	ended = share_revoke(share, &m->given.grant, 0);
	if (ended == EMR_OK || look_again(share, m, &is_over) != EMR_OK || !is_over)
		return ended;
	return take_again(share, m); /* two at one moment: the other was quicker */
}

emr_status emr_share_follow_teams(
	emr_share *share, const emr_nested *tree, size_t n, uint64_t *out_changes)
{
	EMR_AUTO_BUF inner = {0};
	EMR_AUTO_BUF all = {0};
	list l = {.share = share, .inner = &inner, .all = &all};
	uint64_t changes = 0;
	bool is_given = false, is_late = false;
	emr_status status = EMR_OK, first = EMR_OK;

	EMR_TRY(emr_share_inner_grants(share, tree, n, &inner));
	EMR_TRY(list_old(&l));
	EMR_EACH (moving, m, &all) {
		bool stays = false;
		emr_status one = move(share, m, &stays);

		changes += one == EMR_OK && !stays;
		is_given = is_given || one == EMR_OK;
		is_late = is_late || stays;
		first = first == EMR_OK
				? one
				: first; /* what one folder is refused does not stop the others */
	}
	if (status == EMR_OK && (is_given || l.is_some_inside)) {
		bool is_late_inside = false;

		status = share_tie_anew(share, tree, n, NULL, NULL, &is_late_inside);
		is_late = is_late || is_late_inside;
	}
	if (first == EMR_OK && is_late)
		first = EMR_MISSING_DATA;
	if (status == EMR_OK && out_changes != NULL)
		*out_changes = changes;
	return status == EMR_OK ? first : status;
}
