/* This file finds shares some of whose agents are none any more (their key is no longer in force,
 * or somebody of their organisation reads now), and gives those shares through other agents, as far
 * as the owner agreed to that. */
#include <string.h>

#include "keyring/card.h"
#include "share/give.h"
#include "share/strangers.h"
#include "share/write.h"
#include "teams_private.h"

typedef struct one {
	emr_given given;
	emr_id32 gone[EMR_AGENTS_MAX];
	unsigned gone_n;
	bool is_shut;  /* those who are left are fewer than must answer */
	bool is_inner; /* comes with the share around it */
} one;

typedef struct list {
	emr_share *share;
	emr_buf *inner; /* emr_id16, ... */
	emr_buf *all;	/* one, ...: all in force or to come that are read through agents */
} list;

/* ---- what there is ---- */

/* A person who may not act opens nothing, whoever releases. */
static emr_status may_grantee_act(emr_share *share, const emr_given *given, bool *out_may)
{
	emr_known_person grantee;
	emr_id32 root = EMR_ID32_AT(given->grant.row.grantee);
	emr_status status = share_present_key(share, root, &root);

	*out_may = false;
	if (status == EMR_OK)
		status = share_party(share, root, &grantee, out_may);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static bool has_too_few(const one *o)
{
	return o->given.agents_count - o->gone_n < o->given.grant.row.t;
}

static emr_status note_grant(list *l, const emr_given *given)
{
	one o = {.given = *given};
	bool may_act = false, is_hers = false;
	uint64_t former_since = 0;

	if (!emr_phase_stands(given->phase) || given->agents_count == 0)
		return EMR_OK;
	o.is_inner = share_is_among(l->inner, given->grant.grant);
	EMR_TRY(emr_grant_is_owners(l->share->o.replica, &given->grant, &is_hers));
	EMR_TRY(may_grantee_act(l->share, given, &may_act));
	if (is_hers && may_act)
		EMR_TRY(share_former_key_since(l->share, &given->grant, &former_since));
	if (!is_hers || !may_act || former_since != 0)
		return EMR_OK;
	EMR_TRY(share_agents_gone(
		l->share, &given->grant, given->agents, given->agents_count, o.gone, &o.gone_n));
	o.is_shut = has_too_few(&o);
	return emr_buf_append(l->all, &o, sizeof o);
}

static emr_status note_grants(list *l)
{
	EMR_AUTO_BUF given = {0};

	EMR_TRY(emr_share_given_everywhere(l->share, &given));
	EMR_EACH (const emr_given, each, &given)
		EMR_TRY(note_grant(l, each));
	return EMR_OK;
}

/* Another share of the same folder with the same person that is open, shows no less and lasts no
 * shorter. */
static bool is_covered(const list *l, const one *o)
{
	const emr_row_grant *was = &o->given.grant.row;

	EMR_EACH (const one, it, l->all) {
		const emr_given *other = &it->given;
		const emr_row_grant *is = &other->grant.row;

		if (!it->is_shut && other->phase == EMR_GRANT_IN_FORCE &&
			emr_id16_equal(other->grant.domain, o->given.grant.domain) &&
			memcmp(is->grantee, was->grantee, sizeof is->grantee) == 0 &&
			(emr_rights_shown(was->rights) & ~is->rights) == 0 &&
			emr_rights_alike(was->rights, is->rights) &&
			(was->purposes & ~is->purposes) == 0 &&
			is->not_after_unix_s >= was->not_after_unix_s)
			return true;
	}
	return false;
}

/* ---- giving again ---- */

static emr_status give_grant(emr_share *share, const one *o, emr_id32 grantee, emr_grant_made *out)
{
	const emr_row_grant *was = &o->given.grant.row;
	emr_grant_order order = {.domain = o->given.grant.domain,
		.grantee = grantee,
		.rights = was->rights,
		.writes = o->given.writes,
		.purposes = was->purposes,
		.not_before_unix_s = o->given.writes == 0 ? was->not_before_unix_s : 0,
		.not_after_unix_s = was->not_after_unix_s,
		.label = o->given.label,
		.share_id = o->given.share_id};

	return emr_share_grant(share, &order, out);
}

/* Whether there are agents now of whom as many must agree as the owner was told.  Fewer are hers to
 * allow. */
static emr_status may_replace(emr_share *share, const one *o, emr_id32 *out_grantee, bool *out_may)
{
	emr_id32 agents[EMR_AGENTS_MAX], root = EMR_ID32_AT(o->given.grant.row.grantee);
	emr_known_person grantee;
	unsigned n = 0;
	bool are_own = false;

	EMR_TRY(share_present_key(share, root, out_grantee));
	EMR_TRY(share_party(share, *out_grantee, &grantee, NULL));
	EMR_TRY(share_choose_agents(
		share, &grantee, o->given.grant.row.rights, agents, &n, &are_own));
	/* Where two must say why, another card is printed: the name of this grant is taken. */
	*out_may = n > 0 && share_must_agree(n, are_own) >= o->given.grant.row.t &&
		   (o->given.grant.row.rights & EMR_GRANT_TWO) == 0;
	return EMR_OK;
}

/* *OUT_IS_LATE: what the new one lacks still, because nobody could judge it without its data,
 * is read by the former one, which stays until it is there. */
static emr_status end_former(emr_share *share, const one *o, bool *out_is_late)
{
	EMR_TRY(o->given.grant.row.rights != 0
			? share_wrap_late(share, o->given.grant.domain, out_is_late)
			: EMR_OK);
	return !*out_is_late ? share_revoke(share, &o->given.grant, MOVED_OUT) : EMR_OK;
}

/* One that was kept so: what took its place stands beside it. */
static bool is_followed(const list *l, const one *o)
{
	EMR_EACH (const one, it, l->all) {
		const emr_given *other = &it->given;

		if (!it->is_shut && emr_id16_equal(other->grant.domain, o->given.grant.domain) &&
			emr_id16_equal(other->share_id, o->given.share_id) &&
			memcmp(other->grant.row.grantee, o->given.grant.row.grantee, 32) == 0)
			return true;
	}
	return false;
}

/* First the new one: who has the owner's computer to ask is not without access in between. */
static emr_status replace_grant(
	emr_share *share, one *o, emr_grant_made *out_made, bool *out_is_done, bool *out_is_late)
{
	emr_id32 grantee;

	EMR_TRY(may_replace(share, o, &grantee, out_is_done));
	if (*out_is_done)
		EMR_TRY(give_grant(share, o, grantee, out_made));
	if (*out_is_done)
		EMR_TRY(end_former(share, o, out_is_late));
	return EMR_OK;
}

/* A lasting failure leaves the share as it is, and the owner is told of it. */
static emr_status replace_outer(list *l, emr_buf *out, uint64_t *changes, bool *out_is_late)
{
	EMR_EACH (one, o, l->all) {
		emr_handover told = {.given = o->given, .gone_n = o->gone_n};
		bool stays = false;
		emr_status status = EMR_OK;

		if (!o->is_shut || o->is_inner)
			continue;
		if (is_covered(l, o)) {
			status = is_followed(l, o) ? end_former(l->share, o, &stays) : EMR_OK;
			*out_is_late |= stays;
			EMR_TRY(emr_status_may_pass(status) ? status : EMR_OK);
			continue;
		}
		status = replace_grant(l->share, o, &told.made, &told.is_made, &stays);
		if (emr_status_may_pass(status) ||
			emr_status_is_moved(status)) /* somebody was quicker */
			return status;
		*out_is_late |= stays;
		told.is_made &= status == EMR_OK;
		o->is_shut = !told.is_made;
		*changes += told.is_made;
		memcpy(told.gone, o->gone, sizeof told.gone);
		EMR_TRY(emr_buf_append(out, &told, sizeof told));
	}
	return EMR_OK;
}

/* Notes each grant for which too few agents are left, and whose share is open again around it, or
 * beside it. */
static emr_status note_shut(const list *l, emr_buf *out_shut)
{
	EMR_EACH (const one, inner, l->all) {
		const emr_given *given = &inner->given;
		bool is_open = false;

		if (!has_too_few(inner) || (given->grant.row.rights & EMR_GRANT_TWO) != 0)
			continue;
		EMR_EACH (const one, outer, l->all)
			is_open = is_open ||
				  (!outer->is_inner && !outer->is_shut &&
					  emr_id16_equal(outer->given.share_id, given->share_id) &&
					  memcmp(outer->given.grant.row.grantee,
						  given->grant.row.grantee, 32) == 0);
		if (is_open)
			EMR_TRY(emr_buf_append(
				out_shut, &given->grant.grant, sizeof given->grant.grant));
	}
	return EMR_OK;
}

emr_status emr_share_replace_agents(
	emr_share *share, const emr_nested *tree, size_t n, emr_buf *out_handovers)
{
	EMR_AUTO_BUF inner = {0};
	EMR_AUTO_BUF all = {0};
	list l = {.share = share, .inner = &inner, .all = &all};
	EMR_AUTO_BUF shut = {0};
	uint64_t changes = 0;
	bool is_late = false, is_late_inside = false;

	EMR_TRY(emr_share_inner_grants(share, tree, n, &inner));
	EMR_TRY(note_grants(&l));
	EMR_TRY(replace_outer(&l, out_handovers, &changes, &is_late));
	EMR_TRY(note_shut(&l, &shut));
	if (changes > 0 || shut.len > 0)
		EMR_TRY(share_tie_anew(share, tree, n, &shut, NULL, &is_late_inside));
	return is_late || is_late_inside ? EMR_MISSING_DATA : EMR_OK;
}
