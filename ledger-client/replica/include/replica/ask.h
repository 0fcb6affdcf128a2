/* Questions to this computer's verified copy of the ledger, as rows: each is a line of
 *questions.def with its SQL. It refuses to decide anything: what a row says is as it was verified,
 *and whether a grant, a key or a membership is in force is said of the row that the caller has in
 *hand.
 *
 *	emr_known_grant grant;
 *	EMR_ASK(asked, replica, GRANTS, .domain = domain);
 *
 *	while (emr_next(&asked, &grant))
 *		...
 *	return asked.status;
 *
 * Any thread, any number at once, one question within another. The rows are those of the moment
 * when the first was read. The bytes of a row are there until the next one. A block that is left
 * early ends its question. */
#pragma once

#include "replica/people.h"

typedef enum emr_question {
#define QUESTION(name, type, text) EMR_QUESTION_##name,
#include "replica/questions.def"
#undef QUESTION
	EMR_QUESTIONS
} emr_question;

/* A question is about those members that its line names. */
typedef struct emr_ask_about {
	emr_replica *replica;
	emr_id16 domain, object, team;
	emr_id32 who;	/* a signer, a root, a grantee or a submitter */
	uint64_t at;	/* entry */
	uint8_t family; /* of rows */
} emr_ask_about;

typedef struct emr_asking {
	emr_status status; /* EMR_OK when all rows were read; EMR_DAMAGED, EMR_IO, EMR_BUSY */
	emr_question question;
	emr_ask_about about;
	/* ask.c only */
	struct emr_chain *chain;
	struct sqlite3_stmt *statement;
	const struct opened *opened; /* the entry of this row */
	bool is_lent, is_own, is_over;
} emr_asking;

emr_asking emr_asking_of(emr_question question, emr_ask_about about);
/* Whether there is a next row, which is then in OUT_ROW, of the SIZE of the question's type. */
bool emr_asked_next(emr_asking *asked, void *out_row, size_t size);
void emr_asked_end(emr_asking *asked);

#define EMR_ASK(asked, which, name, ...)                                                           \
	__attribute__((cleanup(emr_asked_end))) emr_asking asked = emr_asking_of(                  \
		EMR_QUESTION_##name, (emr_ask_about){.replica = (which), __VA_ARGS__})
#define emr_next(asked, row) emr_asked_next(asked, row, sizeof *(row))
