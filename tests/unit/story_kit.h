/* Ana's folder with real files, and people around it: dr lima and eve of a clinic, three agents of
 * three organisations; each with a keyring, a verified copy of the one ledger, and a sharing
 * handle.  A failed step fails the test. */
#pragma once

#include "ledger/act.h"
#include "share/audit.h"
#include "share/give.h"
#include "share/read.h"
#include "share/release.h"
#include "ask_kit.h"
#include "view_kit.h"

#define DAY 86400u
#define AGENTS 3
#define CONSULT 0u /* purpose bits */
#define RESEARCH 3u

typedef struct person {
	emr_keyring *keyring;
	emr_public public;
	emr_ledger *ledger;
	emr_replica *replica;
	emr_record_ctx *records;
	emr_share *share;
	int state_fd;
	emr_id16 org;
	emr_buf ca;
} person;

typedef struct story {
	kit k;		  /* ana's folder */
	emr_share *ana;	  /* her sharing handle, on the folder's ledger, replica and store */
	emr_id16 imaging; /* the domain of Imaging */
	person bosses[AGENTS + 1]; /* of the clinic, and of the agents' organisations */
	person lima, eve;
	person auditor; /* of the clinic; after story_auditor */
	bool has_auditor;
	person agents[AGENTS];
	emr_agency *agencies[AGENTS];
	int agency_fds[AGENTS];
	emr_release *release; /* ana's */
} story;

/* With Imaging/MRI.pdf and Imaging/Old/CT.pdf on the ledger. */
void story_begin(story *s);
void story_end(story *s);
/* A sharing handle of ana's for the folder K of one of her computers. */
emr_share *story_handle(kit *k);
/* Ana's folder is closed and opened again, for who reads, too. */
void story_restart(story *s);
/* The place of the record that is called NAME on the ledger, wherever it lies. */
static inline emr_place story_place_called(story *s, const char *name)
{
	EMR_AUTO_FACTS_WALK all = emr_facts_all(s->k.stack.facts);
	emr_place place, found = {.version = 0};
	emr_meta meta;

	while (emr_facts_next(&all, &place, &meta))
		if (meta.name.len == strlen(name) &&
			memcmp(meta.name.data, name, meta.name.len) == 0)
			found = place;
	assert_ok(all.status);
	assert_true(found.version > 0);
	return found;
}
/* A story S of a test; the second has what reading gives besides. */
#define STORY SCENE(story, s, story_begin, story_end)
#define STORY_READ                                                                                 \
	EMR_AUTO_BUF bytes __attribute__((unused)) = {0};                                          \
	emr_share_trouble trouble __attribute__((unused)) = {0};                                   \
	STORY
/* The clinic gets an auditor. */
void story_auditor(story *s);
/* One operation of M; the code of the ledger, 1000 more when the whole batch was refused. */
int story_says(story *s, person *m, emr_act act, emr_bytes part);
/* One without a part, which the ledger applies. */
void story_does(story *s, person *m, emr_act act);
/* Whether ana's DOMAIN wants a new epoch. */
bool story_is_due(story *s, emr_id16 domain);
/* All members agree on WHAT. */
void story_agree(story *s, const emr_pub_org_propose *what, emr_bytes part);
/* story_rules.c: the members agree on TEXT as the rules of the network. */
void story_rules(story *s, const char *text);
/* And on another number of the rules of the contract. */
void story_contract(story *s, uint8_t number);
uint64_t story_now(const story *s);
void story_pass(story *s, uint64_t seconds);
/* One more person, of BOSS's organisation, with a keyring and a copy of his own; story_part is his
 * end. */
void story_newcomer(story *s, person *m, const person *boss, uint16_t roles, const char *name);
/* Another organisation comes in, called NAME, with its administrator, as story_newcomer. */
void story_organisation(story *s, person *boss, const char *name);
/* A clinician whose registration says NAME, and whose certificate HANDLE. */
void story_newcomer_called(
	story *s, person *m, const person *boss, const char *handle, const char *name);
/* A second computer of ana's, with the keys that she passes on to it; story_part is its end. */
void story_device(story *s, person *m, const char *name, bool only_reads);
void story_part(person *m);
/* Another handle of M on the same copies, as another process would have. */
void story_see(person *m);
/* SHARE, whose copy has what the ledger has: as where a deed begins. */
emr_share *begins(emr_share *share);
/* In the tables of the network's ledger, as whoever may write in its directory. */
void story_sql(const story *s, const char *text);

/* READ and LIST for CONSULT and a week, through the agents there are (or N = 0: through ana alone).
 */
emr_grant_made story_share(story *s, const person *with, uint16_t more_rights, bool with_agents);
/* And to write for as long. */
emr_grant_made story_lets_write(story *s, const person *with, bool with_agents);
emr_status story_try_share(story *s, const person *with, emr_grant_order *order, bool with_agents,
	emr_grant_made *out);
/* Agent I has a run; the tally. */
emr_release_tally story_agent(story *s, int i);
emr_release_tally story_owner(story *s);
/* The first one that ALL has bit I set for, in any order, twice: those who come late answer, too.
 */
void story_agents(story *s, unsigned mask);

/* All of them; ana's own computer. */
void all_agents(story *s);
void owner_answers(story *s);

typedef void (*story_fn)(story *s);

/* The entry that SHARED shows under NAME; the object is zero where it shows nothing. */
typedef struct story_found {
	emr_id16 object;
	uint64_t pversion;
} story_found;
story_found story_find(emr_shared *shared, const char *name);
/* M's GRANT, open, with all names. */
static inline emr_shared *story_opened(story *s, person *m, emr_id16 grant, story_fn answer)
{
	emr_share_trouble trouble;
	emr_shared *shared = NULL;
	emr_ask *ask = NULL;

	story_see(m);
	assert_ok(emr_shared_open(
		m->share, s->imaging, grant, CONSULT, EMR_READER_PERSON, &shared, &trouble));
	assert_ok(emr_shared_ask_names(shared, &ask, &trouble));
	answer(s);
	assert_ok(ask_wait(m->replica, ask, 0, &trouble));
	emr_ask_free(ask);
	return shared;
}
/* M opens the grant, and gets every name and the bytes of PATH's last component; the status of the
 * first step that failed.  ANSWER is run after each question. */
emr_status story_reader(story *s, person *m, emr_id16 grant, const char *name, story_fn answer,
	emr_content_reader **out_reader, emr_share_trouble *out_trouble);
emr_status story_read(story *s, person *m, emr_id16 grant, const char *name, story_fn answer,
	emr_buf *out_bytes, emr_share_trouble *out_trouble);
