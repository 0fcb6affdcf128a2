/* This fuzz target reads a table of a stranger: a first byte of options, then the table. Any copy
 * that comes out is a table again, as long as it says, each of its cells is one that the checker
 * takes, and readers' scan finds nothing in it. A table that the scan calls a copy gives all of
 * itself when it is copied. */
#include "deidentify_input.h"

#include "check.h"
#include "csv.h"
#include "scan.h"

static const emr_column named[] = {{"glucose", EMR_COLUMN_NUMBER, NULL},
	{"taken", EMR_COLUMN_DATE, NULL}, {"unit", EMR_COLUMN_CODE, NULL},
	{"sex", EMR_COLUMN_CODE, "|F|M|n/a|"}};
#define NAMED (sizeof named / sizeof *named)

static bool is_copy(int fd, uint64_t size, bool without_dates)
{
	static flat_file file;
	protocol_look rules = {.year = 2026, .rules.without_dates = without_dates};

	if (csv_take_columns(named, NAMED, &rules.columns) != EMR_OK)
		abort();
	file = (flat_file){.fd = fd, .size = size};
	return scan_file(&file, &rules) == EMR_WITHHELD_NOT;
}

static emr_withheld copy_to(int in, int out, bool without_dates, uint64_t *out_size)
{
	static const uint8_t key[EMR_DEIDENTIFY_KEY_BYTES] = {1};
	protocol_look rules = {.year = 2026, .rules.without_dates = without_dates};
	emr_deidentified what;
	persona who;

	persona_begin(&who, key, "pseudonym");
	if (csv_take_columns(named, NAMED, &rules.columns) != EMR_OK ||
		csv_copy(in, (uint64_t)lseek(in, 0, SEEK_END), out, &who, &rules, &what) != EMR_OK)
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
		if (!is_copy(out, copied, (data[0] & 1) != 0))
			abort();
		(void)check_table(in, size - 1, out, copied);
		if (check_table(nothing, 0, out, copied) != EMR_WITHHELD_NOT ||
			copy_to(out, again, true, &again_size) != EMR_WITHHELD_NOT)
			abort();
	}
	/* Without dates each cell of a copy stays as it is. */
	if (is_copy(in, size - 1, true) &&
		(ftruncate(out, 0) != 0 || copy_to(in, out, true, &copied) != EMR_WITHHELD_NOT ||
			copied != size - 1))
		abort();
	close(in);
	close(out);
	close(again);
	close(nothing);
	return 0;
}
