/* This kit has what the timed operations of fb share: clock, whole reads and writes, quantiles. It
 * refuses to time a failure: any error ends the program with a message and status 1. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

_Noreturn void fb_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
double fb_now_s(void);
size_t fb_number(const char *text);
void *fb_alloc(size_t size);

/* Random bytes and numbers; the same in every run, so that every file system gets the same. */
void fb_fill(void *bytes, size_t size);
size_t fb_below(size_t limit);
void fb_shuffle(size_t *order, size_t count);

int fb_open(const char *path, int flags); /* mode 0644 */
void fb_write(int fd, const void *bytes, size_t size, const char *path);
size_t fb_read(int fd, void *bytes, size_t size, const char *path);
void fb_sync(int fd, const char *path);
void fb_close(int fd, const char *path);
size_t fb_size(int fd, const char *path);
unsigned char *fb_load(const char *path, size_t *out_size);

/* Creates PATH (it must not exist) with BYTES: open, write, perhaps fsync, close. */
void fb_put(const char *path, const void *bytes, size_t size, bool syncs);

void fb_tree_name(char *out, size_t room, const char *dir, size_t d, size_t f);
void fb_report_name(char *out, size_t room, const char *dir, size_t number);

/* Prints "p50 p99" of TIMES (seconds) in microseconds and sorts TIMES. */
void fb_print_us(double *times, size_t count);
