/* A ledger with one owner and one domain, and a copy of it that follows. */
#pragma once

#include "ledger_kit.h"

static kit k;
static kit_domain domain;
static emr_replica *replica;

static inline void start(void)
{
	replica = kit_replica(&k);
}

static inline void stop(void)
{
	emr_replica_close(replica);
	replica = NULL;
}

AROUND(begin)
{
	kit_new(&k);
	domain = kit_domain_new(&k);
	start();
}

AROUND(end)
{
	stop();
	kit_end(&k);
}

static inline uint64_t catch_up(void)
{
	uint64_t n = 0;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, &n));
	return n;
}

/* An object with COUNT versions, one batch each; its last item. */
static inline emr_id32 save(emr_id16 object, uint64_t count)
{
	emr_id32 item = {{0}};

	for (uint64_t version = 1; version <= count; version++) {
		emr_batch_builder *b = kit_batch(&k, domain.id);
		item = kit_put(b, &domain, object, version, item);
		(void)kit_send(&k, b);
	}
	return item;
}

/* The items that were told of a ledger. */
typedef struct seen {
	size_t n;
	emr_replica_change last;
} seen;
