/* This fuzz target gives a store segments (CAR files) that somebody else has changed: the scanner
 * must find every section past damage, and leave out no byte. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store_private.h"

typedef struct seen {
	uint64_t next; /* items follow one another without gap */
} seen;

static emr_status see_item(void *context, const emr_scan_item *item)
{
	seen *s = context;

	if (item->offset != s->next || item->len == 0)
		abort();
	if (!item->hole && item->head_len + item->data_len != item->len)
		abort();
	s->next += item->len;
	return EMR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	uint64_t end;

	if (fd < 0)
		fd = memfd_create("car", MFD_CLOEXEC);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size ||
		lseek(fd, 0, SEEK_SET) != 0)
		return 0;
	for (int hashed = 0; hashed < 2; hashed++) {
		seen s = {0};

		if (emr_scan(fd, 0, hashed, see_item, &s, &end) == EMR_OK && end != s.next)
			abort();
	}
	return 0;
}
