/* What every backend of the ledger must do.  Put another one below it with kit_backend_in_use. */
#pragma once

/* Runs all tests; the process's exit code.  ARGV is for the children it starts of itself. */
int ledger_suite(int argc, char **argv);
