/* This file puts a mount into the background: the parent waits until the folder answers, or says
 * why it does not, so that `emrfs mount` never ends too early. */
#include "mount/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "kit/language.h"

void emr_behind_let_go(int *report_fd, int code, bool goes_on)
{
	const uint8_t bytes[2] = {(uint8_t)code, goes_on};
	int null_fd;

	if (*report_fd < 0)
		return;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3 && null_fd >= 0; fd++) {
		if (dup2(null_fd, fd) < 0)
			emr_log(EMR_LOG_WARN, "a standard stream stays open");
	}
	if (null_fd > 2)
		close(null_fd);
	if (write(*report_fd, bytes, sizeof bytes) != sizeof bytes)
		emr_log(EMR_LOG_WARN, "nobody waits for this process");
	close(*report_fd);
	*report_fd = -1;
}

/* The parent stays until the child says that it answers, or why not. */
static int await_child(emr_out *out, const char *what, int report_fd, pid_t child)
{
	emr_problem problem = {0};
	uint8_t bytes[2]; /* written at once: they come together */
	ssize_t n;

	while ((n = read(report_fd, bytes, sizeof bytes)) < 0 && errno == EINTR)
		;
	close(report_fd);
	out->is_spoken = true;
	if (n == sizeof bytes) {
		if (!bytes[1])
			waitpid(child, NULL, 0);
		return bytes[0];
	}
	waitpid(child, NULL, 0);
	out->is_spoken = false;
	emr_problem_set(&problem, EMR_SAY_FAILED, "what", what, "cause",
		_("the process ended unexpectedly"), NULL);
	return emr_out_fail(out, &problem);
}

int emr_behind_run(emr_out *out, const char *what, emr_behind_fn run, void *arg)
{
	emr_problem problem = {0};
	int ends[2];
	pid_t child;

	fflush(NULL);
	if (pipe2(ends, O_CLOEXEC) != 0) {
		emr_problem_set_status(&problem, emr_status_from_errno(errno), "emrfs");
		return emr_out_fail(out, &problem);
	}
	child = fork();
	if (child < 0) {
		close(ends[0]);
		close(ends[1]);
		emr_problem_set_status(&problem, EMR_NO_MEMORY, "emrfs");
		return emr_out_fail(out, &problem);
	}
	if (child > 0) {
		close(ends[1]);
		return await_child(out, what, ends[0], child);
	}
	close(ends[0]);
	return run(arg, ends[1]);
}
