/* This file connects the folder to sharing: a value that a script writes into the attribute
 * `grant.WHO`, and a removal from `shared-by-me`, become the same orders as `emrfs share` and
 * `emrfs revoke` make. A value that would let somebody see more needs the confirmation code, and a
 * rename that would do so is refused. */
#include "sharing/sharing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/worker.h"
#include "base/log.h"
#include "kit/language.h"
#include "kit/paths.h"
#include "kit/purposes.h"
#include "kit/text.h"
#include "share/write.h"
#include "sharing/shares.h"

#define MONTH_S ((uint64_t)30 * 86400)
#define LIST_MAX ((size_t)64 << 10) /* what an attribute may have */

struct emr_doors {
	emr_session *session;
	emr_notices *notices;
	pthread_mutex_t lock;
	emr_share_rows rows; /* as of GENERATION; under lock, as all below */
	uint64_t generation, end_unix_s;
	bool is_known;
	uint64_t told_since_unix_s;
	unsigned told;
};

emr_status emr_doors_new(emr_session *session, emr_notices *notices, emr_doors **out_doors)
{
	emr_doors *doors = calloc(1, sizeof *doors);

	if (doors == NULL)
		return EMR_NO_MEMORY;
	doors->session = session;
	doors->notices = notices;
	pthread_mutex_init(&doors->lock, NULL);
	*out_doors = doors;
	return EMR_OK;
}

void emr_doors_free(emr_doors *doors)
{
	if (doors == NULL)
		return;
	emr_shares_free(&doors->rows);
	pthread_mutex_destroy(&doors->lock);
	free(doors);
}

/* ---- what is shared, looked up once for each state of ledger and orders ---- */

static uint64_t now_s(void)
{
	return emr_clock_unix_s(emr_clock_system());
}

static uint64_t generation_of(const emr_doors *doors)
{
	emr_replica_position at = {0};

	if (emr_replica_at(doors->session->replica, &at) != EMR_OK)
		at.size = 0;
	return at.size * 1000003 + emr_sharing_changes(doors->session->sharing);
}

/* Under the lock. */
static emr_status refresh(emr_doors *doors)
{
	uint64_t generation = generation_of(doors);
	EMR_AUTO_CROWD crowd = {0};
	emr_share_rows rows = {0};

	if (doors->is_known && doors->generation == generation && now_s() < doors->end_unix_s)
		return EMR_OK;
	EMR_TRY(emr_crowd_open(doors->session, &crowd));
	EMR_TRY(emr_shares_collect(doors->session, &crowd, NULL, EMR_SHARES_INNER, &rows));
	emr_shares_free(&doors->rows);
	doors->rows = rows;
	doors->generation = generation;
	doors->end_unix_s = UINT64_MAX;
	for (size_t i = 0; i < rows.n; i++)
		if (rows.list[i].state == EMR_SHARE_CONFIRMED &&
			rows.list[i].until_unix_s < doors->end_unix_s)
			doors->end_unix_s = rows.list[i].until_unix_s;
	doors->is_known = true;
	return EMR_OK;
}

/* Shown as shared: not what is about to end, or has failed. */
static bool is_shown(const emr_share_row *row)
{
	return row->state == EMR_SHARE_CONFIRMED || row->state == EMR_SHARE_QUEUED;
}

static uint64_t generation(void *arg)
{
	emr_doors *doors = arg;
	uint64_t number, now = now_s();
	EMR_LOCKED(&doors->lock);

	number = generation_of(doors);
	for (size_t i = 0; i < doors->rows.n; i++) /* what ends by itself */
		number += doors->rows.list[i].until_unix_s <= now ? UINT64_C(1) << 40 : 0;
	return number;
}

static emr_status list_shares(void *arg, emr_giving_fn fn, void *fn_arg)
{
	emr_doors *doors = arg;
	EMR_LOCKED(&doors->lock);

	EMR_TRY(refresh(doors));
	for (size_t i = 0; i < doors->rows.n; i++) {
		const emr_share_row *row = &doors->rows.list[i];

		if (is_shown(row) && !row->is_inner) /* one share has one link, where it begins */
			EMR_TRY(fn(fn_arg, row->who.called, row->path, row->domain));
	}
	return EMR_OK;
}

static int by_end(const void *a, const void *b)
{
	const emr_share_row *x = *(const emr_share_row *const *)a,
			    *y = *(const emr_share_row *const *)b;

	return x->until_unix_s < y->until_unix_s ? -1 : x->until_unix_s > y->until_unix_s;
}

/* Those that end soonest come first, so that what is cut is the rest. */
static emr_status say_shared_with(emr_doors *doors, emr_id16 domain, emr_buf *out)
{
	EMR_AUTO_FREE const emr_share_row **shown = calloc(doors->rows.n + 1, sizeof *shown);
	size_t n = 0, before = out->len;

	if (shown == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < doors->rows.n; i++)
		if (emr_id16_equal(doors->rows.list[i].domain, domain) &&
			is_shown(&doors->rows.list[i]))
			shown[n++] = &doors->rows.list[i];
	EMR_SORT(shown, n, by_end);
	for (size_t i = 0; i < n; i++) {
		char until[EMR_TEXT_BYTES], one[EMR_WHO_CALLED_MAX + EMR_TEXT_BYTES + 16];
		int len;

		emr_time_json((int64_t)shown[i]->until_unix_s, until);
		len = snprintf(one, sizeof one, "%s%s until %s", i > 0 ? ", " : "",
			shown[i]->who.called, until);
		if (len < 0 || out->len - before + (size_t)len > LIST_MAX)
			break;
		EMR_TRY(emr_buf_append(out, one, (size_t)len));
	}
	return EMR_OK;
}

static emr_status shared_with(void *arg, emr_id16 domain, emr_buf *out)
{
	emr_doors *doors = arg;
	EMR_LOCKED(&doors->lock);

	EMR_TRY(refresh(doors));
	if (doors->rows.n > 0)
		EMR_TRY(say_shared_with(doors, domain, out));
	return EMR_OK;
}

/* ---- one grant ---- */

/* Only people of the book: whom else a name means may change with every new member.  Teams and
 * organisations are in nobody's book. */
static emr_status find_known(emr_doors *doors, const char *text, emr_who *out_who)
{
	EMR_AUTO_CROWD crowd = {0};
	char names[400];
	emr_status status = emr_crowd_open(doors->session, &crowd);

	if (status == EMR_OK)
		status = emr_who_find(&crowd, text, out_who, names, sizeof names);
	if (status == EMR_CONFLICT ||
		(status == EMR_OK && out_who->kind == EMR_WHO_PERSON && !out_who->is_known))
		status = EMR_NOT_FOUND;
	return status;
}

static emr_status say_grant(const emr_share_row *row, emr_buf *out)
{
	char until[EMR_TEXT_BYTES], state[200], purposes[EMR_PURPOSES_TEXT_BYTES], text[700];
	size_t kept = 0;

	emr_time_json((int64_t)row->until_unix_s, until);
	emr_share_state_text(row, state, sizeof state);
	emr_purposes_text(row->purposes, purposes);
	for (size_t i = 0; purposes[i] != '\0'; i++) /* "treatment, legal" without blanks */
		if (purposes[i] != ' ')
			purposes[kept++] = purposes[i];
	purposes[kept] = '\0';
	snprintf(text, sizeof text, "%s until=%s%s%s grant=%s state=%s",
		emr_rights_word(row->rights), until, purposes[0] != '\0' ? " purpose=" : "",
		purposes, row->id[0] != '\0' ? row->id : "none", state);
	return emr_buf_append(out, text, strlen(text));
}

/* Of several grants the one that ends last; what is on its way before what stands. */
static emr_status get(void *arg, emr_id16 domain, const char *who, emr_buf *out)
{
	emr_doors *doors = arg;
	const emr_share_row *best = NULL;
	char names[400];
	emr_who person;
	emr_status status;
	EMR_LOCKED(&doors->lock);

	EMR_TRY(refresh(doors));
	status = emr_shares_who(&doors->rows, &domain, who, &person, names, sizeof names);
	if (status == EMR_NOT_FOUND)
		status = find_known(doors, who, &person);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND || status == EMR_CONFLICT ? EMR_NO_ATTRIBUTE
									 : status;
	for (size_t i = 0; i < doors->rows.n; i++) {
		const emr_share_row *row = &doors->rows.list[i];

		if (!emr_id16_equal(row->domain, domain) || !emr_who_is_same(&row->who, &person) ||
			(row->rights & EMR_GRANT_TWO) != 0) /* an attribute has no word for it */
			continue;
		if (best == NULL || (row->order.number > best->order.number) ||
			(row->order.number == best->order.number &&
				row->until_unix_s > best->until_unix_s))
			best = row;
	}
	return best != NULL ? say_grant(best, out) : EMR_NO_ATTRIBUTE;
}

static bool parse_right(const char *word, uint16_t *out)
{
	static const uint16_t rights[] = {EMR_RIGHTS_READ, EMR_RIGHTS_WRITE, EMR_RIGHTS_DEPOSIT};

	for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
		if (strcmp(word, emr_rights_word(rights[i])) == 0) {
			*out = rights[i];
			return true;
		}
	return false;
}

static emr_status cannot(const char *word, const char *what, emr_buf *out_cause)
{
	char cause[300];

	snprintf(cause, sizeof cause, "%s%.200s%s%s", word != NULL ? "'" : "",
		word != NULL ? word : "", word != NULL ? "' " : "", emr_text(what));
	emr_buf_clear(out_cause);
	return emr_buf_append(out_cause, cause, strlen(cause) + 1) == EMR_OK ? EMR_INVALID
									     : EMR_NO_MEMORY;
}

/* "read|write|deposit [until=TIME] [purpose=P[,P]]".  EMR_INVALID: *OUT_CAUSE says why, as text. */
static emr_status parse(const char *text, emr_order *order, emr_buf *out_cause)
{
	char copy[1024], *rest = NULL, *word;
	const char *why;
	bool is_first = true;

	snprintf(copy, sizeof copy, "%s", text);
	order->purposes = 1;
	order->until_unix_s = order->asked_unix_s + MONTH_S;
	for (word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		if (is_first && !parse_right(word, &order->rights))
			return cannot(word, "is none of read, write and deposit", out_cause);
		if (!is_first && strncmp(word, "until=", 6) == 0) {
			if (emr_until_read(word + 6, order->asked_unix_s, &order->until_unix_s,
				    &why) != EMR_OK)
				return cannot(NULL, why, out_cause);
		} else if (!is_first && strncmp(word, "purpose=", 8) == 0) {
			if (!emr_purposes_parse(word + 8, &order->purposes))
				return cannot(word + 8,
					"is none of treatment, emergency, research, payment, "
					"family, self and legal",
					out_cause);
		} else if (!is_first) {
			return cannot(word, "is none of until=, purpose= and confirm=", out_cause);
		}
		is_first = false;
	}
	if (order->rights == EMR_RIGHTS_DEPOSIT) /* nothing is opened, for no purpose */
		order->purposes = 0;
	return is_first ? cannot("", "says nothing", out_cause) : EMR_OK;
}

/* A program that tries a thousand times is refused as often; a person is told twenty times a
 * minute. */
static bool may_tell(emr_doors *doors)
{
	uint64_t now = now_s();
	EMR_LOCKED(&doors->lock);

	if (now - doors->told_since_unix_s > 60) {
		doors->told_since_unix_s = now;
		doors->told = 0;
	}
	return doors->told++ < 20;
}

/* Whether WHO has all that ORDER says already, by a grant that was made for this very place and
 * stands, or is on its way. A grant that is there only because the folder lies in a shared one does
 * not count: it ends with that one. */
static emr_status find_covering(
	emr_doors *doors, const emr_order *order, const emr_who *who, bool *out_is_covered)
{
	EMR_LOCKED(&doors->lock);

	*out_is_covered = false;
	EMR_TRY(refresh(doors));
	for (size_t i = 0; i < doors->rows.n; i++) {
		const emr_share_row *row = &doors->rows.list[i];

		if (emr_id16_equal(row->domain, order->domain) && emr_who_is_same(&row->who, who) &&
			is_shown(row) && !row->is_inner &&
			emr_rights_alike(row->rights, order->rights) &&
			row->until_unix_s >= order->until_unix_s &&
			(order->rights & ~row->rights) == 0 &&
			(order->purposes & ~row->purposes) == 0)
			*out_is_covered = true;
	}
	return EMR_OK;
}

/* The folder's path on this computer, for other commands; owned, NULL without memory. */
static char *place_of(const emr_doors *doors, const char *path)
{
	const char *top = doors->notices != NULL ? emr_notices_folder(doors->notices) : ".";
	char *place;

	return asprintf(&place, "%s%s%s", top, path[0] != '\0' ? "/" : "", path) < 0 ? NULL : place;
}

/* EMR_FORBIDDEN: VALUE is what a person may want and no copy may do. */
static emr_status check_confirmed(emr_doors *doors, const emr_order *order, const emr_who *who,
	const char *path, const char *called, const char *value, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *place = NULL;
	bool is_covered;
	char text[EMR_WHO_TEXT_BYTES];

	EMR_TRY(find_covering(doors, order, who, &is_covered));
	if (is_covered)
		return EMR_OK;
	place = place_of(doors, path);
	emr_who_text(who, text, sizeof text);
	return EMR_PROBLEM(EMR_FORBIDDEN, out_problem, EMR_SAY_GRANT_UNCONFIRMED, "path", path,
		"names", text, "who", called, "value", value, "folder",
		place != NULL ? place : path, NULL);
}

static emr_status set(
	void *arg, const char *path, const char *who, emr_bytes value, bool is_confirmed)
{
	emr_doors *doors = arg;
	emr_order order = {.kind = EMR_ORDER_GRANT, .asked_unix_s = now_s()};
	emr_problem problem = {0};
	EMR_AUTO_BUF cause = {0};
	char text[1024];
	uint64_t number;
	emr_who person;
	emr_status status;

	if (doors->session->sharing == NULL)
		return EMR_UNSUPPORTED;
	if (value.len >= sizeof text || memchr(value.data, '\0', value.len) != NULL)
		return EMR_INVALID;
	snprintf(text, sizeof text, "%.*s", (int)value.len, (const char *)value.data);
	status = parse(text, &order, &cause);
	if (status == EMR_INVALID)
		emr_problem_set(&problem, EMR_SAY_GRANT_VALUE, "path", path, "who", who, "cause",
			(const char *)cause.data, NULL);
	if (status == EMR_OK)
		status = find_known(doors, who, &person);
	if (status == EMR_NOT_FOUND)
		emr_problem_set(&problem, EMR_SAY_UNKNOWN_PERSON, "who", who, NULL);
	if (status == EMR_OK)
		status = emr_sharing_place(
			doors->session, path, false, &order.domain, order.label, &problem);
	if (status == EMR_OK)
		status = emr_sharing_may_have(&person, &problem);
	if (status == EMR_OK)
		status = emr_sharing_may_do(doors->session, path, &person, order.rights, &problem);
	if (status == EMR_OK && !is_confirmed)
		status = check_confirmed(doors, &order, &person, path, who, text, &problem);
	if (problem.is_set && doors->notices != NULL && may_tell(doors))
		emr_notices_add_problem(doors->notices, &problem, path);
	if (status != EMR_OK)
		return status == EMR_DENIED ? EMR_FORBIDDEN : status;
	order.rights = emr_sharing_by_rule(doors->session, order.rights);
	order.grantee = person.id;
	order.root = person.root;
	order.replaces = true; /* an attribute has one value */
	snprintf(order.who, sizeof order.who, "%s", person.called);
	EMR_TRY(emr_view_make_domain(doors->session->view, path, &order.domain));
	return emr_sharing_give(doors->session->sharing, &order, &number);
}

#define KEYS_MAX 8 /* of one team, while a share is on its way to its newest */

/* WHO in DOMAIN, and a team also as it was before it got another key. */
static size_t same_as(emr_doors *doors, emr_id16 domain, const emr_who *who, emr_who out[KEYS_MAX])
{
	size_t n = 0;

	out[n++] = *who;
	pthread_mutex_lock(&doors->lock);
	for (size_t i = 0; i < doors->rows.n && n < KEYS_MAX; i++) {
		const emr_share_row *row = &doors->rows.list[i];
		bool is_known =
			!emr_id16_equal(row->domain, domain) || !emr_who_is_same(&row->who, who);

		for (size_t k = 0; k < n && !is_known; k++)
			is_known = emr_id32_equal(out[k].root, row->who.root);
		if (!is_known)
			out[n++] = row->who;
	}
	pthread_mutex_unlock(&doors->lock);
	return n;
}

static emr_status end_one(
	emr_doors *doors, emr_id16 domain, const char *path, const emr_who *person)
{
	emr_who all[KEYS_MAX];
	size_t n = same_as(doors, domain, person, all);
	emr_status status = EMR_NOT_FOUND;
	uint64_t number;

	for (size_t i = 0; i < n; i++) {
		emr_status one = emr_sharing_take_back(
			doors->session->sharing, domain, path, &all[i], &number);

		if (one != EMR_OK && one != EMR_NOT_FOUND)
			return one;
		status = one == EMR_OK ? EMR_OK : status;
	}
	return status;
}

static emr_status take_back(void *arg, emr_id16 domain, const char *path, const char *who)
{
	emr_doors *doors = arg;
	EMR_AUTO_CROWD crowd = {0};
	char names[400];
	emr_who person;
	bool is_found;
	emr_status status;

	if (doors->session->sharing == NULL)
		return EMR_UNSUPPORTED;
	/* Finds a person who has something there, whether the person may act or not. */
	pthread_mutex_lock(&doors->lock);
	status = refresh(doors);
	if (status == EMR_OK)
		status = emr_shares_who(&doors->rows, &domain, who, &person, names, sizeof names);
	is_found = status == EMR_OK;
	pthread_mutex_unlock(&doors->lock);
	if (status == EMR_NOT_FOUND)
		status = emr_crowd_open(doors->session, &crowd);
	if (status == EMR_OK && !is_found) /* also who is called by his handle: to end something
					      nobody has to be in the book */
		status = emr_who_find(&crowd, who, &person, names, sizeof names);
	if (status == EMR_OK)
		status = end_one(doors, domain, path, &person);
	return status == EMR_NOT_FOUND || status == EMR_CONFLICT ? EMR_NO_ATTRIBUTE : status;
}

/* ---- moving ---- */

/* Of IDS, who may also change what comes to TO: "NAMES (of them X may change it)".  As of the last
 * look. */
static void add_writers(emr_doors *doors, emr_bytes ids, const char *to, char *names, size_t size)
{
	size_t n = 0;

	pthread_mutex_lock(&doors->lock);
	for (size_t i = 0; i < doors->rows.n; i++) {
		const emr_share_row *row = &doors->rows.list[i];
		size_t at = strlen(names);
		bool is_meant = false;
		char text[EMR_WHO_TEXT_BYTES];

		for (size_t k = 0; k + sizeof(emr_id32) <= ids.len; k += sizeof(emr_id32))
			is_meant = is_meant || memcmp(ids.data + k, row->who.root.b,
						       sizeof row->who.root.b) == 0;
		if (!is_meant || !is_shown(row) || emr_rights_of_reading(row->rights) == 0 ||
			emr_rights_of_writing(row->rights) == 0 ||
			emr_path_below(row->path, to) == NULL)
			continue;
		emr_who_text(&row->who, text, sizeof text);
		if (at + strlen(text) + 40 < size)
			snprintf(names + at, size - at, "%s%s",
				n++ == 0 ? " (who may change it: " : "; ", text);
	}
	pthread_mutex_unlock(&doors->lock);
	if (n > 0)
		strcat(names, ")");
}

static void would_share(void *arg, const char *from, const char *to, emr_bytes ids)
{
	emr_doors *doors = arg;
	const char *slash = strrchr(to, '/'), *name = strrchr(from, '/');
	EMR_AUTO_FREE char *folder = strndup(to, slash != NULL ? (size_t)(slash - to) : 0);
	EMR_AUTO_CROWD crowd = {0};
	char names[2 * EMR_WHO_TEXT_BYTES];

	if (doors->notices == NULL || !may_tell(doors))
		return;
	if (folder == NULL || emr_crowd_open(doors->session, &crowd) != EMR_OK) {
		emr_log(EMR_LOG_WARN, "notice would-share was lost");
		return;
	}
	emr_who_names(&crowd, ids, names, sizeof names);
	add_writers(doors, ids, to, names, sizeof names);
	emr_notices_add_that(doors->notices, from, EMR_SAY_MOVE_WOULD_SHARE, "name",
		name != NULL ? name + 1 : from, "folder", folder[0] != '\0' ? folder : "the top",
		"names", names, "src", from, "dest", to, "path", from, NULL);
}

const emr_giving emr_doors_giving = {.generation = generation,
	.list = list_shares,
	.shared_with = shared_with,
	.get = get,
	.set = set,
	.remove = take_back,
	.would_share = would_share};
