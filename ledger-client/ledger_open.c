/* This file opens a ledger: the embedded one, one that somebody else keeps, or one that may be
 * away. */
#include "ledger/ledger.h"
#include "ledger/backend.h"

emr_status emr_ledger_open(const emr_ledger_options *options, emr_ledger **out_ledger)
{
	if (options->known != NULL)
		return emr_absent_open(options, out_ledger);
	return options->host != NULL ? options->host(options, -1, out_ledger)
				     : emr_embedded_open(options, out_ledger);
}
