/* These functions end the rights of a removed computer of a person at an authority, and bring a
 * network of one computer into a directory. They refuse a directory with anything else in it. */
#pragma once

#include "base/id.h"
#include "keyring/cert.h"
#include "kit/message.h"
#include "kit/out.h"
#include "session/acting.h"

/* ---- device_leaving.c ---- */
/* A computer that was removed, in a network whose organisation has an authority of its own (Fabric
 * CA): the ledger has taken its certificate out of use, and the authority would go on renewing it.
 * It refuses nothing: what could not be told is said. */

typedef enum emr_device_left {
	EMR_DEVICE_LEFT_NOTHING, /* it had no certificate of an authority's */
	EMR_DEVICE_LEFT_ENDED,	 /* the authority gives it no more certificates */
	EMR_DEVICE_LEFT_KNOWN,	 /* the authority was not told */
} emr_device_left;

/* Tells the authority where this person may, as its administrator; else says what the
 * organisation has to do.  HANDLE: as which the authority knows the computer; "" when nobody says.
 */
emr_device_left emr_device_leave_authority(const emr_acting *acting, emr_id32 device,
	const char *name, emr_out *out, char out_handle[EMR_CERT_HANDLE_MAX + 1]);

/* ---- network_adopt.c ---- */
/* A network of one computer becomes one in a directory, which other computers of this user can
 * reach: ledger and blocks move there as they are, nothing is encrypted again. It refuses a
 * directory with anything else in it, and goes on where an interrupted move stopped. */

/* The folder must be closed and its lock held.  DIR absolute.  EMR_EXISTS: the ledger is in a
 * directory already. */
emr_status emr_network_adopt(
	int state_fd, const char *dir, emr_id16 device, emr_problem *out_problem);
