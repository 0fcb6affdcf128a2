/* Tests of the folder share this kit: a state directory of their own, a clock they own, and files
 * by path. It refuses to hide a failure: every helper asserts. */
#pragma once

#include "emr_test.h"

#include "emr_stack.h"
#include "ledger/batch.h"
#include "replica/ask.h"

typedef struct kit_clock {
	emr_clock clock;
	_Atomic int64_t unix_ns, boot_ns; /* the test moves them while threads look */
} kit_clock;

typedef struct kit {
	char path[256];
	kit_clock clock;
	emr_stack_options options;
	emr_stack stack;
	emr_view *view;	      /* of the stack */
	uint64_t ledger_size; /* entries seen by kit_items so far */
} kit;

/* A fresh folder with its first domains, opened without threads, on a clock that stands still. */
void kit_open(kit *k);
/* K for a state directory that exists, not opened; and opening it. */
void kit_adopt(kit *k, const char *path, int64_t unix_ns, int64_t boot_ns);
void kit_start(kit *k);
/* Closes, and opens again. */
void kit_restart(kit *k);
void kit_close(kit *k);
/* Both clocks go on. */
void kit_wait_ms(kit *k, int64_t ms);
/* The same until the next noon here: the day that a test names does not end within it, whenever it
 * runs. */
void kit_wait_for_noon(kit *k);
/* A copy of an untouched state directory at PATH, and its end. */
void kit_copy_state(char path[256]);
/* A copy of FROM at a PATH that is new. */
void kit_copy_to_new(const char *from, char path[256]);
void kit_remove_state(const char *path);
void kit_copy_tree(const char *from, const char *to);

/* LEN bytes that depend on SEED, owned by the caller. */
uint8_t *kit_bytes(size_t len, uint64_t seed);
uint64_t kit_random(uint64_t *state);

/* The node at PATH ("" is the top). */
emr_attr kit_attr(kit *k, const char *path);
bool kit_exists(kit *k, const char *path);
/* Number of PATH's directory; *out_name points into PATH. */
uint64_t kit_parent(kit *k, const char *path, const char **out_name);

/* Creates or empties, writes, closes. */
void kit_write(kit *k, const char *path, const void *data, size_t len);
void kit_text(kit *k, const char *path, const char *text);
emr_handle *kit_open_file(kit *k, const char *path, int flags);
void kit_expect(kit *k, const char *path, const void *data, size_t len);
void kit_expect_text(kit *k, const char *path, const char *text);
void kit_expect_handle(emr_handle *h, const void *data, size_t len);
void kit_mkdir(kit *k, const char *path);
void kit_unlink(kit *k, const char *path);
void kit_rmdir(kit *k, const char *path);
void kit_rename(kit *k, const char *from, const char *to);
void kit_publish(kit *k);
/* Two runs: what moved between domains is unlinked in the second. */
void kit_publish_all(kit *k);
/* Some minutes go by, in which it takes in what there is and says what it has to say. */
void kit_settle(kit *k);

/* The attribute's text in a static buffer; "" when there is none. */
const char *kit_attribute(kit *k, const char *path, const char *name);
/* The object that PATH is. */
emr_id16 kit_object_id(kit *k, const char *path);

/* How many operations a batch has that goes to the ledger. */
size_t kit_batch_count(emr_bytes batch);
/* Items applied since the last call, as a text like "PUT META UNLINK" in ledger order, in a static
 * buffer. */
const char *kit_items(kit *k);
/* The whole tree as text: path, type, mode, size, mtime, hash of the bytes, attributes.  Owned by
 * the caller. */
char *kit_picture(kit *k);
/* Restarts and compares pictures. */
void kit_restart_and_compare(kit *k);

/* Publishing, where ITEMS is what it says to the ledger, as kit_items() has it. */
static inline void kit_publishes(kit *k, const char *items)
{
	kit_publish(k);
	assert_string_equal(kit_items(k), items);
}

static inline void kit_publishes_all(kit *k, const char *items)
{
	kit_publish_all(k);
	assert_string_equal(kit_items(k), items);
}

/* A text that is written and published. */
static inline void kit_save(kit *k, const char *path, const char *text)
{
	kit_text(k, path, text);
	kit_publish_all(k);
}

/* As a program closes it. */
static inline void kit_close_file(emr_handle *h)
{
	assert_ok(emr_view_flush(h));
	emr_view_release(h);
}
