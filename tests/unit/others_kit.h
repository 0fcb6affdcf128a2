/* This kit makes a person on the same ledger who has nothing to do with the folder under test. */
#pragma once

#include "view_kit.h"

/* His folder, with N records saved one by one; then the last of them is erased. */
void others_write(kit *k, size_t n);
