/* A network on a channel of Fabric is begun by whoever runs its backend. */
#include "network/founding.h"

emr_status emr_founding_begin(void *arg, const emr_network_made *made, emr_ledger **out_ledger)
{
	(void)arg;
	(void)made;
	(void)out_ledger;
	return EMR_UNSUPPORTED;
}
