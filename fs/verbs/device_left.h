/* These functions show what a removed computer has left in folders that are shared, and end it
 * when the person says so. */
#pragma once

#include "mount/devices.h"
#include "verbs/cmd.h"

typedef struct device_left {
	const emr_args *args;
	emr_out *out;
	emr_devices_of of;
	emr_id32 device;
	const char *name;
	uint64_t since_unix_s; /* what is older is not asked about */
} device_left;
/* With its key revoked it does nothing more: what is shown is all that the yes is to. */
emr_status device_left_end(const device_left *left);
