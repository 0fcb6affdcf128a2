/* A folder inside a shared folder must become a unit of its own before it can be granted by
 * itself. This file lists which folders are such units, and publishes until everything of a new
 * one is on the ledger; if that does not go on, it says why. */
#include "sharing_private.h"

#include <stdlib.h>
#include <string.h>

emr_status emr_inner_tree(emr_session *session, emr_nested **out_tree, size_t *out_n)
{
	static const emr_id16 all;
	EMR_AUTO_BUF list = {0};
	emr_status status = emr_view_domains_below(session->view, all, &list);
	size_t n = list.len / sizeof(emr_inner_domain);
	emr_nested *tree;

	if (status != EMR_OK)
		return status;
	tree = calloc(n > 0 ? n : 1, sizeof *tree);
	if (tree == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		emr_inner_domain d;

		memcpy(&d, list.data + i * sizeof d, sizeof d);
		tree[i] = (emr_nested){.domain = d.domain, .outer = d.outer};
	}
	*out_tree = tree;
	*out_n = n;
	return EMR_OK;
}

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
