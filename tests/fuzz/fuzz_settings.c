/* This fuzz target reads any bytes as a settings file: they give settings within their limits,
 * or a refusal with a line number. */
#include <stdlib.h>

#include "kit/places.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EMR_AUTO_SETTINGS settings = {0};
	emr_problem problem = {0};

	if (emr_settings_parse("settings", emr_bytes_of(data, size), &settings, &problem) !=
		EMR_OK) {
		if (!problem.is_set || problem.text[0] == '\0')
			abort();
		return 0;
	}
	if (settings.kdf.memory_bytes < (uint64_t)8 << 20 ||
		settings.kdf.memory_bytes > (uint64_t)1 << 30 || settings.kdf.passes < 1 ||
		settings.kdf.passes > 16 || settings.idle_ns < 0)
		abort();
	return 0;
}
