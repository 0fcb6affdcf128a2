/* These tests are about the last step of a join or a leave: wherever it is cut off, the next
 * process that opens the folder ends it, and nothing of either ledger is lost. */
#include "emr_test.h"

#include "session/annex.h"
#include "session/stage.h"

static emr_problem problem; /* of the last failure */
static int calls_left = -1; /* of rename and unlink; -1: all */

static bool is_cut_off(void)
{
	if (calls_left == 0) {
		errno = EIO;
		return true;
	}
	calls_left -= calls_left > 0;
	return false;
}

WRAPPED(int, renameat, int from, const char *a, int to, const char *b)
{
	return is_cut_off() ? -1 : __real_renameat(from, a, to, b);
}

WRAPPED(int, renameat2, int from, const char *a, int to, const char *b, unsigned flags)
{
	return is_cut_off() ? -1 : __real_renameat2(from, a, to, b, flags);
}

WRAPPED(int, unlinkat, int dirfd, const char *name, int flags)
{
	return is_cut_off() ? -1 : __real_unlinkat(dirfd, name, flags);
}

typedef struct place {
	char path[64];
	int fd;
} place;

static void put(const place *p, const char *name, const char *text)
{
	FILE *f;

	f = fopen(printed("%s/%s", p->path, name), "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void make(const place *p, const char *name)
{
	assert_int_equal(mkdirat(p->fd, name, 0700), 0);
}

static void expect(const place *p, const char *name, const char *wanted)
{
	EMR_AUTO_FD fd = openat(p->fd, name, O_RDONLY | O_CLOEXEC);
	char got[100] = "";

	if (wanted == NULL) {
		assert_true(fd < 0);
		assert_int_equal(faccessat(p->fd, name, F_OK, AT_SYMLINK_NOFOLLOW), -1);
		return;
	}
	assert_true(fd >= 0);
	assert_true(read(fd, got, sizeof got - 1) >= 0);
	assert_string_equal(got, wanted);
}

static void begin(place *p)
{
	const emr_joined joined = {.size = 7, .at_unix_s = 8};
	EMR_AUTO_FD joining = -1;

	calls_left = -1;
	snprintf(p->path, sizeof p->path, "/tmp/emr-switch-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make(p, "ledger");
	make(p, "joining");
	put(p, "ledger/ledger.sqlite", "old ledger");
	put(p, "replica.sqlite", "old copy");
	put(p, "replica.sqlite-wal", "old log");
	put(p, "replica.hw", "old mark");
	put(p, "keyfile", "old keys");
	put(p, "facts.cache", "names");
	put(p, "second-copy", "of before");
	put(p, "profile", "ana");
	put(p, "joining/replica.sqlite", "new copy");
	put(p, "joining/replica.hw", "new mark");
	put(p, "joining/keyfile", "new keys");
	put(p, "joining/invitation", "secret");
	put(p, "joining/certificate", "cert");
	assert_int_equal(symlinkat("/elsewhere/ledger", p->fd, "joining/ledger"), 0);
	joining = openat(p->fd, "joining", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(emr_joined_write(joining, &joined));
}

static void end(place *p)
{
	calls_left = -1;
	close(p->fd);
	assert_ok(emr_stage_remove_tree(AT_FDCWD, p->path));
}

static void expect_old(const place *p)
{
	expect(p, "ledger/ledger.sqlite", "old ledger");
	expect(p, "replica.sqlite", "old copy");
	expect(p, "keyfile", "old keys");
	expect(p, "annex", NULL);
}

static void expect_new(const place *p)
{
	char target[100] = "";
	EMR_AUTO_FD annex = openat(p->fd, "annex", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	emr_joined joined;

	assert_true(readlinkat(p->fd, "ledger", target, sizeof target - 1) > 0);
	assert_string_equal(target, "/elsewhere/ledger");
	expect(p, "replica.sqlite", "new copy");
	expect(p, "replica.sqlite-wal", NULL);
	expect(p, "replica.hw", "new mark");
	expect(p, "keyfile", "new keys");
	expect(p, "profile", "ana");
	expect(p, "facts.cache", NULL);
	expect(p, "second-copy", NULL);
	expect(p, "joining", NULL);
	expect(p, "annex/ledger/ledger.sqlite", "old ledger");
	expect(p, "annex/replica.sqlite", "old copy");
	expect(p, "annex/replica.sqlite-wal", "old log");
	expect(p, "annex/replica.hw", "old mark");
	assert_ok(emr_joined_read(annex, &joined));
	assert_int_equal(joined.size, 7);
	assert_int_equal(joined.at_unix_s, 8);
}

TEST(before_it_begins_nothing_moves)
{
	SCENE(place, p, begin, end);
	assert_ok(emr_switch_finish(p.fd, &problem));
	expect_old(&p);
}

TEST(it_puts_everything_in_its_place_and_again_is_nothing)
{
	SCENE(place, p, begin, end);
	assert_ok(emr_switch_begin(p.fd));
	assert_ok(emr_switch_finish(p.fd, &problem));
	expect_new(&p);
	assert_ok(emr_switch_finish(p.fd, &problem));
	expect_new(&p);
}

/* Cut off at each of its calls, more than LEAST of them, what BEGINS is ended by the next one as
 * EXPECTED. */
static void cut_off_anywhere(void (*begins)(place *), void (*expected)(const place *), int least)
{
	bool was_cut = true;
	int cuts = 0;

	for (int at = 0; was_cut; at++) {
		place p;

		begins(&p);
		assert_ok(emr_switch_begin(p.fd));
		problem = (emr_problem){0};
		calls_left = at;
		was_cut = emr_switch_finish(p.fd, &problem) != EMR_OK;
		assert_true(problem.is_set == was_cut); /* and names the file */
		was_cut |= calls_left == 0;
		calls_left = -1;
		cuts += was_cut;
		problem = (emr_problem){0};
		assert_ok(emr_switch_finish(p.fd, &problem));
		emr_switch_tidy(p.fd);
		expected(&p);
		end(&p);
		assert_true(at < 60);
	}
	assert_true(cuts > least);
}

TEST(cut_off_anywhere_the_next_one_ends_it)
{
	cut_off_anywhere(begin, expect_new, 8);
}

/* As a member of a host, who had a ledger alone before: what was left stays, in what is left now.
 */
static void begin_leave(place *p)
{
	begin(p);
	assert_ok(emr_switch_begin(p->fd));
	assert_ok(emr_switch_finish(p->fd, &problem));
	make(p, "network");
	put(p, "network/host", "address");
	make(p, "network/blocks");
	put(p, "network/blocks/segment", "bytes");
	assert_int_equal(symlinkat(printed("%s/network/blocks", p->path), p->fd, "blocks"), 0);
	put(p, "index", "of there");
	put(p, "orders", "revocations");
	make(p, "joining");
	make(p, "joining/ledger");
	make(p, "joining/annex");
	make(p, "joining/annex/ledger");
	put(p, "joining/ledger/ledger.sqlite", "own ledger");
	put(p, "joining/annex/ledger/ledger.sqlite", "copy of the network's");
	put(p, "joining/replica.sqlite", "own copy");
	put(p, "joining/keyfile", "own keys");
	put(p, "joining/joined", "emrfs joined 1\nentries 9\nat 8\n");
}

static void expect_left(const place *p)
{
	expect(p, "ledger/ledger.sqlite", "own ledger");
	expect(p, "replica.sqlite", "own copy");
	expect(p, "keyfile", "own keys");
	expect(p, "blocks/segment", "bytes");
	expect(p, "index", NULL);
	expect(p, "network", NULL);
	expect(p, "orders", NULL);
	expect(p, "joining", NULL);
	expect(p, "annex/ledger/ledger.sqlite", "copy of the network's");
	expect(p, "annex/replica.sqlite", "new copy");
	expect(p, "annex/joined", "emrfs joined 1\nentries 9\nat 8\n");
	expect(p, "annex/annex/ledger/ledger.sqlite", "old ledger");
	expect(p, "annex/annex/replica.sqlite", "old copy");
	expect(p, "annex/annex/joined", "emrfs joined 1\nentries 7\nat 8\n");
	expect(p, "annex/annex/annex", NULL);
}

TEST(a_leave_that_is_cut_off_anywhere_is_ended_too)
{
	cut_off_anywhere(begin_leave, expect_left, 12);
}

TEST(what_is_under_way_is_not_tidied_and_what_was_never_begun_is)
{
	SCENE(place, p, begin, end);
	emr_switch_tidy(p.fd);
	expect(&p, "joining/invitation", "secret");
	expect(&p, "joining/keyfile", "new keys");
	assert_ok(emr_switch_begin(p.fd));
	assert_int_equal(unlinkat(p.fd, "joining/invitation", 0), 0);
	emr_switch_tidy(p.fd);
	expect(&p, "joining/keyfile", "new keys");
	assert_int_equal(unlinkat(p.fd, "joining/switch", 0), 0);
	emr_switch_tidy(p.fd);
	expect(&p, "joining", NULL);
	expect_old(&p);
}

TEST(a_state_without_a_join_is_left_alone)
{
	SCENE(place, p, begin, end);
	assert_ok(emr_stage_remove_tree(p.fd, "joining"));
	assert_ok(emr_switch_finish(p.fd, &problem));
	assert_status(EMR_NOT_FOUND, emr_switch_begin(p.fd));
	expect_old(&p);
}

TESTS(NULL, NULL)
