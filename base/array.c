/* This file gives arrays room for one more item. Without memory the array stays as it was. */
#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 16

emr_status emr_array_room(void *items, size_t n, size_t *cap, size_t size)
{
	size_t wanted = *cap == 0 ? FIRST_CAP : *cap * 2;
	void *grown;

	if (n < *cap)
		return EMR_OK;
	if (wanted > SIZE_MAX / size || wanted < *cap)
		return EMR_NO_MEMORY;
	memcpy(&grown, items, sizeof grown);
	grown = realloc(grown, wanted * size);
	EMR_TRY_MEMORY(grown);
	memcpy(items, &grown, sizeof grown);
	*cap = wanted;
	return EMR_OK;
}
