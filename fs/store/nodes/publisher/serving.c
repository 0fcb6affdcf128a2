/* This file is the thread that serves one node: it sends records (imports.c), lets go of erased
 * ones and asks again what the node has (kept.c), one after the other. It waits while there is
 * nothing to do. */
#include "ipfs/cluster.h"
#include "node.h"

#define PROBE_MS 20000

/* A node that did not answer last time, or not yet, is asked for little before it is given much.
 */
static bool answers(publisher_node *node)
{
	emr_publisher *p = node->publisher;
	emr_ipfs_call call = node_call(node, PROBE_MS);
	char version[EMR_IPFS_VERSION_BYTES];
	emr_ipfs *at = node->client;
	const int64_t due_ns = p->book.store_due_ns[node->number];
	/* Nobody tells when such a node is mended: it starts again. */
	bool is_well = node->has_answered && node->fault == EMR_IPFS_FINE &&
		       (publisher_now_ns() < node->ask_sync_ns ||
			       (node->ask_sync_ns == 0 && !node_is_unsynced(node)));

	if (is_well) { /* what there is to do tells whether it still answers */
		if (due_ns != 0 && publisher_now_ns() >= due_ns)
			node_look_at_store(node, true);
		return true;
	}
	pthread_mutex_unlock(&p->lock);
	is_well = emr_ipfs_version(at, &call, version) == EMR_OK;
	if (is_well && node_is_clustered(node)) {
		at = emr_ipfs_cluster(node->client);
		is_well = emr_ipfs_version(at, &call, version) == EMR_OK;
	}
	if (!is_well)
		node_fails(node, at, &call);
	pthread_mutex_lock(&p->lock);
	node->was_away = node->was_away || (!is_well && node_is_away(call.fault));
	if (is_well) {
		node_look_whether_it_syncs(node);
		node_look_at_store(node, false);
	}
	node->has_answered = node->has_answered || is_well;
	return is_well;
}

/* With the lock. */
static void unstick(publisher_node *node)
{
	const book *b = &node->publisher->book;

	if (node->unstick_ns == 0 || publisher_now_ns() < node->unstick_ns)
		return;
	node->unstick_ns = 0;
	for (size_t i = 0; i < book_count(b); i++) {
		book_at(b, i)->stuck &= (uint16_t)~node_bit(node);
		book_at(b, i)->urged &= (uint16_t)~node_bit(node);
	}
}

static int64_t next_ns(const publisher_node *node)
{
	int64_t next = node->next_check_ns;
	const int64_t due_ns = node->publisher->book.store_due_ns[node->number];

	if (node->was_away && node->back_ns < next) /* it is asked then, also if it stays */
		next = node->back_ns;
	if (node->unstick_ns != 0 && node->unstick_ns < next)
		next = node->unstick_ns;
	if (node_is_unsynced(node) && publisher_now_ns() + NODE_UNSYNCED_NS < next)
		next = publisher_now_ns() + NODE_UNSYNCED_NS;
	if (node->ask_sync_ns != 0 && node->ask_sync_ns < next)
		next = node->ask_sync_ns;
	if (due_ns != 0 && due_ns < next)
		next = due_ns;
	return node->look_ns != 0 && node->look_ns < next ? node->look_ns : next;
}

/* With the lock. */
static void serve_once(publisher_node *node)
{
	emr_publisher *p = node->publisher;

	if (publisher_now_ns() < node->retry_ns) {
		publisher_wait_until(p, node->retry_ns);
		return;
	}
	unstick(node);
	cluster_unwait(node);
	if (!answers(node))
		return;
	node_comes_back(node);
	node_read_list(node);
	/* The root that is let go of may take the room that is missing. */
	if (node->is_full && node->at_work == 0 && node_let_one_go(node))
		return;
	/* A person waits to hear what it has, or could not have something. */
	if ((node->has_hurry || p->has_doubts) && node_check_one(node))
		return;
	if (node_send_some(node))
		return;
	if (node->at_work > 0) { /* what is let go of may be what another thread sends */
		publisher_wait_until(p, INT64_MAX);
		return;
	}
	if (node_let_one_go(node) || node_check_one(node) || p->is_stopping)
		return;
	node_works_now(node);
	if (!node_tells_unsynced(node))
		publisher_wait_until(p, next_ns(node));
}

/* With the lock: only to a node that is known to take what it is given. */
static void send_beside(publisher_node *node)
{
	emr_publisher *p = node->publisher;
	const bool is_well = node->has_taken && node->failures == 0 && node->at_work > 0 &&
			     publisher_now_ns() >= node->retry_ns;

	if (!is_well || !node_send_some(node))
		publisher_wait_until(p, INT64_MAX);
}

void *node_serve(void *arg)
{
	publisher_lane *lane = arg;
	publisher_node *node = lane->node;
	emr_publisher *p = node->publisher;

	if (!p->options.is_awaited)
		publisher_step_back();
	pthread_mutex_lock(&p->lock);
	while (!p->is_stopping) {
		if (!p->has_looked)
			publisher_wait_until(p, INT64_MAX);
		else if (lane != &node->lanes[0])
			send_beside(node);
		else
			serve_once(node);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}
