/* When a certificate is to be renewed: also while the keyring has a newer one of which nobody knows
 * whether the ledger names it. */
#include "keyring_kit.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keyring/cert.h"
#include "network/enrolling.h"
#include "network/renewing.h"
#include "replica/people.h"
#include "session/keys.h"
#include "session/network_dir.h"

#define DAY UINT64_C(86400)

emr_status __wrap_emr_network_dir_of(int state_fd, char **out_dir);
bool __wrap_emr_enrolling_is_there(const char *dir);
emr_status __wrap_emr_replica_person(
	emr_replica *replica, emr_id32 signer_id, emr_known_person *out_person);

emr_status __wrap_emr_network_dir_of(int state_fd, char **out_dir)
{
	(void)state_fd;
	*out_dir = strdup("network");
	return *out_dir != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* The organisation has an authority of its own. */
bool __wrap_emr_enrolling_is_there(const char *dir)
{
	(void)dir;
	return true;
}

/* No copy of the ledger says when the certificate came. */
emr_status __wrap_emr_replica_person(
	emr_replica *replica, emr_id32 signer_id, emr_known_person *out_person)
{
	(void)replica;
	(void)signer_id;
	(void)out_person;
	return EMR_NOT_FOUND;
}

/* For 90 days from now on. */
static void give_certificate(emr_keyring *keyring, uint64_t now)
{
	const emr_cert_subject authority = {
		.handle = "ca", .not_before = now, .not_after = now + 900 * DAY};
	const emr_cert_subject lima = {
		.handle = "lima", .roles = 1, .not_before = now, .not_after = now + 90 * DAY};
	EMR_AUTO_BUF ca = {0}, certificate = {0};
	emr_public public;

	assert_ok(emr_keyring_public(keyring, &public));
	assert_ok(emr_cert_make_ca(keyring, &authority, &ca));
	assert_ok(emr_cert_issue(keyring, emr_buf_view(&ca), &lima,
		emr_bytes_of(public.p256_spki, EMR_P256_SPKI_BYTES), &certificate));
	assert_ok(
		emr_keyring_tlv_set(keyring, EMR_KEYRING_CERTIFICATE, emr_buf_view(&certificate)));
}

/* The ledger may say no to it, and the former one, which is the keyring's again then, does not last
 * until the newer one would have been due. */
static void a_newer_one_that_the_ledger_may_not_know_is_due_now(void **state)
{
	EMR_AUTO_KEYRING keyring = kit_keyring();
	const uint64_t now = (uint64_t)time(NULL);
	char dir[] = "/tmp/emr-renewing-XXXXXX";
	emr_session session = {.keyring = keyring};
	int next_fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	session.state_fd = open(dir, O_DIRECTORY | O_CLOEXEC);
	assert_true(session.state_fd >= 0);
	give_certificate(keyring, now);
	assert_in_range(emr_renewing_due(&session), now + 59 * DAY, now + 61 * DAY);
	next_fd = openat(session.state_fd, EMR_STATE_CERTIFICATE ".next",
		O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(next_fd >= 0);
	assert_in_range(emr_renewing_due(&session), 0, now);
	assert_int_equal(unlinkat(session.state_fd, EMR_STATE_CERTIFICATE ".next", 0), 0);
	assert_in_range(emr_renewing_due(&session), now + 59 * DAY, now + 61 * DAY);
	close(next_fd);
	close(session.state_fd);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_newer_one_that_the_ledger_may_not_know_is_due_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
