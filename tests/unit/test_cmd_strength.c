/* These tests show how strong a new passphrase is said to be: a common one is called weak, a strong
 * one is not refused. */
#include <sys/resource.h>

#include "emr_test.h"
#include "kit/passphrase.h"
#include "kit_private.h"

static double bits_of(const char *text)
{
	double bits = -1;

	assert_status(EMR_OK, emr_passphrase_bits(emr_bytes_of(text, strlen(text)), &bits));
	return bits;
}

TEST(what_people_take_is_weak)
{
	static const char *const taken[] = {"a", "password", "Password1", "1984-03-12",
		"qwertyuiop", "ana silva", "emrfs health", "aaaaaaaaaaaaaaaaaaaaaaaa", "Tr0ub4dor",
		"letmein123", "correct horse battery staple", "Correct-Horse-Battery-Staple1",
		"correcthorsebatterystaple!", "Tr0ub4dor&3", "May_the_force_be_with_you"};

	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		if (bits_of(taken[i]) >= EMR_PASSPHRASE_BITS_MIN)
			fail_msg("%s is taken for strong", taken[i]);
	}
}

TEST(the_name_and_birth_date_of_its_owner_are_weak)
{
	static const char *const taken[] = {"Rosa-Conceicao-1958", "conceicao.rosa.1958",
		"R0sa Conceição 17.3.1958", "ConceicaoRosa17031958", "1958-03-17 rosa santos",
		"17/3/1958-Conceição", "rosa conceicao santos 580317"};

	emr_passphrase_is_of("Rosa Conceição dos Santos", "1958-03-17");
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		if (bits_of(taken[i]) >= EMR_PASSPHRASE_BITS_MIN)
			fail_msg("%s is taken for strong: %f", taken[i], bits_of(taken[i]));
	}
	assert_true(bits_of("roses without any summer left") >= EMR_PASSPHRASE_BITS_MIN);
	emr_passphrase_is_of("", "");
	assert_true(bits_of("Rosa-Conceicao-1958") >= EMR_PASSPHRASE_BITS_MIN);
}

TEST(what_resists_is_taken)
{
	static const char *const strong[] = {"wrong donkey radiator paperclip", "Ki3jz/r3CeTEZw8t",
		"five words nobody puts together", "kf7q-2mxa-9tde"};

	for (size_t i = 0; i < sizeof strong / sizeof *strong; i++) {
		if (bits_of(strong[i]) < EMR_PASSPHRASE_BITS_MIN)
			fail_msg("%s is refused", strong[i]);
	}
}

TEST(any_bytes_of_any_length_are_judged)
{
	static char longest[1024];

	memset(longest, 'x', sizeof longest);
	for (size_t i = 0; i < sizeof longest; i += 7)
		longest[i] = (char)(i * 31);
	double bits = -1;

	assert_status(EMR_OK, emr_passphrase_bits(emr_bytes_of(longest, sizeof longest), &bits));
	assert_true(bits >= 0);
	assert_status(EMR_OK, emr_passphrase_bits(emr_bytes_of("\xff\xfe\x80", 3), &bits));
	assert_status(EMR_OK, emr_passphrase_bits(emr_bytes_of("", 0), &bits));
	assert_true(bits < EMR_PASSPHRASE_BITS_MIN);
}

TEST(without_another_process_nothing_is_judged_strong)
{
	struct rlimit was, none;
	double bits = -1;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	emr_status status =
		emr_passphrase_bits(emr_bytes_of("correct horse battery staple", 28), &bits);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_true(status != EMR_OK);
	assert_true(bits == -1);
}

TESTS(NULL, NULL)
