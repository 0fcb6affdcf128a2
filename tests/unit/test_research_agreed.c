/* These tests are about the terms that a participant agreed to on joining a dataset: they come back
 * as they were, are sealed, and are not taken from a file that was changed. */
#include "emr_test.h"

#include "crypto/sum.h"
#include "session/session.h"

#include "agreed.h"

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
	unlinkat(session.state_fd, EMR_STATE_AGREED, 0);
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
}

TEST(what_was_agreed_to_comes_back_until_it_is_taken_back)
{
	const emr_id32 bones = {{1}}, knees = {{2}};
	agreed a = {.n = 0}, b = {.n = 0};
	char path[4200];

	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = '\0';
	assert_ok(agreed_add(&a, bones, (emr_id16){{3}}, "CT"));
	assert_ok(agreed_add(&a, knees, (emr_id16){{3}}, "CT"));
	assert_ok(agreed_add(&a, bones, (emr_id16){{4}}, ""));
	assert_ok(agreed_add(&a, bones, (emr_id16){{5}}, "CT")); /* once */
	assert_int_equal(agreed_add(&a, bones, (emr_id16){{6}}, path), EMR_LIMIT);
	assert_ok(agreed_save(&session, &a));
	assert_ok(agreed_load(&session, &b));
	assert_int_equal(b.n, 3);
	assert_int_equal(agreed_find(&b, bones, "CT")->object.b[0], 5);
	assert_non_null(agreed_find(&b, knees, "CT"));
	assert_non_null(agreed_find(&b, bones, ""));
	agreed_drop(&b, agreed_find(&b, bones, "CT"));
	assert_null(agreed_find(&b, bones, "CT"));
	assert_non_null(agreed_find(&b, knees, "CT"));
	assert_ok(agreed_save(&session, &b));
	agreed_free(&a);
	assert_ok(agreed_load(&session, &a));
	assert_int_equal(a.n, 2);
	agreed_free(&a);
	agreed_free(&b);
}

TEST(a_file_that_was_changed_is_not_believed)
{
	agreed a = {.n = 0};
	EMR_AUTO_BUF bytes = {0};
	emr_status status;

	assert_ok(agreed_add(&a, (emr_id32){{1}}, (emr_id16){{3}}, "CT"));
	assert_ok(agreed_save(&session, &a));
	agreed_free(&a);
	assert_ok(emr_file_read(session.state_fd, EMR_STATE_AGREED, 1 << 20, &bytes));
	bytes.data[bytes.len - 1 - EMR_SUM_BYTES] ^= 1;
	assert_ok(emr_file_replace(session.state_fd, EMR_STATE_AGREED, emr_buf_view(&bytes), 0600));
	status = agreed_load(&session, &a);
	assert_int_equal(status, EMR_DAMAGED);
}

TESTS(begin, end)
