/* These are the conformance tests of ledgers once more, through the door that stands before a
 * ledger which may be away: a caller that opens it must see no difference. */
#include "ledger_kit.h"

static emr_status nothing_known(int dirfd, emr_buf *out_descriptor)
{
	(void)dirfd;
	(void)out_descriptor;
	return EMR_NOT_FOUND;
}

static emr_ledger *open_door(kit *k)
{
	emr_ledger *ledger = NULL;
	emr_ledger_options options = {.path = k->network,
		.submitter = k->keyring,
		.clock = &k->clock.clock,
		.known = nothing_known};

	assert_ok(emr_ledger_open(&options, &ledger));
	return ledger;
}

int main(int argc, char **argv)
{
	kit_backend behind_a_door = kit_embedded;

	behind_a_door.name = "behind a door";
	behind_a_door.open = open_door;
	kit_backend_in_use = &behind_a_door;
	return ledger_suite(argc, argv);
}
