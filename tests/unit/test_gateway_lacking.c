/* These tests show when a private part that no peer takes is brought to the ledger again: soon
 * at first, then less and less often, and not for ever. */
#include "emr_test.h"

#include "host_private.h"

#define SIGNED UINT64_C(1800000000)
#define LATE_S 3u /* between the signing and the block that came without it */
#define DAY_S UINT64_C(86400)
#define LOOK_S 600u /* between two looks of an open folder */

TEST(the_first_time_is_half_a_minute_after_its_block)
{
	const uint64_t noted = SIGNED + LATE_S;

	assert_status(EMR_TIMEOUT, host_bring_when(SIGNED, noted, noted));
	assert_status(EMR_TIMEOUT, host_bring_when(SIGNED, noted, noted + 29));
	assert_ok(host_bring_when(SIGNED, noted, noted + 30));
}

/* As an open folder looks; until it is given up. */
TEST(a_month_has_forty_times_a_day_between_the_last_and_an_end)
{
	uint64_t now = SIGNED + LATE_S, before = now, last_pause = 0;
	emr_status status = EMR_TIMEOUT;
	unsigned times = 0;

	for (; status != EMR_NOT_FOUND && now < SIGNED + 60 * DAY_S; now += LOOK_S) {
		status = host_bring_when(SIGNED, before, now);
		if (status != EMR_OK)
			continue;
		assert_true(now - before + LOOK_S >= last_pause);
		last_pause = now - before;
		before = now;
		times++;
	}
	assert_status(EMR_NOT_FOUND, status);
	assert_in_range(now - SIGNED, 30 * DAY_S, 30 * DAY_S + 2 * LOOK_S + LATE_S);
	assert_in_range(times, 30, 45);
	assert_in_range(last_pause, DAY_S, DAY_S + LOOK_S);
}

TEST(a_folder_that_was_closed_for_long_brings_it_once_or_gives_it_up)
{
	assert_ok(host_bring_when(SIGNED, SIGNED + LATE_S, SIGNED + 20 * DAY_S));
	assert_status(
		EMR_TIMEOUT, host_bring_when(SIGNED, SIGNED + 20 * DAY_S, SIGNED + 21 * DAY_S - 1));
	assert_ok(host_bring_when(SIGNED, SIGNED + LATE_S, SIGNED + 30 * DAY_S));
	assert_status(
		EMR_NOT_FOUND, host_bring_when(SIGNED, SIGNED + LATE_S, SIGNED + 30 * DAY_S + 1));
}

TEST(a_clock_that_was_put_back_or_a_signing_ahead_of_it_stops_nothing)
{
	assert_ok(host_bring_when(SIGNED, SIGNED + DAY_S, SIGNED));
	assert_status(EMR_TIMEOUT, host_bring_when(SIGNED, SIGNED - DAY_S, SIGNED - DAY_S + 29));
	assert_ok(host_bring_when(SIGNED, SIGNED - DAY_S, SIGNED - DAY_S + 30));
	assert_ok(host_bring_when(UINT64_MAX, SIGNED, SIGNED + 30));
}

TESTS(NULL, NULL)
