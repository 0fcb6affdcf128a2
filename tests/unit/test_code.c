/* These tests write and read the code that leads to an invitation: the known answer of
 * keyring/FORMAT.md, every letter that is another one, addresses at their limits, and an invitation
 * that another code does not open. */
#include "share_kit.h"

#include <ctype.h>

#include "keyring/invite.h"

#define KNOWN                                                                                      \
	"JAAAEAABAIBQIBIGA4EASCQLBQGQ4DYQCEJBGFAVCYLRQGI2DMOB2HQ7IBAUEQ2EIVDEOSCJJJFUYTKOJ4YT"     \
	"SMROGE3DQLRQFY3TUNZUGQZSOBJY"

#define CARD "EAAACAQDAQCQMBYIBEFAWDANBYHVSXKR"

static emr_code known(void)
{
	emr_code code = {.way = EMR_CODE_PINNED, .roles = 2, .address = "192.168.0.7:7443"};

	for (size_t i = 0; i < sizeof code.print.b; i++)
		code.print.b[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof code.secret; i++)
		code.secret[i] = (uint8_t)(0x40 + i);
	return code;
}

static emr_status read_text(const char *text, emr_code *out)
{
	return emr_code_read(emr_bytes_of(text, strlen(text)), out);
}

TEST(a_code_is_the_known_answer_of_its_format)
{
	emr_code code = known(), read;
	char text[EMR_CODE_CHARS_MAX + 1], hex[33];
	emr_id16 id;

	assert_ok(emr_code_write(&code, text));
	assert_string_equal(text, KNOWN);
	assert_ok(emr_code_id(&code, &id));
	emr_hex(id.b, sizeof id.b, hex);
	assert_string_equal(hex, "b6a319d22832e0ec93353d57b79b23ce");
	assert_ok(read_text(KNOWN, &read));
	assert_memory_equal(&read, &code, sizeof code);
}

TEST(a_code_survives_mail_and_small_letters)
{
	char text[3 * sizeof KNOWN], *at = text;
	const emr_code code = known();
	emr_code read;

	for (size_t i = 0; i < sizeof KNOWN - 1; i++) {
		*at++ = (char)tolower((unsigned char)KNOWN[i]);
		if (i % 7 == 0)
			*at++ = i % 2 == 0 ? '\n' : ' ';
	}
	*at = '\0';
	assert_ok(read_text(text, &read));
	assert_memory_equal(&read, &code, sizeof code);
}

TEST(every_letter_of_a_code_matters)
{
	char text[sizeof KNOWN];
	emr_code read;

	for (size_t i = 0; i < sizeof KNOWN - 1; i++) {
		memcpy(text, KNOWN, sizeof text);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		assert_status(EMR_DAMAGED, read_text(text, &read));
		memcpy(text, KNOWN, sizeof text);
		text[i] = '\0'; /* it was cut */
		assert_status(EMR_DAMAGED, read_text(text, &read));
	}
	assert_status(EMR_DAMAGED, read_text(KNOWN "A", &read));
	assert_status(EMR_DAMAGED, read_text("", &read));
}

/* ---- cards for emergencies ---- */

TEST(a_card_is_the_known_answer_of_its_format_and_of_another_program)
{
	json_auto_t *root = vectors_open("share.json");
	const json_t *is = vectors_get(root, "emergency");
	char text[EMR_EMERGENCY_CODE_CHARS + 1];
	emr_id16 word, read;

	for (size_t i = 0; i < sizeof word.b; i++)
		word.b[i] = (uint8_t)i;
	emr_emergency_code_write(word, text);
	assert_string_equal(text, CARD);
	vectors_fixed(is, "word", word.b, sizeof word.b);
	emr_emergency_code_write(word, text);
	assert_string_equal(text, vectors_text(is, "code"));
	assert_ok(emr_emergency_code_read(text, &read));
	assert_true(emr_id16_equal(read, word));
}

TEST(a_card_is_read_in_any_case_with_blanks_and_not_mistyped)
{
	char text[sizeof CARD];
	emr_id16 word;

	assert_ok(emr_emergency_code_read(" eaaa caqd AQCQ mbyi\tbefa WDAN byhv sxkr\n", &word));
	for (size_t i = 0; i < sizeof word.b; i++)
		assert_int_equal(word.b[i], i);
	for (size_t i = 0; i < sizeof CARD - 1; i++) {
		memcpy(text, CARD, sizeof text);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		assert_status(EMR_DAMAGED, emr_emergency_code_read(text, &word));
		text[i] = '\0';
		assert_status(EMR_DAMAGED, emr_emergency_code_read(text, &word));
	}
	assert_status(EMR_DAMAGED, emr_emergency_code_read(CARD "A", &word));
	assert_status(EMR_DAMAGED, emr_emergency_code_read(KNOWN, &word));
}

TEST(an_address_has_45_letters_and_no_control)
{
	emr_code code = known(), read;
	char text[EMR_CODE_CHARS_MAX + 1];

	memset(code.address, 'x', EMR_CODE_ADDRESS_MAX);
	code.address[EMR_CODE_ADDRESS_MAX] = '\0';
	assert_ok(emr_code_write(&code, text));
	assert_true(strlen(text) <= EMR_CODE_CHARS_MAX);
	assert_ok(read_text(text, &read));
	assert_string_equal(read.address, code.address);
	code.address[3] = '\n';
	assert_status(EMR_INVALID, emr_code_write(&code, text));
	code.address[0] = '\0';
	assert_status(EMR_INVALID, emr_code_write(&code, text));
	code.way = EMR_CODE_SOCKET;
	assert_ok(emr_code_write(&code, text));
	code.roles = 0;
	assert_status(EMR_INVALID, emr_code_write(&code, text));
}

/* tests/vectors/model has a reader of its own, in JavaScript, written from the format: right codes,
 * some with a right sum above wrong bytes, some that mail and people have touched. */
TEST(another_program_reads_the_same_of_each_text)
{
	json_auto_t *root = vectors_open("code.json");
	const json_t *one;
	size_t i, codes = 0;

	json_array_foreach(vectors_get(root, "codes"), i, one)
	{
		const char *text = vectors_text(one, "text"), *is = vectors_text(one, "is");
		emr_code code = {.way = EMR_CODE_PINNED};
		emr_status status = read_text(text, &code);
		EMR_AUTO_BUF address = {0};
		uint8_t print[32], secret[EMR_CODE_SECRET_BYTES], want[16];
		emr_id16 id;

		if (strcmp(is, "code") != 0) {
			assert_status(
				strcmp(is, "newer") == 0 ? EMR_NEWER_FORMAT : EMR_DAMAGED, status);
			continue;
		}
		assert_ok(status);
		assert_int_equal(code.way, vectors_u64(one, "way"));
		assert_int_equal(code.roles, vectors_u64(one, "roles"));
		vectors_fixed(one, "print", print, sizeof print);
		assert_memory_equal(code.print.b, print, sizeof print);
		vectors_fixed(one, "secret", secret, sizeof secret);
		assert_memory_equal(code.secret, secret, sizeof secret);
		vectors_hex(one, "address", &address);
		assert_true(emr_bytes_equal(
			emr_buf_view(&address), emr_bytes_of(code.address, strlen(code.address))));
		vectors_fixed(one, "id", want, sizeof want);
		assert_ok(emr_code_id(&code, &id));
		assert_memory_equal(id.b, want, sizeof want);
		codes++;
	}
	assert_true(codes > 50 && i > 2 * codes);
}

/* Also one that differs in what the host could gain by: its address, its key, the role. */
TEST(an_invitation_opens_with_its_code_alone)
{
	const emr_bytes invitation = emr_bytes_of("an invitation", 13);
	EMR_AUTO_BUF sealed = {0};
	EMR_AUTO_BUF out = {0};
	emr_code code = known(), others[4];

	assert_ok(emr_code_seal(&code, invitation, &sealed));
	assert_ok(emr_code_open(&code, emr_buf_view(&sealed), &out));
	assert_true(emr_bytes_equal(emr_buf_view(&out), invitation));
	emr_buf_clear(&out);
	for (size_t i = 0; i < 4; i++)
		others[i] = code;
	others[0].secret[15] ^= 1;
	others[1].address[0] = '2';
	others[2].print.b[0] ^= 1;
	others[3].roles = 4;
	for (size_t i = 0; i < 4; i++)
		assert_status(EMR_DAMAGED, emr_code_open(&others[i], emr_buf_view(&sealed), &out));
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 1;
		assert_status(EMR_DAMAGED, emr_code_open(&code, emr_buf_view(&sealed), &out));
		sealed.data[i] ^= 1;
		assert_status(
			EMR_DAMAGED, emr_code_open(&code, emr_bytes_of(sealed.data, i), &out));
	}
	assert_int_equal(out.len, 0);
}

TESTS(NULL, NULL)
