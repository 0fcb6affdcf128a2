/* A network on Fabric stands in a channel that others run. This file waits until the channel takes
 * the certificates of the new organisation, and begins the network there, or finds that it has
 * begun. */
#include "network/founding.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "gateway/channel.h"
#include "kit/language.h"
#include "session/network_dir.h"

#define LOOK_AGAIN_NS 500000000L

/* A channel that does not know the CA yet denies and refuses, until its administrators have let it
 * in. */
static bool may_let_in(emr_status status)
{
	return status == EMR_DENIED || status == EMR_REFUSED || emr_status_is_moved(status) ||
	       emr_status_may_pass(status);
}

typedef emr_status (*meeting)(const char *dir, const emr_keyring *keyring, emr_bytes certificate,
	emr_bytes descriptor, char *said, size_t said_size);

static emr_status wait_until(const emr_founding *f, meeting meet, emr_bytes certificate,
	emr_bytes descriptor, char said[512])
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
	const int64_t until = emr_clock_boot_ns(emr_clock_system()) + f->within_ns;
	emr_status status;

	for (;;) {
		status = meet(f->dir, f->keyring, certificate, descriptor, said, 512);
		if (status == EMR_OK || !may_let_in(status) ||
			emr_clock_boot_ns(emr_clock_system()) >= until)
			return status;
		(void)nanosleep(&pause, NULL);
	}
}

static void say(const emr_founding *f, emr_status status, const char *said)
{
	char cause[600];

	if (status == EMR_FORK && said[0] != '\0')
		snprintf(cause, sizeof cause, "%s",
			_("its channel begins with another block than \"genesis\" there says"));
	else if (status == EMR_FORK)
		snprintf(cause, sizeof cause, "%s", _("another network has begun in its channel"));
	else if (status == EMR_NOT_FOUND)
		snprintf(cause, sizeof cause, "%s", _("no network has begun in its channel"));
	else if (may_let_in(status))
		snprintf(cause, sizeof cause,
			_("its channel does not take the certificates of the CA in %s there (%s)"),
			EMR_CHANNEL_CA, said[0] != '\0' ? said : emr_text(emr_status_text(status)));
	else
		snprintf(cause, sizeof cause, "%s",
			said[0] != '\0' ? said : emr_text(emr_status_text(status)));
	emr_problem_set(f->problem, EMR_SAY_NETWORK_DIR, "dir", f->dir, "cause", cause, NULL);
}

static emr_status come(const emr_founding *f, meeting meet, emr_bytes ca, emr_bytes certificate,
	emr_bytes descriptor)
{
	char said[512] = "";
	bool is_new = false;
	emr_status status;

	EMR_TRY(emr_keyring_tlv_set(f->keyring, EMR_KEYRING_CERTIFICATE, certificate));
	EMR_TRY(emr_channel_offer_ca(f->dir, ca));
	emr_say(f->out,
		"The CA of %s is in %s/%s: the channel has to know it.\n"
		"That may take days: when this is ended before, the same line goes on, with the "
		"same CA.\n",
		f->name, f->dir, EMR_CHANNEL_CA);
	fflush(stdout); /* it is needed now, while this waits */
	emr_progress(f->out, "Waiting until the channel takes its certificates ...");
	status = wait_until(f, meet, certificate, descriptor, said);
	emr_progress_end(f->out);
	if (status == EMR_OK)
		status = emr_channel_pin(
			f->dir, f->keyring, certificate, &is_new, said, sizeof said);
	if (status != EMR_OK)
		say(f, status, said);
	else if (is_new)
		emr_say(f->out,
			"The channel's first block is kept in %s/%s (\"genesis\"), and another one "
			"is refused from now on: compare it with whoever runs the channel.\n",
			f->dir, EMR_CHANNEL_SETTINGS);
	return status;
}

emr_status emr_founding_begin(void *arg, const emr_network_made *made, emr_ledger **out_ledger)
{
	const emr_founding *f = arg;
	const emr_ledger_options options = {
		.path = made->path, .own = f->own, .submitter = f->keyring};
	emr_status status =
		emr_begun_keep(f->begun, f->keyring, made->certificate, made->descriptor);

	if (status == EMR_OK)
		status = come(f, emr_channel_begin, made->ca, made->certificate, made->descriptor);
	return status == EMR_OK ? emr_channel_open(&options, out_ledger) : status;
}

emr_status emr_founding_meet(
	const emr_founding *founding, emr_bytes ca, emr_bytes certificate, emr_bytes descriptor)
{
	return come(founding, emr_channel_meet, ca, certificate, descriptor);
}
