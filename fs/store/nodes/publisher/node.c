/* This file is one node as the publisher sees it: what is noted of it, how it goes, what people
 * are told of it, and how its threads wait.  A failed request is tried again after a pause that
 * grows. */
#include "node.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "ipfs/cluster.h"

#define NICE 10			     /* of the publisher's threads: who saves goes first */
#define PAUSE_NS INT64_C(1000000000) /* after the first failure; twice as long after each more */
#define PAUSE_DOUBLINGS 6
#define TELL_NS INT64_C(3600000000000) /* a person is told of one kind of failure once in it */
#define UNSTICK_NS INT64_C(5000000000) /* after the first time; twice as long after each more */
#define UNSTICK_DOUBLINGS 7	       /* ten minutes */
#define STORE_MS 60000

uint16_t node_bit(const publisher_node *node)
{
	return (uint16_t)(1u << node->number);
}

emr_ipfs_call node_call(const publisher_node *node, uint32_t timeout_ms)
{
	return emr_ipfs_call_of(timeout_ms, node->publisher->stop_fd);
}

/* ---- Waiting ---- */

int64_t publisher_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void publisher_step_back(void)
{
	if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICE) != 0)
		emr_log(EMR_LOG_INFO, "publisher: its threads run like any other");
}

void publisher_wait_until(emr_publisher *p, int64_t until_ns)
{
	const struct timespec until = {
		.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};

	if (until_ns == INT64_MAX)
		pthread_cond_wait(&p->wake, &p->lock);
	else
		pthread_cond_timedwait(&p->wake, &p->lock, &until);
}

/* ---- What is noted ---- */

/* With the lock; gives it back for as long as the disk takes. */
emr_status node_write_lines(emr_publisher *p)
{
	emr_status status;
	emr_buf lines;

	pthread_mutex_unlock(&p->lock);
	pthread_mutex_lock(&p->write_lock);
	pthread_mutex_lock(&p->lock);
	lines = book_take_lines(&p->book);
	pthread_mutex_unlock(&p->lock);
	status = book_write(&p->book, &lines);
	pthread_mutex_unlock(&p->write_lock);
	emr_buf_free(&lines);
	pthread_mutex_lock(&p->lock);
	return status;
}

/* With the lock. Roots that left the book need no note. */
emr_status node_note(publisher_node *node, const emr_cid *root, book_mark mark)
{
	book *b = &node->publisher->book;
	book_entry *entry = book_find(b, root);

	return entry == NULL ? EMR_OK : book_set(b, entry, node->number, mark);
}

/* ---- What people are told ---- */

/* Returns the address by which people know it. */
static const char *address_of(const publisher_node *node)
{
	const emr_ipfs *cluster = emr_ipfs_cluster(node->client);

	return emr_ipfs_address(cluster != NULL ? cluster : node->client);
}

/* With the lock.  True: there is one that the node does not take, does not let go of, or comes to
 * no end with. */
static bool count_records(const emr_publisher *p, uint16_t bit, emr_publisher_node *out)
{
	bool is_any = false;

	for (size_t i = 0; i < book_count(&p->book); i++) {
		const book_entry *entry = book_at(&p->book, i);
		bool is_held = (entry->held & bit) != 0;
		bool is_lacking = entry->is_wanted && !is_held;
		/* Where the pins are away nothing is known to be erased. */
		bool is_leaving = !p->options.has_nothing && !entry->is_wanted &&
				  !entry->is_piece && ((entry->held | entry->sent) & bit) != 0;

		out->records += entry->is_wanted;
		out->held += entry->is_wanted && is_held;
		out->leaving += is_leaving;
		out->stuck += is_lacking && (entry->stuck & bit) != 0;
		out->late += is_lacking && (entry->late & bit) != 0;
		is_any = is_any || (is_leaving && (entry->stuck & bit) != 0);
	}
	return is_any || out->stuck + out->late > 0;
}

void emr_publisher_look(emr_publisher *p, size_t index, emr_publisher_node *out_node)
{
	const publisher_node *node = &p->nodes[index];
	const char *said = node->said;

	pthread_mutex_lock(&p->lock);
	*out_node = (emr_publisher_node){.address = address_of(node),
		.failed = node->failed,
		.counts = node->copies,
		.has_answered = node->has_answered,
		.sending = atomic_load(&p->nodes[index].going),
		.sending_of = atomic_load(&p->nodes[index].going_of),
		.fault = node->fault};
	if (count_records(p, node_bit(node), out_node) && node->fault == EMR_IPFS_FINE) {
		out_node->fault = node->trouble;
		out_node->failed = node->troubled;
		said = node->trouble_said;
	} else if (node->fault == EMR_IPFS_FINE && node_is_unsynced(node)) {
		out_node->fault = EMR_IPFS_UNSYNCED;
		out_node->failed = address_of(node);
	}
	memcpy(out_node->said, said, sizeof out_node->said);
	pthread_mutex_unlock(&p->lock);
}

/* ---- How it goes ---- */

static void say_change(publisher_node *node)
{
	emr_publisher *p = node->publisher;
	emr_publisher_node now;

	emr_publisher_look(p, (size_t)(node - p->nodes), &now);
	if (p->options.say != NULL)
		p->options.say(p->options.arg, &now);
}

/* Twice as long each time, and not at the same moment as everybody else. */
static int64_t pause_ns(unsigned failures)
{
	unsigned doublings = failures < PAUSE_DOUBLINGS ? failures : PAUSE_DOUBLINGS;
	int64_t pause = PAUSE_NS << doublings;

	return pause - pause / 4 + publisher_now_ns() % (pause / 2);
}

void node_works_now(publisher_node *node)
{
	node->has_answered = true;
	node->fault = EMR_IPFS_FINE;
	node->said[0] = '\0';
	node->failures = 0;
}

void node_works(publisher_node *node)
{
	pthread_mutex_lock(&node->publisher->lock);
	node_works_now(node);
	pthread_mutex_unlock(&node->publisher->lock);
}

/* True: a person has not heard of it lately.  With the lock. */
static bool note_fault(
	publisher_node *node, const char *address, emr_ipfs_fault fault, const char *said)
{
	bool is_new =
		node->fault != fault &&
		(node->told_ns[fault] == 0 || publisher_now_ns() - node->told_ns[fault] > TELL_NS);

	if (is_new)
		node->told_ns[fault] = publisher_now_ns();
	node->fault = fault;
	node->failed = address;
	memmove(node->said, said, strnlen(said, sizeof node->said - 1) + 1);
	node->said[sizeof node->said - 1] = '\0';
	return is_new;
}

/* With the lock: it is about a record, and said until none is left of which it is. */
static void keep_trouble(publisher_node *node)
{
	node->trouble = node->fault;
	node->troubled = node->failed;
	memcpy(node->trouble_said, node->said, sizeof node->trouble_said);
}

static void tell(publisher_node *node, emr_ipfs_fault fault, bool is_new)
{
	if (!is_new)
		return;
	emr_log(EMR_LOG_WARN, "publisher: node %u: %s", node->number, emr_ipfs_fault_name(fault));
	say_change(node);
}

bool node_is_away(emr_ipfs_fault fault)
{
	return fault != EMR_IPFS_CANCELLED && fault != EMR_IPFS_BUSY && fault != EMR_IPFS_FULL &&
	       fault != EMR_IPFS_HERE;
}

static void fails_at(
	publisher_node *node, const char *address, emr_ipfs_fault fault, const char *said)
{
	emr_publisher *p = node->publisher;
	bool is_new;

	if (fault == EMR_IPFS_CANCELLED)
		return;
	pthread_mutex_lock(&p->lock);
	is_new = note_fault(node, address, fault, said);
	node->retry_ns = publisher_now_ns() + pause_ns(node->failures++);
	node->is_full = fault == EMR_IPFS_FULL;
	node->was_away = node->was_away || (node_is_away(fault) && !node_is_of_content(fault));
	pthread_cond_broadcast(&p->wake); /* nobody waits for its answer any longer */
	pthread_mutex_unlock(&p->lock);
	tell(node, fault, is_new);
}

void node_fails(publisher_node *node, emr_ipfs *at, const emr_ipfs_call *call)
{
	fails_at(node, emr_ipfs_address(at), call->fault, call->said);
}

void node_complains(publisher_node *node, emr_ipfs *at, emr_ipfs_fault fault, const char *said)
{
	emr_publisher *p = node->publisher;
	bool is_new;

	pthread_mutex_lock(&p->lock);
	is_new = note_fault(node, emr_ipfs_address(at), fault, said);
	keep_trouble(node);
	pthread_mutex_unlock(&p->lock);
	tell(node, fault, is_new);
}

/* With the lock, which it gives back while who waits for copies is told of some. */
static void note_verdict(publisher_node *node, bool is_unsynced)
{
	emr_publisher *p = node->publisher;

	if (is_unsynced == node_is_unsynced(node))
		return;
	if (book_set_unsynced(&p->book, node->number, is_unsynced) != EMR_OK ||
		node_write_lines(p) != EMR_OK)
		emr_log(EMR_LOG_WARN, "publisher: whether a node syncs could not be noted");
	if (is_unsynced) { /* what only it has no node holds: that is said again */
		p->here_asked++;
		pthread_cond_broadcast(&p->wake);
		return;
	}
	node->told_ns[EMR_IPFS_UNSYNCED] = 0;
	pthread_mutex_unlock(&p->lock);
	if (p->options.copied != NULL)
		p->options.copied(p->options.arg);
	pthread_mutex_lock(&p->lock);
}

/* The token may not see it, or what stands there does not have it.  An answer that cannot be read
 * says neither: what was known stays. */
static bool is_hidden(const emr_ipfs_call *call)
{
	return call->fault == EMR_IPFS_TOKEN || call->fault == EMR_IPFS_NOT_ALLOWED ||
	       (call->fault == EMR_IPFS_STRANGE && call->http_status == 404);
}

void node_look_whether_it_syncs(publisher_node *node)
{
	emr_publisher *p = node->publisher;
	emr_ipfs_call call = node_call(node, NODE_ASK_MS);
	emr_ipfs_verdict verdict = EMR_IPFS_UNKNOWN;
	emr_status status;

	if (publisher_now_ns() < node->ask_sync_ns)
		return;
	node->ask_sync_ns = 0;
	if (node_is_clustered(node)) /* goes by the word of its peers */
		return;
	pthread_mutex_unlock(&p->lock);
	status = emr_ipfs_syncs(node->client, &call, &verdict);
	pthread_mutex_lock(&p->lock);
	if (status == EMR_OK)
		note_verdict(node, verdict == EMR_IPFS_BROKEN);
	else if (is_hidden(&call))
		note_verdict(node, false); /* it goes by the node's word */
	else
		node->ask_sync_ns = publisher_now_ns() + NODE_UNSYNCED_NS;
}

bool node_tells_unsynced(publisher_node *node)
{
	emr_publisher *p = node->publisher;

	if (!node_is_unsynced(node) || node->told_ns[EMR_IPFS_UNSYNCED] != 0)
		return false;
	node->told_ns[EMR_IPFS_UNSYNCED] = publisher_now_ns();
	pthread_mutex_unlock(&p->lock);
	tell(node, EMR_IPFS_UNSYNCED, true);
	pthread_mutex_lock(&p->lock);
	return true;
}

void node_fails_with(publisher_node *node, emr_ipfs_fault fault, const char *said)
{
	fails_at(node, emr_ipfs_address(node->client), fault, said);
}

/* Our own side: memory, or the disk. */
void node_fails_here(publisher_node *node, emr_status status)
{
	emr_log(EMR_LOG_WARN, "publisher: %s", emr_status_text(status));
	node_fails_with(node, EMR_IPFS_HERE, emr_status_text(status));
}

/* ---- What is asked of it, and what it does not come to an end with ---- */

bool node_is_unsynced(const publisher_node *node)
{
	return (node->publisher->book.unsynced & node_bit(node)) != 0;
}

bool node_is_clustered(const publisher_node *node)
{
	return emr_ipfs_cluster(node->client) != NULL;
}

bool node_is_of_content(emr_ipfs_fault fault)
{
	return fault == EMR_IPFS_NOT_KEPT || fault == EMR_IPFS_BAD_CAR ||
	       fault == EMR_IPFS_TOO_LARGE || fault == EMR_IPFS_HERE || fault == EMR_IPFS_SLOW ||
	       fault == EMR_IPFS_ERROR;
}

/* It is left alone for a while, and the others go on.  One error of a node passes, as a rule; what
 * a node never takes is tried less and less often. */
void node_stick_root(publisher_node *node, const emr_cid *root)
{
	emr_publisher *p = node->publisher;
	int64_t due_ns = publisher_now_ns() + UNSTICK_NS;
	book_entry *entry;

	pthread_mutex_lock(&p->lock);
	entry = book_find(&p->book, root);
	if (entry != NULL) {
		entry->stuck |= node_bit(node);
		due_ns = publisher_now_ns() + (UNSTICK_NS << entry->sticks);
		entry->sticks += entry->sticks < UNSTICK_DOUBLINGS;
	}
	if (node->unstick_ns == 0 || due_ns < node->unstick_ns)
		node->unstick_ns = due_ns;
	pthread_mutex_unlock(&p->lock);
}

/* The same, because of what the node said last. */
void node_stick_for_fault(publisher_node *node, const emr_cid *root)
{
	pthread_mutex_lock(&node->publisher->lock);
	keep_trouble(node);
	pthread_mutex_unlock(&node->publisher->lock);
	node_stick_root(node, root);
}

void node_stick(publisher_node *node, pick *one)
{
	one->is_stuck = true;
	node_stick_for_fault(node, &one->root);
}

emr_status node_ask(
	publisher_node *node, const emr_cid *root, bool *out_is_held, emr_ipfs_fault *out_fault)
{
	emr_ipfs_call call = node_call(node, NODE_ASK_MS);
	emr_ipfs_holding holding = {0};
	emr_status status = emr_ipfs_holds(node->client, &call, root, &holding);

	*out_is_held = status == EMR_OK && holding.is_pinned && holding.is_whole;
	*out_fault = call.fault;
	if (status != EMR_OK)
		node_fails_with(node, call.fault, call.said);
	return status;
}

int64_t node_store_ns(const publisher_node *node)
{
	const uint32_t ms = node->publisher->options.store_ms;

	return (ms != 0 ? ms : STORE_MS) * INT64_C(1000000);
}

bool node_find_held(
	const publisher_node *node, const emr_cid *from, bool is_unlisted, emr_cid *out_root)
{
	const book *b = &node->publisher->book;
	const emr_cid behind = *from;

	for (size_t i = book_from(b, &behind); i < book_count(b); i++) {
		const book_entry *entry = book_at(b, i);
		const unsigned is = is_unlisted ? entry->held & ~entry->listed : entry->held;

		if (entry->is_wanted && (is & node_bit(node)) != 0 &&
			!emr_cid_equal(&entry->root, &behind)) {
			*out_root = entry->root;
			return true;
		}
	}
	return false;
}
