/* These are the conformance tests of ledgers for one that a host serves over HTTPS. */
#include "served_kit.h"

int main(int argc, char **argv)
{
	kit_backend_in_use = &kit_served;
	return ledger_suite(argc, argv);
}
