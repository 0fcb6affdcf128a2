/* This header has the history of a workload, as its promises tell, and so what a folder may hold
 * after a power cut. It refuses to guess: a folder fits one moment between the last promise and the
 * cut, as a whole, or it does not. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line of the promises file.  Operations are announced before they begin:
 *   o N mkdir PATH | o N make PATH | o N rename FROM TO | o N unlink PATH | o N rmdir PATH
 *   o N put PATH HASH (one whole content, closed) | o N spill PATH HASH (the same, perhaps in a
 * spill) o N set PATH MODE VALUE (mode, and attribute user.v) | o N publish and kept afterwards: d
 * N               everything up to N is on the disk f N PATH          the file's content is at
 * least that of operation N c N PATH ID VER   confirmed: record id and version */
typedef struct model model;

/* Dies with a message on a line it does not know. */
model *model_read(const char *marks_path);
void model_free(model *m);

/* The findings in the folder. */
typedef struct found {
	char path[300];
	bool is_directory;
	char hash[65];
	unsigned mode;
	char value[64];
	char id[40];
	unsigned long long version;
} found;

/* The operation after which the folder is exactly FOUND, or -1 with the closest miss in WHY. */
long model_match(model *m, const found *items, size_t n, char *why, size_t why_size);
long model_floor(const model *m);
