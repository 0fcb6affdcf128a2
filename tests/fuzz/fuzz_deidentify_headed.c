/* This fuzz target copies a NIfTI, EDF, BDF, VCF, BAM or CRAM file of a stranger, packed or not: a
 * first byte of options, then the file. A copy is as long as it says, the scan finds nothing in it,
 * and its own copy is itself. */
#include <string.h>

#include "deidentify_input.h"
#include "headed.h"

#define ALL (1u << EMR_COPY_NIFTI | 1u << EMR_COPY_EDF | 1u << EMR_COPY_VCF)

static emr_withheld copy_to(int in, int out, bool with_faces, uint64_t *out_size)
{
	const headed_rules rules = {ALL, with_faces, "k7pseudonym2"};
	emr_deidentified what;

	if (headed_copy(in, (uint64_t)lseek(in, 0, SEEK_END), out, &rules, &what) != EMR_OK)
		abort();
	*out_size = what.size;
	if (what.withheld == EMR_WITHHELD_NOT && (uint64_t)lseek(out, 0, SEEK_END) != what.size)
		abort();
	return what.withheld;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static flat_file f;
	const bool with_faces = size > 0 && (data[0] & 1) != 0;
	uint64_t len, again_len;
	int in, out, again;

	if (size == 0)
		return 0;
	in = file_of(data + 1, size - 1);
	out = file_of(data, 0);
	again = file_of(data, 0);
	if (copy_to(in, out, with_faces, &len) == EMR_WITHHELD_NOT) {
		f = (flat_file){.fd = out, .size = len};
		(void)headed_check(in, size - 1, out, len);
		if (headed_scan(&f, &(headed_rules){ALL, with_faces, NULL}) != EMR_WITHHELD_NOT ||
			copy_to(out, again, with_faces, &again_len) != EMR_WITHHELD_NOT ||
			again_len != len)
			abort();
	}
	close(in);
	close(out);
	close(again);
	return 0;
}
