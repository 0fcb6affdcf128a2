/* A test waits for the keys that it asked for; an open folder asks, goes on, and collects when the
 * ledger has moved. */
#pragma once

#include "base/clock.h"
#include "replica/follower.h"
#include "share/read.h"

/* Follows the ledger by REPLICA, the copy of whoever asks, until ASK has an answer; EMR_TIMEOUT
 * after TIMEOUT_MS, with the names of those who are missing. */
static inline emr_status ask_wait(
	emr_replica *replica, emr_ask *ask, int timeout_ms, emr_share_trouble *out_trouble)
{
	const int64_t end =
		emr_clock_boot_ns(emr_clock_system()) + (int64_t)timeout_ms * INT64_C(1000000);
	emr_status status = emr_follow_now(replica);
	uint64_t size = 0;

	while (status == EMR_OK) {
		int64_t left;

		status = emr_ask_collect(ask, out_trouble);
		if (status != EMR_BUSY)
			return status;
		left = (end - emr_clock_boot_ns(emr_clock_system())) / 1000000;
		if (left <= 0)
			return EMR_TIMEOUT;
		status = emr_follow_wait(replica, &size, (int)left);
		if (status == EMR_TIMEOUT)
			status = EMR_OK;
	}
	return status;
}
