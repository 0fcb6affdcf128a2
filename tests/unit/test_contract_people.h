/* A small world for the operations between people: a patient's domain, a device that manages it, a
 * hospital that writes, a doctor with a grant, agents, administrators of two organisations, and a
 * team.  For each operation it makes the item that its rightful signer would send now. */
#pragma once

#include "test_contract_kit.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

/* The signers. */
enum who {
	OWNER,	 /* the key of the domain */
	MANAGER, /* a device of the owner, with MANAGE */
	WRITER,	 /* a hospital with a write grant */
	GRANTEE, /* a doctor of the clinic, with a grant */
	PATIENT, /* the owner's identity: another key than the domain's */
	AGENT,
	GATEWAY,
	ADMIN,	  /* of the general hospital */
	ADMIN2,	  /* of the clinic */
	STEWARD,  /* a researcher of the clinic who keeps a team */
	STRANGER, /* in no K row */
	WHO_COUNT
};

/* The operations that are sent. SERVED comes in its three modes. */
enum what {
	KEY_ROTATE,
	KEY_REVOKE, /* of the grantee's key */
	KEY_KX,
	ORG_PROPOSE,
	ORG_APPROVE, /* for one's own organisation */
	DOMAIN_ROTATE,
	WRITER_ADD, /* of the steward */
	WRITER_DEL, /* of the hospital */
	GRANT,	    /* to the grantee: new terms of the grant */
	REVOKE,
	KFRAGS,
	LETTER,
	AGENT_ACK,
	REQUEST, /* a new one, to the domain */
	APPROVE, /* of the grantee's request */
	DENY,
	WITHDRAW,
	ACCESS_REQ,
	SERVED_AGENT,
	SERVED_OWNER,
	SERVED_REFUSAL,
	READ_REPORT,
	DATASET_NEW,
	DATASET_CLOSE,
	DATASET_ADMIT, /* of the grantee */
	DATASET_DROP,
	DATASET_SNAPSHOT,
	DATASET_JOIN,  /* of the team, which is a dataset like any other */
	DATASET_LEAVE, /* of the study */
	MINT,	       /* to the grantee, as agreed */
	TRANSFER, /* of the signer's points: 300 to the patient, the patient's to the grantee */
	TRUSTEE_SET,
	CERT_REVOKE,  /* of a certificate of the clinic */
	ENROL_REVOKE, /* of all certificates of a name there */
	HOST_KEY,     /* of the clinic; in the form of CERT_REVOKE */
	WHAT_COUNT
};

extern const char *const who_names[WHO_COUNT];
extern const char *const what_names[WHAT_COUNT];

#define PEOPLE_COIN 1000u /* what the steward has */
#define PEOPLE_PRICE 100u
#define PEOPLE_MINT 500u

typedef struct people {
	kit_world world;
	uint8_t clinic[16];
	kit_signer who[WHO_COUNT];
	uint8_t grant[16], request[16], access[16], proposal[16], team[16];
	uint8_t trial[16];	     /* a dataset that pays PEOPLE_PRICE points */
	uint8_t trial_grant[16];     /* of the domain to the trial */
	uint8_t trial_fund[32];	     /* its account, with what one domain is paid */
	uint8_t past[16];	     /* another one, closed */
	uint8_t past_fund[32];	     /* the same for it */
	uint8_t points_proposal[16]; /* agreed: PEOPLE_MINT points for the grantee */
	uint8_t team_grant[16];	     /* of the domain to the team */
	uint8_t study[16],
		study_grant[16]; /* a dataset that the domain has joined, by that grant */
} people;

#define PEOPLE_ASKED 0x51 /* each byte of what the grantee's request is called after */

/* The grant is in force, the request open, the access asked for, the proposal (to admit a third
 * organisation) open with no approval, the team open with the grantee in it; the domain is in the
 * study, and may join the team. */
void people_make(people *p);
void people_free(people *p);

/* An item in the making: change what the test is about, then people_answer(). */
typedef struct people_item {
	emr_item item;
	uint8_t pub[EMR_PUB_MAX];
	size_t pub_len;
	emr_span part;
} people_item;

people_item people_item_of(const people *p, enum what what, enum who who);
/* ITEM, which is DOMAIN_ROTATE, as WHO would do it if the domain were his
 * (test_contract_samples.c).
 */
void people_domain_rotate(const people *p, enum who who, people_item *item);
/* The domain in ITEM, which is DOMAIN_ROTATE, goes from OWNER's key in a batch of CARRIER. */
void people_hand_over(const people *p, enum who carrier, enum who owner, people_item *item);
int people_answer(const people *p, const char *name, enum who who, const people_item *item);
/* The same item in another batch. */
int people_again(const people *p, const char *name, enum who who, const people_item *item);
/* These fail with both results by name; the second one makes the item, too. */
static inline void people_expect(
	int expected, const people *p, const char *name, enum who who, const people_item *item)
{
	kit_expect(expected, people_answer(p, name, who, item), name);
}

static inline void people_expect_try(
	int expected, const people *p, const char *name, enum what what, enum who who)
{
	people_item item = people_item_of(p, what, who);

	people_expect(expected, p, name, who, &item);
}

/* The same, and what it writes goes into the world's state. */
int people_do(people *p, enum what what, enum who who, const people_item *item);

/* Rows of the world, as they are or again. */
void people_put_account(people *p, const uint8_t account[32], uint64_t points);
void people_put_points_proposal(
	people *p, uint8_t state, const uint8_t account[32], uint64_t amount);
/* All accounts of a state together. */
uint64_t people_points(const kit_state *state);
emr_row_grant people_grant(const people *p);
void people_put_grant(people *p, const emr_row_grant *row);
/* GRANT of the domain, in force until NOT_AFTER, to DATASET. */
void people_put_dataset_grant(people *p, const uint8_t grant[16], const uint8_t dataset[16],
	uint8_t state, uint64_t not_after);
void people_put_join(people *p, const uint8_t dataset[16], const uint8_t grant[16], uint8_t state);
void people_put_request(people *p, uint8_t state);
void people_put_access(people *p, uint64_t time);
/* Makes an administrator's present voice, for the administrator's organisation. */
emr_voice people_voice(const people *p, enum who who);
/* Proposed by ADMIN; its COUNT approvals are those of ADMIN2, then ADMIN. */
void people_put_proposal(people *p, uint8_t kind, uint8_t state, uint8_t count, uint64_t not_after);
void people_put_team(people *p, uint8_t state);
void people_put_dataset(people *p, const uint8_t dataset[16], uint8_t state, uint64_t price);
void people_put_member(people *p, enum who member, uint8_t state, uint64_t not_after);
void people_put_network(people *p, uint8_t quorum, uint8_t norg);
emr_row_network people_network(const people *p);
/* The members agreed on the rules NUMBER. */
static inline void people_put_rules(people *p, uint32_t number)
{
	emr_row_network row = people_network(p);
	uint8_t value[EMR_ROW_NETWORK_BYTES];

	row.contract = number;
	emr_row_network_encode(&row, value);
	kit_put(&p->world.state, "N", value, sizeof value);
}
void people_forget(people *p, const char *letters, const uint8_t object[16]); /* a domain's row */
