/* A further computer of somebody whose network stands on Fabric: its certificate, by an invitation
 * of her organisation for a computer, and the word of the ledger that it brings batches under it.
 * It refuses an invitation for a person, of another network, or of another organisation. */
#pragma once

#include "network/joining.h"
#include "replica/people.h"

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
