/* Where a network stands in a channel, the hosts of its organisations sign each other's heads. This
 * file asks one's own host for the newest head that another organisation's host has signed, too,
 * and tells since when there is none. It believes a host's key only by the row that its
 * organisation's administrator has signed, and a head only where this copy has the same entries. */
#include <string.h>

#include "follow_private.h"
#include "ledger/checkpoint.h"
#include "replica/ask.h"
#include "replica_private.h"

#define EVERY_NS INT64_C(60000000000)

static bool is_signed_by(emr_replica *r, const emr_checkpoint *head, emr_id16 org)
{
	emr_row_host_key row;

	return emr_replica_host_key(r, org, &row) == EMR_OK &&
	       emr_checkpoint_verify(head, emr_checkpoint_host_id(row.key), row.key) == EMR_OK;
}

/* Of member organisations whose hosts have signed HEAD. */
static emr_status count_signers(emr_replica *r, const emr_checkpoint *head, unsigned *out_n)
{
	EMR_ASK(asked, r, ORGS);
	emr_known_org org;

	*out_n = 0;
	while (emr_next(&asked, &org))
		*out_n += org.row.head.state == EMR_ORG_MEMBER && is_signed_by(r, head, org.org);
	return asked.status;
}

static emr_status is_ours(emr_replica *r, const emr_checkpoint *head)
{
	uint8_t root[32];
	READING(own, r);

	EMR_TRY(head->size <= atomic_load(&r->reached) ? EMR_OK : EMR_NOT_FOUND);
	EMR_TRY(replica_reading_begin(&own));
	EMR_TRY(emr_chain_root(own.chain, head->size, root));
	return memcmp(root, head->root, sizeof root) == 0 ? EMR_OK : EMR_FORK;
}

/* EMR_NOT_FOUND: none that counts. */
static emr_status look(emr_replica *r, uint64_t *out_size, emr_ledger_trouble *out_trouble)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;
	unsigned n;

	EMR_TRY(emr_ledger_ask(r->ledger, EMR_ASK_WITNESSED, (emr_bytes){0}, &note));
	EMR_TRY(emr_checkpoint_parse(emr_buf_view(&note), &head));
	EMR_TRY(emr_id16_equal(head.net_id, emr_ledger_net_id(r->ledger)) ? EMR_OK : EMR_DAMAGED);
	EMR_TRY(count_signers(r, &head, &n));
	const emr_status status = n >= 2 ? is_ours(r, &head) : EMR_NOT_FOUND;
	if (status == EMR_FORK)
		*out_trouble = (emr_ledger_trouble){.status = EMR_FORK,
			.seq = head.size - 1,
			.cause = "hosts of several organisations have signed another history"};
	*out_size = status == EMR_OK ? head.size : 0;
	return status;
}

/* ---- who stands in for one's own host ---- */

void replica_name_hosts(emr_replica *r)
{
	emr_id32 keys[EMR_LEDGER_HOSTS_MAX];
	emr_ledger_standing standing = {.keys = keys};
	emr_row_host_key row;
	EMR_ASK(asked, r, ORGS);
	emr_known_org org;

	if (strcmp(emr_ledger_kind(r->ledger), "fabric") != 0)
		return;
	while (standing.n_keys < EMR_LEDGER_HOSTS_MAX && emr_next(&asked, &org))
		if (org.row.head.state == EMR_ORG_MEMBER &&
			emr_replica_host_key(r, org.org, &row) == EMR_OK)
			memcpy(keys[standing.n_keys++].b, row.key, sizeof row.key);
	(void)!emr_ledger_stand_in(r->ledger, &standing);
}

emr_status replica_pass_over(emr_replica *r, emr_status why, emr_ledger_trouble *io_trouble)
{
	emr_ledger_standing standing = {.shown = why};

	if ((why != EMR_FORK && why != EMR_DAMAGED && why != EMR_ROLLBACK) ||
		io_trouble->status != why || emr_ledger_stand_in(r->ledger, &standing) != EMR_OK)
		return why;
	*io_trouble = (emr_ledger_trouble){.status = EMR_OK};
	return EMR_OFFLINE;
}

emr_status emr_replica_host_of(emr_replica *replica, emr_id32 key, emr_known_org *out_org)
{
	emr_row_host_key row;
	EMR_ASK(asked, replica, ORGS);

	while (emr_next(&asked, out_org))
		if (emr_replica_host_key(replica, out_org->org, &row) == EMR_OK &&
			memcmp(row.key, key.b, sizeof row.key) == 0)
			return EMR_OK;
	return asked.status == EMR_OK ? EMR_NOT_FOUND : asked.status;
}

/* ---- what others have signed ---- */

void replica_look_for_witness(emr_replica *r, emr_ledger_trouble *out_trouble)
{
	const int64_t now_ns = emr_clock_boot_ns(emr_clock_system());
	witness *w = &r->heads.witness;
	uint64_t size = 0;
	emr_status status;

	if (!emr_replica_is_on_channel(r) || (w->is_known && now_ns < w->due_ns))
		return;
	replica_name_hosts(r);
	status = look(r, &size, out_trouble);
	w->due_ns = now_ns + EVERY_NS;
	if (emr_status_may_pass(status))
		return; /* nothing is known of it */
	/* A head that was signed once stays so. */
	if (size > atomic_load(&w->size))
		atomic_store(&w->size, size);
	atomic_store(&w->is_known, true);
}

emr_status emr_replica_alone_since(emr_replica *replica, uint64_t *out_unix_s)
{
	const uint64_t size = atomic_load(&replica->heads.witness.size);
	READING(own, replica);

	*out_unix_s = 0;
	if (!atomic_load(&replica->heads.witness.is_known) ||
		atomic_load(&replica->reached) <= size)
		return EMR_OK;
	EMR_TRY(replica_reading_begin(&own));
	/* Entry 0 is the network's description, and has no time. */
	return emr_chain_time(own.chain, size > 0 ? size : 1, out_unix_s);
}
