/* An organisation that wants to join a network applies here, waits until enough members have
 * admitted it, and registers its administrator. The number that it shows lets them see that
 * nobody exchanged the application. */
#include "network/applying.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "contract/item.h"
#include "kit/language.h"
#include "ledger/admission.h"
#include "network/enrolling.h"
#include "replica/follower.h"
#include "replica/ask.h"
#include "session/network_dir.h"

#define LOOK_MS 1000
#define PAUSE_NS 500000000L /* while the ledger is away */

typedef struct applying {
	emr_session *session;
	const char *dir;
	const char *msp;    /* of the organisation in the channel; empty: the network is in none */
	emr_buf descriptor; /* of the network, as it was handed over */
	emr_buf bytes;	    /* of the application */
	emr_application application;
	emr_begun *begun;
	const char *handle; /* of the administrator's certificate */
	const emr_login *login;
	bool has_authority; /* of its own */
	emr_out *out;
	int64_t within_ns, until_boot_ns;
	bool is_member, goes_on;
} applying;

static void applying_end(applying *a)
{
	emr_session_close_copy(a->session);
	emr_buf_free(&a->bytes);
	emr_buf_free(&a->descriptor);
}

static emr_status look_whether_member(applying *a)
{
	EMR_ASK(asked, a->session->replica, ORGS);
	emr_known_org org;

	while (emr_next(&asked, &org))
		a->is_member =
			a->is_member || (emr_id16_equal(org.org, a->application.org) &&
						org.row.head.state == EMR_ORG_MEMBER &&
						memcmp(org.row.admin_id,
							a->session->identity.signer_id.b, 32) == 0);
	return asked.status;
}

/* A ledger that is away for a moment ends no waiting of days: who begins again is another
 * organisation, and the one that the members admit meanwhile would be nobody.  True: it passes, and
 * a pause was made. */
static bool passes(const applying *a, emr_status status)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	/* A host lets nobody read before, and on a channel peers bring parts later. */
	if ((!emr_status_may_pass(status) && status != EMR_DENIED &&
		    (status != EMR_MISSING_DATA || a->msp[0] == '\0')) ||
		emr_clock_boot_ns(emr_clock_system()) >= a->until_boot_ns)
		return false;
	(void)nanosleep(&pause, NULL);
	return true;
}

/* Until the ledger, verified here, says that the organisation is a member. */
static emr_status wait_for_members(applying *a)
{
	emr_replica *replica = a->session->replica;
	uint64_t size = 0;
	emr_status status = EMR_OK;

	for (;;) {
		if (status == EMR_OK)
			status = look_whether_member(a);
		if ((status != EMR_OK && !passes(a, status)) || a->is_member)
			return status;
		if (emr_clock_boot_ns(emr_clock_system()) >= a->until_boot_ns)
			return EMR_TIMEOUT;
		status = emr_follow_wait(replica, &size, LOOK_MS);
		if (status == EMR_TIMEOUT)
			status = EMR_OK;
	}
}

static bool is_registered(const applying *a)
{
	emr_replica *replica = a->session->replica;
	emr_known_person person;

	return emr_follow_now(replica) == EMR_OK &&
	       emr_replica_person(replica, a->session->identity.signer_id, &person) == EMR_OK;
}

/* The administrator's key.  The ledger takes it once, also when it could not say so. */
static emr_status register_admin(applying *a, const char *name, emr_bytes cert)
{
	const emr_session *session = a->session;
	emr_status status;

	do
		status = emr_application_register(
			session->keyring, &a->application, cert, name, session->ledger, NULL);
	while (passes(a, status));
	return status == EMR_REFUSED && is_registered(a) ? EMR_OK : status;
}

/* In a channel each organisation has a peer, and says by which name it has that. */
static emr_status check_msp(const applying *a, emr_problem *out_problem)
{
	EMR_AUTO_BUF descriptor = {0};

	if (a->msp[0] != '\0')
		return EMR_OK;
	if (emr_network_dir_descriptor(a->dir, &descriptor) != EMR_OK ||
		emr_descriptor_host((emr_span){descriptor.data, descriptor.len}) != EMR_HOST_FABRIC)
		return EMR_OK;
	return EMR_PROBLEM(EMR_INVALID, out_problem, EMR_SAY_WRONG_USE, "what",
		_("That network is in a channel of Fabric: --channel DIR says where the "
		  "emrfs-fabric of your organisation is."),
		"verb", "org", NULL);
}

static uint64_t now(void)
{
	return emr_clock_unix_s(emr_clock_system());
}

static uint64_t its_end(const applying *a)
{
	return now() + (uint64_t)(a->within_ns / 1000000000) + 1;
}

/* Everything kept from here on counts, however the program ends. */
static emr_status certify(applying *a, emr_buf *out_cert)
{
	emr_keyring *keyring = a->session->keyring;

	if (!a->has_authority) {
		emr_buf_clear(out_cert);
		EMR_TRY(emr_application_certify(
			keyring, &a->application, a->handle, now(), out_cert));
	}
	return emr_begun_keep(a->begun, keyring, emr_buf_view(out_cert), emr_buf_view(&a->bytes));
}

static emr_status take_up(
	applying *a, const emr_application *wanted, emr_buf *out_cert, emr_problem *out_problem)
{
	emr_status status = emr_buf_append(&a->bytes, a->begun->what.data, a->begun->what.len);

	if (status == EMR_OK &&
		(emr_application_read(emr_buf_view(&a->bytes), &a->application) != EMR_OK ||
			!emr_id16_equal(a->application.net_id, wanted->net_id) ||
			strcmp(a->application.name, wanted->name) != 0 ||
			strcmp(a->application.msp, wanted->msp) != 0))
		status = emr_begun_say_other(a->begun, wanted->name, out_problem);
	return status == EMR_OK
		       ? emr_keyring_tlv_get(a->session->keyring, EMR_KEYRING_CERTIFICATE, out_cert)
		       : status;
}

/* By the organisation's own authority, whose root everybody is told of. */
static emr_status make_by_authority(
	applying *a, const emr_application *wanted, emr_buf *out_cert, emr_problem *out_problem)
{
	EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};
	emr_keyring *keyring = a->session->keyring;

	EMR_TRY(emr_enrol_admin(a->dir, keyring, a->login, &got, out_problem));
	EMR_TRY(emr_application_by(keyring, wanted->net_id, wanted->name, wanted->msp,
		emr_buf_view(&got.root), its_end(a), &a->bytes, &a->application));
	return emr_buf_append(out_cert, got.chain.data, got.chain.len);
}

/* Makes the three things that nobody else makes: an id, a CA, and the administrator's certificate
 * by it. */
static emr_status make(applying *a, const char *name, emr_buf *out_cert, emr_problem *out_problem)
{
	emr_keyring *keyring = a->session->keyring;
	const char *msp = a->msp[0] != '\0' ? a->msp : NULL;
	emr_application wanted = {0};

	EMR_TRY(emr_network_dir_descriptor(a->dir, &a->descriptor));
	emr_descriptor_net_id((emr_span){a->descriptor.data, a->descriptor.len}, wanted.net_id.b);
	snprintf(wanted.name, sizeof wanted.name, "%s", name);
	snprintf(wanted.msp, sizeof wanted.msp, "%s", a->msp);
	if (a->begun->what.len > 0)
		EMR_TRY(take_up(a, &wanted, out_cert, out_problem));
	else {
		EMR_TRY(a->has_authority ? make_by_authority(a, &wanted, out_cert, out_problem)
					 : emr_application_make(keyring, wanted.net_id, name, msp,
						   now(), its_end(a), &a->bytes, &a->application));
		EMR_TRY(certify(a, out_cert));
	}
	return emr_keyring_public(keyring, &a->session->identity);
}

/* One that waited longer than members look at it asks once more, unless they were quicker. */
static emr_status freshen(applying *a, emr_buf *out_cert, emr_problem *out_problem)
{
	const emr_application earlier = a->application;
	EMR_AUTO_BUF old = {0};
	emr_status status;

	a->until_boot_ns = 0; /* one look */
	status = wait_for_members(a);
	if (status != EMR_TIMEOUT || a->application.expires > now())
		return status == EMR_TIMEOUT ? EMR_OK : status;
	emr_session_close_copy(a->session);
	old = a->bytes; /* the earlier one borrows from it */
	a->bytes = (emr_buf){0};
	EMR_TRY(emr_application_again(&earlier, its_end(a), &a->bytes, &a->application));
	EMR_TRY(certify(a, out_cert));
	return emr_session_open_copy(a->session, false, NULL, out_problem);
}

/* Nobody admits it when it has ended. */
static void set_end(applying *a)
{
	const int64_t left_ns =
		(int64_t)(a->application.expires - now()) * 1000000000; /* it is of our own */

	a->until_boot_ns = emr_clock_boot_ns(emr_clock_system()) + left_ns;
}

static emr_status apply(applying *a, const char *name, emr_problem *out_problem)
{
	EMR_AUTO_APPLICATIONS post = {0};
	char number[EMR_APPLICATION_NUMBER_CHARS], word[EMR_PROBLEM_TEXT_BYTES];
	emr_status status;

	EMR_TRY(emr_applications_open(a->dir, a->session->keyring, &post, out_problem));
	status = emr_applications_put(&post, emr_buf_view(&a->bytes));
	if (status == EMR_LIMIT)
		emr_problem_set(out_problem, EMR_SAY_HOST_MAIL_FULL, "what",
			"host/mail/*.application", NULL);
	if (status != EMR_OK)
		return status;
	emr_application_number(emr_buf_view(&a->bytes), number);
	emr_shell_name(name, word, sizeof word);
	emr_say(a->out,
		"%s asks to be admitted.  The members' administrators say: emrfs org admit %s\n"
		"They must see this number: %s\n",
		name, word, number);
	fflush(stdout); /* it is needed now, while this waits */
	emr_out_text(a->out, "number", number);
	emr_progress(a->out, "Waiting until enough of them have approved ...");
	status = wait_for_members(a);
	emr_progress_end(a->out);
	return status;
}

emr_status emr_applying_do(emr_session *session, const char *dir, const char *name, const char *msp,
	const char *handle, const emr_login *login, int64_t within_ns, emr_begun *begun,
	emr_out *out, emr_buf *out_cert, emr_problem *out_problem)
{
	__attribute__((cleanup(applying_end))) applying a = {.session = session,
		.dir = dir,
		.msp = msp,
		.begun = begun,
		.handle = handle,
		.login = login,
		.has_authority = emr_login_is_there(dir),
		.out = out,
		.within_ns = within_ns,
		.goes_on = begun->what.len > 0,
		.until_boot_ns = emr_clock_boot_ns(emr_clock_system()) + within_ns};
	emr_status status = check_msp(&a, out_problem);

	if (status == EMR_OK)
		status = make(&a, name, out_cert, out_problem);
	if (status == EMR_OK)
		status = emr_session_open_copy(session, false, NULL, out_problem);
	if (status == EMR_OK && a.goes_on)
		status = freshen(&a, out_cert, out_problem);
	if (status == EMR_OK && a.goes_on)
		set_end(&a);
	if (status == EMR_OK && !a.is_member)
		status = apply(&a, name, out_problem);
	if (status == EMR_TIMEOUT && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_NOT_ADMITTED, "what", name, NULL);
	if (status == EMR_OK)
		status = register_admin(&a, name, emr_buf_view(out_cert));
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, "Joining");
	return status;
}
