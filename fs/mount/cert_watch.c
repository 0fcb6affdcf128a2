/* This thread waits until a third of the certificate's time is left, and has it renewed while
 * the folder, or the agent, goes on. A failure is told once, and the renewal is tried again. */
#include "mount/service.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "network/renewing.h"
#include "session/registered.h"

#define LOOK_S UINT64_C(3600) /* at the longest: somebody may set the clock */
#define AWAY_S UINT64_C(20)   /* while the ledger is away */

struct emr_cert_watch {
	emr_session *session;
	emr_notices *notices; /* NULL: the log alone is told */
	emr_worker worker;
	bool is_first;	 /* of the thread: it has not looked yet, and nobody has before it */
	bool is_put_off; /* of the thread: it was due, and not tried */
	bool has_failed; /* of the thread: the last try did, and it was said */
	bool has_ended;	 /* of the thread: that, too, was said */
};

static void tell(const emr_cert_watch *w, const emr_problem *problem)
{
	if (w->notices != NULL)
		emr_notices_add_problem(w->notices, problem, "");
}

static void renew(emr_cert_watch *w)
{
	emr_problem problem = {0}, ended = {0};
	bool is_new = false, has_ended;
	emr_status status = EMR_OK;

	w->is_first = false;
	w->is_put_off = !emr_renewing_may_begin(w->session);
	if (!w->is_put_off)
		status = emr_renewing_do(w->session, &is_new, &problem);
	has_ended =
		emr_own_cert_has_ended(w->session, emr_clock_unix_s(emr_clock_system()), &ended);
	if (has_ended && !w->has_ended)
		tell(w, &ended);
	if (status != EMR_OK) {
		emr_log(EMR_LOG_WARN, "certificate: %s", problem.text);
		if (!w->has_failed && !has_ended)
			tell(w, &problem);
	}
	if (!w->is_put_off)
		w->has_failed = status != EMR_OK;
	w->has_ended = has_ended;
	if (is_new)
		emr_log(EMR_LOG_INFO, "certificate: it was renewed");
}

/* A newer one that came, and that the ledger was not told of, is brought with the next look.  One
 * that ends meanwhile is said when it does. */
static int64_t next_look_ns(const emr_cert_watch *w)
{
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	uint64_t due = emr_renewing_due(w->session);
	uint64_t end = emr_own_cert_end(w->session);
	uint64_t wait_s = due > now ? due - now : w->is_first ? 0 : w->is_put_off ? AWAY_S : LOOK_S;

	if (wait_s > LOOK_S)
		wait_s = LOOK_S;
	if (end >= now && end - now < wait_s)
		wait_s = end - now + 1;
	return emr_clock_boot_ns(emr_clock_system()) + (int64_t)wait_s * 1000000000;
}

static void *watch(void *arg)
{
	emr_cert_watch *w = arg;

	while (emr_worker_wait(&w->worker, next_look_ns(w)))
		renew(w);
	return NULL;
}

emr_status emr_cert_watch_start(
	emr_session *session, emr_notices *notices, bool has_tried, emr_cert_watch **out_watch)
{
	emr_problem said = {0};
	emr_cert_watch *w;
	emr_status status;

	*out_watch = NULL;
	if (emr_renewing_due(session) == UINT64_MAX)
		return EMR_OK;
	w = calloc(1, sizeof *w);
	if (w == NULL)
		return EMR_NO_MEMORY;
	w->session = session;
	w->notices = notices;
	w->is_first = !has_tried;
	w->has_ended = emr_own_cert_has_ended(
		session, emr_clock_unix_s(emr_clock_system()), &said); /* by who mounted */
	emr_worker_init(&w->worker);
	status = emr_worker_start(&w->worker, "certificate", watch, w);
	if (status != EMR_OK) {
		emr_cert_watch_free(w);
		return status;
	}
	*out_watch = w;
	return EMR_OK;
}

void emr_cert_watch_stop(emr_cert_watch *w)
{
	if (w != NULL)
		emr_worker_stop(&w->worker);
}

void emr_cert_watch_free(emr_cert_watch *w)
{
	if (w == NULL)
		return;
	emr_worker_free(&w->worker);
	free(w);
}
