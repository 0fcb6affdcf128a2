/* Values whose size a program was told and that it will ask for next: an attribute may change its
 * length between the two questions (a record gets its place on the ledger), and rsync and mv take
 * an answer of another length for a failure.  So the second question is answered with what the
 * first one measured.  Any thread may call. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

#define TOLD_NS INT64_C(30000000000) /* a program that asks later gets what is there */
#define TOLD_MAX 32	    /* questions at the same time; above it the oldest is forgotten */
#define TOLD_VALUE_MAX 4096 /* longer values are not kept */

typedef struct told_key {
	uint64_t node;
	int32_t thread;	  /* that asks; programs ask both questions from one */
	const char *name; /* of the attribute */
} told_key;

/* Keeps which value the size stands for that KEY's thread is told at NOW_NS (any clock that does
 * not go back), in place of the value before. Without memory it is not kept. */
void told_keep(told_key key, emr_bytes value, int64_t now_ns);
/* True: KEY's thread was told the size of *OUT_VALUE (appended to), which is SIZE bytes.  Whatever
 * was kept for it is let go: one answer for one question. */
bool told_take(told_key key, size_t size, int64_t now_ns, emr_buf *out_value);
/* NODE's attributes were set by a person: what was measured before is of no use. */
void told_forget(uint64_t node);
/* At the end of the mount. */
void told_clear(void);
