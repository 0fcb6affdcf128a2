/* An organisation that wants to join a network applies here, waits until enough members have
 * admitted it, and registers its administrator. The number that it shows lets them see that
 * nobody exchanged the application. */
#include "network/applying.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ledger/admission.h"
#include "replica/follower.h"
#include "replica/people.h"
#include "session/network_dir.h"

#define LOOK_MS 1000

typedef struct applying {
	emr_session *session;
	const char *dir;
	emr_buf bytes;
	emr_application application;
	emr_out *out;
	int64_t until_boot_ns;
	bool is_member;
} applying;

static void applying_end(applying *a)
{
	emr_replica_close(a->session->replica);
	emr_ledger_close(a->session->ledger);
	a->session->replica = NULL;
	a->session->ledger = NULL;
	emr_buf_free(&a->bytes);
}

static emr_status note_org(void *arg, emr_id16 org, const emr_row_org *row)
{
	applying *a = arg;

	a->is_member =
		a->is_member ||
		(emr_id16_equal(org, a->application.org) && row->head.state == EMR_ORG_MEMBER &&
			memcmp(row->admin_id, a->session->identity.signer_id.b, 32) == 0);
	return EMR_OK;
}

/* Until the ledger, verified here, says that the organisation is a member. */
static emr_status wait_for_members(applying *a)
{
	emr_replica *replica = a->session->replica;
	emr_status status = emr_follow_now(replica);
	emr_follow_place place = emr_follow_here(replica);

	for (;;) {
		if (status == EMR_OK)
			status = emr_replica_orgs(replica, note_org, a);
		if (status != EMR_OK || a->is_member)
			return status;
		if (emr_clock_boot_ns(emr_clock_system()) >= a->until_boot_ns)
			return EMR_TIMEOUT;
		status = emr_follow_wait(replica, &place, LOOK_MS);
		if (status == EMR_TIMEOUT || status == EMR_INTERRUPTED)
			status = EMR_OK;
	}
}

static emr_status apply(applying *a, const char *name, int64_t within_ns)
{
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	char number[EMR_APPLICATION_NUMBER_CHARS];
	emr_status status = emr_keyring_public(a->session->keyring, &a->session->identity);

	if (status == EMR_OK)
		status = emr_application_make(a->session->keyring,
			emr_ledger_net_id(a->session->ledger), name, now,
			now + (uint64_t)(within_ns / 1000000000) + 1, &a->bytes, &a->application);
	if (status == EMR_OK)
		status = emr_mail_put(
			a->dir, a->application.org, EMR_MAIL_APPLICATION, emr_buf_view(&a->bytes));
	if (status != EMR_OK)
		return status;
	emr_application_number(emr_buf_view(&a->bytes), number);
	emr_say(a->out,
		"%s asks to be admitted.  The members' administrators say: emrfs org admit \"%s\"\n"
		"They must see this number: %s\n",
		name, name, number);
	fflush(stdout); /* it is needed now, while this waits */
	emr_out_text(a->out, "number", number);
	emr_progress(a->out, "Waiting until enough of them have approved ...");
	status = wait_for_members(a);
	emr_progress_end(a->out);
	emr_mail_remove(a->dir, a->application.org, EMR_MAIL_APPLICATION);
	return status;
}

emr_status emr_applying_do(emr_session *session, const char *dir, const char *name,
	const char *handle, int64_t within_ns, emr_out *out, emr_buf *out_cert,
	emr_problem *out_problem)
{
	__attribute__((cleanup(applying_end))) applying a = {.session = session,
		.dir = dir,
		.out = out,
		.until_boot_ns = emr_clock_boot_ns(emr_clock_system()) + within_ns};
	emr_status status = emr_session_open_copy(session, false, out_problem);

	if (status == EMR_OK)
		status = apply(&a, name, within_ns);
	if (status == EMR_TIMEOUT)
		emr_problem_set(out_problem, EMR_SAY_NOT_ADMITTED, "what", name, NULL);
	if (status == EMR_OK)
		status = emr_application_certify(session->keyring, &a.application, handle,
			emr_clock_unix_s(emr_clock_system()), out_cert);
	if (status == EMR_OK)
		status = emr_application_register(session->keyring, &a.application,
			emr_buf_view(out_cert), name, session->ledger, NULL);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, "Joining");
	return status;
}
