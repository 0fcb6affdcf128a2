/* Says what questions to this computer's copy of the ledger cost, counted where SQLite answers them
 * (link with -Wl,--wrap=sqlite3_step). */
#pragma once

#include <stdint.h>

/* Rows that this thread has read since it began. */
uint64_t rows_read(void);
