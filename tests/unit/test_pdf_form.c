/* These tests ask what a hospital's signed PDF form is worth: real forms, made with OpenSSL,
 * whole, altered, added to and hostile, read by the real helpers. */
#include "emr_test.h"

#include <time.h>

#include "consent/consent.h"
#include "consent/pdf_form.h"
#include "helper/inside.h"
#include "pdf_parts.h"

#define WORDS "{\"resourceType\": \"Consent\", \"of\": \"São Lucas\", \"purpose\": \"TREAT\"}"

static char place[] = "/tmp/emr-pdf-form-XXXXXX";

static void sh(const char *command)
{
	if (system(printed("cd %s && { %s; } >>log 2>&1", place, command)) != 0)
		fail_msg("%s: see %s/log", command, place);
}

/* NAME.pem and NAME.key, which the authority called BY signs. */
static void certify(const char *name, const char *by, const char *subject, const char *extensions,
	const char *days)
{
	sh(printed(
		"openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -utf8 -keyout "
		"%s.key "
		"-out %s.csr -subj '%s' && printf '%s' >%s.ext && openssl x509 -req -in %s.csr -CA "
		"%s.pem -CAkey %s.key -CAcreateserial %s -extfile %s.ext -out %s.pem",
		name, name, subject, extensions, name, name, by, by, days, name, name));
}

#define FIVE(text) text text text text text
#define FIFTEEN(text) FIVE(text) FIVE(text) FIVE(text)
#define FOR_DOCUMENTS "keyUsage=critical,nonRepudiation\\nextendedKeyUsage=1.3.6.1.5.5.7.3.36\\n"

static int set_up(void **state)
{
	static const char authority[] =
		"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "
		"%s.key -out "
		"%s.pem -days 3650 -subj '/O=%s/CN=Root' -addext basicConstraints=critical,CA:TRUE "
		"-addext keyUsage=critical,keyCertSign";
	static const char *const all[] = {"ours", "others"};

	(void)state;
	if (mkdtemp(place) == NULL)
		return -1;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		char command[600];

		(void)snprintf(command, sizeof command, authority, all[i], all[i], all[i]);
		sh(command);
	}
	certify("middle", "ours", "/O=Health/CN=Middle",
		"basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign\\n", "-days 30");
	certify("office", "middle", "/O=São Lucas/CN=Consent Office", FOR_DOCUMENTS, "-days 30");
	certify("stranger", "others", "/O=São Lucas/CN=Consent Office", FOR_DOCUMENTS, "-days 30");
	/* OpenSSL 3.5 makes none that ended before it began. */
	certify("late", "ours", "/CN=Old Office", FOR_DOCUMENTS, "-days 0");
	sh("while openssl x509 -noout -checkend 0 -in late.pem; do sleep 0.1; done");
	certify("server", "ours", "/CN=www.saolucas.example",
		"keyUsage=critical,digitalSignature\\nextendedKeyUsage=serverAuth\\n", "-days 30");
	certify("hidden", "ours", "/CN=Eve\033[2J", FOR_DOCUMENTS, "-days 30");
	certify("visitor", "ours", "/O=São Lucas/CN=Visitor\033[2J", FOR_DOCUMENTS, "-days 30");
	certify("wordy", "ours",
		"/O=" FIFTEEN("病") FIFTEEN("病") FIFTEEN("病") "/CN=" FIFTEEN("院") FIFTEEN("院")
			FIFTEEN("院"),
		FOR_DOCUMENTS, "-days 30");
	certify("two", "ours", "/CN=Consent Office/CN=Visitor", FOR_DOCUMENTS, "-days 30");
	certify("servers", "ours", "/CN=Servers",
		"basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign\\n"
		"extendedKeyUsage=serverAuth\\n",
		"-days 30");
	certify("webmaster", "servers", "/O=São Lucas/CN=Consent Office", FOR_DOCUMENTS,
		"-days 30");
	sh("printf '%s' '" WORDS "' >c.json");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return system(printed("rm -rf %s", place));
}

static void load(const char *name, emr_buf *out)
{
	assert_ok(emr_file_read(AT_FDCWD, printed("%s/%s", place, name), (size_t)64 << 20, out));
}

typedef struct seen {
	emr_status status;
	emr_pdf_form form;
	char consent[400];
	const char *why;
} seen;

/* form.pdf, read by who trusts our authority. */
static seen read_form(void)
{
	EMR_AUTO_BUF file = {0}, signers = {0}, consent = {0};
	seen s = {.why = ""};

	load("form.pdf", &file);
	load("ours.pem", &signers);
	s.status = emr_pdf_form_read(EMR_READ_FORM, emr_buf_view(&file), emr_buf_view(&signers),
		(uint64_t)time(NULL), &s.form, &consent, &s.why);
	assert_true(consent.len < sizeof s.consent);
	if (s.status == EMR_OK)
		memcpy(s.consent, consent.data, consent.len);
	return s;
}

/* As pdf_form_made.py makes it with ARGS. */
static seen form(const char *args)
{
	sh(printed("python3 %s/pdf_form_made.py form.pdf c.json %s", EMR_TEST_SUPPORT, args));
	return read_form();
}

static void assert_signed(const char *args, emr_pdf_signature signature, const char *signer)
{
	seen s = form(args);

	if (s.status != EMR_OK)
		fail_msg("%s: %s", args, s.why);
	assert_string_equal(s.consent, WORDS);
	assert_int_equal(s.form.signature, signature);
	assert_string_equal(s.form.signer, signer);
}

static void assert_refused(const char *args, const char *why)
{
	seen s = form(args);

	assert_int_equal(s.status, EMR_INVALID);
	if (strstr(s.why, why) == NULL)
		fail_msg("%s: %s", args, s.why);
	assert_int_equal(s.form.signature, EMR_PDF_UNSIGNED);
}

#define OFFICE "--sign office.key office.pem middle.pem"
#define OFFICE_NAME "Consent Office (São Lucas)"

TEST(a_form_gives_its_consent_and_who_signed_it)
{
	assert_signed(OFFICE, EMR_PDF_SIGNER_TRUSTED, OFFICE_NAME);
	assert_signed(OFFICE " --modern", EMR_PDF_SIGNER_TRUSTED, OFFICE_NAME);
}

TEST(an_unsigned_form_gives_its_consent_and_says_that_it_is_unsigned)
{
	assert_signed("", EMR_PDF_UNSIGNED, "");
	assert_signed("--modern", EMR_PDF_UNSIGNED, "");
}

TEST(a_form_to_which_qpdf_attached_the_consent_is_read)
{
	seen s;

	(void)form("--way none");
	sh("qpdf --object-streams=generate --add-attachment c.json -- form.pdf more.pdf && mv "
	   "more.pdf "
	   "form.pdf");
	s = read_form();
	assert_ok(s.status);
	assert_string_equal(s.consent, WORDS);
	assert_int_equal(s.form.signature, EMR_PDF_UNSIGNED);
}

TEST(a_name_that_nobody_trusted_vouches_for_is_said_to_be_that)
{
	assert_signed(
		"--sign stranger.key stranger.pem others.pem", EMR_PDF_SIGNER_UNKNOWN, OFFICE_NAME);
	/* the way to the authority is not in the form */
	assert_signed("--sign office.key office.pem", EMR_PDF_SIGNER_UNKNOWN, OFFICE_NAME);
	/* nor does a certificate of a web server of the same authority vouch for documents */
	assert_signed(
		"--sign server.key server.pem", EMR_PDF_SIGNER_UNKNOWN, "www.saolucas.example");
}

TEST(a_certificate_that_has_expired_is_said_to_have)
{
	assert_signed("--sign late.key late.pem", EMR_PDF_SIGNER_LATE, "Old Office");
}

TEST(a_name_that_hides_what_it_is_is_no_name)
{
	assert_signed("--sign hidden.key hidden.pem", EMR_PDF_SIGNER_TRUSTED, "");
}

/* The organisation alone would be shown as who signed, or the office without its organisation. */
TEST(half_a_name_is_no_name)
{
	assert_signed("--sign visitor.key visitor.pem", EMR_PDF_SIGNER_TRUSTED, "");
	assert_signed("--sign wordy.key wordy.pem", EMR_PDF_SIGNER_TRUSTED, "");
	assert_signed("--sign two.key two.pem", EMR_PDF_SIGNER_TRUSTED, "");
}

TEST(an_authority_for_servers_vouches_for_no_documents)
{
	assert_signed("--sign webmaster.key webmaster.pem servers.pem", EMR_PDF_SIGNER_UNKNOWN,
		OFFICE_NAME);
}

/* Stands for a form that took its reader over: this program, started as that reader, writes far
 * behind what a Consent may be. */
static int be_taken_over(void)
{
	pdf_question question;
	pdf_answer answer = {.fault = EMR_PDF_EMPTY};
	size_t got;
	int fds[2];

	if (!emr_inside_ready_tell(PDF_PROTOCOL) ||
		!emr_inside_hear(&question, sizeof question, &got, fds, 2))
		return 1;
	if (pwrite(fds[1], "x", 1, EMR_CONSENT_BYTES_MAX) == 1 ||
		ftruncate(fds[1], (off_t)1 << 30) == 0 || pwrite(fds[0], "x", 1, 0) == 1)
		answer.fault = EMR_PDF_CHANGED;
	return emr_inside_tell(&answer, sizeof answer) ? 0 : 1;
}

TEST(a_reader_that_was_taken_over_fills_no_memory_and_changes_no_form)
{
	emr_buf none = {0};
	emr_pdf_form found = {0};
	const char *why = "";

	assert_int_equal(emr_pdf_form_read("/proc/self/exe", emr_bytes_of("%PDF-", 5),
				 (emr_bytes){0}, 1, &found, &none, &why),
		EMR_INVALID);
	assert_non_null(strstr(why, "no FHIR Consent"));
}

TEST(a_form_that_was_changed_or_added_to_after_it_was_signed_is_refused)
{
	assert_refused(OFFICE " --way changed", "changed after it was signed");
	assert_refused(OFFICE " --way added", "does not cover the whole PDF");
	assert_refused(OFFICE " --way part", "does not cover the whole PDF");
	assert_refused(OFFICE " --way late", "does not cover the whole PDF");
	assert_refused(OFFICE " --way gap", "does not cover the whole PDF");
	assert_refused(OFFICE " --way twice", "more than one signature");
	assert_refused(OFFICE " --way sha1", "in a way that is not read here, or too weak");
	assert_refused(OFFICE " --way inside", "in a way that is not read here, or too weak");
}

TEST(a_form_without_one_consent_is_refused)
{
	assert_refused("--way none", "no FHIR Consent");
	assert_refused("--name letter.txt", "no FHIR Consent");
	assert_refused("--way several", "more than one file");
}

TEST(a_hostile_form_is_refused_and_stops_nobody)
{
	assert_refused("--way bomb", "");
	assert_refused("--way deep", "no FHIR Consent");
	assert_signed(OFFICE, EMR_PDF_SIGNER_TRUSTED, OFFICE_NAME);
}

/* Signed bytes that are altered are another form: never one that is signed. Of the signature itself
 * what an altered byte can do is that nobody vouches for the name any more. */
TEST(no_byte_of_a_signed_form_can_be_altered)
{
	EMR_AUTO_BUF file = {0}, signers = {0};
	unsigned refused = 0, tried = 0;
	size_t from, to;

	assert_signed(OFFICE, EMR_PDF_SIGNER_TRUSTED, OFFICE_NAME);
	load("form.pdf", &file);
	load("ours.pem", &signers);
	from = (size_t)((uint8_t *)memmem(file.data, file.len, "/Contents <", 11) - file.data) + 10;
	to = from +
	     (size_t)((uint8_t *)memchr(file.data + from, '>', file.len - from) -
		      (file.data + from)) +
	     1;
	for (size_t at = 0; at < file.len; at += at >= from && at < to - 250 ? 211 : 53) {
		bool is_signature = at >= from && at < to;
		EMR_AUTO_BUF consent = {0};
		emr_pdf_form found = {0};
		const char *why = NULL;
		emr_status status;

		file.data[at] ^= 1;
		status = emr_pdf_form_read(EMR_READ_FORM, emr_buf_view(&file),
			emr_buf_view(&signers), (uint64_t)time(NULL), &found, &consent, &why);
		file.data[at] ^= 1;
		assert_true(status == EMR_OK || status == EMR_INVALID);
		assert_true(is_signature || found.signature == EMR_PDF_UNSIGNED);
		if (found.signature == EMR_PDF_SIGNER_TRUSTED)
			assert_string_equal(found.signer, OFFICE_NAME);
		refused += status == EMR_INVALID;
		tried++;
	}
	assert_true(tried > 40 && refused > tried / 2);
}

TEST(what_is_cut_off_or_too_large_is_refused)
{
	EMR_AUTO_BUF file = {0}, large = {0};
	EMR_AUTO_BUF none = {0};
	emr_pdf_form found = {0};
	const char *why = NULL;

	assert_signed("--modern", EMR_PDF_UNSIGNED, "");
	load("form.pdf", &file);
	for (size_t len = 5; len < file.len - 100; len += 97)
		assert_int_equal(emr_pdf_form_read(EMR_READ_FORM, emr_bytes_of(file.data, len),
					 (emr_bytes){0}, 1, &found, &none, &why),
			EMR_INVALID);
	assert_ok(emr_buf_append_zeros(&large, EMR_PDF_FORM_BYTES_MAX + 1));
	assert_int_equal(emr_pdf_form_read(EMR_READ_FORM, emr_buf_view(&large), (emr_bytes){0}, 1,
				 &found, &none, &why),
		EMR_INVALID);
	assert_int_equal(emr_pdf_form_read("/nowhere/read-form", emr_buf_view(&file),
				 (emr_bytes){0}, 1, &found, &none, &why),
		EMR_IO);
	assert_int_equal(none.len, 0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], PDF_TAKE) == 0)
		return be_taken_over();
	return emr_tests_run(set_up, tear_down);
}
