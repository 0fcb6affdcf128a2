/* The public parts of operations between people and organisations: keys that change, approvals,
 * writers, grants, requests, releases, teams and trustees; and the ids and messages that follow
 * from them.  It refuses nothing but wrong lengths; the contract judges the rest.  All functions
 * are pure and thread-safe.  Layouts: offsets in bytes stand beside the fields. */
#pragma once

#include "contract/pubs.h"

/* KEY_ROTATE 02, 256 bytes */
typedef struct emr_pub_key_rotate {
	uint8_t new_pk[32];  /* 0 */
	uint8_t new_sig[64]; /* 32: by new_pk over emr_rotate_message() with the old signer's id */
	uint8_t x25519[32];  /* 96 */
	uint8_t B[32];	     /* 128 */
	uint8_t pop[64];     /* 160: of B, for net_id and the new signer's id */
	uint8_t log_pk[32];  /* 224 */
} emr_pub_key_rotate;

/* KEY_REVOKE 03, 48 bytes */
typedef struct emr_pub_key_revoke {
	uint8_t target[32];	       /* 0: signer id */
	uint64_t invalid_since_unix_s; /* 32: signatures recorded from then on count no more; 0 =
					  all that stand stay good */
	uint8_t reason;		       /* 40 */
	uint8_t certificate; /* 41: 1 = of a device, the certificate that its row names, too */
} emr_pub_key_revoke;

/* CERT_REVOKE 08, 48 bytes */
typedef struct emr_pub_cert_revoke {
	uint8_t org[16]; /* 0: the organisation whose CA gave it */
	uint8_t ref[32]; /* 16: SHA-256 of the certificate's DER */
} emr_pub_cert_revoke;

/* ENROL_REVOKE 09, 56 bytes */
typedef struct emr_pub_enrol_revoke {
	uint8_t org[16];	 /* 0: the organisation whose CA knows somebody by that name */
	uint8_t enrolment[32];	 /* 16: emr_enrolment_id */
	uint64_t through_unix_s; /* 48: certificates of that name that end then or before are out
				    of use; UINT64_MAX = all, 0 = none */
} emr_pub_enrol_revoke;
/* By which a CA's certificates of one common name are known (Fabric CA: the enrolment id).  Capital
 * letters of ASCII are as small ones: directories take both for the same person. */
void emr_enrolment_id(const uint8_t org[16], const char *name, uint8_t out[32]);

/* HOST_KEY 0A, 48 bytes */
typedef struct emr_pub_host_key {
	uint8_t org[16]; /* 0: the organisation that runs the host */
	uint8_t key[32]; /* 16: Ed25519, as in the host's address; not zero */
} emr_pub_host_key;

/* The subject of a proposal of members. */
enum emr_proposal_kind {
	EMR_PROPOSAL_ADMIT = 1,	   /* an organisation, or its new CA and administrator */
	EMR_PROPOSAL_REMOVE = 2,   /* an organisation */
	EMR_PROPOSAL_RULES = 3,	   /* other rules text and quorum */
	EMR_PROPOSAL_CONTRACT = 4, /* another version of this contract */
	EMR_PROPOSAL_MINT = 5,	   /* points */
};

/* How long a proposal may be open; who proposes chooses, and no longer than this. */
#define EMR_PROPOSAL_MAX_S ((uint64_t)366 * 86400)
/* Approvals that one batch can have: each is judged by the rows of all who approved before it. */
#define EMR_BATCH_APPROVALS_MAX 16u

/* ORG_PROPOSE 04, 96 bytes */
typedef struct emr_pub_org_propose {
	uint8_t kind;		   /* 0: enum emr_proposal_kind */
	uint8_t quorum;		   /* 1: RULES: approvals needed from then on, 0 = majority */
	uint64_t not_after_unix_s; /* 8 */
	uint8_t org[16];	   /* 16: ADMIT, REMOVE */
	uint8_t subject[32];	   /* 32: ADMIT admin's signer id; RULES SHA-256 of the text;
				      CONTRACT version u32 and zeros; MINT SHA-256(account || amount) */
	uint8_t aux[32];	   /* 64: ADMIT SHA-256 of the CA's DER */
} emr_pub_org_propose;

/* DOMAIN_ROTATE 12, 224 bytes */
typedef struct emr_pub_domain_rotate {
	uint8_t new_pk[32];    /* 0 */
	uint8_t new_sig[64];   /* 32: by new_pk over emr_handover_message() */
	uint8_t owner_sig[64]; /* 96: by the owner until now over the same */
	uint8_t box[32];       /* 160: X25519 */
	uint8_t A[32];	       /* 192: of the epoch that begins */
} emr_pub_domain_rotate;

/* WRITER_ADD 13, 48 bytes */
typedef struct emr_pub_writer_add {
	uint8_t writer[32];	   /* 0: signer id */
	uint16_t rights;	   /* 32: enum emr_writer_right */
	uint64_t not_after_unix_s; /* 40 */
} emr_pub_writer_add;

#define EMR_GRANT_AGENTS_MAX 16
#define EMR_GRANT_KVER_MAX 256 /* fragments of one grant can be replaced so often */
#define EMR_PURPOSES_ALL 511u  /* bits 0..8 */
#define EMR_PURPOSE_EMERGENCY (1u << 4)

/* GRANT 30, 64 bytes */
typedef struct emr_pub_grant {
	uint8_t grantee[32];	    /* 0: root id of a person, or emr_grantee_dataset() of a team */
	uint64_t not_before_unix_s; /* 32 */
	uint64_t not_after_unix_s;  /* 40 */
	uint64_t from_time_unix_s;  /* 48: records registered before it are not meant; 0 = all */
	uint32_t purposes;	    /* 56: bit n = purpose n */
	uint16_t rights;	    /* 60: enum emr_grant_right */
	uint8_t t;		    /* 62: of n agents needed; 0 of 0 = the owner answers */
	uint8_t n;		    /* 63 */
} emr_pub_grant;

enum emr_ack_what {
	EMR_ACK_ENROLLED = 1,
	EMR_ACK_DESTROYED = 2,
	EMR_ACK_UNPINNED = 3,
	EMR_ACK_REFUSED = 4, /* the private part has the evidence */
};

/* AGENT_ACK 34, 40 bytes */
typedef struct emr_pub_agent_ack {
	uint8_t subject[32]; /* 0: item id */
	uint8_t what;	     /* 32: enum emr_ack_what */
} emr_pub_agent_ack;

/* APPROVE 41, 32 bytes */
typedef struct emr_pub_approve {
	uint8_t grant_domain[16]; /* 0 */
	uint8_t grant[16];	  /* 16 */
} emr_pub_approve;

#define EMR_ACCESS_SLOTS_MAX 1024

/* ACCESS_REQ 48, 40 bytes */
typedef struct emr_pub_access_req {
	uint8_t grant[16]; /* 0 */
	uint8_t via[16];   /* 16: team or dataset, zero = the signer is the grantee */
	uint16_t count;	   /* 32: keys asked for, 1..1024 */
	uint16_t names;	   /* 34: so many of them are of names, not of records */
} emr_pub_access_req;

enum emr_served_mode {
	EMR_SERVED_FRAGMENTS = 1, /* by an agent */
	EMR_SERVED_OWNER = 2,	  /* by a manager of the domain */
	EMR_SERVED_REFUSED = 3,
};

/* ACCESS_SERVED 49, 56 bytes */
typedef struct emr_pub_access_served {
	uint8_t req[32];	/* 0: item id of the ACCESS_REQ */
	uint8_t req_object[16]; /* 32: its object id */
	uint8_t mode;		/* 48: enum emr_served_mode */
	uint8_t reason;		/* 49: REFUSED: an enum emr_result; else 0 */
	uint16_t count;		/* 50: records given */
} emr_pub_access_served;

/* READ_REPORT 4A, 32 bytes */
typedef struct emr_pub_read_report {
	uint8_t grant[16];
	uint8_t via[16];
} emr_pub_read_report;

/* DATASET_NEW 50, 152 bytes */
typedef struct emr_pub_dataset_new {
	uint8_t B[32];		   /* 0 */
	uint8_t pop[64];	   /* 32: for the steward's signer id */
	uint64_t price;		   /* 96 */
	uint64_t not_after_unix_s; /* 104 */
	uint32_t purposes;	   /* 112 */
	uint8_t terms[32];	   /* 120: SHA-256 */
} emr_pub_dataset_new;

/* DATASET_ADMIT 52, 64 bytes */
typedef struct emr_pub_dataset_admit {
	uint8_t dataset[16];	   /* 0 */
	uint8_t member[32];	   /* 16: root id */
	uint64_t not_after_unix_s; /* 48 */
} emr_pub_dataset_admit;

/* MINT 60, 56 bytes */
typedef struct emr_pub_mint {
	uint8_t proposal[16]; /* 0 */
	uint8_t account[32];  /* 16 */
	uint64_t amount;      /* 48: points */
} emr_pub_mint;

/* TRANSFER 61, 72 bytes */
typedef struct emr_pub_transfer {
	uint8_t from[32]; /* 0: account */
	uint8_t to[32];	  /* 32: another account */
	uint64_t amount;  /* 64: points */
} emr_pub_transfer;

/* DATASET_JOIN 54, 48 bytes */
typedef struct emr_pub_dataset_join {
	uint8_t grant[16];   /* 0: of the item's domain, to the dataset */
	uint8_t account[32]; /* 16: that is paid; zero where nothing is */
} emr_pub_dataset_join;

/* DATASET_SNAPSHOT 56, 64 bytes */
typedef struct emr_pub_dataset_snapshot {
	uint8_t dataset[16]; /* 0 */
	uint64_t log_size;   /* 16: entries of the ledger that it is of */
	uint32_t n;	     /* 24: content heads */
	uint8_t root[32];    /* 32: RFC 6962 over their item ids, sorted */
} emr_pub_dataset_snapshot;

#define EMR_TRUSTEES_MAX 16
#define EMR_TRUSTEE_DELAY_MIN_S 86400u

/* TRUSTEE_SET 68, 8 bytes */
typedef struct emr_pub_trustee_set {
	uint8_t t;	  /* 0: trustees who must help */
	uint8_t n;	  /* 1: trustees */
	uint8_t agents_t; /* 2: agents that must answer, too */
	uint8_t agents;	  /* 3 */
	uint32_t delay_s; /* 4 */
} emr_pub_trustee_set;

#define EMR_EMERGENCY_S 86400u	   /* how long the second may come after the first */
#define EMR_EMERGENCY_HOURS_MAX 24 /* that it is open */

/* EMERGENCY 4B, 49 bytes */
typedef struct emr_pub_emergency {
	uint8_t grant[16]; /* 0 */
	uint8_t via[16];   /* 16: of ACCESS_REQ */
	uint8_t word[16];  /* 32: of the card */
	uint8_t hours;	   /* 48: that it is open; the owner chose them with the grant's name */
} emr_pub_emergency;

/* RECOVER_REQ 69, 48 bytes */
typedef struct emr_pub_recover_req {
	uint8_t trustees[16]; /* 0: the object of the TRUSTEE_SET */
	uint8_t box[32];      /* 16: X25519, of the new computer: shares are sealed to it */
} emr_pub_recover_req;

/* RECOVER_CANCEL 6A, 32 bytes */
typedef struct emr_pub_recover_cancel {
	uint8_t person[32]; /* the signer, or the person whose computer the signer is */
} emr_pub_recover_cancel;

/* RECOVER_SHARE 6B, 16 bytes */
typedef struct emr_pub_recover_share {
	uint8_t request[16]; /* the object of the RECOVER_REQ */
} emr_pub_recover_share;

EMR_PUB(key_rotate, 256);
EMR_PUB(key_revoke, 48);
EMR_PUB(cert_revoke, 48);
EMR_PUB(enrol_revoke, 56);
EMR_PUB(host_key, 48);
EMR_PUB(org_propose, 96);
EMR_PUB(domain_rotate, 224);
EMR_PUB(writer_add, 48);
EMR_PUB(grant, 64);
EMR_PUB(agent_ack, 40);
EMR_PUB(approve, 32);
EMR_PUB(access_req, 40);
EMR_PUB(access_served, 56);
EMR_PUB(read_report, 32);
EMR_PUB(dataset_new, 152);
EMR_PUB(dataset_admit, 64);
EMR_PUB(mint, 56);
EMR_PUB(transfer, 72);
EMR_PUB(dataset_join, 48);
EMR_PUB(dataset_snapshot, 64);
EMR_PUB(trustee_set, 8);
EMR_PUB(emergency, 49);
EMR_PUB(recover_req, 48);
EMR_PUB(recover_cancel, 32);
EMR_PUB(recover_share, 16);

#define EMR_ROTATE_MESSAGE_BYTES 96 /* "emrfs/v1/rotate\0", net_id, the old id, SHA-256 */

/* The bytes that new_sig of KEY_ROTATE covers: "emrfs/v1/rotate\0" || net_id || the signer's id ||
 * SHA-256(pub without its new_sig).  PUB is encoded, new_sig inside may be anything.  ARGUMENT for
 * another length. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_rotate_message(const uint8_t net_id[16], const uint8_t signer_id[32],
	emr_span pub, uint8_t out[EMR_ROTATE_MESSAGE_BYTES]);

#define EMR_HANDOVER_MESSAGE_BYTES 80 /* the same label, net_id, the domain's id, SHA-256 */

/* The bytes that both signatures of DOMAIN_ROTATE cover: "emrfs/v1/rotate\0" || net_id || domain id
 * || SHA-256(the item's signer_id || prev || pub without the two).  The item in prev names the
 * one state of the domain that it continues. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_handover_message(const uint8_t net_id[16], const emr_item *item,
	emr_span pub, uint8_t out[EMR_HANDOVER_MESSAGE_BYTES]);

/* Object ids that follow from what they are about, each the first 16 bytes of a SHA-256 over
 * "emrfs/v1/" || label || NUL and the arguments in order. */
void emr_object_ack(
	const uint8_t subject[32], uint8_t what, const uint8_t signer_id[32], uint8_t out[16]);
void emr_object_served(const uint8_t req[32], const uint8_t signer_id[32], uint8_t out[16]);
/* Nobody chooses it: a grant is called as the request that it answers, so whoever could, would ask
 * under the name of somebody else's. */
void emr_object_request(const uint8_t to[32], const uint8_t signer_id[32], uint8_t out[16]);
void emr_object_member(const uint8_t dataset[16], const uint8_t member[32], uint8_t out[16]);
/* The name of a grant of DOMAIN to VIA that the card with WORD opens for HOURS: one card has one
 * word for all. */
void emr_object_emergency(const uint8_t word[16], const uint8_t via[16], const uint8_t domain[16],
	uint8_t hours, uint8_t out[16]);
void emr_object_recovery(const uint8_t request[16], const uint8_t agent[32], uint8_t out[16]);
/* The grantee that stands for a team or dataset, whole 32 bytes (label "dataset"). */
void emr_grantee_dataset(const uint8_t dataset[16], uint8_t out_grantee[32]);
/* The account that is the fund of a dataset: sixteen zeros, which begin no key's id, and DATASET.
 */
void emr_account_of_dataset(const uint8_t dataset[16], uint8_t out_account[32]);
/* The subject of a proposal of kind MINT. */
void emr_mint_subject(const uint8_t account[32], uint64_t amount, uint8_t out_subject[32]);
/* `to` of a REQUEST that names no domain: hides its addressee from all who do not know the salt. */
void emr_request_to(const uint8_t rsalt[32], const uint8_t signer_id[32], uint8_t out_to[32]);
