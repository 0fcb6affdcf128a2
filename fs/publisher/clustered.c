/* This file is what the publisher does with a place that is a node of an IPFS Cluster: the node is
 * given the blocks, the cluster is asked to have them pinned, and is looked at until enough of its
 * peers have.  Only those are copies. */
#include "place.h"

#include <stdio.h>

#include "ipfs/cluster.h"

#define ASK_MS 60000		    /* a cluster gives each of its peers 15 s */
#define LOOK_NS INT64_C(1000000000) /* after it was asked; twice as long after each in vain: */
#define LOOK_DOUBLINGS 6

/* With the lock. */
unsigned cluster_copies(const publisher_place *place, const book_entry *entry)
{
	unsigned peers = (unsigned)(entry->peers >> (4 * place->number) & 15);

	if ((entry->held & place_bit(place)) != 0)
		return place->copies;
	return peers < place->copies ? peers : place->copies;
}

/* True: it has more, or fewer, than at the last look. */
static bool note_peers(publisher_place *place, const emr_cid *root, unsigned peers)
{
	emr_publisher *p = place->publisher;
	book_entry *entry;
	uint64_t before = 0, now;

	peers = peers < 15 ? peers : 15;
	pthread_mutex_lock(&p->lock);
	entry = book_find(&p->book, root);
	if (entry != NULL) {
		before = entry->peers;
		entry->peers &= ~(UINT64_C(15) << (4 * place->number));
		entry->peers |= (uint64_t)peers << (4 * place->number);
	}
	now = entry != NULL ? entry->peers : 0;
	if (now != before)
		place->looks = 0;
	pthread_mutex_unlock(&p->lock);
	return now != before;
}

static void wait_for(publisher_place *place, pick *one)
{
	emr_publisher *p = place->publisher;
	book_entry *entry;

	one->is_waiting = true;
	pthread_mutex_lock(&p->lock);
	entry = book_find(&p->book, &one->root);
	if (entry != NULL)
		entry->waits |= place_bit(place);
	if (place->look_ns == 0)
		place->look_ns = publisher_now_ns() +
				 (LOOK_NS << (place->looks < LOOK_DOUBLINGS ? place->looks
									    : LOOK_DOUBLINGS));
	pthread_mutex_unlock(&p->lock);
}

/* With the lock. */
void cluster_unwait(publisher_place *place)
{
	const book *b = &place->publisher->book;

	if (place->look_ns == 0 || publisher_now_ns() < place->look_ns)
		return;
	place->look_ns = 0;
	place->looks++;
	for (size_t i = 0; i < book_count(b); i++)
		book_at(b, i)->waits &= (uint16_t)~place_bit(place);
}

emr_status cluster_pin(publisher_place *place, pick *one)
{
	emr_ipfs *cluster = emr_ipfs_cluster(place->node);
	emr_ipfs_call call = place_call(place, ASK_MS);
	emr_status status = emr_ipfs_cluster_pin(cluster, &call, &one->root, place->copies);

	if (status != EMR_OK) {
		place_fails(place, cluster, &call);
		return status;
	}
	pthread_mutex_lock(&place->publisher->lock);
	place->looks = 0;
	pthread_mutex_unlock(&place->publisher->lock);
	wait_for(place, one);
	return EMR_OK;
}

/* False: it was done before. */
static bool urge(publisher_place *place, const emr_cid *root)
{
	emr_publisher *p = place->publisher;
	book_entry *entry;
	bool is_first;

	pthread_mutex_lock(&p->lock);
	entry = book_find(&p->book, root);
	is_first = entry != NULL && (entry->urged & place_bit(place)) == 0;
	if (entry != NULL)
		entry->urged |= place_bit(place);
	pthread_mutex_unlock(&p->lock);
	return is_first;
}

/* Peers that could not, or too few that are to: they are asked once more, and then it is left alone
 * for a while, so that no record keeps the others back.  What no peer has, and the node neither (it
 * is another by now, or has lost it), is left to be sent: nobody could pin it. */
static emr_status ask_again(publisher_place *place, pick *one, const emr_ipfs_pinning *pinning)
{
	emr_ipfs *cluster = emr_ipfs_cluster(place->node);
	char said[EMR_IPFS_SAID_BYTES];
	bool is_there = true;

	if (urge(place, &one->root)) {
		emr_ipfs_fault fault;
		emr_status status = pinning->pinned == 0
					    ? place_ask(place, &one->root, &is_there, &fault)
					    : EMR_OK;

		return status == EMR_OK && is_there ? cluster_pin(place, one) : status;
	}
	snprintf(said, sizeof said, "%u of %u peers%s%.200s", pinning->pinned, place->copies,
		pinning->failed > 0 ? ", " : "", pinning->said);
	place_stick(place, one);
	place_complains(place, cluster, EMR_IPFS_NOT_KEPT, said);
	return EMR_OK;
}

emr_status cluster_ask(publisher_place *place, pick *one)
{
	emr_publisher *p = place->publisher;
	emr_ipfs *cluster = emr_ipfs_cluster(place->node);
	emr_ipfs_call call = place_call(place, ASK_MS);
	emr_ipfs_pinning pinning = {0};
	emr_status status = emr_ipfs_cluster_look(cluster, &call, &one->root, &pinning);

	if (status != EMR_OK) {
		place_fails(place, cluster, &call);
		return status;
	}
	if (note_peers(place, &one->root, pinning.pinned) && p->options.copied != NULL)
		p->options.copied(p->options.arg);
	one->is_held = pinning.pinned >= place->copies;
	if (one->is_held)
		return EMR_OK;
	if (pinning.pinned + pinning.underway >= place->copies ||
		(pinning.underway > 0 && pinning.failed == 0)) {
		wait_for(place, one);
		return EMR_OK;
	}
	return pinning.pinned + pinning.underway + pinning.failed == 0
		       ? EMR_OK
		       : ask_again(place, one, &pinning);
}
