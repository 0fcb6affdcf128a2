/* These functions judge who vouches for a version of a record: its statement, the key that signed
 * it and that key's certificate, judged by this computer's own copy of the ledger, without a
 * network. It refuses to call valid what it could not check, and to take a stranger's key for the
 * owner's; a version that fits nowhere is a mismatch, and a caller that opens it must not show its
 * bytes.
 *
 * The order of the checks is that of emr_statement_check, then the issuer's. Any thread. */
#pragma once

#include "record/content.h"
#include "replica/people.h"

typedef enum emr_signed_standing {
	EMR_SIGNED_NONE,     /* no statement, and the owner put it there */
	EMR_SIGNED_SELF,     /* the owner's own, or one of the owner's computers' */
	EMR_SIGNED_VALID,    /* another's, whose certificate was in force */
	EMR_SIGNED_STALE,    /* the signature fits; the certificate could not be checked here */
	EMR_SIGNED_MISMATCH, /* do not use it */
} emr_signed_standing;

typedef enum emr_signed_fault {
	EMR_SIGNED_NO_FAULT,
	EMR_SIGNED_STATEMENT,	/* `verdict` says what does not fit */
	EMR_SIGNED_MISSING,	/* somebody else put it there without a statement */
	EMR_SIGNED_UNKNOWN_KEY, /* the issuer's key is not on the ledger */
	EMR_SIGNED_NOT_SELF, /* the owner's key, or one that claims to be, and another put it there
			      */
	EMR_SIGNED_OTHERS_WORD,	 /* neither the issuer nor the owner put it there */
	EMR_SIGNED_NO_ENTRY,	 /* none of the key's entries before it names that certificate */
	EMR_SIGNED_NOT_IN_FORCE, /* the certificate had ended when the version came onto the ledger
				  */
	EMR_SIGNED_REVOKED,	 /* the key was not to be believed any more */
	EMR_SIGNED_BAD_CERTIFICATE, /* not signed by the organisation's authority, or for another
				       key or organisation */
	EMR_SIGNED_NO_CERTIFICATE,  /* stale: certificate or authority are not in this copy */
	EMR_SIGNED_TIME_UNKNOWN, /* stale: when it first came is not known here, and the certificate
				    has ended since */
} emr_signed_fault;

/* Where the version stands: the item that says its content, and what it must be about. */
typedef struct emr_signed_place {
	emr_bytes descriptor;	   /* of the network */
	const uint8_t *patient_pk; /* 32 bytes, from the card, the letter or the keyring */
	const uint8_t *r_pid;	   /* 32 bytes, from the description */
	emr_id16 record_id;
	uint64_t cver;
	bool is_reencrypted;
	emr_id16 domain;
	uint8_t owner_pk[32]; /* of the domain, from its row */
	bool mine_only; /* among domains' keys only those of this copy's owner are the patient's:
			   for the owner alone */
	emr_id32 put_signer; /* of the item that says the content here */
	bool is_put; /* that item is the PUT which came with the statement; false: a REWRAP, and the
			next two are its own */
	uint64_t seq;	      /* of the entry of that PUT */
	uint64_t time_unix_s; /* of that entry */
} emr_signed_place;

#define EMR_SIGNED_BY_BYTES 600

typedef struct emr_signed {
	emr_signed_standing standing;
	emr_signed_fault fault;
	emr_statement_verdict verdict; /* VALID_AFTER_HASH: the bytes were sealed again and must be
					  compared once */
	uint8_t kind;		       /* emr_statement_kind; 0: no statement */
	emr_id32 issuer;
	uint64_t cver, issuer_seq, issued_at;
	uint8_t prev[32]; /* SHA-256 of the statement that it amends; zeros; of a copy for
			   * research its source (record/derived.h) */
	bool has_rules;	  /* a copy for research, made by: */
	uint8_t rules[32];
	uint8_t id[32];		      /* SHA-256 of this one */
	uint16_t roles;		      /* of another's key; 0: not registered */
	char by[EMR_SIGNED_BY_BYTES]; /* "Paula Lima, São Lucas", a hospital's: "São Lucas"; "" of
					 the owner's own. The claimed name when it is a mismatch */
	char organisation[256];
} emr_signed;

/* EMR_NO_MEMORY, EMR_IO, EMR_BUSY: not judged.  Everything else is a judgement. */
emr_status emr_signed_judge(emr_replica *replica, const emr_signed_place *place,
	const emr_bundle *bundle, emr_signed *out_signed);

/* Whether SIGNER speaks for the owner of DOMAIN: its key, the identity, or a computer that the
 * identity endorsed; or a key that one of those was before. */
emr_status emr_signed_is_owner(emr_replica *replica, emr_id16 domain, const uint8_t owner_pk[32],
	const uint8_t patient_pk[32], emr_id32 signer, bool *out_is);

/* "valid by=São Lucas at=2026-11-20T14:05:00Z", as the attribute `signature` says it; SELF is what
 * the owner is called, "" where that needs no word; COMPARED: the bytes' root was computed here and
 * fits; NOTE: "" or a word behind it ("superseded"). */
void emr_signed_text(const emr_signed *is, const char *self, uint64_t at_unix_s, bool compared,
	const char *note, char *out, size_t size);

/* The words behind the name: "", "amendment", "amendment gap" or "superseded", and then "placed"
 * where the owner put the content there and the entry with which it came is not seen. */
const char *emr_signed_note(bool is_superseded, bool is_amendment, bool is_gap, bool is_placed);
