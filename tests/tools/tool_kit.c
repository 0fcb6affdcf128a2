/* This file is what the test tools share: random numbers from a seed, recognisable bytes, whole
 * reads and writes. A broken test bed ends the program with status 2, so that it is not taken
 * for a broken file system. */
#include "tool_kit.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t emr_kit_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t emr_kit_below(uint64_t *state, uint64_t limit)
{
	return limit == 0 ? 0 : emr_kit_random(state) % limit;
}

void emr_kit_fill(void *buf, size_t size, uint64_t pattern)
{
	unsigned char *bytes = buf;
	uint64_t state = pattern;

	for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
		uint64_t word = emr_kit_random(&state);
		size_t part = size - at < sizeof(word) ? size - at : sizeof(word);

		memcpy(bytes + at, &word, part);
	}
}

uint64_t emr_kit_hash(const void *buf, size_t size)
{
	const unsigned char *bytes = buf;
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	return hash;
}

uint64_t emr_kit_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

void emr_kit_die(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	if (error != 0)
		fprintf(stderr, ": %s", strerror(error));
	fputc('\n', stderr);
	exit(2);
}

uint64_t emr_kit_number(const char *text)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (end != text && *end == 'k')
		value <<= 10, end++;
	else if (end != text && *end == 'm')
		value <<= 20, end++;
	else if (end != text && *end == 'g')
		value <<= 30, end++;
	if (end == text || *end != '\0' || *text == '-' || errno != 0)
		emr_kit_die("not a number: %s", text);
	return value;
}

void *emr_kit_alloc(size_t size)
{
	void *memory = calloc(1, size == 0 ? 1 : size);

	if (memory == NULL)
		emr_kit_die("no memory for %zu bytes", size);
	return memory;
}

ssize_t emr_kit_pread_all(int fd, void *buf, size_t size, off_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t part = pread(fd, (char *)buf + done, size - done, offset + (off_t)done);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -1;
		if (part == 0)
			break;
		done += (size_t)part;
	}
	return (ssize_t)done;
}

int emr_kit_write_all(int fd, const void *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t part = write(fd, (const char *)buf + done, size - done);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -1;
		done += (size_t)part;
	}
	return 0;
}

int emr_kit_shell(const char *command)
{
	int status = system(command);

	if (status == -1)
		emr_kit_die("cannot run %s", command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

void emr_kit_remove_tree(const char *path)
{
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return;
	if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		emr_kit_die("cannot remove %s", path);
}
