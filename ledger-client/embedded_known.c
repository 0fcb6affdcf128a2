/* This file notes how the backend of a ledger in a channel is, as it was found, and makes each
 * call to it end when the ledger does. */
#include "embedded_private.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define HOST_MS                                                                                    \
	8000	     /* that a host waits for an answer: its clients take ten seconds for silence  \
		      */
#define OWN_MS 60000 /* that who hands in here waits */
#define LOOK_AGAIN_MS 50 /* whether another process has read the entry */

emr_fabric_call embedded_call(const embedded *e, unsigned wait_s, int64_t until_ns)
{
	return (emr_fabric_call){.wait_s = wait_s,
		.until_ns = until_ns,
		.cancel_fds = {e->channel->end_fd, e->channel->stop_fd}};
}

bool embedded_is_stopped(const embedded_channel *c)
{
	struct pollfd fds[2] = {
		{.fd = c->end_fd, .events = POLLIN}, {.fd = c->stop_fd, .events = POLLIN}};

	return poll(fds, 2, 0) > 0;
}

void embedded_wait_a_moment(embedded_channel *c)
{
	emr_cond_wait_until(&c->has_grown, &c->known_lock,
		emr_clock_boot_ns(emr_clock_system()) + LOOK_AGAIN_MS * 1000000);
}

void embedded_note_channel(embedded *e, emr_status status, const char *said)
{
	embedded_channel *c = e->channel;
	emr_ledger_absence *a = &c->absence;
	EMR_LOCKED(&c->known_lock);

	if (status == EMR_INTERRUPTED)
		return;
	/* Members are not denied what this computer may not write. */
	c->own = status == EMR_DENIED						  ? EMR_READ_ONLY
		 : status == EMR_NO_MEMORY || emr_ledger_fault_of(status) != NULL ? status
										  : EMR_OK;
	if (c->own != EMR_OK && said[0] == '\0')
		said = emr_status_text(c->own);
	a->refusal = emr_ledger_fault_of(c->own);
	status = status == EMR_OK ? EMR_OK : emr_ledger_absence_of(status);
	if (status != a->status || strcmp(said, c->said) != 0)
		emr_log(status == EMR_OK ? EMR_LOG_INFO : EMR_LOG_WARN, "channel: %s%s%s",
			status == EMR_OK ? "it is read" : emr_status_text(status),
			said[0] != '\0' ? ": " : "", said);
	if (status == EMR_OK)
		a->since_unix_s = 0;
	else if (a->since_unix_s == 0)
		a->since_unix_s = emr_clock_unix_s(e->clock);
	a->status = status;
	(void)snprintf(c->said, sizeof c->said, "%s", said);
	(void)pthread_cond_broadcast(&c->has_grown);
}

int64_t embedded_end_ns(const embedded *e)
{
	return emr_clock_boot_ns(emr_clock_system()) +
	       (e->submitter != NULL ? OWN_MS : HOST_MS) * INT64_C(1000000);
}
