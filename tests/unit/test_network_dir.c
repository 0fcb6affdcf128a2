/* These tests show whose network directory it is: another account's is not called broken, and
 * its account is named. */

#include "emr_test.h"

#include "session/network_dir.h"

#define NOBODY 65534

/* As root a directory can be given away; everybody else has one of root's at hand. */
TEST(anothers_directory_is_called_that_and_its_account_is_named)
{
	char dir[] = "/tmp/emr-network-XXXXXX";
	emr_problem problem = {0};
	bool is_root = geteuid() == 0;

	assert_non_null(mkdtemp(dir));
	if (is_root)
		assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
	assert_status(EMR_DENIED, emr_network_dir_check(is_root ? dir : "/", &problem));
	assert_int_equal(problem.message, EMR_SAY_OTHER_ACCOUNT);
	assert_non_null(strstr(problem.text, is_root ? "account nobody" : "account root"));
	assert_non_null(strstr(problem.hint, "emrfs host"));
	assert_int_equal(rmdir(dir), 0);
}

TEST(ones_own_says_before_anybody_is_invited_whom_it_lets_in)
{
	emr_problem remark = {0};

	emr_network_dir_say_account("/srv/net", &remark);
	assert_int_equal(remark.message, EMR_SAY_ONE_ACCOUNT);
	assert_non_null(strstr(remark.text, "lies in /srv/net, which belongs to "));
}

TESTS(NULL, NULL)
