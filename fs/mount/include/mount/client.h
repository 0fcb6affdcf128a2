/* A verb's end of the socket: asks the process that keeps the folder open.
 * It refuses to talk to a process of another user. */
#pragma once

#include <sys/types.h>

#include "kit/frame.h"
#include "kit/places.h"
#include "kit/verbs.h"

typedef struct emr_client {
	int fd;	   /* -1 = closed */
	pid_t pid; /* of the process at the other end */
} emr_client;

/* Within so long whoever lives says how it is, on the busiest of computers, and beside gateways of
 * the ledger that say nothing, for each of which he waits five seconds. */
#define EMR_CLIENT_REPORT_MS 30000

#define EMR_CLIENT_CLOSED ((emr_client){.fd = -1})

/* EMR_NOT_FOUND when the folder is not open; OUT_PROBLEM then says "not-open" (or "in-use",
 * "no-keyring"). */
emr_status emr_client_open(
	const emr_places *places, emr_client *out_client, emr_problem *out_problem);
void emr_client_close(emr_client *client);
#define EMR_AUTO_CLIENT __attribute__((cleanup(emr_client_close))) emr_client

emr_status emr_client_send(
	emr_client *client, const emr_request *request, emr_problem *out_problem);
/* One answer with "ok" or another object of a series, owned by the caller.  A refusal of the mount
 * becomes OUT_PROBLEM and EMR_REFUSED. */
emr_status emr_client_receive(
	emr_client *client, int timeout_ms, json_t **out_object, emr_problem *out_problem);
emr_status emr_client_ask(emr_client *client, const emr_request *request, int timeout_ms,
	json_t **out_object, emr_problem *out_problem);
/* The one operand of ARGS, if there is one, as REQUEST's path in the folder that is open. */
emr_status emr_client_path(
	emr_client *client, const emr_args *args, emr_request *request, emr_problem *out_problem);
