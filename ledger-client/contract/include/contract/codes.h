/* Every number of the ledger's wire format: operations, results, families, roles, rights, states
 * and flags. It refuses nothing and computes nothing; a number here never changes its meaning,
 * lists only grow at the end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The newest number of the rules that this library knows.  A network begins under the first, and
 * its N row names the one that its members have agreed on since: entries before an agreement are
 * judged by the number that was in force then.  A build of the tests names an earlier one, to be a
 * program that does not know more. */
#ifndef EMR_CONTRACT_VERSION
#define EMR_CONTRACT_VERSION 2u
#endif
#define EMR_CONTRACT_FIRST 1u
/* EMR_CONTRACT_VERSION of the library, whatever the caller was compiled with. */
uint32_t emr_contract_newest(void);

/* How a call of this library went.  This is about the caller and its memory; what the ledger says
 * to an operation is an emr_result. */
typedef enum emr_contract_status {
	EMR_CONTRACT_OK = 0,
	EMR_CONTRACT_NO_ROOM,	 /* the caller's buffer or arena is too small */
	EMR_CONTRACT_FORMAT,	 /* bytes from outside that break the format */
	EMR_CONTRACT_ARGUMENT,	 /* a call that can never be right */
	EMR_CONTRACT_UNDECLARED, /* a row was needed that the host did not give: a bug, nothing was
				    decided */
	EMR_CONTRACT_STATE,	 /* a stored row that this contract cannot have written */
	EMR_CONTRACT_NEWER,	 /* the members have agreed on rules that this library does not
				    know: nothing was decided */
} emr_contract_status;

#define EMR_CONTRACT_MUST_CHECK __attribute__((warn_unused_result))

/* A lower-case text, never NULL, for logs and tests. */
const char *emr_contract_status_text(emr_contract_status status);

/* The answer to an item, or to a whole batch (wire: u8, append-only). */
typedef enum emr_result {
	EMR_RESULT_APPLIED = 0,
	EMR_RESULT_ALREADY = 1, /* the same item stands there: success */
	EMR_RESULT_FORMAT = 16,
	EMR_RESULT_NETWORK = 17,
	EMR_RESULT_SIGNATURE = 18,
	EMR_RESULT_SUBMITTER = 19,
	EMR_RESULT_TIME_AHEAD = 20,
	EMR_RESULT_EXPIRED_BATCH = 21,
	EMR_RESULT_UNKNOWN_OP = 22,
	EMR_RESULT_NOT_AUTHORISED = 23,
	EMR_RESULT_CONFLICT = 24, /* the row's head moved */
	EMR_RESULT_EPOCH = 25,	  /* wrap again for the new epoch */
	EMR_RESULT_GONE = 26,
	EMR_RESULT_NO_DOMAIN = 27,
	EMR_RESULT_NO_GRANT = 28,
	EMR_RESULT_GRANT_DEAD = 29,
	EMR_RESULT_NOT_GRANTEE = 30,
	EMR_RESULT_PRIVATE_PART = 31,
	EMR_RESULT_LIMIT = 32,
	EMR_RESULT_EXISTS = 33,
	EMR_RESULT_FUNDS = 34,
	EMR_RESULT_RULES = 35,
	EMR_RESULT_KEY_DEAD = 36,
	EMR_RESULT_FORK = 37,
	EMR_RESULT_LETTERS_SPENT = 39, /* of the day: contract/quota.h */
	EMR_RESULT_BYTES_SPENT = 40,
} emr_result;

/* "applied", "conflict", ...; "unknown" for a number that this version does not know. */
const char *emr_result_text(uint8_t result);

/* Operations of the format.  Those that this contract version serves: emr_op_since() is not 0. */
typedef enum emr_op {
	EMR_OP_KEY_REG = 0x01,
	EMR_OP_KEY_ROTATE = 0x02,
	EMR_OP_KEY_REVOKE = 0x03,
	EMR_OP_ORG_PROPOSE = 0x04,
	EMR_OP_ORG_APPROVE = 0x05,
	EMR_OP_KEY_KX = 0x06,
	EMR_OP_KEY_CERT = 0x07,
	EMR_OP_CERT_REVOKE = 0x08,
	EMR_OP_ENROL_REVOKE = 0x09,
	EMR_OP_HOST_KEY = 0x0a,
	EMR_OP_DOMAIN_NEW = 0x10,
	EMR_OP_EPOCH = 0x11,
	EMR_OP_DOMAIN_ROTATE = 0x12,
	EMR_OP_WRITER_ADD = 0x13,
	EMR_OP_WRITER_DEL = 0x14,
	EMR_OP_LISTKEY = 0x15,
	EMR_OP_PUT = 0x20,
	EMR_OP_META = 0x21,
	EMR_OP_REWRAP = 0x22,
	EMR_OP_UNLINK = 0x23,
	EMR_OP_ERASE = 0x24,
	EMR_OP_GRANT = 0x30,
	EMR_OP_REVOKE = 0x31,
	EMR_OP_KFRAGS = 0x32,
	EMR_OP_LETTER = 0x33,
	EMR_OP_AGENT_ACK = 0x34,
	EMR_OP_REQUEST = 0x40,
	EMR_OP_APPROVE = 0x41,
	EMR_OP_DENY = 0x42,
	EMR_OP_WITHDRAW = 0x43,
	EMR_OP_ACCESS_REQ = 0x48,
	EMR_OP_ACCESS_SERVED = 0x49,
	EMR_OP_READ_REPORT = 0x4a,
	EMR_OP_EMERGENCY = 0x4b,
	EMR_OP_DATASET_NEW = 0x50,
	EMR_OP_DATASET_ADMIT = 0x52,
	EMR_OP_DATASET_DROP = 0x53,
	EMR_OP_DATASET_JOIN = 0x54,
	EMR_OP_DATASET_LEAVE = 0x55,
	EMR_OP_DATASET_SNAPSHOT = 0x56,
	EMR_OP_DATASET_CLOSE = 0x57,
	EMR_OP_MINT = 0x60,
	EMR_OP_TRANSFER = 0x61,
	EMR_OP_TRUSTEE_SET = 0x68,
	EMR_OP_RECOVER_REQ = 0x69,
	EMR_OP_RECOVER_CANCEL = 0x6a,
	EMR_OP_RECOVER_SHARE = 0x6b,
	EMR_OP_RESTORE_PART = 0x7f,
} emr_op;

/* Length of the public part that OP fixes; -1 when the format has no such operation. */
int emr_op_pub_len(uint8_t op);
/* "KEY_REG", ...; "UNKNOWN". */
const char *emr_op_text(uint8_t op);
/* Operations that someone waits for: short-lived, and not older than that. */
bool emr_op_is_prompt(uint8_t op);
/* The number of the rules from which on OP is there: 0 for those that no rules serve yet, and for
 * what this library does not know. */
uint32_t emr_op_since(uint8_t op);
/* The family of the row that OP moves, which is also the family of its private part; 0 when the
 * format has no such operation, or for RESTORE_PART and ERASE, whose public part names it. */
uint8_t emr_op_family(uint8_t op);

/* Families of rows: the first byte of a row's head and the number in i/ and p/ keys. */
typedef enum emr_family {
	EMR_FAMILY_KEY = 0x01,	       /* K */
	EMR_FAMILY_ORG = 0x04,	       /* M, N and P */
	EMR_FAMILY_APPROVAL = 0x05,    /* PA */
	EMR_FAMILY_CERTIFICATE = 0x08, /* KC */
	EMR_FAMILY_ENROLMENT = 0x09,   /* KE */
	EMR_FAMILY_HOST_KEY = 0x0a,    /* MH */
	EMR_FAMILY_DOMAIN = 0x10,      /* D */
	EMR_FAMILY_EPOCH = 0x11,       /* E */
	EMR_FAMILY_WRITER = 0x13,      /* W */
	EMR_FAMILY_LISTKEY = 0x15,     /* L */
	EMR_FAMILY_OBJECT = 0x20,      /* O */
	EMR_FAMILY_GRANT = 0x30,       /* G */
	EMR_FAMILY_KFRAGS = 0x32,      /* parts only; the version is G.kver */
	EMR_FAMILY_LETTER = 0x33,      /* H */
	EMR_FAMILY_ACK = 0x34,	       /* Y */
	EMR_FAMILY_REQUEST = 0x40,     /* Q */
	EMR_FAMILY_ACCESS = 0x48,      /* R */
	EMR_FAMILY_SERVED = 0x49,      /* S */
	EMR_FAMILY_REPORT = 0x4a,      /* X */
	EMR_FAMILY_EMERGENCY = 0x4b,   /* EM */
	EMR_FAMILY_DATASET = 0x50,     /* DS */
	EMR_FAMILY_MEMBER = 0x52,      /* DM */
	EMR_FAMILY_JOIN = 0x54,	       /* J */
	EMR_FAMILY_SNAPSHOT = 0x56,    /* SN */
	EMR_FAMILY_ACCOUNT = 0x60,     /* A */
	EMR_FAMILY_TRUSTEES = 0x68,    /* TR */
	EMR_FAMILY_RECOVERY = 0x69,    /* RQ */
	EMR_FAMILY_SHARE = 0x6b,       /* RS */
} emr_family;

enum emr_item_flag {
	EMR_ITEM_NOCONTENT = 1, /* META that makes a directory or symbolic link */
	EMR_ITEM_INBOX = 1,	/* DOMAIN_NEW of an inbox */
	EMR_ITEM_REENC = 2,	/* content encrypted again: the statement is older than cver */
	EMR_ITEM_CONFLICT = 4,	/* a conflict copy */
};

/* K.roles */
enum emr_role {
	EMR_ROLE_PATIENT = 1,
	EMR_ROLE_CLINICIAN = 2,
	EMR_ROLE_HOSPITAL = 4,
	EMR_ROLE_RESEARCHER = 8,
	EMR_ROLE_AUDITOR = 16,
	EMR_ROLE_AGENT = 32,
	EMR_ROLE_ORG_ADMIN = 64,
	EMR_ROLE_DEVICE = 128,
	EMR_ROLE_GATEWAY = 256,
	EMR_ROLE_PHARMACIST = 512,
	EMR_ROLE_INSURER = 1024,
	EMR_ROLE_AUTHORITY = 2048,
	EMR_ROLE_REGISTRAR = 4096,
	EMR_ROLE_ALL = 8191,	/* that a certificate can give */
	EMR_ROLE_READER = 8192, /* with DEVICE, from rules 2 on: a computer that only reads */
};

/* W.rights */
enum emr_writer_right {
	EMR_RIGHT_PUT = 1,	 /* new records, new content of one's own */
	EMR_RIGHT_META = 2,	 /* META and UNLINK of one's own */
	EMR_RIGHT_MKDIR = 4,	 /* new directories */
	EMR_RIGHT_MANAGE = 8,	 /* as the owner */
	EMR_RIGHT_ANY = 16,	 /* PUT and META for what others made */
	EMR_RIGHT_GUARDIAN = 32, /* from rules 2 on: ends what others read or write */
};

/* G.rights */
enum emr_grant_right {
	EMR_GRANT_LIST = 1,
	EMR_GRANT_READ = 2,
	EMR_GRANT_OWN_AGENTS = 8, /* its agents may be of the owner's own organisation */
	EMR_GRANT_TWO = 4,	  /* from rules 2 on: it opens when two clinicians have said why */
	EMR_GRANT_GUARDIAN = 32,  /* from rules 2 on: a guardian's, which no guardian ends */
};

/* K.how: what vouches for a key. */
enum emr_key_how {
	EMR_HOW_CERTIFICATE = 1,
	EMR_HOW_DEVICE = 2,
};

/* The state byte of a row's head, by family.  A row of a family without states of its own
 * carries 1. */
enum emr_row_state {
	EMR_STATE_PRESENT = 1,
	EMR_KEY_ACTIVE = 1,
	EMR_KEY_ROTATED = 2,
	EMR_KEY_REVOKED = 3,
	EMR_ORG_MEMBER = 1,
	EMR_ORG_REMOVED = 2,
	EMR_PROPOSAL_OPEN = 1,
	EMR_PROPOSAL_DONE = 2,
	EMR_PROPOSAL_USED = 3, /* of kind mint: its points are there */
	EMR_DOMAIN_LIVE = 1,
	EMR_WRITER_ACTIVE = 1,
	EMR_WRITER_ENDED = 2,
	EMR_OBJECT_LIVE = 1,
	EMR_OBJECT_UNLINKED = 2,
	EMR_OBJECT_ERASED = 3,
	EMR_GRANT_ACTIVE = 1,
	EMR_GRANT_REVOKED = 2,
	EMR_REQUEST_OPEN = 1,
	EMR_REQUEST_APPROVED = 2,
	EMR_REQUEST_DENIED = 3,
	EMR_REQUEST_WITHDRAWN = 4,
	EMR_DATASET_OPEN = 1,
	EMR_DATASET_CLOSED = 2,
	EMR_MEMBER_ACTIVE = 1,
	EMR_MEMBER_ENDED = 2,
	EMR_JOIN_ACTIVE = 1,
	EMR_JOIN_ENDED = 2,
	EMR_RECOVERY_WAITS = 1,
	EMR_RECOVERY_STOPPED = 2,
};

enum emr_host {
	EMR_HOST_EMBEDDED = 0,
	EMR_HOST_FABRIC = 1,
};
