/* This asks for a passphrase without leaving it anywhere: terminal, private file, a program, or
 * systemd's credential. It refuses arguments and environment values, and files that others can
 * read. */
#pragma once

#include "base/bytes.h"
#include "kit/message.h"

/* Locked memory of its own: a passphrase may be longer than a key.  Zero-initialised is empty. */
typedef struct emr_passphrase {
	uint8_t *data; /* EMR_PASSPHRASE_MAX + 2 bytes, not swapped, not dumped, wiped when freed */
	size_t len;
} emr_passphrase;

/* Empty, with room.  EMR_NO_MEMORY. */
emr_status emr_passphrase_new(emr_passphrase *out_passphrase);
void emr_passphrase_free(emr_passphrase *passphrase);
#define EMR_AUTO_PASSPHRASE __attribute__((cleanup(emr_passphrase_free))) emr_passphrase
static inline emr_bytes emr_passphrase_view(const emr_passphrase *passphrase)
{
	return emr_bytes_of(passphrase->data, passphrase->len);
}

/* From here on a new passphrase of this process may not rest on NAME (UTF-8), pieces of it, or BORN
 * (YYYY-MM-DD); "" says nothing.  Not for several threads. */
void emr_passphrase_is_of(const char *name, const char *born);
/* In this order: FILE (may be NULL; 0600, one trailing newline is taken off), the program in
 * EMRFS_ASKPASS (its first line), $CREDENTIALS_DIRECTORY/emrfs.passphrase, the terminal without
 * echo.  IS_NEW: a terminal or program is asked twice, and one that could be guessed is
 * refused (strength.c).  A terminal is asked again after a slip, five times.  EMR_EXPOSED,
 * EMR_NOT_FOUND (nothing to ask), EMR_INVALID (empty, too long, weak, or the two differ), EMR_IO,
 * EMR_INTERRUPTED. */
emr_status emr_passphrase_get(
	const char *file, bool is_new, emr_passphrase *out_passphrase, emr_problem *out_problem);
/* A person gives it, who may slip and can be asked again: at the terminal, or in a window. */
bool emr_passphrase_is_asked(const char *file);
/* One that replaces another: FILE, the program or the terminal (both asked twice), never systemd's
 * credential, which is the old one.  Otherwise as above. */
emr_status emr_passphrase_get_replacement(
	const char *file, emr_passphrase *out_passphrase, emr_problem *out_problem);
/* A secret of somewhere else: FILE, the program or the terminal, which is asked QUESTION once;
 * never systemd's credential.  Otherwise as above. */
emr_status emr_passphrase_get_secret(const char *file, const char *question,
	emr_passphrase *out_passphrase, emr_problem *out_problem);
/* The file alone. */
emr_status emr_passphrase_read_file(
	const char *file, emr_passphrase *out_passphrase, emr_problem *out_problem);
