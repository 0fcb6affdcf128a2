/* A session has everything of one keyring, opened in the order of a recovery, and closed in the
 * reverse order. It refuses to open what another process holds, or to go on past the first thing
 * that does not fit. */
#pragma once

#include <stdatomic.h>

#include "keyring/card.h"
#include "kit/places.h"
#include "settle/chronicle.h"
#include "view/front.h"
#include "view/view.h"

/* The person, kept sealed in the file EMR_STATE_PROFILE. */
typedef struct emr_profile {
	char name[256];
	char born[16];					      /* YYYY-MM-DD or "" */
	uint64_t words_tested_unix_s, trustees_tested_unix_s; /* 0 = never */
	emr_kdf_cost cost; /* of the keyfile, for who comes with the words alone; zeros: not known.
			      The keyring's own is what is saved */
	/* The network that the keyring was in when this was saved (EMR_KEYRING_NET_DESCRIPTOR):
	 * emr_profile_save takes it from there. */
	bool has_network;
	emr_id32 network;
} emr_profile;

/* Nothing here changes while there are several threads, but for waiting_requests. */
typedef struct emr_session {
	int state_fd, lock_fd, spill_fd, log_fd; /* -1 = not open */
	emr_reserve *reserve; /* NULL: none (for reading only, or the disk has none) */
	emr_keyring *keyring;
	emr_store *store;
	emr_unit_key *unit_key; /* the store's */
	emr_journal *journal;
	emr_ledger *ledger;
	emr_replica *replica;
	const struct emr_session_options *options; /* of the open that runs; else NULL */
	struct emr_fetching *fetching;		   /* NULL: all blocks are in the store */
	emr_record_ctx *records;
	emr_facts *facts;
	emr_chronicle *chronicle;
	emr_annex annexes[EMR_MOVES_MAX + 1]; /* ledgers that were left, the last one first; facts
					     NULL: no more */
	bool has_lost_annex; /* it is there and cannot be read: for reading only, so that no block
				of the past is let go */
	emr_settle *settle;
	emr_view *view;
	const emr_front *front; /* of an open folder, set before the view is opened; else NULL */
	struct emr_sharing
		*sharing; /* of an open folder, borrowed, set before the view starts; else NULL */
	struct emr_research *research;	 /* as SHARING */
	struct emr_publisher *publisher; /* of an open folder, borrowed, set before the view is
					    opened; else NULL */
	emr_profile profile;
	char code[9]; /* first letters of the identity: tells two people of one name apart */
	emr_public identity;
	emr_card owner;	  /* name, date of birth and signer id of the person, for the view; nothing
			     else */
	char *state_path; /* owned */
	char *folder;	  /* where it is mounted; NULL = nowhere; owned */
	atomic_uint away; /* an emr_away (settings): the rule of what is shared from now on */
	bool read_only;	  /* asked for, or because of the journal or the disk */
	bool is_still;	  /* the state's disk takes nothing, and is asked for nothing */
	bool is_noted;	  /* elsewhere, by us: who has it open */
	bool is_apart;	  /* a member's, whose network's directory is away, with blocks and journal:
			     for reading, and only nodes have the bytes */
	bool has_still_blocks;	      /* nor does that of the blocks; with is_still as a rule */
	atomic_uint waiting_requests; /* open, to me, as of the office's last look */
} emr_session;

#define EMR_SESSION_CLOSED                                                                         \
	((emr_session){.state_fd = -1, .lock_fd = -1, .spill_fd = -1, .log_fd = -1})

/* The kernel knows what was changed so far: for who changes the folder and then answers. */
static inline void emr_session_await_front(const emr_session *session)
{
	if (session->front != NULL)
		session->front->await_changes();
}

/* The differences between those who open.  The view's borrowed members are filled in here. */
typedef struct emr_session_options {
	const emr_places *places;
	const char *folder;	      /* written into the lock; NULL = not mounted */
	const char *passphrase_file;  /* NULL = ask */
	const emr_settings *settings; /* borrowed for the call: whom to ask for blocks that are not
					 here; NULL: nobody */
	bool read_only;
	bool may_be_still; /* a disk that takes nothing, or is full and has nothing put aside, is
			      enough: it opens for reading only; else EMR_READ_ONLY */
	bool may_hurry;	   /* a ledger that says nothing is not waited for where the copy of it is
			      whole, and a thread of the view asks it on */
	bool may_be_apart; /* so is a network's directory that is away; else EMR_OFFLINE */
	bool is_agent; /* an agent's keyring is wanted: any other is refused, as this is without it
			*/
	/* As emr_settle_options has it, with the view's copies_arg; NULL: here alone. */
	void (*copies_to_register)(
		void *arg, const emr_cid *root, unsigned *out_held, unsigned *out_wanted);
	emr_view_options view; /* callbacks and special files */
} emr_session_options;

/* The state directory, the private log, and the lock that one process at a time may hold.  Needs no
 * passphrase. */
emr_status emr_session_lock(
	emr_session *session, const emr_session_options *options, emr_problem *out_problem);
/* Between lock and open: the state's disk is asked for nothing more, and what opens is for reading
 * only. */
void emr_session_give_up_disk(emr_session *session);
/* After lock: passphrase, keyfile, blocks, journal, ledger, replica, facts, records, settle, view
 * (not started). */
emr_status emr_session_open(
	emr_session *session, const emr_session_options *options, emr_problem *out_problem);
/* The same with session->keyring, opened by the caller. */
emr_status emr_session_open_keyed(
	emr_session *session, const emr_session_options *options, emr_problem *out_problem);
/* Whose domain it is, for a replica of its own: ARG is the keyring. */
bool emr_session_is_mine(void *arg, emr_id16 domain, emr_bytes d_row);
/* For init: everything but the view, with a keyring that is already there.  state_fd, state_path
 * and keyring are set. */
emr_status emr_session_open_parts(emr_session *session, emr_problem *out_problem);
/* Ledger and own copy of it alone, for who has no folder or leaves it alone; with the parts of
 * EVERY_DOMAIN for an agent.  state_fd, state_path and keyring are set.  OUT_FOLLOWED: it begins,
 * too; NULL: the ledger is asked nothing yet. */
emr_status emr_session_open_copy(emr_session *session, bool every_domain, emr_status *out_followed,
	emr_problem *out_problem);
/* Where all begins that opens a ledger: what is new there, asked for once, and on a device the
 * letters that make a domain its own.  *OUT_FOLLOWED: as emr_follow_now, whether it came or not.
 * EMR_DENIED: this computer was removed. */
emr_status emr_session_begin(
	const emr_session *session, emr_status *out_followed, emr_problem *out_problem);
/* For reading only, however it was opened, because of the disk, or because ledger or journal are
 * not believed any more: OUT_PROBLEM then says why.  It also says that the ledger is away, which
 * alone stops nothing. */
bool emr_session_takes_nothing(emr_session *session, emr_problem *out_problem);
/* The same, or that was asked for. */
static inline bool emr_session_is_read_only(emr_session *session, emr_problem *out_problem)
{
	return emr_session_takes_nothing(session, out_problem) || session->read_only;
}
void emr_session_close(emr_session *session);

/* The holder of the lock: EMR_NOT_FOUND when there is none.  FOLDER is empty when it is no mount.
 */
emr_status emr_session_holder(int state_fd, char *out_folder, size_t size, int *out_pid);
/* Where the one who took the lock last makes the socket, whatever the environment of the caller
 * says: *OUT_DIR, to be freed. EMR_NOT_FOUND: nobody ever did, or did not say. */
emr_status emr_session_run_place(int state_fd, char **out_dir);

/* Seals and writes, or reads, the profile.  EMR_NOT_FOUND, EMR_DAMAGED. */
emr_status emr_profile_save(const emr_keyring *keyring, int state_fd, const emr_profile *profile);
emr_status emr_profile_load(const emr_keyring *keyring, int state_fd, emr_profile *out_profile);

/* ---- going_on.c ---- */

/* The parts must be opened once more: damage of the copy was met, or entries of it are gone.  Of
 * the latter what has to be done before is done, as far as it can be now; without it the old copy
 * is opened again, and saves wait. */
bool emr_session_must_reopen(emr_session *session);
/* Undoes emr_session_open_copy, so that it can be called again. */
void emr_session_close_copy(emr_session *session);

/* ---- a key that is followed by another (succession.c) ---- */

/* Where the ledger that is here says that the seed which KEYRING has drawn is in force, *KEYRING is
 * the keyring of that from here on, and the keyfile is written again with PASSPHRASE, if it can be:
 * whoever followed may have been stopped before. */
void emr_succession_finish(
	int state_fd, const char *state_path, emr_bytes passphrase, emr_keyring **keyring);

/* This person, as others' rows name her: the first of the keys that followed one another. */
emr_id32 emr_session_root(const emr_session *session);

/* Tells the keyring which seed each domain is of, by the copy of the ledger as it stands. */
emr_status emr_session_settle(const emr_session *session);

/* Own domains that the present seed does not own yet, the shared ones first, emr_id16, ...;
 * appended to OUT.  *OUT_TAKEN (may be NULL): those that were made by this keyring and have an
 * owner that it never was. */
emr_status emr_session_unmoved(const emr_session *session, emr_buf *out, uint64_t *out_taken);
