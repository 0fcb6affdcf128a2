/* A computer that was removed, in a network whose organisation has an authority of its own (Fabric
 * CA): the ledger has taken its certificate out of use, and the authority would go on renewing it.
 * It refuses nothing: what could not be told is said. */
#pragma once

#include "keyring/cert.h"
#include "kit/out.h"
#include "session/acting.h"

typedef enum emr_device_left {
	EMR_DEVICE_LEFT_NOTHING, /* it had no certificate of an authority's */
	EMR_DEVICE_LEFT_ENDED,	 /* the authority gives it no more certificates */
	EMR_DEVICE_LEFT_KNOWN,	 /* the authority was not told */
} emr_device_left;

/* Tells the authority where this person may, as an administrator of hers; else says what the
 * organisation has to do.  HANDLE: as which the authority knows the computer; "" when nobody says.
 */
emr_device_left emr_device_leave_authority(const emr_acting *acting, emr_id32 device,
	const char *name, emr_out *out, char out_handle[EMR_CERT_HANDLE_MAX + 1]);
