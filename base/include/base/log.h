/* The private log: ids, sizes and causes.  Never a name, a path of a record, a key or a passphrase.
 */
#pragma once

typedef enum emr_log_level {
	EMR_LOG_ERROR,
	EMR_LOG_WARN,
	EMR_LOG_INFO,
	EMR_LOG_DEBUG
} emr_log_level;

/* Where lines go from now on: a file descriptor that stays open (appended, one write per line); -1
 * = nowhere (default). */
void emr_log_open(int fd, emr_log_level level);
void emr_log(emr_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
