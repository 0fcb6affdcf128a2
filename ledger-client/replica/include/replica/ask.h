/* Questions to this computer's verified copy of the ledger, as rows: each is a line of
 * questions.def with its SQL. It refuses to decide anything: a row says how it was verified, and
 * whether a grant, a key or a membership is in force is said of the row that the caller has in
 * hand. Points and credit are counted from the answers.
 *
 *	emr_known_grant grant;
 *	EMR_ASK(asked, replica, GRANTS, .domain = domain);
 *
 *	while (emr_next(&asked, &grant))
 *		...
 *	return asked.status;
 *
 * Any thread, any number at once, one question within another. The rows are those of the moment
 * when the first was read. A row's pointers are good until the next one. A block that is left early
 * ends its question. */
#pragma once

#include "replica/people.h"

typedef enum emr_question {
#define QUESTION(name, type, text) EMR_QUESTION_##name,
#include "replica/questions.def"
#undef QUESTION
	EMR_QUESTIONS
} emr_question;

/* The things that a question is about: those members that its line names. */
typedef struct emr_ask_about {
	emr_replica *replica;
	emr_id16 domain, object, team, org;
	emr_id32 who; /* a signer, a root, a grantee or a submitter */
	emr_id32 item;
	uint64_t at;	/* entry */
	uint8_t family; /* of rows */
} emr_ask_about;

typedef struct emr_named_object {
	emr_id16 domain, object;
} emr_named_object;

typedef struct emr_asking {
	emr_status status; /* EMR_OK when all rows were read; EMR_DAMAGED, EMR_IO, EMR_BUSY */
	emr_question question;
	emr_ask_about about;
	/* ask.c only */
	struct emr_chain *chain;
	struct sqlite3_stmt *statement;
	const struct opened *lent; /* the entry of this row */
	uint64_t n_read, size;	   /* items of the next entry, and entries; ABOUT.at goes along */
	int step;		   /* to the next of all entries; 0: of some */
	bool is_lent, is_over;
} emr_asking;

emr_asking emr_asking_of(emr_question question, emr_ask_about about);
/* Whether there is a next row, which is then in OUT_ROW, of the SIZE of the question's type. */
bool emr_asked_next(emr_asking *asked, void *out_row, size_t size);
void emr_asked_end(emr_asking *asked);
/* All rows, appended to OUT, where something slow is done with each. Not those that point to
 * bytes. */
emr_status emr_asked_all(emr_question question, emr_ask_about about, emr_buf *out);

#define EMR_ASK(asked, which, name, ...)                                                           \
	__attribute__((cleanup(emr_asked_end))) emr_asking asked = emr_asking_of(                  \
		EMR_QUESTION_##name, (emr_ask_about){.replica = (which), __VA_ARGS__})
#define EMR_ASK_ALL(out, which, name, ...)                                                         \
	emr_asked_all(EMR_QUESTION_##name, (emr_ask_about){.replica = (which), __VA_ARGS__}, out)
#define emr_next(asked, row) emr_asked_next(asked, row, sizeof *(row))

/* ---- points and credit ---- */

/* How many an account has, where they came from, and whom the ledger's entries speak for, as
 * anybody reads it.  An account is the first key of a person's chain, or the fund of a dataset
 * (contract/CONTRACT.md, Points). */

/* The account of the person with this KEY; a key that is not registered is its own. */
emr_status emr_replica_account(emr_replica *replica, emr_id32 key, emr_id32 *out_account);
/* The points of ACCOUNT; 0 where nobody has sent it any. */
emr_status emr_replica_points(emr_replica *replica, emr_id32 account, uint64_t *out_points);
/* EMR_DENIED: less than PRICE is put by for DATASET. */
emr_status emr_replica_can_pay(emr_replica *replica, emr_id16 dataset, uint64_t price);

typedef enum emr_movement_kind {
	EMR_MOVEMENT_MADE,     /* the organisations agreed on it */
	EMR_MOVEMENT_RECEIVED, /* from `other` */
	EMR_MOVEMENT_SENT,     /* to `other` */
	EMR_MOVEMENT_JOINED,   /* paid for joining `dataset` */
	EMR_MOVEMENT_FUNDED,   /* put by for `dataset` */
	EMR_MOVEMENT_REFUNDED, /* of that, what nobody was paid */
} emr_movement_kind;

typedef struct emr_movement {
	emr_movement_kind kind;
	bool is_out;	    /* the points went */
	uint64_t points;    /* more than 0 */
	uint64_t seq;	    /* entry */
	uint64_t at_unix_s; /* of the entry */
	emr_id32 batch_id;
	emr_id32 other;	  /* account: RECEIVED, SENT */
	emr_id16 dataset; /* JOINED, FUNDED, REFUNDED */
} emr_movement;

/* Appends what came into ACCOUNT and went out of it (emr_movement), oldest first; the sum is what
 * it has.  Reads every entry. */
emr_status emr_replica_movements(emr_replica *replica, emr_id32 account, emr_buf *out);

/* A reason for credit (MERITS), counted from applied items, each thing once however often it is
 * repeated, in the order of the accounts:
 *
 *   ACCESS_SERVED      an agent's: 1 for each record whose key it helped to release
 *   GRANT              a patient's: 1 for each grant of a domain to somebody of another
 * organisation than brought it, for the person who brought it, DATASET_JOIN       and for each
 * dataset that a domain joined PUT                a hospital's: 1 for each record that it left in a
 * domain under its own name
 */
typedef struct emr_merit {
	emr_id32 account;
	uint64_t seq; /* of its first item, or of one like it */
	uint16_t index, count;
	uint8_t op;
} emr_merit;
