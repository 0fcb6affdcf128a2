/* After a restart of the ledger's host an owner's revocation may be among the entries that were
 * lost. This file has an agent release nothing on the grants of an owner whose computer has not
 * said since that nothing of it is left to sign again; nor while it is not known whether there was
 * one. */
#include "agency.h"

#include <string.h>

#include "ledger/restart.h"
#include "replica/restart.h"

/* The first key of the person who made DOMAIN. */
static emr_status owner_of(emr_share *share, emr_id16 domain, emr_known_person *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_id32 root;

	EMR_TRY(share_item(share, EMR_FAMILY_DOMAIN, domain, domain, 1, &bytes, &item));
	EMR_TRY(emr_replica_person(share->o.replica, item.submitter_id, out));
	memcpy(root.b, out->row.root, sizeof root.b);
	return emr_replica_person(share->o.replica, root, out);
}

/* Whether the host has OWNER's word that it lacks nothing of his: of this restart, and about
 * entries as this copy has them. */
static emr_status has_said(emr_share *share, const emr_known_restart *last,
	const emr_known_person *owner, bool *out_has)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint said;
	char what[sizeof EMR_ASK_KEPT + EMR_RESTART_SAID_NAME_BYTES] = EMR_ASK_KEPT;
	uint8_t root[32];
	emr_status status;

	emr_restart_said_name(&owner->signer_id, what + sizeof EMR_ASK_KEPT - 1);
	status = emr_ledger_ask(share->o.ledger, what, (emr_bytes){0}, &note);
	if (status == EMR_OK)
		status = emr_checkpoint_parse_said(emr_buf_view(&note), &said);
	if (status == EMR_OK)
		status = emr_checkpoint_verify(&said, owner->signer_id, owner->row.log_pk);
	if (status == EMR_OK)
		status = emr_replica_root_at(share->o.replica, said.size, root);
	*out_has = status == EMR_OK && emr_id16_equal(said.net_id, share->net_id) &&
		   emr_id16_equal(said.recovery, last->recovery) && said.size >= last->size &&
		   memcmp(root, said.root, sizeof root) == 0;
	return emr_status_may_pass(status) ? status : EMR_OK;
}

emr_status agency_may_release(emr_share *share, emr_id16 domain, bool *out_may)
{
	const bool is_known = emr_replica_knows_restarts(share->o.replica);
	emr_known_restart last;
	emr_known_person owner;

	*out_may = is_known && emr_replica_restarts(share->o.replica, &last, 1) == 0;
	if (*out_may || !is_known)
		return EMR_OK;
	EMR_TRY(owner_of(share, domain, &owner));
	return has_said(share, &last, &owner, out_may);
}
