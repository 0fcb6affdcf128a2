/* This file is what the measured operations share: the clock, reading and writing whole files,
 * the same random bytes in every run, and the printing of times. A failed call ends the program,
 * so that a failure is never measured as fast. */
#include "fb_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t random_state = 0x6d72662d62656e63ULL;

void fb_die(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	fprintf(stderr, "fb: ");
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "%s%s\n", error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
	exit(1);
}

double fb_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

size_t fb_number(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	errno = 0;
	if (end == text || *end != '\0' || value == 0)
		fb_die("not a number above 0: %s", text);
	return value;
}

void *fb_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL)
		fb_die("no memory for %zu bytes", size);
	return memory;
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t next_random(void)
{
	uint64_t z = (random_state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void fb_fill(void *bytes, size_t size)
{
	unsigned char *out = bytes;

	for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
		uint64_t word = next_random();

		memcpy(out + at, &word, size - at < sizeof(word) ? size - at : sizeof(word));
	}
}

size_t fb_below(size_t limit)
{
	return limit == 0 ? 0 : next_random() % limit;
}

void fb_shuffle(size_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (size_t i = count; i > 1; i--) {
		size_t j = fb_below(i), other = order[j];

		order[j] = order[i - 1];
		order[i - 1] = other;
	}
}

int fb_open(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd < 0)
		fb_die("cannot open %s", path);
	return fd;
}

void fb_write(int fd, const void *bytes, size_t size, const char *path)
{
	size_t done = 0;

	while (done < size) {
		ssize_t part = write(fd, (const char *)bytes + done, size - done);

		if (part <= 0)
			fb_die("cannot write %s", path);
		done += (size_t)part;
	}
}

size_t fb_read(int fd, void *bytes, size_t size, const char *path)
{
	ssize_t got = read(fd, bytes, size);

	if (got < 0)
		fb_die("cannot read %s", path);
	return (size_t)got;
}

void fb_sync(int fd, const char *path)
{
	if (fsync(fd) != 0)
		fb_die("cannot fsync %s", path);
}

void fb_close(int fd, const char *path)
{
	if (close(fd) != 0)
		fb_die("cannot close %s", path);
}

size_t fb_size(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		fb_die("cannot stat %s", path);
	return (size_t)st.st_size;
}

unsigned char *fb_load(const char *path, size_t *out_size)
{
	int fd = fb_open(path, O_RDONLY);
	size_t size = fb_size(fd, path), done = 0, part;
	unsigned char *bytes = fb_alloc(size + 1);

	while (done < size && (part = fb_read(fd, bytes + done, size - done, path)) > 0)
		done += part;
	fb_close(fd, path);
	*out_size = done;
	return bytes;
}

void fb_put(const char *path, const void *bytes, size_t size, bool syncs)
{
	int fd = fb_open(path, O_WRONLY | O_CREAT | O_EXCL);

	fb_write(fd, bytes, size, path);
	if (syncs)
		fb_sync(fd, path);
	fb_close(fd, path);
}

void fb_tree_name(char *out, size_t room, const char *dir, size_t d, size_t f)
{
	snprintf(out, room, "%s/visit-%03zu/record-%03zu.pdf", dir, d, f);
}

void fb_report_name(char *out, size_t room, const char *dir, size_t number)
{
	snprintf(out, room, "%s/report-%05zu.pdf", dir, number);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void fb_print_us(double *times, size_t count)
{
	qsort(times, count, sizeof(*times), by_size);
	printf("%.1f %.1f", times[count / 2] * 1e6, times[(size_t)((double)count * 0.99)] * 1e6);
}
