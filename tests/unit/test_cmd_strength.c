/* These tests show how strong a new passphrase is said to be: a common one is called weak, a strong
 * one is not refused. */
#include <string.h>
#include <sys/resource.h>

#include "emr_test.h"
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
		"letmein123"};

	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		if (bits_of(taken[i]) >= EMR_PASSPHRASE_BITS_MIN)
			fail_msg("%s is taken for strong", taken[i]);
	}
}

TEST(what_resists_is_taken)
{
	static const char *const strong[] = {"correct horse battery staple", "Ki3jz/r3CeTEZw8t",
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
