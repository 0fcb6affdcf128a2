/* A guardian's rule and requests are rows of the list of shares. This file makes them. */
#include "sharing/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/paths.h"

emr_status emr_guardian_row_rule(
	emr_share *share, emr_crowd *crowd, const emr_known_grant *grant, emr_share_row *row)
{
	EMR_AUTO_FREE emr_guardian_grant *g = malloc(sizeof *g);
	emr_status status = g == NULL ? EMR_NO_MEMORY
				      : emr_share_guardian_of(share, grant->domain,
						EMR_ID32_AT(grant->row.grantee), grant->seq, g);

	if (status == EMR_OK)
		emr_who_rule_text(crowd, g->rule, row->words, sizeof row->words);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_guardian_row_asked(
	emr_crowd *crowd, const char *folder, const emr_share_request *asked, emr_share_row *row)
{
	EMR_AUTO_FREE char *joined = NULL;
	char clean[EMR_REQUEST_PATH_MAX + 1];

	EMR_TRY_MEMORY(folder);
	EMR_TRY(emr_who_at(crowd, asked->from, asked->seq, &row->asker));
	EMR_TRY(emr_who_of(crowd, asked->reader, &row->who));
	row->guardian = row->asker.root;
	row->order.domain = asked->domain;
	if (asprintf(&joined, "%s/%s", folder, asked->path) < 0)
		joined = NULL;
	EMR_TRY_MEMORY(joined);
	/* One text for what is judged and for what is done. */
	row->path = strdup(emr_path_clean(joined, clean, sizeof clean) == EMR_OK ? clean : "?");
	return EMR_OK;
}
