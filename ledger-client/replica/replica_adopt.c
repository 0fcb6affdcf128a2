/* This file says of which folders this computer keeps the private parts: of its own, and of
 * those that others share. It fetches them when a right begins. */
#include "replica_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>

typedef struct folder {
	emr_id16 domain;
	uint64_t n; /* parts that came in */
} folder;

static emr_status adopt(emr_replica *r, void *arg)
{
	folder *of = arg;

	return emr_chain_adopt(r->writer, of->domain.b, emr_ledger_fetch_for, r->ledger, &of->n);
}

static emr_status write_locked(
	emr_replica *r, emr_status (*what)(emr_replica *r, void *arg), void *arg)
{
	emr_status status;

	EMR_TRY(replica_lock_file(r));
	status = emr_chain_begin(r->writer);
	if (status == EMR_OK)
		status = emr_chain_end(r->writer, what(r, arg));
	(void)flock(r->lock_fd, LOCK_UN);
	return replica_own(r, status);
}

emr_status replica_write_alone(
	emr_replica *r, emr_status (*what)(emr_replica *r, void *arg), void *arg)
{
	EMR_LOCKED(&r->write_lock);

	return write_locked(r, what, arg);
}

emr_status emr_replica_adopt(emr_replica *replica, emr_id16 domain, uint64_t *out_n)
{
	folder of = {.domain = domain};

	EMR_TRY(replica_write_alone(replica, adopt, &of));
	if (out_n)
		*out_n = of.n;
	return EMR_OK;
}

/* ---- what others let me read ---- */

static bool is_kept(const emr_replica *replica, emr_id16 domain)
{
	for (size_t i = 0; i < replica->n_kept; i++)
		if (emr_id16_equal(replica->kept[i], domain))
			return true;
	return false;
}

bool replica_keeps(emr_replica *replica, emr_id16 domain)
{
	EMR_LOCKED(&replica->kept_lock);

	return is_kept(replica, domain);
}

emr_status emr_replica_keep(emr_replica *replica, emr_id16 domain)
{
	emr_status status = EMR_OK;
	emr_id16 *grown;
	EMR_LOCKED(&replica->kept_lock);

	if (!is_kept(replica, domain)) {
		grown = realloc(replica->kept, (replica->n_kept + 1) * sizeof *grown);
		if (grown != NULL) {
			replica->kept = grown;
			grown[replica->n_kept++] = domain;
		} else {
			status = EMR_NO_MEMORY;
		}
	}
	return status;
}
