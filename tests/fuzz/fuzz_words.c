/* This fuzz target reads any text as the 24 words that somebody typed: it gives a keyring, or a
 * refusal that names what is wrong. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "keyring/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_words_problem problem;
	emr_keyring *kr = NULL;

	if (emr_base_init() != EMR_OK)
		abort();
	if (emr_keyring_from_words(
		    emr_bytes_of(data, size), EMR_KEYRING_PERSON, 0, &problem, &kr) == EMR_OK)
		emr_keyring_free(kr);
	else if (size <= 4096 && (problem.fault == EMR_WORDS_FINE || strlen(problem.word) > 31))
		abort();
	return 0;
}
