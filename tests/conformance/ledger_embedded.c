/* These are the conformance tests of ledgers for the embedded one, the SQLite file. */
#include "ledger_kit.h"

int main(int argc, char **argv)
{
	kit_backend_in_use = &kit_embedded;
	return ledger_suite(argc, argv);
}
