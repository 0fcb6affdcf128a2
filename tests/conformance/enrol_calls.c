/* These tests try the client of Fabric CA against a server that answers as Fabric CA
 * does, and then as no server should: which certificates it takes, what it refuses, and the
 * status of each refusal. EMR_CA_DIR is the directory of fake_ca.py. With the argument "live" it
 * is that of a real CA with the same people, and what only the made one can do is left out. */

#include "base/clock.h"
#include "enrol/ca.h"
#include "served/authority.h"
#include "keyring/keyring.h"
#include "emr_test.h"

static char url[300], root_file[4200], stranger_file[4200], made[4200];
static emr_keyring *keyring, *admin;
static bool is_live;
static emr_ca_certificate admin_has;

/* A directory that leads there; the former one is gone. */
static const char *directory(const char *at, const char *root, const char *scene)
{
	assert_ok(emr_authority_keep(made, printed("%s,%s%s%s", at, root, scene != NULL ? "," : "",
						   scene != NULL ? scene : "")));
	return made;
}

static const char *authority(const char *scene)
{
	return directory(url, root_file, scene);
}

static emr_bytes text(const char *s)
{
	return emr_bytes_of(s, strlen(s));
}

static void fault_is(emr_ca_fault expected, emr_status status, const emr_ca_call *call)
{
	if (call->fault != expected)
		fprintf(stderr, "code %d, HTTP %ld: %s\n", call->code, call->http_status,
			call->said);
	assert_string_equal(emr_ca_fault_text(call->fault), emr_ca_fault_text(expected));
	assert_status(emr_ca_fault_status(expected), status);
}

TEST(a_login_gets_a_certificate_of_the_own_key)
{
	EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};
	emr_cert_facts facts;
	emr_public public;
	emr_ca_call call;

	fault_is(EMR_CA_FINE,
		emr_ca_enrol(authority(NULL), keyring, "weak", text("weakpw"), &got, &call), &call);
	assert_ok(emr_keyring_public(keyring, &public));
	assert_ok(emr_cert_verify(emr_buf_view(&got.chain), emr_buf_view(&got.root),
		emr_clock_unix_s(emr_clock_system()), &facts));
	assert_memory_equal(facts.spki, public.p256_spki, sizeof facts.spki);
	assert_string_equal(facts.handle, "weak");
	assert_int_equal(facts.roles, 2); /* clinician */
}

TEST(who_was_registered_enrols_once_and_again_by_certificate)
{
	EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};
	EMR_AUTO_CA_CERTIFICATE newer = {{0}, {0}};
	EMR_AUTO_BUF crl = {0};
	emr_bytes chain = emr_buf_view(&admin_has.chain);
	emr_ca_person lima = {
		.id = "lima", .secret = text("once-and-no-more"), .roles = 1 << 1, .org = {{7}}};
	emr_cert_facts facts;
	emr_ca_call call;

	fault_is(EMR_CA_FINE, emr_ca_register(authority(NULL), admin, chain, &lima, &call), &call);
	fault_is(EMR_CA_TAKEN, emr_ca_register(authority(NULL), admin, chain, &lima, &call), &call);
	assert_int_equal(call.code, 74);
	fault_is(EMR_CA_FINE,
		emr_ca_enrol(authority(NULL), keyring, "lima", lima.secret, &got, &call), &call);
	assert_ok(emr_cert_read(emr_buf_view(&got.chain), &facts));
	assert_int_equal(facts.roles, 1 << 1);
	assert_true(emr_id16_equal(facts.org, lima.org));
	fault_is(EMR_CA_LOGIN,
		emr_ca_enrol(authority(NULL), keyring, "lima", lima.secret, &newer, &call), &call);
	for (int i = 0; i < 8; i++) { /* a signature with a high s is not taken: half of them */
		fault_is(EMR_CA_FINE,
			emr_ca_reenrol(
				authority(NULL), keyring, emr_buf_view(&got.chain), &newer, &call),
			&call);
	}
	assert_false(emr_bytes_equal(emr_buf_view(&got.chain), emr_buf_view(&newer.chain)));
	fault_is(EMR_CA_FINE, emr_ca_revoke(authority(NULL), admin, chain, "lima", &crl, &call),
		&call);
	assert_non_null(memmem(crl.data, crl.len, "BEGIN X509 CRL", 14));
	fault_is(EMR_CA_TOKEN,
		emr_ca_reenrol(authority(NULL), keyring, emr_buf_view(&newer.chain), &got, &call),
		&call);
	fault_is(EMR_CA_UNKNOWN, emr_ca_revoke(authority(NULL), admin, chain, "never", &crl, &call),
		&call);
}

TEST(who_has_no_right_registers_and_revokes_nobody)
{
	EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};
	EMR_AUTO_BUF crl = {0};
	emr_ca_person nuno = {.id = "nuno", .secret = text("a-secret"), .roles = 1};
	emr_ca_call call;

	fault_is(EMR_CA_FINE,
		emr_ca_enrol(authority(NULL), keyring, "weak", text("weakpw"), &got, &call), &call);
	fault_is(EMR_CA_NO_RIGHT,
		emr_ca_register(authority(NULL), keyring, emr_buf_view(&got.chain), &nuno, &call),
		&call);
	fault_is(EMR_CA_NO_RIGHT,
		emr_ca_revoke(
			authority(NULL), keyring, emr_buf_view(&got.chain), "admin", &crl, &call),
		&call);
	/* Somebody else's certificate proves nothing. */
	fault_is(EMR_CA_TOKEN,
		emr_ca_register(
			authority(NULL), keyring, emr_buf_view(&admin_has.chain), &nuno, &call),
		&call);
	if (is_live)
		return;
	fault_is(EMR_CA_DIRECTORY,
		emr_ca_register(authority("directory"), admin, emr_buf_view(&admin_has.chain),
			&nuno, &call),
		&call);
}

TEST(a_wrong_secret_is_said_and_after_ten_the_login_is_locked)
{
	EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};
	emr_ca_call call;

	for (int i = 0; i < 10; i++) {
		fault_is(EMR_CA_LOGIN,
			emr_ca_enrol(
				authority(NULL), keyring, "nobody", text("guess"), &got, &call),
			&call);
		assert_int_equal(call.code, 20);
	}
	fault_is(EMR_CA_LOCKED,
		emr_ca_enrol(authority(NULL), keyring, "nobody", text("nobodypw"), &got, &call),
		&call);
	assert_int_equal(got.chain.len, 0);
}

/* The fake authority answers here as none should. SCENE is the authority's name. */
TEST(what_is_no_certificate_of_ours_is_refused)
{
	static const struct {
		const char *scene;
		emr_ca_fault fault;
	} rows[] = {{"other-key", EMR_CA_MISMATCH}, {"other-name", EMR_CA_MISMATCH},
		{"other-authority", EMR_CA_MISMATCH}, {"later", EMR_CA_CLOCK},
		{"large", EMR_CA_PROFILE}, {"bad-attributes", EMR_CA_PROFILE},
		{"no-such", EMR_CA_NO_NAME}, {"page", EMR_CA_STRANGE}, {"empty", EMR_CA_STRANGE},
		{"endless", EMR_CA_STRANGE}, {"elsewhere", EMR_CA_STRANGE},
		{"torn", EMR_CA_NO_ANSWER}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows && !is_live; i++) {
		EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};
		emr_ca_call call;

		fprintf(stderr, "scene %s\n", rows[i].scene);
		fault_is(rows[i].fault,
			emr_ca_enrol(authority(rows[i].scene), admin, "admin", text("adminpw"),
				&got, &call),
			&call);
		assert_int_equal(got.chain.len + got.root.len, 0);
	}
}

TEST(who_is_away_slow_or_somebody_else_is_told_apart)
{
	static const struct {
		const char *at, *scene;
		emr_ca_fault fault;
	} rows[] = {{"https://127.0.0.1:1", NULL, EMR_CA_NO_ANSWER},
		{"https://no.such.host.invalid", NULL, EMR_CA_NO_HOST},
		{url, "silent", EMR_CA_SLOW}};
	EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};
	emr_ca_call call;

	fault_is(EMR_CA_CERTIFICATE,
		emr_ca_enrol(directory(url, stranger_file, NULL), admin, "admin", text("adminpw"),
			&got, &call),
		&call);
	for (size_t i = 0; i < (is_live ? 2 : 3); i++)
		fault_is(rows[i].fault,
			emr_ca_enrol(directory(rows[i].at, root_file, rows[i].scene), admin,
				"admin", text("adminpw"), &got, &call),
			&call);
	assert_ok(emr_authority_keep(made, ""));
	fault_is(EMR_CA_NO_NAME, emr_ca_enrol(made, admin, "admin", text("adminpw"), &got, &call),
		&call);
}

TEST(a_secret_is_sent_to_no_address_without_tls_and_none_is_no_login)
{
	static const char *const bad[] = {"http://127.0.0.1:7054", "https://", "ftp://host",
		"https://a@host", "https://host/path", "https://ho st", "https://host?x"};
	EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};
	emr_ca_call call;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_status(
			EMR_INVALID, emr_authority_keep(made, printed("%s,%s", bad[i], root_file)));
	assert_status(EMR_INVALID, emr_authority_keep(made, url));
	assert_status(EMR_INVALID, emr_authority_keep(made, printed("%s,/dev/null", url)));
	fault_is(EMR_CA_LOGIN, emr_ca_enrol(authority(NULL), admin, "admin", text(""), &got, &call),
		&call);
	assert_int_equal(call.http_status, 0); /* nothing was sent */
	fault_is(EMR_CA_LOGIN,
		emr_ca_enrol(authority(NULL), admin, "ad:min", text("x"), &got, &call), &call);
	assert_int_equal(call.http_status, 0);
}

static emr_keyring *new_keyring(void)
{
	emr_keyring *own = NULL;

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1000, &own));
	return own;
}

AROUND(begin)
{
	const char *dir = getenv("EMR_CA_DIR");
	EMR_AUTO_BUF port = {0};
	emr_ca_call call;

	assert_non_null(dir);
	assert_ok(emr_base_init());
	assert_ok(emr_file_read(AT_FDCWD, printed("%s/port", dir), 10, &port));
	snprintf(url, sizeof url, "https://127.0.0.1:%.*s", (int)port.len, (char *)port.data);
	snprintf(root_file, sizeof root_file, "%s/tls.pem", dir);
	snprintf(made, sizeof made, "%s/network", dir);
	snprintf(stranger_file, sizeof stranger_file, "%s/stranger.pem", dir);
	keyring = new_keyring();
	admin = new_keyring();
	fault_is(EMR_CA_FINE,
		emr_ca_enrol(authority(NULL), admin, "admin", text("adminpw"), &admin_has, &call),
		&call);
}

AROUND(end)
{
	emr_ca_certificate_free(&admin_has);
	emr_keyring_free(keyring);
	emr_keyring_free(admin);
}

int main(int argc, char **argv)
{
	is_live = argc > 1 && strcmp(argv[1], "live") == 0;
	return emr_tests_run(begin, end);
}
