/*
 * promise_load - writers that note what they were promised, and the check after the worst.
 *
 *   promise_load run DIR LOG [--seed N] [--writers N] [--count N] [--no-dirsync]
 *   promise_load check DIR LOG [--power] [--peer]
 *
 * run works in DIR until it fails, or --count operations for each writer.  LOG lies outside of DIR;
 * every operation is noted there before it begins and when it returned.  check compares:
 *   After the process behind the mount was killed, a file whose close or rename returned has that
 *   version; while an operation is under way it has the old or the new version, whole; a removed
 * file stays removed.  LOG then becomes what was found, for the next round. After a power cut
 * (--power) the same holds for what was fsynced, with its directory unless
 *   --no-dirsync; of everything later any version may be there, whole.  LOG and DIR stay.
 *   A file that is still open for writing has at least the bytes of its last fsync.
 * --peer forgives what an ordinary file system does not promise: that an unfinished (after a power
 * cut: an unflushed) version is whole.
 *
 * The bytes of a version follow from its name and number, so the check needs no copy.
 */
#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES_EACH = 8, NAME_MAX_BYTES = 32, HEADER = 64, SIZE_MAX_BYTES = 200000, NAMES = 4096 };

/* One version that a file may have; 0: there is none. */
struct outcome {
	uint64_t version;
	char how; /* p(romised) i(n place) r(ename) u(nlink) */
};

/* The first outcome is the last one promised, the others were begun after it. */
struct state {
	char name[NAME_MAX_BYTES];
	struct outcome *outcomes;
	size_t outcome_count;
	uint64_t synced; /* bytes of a growing file */
	bool is_growing;
};

static struct {
	uint64_t seed, writers, count;
	bool is_power, is_peer, no_dirsync;
} opt = {.seed = 1, .writers = 3};

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

static bool sync_dir(void)
{
	int fd = opt.no_dirsync ? -1 : open(dir, O_RDONLY | O_DIRECTORY);
	bool ok = opt.no_dirsync || (fd >= 0 && fsync(fd) == 0);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Notes a: b(egun) with number and how, a(cknowledged) with c(losed) or s(ynced). */
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
	ok = ok && (!syncs || sync_dir());
	if (ok) /* a rename is on disk only with its directory */
		note("a %s %llu %c\n", name, (unsigned long long)version,
			syncs && (in_place || !opt.no_dirsync) ? 's' : 'c');
	return ok;
}

static bool take_away(const char *name, bool syncs)
{
	char path[4200];

	snprintf(path, sizeof(path), "%.4000s/%s", dir, name);
	note("b %s 0 u\n", name);
	if ((unlink(path) != 0 && errno != ENOENT) || (syncs && !sync_dir()))
		return false;
	note("a %s 0 %c\n", name, syncs && !opt.no_dirsync ? 's' : 'c');
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

static bool one_operation(unsigned number, uint64_t version, uint64_t *rng)
{
	bool syncs = emr_kit_below(rng, 4) == 0;
	char name[NAME_MAX_BYTES];
	uint64_t what = emr_kit_below(rng, 7);

	snprintf(name, sizeof(name), "w%u-%llu", number,
		(unsigned long long)emr_kit_below(rng, FILES_EACH));
	return what == 0 ? take_away(name, syncs) : save(name, version, what < 4, syncs);
}

static _Noreturn void run_writer(unsigned number)
{
	uint64_t rng = opt.seed * 1000 + number, grown = 0, version = opt.seed * 1000000;
	uint64_t left = opt.count;
	char growing[NAME_MAX_BYTES], path[4200];
	bool ok;
	int fd;

	snprintf(growing, sizeof(growing), "g%u-%llu", number, (unsigned long long)opt.seed);
	snprintf(path, sizeof(path), "%.4000s/%s", dir, growing);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ok = fd >= 0 && sync_dir();
	while (ok && (opt.count == 0 || left-- > 0)) {
		if (emr_kit_below(&rng, 10) < 3)
			ok = grow(fd, growing, &grown, &rng);
		else
			ok = one_operation(number, ++version, &rng);
	}
	if (ok)
		_exit(0);
	if (errno != ENOTCONN && errno != ECONNABORTED && errno != EIO)
		fprintf(stderr, "writer %u ended: %s\n", number, strerror(errno));
	_exit(errno == ENOSPC || opt.count != 0 ? 2 : 0);
}

static int run(void)
{
	bool ok = true;
	int status;

	for (unsigned i = 0; i < opt.writers; i++)
		if (fork() == 0)
			run_writer(i);
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
	states[state_count].outcomes = emr_kit_alloc(sizeof(struct outcome));
	states[state_count].outcomes[0] = (struct outcome){0, 'p'};
	states[state_count].outcome_count = 1;
	return &states[state_count++];
}

static void promised(struct state *state, uint64_t version)
{
	state->outcomes[0] = (struct outcome){version, 'p'};
	state->outcome_count = 1;
}

static void begun(struct state *state, uint64_t version, char how)
{
	size_t count = state->outcome_count + 1;

	state->outcomes = realloc(state->outcomes, count * sizeof(*state->outcomes));
	if (state->outcomes == NULL)
		emr_kit_die("no memory");
	state->outcomes[state->outcome_count++] = (struct outcome){version, how};
}

static void read_line(const char *line)
{
	unsigned long long number = 0;
	char name[NAME_MAX_BYTES], how = 0;
	struct state *state;

	if (strchr(line, '\n') == NULL || sscanf(line + 1, "%31s %llu %c", name, &number, &how) < 2)
		return;
	state = state_of(name);
	if (line[0] == 'b')
		begun(state, number, how);
	if (line[0] == 'a' && (how == 's' || !opt.is_power))
		promised(state, number);
	if (line[0] == 'f')
		state->synced = number, state->is_growing = true;
}

static void read_log(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[256];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		read_line(line);
	if (file != NULL)
		fclose(file);
}

/* NULL when there is no such file; *out_error when there is and it cannot be read. */
static unsigned char *read_file(const char *path, size_t *out_size, int *out_error)
{
	int fd = open(path, O_RDONLY);
	unsigned char *bytes;
	struct stat st;

	*out_size = 0;
	*out_error = fd < 0 && errno != ENOENT ? errno : 0;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0)
		emr_kit_die("cannot stat %s", path);
	bytes = emr_kit_alloc((size_t)st.st_size + 1);
	if (emr_kit_pread_all(fd, bytes, (size_t)st.st_size, 0) == st.st_size)
		*out_size = (size_t)st.st_size;
	else
		*out_error = errno != 0 ? errno : EIO;
	close(fd);
	return bytes;
}

static bool is_unreadable(const struct state *state, int error)
{
	if (error != 0)
		printf("BROKEN: %s cannot be read: %s\n", state->name, strerror(error));
	return error != 0;
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
	size_t size;
	int error;
	unsigned char *bytes = read_file(path, &size, &error);
	bool ok = !is_unreadable(state, error) && bytes != NULL && size >= state->synced;

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
	if (ok && !opt.is_power && unlink(path) != 0)
		printf("cannot remove %s: %s\n", path, strerror(errno));
	return ok;
}

static bool is_empty_and_new(const struct state *state, const unsigned char *bytes, size_t size)
{
	bool may_be_missing = false, is_made = false;

	for (size_t i = 0; i < state->outcome_count; i++) {
		may_be_missing = may_be_missing || state->outcomes[i].version == 0;
		is_made = is_made || state->outcomes[i].how == 'i';
	}
	return bytes != NULL && size == 0 && may_be_missing && is_made;
}

static bool fits_an_outcome(
	const struct state *state, const unsigned char *bytes, size_t size, uint64_t *out_version)
{
	for (size_t i = state->outcome_count; i-- > 0;) {
		uint64_t version = state->outcomes[i].version;

		if (version == 0 ? bytes != NULL
				 : bytes == NULL || !is_version(state->name, version, bytes, size))
			continue;
		*out_version = version;
		return true;
	}
	return false;
}

static bool may_be_torn(const struct state *state)
{
	const struct outcome *last = &state->outcomes[state->outcome_count - 1];

	return opt.is_peer && (opt.is_power ? state->outcome_count > 1 : last->how == 'i');
}

/* *out_version is what was found; a file that is no version is removed for the next round. */
static bool check_saved(const struct state *state, const char *path, uint64_t *out_version)
{
	size_t size;
	int error;
	unsigned char *bytes = read_file(path, &size, &error);
	bool ok = fits_an_outcome(state, bytes, size, out_version);

	if (is_unreadable(state, error)) {
		free(bytes);
		return false;
	}

	if (!ok) {
		*out_version = 0;
		ok = is_empty_and_new(state, bytes, size) || may_be_torn(state);
		if (!opt.is_power)
			unlink(path);
	}
	if (!ok) {
		const struct outcome *last = &state->outcomes[state->outcome_count - 1];

		printf("BROKEN: %s is %s (%zu bytes, begins [%.20s]); promised was %llu, last "
		       "begun %llu "
		       "(%c)\n",
			state->name, bytes == NULL ? "missing" : "another", size,
			size > 20 ? (const char *)bytes : "",
			(unsigned long long)state->outcomes[0].version,
			(unsigned long long)last->version, last->how);
	}
	free(bytes);
	return ok;
}

static int check(const char *log)
{
	unsigned broken = 0;
	char path[4200];

	read_log(log);
	log_fd = open(log, opt.is_power ? O_RDONLY : O_WRONLY | O_TRUNC | O_APPEND | O_CREAT, 0600);
	if (log_fd < 0)
		emr_kit_die("cannot open %s", log);
	for (size_t i = 0; i < state_count; i++) {
		uint64_t version = 0;

		snprintf(path, sizeof(path), "%.4000s/%.31s", dir, states[i].name);
		if (states[i].is_growing)
			broken += !check_growing(&states[i], path);
		else
			broken += !check_saved(&states[i], path, &version);
		if (version != 0 && !opt.is_power)
			note("a %s %llu c\n", states[i].name, (unsigned long long)version);
	}
	printf("%zu files checked, %u broken\n", state_count, broken);
	return broken == 0 ? 0 : 1;
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {{"seed", 1, NULL, 's'}, {"writers", 1, NULL, 'w'},
		{"count", 1, NULL, 'c'}, {"no-dirsync", 0, NULL, 'd'}, {"power", 0, NULL, 'p'},
		{"peer", 0, NULL, 'P'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 's':
			opt.seed = emr_kit_number(optarg);
			break;
		case 'w':
			opt.writers = emr_kit_number(optarg);
			break;
		case 'c':
			opt.count = emr_kit_number(optarg);
			break;
		case 'd':
			opt.no_dirsync = true;
			break;
		case 'p':
			opt.is_power = true;
			break;
		case 'P':
			opt.is_peer = true;
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	errno = 0;
	if (argc - optind != 3)
		emr_kit_die("usage: promise_load run|check DIR LOG, see its source's head");
	dir = argv[optind + 1];
	if (strcmp(argv[optind], "check") == 0)
		return check(argv[optind + 2]);
	log_fd = open(argv[optind + 2], O_WRONLY | O_APPEND | O_CREAT, 0600);
	if (log_fd < 0)
		emr_kit_die("cannot open %s", argv[optind + 2]);
	return run();
}
