/* These tests of the POSIX suite take locks from several processes, because office programs and
 * databases rely on them. */
#include "posix_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

static int open_file(void)
{
	return (int)EXPECT_OK(open("file", O_RDWR | O_CREAT, 0644));
}

static int lock(int fd, int command, short type, off_t start, off_t length)
{
	struct flock range = {.l_type = type, .l_start = start, .l_len = length};

	return fcntl(fd, command, &range);
}

static void an_exclusive_flock_keeps_others_out(void)
{
	int a = open_file(), b = open_file();

	EXPECT_OK(flock(a, LOCK_EX | LOCK_NB));
	EXPECT_ERRNO(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	EXPECT_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	EXPECT_OK(flock(a, LOCK_UN));
	EXPECT_OK(flock(b, LOCK_EX | LOCK_NB));
	EXPECT_OK(close(b));
	EXPECT_OK(flock(a, LOCK_EX | LOCK_NB));
}

static void shared_flocks_go_together(void)
{
	int a = open_file(), b = open_file();

	EXPECT_OK(flock(a, LOCK_SH | LOCK_NB));
	EXPECT_OK(flock(b, LOCK_SH | LOCK_NB));
	EXPECT_ERRNO(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	EXPECT_OK(close(b));
	EXPECT_OK(flock(a, LOCK_EX | LOCK_NB));
}

static void a_directory_can_be_flocked(void)
{
	int a = (int)EXPECT_OK(open(".", O_RDONLY | O_DIRECTORY));
	int b = (int)EXPECT_OK(open(".", O_RDONLY | O_DIRECTORY));

	EXPECT_OK(flock(a, LOCK_EX | LOCK_NB));
	EXPECT_ERRNO(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
}

static void expect_ranges_taken(void *unused)
{
	struct flock query = {.l_type = F_WRLCK, .l_start = 0, .l_len = 0};
	int fd = open_file();

	(void)unused;
	EXPECT(lock(fd, F_SETLK, F_WRLCK, 0, 10) == -1 && (errno == EAGAIN || errno == EACCES));
	EXPECT_OK(lock(fd, F_SETLK, F_WRLCK, 10, 10));
	EXPECT(lock(fd, F_SETLK, F_WRLCK, 20, 10) == -1);
	EXPECT_OK(lock(fd, F_SETLK, F_RDLCK, 20, 10));
	EXPECT_OK(fcntl(fd, F_GETLK, &query));
	EXPECT(query.l_type != F_UNLCK && query.l_pid == getppid());
}

static void posix_locks_are_by_process_and_range(void)
{
	int fd = open_file();

	EXPECT_OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	EXPECT_OK(lock(fd, F_SETLK, F_RDLCK, 20, 10));
	posix_join(posix_start(expect_ranges_taken, NULL));
}

static void expect_free(void *unused)
{
	(void)unused;
	EXPECT_OK(lock(open_file(), F_SETLK, F_WRLCK, 0, 0));
}

static void a_posix_lock_ends_with_any_close_of_the_file(void)
{
	int fd = open_file(), second = open_file();

	EXPECT_OK(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	EXPECT_OK(close(second));
	posix_join(posix_start(expect_free, NULL));
}

static void a_lock_ends_with_its_process(void)
{
	posix_join(posix_start(expect_free, NULL));
	posix_join(posix_start(expect_free, NULL));
}

static void take_when_free(void *channel)
{
	int fd = open_file(), *pipe_ends = channel;

	EXPECT_EQUAL(write(pipe_ends[1], "w", 1), 1);
	EXPECT_OK(lock(fd, F_SETLKW, F_WRLCK, 0, 0));
	EXPECT_OK(flock(fd, LOCK_EX));
	EXPECT_EQUAL(write(pipe_ends[1], "g", 1), 1);
}

static void a_waiting_lock_is_granted_when_free(void)
{
	int fd = open_file(), channel[2];
	char byte;
	pid_t other;

	EXPECT_OK(pipe(channel));
	EXPECT_OK(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	EXPECT_OK(flock(fd, LOCK_EX));
	other = posix_start(take_when_free, channel);
	EXPECT_EQUAL(read(channel[0], &byte, 1), 1);
	EXPECT_EQUAL(byte, 'w');
	EXPECT_OK(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	EXPECT_OK(flock(fd, LOCK_UN));
	EXPECT_EQUAL(read(channel[0], &byte, 1), 1);
	EXPECT_EQUAL(byte, 'g');
	posix_join(other);
}

static void open_file_description_locks_work(void)
{
	int a = open_file(), b = open_file();

	EXPECT_OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 100));
	EXPECT(lock(b, F_OFD_SETLK, F_WRLCK, 50, 10) == -1 && errno == EAGAIN);
	EXPECT_OK(lock(b, F_OFD_SETLK, F_WRLCK, 100, 10));
	EXPECT_OK(close(a));
	EXPECT_OK(lock(b, F_OFD_SETLK, F_WRLCK, 50, 10));
}

const struct posix_test posix_lock_tests[] = {
	POSIX_TEST(an_exclusive_flock_keeps_others_out),
	POSIX_TEST(shared_flocks_go_together),
	POSIX_TEST(a_directory_can_be_flocked),
	POSIX_TEST(posix_locks_are_by_process_and_range),
	POSIX_TEST(a_posix_lock_ends_with_any_close_of_the_file),
	POSIX_TEST(a_lock_ends_with_its_process),
	POSIX_TEST(a_waiting_lock_is_granted_when_free),
	POSIX_TEST(open_file_description_locks_work),
	{0},
};
