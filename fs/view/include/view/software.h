/* These functions say which programs may read records without a person: the attribute
 * user.emrfs.software of folders, inherited by what lies below. Knows names of programs, not
 * processes: the caller finds out which program asks. They refuse to be a wall: a program that
 * takes another name is not recognised. */
#pragma once

#include "view/view.h"

#define EMR_SOFTWARE_NAME_BYTES 64  /* of a program, with its NUL */
#define EMR_SOFTWARE_VALUE_MAX 1000 /* bytes of one folder's list */

/* "refuse", "allow", or names of programs with commas between them (spaces around are fine).
 * EMR_INVALID. */
emr_status emr_software_check(emr_bytes value);
/* Whether a folder with VALUE lets PROGRAM read. */
bool emr_software_admits(emr_bytes value, const char *program);

/* True when some program may not read the file NODE: only then is it worth knowing who asks.  Any
 * thread. */
bool emr_view_guards_software(emr_view *view, uint64_t node);
/* EMR_OK, or EMR_DENIED with a notice, once a program and mount.  Any thread. */
emr_status emr_view_admit_software(emr_view *view, uint64_t node, const char *program);
