/* This file writes the notices about received shares in words: ended shares, files that could not
 * be opened and why, and the organisations whose agents did not answer. */
#include "sharing/received.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "kit/language.h"
#include "kit/message.h"
#include "kit/purposes.h"
#include "kit/text.h"
#include "people/who.h"
#include "session/absence.h"
#include "view/received.h"

#define NAMES_BYTES 800

/* Organisations whose agents are missing; an agent nobody can name by his code. */
static void names_of(const emr_session *session, const emr_shared_notice *n, char out[NAMES_BYTES])
{
	emr_crowd crowd;
	emr_status status = emr_crowd_open(session, &crowd);
	size_t len = 0;

	out[0] = '\0';
	if (status != EMR_OK) {
		snprintf(out, NAMES_BYTES, _("%u of those who hold the keys"), n->missing_count);
		return;
	}
	for (unsigned i = 0; i < n->missing_count && len < NAMES_BYTES; i++) {
		emr_who who = {.called = "somebody"};
		bool is_named;

		is_named = emr_who_of(&crowd, n->missing[i], &who) == EMR_OK &&
			   who.organisation[0] != '\0';
		len += (size_t)snprintf(out + len, NAMES_BYTES - len, "%s%s", i > 0 ? ", " : "",
			is_named ? who.organisation : who.called);
	}
	emr_crowd_close(&crowd);
}

static void set_no_release(
	const emr_session *session, const emr_shared_notice *n, emr_problem *problem)
{
	char names[NAMES_BYTES], seconds[16], t[16], all[16];

	snprintf(seconds, sizeof seconds, "%u", n->seconds);
	snprintf(t, sizeof t, "%u", n->t);
	snprintf(all, sizeof all, "%u", n->n);
	names_of(session, n, names);
	if (n->have_lied)
		emr_problem_set(problem, EMR_SAY_NO_RELEASE_LIE, "path", n->inside, "names", names,
			"owner", n->owner, NULL);
	else if (n->n == 0 || names[0] == '\0')
		emr_problem_set(problem, EMR_SAY_NO_RELEASE_OWNER, "path", n->inside, "owner",
			n->owner, "s", seconds, NULL);
	else
		emr_problem_set(problem, EMR_SAY_NO_RELEASE, "path", n->inside, "names", names, "s",
			seconds, "t", t, "n", all, NULL);
}

static void set(const emr_session *session, const emr_shared_notice *n, emr_message message,
	emr_problem *problem)
{
	char purposes[EMR_PURPOSES_TEXT_BYTES], purpose[EMR_PURPOSES_TEXT_BYTES],
		time[EMR_TEXT_BYTES];

	if (message == EMR_SAY_NO_RELEASE) {
		set_no_release(session, n, problem);
		return;
	}
	if (message == EMR_SAY_CLOCK && n->ahead_s != 0) {
		emr_absence_say_clock(session->state_path, n->ahead_s, problem);
		return;
	}
	if (message == EMR_SAY_CLOCK)
		message = EMR_SAY_CLOCK_RELEASE;
	if (message == EMR_SAY_LEFT || message == EMR_SAY_DROPPED || message == EMR_SAY_CLOSED ||
		message == EMR_SAY_ABSENT) {
		emr_time_text((int64_t)n->time_unix_s, time);
		emr_problem_set(problem, message, "folder", n->owner, "dataset", n->dataset, "time",
			time, NULL);
		return;
	}
	if (message == EMR_SAY_DAILY_LIMIT) {
		snprintf(purpose, sizeof purpose, "%u", n->n);
		emr_time_text((int64_t)n->time_unix_s, time);
		emr_problem_set(
			problem, message, "dataset", n->dataset, "n", purpose, "time", time, NULL);
		return;
	}
	if (message == EMR_SAY_UNPAID) {
		emr_number_text(n->points, time);
		emr_problem_set(problem, message, "dataset", n->dataset, "n", time, "folder",
			n->owner, NULL);
		return;
	}
	if (message == EMR_SAY_NOT_A_COPY) {
		emr_problem_set(problem, message, "path", n->path, "dataset", n->dataset, NULL);
		return;
	}
	if (message == EMR_SAY_COPY_UNSIGNED) {
		emr_problem_set(problem, message, "path", n->path, "signer", n->owner, "original",
			n->inside, NULL);
		return;
	}
	emr_purposes_text(n->purposes, purposes);
	emr_purposes_text(UINT32_C(1) << (n->purpose & 31), purpose);
	emr_time_text((int64_t)n->time_unix_s, time);
	if (message == EMR_SAY_SIGNED_FALSELY || message == EMR_SAY_SIGNATURE_STALE)
		emr_problem_set(problem, message, "path", n->path, "signer", n->owner,
			"organisation", n->organisation, "time", time, NULL);
	else
		emr_problem_set(problem, message, "path",
			n->inside[0] != '\0' ? n->inside : n->path, "owner", n->owner, "time", time,
			"purposes", purposes, "purpose", purpose, NULL);
}

void emr_shared_notices_add(void *arg, const emr_shared_notice *n)
{
	const emr_shared_notices *to = arg;
	emr_problem problem = {0};
	emr_message message;

	if (strcmp(n->id, "read-only") == 0) {
		message = EMR_SAY_SHARED_READ_ONLY;
	} else if (strcmp(n->id, "bad-signature") == 0) {
		message = EMR_SAY_SIGNED_FALSELY;
	} else if (!emr_message_find(n->id, &message)) {
		emr_log(EMR_LOG_WARN, "notice %s was lost", n->id);
		return;
	}
	set(to->session, n, message, &problem);
	emr_notices_add_problem(to->notices, &problem, n->path);
}
