/* The annex is the ledger that was left by a join, or the verified copy of that of a network that
 * was left, with this computer's copy of it, in the directory state/annex; what was left before
 * that lies in it as annex/annex. These functions make it as the last step of a move, and open it
 * later. It is read, never followed by others, and takes nothing any more but erasures. Where it
 * cannot be read the session is for reading only: blocks of the past would be let go. */
#pragma once

#include "base/status.h"
#include "session/session.h"

/* Where the session's state has one; nothing otherwise.  After keyring and facts.  EMR_OK also when
 * it cannot be read: see session->has_lost_annex. */
emr_status emr_annex_open(emr_session *session);
void emr_annex_close(emr_session *session);
/* Replays each, counted in *CHECKED: EMR_DAMAGED, EMR_FORK, EMR_ROLLBACK, EMR_BAD_SIGNATURE. */
emr_status emr_annex_check(emr_session *session, uint64_t *checked);

/* annex/joined: how many entries of the next ledger only say again what the annex had said. */
typedef struct emr_joined {
	uint64_t size;
	uint64_t at_unix_s;
} emr_joined;
emr_status emr_joined_write(int dirfd, const emr_joined *joined);
emr_status emr_joined_read(int dirfd, emr_joined *out_joined);

/* ---- switching.c ---- */
/* The last step of a join, and of leaving: what was prepared in the state's directory "joining"
 * takes its places, and the earlier ledger goes to "annex".  Once the step is begun it is only ever
 * finished, by the process that comes next: an interrupted computer has the old ledger or the new
 * one, never half of each.  It needs no passphrase, and refuses to begin before everything is on
 * the disk. */

#define EMR_STATE_ANNEX "annex"
#define EMR_STATE_JOINING "joining"
/* In joining, where annex/ledger is made of a host's. */
#define EMR_JOINING_INVITATION "invitation" /* there: a join is under way */
#define EMR_JOINING_CERTIFICATE "certificate"
#define EMR_JOINING_JOINED "joined" /* becomes annex/joined */
#define EMR_JOINING_SWITCH "switch" /* there: only forward from here */

/* From here on there is no way back: everything in joining is on the disk, closed, and whole. */
emr_status emr_switch_begin(int state_fd);
/* Finishes a step that was begun; nothing to do otherwise.  Any number of processes at once.  A
 * failure names the file. */
emr_status emr_switch_finish(int state_fd, emr_problem *out_problem);
/* Under the lock of the state: what a killed join left and nobody needs goes: it is not under way,
 * and nothing is to be finished. A file that cannot be removed stays, in nobody's way. */
void emr_switch_tidy(int state_fd);
