/* These functions say who is behind a request: whether a program reads on its own (a thumbnailer,
 * an indexer, a backup), not because a person opened the file. They refuse to be sure: it goes by
 * names, and asks only /proc. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define CALLER_NAME_BYTES 64

/* THREAD (as a request names it) belongs to such a program, or was started by one: its name goes to
 * OUT_NAME.  Its process waits for the answer meanwhile, so that the number is not given to another
 * one. */
bool caller_is_software(pid_t thread, char out_name[CALLER_NAME_BYTES]);
/* The same by names alone, for tests: of the program's file, of the process (cut to 15 bytes by the
 * kernel), and its arguments (N bytes, each with its NUL). */
bool caller_names_software(const char *exe, const char *comm, const char *arguments, size_t n,
	char out_name[CALLER_NAME_BYTES]);
