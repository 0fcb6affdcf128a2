/* This holds all files that somebody gives to one dataset against the copies that are there:
 * which has its copy, which waits for the ledger, and which is to be copied now. Joining and
 * updating go through the same list, with the same function for each file. */
#pragma once

#include "there.h"

typedef struct original {
	char *path;
	uint64_t node;
	version v;
	uint8_t source[32];
	bool waits;    /* it is not on the ledger yet */
	bool has_copy; /* of this version, by the rules of today */
} original;

typedef struct pass {
	cleaner *c;
	there there;
	original *all;
	size_t n, room;
	json_t *names; /* of copies that this pass made: a set */
} pass;

/* Reads which copies are there. */
emr_status pass_begin(cleaner *c, pass *p);
void pass_end(pass *p);
#define AUTO_PASS __attribute__((cleanup(pass_end))) pass
/* Adds the file PATH, unless it is gone. */
emr_status pass_add(pass *p, const char *path, const emr_attr *attr);
/* After the last of these. */
void pass_match(pass *p);
/* Makes the copy of ONE, which has none, and puts it there unless ONLY_LOOK.  *OUT_WHY: why not, or
 * NULL. EMR_BUSY: its bytes are away. */
emr_status pass_make(pass *p, original *one, bool only_look, emr_deidentified *what, unsigned *made,
	const char **out_why);
/* Copies of any version of a file that lies outside of TOPS (a list of paths), or that was gathered
 * and waits, are wanted, too. */
emr_status pass_spare(pass *p, const json_t *tops);
/* At or below one of TOPS. */
bool lies_in(const char *path, const json_t *tops);
/* Shares of others, copies themselves, and files that are no record. */
bool is_never_given(const char *path);
