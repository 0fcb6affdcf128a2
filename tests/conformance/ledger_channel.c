/* These are the conformance tests of ledgers for one in a channel, through a backend that is
 * played. */
#include "channel_play.h"

int main(int argc, char **argv)
{
	kit_backend_in_use = play_kit();
	return ledger_suite(argc, argv);
}
