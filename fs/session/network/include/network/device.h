/* These functions make a further computer of a person a member of the same network, and end the
 * rights of a removed one. They refuse an invitation for a person, and a directory with anything
 * else in it. */
#pragma once

#include "base/id.h"
#include "keyring/cert.h"
#include "kit/message.h"
#include "kit/out.h"
#include "network/joining.h"
#include "replica/people.h"
#include "session/acting.h"

/* ---- device_joining.c ---- */
/* A further computer of somebody whose network stands on Fabric: its certificate, by an invitation
 * of the person's organisation for a computer, and the word of the ledger that it brings batches
 * under it. It refuses an invitation for a person, of another network, or of another organisation.
 */

/* An invitation from a file, to be used in DIR, the network of ME.  As emr_joining_read. */
emr_status emr_device_invitation(const char *from, const char *state, const char *dir,
	const emr_known_person *me, emr_joining *out, emr_problem *out_problem);
/* DEVICE's certificate, which it has then.  HANDLE is what it asks to be called; an organisation
 * may give another name. */
emr_status emr_device_certify(const emr_joining *joining, emr_keyring *device, const char *handle,
	int64_t within_ns, emr_problem *out_problem);
/* DEVICE, whose key is registered, names that certificate, in a batch that it brings itself.  OWN:
 * see emr_ledger_options; REPLICA is the person's, which has that registration. */
emr_status emr_device_name_certificate(const emr_joining *joining, const emr_keyring *device,
	const char *name, const char *own, emr_replica *replica);

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
