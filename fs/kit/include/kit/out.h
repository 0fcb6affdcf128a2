/* A verb says everything through this: answers to stdout, messages and progress to stderr, or
 * one JSON object. It refuses to print both. */
#pragma once

#include <stdio.h>

#include <jansson.h>

#include "kit/progress.h"
#include "kit/verbs.h"

typedef struct emr_out {
	emr_verb verb;
	bool is_json;
	bool is_quiet;
	FILE *to;	     /* where it says; NULL: stdout; borrowed */
	bool is_in_windows;  /* what is said waits for a window (kit/terminal.h) */
	json_t *fields;	     /* of the JSON answer; owned */
	emr_problem problem; /* the failure, if there was one */
	bool progress_shown; /* a progress line stands on the terminal */
	const char *doing;   /* what emr_progress_of was last told, and when; borrowed */
	int64_t drawn_ns;
	emr_pace pace;
	unsigned remarks_left; /* one more than may still be said; 0: any number */
	bool is_spoken;	       /* the answer was given already, here or by another process */
} emr_out;

emr_status emr_out_begin(const emr_args *args, emr_out *out);
/* A line or part of an answer: nothing with --json or --quiet. */
void emr_say(emr_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says how the folder is opened; not in windows, where packaging/open-folder opens it next. */
void emr_say_to_open(emr_out *out);
/* A message that is no failure ("one-copy"): to stderr; nothing with --json or --quiet. */
void emr_remark(emr_out *out, const emr_problem *problem);
/* The same with MESSAGE and pairs of name and value, as emr_problem_set has them. */
void emr_remark_that(emr_out *out, emr_message message, ...) __attribute__((sentinel));
/* Rewrites one line on a terminal, cut to its width; nothing elsewhere, with --json or --quiet.
 * The next line takes its place, and a signal that ends the program erases it. */
void emr_progress(emr_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* DONE of TOTAL (0: not known) and the pace, as such a line, at most ten times a second.  DOING is
 * borrowed, and another pointer is other work. */
void emr_progress_of(
	emr_out *out, const char *doing, emr_progress_unit unit, uint64_t done, uint64_t total);
void emr_progress_end(emr_out *out);

/* Takes VALUE (steals the reference, also on failure).  NULL values and lack of memory make the
 * object fail at the end. */
void emr_out_put(emr_out *out, const char *name, json_t *value);
void emr_out_text(emr_out *out, const char *name,
	const char *text); /* invalid UTF-8 is shown as emr_show does */
void emr_out_number(emr_out *out, const char *name, uint64_t number);
void emr_out_flag(emr_out *out, const char *name, bool flag);
json_t *emr_json_text(const char *text); /* as emr_out_text */

/* Says PROBLEM (or keeps it for the JSON object) and returns its exit code. */
int emr_out_fail(emr_out *out, const emr_problem *problem);
/* The exit code of a verb: EMR_EXIT_DONE where STATUS is EMR_OK, else emr_out_fail with PROBLEM,
 * or, when nobody has set one, with what STATUS says about WHAT. */
int emr_out_done(emr_out *out, emr_status status, emr_problem *problem, const char *what);
/* Prints the JSON object (unless is_spoken, which it sets), frees, and returns CODE (or 1 when
 * stdout could not be written). */
int emr_out_end(emr_out *out, int code);
