/* These functions copy the ledger as of one moment into a file, while other processes append. They
 * refuse to write to the ledger, and make no copy of a moment that they do not hold. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "base/status.h"
#include "ledger/ledger.h"

struct emr_row_network;
typedef struct emr_ledger_copy emr_ledger_copy; /* one thread at a time */

/* Opens the network directory PATH and holds its newest state.  Errors as emr_ledger_open. */
emr_status emr_ledger_copy_open(const char *path, emr_ledger_copy **out_copy);
/* The same of this computer's own verified copy, in the state directory STATE_PATH: for when the
 * ledger cannot be read.  The written file is a ledger again, if check finds it whole. */
emr_status emr_ledger_copy_open_own(const char *state_path, emr_ledger_copy **out_copy);
/* Replays what is held from its first entry: EMR_OK when nothing is missing, also no part of
 * another member's domain, unless IS_MEMBERS: then it is enough for a member whose ledger is with a
 * host or in a channel.  EMR_DAMAGED, with OUT_TROUBLE. */
emr_status emr_ledger_copy_check(
	emr_ledger_copy *copy, bool is_members, emr_ledger_trouble *out_trouble);
/* The same, and what is damaged is taken from the verified copy in the state directory STATE_PATH
 * where that has it whole: facts, members and file are then those of both together, until the copy
 * is renewed.  MISSING (may be NULL) is told the entry of each private part that neither has.
 * EMR_DAMAGED: an entry is whole in neither; EMR_FORK: the two have gone different ways. */
typedef void (*emr_ledger_missing_fn)(void *arg, uint64_t seq);
emr_status emr_ledger_copy_make_whole(emr_ledger_copy *copy, const char *state_path,
	emr_ledger_missing_fn missing, void *arg, bool *out_was_damaged);
void emr_ledger_copy_close(emr_ledger_copy *copy); /* NULL is fine */
#define EMR_AUTO_LEDGER_COPY __attribute__((cleanup(emr_ledger_copy_auto))) emr_ledger_copy *
EMR_AUTO_CALL(emr_ledger_copy_auto, emr_ledger_copy *, emr_ledger_copy_close);
/* Lets go and holds what is newest now. */
emr_status emr_ledger_copy_renew(emr_ledger_copy *copy);
/* Whether nobody has appended since the moment that is held. */
emr_status emr_ledger_copy_is_newest(emr_ledger_copy *copy, bool *out_is_newest);

typedef struct emr_ledger_copy_facts {
	emr_id16 net_id;
	uint64_t entries; /* entry 0 included */
	uint64_t records; /* objects with content that are live, and whose sealed data is there */
	uint64_t bare;	  /* the same whose sealed data is not */
	uint64_t last_unix_s; /* ledger time of the newest entry; 0 with entry 0 alone */
} emr_ledger_copy_facts;
emr_status emr_ledger_copy_tell(emr_ledger_copy *copy, emr_ledger_copy_facts *out_facts);
/* Every live record with content: its id, and the private part of its newest version (borrowed).
 * One whose part is not there, or not whole, is passed over. */
typedef emr_status (*emr_ledger_record_fn)(void *arg, emr_id16 object, emr_bytes part);
emr_status emr_ledger_copy_each_record(emr_ledger_copy *copy, emr_ledger_record_fn fn, void *arg);
/* Root over the first ENTRIES; EMR_ROLLBACK when there are not so many. */
emr_status emr_ledger_copy_root(emr_ledger_copy *copy, uint64_t entries, uint8_t out_root[32]);
/* Whether SIGNER is a key in force of an administrator, whose organisation is a member: then its
 * Ed25519 key and organisation, too. */
emr_status emr_ledger_copy_administrator(emr_ledger_copy *copy, emr_id32 signer, uint8_t out_pk[32],
	uint8_t out_org[16], bool *out_is);
emr_status emr_ledger_copy_network(emr_ledger_copy *copy, struct emr_row_network *out_row);
/* Writes the names of member organisations, as they were approved and as far as they fit, with
 * commas between.  AWAITED, of emr_ledger_copy_heard: those alone that must be heard yet. */
emr_status emr_ledger_copy_orgs(
	emr_ledger_copy *copy, const emr_buf *awaited, char *out, size_t size);
/* Whom the host, whose directory HOST_DIRFD is, has heard in RECOVERY (restart.h): appends each
 * emr_restart_org. */
emr_status emr_ledger_copy_heard(
	emr_ledger_copy *copy, int host_dirfd, emr_id16 recovery, emr_buf *out_orgs);
/* Entry 0, as it stands beside the ledger in a network directory; appended to OUT. */
emr_status emr_ledger_copy_descriptor(emr_ledger_copy *copy, emr_buf *out);
/* Makes the file NAME in DIRFD (must not exist) with the ledger as of the held moment, and flushes
 * it.  Any file system will do: no lock is taken there.  EMR_EXISTS, EMR_NO_SPACE, EMR_IO. */
emr_status emr_ledger_copy_write(emr_ledger_copy *copy, int dirfd, const char *name);

/* A registered identity, with its certificate (DER; empty when the ledger has it no more). */
typedef struct emr_ledger_member {
	uint8_t pk[32]; /* Ed25519 */
	emr_id32 signer_id;
	emr_buf certificate; /* owned */
	bool is_in_force;    /* not revoked */
} emr_ledger_member;
/* Appends every identity (emr_ledger_member) in the order of their ids; the caller frees them, also
 * after an error.  EMR_LIMIT: they are more than 100,000. */
emr_status emr_ledger_copy_members(emr_ledger_copy *copy, emr_buf *out);
void emr_ledger_members_free(emr_buf *members);
#define EMR_AUTO_LEDGER_MEMBERS __attribute__((cleanup(emr_ledger_members_free))) emr_buf

/* The key that followed that of SIGNER.  EMR_NOT_FOUND: none did. */
emr_status emr_ledger_copy_next_key(emr_ledger_copy *copy, emr_id32 signer, emr_id32 *out_next);
/* KEYRING, which came from its words alone, learns the seeds before its own.  EMR_NOT_FOUND: the
 * ledger has none; EMR_MISSING_DATA: it has the words for it no more. */
emr_status emr_ledger_copy_former(emr_ledger_copy *copy, emr_keyring *keyring);

/* Those whose trustees are here (emr_id32, ...), each once: of a member no other key followed. */
emr_status emr_ledger_copy_trusting(emr_ledger_copy *copy, emr_buf *out);
/* The newest trustees of OWNER: TRUSTEE_SET with its public part, and its private part.
 * EMR_NOT_FOUND. */
emr_status emr_ledger_copy_trustees(
	emr_ledger_copy *copy, emr_id32 owner, emr_buf *out_item, emr_buf *out_part);

/* Makes this computer's own verified copy in the state directory STATE_DIRFD, which has none, of
 * the ledger in LEDGER_DIRFD, which nobody else has open: each entry is verified and replayed, and
 * every part compared with its item. Nothing is believed that the file says of itself; whether the
 * network goes on from there shows when its ledger is followed.  EMR_DAMAGED: the entries before
 * OUT_TROUBLE are in it, if that has a status. */
emr_status emr_ledger_copy_make_own(
	int ledger_dirfd, int state_dirfd, emr_ledger_trouble *out_trouble);
