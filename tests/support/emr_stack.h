/* A whole emrfs below the kernel, in one directory: keyring, store, journal, ledger, replica, view.
 * For tests and for programs that are recorded, killed and cut off.  Uses a cheap key derivation:
 * never for real records. */
#pragma once

#include "view/view.h"

typedef struct emr_stack {
	char path[512];
	int state_dirfd;
	int spill_dirfd;
	emr_keyring *keyring;
	emr_store *store;
	emr_unit_key *unit_key; /* the store's */
	emr_journal *journal;
	emr_ledger *ledger;
	emr_replica *replica;
	const emr_id16 *awaited;
	emr_record_ctx *records;
	emr_facts *facts;
	emr_settle *settle;
	emr_view *view;
} emr_stack;

typedef struct emr_stack_options {
	const emr_clock *clock;	     /* NULL: the computer's */
	int64_t quiet_ns, sync_ns;   /* 0: the view's defaults */
	const char *headers_program; /* NULL: the real one */
	bool lists_patients;
	uint64_t segment_bytes;	   /* 0: the store's default */
	uint64_t space_step_bytes; /* 0: the view's default */
	bool no_workers; /* everything in the calling thread: recorded runs repeat exactly */
	bool own_parts;	 /* the copy of the ledger knows whose a domain is, as a session's does;
			  * else each is its own */
	const emr_id16 *awaited; /* with OWN_PARTS: a domain whose keys have not come yet, as on a
				  * second computer */
	bool has_nodes;		 /* somebody will say which pins are lost */
	bool threads;		 /* start the view's publisher and syncer */
	void (*notice)(void *arg, const char *id, const char *path);
	void *notice_arg;
	void (*changed)(void *arg, uint64_t node, const char *name);
	void *changed_arg;
	emr_status (*make_proof)(void *arg, const emr_place *place, emr_buf *out);
	void *special_arg;
} emr_stack_options;

/* Makes PATH/keyfile (passphrase "test"), PATH/network and the first domains. */
emr_status emr_stack_create(const char *path);
/* Opens in the order of a recovery. */
emr_status emr_stack_open(const char *path, const emr_stack_options *options, emr_stack *out_stack);
/* In the reverse order; a stack that was only partly opened is fine. */
void emr_stack_close(emr_stack *stack);
/* A reclaim of segments with no more than MAX_LIVE_PERCENT of live bytes. */
emr_status emr_stack_reclaim(
	emr_view *view, uint8_t max_live_percent, emr_reclaim_report *out_report);
