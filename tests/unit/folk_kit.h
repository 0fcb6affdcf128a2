/* Several people on one embedded ledger: ana, whose network and domain it is; the clinic's boss,
 * who keeps its CA; dr lima and an agent of the clinic; each with a keyring, a handle and a
 * verified copy of the ledger. A failed step fails the test. */
#pragma once

#include "keyring/cert.h"
#include "ledger/act.h"
#include "ledger/register.h"
#include "ledger_kit.h"

#define DAY 86400u
#define GRANT_PART(n) (210 + 32 * (n) + 512)

typedef struct member {
	emr_keyring *keyring;
	emr_public public;
	emr_ledger *ledger;
	emr_replica *replica;
	int state_fd;
} member;

extern kit k;
extern kit_domain health;     /* ana's */
extern uint64_t now;	      /* of everybody's clock */
extern emr_id16 home, clinic; /* organisations */
extern emr_buf clinic_ca;
extern member ana, lima, agent, boss;

/* The four, and no clinic yet; with the clinic admitted, lima and the agent registered; and away.
 */
int folk_begin(void **state);
int folk_with_clinic(void **state);
int folk_end(void **state);
/* Another keyring, with a copy in a directory of that name. */
void folk_create(member *m, const char *name);
/* The same of a member whose keyring is there. */
void folk_bring(member *m, const char *name);
/* IS_KITS: the keyring is the ledger kit's to free. */
void folk_close_member(member *m, bool is_kits);

/* LEN bytes; none. */
emr_bytes folk_part_of(size_t len);
emr_bytes folk_nothing(void);
/* One operation of M, signed as AS, following his own copy; the wire code of the answer, with 1000
 * added when the whole batch was refused. */
int folk_say_as(member *m, emr_signer as, emr_act act, emr_bytes part, emr_id32 *out_item);
/* As his identity. */
int folk_say(member *m, emr_act act, emr_bytes part);
/* As the owner of the domain. */
int folk_own(emr_act act, emr_bytes part);
#define assert_applied(got) assert_int_equal(EMR_RESULT_APPLIED, (got))
/* M's copy follows the ledger. */
void folk_see(member *m);
void folk_pass(uint64_t seconds);

/* M comes in under a certificate of the clinic's CA. */
int folk_register_in_clinic(member *m, uint16_t roles, const char *name);
void folk_admit_the_clinic(void);

/* To read for so many seconds, through nobody: the owner answers. */
emr_act folk_grant_to(emr_id16 grant, const uint8_t grantee[32], uint64_t seconds);
/* For two records. */
int folk_ask(member *m, emr_id16 access, emr_id16 grant, emr_id16 via, emr_id32 *out_req);
