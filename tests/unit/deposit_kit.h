/* Dr lima's own settle, which leaves records in ana's Inbox, and any claim that a depositor might
 * make about them. A failed step fails the test. */
#pragma once

#include "settle/settle.h"
#include "shared_kit.h"

typedef struct depositor {
	viewer v;	      /* lima's */
	emr_buf card;	      /* of ana's Inbox */
	emr_id16 inbox;	      /* its domain */
	emr_content content;  /* of what was left last, and */
	emr_content_key *key; /* what she sealed it with */
} depositor;

/* One record that is left there; what is zero is as it should be. */
typedef struct leaving {
	const char *name, *text;
	size_t name_len; /* 0: strlen */
	emr_id16 parent;
	emr_id16 record_id, object; /* zero: a fresh one */
	uint64_t cver;
	emr_meta_type type;
	uint16_t mode;
	const char *attribute; /* "user.x" with value 1 */
	const uint8_t *amends;
	bool lies; /* the signed root is not that of the bytes */
} leaving;

/* At noon: what is left lies by its day. */
void depositor_open(depositor *d, story *s);
void depositor_close(depositor *d);
#define DEPOSIT                                                                                    \
	story s;                                                                                   \
	depositor d;                                                                               \
	(void)state;                                                                               \
	story_begin(&s);                                                                           \
	depositor_open(&d, &s)
void deposit_end(story *s, depositor *d);
/* The ledger's code, or 1000 + status when it was not even asked; *OUT (may be NULL) is where it
 * lies. */
int deposit_try(depositor *d, const leaving *what, emr_place *out);
emr_place deposit(depositor *d, const char *name, const char *text);
/* Ana's folder takes in what came, and says its places; her names in PATH, with commas, in a static
 * buffer. */
void deposits_arrive(story *s);
const char *deposits_list(story *s, const char *path);
/* "Inbox/org0/DAY" of now, in a static buffer. */
const char *deposits_today(const story *s);
/* NAME in it, in a static buffer. */
const char *deposits_path(const story *s, const char *name);
