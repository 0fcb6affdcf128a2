/* This is what the handlers of requests share. There is one mount in a process: the session is a
 * static of run.c. */
#pragma once

#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 12)
#include <fuse_lowlevel.h>

#include "fuse/fuse.h"

typedef struct session {
	emr_fuse_options options; /* set before there are threads, as all that is not atomic */
	struct fuse_session *fuse;
	uid_t uid;
	gid_t gid;
	uint32_t generation; /* of every node but the top: random, so that no file handle of an
				earlier mount means a node of this one */
	int64_t last_request_boot_ns; /* atomic */
	uint64_t open_count;	      /* atomic */
} session;

/* ---- session.c ---- */

/* The session a request belongs to; notes the time for --idle. */
session *session_of(fuse_req_t req);
void session_opened(session *s);
void session_closed(session *s);

/* How long the kernel may keep what it was told, seconds. */
#define FILE_TIMEOUT_S 3600.0 /* nothing changes a node but the kernel itself */
#define DIRECTORY_ENTRY_TIMEOUT_S                                                                  \
	10.0 /* bounds the race of a lookup with a change from elsewhere */
#define NEGATIVE_TIMEOUT_S 5.0

/* ops_*.c: each adds its handlers. */
void ops_name_add(struct fuse_lowlevel_ops *ops);
void ops_file_add(struct fuse_lowlevel_ops *ops);
void ops_attr_add(struct fuse_lowlevel_ops *ops);
