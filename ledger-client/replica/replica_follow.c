/* This file brings the copy up to date: it takes new entries from the ledger, has each of them
 * checked, and refuses a ledger that is shorter or other than what this computer has seen. */
#include "follow_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "base/log.h"

/* Rows have random keys: the more items a transaction has, the more of the pages that it writes
 * are changed by several of them.  It ends with the portion that makes these full, because whoever
 * else wants to write the copy waits for it.  Behind one that was full there are mostly many. */
#define RUN_ITEMS 4096
#define RUN_ITEMS_FAR 49152
#define MARK_NS 1000000000 /* between two writes of the mark */

/* ---- which domains are mine ---- */

/* Bytes of a D row behind its head, for a domain that the batch itself makes. */
static bool new_domain(const choice *c, const uint8_t domain[16], uint8_t out[96])
{
	for (size_t i = 0; c->batch && i < c->batch->count; i++) {
		emr_item item;
		emr_span pub;
		emr_batch_item_at(c->batch, i, &item, &pub);
		if (item.op != EMR_OP_DOMAIN_NEW || memcmp(item.domain_id, domain, 16) != 0)
			continue;
		memcpy(out, c->header.signer_pk, 32);
		memcpy(out + 32, pub.data, 64);
		return true;
	}
	return false;
}

static bool is_mine(void *arg, const uint8_t domain[16])
{
	choice *c = arg;
	EMR_AUTO_BUF row = {0};
	uint8_t made[96];
	emr_key_text key;
	emr_id16 id;
	emr_bytes tail = {0};
	emr_status status;

	memcpy(id.b, domain, 16);
	/* Keys, organisations, requests to a person: everybody replays them. */
	if (emr_id16_is_zero(id))
		return true;
	if (c->has_last && emr_id16_equal(c->last, id))
		return c->last_is_mine;
	emr_key_domain(domain, &key);
	status = emr_chain_row(c->chain, key.text, &row, NULL, NULL);
	if (status == EMR_OK && row.len == EMR_ROW_DOMAIN_BYTES)
		tail = emr_bytes_of(row.data + EMR_ROW_HEAD_BYTES, 96);
	else if (status == EMR_NOT_FOUND && new_domain(c, domain, made))
		tail = emr_bytes_of(made, sizeof made);
	else if (status != EMR_NOT_FOUND)
		c->status = status == EMR_OK ? EMR_DAMAGED : status;
	c->last = id;
	c->has_last = true;
	c->last_is_mine = tail.data && c->replica->is_mine(c->replica->is_mine_arg, id, tail);
	return c->last_is_mine;
}

/* True for parts of one's own domains, and of those that others let this person read. */
static bool is_kept(void *arg, const uint8_t domain[16])
{
	choice *c = arg;
	emr_id16 id;

	memcpy(id.b, domain, 16);
	return is_mine(arg, domain) || replica_keeps(c->replica, id);
}

emr_chain_keep_fn keep_of(const emr_replica *r)
{
	return r->is_mine ? is_kept : NULL;
}

/* ---- following a run of entries ---- */

following *following_new(emr_replica *r, emr_chain *chain)
{
	following *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->ahead = emr_ahead_new(chain);
	if (f->ahead == NULL) {
		free(f);
		return NULL;
	}
	f->portion = EMR_AHEAD_ENTRIES;
	f->replica = r;
	f->chain = chain;
	f->fetch = replica_fetch;
	f->fetch_arg = r;
	f->choice.replica = r;
	f->choice.chain = chain;
	return f;
}

void following_free(following **f)
{
	if (*f == NULL)
		return;
	emr_ahead_free((*f)->ahead);
	emr_chain_parts_free(&(*f)->parts);
	free((*f)->changes);
	free(*f);
}

/* Parses what can be parsed; emr_chain_follow refuses the rest. */
static bool parse_entry(following *f, const emr_ledger_entry *entry, emr_entry *out)
{
	f->choice.batch = NULL;
	f->choice.has_last = false;
	if (entry->seq == 0 || !emr_entry_open(entry->entry, entry->items, out, &f->batch) ||
		emr_header_parse((emr_span){out->header, EMR_HEADER_BYTES}, &f->choice.header) !=
			EMR_CONTRACT_OK)
		return false;
	f->choice.batch = &f->batch;
	return true;
}

static emr_status note_changes(following *f, uint64_t seq, const emr_entry *entry)
{
	size_t need = f->n_changes + f->batch.count;

	if (need > f->cap_changes) {
		size_t cap = need * 2;
		emr_replica_change *more = realloc(f->changes, cap * sizeof *more);
		if (more == NULL)
			return EMR_NO_MEMORY;
		f->changes = more;
		f->cap_changes = cap;
	}
	for (uint16_t i = 0; i < f->batch.count; i++) {
		emr_replica_change *c = &f->changes[f->n_changes++];

		replica_change_of(entry, &f->batch, i, c);
		c->seq = seq;
		c->is_mine = f->replica->is_mine == NULL || is_mine(&f->choice, c->domain.b);
	}
	return EMR_OK;
}

emr_status follow_one(void *arg, const emr_ledger_entry *entry, const emr_chain_checked *checked)
{
	following *f = arg;
	emr_chain_keep_fn keep = keep_of(f->replica);
	emr_entry parsed;
	bool is_parsed = parse_entry(f, entry, &parsed);
	emr_status status =
		emr_chain_parts_of(entry, f->fetch, f->fetch_arg, keep, &f->choice, &f->parts);

	if (status != EMR_OK)
		return status;
	if (f->parts.is_bad && f->bad_part == 0)
		f->bad_part = entry->seq;
	status = emr_chain_follow(
		f->chain, entry, checked, f->parts.spans, keep, &f->choice, &f->trouble);
	if (status == EMR_OK)
		status = f->choice.status;
	if (is_parsed)
		f->n_items += f->batch.count;
	if (status == EMR_OK && f->wants_changes && is_parsed)
		status = note_changes(f, entry->seq, &parsed);
	return status;
}

emr_status follow_ahead(following *f, uint64_t from, size_t max, emr_ahead_fn fn, void *arg,
	size_t *out_n, bool *out_is_end)
{
	size_t asked = max < f->portion ? max : f->portion;
	size_t given = 0;
	/* Entries before one that cannot be read are followed all the same. */
	emr_status last = emr_ledger_entries(
		f->replica->ledger, from, asked, emr_ahead_take, f->ahead, &given);

	EMR_TRY(emr_ahead_each(f->ahead, fn, arg, out_n));
	/* The window was full before: those behind are asked for again, and fewer at once. */
	*out_is_end = given < asked && *out_n == given;
	f->portion = *out_n < given ? *out_n : EMR_AHEAD_ENTRIES;
	return *out_n < given ? EMR_OK : last;
}

/* ---- catching up ---- */

emr_status give_trouble(emr_ledger_trouble *out, emr_status status, uint64_t seq, const char *cause)
{
	*out = (emr_ledger_trouble){.status = status, .seq = seq};
	(void)snprintf(out->cause, sizeof out->cause, "%s", cause);
	return status;
}

typedef struct same {
	const uint8_t *leaf;
	bool is_same;
} same;

static emr_status compare_leaf(void *arg, const emr_ledger_entry *entry)
{
	same *s = arg;
	uint8_t leaf[32];

	emr_entry_leaf(emr_span_of(entry->entry), leaf);
	s->is_same = memcmp(leaf, s->leaf, 32) == 0;
	return EMR_OK;
}

/* The last entry has other bytes: damage when the ledger's tree is still ours, else another
 * history. */
static emr_status other_entry(emr_replica *r, uint64_t size, emr_ledger_trouble *out)
{
	uint8_t theirs[32], ours[32];
	emr_status status = emr_ledger_root(r->ledger, size, theirs);

	if (emr_status_may_pass(status))
		return status; /* which it is shows when it can be asked */
	if (status == EMR_OK && emr_chain_root(r->writer, size, ours) == EMR_OK &&
		memcmp(theirs, ours, 32) == 0)
		return give_trouble(out, EMR_DAMAGED, size - 1, "the entry does not fit the tree");
	return give_trouble(out, EMR_FORK, size - 1,
		"the entry is not the one that this computer has verified");
}

/* The ledger still ends, or goes on, where this computer stood. */
static emr_status check_end(
	emr_replica *r, uint64_t size, uint64_t ledger_size, emr_ledger_trouble *out)
{
	uint8_t leaf[32];
	same s = {.leaf = leaf};
	size_t n = 0;
	emr_status status;

	if (ledger_size < size || ledger_size < r->mark.frontier.size)
		return give_trouble(out, EMR_ROLLBACK, ledger_size,
			"the ledger is shorter than what this computer has verified");
	if (ledger_size < r->heads.ahead && !r->heads.restarts.is_short)
		return give_trouble(out, EMR_ROLLBACK, ledger_size,
			"the ledger is shorter than what its host has signed for another member");
	if (size == 0 || (size == ledger_size && replica_is_signed(r, size)))
		return EMR_OK;
	status = replica_own(r, emr_chain_leaf(r->writer, size - 1, leaf));
	if (status == EMR_OK)
		status = emr_ledger_entries(r->ledger, size - 1, 1, compare_leaf, &s, &n);
	if (status == EMR_DAMAGED && n == 0)
		return give_trouble(out, EMR_DAMAGED, size - 1, "the entry cannot be read");
	if (status == EMR_OK && !s.is_same)
		return other_entry(r, size, out);
	return status;
}

/* Once the copy reaches the mark, it must be the same tree. */
static emr_status check_mark(
	emr_replica *r, uint64_t old_size, uint64_t size, emr_ledger_trouble *out)
{
	uint64_t at = r->mark.frontier.size;
	uint8_t root[32];
	emr_status status;

	if (at == 0 || old_size >= at || size < at)
		return EMR_OK;
	status = emr_chain_root(r->writer, at, root);
	if (status == EMR_OK && memcmp(root, r->mark.root, 32) != 0)
		return give_trouble(out, EMR_FORK, at - 1,
			"the entries are not those that this computer has verified");
	return status;
}

emr_status replica_new_mark(emr_replica *r, uint64_t size, high_mark *out)
{
	high_mark m = {.net_id = emr_ledger_net_id(r->ledger)};

	EMR_TRY(emr_chain_frontier(r->writer, size, &m.frontier));
	EMR_TRY(emr_required(emr_chain_digest(r->writer, m.digest)));
	EMR_TRY(emr_chain_time(r->writer, size - 1, &m.last_time));
	emr_merkle_frontier_root(&m.frontier, m.root);
	*out = m;
	return EMR_OK;
}

/* As take_run, in the transaction that has begun. */
static emr_status take_portions(following *f, uint64_t size, size_t max, size_t *out_n)
{
	bool is_end = false;
	size_t n = 0;
	emr_status status;

	f->n_items = 0;
	do {
		status = follow_ahead(f, size + *out_n, max - *out_n, follow_one, f, &n, &is_end);
		*out_n += n;
	} while (status == EMR_OK && !is_end && *out_n < max &&
		 f->n_items < (f->is_far ? RUN_ITEMS_FAR : RUN_ITEMS));
	return status;
}

/* At most MAX entries from SIZE in one transaction; *out_n = how many stand in it when it failed or
 * was committed. */
static emr_status take_run(emr_replica *r, following *f, uint64_t size, size_t max, size_t *out_n)
{
	emr_status status =
		f->is_far ? emr_chain_begin_many(r->writer) : emr_chain_begin(r->writer);
	high_mark mark = r->mark;

	*out_n = 0;
	if (status != EMR_OK)
		return status;
	status = take_portions(f, size, max, out_n);
	if (status == EMR_DAMAGED && f->trouble.status == EMR_OK)
		(void)give_trouble(
			&f->trouble, EMR_DAMAGED, size + *out_n, "the entry cannot be read");
	if (status == EMR_OK && *out_n > 0)
		status = check_mark(r, size, size + *out_n, &f->trouble);
	if (status == EMR_OK && *out_n > 0)
		status = replica_new_mark(r, size + *out_n, &mark);
	if (status == EMR_OK && *out_n > 0)
		status = replica_check_heads(r, size + *out_n, &mark, &f->trouble);
	if (status == EMR_OK && *out_n > 0)
		status = replica_keep_head(r, size + *out_n);
	if (status != EMR_OK || *out_n == 0) {
		emr_chain_rollback(r->writer);
		return status;
	}
	EMR_TRY(emr_chain_commit(r->writer));
	/* While the copy is made again, an older place than the mark's must not become the mark. */
	if (mark.frontier.size >= r->mark.frontier.size) {
		r->mark = mark;
		r->is_mark_saved = false;
	}
	return EMR_OK;
}

/* As take_run, but a failure at the k-th entry still keeps the k - 1 before it.  *out_n and the
 * noted changes are what was committed. */
static emr_status take_most(emr_replica *r, following *f, uint64_t size, size_t *out_n)
{
	size_t good = 0;
	emr_ledger_trouble trouble;
	emr_status failed = take_run(r, f, size, RUN_ITEMS_FAR, &good);
	emr_status status;

	*out_n = failed == EMR_OK ? good : 0;
	if (failed == EMR_OK)
		return EMR_OK;
	f->n_changes = 0;
	if (good == 0 || failed == EMR_FORK ||
		(f->trouble.status == EMR_OK && failed != EMR_MISSING_DATA))
		return failed;
	trouble = f->trouble;
	f->trouble = (emr_ledger_trouble){0};
	status = take_run(r, f, size, good, &good);
	if (status != EMR_OK) {
		f->n_changes = 0;
		return status;
	}
	*out_n = good;
	f->trouble = trouble;
	return failed;
}

/* At most once a second: its two flushes would be most of what following one save costs, and until
 * then the copy itself knows the place. */
emr_status replica_save_mark(emr_replica *r, bool is_last)
{
	int64_t now = emr_clock_boot_ns(r->clock);
	high_mark other;
	emr_status status;

	if (r->is_still || r->is_mark_saved || r->mark.frontier.size == 0)
		return EMR_OK;
	if (!is_last && r->mark_saved_ns >= 0 && now - r->mark_saved_ns < MARK_NS)
		return EMR_OK;
	/* Another process may have gone further meanwhile: its mark stays. */
	if (mark_read(r->dirfd, &other) == EMR_OK && other.frontier.size >= r->mark.frontier.size)
		status = EMR_OK;
	else
		status = mark_write(r->dirfd, &r->mark);
	if (status == EMR_OK) {
		r->is_mark_saved = true;
		r->mark_saved_ns = now;
	}
	return status;
}

void replica_keep_trouble(emr_replica *r, const emr_ledger_trouble *trouble, bool is_fresh)
{
	bool is_news;

	(void)pthread_mutex_lock(&r->pool_lock);
	is_news = trouble->status != r->trouble.status || trouble->seq != r->trouble.seq;
	if (trouble->status != EMR_OK || is_fresh)
		r->trouble = *trouble;
	if (is_fresh)
		r->fresh_ns = emr_clock_boot_ns(r->clock);
	(void)pthread_mutex_unlock(&r->pool_lock);
	if (trouble->status != EMR_OK && is_news)
		emr_log(EMR_LOG_ERROR, "ledger entry %llu: %s", (unsigned long long)trouble->seq,
			trouble->cause);
}

static emr_status run_one(
	emr_replica *r, following *f, uint64_t known, size_t *out_n, bool *out_is_end)
{
	uint64_t size = 0, ledger_size = known;
	emr_status status;

	EMR_TRY(replica_lock_file(r));
	status = emr_chain_size(r->writer, &size);
	if (status == EMR_OK)
		status = r->heads.is_forked ? EMR_FORK : replica_waits(r);
	if (status == EMR_OK && (known <= size || known < r->heads.ahead)) {
		status = emr_ledger_size(r->ledger, &ledger_size);
		if (status == EMR_OFFLINE)
			replica_bring(r);
		if (status != EMR_OK && status != EMR_BUSY)
			status = replica_check_alone(r, size, status, &f->trouble);
	}
	if (status == EMR_OK)
		status = replica_check_heads(r, size, &r->mark, &f->trouble);
	if (status == EMR_OK)
		status = check_end(r, size, ledger_size, &f->trouble);
	status = replica_excuse(r, size, ledger_size, status, &f->trouble);
	if (status == EMR_OK && size < ledger_size && !r->is_still)
		status = take_most(r, f, size, out_n);
	if (status == EMR_OK || status == EMR_NEWER_RULES)
		status = replica_check_rules(r, size + *out_n, &f->trouble);
	if (status == EMR_OK)
		status = replica_save_mark(r, false);
	if (status == EMR_OK) {
		replica_reached(r, size + *out_n);
		replica_ask_restarts(r, size + *out_n, ledger_size);
	}
	status = replica_pass_over(r, status, &f->trouble);
	replica_condemn(r, &f->trouble);
	(void)flock(r->lock_fd, LOCK_UN);
	if (size + *out_n > 0)
		atomic_store(&r->reached, size + *out_n);
	*out_is_end = status == EMR_OK && (r->is_still || size + *out_n >= ledger_size);
	return status;
}

emr_status replica_catch_up(emr_replica *replica, uint64_t known, emr_replica_change_fn change,
	void *arg, uint64_t *out_n)
{
	uint64_t taken = 0;
	bool is_end = false, is_far = false;
	bool has_asked = !emr_ledger_brings_parts_later(replica->ledger);
	emr_status status = EMR_OK;

	while (status == EMR_OK && !is_end) {
		AUTO_FOLLOWING f = NULL;
		size_t n = 0;
		(void)pthread_mutex_lock(&replica->write_lock);
		f = following_new(replica, replica->writer);
		if (f) {
			f->wants_changes = change != NULL;
			f->is_far = is_far;
			status = run_one(replica, f, known, &n, &is_end);
			is_far = f->n_items >= RUN_ITEMS &&
				 emr_chain_has_room_for_many(replica->writer);
			replica_keep_trouble(replica, &f->trouble, is_end);
		} else {
			status = EMR_NO_MEMORY;
		}
		if (status != EMR_OK || is_end || !is_far)
			emr_chain_settle(replica->writer);
		(void)pthread_mutex_unlock(&replica->write_lock);
		/* Damage that no entry of the ledger explains is our own. */
		if (f && status == EMR_DAMAGED && f->trouble.status == EMR_OK)
			(void)replica_own(replica, status);
		/* An entry is judged by a part that the copy lacks, and the ledger may have now. */
		if (status == EMR_MISSING_DATA && !has_asked) {
			has_asked = true;
			status = replica_ask_for_all(replica);
		}
		taken += n;
		for (size_t i = 0; f && n > 0 && i < f->n_changes; i++)
			change(arg, &f->changes[i]);
	}
	if (out_n)
		*out_n = taken;
	return status;
}
