/* State rows of what people and organisations do together: proposals, requests, releases, teams,
 * trustees.  It refuses values of another length or family, as rows.h does.  All functions are pure
 * and thread-safe. */
#pragma once

#include "contract/rows.h"

#define EMR_ROW_PROPOSAL_BYTES 200 /* without approvals */
#define EMR_VOICE_BYTES 56	   /* each approval behind it */
#define EMR_VOICES_MAX 255u	   /* as many members as there can be */
#define EMR_ROW_PROPOSAL_MAX (EMR_ROW_PROPOSAL_BYTES + EMR_VOICES_MAX * EMR_VOICE_BYTES)
#define EMR_ROW_SIGNED_BYTES 80
#define EMR_ROW_ENROLMENT_BYTES 88
#define EMR_ROW_HOST_KEY_BYTES 112
#define EMR_ROW_REQUEST_BYTES 128
#define EMR_ROW_ACCESS_BYTES 104
#define EMR_ROW_DATASET_BYTES 168
#define EMR_ROW_MEMBER_BYTES 104
#define EMR_ROW_JOIN_BYTES 64
#define EMR_ROW_SNAPSHOT_BYTES 80
#define EMR_ROW_ACCOUNT_BYTES 56
#define EMR_ROW_TRUSTEES_BYTES 88
#define EMR_ROW_RECOVERY_BYTES 168
#define EMR_ROW_SHARE_BYTES 64
#define EMR_ROW_EMERGENCY_BYTES 160

void emr_key_proposal(const uint8_t proposal[16], emr_key_text *out); /* P/proposal */
void emr_key_approval(
	const uint8_t proposal[16], const uint8_t org[16], emr_key_text *out); /* PA/proposal/org */
void emr_key_certificate(
	const uint8_t org[16], const uint8_t ref[32], emr_key_text *out); /* KC/org/ref */
void emr_key_enrolment(const uint8_t org[16], const uint8_t enrolment[32],
	emr_key_text *out);				     /* KE/org/enrolment */
void emr_key_host(const uint8_t org[16], emr_key_text *out); /* MH/org */
/* gx/who/dom/object: by whom a grant (object = grant) or a writer's right (object = first half of
 * the writer's id) is found without knowing the domain. The value is empty. */
void emr_key_index(
	const uint8_t who[32], const uint8_t dom[16], const uint8_t object[16], emr_key_text *out);

void emr_key_account(const uint8_t account[32], emr_key_text *out); /* A/account */

/* The key that spoke for an organisation, and the member as which the organisation spoke. */
typedef struct emr_voice {
	uint8_t org[16];
	uint64_t member_version; /* version of its M row then */
	uint8_t signer[32];
} emr_voice;

typedef struct emr_row_proposal {
	emr_row_head head; /* of the ORG_PROPOSE: approvals change their list and the state only */
	uint8_t kind;
	uint8_t quorum;
	uint8_t count; /* approvals in the row; which of them count, emr_voice_stands says */
	uint64_t not_after_unix_s;
	uint8_t org[16];
	uint8_t subject[32];
	uint8_t aux[32];
	emr_voice by; /* who proposed it */
} emr_row_proposal;

/* PA, KC, H, Y, S, X: who signed it. */
typedef struct emr_row_signed {
	emr_row_head head;
	uint8_t signer[32];
} emr_row_signed;

typedef struct emr_row_enrolment {
	emr_row_head head;
	uint8_t signer[32];
	uint64_t through_unix_s;
} emr_row_enrolment;

/* MH/org: the key of the organisation's host, and the administrator who said so. */
typedef struct emr_row_host_key {
	emr_row_head head;
	uint8_t signer[32];
	uint8_t key[32];
} emr_row_host_key;

typedef struct emr_row_request {
	emr_row_head head;
	uint8_t signer[32];
	uint8_t to[32];	   /* of a request that names no domain */
	uint8_t grant[16]; /* once approved */
} emr_row_request;

typedef struct emr_row_access {
	emr_row_head head;
	uint8_t signer[32];
	uint8_t grant[16];
	uint64_t time_unix_s; /* of the item */
} emr_row_access;

typedef struct emr_row_dataset {
	emr_row_head head;
	uint8_t steward[32];
	uint8_t B[32];
	uint64_t price;
	uint64_t not_after_unix_s;
	uint32_t purposes;
	uint8_t terms[32];
} emr_row_dataset;

typedef struct emr_row_member {
	emr_row_head head;
	uint8_t dataset[16];
	uint8_t member[32];
	uint64_t not_after_unix_s;
} emr_row_member;

/* J/dom/dataset: the domain's records are in the dataset, by that grant. */
typedef struct emr_row_join {
	emr_row_head head;
	uint8_t grant[16];
} emr_row_join;

/* SN/object; which dataset it is of stands in its item. */
typedef struct emr_row_snapshot {
	emr_row_head head;
	uint8_t root[32];
} emr_row_snapshot;

/* A: what an account has, a person's or the fund of a dataset. */
typedef struct emr_row_account {
	emr_row_head head; /* of its last TRANSFER */
	uint64_t points;
} emr_row_account;

typedef struct emr_row_trustees {
	emr_row_head head;
	uint8_t identity[32];
	uint8_t t;
	uint8_t n;
	uint8_t agents_t;
	uint8_t agents;
	uint32_t delay_s;
} emr_row_trustees;

/* RQ: somebody asks for the keys of the person whose trustees they are. */
typedef struct emr_row_recovery {
	emr_row_head head;
	uint8_t signer[32];	  /* the member who brought it */
	uint8_t trustees[16];	  /* the object of the TRUSTEE_SET */
	uint8_t identity[32];	  /* whose trustees they are */
	uint8_t box[32];	  /* of the new computer */
	uint64_t earliest_unix_s; /* no agent answers before */
} emr_row_recovery;

/* EM: an emergency of a grant. */
typedef struct emr_row_emergency {
	emr_row_head head;
	uint8_t first[32], second[32]; /* the first keys of the clinicians; second: zero before */
	uint64_t first_unix_s;	       /* when the first said why */
	uint64_t until_unix_s;	       /* open; 0: not yet */
	uint8_t account[32];	       /* of the first: the enrolment */
} emr_row_emergency;

/* RS: an agent has answered. */
typedef struct emr_row_share {
	emr_row_head head;
	uint8_t request[16];
} emr_row_share;

/* All: EMR_CONTRACT_STATE for another length, family or impossible state. */
EMR_CONTRACT_MUST_CHECK emr_contract_status emr_row_proposal_parse(
	emr_span value, emr_row_proposal *out);
/* Approval I, below its count, of a row that was parsed. */
void emr_row_proposal_voice(emr_span value, size_t i, emr_voice *out);
/* Does what VOICE said still count?  ORG and KEY are the rows of its organisation and signer now:
 * the organisation is a member, and nothing was changed about it since (it was not expelled, its
 * authority is the same); its key was not revoked.  That a certificate ran out changes nothing. */
bool emr_voice_stands(const emr_voice *voice, const emr_row_org *org, const emr_row_key *key);

/* With row->count VOICES (NULL for none); returns how long it is. */
size_t emr_row_proposal_encode(
	const emr_row_proposal *row, const emr_voice *voices, uint8_t out[EMR_ROW_PROPOSAL_MAX]);
const emr_field *emr_row_signed_fields(void);
const emr_field *emr_row_snapshot_fields(void);
void emr_row_signed_encode(const emr_row_signed *row, uint8_t out[EMR_ROW_SIGNED_BYTES]);
EMR_ROW(enrolment, EMR_ROW_ENROLMENT_BYTES);
EMR_ROW(host_key, EMR_ROW_HOST_KEY_BYTES);
EMR_ROW(request, EMR_ROW_REQUEST_BYTES);
EMR_ROW(access, EMR_ROW_ACCESS_BYTES);
EMR_ROW(dataset, EMR_ROW_DATASET_BYTES);
EMR_ROW(member, EMR_ROW_MEMBER_BYTES);
EMR_ROW(join, EMR_ROW_JOIN_BYTES);
void emr_row_snapshot_encode(const emr_row_snapshot *row, uint8_t out[EMR_ROW_SNAPSHOT_BYTES]);
EMR_ROW(account, EMR_ROW_ACCOUNT_BYTES);
EMR_ROW(trustees, EMR_ROW_TRUSTEES_BYTES);
EMR_ROW(emergency, EMR_ROW_EMERGENCY_BYTES);
EMR_ROW(recovery, EMR_ROW_RECOVERY_BYTES);
const emr_field *emr_row_share_fields(void);
void emr_row_share_encode(const emr_row_share *row, uint8_t out[EMR_ROW_SHARE_BYTES]);
