/* A host that lost entries of its ledger, and took from its members what they have, says from where
 * it goes on: a restart. It bears what an administrator of each organisation has signed: that all
 * of this computer's entries were taken. FORMAT.md, "Restart", has the bytes. These functions
 * refuse a statement of another recovery, an ordinary checkpoint in the place of one, and a restart
 * that lacks the administrator of a member organisation. */
#pragma once

#include "base/codec.h"
#include "contract/rows.h"
#include "ledger/chain.h"
#include "ledger/checkpoint.h"

#define EMR_RESTART_HEARD_MAX 128u
#define EMR_RESTART_MAX ((size_t)64 << 10) /* bytes */

/* An administrator's computer has nothing that the host lacks below SIZE. */
typedef struct emr_restart_heard {
	uint64_t size;
	uint8_t root[32];
	emr_checkpoint_sig sig; /* by its log key */
} emr_restart_heard;

typedef struct emr_restart {
	emr_id16 net_id, recovery;
	uint64_t size; /* entries with which the ledger goes on */
	uint8_t root[32];
	uint64_t time;		/* Unix seconds by the host's clock; SIG's */
	emr_checkpoint_sig sig; /* by the host's key */
	size_t n_heard;
	emr_restart_heard heard[EMR_RESTART_HEARD_MAX];
} emr_restart;

/* Parses outside bytes.  EMR_DAMAGED: any deviation from the one accepted form; EMR_LIMIT. */
emr_status emr_restart_parse(emr_bytes bytes, emr_restart *out_restart);
/* Appends the bytes that emr_restart_parse reads. */
emr_status emr_restart_write(const emr_restart *restart, emr_buf *out);
/* FN with each of ALL, restarts one behind the other. */
emr_status emr_restart_each(emr_bytes all, emr_restart_fn fn, void *arg);
/* The host's statement and the I-th administrator's, as checkpoints. */
void emr_restart_said(const emr_restart *restart, emr_checkpoint *out);
void emr_restart_heard_of(const emr_restart *restart, size_t i, emr_checkpoint *out);
/* Adds an administrator's statement, or puts it in the place of the same one's older one.
 * EMR_INVALID: of another network or recovery, or not signed by exactly one; EMR_LIMIT. */
emr_status emr_restart_add(emr_restart *restart, const emr_checkpoint *heard);

/* Whether RESTART, of the host with HOST_KEY, is one for CHAIN, which is inside of a transaction or
 * of one thread.  An organisation that is a member in CHAIN since before the restart, and has an
 * administrator there, must have been heard: by a key that is its administrator's in CHAIN and in
 * force, with a size up to the restart's and the root that CHAIN has there. EMR_ROLLBACK: CHAIN has
 * fewer entries, so it cannot tell yet; EMR_FORK: another root there; EMR_BAD_SIGNATURE: not of
 * this network's host; EMR_AWAITED: an organisation was not heard; EMR_DAMAGED: CHAIN cannot be
 * read. */
emr_status emr_restart_check(const emr_restart *restart, emr_id32 host_key, emr_chain *chain);

/* Each organisation that must be heard.  HEARD NULL: it was not. */
typedef emr_status (*emr_restart_org_fn)(
	void *arg, const uint8_t org[16], const emr_restart_heard *heard);
emr_status emr_restart_each_org(
	const emr_restart *restart, emr_chain *chain, emr_restart_org_fn fn, void *arg);

/* The member with a key in force in CHAIN who alone has signed NOTE by its log key, and its row.
 * EMR_NOT_FOUND: nobody there has. */
emr_status emr_restart_signer(
	const emr_checkpoint *note, emr_chain *chain, emr_id32 *out_signer, emr_row_key *out_row);

/* A head that a member brings, which the host signed before it lost entries; with entry AT - 1
 * under that head: each entry has the hash of the one before, so a host that has another one there
 * has another chain. */
typedef struct emr_restart_head {
	emr_bytes note; /* borrowed */
	emr_checkpoint head;
	uint64_t at; /* 0: no entry is shown */
	uint8_t leaf[32];
} emr_restart_head;
/* Appends NOTE and, of CHAIN, which it fits, entry AT - 1 with its proof; AT 0: the note alone. */
emr_status emr_restart_head_write(emr_bytes note, emr_chain *chain, uint64_t at, emr_buf *out);
/* The next one of READER.  EMR_DAMAGED: its entry is not under its head, too. */
emr_status emr_restart_head_read(emr_reader *reader, emr_restart_head *out_head);

/* Where a host keeps them, in DIR/host beside the ledger in DIR/ledger. */
#define EMR_RESTARTS "restarts"		   /* all, one after the other */
#define EMR_RESTART_RECOVERY "recovery"	   /* its presence: the host is in recovery */
#define EMR_RESTART_HEAD "recovery.head"   /* the newest head that was brought */
#define EMR_RESTART_SPLIT "recovery.split" /* two of different chains */
#define EMR_RESTART_HEARD "recovery.heard" /* a restart that the host has not signed yet */
#define EMR_RESTART_PLACE "place"	   /* which file its ledger is */
#define EMR_RESTARTS_MAX ((size_t)1 << 20)
#define EMR_RESTART_RECOVERY_BYTES 24 /* and 8 of a sum, as PLACE */
#define EMR_RESTART_PLACE_BYTES 20
