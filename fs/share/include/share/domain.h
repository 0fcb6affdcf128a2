/* This reads what the ledger says of a domain, by this computer's own copy: whose it is, its
 * epoch and its flags. It refuses a row that cannot be read. */
#pragma once

#include "contract/rows.h"
#include "replica/replica.h"

/* EMR_NOT_FOUND: no such domain is on the ledger.  EMR_DAMAGED.  Any thread. */
emr_status emr_domain_row(emr_replica *replica, emr_id16 domain, emr_row_domain *out_row);
