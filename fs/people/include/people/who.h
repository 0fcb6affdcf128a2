/* This leads from typed words to exactly one person or organisation, and from the ledger's ids back
 * to words. It refuses to guess: words that fit nobody or several are answered with a list of near
 * ones, and nothing else. */
#pragma once

#include <jansson.h>

#include "people/book.h"
#include "replica/names.h"
#include "session/registered.h"
#include "session/session.h"

typedef enum emr_who_kind {
	EMR_WHO_PERSON,
	EMR_WHO_TEAM,
	EMR_WHO_ORGANISATION, /* and its team of all staff, when it has one */
} emr_who_kind;

#define EMR_WHO_CALLED_MAX 255
#define EMR_DATASET_PREFIX "dataset:" /* of the word by which one is given to its readers */

typedef struct emr_who {
	emr_who_kind kind;
	emr_id32 id;   /* a person's present key; as ROOT for others */
	emr_id32 root; /* what grants name: a person's first key, a team's grantee; of an
			  organisation without staff its id and zeros */
	emr_id16 org;
	char called[EMR_WHO_CALLED_MAX +
		    1]; /* what one types for it: the book's name, or handle@organisation; no "/" */
	char name[256]; /* the shown name: the one in the book, else the certificate's
			   (replica/names.h); "" when neither is here */
	char says[256]; /* the person's own words, on the card or at the registration: never in the
			   place of a name; "" when they are the same */
	uint64_t from_seq, until_seq; /* it is so for what was done in entries from the one on, and
					 before the other (UINT64_MAX: it still is) */
	char born[16];		      /* of a card; "" when nobody said it */
	char organisation[EMR_ORGANISATION_NAME_MAX + 1];
	bool is_dataset;    /* a team of the readers of one: "dataset:NAME@organisation" */
	bool is_known;	    /* in the book of people */
	bool is_compared;   /* the number was compared, with or without a card */
	bool is_registered; /* the ledger knows the key */
	bool is_active;	    /* and lets it act now */
	bool is_sharer; /* a patient without a card: SAYS and BORN are those of a share's letter */
	bool is_own_word; /* the owner gave the person no name: SAYS is the word of the card */
	unsigned number;  /* of the certificate's name: emr_known_name */
} emr_who;

/* The book, read once for many questions.  One thread at a time. */
typedef struct emr_crowd {
	emr_keyring *keyring;
	emr_replica *replica;
	emr_bytes descriptor; /* borrowed from the ledger's handle */
	uint64_t now_unix_s;
	emr_book book;
	const emr_session *session; /* whose shares name patients; NULL: SHARERS has them */
	emr_buf sharers;	    /* emr_received, ...: from the first question on */
} emr_crowd;

/* Uses keyring, state_fd, ledger and replica of SESSION.  EMR_DAMAGED, EMR_NEWER_FORMAT: the book.
 */
emr_status emr_crowd_open(const emr_session *session, emr_crowd *out_crowd);
void emr_crowd_close(emr_crowd *crowd);
#define EMR_AUTO_CROWD __attribute__((cleanup(emr_crowd_close))) emr_crowd

/* TEXT is a name in the book, else a handle that one member alone has in the network (by the
 * certificate, of whichever organisation), handle@organisation, team@organisation,
 * dataset:NAME@organisation, @organisation, or a code of EMR_KEY_CODE_NAMES letters or more; never
 * a person's own words, and no shorter code, which others' keys can be made to have. Organisations
 * are compared without regard to case, accents and what is no letter or digit: saolucas is "São
 * Lucas"; where two members are called so, nobody is found. EMR_NOT_FOUND (OUT_NAMES: who is near,
 * may be ""; OUT_WHO: the patient who alone calls herself so with what she shares, is_sharer, for a
 * number to be compared), EMR_CONFLICT: several (OUT_NAMES, with codes that can be typed). */
emr_status emr_who_find(
	emr_crowd *crowd, const char *text, emr_who *out_who, char *out_names, size_t names_size);
/* The same for a verb: the problem is said. */
emr_status emr_who_find_or_say(
	emr_crowd *crowd, const char *text, emr_who *out_who, emr_problem *out_problem);
/* Everybody of the ledger and the book whose key's code begins with CODE (LEN letters, in either
 * case), in OUT_NAMES with codes that can be typed; *OUT_OTHERS: how many of them are not BUT (may
 * be NULL).  For a code that is too short to name somebody. */
emr_status emr_who_alike(emr_crowd *crowd, const char *code, size_t len, const emr_who *but,
	char *out_names, size_t names_size, size_t *out_others);
/* Names the person who has the key ID, or had it first. A person without a known name is called by
 * the code. */
emr_status emr_who_of(emr_crowd *crowd, emr_id32 id, emr_who *out_who);
/* The same, named by the certificate that counted in entry SEQ, at the time of the deed: what came
 * later does not change what was done. CALLED, which a user types for that person, is that of now.
 */
emr_status emr_who_at(emr_crowd *crowd, emr_id32 id, uint64_t seq, emr_who *out_who);
/* Whether WHO, as emr_who_at gave it, is also the name of entry SEQ. */
bool emr_who_holds_at(const emr_who *who, uint64_t seq);

/* Stands for ORG where an id of 32 bytes is wanted: an organisation that has no team of all
 * staff. */
emr_id32 emr_who_org_id(emr_id16 org);
/* Whether both are the same person, or the same team, before and after it got another key. */
bool emr_who_is_same(const emr_who *a, const emr_who *b);
/* The name of WHO where the code stands behind it, as in the name of a directory: "ana" of the
 * book, "lima, São Lucas" of a certificate; "" when neither is here. */
void emr_who_name(const emr_who *who, char *out, size_t size);
/* The name of WHO alone, as the directory of what is shared is called: the one that the owner of
 * the book gave, else that of the certificate. *OUT_NUMBER: which of those who are called so; 0:
 * the name does not tell whose it is. "" and 0 when there is none. */
void emr_who_handle(
	const emr_crowd *crowd, const emr_who *who, char *out, size_t size, unsigned *out_number);
/* "lima, São Lucas (gives the name Paula Lima)": for people; control characters are shown as
 * emr_show does. */
#define EMR_WHO_TEXT_BYTES 900
void emr_who_text(const emr_who *who, char *out, size_t size);
/* How the person or team ID is called in one line, of SESSION that is open. */
emr_status emr_who_called(const emr_session *session, emr_id32 id, char out[EMR_WHO_TEXT_BYTES]);
/* For whom RULE, a guardian's (share/request.h), says yes, and how long: "lima, clinicians of São
 * Lucas (7 days at most)"; "": nobody. */
void emr_who_rule_text(emr_crowd *crowd, const char *rule, char *out, size_t size);
/* The same of what JSON has in the members who (CALLED), name, organisation, says and kind;
 * OTHERWISE: what stands for nobody. */
void emr_who_json_text(const json_t *who, const char *otherwise, char *out, size_t size);
/* The same for IDS (emr_id32, ...), separated by "; ", each once; what does not fit is "...". */
void emr_who_names(emr_crowd *crowd, emr_bytes ids, char *out, size_t size);
/* For organisations and what else is typed without care: emr_name_fold. */
static inline void emr_who_fold(const char *text, char *out, size_t size)
{
	emr_name_fold(text, out, size);
}
