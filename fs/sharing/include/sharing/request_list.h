/* These functions list requests for access, received and sent, with names, as the ledger has them
 * now: for `emrfs request`, .emrfs/requests, notices and status. They refuse to take an asker's
 * word for a name or an organisation: each is told as what it is. */
#pragma once

#include "kit/frame.h"
#include "people/who.h"
#include "session/session.h"
#include "share/request.h"
#include "sharing/orders.h"

#define EMR_LISTED_ID_BYTES 32

/* One request. */
typedef struct emr_listed_request {
	emr_id16 request;
	char id[EMR_LISTED_ID_BYTES];	 /* "r-4m8t": as short as it is alone here, for a person to
					    read out; a minute later another's may begin so */
	char whole[EMR_LISTED_ID_BYTES]; /* "r-" and all 26 letters, which no other has: what a
					    command says, a file is called, a window sends */
	bool is_to_me;
	bool is_readable; /* sent by me from another computer: only id, state and times are known
			     here */
	emr_share_request_state state;
	bool is_over; /* open, but the time it asks for has passed */
	emr_who who;  /* the other one */
	uint64_t seq; /* entry of the request */
	uint64_t asked_at, last_at, until_unix_s;
	uint32_t purposes;
	uint16_t rights;
	char path[EMR_REQUEST_PATH_MAX + 1];
	char reason[EMR_REQUEST_REASON_MAX + 1];
	char answer[EMR_REQUEST_REASON_MAX + 1]; /* why not; of one's own that was denied */
	uint8_t told; /* of one's own: state that its person was told of */
	/* A Consent in this folder asks, for WHO: its path, and REASON is "".  "": who asks is WHO.
	 */
	char file[EMR_REQUEST_REASON_MAX + 1];
} emr_listed_request;

typedef struct emr_request_list {
	emr_listed_request *list; /* oldest first; owned */
	size_t n;
	size_t waiting;	    /* open, to me */
	uint64_t held_back; /* open, to me, and over the limit of one asker */
} emr_request_list;

/* SHARE is used if it is not NULL: it remembers whose letters are not mine. */
emr_status emr_request_list_collect(
	const emr_session *session, emr_share *share, emr_request_list *out);
void emr_request_list_free(emr_request_list *requests);
#define EMR_AUTO_REQUEST_LIST __attribute__((cleanup(emr_request_list_free))) emr_request_list

/* ID is "r-" and letters that only one has (or the letters alone).  EMR_NOT_FOUND, EMR_CONFLICT. */
emr_status emr_request_list_find(
	const emr_request_list *requests, const char *id, const emr_listed_request **out);

/* "Dr Nuno Reis, Clínica Aurora", and what that is worth. */
void emr_listed_request_who_text(const emr_listed_request *listed, char *out, size_t size);
/* The thing asked for, shown safely: "Imaging", or words for nothing; at most SIZE - 1 bytes, "..."
 * where it was cut. */
void emr_listed_request_path_text(const emr_listed_request *listed, char *out, size_t size);
void emr_listed_request_reason_text(const char *reason, char *out, size_t size);

/* ", to read and change", ", to leave files there"; "" when it is for reading alone. */
const char *emr_listed_request_besides(const emr_listed_request *listed);

/* A row of the JSON answer; NULL without memory. */
json_t *emr_listed_request_json(const emr_listed_request *listed);
/* One request as .emrfs/requests/WHOLE.txt tells it. */
emr_status emr_listed_request_file(const emr_listed_request *listed, emr_buf *out);
