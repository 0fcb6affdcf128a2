/* A folder inside a shared folder must become a unit of its own before it can be granted by itself.
 * This file publishes until everything of a new unit is on the ledger; if that does not go on, it
 * says why. */
#include "sharing_private.h"

/* Each run takes a portion; as long as they get fewer it goes on. */
emr_status emr_inner_await(emr_session *session, emr_id16 domain, uint64_t *out_kept_out)
{
	emr_domain_state before, now;

	EMR_TRY(emr_view_domain_state(session->view, domain, &now));
	while (!now.is_whole) {
		before = now;
		EMR_TRY(emr_view_publish_now(session->view));
		EMR_TRY(emr_view_domain_state(session->view, domain, &now));
		if (!now.is_whole && now.left == before.left &&
			now.old_places == before.old_places && now.is_made == before.is_made)
			EMR_TRY(now.left > 0 && now.left == now.failed ? EMR_MISSING_DATA
								       : EMR_BUSY);
	}
	*out_kept_out = now.kept_out;
	return EMR_OK;
}
