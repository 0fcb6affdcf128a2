/* This cache keeps what facts_each decrypted in one sealed file (FORMAT.md) with the position of
 * the ledger it belongs to, so that opening a large folder decrypts pages and not records.
 * Refuses nothing: a file that does not fit is as good as none. */
#pragma once

#include "facts_private.h"

/* A kept file that opened as a whole and belongs to the beginning of the ledger that the replica
 * has verified. */
typedef struct facts_cache facts_cache;

/* EMR_NOT_FOUND: none that can be used, whatever the reason (then the log says why); EMR_NO_MEMORY.
 */
emr_status facts_cache_open(emr_facts *facts, facts_cache **out_cache);
void facts_cache_close(facts_cache *cache); /* NULL is fine */
#define AUTO_FACTS_CACHE __attribute__((cleanup(facts_cache_auto))) facts_cache *
static inline void facts_cache_auto(facts_cache **cache)
{
	facts_cache_close(*cache);
}
/* So much changed after the file was made that a new one pays, or something was erased. */
bool facts_cache_is_behind(const facts_cache *cache);
/* Calls FN for every record that did not change since, META as the record's own bytes, padded; and
 * LOST for every one that could not be read, of whose PLACE only domain, object and version are
 * said: IS_JUNK, somebody else left it and it never opens. */
typedef emr_status (*facts_cache_fn)(void *arg, const emr_place *place, emr_bytes meta);
typedef emr_status (*facts_lost_fn)(void *arg, const emr_place *place, bool is_junk);
emr_status facts_cache_each(facts_cache *cache, facts_cache_fn fn, facts_lost_fn lost, void *arg);
/* Calls FN for every object that did; some of them live no longer. */
typedef emr_status (*facts_object_fn)(void *arg, emr_id16 domain, emr_id16 object);
emr_status facts_cache_each_changed(const facts_cache *cache, facts_object_fn fn, void *arg);

/* A new file, written beside the old one and renamed over it by facts_cache_finish. */
typedef struct facts_cache_writer facts_cache_writer;
emr_status facts_cache_begin(
	emr_facts *facts, const emr_replica_position *at, facts_cache_writer **out_writer);
emr_status facts_cache_add(facts_cache_writer *writer, const emr_place *place, emr_bytes meta);
emr_status facts_cache_add_lost(facts_cache_writer *writer, const emr_place *place, bool is_junk);
emr_status facts_cache_finish(facts_cache_writer *writer);
void facts_cache_abandon(facts_cache_writer *writer); /* also after finish; NULL is fine */
