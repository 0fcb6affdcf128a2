/* This starts a helper, a program of emrfs that reads strangers' files and has no keys, and speaks
 * with it in messages. It believes a helper little: the caller gives it until a time, and stops one
 * that is late, dead or implausible. It refuses to give it anything of this process but one socket
 * and the descriptors that are sent. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/status.h"

/* One process, of one thread at a time.  Begins as EMR_HELPER_NONE. */
typedef struct emr_helper {
	pid_t pid; /* 0: none */
	int fd;
} emr_helper;
#define EMR_HELPER_NONE ((emr_helper){.fd = -1})

#define EMR_HELPER_FDS_MAX 2

/* PROGRAM with ROLE as its one argument, and no environment; EMR_OK once it is in its sandbox and
 * has said VERSION.  EMR_NO_MEMORY; EMR_NEWER_FORMAT: it says another one; EMR_IO: it does not
 * start, dies, or says nothing for a minute.  There is no process then. */
emr_status emr_helper_start(
	emr_helper *helper, const char *program, const char *role, uint32_t version);

/* False: it is gone, or takes nothing before END_MS.  At most EMR_HELPER_FDS_MAX descriptors. */
bool emr_helper_tell(const emr_helper *helper, const void *message, size_t size, const int *fds,
	size_t fd_count, int64_t end_ms);

/* One message of at most SIZE bytes.  EMR_TIMEOUT: none came before END_MS.  EMR_IO: the helper is
 * gone, or its message is longer. */
emr_status emr_helper_hear(
	const emr_helper *helper, void *out, size_t size, size_t *out_size, int64_t end_ms);

/* TIMEOUT_MS from now, for the two above; on a clock that nobody sets. */
int64_t emr_helper_end_ms(int64_t timeout_ms);

/* Ends it and waits for that; nothing where there is none. */
void emr_helper_stop(emr_helper *helper);
