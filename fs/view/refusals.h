/* How often refused programs are spoken of.  It refuses to speak of the same kind without end. */
#pragma once

#include <stdint.h>

#define REFUSALS 3 /* kinds */

typedef struct refusal_window {
	int64_t since_boot_ns;
	unsigned count;
} refusal_window;
