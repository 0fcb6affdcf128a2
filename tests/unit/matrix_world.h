/* Every operation that the contract serves, by every kind of signer, in every state of the row that
 * it moves or stands on: the cells of contract_matrix.txt.  It judges nothing: it says what the
 * contract answers. */
#pragma once

#include "test_contract_people.h"

enum column {
	COL_OWNER,
	COL_MANAGER,
	COL_PUT, /* a writer with this right alone */
	COL_META,
	COL_MKDIR,
	COL_ANY,       /* PUT and ANY */
	COL_WRITER,    /* all rights of writing; what is about a writer is about this one */
	COL_GUARDIAN,  /* with this right alone */
	COL_DEPOSITOR, /* a hospital, and the domain is an inbox */
	COL_GRANTEE,
	COL_MEMBER,  /* of the team; what takes a grant finds the team's */
	COL_PATIENT, /* the owner's identity, which is not the domain's key */
	COL_AGENT,
	COL_GATEWAY,
	COL_ADMIN,
	COL_ADMIN2,
	COL_STEWARD,
	COL_REGISTERED, /* somebody with a key and nothing else */
	COL_OVER,	/* he could write and manage here until now */
	COL_ENDED,	/* he could, and it was taken back */
	COL_STRANGER,
	COL_EXPIRED, /* the rightful signer (of what the owner signs, his device) with a key that is
			over */
	COL_ROTATED,
	COL_REVOKED,
	COL_REMOVED, /* of an organisation that was removed */
	COLUMNS
};

enum state {
	ST_ABSENT, /* the row that the operation moves */
	ST_THERE,  /* as the world has it: live, in force, open */
	ST_AGAIN,  /* the signer did the same before */
	ST_OTHERS, /* it is another's */
	ST_COMING,
	ST_OVER,
	ST_ENDED, /* revoked, closed, withdrawn, unlinked, dropped */
	ST_DONE,  /* approved */
	ST_DENIED,
	ST_ERASED,
	ST_NO_DOMAIN,
	ST_NO_GRANT,
	ST_GRANT_OVER,
	ST_GRANT_ENDED,
	ST_NO_TEAM,
	ST_TEAM_ENDED,
	ST_DIRECTORY,
	ST_OLD, /* a question of more than a day ago */
	STATES
};

/* Operations, some in several forms. */
enum form {
	FORM_KEY_REG = WHAT_COUNT, /* before: enum what */
	FORM_KEY_CERT,
	FORM_DOMAIN_NEW,
	FORM_EPOCH,
	FORM_LISTKEY,
	FORM_PUT,
	FORM_META,
	FORM_META_DIR,
	FORM_REWRAP,
	FORM_UNLINK,
	FORM_ERASE,
	FORM_ROOT_PUT, /* of the object that is the domain */
	FORM_ROOT_META,
	FORM_ROOT_META_DIR,
	FORM_ROOT_UNLINK,
	FORM_RESTORE_PART,
	FORM_RECOVER_REQ,
	FORM_RECOVER_CANCEL,
	FORM_RECOVER_SHARE,
	FORM_EMERGENCY,
	FORMS
};

extern const char *const column_names[COLUMNS];
extern const char *const state_names[STATES];
const char *form_name(int form);
uint8_t form_op(int form);
/* The states that FORM must have an answer for, as bits. */
uint32_t form_states(int form);
/* Returns the contract's answer: a result, or 1000 and more for the whole batch. */
int matrix_answer(int form, enum state state, enum column column);

/* ---- between matrix_world.c and matrix_states.c ---- */

/* Whose key signs FORM in COLUMN, and what he would send now. */
enum who matrix_signer(int form, enum column column);
people_item matrix_item(people *p, int form, enum column column);
/* The word on the card of what is prepared for an emergency. */
extern const uint8_t matrix_word[16];
/* After the signer took his place. */
void matrix_set_state(people *p, int form, enum state state, enum column column);
