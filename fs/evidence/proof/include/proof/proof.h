/* The proof file of one saved version (.tlog-proof): taking it apart, writing it,
 * and checking it with nothing else at hand.  It refuses every spelling but the one that FORMAT.md
 * gives, and shows nothing that its own bytes do not prove.
 *
 * Sources: C2SP tlog-proof, tlog-checkpoint, tlog-cosignature, signed-note; RFC 6962 section 2.1.
 */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "ledger/ledger.h"

#define EMR_PROOF_FILE_MAX ((size_t)1 << 20)	/* bytes of a file */
#define EMR_PROOF_EXTRA_MAX ((size_t)512 << 10) /* of what its extra line holds, decoded */
#define EMR_PROOF_PARTS_MAX 136
#define EMR_PROOF_KEYS_MAX                                                                         \
	24 /* certificate chains and key proofs: at most so many of each (format 1: 4) */
#define EMR_PROOF_ADMISSIONS_MAX 8
#define EMR_PROOF_APPROVALS_MAX 32

/* Kinds of parts; 5, 7, 8, 14 and 15 are none and refused.  Those from 16 on are of
 * format 2, and 19 is of format 3. */
typedef enum emr_proof_type {
	EMR_PROOF_STATEMENT = 1,  /* statement and signature, 384 bytes */
	EMR_PROOF_CHAIN = 2,	  /* DER: a key's certificate, those between, its CA */
	EMR_PROOF_HK = 3,	  /* 32 bytes that key the tree over the plaintext */
	EMR_PROOF_DESCRIPTOR = 4, /* entry 0 of the network */
	EMR_PROOF_KEY = 6,	  /* a proof file of a KEY_REG item, under the same checkpoint */
	EMR_PROOF_MIME = 9,	  /* u8 length, media type, u8 length, LOINC code */
	EMR_PROOF_CARD = 10,	  /* domain card: this identity owns that domain's key */
	EMR_PROOF_PATIENT = 11,	  /* r_pid, 32 bytes */
	EMR_PROOF_DIRECTORY = 12, /* block of the bundle's directory */
	EMR_PROOF_MANIFEST = 13,  /* block of header and sealed manifest */
	EMR_PROOF_ADMISSION = 16, /* of the ORG_PROPOSE that an organisation came in with, with its
				     private part */
	EMR_PROOF_APPROVAL = 17,  /* of an ORG_APPROVE of it */
	EMR_PROOF_DOMAIN =
		18, /* of the DOMAIN_NEW of a content's domain, when somebody else wrote there */
	EMR_PROOF_FOLLOWED = 19, /* of the KEY_ROTATE by which a key follows another of the file */
} emr_proof_type;

typedef struct emr_proof_part {
	uint8_t type;
	emr_bytes bytes;
} emr_proof_part;

/* A file taken apart.  NOTE and all byte runs are borrowed: from the file, or from OWNED. */
typedef struct emr_proof {
	uint8_t version; /* of a file that was read: 1 to 3; writing takes the least that will do */
	uint64_t index;	 /* of the entry in the log */
	emr_ledger_path log_path;
	emr_bytes note; /* the checkpoint */
	uint16_t item_index;
	emr_bytes entry, item, priv; /* priv may be empty: not shown */
	emr_ledger_path item_path;
	size_t n_parts;
	emr_proof_part parts[EMR_PROOF_PARTS_MAX]; /* types in ascending order */
	emr_buf owned;
} emr_proof;

/* Outside bytes.  EMR_DAMAGED: not this format, or not its one spelling; EMR_LIMIT: longer than a
 * limit above; EMR_NEWER_FORMAT: another version of it. */
emr_status emr_proof_parse(emr_bytes file, emr_proof *out_proof);
void emr_proof_free(emr_proof *proof);
#define EMR_AUTO_PROOF __attribute__((cleanup(emr_proof_free))) emr_proof
/* Appends the one text of PROOF.  EMR_LIMIT, EMR_INVALID (types not ascending). */
emr_status emr_proof_format(const emr_proof *proof, emr_buf *out_file);
/* The N-th part of that type; data NULL when there is none. */
emr_bytes emr_proof_part_of(const emr_proof *proof, emr_proof_type type, size_t n);

/* ---- checking ---- */

/* The checks, in this order; the first that fails is the answer. */
typedef enum emr_proof_step {
	EMR_PROOF_SOUND = 0,
	EMR_PROOF_BAD_FORMAT,  /* no proof file, damaged, cut, too long, or a part is missing */
	EMR_PROOF_BAD_NETWORK, /* descriptor, checkpoint and batch are not of one network, or not of
				  the wanted one */
	EMR_PROOF_BAD_LOG_PATH,	 /* the entry is not in the tree of the checkpoint */
	EMR_PROOF_BAD_KEY,	 /* a key is not registered on this ledger as the file says */
	EMR_PROOF_BAD_ADMISSION, /* an organisation was not admitted on this ledger as the file says
				  */
	EMR_PROOF_BAD_CERTIFICATE, /* not issued by the network's CA, or not in force when it was
				      used */
	EMR_PROOF_BAD_CHECKPOINT,  /* no good signature of a registered key, or a wrong one */
	EMR_PROOF_BAD_ENTRY,	   /* its submitter did not sign the batch so, or it is not of
				      such a ledger */
	EMR_PROOF_BAD_BATCH,	   /* signature of the batch */
	EMR_PROOF_BAD_ITEM,   /* the item is not in the batch, or is of another kind or signer */
	EMR_PROOF_BAD_RESULT, /* it is, and the ledger refused it */
	EMR_PROOF_BAD_PRIVATE_PART, /* not the one that the item commits to */
	EMR_PROOF_BAD_CONTENT,	    /* the encrypted content is not the signed one */
	EMR_PROOF_BAD_STATEMENT,    /* the statement or its signature */
	EMR_PROOF_BAD_OWNER,	    /* the domain's key is not shown to be the identity's */
	EMR_PROOF_BAD_PATIENT,	    /* the statement is about somebody else */
	EMR_PROOF_BAD_TYPE,	    /* media type or document code */
	EMR_PROOF_BAD_COPY,	    /* the plaintext at hand is not the signed one */
	EMR_PROOF_STEPS
} emr_proof_step;

/* "log-path", ...: what FORMAT.md calls it; "" for SOUND. */
const char *emr_proof_step_text(emr_proof_step step);

#define EMR_PROOF_NAME_BYTES 256

typedef struct emr_proof_verdict {
	emr_proof_step step;
	const char *why; /* a short English cause; static */
	unsigned checks; /* that were passed */
	/* Known as far as the checks got; all of it when SOUND. */
	emr_id16 net_id;
	uint64_t size; /* entries under the checkpoint */
	uint8_t root[32];
	uint64_t seq; /* of the entry */
	uint64_t ledger_time, issued_at;
	emr_id32 batch_id;
	bool is_of_channel; /* of Fabric: whose peers took the entry the file does not show */
	uint8_t result;	    /* of the item, as the ledger says */
	emr_id16 record_id;
	uint64_t cver, n;
	char signer[65];			 /* name in the issuer's certificate */
	char organisation[EMR_PROOF_NAME_BYTES]; /* whose certificate that is, as the network calls
						    it */
	emr_id32 certificate;			 /* SHA-256 of it */
	uint8_t handle_id[8]; /* of the signer's identity: how cosigners are called */
	size_t n_names;	      /* cosignatures that were verified */
	uint8_t names[EMR_PROOF_KEYS_MAX][8];
	size_t n_unknown; /* and those of keys that the file does not show */
	char owner[65];	  /* name in the certificate */
} emr_proof_verdict;

/* Checks FILE.  COPY_FD: a file to compare with the signed plaintext, read from where it stands; -1
 * = none.  NET: the network that is expected; NULL = any.  EMR_OK: see *out_verdict; EMR_IO (of the
 * copy), EMR_NO_MEMORY. */
emr_status emr_proof_check(
	emr_bytes file, int copy_fd, const emr_id16 *net, emr_proof_verdict *out_verdict);
