/* The mount's end of the socket: answers other verbs of the same user.
 * It refuses other users, frames it does not understand, and more than eight conversations at once.
 */
#pragma once

#include "session/session.h"
#include "sharing/notices.h"

typedef struct emr_server emr_server;

/* Makes the runtime directory and the socket in it (0600), and starts the thread.  All borrowed
 * until stop. */
emr_status emr_server_start(const emr_places *places, emr_session *session, emr_notices *notices,
	emr_server **out_server, emr_problem *out_problem);
/* Ends all conversations, joins the threads, removes the socket.  NULL is fine. */
void emr_server_stop(emr_server *server);
