/* These are the parts that a process runs beside an open folder, or beside the work of an agent.
 * The verb (mount, agent) starts each one by itself, and stops them all before it closes the
 * session. */
#pragma once

#include "deidentify/deidentify.h"
#include "kit/out.h"
#include "kit/places.h"
#include "mount/attendant.h"
#include "session/session.h"
#include "sharing/notices.h"
#include "view/received.h"

/* ---- behind.c ---- */
/* A verb that goes on behind its caller: the caller waits until what was begun answers, or says why
 * not. It refuses to let a caller go before that. */

/* Forks, before any key is in memory: locked memory is not inherited.  The child has RUN with a
 * descriptor for emr_behind_let_go, and ends with what it returns; the parent gets the code that
 * the child lets go with.  WHAT did not come about, if the child ends without a word. */
typedef int (*emr_behind_fn)(void *arg, int report_fd);
int emr_behind_run(emr_out *out, const char *what, emr_behind_fn run, void *arg);
/* In the child, once: nothing of ours holds the terminal or a pipe of the caller any more; then the
 * parent may go with CODE: at once when the child GOES_ON, also with a failure (its words could not
 * be written), else when it has ended. *REPORT_FD becomes -1; with -1 (in the foreground) nothing
 * happens. */
void emr_behind_let_go(int *report_fd, int code, bool goes_on);

/* ---- ready.c ---- */
/* Tells a service manager that the folder, or the agent, answers, so that what needs it can wait
 * for it. */

/* READY=1, with WHAT for people to read, to the socket named in NOTIFY_SOCKET (a path, or @ and an
 * abstract name), as sd_notify(3) describes it.  Without that variable nothing happens; a failure
 * is only logged. */
void emr_ready_tell(const char *what);

/* ---- serve.c ---- */
/* The mount's end of the socket: answers other verbs of the same user.
 * It refuses other users, frames it does not understand, and more than eight conversations at once.
 */

typedef struct emr_server emr_server;

/* Makes the runtime directory and the socket in it (0600), and starts the thread.  AGENT is NULL
 * for a folder; with it no part of SESSION but ledger and replica is open.  All borrowed until
 * stop. */
emr_status emr_server_start(const emr_places *places, emr_session *session, emr_notices *notices,
	emr_attendant *agent, emr_server **out_server, emr_problem *out_problem);
/* Ends all conversations, joins the threads, removes the socket.  NULL is fine. */
void emr_server_stop(emr_server *server);

/* ---- cert_watch.c ---- */
/* Renews the member's certificate while a folder is open, or an agent runs: both go on for longer
 * than a certificate lasts.  It refuses to begin where nobody renews it. */

typedef struct emr_cert_watch emr_cert_watch;

/* In a thread of its own.  *OUT_WATCH is NULL where no authority of the organisation's own gives
 * certificates.  HAS_TRIED: what was due was asked for a moment ago; otherwise it is now.  SESSION
 * and NOTICES (NULL: the log alone is told) are borrowed until stop. */
emr_status emr_cert_watch_start(
	emr_session *session, emr_notices *notices, bool has_tried, emr_cert_watch **out_watch);
/* Ends the thread; before the session is closed.  NULL is fine. */
void emr_cert_watch_stop(emr_cert_watch *watch);
void emr_cert_watch_free(emr_cert_watch *watch);

/* ---- publishing.c ---- */
/* The publisher of an open folder: made from the settings, at work as long as the folder is open.
 * It refuses to keep a folder closed: a node that cannot be used is a notice. */

typedef struct emr_publishing emr_publishing;

/* Speaks to nobody; sets session->publisher. */
emr_status emr_publishing_new(emr_session *session, emr_notices *notices,
	const emr_settings *settings, emr_publishing **out_publishing);
/* The session is open. A failure is logged, and nodes are then given nothing. */
void emr_publishing_start(emr_publishing *publishing);
/* Before the session is closed.  NULL is fine, for both. */
void emr_publishing_stop(emr_publishing *publishing);
void emr_publishing_free(emr_publishing *publishing);

/* ---- copy_scan.c ---- */
/* Looks at what participants give to de-identified datasets, before who reads it sees a byte: by
 * which rules it says that it was made, and, in a process without keys, what stands in it.  It
 * refuses to call anything a copy that it could not look at. */

/* Zeros at first. */
typedef struct emr_copy_scan {
	emr_deidentifier *deidentifier; /* NULL: not needed yet */
	emr_id32 terms_id;		/* whose rules it has */
	emr_id32 participant;		/* whose files it sees */
} emr_copy_scan;

/* emr_view_options.look_at_copy; ARG: an emr_copy_scan. */
emr_status emr_copy_scan_look(void *arg, const emr_copy_claim *claim, bool *out_is_copy);
void emr_copy_scan_end(emr_copy_scan *scan);

/* ---- code.c ---- */
/* This gives back the memory of program code that only the opening of a folder needs. */

/* Unmaps what is mapped of code and constants; what is needed again is mapped again when it is
 * touched, from the page cache.  Nothing that was written is touched, so it cannot fail. */
void emr_code_rest(void);
