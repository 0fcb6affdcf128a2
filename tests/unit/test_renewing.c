/* These tests ask when a certificate is renewed, also while the keyring has a newer one and nobody
 * knows whether the ledger has it. */
#include "keyring_kit.h"

#include <time.h>

#include "keyring/cert.h"
#include "network/enrolling.h"
#include "network/renewing.h"
#include "replica/people.h"
#include "session/keys.h"
#include "session/network_dir.h"

#define DAY UINT64_C(86400)

static char here[] = "/tmp/emr-renewing-XXXXXX"; /* state and network */

WRAPPED(emr_status, emr_network_dir_of, int state_fd, char **out_dir)
{
	(void)state_fd;
	*out_dir = strdup(here);
	return *out_dir != NULL ? EMR_OK : EMR_NO_MEMORY;
}

#define SETTINGS                                                                                   \
	"{\"url\": \"https://one.example:7443\", "                                                 \
	"\"key\": \"ed25519//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\""
#define WITH_AUTHORITY SETTINGS ", \"login\": true}"

static void write_file(const char *name, const char *text)
{
	EMR_AUTO_FD fd = open(here, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_ok(emr_file_replace(fd, name, emr_bytes_of(text, strlen(text)), 0600));
}

static void write_settings(const char *text)
{
	EMR_AUTO_FD fd = -1;

	assert_ok(emr_dir_open(printed("%s/ledger", here), &fd));
	assert_ok(emr_file_replace(fd, "host", emr_bytes_of(text, strlen(text)), 0600));
}

/* No copy of the ledger says when the certificate came. */
WRAPPED(emr_status, emr_replica_person, emr_replica *replica, emr_id32 signer_id,
	emr_known_person *out_person)
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
TEST(a_newer_one_that_the_ledger_may_not_know_is_due_now)
{
	EMR_AUTO_KEYRING keyring = kit_keyring();
	const uint64_t now = (uint64_t)time(NULL);
	emr_session session = {.keyring = keyring};
	int next_fd;

	session.state_fd = open(here, O_DIRECTORY | O_CLOEXEC);
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
}

/* They may be put right while the folder is open, and nobody looks at them again then. */
TEST(settings_that_cannot_be_read_now_are_no_word_against_an_authority)
{
	EMR_AUTO_KEYRING keyring = kit_keyring();
	const uint64_t now = (uint64_t)time(NULL);
	emr_session session = {.keyring = keyring};

	session.state_fd = open(here, O_DIRECTORY | O_CLOEXEC);
	give_certificate(keyring, now);
	write_settings(SETTINGS);
	assert_in_range(emr_renewing_due(&session), now + 59 * DAY, now + 61 * DAY);
	write_settings(SETTINGS "}");
	assert_true(emr_renewing_due(&session) == UINT64_MAX);
	write_settings(WITH_AUTHORITY);
	close(session.state_fd);
}

/* Of a damaged disk, or of another key: no ledger is asked about it. */
TEST(what_is_no_certificate_of_the_own_key_is_not_kept)
{
	EMR_AUTO_KEYRING keyring = kit_keyring();
	static const uint8_t seed[32] = {7};
	EMR_AUTO_KEYRING other = kit_keyring_of(seed, (emr_id16){{9}}, 1700000000);
	EMR_AUTO_BUF foreign = {0};
	const uint64_t now = (uint64_t)time(NULL);
	emr_session session = {.keyring = keyring};

	session.state_fd = open(here, O_DIRECTORY | O_CLOEXEC);
	give_certificate(keyring, now);
	give_certificate(other, now);
	assert_ok(emr_keyring_tlv_get(other, EMR_KEYRING_CERTIFICATE, &foreign));
	for (int i = 0; i < 2; i++) {
		emr_problem problem = {0};
		bool is_new = true;

		assert_ok(emr_file_replace(session.state_fd, EMR_STATE_CERTIFICATE_NEXT,
			i == 0 ? emr_bytes_of("rot", 3) : emr_buf_view(&foreign), 0600));
		write_file(EMR_STATE_CERTIFICATE_BATCH, "of it");
		assert_ok(emr_renewing_do(&session, &is_new, &problem));
		assert_false(is_new);
		assert_int_not_equal(
			faccessat(session.state_fd, EMR_STATE_CERTIFICATE_NEXT, F_OK, 0), 0);
		assert_int_not_equal(
			faccessat(session.state_fd, EMR_STATE_CERTIFICATE_BATCH, F_OK, 0), 0);
	}
	close(session.state_fd);
}

AROUND(set_up)
{
	assert_non_null(mkdtemp(here));
	write_settings(WITH_AUTHORITY);
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(printed("%s/ledger/host", here));
	(void)rmdir(printed("%s/ledger", here));
	return rmdir(here);
}

TESTS(set_up, tear_down)
