/* Tests of disks that take nothing use this: fstatvfs says so while still_is is set, and what lies
 * in a directory can be compared with what lay there. Link with -Wl,--wrap=fstatvfs64. */
#pragma once

#include <stdbool.h>

extern bool still_is;
/* Names, sizes, times and bytes of all files in PATH; owned by the caller. */
char *still_picture(const char *path);
/* A copy of it with everything as it is at this moment, as a killed process would leave it. */
void still_copy(const char *from, const char *to);
