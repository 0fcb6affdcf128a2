/* This gives back the memory of program code that only the opening of a folder needs. */
#pragma once

/* Unmaps what is mapped of code and constants; what is needed again is mapped again when it is
 * touched, from the page cache.  Nothing that was written is touched, so it cannot fail. */
void emr_code_rest(void);
