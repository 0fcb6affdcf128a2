/* A passphrase that nobody knows is sealed to guardians: each of them opens it, also with the seed
 * that followed, and nobody else does; a file that is not whole is refused. */
#include "emr_test.h"

#include "crypto/sum.h"
#include "keyring/letters.h"

#define PHRASE "twenty-four words of nobody"

static emr_keyring *ana, *rui, *stranger;
static emr_guardian all[EMR_GUARDIANS_MAX + 1];
static emr_buf file;

static emr_guardian guardian_of(const emr_keyring *kr, const char *as)
{
	emr_public public;

	assert_ok(emr_keyring_public(kr, &public));
	return emr_guardian_of(as, public.signer_id, public.x25519);
}

AROUND(begin)
{
	assert_ok(emr_base_init());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &ana));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &rui));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &stranger));
	all[0] = guardian_of(ana, "");
	for (size_t i = 1; i <= EMR_GUARDIANS_MAX; i++)
		all[i] = guardian_of(rui, "rui");
	assert_ok(emr_guardians_seal(emr_bytes_of(PHRASE, strlen(PHRASE)), all, 2, &file));
}

AROUND(end)
{
	emr_buf_free(&file);
	emr_keyring_free(ana);
	emr_keyring_free(rui);
	emr_keyring_free(stranger);
}

static void opens(size_t i, const emr_keyring *kr)
{
	uint8_t out[EMR_GUARDIAN_PASSPHRASE_MAX];
	size_t len = 0;

	assert_ok(emr_guardians_open(emr_buf_view(&file), i, kr, out, &len));
	assert_int_equal(len, strlen(PHRASE));
	assert_memory_equal(out, PHRASE, len);
}

static emr_status refused(size_t i, const emr_keyring *kr)
{
	uint8_t out[EMR_GUARDIAN_PASSPHRASE_MAX];
	size_t len = 7;
	emr_status status = emr_guardians_open(emr_buf_view(&file), i, kr, out, &len);

	assert_int_equal(len, 7);
	return status;
}

TEST_IN(begin, end, each_guardian_opens_what_is_sealed_to_that_one_alone)
{
	emr_guardian one;

	opens(0, ana);
	opens(1, rui);
	assert_status(EMR_DAMAGED, refused(1, ana));
	assert_status(EMR_DAMAGED, refused(0, stranger));
	assert_status(EMR_NOT_FOUND, refused(2, ana));
	assert_ok(emr_guardians_at(emr_buf_view(&file), 1, &one));
	assert_string_equal(one.as, "rui");
	assert_true(emr_id32_equal(one.id, all[1].id));
	assert_status(EMR_NOT_FOUND, emr_guardians_at(emr_buf_view(&file), 2, &one));
}

TEST_IN(begin, end, the_seed_that_follows_a_guardians_opens_too)
{
	EMR_AUTO_KEYRING next = NULL;

	assert_ok(emr_keyring_draw_next(rui));
	assert_ok(emr_keyring_succeed(rui, &next));
	opens(1, next);
	assert_status(EMR_DAMAGED, refused(0, next));
}

TEST_IN(begin, end, every_changed_bit_and_every_cut_is_found)
{
	emr_guardian one;

	for (size_t bit = 0; bit < file.len * 8; bit++) {
		file.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_status(EMR_DAMAGED, refused(0, ana));
		file.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	for (size_t len = 0; len < file.len; len++)
		assert_status(EMR_DAMAGED, emr_guardians_at(emr_bytes_of(file.data, len), 0, &one));
	assert_ok(emr_buf_append(&file, "", 1));
	assert_status(EMR_DAMAGED, refused(0, ana));
}

/* With a sum that fits: the sum is no protection. */
static void is_damaged_with(size_t at, uint8_t byte)
{
	EMR_AUTO_BUF changed = {0};
	emr_guardian one;

	assert_ok(emr_buf_append(&changed, file.data, file.len - EMR_SUM_BYTES));
	changed.data[at] = byte;
	assert_ok(emr_sum_append(&changed));
	assert_status(EMR_DAMAGED, emr_guardians_at(emr_buf_view(&changed), 0, &one));
}

TEST_IN(begin, end, a_number_a_name_or_a_version_that_cannot_be_is_refused)
{
	is_damaged_with(4, 2); /* version */
	is_damaged_with(8, 0); /* guardians */
	is_damaged_with(8, 1); /* fewer than there are */
	is_damaged_with(8, EMR_GUARDIANS_MAX + 1);
	is_damaged_with(9, EMR_GUARDIAN_AS_MAX + 1);
	is_damaged_with(9, 1); /* the name takes a byte of the id */
}

TEST_IN(begin, end, none_too_many_and_a_long_passphrase_are_refused)
{
	static const uint8_t longest[EMR_GUARDIAN_PASSPHRASE_MAX + 1] = {'p'};
	EMR_AUTO_BUF made = {0};
	const emr_bytes phrase = emr_bytes_of(PHRASE, strlen(PHRASE));

	assert_status(EMR_INVALID, emr_guardians_seal(phrase, all, 0, &made));
	assert_status(EMR_INVALID, emr_guardians_seal(phrase, all, EMR_GUARDIANS_MAX + 1, &made));
	assert_status(EMR_INVALID, emr_guardians_seal((emr_bytes){0}, all, 1, &made));
	assert_status(EMR_INVALID,
		emr_guardians_seal(emr_bytes_of(longest, sizeof longest), all, 1, &made));
	assert_int_equal(made.len, 0);
	assert_ok(emr_guardians_seal(
		emr_bytes_of(longest, EMR_GUARDIAN_PASSPHRASE_MAX), all, EMR_GUARDIANS_MAX, &made));
}

TESTS(NULL, NULL)
