/* A person may write into a folder of somebody else. This file looks what the right there allows
 * before a change is sent, so that nothing is signed that the ledger would refuse. */
#include "foreign_domain.h"

#include <string.h>

#include "replica/people.h"

static emr_status who_am_i(const emr_settle_options *options, foreign_domain *g)
{
	emr_known_person me;
	emr_public public;

	EMR_TRY(emr_keyring_public(options->keyring, &public));
	g->signer_id = public.signer_id;
	EMR_TRY(emr_replica_person(options->replica, public.signer_id, &me));
	memcpy(g->cert_ref, me.row.ref, sizeof g->cert_ref);
	return EMR_OK;
}

static emr_status find_right(emr_share *share, const emr_settle_options *options,
	const emr_change *change, foreign_domain *g)
{
	EMR_TRY(who_am_i(options, g));
	EMR_TRY(change->owner_card.len > 0
			? emr_share_writing_by_card(share, change->owner_card, &g->writing)
			: emr_share_writing(share, change->domain, &g->writing));
	if (g->writing.phase != EMR_WRITING_IN_FORCE ||
		!emr_id16_equal(g->writing.domain, change->domain))
		return EMR_DENIED;
	return EMR_OK;
}

emr_status foreign_domain_look(emr_share *share, const emr_settle_options *options,
	const emr_change *change, foreign_domain *out)
{
	foreign_domain g = {.is_foreign = false};
	emr_status status = emr_share_is_anothers(share, change->domain, &g.is_foreign);

	if (status == EMR_OK && g.is_foreign) {
		status = find_right(share, options, change, &g);
		/* No right, a letter or card that is not right, a key that the ledger does not
		 * know. */
		if (status == EMR_DENIED || emr_status_is_unreadable(status)) {
			g.why = EMR_DENIED;
			status = EMR_OK;
		}
	}
	if (status == EMR_OK)
		*out = g;
	return status;
}

static bool has(const foreign_domain *g, uint16_t right)
{
	return (g->writing.rights & right) != 0;
}

/* As the contract has it: one's own, or anybody's with ANY. */
static emr_status may_change(const foreign_domain *g, uint16_t right, const emr_replica_head *head)
{
	bool is_mine = head->version == 0 || emr_id32_equal(head->creator, g->signer_id);

	return has(g, right) && (is_mine || has(g, EMR_RIGHT_ANY)) ? EMR_OK : EMR_DENIED;
}

emr_status foreign_domain_may(
	const foreign_domain *g, const emr_change *change, const emr_replica_head *head)
{
	if (g->why != EMR_OK)
		return g->why;
	/* The root is its owner's, but for the bytes of a file. */
	if (emr_id16_equal(change->object, change->domain) &&
		(change->kind != EMR_CHANGE_PUT || head->pversion == 0))
		return EMR_UNSUPPORTED;
	switch (change->kind) {
	case EMR_CHANGE_PUT:
		return may_change(g, EMR_RIGHT_PUT, head);
	case EMR_CHANGE_META:
		return may_change(g, head->version == 0 ? EMR_RIGHT_MKDIR : EMR_RIGHT_META, head);
	case EMR_CHANGE_UNLINK:
		return may_change(g, EMR_RIGHT_META, head);
	case EMR_CHANGE_REWRAP:
	case EMR_CHANGE_ERASE:
		break;
	}
	return EMR_UNSUPPORTED;
}

emr_status foreign_domain_list_key(
	emr_share *share, emr_id16 domain, uint32_t epoch, emr_list_key **out_key, emr_id32 *out_id)
{
	emr_id32 id = {{0}};
	emr_status status = emr_share_own_list_key_id(share, domain, epoch, &id);

	if (status == EMR_OK || status == EMR_NOT_FOUND)
		status = emr_share_own_list_key(share, domain, epoch, out_key);
	if (status == EMR_OK)
		*out_id = id;
	return status;
}
