/* This file tells a reader what happens to received shares: that one ends soon or has ended, and
 * why a file cannot be opened or changed. It tells a repeated message a limited number of times,
 * however often a program tries. */
#include "shared_notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "replica/people.h"

#include "edit.h"
#include "node.h"
#include "shared.h"

#define TOLD_WINDOW_NS INT64_C(60000000000)
#define TOLD_IN_WINDOW 20u
#define AWAY_TOLD_NS INT64_C(600000000000) /* that a folder is closed, whatever is tried there */

/* Under view->lock: what any notice about S says; the paths are the caller's. */
static emr_shared_notice about(const emr_view *view, const shared_share *s, const char *id)
{
	return (emr_shared_notice){.id = id,
		.owner = s->owner->name,
		.dataset = s->owner->set != NULL ? s->owner->set->name : NULL,
		.purposes = s->grant.row.purposes,
		.purpose = shared_purpose(view, s),
		.points = s->owner->set != NULL ? s->owner->set->terms.price : 0,
		.t = s->needed,
		.n = s->agents_count,
		.ahead_s = view->shares->ahead_s};
}

/* Behind "shared-with-me/OWNER/", or "datasets/NAME/PSEUDONYM/". */
static const char *inside_of(const char *path)
{
	int names = path != NULL && strncmp(path, SETS_DIRECTORY "/", sizeof SETS_DIRECTORY) == 0
			    ? 3
			    : 2;

	for (int i = 0; i < names && path != NULL; i++) {
		path = strchr(path, '/');
		if (path != NULL)
			path++;
	}
	return path != NULL ? path : "";
}

/* A program that tries a thousand times is told of as often as it gets an errno, a person is not.
 */
static bool may_tell(emr_view *view, const char *id)
{
	shared_told *t = NULL;
	int64_t now = view_boot_ns(view);
	EMR_LOCKED(&view->lock);

	for (size_t i = 0; i < SHARED_TOLD_KINDS && t == NULL; i++)
		if (view->shares->told[i].id == NULL || strcmp(view->shares->told[i].id, id) == 0)
			t = &view->shares->told[i];
	if (t != NULL && (t->id == NULL || now - t->since_boot_ns > TOLD_WINDOW_NS))
		*t = (shared_told){.id = id, .since_boot_ns = now};
	return t == NULL || t->count++ < TOLD_IN_WINDOW;
}

static void tell(emr_view *view, emr_shared_notice *notice, char *path)
{
	notice->path = path != NULL ? path : "";
	notice->inside = inside_of(path);
	if (view->options.shared_notice != NULL && may_tell(view, notice->id))
		view->options.shared_notice(view->options.shared_notice_arg, notice);
	free(path);
}

void shared_hear_clocks(emr_view *view)
{
	shares *all = view->shares;
	const int64_t was_s = all->ahead_s;
	emr_ledger_absence now;

	emr_ledger_look(view->options.ledger, &now);
	all->ahead_s = now.ahead_s;
	if ((was_s != 0) == (now.ahead_s != 0))
		return;
	all->knows_grants = false; /* what is over by a clock that was wrong is not */
	if (was_s == 0)
		tell(view, &(emr_shared_notice){.id = "clock", .ahead_s = now.ahead_s}, NULL);
}

/* Of the worker, which alone changes names: they can be read without the lock. */
static char *path_of_share(const shared_share *s)
{
	char *path = NULL, *up = shared_owner_path(s->owner);
	int len = up != NULL ? asprintf(&path, "%s/%s", up, s->name) : -1;

	free(up);
	return len < 0 ? NULL : path;
}

/* OUT_UNIX_S: when, or 0. */
static bool was_revoked(const emr_view *view, emr_id32 key, uint64_t *out_unix_s)
{
	emr_known_person person;

	if (emr_replica_present(view->options.replica, key, &person) != EMR_OK ||
		person.row.head.state != EMR_KEY_REVOKED)
		return false;
	*out_unix_s = person.row.invalid_since_unix_s;
	return true;
}

/* An end for one reader, or for all, is met in the folders of a thousand participants, and is one
 * end. */
static void tell_once(emr_view *view, const shared_share *s, emr_shared_notice *n, char *path)
{
	shared_set *set = s->owner->set;

	if (set != NULL && (strcmp(n->id, "dropped") == 0 || strcmp(n->id, "closed") == 0)) {
		free(path);
		if (set->end_told_unix_s == n->time_unix_s)
			return;
		set->end_told_unix_s = n->time_unix_s;
		if (asprintf(&path, "%s/%s", SETS_DIRECTORY, set->name) < 0)
			path = NULL;
	}
	tell(view, n, path);
}

/* Of the end of one's own key the session has told once for all. */
static void tell_end(emr_view *view, const shared_share *s, char *path)
{
	uint64_t ended_unix_s = s->ended_unix_s;
	const char *id = s->phase == SHARED_REVOKED
				 ? emr_share_end_id(view->shares->share, &s->grant)
				 : "grant-expired";
	emr_shared_notice n;

	if (view->options.owner != NULL &&
		was_revoked(view, view->options.owner->signer_id, &ended_unix_s)) {
		free(path);
		return;
	}
	if (s->is_blind && was_revoked(view, s->owner->signer_id, &ended_unix_s))
		id = "owner-ended";
	n = about(view, s, id);
	n.time_unix_s = ended_unix_s;
	tell_once(view, s, &n, path);
}

void shared_notice_end(emr_view *view, const shared_share *s)
{
	tell_end(view, s, path_of_share(s));
}

void shared_notice_cut(emr_view *view, const shared_share *s, char **paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tell_end(view, s, paths[i]);
}

void shared_notice_ending(emr_view *view, const shared_share *s)
{
	emr_shared_notice n = about(view, s, "grant-ending");

	n.time_unix_s = s->grant.row.not_after_unix_s;
	tell(view, &n, path_of_share(s));
}

void shared_notice_withheld(emr_view *view, const shared_share *s, const node *n)
{
	emr_shared_notice notice;
	char *path;

	pthread_mutex_lock(&view->lock);
	notice = about(view, s, "not-a-copy");
	path = shared_path_of_any(n);
	pthread_mutex_unlock(&view->lock);
	tell(view, &notice, path);
}

void shared_notice_stale(emr_view *view, const shared_share *s, uint64_t until_unix_s)
{
	emr_shared_notice n = about(view, s, "keys-ending");

	n.time_unix_s = until_unix_s;
	tell(view, &n, path_of_share(s));
}

/* Translates codes of refusal for a person. */
static emr_share_why why_of_code(uint8_t code)
{
	switch (code) {
	case EMR_RESULT_GRANT_DEAD:
		return EMR_WHY_EXPIRED;
	case EMR_RESULT_NO_GRANT:
	case EMR_RESULT_NOT_GRANTEE:
	case EMR_RESULT_NOT_AUTHORISED:
	case EMR_RESULT_KEY_DEAD:
		return EMR_WHY_NO_GRANT;
	case EMR_RESULT_FUNDS:
		return EMR_WHY_UNPAID;
	default:
		return EMR_WHY_REFUSED;
	}
}

typedef struct word {
	emr_status status;
	const char *id; /* NULL: nothing that a person could do anything about */
} word;

static word word_of(const shared_share *s, emr_status status, const emr_share_trouble *trouble)
{
	const int64_t soon_s = view_now_ns(s->view) / 1000000000 + EMR_LEDGER_CLOCKS_S;
	emr_share_why why = trouble->why;

	/* Also while others have not answered: they count the same.  It is a word about the whole
	 * dataset, so that an answer alone does not make it. */
	if (trouble->is_over_limit && s->owner->set != NULL &&
		(why == EMR_WHY_REFUSED || why == EMR_WHY_NO_RELEASE))
		return (word){EMR_QUOTA, "daily-limit"};

	if (status == EMR_OFFLINE)
		return (word){status, s->view->shares->ahead_s != 0 ? "clock" : "offline"};
	if (status == EMR_TIMEOUT)
		return (word){status, "no-release"};
	/* Refused for a time that is the grant's end by no clock that is known here. */
	if ((why == EMR_WHY_REFUSED || why == EMR_WHY_LEDGER) &&
		(trouble->code == EMR_RESULT_TIME_AHEAD ||
			trouble->code == EMR_RESULT_EXPIRED_BATCH ||
			(trouble->code == EMR_RESULT_GRANT_DEAD &&
				shared_is_readable(s->view, s) == EMR_OK &&
				soon_s < (int64_t)s->grant.row.not_after_unix_s)))
		return (word){EMR_AWAITED, "clock"};
	if (why == EMR_WHY_REFUSED || why == EMR_WHY_LEDGER)
		why = why_of_code(trouble->code);
	switch (why) {
	case EMR_WHY_NO_GRANT:
	case EMR_WHY_NOT_YET:
	case EMR_WHY_RIGHTS:
	case EMR_WHY_REFUSED:
	case EMR_WHY_LEDGER:
		return (word){EMR_DENIED, "no-grant"};
	case EMR_WHY_EXPIRED:
		return (word){EMR_ACCESS_ENDED, "grant-expired"};
	case EMR_WHY_REVOKED:
		return (word){EMR_ACCESS_REVOKED, "grant-revoked"};
	case EMR_WHY_PURPOSE:
		return (word){EMR_DENIED, "wrong-purpose"};
	case EMR_WHY_UNPAID:
		return (word){EMR_DENIED, "unpaid"};
	case EMR_WHY_NO_RELEASE:
	case EMR_WHY_LIAR:
		return (word){EMR_TIMEOUT, "no-release"};
	case EMR_WHY_NONE:
		return (word){status, NULL};
	}
	return (word){status, NULL};
}

/* Of a closed folder, and of an absent participant, every file says the same. */
static bool is_told_already(const emr_view *view, shared_share *s, emr_status status)
{
	int64_t now = view_boot_ns(view), told = s->owner->away_told_boot_ns;

	s->answers.is_missed |= status == EMR_TIMEOUT;
	if (status != EMR_TIMEOUT || (s->opens_away && s->owner->set == NULL))
		return false;
	if (told != 0 && now - told < AWAY_TOLD_NS)
		return true;
	s->owner->away_told_boot_ns = now;
	return false;
}

static uint64_t tomorrow(const emr_view *view)
{
	return ((uint64_t)(view_now_ns(view) / 1000000000) / SHARED_DAY_S + 1) * SHARED_DAY_S;
}

emr_status shared_notice_trouble(emr_view *view, shared_share *s, const node *n, emr_status status,
	const emr_share_trouble *trouble, unsigned seconds)
{
	emr_shared_notice notice;
	char *path;
	word w;

	shared_hear_clocks(view);
	w = word_of(s, status, trouble);
	if (w.id == NULL || is_told_already(view, s, w.status))
		return w.status;
	if (w.status == EMR_ACCESS_REVOKED)
		w.id = emr_share_end_id(view->shares->share, &s->grant);
	if (w.status == EMR_TIMEOUT && s->owner->set != NULL && trouble->liar_count == 0 &&
		trouble->code == 0)
		w.id = "absent";
	pthread_mutex_lock(&view->lock);
	notice = about(view, s, w.id);
	path = n->state == NODE_GONE ? path_of_share(s) : shared_path_of_any(n);
	pthread_mutex_unlock(&view->lock);
	notice.seconds = seconds;
	notice.time_unix_s = w.status == EMR_ACCESS_REVOKED ? s->grant.ledger_time
							    : s->grant.row.not_after_unix_s;
	if (w.status == EMR_QUOTA) {
		notice.n = s->owner->set->terms.daily_limit;
		notice.time_unix_s = s->owner->set->limit_until_unix_s = tomorrow(view);
	}
	notice.have_lied = trouble->liar_count > 0 && trouble->missing_count == 0;
	notice.missing = notice.have_lied ? trouble->liars : trouble->missing;
	notice.missing_count = notice.have_lied ? trouble->liar_count : trouble->missing_count;
	notice.is_owner_missing = trouble->is_owner_missing;
	tell_once(view, s, &notice, path);
	return w.status;
}

void shared_notice_refused(emr_view *view, uint64_t number, const char *name, const char *id)
{
	emr_shared_notice notice = {.id = NULL};
	char owner[EMR_NAME_MAX + 1] = "", *path = NULL, *whole;
	node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n != NULL && kind_top(n) != NULL) {
		path = shared_path_of_any(n);
		if (strcmp(id, "no-grant") == 0 && shared_share_of(n) != NULL &&
			shared_share_of(n)->is_blind)
			id = "files-only"; /* asking for more would not help */
		if (kind_top(n)->shared->owner != NULL)
			memcpy(owner, kind_top(n)->shared->owner->name, sizeof owner);
		notice = (emr_shared_notice){
			.id = id, .owner = owner, .time_unix_s = tomorrow(view)};
	}
	pthread_mutex_unlock(&view->lock);
	if (notice.id == NULL)
		return;
	if (path != NULL && name != NULL) {
		whole = NULL;
		if (asprintf(&whole, "%s/%s", path, name) < 0)
			whole = NULL;
		free(path);
		path = whole;
	}
	tell(view, &notice, path);
}
