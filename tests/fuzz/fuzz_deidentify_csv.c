/* A table that somebody gave: a first byte of options, then the table.  Whatever copy comes out is
 * a table again, as long as it says, and each of its cells is one that the checker takes. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
		abort();
	return fd;
}

static emr_withheld copy_to(int in, int out, bool without_dates, uint64_t *out_size)
{
	static const emr_column named[] = {{"glucose", EMR_COLUMN_NUMBER},
		{"taken", EMR_COLUMN_DATE}, {"unit", EMR_COLUMN_CODE}};
	static const uint8_t key[EMR_DEIDENTIFY_KEY_BYTES] = {1};
	csv_columns columns = {0};
	emr_deidentified what;
	persona who;

	persona_begin(&who, key, "pseudonym");
	if (csv_take_columns(named, 3, &columns) != EMR_OK ||
		csv_copy(in, (uint64_t)lseek(in, 0, SEEK_END), out, &who, without_dates, &columns,
			&what) != EMR_OK)
		abort();
	*out_size = what.size;
	if (what.withheld == EMR_WITHHELD_NOT && (uint64_t)lseek(out, 0, SEEK_END) != what.size)
		abort();
	return what.withheld;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t copied = 0, again_size = 0;
	int in, out, again, nothing;

	if (size == 0)
		return 0;
	in = file_of(data + 1, size - 1);
	out = file_of(data, 0);
	again = file_of(data, 0);
	nothing = file_of(data, 0);
	if (copy_to(in, out, (data[0] & 1) != 0, &copied) == EMR_WITHHELD_NOT) {
		(void)check_table(in, size - 1, out, copied);
		if (check_table(nothing, 0, out, copied) != EMR_WITHHELD_NOT ||
			copy_to(out, again, true, &again_size) != EMR_WITHHELD_NOT)
			abort();
	}
	close(in);
	close(out);
	close(again);
	close(nothing);
	return 0;
}
