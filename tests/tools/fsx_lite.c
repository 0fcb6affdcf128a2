/*
 * fsx_lite - random operations on one file, compared with a copy in memory.
 *
 * Every operation is drawn from the seed, with offsets and lengths drawn half of the time from the
 * sizes at which a chunked, sealed file has its edges.  The file is read back after every operation
 * that touched it and as a whole now and then, after each hook and at the end.
 *
 *   fsx_lite --file F [--seed N] [--ops N] [--max-size N] [--edge N]... [--hook CMD]
 *            [--hook-every N] [--no-mmap] [--no-fallocate] [--keep] [--verbose]
 *
 * --hook runs CMD with the file closed (for example: unmount and mount) every --hook-every
 * operations.  Status 0: all equal; 1: a difference, with seed, trace and file kept; 2: wrong use.
 */
#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EDGES_MAX = 64, TRACE_SHOWN = 120, VERIFY_EVERY = 250 };

/* clang-format off */
enum kind { READ, PREAD, WRITE, PWRITE, APPEND, SHRINK, GROW, MAP_READ, MAP_WRITE, SYNC, DATASYNC,
	    REOPEN, EMPTY, ALLOCATE, HOOK, KINDS };

static const struct { const char *name; unsigned weight; } kinds[KINDS] = {
	[READ] = { "read", 10 },           [PREAD] = { "pread", 10 },
	[WRITE] = { "write", 12 },         [PWRITE] = { "pwrite", 14 },
	[APPEND] = { "append", 8 },        [SHRINK] = { "truncate down", 5 },
	[GROW] = { "truncate up", 5 },     [MAP_READ] = { "mmap read", 8 },
	[MAP_WRITE] = { "mmap write", 8 }, [SYNC] = { "fsync", 2 },
	[DATASYNC] = { "fdatasync", 2 },   [REOPEN] = { "reopen", 5 },
	[EMPTY] = { "open O_TRUNC", 1 },   [ALLOCATE] = { "fallocate", 2 },
	[HOOK] = { "hook", 0 },
};
/* clang-format on */

struct op {
	enum kind kind;
	size_t offset, length, size_before;
};

static struct {
	const char *file, *hook;
	uint64_t seed, ops, hook_every;
	size_t max_size;
	bool has_mmap, has_fallocate, keep, verbose;
	size_t edges[EDGES_MAX];
	size_t edge_count;
} opt = {.seed = 1,
	.ops = 2000,
	.hook_every = 200,
	.max_size = 3 << 20,
	.has_mmap = true,
	.has_fallocate = true,
	.edges = {1, 16, 4095, 4096, 4097, 16383, 16384, 16385, 32768, 65536, 131072, 262143,
		262144, 262145, 262400, 524288, 1048575, 1048576, 1048577, 1310720},
	.edge_count = 20};

static uint64_t rng;
static unsigned char *shadow, *scratch;
static size_t size; /* of the shadow */
static int fd = -1;
static struct op *trace;
static uint64_t op_count;

static _Noreturn void differ(const char *what, size_t at, uint64_t want, uint64_t got)
{
	uint64_t first = op_count > TRACE_SHOWN ? op_count - TRACE_SHOWN : 0;

	printf("DIFFERENT: %s at byte %zu: expected %llu, found %llu (size %zu)\n", what, at,
		(unsigned long long)want, (unsigned long long)got, size);
	for (uint64_t i = first; i < op_count; i++)
		printf("  %6llu %-13s offset %8zu length %8zu, size was %zu\n",
			(unsigned long long)i, kinds[trace[i].kind].name, trace[i].offset,
			trace[i].length, trace[i].size_before);
	printf("again: --seed %llu --ops %llu --max-size %zu; the file is kept\n",
		(unsigned long long)opt.seed, (unsigned long long)op_count, opt.max_size);
	exit(1);
}

static _Noreturn void refused(const char *call)
{
	printf("REFUSED: %s: %s\n", call, strerror(errno));
	differ(call, 0, 0, (uint64_t)errno);
}

static void compare(const char *what, const unsigned char *found, size_t offset, size_t length)
{
	if (memcmp(found, shadow + offset, length) == 0)
		return;
	for (size_t i = 0; i < length; i++)
		if (found[i] != shadow[offset + i])
			differ(what, offset + i, shadow[offset + i], found[i]);
}

static void check_size(void)
{
	struct stat st, by_name;

	if (fstat(fd, &st) != 0 || stat(opt.file, &by_name) != 0)
		refused("stat");
	if ((size_t)st.st_size != size || (size_t)by_name.st_size != size)
		differ("size", size, size, (uint64_t)st.st_size);
}

static void read_back(const char *what, size_t offset, size_t length)
{
	size_t expected = offset >= size ? 0 : (length < size - offset ? length : size - offset);
	ssize_t got = emr_kit_pread_all(fd, scratch, length, (off_t)offset);

	if (got < 0)
		refused(what);
	if ((size_t)got != expected)
		differ(what, offset, expected, (uint64_t)got);
	compare(what, scratch, offset, expected);
}

static void verify_all(const char *when)
{
	check_size();
	read_back(when, 0, size + 4096 < opt.max_size ? size + 4096 : opt.max_size);
}

static size_t pick_place(size_t limit)
{
	size_t edge;

	if (limit == 0)
		return 0;
	if (emr_kit_below(&rng, 2) == 0)
		return emr_kit_below(&rng, limit + 1);
	edge = opt.edges[emr_kit_below(&rng, opt.edge_count)];
	edge += emr_kit_below(&rng, 3);
	edge -= edge == 0 ? 0 : 1;
	if (emr_kit_below(&rng, 4) == 0) /* the edges of later chunks count as well */
		edge += 262144 * emr_kit_below(&rng, limit / 262144 + 1);
	return edge <= limit ? edge : emr_kit_below(&rng, limit + 1);
}

/* A piece of [0, limit): its end lies on an edge as often as its start. */
static void pick_piece(struct op *op, size_t limit)
{
	size_t a = pick_place(limit), b;

	b = emr_kit_below(&rng, 3) == 0 ? a + emr_kit_below(&rng, 300) : pick_place(limit);
	if (b > limit)
		b = limit;
	op->offset = a < b ? a : b;
	op->length = a < b ? b - a : a - b;
	if (op->length > 400000 && emr_kit_below(&rng, 4) != 0)
		op->length = 1 + emr_kit_below(&rng, 70000);
}

static void shadow_resize(size_t new_size)
{
	if (new_size > size)
		memset(shadow + size, 0, new_size - size);
	size = new_size;
}

static void shadow_write(const struct op *op)
{
	if (op->length == 0)
		return;
	if (op->offset > size)
		memset(shadow + size, 0, op->offset - size);
	emr_kit_fill(shadow + op->offset, op->length, opt.seed ^ (op_count << 20));
	if (op->offset + op->length > size)
		size = op->offset + op->length;
}

static void reopen(int flags)
{
	if (fd >= 0 && close(fd) != 0)
		refused("close");
	fd = open(opt.file, O_RDWR | flags, 0600);
	if (fd < 0)
		refused("open");
}

static void do_read(const struct op *op)
{
	size_t expected = op->offset >= size ? 0 : size - op->offset;
	ssize_t got;

	if (op->length < expected)
		expected = op->length;
	if (lseek(fd, (off_t)op->offset, SEEK_SET) != (off_t)op->offset)
		refused("lseek");
	got = read(fd, scratch, op->length);
	if (got < 0)
		refused("read");
	if ((size_t)got != expected)
		differ("read", op->offset, expected, (uint64_t)got);
	compare("read", scratch, op->offset, expected);
}

static void do_write(const struct op *op, bool by_position)
{
	ssize_t put;

	shadow_write(op);
	if (by_position) {
		put = pwrite(fd, shadow + op->offset, op->length, (off_t)op->offset);
	} else {
		if (lseek(fd, (off_t)op->offset, SEEK_SET) != (off_t)op->offset)
			refused("lseek");
		put = write(fd, shadow + op->offset, op->length);
	}
	if (put != (ssize_t)op->length)
		refused("write");
}

static void do_append(struct op *op)
{
	int end = open(opt.file, O_WRONLY | O_APPEND);

	op->offset = size;
	if (op->length > opt.max_size - size)
		op->length = opt.max_size - size;
	shadow_write(op);
	if (end < 0)
		refused("open O_APPEND");
	if (write(end, shadow + op->offset, op->length) != (ssize_t)op->length)
		refused("append");
	if (close(end) != 0)
		refused("close after append");
}

static unsigned char *map_piece(const struct op *op, int protection, size_t *out_skip)
{
	size_t skip = op->offset % 4096;
	void *map = mmap(
		NULL, op->length + skip, protection, MAP_SHARED, fd, (off_t)(op->offset - skip));

	if (map == MAP_FAILED)
		refused("mmap");
	*out_skip = skip;
	return map;
}

/* Bytes of the last page behind the end of the file are zero in a fresh mapping. */
static void check_tail(const unsigned char *map, size_t skip, const struct op *op)
{
	size_t end = op->offset + op->length;

	if (end != size || end % 4096 == 0)
		return;
	for (size_t i = 0; i < 4096 - end % 4096; i++)
		if (map[skip + op->length + i] != 0)
			differ("mapped page behind the end", end + i, 0,
				map[skip + op->length + i]);
}

static void do_map_read(struct op *op)
{
	unsigned char *map;
	size_t skip;

	if (op->offset >= size)
		return;
	if (op->length > size - op->offset)
		op->length = size - op->offset;
	if (op->length == 0)
		return;
	map = map_piece(op, PROT_READ, &skip);
	compare("mmap read", map + skip, op->offset, op->length);
	check_tail(map, skip, op);
	munmap(map, op->length + skip);
}

static void do_map_write(const struct op *op)
{
	unsigned char *map;
	size_t skip;

	if (op->length == 0)
		return;
	if (op->offset + op->length > size && ftruncate(fd, (off_t)(op->offset + op->length)) != 0)
		refused("ftruncate before mmap");
	shadow_write(op);
	map = map_piece(op, PROT_READ | PROT_WRITE, &skip);
	memcpy(map + skip, shadow + op->offset, op->length);
	if (op->offset % 2 == 0 && msync(map, op->length + skip, MS_SYNC) != 0)
		refused("msync");
	if (munmap(map, op->length + skip) != 0)
		refused("munmap");
}

static void do_truncate(struct op *op)
{
	size_t target =
		op->kind == SHRINK ? pick_place(size) : size + pick_place(opt.max_size - size);

	op->offset = target;
	op->length = 0;
	if ((target % 3 == 0 ? truncate(opt.file, (off_t)target) : ftruncate(fd, (off_t)target)) !=
		0)
		refused("truncate");
	shadow_resize(target);
}

static void do_allocate(const struct op *op)
{
	if (op->length == 0)
		return;
	if (fallocate(fd, 0, (off_t)op->offset, (off_t)op->length) != 0)
		refused("fallocate");
	if (op->offset + op->length > size)
		shadow_resize(op->offset + op->length);
}

static void do_hook(void)
{
	if (close(fd) != 0)
		refused("close before hook");
	fd = -1;
	if (emr_kit_shell(opt.hook) != 0) {
		errno = 0;
		emr_kit_die("hook failed after operation %llu: %s", (unsigned long long)op_count,
			opt.hook);
	}
	reopen(0);
	verify_all("after the hook");
}

static void run_op(struct op *op)
{
	switch (op->kind) {
	case READ:
		do_read(op);
		break;
	case PREAD:
		read_back("pread", op->offset, op->length);
		break;
	case WRITE:
		do_write(op, false);
		break;
	case PWRITE:
		do_write(op, true);
		break;
	case APPEND:
		do_append(op);
		break;
	case SHRINK:
	case GROW:
		do_truncate(op);
		break;
	case MAP_READ:
		do_map_read(op);
		break;
	case MAP_WRITE:
		do_map_write(op);
		break;
	case SYNC:
		if (fsync(fd) != 0)
			refused("fsync");
		break;
	case DATASYNC:
		if (fdatasync(fd) != 0)
			refused("fdatasync");
		break;
	case REOPEN:
		reopen(0);
		break;
	case EMPTY:
		reopen(O_TRUNC);
		shadow_resize(0);
		break;
	case ALLOCATE:
		do_allocate(op);
		break;
	case HOOK:
		do_hook();
		break;
	case KINDS:
		break;
	}
}

static enum kind pick_kind(void)
{
	unsigned total = 0, ticket;

	if (opt.hook != NULL && op_count % opt.hook_every == opt.hook_every - 1)
		return HOOK;
	for (int k = 0; k < KINDS; k++)
		total += kinds[k].weight;
	ticket = (unsigned)emr_kit_below(&rng, total);
	for (int k = 0; k < KINDS; k++) {
		if (ticket < kinds[k].weight) {
			bool off = (!opt.has_mmap && (k == MAP_READ || k == MAP_WRITE)) ||
				   (!opt.has_fallocate && k == ALLOCATE);

			return off ? PREAD : (enum kind)k;
		}
		ticket -= kinds[k].weight;
	}
	return PREAD;
}

static void step(void)
{
	struct op *op = &trace[op_count];

	op->kind = pick_kind();
	op->size_before = size;
	pick_piece(op, opt.max_size);
	if (opt.verbose)
		printf("%6llu %-13s offset %8zu length %8zu size %zu\n",
			(unsigned long long)op_count, kinds[op->kind].name, op->offset, op->length,
			size);
	op_count++;
	run_op(op);
	check_size();
	if (op_count % VERIFY_EVERY == 0)
		verify_all("whole file");
	else if (op->length != 0)
		read_back("read back", op->offset > 8 ? op->offset - 8 : 0, op->length + 16);
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {
		{"file", 1, NULL, 'f'},
		{"seed", 1, NULL, 's'},
		{"ops", 1, NULL, 'n'},
		{"max-size", 1, NULL, 'm'},
		{"edge", 1, NULL, 'e'},
		{"hook", 1, NULL, 'k'},
		{"hook-every", 1, NULL, 'K'},
		{"no-mmap", 0, NULL, 'M'},
		{"no-fallocate", 0, NULL, 'F'},
		{"keep", 0, NULL, 'p'},
		{"verbose", 0, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'f':
			opt.file = optarg;
			break;
		case 's':
			opt.seed = emr_kit_number(optarg);
			break;
		case 'n':
			opt.ops = emr_kit_number(optarg);
			break;
		case 'm':
			opt.max_size = emr_kit_number(optarg);
			break;
		case 'e':
			if (opt.edge_count < EDGES_MAX)
				opt.edges[opt.edge_count++] = emr_kit_number(optarg);
			break;
		case 'k':
			opt.hook = optarg;
			break;
		case 'K':
			opt.hook_every = emr_kit_number(optarg);
			break;
		case 'M':
			opt.has_mmap = false;
			break;
		case 'F':
			opt.has_fallocate = false;
			break;
		case 'p':
			opt.keep = true;
			break;
		case 'v':
			opt.verbose = true;
			break;
		default:
			exit(2);
		}
	}
	if (opt.file == NULL || optind != argc || opt.max_size < 16 || opt.hook_every == 0) {
		errno = 0;
		emr_kit_die("usage: fsx_lite --file F [options], see the head of fsx_lite.c");
	}
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	rng = opt.seed;
	shadow = emr_kit_alloc(opt.max_size + 8192);
	scratch = emr_kit_alloc(opt.max_size + 8192);
	trace = emr_kit_alloc((opt.ops + 1) * sizeof(*trace));
	setvbuf(stdout, NULL, _IOLBF, 0);
	reopen(O_CREAT | O_TRUNC);
	while (op_count < opt.ops)
		step();
	reopen(0);
	verify_all("at the end");
	if (close(fd) != 0)
		refused("close at the end");
	if (!opt.keep && unlink(opt.file) != 0)
		refused("unlink");
	printf("fsx_lite: %llu operations, seed %llu, all equal\n", (unsigned long long)op_count,
		(unsigned long long)opt.seed);
	return 0;
}
