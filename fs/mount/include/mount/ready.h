/* Tells a service manager that the folder, or the agent, answers, so that what needs it can wait
 * for it. */
#pragma once

/* READY=1, with WHAT for people to read, to the socket named in NOTIFY_SOCKET (a path, or @ and an
 * abstract name), as sd_notify(3) describes it.  Without that variable nothing happens; a failure
 * is only logged. */
void emr_ready_tell(const char *what);
