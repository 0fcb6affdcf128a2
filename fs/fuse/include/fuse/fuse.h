/* This module answers the kernel from a view. It is the only module that speaks FUSE and the only
 * one that makes an errno. It does not decide what is in the folder, keeps no process in the
 * background, and serves one mount in a process. */
#pragma once

#include "view/front.h"
#include "view/view.h"

typedef struct emr_fuse_options {
	emr_view *view;		/* open and started; borrowed until emr_fuse_run returns */
	const char *mountpoint; /* absolute path of an empty directory that no file system of ours
				   covers */
	const char *mount_options; /* "allow_root", "allow_other" or NULL; nothing else may be asked
				      for */
	bool read_only;
	bool writeback; /* the kernel gathers small writes: see DESIGN.md for what it costs */
	/* Called once, from a thread of the session, when the folder is mounted and answers. */
	void (*on_ready)(void *arg);
	void *on_ready_arg;
} emr_fuse_options;

/* Mounts, answers requests with several threads, and returns when the folder was unmounted (by
 * anybody) or emr_fuse_stop was called; it is then no longer mounted.  The calling thread stays
 * inside.  Installs no signal handler and does not go into the background.  One call at a time in a
 * process. EMR_OK: it was mounted and has ended.  Before on_ready: EMR_DENIED (this user may not
 * mount here), EMR_NOT_FOUND (no /dev/fuse, or no such directory), EMR_UNSUPPORTED (the kernel
 * lacks something that is needed), EMR_INVALID (mount_options), EMR_NO_MEMORY, EMR_IO. */
emr_status emr_fuse_run(const emr_fuse_options *options);

/* Ends emr_fuse_run soon; open files of other programs do not delay it.  Any thread and any time,
 * also before the mount is ready (which then does not become so); also from a signal handler. */
void emr_fuse_stop(void);

/* For emr_view_options.changed: queues the invalidation and returns at once.  Does nothing while no
 * mount is up. ARG is not used. */
void emr_fuse_changed(void *arg, uint64_t node, const char *name);

/* The calls that it offers to the modules behind the folder.  Its last request is none of those
 * that keep the mount alive (FORGET, STATFS), for --idle. */
extern const emr_front emr_fuse_front;
/* Files and directories that programs hold open now. */
uint64_t emr_fuse_open_count(void);
