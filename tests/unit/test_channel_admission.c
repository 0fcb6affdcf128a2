/* These tests read a channel whose peers bring the part of an admission, which has the CA of an
 * organisation, later than the registrations that are judged by it. The backend is played. */
#include "base/clock.h"
#include "base/worker.h"
#include "channel_play.h"
#include "folk_kit.h"
#include "ledger/backend.h"

static int begin(void **state)
{
	kit_backend_in_use = play_kit();
	return folk_begin(state);
}

AROUND_BY(end, (void)folk_end(NULL))

static void let_parts_be_late(uint8_t family)
{
	EMR_LOCKED(&play.lock);

	play.late_family = family;
}

/* Another directory of the channel, to which the part of the admission has not come. */
static emr_ledger *newcomer_opens(void)
{
	emr_ledger *ledger = NULL;
	emr_ledger_options options = {.path = printed("%s/newcomer", k.base),
		.submitter = boss.keyring,
		.clock = &k.clock.clock};

	let_parts_be_late(EMR_FAMILY_ORG);
	assert_ok(emr_network_meet(options.path, play.dir, emr_buf_view(&play.descriptor)));
	assert_ok(emr_ledger_open(&options, &ledger));
	return ledger;
}

TEST_IN(begin, end, a_registration_waits_for_the_ca_that_comes_later)
{
	EMR_AUTO_LEDGER newcomers = NULL;
	AUTO(emr_replica_auto) emr_replica *copy = NULL;
	emr_replica_options options = {.clock = emr_clock_system(), .state_dirfd = boss.state_fd};
	emr_ledger_absence absence = {.status = EMR_OK};
	emr_known_person person;
	uint64_t size = 0, all = 0;

	folk_admit_the_clinic();
	assert_ok(emr_ledger_size(ana.ledger, &all));
	newcomers = newcomer_opens();
	while (size < all)
		assert_ok(emr_ledger_size(newcomers, &size));
	emr_replica_close(boss.replica);
	boss.replica = NULL;
	options.ledger = newcomers;
	assert_ok(emr_replica_open(&options, &copy));
	assert_ok(emr_replica_catch_up(copy, NULL, NULL, NULL)); /* it lacks the part, too */
	assert_applied(folk_register_in_clinic(&lima, EMR_ROLE_CLINICIAN, "lima.clinic"));
	while (absence.status != EMR_OFFLINE) /* and is not damaged, or lost */
		emr_ledger_look(newcomers, &absence);
	assert_ok(emr_ledger_size(newcomers, &size));
	assert_int_equal(size, all);
	let_parts_be_late(0);
	while (size == all)
		(void)emr_ledger_size(newcomers, &size);
	while (emr_replica_catch_up(copy, NULL, NULL, NULL) != EMR_OK)
		;
	assert_ok(emr_replica_person(copy, lima.public.signer_id, &person));
}

TESTS(NULL, NULL)
