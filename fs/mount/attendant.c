/* This file is the main loop of an agent's service: it hears of the ledger's news, answers
 * questions for keys when it is its turn, signs the head of the ledger, renews its receiving key,
 * and reports how it is doing. It opens no record. */
#include "mount/attendant.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "contract/codes.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "ledger/checkpoint.h"
#include "replica/follower.h"
#include "replica/people.h"
#include "replica/restart.h"
#include "session/absence.h"
#include "session/heard.h"
#include "share/release.h"

#define TICK_MS 30000  /* a look at the clock although nothing happens */
#define AGAIN_MS 2000  /* after something went wrong */
#define SIGN_MS 1000   /* between two signatures of the head */
#define WAITING_MAX 32 /* questions that a report names */
#define KEY_S ((uint64_t)7 * 86400)
#define KEY_AGAIN_S 3600u /* after a renewal that did not come about */

/* The requests of other threads. */
typedef struct news {
	uint64_t served, refused, destroyed, grants, fragments;
	uint64_t witnessed_unix_s, key_unix_s, size;
	emr_id16 waiting[WAITING_MAX];
	size_t waiting_n;
	bool is_in_force;
	emr_status status; /* of the last run */
} news;

struct emr_attendant {
	emr_session *session;
	emr_share *share;
	emr_agency *agency;
	int dirfd, wake_fd;
	atomic_bool stop;
	uint64_t started_unix_s;	      /* does not change */
	uint64_t key_try_unix_s, signed_size; /* of the working thread, as all down to the lock */
	int64_t signed_boot_ns;
	news now;
	emr_listener listener;
	_Atomic uint64_t heard; /* entries of the copy */
	pthread_mutex_t lock;
	news shown; /* protected by lock */
};

static uint64_t unix_now(void)
{
	return emr_clock_unix_s(emr_clock_system());
}

void emr_attendant_free(emr_attendant *a)
{
	if (a == NULL)
		return;
	emr_follow_leave(&a->listener);
	emr_agency_close(a->agency);
	emr_share_free(a->share);
	if (a->dirfd >= 0)
		close(a->dirfd);
	if (a->wake_fd >= 0)
		close(a->wake_fd);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* ---- what there is to say ---- */

static emr_status count_held(emr_attendant *a)
{
	size_t grants = 0, fragments = 0;

	EMR_TRY(emr_agency_grants(a->agency, &grants));
	EMR_TRY(emr_agency_count(a->agency, &fragments));
	a->now.grants = grants;
	a->now.fragments = fragments;
	return EMR_OK;
}

static json_t *waiting_json(const news *n)
{
	json_t *list = json_array();
	char id[33];

	for (size_t i = 0; list != NULL && i < n->waiting_n && i < WAITING_MAX; i++) {
		emr_hex(n->waiting[i].b, sizeof n->waiting[i].b, id);
		if (json_array_append_new(list, json_pack("{s:s}", "request", id)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *emr_attendant_report(emr_attendant *a)
{
	news n;

	pthread_mutex_lock(&a->lock);
	n = a->shown;
	pthread_mutex_unlock(&a->lock);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:b, s:o, s:I}",
		"grants_held", (json_int_t)n.grants, "fragments", (json_int_t)n.fragments, "served",
		(json_int_t)n.served, "refused", (json_int_t)n.refused, "destroyed",
		(json_int_t)n.destroyed, "questions", waiting_json(&n), "witnessed_at",
		emr_json_time(n.witnessed_unix_s), "key_made_at", emr_json_time(n.key_unix_s),
		"started_at", emr_json_time(a->started_unix_s), "ledger_entries",
		(json_int_t)n.size, "in_force", n.is_in_force, "error",
		n.status == EMR_OK ? json_null() : json_string(emr_status_text(n.status)), "pid",
		(json_int_t)getpid());
}

/* ---- one round of work ---- */

static emr_status look_at_key(emr_attendant *a)
{
	emr_known_person me;
	emr_status status =
		emr_replica_person(a->session->replica, a->session->identity.signer_id, &me);

	a->now.is_in_force = false;
	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	if (status == EMR_OK && (me.row.roles & EMR_ROLE_AGENT) != 0)
		status = emr_replica_person_is_active(
			a->session->replica, &me, unix_now(), &a->now.is_in_force);
	return status;
}

static emr_status renew_if_due(emr_attendant *a, int *next_ms)
{
	uint64_t made = 0, now = unix_now();

	EMR_TRY(emr_agency_key_time(a->agency, &made));
	a->now.key_unix_s = made;
	if (now < made + KEY_S || now < a->key_try_unix_s + KEY_AGAIN_S)
		return EMR_OK;
	a->key_try_unix_s = now;
	*next_ms = 0; /* what comes onto the ledger meanwhile is taken in, and not looked at */
	EMR_TRY(emr_agency_renew_key(a->agency));
	EMR_TRY(emr_agency_key_time(a->agency, &a->now.key_unix_s));
	emr_log(EMR_LOG_INFO, "agent: another receiving key");
	return EMR_OK;
}

/* Signs the head that was reached and verified here; at most once a second, because each is a write
 * that others see. One that does not grow is signed again, so that others know that this runs. */
static emr_status sign_head(emr_attendant *a)
{
	emr_checkpoint head = {.net_id = emr_ledger_net_id(a->session->ledger)};
	EMR_AUTO_BUF note = {0};
	emr_replica_position at;
	int64_t boot_ns = emr_clock_boot_ns(emr_clock_system());
	emr_status status;

	EMR_TRY(emr_replica_at(a->session->replica, &at));
	a->now.size = at.size;
	if (boot_ns - a->signed_boot_ns <
		(at.size > a->signed_size ? (int64_t)SIGN_MS * 1000000
					  : (int64_t)EMR_AGENT_SIGNS_S * 1000000000))
		return EMR_OK;
	head.size = at.size;
	memcpy(head.root, at.root, sizeof head.root);
	status = emr_checkpoint_cosign(&head, a->session->keyring, unix_now());
	if (status == EMR_OK)
		status = emr_checkpoint_format(&head, &note);
	if (status == EMR_OK)
		status = emr_ledger_leave_checkpoint(a->session->ledger, emr_buf_view(&note));
	if (status == EMR_ROLLBACK) /* others have signed a longer one meanwhile: the next time */
		return EMR_OK;
	if (status != EMR_OK)
		return status;
	a->signed_size = at.size;
	a->signed_boot_ns = boot_ns;
	a->now.witnessed_unix_s = unix_now();
	return EMR_OK;
}

static emr_status work(emr_attendant *a, int *out_next_ms)
{
	emr_release_tally tally = {.next_ms = -1};
	emr_status status = emr_agency_run(a->agency, &tally);

	a->now.served += tally.answered;
	a->now.refused += tally.refused;
	a->now.destroyed += tally.destroyed;
	a->now.waiting_n = emr_agency_waiting(a->agency, a->now.waiting, WAITING_MAX);
	*out_next_ms = tally.next_ms;
	if (status == EMR_OK)
		status = look_at_key(a);
	if (status == EMR_OK && (tally.enrolled > 0 || tally.destroyed > 0))
		status = count_held(a);
	if (status == EMR_OK)
		status = renew_if_due(a, out_next_ms);
	if (status == EMR_OK)
		status = sign_head(a);
	if (status != a->now.status)
		emr_log(status == EMR_OK ? EMR_LOG_INFO : EMR_LOG_WARN, "agent: %s",
			emr_status_text(status));
	a->now.status = status;
	pthread_mutex_lock(&a->lock);
	a->shown = a->now;
	pthread_mutex_unlock(&a->lock);
	return status;
}

/* ---- the whole ---- */

static emr_status say_why_not(emr_session *session, emr_status status, emr_problem *out_problem)
{
	if (out_problem->is_set || emr_absence_say_refusal(session, session->ledger, out_problem))
		return status;
	if (status == EMR_OFFLINE)
		emr_problem_set(out_problem, EMR_SAY_LEDGER_NO_ANSWER, NULL);
	else
		emr_problem_set_status(out_problem, status, _("The agent"));
	return status;
}

static emr_status open_agency(emr_attendant *a)
{
	const emr_share_options share = {.keyring = a->session->keyring,
		.ledger = a->session->ledger,
		.replica = a->session->replica};
	emr_status status = emr_keyring_public(a->session->keyring, &a->session->identity);

	a->dirfd = openat(a->session->state_fd, EMR_STATE_AGENT,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	a->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->dirfd < 0 || a->wake_fd < 0)
		return emr_status_from_errno(errno);
	if (status == EMR_OK)
		status = emr_share_new(&share, &a->share);
	return status == EMR_OK ? emr_agency_open(a->share, a->dirfd, &a->agency) : status;
}

static emr_status attendant_begin(emr_attendant *a, emr_status followed, emr_problem *out_problem)
{
	int next_ms;

	EMR_TRY(open_agency(a));
	EMR_TRY(followed);
	EMR_TRY(look_at_key(a));
	if (!a->now.is_in_force)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_AGENT_ENDED, NULL);
	EMR_TRY(count_held(a));
	EMR_TRY(work(a, &next_ms));
	return emr_follow_listen(a->session->replica, &a->listener);
}

static void hear(const emr_listener *self, const emr_follow_turn *turn)
{
	emr_attendant *a = self->arg;

	atomic_store(&a->heard, turn->size);
	if (turn->has_grown || turn->status != EMR_OK)
		(void)eventfd_write(a->wake_fd, 1);
}

emr_status emr_attendant_new(emr_session *session, emr_status followed,
	emr_attendant **out_attendant, emr_problem *out_problem)
{
	emr_attendant *a = calloc(1, sizeof *a);
	emr_status status;

	if (a == NULL)
		return say_why_not(session, EMR_NO_MEMORY, out_problem);
	a->session = session;
	a->dirfd = a->wake_fd = -1;
	a->started_unix_s = unix_now();
	a->signed_boot_ns = INT64_MIN / 2;
	a->listener = (emr_listener){.heard = hear, .arg = a};
	pthread_mutex_init(&a->lock, NULL);
	status = attendant_begin(a, followed, out_problem);
	if (status != EMR_OK) {
		emr_attendant_free(a);
		return say_why_not(session, status, out_problem);
	}
	*out_attendant = a;
	return EMR_OK;
}

void emr_attendant_stop(emr_attendant *a)
{
	atomic_store(&a->stop, true);
	emr_ledger_stop(a->session->ledger); /* a peer may take a minute for each of its answers */
	(void)eventfd_write(a->wake_fd, 1);
}

/* Until the ledger grows, a question's turn comes, or the head may be signed; after a round that
 * came to STATUS. */
static void wait_for_work(emr_attendant *a, emr_status status, int next_ms)
{
	struct pollfd woken = {.fd = a->wake_fd, .events = POLLIN};
	int ms = status != EMR_OK ? AGAIN_MS : a->now.size > a->signed_size ? SIGN_MS : TICK_MS;
	eventfd_t count;

	if (status == EMR_OK && next_ms >= 0 && next_ms < ms)
		ms = next_ms;
	(void)eventfd_read(a->wake_fd, &count); /* by news that this round has looked at */
	if (!atomic_load(&a->stop) && (status != EMR_OK || atomic_load(&a->heard) <= a->now.size))
		(void)poll(&woken, 1, ms);
}

void emr_attendant_run(emr_attendant *a)
{
	while (!atomic_load(&a->stop)) {
		int next_ms = -1;
		const emr_status status = work(a, &next_ms);

		if (status != EMR_OK && emr_replica_must_go_on(a->session->replica))
			return;
		wait_for_work(a, status, next_ms);
	}
	emr_log(EMR_LOG_INFO, "agent: told to end");
}
