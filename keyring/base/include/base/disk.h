/* Whether two open directories lie on one disk, as far as this computer can tell: on one file
 * system, or on file systems whose block devices end at one disk (partitions, volumes, loop devices
 * over a file).
 * It cannot know what lies behind a device: virtual disks of one host, volumes of one array, a
 * server's or a program's (FUSE) directory that is on this disk after all. */
#pragma once

#include <stdbool.h>

bool emr_disk_is_same(int fd, int other_fd);
