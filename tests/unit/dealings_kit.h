/* Tells what ana gave, took back and answered, as one text: "shared lima read, ended lima read,
 * ...", in the order it is told. "inside": not in Imaging. */
#pragma once

#include "share/dealings.h"
#include "share/write.h"
#include "story_kit.h"

typedef struct dealings_text {
	const story *s;
	char text[2000];
} dealings_text;

static inline emr_status dealings_add(void *arg, const emr_share_dealing *d)
{
	static const char *const kinds[] = {"?", "shared", "ended", "expired", "yes to", "no to"};
	dealings_text *t = arg;
	size_t used = strlen(t->text);
	const char *who = emr_id32_equal(d->person, t->s->lima.public.signer_id)  ? "lima"
			  : emr_id32_equal(d->person, t->s->eve.public.signer_id) ? "eve"
										  : "a team";

	assert_true(d->at > 0 && !emr_id32_is_zero(d->batch_id));
	(void)snprintf(t->text + used, sizeof t->text - used, "%s%s %s %s%s%s%s%s",
		used > 0 ? ", " : "", kinds[d->kind], who, emr_rights_word(d->rights),
		d->kind == EMR_DEALING_DENIED || emr_id16_equal(d->domain, t->s->imaging)
			? ""
			: " inside",
		d->goes_on ? " (another goes on)" : "", d->asked != NULL ? " for " : "",
		d->asked != NULL ? d->asked : "");
	return EMR_OK;
}

/* Borrowed until the next call. */
static inline const char *dealings_of(const story *s)
{
	static dealings_text t;

	t = (dealings_text){.s = s};
	assert_ok(emr_replica_catch_up(s->k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_share_dealings(s->ana, dealings_add, &t));
	return t.text;
}
