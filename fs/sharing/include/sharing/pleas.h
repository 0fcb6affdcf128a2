/* Requests for access, both ways, with names, as the ledger has them now: for `emrfs request`,
 * .emrfs/requests, notices and status.  It refuses to take an asker's word for who he is: name and
 * organisation are told as what they are. */
#pragma once

#include "kit/frame.h"
#include "people/who.h"
#include "session/session.h"
#include "sharing/asked.h"

#define EMR_PLEA_ID_BYTES 32

/* One request. */
typedef struct emr_plea {
	emr_id16 request;
	char id[EMR_PLEA_ID_BYTES]; /* "r-4m8t": as short as it is alone here */
	bool is_to_me;
	bool is_readable; /* sent by me from another computer: only id, state and times are known
			     here */
	emr_petition_state state;
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
} emr_plea;

typedef struct emr_pleas {
	emr_plea *list; /* oldest first; owned */
	size_t n;
	size_t waiting;	    /* open, to me */
	uint64_t held_back; /* open, to me, and over the limit of one asker */
} emr_pleas;

/* SHARE is used if it is not NULL: it remembers whose letters are not mine. */
emr_status emr_pleas_collect(const emr_session *session, emr_share *share, emr_pleas *out);
void emr_pleas_free(emr_pleas *pleas);
#define EMR_AUTO_PLEAS __attribute__((cleanup(emr_pleas_free))) emr_pleas

/* ID is "r-" and letters that only one has (or the letters alone).  EMR_NOT_FOUND, EMR_CONFLICT. */
emr_status emr_pleas_find(const emr_pleas *pleas, const char *id, const emr_plea **out);

/* "open", "over", "approved", "denied". */
const char *emr_plea_state_text(const emr_plea *plea);
/* "Dr Nuno Reis, Clínica Aurora", and what that is worth. */
void emr_plea_who_text(const emr_plea *plea, char *out, size_t size);
/* What is asked for, shown safely: "Imaging", or words for nothing; at most SIZE - 1 bytes, "..."
 * where it was cut. */
void emr_plea_path_text(const emr_plea *plea, char *out, size_t size);
void emr_plea_reason_text(const char *reason, char *out, size_t size);

/* ", to read and change", ", to leave files there"; "" when it is for reading alone. */
const char *emr_plea_besides(const emr_plea *plea);

/* A row of the JSON answer; NULL without memory. */
json_t *emr_plea_json(const emr_plea *plea);
/* One request as .emrfs/requests/ID.txt tells it. */
emr_status emr_plea_file(const emr_plea *plea, emr_buf *out);
