/* These tests are about the move of a new keyring into its state: killed at any step it leaves
 * nothing, or a keyring that the next start completes. */
#include "emr_test.h"

#include <sys/wait.h>

#include "session/stage.h"

#define KILLED 9

static int calls_left; /* until the process is killed; -1: it is not */

WRAPPED(int, renameat, int from, const char *a, int to, const char *b)
{
	if (calls_left == 0)
		_exit(KILLED);
	calls_left -= calls_left > 0;
	return __real_renameat(from, a, to, b);
}

static char place[200];
static const char *const directories[] = {"ledger", "blocks", "index", "spill"};
static const char *const files[] = {"keyfile", "replica.sqlite", "replica.hw", "profile"};
#define N_PARTS 8

static void put(int dirfd, const char *name)
{
	EMR_AUTO_FD fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
}

static emr_status claim(emr_stage *stage)
{
	const emr_places places = {.state = place};
	emr_problem problem = {0};

	*stage = EMR_STAGE_NONE;
	return emr_stage_claim(stage, &places, &problem);
}

/* In a process of its own, which is killed at its Nth rename. */
static int make_killed_at(int n)
{
	const emr_places places = {.state = place};
	emr_session session = EMR_SESSION_CLOSED;
	emr_problem problem = {0};
	emr_stage stage;
	int status;
	pid_t pid = fork();

	if (pid != 0) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		return WEXITSTATUS(status);
	}
	assert_ok(claim(&stage));
	assert_ok(emr_stage_make(&stage, &places, &session, &problem));
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(mkdirat(session.state_fd, directories[i], 0700), 0);
		put(session.state_fd, files[i]);
	}
	calls_left = n;
	_exit(emr_stage_move_in(&stage) == EMR_OK ? 0 : 1);
}

static size_t parts_in(int dirfd)
{
	size_t n = 0;

	for (size_t i = 0; i < 4; i++)
		n += (faccessat(dirfd, directories[i], F_OK, 0) == 0) +
		     (faccessat(dirfd, files[i], F_OK, 0) == 0);
	return n;
}

static void remove_state(void)
{
	assert_int_equal(system(printed("rm -rf '%s'", place)), 0);
}

/* By OPENS, as a mount does; else by the next init or restore. */
static bool is_completed(int n, bool opens)
{
	emr_places places = {.state = place, .run = place};
	const emr_session_options options = {.places = &places};
	emr_session session = EMR_SESSION_CLOSED;
	emr_problem problem = {0};
	emr_stage stage = EMR_STAGE_NONE;
	int ended = make_killed_at(n);
	emr_status status = opens ? emr_session_lock(&session, &options, &problem) : claim(&stage);
	int dirfd = opens ? session.state_fd : stage.state_fd;

	calls_left = -1;
	assert_true(ended == 0 || ended == KILLED);
	assert_status(opens   ? (n > 0 ? EMR_OK : EMR_NOT_FOUND)
		      : n > 0 ? EMR_EXISTS
			      : EMR_OK,
		status);
	assert_int_equal(parts_in(dirfd), n > 0 ? N_PARTS : 0);
	assert_int_equal(faccessat(dirfd, ".whole", F_OK, 0), -1);
	emr_stage_end(&stage, NULL);
	emr_session_close(&session);
	remove_state();
	return ended == 0;
}

static void complete_all(bool opens)
{
	int n = 0;

	(void)snprintf(place, sizeof place, "/tmp/emrfs-stage-%d", (int)getpid());
	calls_left = -1;
	while (!is_completed(n, opens))
		n++;
	assert_int_equal(n, N_PARTS + 1);
}

TEST(a_new_keyring_that_was_cut_off_is_none_or_completed_by_the_next_init)
{
	complete_all(false);
}

TEST(a_new_keyring_that_was_cut_off_is_none_or_opened)
{
	complete_all(true);
}

TESTS(NULL, NULL)
