/* Two computers of one person on one ledger, for tests of the folder: each has a directory, a clock
 * and a folder of its own, the ledger and the blocks are the same.  Every helper asserts. */
#pragma once

#include "view_kit.h"

typedef struct two {
	kit a, b;
} two;

/* Another computer B for the person of A, whose folder is opened there. */
void two_second(kit *b, const kit *a);
/* As cmocka's setup and teardown: Imaging with the files 1 and 2, and Letters, which both show. */
int two_open(void **state);
int two_close(void **state);
/* Until neither has anything to say any more. */
void two_meet(two *t);
/* Both show the same, and do so when they are opened again. */
void two_expect_equal(two *t);
/* The same of both only when they are opened again; PART is in the picture (kit_picture). */
void two_expect_equal_again(two *t, const char *part);

typedef struct two_conflicts {
	unsigned n;
	char last[300];
} two_conflicts;

two_conflicts two_conflicts_in(kit *k, const char *directory);
unsigned two_entries_in(kit *k, const char *directory);
