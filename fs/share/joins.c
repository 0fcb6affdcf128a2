/* A folder that is granted to a dataset joins it on the ledger, and leaves it with the grant: both
 * in the batch of the grant, so that nobody counts as taking part whose records cannot be read, or
 * is read without being counted. */
#include <string.h>

#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "replica/ask.h"
#include "replica/people.h"

#include "teams_private.h"

/* *OUT_WAS: it joined before, in or out by now; OUT is its row then. */
static emr_status joined_by(emr_replica *replica, emr_id16 domain, emr_id16 dataset, bool *out_is,
	bool *out_was, emr_row_join *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_key_text key;
	emr_row_join row;
	emr_status status;

	*out_is = *out_was = false;
	emr_key_in_domain("J", domain.b, dataset.b, &key);
	status = emr_replica_state_get(replica, key.text, &bytes);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (emr_row_join_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	*out_was = true;
	*out_is = row.head.state == EMR_JOIN_ACTIVE;
	*out = row;
	return EMR_OK;
}

static bool is_by(const emr_row_join *row, emr_id16 grant)
{
	return memcmp(row->grant, grant.b, sizeof row->grant) == 0;
}

emr_status emr_dataset_has(
	emr_replica *replica, const emr_team *dataset, const emr_known_grant *grant, bool *out_has)
{
	emr_row_join row = {.grant = {0}};
	bool was_in;
	emr_status status = joined_by(replica, grant->domain, dataset->id, out_has, &was_in, &row);

	*out_has = *out_has && is_by(&row, grant->grant);
	return status;
}

/* EMR_NOT_FOUND: ROOT is no dataset. */
static emr_status dataset_of(emr_share *share, emr_id32 root, emr_team *out)
{
	EMR_TRY(emr_team_of_grantee(share->o.replica, root, out));
	return out->kind != EMR_TEAM_DATASET ? EMR_NOT_FOUND : EMR_OK;
}

/* In by another grant, which this one replaces: LEAVE ends that one in the same batch. */
static emr_status add_change(parcel *p, emr_id16 domain, emr_id16 dataset, emr_act *join)
{
	emr_act act = emr_act_leave(domain, dataset);
	emr_status status = parcel_prepare(p, &act);

	if (status == EMR_OK)
		status = parcel_add(p, &act, &join->prev);
	join->version = act.version + 1;
	return status == EMR_OK ? parcel_item(p, join) : status;
}

emr_status share_add_join(
	parcel *p, emr_id16 domain, emr_id32 root, emr_id16 grant, bool *out_joins)
{
	emr_pub_dataset_join how = {.account = {0}};
	emr_team dataset;
	emr_id32 own;
	emr_row_join row;
	emr_act act;
	bool is_in = false, was_in = false;
	emr_status status = dataset_of(p->share, root, &dataset);

	*out_joins = false;
	if (status == EMR_OK)
		status = joined_by(p->share->o.replica, domain, dataset.id, &is_in, &was_in, &row);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	/* A folder is paid once; without points it does not go in for nothing. */
	if (dataset.row.price > 0 && !was_in) {
		EMR_TRY(emr_replica_can_pay(p->share->o.replica, dataset.id, dataset.row.price));
		EMR_TRY(emr_replica_account(p->share->o.replica, p->share->me.signer_id, &own));
		memcpy(how.account, own.b, sizeof how.account);
	}
	*out_joins = true;
	memcpy(how.grant, grant.b, sizeof how.grant);
	act = emr_act_join(domain, dataset.id, &how);
	EMR_TRY(is_in ? add_change(p, domain, dataset.id, &act) : parcel_prepare(p, &act));
	return parcel_add(p, &act, NULL);
}

emr_status share_add_leave(
	parcel *p, emr_id16 domain, emr_id32 root, const emr_id16 *grants, size_t n)
{
	emr_team dataset;
	emr_row_join row;
	emr_act act;
	bool is_in = false, was_in;
	emr_status status = dataset_of(p->share, root, &dataset);

	if (status == EMR_OK)
		status = joined_by(p->share->o.replica, domain, dataset.id, &is_in, &was_in, &row);
	if (status != EMR_OK || !is_in)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	for (size_t i = 0; i < n; i++) {
		if (!is_by(&row, grants[i]))
			continue;
		act = emr_act_leave(domain, dataset.id);
		EMR_TRY(parcel_prepare(p, &act));
		return parcel_add(p, &act, NULL);
	}
	return EMR_OK;
}

/* ---- what was paid ---- */

emr_status share_takes_part(emr_share *share, emr_id16 domain, emr_id16 dataset, bool *out_does)
{
	emr_known_grant by;
	emr_row_join row;
	bool is_in = false, was_in;
	emr_status status = joined_by(share->o.replica, domain, dataset, &is_in, &was_in, &row);

	*out_does = false;
	if (status != EMR_OK || !is_in)
		return status;
	status = emr_replica_grant(share->o.replica, domain, EMR_ID16_AT(row.grant), &by);
	*out_does =
		status == EMR_OK && emr_grant_phase_at(&by, share_now(share)) == EMR_GRANT_IN_FORCE;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* The folder around it, whose own key must say so: that another one takes part is for everybody to
 * see, and would be named by whoever does not pay. */
static emr_status lies_in(emr_share *share, const grant_facts *grant, bool *out_does)
{
	EMR_AUTO_BUF owners = {0};
	emr_status status = emr_replica_owners_of(share->o.replica, grant->read.outer, &owners);

	*out_does = false;
	EMR_EACH (const emr_known_owner, owner, &owners)
		*out_does |= emr_grant_outer_check(emr_buf_view(&grant->item), &grant->read,
				     owner->owned.owner_pk) == EMR_OK;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status share_is_paid(emr_share *share, emr_id16 dataset, const grant_facts *grant, bool *out_is,
	emr_id16 *out_outer)
{
	emr_id16 outer = {{0}};
	emr_row_join row;
	bool is_in = false, was_in;
	emr_status status =
		joined_by(share->o.replica, grant->known.domain, dataset, &is_in, &was_in, &row);

	is_in = is_in && is_by(&row, grant->known.grant);
	if (status == EMR_OK && !is_in && !emr_id16_is_zero(grant->read.outer)) {
		outer = grant->read.outer;
		status = lies_in(share, grant, &is_in);
		if (status == EMR_OK && is_in)
			status = share_takes_part(share, outer, dataset, &is_in);
	}
	if (status != EMR_OK)
		return status;
	*out_is = is_in;
	*out_outer = outer;
	return EMR_OK;
}

emr_status share_add_outer(parcel *p, emr_id32 root, emr_id16 outer)
{
	emr_team dataset;
	emr_status status = emr_team_of_grantee(p->share->o.replica, root, &dataset);

	if (status != EMR_OK || dataset.row.price == 0)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	return emr_grant_outer_seal(
		p->share->o.keyring, outer, SHARE_GEN, emr_buf_view(&p->item), &p->part);
}
