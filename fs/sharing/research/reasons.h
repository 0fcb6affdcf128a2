/* Numbers for why a file was withheld, as the file `follows` keeps them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "research/research.h"

#define REASON_UNKNOWN 255

uint8_t reason_number(const char *why);
bool reason_may_pass(uint8_t number);
