/* This kit plays a writer whose computer does not look at its own rights: it says all that it would
 * refuse, and only others are in the way. Linked with --wrap=foreign_domain_may. */
#include "emr_test.h"

#include "foreign_domain.h"

WRAPPED(emr_status, foreign_domain_may, const foreign_domain *g, const emr_change *change,
	const emr_replica_head *head)
{
	(void)g, (void)change, (void)head;
	return EMR_OK;
}
