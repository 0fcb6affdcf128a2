/* Identity and domain secrets by handle: a caller with an emr_keyring can sign, wrap and unwrap,
 * and never sees a key. It refuses to let key bytes out, to sign bytes that do not begin with a
 * label of ours, and to speak to a network.
 *
 * Threads: a keyring does not change after it was made, but for its TLVs and generation; every
 * function that takes a const emr_keyring may be called from several threads at once. emr_base_init
 * must have run. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "base/secret.h"

typedef struct emr_keyring emr_keyring;

typedef enum emr_keyring_kind {
	EMR_KEYRING_PERSON = 1,
	EMR_KEYRING_DEVICE = 2,
	EMR_KEYRING_ORGANISATION = 3,
} emr_keyring_kind;

/* ---- Making, keeping, opening ---- */

/* A random seed and device id. */
emr_status emr_keyring_create(emr_keyring_kind kind, uint64_t created_unix_s, emr_keyring **out);
void emr_keyring_free(emr_keyring *kr); /* wipes; NULL is fine */
#define EMR_AUTO_KEYRING __attribute__((cleanup(emr_keyring_auto_free))) emr_keyring *
EMR_AUTO_CALL(emr_keyring_auto_free, emr_keyring *, emr_keyring_free);

/* Cost of Argon2id. */
typedef struct emr_kdf_cost {
	uint32_t passes;       /* 1..16 */
	uint64_t memory_bytes; /* 8 MiB..1 GiB, whole KiB */
} emr_kdf_cost;
#define EMR_KDF_COST_DEFAULT ((emr_kdf_cost){.passes = 3, .memory_bytes = (uint64_t)256 << 20})

/* A passphrase has 1..1024 bytes, taken as they are (EMR_INVALID otherwise). */
#define EMR_PASSPHRASE_MAX 1024

/* The least cost of a guess of the keyfile's passphrase: as it was opened, and as was said here.
 * Zeros: it came out of no file, and nothing was said. */
emr_kdf_cost emr_keyring_cost(const emr_keyring *kr);
/* Of passes and memory each the larger one from here on.  Not thread-safe. */
void emr_keyring_cost_at_least(emr_keyring *kr, const emr_kdf_cost *cost);

/* Writes the keyfile NAME (mode 0600) in DIRFD for the first time; EMR_EXISTS when something has
 * that name.  It costs COST, and never less than emr_keyring_cost: settings, where COST comes from,
 * may be changed by who cannot open the keyring. */
emr_status emr_keyring_save_new(const emr_keyring *kr, int dirfd, const char *name,
	emr_bytes passphrase, const emr_kdf_cost *cost);
/* Replaces it in one step (also for a new passphrase), as above: after a power cut it is the old or
 * the new one, whole. */
emr_status emr_keyring_save(const emr_keyring *kr, int dirfd, const char *name,
	emr_bytes passphrase, const emr_kdf_cost *cost);
/* EMR_NOT_FOUND; EMR_EXPOSED when others can read it; EMR_NEWER_FORMAT; EMR_WRONG_PASSPHRASE, known
 * before anything is decrypted; EMR_DAMAGED: *out_field (may be NULL) names what is damaged, a
 * static string. */
emr_status emr_keyring_open(int dirfd, const char *name, emr_bytes passphrase, emr_keyring **out,
	const char **out_field);
/* Only the checks that need no passphrase: exposed, format, sizes. */
emr_status emr_keyring_check_file(int dirfd, const char *name, const char **out_field);
/* Whether FILE is a keyfile as it was written.  Of one from before keyfiles ended with a sum a flip
 * inside salt, commitment or contents is not seen, and looks like a wrong passphrase. */
bool emr_keyring_is_whole(emr_bytes file);

emr_keyring_kind emr_keyring_kind_of(const emr_keyring *kr);
emr_id16 emr_keyring_device_id(const emr_keyring *kr);
/* For a keyring that comes back from its words beside the files of a device: local keys are that
 * device's from here on.  Not thread-safe. */
void emr_keyring_set_device(emr_keyring *kr, emr_id16 device_id);

/* Facts kept beside the seed, sealed with it; saved by the next emr_keyring_save. */
typedef enum emr_keyring_tlv {
	EMR_KEYRING_NET_DESCRIPTOR = 1, /* SHA-256 of the network's descriptor, 32 bytes */
	EMR_KEYRING_PKCS11_URI = 2,
	EMR_KEYRING_CERTIFICATE = 3, /* the owner's certificate and those behind it, DER */
	EMR_KEYRING_OWNER = 4,	     /* of a device: the person's identity key, 32 bytes */
	EMR_KEYRING_COPIES = 6,	     /* of a device: the root of its owner's copies, 32 bytes, which
				  emr_keyring_tlv_get refuses to show (EMR_DENIED) */
	/* 7 was the first block of a member's channel. */
	EMR_KEYRING_READS = 10, /* of a device: it only reads; one byte, 1 */
	EMR_KEYRING_BEGUN = 5,	/* of an organisation that waits for others: what it founds, or its
				   application; no keyfile has it */
} emr_keyring_tlv;
#define EMR_KEYRING_TLV_MAX 8192 /* bytes of one value */

/* Sets, replaces, or (LEN 0) removes.  Thread-safe: a thread that reads meanwhile gets the one or
 * the other. */
emr_status emr_keyring_tlv_set(emr_keyring *kr, emr_keyring_tlv type, emr_bytes value);
/* EMR_NOT_FOUND; appends a copy to OUT. */
emr_status emr_keyring_tlv_get(const emr_keyring *kr, emr_keyring_tlv type, emr_buf *out);

/* ---- Public facts ---- */

#define EMR_P256_SPKI_BYTES 91

typedef struct emr_public {
	uint8_t pk[32];	    /* Ed25519 identity */
	emr_id32 signer_id; /* SHA-256 of pk */
	uint8_t x25519[32];
	uint8_t B[32]; /* re-encryption key, ristretto255 */
	emr_id16 device_id;
	uint8_t p256_spki[EMR_P256_SPKI_BYTES]; /* DER, of the certificate's key (index 0) */
	uint32_t gen;
} emr_public;

typedef struct emr_domain_public {
	uint8_t owner_pk[32]; /* Ed25519, of (domain, gen) */
	emr_id32 signer_id;   /* SHA-256 of owner_pk */
	uint8_t box[32];      /* X25519, of the domain */
	uint8_t A[32];	      /* ristretto255, of (domain, epoch) */
} emr_domain_public;

emr_status emr_keyring_public(const emr_keyring *kr, emr_public *out);
emr_status emr_keyring_log_public(const emr_keyring *kr, emr_id16 net_id, uint8_t out_pk[32]);
/* Whether DOMAIN_ID, whose owner's key is OWNER_PK, is of this seed, or co-owned.  The first answer
 * costs a multiplication on a curve, and a hash from then on: most domains of a ledger are others',
 * and of each entry it is asked. */
bool emr_keyring_owns(const emr_keyring *kr, emr_id16 domain_id, const uint8_t owner_pk[32]);
/* Of a co-owned domain (keyring/coowned.h) owner_pk and signer_id are those of the identity, which
 * signs there. */
emr_status emr_keyring_domain_public(const emr_keyring *kr, emr_id16 domain_id, uint32_t gen,
	uint32_t epoch, emr_domain_public *out);
/* The id that OBJECT gets when it is moved to DOMAIN (zeros: when it becomes a domain of its own).
 * To everybody without the seed it is as good as random, and every computer with it draws the same:
 * two that move one record at the same time make one object of it. */
emr_status emr_keyring_object_id(
	const emr_keyring *kr, emr_id16 object, emr_id16 domain, emr_id16 *out_id);
/* The secret with which copies of this person's records for DATASET, 32 bytes that stay the same
 * for it, are made (deidentify/deidentify.h).  No reader of the dataset has it, and no other
 * dataset's. */
emr_status emr_keyring_copies_secret(
	const emr_keyring *kr, const uint8_t dataset[32], emr_secret *out_secret);
/* DEVICE, another computer of the person whose keyring KR is, has the same from here on: it knows
 * of which record each of the person's copies was made. */
emr_status emr_keyring_give_copies(const emr_keyring *kr, emr_keyring *device);
/* PLAIN for the computers of this person alone, those that were told (emr_keyring_give_copies):
 * OUT, empty, gets 40 bytes more.  EMR_DAMAGED from open: it is not one's own, or not whole. */
emr_status emr_keyring_own_seal(const emr_keyring *kr, emr_bytes plain, emr_buf *out);
emr_status emr_keyring_own_open(const emr_keyring *kr, emr_bytes sealed, emr_buf *out);
/* Twelve groups of five digits with spaces, NUL: the same for both sides.  A side is pk || x25519
 * || B. */
#define EMR_SAFETY_NUMBER_CHARS 72
void emr_safety_number(
	const uint8_t one[96], const uint8_t other[96], char out[EMR_SAFETY_NUMBER_CHARS]);

/* ---- Seeds that follow one another ----
 *
 * A person's seed is followed by another: the new one signs and opens what is new, and the former
 * ones go on opening what was written under them.  Nothing new is made with a former seed, but the
 * handing over of a domain that is still of it.  Seeds are numbered from the present one, 0, back
 * in time.  These functions are thread-safe, but for those that say otherwise and those that take a
 * keyring which is not const. */

#define EMR_FORMER_MAX 32 /* seeds that one keyring had before */

/* Draws the seed that will follow; one that was drawn before stays.  The next emr_keyring_save
 * writes it into the keyfile: before the ledger hears of it, so that nothing is lost when the
 * computer stops meanwhile, and no earlier.  EMR_LIMIT: there were EMR_FORMER_MAX before. */
emr_status emr_keyring_draw_next(emr_keyring *kr);
bool emr_keyring_has_next(const emr_keyring *kr);
/* This one followed another since it was read: emr_keyring_succeed made it. */
bool emr_keyring_has_succeeded(const emr_keyring *kr);
/* A keyring with the seed that was drawn, whose newest former one is that of KR; device and facts
 * are those of KR.  EMR_NOT_FOUND: none was drawn. */
emr_status emr_keyring_succeed(const emr_keyring *kr, emr_keyring **out);

size_t emr_keyring_former_count(const emr_keyring *kr);
/* The id that NUMBER signed by.  EMR_NOT_FOUND: there is no such seed. */
emr_status emr_keyring_former_id(const emr_keyring *kr, size_t number, emr_id32 *out_signer);
/* A keyring of seed NUMBER alone, which knows none before it: for the proof of what that one
 * signed, and for a ledger that has heard of no other. */
emr_status emr_keyring_former(const emr_keyring *kr, size_t number, emr_keyring **out);
/* Whether SIGNER is this keyring's identity, or was. */
bool emr_keyring_is_self(const emr_keyring *kr, emr_id32 signer);
/* After another SIGNER was taken from a keyring: local keys are those of seed NUMBER, as when this
 * computer's files were written.  Not thread-safe. */
void emr_keyring_set_local(emr_keyring *kr, size_t number);

/* The private part of KEY_ROTATE, salt first: the former seeds, for who has the present one.  OUT
 * is empty. */
#define EMR_FORMER_PART_BYTES(n) (32u + 24 + 4 + 32 * (n) + 16)
emr_status emr_former_part_seal(const emr_keyring *kr, emr_buf *out);
/* The keyring has the former seeds of PART from here on; it had none.  EMR_DAMAGED: it is not for
 * this seed, or not whole.  Not thread-safe. */
emr_status emr_former_part_open(emr_keyring *kr, emr_bytes part);

typedef struct emr_domain_owned {
	uint8_t owner_pk[32];
	uint32_t from; /* the first epoch that began with it */
} emr_domain_owned;
/* Learns from the ledger which seed owns DOMAIN, and in which epochs: OWNERS are all that there
 * were, the first one first. An epoch that somebody began with other keys than its owner's opens
 * nothing.  A keyring without former seeds learns nothing.  EMR_NOT_FOUND: the last is none of
 * them. */
emr_status emr_keyring_settle(
	const emr_keyring *kr, emr_id16 domain, const emr_domain_owned *owners, size_t n);
/* From here on no domain is of a former seed that was not settled: one that is made later is made
 * by somebody else who has that seed. */
void emr_keyring_settled(const emr_keyring *kr);
/* The key with which seed NUMBER owns DOMAIN. */
emr_status emr_keyring_domain_owner(
	const emr_keyring *kr, emr_id16 domain, size_t number, uint8_t out_pk[32]);
/* The seed that signs in DOMAIN: not 0 while the domain is to be handed over. */
size_t emr_keyring_owner_of(const emr_keyring *kr, emr_id16 domain);
/* The keys that DOMAIN gets from the present seed, A being that of EPOCH. */
emr_status emr_keyring_domain_heir(
	const emr_keyring *kr, emr_id16 domain, uint32_t epoch, emr_domain_public *out);
/* MESSAGE (as of EMR_SIGN_ROTATE), signed by the domain's present owner and by the heir. */
emr_status emr_keyring_sign_handover(const emr_keyring *kr, emr_id16 domain, emr_bytes message,
	uint8_t out_owner_sig[64], uint8_t out_heir_sig[64]);

/* ---- Signing: a role and a label, never free bytes ---- */

typedef enum emr_signer_kind {
	EMR_SIGNER_IDENTITY,
	EMR_SIGNER_DOMAIN,	/* domain_id, gen */
	EMR_SIGNER_LOG,		/* net_id */
	EMR_SIGNER_CERTIFICATE, /* P-256, index 0: raw r || s, low-S */
} emr_signer_kind;

typedef struct emr_signer {
	emr_signer_kind kind;
	emr_id16 id;  /* domain_id or net_id; zero otherwise */
	uint32_t gen; /* of a domain, from 1 */
} emr_signer;

static inline emr_signer emr_signer_identity(void)
{
	return (emr_signer){.kind = EMR_SIGNER_IDENTITY};
}
static inline emr_signer emr_signer_domain(emr_id16 domain_id, uint32_t gen)
{
	return (emr_signer){.kind = EMR_SIGNER_DOMAIN, .id = domain_id, .gen = gen};
}
static inline emr_signer emr_signer_log(emr_id16 net_id)
{
	return (emr_signer){.kind = EMR_SIGNER_LOG, .id = net_id};
}
static inline emr_signer emr_signer_certificate(void)
{
	return (emr_signer){.kind = EMR_SIGNER_CERTIFICATE};
}

/* The label and then the message are signed, but for STMT and FABRIC, whose message begins
 * with its label itself.  No other label begins with a line feed, and neither does a request for a
 * certificate.  Signers: I identity, D domain, L log, C certificate. */
/* clang-format off */
typedef enum emr_sign_label {
	/*                        message after the label                    bytes     signers */
	EMR_SIGN_BATCH,		/* header bytes 0..143                       144       I D */
	EMR_SIGN_SUBMIT,	/* SHA-256(net_id || batch header)           32        I */
	EMR_SIGN_BIND,		/* net_id || signer_id ||
				   SHA-256(pub without bind_sig)             80        I C */
	EMR_SIGN_ROTATE,	/* net_id || old id (32, or a domain's 16)
				   || SHA-256(pub without new_sig)           80, 64    I D */
	EMR_SIGN_CARD,		/* the card before its signatures            185..249  I */
	EMR_SIGN_CARD_DOM,	/* the same bytes                            185..249  D */
	EMR_SIGN_INVITE,	/* the invitation before its signature       to 64 KiB I */
	EMR_SIGN_STMT,		/* the whole statement, label first          320       I D C */
	EMR_SIGN_KFRAG,		/* gctx || A || B || X || id || U_i          192       I D */
	EMR_SIGN_OUTER,		/* domain_id || GRANT's bytes 0..123 || pub  204       D */
	EMR_SIGN_COSIGNATURE,	/* "time N\n" || checkpoint body             to 1024   L */
	EMR_SIGN_FABRIC,	/* a message of Hyperledger Fabric, whose
				   first field is its first: begins with \n  2..16 MiB  C */
	EMR_SIGN_FABRIC_CA,	/* a request to a Fabric CA: begins with
				   "POST." and base64 of its path            17..64 KiB C */
	EMR_SIGN_TOKEN,		/* net_id || host || signer_id || time      88|124     I
				 * || root that is let go, or nothing */
	EMR_SIGN_ADDRESS,	/* net_id || the host's key || head of a text
				   about its address || place                57..400   I */
	EMR_SIGN_LABEL_COUNT
} emr_sign_label;
/* clang-format on */

/* EMR_INVALID when the label does not belong to that signer or the length is not one of its own. */
emr_status emr_keyring_sign(const emr_keyring *kr, emr_signer who, emr_sign_label label,
	emr_bytes message, uint8_t out_sig[64]);
/* The check that fits: PK is Ed25519.  EMR_BAD_SIGNATURE; EMR_INVALID as above. */
emr_status emr_sign_verify(
	const uint8_t pk[32], emr_sign_label label, emr_bytes message, const uint8_t sig[64]);
/* Proof of possession of the identity's B (see emr_pre_pop_verify). */
emr_status emr_keyring_pop(const emr_keyring *kr, emr_id16 net_id, uint8_t out_pop[64]);
