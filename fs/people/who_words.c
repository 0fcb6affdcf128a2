/* This file puts into words how somebody is called, and whom a guardian's rule names. */
#include "people/who.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/language.h"
#include "session/registered.h"

emr_status emr_who_called(const emr_session *session, emr_id32 id, char out[EMR_WHO_TEXT_BYTES])
{
	EMR_AUTO_CROWD crowd = {0};
	emr_who who;

	EMR_TRY(emr_crowd_open(session, &crowd));
	EMR_TRY(emr_who_of(&crowd, id, &who));
	emr_who_text(&who, out, EMR_WHO_TEXT_BYTES);
	return EMR_OK;
}

void emr_who_rule_text(emr_crowd *crowd, const char *rule, char *out, size_t size)
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
