/*
 * powercut_replay - cuts the power at many moments of a recorded trace and checks what is left.
 *
 *   powercut_replay --trace FILE --check CMD [--scratch DIR] [--names strict|ordered|apart|all]
 *                   [--every-flush] [--per-interval N] [--at-least N] [--max-cuts N] [--seed N]
 *                   [--jobs N] [--drop-flushes] [--allow-unsupported] [--only CUT:SEED [--keep]]
 *
 * A cut C:S leaves the first C events of the trace and draws, by seed S, what the disk holds of
 * those that were not flushed (powercut_model.h says how; style = S mod 6).  CMD is run by the
 * shell with {dir} and {marks} replaced: the directory, and a file with the promises made before
 * the cut, as written.  Also in POWERCUT_DIR and POWERCUT_MARKS.  Status 0 of CMD: the promises
 * were kept.
 *
 * --every-flush cuts before each flush, just before it ends, and after it; --per-interval adds N
 * random moments between two flushes, --at-least fills up with random cuts, --max-cuts thins
 * evenly.
 * --drop-flushes is the negative control: no flush counts, and some check must fail.
 *
 * Status 0: every check passed (with --drop-flushes: some failed); 1: the opposite; 2: wrong use.
 */
#include "powercut_model.h"
#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS_MAX = 16, SHOWN_MAX = 20 };

struct cut {
	uint64_t at, seed;
};

static struct {
	const char *trace, *check, *scratch, *names;
	uint64_t per_interval, at_least, max_cuts, seed, jobs, only_at, only_seed;
	bool every_flush, drops_flushes, allows_unsupported, has_only, keep;
} opt = {.scratch = "/dev/shm", .names = "all", .seed = 1, .jobs = 2};

static struct powercut_event *events;
static uint64_t event_count, flush_count, mark_count, write_count;
static struct cut *cuts;
static size_t cut_count, cut_room;

static char *take_text(const unsigned char **at, size_t size)
{
	char *text = emr_kit_alloc(size + 1);

	memcpy(text, *at, size);
	*at += size;
	return text;
}

static const unsigned char *map_trace(size_t *out_size)
{
	int fd = open(opt.trace, O_RDONLY);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) != 0)
		emr_kit_die("cannot open %s", opt.trace);
	errno = 0;
	if (st.st_size < (off_t)sizeof(POWERCUT_MAGIC))
		emr_kit_die("%s is no trace", opt.trace);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		emr_kit_die("cannot map %s", opt.trace);
	close(fd);
	errno = 0;
	if (memcmp(map, POWERCUT_MAGIC, sizeof(POWERCUT_MAGIC)) != 0)
		emr_kit_die("%s is no trace", opt.trace);
	*out_size = (size_t)st.st_size;
	return map;
}

static void count_event(const struct powercut_event *event)
{
	if (event->head.kind == PC_SYNC_END)
		flush_count++;
	if (event->head.kind == PC_MARK)
		mark_count++;
	if (event->head.kind == PC_WRITE || event->head.kind == PC_ZERO)
		write_count++;
	if (event->head.kind == PC_UNSUPPORTED && !opt.allows_unsupported) {
		errno = 0;
		emr_kit_die("the program made a call that cannot be replayed: %.*s",
			(int)event->head.data_bytes, (const char *)event->data);
	}
}

/* A last record cut short (the recorded program was killed while writing it) is left out. */
static void read_trace(void)
{
	size_t size, room = 0;
	const unsigned char *at = map_trace(&size), *end = at + size;

	at += sizeof(POWERCUT_MAGIC);
	while ((size_t)(end - at) >= sizeof(struct powercut_record)) {
		struct powercut_event event;
		size_t names;

		memcpy(&event.head, at, sizeof(event.head));
		names = (size_t)event.head.path_bytes + event.head.path2_bytes;
		if ((uint64_t)(end - at) - sizeof(event.head) < names + event.head.data_bytes)
			break;
		at += sizeof(event.head);
		event.path = take_text(&at, event.head.path_bytes);
		event.path2 = take_text(&at, event.head.path2_bytes);
		event.data = event.head.data_bytes > 0 ? at : NULL;
		at += event.head.data_bytes;
		if (event_count == room) {
			room = room == 0 ? 1024 : room * 2;
			events = realloc(events, room * sizeof(*events));
			if (events == NULL)
				emr_kit_die("no memory for the trace");
		}
		events[event_count++] = event;
		count_event(&event);
	}
}

/* A static or Go program does not load the recorder, and an empty trace would prove anything. */
static void need_writes(void)
{
	errno = 0;
	if (write_count == 0)
		emr_kit_die("%s holds no write: was the program recorded?", opt.trace);
}

static void add_cut(uint64_t at, uint64_t seed)
{
	if (cut_count == cut_room) {
		cut_room = cut_room == 0 ? 1024 : cut_room * 2;
		cuts = realloc(cuts, cut_room * sizeof(*cuts));
		if (cuts == NULL)
			emr_kit_die("no memory for the cuts");
	}
	cuts[cut_count++] = (struct cut){at, seed};
}

/* Nothing is cut while the initial state is still being described. */
static uint64_t first_cut(void)
{
	uint64_t first = 0;

	while (first < event_count && events[first].head.kind <= PC_BASE_LINK)
		first++;
	return first;
}

static void plan_interval(uint64_t from, uint64_t to, uint64_t *rng)
{
	for (uint64_t i = 0; i < opt.per_interval && to > from; i++)
		add_cut(from + emr_kit_below(rng, to - from), opt.seed + cut_count);
}

static int by_moment(const void *a, const void *b)
{
	const struct cut *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static void plan_cuts(void)
{
	uint64_t first = first_cut(), last_flush = first, rng = opt.seed;

	if (opt.has_only) {
		add_cut(opt.only_at, opt.only_seed);
		return;
	}
	for (uint64_t i = first; i < event_count; i++) {
		bool is_begin = events[i].head.kind == PC_SYNC_BEGIN;
		bool is_end = events[i].head.kind == PC_SYNC_END;

		if (!is_begin && !is_end)
			continue;
		if (opt.every_flush)
			add_cut(i, opt.seed + cut_count);
		if (opt.every_flush && is_end)
			add_cut(i + 1, opt.seed + cut_count);
		plan_interval(last_flush, i, &rng);
		last_flush = i + 1;
	}
	plan_interval(last_flush, event_count, &rng);
	add_cut(event_count, opt.seed + cut_count);
	while (cut_count < opt.at_least)
		add_cut(first + emr_kit_below(&rng, event_count - first + 1), opt.seed + cut_count);
	if (opt.max_cuts > 0 && cut_count > opt.max_cuts) {
		for (size_t i = 0; i < opt.max_cuts; i++) /* every style, whatever the stride */
			cuts[i] = (struct cut){cuts[i * cut_count / opt.max_cuts].at, opt.seed + i};
		cut_count = opt.max_cuts;
	}
	qsort(cuts, cut_count, sizeof(*cuts), by_moment);
}

static void replace(char *command, size_t room, const char *name, const char *value)
{
	char *at;

	while ((at = strstr(command, name)) != NULL) {
		char rest[8192];

		snprintf(rest, sizeof(rest), "%s", at + strlen(name));
		snprintf(at, room - (size_t)(at - command), "%s%s", value, rest);
	}
}

static bool run_check(const char *dir, const char *marks, const char *log)
{
	char command[16384];
	size_t used;

	snprintf(command, sizeof(command), "( %.8000s", opt.check);
	replace(command, sizeof(command), "{dir}", dir);
	replace(command, sizeof(command), "{marks}", marks);
	used = strlen(command);
	snprintf(command + used, sizeof(command) - used, " ) > %s 2>&1", log);
	setenv("POWERCUT_DIR", dir, 1);
	setenv("POWERCUT_MARKS", marks, 1);
	return emr_kit_shell(command) == 0;
}

static void show(const char *log)
{
	char line[400];
	FILE *file = fopen(log, "r");

	for (int i = 0; file != NULL && i < 12 && fgets(line, sizeof(line), file) != NULL; i++)
		printf("    %s%s", line, strchr(line, '\n') != NULL ? "" : "\n");
	if (file != NULL)
		fclose(file);
}

struct worker {
	unsigned number;
	enum powercut_names names;
	char top[4096], dir[4200], marks[4200], log[4200];
	int marks_fd;
	uint64_t failed;
};

static const char *names_name(enum powercut_names names)
{
	return names == PC_NAMES_STRICT ? "strict" : names == PC_NAMES_APART ? "apart" : "ordered";
}

static void check_cut(
	struct worker *worker, const struct powercut_model *model, const struct cut *cut)
{
	powercut_model_save(model, cut->seed, (unsigned)(cut->seed % PC_STYLES), worker->dir);
	if (!run_check(worker->dir, worker->marks, worker->log)) {
		worker->failed++;
		if (!opt.drops_flushes && worker->failed <= SHOWN_MAX) {
			printf("FAILED: cut %llu:%llu, names %s, style %u\n",
				(unsigned long long)cut->at, (unsigned long long)cut->seed,
				names_name(worker->names), (unsigned)(cut->seed % PC_STYLES));
			show(worker->log);
		}
	}
	if (opt.keep)
		printf("kept: %s\n", worker->dir);
	else
		emr_kit_remove_tree(worker->dir);
	fflush(stdout);
}

static void run_worker(struct worker *worker)
{
	struct powercut_model *model = powercut_model_new(worker->names, opt.drops_flushes);
	uint64_t done = 0;

	for (size_t i = worker->number; i < cut_count; i += opt.jobs) {
		for (; done < cuts[i].at && done < event_count; done++) {
			const struct powercut_event *event = &events[done];

			powercut_model_apply(model, event, done);
			if (event->head.kind == PC_MARK &&
				emr_kit_write_all(
					worker->marks_fd, event->data, event->head.data_bytes) != 0)
				emr_kit_die("cannot write the marks");
		}
		check_cut(worker, model, &cuts[i]);
	}
}

static void prepare(struct worker *worker, unsigned number, enum powercut_names names)
{
	memset(worker, 0, sizeof(*worker));
	worker->number = number;
	worker->names = names;
	snprintf(worker->top, sizeof(worker->top), "%s/powercut-%ld-%u", opt.scratch,
		(long)getpid(), number);
	snprintf(worker->dir, sizeof(worker->dir), "%s/root", worker->top);
	snprintf(worker->marks, sizeof(worker->marks), "%s/marks", worker->top);
	snprintf(worker->log, sizeof(worker->log), "%s/log", worker->top);
	if (mkdir(worker->top, 0755) != 0)
		emr_kit_die("cannot make %s", worker->top);
	worker->marks_fd = open(worker->marks, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (worker->marks_fd < 0)
		emr_kit_die("cannot make %s", worker->marks);
}

/* Returns the number of failed checks; the workers tell theirs through a pipe. */
static uint64_t run_names(enum powercut_names names)
{
	uint64_t total = 0;
	int results[2];

	fflush(stdout);
	if (pipe(results) != 0)
		emr_kit_die("cannot make a pipe");
	for (unsigned j = 0; j < opt.jobs; j++) {
		struct worker worker;

		prepare(&worker, j, names);
		if (fork() == 0) {
			run_worker(&worker);
			emr_kit_write_all(results[1], &worker.failed, sizeof(worker.failed));
			_exit(0);
		}
		close(worker.marks_fd);
	}
	close(results[1]);
	for (unsigned j = 0; j < opt.jobs; j++) {
		uint64_t failed;

		errno = 0;
		if (read(results[0], &failed, sizeof(failed)) != sizeof(failed))
			emr_kit_die("a worker ended early");
		total += failed;
		wait(NULL);
	}
	for (unsigned j = 0; j < opt.jobs && !opt.keep; j++) {
		char top[4096];

		snprintf(top, sizeof(top), "%s/powercut-%ld-%u", opt.scratch, (long)getpid(), j);
		emr_kit_remove_tree(top);
	}
	close(results[0]);
	printf("names %s: %zu cuts, %llu failed\n", names_name(names), cut_count,
		(unsigned long long)total);
	return total;
}

static void parse_only(const char *text)
{
	const char *colon = strchr(text, ':');
	char at[32];

	if (colon == NULL || (size_t)(colon - text) >= sizeof(at))
		emr_kit_die("--only takes CUT:SEED");
	snprintf(at, sizeof(at), "%.*s", (int)(colon - text), text);
	opt.only_at = emr_kit_number(at);
	opt.only_seed = emr_kit_number(colon + 1);
	opt.has_only = true;
}

static _Noreturn void usage(void)
{
	errno = 0;
	emr_kit_die("usage: powercut_replay --trace FILE --check CMD, see its source's head");
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {{"trace", 1, NULL, 't'}, {"check", 1, NULL, 'c'},
		{"scratch", 1, NULL, 's'}, {"names", 1, NULL, 'n'}, {"every-flush", 0, NULL, 'e'},
		{"per-interval", 1, NULL, 'p'}, {"at-least", 1, NULL, 'a'},
		{"max-cuts", 1, NULL, 'm'}, {"seed", 1, NULL, 'S'}, {"jobs", 1, NULL, 'j'},
		{"drop-flushes", 0, NULL, 'd'}, {"allow-unsupported", 0, NULL, 'u'},
		{"only", 1, NULL, 'o'}, {"keep", 0, NULL, 'k'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 't':
			opt.trace = optarg;
			break;
		case 'c':
			opt.check = optarg;
			break;
		case 's':
			opt.scratch = optarg;
			break;
		case 'n':
			opt.names = optarg;
			break;
		case 'e':
			opt.every_flush = true;
			break;
		case 'p':
			opt.per_interval = emr_kit_number(optarg);
			break;
		case 'a':
			opt.at_least = emr_kit_number(optarg);
			break;
		case 'm':
			opt.max_cuts = emr_kit_number(optarg);
			break;
		case 'S':
			opt.seed = emr_kit_number(optarg);
			break;
		case 'j':
			opt.jobs = emr_kit_number(optarg);
			break;
		case 'd':
			opt.drops_flushes = true;
			break;
		case 'u':
			opt.allows_unsupported = true;
			break;
		case 'o':
			parse_only(optarg);
			break;
		case 'k':
			opt.keep = true;
			break;
		default:
			usage();
		}
	}
	if (opt.trace == NULL || opt.check == NULL || optind != argc || opt.jobs == 0 ||
		opt.jobs > JOBS_MAX || (opt.keep && !opt.has_only))
		usage();
	if (opt.has_only)
		opt.jobs = 1;
}

int main(int argc, char **argv)
{
	uint64_t failed = 0;

	parse(argc, argv);
	read_trace();
	need_writes();
	plan_cuts();
	printf("trace: %llu events, %llu flushes, %llu promises\n", (unsigned long long)event_count,
		(unsigned long long)flush_count, (unsigned long long)mark_count);
	for (enum powercut_names names = PC_NAMES_STRICT; names <= PC_NAMES_APART; names++)
		if (strcmp(opt.names, "all") == 0 || strcmp(opt.names, names_name(names)) == 0)
			failed += run_names(names);
	if (opt.drops_flushes) {
		printf("negative control: %llu checks failed, %s\n", (unsigned long long)failed,
			failed > 0 ? "as they must" : "though no flush counted");
		return failed > 0 ? 0 : 1;
	}
	return failed == 0 ? 0 : 1;
}
