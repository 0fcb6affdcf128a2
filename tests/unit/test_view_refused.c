/* A removal that the ledger refuses is asked for less and less often, ends as failed with one
 * notice, and hinders nothing. */
#include "view_kit.h"

#include <limits.h>

#include "contract/codes.h"

#include "publish.h"

static emr_result refuses;		 /* with this; EMR_RESULT_APPLIED: nothing */
static unsigned asked, times = UINT_MAX; /* that it refuses */

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	if (refuses == EMR_RESULT_APPLIED || asked >= times)
		return __real_emr_ledger_submit(ledger, batch, out_answer);
	asked++;
	*out_answer = (emr_ledger_answer){.refusal = (uint8_t)refuses}; /* nothing is written */
	return EMR_OK;
}

static char told[400];

static void note(void *arg, const char *id, const char *path)
{
	(void)arg;
	snprintf(told + strlen(told), sizeof told - strlen(told), "%s %s;", id, path);
}

static void start(kit *k)
{
	refuses = EMR_RESULT_APPLIED;
	asked = 0;
	times = UINT_MAX;
	told[0] = 0;
	kit_open(k);
	k->options.notice = note;
	kit_restart(k);
	kit_mkdir(k, "A");
	kit_save(k, "A/x", "one");
	kit_wait_ms(k, 5000);
	kit_unlink(k, "A/x");
}

/* A run of the publisher, which looks at what is due only. */
static void tick(kit *k, int64_t seconds)
{
	for (int64_t i = 0; i < seconds; i++) {
		kit_wait_ms(k, 1000);
		assert_ok(publish_run(k->view, false));
	}
}

static emr_view_counts counts(kit *k)
{
	emr_view_counts c;

	emr_view_count(k->view, &c);
	return c;
}

/* By a clock that is years ahead, a certificate has ended. */
TEST(what_a_wrong_clock_had_refused_goes_on_when_it_is_right)
{
	SCENE(kit, k, start, kit_close);
	refuses = EMR_RESULT_KEY_DEAD;
	kit_text(&k, "A/y", "two");
	tick(&k, 600);
	assert_int_equal(counts(&k).failed, 2);
	assert_true(publish_is_idle(k.view));
	refuses = EMR_RESULT_APPLIED;
	tick(&k, 30);
	assert_int_equal(counts(&k).failed, 2);
	k.clock.unix_ns += INT64_C(3600000000000);
	tick(&k, 10);
	assert_int_equal(counts(&k).failed, 0);
	assert_int_equal(counts(&k).pending, 0);
	assert_string_equal(kit_attribute(&k, "A/y", "user.emrfs.state"), "confirmed 1/1");
	assert_false(kit_exists(&k, "A/x"));
}

TESTS(NULL, NULL)
