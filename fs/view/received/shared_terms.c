/* This file answers what is decided for a whole dataset for its reader: for which purpose keys are
 * asked for, under which path records are shown, which versions a frozen state has, and which
 * participants are absent. */
#include <stdio.h>
#include <string.h>

#include "edit.h"
#include "shared.h"

#define ABSENT_FIRST_NS                                                                            \
	(EMR_ASK_LIFE_S * INT64_C(1000000000)) /* a late answer is seen till then                  \
						*/
#define ABSENT_NS (10 * ABSENT_FIRST_NS)

uint8_t shared_purpose(const emr_view *view, const shared_share *s)
{
	return s->owner->set != NULL			    ? EMR_DATASET_PURPOSE
	       : (s->grant.row.rights & EMR_GRANT_TWO) != 0 ? EMR_EMERGENCY_PURPOSE
							    : view->options.purpose;
}

bool shared_is_absent(const emr_view *view, const shared_share *s)
{
	return view_boot_ns(view) < s->answers.absent_until_boot_ns;
}

void shared_note_absent(emr_view *view, shared_share *s)
{
	int64_t now = view_boot_ns(view);
	EMR_LOCKED(&view->lock);

	if (s->owner->set == NULL || now < s->answers.absent_until_boot_ns)
		return;
	s->answers.absent_ns = s->answers.absent_ns == 0	      ? ABSENT_FIRST_NS
			       : s->answers.absent_ns < ABSENT_NS / 2 ? 2 * s->answers.absent_ns
								      : ABSENT_NS;
	s->answers.absent_until_boot_ns = now + s->answers.absent_ns;
}

/* A question that was refused is counted as well, so that all others of that day would be. */
bool shared_is_over_limit(const emr_view *view, const shared_owner *owner)
{
	return owner->set != NULL &&
	       view_now_ns(view) / 1000000000 < (int64_t)owner->set->limit_until_unix_s;
}

const char *shared_opens(const emr_view *view, const shared_share *s)
{
	if (s->phase == SHARED_REVOKED)
		return emr_share_end_id(view->shares->share, &s->grant);
	if (shared_is_over(s))
		return "grant-expired";
	if (shared_is_absent(view, s))
		return "absent";
	if (shared_is_over_limit(view, s->owner))
		return "daily-limit";
	return emr_opens_word(s->opens_away);
}

bool shared_is_of_copies(const shared_owner *owner)
{
	return owner->set != NULL && owner->set->terms.is_deidentified;
}

char *shared_owner_path(const shared_owner *owner)
{
	char *path = NULL;
	int len = owner->set != NULL ? asprintf(&path, "%s/%s/%s", SETS_DIRECTORY, owner->set->name,
					       owner->name)
				     : asprintf(&path, "%s/%s", SHARED_DIRECTORY, owner->name);

	return len < 0 ? NULL : path;
}

/* ---- a frozen state ---- */

bool shared_is_wanted(const emr_view *view, const emr_received *r)
{
	const shares *all = view->shares;

	return all->frozen_at == 0 || !r->is_dataset || !emr_id16_equal(r->line, all->only) ||
	       emr_buf_has(&all->frozen, emr_bytes_of(&r->grant.domain, sizeof r->grant.domain));
}
