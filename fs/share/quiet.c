/* A folder that is closed says nothing of itself. This file looks for the owner's computers on the
 * ledger, so that a reader whom nobody else could answer is told soon that the folder is closed. */
#include <string.h>

#include "contract/codes.h"

#include "shared_private.h"

/* The first key of the person who uses KEY, on whichever computer. EMR_NOT_FOUND: nobody does. */
static emr_status root_of(emr_replica *replica, emr_id32 key, uint8_t out[32])
{
	emr_known_person person;

	EMR_TRY(emr_replica_person(replica, key, &person));
	if ((person.row.roles & EMR_ROLE_DEVICE) != 0) {
		memcpy(key.b, person.row.ref, sizeof key.b);
		EMR_TRY(emr_replica_person(replica, key, &person));
	}
	memcpy(out, person.row.root, 32);
	return EMR_OK;
}

bool emr_ask_owner_is_quiet(const emr_ask *ask)
{
	const emr_received *r = &ask->shared->received;
	emr_share *share = ask->shared->share;
	uint8_t owner[32], root[32];
	emr_replica_listing line;
	emr_id32 honest[EMR_AGENTS_MAX];
	bool opens = true;
	unsigned n = 0;
	emr_status status;
	EMR_ASK(lines, share->o.replica, RECENT);

	for (unsigned i = 0; i < r->agents_count; i++)
		if (!shared_is_liar(ask->shared, r->agents[i]))
			honest[n++] = r->agents[i];
	status = emr_share_opens_away(share, &r->grant, honest, n, &opens);
	if (status == EMR_OK)
		status = root_of(share->o.replica, r->card.signer_id, owner);
	if (status != EMR_OK || opens)
		return false;
	/* From the newest entry down to the question. */
	while (emr_next(&lines, &line)) {
		if (emr_id32_equal(line.item.item_id, ask->release.req))
			return true;
		status = root_of(share->o.replica, line.item.submitter_id, root);
		if (status == EMR_OK ? memcmp(root, owner, sizeof root) == 0
				     : status != EMR_NOT_FOUND)
			return false; /* it was hers, as it seems, or cannot be known */
	}
	return false;
}
