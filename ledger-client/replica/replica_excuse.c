/* This file judges a restart of the ledger's host that this computer has not seen: whether it may
 * take entries away from the copy, and whether it explains why the host shows fewer; and whether
 * the copy has come to rules that this program does not know, or is the newest while the ledger is
 * away. It cuts nothing itself. */
#include "replica_private.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "contract/contract.h"
#include "follow_private.h"
#include "ledger/backend.h"
#include "ledger/checkpoint.h"
#include "ledger/restart.h"

typedef struct asking {
	emr_replica *r;
	uint64_t size, ledger_size;
	bool differs;	/* the host shows other entries than the copy has, or fewer */
	bool is_short;	/* the copy does not reach one of them yet, and the ledger does */
	bool has_taken; /* one that explains that */
} asking;

/* No entry goes that came after the host was heard, or after the restart itself: that would be cut
 * out of what the host had taken since.  The host's own time says little about a host that lies, so
 * the earliest of those who were heard counts.  They spoke when the last entry that stays was long
 * on the ledger: a clock that says otherwise is wrong (a dead one begins at 1970), and says nothing
 * for or against any entry; but that of an administrator of one organisation has to be right. */
static emr_status is_older_than_all(const asking *a, emr_restart *restart, bool *out_is)
{
	EMR_AUTO_BUF orgs = {0};
	uint64_t first = restart->said.sigs[0].time, last_kept = 0, time = 0, n = 0;

	EMR_TRY(emr_chain_time(a->r->writer, restart->said.size - 1, &last_kept));
	for (size_t i = 0; i < restart->n_heard; i++) {
		time = restart->heard[i].sigs[0].time;
		if (time + EMR_CLOCKS_APART_S >= last_kept) {
			restart->heard[n++] = restart->heard[i];
			first = time < first ? time : first;
		}
	}
	restart->n_heard = n;
	EMR_TRY(emr_restart_orgs(restart, a->r->writer, &orgs));
	*out_is = orgs.len == 0;
	EMR_EACH (const emr_restart_org, org, &orgs)
		*out_is = *out_is || org->is_heard;
	for (uint64_t seq = restart->said.size; seq < a->size && *out_is; seq++) {
		EMR_TRY(emr_chain_time(a->r->writer, seq, &time));
		*out_is = time <= first;
	}
	return EMR_OK;
}

static bool is_known(const emr_replica *r, const emr_restart *restart)
{
	for (size_t i = 0; i < r->heads.restarts.n; i++)
		if (emr_id16_equal(r->heads.restarts.list[i].recovery, restart->said.recovery))
			return true;
	return false;
}

static emr_status judge(asking *a, emr_restart *restart, bool *out_is_good)
{
	emr_status status = emr_ledger_knows(a->r->ledger, &restart->said);

	if (status == EMR_OK ||
		status == EMR_UNSUPPORTED) /* in its own directory it signs nothing */
		status = emr_restart_check(restart, a->r->writer);
	*out_is_good = status == EMR_OK;
	if (status == EMR_ROLLBACK)
		a->is_short = a->is_short || restart->said.size <= a->ledger_size;
	if (status == EMR_OK && a->differs)
		return is_older_than_all(a, restart, out_is_good);
	if (status == EMR_OK || status == EMR_ROLLBACK)
		return EMR_OK;
	emr_log(EMR_LOG_WARN, "replica: a restart of the host is not believed: %s",
		emr_status_text(status));
	return status != EMR_AWAITED && emr_status_may_pass(status) ? status : EMR_OK;
}

static emr_status take_one(asking *a, emr_restart *restart)
{
	const bool takes_away = a->differs && a->size > restart->said.size;
	known_restarts *all = &a->r->heads.restarts;
	emr_known_restart *at = &all->list[all->n];
	bool is_good = false;

	if (!is_known(a->r, restart))
		EMR_TRY(judge(a, restart, &is_good));
	if (!is_good)
		return EMR_OK;
	if (all->n == EMR_REPLICA_RESTARTS_MAX)
		return EMR_LIMIT;
	*at = (emr_known_restart){.recovery = restart->said.recovery,
		.size = restart->said.size,
		.unix_s = restart->said.sigs[0].time};
	memcpy(at->root, restart->said.root, sizeof at->root);
	all->n++;
	a->has_taken = takes_away;
	emr_log(EMR_LOG_WARN, "ledger: its host went on with %llu entries after some were lost",
		(unsigned long long)restart->said.size);
	return replica_restart_is(a->r, takes_away ? EMR_RESTART_WAITS : EMR_RESTART_FITS);
}

static void drop_ahead(emr_replica *r)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;

	if (r->heads.ahead > 0 &&
		emr_file_read(r->dirfd, REPLICA_AHEAD, EMR_CHECKPOINT_MAX, &note) == EMR_OK &&
		emr_checkpoint_parse(emr_buf_view(&note), &head) == EMR_OK &&
		replica_is_before_restart(r, &head))
		replica_reached(r, r->heads.ahead);
}

/* One that the copy does not reach can say nothing yet, but that what the host had signed for
 * others is not waited for (replica_follow.c).  One behind what is gone fits the new copy. */
static emr_status ask(asking *a)
{
	known_restarts *all = &a->r->heads.restarts;
	EMR_AUTO_FREE emr_restart *restart = malloc(sizeof *restart);
	EMR_AUTO_BUF bytes = {0};
	emr_reader r;
	emr_status status = restart == NULL ? EMR_NO_MEMORY
			    : all->is_bad || a->r->is_still
				    ? EMR_UNSUPPORTED
				    : emr_ledger_ask(a->r->ledger, EMR_ASK_KEPT EMR_RESTARTS,
					      (emr_bytes){0}, &bytes);

	for (r = emr_reader_of(emr_buf_view(&bytes));
		status == EMR_OK && r.left > 0 && !a->has_taken;) {
		status = emr_restart_read(&r, restart);
		if (status == EMR_OK)
			status = take_one(a, restart);
	}
	all->is_short = a->is_short;
	drop_ahead(a->r);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status replica_excuse(emr_replica *r, uint64_t size, uint64_t ledger_size, emr_status why,
	emr_ledger_trouble *io_trouble)
{
	asking a = {.r = r,
		.size = size,
		.ledger_size = ledger_size,
		.differs = why == EMR_FORK || ledger_size < size};
	emr_status status;

	why = replica_pass_over(r, why, io_trouble);
	if (why != EMR_OK)
		r->heads.restarts.is_asked = false;
	if ((why != EMR_ROLLBACK && why != EMR_FORK) || r->heads.is_forked ||
		size < r->mark.frontier.size)
		return why;
	/* Nobody is accused where this computer forgot what would explain it. */
	if (r->heads.restarts.is_bad && why == EMR_FORK)
		return give_trouble(io_trouble, EMR_DAMAGED, 0, REPLICA_RESTARTS " is damaged");
	status = ask(&a);
	if (status == EMR_OK && (a.differs ? a.has_taken : r->heads.ahead == 0 || a.is_short))
		status = replica_waits(r);
	else if (!emr_status_may_pass(status)) {
		/* A host that does not know yet that it is short is told.  Nobody is accused before
		 * the question was answered. */
		status = why == EMR_ROLLBACK ? replica_begin_bringing(r) : why;
		if (!emr_status_is_away(status))
			return why;
	}
	*io_trouble = (emr_ledger_trouble){.status = EMR_OK};
	return status == EMR_OK ? EMR_OK : emr_ledger_absence_of(status);
}

emr_status replica_ask_again(emr_replica *r)
{
	asking a = {.r = r, .differs = true};
	EMR_LOCKED(&r->write_lock);

	EMR_TRY(emr_chain_size(r->writer, &a.size));
	return ask(&a);
}

void replica_ask_restarts(emr_replica *r, uint64_t size, uint64_t ledger_size)
{
	asking a = {.r = r, .size = size, .ledger_size = ledger_size};

	if (!r->heads.restarts.is_asked && size >= ledger_size)
		r->heads.restarts.is_asked = !emr_status_may_pass(ask(&a));
}

emr_status replica_check_rules(emr_replica *r, uint64_t size, emr_ledger_trouble *out)
{
	uint32_t rules = 0;
	emr_status status = size == 0 ? EMR_OK : replica_own(r, emr_chain_rules(r->writer, &rules));

	if (status != EMR_NEWER_RULES)
		return status;
	emr_ledger_outgrows(r->ledger, rules);
	return give_trouble(out, emr_newer_rules(rules, emr_contract_newest()), size,
		"the members have agreed on rules that this program does not know");
}

emr_status replica_check_alone(
	emr_replica *r, uint64_t size, emr_status away, emr_ledger_trouble *out)
{
	if (size < r->mark.frontier.size)
		return give_trouble(out, EMR_ROLLBACK, size,
			"the ledger is away, and the copy of it here lacks the newest entries");
	if (replica_is_doubtful(r))
		return give_trouble(out, EMR_DAMAGED, 0,
			"the ledger is away, and the copy of it here is damaged");
	if (away == EMR_DAMAGED)
		return give_trouble(out, EMR_DAMAGED, 0, "it cannot be read");
	if (away == EMR_FORK)
		return give_trouble(
			out, EMR_FORK, 0, "it belongs to another network than this keyring");
	return away;
}
