/* This file lists what others share with this person and until when. */
#include <stdio.h>
#include <string.h>

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
	EMR_TRY_MEMORY(path);
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

/* ---- the files of one dataset ---- */

/* PATH is an original's, which its owner called as he liked: it stays on its line. */
static emr_status list_file(const shared_entry *e, char *path, bool is_copy, emr_buf *out)
{
	EMR_AUTO_FREE char *line = NULL;
	char sum[65];
	int len;

	for (char *at = path; *at != '\0'; at++)
		*at = (unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at;
	emr_hex(e->sum, sizeof e->sum, sum);
	len = is_copy && e->has_sum ? asprintf(&line, "# %llu bytes:\n%s  %s\n",
					      (unsigned long long)e->size, sum, path)
				    : asprintf(&line, "# %llu bytes, no sum: %s\n",
					      (unsigned long long)e->size, path);
	return len >= 0 ? emr_buf_append(out, line, (size_t)len) : EMR_NO_MEMORY;
}

static emr_status list_share(const shared_share *s, emr_buf *out)
{
	EMR_AUTO_FREE char *place = shared_place_path(s);
	const size_t before = strlen(SETS_DIRECTORY "/") + strlen(s->owner->set->name) + 1;

	for (uint32_t i = 0; place != NULL && i < s->tree->names.count; i++) {
		const shared_entry *e = &s->tree->entries[i];
		EMR_AUTO_FREE char *inner = flat_path(&s->tree->names, i), *path = NULL;

		if (e->type != EMR_META_FILE || e->pversion == 0)
			continue;
		if (inner == NULL || asprintf(&path, "%s%s%s", place + before,
					     inner[0] != '\0' ? "/" : "", inner) < 0)
			return EMR_NO_MEMORY;
		EMR_TRY(list_file(e, path, shared_is_of_copies(s->owner), out));
	}
	return place != NULL ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_view_study_list(emr_view *view, emr_buf *out)
{
	EMR_LOCKED(&view->lock);

	if (view->shares == NULL || emr_id16_is_zero(view->shares->only))
		return EMR_OK;
	if (shared_lacks_list(view) != NULL)
		return EMR_BUSY;
	for (const shared_share *s = view->shares->all; s != NULL; s = s->next)
		if (s->owner->set != NULL && s->tree != NULL && s->phase == SHARED_OPEN &&
			emr_id16_equal(s->owner->set->line, view->shares->only) &&
			shared_share_is_shown(view, s))
			EMR_TRY(list_share(s, out));
	return EMR_OK;
}
