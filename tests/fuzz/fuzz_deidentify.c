/* This fuzz target gives a DICOM file of a stranger to the writer: a first byte of options, then
 * the file. Any copy that comes out can be read again to its end, and is as long as it says. */
#include "deidentify_input.h"

#include "copy.h"

static emr_withheld copy_to(int in, int out, const emr_deidentify_rules *rules)
{
	static const uint8_t key[EMR_DEIDENTIFY_KEY_BYTES] = {1};
	emr_deidentified what;
	persona who;

	persona_begin(&who, key, "pseudonym");
	if (copy_file(in, (uint64_t)lseek(in, 0, SEEK_END), out, &who, rules, &what) != EMR_OK)
		abort();
	if (what.withheld == EMR_WITHHELD_NOT && (uint64_t)lseek(out, 0, SEEK_END) != what.size)
		abort();
	return what.withheld;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_deidentify_rules rules;
	int in, out, again;

	if (size == 0)
		return 0;
	rules = (emr_deidentify_rules){.without_dates = (data[0] & 1) != 0,
		.with_characteristics = (data[0] & 2) != 0,
		.with_faces = (data[0] & 4) != 0,
		.with_derived = (data[0] & 8) != 0,
		.with_private = data[0] >> 4 & 3};
	in = file_of(data + 1, size - 1);
	out = file_of(data, 0);
	again = file_of(data, 0);
	if (copy_to(in, out, &rules) == EMR_WITHHELD_NOT) {
		emr_withheld why = copy_to(out, again, &rules);

		/* less may stay, so that it may be withheld for what it no longer says */
		if (why == EMR_WITHHELD_NOT_DICOM || why == EMR_WITHHELD_DAMAGED ||
			why == EMR_WITHHELD_TOO_COMPLEX || why == EMR_WITHHELD_COMPRESSION)
			abort();
	}
	close(in);
	close(out);
	close(again);
	return 0;
}
