/* This file keeps, beside private parts, what a computer has sealed for itself so that it needs
 * them less often. A copy lives exactly as long as its part. */
#include "chain_private.h"

emr_status emr_chain_make_locals(emr_chain *chain)
{
	return emr_sql_run(&chain->sql, chain_locals);
}

emr_status emr_chain_local(emr_chain *chain, const emr_part_key *key, emr_buf *out_sealed)
{
	emr_bytes sealed;
	sqlite3_stmt *s;
	emr_status status;

	EMR_TRY(chain_bind_key(chain, LOCAL_GET, key, &s));
	EMR_TRY(emr_sql_step(s));
	sealed = emr_sql_bytes(s, 0);
	emr_buf_clear(out_sealed);
	status = emr_buf_append(out_sealed, sealed.data, sealed.len);
	(void)sqlite3_reset(s);
	return status;
}

emr_status emr_chain_put_local(emr_chain *chain, const emr_part_key *key, emr_bytes sealed)
{
	sqlite3_stmt *s;

	EMR_TRY(chain_bind_key(chain, LOCAL_PUT, key, &s));
	emr_sql_bind(s, 5, sealed.data, sealed.len);
	return emr_sql_done(s);
}

emr_status emr_chain_drop_locals(emr_chain *chain)
{
	sqlite3_stmt *s;

	EMR_TRY(emr_sql_use(&chain->sql, LOCALS_DROP, &s));
	return emr_sql_done(s);
}
