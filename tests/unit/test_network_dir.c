/* These tests show whose network directory it is: another account's is not called broken, and it
 * is said how everybody else comes in. */

#include "emr_test.h"

#include "session/network_dir.h"

#define NOBODY 65534

/* As root a directory can be given away; everybody else has one of root's at hand. */
TEST(anothers_directory_is_entered_over_its_host)
{
	char dir[] = "/tmp/emr-network-XXXXXX";
	emr_problem problem = {0};
	bool is_root = geteuid() == 0;

	assert_non_null(mkdtemp(dir));
	if (is_root)
		assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
	assert_status(EMR_DENIED, emr_network_dir_check(is_root ? dir : "/", &problem));
	assert_int_equal(problem.message, EMR_SAY_OVER_ITS_HOST);
	assert_non_null(strstr(problem.hint, "emrfs host"));
	assert_int_equal(rmdir(dir), 0);
}

TESTS(NULL, NULL)
