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

/* All are statements of one network and one recovery, each signed by one. */
typedef struct emr_restart {
	emr_checkpoint said; /* with how many entries the ledger goes on; by the host's key */
	size_t n_heard;
	emr_checkpoint heard[EMR_RESTART_HEARD_MAX]; /* by administrators' log keys: nothing that
						      * this computer has is missing at the host */
} emr_restart;

/* The next one of READER, which has outside bytes.  EMR_DAMAGED: any deviation from the one
 * accepted form. */
emr_status emr_restart_read(emr_reader *reader, emr_restart *out_restart);
/* Appends the bytes that emr_restart_read reads. */
emr_status emr_restart_write(const emr_restart *restart, emr_buf *out);

/* Whether RESTART, which emr_ledger_knows, is one for CHAIN, which is inside of a transaction or of
 * one thread.  Each organisation of emr_restart_orgs must have been heard.  EMR_ROLLBACK: CHAIN has
 * fewer entries, so it cannot tell yet; EMR_FORK: another root there; EMR_AWAITED: an organisation
 * was not heard; EMR_DAMAGED: CHAIN cannot be read. */
emr_status emr_restart_check(const emr_restart *restart, emr_chain *chain);

/* An organisation that is a member in CHAIN, was before the restart, and has an administrator in
 * force there: one of them must be heard. */
typedef struct emr_restart_org {
	emr_id16 id;
	bool is_heard; /* of a size up to the restart's, with CHAIN's root there */
} emr_restart_org;
/* Appends each. */
emr_status emr_restart_orgs(const emr_restart *restart, emr_chain *chain, emr_buf *out);

/* ---- what a member brings ---- */

/* A head which the host signed before it lost entries; with entry AT - 1 under that head: each
 * entry has the hash of the one before, so a host that has another one there has another chain. */
typedef struct emr_restart_head {
	emr_bytes note; /* borrowed */
	emr_checkpoint head;
	uint64_t at; /* 0: no entry is shown */
	uint8_t leaf[32];
} emr_restart_head;
/* The next one of READER.  EMR_DAMAGED: its entry is not under its head, too. */
emr_status emr_restart_head_read(emr_reader *reader, emr_restart_head *out_head);
/* Appends NOTE, a head that CHAIN fits, with the entry before *IO_NEXT where it will be (0: none);
 * behind it about so many BYTES of entries from *IO_NEXT on, below the head: each as
 * emr_ledger_entries gives it (FORMAT.md, "Served"), and for each private part that it may have,
 * in the order of emr_chain_parts_of, length u32 and bytes: 0, if CHAIN lacks it. */
emr_status emr_restart_bring(
	emr_bytes note, emr_chain *chain, uint64_t *io_next, size_t bytes, emr_buf *out);

/* ---- what a host keeps of it, in DIR/host beside the ledger in DIR/ledger ---- */

#define EMR_RESTARTS "restarts"		       /* all, one after the other */
#define EMR_RECOVERY "recovery"		       /* 16 bytes; its presence: the host is in recovery */
#define EMR_RECOVERY_HEAD EMR_RECOVERY ".head" /* the newest of its heads that was brought */
#define EMR_RECOVERY_SECOND EMR_RECOVERY ".second" /* a smaller one, before its entries came */
#define EMR_RECOVERY_OTHER EMR_RECOVERY ".other"   /* one of another chain: the two are the proof */
#define EMR_RESTART_PLACE "place"		   /* which file its ledger is */
#define EMR_RESTART_SAID "said-" /* and a signer id: the newest statement of this member */
#define EMR_RESTART_SAID_NAME_BYTES 70
#define EMR_RESTARTS_MAX ((size_t)1 << 20)

#define EMR_RECOVERY_HEADS 2
typedef struct emr_recovery {
	emr_id16 id;
	/* The newest that was brought, and another one, whose entries had not come; size 0: none */
	emr_checkpoint heads[EMR_RECOVERY_HEADS];
	bool is_split; /* two heads lie on different chains, and nobody goes on */
} emr_recovery;
/* EMR_NOT_FOUND: the host of HOST_DIRFD is in none. */
emr_status emr_recovery_read(int host_dirfd, emr_recovery *out_recovery);

void emr_restart_said_name(const emr_id32 *signer, char out[EMR_RESTART_SAID_NAME_BYTES]);
/* Keeps NOTE in HOST_DIRFD.  EMR_DENIED: no member with a key in force in CHAIN has signed it, or
 * there is a later one of the same about the same recovery. */
emr_status emr_restart_said_keep(int host_dirfd, emr_chain *chain, emr_bytes note);
/* Gathers what was heard of CHAIN's administrators, as HOST_DIRFD has it, of io_restart's recovery:
 * one for each organisation, which counts up to io_restart's size. */
emr_status emr_restart_said_gather(int host_dirfd, emr_chain *chain, emr_restart *io_restart);
