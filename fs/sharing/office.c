/* One thread of the open folder does what other people wait for: it releases keys, follows
 * teams, passes keys to the person's own computers. This file runs its looks when the ledger has
 * news, and lets a look that failed wait longer each time. */
#include "sharing/office.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "contract/codes.h"
#include "replica/follower.h"
#include "replica/ask.h"
#include "session/network_dir.h"
#include "sharing/office_looks.h"
#include "sharing/sharing.h"

#define SECOND_NS INT64_C(1000000000)
#define AGAIN_MAX_NS (60 * SECOND_NS)

/* A new look is a new line. */
static const emr_look looks[] = {
	{.name = "release", .look = emr_look_release, .end = emr_look_release_end},
	{.name = "epochs", .look = emr_look_epochs, .end = free},
	{.name = "requests", .look = emr_look_requests, .end = emr_look_requests_end},
	{.name = "own key", .look = emr_look_own_key, .end = free},
	{.name = "devices", .look = emr_look_devices, .end = free},
	{.name = "teams", .look = emr_look_teams},
	{.name = "invitations", .look = emr_look_invitations, .is_for_first = true},
	{.name = "readers", .look = emr_look_readers, .end = emr_look_readers_end},
	{.name = "agents", .look = emr_look_agents, .end = emr_told_end},
	{.name = "heard", .look = emr_look_heard, .end = free},
	{.name = "deleted", .look = emr_look_deleted, .end = emr_told_end},
	{.name = "recovery", .look = emr_look_recovery, .end = emr_told_end},
	{.name = "emergency", .look = emr_look_emergency, .end = emr_told_end},
	{.name = "news", .look = emr_look_news, .end = emr_look_news_end},
};

#define LOOKS (sizeof looks / sizeof *looks)

/* Where one look stands; the office's thread alone uses it. */
typedef struct standing {
	emr_share *share;
	void *memory;
	uint64_t seen; /* entries at its last good visit */
	int64_t due_boot_ns, pause_ns;
	bool has_begun;
} standing;

struct emr_office {
	emr_worker worker;
	atomic_ullong visits;
	emr_session *session; /* set before the thread, as NOTICES */
	emr_notices *notices;
	emr_listener listener;
	atomic_bool is_doubted; /* the ledger is not believed: nobody looks and nothing is sent */
	bool has_others;	/* of the thread, as the next one */
	standing standings[LOOKS];
};

static int64_t now_boot_ns(void)
{
	return emr_clock_boot_ns(emr_clock_system());
}

emr_status emr_office_new(emr_office **out_office)
{
	emr_office *office = calloc(1, sizeof *office);

	if (office == NULL)
		return EMR_NO_MEMORY;
	emr_worker_init(&office->worker);
	*out_office = office;
	return EMR_OK;
}

void emr_office_wake(emr_office *office)
{
	emr_worker_wake(&office->worker);
}

uint64_t emr_office_count(emr_office *office)
{
	return atomic_load(&office->visits);
}

/* ---- one round ---- */

/* Nobody has another person's or agent's key, or an own device's; devices of others come with their
 * persons. */
static bool is_alone(emr_office *office)
{
	EMR_ASK(asked, office->session->replica, PEOPLE);
	const emr_id32 root = emr_session_root(office->session);
	emr_known_person person;

	while (!office->has_others && emr_next(&asked, &person))
		office->has_others = memcmp(person.row.root, root.b, sizeof person.row.root) != 0;
	if (asked.status != EMR_OK)
		emr_log(EMR_LOG_WARN, "office: people: %s", emr_status_text(asked.status));
	return !office->has_others;
}

static void visit_one(emr_office *office, size_t i, uint64_t size)
{
	standing *at = &office->standings[i];
	emr_visit visit = {.session = office->session,
		.notices = office->notices,
		.from = at->seen,
		.size = size,
		.memory = at->memory,
		.due_boot_ns = INT64_MAX};
	emr_status status =
		at->share != NULL ? EMR_OK : emr_sharing_handle(office->session, &at->share);

	if (status == EMR_OK) {
		visit.share = at->share;
		status = looks[i].look(&visit);
		at->memory = visit.memory;
		atomic_fetch_add(&office->visits, 1);
	}
	at->has_begun = true;
	if (status == EMR_OK) {
		at->seen = size;
		at->pause_ns = 0;
		at->due_boot_ns = visit.due_boot_ns;
		return;
	}
	at->pause_ns = at->pause_ns == 0		 ? SECOND_NS
		       : at->pause_ns * 2 > AGAIN_MAX_NS ? AGAIN_MAX_NS
							 : at->pause_ns * 2;
	at->due_boot_ns = now_boot_ns() + at->pause_ns;
	if (status != EMR_OFFLINE)
		emr_log(EMR_LOG_WARN, "office: %s: %s", looks[i].name, emr_status_text(status));
}

/* A look that failed a moment ago waits for its time, whatever is new. */
static bool is_due(const standing *at, uint64_t size)
{
	if (at->pause_ns > 0)
		return now_boot_ns() >= at->due_boot_ns;
	return !at->has_begun || at->seen < size || now_boot_ns() >= at->due_boot_ns;
}

static void go_round(emr_office *office)
{
	EMR_AUTO_FREE char *dir = NULL;
	emr_replica_position position = {0};
	/* A newcomer is seen a moment later, by way of the folder's own following; before that no
	 * question of a newcomer can wait here. */
	const bool alone = is_alone(office);

	/* A founder of an organisation is alone in it until the first invitation is used. */
	if (alone && emr_network_dir_of(office->session->state_fd, &dir) != EMR_OK)
		return;
	if (emr_replica_at(office->session->replica, &position) != EMR_OK)
		return;
	for (size_t i = 0; i < LOOKS && !emr_worker_is_stopping(&office->worker); i++)
		if ((!alone || looks[i].is_for_first) &&
			is_due(&office->standings[i], position.size))
			visit_one(office, i, position.size);
}

/* ---- the thread ---- */

static void hear_of_ledger(const emr_listener *self, const emr_follow_turn *turn)
{
	emr_office *office = self->arg;
	const bool was_doubted = atomic_exchange(
		&office->is_doubted, turn->status != EMR_OK && !emr_status_may_pass(turn->status));

	if (turn->has_grown || was_doubted)
		emr_office_wake(office);
}

static void *run_office(void *arg)
{
	emr_office *office = arg;
	int64_t due_boot_ns = 0;

	while (emr_worker_wait(&office->worker, due_boot_ns)) {
		due_boot_ns = INT64_MAX;
		if (atomic_load(&office->is_doubted))
			continue;
		go_round(office);
		for (size_t i = 0; i < LOOKS; i++)
			if (office->standings[i].has_begun &&
				office->standings[i].due_boot_ns < due_boot_ns)
				due_boot_ns = office->standings[i].due_boot_ns;
	}
	return NULL;
}

emr_status emr_office_start(emr_office *office, emr_session *session, emr_notices *notices)
{
	if (session->read_only)
		return EMR_OK;
	office->session = session;
	office->notices = notices;
	office->listener = (emr_listener){.heard = hear_of_ledger, .arg = office};
	EMR_TRY(emr_follow_listen(session->replica, &office->listener));
	return emr_worker_start(&office->worker, "office", run_office, office);
}

void emr_office_end(emr_office *office)
{
	if (office == NULL)
		return;
	emr_follow_leave(&office->listener);
	emr_worker_stop(&office->worker);
	for (size_t i = 0; i < LOOKS; i++) {
		if (looks[i].end != NULL && office->standings[i].memory != NULL)
			looks[i].end(office->standings[i].memory);
		office->standings[i].memory = NULL;
		emr_share_free(office->standings[i].share);
		office->standings[i].share = NULL;
	}
}

void emr_office_free(emr_office *office)
{
	if (office == NULL)
		return;
	emr_worker_free(&office->worker);
	free(office);
}
