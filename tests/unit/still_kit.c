/* This file lets a test say that the disk takes nothing, and sees whether a directory is as it was.
 */
#include "still_kit.h"

#include <sys/statvfs.h>

#include "emr_test.h"

bool still_is;

WRAPPED(int, fstatvfs64, int fd, struct statvfs *out)
{
	int result = __real_fstatvfs64(fd, out);

	if (result == 0 && still_is)
		out->f_flag |= ST_RDONLY;
	return result;
}

char *still_picture(const char *path)
{
	char *text = calloc(1, 65536);
	FILE *said;
	size_t n;

	assert_non_null(text);
	said = popen(printed("cd '%s' && find . -printf '%%p %%y %%m %%s %%T@\\n' | sort && find . "
			     "-type f "
			     "-exec "
			     "sha256sum {} + | sort",
			     path),
		"r");
	assert_non_null(said);
	n = fread(text, 1, 65535, said);
	assert_true(n > 0);
	assert_int_equal(pclose(said), 0);
	return text;
}

void still_copy(const char *from, const char *to)
{
	assert_int_equal(system(printed("cp -a '%s' '%s'", from, to)), 0);
}
