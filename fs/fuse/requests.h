/* This counts requests of the kernel, with one atomic addition each. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define REQUEST_KINDS 48 /* opcodes of the kernel, from 0 */

void requests_note(uint32_t opcode);
void requests_reset(void); /* before a new session */
/* The name ("lookup") of the opcode KIND, and how often it came; NULL: no kind. */
const char *requests_count(size_t kind, uint64_t *out_count);
