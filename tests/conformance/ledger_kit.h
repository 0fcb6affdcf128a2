/* Tests of ledgers share this kit: a temporary network, an owner's keyring, a clock that tests
 * move, batches of the usual operations, and the suite that every backend of the ledger must
 * pass. */
#pragma once

#include "base/clock.h"
#include "contract/codes.h"
#include "keyring/keyring.h"
#include "ledger/batch.h"
#include "ledger/ledger.h"
#include "ledger/network.h"
#include "replica/ask.h"

#include "emr_test.h"

#define KIT_NOW 1700000000

typedef struct kit_clock {
	emr_clock clock;
	_Atomic int64_t unix_ns; /* the test moves it while threads look */
	_Atomic int64_t boot_ns;
} kit_clock;

typedef struct kit kit;

/* A backend under test: makes a network of k->keyring in k->network, and opens it for k->keyring.
 */
typedef struct kit_backend {
	const char *name;
	void (*make)(kit *k);
	emr_ledger *(*open)(kit *k);
	void (*end)(kit *k); /* of what `make` started; NULL = nothing */
	bool is_files;	     /* its files lie in k->network */
	bool is_in_channel;  /* of Fabric, whose contract sees no log, and answers once */
} kit_backend;
extern const kit_backend kit_embedded;
extern const kit_backend *kit_backend_in_use; /* kit_embedded until changed */

struct kit {
	char base[64]; /* a fresh directory */
	char network[96];
	char state[96];
	int state_fd;
	kit_clock clock;
	emr_keyring *keyring;
	emr_public owner;
	emr_id16 net_id;
	emr_ledger *ledger;
};

/* One domain as its owner sees it, with the chain of one row after the other. */
typedef struct kit_domain {
	emr_id16 id;
	emr_id32 listkey;
} kit_domain;

void kit_clock_set(kit_clock *clock, uint64_t unix_s);
extern bool kit_on_disk; /* below /tmp, not in memory */
/* Directory, keyring and clock; no network. */
void kit_begin(kit *k);
/* As above, with a network of one owner, opened. */
void kit_new(kit *k);
void kit_end(kit *k); /* removes everything */
emr_ledger *kit_open(kit *k);
emr_replica *kit_replica(kit *k);

/* A builder for the domain's key. */
emr_batch_builder *kit_batch(kit *k, emr_id16 domain);
emr_id32 kit_add(emr_batch_builder *b, uint8_t op, emr_id16 domain, emr_id16 object,
	uint64_t version, emr_id32 prev, emr_bytes pub, emr_bytes priv);
/* Signs, sends, and expects every item applied. */
emr_ledger_answer kit_send(kit *k, emr_batch_builder *b);
/* Signs only, and frees the builder. */
void kit_finish(kit *k, emr_batch_builder *b, emr_buf *out);
/* DOMAIN_NEW and LISTKEY in one batch. */
kit_domain kit_domain_new(kit *k);
void kit_domain_into(kit *k, emr_batch_builder *b, kit_domain *d);
/* A PUT whose private part has SIZE bytes of the right shape for the ledger (it does not parse
 * them). */
emr_id32 kit_put(emr_batch_builder *b, const kit_domain *d, emr_id16 object, uint64_t version,
	emr_id32 prev);
emr_id32 kit_unlink(emr_batch_builder *b, const kit_domain *d, emr_id16 object, uint64_t version,
	emr_id32 prev);
/* ERASE of versions FROM..TO of an object; as the last of them it moves the row itself. */
emr_id32 kit_erase(emr_batch_builder *b, const kit_domain *d, emr_id16 object, uint64_t version,
	emr_id32 prev, uint64_t from, uint64_t to);
/* N new objects in batches of at most 500. */
void kit_fill(kit *k, const kit_domain *d, size_t n);
uint64_t kit_size(const kit *k);
void kit_sound(const kit *k); /* as the ledger verifies itself */
void kit_remove_tree(const char *path);
/* The keyring in a file of k->base, for other processes; and from there. */
void kit_save_keyring(kit *k);
void kit_load_keyring(kit *k, const char *base);
/* One SQL statement on a file, for tests that damage it. */
void kit_sql(const char *dir, const char *file, const char *text);

/* ---- ledger_suite.c ---- */
/* These tests say what every backend of the ledger must do. Put another one below it with
 * kit_backend_in_use. */

/* Runs all tests; the process's exit code.  ARGV is for the children it starts of itself. */
int ledger_suite(int argc, char **argv);
