/* This file is what the publisher does with a node of an IPFS Cluster: the node is
 * given the blocks, the cluster is asked to have them pinned, and is looked at until enough of its
 * peers have.  Only those are copies. */
#include "node.h"

#include <stdio.h>

#include "ipfs/cluster.h"

/* A peer that was away hears of a pin some seconds after it was asked for. */
#define HEARS_LOOKS 3
#define ASK_MS 60000		    /* a cluster gives each of its peers 15 s */
#define LOOK_NS INT64_C(1000000000) /* after it was asked; twice as long after each in vain: */
#define LOOK_DOUBLINGS 6
#define LATE_MS 300000 /* of the same waiting twice: a person hears of it within ten minutes */

/* With the lock. */
unsigned cluster_copies(const publisher_node *node, const book_entry *entry)
{
	unsigned peers = (unsigned)(entry->peers >> (4 * node->number) & 15);

	if ((entry->held & node_bit(node)) != 0)
		return node->copies;
	return peers < node->copies ? peers : node->copies;
}

/* True: it has more, or fewer, than at the last look. */
static bool note_peers(publisher_node *node, const emr_cid *root, unsigned peers)
{
	emr_publisher *p = node->publisher;
	book_entry *entry;
	uint64_t before = 0, now;

	peers = peers < 15 ? peers : 15;
	pthread_mutex_lock(&p->lock);
	entry = book_find(&p->book, root);
	if (entry != NULL) {
		before = entry->peers;
		entry->peers &= ~(UINT64_C(15) << (4 * node->number));
		entry->peers |= (uint64_t)peers << (4 * node->number);
	}
	now = entry != NULL ? entry->peers : 0;
	if (now != before) {
		node->looks = 0;
		entry->seen &= (uint16_t)~node_bit(node);
		entry->late &= (uint16_t)~node_bit(node);
	}
	pthread_mutex_unlock(&p->lock);
	return now != before;
}

static void wait_for(publisher_node *node, pick *one)
{
	emr_publisher *p = node->publisher;
	book_entry *entry;

	one->is_waiting = true;
	pthread_mutex_lock(&p->lock);
	entry = book_find(&p->book, &one->root);
	if (entry != NULL)
		entry->waits |= node_bit(node);
	if (node->look_ns == 0)
		node->look_ns =
			publisher_now_ns() +
			(LOOK_NS << (node->looks < LOOK_DOUBLINGS ? node->looks : LOOK_DOUBLINGS));
	pthread_mutex_unlock(&p->lock);
}

/* With the lock: what waits, and did the last time that this was asked; how many those are. */
static size_t note_late(publisher_node *node)
{
	const book *b = &node->publisher->book;
	const uint16_t bit = node_bit(node);
	size_t late = 0;

	for (size_t i = 0; i < book_count(b); i++) {
		book_entry *entry = book_at(b, i);

		if ((entry->waits & bit) == 0 || !entry->is_wanted)
			continue;
		entry->late |= entry->seen & bit;
		entry->seen |= bit;
		late += (entry->late & bit) != 0;
	}
	return late;
}

/* With the lock, which it gives back meanwhile. */
static void tell_late(publisher_node *node, uint32_t late_ms)
{
	emr_publisher *p = node->publisher;
	char said[EMR_IPFS_SAID_BYTES];
	size_t late;

	if (publisher_now_ns() < node->late_ns)
		return;
	node->late_ns = publisher_now_ns() + (int64_t)late_ms * 1000000;
	late = note_late(node);
	if (late == 0)
		return;
	snprintf(said, sizeof said, "%zu, for over %u s", late, late_ms / 1000);
	pthread_mutex_unlock(&p->lock);
	node_complains(node, emr_ipfs_cluster(node->client), EMR_IPFS_UNFINISHED, said);
	pthread_mutex_lock(&p->lock);
}

void cluster_unwait(publisher_node *node)
{
	const book *b = &node->publisher->book;
	const uint32_t late_ms = node->publisher->options.late_ms;

	if (node->look_ns == 0 || publisher_now_ns() < node->look_ns)
		return;
	tell_late(node, late_ms != 0 ? late_ms : LATE_MS);
	node->look_ns = 0;
	node->looks++;
	for (size_t i = 0; i < book_count(b); i++)
		book_at(b, i)->waits &= (uint16_t)~node_bit(node);
}

emr_status cluster_pin(publisher_node *node, pick *one)
{
	emr_ipfs *cluster = emr_ipfs_cluster(node->client);
	emr_ipfs_call call = node_call(node, ASK_MS);
	emr_status status = emr_ipfs_cluster_pin(cluster, &call, &one->root, node->copies);

	if (status != EMR_OK) {
		node_fails(node, cluster, &call);
		return status;
	}
	pthread_mutex_lock(&node->publisher->lock);
	node->looks = 0;
	pthread_mutex_unlock(&node->publisher->lock);
	wait_for(node, one);
	return EMR_OK;
}

/* False: it was done before. */
static bool urge(publisher_node *node, const emr_cid *root)
{
	emr_publisher *p = node->publisher;
	book_entry *entry;
	bool is_first;

	pthread_mutex_lock(&p->lock);
	entry = book_find(&p->book, root);
	is_first = entry != NULL && (entry->urged & node_bit(node)) == 0;
	if (entry != NULL)
		entry->urged |= node_bit(node);
	pthread_mutex_unlock(&p->lock);
	return is_first;
}

/* The cluster was asked only just now. */
static bool is_early(publisher_node *node)
{
	bool is;

	pthread_mutex_lock(&node->publisher->lock);
	is = node->looks < HEARS_LOOKS;
	pthread_mutex_unlock(&node->publisher->lock);
	return is;
}

/* Peers that could not, or too few that are to: they are asked once more, looked at for some
 * seconds, and then it is left alone for a while, so that no record keeps the others back. A root
 * that no peer has, and the node neither (it is another by now, or has lost it), is left to be
 * sent: nobody could pin it. */
static emr_status ask_again(publisher_node *node, pick *one, const emr_ipfs_pinning *pinning)
{
	emr_ipfs *cluster = emr_ipfs_cluster(node->client);
	char said[EMR_IPFS_SAID_BYTES];
	bool is_there = true;

	if (urge(node, &one->root)) {
		emr_ipfs_fault fault;

		EMR_TRY(pinning->pinned == 0 ? node_ask(node, &one->root, &is_there, &fault)
					     : EMR_OK);
		return is_there ? cluster_pin(node, one) : EMR_OK;
	}
	if (is_early(node)) {
		wait_for(node, one);
		return EMR_OK;
	}
	snprintf(said, sizeof said, "%u of %u peers%s%.200s", pinning->pinned, node->copies,
		pinning->failed > 0 ? ", " : "", pinning->said);
	node_complains(node, cluster, EMR_IPFS_NOT_KEPT, said);
	node_stick(node, one);
	return EMR_OK;
}

emr_status cluster_ask(publisher_node *node, pick *one)
{
	emr_publisher *p = node->publisher;
	emr_ipfs *cluster = emr_ipfs_cluster(node->client);
	emr_ipfs_call call = node_call(node, ASK_MS);
	emr_ipfs_pinning pinning = {0};
	emr_status status = emr_ipfs_cluster_look(cluster, &call, &one->root, &pinning);

	if (status != EMR_OK) {
		node_fails(node, cluster, &call);
		return status;
	}
	if (note_peers(node, &one->root, pinning.pinned) && p->options.copied != NULL)
		p->options.copied(p->options.arg);
	one->is_held = pinning.pinned >= node->copies;
	if (one->is_held)
		return EMR_OK;
	if (pinning.pinned + pinning.underway >= node->copies ||
		(pinning.underway > 0 && pinning.failed == 0)) {
		wait_for(node, one);
		return EMR_OK;
	}
	return pinning.pinned + pinning.underway + pinning.failed == 0
		       ? EMR_OK
		       : ask_again(node, one, &pinning);
}
