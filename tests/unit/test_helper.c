/* These tests are about helper programs: what they lack once they are in their sandbox, and that a
 * caller comes to an end whatever the helper does. This program is its own helper: started with a
 * role, it does what that says. */
#include "emr_test.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "helper/helper.h"
#include "helper/inside.h"

#define VERSION 7

/* ---- the helper ---- */

static int be_helper(const char *role)
{
	static char message[2000];
	size_t got;

	if (strcmp(role, "silent") == 0)
		return 0;
	if (!emr_inside_ready_tell(strcmp(role, "old") == 0 ? VERSION - 1 : VERSION))
		return 1;
	while (emr_inside_hear(message, sizeof message, &got, NULL, 0)) {
		if (strcmp(role, "hang") == 0)
			pause();
		if (strcmp(role, "die") == 0)
			raise(SIGSEGV);
		if (strcmp(role, "long") == 0)
			got = sizeof message;
		(void)emr_inside_tell(message, got);
	}
	return 0;
}

/* ---- callers ---- */

static emr_status start(emr_helper *h, const char *role)
{
	*h = EMR_HELPER_NONE;
	return emr_helper_start(h, "/proc/self/exe", role, VERSION);
}

static emr_status asked(emr_helper *h, const char *text, char out[100], int64_t timeout_ms)
{
	int64_t end_ms = emr_helper_end_ms(timeout_ms);
	size_t got = 0;
	emr_status status;

	if (!emr_helper_tell(h, text, strlen(text) + 1, NULL, 0, end_ms))
		return EMR_IO;
	status = emr_helper_hear(h, out, 100, &got, end_ms);
	if (status == EMR_OK)
		assert_int_equal(got, strlen(text) + 1);
	return status;
}

static void nobody_is_left(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

TEST(a_helper_answers_one_message_after_the_other)
{
	char out[100];
	emr_helper h;

	assert_ok(start(&h, "echo"));
	for (int i = 0; i < 3; i++) {
		assert_ok(asked(&h, i == 1 ? "two" : "one", out, 60000));
		assert_string_equal(out, i == 1 ? "two" : "one");
	}
	emr_helper_stop(&h);
	emr_helper_stop(&h); /* nothing */
	nobody_is_left();
}

TEST(whoever_asks_a_bad_helper_comes_to_an_end)
{
	char out[100];
	emr_helper h;

	assert_ok(start(&h, "hang"));
	assert_status(EMR_TIMEOUT, asked(&h, "x", out, 50));
	emr_helper_stop(&h);
	assert_ok(start(&h, "die"));
	assert_status(EMR_IO, asked(&h, "x", out, 60000));
	assert_false(emr_helper_tell(&h, "x", 1, NULL, 0, emr_helper_end_ms(60000)));
	emr_helper_stop(&h);
	assert_ok(start(&h, "long"));
	assert_status(EMR_IO, asked(&h, "x", out, 60000));
	emr_helper_stop(&h);
	nobody_is_left();
}

TEST(a_helper_that_takes_nothing_is_not_waited_for)
{
	static uint8_t message[2000];
	int64_t end_ms;
	emr_helper h;

	assert_ok(start(&h, "hang"));
	end_ms = emr_helper_end_ms(100);
	while (emr_helper_tell(&h, message, sizeof message, NULL, 0, end_ms))
		assert_true(emr_helper_end_ms(0) < end_ms + 60000);
	emr_helper_stop(&h);
	nobody_is_left();
}

TEST(a_helper_of_another_version_is_none)
{
	emr_helper h;

	assert_status(EMR_NEWER_FORMAT, start(&h, "old"));
	assert_int_equal(h.pid, 0);
	assert_status(EMR_IO, start(&h, "silent"));
	assert_status(EMR_IO, emr_helper_start(&h, "/nonexistent", "echo", VERSION));
	assert_int_equal(h.pid, 0);
	nobody_is_left();
}

/* ---- the sandbox ---- */

/* How a child ends that enters the sandbox and does TRY: its signal, or 0 when it lives. */
static int ends_by(void (*try)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (emr_sandbox_enter(UINT64_C(512) << 20, 60) != EMR_OK)
			_exit(9);
		try();
		(void)syscall(SYS_exit_group, 0); /* a sanitizer does more at an _exit */
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status))
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void try_nothing(void)
{
	char byte;

	(void)!pread(0, &byte, 1, 0);
	(void)!write(-1, "", 0);
}

static void try_open(void)
{
	(void)!open("/etc/passwd", O_RDONLY);
}

static void try_socket(void)
{
	(void)!socket(AF_INET, SOCK_STREAM, 0);
}

static void try_fork(void)
{
	(void)!syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void try_exec(void)
{
	(void)!execl("/bin/true", "true", (char *)NULL);
}

static void try_code(void)
{
	(void)!mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void try_map(void)
{
	(void)!mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 0, 0);
}

static void try_protect(void)
{
	static uint8_t page[1];

	(void)!mprotect(page, 1, PROT_READ | PROT_EXEC);
}

static void try_kill(void)
{
	(void)!kill(getppid(), 0);
}

static void try_limit(void)
{
	(void)!syscall(SYS_prlimit64, 0, RLIMIT_AS, NULL, NULL);
}

TEST(in_the_sandbox_nothing_opens_connects_or_starts)
{
	static void (*const tries[])(void) = {try_open, try_socket, try_fork, try_exec, try_code,
		try_map, try_protect, try_kill, try_limit};

	assert_int_equal(ends_by(try_nothing), 0);
	for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
		assert_int_equal(ends_by(tries[i]), SIGSYS);
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return be_helper(argv[1]);
	return emr_tests_run(NULL, NULL);
}
