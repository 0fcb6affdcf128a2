/* This fuzz target gives two files of a stranger to the checker, and the second one to the scan of
 * readers: two bytes that say how long the first is, then both. */
#include "deidentify_input.h"

#include "check.h"
#include "scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static flat_file file;
	const unsigned with = EMR_PRIVATE_SAFE | EMR_PRIVATE_MOSAIC;
	const protocol_look rules = {.year = 2026, .rules.with_private = with};
	size_t first;
	int original, copy;

	if (size < 2)
		return 0;
	first = (size_t)data[0] << 8 | data[1];
	first = first < size - 2 ? first : size - 2;
	original = file_of(data + 2, first);
	copy = file_of(data + 2 + first, size - 2 - first);
	if (check_dicom(original, first, copy, size - 2 - first, with) == EMR_WITHHELD_NOT_DICOM)
		abort();
	(void)check_dicom(original, first, original, first, with);
	file = (flat_file){.fd = copy, .size = size - 2 - first, .ahead = 4096};
	(void)scan_dicom(&file, &rules);
	close(original);
	close(copy);
	return 0;
}
