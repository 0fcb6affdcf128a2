/* This file starts helper programs, and sends them messages and descriptors. A helper gets
 * nothing of this process but its end of a socket. */
#include "helper/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "helper/inside.h"

#define START_MS 60000

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

int64_t emr_helper_end_ms(int64_t timeout_ms)
{
	return now_ms() + timeout_ms;
}

void emr_helper_stop(emr_helper *helper)
{
	if (helper->pid == 0)
		return;
	close(helper->fd);
	kill(helper->pid, SIGKILL);
	while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*helper = EMR_HELPER_NONE;
}

static emr_status wait_until(const emr_helper *helper, short events, int64_t end_ms)
{
	struct pollfd wait = {.fd = helper->fd, .events = events};

	for (;;) {
		int64_t left_ms = end_ms - now_ms();
		int ready;

		if (left_ms <= 0)
			return EMR_TIMEOUT;
		ready = poll(&wait, 1, left_ms > 60000 ? 60000 : (int)left_ms);
		if (ready < 0 && errno != EINTR)
			return EMR_IO;
		if (ready > 0)
			return EMR_OK;
	}
}

emr_status emr_helper_hear(
	const emr_helper *helper, void *out, size_t size, size_t *out_size, int64_t end_ms)
{
	ssize_t got;

	EMR_TRY(wait_until(helper, POLLIN, end_ms));
	got = recv(helper->fd, out, size, MSG_TRUNC | MSG_DONTWAIT);
	if (got <= 0 || (size_t)got > size)
		return EMR_IO;
	*out_size = (size_t)got;
	return EMR_OK;
}

bool emr_helper_tell(const emr_helper *helper, const void *message, size_t size, const int *fds,
	size_t fd_count, int64_t end_ms)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(EMR_HELPER_FDS_MAX * sizeof(int))];
	} control = {.bytes = {0}};
	struct iovec part = {.iov_len = size};
	struct msghdr sent = {.msg_iov = &part, .msg_iovlen = 1};

	memcpy(&part.iov_base, &message, sizeof message); /* sendmsg does not write there */
	if (fd_count > EMR_HELPER_FDS_MAX)
		return false;
	if (fd_count > 0) {
		struct cmsghdr *rights;

		sent.msg_control = &control;
		sent.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		rights = CMSG_FIRSTHDR(&sent);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, fd_count * sizeof(int));
	}
	while (sendmsg(helper->fd, &sent, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size)
		if ((errno != EAGAIN && errno != EINTR) ||
			wait_until(helper, POLLOUT, end_ms) != EMR_OK)
			return false;
	return true;
}

/* No descriptor but its end of the socket, no environment, no signals that somebody ignores. */
static int spawn(const char *program, const char *role, int end, pid_t *out_pid)
{
	const char *slash = strrchr(program, '/');
	char name[32], argument[16];
	char *argv[] = {name, argument, NULL}, *environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	snprintf(name, sizeof name, "%s", slash != NULL ? slash + 1 : program);
	snprintf(argument, sizeof argument, "%s", role);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = posix_spawn_file_actions_adddup2(&actions, end, EMR_INSIDE_FD);
	for (int fd = 0; fd < 3 && error == 0; fd++)
		error = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(&actions, EMR_INSIDE_FD + 1);
	if (error == 0)
		error = posix_spawn(out_pid, program, &actions, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

emr_status emr_helper_start(
	emr_helper *helper, const char *program, const char *role, uint32_t version)
{
	emr_inside_ready ready = {0};
	emr_helper made = EMR_HELPER_NONE;
	emr_status status;
	size_t got = 0;
	int ends[2], error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return emr_status_from_errno(errno);
	error = spawn(program, role, ends[1], &made.pid);
	close(ends[1]);
	if (error != 0) {
		emr_log(EMR_LOG_ERROR, "the helper %s does not start: %d", role, error);
		close(ends[0]);
		return error == ENOMEM ? EMR_NO_MEMORY : EMR_IO;
	}
	made.fd = ends[0];
	status = emr_helper_hear(&made, &ready, sizeof ready, &got, emr_helper_end_ms(START_MS));
	if (status == EMR_OK && (got != sizeof ready || ready.magic != EMR_INSIDE_MAGIC ||
					ready.version != version))
		status = EMR_NEWER_FORMAT;
	if (status != EMR_OK) {
		emr_log(EMR_LOG_ERROR, "the helper %s is not ready: %s", role,
			emr_status_text(status));
		emr_helper_stop(&made);
		return status == EMR_TIMEOUT ? EMR_IO : status;
	}
	*helper = made;
	return EMR_OK;
}
