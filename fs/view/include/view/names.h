/* This says what a name may be, and which names are usually scratch of a program. It knows names
 * alone, and reads no content: whether a file is a record is for others to decide. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define EMR_NAME_MAX 255 /* bytes; any byte but '/' and NUL */

/* EMR_BAD_NAME for "", ".", "..", a slash or more than EMR_NAME_MAX bytes. */
emr_status emr_name_check(const char *name);
/* Why PATH, or a name in it, was EMR_BAD_NAME, for a person: "it has 300 bytes, and 255 fit". */
#define EMR_NAME_WHY_BYTES 64
void emr_name_why(const char *path, char out[EMR_NAME_WHY_BYTES]);

/* The name of the second of two equal ones: NAME with the first DIGITS (4 to 26) letters of its
 * id's CODE before the ending, "NAME~k7qf.EXT", cut to EMR_NAME_MAX bytes. */
void emr_name_with_code(
	const char *name, const char code[27], size_t digits, char out[EMR_NAME_MAX + 1]);

/* NAME with TEXT (at most 200 bytes) before its ending, cut to EMR_NAME_MAX bytes. */
void emr_name_insert(const char *name, const char *text, char out[EMR_NAME_MAX + 1]);

/* Names at the top of the folder that belong to emrfs itself (".emrfs", "shared-with-me", ...). */
bool emr_name_is_reserved_at_top(const char *name);

/* Names that programs use for their own scratch (locks, backups, half downloads, thumbnails, trash,
 * viewer logs): a file stays in the local journal until it has stayed for a while.  A directory
 * with such a name keeps everything below it so. */
bool emr_name_is_local(const char *name);

/* Of local names: those that no person gives (trash, thumbnails, locks of SIZE_BYTES), and what is
 * in one's own folder under one is never published. */
bool emr_name_is_fixture(const char *name, uint64_t size_bytes);

/* SQLite's index of a log, by name and size: it is made again, and nobody may have an older one. */
bool emr_name_is_log_index(const char *name, uint64_t size_bytes);

/* Of local names: where desktops put what was thrown away, and what a browser has not fetched whole
 * yet. */
bool emr_name_is_trash(const char *name);
bool emr_name_is_half_download(const char *name);

/* Names that some program gives for a moment, but that may as well be a record's ("1D24AB00" is
 * Excel's, or a scanner's): they are published, only later than others. */
bool emr_name_is_hesitant(const char *name);
