/* This holds entries with their operations, parsed; the large ones that were asked for last are
 * kept. It is for replica_*.c only. */
#pragma once

#include "replica_private.h"

typedef struct opened {
	emr_opened_entry of;
	emr_id32 batch_id;
	uint64_t read_in; /* the snapshot in which it was read or compared last */
	unsigned lent;	  /* protected by entries_lock of the replica, as are read_in and is_kept */
	bool is_kept;
} opened;

void opened_free(opened **o);
#define AUTO_OPENED __attribute__((cleanup(opened_free))) opened *

/* Entry SEQ into O, which may hold another one.  EMR_DAMAGED when it is not there or cannot be
 * read. Its items are not compared with anything yet. */
emr_status open_entry(emr_chain *chain, uint64_t seq, opened *o);
/* As open_entry, from the entries that are kept in memory. A kept one is only checked to be still
 * the ledger's entry, and once in SNAPSHOT, the number of a read transaction (0: none). The caller
 * gives it back with replica_return. */
emr_status replica_lend(emr_replica *replica, emr_chain *chain, uint64_t seq, uint64_t snapshot,
	const opened **out);
void replica_return(emr_replica *replica, const opened *o); /* fine for NULL */
/* No caller gets a kept entry again. One that a caller holds stays until replica_return. */
void replica_forget_entries(emr_replica *replica);

/* Item INDEX, which O has; the bytes borrow from O. EMR_DAMAGED when it is not the one of ID, or,
 * where no id is known (zeros), when the operations are not those of the entry's header. */
emr_status replica_describe(const emr_replica *replica, const opened *o, uint16_t index,
	emr_id32 id, emr_replica_item *out);
/* The same of the item that an index names for KEY, and that must be what was asked for. */
emr_status replica_describe_placed(emr_replica *replica, const opened *o, uint16_t index,
	emr_id32 id, const emr_part_key *key, emr_replica_item *out);
