/* This fuzz target reads any bytes as the file of a keyring's guardians: they are refused, or every
 * guardian in it can be asked for, and none opens for a stranger. */
#include <stdlib.h>
#include <string.h>

#include "crypto/sum.h"
#include "keyring/letters.h"

static void read_all(emr_bytes file, const emr_keyring *stranger)
{
	uint8_t out[EMR_GUARDIAN_PASSPHRASE_MAX];
	emr_guardian one;
	size_t len, n = 0;

	while (emr_guardians_at(file, n, &one) == EMR_OK) {
		if (strlen(one.as) > EMR_GUARDIAN_AS_MAX ||
			emr_guardians_open(file, n, stranger, out, &len) == EMR_OK)
			abort();
		n++;
	}
	if (n > EMR_GUARDIANS_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static emr_keyring *stranger;
	EMR_AUTO_BUF whole = {0};

	if (stranger == NULL && (emr_base_init() != EMR_OK || emr_keyring_create(EMR_KEYRING_PERSON,
								      1, &stranger) != EMR_OK))
		abort();
	read_all(emr_bytes_of(data, size), stranger);
	/* Chance makes no sum that fits. */
	if (emr_buf_append(&whole, data, size) != EMR_OK || emr_sum_append(&whole) != EMR_OK)
		abort();
	read_all(emr_buf_view(&whole), stranger);
	return 0;
}
