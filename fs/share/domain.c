/* This file reads the row of a domain in this computer's copy of the ledger. A row that does not
 * parse is damage. */
#include "share/domain.h"

#include "contract/codes.h"

emr_status emr_domain_row(emr_replica *replica, emr_id16 domain, emr_row_domain *out_row)
{
	EMR_AUTO_BUF bytes = {0};
	emr_key_text key;

	emr_key_domain(domain.b, &key);
	EMR_TRY(emr_replica_state_get(replica, key.text, &bytes));
	return emr_row_domain_parse((emr_span){bytes.data, bytes.len}, out_row) == EMR_CONTRACT_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}
