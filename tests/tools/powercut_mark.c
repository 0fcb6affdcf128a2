/*
 * powercut_mark - records a promise in a trace, from a program that is not itself recorded.
 *
 *   powercut_mark TRACE TEXT      returns when TEXT and a newline are in the trace
 *   powercut_mark TRACE           the same for every line of standard input
 *
 * A promise read from a pipe is recorded later than it was made: that claims less, never more.
 */
#include "powercut_format.h"
#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int trace_fd;

/* The recorder's order: the file lock is what puts records of several processes in a row. */
static void put_mark(const char *text, size_t size)
{
	struct powercut_record head = {.kind = PC_MARK, .data_bytes = size};
	struct flock all = {.l_type = F_WRLCK};

	if (fcntl(trace_fd, F_SETLKW, &all) != 0)
		emr_kit_die("cannot lock the trace");
	if (emr_kit_write_all(trace_fd, &head, sizeof(head)) != 0 ||
		emr_kit_write_all(trace_fd, text, size) != 0)
		emr_kit_die("cannot write the trace");
	all.l_type = F_UNLCK;
	fcntl(trace_fd, F_SETLK, &all);
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;

	errno = 0;
	if (argc != 2 && argc != 3)
		emr_kit_die("usage: powercut_mark TRACE [TEXT]");
	trace_fd = open(argv[1], O_WRONLY | O_APPEND);
	if (trace_fd < 0)
		emr_kit_die("cannot open %s", argv[1]);
	if (argc == 3) {
		char *text = emr_kit_alloc(strlen(argv[2]) + 2);

		strcpy(text, argv[2]);
		strcat(text, "\n");
		put_mark(text, strlen(text));
		free(text);
		return 0;
	}
	while ((size = getline(&line, &room, stdin)) > 0)
		put_mark(line, (size_t)size);
	free(line);
	return 0;
}
