/* This file of the state keeps what the person asked others for, because only they can read the
 * letters; what the person said yes to until the grant stands on the ledger, and what Consents in
 * the folder ask for: in the sealed file EMR_STATE_ASKED. It refuses a file that was changed, and
 * more than EMR_ASKED_MAX rows. */
#pragma once

#include "contract/rows_share.h"
#include "share/request.h"

#define EMR_STATE_ASKED "asked"
#define EMR_ASKED_MAX 200

typedef enum emr_asked_kind {
	EMR_ASKED_MINE,	    /* I asked OWNER */
	EMR_ASKED_SAID_YES, /* OWNER (that person's first key) asked me: a grant in DOMAIN to that
			       person answers it */
	EMR_ASKED_CONSENT, /* a file of mine asks for OWNER (the present key): DOMAIN is zeros until
			      it was said yes to, and TOLD is my answer, once it stands. Kept until
			      UNTIL, so that the same file asks once */
} emr_asked_kind;

typedef struct emr_asked_for {
	emr_asked_kind kind;
	emr_id16 request;
	emr_id32 owner;	 /* signer id */
	emr_id16 domain; /* SAID_YES, CONSENT */
	uint64_t asked_at, until_unix_s;
	uint32_t purposes;
	uint16_t rights;
	uint8_t told; /* emr_share_request_state that its person has been told of */
	char path[EMR_REQUEST_PATH_MAX + 1];
	char reason[EMR_REQUEST_REASON_MAX + 1]; /* CONSENT: the path of the file */
} emr_asked_for;

typedef struct emr_asked_list {
	emr_asked_for *rows; /* oldest first; owned */
	size_t n;
} emr_asked_list;

/* Without a file: nothing.  EMR_DAMAGED, EMR_NEWER_FORMAT. */
emr_status emr_asked_load(const emr_keyring *keyring, int state_fd, emr_asked_list *out_list);
void emr_asked_free(emr_asked_list *list);
#define EMR_AUTO_ASKED __attribute__((cleanup(emr_asked_free))) emr_asked_list
/* How a grant that is called as a request belongs to the yes that ROW is: it is somebody else's; it
 * is for the one who asked, on other terms (another computer of the owner said them); or it is the
 * ordered one, and may be undone with it. */
typedef enum emr_asked_grant {
	EMR_ASKED_GRANT_ANOTHERS,
	EMR_ASKED_GRANT_HIS,
	EMR_ASKED_GRANT_ORDERED,
} emr_asked_grant;
emr_asked_grant emr_asked_compare(const emr_asked_for *row, const emr_row_grant *grant);
/* NULL: not there. */
emr_asked_for *emr_asked_find(const emr_asked_list *list, emr_id16 request);

/* One more, in the place of one of the same request; the oldest goes when there are too many.  One
 * change at a time, also between threads. */
emr_status emr_asked_add(const emr_keyring *keyring, int state_fd, const emr_asked_for *row);
/* EMR_NOT_FOUND. */
emr_status emr_asked_drop(const emr_keyring *keyring, int state_fd, emr_id16 request);
/* That its person has been told of STATE.  EMR_NOT_FOUND. */
emr_status emr_asked_told(
	const emr_keyring *keyring, int state_fd, emr_id16 request, emr_share_request_state state);
