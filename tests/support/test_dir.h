/* An empty directory below /tmp for each test of a group, as its setup and teardown; what a test
 * leaves there, files and empty directories, goes with it. */
#pragma once

#include "emr_test.h"

#include <dirent.h>

typedef struct test_dir {
	char path[64];
	int fd;
} test_dir;

/* *STATE becomes an test_dir. */
static inline int test_dir_make(void **state)
{
	test_dir *here = calloc(1, sizeof *here);

	if (here == NULL)
		return -1;
	*state = here;
	strcpy(here->path, "/tmp/emr-test-XXXXXX");
	if (mkdtemp(here->path) == NULL)
		return -1;
	here->fd = open(here->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return here->fd < 0 ? -1 : 0;
}

static inline int test_dir_remove(void **state)
{
	test_dir *here = *state;
	DIR *dir = fdopendir(here->fd);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		unlinkat(dirfd(dir), entry->d_name, 0);
		unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
	rmdir(here->path);
	free(here);
	return 0;
}
