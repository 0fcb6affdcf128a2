/* Checkpoints are signed notes about the ledger's size and root (C2SP tlog-checkpoint,
 * tlog-cosignature and signed-note, cited in FORMAT.md). Refuses extension lines, foreign origins
 * and unknown keys count for nothing. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "keyring/keyring.h"

#define EMR_CHECKPOINT_MAX 16384u /* bytes of a note */
#define EMR_CHECKPOINT_SIGS_MAX 64u

typedef struct emr_checkpoint_sig {
	uint8_t name_id[8]; /* first 8 bytes of the cosigner's signer_id */
	uint8_t key_id[4];
	uint64_t time; /* Unix seconds */
	uint8_t sig[64];
} emr_checkpoint_sig;

typedef struct emr_checkpoint {
	emr_id16 net_id;
	emr_id16 recovery; /* a statement about this one (restart.h); zero: a head */
	uint64_t size;
	uint8_t root[32];
	size_t n_sigs;
	emr_checkpoint_sig sigs[EMR_CHECKPOINT_SIGS_MAX];
} emr_checkpoint;

/* Parses outside bytes.  EMR_DAMAGED: any deviation from the one accepted text; EMR_LIMIT: too long
 * or too many signatures. */
emr_status emr_checkpoint_parse(emr_bytes note, emr_checkpoint *out_checkpoint);
/* The same of a statement about a recovery, by one: emr_checkpoint_parse takes heads alone.  The
 * signatures of a note are good for no other recovery, nor for a head. */
emr_status emr_checkpoint_parse_said(emr_bytes note, emr_checkpoint *out_checkpoint);
/* The one text of CHECKPOINT, signatures in the order of the array. */
emr_status emr_checkpoint_format(const emr_checkpoint *checkpoint, emr_buf *out_note);
/* Adds a cosignature at TIME by the log key of KEYRING in this network; replaces an older one of
 * the same member. */
emr_status emr_checkpoint_cosign(
	emr_checkpoint *checkpoint, const emr_keyring *keyring, uint64_t time);
/* The same by the key of a host (served/server.h) with SEED, which is no member's. */
emr_status emr_checkpoint_sign(emr_checkpoint *checkpoint, const uint8_t seed[32], uint64_t time);
/* The id of a host with the key PK in it, in the place of a signer_id. */
emr_id32 emr_checkpoint_host_id(const uint8_t pk[32]);
/* EMR_OK when CHECKPOINT bears a good cosignature of that member's LOG_PK; EMR_NOT_FOUND,
 * EMR_BAD_SIGNATURE. */
emr_status emr_checkpoint_verify(
	const emr_checkpoint *checkpoint, emr_id32 signer_id, const uint8_t log_pk[32]);
