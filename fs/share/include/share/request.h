/* These functions ask an owner for access, and answer such requests: by a letter on the ledger that
 * only its addressee can read, and whose addressee no third person can name. They refuse letters
 * that are addressed to another key, cards that are not the asker's, texts that mislead, and more
 * than a few open requests of one asker.
 *
 * Saying yes is two steps: a grant (share/give.h), then the word that it answers the request. */
#pragma once

#include "keyring/letters.h"
#include "keyring/access.h"
#include "keyring/grant.h"
#include "share/share.h"

/* Of one asker, the newest are given; of those that are answered already, as many again. */
#define EMR_SHARE_REQUESTS_OPEN_MAX 5
#define EMR_SHARE_REQUESTS_MAX 1000 /* of all askers together */
/* An open request that nobody answered for this long is over; answered ones are told of so long. */
#define EMR_SHARE_REQUEST_OPEN_S ((uint64_t)90 * 86400)
#define EMR_SHARE_REQUEST_ANSWERED_S ((uint64_t)30 * 86400)

typedef enum emr_share_request_state {
	EMR_SHARE_REQUEST_OPEN = 1, /* as the ledger counts them */
	EMR_SHARE_REQUEST_APPROVED,
	EMR_SHARE_REQUEST_DENIED,
	EMR_SHARE_REQUEST_WITHDRAWN,
} emr_share_request_state;

/* ---- who asks ---- */

typedef struct emr_share_request_order {
	emr_id32 owner;	   /* signer id of the person's present key */
	uint16_t rights;   /* EMR_RIGHTS_READ, _WRITE, _DEPOSIT (share/write.h) */
	uint32_t purposes; /* bit n = purpose n */
	uint64_t until_unix_s;
	const char *path;   /* in the asker's words, who may see no name there; "" = says nothing */
	const char *reason; /* "" = says nothing */
	const char *name, *born; /* for the asker's card; may be "" */
	emr_id32 agreement;	 /* which it signs (share/teams.h); zero: none */
	emr_id32 reader; /* for whom a guardian asks, by the first key; zero: for the asker */
	emr_id16 domain; /* with READER: the guardian's, in which PATH lies */
} emr_share_request_order;

/* EMR_NOT_FOUND: no such person; EMR_DENIED: that person may not act, or the asker may not;
 * EMR_INVALID: terms or texts, or it is oneself; EMR_REFUSED: emr_share_refusal says; ledger
 * errors. */
emr_status emr_share_request_send(
	emr_share *share, const emr_share_request_order *order, emr_id16 *out_request);
/* EMR_NOT_FOUND; EMR_DENIED: another's; EMR_CONFLICT: it is answered. */
emr_status emr_share_request_withdraw(emr_share *share, emr_id16 request);

/* The state of one's own request. */
typedef struct emr_share_request_answer {
	emr_share_request_state state;
	emr_id16 grant_domain, grant;		 /* APPROVED */
	char reason[EMR_REQUEST_REASON_MAX + 1]; /* DENIED; "" when none was given or it is gone */
} emr_share_request_answer;
/* EMR_NOT_FOUND: none, or not one's own. */
emr_status emr_share_request_look(
	emr_share *share, emr_id16 request, emr_share_request_answer *out);

/* ---- who is asked ---- */

typedef struct emr_share_request {
	emr_id16 request;
	bool is_mine;  /* of what it asks for only the other one can read: STATE, the times and the
			  REASON of a no are known */
	emr_id32 from; /* signer id */
	emr_share_request_state state;
	uint64_t seq;			/* entry of the request */
	uint64_t asked_at, ledger_time; /* of the request; of what was said last */
	uint16_t rights;
	uint32_t purposes;
	uint64_t until_unix_s; /* may have passed */
	bool has_card;	       /* a card of the key that signed the request, of this network */
	emr_card card;	       /* the asker's own words */
	uint8_t rsalt[32];
	char path[EMR_REQUEST_PATH_MAX + 1];
	char reason[EMR_REQUEST_REASON_MAX + 1]; /* the other one's; "" = none, or it is gone */
	emr_id32 reader; /* for whom FROM, a guardian, asks, by the first key; zero: for FROM */
	emr_id16 domain; /* with READER: in which PATH lies, as the asker says */
} emr_share_request;

typedef struct emr_share_request_tally {
	uint64_t held_back; /* to me, but over a limit */
	uint64_t damaged;   /* to me, but not as they must be */
} emr_share_request_tally;
/* My own requests, in no order, then those to me, oldest first; withdrawn ones and those that
 * nobody would want to hear of any more left out.  The handle remembers which are neither, so that
 * each letter is tried once.  emr_share_request, ... into OUT_REQUESTS, which is empty. *OUT_TALLY
 * may be NULL. */
emr_status emr_share_requests(
	emr_share *share, emr_buf *out_requests, emr_share_request_tally *out_tally);
/* One that is to me, in any state.  EMR_NOT_FOUND, EMR_DAMAGED. */
emr_status emr_share_request_get(emr_share *share, emr_id16 request, emr_share_request *out);
/* GRANT, which is one's own and in force, answers it; done already is done.  EMR_NOT_FOUND;
 * EMR_CONFLICT: it is answered otherwise, or withdrawn; EMR_DENIED. */
emr_status emr_share_request_approve(
	emr_share *share, emr_id16 request, emr_id16 grant_domain, emr_id16 grant);
/* REASON: UTF-8 without controls, may be "".  As above; EMR_INVALID. */
emr_status emr_share_request_deny(emr_share *share, emr_id16 request, const char *reason);

/* ---- guardian.c ---- */
/* A guardian acts for a person who has a keyring: reads and saves by a grant with
 * EMR_GRANT_GUARDIAN, until its date; asks the person's computer to open something to others, which
 * says yes by the rule of that grant; and ends what others read or write, at once. These functions
 * refuse a grant that the owner's own key did not sign, and to end what is another guardian's or
 * prepared for an emergency.
 *
 * A rule is text: how many seconds a share may last, and for whom, each behind a space: a person's
 * first key (64 hexadecimal digits), or an organisation, whose clinicians may have it (32). */

typedef struct emr_guardian_grant {
	emr_known_grant grant;
	char rule[EMR_GRANT_RULE_MAX + 1]; /* "": nobody; of a domain inside another always */
} emr_guardian_grant;
/* The guardian ROOT (first key) of DOMAIN, one's own: now (SEQ 0), or by the grant that was the
 * last before entry SEQ.  EMR_NOT_FOUND: there is none (any more). */
emr_status emr_share_guardian_of(
	emr_share *share, emr_id16 domain, emr_id32 root, uint64_t seq, emr_guardian_grant *out);
/* Whether RULE lets READER have something from ASKED_UNIX_S until UNTIL_UNIX_S. */
bool emr_guardian_allows(const char *rule, const emr_known_person *reader, uint64_t asked_unix_s,
	uint64_t until_unix_s);
/* Ends what ROOT (first key) reads and writes in DOMAIN, in which this person is a guardian, and in
 * the domains inside it.  *OUT_N: how many.  EMR_DENIED: no guardian (any more);
 * EMR_REFUSED: emr_share_refusal says. */
emr_status emr_guardian_end(emr_share *share, emr_id16 domain, emr_id32 root, size_t *out_n);
/* A guardian has ended what PERSON had in an own domain; first keys. */
typedef struct emr_guardian_mark {
	emr_id16 domain;
	emr_id32 guardian, person; /* GUARDIAN zero: it is none */
} emr_guardian_mark;
/* Of CHANGE, a REVOKE or WRITER_DEL that the ledger applied. */
emr_status emr_guardian_mark_of(
	emr_share *share, const emr_replica_change *change, emr_guardian_mark *out);

/* ---- emergency.c ---- */
/* A patient prepares, with a card, what two clinicians of an organisation may read in an emergency
 * while the patient can say nothing. These functions find what a card prepared, say why it must be
 * opened, and tell the patient who said so. They refuse to open anything by the word of one.
 *
 * Prepared is a grant with EMR_GRANT_TWO to the staff of the organisation, or to a team,
 * called after the word on the card and the hours that it is open; the ledger opens it (EMERGENCY).
 */

/* One grant that a card opens. */
typedef struct emr_emergency {
	emr_known_grant grant;
	emr_id16 via;			    /* the team that it is to */
	emr_id16 word;			    /* of the card */
	unsigned hours;			    /* that it is open by it */
	emr_id32 first, second;		    /* first keys of the clinicians; zero: nobody yet */
	uint64_t first_unix_s;		    /* when FIRST said why; 0: nobody, or that is over */
	uint64_t until_unix_s;		    /* open; 0: not yet */
	uint64_t version;		    /* of what was said last */
	char label[EMR_NOTE_LABEL_MAX + 1]; /* of one's own: what the folder is called */
} emr_emergency;
typedef enum emr_emergency_state {
	EMR_EMERGENCY_PREPARED,
	EMR_EMERGENCY_BEGUN, /* one has said why */
	EMR_EMERGENCY_OPEN,
	EMR_EMERGENCY_OVER, /* it was open */
} emr_emergency_state;
emr_emergency_state emr_emergency_state_at(const emr_emergency *e, uint64_t now_unix_s);

/* For how many hours the card with WORD opens GRANT, whose name says it; 0: it does not, or its
 * team cannot be read. */
unsigned emr_emergency_hours(emr_share *share, const emr_known_grant *grant, emr_id16 word);
/* GRANT, which two must open, and what was said of it.  EMR_NOT_FOUND: nothing yet; the rest of OUT
 * is said then. */
emr_status emr_emergency_of(emr_share *share, const emr_known_grant *grant, emr_emergency *out);
/* Every grant to this person's teams that the card with WORD opens; with NULL those that another
 * clinician has begun and nobody has opened: emr_emergency, ... appended. */
emr_status emr_emergency_find(emr_share *share, const emr_id16 *word, emr_buf *out);
/* Says REASON of all N.  It is no error that
 * something is open already, or that the same person said it before.  EMR_INVALID: the reason;
 * EMR_DENIED: this person is no clinician, or none of the team any more; EMR_CONFLICT: somebody
 * else spoke at the same moment; EMR_REFUSED: emr_share_refusal says. */
emr_status emr_emergency_say(
	emr_share *share, const emr_emergency *all, size_t n, const char *reason);
/* All that this person has prepared and that stands, with the word of each: emr_emergency, ...
 * appended. */
emr_status emr_emergency_own(emr_share *share, emr_buf *out);
/* One clinician's word about a grant. */
typedef struct emr_emergency_word {
	emr_id32 who, first; /* keys of the one who said it; and of the first, whom WHO seconded */
	uint64_t version;
	uint64_t until_unix_s; /* it opened until then; 0: it did not */
} emr_emergency_word;
/* Everything that was said of E, one's own, in order: emr_emergency_word, ... appended. */
emr_status emr_emergency_words(emr_share *share, const emr_emergency *e, emr_buf *out);
/* The reason in VERSION of what was said of E.  EMR_MISSING_DATA: it is not here (yet). */
emr_status emr_emergency_reason(emr_share *share, const emr_emergency *e, uint64_t version,
	char out[EMR_EMERGENCY_REASON_MAX + 1]);
