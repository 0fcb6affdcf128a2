/* The ledger may be away (a network disk that is not there, a damaged file). This file notices
 * it, remembers since when, and tells the person what is still possible: reading goes on, and
 * what is saved waits. */
#include "session/absence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "kit/language.h"
#include "kit/text.h"
#include "served/client.h"
#include "session/network_dir.h"
#include "session/registered.h"

/* "emrfs ledger-away 1\nsince N\n" */
#define NOTE_MAX 80

uint64_t emr_absence_read(int state_fd)
{
	EMR_AUTO_BUF file = {0};
	char text[NOTE_MAX + 1];
	uint64_t since = 0;

	if (emr_file_read(state_fd, EMR_STATE_LEDGER_AWAY, NOTE_MAX, &file) != EMR_OK ||
		file.len == 0)
		return 0;
	memcpy(text, file.data, file.len);
	text[file.len] = '\0';
	return sscanf(text, "emrfs ledger-away 1 since %" SCNu64, &since) == 1 ? since : 0;
}

static void write_note(int state_fd, uint64_t since_unix_s)
{
	char text[NOTE_MAX];
	int len = snprintf(
		text, sizeof text, "emrfs ledger-away 1\nsince %" PRIu64 "\n", since_unix_s);
	emr_status status = emr_file_replace(state_fd, EMR_STATE_LEDGER_AWAY,
		emr_bytes_of((const uint8_t *)text, (size_t)len), 0600);

	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "the note of the ledger's absence: %s",
			emr_status_text(status));
}

void emr_absence_look(emr_session *session, emr_absence *out_absence)
{
	emr_ledger_absence now;
	uint64_t noted;

	emr_ledger_look(session->ledger, &now);
	*out_absence = (emr_absence){.status = now.status,
		.since_unix_s = now.since_unix_s,
		.is_asked = now.is_asked,
		.refusal = now.refusal,
		.ahead_s = now.ahead_s};
	if (now.status == EMR_OK || now.is_asked)
		return;
	noted = emr_absence_read(session->state_fd);
	if (noted > 0 && noted < now.since_unix_s)
		out_absence->since_unix_s = noted;
}

void emr_absence_remember(emr_session *session)
{
	emr_absence absence;

	if (session->is_still)
		return;
	emr_absence_look(session, &absence);
	if (absence.is_asked || absence.ahead_s != 0)
		return;
	if (absence.status != EMR_OK && emr_absence_read(session->state_fd) == 0)
		write_note(session->state_fd, absence.since_unix_s);
	if (absence.status == EMR_OK &&
		unlinkat(session->state_fd, EMR_STATE_LEDGER_AWAY, 0) != 0 && errno != ENOENT)
		emr_log(EMR_LOG_WARN, "the note of the ledger's absence stays (%d)", errno);
}

/* ---- saying it ---- */

static const char *cause_of(emr_status status)
{
	if (status == EMR_NEWER_FORMAT)
		return _("it has a format that this emrfs does not know");
	if (status == EMR_FORK)
		return _("it belongs to another network than this keyring");
	return _("its file is damaged");
}

static void say_absence(emr_status status, uint64_t since_unix_s, const char *state_path,
	const char *fault, emr_problem *out_problem)
{
	char since[EMR_TEXT_BYTES], place[4400], settings[4400], barrier[256];
	bool is_member;

	if (status == EMR_OK)
		return;
	emr_time_text((int64_t)since_unix_s, since);
	is_member = emr_network_dir_ledger_place(state_path, place, sizeof place);
	if (status != EMR_OFFLINE)
		emr_problem_set(out_problem, EMR_SAY_LEDGER_UNUSABLE, "since", since, "cause",
			cause_of(status), "place", place, "state", state_path, NULL);
	else if (fault != NULL)
		emr_problem_set(out_problem, EMR_SAY_LEDGER_AWAY_COPY, "since", since, "cause",
			fault, "place", place, "state", state_path, NULL);
	else if (is_member && emr_network_dir_host_at(place, settings, sizeof settings) &&
		 settings[0] == '/' && emr_file_is_barred(settings, barrier, sizeof barrier))
		emr_problem_set(out_problem, EMR_SAY_LEDGER_BARRED, "node", settings, "said",
			barrier, NULL);
	else if (is_member && emr_network_dir_host_at(place, settings, sizeof settings))
		emr_problem_set(out_problem, EMR_SAY_LEDGER_AWAY_HOST, "since", since, "node",
			settings, NULL);
	else if (is_member)
		emr_problem_set(out_problem, EMR_SAY_LEDGER_AWAY_MEMBER, "since", since, "place",
			place, NULL);
	else
		emr_problem_set(out_problem, EMR_SAY_LEDGER_AWAY_SINCE, "since", since, "place",
			place, "state", state_path, NULL);
}

/* The causes that a host which answers may have against this computer, by their names in the log.
 * The last counts where none fits. */
static const struct {
	const char *refusal, *cause, *step;
} refusals[] = {
	{EMR_SERVED_OLD_HOST,
		N_("the host of your network does not know the rules that its members have agreed "
		   "on"),
		N_("Saving goes on; ask whoever runs the host to update emrfs there.")},
	{EMR_LEDGER_FULL, N_("the disk on which your network's ledger lies is full"),
		N_("Saving goes on; ask whoever runs the host to make room there.")},
	{EMR_LEDGER_STILL, N_("the disk on which your network's ledger lies takes no writes"),
		N_("Saving goes on; ask whoever runs the host to look at that disk.")},
	{EMR_SERVED_RECOVERY, N_("the host of your network is being restored"),
		N_("Saving goes on.")},
	{EMR_SERVED_UNKNOWN,
		N_("your key is not in force there (not yet, or it ended, or another one followed "
		   "it)"),
		N_("If you or a guardian took new words, take those: emrfs recover. Otherwise ask "
		   "whoever administers your organisation.")},
	{"another host", N_("it shows another certificate than this computer was told of"),
		N_("Ask whoever administers your organisation.")},
	{"", N_("it answers with an error"), N_("Ask whoever administers your organisation.")},
};

static size_t refusal_called(const char *name)
{
	const size_t last = sizeof refusals / sizeof *refusals - 1;
	size_t i = 0;

	while (i < last && strcmp(refusals[i].refusal, name) != 0)
		i++;
	return i;
}

/* Without a time since when nothing comes from it, the ledger is there, and only what was sent was
 * not taken. */
static void say_refusal(
	const emr_session *session, const emr_absence *absence, emr_problem *out_problem)
{
	char since[EMR_TEXT_BYTES], log[4400];
	size_t i = refusal_called(absence->refusal);

	snprintf(log, sizeof log, "%.4000s/log", session->state_path);
	if (absence->since_unix_s == 0) {
		emr_problem_set(out_problem, EMR_SAY_LEDGER_TAKES_NOTHING, "cause",
			emr_text(refusals[i].cause), "step", emr_text(refusals[i].step), "log", log,
			NULL);
		return;
	}
	emr_time_text((int64_t)absence->since_unix_s, since);
	emr_problem_set(out_problem, EMR_SAY_LEDGER_REFUSES, "since", since, "cause",
		emr_text(refusals[i].cause), "step", emr_text(refusals[i].step), "log", log, NULL);
}

void emr_absence_say_clock(const char *state_path, int64_t ahead_s, emr_problem *out_problem)
{
	const uint64_t minutes = (uint64_t)(ahead_s < 0 ? -ahead_s : ahead_s) / 60;
	char place[4400], host[4400], d[EMR_COUNT_BYTES];

	if (minutes < 120)
		emr_count_text(minutes, "minute", "minutes", d);
	else if (minutes < 2880)
		emr_count_text(minutes / 60, "hour", "hours", d);
	else
		emr_count_text(minutes / 1440, "day", "days", d);
	if (!emr_network_dir_ledger_place(state_path, place, sizeof place) ||
		!emr_network_dir_host_at(place, host, sizeof host))
		snprintf(host, sizeof host, "%s", _("the ledger"));
	emr_problem_set(out_problem, ahead_s > 0 ? EMR_SAY_CLOCK : EMR_SAY_CLOCK_BEHIND, "host",
		host, "d", d, NULL);
}

/* Of a host that answers; false: it is no more than away. */
static bool say_answering(
	const emr_session *session, const emr_absence *absence, emr_problem *out_problem)
{
	if (absence->ahead_s != 0) {
		emr_absence_say_clock(session->state_path, absence->ahead_s, out_problem);
		return true;
	}
	if (emr_own_cert_has_ended(session, emr_clock_unix_s(emr_clock_system()), out_problem))
		return true;
	if (absence->is_asked)
		emr_problem_set(out_problem, EMR_SAY_LEDGER_ASKED, NULL);
	else if (absence->refusal != NULL)
		say_refusal(session, absence, out_problem);
	return out_problem->is_set;
}

void emr_absence_say(const emr_session *session, const emr_absence *absence, const char *fault,
	emr_problem *out_problem)
{
	const bool answers =
		absence->is_asked || absence->ahead_s != 0 ||
		(absence->refusal != NULL && strcmp(absence->refusal, EMR_SERVED_UNKNOWN) == 0);

	if (absence->refusal != NULL && strcmp(absence->refusal, EMR_SERVED_RECOVERY) == 0) {
		emr_problem_set(out_problem, EMR_SAY_LEDGER_AWAY_RECOVERS, NULL);
		return;
	}
	if (absence->status == EMR_OFFLINE && fault == NULL && answers &&
		say_answering(session, absence, out_problem))
		return;
	say_absence(
		absence->status, absence->since_unix_s, session->state_path, fault, out_problem);
}

const char *emr_absence_refusal(emr_ledger *ledger)
{
	emr_ledger_absence now = {.refusal = NULL};
	const char *name;

	if (ledger != NULL)
		emr_ledger_look(ledger, &now);
	name = now.status == EMR_OK ? now.unsent.fault : now.refusal;
	return name != NULL ? emr_text(refusals[refusal_called(name)].cause) : NULL;
}

bool emr_absence_say_refusal(
	const emr_session *session, emr_ledger *ledger, emr_problem *out_problem)
{
	emr_ledger_absence now = {.refusal = NULL};
	emr_absence absence;

	if (ledger != NULL)
		emr_ledger_look(ledger, &now);
	absence = (emr_absence){.status = now.status,
		.since_unix_s = now.since_unix_s,
		.refusal = now.refusal,
		.ahead_s = now.ahead_s};
	if (now.status == EMR_OK)
		absence.refusal = now.sent_refusal;
	return absence.refusal != NULL && say_answering(session, &absence, out_problem);
}

void emr_absence_say_status(
	emr_status status, uint64_t since_unix_s, const char *state_path, emr_problem *out_problem)
{
	if (status != EMR_OK)
		say_absence(
			emr_ledger_absence_of(status), since_unix_s, state_path, NULL, out_problem);
}

bool emr_absence_say_rules(const emr_session *session, emr_problem *out_problem)
{
	emr_row_network row;

	if (emr_replica_network(session->replica, &row) == EMR_OK)
		(void)emr_newer_rules(row.contract, emr_contract_newest());
	emr_problem_set(out_problem, EMR_SAY_NEWER_RULES, NULL);
	return false;
}

bool emr_absence_say_noted(const char *state_path, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = open(state_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const uint64_t since = fd >= 0 ? emr_absence_read(fd) : 0;

	if (since > 0)
		emr_absence_say_status(EMR_NOT_FOUND, since, state_path, out_problem);
	return since > 0;
}
