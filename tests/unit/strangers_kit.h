/* A story with a second computer of ana's, which is stolen: what the thief says to the ledger with
 * that computer's own key, and what ana's copy shows of it. A failed step fails the test. */
#pragma once

#include "story_kit.h"

#include "keyring/coowned.h"
#include "replica/ask.h"
#include "share/devices.h"

#define EVERYTHING                                                                                 \
	(EMR_RIGHT_PUT | EMR_RIGHT_META | EMR_RIGHT_MKDIR | EMR_RIGHT_MANAGE | EMR_RIGHT_ANY)
#define SEALED (80 + 512)

extern story s;
extern person laptop; /* stolen */

/* Around each test. */
int strangers_begin(void **state);
int strangers_end(void **state);

/* M's ACT with a part of PART_LEN bytes that open for nobody; the ledger's result. */
int says(person *m, emr_act act, size_t part_len);
/* WHOM gets RIGHTS in Imaging for SECONDS; all of them for long. */
int lets(person *m, const person *whom, uint16_t rights, uint64_t seconds);
int makes_manager(person *m, const person *whom);

/* As the ledger has it by now. */
emr_row_domain imaging_row(void);
emr_replica_head head_of(const char *name);

typedef struct seen {
	size_t managers, writers, grants;
	emr_id32 manager;
} seen;

/* STRANGERS: emr_stranger, ... */
seen strangers_count(const emr_buf *strangers);
/* Returns the keys that are listed now. */
seen look(void);
