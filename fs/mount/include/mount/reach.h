/* Verbs that need the open keyring: ask the mount when there is one, else open everything here,
 * with the passphrase. It refuses to open a second time what a mount has open. */
#pragma once

#include "kit/out.h"
#include "mount/client.h"
#include "session/answer.h"

typedef struct emr_reach {
	emr_places places;
	emr_client client;   /* open when the folder is */
	emr_session session; /* else this */
	char *folder;	     /* where it is open; NULL = nowhere; owned */
	bool is_study;	     /* it shows one dataset, and nothing of one's own */
} emr_reach;

#define EMR_REACH_CLOSED ((emr_reach){.client = EMR_CLIENT_CLOSED, .session = EMR_SESSION_CLOSED})

/* The open folder alone.  EMR_NOT_FOUND: none is. */
emr_status emr_reach_find(const emr_args *args, emr_reach *out_reach, emr_problem *out_problem);
emr_status emr_reach_open(const emr_args *args, emr_reach *out_reach, emr_problem *out_problem);
/* The verb's PATH, if there is one, into REQUEST. */
emr_status emr_reach_path(const emr_reach *reach, const emr_args *args, emr_request *request,
	emr_problem *out_problem);
/* Answers of verify, ledger or log, one object after the other, the last one with "done". */
emr_status emr_reach_ask(emr_reach *reach, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem);
void emr_reach_close(emr_reach *reach);
#define EMR_AUTO_REACH __attribute__((cleanup(emr_reach_close))) emr_reach
