/* This file writes the log, one line a message, whatever the message holds. The log has ids and
 * causes in it, never names of records. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512

static atomic_int log_fd = -1;
static atomic_int log_level = EMR_LOG_INFO;

void emr_log_open(int fd, emr_log_level level)
{
	atomic_store(&log_level, (int)level);
	atomic_store(&log_fd, fd);
}

/* A log line must stay one line, whatever a format was given. */
static void flatten(char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
}

static size_t stamp(char *line, size_t size, emr_log_level level)
{
	static const char letters[] = "EWID";
	struct timespec now = {0};
	struct tm utc;
	int len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	len = snprintf(line, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %c ", utc.tm_year + 1900,
		utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
		now.tv_nsec / 1000000, letters[level]);
	return len < 0 ? 0 : (size_t)len;
}

void emr_log(emr_log_level level, const char *format, ...)
{
	int saved_errno = errno;
	int fd = atomic_load(&log_fd);
	char line[LINE_MAX_BYTES];
	size_t len;
	va_list arguments;
	int text_len;

	if (fd < 0 || (int)level > atomic_load(&log_level))
		return;
	len = stamp(line, sizeof line, level);
	va_start(arguments, format);
	text_len = vsnprintf(line + len, sizeof line - len - 1, format, arguments);
	va_end(arguments);
	if (text_len > 0)
		len += strnlen(line + len, (size_t)text_len);
	flatten(line, len);
	line[len++] = '\n';
	/* One write a line: lines of several processes do not mix.  Nobody can be told that a log
	 * line was lost. */
	if (write(fd, line, len) < 0)
		len = 0;
	errno = saved_errno;
}
