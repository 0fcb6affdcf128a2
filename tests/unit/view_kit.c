/* Tests of the folder use this file: it opens a folder in a directory of its own with a clock
 * that the test moves, does what programs do by path, and compares the folder before and after a
 * restart. */
#include "view_kit.h"

#include <dirent.h>
#include <time.h>

#include "base/id.h"
#include "contract/codes.h"
#include "crypto/hashsig.h"

AUTO_OF(emr_view_release, emr_handle *)

static char template_path[256];
static pid_t template_owner;

static int64_t tell_unix(const emr_clock *clock)
{
	return ((const kit_clock *)clock)->unix_ns;
}

static int64_t tell_boot(const emr_clock *clock)
{
	return ((const kit_clock *)clock)->boot_ns;
}

void kit_wait_ms(kit *k, int64_t ms)
{
	k->clock.unix_ns += ms * 1000000;
	k->clock.boot_ns += ms * 1000000;
}

void kit_wait_for_noon(kit *k)
{
	time_t at = (time_t)(k->clock.unix_ns / 1000000000);
	struct tm noon;

	assert_non_null(localtime_r(&at, &noon));
	noon.tm_mday += noon.tm_hour >= 12 ? 1 : 0;
	noon.tm_hour = 12;
	noon.tm_min = noon.tm_sec = 0;
	noon.tm_isdst = -1;
	kit_wait_ms(k, (int64_t)(mktime(&noon) - at) * 1000);
}

/* ---- directories of state ---- */

static const char *scratch(void)
{
	const char *dir = getenv("EMR_TEST_SCRATCH");

	return dir != NULL ? dir : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

static void copy_file(const char *from, const char *to)
{
	static char bytes[1 << 16];
	EMR_AUTO_FD in = open(from, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t got;
	EMR_AUTO_FD out;

	assert_true(in >= 0);
	assert_int_equal(fstat(in, &st), 0);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 07777);
	assert_true(out >= 0);
	while ((got = read(in, bytes, sizeof bytes)) > 0)
		assert_int_equal(write(out, bytes, (size_t)got), got);
	assert_int_equal(got, 0);
	assert_int_equal(fchmod(out, st.st_mode & 07777), 0);
}

static void each_name(const char *path, void (*fn)(const char *a, const char *b), const char *to)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char a[700], b[700];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(a, sizeof a, "%s/%s", path, entry->d_name);
		snprintf(b, sizeof b, "%s/%s", to, entry->d_name);
		fn(a, b);
	}
	closedir(dir);
}

static void copy_any(const char *from, const char *to)
{
	struct stat st;

	assert_int_equal(lstat(from, &st), 0);
	if (S_ISDIR(st.st_mode))
		kit_copy_tree(from, to);
	else if (S_ISREG(st.st_mode))
		copy_file(from, to);
}

void kit_copy_tree(const char *from, const char *to)
{
	struct stat st;

	assert_int_equal(stat(from, &st), 0);
	assert_true(mkdir(to, 0700) == 0 || access(to, W_OK) == 0);
	assert_int_equal(chmod(to, st.st_mode & 07777), 0);
	each_name(from, copy_any, to);
}

static void remove_any(const char *path, const char *unused)
{
	struct stat st;

	(void)unused;
	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		kit_remove_state(path);
	else
		unlink(path);
}

void kit_remove_state(const char *path)
{
	each_name(path, remove_any, "");
	rmdir(path);
}

static void remove_template(void)
{
	if (getpid() == template_owner)
		kit_remove_state(template_path);
}

void kit_copy_to_new(const char *from, char path[256])
{
	snprintf(path, 256, "%s/emr-view-XXXXXX", scratch());
	assert_non_null(mkdtemp(path));
	kit_copy_tree(from, path);
}

void kit_copy_state(char path[256])
{
	if (template_path[0] == 0) {
		snprintf(template_path, sizeof template_path, "%s/emr-made-XXXXXX", scratch());
		assert_non_null(mkdtemp(template_path));
		template_owner = getpid();
		atexit(remove_template);
		assert_ok(emr_stack_create(template_path));
	}
	kit_copy_to_new(template_path, path);
}

/* ---- life ---- */

void kit_start(kit *k)
{
	k->options.clock = &k->clock.clock;
	assert_ok(emr_stack_open(k->path, &k->options, &k->stack));
	k->view = k->stack.view;
}

static uint64_t size_of_ledger(kit *k)
{
	emr_replica_position at;

	assert_ok(emr_replica_at(k->stack.replica, &at));
	return at.size;
}

void kit_adopt(kit *k, const char *path, int64_t unix_ns, int64_t boot_ns)
{
	*k = (kit){.options.no_workers = true};
	k->clock.clock = (emr_clock){.unix_ns = tell_unix, .boot_ns = tell_boot};
	k->clock.unix_ns = unix_ns;
	k->clock.boot_ns = boot_ns;
	k->options.clock = &k->clock.clock;
	snprintf(k->path, sizeof k->path, "%s", path);
}

void kit_open(kit *k)
{
	char path[256];

	kit_copy_state(path);
	kit_adopt(k, path, emr_clock_unix_ns(emr_clock_system()) + 5000000000, 1000000000000);
	kit_start(k);
	k->ledger_size = size_of_ledger(k);
}

void kit_restart(kit *k)
{
	emr_stack_close(&k->stack);
	kit_start(k);
}

void kit_close(kit *k)
{
	emr_stack_close(&k->stack);
	kit_remove_state(k->path);
}

/* ---- bytes ---- */

uint64_t kit_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint8_t *kit_bytes(size_t len, uint64_t seed)
{
	uint8_t *bytes = malloc(len + 8);

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = kit_random(&seed);

		memcpy(bytes + i, &word, 8);
	}
	return bytes;
}

/* ---- files by path ---- */

emr_attr kit_attr(kit *k, const char *path)
{
	emr_attr attr;

	assert_ok(emr_view_find(k->view, path, &attr));
	return attr;
}

bool kit_exists(kit *k, const char *path)
{
	emr_attr attr;
	emr_status status = emr_view_find(k->view, path, &attr);

	if (status != EMR_OK)
		assert_status(EMR_NOT_FOUND, status);
	return status == EMR_OK;
}

uint64_t kit_parent(kit *k, const char *path, const char **out_name)
{
	const char *slash = strrchr(path, '/');
	char directory[2048];

	*out_name = slash != NULL ? slash + 1 : path;
	snprintf(
		directory, sizeof directory, "%.*s", slash != NULL ? (int)(slash - path) : 0, path);
	return kit_attr(k, directory).node;
}

emr_handle *kit_open_file(kit *k, const char *path, int flags)
{
	emr_handle *h;
	emr_attr attr;
	const char *name;
	uint64_t parent;

	if ((flags & O_CREAT) != 0 && !kit_exists(k, path)) {
		parent = kit_parent(k, path, &name);
		assert_ok(emr_view_create(k->view, parent, name, 0644, flags, &attr, &h));
		emr_view_forget(k->view, attr.node, 1);
		return h;
	}
	assert_ok(emr_view_open_file(k->view, kit_attr(k, path).node, flags & ~O_CREAT, &h));
	return h;
}

void kit_write(kit *k, const char *path, const void *data, size_t len)
{
	AUTO(auto_emr_view_release)
	emr_handle *h = kit_open_file(k, path, O_WRONLY | O_CREAT | O_TRUNC);

	if (len > 0)
		assert_ok(emr_view_write(h, 0, emr_bytes_of(data, len)));
	assert_ok(emr_view_flush(h));
}

void kit_text(kit *k, const char *path, const char *text)
{
	kit_write(k, path, text, strlen(text));
}

void kit_expect_handle(emr_handle *h, const void *data, size_t len)
{
	EMR_AUTO_FREE uint8_t *got = malloc(len + 100);
	size_t n = 0;

	assert_non_null(got);
	assert_ok(emr_view_read(h, 0, got, len + 100, &n));
	assert_int_equal(n, len);
	if (len > 0)
		assert_memory_equal(got, data, len);
}

void kit_expect(kit *k, const char *path, const void *data, size_t len)
{
	AUTO(auto_emr_view_release) emr_handle *h;

	assert_int_equal(kit_attr(k, path).size_bytes, len);
	h = kit_open_file(k, path, O_RDONLY);
	kit_expect_handle(h, data, len);
}

void kit_expect_text(kit *k, const char *path, const char *text)
{
	kit_expect(k, path, text, strlen(text));
}

void kit_mkdir(kit *k, const char *path)
{
	const char *name;
	uint64_t parent = kit_parent(k, path, &name);
	emr_attr attr;

	assert_ok(emr_view_mkdir(k->view, parent, name, 0755, &attr));
	emr_view_forget(k->view, attr.node, 1);
}

void kit_unlink(kit *k, const char *path)
{
	const char *name;
	uint64_t parent = kit_parent(k, path, &name);

	assert_ok(emr_view_unlink(k->view, parent, name));
}

void kit_rmdir(kit *k, const char *path)
{
	const char *name;
	uint64_t parent = kit_parent(k, path, &name);

	assert_ok(emr_view_rmdir(k->view, parent, name));
}

void kit_rename(kit *k, const char *from, const char *to)
{
	const char *a, *b;
	uint64_t from_dir = kit_parent(k, from, &a), to_dir = kit_parent(k, to, &b);

	assert_ok(emr_view_rename(k->view, from_dir, a, to_dir, b, 0));
}

void kit_publish(kit *k)
{
	assert_ok(emr_view_publish_now(k->view));
}

void kit_publish_all(kit *k)
{
	emr_view_counts counts;

	for (int i = 0; i < 50; i++) {
		kit_publish(k);
		kit_wait_ms(k, 10000);
		emr_view_count(k->view, &counts);
		if (counts.pending == 0)
			return;
	}
	fail_msg("still %d pending", (int)counts.pending);
}

void kit_settle(kit *k)
{
	for (int i = 0; i < 3; i++) {
		kit_wait_ms(k, 60000);
		kit_publish_all(k);
	}
}

const char *kit_attribute(kit *k, const char *path, const char *name)
{
	static char text[4][400];
	static int turn;
	EMR_AUTO_BUF value = {0};
	emr_status status = emr_view_get_attribute(k->view, kit_attr(k, path).node, name, &value);

	turn = (turn + 1) % 4;
	if (status != EMR_OK)
		assert_status(EMR_NO_ATTRIBUTE, status);
	snprintf(text[turn], sizeof text[turn], "%.*s", (int)value.len, (const char *)value.data);
	return text[turn];
}

emr_id16 kit_object_id(kit *k, const char *path)
{
	emr_id16 id;

	assert_ok(emr_unhex(kit_attribute(k, path, "user.emrfs.id"), id.b, sizeof id.b));
	return id;
}

size_t kit_batch_count(emr_bytes batch)
{
	EMR_AUTO_FREE emr_batch *parsed = malloc(sizeof *parsed);
	size_t n;

	assert_non_null(parsed);
	assert_int_equal(
		emr_batch_parse((emr_span){batch.data, batch.len}, parsed), EMR_RESULT_APPLIED);
	n = parsed->count;
	return n;
}

/* ---- the ledger ---- */

static const char *op_name(uint8_t op)
{
	return op == EMR_OP_PUT		 ? "PUT"
	       : op == EMR_OP_META	 ? "META"
	       : op == EMR_OP_REWRAP	 ? "REWRAP"
	       : op == EMR_OP_UNLINK	 ? "UNLINK"
	       : op == EMR_OP_ERASE	 ? "ERASE"
	       : op == EMR_OP_DOMAIN_NEW ? "DOMAIN"
	       : op == EMR_OP_LISTKEY	 ? "LISTKEY"
					 : "OTHER";
}

const char *kit_items(kit *k)
{
	static char lines[4000][12];
	static char text[60000];
	emr_replica_listing line;
	size_t used = 0, n = 0;

	EMR_ASK(asked, k->stack.replica, RECENT);
	while (emr_next(&asked, &line) && line.item.seq >= k->ledger_size) {
		assert_true(n < sizeof lines / sizeof lines[0]);
		snprintf(lines[n++], sizeof lines[0], "%s%s", op_name(line.item.op),
			line.result > 1 ? "!" : "");
	}
	assert_ok(asked.status);
	text[0] = 0;
	while (n-- > 0)
		used += (size_t)snprintf(
			text + used, sizeof text - used, "%s%s", used > 0 ? " " : "", lines[n]);
	k->ledger_size = size_of_ledger(k);
	return text;
}

/* ---- pictures ---- */

typedef struct picture {
	kit *k;
	char *text;
	size_t len, cap;
} picture;

typedef struct names {
	char (*names)[256];
	size_t n;
} names;

static bool note_name(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	names *l = arg;

	(void)next;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	l->names = realloc(l->names, (l->n + 1) * sizeof *l->names);
	assert_non_null(l->names);
	snprintf(l->names[l->n++], sizeof *l->names, "%s", name);
	(void)attr;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void add_line(picture *p, const char *line)
{
	size_t len = strlen(line);

	if (p->len + len + 1 > p->cap) {
		p->cap = (p->len + len + 1) * 2;
		p->text = realloc(p->text, p->cap);
		assert_non_null(p->text);
	}
	memcpy(p->text + p->len, line, len + 1);
	p->len += len;
}

static void hash_file(kit *k, uint64_t node, char out[65])
{
	static uint8_t bytes[300000];
	emr_sha256_ctx hash;
	uint8_t digest[32];
	AUTO(auto_emr_view_release) emr_handle *h;
	uint64_t at = 0;
	size_t got = 0;

	assert_ok(emr_view_open_file(k->view, node, O_RDONLY, &h));
	emr_sha256_init(&hash);
	do {
		assert_ok(emr_view_read(h, at, bytes, sizeof bytes, &got));
		emr_sha256_update(&hash, bytes, got);
		at += got;
	} while (got == sizeof bytes);
	emr_sha256_final(&hash, digest);
	emr_hex(digest, sizeof digest, out);
}

static void add_attributes(picture *p, uint64_t node)
{
	EMR_AUTO_BUF list = {0};
	char hex[200];

	assert_ok(emr_view_list_attributes(p->k->view, node, &list));
	for (size_t at = 0; at < list.len; at += strlen((char *)list.data + at) + 1) {
		const char *name = (char *)list.data + at;
		EMR_AUTO_BUF value = {0};

		if (strncmp(name, "user.emrfs.", 11) == 0)
			continue;
		assert_ok(emr_view_get_attribute(p->k->view, node, name, &value));
		emr_hex(value.data, value.len < 90 ? value.len : 90, hex);
		add_line(p, printed("  %s=%zu:%s\n", name, value.len, hex));
	}
}

static void add_directory(picture *p, const char *path);

static void add_entry(picture *p, const char *path)
{
	emr_attr a = kit_attr(p->k, path);
	char line[3000], hash[65] = "";
	char *target = NULL;

	if (a.type == EMR_META_FILE)
		hash_file(p->k, a.node, hash);
	if (a.type == EMR_META_SYMLINK)
		assert_ok(emr_view_read_link(p->k->view, a.node, &target));
	snprintf(line, sizeof line, "%s t%d %o %llu %lld ino%llu %s%s\n", path, (int)a.type, a.mode,
		(unsigned long long)a.size_bytes,
		a.type == EMR_META_DIR ? 0LL : (long long)a.mtime_ns, (unsigned long long)a.ino,
		hash, target != NULL ? target : "");
	free(target);
	add_line(p, line);
	add_attributes(p, a.node);
	if (a.type == EMR_META_DIR)
		add_directory(p, path);
}

static void add_directory(picture *p, const char *path)
{
	names l = {0};

	assert_ok(emr_view_each_entry(
		p->k->view, kit_attr(p->k, path).node, 0, false, note_name, &l));
	if (l.n > 0)
		qsort(l.names, l.n, sizeof *l.names, by_name);
	for (size_t i = 0; i < l.n; i++) {
		char below[2048];

		snprintf(below, sizeof below, "%s%s%s", path, path[0] != 0 ? "/" : "", l.names[i]);
		add_entry(p, below);
	}
	free(l.names);
}

char *kit_picture(kit *k)
{
	picture p = {.k = k};

	add_line(&p, "");
	add_directory(&p, "");
	return p.text;
}

void kit_restart_and_compare(kit *k)
{
	EMR_AUTO_FREE char *before = kit_picture(k), *after;

	kit_restart(k);
	after = kit_picture(k);
	assert_string_equal(after, before);
}
