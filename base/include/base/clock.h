/* The clock as a vtable, so that tests own time.  Refuses to decide anything: it only tells. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct emr_clock {
	int64_t (*unix_ns)(const struct emr_clock *clock); /* wall time, nanoseconds since 1970 */
	int64_t (*boot_ns)(
		const struct emr_clock *clock); /* CLOCK_BOOTTIME: goes on during suspend */
} emr_clock;

/* The computer's own clock; never NULL. */
const emr_clock *emr_clock_system(void);

static inline int64_t emr_clock_unix_ns(const emr_clock *clock)
{
	return clock->unix_ns(clock);
}
static inline uint64_t emr_clock_unix_s(const emr_clock *clock)
{
	return (uint64_t)(clock->unix_ns(clock) / 1000000000);
}
static inline int64_t emr_clock_boot_ns(const emr_clock *clock)
{
	return clock->boot_ns(clock);
}
