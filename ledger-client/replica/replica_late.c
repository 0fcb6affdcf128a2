/* A private part may come later than its entry. This file asks the ledger again for those that the
 * copy lacks, in growing intervals and without an end, and tells the callers that wait for them. A
 * part that was sent from here is taken from the sent batch: a member who may write where the
 * ledger lies could have removed it before anybody looked. */
#include "replica_private.h"

#include <stdlib.h>

#include "base/log.h"
#include "ledger/backend.h"

#define FIRST_NS INT64_C(1000000000) /* between two looks, twice as long each time */
#define MOST_NS INT64_C(60000000000)
#define AWAY_NS INT64_C(5000000000)   /* until the ledger may be back */
#define LOST_NS INT64_C(600000000000) /* between two looks for what the ledger has lost */
#define GIVEN_BYTES ((size_t)1 << 20) /* of one portion, and a part */

/* One portion: where each part that came lies in the bytes. */
typedef struct late_parts {
	emr_chain_lacking lacking;
	size_t begins[EMR_CHAIN_LACKING_MAX], lens[EMR_CHAIN_LACKING_MAX];
	bool is_new[EMR_CHAIN_LACKING_MAX];
	emr_buf bytes;
	size_t n_new;
} late_parts;

static void late_free(late_parts **l)
{
	if (*l != NULL)
		emr_buf_free(&(*l)->bytes);
	free(*l);
}

static emr_status find(emr_replica *r, uint64_t from, late_parts *l)
{
	READING(read, r);

	EMR_TRY(replica_take(r, &read.chain));
	return emr_chain_lacks(read.chain, from, &l->lacking);
}

static emr_status gather(void *arg, size_t index, emr_bytes part)
{
	late_parts *l = arg;

	if (part.len == 0)
		return EMR_OK;
	l->begins[index] = l->bytes.len;
	l->lens[index] = part.len;
	return emr_buf_append(&l->bytes, part.data, part.len);
}

/* A part that is not the registered one stays out, and is asked for again. */
static emr_status fill(emr_replica *r, void *arg)
{
	late_parts *l = arg;
	emr_status status = EMR_OK;

	l->n_new = 0;
	for (size_t i = 0; i < l->lacking.n && status == EMR_OK; i++) {
		if (l->lens[i] == 0)
			continue;
		status = emr_chain_fill(r->writer, &l->lacking.keys[i],
			emr_bytes_of(l->bytes.data + l->begins[i], l->lens[i]), &l->is_new[i]);
		l->n_new += l->is_new[i];
	}
	return status;
}

static void tell(emr_replica *r, const late_parts *l)
{
	follower *f = &r->follower;

	emr_log(EMR_LOG_INFO, "replica: %zu private parts came later than their entries", l->n_new);
	(void)pthread_mutex_lock(&f->told_lock);
	for (const emr_listener *of = f->listeners; of != NULL; of = of->next)
		for (size_t i = 0; i < l->lacking.n && of->part_came != NULL; i++)
			if (l->is_new[i])
				of->part_came(of, &l->lacking.keys[i]);
	(void)pthread_mutex_unlock(&f->told_lock);
}

/* Nobody else waits while the ledger is asked: what came is written afterwards. */
/* Asks the ledger for parts that entries from FROM on brought and the copy lacks, a portion of
 * them; *OUT_NEXT = where the next one begins, 0: there is none. */
static emr_status ask_again(emr_replica *r, uint64_t from, uint64_t *out_next)
{
	__attribute__((cleanup(late_free))) late_parts *l = calloc(1, sizeof *l);
	EMR_TRY(l != NULL ? find(r, from, l) : EMR_NO_MEMORY);
	*out_next = l->lacking.next;
	if (l->lacking.n > 0)
		EMR_TRY(emr_ledger_fetch(r->ledger, l->lacking.keys, l->lacking.n, gather, l));
	if (l->bytes.len > 0)
		EMR_TRY(replica_write_alone(r, fill, l));
	if (l->n_new > 0)
		tell(r, l);
	return EMR_OK;
}

emr_status replica_ask_for_all(emr_replica *r)
{
	uint64_t next = 0;
	emr_status status = EMR_OK;

	if (r->is_still || !emr_ledger_brings_parts_later(r->ledger))
		return EMR_OK;
	do
		status = ask_again(r, next, &next);
	while (status == EMR_OK && next > 0);
	return status;
}

/* EMR_NOT_FOUND: the copy has all parts that it should. */
static emr_status lacks_last(emr_replica *r, uint64_t *out_seq)
{
	READING(read, r);

	if (r->is_still || !emr_ledger_brings_parts_later(r->ledger))
		return EMR_NOT_FOUND;
	EMR_TRY(replica_take(r, &read.chain));
	return emr_chain_lacks_last(read.chain, out_seq);
}

/* ---- what was sent from here ---- */

static emr_status lacks_of(emr_replica *r, uint64_t seq, bool *out_does)
{
	READING(read, r);

	EMR_TRY(replica_take(r, &read.chain));
	return emr_chain_lacks_of(read.chain, seq, out_does);
}

static emr_status fill_sent(emr_replica *r, void *arg)
{
	const emr_bytes *batch = arg;

	return emr_chain_fill_batch(r->writer, *batch);
}

emr_status replica_take_sent(emr_replica *r, emr_bytes batch, uint64_t seq)
{
	bool lacks = false;
	emr_status status = r->is_still ? EMR_OK : lacks_of(r, seq, &lacks);

	if (status != EMR_OK || !lacks)
		return status;
	emr_log(EMR_LOG_WARN, "replica: entry %llu: a part of one's own is kept as it was sent",
		(unsigned long long)seq);
	status = replica_write_alone(r, fill_sent, &batch);
	if (status == EMR_OK)
		status = lacks_of(r, seq, &lacks);
	return status == EMR_OK && lacks ? EMR_MISSING_DATA : status;
}

emr_status replica_ask_for_entry(emr_replica *r, uint64_t seq)
{
	uint64_t last = 0;
	emr_status status = lacks_last(r, &last);

	if (status != EMR_OK || last < seq)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	return ask_again(r, seq, &last);
}

/* By the run under way.  A part that nobody lacked before is looked for soon, the others less and
 * less often: they may never come. */
int64_t replica_late_turn(emr_replica *r, bool may_ask)
{
	late_look *look = &r->follower.late;
	int64_t now = emr_clock_boot_ns(r->clock);
	uint64_t last = 0;
	emr_status status = lacks_last(r, &last);

	if (status != EMR_OK) {
		*look = (late_look){.newest = look->newest};
		return INT64_MAX;
	}
	if (look->due_ns == 0 || last > look->newest) {
		look->pause_ns = FIRST_NS;
		look->due_ns = look->newest == 0 ? now : now + FIRST_NS;
		look->newest = last;
	}
	if (now < look->due_ns)
		return look->due_ns;
	if (!may_ask)
		return now + AWAY_NS;
	status = ask_again(r, look->next, &look->next);
	if (status != EMR_OK)
		emr_log(EMR_LOG_INFO, "replica: parts that are late were not asked for: %s",
			emr_status_text(status));
	look->due_ns = emr_clock_boot_ns(r->clock) + look->pause_ns;
	look->pause_ns = look->pause_ns < MOST_NS / 2 ? 2 * look->pause_ns : MOST_NS;
	return look->due_ns;
}

/* ---- what the ledger has lost ---- */

typedef struct lost_parts {
	emr_chain_lacking lacking;
	emr_buf bytes[EMR_CHAIN_LACKING_MAX];
	emr_bytes parts[EMR_CHAIN_LACKING_MAX];
	size_t n;
} lost_parts;

static void lost_free(lost_parts **l)
{
	for (size_t i = 0; *l != NULL && i < EMR_CHAIN_LACKING_MAX; i++)
		emr_buf_free(&(*l)->bytes[i]);
	free(*l);
}

/* Moves those of l->lacking that the copy has, as many as make a portion, to the front; *AT goes on
 * behind them. */
static emr_status take_own(emr_replica *r, lost_parts *l, size_t *at)
{
	size_t bytes = 0;
	READING(read, r);

	EMR_TRY(replica_take(r, &read.chain));
	for (l->n = 0; *at < l->lacking.n && bytes < GIVEN_BYTES; (*at)++) {
		emr_buf *part = &l->bytes[l->n];

		emr_buf_clear(part);
		if (emr_chain_part(read.chain, &l->lacking.keys[*at], part) != EMR_OK)
			continue;
		bytes += part->len;
		l->parts[l->n] = emr_buf_view(part);
		l->lacking.keys[l->n++] = l->lacking.keys[*at];
	}
	return EMR_OK;
}

static emr_status give_lost(emr_replica *r)
{
	__attribute__((cleanup(lost_free))) lost_parts *l = calloc(1, sizeof *l);
	uint64_t *next = &r->follower.lost_next;
	size_t at = 0, n = 0;
	emr_status status =
		l != NULL ? emr_ledger_lacks(r->ledger, *next, &l->lacking) : EMR_NO_MEMORY;

	*next = status == EMR_OK ? l->lacking.next : 0;
	while (status == EMR_OK && at < l->lacking.n) {
		status = take_own(r, l, &at);
		if (status == EMR_OK && l->n > 0)
			status = emr_ledger_give(r->ledger, l->lacking.keys, l->parts, l->n, &n);
		if (status == EMR_OK && l->n > 0)
			emr_log(EMR_LOG_INFO, "replica: the ledger got %zu parts that it had lost",
				n);
	}
	return status;
}

/* By the run under way: when it can be asked at first, and each time that it comes back. */
int64_t replica_lost_turn(emr_replica *r, bool may_ask)
{
	follower *f = &r->follower;
	const int64_t now = emr_clock_boot_ns(r->clock);

	if (r->is_still || f->lost_due_ns == INT64_MAX)
		return INT64_MAX;
	if (!may_ask) {
		f->lost_due_ns = 0;
		return INT64_MAX; /* whoever finds it back makes a run */
	}
	if (now < f->lost_due_ns)
		return f->lost_due_ns;
	f->lost_due_ns = give_lost(r) == EMR_UNSUPPORTED ? INT64_MAX
			 : f->lost_next > 0		 ? now
							 : now + LOST_NS;
	return f->lost_due_ns;
}
