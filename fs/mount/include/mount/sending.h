/* These functions show on the terminal how much still waits for the ledger, while a verb waits
 * for it. They refuse to count what a program is still writing as sent. */
#pragma once

#include "kit/out.h"

typedef struct emr_sending {
	bool has_begun;
	uint64_t sent, to_go; /* since the verb began to wait */
} emr_sending;

/* ANSWER is the mount's to `wait`. */
void emr_sending_show(emr_sending *sending, const json_t *answer, emr_out *out);
