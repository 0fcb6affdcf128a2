/* A guardian's rule and requests are rows of the list of shares. This file puts them into words. */
#include "sharing/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/language.h"
#include "kit/paths.h"
#include "session/registered.h"

void emr_guardian_rule_text(emr_crowd *crowd, const char *rule, char *out, size_t size)
{
	char *at;
	const unsigned long long seconds = strtoull(rule, &at, 10);
	const bool is_days = seconds % 86400 == 0;
	const unsigned long long n = seconds / (is_days ? 86400 : 3600);

	out[0] = '\0';
	while (*at == ' ') {
		const size_t digits = strcspn(at + 1, " "), used = strlen(out);
		char text[65] = "";
		emr_id32 id = {{0}};
		emr_who who = {.called = "?"};

		memcpy(text, at + 1, digits < sizeof text ? digits : 0);
		at += 1 + digits;
		if (emr_unhex(text, id.b, digits / 2) == EMR_OK && digits == 64)
			(void)emr_who_of(crowd, id, &who);
		else
			(void)emr_organisation_name(
				crowd->replica, crowd->descriptor, id.b, who.organisation);
		snprintf(out + used, size - used, "%s%s%s", used > 0 ? ", " : "",
			digits == 64 ? "" : _("clinicians of "),
			digits == 64 ? who.called : who.organisation);
	}
	if (out[0] != '\0')
		snprintf(out + strlen(out), size - strlen(out),
			is_days ? emr_text_of(n, " (%llu day at most)", " (%llu days at most)")
				: emr_text_of(n, " (%llu hour at most)", " (%llu hours at most)"),
			n);
}

/* ---- in the list ---- */

emr_status emr_guardian_row_rule(
	emr_share *share, emr_crowd *crowd, const emr_known_grant *grant, emr_share_row *row)
{
	EMR_AUTO_FREE emr_guardian_grant *g = malloc(sizeof *g);
	emr_status status = g == NULL ? EMR_NO_MEMORY
				      : emr_share_guardian_of(share, grant->domain,
						EMR_ID32_AT(grant->row.grantee), grant->seq, g);

	if (status == EMR_OK)
		emr_guardian_rule_text(crowd, g->rule, row->words, sizeof row->words);
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
