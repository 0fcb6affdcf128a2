/*
 * kill9_load - writers that note what they were promised, and the check after the mount was killed.
 *
 *   kill9_load run DIR LOG SEED WRITERS   works in DIR until it fails or is told to end
 *   kill9_load check DIR LOG [--peer]     compares DIR with LOG; then LOG is what was found
 *
 * LOG lies outside the mount.  Every operation is noted before it begins and when it returned.
 * Promised, when the process behind the mount is killed at any moment:
 *   a file whose close or rename returned has that version; while an operation is under way the
 *   file has the old or the new version, whole; a removed file stays removed;
 *   a file that was fsynced and is still open for writing has at least the bytes of the last fsync.
 * --peer forgives what an ordinary file system does not promise: a file being rewritten in place.
 *
 * The bytes of a version follow from its name and number, so the check needs no copy.
 */
#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES_EACH = 8, NAME_MAX_BYTES = 32, HEADER = 64, SIZE_MAX_BYTES = 200000, NAMES = 4096 };

/* Letters of the log: b(egun) with how, a(cknowledged), r(emoved), f(synced up to). */
struct state {
	char name[NAME_MAX_BYTES];
	uint64_t version; /* acknowledged; 0: there is no such file */
	uint64_t begun;	  /* under way, if is_begun; 0: being removed */
	uint64_t synced;  /* bytes of a growing file */
	char how;	  /* i(n place) r(ename) u(nlink) of what is under way */
	bool is_begun, is_growing;
};

static const char *dir;
static int log_fd;

static uint64_t seed_of(const char *name, uint64_t version)
{
	return emr_kit_hash(name, strlen(name)) ^ version * 0x9e3779b97f4a7c15ULL;
}

static size_t size_of(const char *name, uint64_t version)
{
	uint64_t rng = seed_of(name, version);
	size_t most = emr_kit_below(&rng, 5) == 0 ? SIZE_MAX_BYTES : 20000;

	return HEADER + emr_kit_below(&rng, most);
}

static unsigned char *bytes_of(const char *name, uint64_t version, size_t *out_size)
{
	size_t size = size_of(name, version);
	unsigned char *bytes = emr_kit_alloc(size);

	emr_kit_fill(bytes, size, seed_of(name, version));
	memset(bytes, ' ', HEADER);
	snprintf((char *)bytes, HEADER, "%s %llu", name, (unsigned long long)version);
	*out_size = size;
	return bytes;
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
	char line[128];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (write(log_fd, line, (size_t)size) != size)
		emr_kit_die("cannot write the log");
}

static bool put_file(const char *path, const char *name, uint64_t version, int flags, bool syncs)
{
	size_t size, done = 0;
	unsigned char *bytes = bytes_of(name, version, &size);
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);
	bool ok = fd >= 0;

	while (ok && done < size) {
		size_t part = size - done < 30000 ? size - done : 30000;

		ok = emr_kit_write_all(fd, bytes + done, part) == 0;
		done += part;
	}
	ok = ok && (!syncs || fsync(fd) == 0);
	if (fd >= 0)
		ok = close(fd) == 0 && ok;
	free(bytes);
	return ok;
}

static bool save(const char *name, uint64_t version, bool in_place, bool syncs)
{
	char path[4200], beside[4208];
	bool ok;

	snprintf(path, sizeof(path), "%.4000s/%s", dir, name);
	snprintf(beside, sizeof(beside), "%s.new", path);
	note("b %s %llu %c\n", name, (unsigned long long)version, in_place ? 'i' : 'r');
	if (in_place)
		ok = put_file(path, name, version, O_TRUNC, syncs);
	else
		ok = put_file(beside, name, version, O_TRUNC, syncs) && rename(beside, path) == 0;
	if (ok)
		note("a %s %llu\n", name, (unsigned long long)version);
	return ok;
}

static bool take_away(const char *name)
{
	char path[4200];

	snprintf(path, sizeof(path), "%.4000s/%s", dir, name);
	note("b %s 0 u\n", name);
	if (unlink(path) != 0 && errno != ENOENT)
		return false;
	note("r %s\n", name);
	return true;
}

/* Appends to one file that stays open, and notes how much of it was fsynced. */
static bool grow(int fd, const char *name, uint64_t *at, uint64_t *rng)
{
	size_t size = 1 + emr_kit_below(rng, 20000);
	unsigned char *bytes = emr_kit_alloc(size);
	bool ok = true;

	for (size_t i = 0; i < size; i++) /* each byte follows from its place alone */
		bytes[i] =
			(unsigned char)((*at + i) * 31 + (*at + i) / 251 + (unsigned char)name[1]);
	ok = emr_kit_write_all(fd, bytes, size) == 0;
	*at += size;
	if (ok && emr_kit_below(rng, 3) == 0) {
		ok = fsync(fd) == 0;
		if (ok)
			note("f %s %llu\n", name, (unsigned long long)*at);
	}
	free(bytes);
	return ok;
}

static _Noreturn void run_writer(unsigned number, uint64_t seed)
{
	uint64_t rng = seed * 1000 + number, grown = 0, version = seed * 1000000;
	char growing[NAME_MAX_BYTES], path[4200];
	bool ok;
	int fd;

	snprintf(growing, sizeof(growing), "g%u-%llu", number, (unsigned long long)seed);
	snprintf(path, sizeof(path), "%.4000s/%s", dir, growing);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	for (ok = fd >= 0; ok;) {
		char name[NAME_MAX_BYTES];
		uint64_t what = emr_kit_below(&rng, 10);

		snprintf(name, sizeof(name), "w%u-%llu", number,
			(unsigned long long)emr_kit_below(&rng, FILES_EACH));
		if (what < 3)
			ok = grow(fd, growing, &grown, &rng);
		else if (what == 3)
			ok = take_away(name);
		else
			ok = save(name, ++version, what < 7, emr_kit_below(&rng, 4) == 0);
	}
	if (errno != ENOTCONN && errno != ECONNABORTED && errno != EIO)
		fprintf(stderr, "writer %u ended: %s\n", number, strerror(errno));
	_exit(errno == ENOSPC ? 2 : 0);
}

static int run(uint64_t seed, uint64_t writers)
{
	bool ok = true;
	int status;

	for (unsigned i = 0; i < writers; i++)
		if (fork() == 0)
			run_writer(i, seed);
	while (wait(&status) > 0)
		ok = ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return ok ? 0 : 2;
}

static struct state states[NAMES];
static size_t state_count;

static struct state *state_of(const char *name)
{
	for (size_t i = 0; i < state_count; i++)
		if (strcmp(states[i].name, name) == 0)
			return &states[i];
	errno = 0;
	if (state_count == NAMES)
		emr_kit_die("too many names in the log");
	snprintf(states[state_count].name, NAME_MAX_BYTES, "%s", name);
	return &states[state_count++];
}

static void read_log(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[256], name[NAME_MAX_BYTES];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		unsigned long long number = 0;
		struct state *state;
		char how = 0;

		if (strchr(line, '\n') == NULL ||
			sscanf(line + 1, "%31s %llu %c", name, &number, &how) < 1)
			continue;
		state = state_of(name);
		state->is_begun = line[0] == 'b';
		if (line[0] == 'b')
			state->begun = number, state->how = how;
		if (line[0] == 'a')
			state->version = number;
		if (line[0] == 'r')
			state->version = 0;
		if (line[0] == 'f')
			state->synced = number, state->is_growing = true;
	}
	if (file != NULL)
		fclose(file);
}

static unsigned char *read_file(const char *path, size_t *out_size)
{
	int fd = open(path, O_RDONLY);
	unsigned char *bytes;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return NULL;
	bytes = emr_kit_alloc((size_t)st.st_size + 1);
	if (emr_kit_pread_all(fd, bytes, (size_t)st.st_size, 0) != st.st_size) {
		printf("BROKEN: %s cannot be read: %s\n", path, strerror(errno));
		*out_size = 0;
	} else {
		*out_size = (size_t)st.st_size;
	}
	close(fd);
	return bytes;
}

static bool is_version(const char *name, uint64_t version, const unsigned char *bytes, size_t size)
{
	size_t wanted_size;
	unsigned char *wanted = bytes_of(name, version, &wanted_size);
	bool is_equal = wanted_size == size && memcmp(wanted, bytes, size) == 0;

	free(wanted);
	return is_equal;
}

static bool check_growing(const struct state *state, const char *path)
{
	size_t size = 0;
	unsigned char *bytes = read_file(path, &size);
	bool ok = bytes != NULL && size >= state->synced;

	for (size_t i = 0; ok && i < size; i++) {
		unsigned char wanted =
			(unsigned char)(i * 31 + i / 251 + (unsigned char)state->name[1]);

		ok = bytes[i] == wanted || (i >= state->synced && bytes[i] == 0);
		if (!ok)
			printf("BROKEN: %s byte %zu\n", state->name, i);
	}
	if (!ok)
		printf("BROKEN: %s has %zu bytes, %llu were fsynced\n", state->name, size,
			(unsigned long long)state->synced);
	free(bytes);
	if (ok && unlink(path) != 0)
		printf("cannot remove %s: %s\n", path, strerror(errno));
	return ok;
}

/* On return STATE is what was found. */
static bool check_saved(struct state *state, const char *path, bool is_peer)
{
	size_t size = 0;
	unsigned char *bytes = read_file(path, &size);
	bool may_be_torn = is_peer && state->is_begun && state->how == 'i';
	uint64_t candidates[2] = {state->version, state->begun};

	for (int i = 0; i < (state->is_begun ? 2 : 1); i++) {
		bool fits = candidates[i] == 0
				    ? bytes == NULL
				    : bytes != NULL &&
					      is_version(state->name, candidates[i], bytes, size);

		if (!fits)
			continue;
		free(bytes);
		state->version = candidates[i];
		state->is_begun = false;
		return true;
	}
	if (state->version == 0 && state->is_begun && state->how == 'i' && bytes != NULL &&
		size == 0) { /* it was created, which is a promise, and not yet closed */
		free(bytes);
		unlink(path);
		state->is_begun = false;
		return true;
	}
	printf("%s: %s is %s (%zu bytes, begins [%.20s]); version %llu was acknowledged",
		may_be_torn ? "torn" : "BROKEN", state->name, bytes == NULL ? "missing" : "another",
		size, size > 20 ? (const char *)bytes : "", (unsigned long long)state->version);
	printf(state->is_begun ? ", %llu begun (%c)\n" : "\n", (unsigned long long)state->begun,
		state->how);
	free(bytes);
	if (may_be_torn)
		unlink(path);
	state->version = 0;
	state->is_begun = false;
	return may_be_torn;
}

static int check(const char *log, bool is_peer)
{
	unsigned broken = 0, checked = 0;
	char path[4200];

	read_log(log);
	log_fd = open(log, O_WRONLY | O_TRUNC | O_APPEND | O_CREAT, 0600);
	if (log_fd < 0)
		emr_kit_die("cannot open %s", log);
	for (size_t i = 0; i < state_count; i++) {
		struct state *state = &states[i];

		snprintf(path, sizeof(path), "%.4000s/%.31s", dir, state->name);
		checked++;
		if (state->is_growing) {
			broken += !check_growing(state, path);
			continue;
		}
		broken += !check_saved(state, path, is_peer);
		if (state->version != 0)
			note("a %s %llu\n", state->name, (unsigned long long)state->version);
	}
	printf("%u files checked, %u broken\n", checked, broken);
	return broken == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	errno = 0;
	if (argc < 4)
		emr_kit_die("usage: kill9_load run|check, see its source's head");
	dir = argv[2];
	if (strcmp(argv[1], "check") == 0)
		return check(argv[3], argc > 4 && strcmp(argv[4], "--peer") == 0);
	if (argc != 6)
		emr_kit_die("usage: kill9_load run DIR LOG SEED WRITERS");
	log_fd = open(argv[3], O_WRONLY | O_APPEND | O_CREAT, 0600);
	if (log_fd < 0)
		emr_kit_die("cannot open %s", argv[3]);
	return run(emr_kit_number(argv[4]), emr_kit_number(argv[5]));
}
