/* From what somebody types to exactly one person or organisation, and from the ledger's ids back to
 * words. It refuses to guess: what fits nobody or several is answered with those who are near, and
 * nothing else. */
#pragma once

#include "people/book.h"
#include "session/registered.h"
#include "session/session.h"

typedef enum emr_who_kind {
	EMR_WHO_PERSON,
	EMR_WHO_TEAM,
	EMR_WHO_ORGANISATION, /* and its team of all staff, when it has one */
} emr_who_kind;

#define EMR_WHO_CALLED_MAX 255

typedef struct emr_who {
	emr_who_kind kind;
	emr_id32 id;   /* a person's present key; as ROOT for others */
	emr_id32 root; /* what grants name: a person's first key, a team's grantee; of an
			  organisation without staff its id and zeros */
	emr_id16 org;
	char called[EMR_WHO_CALLED_MAX +
		    1]; /* what one types for it: the book's name, or handle@organisation; no "/" */
	char name[256]; /* as a card or the registration has it; may be "" */
	char born[16];	/* of a card; "" when nobody said it */
	char organisation[EMR_ORGANISATION_NAME_MAX + 1];
	bool is_dataset;    /* a team of the readers of one: "dataset:NAME@organisation" */
	bool is_known;	    /* in the book of people */
	bool is_compared;   /* and the number was compared */
	bool is_registered; /* the ledger knows the key */
	bool is_active;	    /* and lets it act now */
} emr_who;

/* The book, read once for many questions.  One thread at a time. */
typedef struct emr_crowd {
	emr_keyring *keyring;
	emr_replica *replica;
	emr_bytes descriptor; /* borrowed from the ledger's handle */
	uint64_t now_unix_s;
	emr_book book;
} emr_crowd;

/* Uses keyring, state_fd, ledger and replica of SESSION.  EMR_DAMAGED, EMR_NEWER_FORMAT: the book.
 */
emr_status emr_crowd_open(const emr_session *session, emr_crowd *out_crowd);
void emr_crowd_close(emr_crowd *crowd);
#define EMR_AUTO_CROWD __attribute__((cleanup(emr_crowd_close))) emr_crowd

/* TEXT is what somebody is called in the book (or his full name or code, where one alone has it),
 * handle@organisation, team@organisation, dataset:NAME@organisation, or @organisation.
 * Organisations are compared without regard to case, accents and what is no letter or digit:
 * saolucas is "São Lucas".  EMR_NOT_FOUND (OUT_NAMES: who is near, may be ""), EMR_CONFLICT:
 * several (OUT_NAMES). */
emr_status emr_who_find(
	emr_crowd *crowd, const char *text, emr_who *out_who, char *out_names, size_t names_size);
/* The same for a verb: the problem is said. */
emr_status emr_who_find_or_say(
	emr_crowd *crowd, const char *text, emr_who *out_who, emr_problem *out_problem);
/* Who has the key ID, or had it first.  One whom nobody can name is called by his code. */
emr_status emr_who_of(emr_crowd *crowd, emr_id32 id, emr_who *out_who);

/* What stands for ORG where an id of 32 bytes is wanted: an organisation that has no team of all
 * staff. */
emr_id32 emr_who_org_id(emr_id16 org);
/* Whether both are the same person, or the same team, before and after it got another key. */
bool emr_who_is_same(const emr_who *a, const emr_who *b);
/* "Paula Lima, São Lucas": for people; control characters are shown as emr_show does. */
void emr_who_text(const emr_who *who, char *out, size_t size);
/* The same for IDS (emr_id32, ...), separated by "; ", each once; what does not fit is "...". */
void emr_who_names(emr_crowd *crowd, emr_bytes ids, char *out, size_t size);
/* Letters and digits of TEXT, in lower case and without accents of Latin-1; at most SIZE - 1 bytes.
 */
void emr_who_fold(const char *text, char *out, size_t size);
