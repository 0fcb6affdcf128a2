/* Tells a service manager that the folder answers, so that what needs the folder can wait for it.
 * It refuses to need a library for one datagram. */
#pragma once

/* READY=1 to the socket named in NOTIFY_SOCKET (a path, or @ and an abstract name), as
 * sd_notify(3) describes it.  Without that variable nothing happens; a failure is only logged. */
void emr_ready_tell(void);
