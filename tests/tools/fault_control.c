/*
 * fault_control - arms the faults of fault_shim and reads its counts.
 *
 *   fault_control PAGE arm KIND[,KIND...]|all once|after|chance N ERROR [SEED]
 *   fault_control PAGE off
 *   fault_control PAGE count [KIND...]     one "kind number" per line, or the sum of the KINDs
 *   fault_control PAGE zero                sets the counts to 0
 *
 * KIND is open write pwrite fsync fdatasync rename ftruncate unlink read, or the sum "flush"; ERROR
 * is EIO, ENOSPC, EDQUOT, EROFS, EMFILE or ENOMEM.  chance fails N of a million calls.
 */
#include "fault_control.h"
#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const kinds[FAULT_KINDS] = {
	[FAULT_OPEN] = "open",
	[FAULT_WRITE] = "write",
	[FAULT_PWRITE] = "pwrite",
	[FAULT_FSYNC] = "fsync",
	[FAULT_FDATASYNC] = "fdatasync",
	[FAULT_RENAME] = "rename",
	[FAULT_FTRUNCATE] = "ftruncate",
	[FAULT_UNLINK] = "unlink",
	[FAULT_READ] = "read",
};

static _Noreturn void usage(void)
{
	errno = 0;
	emr_kit_die("usage: fault_control PAGE arm|off|count|zero, see its source's head");
}

/* A set of kinds as bits. */
static uint64_t kinds_of(const char *list)
{
	uint64_t set = 0;
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", list);
	for (char *name = strtok(copy, ","); name != NULL; name = strtok(NULL, ",")) {
		uint64_t found = 0;

		if (strcmp(name, "all") == 0)
			found = (1ULL << FAULT_KINDS) - 1;
		if (strcmp(name, "flush") == 0)
			found = 1ULL << FAULT_FSYNC | 1ULL << FAULT_FDATASYNC;
		for (int k = 0; k < FAULT_KINDS; k++)
			if (strcmp(name, kinds[k]) == 0)
				found = 1ULL << k;
		if (found == 0)
			usage();
		set |= found;
	}
	return set;
}

static int error_of(const char *name)
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT, EROFS, EMFILE, ENOMEM};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(strerrorname_np(errors[i]), name) == 0)
			return errors[i];
	usage();
}

static enum fault_mode mode_of(const char *name)
{
	if (strcmp(name, "once") == 0)
		return FAULT_ONCE;
	if (strcmp(name, "after") == 0)
		return FAULT_AFTER;
	if (strcmp(name, "chance") == 0)
		return FAULT_CHANCE;
	usage();
}

static struct fault_page *map_page(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	void *map;

	if (fd < 0 || ftruncate(fd, sizeof(struct fault_page)) != 0)
		emr_kit_die("cannot use %s", path);
	map = mmap(NULL, sizeof(struct fault_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		emr_kit_die("cannot map %s", path);
	close(fd);
	return map;
}

static void arm(struct fault_page *page, int argc, char **argv)
{
	if (argc != 4 && argc != 5)
		usage();
	atomic_store(&page->mode, FAULT_OFF);
	atomic_store(&page->kinds, kinds_of(argv[0]));
	atomic_store(&page->n, emr_kit_number(argv[2]));
	atomic_store(&page->error, error_of(argv[3]));
	atomic_store(&page->seed, argc == 5 ? emr_kit_number(argv[4]) : 1);
	atomic_store(&page->matched, 0);
	atomic_store(&page->failed, 0);
	atomic_store(&page->mode, mode_of(argv[1]));
}

static void count(const struct fault_page *page, int argc, char **argv)
{
	uint64_t sum = 0, set = 0;

	for (int i = 0; i < argc; i++)
		set |= kinds_of(argv[i]);
	for (int k = 0; k < FAULT_KINDS; k++) {
		uint64_t number = atomic_load(&page->counts[k]);

		if (argc == 0)
			printf("%s %llu\n", kinds[k], (unsigned long long)number);
		sum += set >> k & 1 ? number : 0;
	}
	if (argc == 0)
		printf("failed %llu\n", (unsigned long long)atomic_load(&page->failed));
	else
		printf("%llu\n", (unsigned long long)sum);
}

int main(int argc, char **argv)
{
	struct fault_page *page;

	if (argc < 3)
		usage();
	page = map_page(argv[1]);
	if (strcmp(argv[2], "arm") == 0)
		arm(page, argc - 3, argv + 3);
	else if (strcmp(argv[2], "off") == 0)
		atomic_store(&page->mode, FAULT_OFF);
	else if (strcmp(argv[2], "count") == 0)
		count(page, argc - 3, argv + 3);
	else if (strcmp(argv[2], "zero") == 0)
		for (int k = 0; k < FAULT_KINDS; k++)
			atomic_store(&page->counts[k], 0);
	else
		usage();
	return 0;
}
