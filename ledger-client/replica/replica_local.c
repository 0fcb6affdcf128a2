/* This file writes the local copies of a replica: parts that this computer has sealed for itself
 * beside the private parts. It puts none beside a part that is not there (any more). */
#include "replica_private.h"

typedef struct locals {
	const emr_replica_local *all;
	size_t n;
} locals;

static emr_status put_all(emr_replica *r, void *arg)
{
	const locals *l = arg;

	for (size_t i = 0; i < l->n; i++)
		EMR_TRY(emr_chain_put_local(r->writer, &l->all[i].at, l->all[i].sealed));
	return EMR_OK;
}

emr_status emr_replica_put_locals(emr_replica *replica, const emr_replica_local *all, size_t n)
{
	locals l = {.all = all, .n = n};

	if (!replica->has_locals)
		return EMR_READ_ONLY;
	return n == 0 ? EMR_OK : replica_write_alone(replica, put_all, &l);
}

static emr_status drop_all(emr_replica *r, void *arg)
{
	(void)arg;
	return emr_chain_drop_locals(r->writer);
}

emr_status emr_replica_drop_locals(emr_replica *replica)
{
	if (!replica->has_locals) /* there are none */
		return replica->is_still ? EMR_READ_ONLY : EMR_OK;
	EMR_TRY(replica_write_alone(replica, drop_all, NULL));
	emr_replica_forget_erased(replica);
	return EMR_OK;
}
