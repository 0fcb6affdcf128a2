/* The directory where the folder is opened: whether it will do, what is mounted there, and how that
 * is ended. It refuses to touch what is not of emrfs. */
#pragma once

#include "kit/places.h"
#include "mount/closed.h"

typedef enum emr_mount_kind {
	EMR_MOUNT_NONE,	 /* nothing is mounted exactly there */
	EMR_MOUNT_OTHER, /* another file system */
	EMR_MOUNT_LIVE,	 /* emrfs, and it answers */
	EMR_MOUNT_DEAD,	 /* emrfs, but its process has ended */
} emr_mount_kind;

/* From the kernel's list; looks into the directory only when emrfs is mounted there. */
emr_mount_kind emr_mountpoint_look(const char *path);
/* The same, and asks the mount nothing: one that is dead is called EMR_MOUNT_LIVE. */
emr_mount_kind emr_mountpoint_listed(const char *path);

/* ~/Health, closed to programs (closed.h), when it is missing. */
emr_status emr_mountpoint_make_usual(const emr_places *places, emr_problem *out_problem);
/* DIR (NULL = ~/Health) as an absolute path, owned by the caller, whether it is there or not. */
emr_status emr_mountpoint_find(
	const emr_places *places, const char *dir, char **out_path, emr_problem *out_problem);
/* Cleans up a dead mount of ours, and takes out what was saved in PATH while it was closed; then
 * EMR_OK when PATH is an empty directory outside of PLACES with nothing mounted on it. */
emr_status emr_mountpoint_prepare(const emr_places *places, const char *path,
	emr_closed *out_closed, emr_problem *out_problem);

/* Ends the mount at PATH: EMR_BUSY when programs use it (never with LAZY), EMR_DENIED,
 * EMR_NOT_FOUND. */
emr_status emr_mountpoint_end(const char *path, bool lazy, emr_problem *out_problem);

/* ---- viewer_cache.c ---- */
/* A directory for what viewers keep beside what they show, as long as the folder is open: beside
 * the socket, in the user's runtime directory, which is in memory on most computers. Programs that
 * the menus of the desktop start get it as XDG_CACHE_HOME. It refuses to stay: it goes with the
 * folder. */

/* Makes it, empty and 0700; what an earlier mount that was killed left there is removed. */
emr_status emr_viewer_cache_begin(const emr_places *places);
/* Removes it, with all that is in it. */
emr_status emr_viewer_cache_end(const emr_places *places);
/* Where it is; owned by the caller, NULL without memory. */
char *emr_viewer_cache_path(const emr_places *places);
