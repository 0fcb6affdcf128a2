/* This header declares what only the files of this folder use. */
#pragma once

#include "base/bytes.h"

/* ---- menu.c: what a desktop's menus call the deeds of commands, for sentences that stand in a
 * window.  It refuses to guess: a command with an option, or that no menu has, stays a command. */

/* TEXT, which is a template or a format, with the entry of a menu in place of each command (and
 * what it takes) that has one; what does not fit is cut. */
void emr_menu_words(const char *text, char *out, size_t size);

/* ---- strength.c: how well a new passphrase resists somebody who has the disk and guesses.  The
 * estimate is that of zxcvbn (Wheeler, USENIX Security 2016: words, names, dates, keyboard rows,
 * repetitions), from Debian's libzxcvbn.  It refuses to judge a passphrase that exists: whoever has
 * a weak one must still get in. */

/* Below this a passphrase is refused: at a thousand guesses a second, which with the usual cost of
 * the key file (256 MiB, three passes) takes about as many processor cores, 2^40 take 35 years. */
#define EMR_PASSPHRASE_BITS_MIN 40.0

/* The binary logarithm of the guesses after which PASSPHRASE would be found.  It is computed in a
 * child process, because the library leaves pieces of the passphrase in freed memory.  Call it
 * before threads begin.  EMR_UNSUPPORTED where the library is not there, EMR_NO_MEMORY, EMR_IO. */
emr_status emr_passphrase_bits(emr_bytes passphrase, double *out_bits);
