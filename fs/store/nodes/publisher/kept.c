/* This file is what a node has: it is told what was erased until it lets go of it, and asked again
 * whether it holds what it said, each day and when it comes back. */
#include "node.h"

#include "base/log.h"
#include "ipfs/cluster.h"

#define CHECK_SHARE 20 /* of the time at most one part in so many */
#define CHECK_AGAIN_NS INT64_C(86400000000000)
#define BACK_MS 600000 /* between two returns */
#define LIST_LEAST 50  /* of fewer each is asked for: a node may keep much for others */

/* ---- What is erased ---- */

/* With the lock. */
static bool find_leaving(const publisher_node *node, emr_cid *out_root)
{
	const book *b = &node->publisher->book;

	for (size_t i = 0; i < book_count(b); i++) {
		const book_entry *entry = book_at(b, i);

		if (!entry->is_wanted && (entry->stuck & node_bit(node)) == 0 &&
			((entry->held | entry->sent) & node_bit(node)) != 0) {
			*out_root = entry->root;
			return true;
		}
	}
	return false;
}

static emr_status note_gone(publisher_node *node, const emr_cid *root)
{
	emr_publisher *p = node->publisher;
	bool is_last = false;
	book_entry *entry;
	emr_status status;

	pthread_mutex_lock(&p->lock);
	status = node_note(node, root, BOOK_GONE);
	entry = book_find(&p->book, root);
	if (entry != NULL && entry->is_noted && !entry->is_wanted &&
		(entry->held | entry->sent) == 0)
		is_last = true;
	pthread_cond_broadcast(&p->wake);
	if (status == EMR_OK)
		status = node_write_lines(p);
	pthread_mutex_unlock(&p->lock);
	if (status == EMR_OK && is_last && p->options.left != NULL)
		status = p->options.left(p->options.arg, root);
	return status;
}

/* With the lock, which it gives back meanwhile. */
bool node_let_one_go(publisher_node *node)
{
	emr_publisher *p = node->publisher;
	emr_ipfs_call call = node_call(node, NODE_ASK_MS);
	emr_ipfs *at = node->client;
	emr_status status = EMR_OK;
	emr_cid root;

	if (!find_leaving(node, &root))
		return false;
	pthread_mutex_unlock(&p->lock);
	/* The cluster first: it would have its peers pin it again. */
	if (node_is_clustered(node)) {
		at = emr_ipfs_cluster(node->client);
		status = emr_ipfs_let_go(at, &call, &root);
	}
	if (status == EMR_OK) {
		at = node->client;
		status = emr_ipfs_let_go(at, &call, &root);
	}
	if (status != EMR_OK) {
		node_fails(node, at, &call);
		if (node_is_of_content(call.fault))
			node_stick_for_fault(node, &root);
	} else {
		status = note_gone(node, &root);
		if (status != EMR_OK)
			node_fails_here(node, status);
		else
			node_works(node);
	}
	pthread_mutex_lock(&p->lock);
	return true;
}

/* With the lock. */
static uint64_t count_left(const emr_publisher *p, size_t number)
{
	uint64_t n = 0;

	for (size_t i = 0; i < book_count(&p->book); i++) {
		const book_entry *entry = book_at(&p->book, i);

		n += !entry->is_wanted && ((entry->held | entry->sent) >> number & 1) != 0;
	}
	return n;
}

/* With the lock: a node that answers still has something to let go of. */
static bool is_letting_go(const emr_publisher *p)
{
	emr_cid ignored;

	for (size_t i = 0; i < p->count; i++)
		if (p->nodes[i].lanes[0].has_thread && p->nodes[i].failures == 0 &&
			find_leaving(&p->nodes[i], &ignored))
			return true;
	return false;
}

static bool is_in_settings(const emr_publisher *p, size_t number)
{
	bool is = false;

	for (size_t i = 0; i < p->count; i++)
		is = is || p->nodes[i].number == number;
	return is;
}

void emr_publisher_each_left(emr_publisher *p, int64_t wait_ns, emr_publisher_left_fn fn, void *arg)
{
	const int64_t until = publisher_now_ns() + wait_ns;

	(void)wanted_look_now(p, wait_ns); /* in vain: by the look before */
	pthread_mutex_lock(&p->lock);
	while (is_letting_go(p) && !p->is_stopping && publisher_now_ns() < until)
		publisher_wait_until(p, until);
	for (size_t i = 0; i < p->book.node_count; i++) {
		const uint64_t n = p->book.nodes[i] != NULL ? count_left(p, i) : 0;

		if (n > 0)
			fn(arg, p->book.nodes[i], !is_in_settings(p, i), n);
	}
	pthread_mutex_unlock(&p->lock);
}

/* ---- What is there already ---- */

void emr_publisher_doubt(void *publisher, const emr_cid *root)
{
	emr_publisher *p = publisher;
	book_entry *entry;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	entry = book_find(&p->book, root);
	if (entry != NULL)
		entry->asked = entry->held;
	p->has_doubts = p->has_doubts || (entry != NULL && entry->held != 0);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

/* With the lock: one that somebody could not have goes before all others; it is not of the round.
 */
static bool find_doubt(publisher_node *node, emr_cid *out_root)
{
	emr_publisher *p = node->publisher;
	uint16_t all = 0;

	for (size_t i = 0; p->has_doubts && i < book_count(&p->book); i++) {
		book_entry *entry = book_at(&p->book, i);

		if ((entry->asked & entry->held & node_bit(node)) != 0) {
			entry->asked &= (uint16_t)~node_bit(node);
			*out_root = entry->root;
			return true;
		}
		all |= entry->asked & entry->held;
	}
	p->has_doubts = all != 0;
	return false;
}

static emr_status note_listed(void *arg, const emr_cid *root)
{
	publisher_node *node = arg;
	book_entry *entry;

	pthread_mutex_lock(&node->publisher->lock);
	entry = book_find(&node->publisher->book, root);
	if (entry != NULL)
		entry->listed |= node_bit(node);
	pthread_mutex_unlock(&node->publisher->lock);
	return EMR_OK;
}

/* With the lock, which it gives back meanwhile. */
static emr_status list_pins(publisher_node *node)
{
	emr_publisher *p = node->publisher;
	emr_ipfs_call call = node_call(node, NODE_ASK_MS);
	emr_status status;

	for (size_t i = 0; i < book_count(&p->book); i++)
		book_at(&p->book, i)->listed &= (uint16_t)~node_bit(node);
	pthread_mutex_unlock(&p->lock);
	status = emr_ipfs_each_pin(node->client, &call, note_listed, node);
	pthread_mutex_lock(&p->lock);
	return status;
}

/* With the lock, which it gives back meanwhile; once in a round. A node that lost one may be
 * another node by now, behind the same address: of many records one list says what it lacks.
 * Without the list each is asked for in its turn. */
static void take_back_unlisted(publisher_node *node)
{
	emr_publisher *p = node->publisher;
	emr_cid root = {{0}};
	size_t n = 0;

	while (n < LIST_LEAST && node_find_held(node, &root, false, &root))
		n++;
	if (node->is_listed || node_is_clustered(node) || n < LIST_LEAST)
		return;
	node->is_listed = true;
	if (list_pins(node) != EMR_OK)
		return;
	root = (emr_cid){{0}};
	while (!p->is_stopping && node_find_held(node, &root, true, &root)) {
		pthread_mutex_unlock(&p->lock);
		here_unheld(p, &root, node_bit(node));
		pthread_mutex_lock(&p->lock);
		(void)node_note(node, &root, BOOK_SENT);
	}
}

static emr_status check_cluster(publisher_node *node, const emr_cid *root, bool *out_is_held)
{
	pick one = {.root = *root};
	emr_status status = cluster_ask(node, &one);

	*out_is_held = one.is_held;
	return status;
}

/* With the lock: the next to be asked for.  A round goes from where the last one was broken off to
 * the end, and from the beginning to there: over a line that breaks off again and again all of them
 * have their turn. */
static bool find_next(publisher_node *node, emr_cid *out_root)
{
	if (node_find_held(node, &node->checked, false, out_root))
		return node->is_behind_end || is_none(&node->round_end) ||
		       book_compare(out_root, &node->round_end) <= 0;
	if (!node->is_behind_end)
		return false;
	node->is_behind_end = false;
	node->checked = (emr_cid){{0}};
	return node_find_held(node, &node->checked, false, out_root) &&
	       book_compare(out_root, &node->round_end) <= 0;
}

/* With the lock, which it gives back meanwhile: asks for one of those that it said it holds. */
bool node_check_one(publisher_node *node)
{
	emr_publisher *p = node->publisher;
	int64_t begun_ns = publisher_now_ns();
	emr_ipfs_fault fault = EMR_IPFS_FINE;
	bool is_held = false, is_doubt;
	emr_status status;
	emr_cid root;

	is_doubt = find_doubt(node, &root);
	if (!is_doubt && begun_ns < node->next_check_ns)
		return false;
	if (!is_doubt && !find_next(node, &root)) {
		node->next_check_ns = begun_ns + CHECK_AGAIN_NS;
		node->checked = node->round_end = (emr_cid){{0}};
		node->has_hurry = node->is_listed = false;
		pthread_cond_broadcast(&p->wake); /* a person may wait for the end of it */
		return false;
	}
	pthread_mutex_unlock(&p->lock);
	if (node_is_clustered(node)) {
		status = check_cluster(node, &root, &is_held);
		fault = node->fault;
	} else {
		status = node_ask(node, &root, &is_held, &fault);
	}
	if (status == EMR_OK)
		node_works(node);
	/* Before it is noted, and sent again: what is told may make it whole here. */
	if (!is_held && (status == EMR_OK || fault == EMR_IPFS_ERROR))
		here_unheld(p, &root, node_bit(node));
	pthread_mutex_lock(&p->lock);
	if (status != EMR_OK && !node_is_of_content(fault))
		return true;
	if (!is_doubt)
		node->checked = root;
	if (!node->has_hurry && !is_doubt)
		node->next_check_ns =
			publisher_now_ns() + CHECK_SHARE * (publisher_now_ns() - begun_ns);
	if (status != EMR_OK && fault != EMR_IPFS_ERROR)
		return true; /* it has not said that it cannot give it out */
	if (is_held)
		return true;
	(void)node_note(node, &root, BOOK_SENT);
	if (status == EMR_OK)
		take_back_unlisted(node);
	if (is_doubt && is_none(&node->checked)) /* the others are looked at now */
		node->next_check_ns = 0;
	if (node_write_lines(p) != EMR_OK)
		emr_log(EMR_LOG_WARN, "publisher: a lost copy could not be noted");
	return true;
}

void node_look_at_store(publisher_node *node, bool is_asked)
{
	emr_publisher *p = node->publisher;
	emr_ipfs_call call = node_call(node, NODE_ASK_MS);
	char id[33], version[EMR_IPFS_VERSION_BYTES];
	bool is_other = false;

	pthread_mutex_unlock(&p->lock);
	if (is_asked)
		(void)!emr_ipfs_version(node->client, &call, version);
	emr_ipfs_store(node->client, id);
	pthread_mutex_lock(&p->lock);
	p->book.store_due_ns[node->number] =
		id[0] != '\0' ? publisher_now_ns() + node_store_ns(node) : 0;
	if (id[0] == '\0')
		return;
	if (book_set_store(&p->book, node->number, id, &is_other) != EMR_OK ||
		node_write_lines(p) != EMR_OK)
		emr_log(EMR_LOG_WARN, "publisher: whose blocks a node has could not be noted");
	if (!is_other)
		return;
	node->has_list = false; /* one list says what it still has */
	p->here_asked++;
	pthread_cond_broadcast(&p->wake);
}

static int64_t back_pause_ns(const publisher_node *node)
{
	const uint32_t ms = node->publisher->options.back_ms;

	return (ms != 0 ? ms : BACK_MS) * INT64_C(1000000);
}

void node_comes_back(publisher_node *node)
{
	if (!node->was_away || publisher_now_ns() < node->back_ns)
		return;
	if (!node->is_called_for) /* a person who asks for it is no return */
		node->back_ns = publisher_now_ns() + back_pause_ns(node);
	node->was_away = node->is_called_for = node->is_listed = false;
	node->next_check_ns = 0;
	node->round_end = node->checked;
	node->is_behind_end = !is_none(&node->checked);
}

/* With the lock. */
static size_t count_doubted(const publisher_node *node)
{
	const book *b = &node->publisher->book;
	size_t n = 0;

	for (size_t i = 0; i < book_count(b); i++)
		n += (book_at(b, i)->doubted & node_bit(node)) != 0;
	return n;
}

/* With the lock, which it gives back meanwhile; once. Roots that the file does not list any more
 * are read off one list: only those on it are asked for, whether they are whole. Without the list
 * each is. */
void node_read_list(publisher_node *node)
{
	emr_publisher *p = node->publisher;
	emr_status status;

	if (node->has_list)
		return;
	node->has_list = true;
	if (node_is_clustered(node) || count_doubted(node) < LIST_LEAST)
		return;
	status = list_pins(node);
	for (size_t i = 0; status == EMR_OK && i < book_count(&p->book); i++) {
		book_entry *entry = book_at(&p->book, i);
		const unsigned not_there = entry->doubted & ~entry->listed & node_bit(node);

		entry->sent &= (uint16_t)~not_there;
		entry->doubted &= (uint16_t)~not_there;
	}
}
