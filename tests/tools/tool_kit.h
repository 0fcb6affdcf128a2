/* The test tools share this: seeded random numbers, recognisable bytes, whole reads and writes. It
 * knows nothing about emrfs: the tools work on any directory and any process.
 *
 * Every function that can fail without a useful answer prints the reason and ends the program with
 * status 2, so that a broken test bed is never mistaken for a broken file system (status 1). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One step of splitmix64 (Steele, Lea, Flood 2014); any state, also 0, is a good seed. */
uint64_t emr_kit_random(uint64_t *state);

/* A number in [0, limit); limit 0 gives 0.  The bias of the modulo is of no concern here. */
uint64_t emr_kit_below(uint64_t *state, uint64_t limit);

/* Fills BUF with bytes that depend on PATTERN and the position only. */
void emr_kit_fill(void *buf, size_t size, uint64_t pattern);

/* 64-bit FNV-1a of BUF: names contents in messages, protects nothing. */
uint64_t emr_kit_hash(const void *buf, size_t size);

/* Monotonic time. */
uint64_t emr_kit_now_ns(void);

/* Ends the program with status 2; the message gets errno's text when errno is not 0. */
_Noreturn void emr_kit_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A decimal number with an optional k, m or g (1024) behind it; anything else ends the program. */
uint64_t emr_kit_number(const char *text);

/* Memory or the end of the program. */
void *emr_kit_alloc(size_t size);

/* As many bytes as asked unless the file ends or an error comes; returns the count or -1. */
ssize_t emr_kit_pread_all(int fd, void *buf, size_t size, off_t offset);

/* All bytes, or -1 with errno. */
int emr_kit_write_all(int fd, const void *buf, size_t size);

/* Runs COMMAND with the shell and returns its exit status; 128 + signal when it was killed. */
int emr_kit_shell(const char *command);

/* Removes PATH and everything below it without crossing into other file systems; missing is fine.
 */
void emr_kit_remove_tree(const char *path);
