/* A verb uses these functions to ask the process that keeps the folder open, over a socket, and
 * to wait until the ledger has what was asked for. They refuse to talk to a process of another
 * user, and to call done what is only asked for. */
#pragma once

#include <sys/types.h>

#include "kit/frame.h"
#include "kit/out.h"
#include "kit/places.h"
#include "kit/verbs.h"

typedef struct emr_client {
	int fd;	   /* -1 = closed */
	pid_t pid; /* of the process at the other end */
} emr_client;

/* A living mount says within this time how it is, on the busiest of computers, and beside gateways
 * of the ledger that say nothing, for each of which it waits five seconds. */
#define EMR_CLIENT_REPORT_MS 30000

#define EMR_CLIENT_CLOSED ((emr_client){.fd = -1})

/* EMR_NOT_FOUND when the folder is not open; OUT_PROBLEM then says "not-open" (or "in-use",
 * "no-keyring"). */
emr_status emr_client_open(
	const emr_places *places, emr_client *out_client, emr_problem *out_problem);
/* The same of the person called AS on this computer (--as; NULL: whose folder it is). */
emr_status emr_client_find(const char *as, emr_client *out_client, emr_problem *out_problem);
void emr_client_close(emr_client *client);
#define EMR_AUTO_CLIENT __attribute__((cleanup(emr_client_close))) emr_client

emr_status emr_client_send(
	emr_client *client, const emr_request *request, emr_problem *out_problem);
/* The trouble that OBJECT says: "error", "message" and "hint". */
void emr_client_take_problem(const json_t *object, emr_problem *out_problem);
/* One answer with "ok" or another object of a series, owned by the caller.  A refusal of the mount
 * becomes OUT_PROBLEM and EMR_REFUSED. */
emr_status emr_client_receive(
	emr_client *client, int timeout_ms, json_t **out_object, emr_problem *out_problem);
emr_status emr_client_ask(emr_client *client, const emr_request *request, int timeout_ms,
	json_t **out_object, emr_problem *out_problem);
/* Asks for what comes in several objects, the last one with "done", and gives all as one, owned by
 * the caller: lists stand behind each other, and of the rest the last counts.  Progress is shown on
 * OUT, in the words DOING (NULL: none comes). */
emr_status emr_client_gather(emr_client *client, const emr_request *request, int timeout_ms,
	emr_out *out, const char *doing, json_t **out_whole, emr_problem *out_problem);
/* OBJECT, which it takes, becomes part of the whole in WHOLE, a json_t ** (NULL at first): of
 * an emr_sink. */
emr_status emr_client_add(void *whole, json_t *object);
/* PATH, as it was typed (NULL: none was), as REQUEST's path in the folder that is open. */
emr_status emr_client_path(
	emr_client *client, const char *path, emr_request *request, emr_problem *out_problem);

/* ---- order_wait.c ---- */
/* --wait of the verbs that share and take back: until the open folder has it on the ledger.
 * It refuses to call done what is only asked for. */

/* The time that --wait says, or 60 s. EMR_INVALID. */
emr_status emr_order_wait_time(const emr_args *args, int64_t *out_ns);
/* Without --wait: EMR_OK at once.  EMR_TIMEOUT: not on the ledger yet; EMR_REFUSED: it failed, in
 * the words of FAILED ({path}, {who}, {cause}); both are said. */
emr_status emr_order_wait(emr_client *client, const emr_args *args, const char *path,
	const char *who, uint64_t order, emr_message failed, emr_problem *out_problem);
/* Looks for at most NS: *OUT_IS_DONE: the ledger has it.  EMR_REFUSED as above. */
emr_status emr_order_look(emr_client *client, const char *path, const char *who, uint64_t order,
	int64_t ns, emr_message failed, bool *out_is_done, emr_problem *out_problem);

/* ---- sending.c ---- */
/* These functions show on the terminal how much still waits for the ledger, while a verb waits
 * for it. They refuse to count what a program is still writing as sent. */

typedef struct emr_sending {
	bool has_begun;
	uint64_t sent, to_go; /* since the verb began to wait */
} emr_sending;

/* ANSWER is the mount's to `wait`. */
void emr_sending_show(emr_sending *sending, const json_t *answer, emr_out *out);
