/* This file lists what others share with this person and until when. */
#include <stdlib.h>

#include "edit.h"
#include "shared.h"
#include "shared_place.h"

#define LATELY_NS INT64_C(60000000000)

/* A grant that was given with a share around it stands and ends with that one; a folder that was
 * shared by itself is listed, wherever it is shown. */
static bool is_listed(const emr_view *view, const shared_share *s)
{
	if (s->owner->set != NULL)
		return false;
	return shared_is_beside(s) ||
	       (!s->is_tied && s->phase == SHARED_OPEN && shared_share_is_shown(view, s));
}

/* Under view->lock. */
static emr_status give(const emr_view *view, const shared_share *s, emr_shared_with_me_fn fn,
	void *arg, bool *out_goes_on)
{
	EMR_AUTO_FREE char *path = shared_place_path(s);
	/* A folder may be closed at any moment, and tells nobody. */
	int64_t answered = atomic_load(&s->owner->answered_boot_ns);
	bool answered_lately = answered != 0 && view_boot_ns(view) - answered < LATELY_NS;
	emr_shared_with_me one = {.owner = s->owner->name,
		.path = path,
		.domain = s->domain,
		.grant = s->grant.grant,
		.is_by_card = s->owner_card.len > 0,
		.purposes = s->grant.row.purposes,
		.opens_away = s->opens_away,
		.agents = s->agents,
		.agents_count = s->agents_count,
		.needed = s->needed,
		.is_unanswered = s->opens_away ? atomic_load(&s->answers.is_missed)
					       : atomic_load(&s->owner->away_told_boot_ns) != 0,
		.is_owner_unasked = !s->opens_away && !answered_lately,
		.phase = (s->phase == SHARED_REVOKED   ? EMR_SHARE_REVOKED
			  : s->phase == SHARED_EXPIRED ? EMR_SHARE_EXPIRED
						       : EMR_SHARE_OPEN)};

	one.right = shared_right(view, s, &one.until_unix_s);
	if (one.phase != EMR_SHARE_OPEN)
		one.until_unix_s = s->ended_unix_s;
	one.until_unix_s = shared_time(s->owner, one.until_unix_s);
	if (path == NULL)
		return EMR_NO_MEMORY;
	*out_goes_on = fn(arg, &one);
	return EMR_OK;
}

emr_status emr_view_each_shared_with_me(emr_view *view, emr_shared_with_me_fn fn, void *arg)
{
	emr_status status = EMR_OK;
	bool goes_on = true;

	if (view->shares == NULL)
		return EMR_OK;
	pthread_mutex_lock(&view->lock);
	for (const shared_share *s = view->shares->all; s != NULL && goes_on && status == EMR_OK;
		s = s->next)
		if (is_listed(view, s))
			status = give(view, s, fn, arg, &goes_on);
	pthread_mutex_unlock(&view->lock);
	return status;
}
