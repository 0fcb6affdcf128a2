/* This tells who asked for the keys of which record of mine, who got them, and who reports to have
 * opened it: the sharing half of `emrfs log`. It refuses to mix what is proven with what is
 * reported. */
#pragma once

#include <jansson.h>

#include "report/dealings.h"
#include "session/session.h"
#include "share/audit.h"

#define EMR_NO_TEAM SIZE_MAX

typedef struct emr_opening {
	emr_audit_kind kind;
	uint64_t at, seq; /* of the ledger's entry */
	emr_id32 batch_id;
	emr_id16 domain, object;
	uint64_t item_version; /* of the row that was asked for */
	emr_id32 signer;
	size_t who;  /* in the list's people */
	size_t team; /* in the name of which team, there as well; EMR_NO_TEAM: in none */
	bool is_readable, is_names; /* names: of a whole folder */
	bool is_staff;		    /* an auditor's: of somebody's records, by numbers */
	uint8_t purpose;
	bool is_software;
	emr_report_row report; /* OPENED */
	bool is_by_owner;      /* RELEASED, or OPENED after such a release */
	unsigned given_count;
	emr_id32 given[EMR_AGENTS_MAX];
	uint32_t subject; /* of the chronicle */
	bool has_subject;
	uint64_t cver;	  /* version of the content; 0: not known */
	char *path;	  /* as it was then; owned; NULL: what said so was erased */
	unsigned records; /* of a question as a whole; 0: one record */
	char folder[9];	  /* then: the beginning of its number */
} emr_opening;

typedef struct emr_openings {
	emr_opening *list; /* in the order of the ledger; owned */
	size_t n, cap;
	emr_who *people; /* owned */
	size_t n_people;
	emr_dealing *dealings; /* in the order of the ledger, those that expired last and by their
				  time; owned */
	size_t n_dealings, cap_dealings;
	uint64_t damaged; /* questions and reports that do not open */
} emr_openings;

/* Everything about own folders, and what their owner gave and took back, since SINCE_UNIX_S; for an
 * auditor also what the staff of the auditor's organisation asked for.  The chronicle must have
 * caught up.  A question that nobody has answered is told after two minutes. */
emr_status emr_openings_collect(
	const emr_session *session, uint64_t since_unix_s, uint64_t now_unix_s, emr_openings *out);
/* As an auditor: each question of the staff of one's own organisation as one entry, with how many
 * records it was about. EMR_DENIED: no auditor. */
emr_status emr_openings_staff(
	const emr_session *session, uint64_t since_unix_s, uint64_t now_unix_s, emr_openings *out);
void emr_openings_free(emr_openings *openings);

/* One entry of the log, as emr_deed_json; NULL without memory. */
json_t *emr_opening_json(const emr_openings *openings, const emr_opening *opening);
/* "opened MRI.pdf v3 (whole)   reported; ...": what follows who it was. */
void emr_opening_line(FILE *to, const json_t *entry);
