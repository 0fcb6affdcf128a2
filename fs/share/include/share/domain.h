/* These functions read the ledger's row of a domain, from this computer's own copy: its owner, its
 * epoch and its flags. They refuse a row that cannot be read. */
#pragma once

#include "contract/rows.h"
#include "replica/replica.h"

/* EMR_NOT_FOUND: no such domain is on the ledger.  EMR_DAMAGED.  Any thread. */
emr_status emr_domain_row(emr_replica *replica, emr_id16 domain, emr_row_domain *out_row);
