/* One person may have several computers: each device is a co-owner with a key of its own, and
 * opens a domain with the epochs' keys that it got by letter (WRITER_ADD with the right to
 * manage). The first computer, whose seed the domains grow from, adds and removes; a device
 * makes no domains and begins no epochs. It refuses to pass a domain on to a key that the ledger
 * does not have as this person's device. */
#pragma once

#include "share/share.h"
#include "share/strangers.h"

#define EMR_DEVICE_NAME_MAX 63

typedef struct emr_device {
	emr_id32 signer_id;
	char name[EMR_DEVICE_NAME_MAX + 1]; /* "" for the first computer */
	uint64_t added_unix_s, seen_unix_s; /* by the ledger's time: registered; it last saved,
					       renamed or removed something, 0 = never */
	bool is_this, is_first, is_active, only_reads;
} emr_device;
/* The first computer and every device, removed ones too, in the order of their ids, as this
 * computer's copy has them: emr_device, ... appended. */
emr_status emr_share_devices(emr_share *share, emr_buf *out_devices);

/* Registers DEVICE's key, endorsed by this person's, and passes every domain on to it, without a
 * right where it ONLY_READS.  NAME: 1 to 63 bytes; every reader of the ledger can read it.
 * Interrupted, it can be removed again by its name.  EMR_DENIED: this is no first computer;
 * EMR_EXISTS: a device that is not removed has that name; EMR_INVALID. */
emr_status emr_share_device_add(emr_share *share, emr_keyring *device, const char *name,
	bool only_reads, uint64_t not_after_unix_s);
/* Letters with all epochs' keys of all domains to every device that lacks one; *out_n how many.
 * After a new domain, a new epoch, or an addition that was interrupted.  Nothing to do on a device.
 */
emr_status emr_share_pass_on(emr_share *share, uint64_t *out_n);
/* The device's key is revoked, its rights end, and what it gave others ends with it; so does every
 * other key that may manage a domain and is no computer of this person's, and what such keys gave.
 * Every domain whose keys any of them has had begins a new epoch, for those who remain, also when
 * their rights were over before (emr_share_epoch_is_due).
 * *OUT_ENDED (may be NULL): each that ended besides the device's own rights, emr_stranger, ...
 * appended, also before an error.  Goes on where an interrupted call stopped.  EMR_DENIED as above;
 * EMR_NOT_FOUND. */
emr_status emr_share_device_remove(emr_share *share, emr_id32 device, emr_buf *out_ended);
/* The same for strangers alone; OUT_ENDED is there. */
emr_status emr_share_end_strangers(emr_share *share, emr_buf *out_ended);

/* As a device: which domains are this keyring's by letter, and their keys; brings their records
 * into this computer's copy. *out_some: there was something new.  Nothing to do on the first
 * computer. EMR_DENIED: this device was removed. */
emr_status emr_share_learn(emr_share *share, bool *out_some);
/* For who opens a copy: all that is new on the ledger, asked for once, where what others share is
 * kept and a device learns before and behind it; an entry of a domain that is neither kept nor
 * known as one's own would bring no parts.  *OUT_FOLLOWED: as emr_follow_now.  All that is done
 * from there on reads the copy as it stands. */
emr_status emr_share_begin(emr_share *share, emr_status *out_followed);
