/* This program writes a folder, is cut off, and opens the folder again, for the power-cut tools.
 *
 *   powercut_driver create DIR
 *   powercut_driver work DIR SEED OPERATIONS plain|threads    promises go to EMR_POWERCUT_MARK
 *   powercut_driver check DIR MARKS                           status 0: every promise was kept
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/hashsig.h"
#include "emr_stack.h"
#include "powercut_model.h"

#define FILE_MAX 700000
#define FOUND_MAX 400
#define AFTER "after" /* what a check writes; a check may itself be recorded and cut off */

static emr_stack stack;
static emr_stack_options options;
static int marks_fd = -1;
static long number;
static uint64_t random_state;

static _Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	exit(1);
}

static void must(emr_status status, const char *what)
{
	if (status != EMR_OK)
		die("%s: %s", what, emr_status_text(status));
}

static uint64_t any(uint64_t below)
{
	uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % below;
}

static void mark(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void mark(const char *format, ...)
{
	char line[900];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	line[len++] = '\n';
	if (write(marks_fd, line, (size_t)len) != len)
		die("the promises cannot be written");
}

/* ---- the workload ---- */

typedef struct plan { /* a file as it should be */
	char path[120];
	uint8_t *bytes;
	size_t len;
	bool in_spill;
	emr_handle *open; /* a session of writing */
} plan;

#define FILES 24
static plan files[FILES];
static size_t nfiles;

static const char *const directories[] = {"A", "B", "A/in", "B/in", "A/in/deep"};
static const char *const stems[] = {"f", "g", "scan.dcm", "x~", ".y.swp", "note.txt", "z.part"};

static uint64_t node_of(const char *path)
{
	emr_attr attr;

	must(emr_view_find(stack.view, path, &attr), path);
	return attr.node;
}

static bool exists(const char *path)
{
	emr_attr attr;

	return emr_view_find(stack.view, path, &attr) == EMR_OK;
}

static uint64_t parent_of(const char *path, const char **out_name)
{
	const char *slash = strrchr(path, '/');
	char directory[120];

	*out_name = slash != NULL ? slash + 1 : path;
	snprintf(
		directory, sizeof directory, "%.*s", slash != NULL ? (int)(slash - path) : 0, path);
	return node_of(directory);
}

static void make_directory(const char *path)
{
	const char *name;
	uint64_t parent = parent_of(path, &name);
	emr_attr attr;

	mark("o %ld mkdir %s", ++number, path);
	must(emr_view_mkdir(stack.view, parent, name, 0755, &attr), path);
	emr_view_forget(stack.view, attr.node, 1);
}

static plan *file_at(const char *path)
{
	for (size_t i = 0; i < nfiles; i++)
		if (strcmp(files[i].path, path) == 0)
			return &files[i];
	return NULL;
}

static void new_path(char out[120])
{
	snprintf(out, 120, "%s/%s%d", directories[any(5)], stems[any(7)], (int)any(3));
	if (any(8) == 0)
		snprintf(out, 120, "%s/%d%s", directories[any(5)], (int)any(3), stems[any(7)]);
}

static const char *hash_of(const plan *f)
{
	static char text[65];
	uint8_t digest[32];

	emr_sha256(f->bytes, f->len, digest);
	emr_hex(digest, sizeof digest, text);
	return text;
}

static void fill(uint8_t *bytes, size_t len)
{
	uint64_t seed = any(UINT64_MAX);

	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		bytes[i] = (uint8_t)(seed >> 56);
	}
}

static size_t some_size(void)
{
	static const size_t sizes[] = {
		0, 1, 100, 5000, 16383, 16384, 40000, 63884, 262143, 262145, 300000};

	return any(3) == 0 ? any(20000) : sizes[any(any(4) == 0 ? 11 : 8)];
}

static plan *random_file(void)
{
	return nfiles == 0 ? NULL : &files[any(nfiles)];
}

static void make_file(void)
{
	char path[120];
	const char *name;
	emr_attr attr;
	uint64_t parent;

	new_path(path);
	if (nfiles == FILES || file_at(path) != NULL)
		return;
	parent = parent_of(path, &name);
	mark("o %ld make %s", ++number, path);
	must(emr_view_make(stack.view, parent, name, 0644, &attr), path);
	emr_view_forget(stack.view, attr.node, 1);
	files[nfiles] = (plan){.bytes = malloc(FILE_MAX)};
	snprintf(files[nfiles++].path, sizeof path, "%s", path);
}

/* The whole content again: open with O_TRUNC, write, close. */
static void put_file(plan *f)
{
	emr_handle *h;

	if (f->open != NULL)
		return;
	f->len = some_size();
	fill(f->bytes, f->len);
	mark("o %ld %s %s %s", ++number, f->in_spill ? "spill" : "put", f->path, hash_of(f));
	must(emr_view_open_file(stack.view, node_of(f->path), O_WRONLY | O_TRUNC, &h), f->path);
	for (size_t at = 0; at < f->len; at += 50000)
		must(emr_view_write(h, at,
			     emr_bytes_of(
				     f->bytes + at, f->len - at < 50000 ? f->len - at : 50000)),
			f->path);
	must(emr_view_flush(h), f->path);
	if (any(4) == 0) {
		must(emr_view_fsync(h), "fsync");
		mark("f %ld %s", number, f->path);
	}
	emr_view_release(h);
}

/* Somewhere in the middle; the session stays open for a while. */
static void write_inside(plan *f)
{
	size_t at = any(f->len + 1), len = 1 + any(30000);

	if (f->open == NULL)
		must(emr_view_open_file(stack.view, node_of(f->path), O_RDWR, &f->open), f->path);
	if (at + len > FILE_MAX)
		return;
	if (at > f->len)
		memset(f->bytes + f->len, 0, at - f->len);
	fill(f->bytes + at, len);
	if (at + len > f->len)
		f->len = at + len;
	must(emr_view_write(f->open, at, emr_bytes_of(f->bytes + at, len)), f->path);
	if (any(3) == 0)
		return;
	mark("o %ld spill %s %s", ++number, f->path, hash_of(f));
	f->in_spill = true;
	must(emr_view_flush(f->open), f->path);
	if (any(3) != 0) {
		must(emr_view_fsync(f->open), "fsync");
		mark("f %ld %s", number, f->path);
	}
}

static void end_session(plan *f)
{
	if (f->open == NULL)
		return;
	mark("o %ld spill %s %s", ++number, f->path, hash_of(f));
	f->in_spill = true;
	must(emr_view_flush(f->open), f->path);
	emr_view_release(f->open);
	f->open = NULL;
}

static void cut_file(plan *f)
{
	emr_attr want = {.size_bytes = any(f->len + 2000)}, got;

	if (f->open != NULL || want.size_bytes > FILE_MAX)
		return;
	if (want.size_bytes > f->len)
		memset(f->bytes + f->len, 0, want.size_bytes - f->len);
	f->len = want.size_bytes;
	mark("o %ld spill %s %s", ++number, f->path, hash_of(f));
	f->in_spill = true;
	must(emr_view_set_attr(stack.view, node_of(f->path), EMR_SET_SIZE, &want, &got), f->path);
}

static void forget_file(plan *f)
{
	if (f->open != NULL)
		emr_view_release(f->open);
	free(f->bytes);
	*f = files[--nfiles];
}

static void move_file(plan *f)
{
	char path[120];
	const char *from, *to;
	plan *target;
	uint64_t from_dir = parent_of(f->path, &from), to_dir;

	if (any(2) == 0)
		new_path(path);
	else
		snprintf(path, sizeof path, "%s", random_file()->path);
	target = file_at(path);
	if (target == f || (f->open != NULL && any(2) == 0))
		return;
	/* The bytes that a rename hands out first. */
	if (f->open != NULL) {
		mark("o %ld spill %s %s", ++number, f->path, hash_of(f));
		f->in_spill = true;
	}
	to_dir = parent_of(path, &to);
	mark("o %ld rename %s %s", ++number, f->path, path);
	must(emr_view_rename(stack.view, from_dir, from, to_dir, to, 0), f->path);
	snprintf(f->path, sizeof f->path, "%s", path);
	if (target != NULL)
		forget_file(target);
}

static void remove_file(plan *f)
{
	const char *name;
	uint64_t parent = parent_of(f->path, &name);

	mark("o %ld unlink %s", ++number, f->path);
	must(emr_view_unlink(stack.view, parent, name), f->path);
	forget_file(f);
}

static void set_file(plan *f)
{
	emr_attr want = {.mode = (uint16_t)(0600 + any(0100))}, got;
	uint64_t node = node_of(f->path);
	EMR_AUTO_BUF old = {0};
	char value[32];

	if (emr_view_get_attribute(stack.view, node, "user.v", &old) == EMR_OK)
		snprintf(value, sizeof value, "%.*s", (int)old.len, (const char *)old.data);
	else
		snprintf(value, sizeof value, "-");
	if (strcmp(value, "-") != 0) { /* two steps in the journal: one at a time */
		mark("o %ld set %s %o %s", ++number, f->path, want.mode, value);
		must(emr_view_set_attr(stack.view, node, EMR_SET_MODE, &want, &got), f->path);
		return;
	}
	must(emr_view_attr(stack.view, node, &got), f->path);
	snprintf(value, sizeof value, "v%d", (int)any(1000000));
	mark("o %ld set %s %o %s", ++number, f->path, got.mode, value);
	must(emr_view_set_attribute(
		     stack.view, node, "user.v", emr_bytes_of(value, strlen(value)), 0),
		f->path);
}

static void move_directory(void)
{
	static const char *const pairs[][2] = {{"A/moved", "B/moved"}, {"B/moved", "moved"},
		{"moved", "A/moved"}, {"A/moved", "A/in/moved"}, {"A/in/moved", "A/moved"}};
	const char *const *pair = pairs[any(5)];
	const char *from, *to;
	uint64_t from_dir, to_dir;

	if (!exists(pair[0])) {
		if (!exists("A/moved") && !exists("B/moved") && !exists("moved") &&
			!exists("A/in/moved"))
			make_directory("A/moved");
		return;
	}
	from_dir = parent_of(pair[0], &from);
	to_dir = parent_of(pair[1], &to);
	mark("o %ld rename %s %s", ++number, pair[0], pair[1]);
	must(emr_view_rename(stack.view, from_dir, from, to_dir, to, 0), pair[0]);
	for (size_t i = 0; i < nfiles; i++) {
		char rest[120];
		size_t len = strlen(pair[0]);

		if (strncmp(files[i].path, pair[0], len) != 0 || files[i].path[len] != '/')
			continue;
		snprintf(rest, sizeof rest, "%s", files[i].path + len);
		snprintf(files[i].path, sizeof files[i].path, "%.40s%.79s", pair[1], rest);
	}
}

static void put_into_moved(void)
{
	static const char *const at[] = {"A/moved", "B/moved", "moved", "A/in/moved"};
	plan *f = random_file();
	const char *from, *to;
	uint64_t from_dir, to_dir;
	char path[120];

	for (int i = 0; i < 4 && f != NULL && f->open == NULL; i++) {
		if (!exists(at[i]))
			continue;
		snprintf(path, sizeof path, "%s/m%d", at[i], (int)any(4));
		if (exists(path))
			return;
		from_dir = parent_of(f->path, &from);
		to_dir = parent_of(path, &to);
		mark("o %ld rename %s %s", ++number, f->path, path);
		must(emr_view_rename(stack.view, from_dir, from, to_dir, to, 0), f->path);
		snprintf(f->path, sizeof f->path, "%s", path);
		return;
	}
}

static bool attribute(const char *path, const char *name, char out[64])
{
	EMR_AUTO_BUF value = {0};

	if (emr_view_get_attribute(stack.view, node_of(path), name, &value) != EMR_OK)
		return false;
	snprintf(out, 64, "%.*s", (int)value.len, (const char *)value.data);
	return true;
}

static void publish(void)
{
	char state[64], id[64], version[64];

	mark("o %ld publish", ++number);
	must(emr_view_publish_now(stack.view), "publish");
	for (size_t i = 0; i < nfiles; i++) {
		plan *f = &files[i];

		if (f->open != NULL || !attribute(f->path, "user.emrfs.state", state) ||
			strncmp(state, "confirmed", 9) != 0 ||
			!attribute(f->path, "user.emrfs.id", id) ||
			!attribute(f->path, "user.emrfs.version", version))
			continue;
		f->in_spill = false;
		mark("c %ld %s %s %s", number, f->path, id, version);
	}
}

static void sync_all(void)
{
	must(emr_view_sync(stack.view), "sync");
	mark("d %ld", number);
}

static void close_all(void)
{
	for (size_t i = 0; i < nfiles; i++)
		end_session(&files[i]);
}

static void reopen(const char *path)
{
	close_all();
	emr_stack_close(&stack);
	mark("d %ld", number);
	must(emr_stack_open(path, &options, &stack), "open again");
}

static void reclaim(void)
{
	emr_reclaim_report report;

	mark("o %ld publish", ++number);
	must(emr_stack_reclaim(stack.view, 90, &report), "reclaim");
}

static void one_step(const char *path)
{
	uint64_t what = any(100);
	plan *f = random_file();

	if (f == NULL || what < 14)
		make_file();
	else if (what < 34)
		put_file(f);
	else if (what < 48)
		write_inside(f);
	else if (what < 54)
		end_session(f);
	else if (what < 60)
		cut_file(f);
	else if (what < 70)
		move_file(f);
	else if (what < 74)
		remove_file(f);
	else if (what < 80)
		set_file(f);
	else if (what < 83)
		move_directory();
	else if (what < 86)
		put_into_moved();
	else if (what < 93)
		publish();
	else if (what < 97)
		sync_all();
	else if (what < 98)
		reopen(path);
	else if (what < 99)
		reclaim();
}

static int work(const char *path, uint64_t seed, long steps, bool threads)
{
	const char *marks = getenv("EMR_POWERCUT_MARK");

	marks_fd = open(marks != NULL ? marks : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (marks_fd < 0)
		die("no place for the promises");
	random_state = seed;
	options = (emr_stack_options){.segment_bytes = 1 << 20,
		.no_workers = !threads,
		.threads = threads,
		.quiet_ns = 30000000,
		.sync_ns = 50000000};
	must(emr_stack_open(path, &options, &stack), "open");
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
		make_directory(directories[i]);
	for (long i = 0; i < steps; i++)
		one_step(path);
	close_all();
	emr_stack_close(&stack);
	mark("d %ld", number);
	while (nfiles > 0)
		forget_file(&files[0]);
	return 0;
}

/* ---- the check ---- */

static found all[FOUND_MAX];
static size_t count;

static void hash_content(const char *path, uint64_t node, uint64_t size, char out[65])
{
	static uint8_t bytes[FILE_MAX + 100000];
	uint8_t digest[32];
	emr_handle *h;
	size_t got = 0;

	must(emr_view_open_file(stack.view, node, O_RDONLY, &h), path);
	must(emr_view_read(h, 0, bytes, sizeof bytes, &got), path);
	emr_view_release(h);
	if (got != size)
		die("%s says %llu bytes and has %zu", path, (unsigned long long)size, got);
	emr_sha256(bytes, got, digest);
	emr_hex(digest, sizeof digest, out);
}

static void describe(found *f, const char *path, const emr_attr *attr)
{
	char text[64];

	snprintf(f->path, sizeof f->path, "%s", path);
	f->is_directory = attr->type == EMR_META_DIR;
	f->mode = attr->mode;
	f->value[0] = f->id[0] = f->hash[0] = 0;
	f->version = 0;
	(void)attribute(path, "user.v", f->value);
	if (attribute(path, "user.emrfs.id", text))
		snprintf(f->id, sizeof f->id, "%.39s", text);
	if (attribute(path, "user.emrfs.version", text))
		f->version = strtoull(text, NULL, 10);
	if (!f->is_directory)
		hash_content(path, attr->node, attr->size_bytes, f->hash);
}

typedef struct listing {
	char names[FOUND_MAX][256];
	size_t n;
} listing;

static bool note_name(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	listing *l = arg;

	(void)attr;
	(void)next;
	if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && l->n < FOUND_MAX)
		snprintf(l->names[l->n++], sizeof l->names[0], "%s", name);
	return true;
}

static void walk(const char *path)
{
	listing *l = calloc(1, sizeof *l);

	must(emr_view_each_entry(stack.view, node_of(path), 0, false, note_name, l), path);
	for (size_t i = 0; i < l->n; i++) {
		char below[300];
		emr_attr attr;

		snprintf(below, sizeof below, "%s%s%s", path, path[0] != 0 ? "/" : "", l->names[i]);
		if (strcmp(below, "Inbox") == 0 || strcmp(below, AFTER) == 0)
			continue;
		must(emr_view_find(stack.view, below, &attr), below);
		if (count == FOUND_MAX)
			die("too many names");
		describe(&all[count++], below, &attr);
		if (attr.type == EMR_META_DIR)
			walk(below);
	}
	free(l);
}

static void look_at_everything(void)
{
	count = 0;
	walk("");
}

static void check_parts(void)
{
	emr_replica_trouble trouble;
	emr_ledger_trouble wrong;
	uint64_t checked;
	emr_status status;

	if (emr_journal_state_get(stack.journal).read_only)
		die("the journal is read-only");
	status = emr_replica_verify_chain(stack.replica, &trouble, &checked);
	if (status != EMR_OK)
		die("the replica does not verify: %s (%s)", emr_status_text(status), trouble.cause);
	status = emr_ledger_verify(stack.ledger, &wrong);
	if (status != EMR_OK)
		die("the ledger does not verify: %s (%s)", emr_status_text(status), wrong.cause);
	must(emr_store_mend(stack.store, NULL), "the store's own check");
}

/* The state is alive: something new goes all the way, and everything that waited does, too. */
static void go_on(void)
{
	static const char text[] = "written after the power came back";
	emr_view_counts counts;
	emr_attr attr;
	emr_handle *h;

	if (exists(AFTER))
		must(emr_view_unlink(stack.view, EMR_ROOT_NODE, AFTER), "unlink");
	must(emr_view_create(stack.view, EMR_ROOT_NODE, AFTER, 0600, O_RDWR, &attr, &h), "create");
	must(emr_view_write(h, 0, emr_bytes_of(text, sizeof text)), "write");
	must(emr_view_fsync(h), "fsync");
	emr_view_release(h);
	emr_view_forget(stack.view, attr.node, 1);
	for (int i = 0; i < 10; i++) {
		must(emr_view_publish_now(stack.view), "publish after the cut");
		emr_view_count(stack.view, &counts);
		if (counts.pending == 0)
			break;
	}
	if (counts.pending != 0 || counts.failed != 0)
		die("%llu are still pending, %llu failed", (unsigned long long)counts.pending,
			(unsigned long long)counts.failed);
}

/* Publishing and another start change no name and no byte. */
static void compare(const found *before, size_t n, const char *when)
{
	for (size_t i = 0; i < n; i++) {
		bool same = false;

		for (size_t j = 0; j < count && !same; j++)
			same = strcmp(before[i].path, all[j].path) == 0 &&
			       strcmp(before[i].hash, all[j].hash) == 0 &&
			       before[i].mode == all[j].mode &&
			       strcmp(before[i].value, all[j].value) == 0;
		if (!same)
			die("%s is not what it was %s", before[i].path, when);
	}
	if (count != n)
		die("%zu names %s, not %zu", count, when, n);
}

static int check(const char *path, const char *marks)
{
	model *m = model_read(marks);
	static char why[8000];
	found *before;
	size_t n;

	options = (emr_stack_options){.segment_bytes = 1 << 20, .no_workers = true};
	must(emr_stack_open(path, &options, &stack), "open after the cut");
	look_at_everything();
	if (model_match(m, all, count, why, sizeof why) < 0)
		die("no moment since %ld fits:\n%s", model_floor(m), why);
	check_parts();
	n = count;
	before = malloc((n + 1) * sizeof *before);
	memcpy(before, all, n * sizeof *before);
	go_on();
	look_at_everything();
	compare(before, n, "after publishing");
	emr_stack_close(&stack);
	must(emr_stack_open(path, &options, &stack), "open once more");
	look_at_everything();
	compare(before, n, "after another start");
	emr_stack_close(&stack);
	free(before);
	model_free(m);
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getenv("EMR_TEST_LOG") != NULL)
		emr_log_open(2, EMR_LOG_INFO);
	if (argc == 3 && strcmp(argv[1], "create") == 0) {
		must(emr_stack_create(argv[2]), "create");
		return 0;
	}
	if (argc == 6 && strcmp(argv[1], "work") == 0)
		return work(argv[2], strtoull(argv[3], NULL, 10), strtol(argv[4], NULL, 10),
			strcmp(argv[5], "threads") == 0);
	if (argc == 4 && strcmp(argv[1], "check") == 0)
		return check(argv[2], argv[3]);
	fprintf(stderr, "see the head of powercut_driver.c\n");
	return 2;
}
