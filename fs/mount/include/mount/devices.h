/* These functions list a person's computers, and keys that act as one without being one, for
 * `device`: from the open folder or from a keyring that was opened for it. They tell names and
 * days, and no key. */
#pragma once

#include <jansson.h>

#include "session/answer.h"
#include "share/devices.h"

typedef struct emr_devices_of { /* borrowed */
	const emr_keyring *keyring;
	emr_replica *replica;
	emr_bytes descriptor;
	emr_share *share;
} emr_devices_of;

/* [{name added_at seen_at this first}] of those that were not removed; *OUT is the caller's. */
emr_status emr_devices_json(const emr_devices_of *of, json_t **out);
/* One of `strangers`: {kind key organisation}; *OUT is the caller's. */
emr_status emr_stranger_json(const emr_devices_of *of, const emr_stranger *stranger, json_t **out);
/* All of them, each key once, whatever it may do in however many folders. */
emr_status emr_strangers_json(const emr_devices_of *of, json_t **out);

/* The open folder's answer: emits {"done":true,"devices":[...],"strangers":[...]}.  Nothing is
 * signed, so nobody needs a passphrase for it. */
emr_answer_fn emr_answer_devices;
