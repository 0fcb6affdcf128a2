/* These functions list the shares, with whom and until when: the ledger's grants, orders that still
 * wait, and requests, which are shares that wait for a yes, received and sent. They refuse to call
 * confirmed what the ledger does not have, and to take an asker's word for a name or an
 * organisation: each is told as what it is. */
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
	EMR_SHARE_ASKED,     /* waits for a yes: this person's (EMR_ORDER_WAITS), or that of the
				other one (EMR_ORDER_ASKED) */
	EMR_SHARE_LATE,	     /* the same, and the time it asks for has passed */
	EMR_SHARE_APPROVED,  /* had its yes */
	EMR_SHARE_DENIED,
} emr_share_state;

#define EMR_SHARE_ID_BYTES 32

typedef struct emr_share_row {
	emr_id16 domain;
	emr_id16 grant;	 /* zero: not on the ledger */
	emr_order order; /* number 0: on the ledger.  Of a request what it says; no rights: sent by
			    me from another computer, and only id, state and times are known here */
	/* "g-7k2q", "r-4m8t": as short as it is alone here, for a person to read out; a minute
	 * later another's may begin so.  "" while there is none. */
	char id[EMR_SHARE_ID_BYTES];
	/* Of a request "r-" and all 26 letters, which no other has: what a command says, a file is
	 * called, a window sends. */
	char whole[EMR_SHARE_ID_BYTES];
	char *path;	   /* of a request in the asker's words; owned */
	emr_who who;	   /* the other one */
	emr_id32 guardian; /* of a request for WHO: the first key of who asks, a guardian; zero */
	emr_who asker;	   /* with GUARDIAN */
	uint16_t rights;   /* as in an order */
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
	uint64_t opened, opened_last_unix_s;	/* as the readers' computers say */
	uint64_t seq;				/* entry of a request; 0: a Consent's */
	uint64_t last_at;			/* when something was said of a request last */
	char words[EMR_REQUEST_REASON_MAX + 1]; /* of the other one: why it is asked for, or why
						   not; of a guardian's: whom a rule lets read */
} emr_share_row;

typedef struct emr_share_rows {
	emr_share_row *list; /* by path, then by name; requests: oldest first; owned */
	size_t n;
	uint64_t held_back; /* requests to me over the limit of one asker */
} emr_share_rows;

#define EMR_SHARES_OPENED 1u /* also counts who opened what, which reads every report */
#define EMR_SHARES_INNER 2u  /* with what stands in domains inside shared ones */
#define EMR_SHARES_PAST 4u   /* with what is over */
/* All that is given: of DOMAIN, or of everything (NULL). */
emr_status emr_shares_collect(emr_session *session, emr_crowd *crowd, const emr_id16 *domain,
	unsigned with, emr_share_rows *out_rows);
/* All that waits for a yes, or had its answer.  SHARE is used if it is not NULL: it remembers whose
 * letters are not mine. */
emr_status emr_shares_asked(emr_session *session, emr_share *share, emr_share_rows *out_rows);
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

/* The request that ID means, which is "r-" and letters that only one of ROWS has (or the letters
 * alone).  EMR_NOT_FOUND, EMR_CONFLICT. */
emr_status emr_shares_find(const emr_share_rows *rows, const char *id, const emr_share_row **out);

static inline bool emr_share_waits(const emr_share_row *row)
{
	return row->state == EMR_SHARE_ASKED || row->state == EMR_SHARE_LATE;
}

/* Waits for this person's yes, or had it. */
static inline bool emr_share_is_to_me(const emr_share_row *row)
{
	return row->order.kind == EMR_ORDER_WAITS;
}

/* The path of the Consent in this folder that asks, for WHO; "": who asks is WHO. */
static inline const char *emr_share_file(const emr_share_row *row)
{
	return emr_share_is_to_me(row) ? row->order.reason : "";
}

/* For whom this person asked, as a guardian; "": for oneself. */
static inline const char *emr_share_reader(const emr_share_row *row)
{
	return row->order.kind == EMR_ORDER_ASKED ? row->order.who : "";
}

/* "queued", "confirmed", "failed CAUSE", "open", "approved". */
void emr_share_state_text(const emr_share_row *row, char *out, size_t size);
/* The one who asks or is asked, "Dr Nuno Reis, Clínica Aurora", and what that is worth. */
void emr_share_who_text(const emr_share_row *row, char *out, size_t size);
/* The thing asked for, shown safely: "Imaging", or words for nothing; at most SIZE - 1 bytes, "..."
 * where it was cut. */
void emr_share_path_text(const emr_share_row *row, char *out, size_t size);
/* TEXT for a line, cut so; and where nothing in it can end the quotation marks around it. */
void emr_short_text(const char *text, char *out, size_t size);
void emr_quoted_text(const char *text, char *out, size_t size);
/* One request as .emrfs/requests/WHOLE.txt tells it. */
emr_status emr_share_request_file(const emr_share_row *row, emr_buf *out);
/* One of `emrfs share --json`, or of `emrfs request --json` (CROWD may be NULL then).  NULL without
 * memory. */
json_t *emr_share_json(emr_crowd *crowd, const emr_share_row *row);
/* Adds the whole ids of ROW, which no list shows: since_unix, grant_id, folder_id, grantee_id,
 * owner_id (hex), and the kind of the grantee.  False without memory. */
bool emr_share_json_ids(const emr_session *session, const emr_share_row *row, json_t *one);
/* Names of the organisations (or keys) that release: a list of texts.  NULL without memory. */
json_t *emr_share_agents_json(emr_crowd *crowd, const emr_id32 *agents, unsigned n);
