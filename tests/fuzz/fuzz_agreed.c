/* This fuzz target reads the inside of the file that says of which folders copies go into datasets.
 * The texts in a row that is read have an end, and a row that is found is found again. */
#include <stdlib.h>

#include "agreed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	agreed a = {.n = 0};

	if (agreed_parse(emr_bytes_of(data, size), &a) == EMR_OK) {
		for (size_t i = 0; i < a.n; i++)
			if (agreed_find(&a, a.rows[i].dataset, a.rows[i].path) == NULL)
				abort();
		while (a.n > 0)
			agreed_drop(&a, a.rows);
	}
	agreed_free(&a);
	return 0;
}
