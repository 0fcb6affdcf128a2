/* Tells what ana gave, took back and answered, as one text: "shared lima read, ended lima read,
 * ...", in the order it is told. "inside": not in Imaging. */
#pragma once

#include "share/dealings.h"
#include "share/write.h"
#include "story_kit.h"

static inline void dealings_add(const story *s, const emr_share_dealing *d, char text[2000])
{
	static const char *const kinds[] = {
		"?", "shared", "ended", "expired", "yes to", "no to", "emergency"};
	size_t used = strlen(text);
	const char *who = emr_id32_equal(d->person, s->lima.public.signer_id)  ? "lima"
			  : emr_id32_equal(d->person, s->eve.public.signer_id) ? "eve"
									       : "a team";

	assert_true(d->at > 0 && !emr_id32_is_zero(d->batch_id));
	(void)snprintf(text + used, 2000 - used, "%s%s %s %s%s%s%s%s", used > 0 ? ", " : "",
		kinds[d->kind], who, emr_rights_word(d->rights),
		d->kind == EMR_DEALING_DENIED || emr_id16_equal(d->domain, s->imaging) ? ""
										       : " inside",
		d->goes_on ? " (another goes on)" : "", d->asked != NULL ? " for " : "",
		d->asked != NULL ? d->asked : "");
}

/* Borrowed until the next call. */
static inline const char *dealings_of(const story *s)
{
	static char text[2000];
	EMR_AUTO_DEALINGS all = {0};

	text[0] = '\0';
	assert_ok(emr_replica_catch_up(s->k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_share_dealings(s->ana, &all));
	EMR_EACH (const emr_share_dealing, d, &all)
		dealings_add(s, d, text);
	return text;
}
