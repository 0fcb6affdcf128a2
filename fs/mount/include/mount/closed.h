/* The directory on which the folder is opened, while the folder is closed.
 *
 * Programs that save there then would write in clear on the disk, and a mirror of an empty
 * directory is emptied; so the directory is closed to them (mode 0: rsync and rclone fail, and
 * delete nothing) and what was saved there all the same is moved beside it when the folder is
 * opened again, and told.  It refuses to move anything out of a directory that was not this
 * keyring's folder before: that one has to be empty.  An empty one that is closed already (of
 * this account, and of that mode and no other) is opened on, whichever keyring closed it. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "kit/message.h"
#include "kit/places.h"

/* Zero-initialised except for FD (EMR_CLOSED_NONE) it stands for nothing. */
typedef struct emr_closed {
	int fd;		/* the directory itself, also once the folder is open on it */
	bool is_hidden; /* it has another mode than it is to have in the end: */
	mode_t mode;
	unsigned moved;	   /* entries of the directory that were taken out */
	char to[PATH_MAX]; /* where they lie, in clear; "" if there were none */
} emr_closed;
#define EMR_CLOSED_NONE ((emr_closed){.fd = -1})

/* Whether PATH, as emr_mountpoint_find says it, is where this keyring's folder was open last.  A
 * state that cannot be read says no. */
bool emr_closed_was_ours(const emr_places *places, const char *path);

/* Makes the directory PATH empty and ready to be opened on.  EMR_NOT_EMPTY: it was not our folder
 * before, or what is in it could not be moved; EMR_INVALID: it is not there; EMR_IO: nobody can
 * list it.  OUT_PROBLEM says which. */
emr_status emr_closed_take_out(const emr_places *places, const char *path, emr_closed *out_closed,
	emr_problem *out_problem);

/* Nobody can list the directory from now on, until it is sealed or let go of; to be called before
 * the folder is opened on it. */
void emr_closed_hide(emr_closed *closed);

/* Whether this keyring's folder was open last in another directory than PATH, which is closed still
 * and then stands in OUT.  It stays so, because programs may know it as the folder. */
bool emr_closed_elsewhere(const emr_places *places, const char *path, char out[PATH_MAX]);

/* The folder is open on PATH: the directory below is closed to programs from now on, and remembered
 * as the folder of this keyring.  Failures are logged, because the folder works all the same. */
void emr_closed_seal(const emr_places *places, const char *path, emr_closed *closed);

/* Lets go of the directory; one that was our folder before is closed to programs, another one has
 * the mode that it had.  Twice is fine. */
void emr_closed_free(emr_closed *closed);
