/* This counts requests of the kernel, with one atomic addition each. */
#pragma once

#include <stdint.h>

void requests_note(uint32_t opcode);
void requests_reset(void); /* before a new session */
