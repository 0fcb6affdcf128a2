/* The files of this module share these types and functions: the handle, batches on their way,
 * and reading this computer's copy of the ledger. They refuse parts that do not belong to their
 * item. */
#pragma once

#include "contract/codes.h"
#include "contract/item.h"
#include "contract/pubs_share.h"
#include "contract/rows_share.h"
#include "ledger/act.h"
#include "ledger/hash.h"
#include "replica/ask.h"
#include "share/request.h"
#include "share/share.h"

#define SHARE_GEN 1u /* of a domain's signing key; another key is another seed's */

/* Auditors of one's own organisation, as of SIZE entries of the ledger; 0: not looked yet. */
#define AUDITORS_MAX 4
typedef struct auditors {
	emr_recipient list[AUDITORS_MAX];
	size_t n;
	uint64_t size;
} auditors;

/* The key of the team in whose name this person opened something last, and the item by which he is
 * in it: of a dataset there is a share for each participant, and one key for all.  standing.c */
typedef struct team_key {
	emr_grantee_key *key; /* owned; NULL: none */
	emr_id16 team;
	emr_id32 membership;
} team_key;

/* Of those who could read what GRANTEE is given, as of SIZE entries of the ledger: a team's members
 * stand among those of all, and many grants are to one team. nearness.c */
typedef struct near_team {
	emr_id32 grantee;
	uint64_t size;
	emr_buf orgs; /* 16 bytes, ... */
} near_team;

struct emr_share {
	emr_share_options o;
	emr_id16 net_id;
	emr_public me;
	uint8_t refusal;
	emr_buf others; /* emr_id16, ... in order: requests that are known not to be to me */
	auditors auditors;
	emr_buf letters; /* letter_said of received.c, ... in order: a person with a thousand
			    letters does not open all of them when one comes */
	team_key team_key;
	near_team near_team;
	emr_id32 gives_to;    /* whom a grant is being made to; zero: nobody */
	size_t most_records;  /* said again in one batch; 0: as many as a batch holds */
	bool awaits_team_key; /* a letter to me about a team was not here when it was looked for */
};

uint64_t share_now(const emr_share *share);
/* A computer of the owner's, which has the folder's keys by letter: one that manages, or one that
 * only reads.  Everybody else has a right. */
static inline bool share_is_computer(uint16_t rights)
{
	return (rights & EMR_RIGHT_MANAGE) != 0 || rights == 0;
}

/* A computer of PERSON's, also one that was removed since: its registration names that identity, or
 * one that this was before.  signed.c */
emr_status share_is_device_of(
	emr_replica *replica, const emr_known_person *key, emr_id32 person, bool *out_is);

EMR_AUTO_CALL(share_auto_box_key, emr_box_key *, emr_box_key_free);
#define AUTO_BOX_KEY __attribute__((cleanup(share_auto_box_key))) emr_box_key *

/* ---- parcel.c: one batch on its way ---- */

typedef struct parcel {
	emr_share *share;
	emr_batch_builder *batch;
	emr_id32 signer;
	uint64_t now;
	emr_buf item, part; /* of the operation in hand */
} parcel;

emr_status parcel_begin(emr_share *share, emr_signer who, parcel *out);
void parcel_end(parcel *p);
#define AUTO_PARCEL __attribute__((cleanup(parcel_end))) parcel
/* ACT continues its row; p->item becomes the item to seal a part for, p->part is emptied. */
emr_status parcel_prepare(parcel *p, emr_act *act);
/* The same for an act whose version and prev are set already. */
emr_status parcel_item(parcel *p, emr_act *act);
/* ACT with p->part. */
emr_status parcel_add(parcel *p, const emr_act *act, emr_id32 *out_id);
/* Signs, sends, follows.  EMR_CONFLICT, EMR_EPOCH, EMR_DENIED, EMR_REFUSED by the first item that
 * was refused (the others stand), whose code is kept. */
emr_status parcel_send(parcel *p);
/* ACT alone, which has no part, for WHO. */
emr_status parcel_send_one(emr_share *share, emr_signer who, emr_act *act);
/* As parcel_send, where what is refused has nothing to do with the others: a code for each item,
 * and EMR_OK unless the batch as a whole was refused. */
emr_status parcel_send_each(parcel *p, uint8_t *out_codes);
bool parcel_is_applied(uint8_t code);

/* ---- facts.c: this computer's copy ---- */

emr_status share_domain(emr_share *share, emr_id16 domain, emr_row_domain *out);
/* DOMAIN's card of its present epoch; NAME or BORN NULL: the handle's. */
emr_status share_make_card(emr_share *share, emr_id16 domain, uint64_t expires, const char *name,
	const char *born, emr_buf *out);
/* EMR_DENIED unless the domain's key grows from this keyring; *out_public is of the present epoch.
 */
emr_status share_own_domain(
	emr_share *share, emr_id16 domain, emr_row_domain *out_row, emr_domain_public *out_public);
emr_status share_epoch(emr_share *share, emr_id16 domain, uint32_t epoch, uint8_t out_A[32]);
emr_status share_item(emr_share *share, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, emr_buf *bytes, emr_replica_item *out);
emr_status share_part(emr_share *share, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, emr_buf *out);
/* The signing key behind SIGNER: the domain's, or one that it had, or a registered one's. */
emr_status share_signer_pk(emr_share *share, emr_id16 domain, const emr_row_domain *row,
	emr_id32 signer, uint8_t out_pk[32]);

/* A grant with its present terms and what its part shows in public. */
typedef struct grant_facts {
	emr_known_grant known;
	emr_grant_terms terms;
	emr_buf item, part;
	emr_grant_part read;
} grant_facts;
/* EMR_NOT_FOUND. */
emr_status share_grant_facts(emr_share *share, emr_id16 domain, emr_id16 grant, grant_facts *out);
/* The owner's note of a grant.  EMR_DAMAGED, EMR_NOT_FOUND: the part is gone. */
emr_status share_grant_note(emr_share *share, const emr_box_key *box, const emr_known_grant *known,
	emr_grant_note *out);
void grant_facts_free(grant_facts *facts);
#define AUTO_GRANT_FACTS __attribute__((cleanup(grant_facts_free))) grant_facts

/* Something that can be asked for: a content or a listing key. */
typedef struct capsule_facts {
	uint32_t epoch;
	uint8_t A[32], ctx[32], capsule[EMR_CAPSULE_BYTES];
	uint8_t wdek[EMR_WDEK_BYTES]; /* content */
	uint8_t kcheck[32];	      /* listing */
	emr_id32 writer;	      /* listing */
	emr_id32 item_id;
	uint64_t ledger_time;
	uint8_t op;
} capsule_facts;
/* EMR_NOT_FOUND: there is no such thing (any more). */
emr_status share_capsule(
	emr_share *share, emr_id16 domain, const emr_access_slot *slot, capsule_facts *out);

/* One live object, described. */
typedef struct record_facts {
	emr_replica_head head;
	emr_id32 signer;
	emr_buf plain, put_bytes;
	emr_meta meta;	  /* points into plain */
	emr_put_part put; /* when head.pversion is not 0; points into put_bytes */
	uint16_t put_flags;
	uint32_t put_epoch;
	emr_id32 put_signer;
	uint64_t put_seq;
} record_facts;
/* The keys that open the names of a domain: FIND has them of SHARED, a grant, or of OWN, the owner.
 */
typedef struct name_keys {
	emr_status (*find)(struct name_keys keys, emr_id32 listkey_id, const emr_list_key **out);
	struct emr_shared *shared;
	struct share_reader *own;
} name_keys;
/* EMR_DENIED is what FIND says when it has no such key.  OUT is zeroed memory or used before. */
emr_status share_record(
	emr_share *share, const emr_replica_head *head, name_keys keys, record_facts *out);
void record_facts_free(record_facts *facts);
#define AUTO_RECORD __attribute__((cleanup(record_facts_free))) record_facts

/* ---- believed.c */

/* The owner's last words about one record of a domain. */
typedef struct her_words {
	emr_share *share;
	name_keys keys;
	emr_id16 domain;
	uint8_t owner_pk[32], patient_pk[32];
	uint64_t version; /* 0: nothing */
	bool has_content;
} her_words;
/* OUT as share_record has it.  EMR_NOT_FOUND: she has said nothing of it. */
emr_status share_her_words(her_words *w, const emr_replica_head *head, record_facts *out);
/* META, another's of the root of a domain, becomes hers; of a file that is shared by itself the
 * bytes are a writer's to say. */
void share_take_root(emr_meta *meta, const emr_meta *hers);
/* RECORD, which the owner of ROW's domain is about to say again, becomes what she believes of it
 * when another has described it last. */
emr_status share_believe(
	emr_share *share, const emr_row_domain *row, name_keys keys, record_facts *record);

/* word.c: the owner of ROW's domain is about to seal RECORD's content, which KEY opens, again, and
 * whoever reads it then has her word that she, or who it says, has signed it. Content that the
 * owner put there, the owner made or judged then. EMR_BAD_SIGNATURE; EMR_UNSUPPORTED: without
 * records; those of emr_bundle_open. */
emr_status share_vouch(emr_share *share, const emr_row_domain *row, const record_facts *record,
	const emr_content_key *key);

/* Listing keys of one domain, each writer's newest of each epoch: published_key, ... appended. */
typedef struct published_key {
	emr_id16 object;
	emr_id32 listkey_id, writer;
	uint32_t epoch;
	uint64_t version;
} published_key;
emr_status share_list_keys(emr_share *share, emr_id16 domain, emr_buf *out);
/* The same with those before them: what was described with one stays under it. */
emr_status share_every_list_key(emr_share *share, emr_id16 domain, emr_buf *out);

/* ---- nearness.c ---- */

/* The organisations (16 bytes each, once) of whoever could read what is granted to GRANTEE, a
 * person's key or what grants to a team name, appended to OUT_ORGS.  No agent of theirs has a part
 * in it. */
emr_status share_near(emr_share *share, emr_id32 grantee, emr_buf *out_orgs);
bool share_is_near(const emr_buf *orgs, const uint8_t org[16]);
/* Whether by RIGHTS, a grant's, agents of the owner's organisation have a part in it all the same:
 * she names them, and no others of the readers'. */
static inline bool share_may_be_near(uint16_t rights)
{
	return (rights & EMR_GRANT_OWN_AGENTS) != 0;
}
/* Whether that is so of agents of ORG: who gave GRANT (NULL: me, one of RIGHTS) is of it. */
emr_status share_lets_near(emr_share *share, uint16_t rights, const emr_known_grant *grant,
	const uint8_t org[16], bool *out_lets);

/* ---- agents.c ---- */

/* Up to three, of organisations that are neither the owner's nor of anybody who reads, one each; by
 * RULE, bits of emr_away, also one of the owner's where there are fewer than two such
 * (*OUT_ARE_OWN: it is among them), or none. */
emr_status share_choose_agents(emr_share *share, const emr_known_person *grantee, uint16_t rule,
	emr_id32 out_agents[EMR_AGENTS_MAX], unsigned *out_n, bool *out_are_own);
/* Which of IDS are of the organisation of somebody who reads what GRANTEE is given, and may not be
 * by RIGHTS, those of GRANT (NULL: of one that is being made); *OUT_N of them into OUT (may be
 * NULL). */
emr_status share_agents_near(emr_share *share, emr_id32 grantee, uint16_t rights,
	const emr_known_grant *grant, const emr_id32 *ids, unsigned n, emr_id32 out[EMR_AGENTS_MAX],
	unsigned *out_n);
/* How many of N must agree: of two or more two, but for where the owner's own is among them, which
 * was let in so that they answer: one. */
static inline uint8_t share_must_agree(unsigned n, bool are_own)
{
	return n < 2 ? (uint8_t)n : are_own ? 1 : 2;
}
/* Which of the N that GRANT names release nothing any more: those who are near, and then those
 * whose keys have ended, or take no letter. */
emr_status share_agents_gone(emr_share *share, const emr_known_grant *grant, const emr_id32 *ids,
	unsigned n, emr_id32 out[EMR_AGENTS_MAX], unsigned *out_n);
/* With their present receiving keys, for fragments of a grant of RIGHTS for GRANTEE: those that are
 * near get a key that nobody has. */
emr_status share_agents(emr_share *share, emr_id32 grantee, uint16_t rights, const emr_id32 *ids,
	unsigned n, emr_agent out[EMR_AGENTS_MAX]);

/* received.c: a letter's card.  EMR_DAMAGED: not of the ledger's DOMAIN; errors of emr_card_read.
 */
emr_status share_read_card(emr_share *share, emr_id16 domain, emr_bytes bytes, emr_card *out);

/* ---- write.c ---- */

/* EMR_NOT_FOUND: no such row. */
emr_status share_writer_row(
	emr_share *share, emr_id16 domain, emr_id32 writer, emr_row_writer *out);

/* guardian.c: the first key of SIGNER, if that was a guardian in DOMAIN at entry SEQ; else zero. */
emr_status share_guardian_named(
	emr_share *share, emr_id16 domain, emr_id32 signer, uint64_t seq, emr_id32 *out_root);

/* ---- writers.c: who else may write in one's own domain ---- */

typedef struct known_writer {
	emr_id16 domain;
	emr_id32 writer, root; /* the key, and the person's first one */
	emr_row_writer row;
	uint64_t seq, ledger_time; /* of the entry of its newest WRITER_ADD, */
	emr_id32 item_id;	   /* and its operation */
	uint64_t ended_at; /* ledger time of its WRITER_DEL; 0: there is none behind the last ADD */
	bool is_hers;	   /* as it is now it is the owner's word, not a computer's of hers */
} known_writer;
/* Every right to write without MANAGE in DOMAIN, in every state: known_writer, ... appended; ROOT:
 * only that person's (NULL = all). */
emr_status share_known_writers(
	emr_share *share, emr_id16 domain, const emr_id32 *root, emr_buf *out_writers);
bool known_writer_is_alive(const known_writer *writer, uint64_t now_unix_s);
/* Before its time: a WRITER_DEL behind that only writes down what the date said. */
bool known_writer_was_ended(const known_writer *writer);

/* The rights by which GRANT's grantee may write there, from the row that came with it in its entry
 * and is in force; 0: none. */
emr_status share_writes_of(emr_share *share, const emr_known_grant *grant, uint16_t *out_rights);

typedef struct writer_terms {
	emr_id16 domain;
	const emr_known_person *writer;
	uint16_t rights;
	uint64_t not_after_unix_s;
	const char *label;
	emr_bytes card;
} writer_terms;
emr_status share_add_writer(parcel *p, const writer_terms *terms);
#define ENDS_IN_ONE 400 /* of a batch's 500 items */
/* GRANTS of one person (by his first key, ROOT) end, and with them, in the same batch, the right to
 * write that came with them and with none that stays; with ALL every right to write there, deposits
 * too.  REASON as in REVOKE.  *OUT_WRITERS (may be NULL): how many rights to write ended. */
emr_status share_end(emr_share *share, emr_id16 domain, emr_id32 root, const emr_id16 *grants,
	size_t n, bool all, uint8_t reason, size_t *out_writers);

/* ---- given.c ---- */

/* Why a grant was revoked, in REVOKE; 0: a person took it back. */
#define MOVED_OUT                                                                                  \
	1u /* what it was in lies no longer in the share, or it goes on through other agents: it   \
	      is given again */
#define WITH_OUTER 2u /* with the share around it */
emr_status share_revoke(emr_share *share, const emr_known_grant *grant, uint8_t reason);

/* ---- follower.c ---- */

/* Whether OTHER, as grants name who reads, goes on where FORMER does: the same reader, or a later
 * key of the same team. */
emr_status share_goes_on(
	emr_share *share, const uint8_t former[32], const uint8_t other[32], bool *out_does);
/* *OUT_SEQ: the entry with which the team that GRANT is to got a later key, whether that one was
 * given anything yet or is closed by now: who was let out has the key of GRANT, so nothing is given
 * to it any more.  0: GRANT is to a person, or to a team's last key, or the grant to a later one is
 * being made: who remains reads by this one until that stands. */
emr_status share_former_key_since(
	emr_share *share, const emr_known_grant *grant, uint64_t *out_seq);
/* Whether one of her grants to the same reader, of the same share, stands behind GRANT: it goes on
 * in its place, through other agents.  An error of the moment is given back. */
emr_status share_is_given_anew(emr_share *share, const emr_known_grant *grant, bool *out_is);

/* ---- placed.c ---- */

/* The signer who first put a domain where it lies, and the entry. */
typedef struct placement {
	emr_id32 by;
	uint64_t seq;
} placement;
/* *OUT_IS_ANOTHERS: by somebody who is, by now, neither the owner nor a computer of hers. */
emr_status share_placed_by_another(
	emr_share *share, emr_id16 domain, placement *out, bool *out_is_anothers);

/* ---- epoch.c, rewrap.c ---- */

/* The epoch of the newest fragments of GRANT; 0 when there are none. */
emr_status share_fragments_epoch(
	emr_share *share, const emr_known_grant *grant, uint32_t *out_epoch);

/* Reads what an own domain's records say; each listing key is opened once. */
typedef struct share_reader share_reader;
emr_status share_reader_new(emr_share *share, emr_id16 domain, share_reader **out);
void share_reader_free(share_reader *reader);
/* Reads VERSION of OBJECT; IS_CONTENT: that brought its bytes, or their keys. */
emr_status share_as_said(share_reader *reader, emr_id16 object, uint64_t version, bool is_content,
	record_facts *out);

/* STATUS, of something that is sealed for one of many, comes of what he or somebody else put on the
 * ledger, a receiving key that takes no letter for example.  He gets nothing then (which is
 * logged, WHAT), and keeps nobody else's key from being exchanged. */
emr_status share_pass_over(emr_status status, const char *what);
/* Adds KFRAGS of EPOCH to P; VERSION and PREV go on with it. */
emr_status share_add_fragments(parcel *p, const emr_grant_terms *terms, const uint8_t B[32],
	const emr_agent *agents, uint32_t epoch, uint64_t *version, emr_id32 *prev);
/* The owner's listing key of EPOCH goes into P unless the ledger has it. */
emr_status share_add_list_key(parcel *p, emr_id16 domain, uint32_t epoch);
/* device.c: the keys up to EPOCH, to each device of this person. */
emr_status share_add_device_letters(parcel *p, emr_id16 domain, uint32_t epoch);
/* Everything that its owner removed from DOMAIN is off the ledger; as let_go in share.h. */
emr_status share_let_go(const emr_share *share, emr_id16 domain);
/* All live records of DOMAIN into an epoch that knows nothing else; *out_n = wrapped again,
 * *out_left_out = what does not open, or is forged, and stays where nobody else gets it. */
emr_status share_hide_past(
	emr_share *share, emr_id16 domain, uint64_t *out_n, uint64_t *out_left_out);
/* Before a grant that another one took the place of ends: what was left out because its data was
 * elsewhere goes into the present epoch.  *OUT_IS_LATE: not all of it can be judged yet, and who
 * has the former grant would lose it. */
emr_status share_wrap_late(emr_share *share, emr_id16 domain, bool *out_is_late);
/* emr_share_tie, which also gives again what is among the grants SHUT (emr_id16, ..., NULL: none),
 * and ends that then.  *OUT_IS_LATE: as share_wrap_late, of one that stays; the rest is done. */
struct emr_nested;
emr_status share_tie_anew(emr_share *share, const struct emr_nested *tree, size_t n,
	const emr_buf *shut, uint64_t *out_changes, bool *out_is_late);
bool share_is_among(const emr_buf *grants, emr_id16 grant);

/* This is what the files about requests share: the row of a request to a person, and terms that
 * can be granted. */

bool request_terms_ok(uint16_t rights, uint32_t purposes, uint64_t until_unix_s);
/* Whether anybody would still want to hear of it. */
bool request_is_timely(const emr_known_request *known, uint64_t now);
/* EMR_NOT_FOUND, EMR_DAMAGED. */
emr_status request_row(emr_share *share, emr_id16 request, emr_row_request *out);
/* KNOWN, which this person sent, and what became of it. */
emr_status request_sent(emr_share *share, const emr_known_request *known, emr_share_request *out);
