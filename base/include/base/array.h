/* Arrays that grow an item at a time, by doubling.  Not for secrets: a block that was outgrown is
 * freed without being wiped. */
#pragma once

#include <stddef.h>

#include "base/status.h"

/* Room for one more behind the N items of an array.  *(T **)ITEMS is the array, NULL at first, and
 * *CAP how many items of SIZE bytes it has room for.  EMR_NO_MEMORY leaves both as they were. */
emr_status emr_array_room(void *items, size_t n, size_t *cap, size_t size);
