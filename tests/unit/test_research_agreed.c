/* These tests are about the terms that a participant agreed to on joining a dataset: they come back
 * as they were, are sealed, and are not taken from a file that was changed. */
#include "emr_test.h"

#include "crypto/sum.h"
#include "session/session.h"

#include "agreed.h"
#include "private.h"

static char directory[] = "/tmp/emr-agreed-XXXXXX";
static emr_session session = {.state_fd = -1};

static int begin(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	session.state_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(emr_base_init());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &session.keyring));
	return session.state_fd >= 0 ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	unlinkat(session.state_fd, EMR_STATE_FOLLOWS, 0);
	close(session.state_fd);
	emr_keyring_free(session.keyring);
	return rmdir(directory);
}

TEST(nobody_has_agreed_to_anything_before)
{
	AUTO(agreed_free) agreed a = {.n = 7};

	assert_ok(agreed_load(&session, &a));
	assert_int_equal(a.n, 0);
	assert_null(agreed_find(&a, (emr_id32){{1}}, "CT"));
	assert_null(agreed_told(&a, (const uint8_t[32]){1}));
}

TEST(what_was_agreed_to_comes_back_until_it_is_taken_back)
{
	const emr_id32 bones = {{1}}, knees = {{2}};
	agreed a = {.n = 0}, b = {.n = 0};
	char path[4200];

	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = '\0';
	assert_ok(agreed_add(&a, bones, (emr_id16){{3}}, "CT", 1700000000));
	assert_ok(agreed_add(&a, knees, (emr_id16){{3}}, "CT", 1700000001));
	assert_ok(agreed_add(&a, bones, (emr_id16){{4}}, "", 1700000002));
	assert_ok(agreed_add(&a, bones, (emr_id16){{5}}, "CT", 1700000003)); /* once */
	assert_int_equal(agreed_add(&a, bones, (emr_id16){{6}}, path, 1), EMR_LIMIT);
	a.rows[1].was_in = true;
	assert_ok(agreed_save(&session, &a));
	assert_ok(agreed_load(&session, &b));
	assert_int_equal(b.n, 3);
	assert_int_equal(agreed_find(&b, bones, "CT")->object.b[0], 5);
	assert_int_equal(agreed_find(&b, bones, "CT")->at_unix_s, 1700000000);
	assert_true(agreed_find(&b, knees, "CT")->was_in);
	assert_non_null(agreed_find(&b, bones, ""));
	agreed_drop(&b, agreed_find(&b, bones, "CT"));
	assert_null(agreed_find(&b, bones, "CT"));
	assert_non_null(agreed_find(&b, knees, "CT"));
	assert_ok(agreed_save(&session, &b));
	agreed_free(&a);
	assert_ok(agreed_load(&session, &a));
	assert_int_equal(a.n, 2);
	assert_true(agreed_drop_all(&a, bones));
	assert_false(agreed_drop_all(&a, bones));
	assert_int_equal(a.n, 1);
	assert_non_null(agreed_find(&a, knees, "CT"));
	agreed_free(&a);
	agreed_free(&b);
}

TEST(what_was_told_is_remembered_with_its_reason)
{
	AUTO(agreed_free) agreed a = {.n = 0}, b = {.n = 0};
	uint8_t source[32] = {0};

	for (int i = 0; i < 300; i++) {
		source[0] = (uint8_t)(i * 89);
		source[1] = (uint8_t)(i / 256);
		assert_ok(agreed_tell(&a, source, reason_number(i % 2 ? "late" : "not-dicom")));
		assert_ok(agreed_tell(&a, source, reason_number(i % 2 ? "late" : "not-dicom")));
	}
	assert_int_equal(a.n_told, 300);
	assert_ok(agreed_save(&session, &a));
	assert_ok(agreed_load(&session, &b));
	assert_int_equal(b.n_told, 300);
	for (int i = 0; i < 300; i++) {
		source[0] = (uint8_t)(i * 89);
		source[1] = (uint8_t)(i / 256);
		assert_non_null(agreed_told(&b, source));
		assert_int_equal(reason_may_pass(agreed_told(&b, source)->why), i % 2);
		assert_false(agreed_told(&b, source)->was_retried);
	}
}

TEST(a_file_that_was_changed_is_not_believed)
{
	agreed a = {.n = 0};
	EMR_AUTO_BUF bytes = {0};
	emr_status status;

	assert_ok(agreed_add(&a, (emr_id32){{1}}, (emr_id16){{3}}, "CT", 1));
	assert_ok(agreed_save(&session, &a));
	agreed_free(&a);
	assert_ok(emr_file_read(session.state_fd, EMR_STATE_FOLLOWS, 1 << 20, &bytes));
	bytes.data[bytes.len - 1 - EMR_SUM_BYTES] ^= 1;
	assert_ok(
		emr_file_replace(session.state_fd, EMR_STATE_FOLLOWS, emr_buf_view(&bytes), 0600));
	status = agreed_load(&session, &a);
	assert_int_equal(status, EMR_DAMAGED);
}

TESTS(begin, end)
