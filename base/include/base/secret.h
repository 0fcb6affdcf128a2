/* Locked memory for keys.  It refuses to be paged out silently, dumped, inherited by fork, or left
 * unwiped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

#define EMR_SECRET_MAX 128
#define EMR_SECRETS_MAX_BYTES ((size_t)64 << 20) /* of all: slots of 32, 64 or 128 */

/* Owns one slot of locked memory; zero-initialised is valid and empty. */
typedef struct emr_secret {
	uint8_t *data;
	size_t len;
} emr_secret;

/* Once at program start, before any other call of base: sodium_init, the first arena of 1 MiB
 * (mlock, MADV_DONTDUMP, MADV_DONTFORK); others come when it is full.  Safe to call again. */
emr_status emr_base_init(void);
/* PR_SET_DUMPABLE 0 and RLIMIT_CORE 0: for processes that hold keys. */
emr_status emr_process_harden(void);
/* False when mlock was refused for any of it (RLIMIT_MEMLOCK): said once in the log, and by `emrfs
 * check` of the first arena. */
bool emr_secret_is_locked(void);

/* A zeroed slot of LEN (1..EMR_SECRET_MAX) bytes; EMR_NO_MEMORY when all are
 * taken.  Thread-safe. */
emr_status emr_secret_new(size_t len, emr_secret *out_secret);
emr_status emr_secret_random(size_t len, emr_secret *out_secret);
/* OUT, which is not SECRET: another slot of the same bytes. */
emr_status emr_secret_copy(const emr_secret *secret, emr_secret *out);
void emr_secret_free(emr_secret *secret); /* wipes; an empty one is fine */

/* Borrowed from the secret: never keep it, never copy it into an emr_buf. */
static inline emr_bytes emr_secret_view(const emr_secret *secret)
{
	return emr_bytes_of(secret->data, secret->len);
}

#define EMR_AUTO_SECRET __attribute__((cleanup(emr_secret_free))) emr_secret

void emr_wipe(void *data, size_t len); /* not removed by the compiler */
