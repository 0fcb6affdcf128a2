/*
 * tree_model - the same random operations on a directory under test and on a plain one.
 *
 * Several processes work at once, each in a subdirectory of its own; now and then one works in a
 * shared subdirectory, under a lock, so that its operation meets both sides in the same state.
 * After every operation errno and everything seen are compared, and the whole trees now and then,
 * at the end of each round, and after the hook.
 *
 *   tree_model --dir TESTED --model PLAIN [--seed N] [--ops N] [--procs N] [--rounds N]
 *              [--hook CMD] [--check-every N] [--keep]
 *              [--known link-eperm,no-exchange,no-rename-flags,no-xattr]
 *
 * --ops is per process and round.  --hook runs between rounds with nothing open (a remount).
 * Status 0: equal; 1: a difference (seed and last operations printed, trees kept); 2: wrong use.
 */
#include "tree_model.h"

#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCS_MAX = 32, HISTORY = 25, SHARED_ONE_IN = 12 };

static struct {
	const char *dir, *model, *hook;
	uint64_t seed, ops, procs, rounds, check_every;
	struct tree_known known;
	bool keep;
} opt = {.seed = 1, .ops = 2000, .procs = 3, .rounds = 3, .check_every = 500};

static char tested_top[4096], model_top[4096];

struct lane {
	uint64_t number, round, rng;
	struct tree_side tested, model, shared_tested, shared_model;
	int lock;
	struct tree_op *history; /* ring of HISTORY */
	uint64_t done;
};

/* Names carry newlines and bytes that are no text; a run of one letter is cut. */
static const char *shown(const char *path, char out[80])
{
	size_t used = 0;

	for (; *path != '\0' && used < 70; path++) {
		if (path[0] == path[1] && path[1] == path[2] && path[2] == path[3])
			continue;
		if (*path < ' ' || *path == '\\')
			used += (size_t)snprintf(
				out + used, 80 - used, "\\x%02x", (unsigned char)*path);
		else
			out[used++] = *path;
	}
	out[used] = '\0';
	return out;
}

static void print_op(const struct tree_op *op, uint64_t number)
{
	char a[80], b[80];

	printf("  %6llu %-21s [%s] [%s] offset %llu length %llu mode %o flags %u slot %u\n",
		(unsigned long long)number, tree_kind_name(op->kind), shown(op->a, a),
		shown(op->b, b), (unsigned long long)op->offset, (unsigned long long)op->length,
		op->mode, op->flags % 32, op->slot);
}

static _Noreturn void give_up(const struct lane *lane)
{
	uint64_t first = lane->done > HISTORY ? lane->done - HISTORY : 0;

	printf("process %llu, round %llu, operation %llu; before it:\n",
		(unsigned long long)lane->number, (unsigned long long)lane->round,
		(unsigned long long)lane->done);
	for (uint64_t i = first; i < lane->done; i++)
		print_op(&lane->history[i % HISTORY], i);
	printf("again: --seed %llu; trees kept in %s and %s\n", (unsigned long long)opt.seed,
		tested_top, model_top);
	fflush(stdout);
	_exit(1);
}

/*
 * True where the tested side refuses by design, so that the model must not do it either; then
 * *out_may_pass tells whether success is no difference (the kernel answers some itself).
 */
static bool is_refused_by_design(const struct tree_op *op, bool *out_may_pass)
{
	enum tree_kind kind = op->kind;

	*out_may_pass = strcmp(op->a, op->b) == 0;
	if (kind == T_LINK)
		return opt.known.link_eperm;
	if (kind == T_RENAME_SWAP)
		return opt.known.no_exchange || opt.known.no_rename_flags;
	if (kind == T_RENAME_KEEP)
		return opt.known.no_rename_flags;
	*out_may_pass = true;
	return opt.known.no_xattr && (kind == T_SETXATTR || kind == T_GETXATTR ||
					     kind == T_REMOVEXATTR || kind == T_LISTXATTR);
}

static void compare_seen(
	const struct lane *lane, const struct tree_seen *tested, const struct tree_seen *model)
{
	if (tested->error == model->error && strcmp(tested->text, model->text) == 0)
		return;
	printf("DIFFERENT: answered \"%s\" [%s], the model \"%s\" [%s]\n", strerror(tested->error),
		tested->text, strerror(model->error), model->text);
	give_up(lane);
}

static void step(struct lane *lane)
{
	bool is_shared = emr_kit_below(&lane->rng, SHARED_ONE_IN) == 0;
	struct tree_op *op = &lane->history[lane->done % HISTORY];
	static struct tree_seen tested, model;
	bool may_pass = false;

	tree_op_draw(&lane->rng, is_shared, op);
	lane->done++;
	if (is_shared && flock(lane->lock, LOCK_EX) != 0)
		emr_kit_die("cannot lock");
	tree_op_apply(is_shared ? &lane->shared_tested : &lane->tested, op, &tested);
	if (is_refused_by_design(op, &may_pass)) {
		if (tested.error == 0 && !may_pass) {
			printf("DIFFERENT: done, though it should have been refused\n");
			give_up(lane);
		}
	} else {
		tree_op_apply(is_shared ? &lane->shared_model : &lane->model, op, &model);
		compare_seen(lane, &tested, &model);
	}
	if (is_shared)
		flock(lane->lock, LOCK_UN);
}

static void side_open(struct tree_side *side, const char *top, const char *name)
{
	char path[8192];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	side->root = open(path, O_RDONLY | O_DIRECTORY);
	if (side->root < 0)
		emr_kit_die("cannot open %s", path);
	for (int i = 0; i < TREE_SLOTS; i++)
		side->slots[i] = -1;
}

static _Noreturn void run_lane(uint64_t number, uint64_t round)
{
	struct lane lane = {.number = number, .round = round};
	char name[32], lock[8192];

	lane.rng = opt.seed * 1000003 + round * 1009 + number;
	lane.history = emr_kit_alloc(HISTORY * sizeof(*lane.history));
	snprintf(name, sizeof(name), "p%llu", (unsigned long long)number);
	side_open(&lane.tested, tested_top, name);
	side_open(&lane.model, model_top, name);
	side_open(&lane.shared_tested, tested_top, "shared");
	side_open(&lane.shared_model, model_top, "shared");
	snprintf(lock, sizeof(lock), "%s.lock", model_top);
	lane.lock = open(lock, O_RDWR | O_CREAT, 0600);
	if (lane.lock < 0)
		emr_kit_die("cannot open %s", lock);
	while (lane.done < opt.ops) {
		step(&lane);
		if (lane.done % opt.check_every == 0 &&
			tree_compare(lane.tested.root, lane.model.root, name, &opt.known) != 0)
			give_up(&lane);
	}
	fflush(stdout);
	_exit(0);
}

static bool compare_tops(const char *when)
{
	int tested = open(tested_top, O_RDONLY | O_DIRECTORY);
	int model = open(model_top, O_RDONLY | O_DIRECTORY);
	unsigned count;

	if (tested < 0 || model < 0)
		emr_kit_die("cannot open the trees");
	count = tree_compare(tested, model, ".", &opt.known);
	close(tested);
	close(model);
	if (count != 0)
		printf("%u differences %s; again: --seed %llu; trees kept in %s and %s\n", count,
			when, (unsigned long long)opt.seed, tested_top, model_top);
	return count == 0;
}

static bool run_round(uint64_t round)
{
	bool ok = true;

	fflush(stdout);
	for (uint64_t p = 0; p < opt.procs; p++) {
		pid_t pid = fork();

		if (pid < 0)
			emr_kit_die("cannot fork");
		if (pid == 0)
			run_lane(p, round);
	}
	for (uint64_t p = 0; p < opt.procs; p++) {
		int status;

		if (wait(&status) < 0)
			emr_kit_die("cannot wait");
		if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
			exit(2);
		ok = ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	return ok && compare_tops("at the end of a round");
}

static bool run_hook(void)
{
	if (opt.hook == NULL)
		return true;
	if (emr_kit_shell(opt.hook) != 0) {
		errno = 0;
		emr_kit_die("hook failed: %s", opt.hook);
	}
	return compare_tops("after the hook");
}

static void make_tops(void)
{
	char path[8192];

	if (mkdir(tested_top, 0755) != 0 || mkdir(model_top, 0755) != 0)
		emr_kit_die("cannot make %s and %s", tested_top, model_top);
	for (uint64_t p = 0; p <= opt.procs; p++) {
		char name[32] = "shared";

		if (p < opt.procs)
			snprintf(name, sizeof(name), "p%llu", (unsigned long long)p);
		snprintf(path, sizeof(path), "%s/%s", tested_top, name);
		if (mkdir(path, 0755) != 0)
			emr_kit_die("cannot make %s", path);
		snprintf(path, sizeof(path), "%s/%s", model_top, name);
		if (mkdir(path, 0755) != 0)
			emr_kit_die("cannot make %s", path);
	}
}

static void parse_known(char *list)
{
	struct {
		const char *name;
		bool *flag;
	} known[] = {{"link-eperm", &opt.known.link_eperm}, {"no-exchange", &opt.known.no_exchange},
		{"no-rename-flags", &opt.known.no_rename_flags}, {"no-xattr", &opt.known.no_xattr}};

	for (char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ",")) {
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strcmp(known[i].name, name) == 0)
				found = *known[i].flag = true;
		if (!found)
			emr_kit_die("--known does not know %s", name);
	}
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {{"dir", 1, NULL, 'd'}, {"model", 1, NULL, 'm'},
		{"seed", 1, NULL, 's'}, {"ops", 1, NULL, 'n'}, {"procs", 1, NULL, 'p'},
		{"rounds", 1, NULL, 'r'}, {"hook", 1, NULL, 'h'}, {"check-every", 1, NULL, 'c'},
		{"known", 1, NULL, 'k'}, {"keep", 0, NULL, 'K'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'd':
			opt.dir = optarg;
			break;
		case 'm':
			opt.model = optarg;
			break;
		case 's':
			opt.seed = emr_kit_number(optarg);
			break;
		case 'n':
			opt.ops = emr_kit_number(optarg);
			break;
		case 'p':
			opt.procs = emr_kit_number(optarg);
			break;
		case 'r':
			opt.rounds = emr_kit_number(optarg);
			break;
		case 'h':
			opt.hook = optarg;
			break;
		case 'c':
			opt.check_every = emr_kit_number(optarg);
			break;
		case 'k':
			parse_known(optarg);
			break;
		case 'K':
			opt.keep = true;
			break;
		default:
			exit(2);
		}
	}
	if (opt.dir == NULL || opt.model == NULL || optind != argc || opt.procs == 0 ||
		opt.procs > PROCS_MAX || opt.check_every == 0) {
		errno = 0;
		emr_kit_die("usage: tree_model --dir D --model P, see the head of tree_model.c");
	}
}

int main(int argc, char **argv)
{
	char lock[8192];

	parse(argc, argv);
	umask(0);
	snprintf(tested_top, sizeof(tested_top), "%s/tree-%llu", opt.dir,
		(unsigned long long)opt.seed);
	snprintf(model_top, sizeof(model_top), "%s/tree-%llu", opt.model,
		(unsigned long long)opt.seed);
	make_tops();
	for (uint64_t round = 0; round < opt.rounds; round++)
		if (!run_round(round) || !run_hook())
			return 1;
	if (!opt.keep) {
		snprintf(lock, sizeof(lock), "%s.lock", model_top);
		unlink(lock);
		emr_kit_remove_tree(tested_top);
		emr_kit_remove_tree(model_top);
	}
	printf("tree_model: %llu processes, %llu rounds of %llu operations, seed %llu, all equal\n",
		(unsigned long long)opt.procs, (unsigned long long)opt.rounds,
		(unsigned long long)opt.ops, (unsigned long long)opt.seed);
	return 0;
}
