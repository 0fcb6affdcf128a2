/* These tests show whose network directory it is: another account's is not called broken, and
 * its account is named. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emr_test.h"

#include "session/network_dir.h"

#define NOBODY 65534

/* As root a directory can be given away; everybody else has one of root's at hand. */
static void anothers_directory_is_called_that_and_its_account_is_named(void **state)
{
	char dir[] = "/tmp/emr-network-XXXXXX";
	emr_problem problem = {0};
	bool is_root = geteuid() == 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	if (is_root)
		assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
	assert_status(EMR_DENIED, emr_network_dir_check(is_root ? dir : "/", &problem));
	assert_int_equal(problem.message, EMR_SAY_OTHER_ACCOUNT);
	assert_non_null(strstr(problem.text, is_root ? "account nobody" : "account root"));
	assert_non_null(strstr(problem.hint, "emrfs host"));
	assert_int_equal(rmdir(dir), 0);
}

static void ones_own_says_before_anybody_is_invited_whom_it_lets_in(void **state)
{
	emr_problem remark = {0};

	(void)state;
	emr_network_dir_say_account("/srv/net", &remark);
	assert_int_equal(remark.message, EMR_SAY_ONE_ACCOUNT);
	assert_non_null(strstr(remark.text, "lies in /srv/net, which belongs to "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anothers_directory_is_called_that_and_its_account_is_named),
		cmocka_unit_test(ones_own_says_before_anybody_is_invited_whom_it_lets_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
