/* This file limits how much one may leave in another's Inbox in a day, and how large a file may be.
 * The network's rules say it, and the owner's computer neither fetches nor shows what is beyond
 * (deposits_limit.c), but nobody could tell the sender. So the sender's computer counts the
 * sender's deposits on the ledger and those that wait here, and takes no more than that. It does
 * not look at deposits of others there, nor at what became of any. */
#include "contract/codes.h"
#include "contract/rows.h"
#include "replica/rules.h"
#include "share/domain.h"

#include "foreign.h"
#include "node.h"

#define LATE_S 3600 /* older entries may have a later time than newer ones, by some minutes */

static emr_status is_inbox(const emr_view *view, emr_id16 domain, bool *out_is)
{
	emr_row_domain row;
	emr_status status = emr_domain_row(view->options.replica, domain, &row);

	*out_is = false;
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	*out_is = (row.head.flags & EMR_ITEM_INBOX) != 0;
	return EMR_OK;
}

/* ---- what the ledger has ---- */

/* Each entry is looked at once a day. */
static emr_status count_sent(const emr_view *view, shared_share *s, uint64_t day)
{
	uint64_t newest, n = 0;
	emr_replica_listing line;
	emr_public me;

	EMR_TRY(emr_keyring_public(view->options.keyring, &me));
	if (s->sent_day != day) {
		s->sent_day = day;
		s->sent_seq = s->sent = 0;
	}
	newest = s->sent_seq;
	EMR_ASK(asked, view->options.replica, RECENT_IN, .domain = s->domain);
	while (emr_next(&asked, &line)) {
		const emr_replica_item *item = &line.item;

		if (item->seq <= s->sent_seq || item->ledger_time + LATE_S < day * SHARED_DAY_S)
			break;
		if (item->seq > newest)
			newest = item->seq;
		n += line.result == EMR_RESULT_APPLIED && line.family == EMR_FAMILY_OBJECT &&
		     item->op == EMR_OP_PUT && item->version == 1 &&
		     item->ledger_time / SHARED_DAY_S == day &&
		     emr_id32_equal(item->signer_id, me.signer_id);
	}
	EMR_TRY(asked.status);
	s->sent_seq = newest;
	s->sent += n;
	return EMR_OK;
}

/* ---- what waits here ---- */

static bool is_waiting(const emr_view *view, const shared_share *s, const node *n)
{
	emr_replica_head head;

	if (!node_is_file(n) || (n->is_local && !tree_may_become(n)) || n->is_published ||
		shared_share_of(n) != s)
		return false;
	/* On its way: the ledger may have it, and this node has not heard of it. */
	return !n->in_run ||
	       emr_replica_head_get(view->options.replica, s->domain, n->id, &head) != EMR_OK;
}

emr_status foreign_check_deposit(emr_view *view, const node *directory)
{
	uint64_t day = (uint64_t)(view_now_ns(view) / 1000000000) / SHARED_DAY_S;
	shared_share *s = shared_share_of(directory);
	uint64_t waiting = 0;
	bool counts = false;
	emr_rules rules;
	emr_status status = s == NULL ? EMR_OK : is_inbox(view, s->domain, &counts);

	if (status != EMR_OK || !counts)
		return status;
	EMR_TRY(emr_rules_in_force(view->options.replica, &rules, NULL, NULL));
	EMR_TRY(count_sent(view, s, day));
	for (const node *n = NULL;
		s->sent < rules.deposits_a_day && (n = tree_next_elsewhere(view, n)) != NULL;)
		waiting += is_waiting(view, s, n);
	return s->sent + waiting < rules.deposits_a_day ? EMR_OK : EMR_QUOTA;
}

emr_status foreign_check_size(emr_view *view, const node *n)
{
	const shared_share *s = shared_share_of(n);
	bool counts = false;
	emr_rules rules;

	EMR_TRY(s == NULL ? EMR_OK : is_inbox(view, s->domain, &counts));
	if (!counts)
		return EMR_OK;
	EMR_TRY(emr_rules_in_force(view->options.replica, &rules, NULL, NULL));
	return n->size > rules.deposit_bytes ? EMR_TOO_BIG : EMR_OK;
}
