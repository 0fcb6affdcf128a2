/* This file carries an invitation's reply and its answer, by the network's host. It judges nothing
 * that it carries, and refuses what is too long. */
#include "network/post.h"

#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "served/client.h"

#define FIRST_PAUSE_NS INT64_C(200000000)
#define LONGEST_PAUSE_NS INT64_C(5000000000)

static const char *step_of(emr_letter_kind kind)
{
	return kind == EMR_LETTER_REPLY ? "reply" : "certificate";
}

emr_post emr_post_of(const char *dir, emr_id16 invitation, const emr_keyring *admin)
{
	return (emr_post){.dir = dir, .id = invitation, .admin = admin, .pause_ns = FIRST_PAUSE_NS};
}

emr_status emr_post_invite(emr_post *post, uint64_t expires, emr_bytes sealed)
{
	EMR_AUTO_BUF letter = {0};
	uint8_t end[8];

	emr_put_u64(end, expires);
	EMR_TRY(emr_buf_append(&letter, end, sizeof end));
	EMR_TRY(emr_buf_append(&letter, sealed.data, sealed.len));
	return emr_served_leave(
		post->dir, post->admin, post->id, "invitation", emr_buf_view(&letter));
}

emr_status emr_post_put(emr_post *post, emr_letter_kind kind, emr_bytes bytes)
{
	emr_status status;

	status = emr_served_leave(post->dir, post->admin, post->id, step_of(kind), bytes);
	return status == EMR_NOT_FOUND && kind == EMR_LETTER_REPLY ? EMR_EXISTS : status;
}

static void sleep_ns(int64_t ns)
{
	const struct timespec pause = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	if (ns > 0)
		(void)nanosleep(&pause, NULL);
}

/* A host that is away for a moment ends no waiting of days. */
static emr_status find_once(emr_post *post, emr_letter_kind kind, size_t max, emr_buf *out)
{
	emr_status status = emr_served_find(post->dir, post->admin, post->id, step_of(kind), out);

	post->asked_ns = emr_clock_boot_ns(emr_clock_system());
	post->pause_ns =
		2 * post->pause_ns < LONGEST_PAUSE_NS ? 2 * post->pause_ns : LONGEST_PAUSE_NS;
	if (status == EMR_OK)
		return out->len <= max ? EMR_OK : EMR_LIMIT;
	return status == EMR_NOT_FOUND || emr_status_may_pass(status) ? EMR_TIMEOUT : status;
}

emr_status emr_post_look(
	emr_post *post, emr_letter_kind kind, size_t max, int64_t within_ns, emr_buf *out)
{
	const emr_clock *clock = emr_clock_system();
	const int64_t until = emr_clock_boot_ns(clock) + within_ns;

	for (;;) {
		int64_t now = emr_clock_boot_ns(clock);
		/* Once it is asked in any case, also by who has no time to wait. */
		int64_t due = post->asked_ns == 0 ? until : post->asked_ns + post->pause_ns;

		if (due > until && now < until)
			sleep_ns(until - now);
		if (due > until)
			return EMR_TIMEOUT;
		if (post->asked_ns != 0)
			sleep_ns(due - now);
		emr_status status = find_once(post, kind, max, out);
		if (status != EMR_TIMEOUT)
			return status;
	}
}
