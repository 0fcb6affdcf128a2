/* This file gives one node what it lacks: whole batches, in as few imports as it takes well, each
 * root that may be there asked for first.  One record that a node does not take never keeps the
 * others back. */
#include "node.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "load.h"

#define PUSH_MS 60000 /* and a second for each of so many bytes: */
#define PUSH_BYTES_A_S ((uint64_t)64 << 10)
#define IMPORT_MS 5000		       /* a collection waits for it, and all others behind that */
#define PUSH_TELLS ((uint64_t)8 << 20) /* an import of fewer bytes says little of a node */

/* ---- What is chosen ---- */

static emr_status note(publisher_node *node, const pick *picks, size_t n, book_mark mark,
	bool (*is_meant)(const pick *pick))
{
	emr_publisher *p = node->publisher;
	emr_status status = EMR_OK;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		if (is_meant(&picks[i]))
			status = node_note(node, &picks[i].root, mark);
	}
	pthread_mutex_unlock(&p->lock);
	return status;
}

static emr_status write_noted(publisher_node *node)
{
	emr_publisher *p = node->publisher;
	emr_status status;

	pthread_mutex_lock(&p->lock);
	status = node_write_lines(p);
	pthread_mutex_unlock(&p->lock);
	return status;
}

static bool is_to_be_sent(const pick *one)
{
	return !one->is_held && !one->is_stuck && !one->is_waiting;
}

static bool is_held(const pick *one)
{
	return one->is_held;
}

/* With the lock. */
static bool is_lacking(const publisher_node *node, const book_entry *entry)
{
	const unsigned not_now = entry->held | entry->stuck | entry->waits | entry->going;

	return entry->is_wanted && (not_now & node_bit(node)) == 0;
}

/* With the lock. */
static bool is_any_lacking(const publisher_node *node)
{
	const book *b = &node->publisher->book;
	size_t i = 0;

	while (i < book_count(b) && !is_lacking(node, book_at(b, i)))
		i++;
	return i < book_count(b);
}

/* With the lock.  No other thread of the node chooses them until end_going. */
static size_t choose(publisher_node *node, pick *picks, size_t max)
{
	const book *b = &node->publisher->book;
	const uint16_t bit = node_bit(node);
	size_t n = 0;

	for (size_t i = 0; i < book_count(b) && n < max; i++) {
		book_entry *entry = book_at(b, i);

		if (!is_lacking(node, entry))
			continue;
		entry->going |= bit;
		picks[n++] = (pick){.root = entry->root,
			.may_be_there = node_is_clustered(node) || (entry->sent & bit) != 0,
			.was_begun = (entry->sent & ~entry->doubted & bit) != 0};
	}
	return n;
}

/* An import that was cut off, as a computer goes to sleep: each try is to bring it further. */
static void begin_small(publisher_node *node)
{
	pthread_mutex_lock(&node->publisher->lock);
	node->room = LOAD_BYTES;
	pthread_mutex_unlock(&node->publisher->lock);
}

static emr_status ask_each(publisher_node *node, pick *picks, size_t n)
{
	emr_ipfs_fault fault = EMR_IPFS_FINE;
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		if (!picks[i].may_be_there)
			continue;
		status = node_is_clustered(node)
				 ? cluster_ask(node, &picks[i])
				 : node_ask(node, &picks[i].root, &picks[i].is_held, &fault);
		if (status != EMR_OK && node_is_of_content(fault))
			node_stick(node, &picks[i]);
		else if (!node_is_clustered(node) && !picks[i].is_held && picks[i].was_begun)
			begin_small(node);
	}
	return status;
}

/* The next time it is chosen. */
static void ask_first(publisher_node *node, pick *one)
{
	emr_publisher *p = node->publisher;
	book_entry *entry;

	one->is_stuck = true;
	pthread_mutex_lock(&p->lock);
	entry = book_find(&p->book, &one->root);
	if (entry != NULL)
		entry->sent |= node_bit(node);
	pthread_mutex_unlock(&p->lock);
}

/* ---- One import ---- */

static uint32_t push_ms(const publisher_node *node, uint64_t bytes)
{
	const uint32_t base_ms = node->publisher->options.push_ms;

	return (uint32_t)((base_ms != 0 ? base_ms : PUSH_MS) + bytes / PUSH_BYTES_A_S * 1000);
}

/* A load that may have caused the fault is sent in smaller parts, so that one record does not keep
 * back all. */
static void shrink(publisher_node *node, emr_ipfs_fault fault, const load *l, pick *only)
{
	const size_t roots = l->roots.len / sizeof(emr_cid);
	const bool is_least = roots <= 1 && l->bytes <= LOAD_BYTES;

	if (!node_is_of_content(fault))
		return;
	if (is_least && only != NULL)
		node_stick(node, only);
	pthread_mutex_lock(&node->publisher->lock);
	if (!is_least) /* it is not the node that has to recover */
		node->failures = 0;
	node->roots_max = roots > 1 ? roots / 2 : 1;
	pthread_mutex_unlock(&node->publisher->lock);
}

/* A node gets at once what it takes in a few seconds, and at least LOAD_BYTES; no more than that
 * from the first failure of a larger import on, which may be a proxy's limit. */
static void note_pace(publisher_node *node, emr_status status, uint64_t bytes, int64_t begun_ns)
{
	const int64_t ns = publisher_now_ns() - begun_ns;
	const uint32_t import_ms = node->publisher->options.import_ms;
	uint64_t room = LOAD_BYTES;

	if (status == EMR_OK && bytes < PUSH_TELLS)
		return;
	if (status == EMR_OK)
		room = (uint64_t)((double)bytes / (double)(ns > 0 ? ns : 1) *
				  (import_ms != 0 ? import_ms : IMPORT_MS) * 1e6);
	pthread_mutex_lock(&node->publisher->lock);
	if (status != EMR_OK && bytes > LOAD_BYTES)
		node->room_max = LOAD_BYTES;
	if (room > node->room_max)
		room = node->room_max;
	node->room = room > LOAD_BYTES ? room : LOAD_BYTES;
	pthread_mutex_unlock(&node->publisher->lock);
}

static uint64_t room_of(publisher_node *node)
{
	uint64_t room;

	pthread_mutex_lock(&node->publisher->lock);
	room = node->room;
	pthread_mutex_unlock(&node->publisher->lock);
	return room;
}

/* Not while another thread's import, which failed, is to be tried again in a smaller one. */
static void grow(publisher_node *node)
{
	pthread_mutex_lock(&node->publisher->lock);
	if (publisher_now_ns() >= node->retry_ns)
		node->roots_max = node->roots_max < EMR_IPFS_ROOTS_MAX / 2 ? node->roots_max * 2
									   : EMR_IPFS_ROOTS_MAX;
	node->has_taken = true;
	node->is_full = false;
	pthread_mutex_unlock(&node->publisher->lock);
}

static emr_status push(publisher_node *node, load *l, emr_ipfs_fault *out_fault)
{
	const int64_t begun_ns = publisher_now_ns();
	lull *wait = l->await_arg;
	emr_ipfs_call call = node_call(node, push_ms(node, l->bytes));
	emr_ipfs_parcel parcel;
	emr_status status = load_seal(l, &parcel);

	wait->paused_ns = 0;
	parcel.still_ms = node->publisher->options.still_ms;
	if (status == EMR_OK)
		status = emr_ipfs_push(node->client, &call, &parcel);
	note_pace(node, status, l->bytes, begun_ns + wait->paused_ns);
	*out_fault = call.fault;
	if (status != EMR_OK)
		node_fails_with(
			node, call.fault != EMR_IPFS_FINE ? call.fault : EMR_IPFS_HERE, call.said);
	return status;
}

/* Notes the node above some leaves, which keeps them until the record's own root is there: it must
 * be told to go, whatever happens. */
static emr_status note_piece(publisher_node *node, const load *l)
{
	emr_publisher *p = node->publisher;
	book_entry *entry;
	emr_status status;

	pthread_mutex_lock(&p->lock);
	status = book_add(&p->book, &l->made_cid, &entry);
	if (status == EMR_OK) {
		entry->is_piece = true;
		status = book_set(&p->book, entry, node->number, BOOK_SENT);
	}
	if (status == EMR_OK)
		status = node_write_lines(p);
	pthread_mutex_unlock(&p->lock);
	if (status != EMR_OK)
		node_fails_here(node, status);
	return status;
}

static emr_status send_piece(publisher_node *node, load *l, emr_ipfs_fault *out_fault)
{
	bool is_there = false;

	EMR_TRY(node_ask(node, &l->made_cid, &is_there, out_fault));
	if (is_there)
		load_gives(l, l->bytes);
	if (is_there)
		return EMR_OK;
	EMR_TRY(note_piece(node, l));
	return push(node, l, out_fault);
}

static emr_status send_in_pieces(publisher_node *node, load *l, pick *one)
{
	pieces rest = {0};
	emr_ipfs_fault fault = EMR_IPFS_FINE;
	emr_status here = pieces_of(l->store, &one->root, &rest), status = here;
	bool more = true;

	while (status == EMR_OK && more) {
		l->room = room_of(node);
		here = status = pieces_next(&rest, l, &more);
		if (status == EMR_OK)
			status = more ? send_piece(node, l, &fault) : push(node, l, &fault);
	}
	if (here != EMR_OK) {
		fault = EMR_IPFS_HERE;
		node_fails_here(node, here);
	}
	pieces_free(&rest);
	if (status != EMR_OK)
		shrink(node, fault, l, one);
	else if (node_is_clustered(node))
		status = cluster_pin(node, one);
	else
		one->is_held = true;
	return status;
}

/* A record that is not whole here cannot be sent; the node may have it from another computer. A
 * record that cannot be read just now (too many open files, a bad sector) is not known to be lost:
 * here.c looks. */
static void set_aside(publisher_node *node, pick *one, emr_status status)
{
	if (!one->may_be_there) {
		ask_first(node, one);
		return;
	}
	emr_log(EMR_LOG_WARN, "publisher: a record that is not whole here: %s",
		emr_status_text(status));
	one->is_stuck = true;
	node_stick_root(node, &one->root);
	if (status == EMR_MISSING_DATA || status == EMR_DAMAGED)
		here_note_lacking(node->publisher, &one->root);
}

typedef struct filling {
	size_t n;    /* of the picks: those that come first */
	pick *large; /* the first to be sent, which does not fit even alone; NULL: there is none */
	uint64_t bytes; /* that are to go */
} filling;

/* As many as fit.  EMR_NO_MEMORY says nothing of any record. */
static emr_status fill(publisher_node *node, load *l, pick *picks, size_t n, filling *out)
{
	bool fits = true;
	size_t i;

	*out = (filling){.large = NULL};
	for (i = 0; fits && i < n; i++) {
		uint64_t bytes;
		emr_status status;

		if (!is_to_be_sent(&picks[i]))
			continue;
		status = load_add(l, &picks[i].root, &fits, &bytes);
		if (status == EMR_NO_MEMORY)
			return status;
		if (status != EMR_OK) {
			set_aside(node, &picks[i], status);
			fits = true;
		} else if (!fits && l->roots.len == 0) {
			out->large = &picks[i];
			out->bytes = bytes;
		}
	}
	out->n = fits || out->large != NULL ? i : i - 1;
	if (out->large == NULL)
		out->bytes = l->bytes;
	return EMR_OK;
}

static emr_status send_batch(publisher_node *node, load *l, pick *picks, size_t n)
{
	const size_t roots = l->roots.len / sizeof(emr_cid);
	emr_ipfs_fault fault;
	pick *only = NULL;
	emr_status status;

	if (roots == 0)
		return EMR_OK;
	for (size_t i = 0; roots == 1 && i < n; i++)
		only = is_to_be_sent(&picks[i]) ? &picks[i] : only;
	status = push(node, l, &fault);
	if (status != EMR_OK) {
		shrink(node, fault, l, only);
		return status;
	}
	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		if (!is_to_be_sent(&picks[i]))
			continue;
		if (node_is_clustered(node))
			status = cluster_pin(node, &picks[i]);
		else
			picks[i].is_held = true;
	}
	grow(node);
	return status;
}

/* Another thread of the node may choose them from now on. */
static void end_going(publisher_node *node, const pick *picks, size_t n)
{
	emr_publisher *p = node->publisher;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < n; i++) {
		book_entry *entry = book_find(&p->book, &picks[i].root);

		if (entry != NULL)
			entry->going &= (uint16_t)~node_bit(node);
	}
	pthread_cond_broadcast(&p->wake); /* who found nothing, because they were chosen */
	pthread_mutex_unlock(&p->lock);
}

/* It took ROOT: once in a while one that it had is asked for, the first behind that: ids are
 * hashes, so that it is any of them. A host says itself whether it has another store, and a cluster
 * looks after its pins. */
static void doubt_one(publisher_node *node, const emr_cid *root)
{
	emr_publisher *p = node->publisher;
	int64_t *due_ns = &p->book.doubt_due_ns[node->number];
	const int64_t now_ns = publisher_now_ns();
	emr_cid old;
	EMR_LOCKED(&p->lock);

	if (*due_ns == 0)
		*due_ns = now_ns + node_store_ns(node); /* this one is the first of a start */
	if (now_ns < *due_ns || p->book.store_due_ns[node->number] != 0 ||
		(!node_find_held(node, root, false, &old) &&
			!node_find_held(node, &(emr_cid){{0}}, false, &old)))
		return;
	*due_ns = now_ns + node_store_ns(node);
	book_find(&p->book, &old)->asked |= node_bit(node);
	p->has_doubts = true;
}

static emr_status send_some(publisher_node *node, pick *picks, size_t n)
{
	lull wait = {.node = node};
	load l = {.store = node->publisher->options.store,
		.await = lull_await,
		.await_arg = &wait,
		.given = &node->going};
	const size_t chosen = n;
	filling what = {0};
	emr_status status = ask_each(node, picks, n), noted;

	if (status == EMR_OK) {
		l.room = room_of(node);
		status = fill(node, &l, picks, n, &what);
		if (status != EMR_OK)
			node_fails_here(node, status);
	}
	if (status == EMR_OK) {
		n = what.n;
		atomic_fetch_add(&node->going_of, what.bytes);
		end_going(node, picks + n, chosen - n);
		/* Before the first byte goes: whoever is killed now asks next time. */
		noted = note(node, picks, n, BOOK_SENT, is_to_be_sent);
		if (noted == EMR_OK)
			noted = write_noted(node);
		if (noted != EMR_OK) {
			node_fails_here(node, noted);
			status = noted;
		} else {
			status = what.large != NULL ? send_in_pieces(node, &l, what.large)
						    : send_batch(node, &l, picks, n);
		}
	}
	atomic_fetch_sub(&node->going, l.gave);
	atomic_fetch_sub(&node->going_of, what.bytes);
	if (status == EMR_OK && what.bytes > 0 && !node_is_clustered(node)) /* before they count */
		doubt_one(node, &picks[0].root);
	noted = note(node, picks, n, BOOK_HELD, is_held);
	/* The ledger may wait for it, and need not wait for the disk: a node is asked again after a
	 * kill. */
	if (node->publisher->options.copied != NULL)
		node->publisher->options.copied(node->publisher->options.arg);
	if (noted == EMR_OK)
		noted = write_noted(node);
	if (noted != EMR_OK)
		node_fails_here(node, noted);
	if (status == EMR_OK)
		node_works(node);
	end_going(node, picks, n);
	load_free(&l);
	return status == EMR_OK ? noted : status;
}

/* With the lock, which it gives back meanwhile.  False: there is nothing to send. */
bool node_send_some(publisher_node *node)
{
	emr_publisher *p = node->publisher;
	EMR_AUTO_FREE pick *picks = NULL;
	size_t n;

	if (!is_any_lacking(node)) {
		if (node->at_work == 0)
			lull_is_not_waited_for(node);
		return false;
	}
	if (!lull_has_come(node))
		return true;
	picks = calloc(node->roots_max, sizeof *picks);
	n = picks != NULL ? choose(node, picks, node->roots_max) : 0;
	if (n == 0)
		return picks != NULL; /* another thread has them meanwhile */
	node->at_work++;
	pthread_cond_broadcast(&p->wake); /* there may be more */
	pthread_mutex_unlock(&p->lock);
	(void)send_some(node, picks, n); /* what fails has set when it is tried again */
	pthread_mutex_lock(&p->lock);
	node->at_work--;
	pthread_cond_broadcast(&p->wake); /* who waits for the last of them */
	return true;
}
