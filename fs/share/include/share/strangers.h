/* These functions find keys that may do in the owner's domains what only the owner may, without
 * belonging to one of the owner's computers, and the shares that such keys gave. A thief of a
 * computer leaves such keys behind as a way in after that computer was removed. The functions
 * believe rows of the verified copy, never a name. */
#pragma once

#include "keyring/keyring.h"
#include "replica/people.h"
#include "replica/replica.h"

#define EMR_STRANGER_KEY_BYTES 8 /* of a key's id, as it is shown */

typedef enum emr_stranger_kind {
	EMR_STRANGER_MANAGER = 1, /* WHO may give, take back and begin epochs, as the owner */
	EMR_STRANGER_WRITER,	  /* WHO may write, by the word of such a key */
	EMR_STRANGER_GRANT,	  /* WHO (a person or team) may read, by the word of such a key */
} emr_stranger_kind;

typedef struct emr_stranger {
	emr_stranger_kind kind;
	emr_id16 domain;
	emr_id16 grant; /* of EMR_STRANGER_GRANT */
	emr_id32 who, by;
} emr_stranger;

/* Appends (emr_stranger, ...) each in every domain of KEYRING's person: keys with MANAGE that are
 * neither the domain's nor an active computer of the owner, also when their time is over and no
 * entry has ended it, because the appender to an embedded ledger chooses the time; then writers and
 * grants in force at NOW whose present terms the domain's own key did not sign (the owner's other
 * computers share nothing, also while they are in force). */
emr_status emr_strangers(const emr_keyring *keyring, emr_replica *replica, uint64_t now_unix_s,
	emr_buf *out_strangers);
/* Those of DOMAIN, which is this person's. */
emr_status emr_strangers_in(const emr_keyring *keyring, emr_replica *replica, emr_id16 domain,
	uint64_t now_unix_s, emr_buf *out_strangers);

/* Whether KEY is that of KEYRING's person or of another computer of that person that is in force at
 * NOW: not removed, by the person or by itself, and in its time. */
emr_status emr_is_own_computer(const emr_keyring *keyring, emr_replica *replica, emr_id32 key,
	uint64_t now_unix_s, bool *out_is);

/* Whether the terms of GRANT, or the right of ROW, were signed by the owner's key. A share that is
 * given on, given again or prolonged on the owner's behalf must be, or it would become the owner's
 * word. EMR_NOT_FOUND: it is not here. */
emr_status emr_grant_is_owners(emr_replica *replica, const emr_known_grant *grant, bool *out_is);
emr_status emr_writer_is_owners(
	emr_replica *replica, emr_id16 domain, const emr_row_writer *row, bool *out_is);

/* Whether the epoch that DOMAIN has now was begun by its owner's key: a writer with MANAGE may
 * begin one on the ledger, with a key that opens for the writer and not for the owner. */
emr_status emr_epoch_is_owners(emr_replica *replica, emr_id16 domain, uint32_t epoch, bool *out_is);
