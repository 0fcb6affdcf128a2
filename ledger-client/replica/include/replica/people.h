/* These functions ask this computer's copy of the ledger about one person, organisation or grant,
 * and these are the rows that questions about many give (ask.h): who is registered, what is granted
 * to whom, who asks for what, what was released and reported. They
 * refuse to judge with a clock of its own: states are those of the ledger, and "over" is said of
 * the time that is asked about. Names and purposes in words lie in private parts, which it gives
 * as bytes.
 *
 * Reads as in replica.h: any thread, any number at once, only what this computer has verified. */
#pragma once

#include "contract/rows_share.h"
#include "keyring/keyring.h"
#include "ledger/act.h"
#include "replica/replica.h"

/* Version and previous item of ACT, from the row as this copy has it.  EMR_DAMAGED. */
emr_status emr_replica_follow(emr_replica *replica, emr_id32 signer, emr_act *act);

/* ---- people and organisations ---- */

typedef struct emr_known_person {
	emr_id32 signer_id;
	emr_row_key row;
} emr_known_person;
/* EMR_NOT_FOUND. */
emr_status emr_replica_person(
	emr_replica *replica, emr_id32 signer_id, emr_known_person *out_person);
/* Whether the key may act at NOW: active, in time, its organisation a member. */
emr_status emr_replica_person_is_active(emr_replica *replica, const emr_known_person *person,
	uint64_t now_unix_s, bool *out_is_active);

typedef struct emr_known_org {
	emr_id16 org;
	emr_row_org row;
} emr_known_org;
emr_status emr_replica_network(emr_replica *replica, emr_row_network *out_row);
/* Whether the network is on a channel of Fabric. */
bool emr_replica_is_on_channel(emr_replica *replica);
/* EMR_NOT_FOUND: ORG has not said which key its host has. */
emr_status emr_replica_host_key(emr_replica *replica, emr_id16 org, emr_row_host_key *out_row);
/* The organisation that has said KEY of its host.  EMR_NOT_FOUND. */
emr_status emr_replica_host_of(emr_replica *replica, emr_id32 key, emr_known_org *out_org);

#define EMR_ORG_NAME_MAX 255
/* An organisation by what the members agreed on: the newest admission of it that was carried, or
 * the network's description, and never what somebody only proposed. */
typedef struct emr_known_organisation {
	emr_row_org row;
	char name[EMR_ORG_NAME_MAX + 1]; /* "" when nobody says it, or the part is gone */
	emr_buf ca;			 /* DER; empty when the copy has not got the one in force */
} emr_known_organisation;
void emr_known_organisation_free(emr_known_organisation *org);
#define EMR_AUTO_ORGANISATION                                                                      \
	__attribute__((cleanup(emr_known_organisation_free))) emr_known_organisation
/* Into OUT, which is zeros or was filled before.  DESCRIPTOR is the network's.  EMR_NOT_FOUND: no
 * such organisation; EMR_IO, EMR_DAMAGED. */
emr_status emr_replica_organisation(emr_replica *replica, emr_bytes descriptor,
	const uint8_t org[16], emr_known_organisation *out);
/* The certificate that PERSON's row names, which the contract has looked at, and the name that the
 * bearer wrote beside it (any bytes, may be empty); both borrow from OUT_PART.  Another certificate
 * in such a part says nothing.  EMR_NOT_FOUND: a device, or the part is gone. */
emr_status emr_replica_registration(emr_replica *replica, const emr_known_person *person,
	emr_buf *out_part, emr_bytes *out_der, emr_bytes *out_name);
/* The same of the certificate that DEVICE named last, on Fabric.  EMR_NOT_FOUND also when it named
 * none. */
emr_status emr_replica_device_certificate(emr_replica *replica, const emr_known_person *device,
	emr_buf *out_part, emr_bytes *out_der, emr_bytes *out_name);
/* When the ledger was told of the certificate of PERSON, or of what a device named last.
 * EMR_NOT_FOUND: it never was, or the part is gone. */
emr_status emr_replica_certificate_since(
	emr_replica *replica, const emr_known_person *person, uint64_t *out_unix_s);
typedef struct emr_known_proposal {
	emr_id16 proposal;
	emr_row_proposal row;
} emr_known_proposal;
/* Trustees of somebody. */
typedef struct emr_known_trust {
	emr_id16 trustees;
	emr_row_trustees row;
} emr_known_trust;
/* Whether TRUSTEES of IDENTITY's are for something still: those of an executor only while the
 * computer that they open is one of hers. */
emr_status emr_replica_is_opened(
	emr_replica *replica, emr_id32 identity, const uint8_t trustees[16], bool *out_is);
/* The newest trustees of the key IDENTITY, or those who open what its executor reads: TRUSTEE_SET
 * with its public part, and its private part.  EMR_NOT_FOUND; EMR_MISSING_DATA: the private part
 * has not come yet. */
emr_status emr_replica_trustees(emr_replica *replica, emr_id32 identity, bool of_executor,
	emr_buf *out_item, emr_buf *out_part);
/* Trustees were asked for the keys of somebody. */
typedef struct emr_known_recovery {
	emr_id16 request;
	emr_row_recovery row;
} emr_known_recovery;
/* How an open proposal stands, by the contract's own rule: which of its approvals count now.  Of
 * one that is done, as it was when it was. */
typedef struct emr_known_votes {
	unsigned have;
	bool is_ours; /* the organisation that is asked about is among them */
	bool is_over; /* who proposed it may not any more: nobody approves it */
	bool is_done; /* or used */
} emr_known_votes;
/* EMR_NOT_FOUND: no such proposal. */
emr_status emr_replica_votes(
	emr_replica *replica, emr_id16 proposal, emr_id16 org, emr_known_votes *out);

/* A team or dataset. */
emr_status emr_replica_team(emr_replica *replica, emr_id16 team, emr_row_dataset *out_row);
typedef struct emr_known_team {
	emr_id16 team;
	emr_row_dataset row;
} emr_known_team;

/* ---- domains: writers and grants ---- */

typedef struct emr_known_writer {
	emr_id16 domain;
	emr_row_writer row;
} emr_known_writer;
typedef struct emr_known_listkey {
	emr_id16 object;
	emr_row_listkey row;
} emr_known_listkey;
/* A frozen state of a dataset, as its item has it. */
typedef struct emr_known_state {
	emr_id16 state;
	uint64_t seq, ledger_time; /* of its entry */
	emr_pub_dataset_snapshot pub;
} emr_known_state;
typedef struct emr_known_domain {
	emr_id16 domain;
	emr_row_domain row;
	bool is_mine;
} emr_known_domain;

typedef enum emr_grant_phase {
	EMR_GRANT_COMING, /* not_before is ahead */
	EMR_GRANT_IN_FORCE,
	EMR_GRANT_IS_OVER, /* its time has passed */
	EMR_GRANT_IS_REVOKED,
} emr_grant_phase;

typedef struct emr_known_grant {
	emr_id16 domain;
	emr_id16 grant;
	emr_row_grant row;
	uint64_t seq;			/* of the entry that gave it, */
	uint64_t last_seq, ledger_time; /* and of the one that last moved it */
} emr_known_grant;

emr_grant_phase emr_grant_phase_at(const emr_known_grant *grant, uint64_t now_unix_s);
emr_status emr_replica_grant(
	emr_replica *replica, emr_id16 domain, emr_id16 grant, emr_known_grant *out_grant);

/* ---- requests ---- */

typedef struct emr_known_request {
	emr_id16 domain; /* zero: to a person; whom, only the salt in its body tells */
	emr_id16 request;
	emr_row_request row;
	uint64_t ledger_time; /* of its last item */
} emr_known_request;

/* ---- releases ---- */

/* One access: the request for keys, who answered it, and how.  Which records it names is sealed in
 * its private part (family ACCESS, version 1). */
typedef struct emr_known_release {
	emr_id16 domain;
	emr_id16 access; /* object id of the ACCESS_REQ */
	emr_id32 req;	 /* its item id */
	emr_id32 signer; /* who asked */
	emr_id16 grant;
	emr_id16 via;	/* in the name of which team; zero = none */
	uint16_t asked; /* keys, */
	uint16_t names; /* and of them those of names, by the word of who asked: judge.h */
	uint64_t seq;
	uint64_t ledger_time;
} emr_known_release;

typedef struct emr_known_answer {
	emr_id16 object; /* of the ACCESS_SERVED: its private part is family SERVED, version 1 */
	emr_id32 signer; /* the agent, or a manager of the domain */
	enum emr_served_mode mode;
	uint8_t reason;
	uint16_t given;
	uint64_t ledger_time;
} emr_known_answer;
/* The answer of RESPONDER to RELEASE, found by its derived id.  EMR_NOT_FOUND: none yet. */
emr_status emr_replica_answer(emr_replica *replica, const emr_known_release *release,
	emr_id32 responder, emr_known_answer *out_answer);

/* Reports of DOMAIN: who told it, under which grant; the list of opened records is sealed. */
typedef struct emr_known_report {
	emr_id16 domain;
	emr_id16 report;
	emr_id32 signer;
	emr_id16 grant;
	emr_id16 via;
	uint64_t ledger_time;
} emr_known_report;

/* ---- keys that followed one another ---- */

/* The keys of the person of whom SIGNER is one, emr_known_person, ..., the first one first.
 * EMR_NOT_FOUND: SIGNER is no registered key. */
emr_status emr_replica_keys_of(emr_replica *replica, emr_id32 signer, emr_buf *out);
/* Of those the last one: the key of now. */
emr_status emr_replica_present(emr_replica *replica, emr_id32 signer, emr_known_person *out);
/* Whether both are keys of one person, or the same. */
emr_status emr_replica_is_same_person(
	emr_replica *replica, emr_id32 one, emr_id32 other, bool *out_is);

typedef struct emr_known_owner {
	emr_domain_owned owned;
	emr_id32 signer;
	uint8_t box[32];
	uint64_t seq; /* of the entry that made it the owner */
} emr_known_owner;
/* The keys that DOMAIN was owned by, emr_known_owner, ..., the first one first. */
emr_status emr_replica_owners_of(emr_replica *replica, emr_id16 domain, emr_buf *out);
/* The key of SIGNER, if it is one of them: *OUT_IS, which nobody makes false. */
emr_status emr_replica_find_owner(
	emr_replica *replica, emr_id16 domain, emr_id32 signer, uint8_t out_pk[32], bool *out_is);
/* Whether SIGNER is one of them; OWNER_PK, the present one, is not looked up. */
emr_status emr_replica_was_owner(emr_replica *replica, emr_id16 domain, const uint8_t owner_pk[32],
	emr_id32 signer, bool *out_was);
