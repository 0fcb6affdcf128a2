/* This file keeps two computers of one person for tests: the second has a keyring of the same seed,
 * the same ledger and the same blocks, and everything else its own. */
#include "two_kit.h"

#include "keyring/keyring.h"

void two_second(kit *b, const kit *a)
{
	static const emr_kdf_cost cheap = {.passes = 1, .memory_bytes = 8 << 20};
	EMR_AUTO_KEYRING keyring = NULL;
	EMR_AUTO_FD from = open(a->path, O_RDONLY | O_DIRECTORY);
	EMR_AUTO_FD to = -1;
	char path[256];

	assert_true(strlen(a->path) < 200);
	snprintf(path, sizeof path, "%.200s.second", a->path);
	assert_int_equal(mkdir(path, 0700), 0);
	to = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(from >= 0 && to >= 0);
	assert_ok(emr_keyring_open(from, "keyfile", emr_bytes_of("test", 4), &keyring, NULL));
	emr_keyring_set_device(keyring, emr_id16_random());
	assert_ok(emr_keyring_save_new(keyring, to, "keyfile", emr_bytes_of("test", 4), &cheap));
	assert_int_equal(symlink(printed("%s/network", a->path), printed("%s/network", path)), 0);
	assert_int_equal(symlink(printed("%s/store", a->path), printed("%s/store", path)), 0);
	kit_adopt(b, path, a->clock.unix_ns, a->clock.boot_ns);
	kit_start(b);
}

void two_meet(two *t)
{
	for (int i = 0; i < 5; i++) {
		kit_wait_ms(&t->a, 2000);
		kit_wait_ms(&t->b, 2000);
		assert_ok(emr_view_publish_now(t->a.view));
		assert_ok(emr_view_publish_now(t->b.view));
	}
}

int two_open(void **state)
{
	two *t = calloc(1, sizeof *t);

	kit_open(&t->a);
	two_second(&t->b, &t->a);
	kit_mkdir(&t->a, "Imaging");
	kit_mkdir(&t->a, "Letters");
	kit_text(&t->a, "Imaging/1", "one");
	kit_text(&t->a, "Imaging/2", "two");
	two_meet(t);
	*state = t;
	return 0;
}

int two_close(void **state)
{
	EMR_AUTO_FREE two *t = *state;

	kit_close(&t->b);
	kit_close(&t->a);
	return 0;
}

/* Without the numbers that each computer gives its own. */
static char *picture_of(kit *k)
{
	char *text = kit_picture(k), *from = text, *to = text;

	while (*from != 0) {
		if (strncmp(from, " ino", 4) == 0)
			from += 4 + strspn(from + 4, "0123456789");
		else
			*to++ = *from++;
	}
	*to = 0;
	return text;
}

static void expect_alike(two *t, const char *part)
{
	EMR_AUTO_FREE char *a = picture_of(&t->a), *b = picture_of(&t->b);

	assert_string_equal(a, b);
	assert_non_null(strstr(a, part));
}

void two_expect_equal_again(two *t, const char *part)
{
	kit_restart(&t->a);
	kit_restart(&t->b);
	expect_alike(t, part);
}

void two_expect_equal(two *t)
{
	expect_alike(t, "");
	two_expect_equal_again(t, "");
}

static bool count_conflict(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	two_conflicts *c = arg;

	(void)attr;
	(void)next;
	if (strstr(name, "(conflict, ") != NULL) {
		c->n++;
		snprintf(c->last, sizeof c->last, "%s", name);
	}
	return true;
}

two_conflicts two_conflicts_in(kit *k, const char *directory)
{
	two_conflicts c = {0};

	assert_ok(emr_view_each_entry(
		k->view, kit_attr(k, directory).node, 0, false, count_conflict, &c));
	return c;
}

static bool count_entry(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	(void)attr;
	(void)next;
	*(unsigned *)arg += strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
	return true;
}

unsigned two_entries_in(kit *k, const char *directory)
{
	unsigned n = 0;

	assert_ok(emr_view_each_entry(
		k->view, kit_attr(k, directory).node, 0, false, count_entry, &n));
	return n;
}
