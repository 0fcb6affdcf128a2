/* These functions list the shares, with whom and until when: the ledger's grants and orders that
 * still wait, with names. They refuse to call confirmed what the ledger does not have. */
#pragma once

#include <jansson.h>

#include "share/give.h"
#include "sharing/sharing.h"

typedef enum emr_share_state {
	EMR_SHARE_QUEUED,    /* asked for, not on the ledger yet */
	EMR_SHARE_CONFIRMED, /* in force, or to come */
	EMR_SHARE_ENDING,    /* in force until the ledger has what was asked for */
	EMR_SHARE_FAILED,    /* asked for, and will not be tried again */
	EMR_SHARE_OVER,	     /* ended, by its time or taken back */
} emr_share_state;

#define EMR_SHARE_ID_BYTES 32

typedef struct emr_share_row {
	emr_id16 domain;
	emr_id16 grant;		     /* zero: not on the ledger */
	emr_order order;	     /* number 0: on the ledger */
	char id[EMR_SHARE_ID_BYTES]; /* "g-7k2q"; "" while there is none */
	char *path;		     /* owned */
	emr_who who;
	uint16_t rights; /* as in an order */
	uint32_t purposes;
	uint64_t since_unix_s, until_unix_s;
	emr_share_state state;
	bool is_deleted;     /* what is shared is in the folder no more: PATH is its name, and it is
				shared again when it comes back */
	bool is_inner;	     /* it stands there only because DOMAIN lies in what is shared */
	bool opens_away;     /* also while this folder is closed */
	const char *why_not; /* it does not open at this moment (sharing/opening.h); "": it does */
	uint8_t t, n;	     /* 0 of 0: it does not */
	emr_id32 agents[EMR_AGENTS_MAX];
	uint64_t opened, opened_last_unix_s; /* as the readers' computers say */
} emr_share_row;

typedef struct emr_share_rows {
	emr_share_row *list; /* by path, then by name; owned */
	size_t n;
} emr_share_rows;

/* Of DOMAIN, or of everything (NULL); grants that are over are not in it.  WITH_OPENED also counts
 * who opened what, which reads every report. */
emr_status emr_shares_collect(emr_session *session, emr_crowd *crowd, const emr_id16 *domain,
	bool with_opened, emr_share_rows *out_rows);
/* Of everything, with what stands in domains inside shared ones. */
emr_status emr_shares_collect_inner(
	emr_session *session, emr_crowd *crowd, emr_share_rows *out_rows);
/* Of everything, with what is over. */
emr_status emr_shares_collect_past(
	emr_session *session, emr_crowd *crowd, emr_share_rows *out_rows);
/* The shares, among those that can be read, of which nothing new opens while this folder is closed:
 * [{path who name organisation}], the first so many, and *OUT_N of all. The caller owns the list.
 */
#define EMR_SHARES_CLOSED_MAX 20
emr_status emr_shares_closed_json(emr_session *session, json_t **out_list, size_t *out_n);
void emr_shares_free(emr_share_rows *rows);
#define EMR_AUTO_SHARES __attribute__((cleanup(emr_shares_free))) emr_share_rows

/* Whom TEXT means among those of DOMAIN (NULL: of all ROWS): the name of a person there, whether or
 * not the ledger still lets that person act, or the id of a grant, "g-7k2q", for its holder.
 * EMR_NOT_FOUND; EMR_CONFLICT: several (OUT_IDS: their grants). */
emr_status emr_shares_who(const emr_share_rows *rows, const emr_id16 *domain, const char *text,
	emr_who *out_who, char *out_ids, size_t size);

/* "queued", "confirmed", "failed CAUSE". */
void emr_share_state_text(const emr_share_row *row, char *out, size_t size);
/* One of `emrfs share --json`.  NULL without memory. */
json_t *emr_share_json(emr_crowd *crowd, const emr_share_row *row);
/* Adds the whole ids of ROW, which no list shows: since_unix, grant_id, folder_id, grantee_id,
 * owner_id (hex), and the kind of the grantee.  False without memory. */
bool emr_share_json_ids(const emr_session *session, const emr_share_row *row, json_t *one);
/* Names of the organisations (or keys) that release: a list of texts.  NULL without memory. */
json_t *emr_share_agents_json(emr_crowd *crowd, const emr_id32 *agents, unsigned n);
