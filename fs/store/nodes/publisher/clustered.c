/* This file is what the publisher does with a place that is a node of an IPFS Cluster: the node is
 * given the blocks, the cluster is asked to have them pinned, and is looked at until enough of its
 * peers have.  Only those are copies. */
#include "place.h"

#include <stdio.h>

#include "ipfs/cluster.h"

/* A peer that was away hears of a pin some seconds after it was asked for. */
#define HEARS_LOOKS 3
#define ASK_MS 60000		    /* a cluster gives each of its peers 15 s */
#define LOOK_NS INT64_C(1000000000) /* after it was asked; twice as long after each in vain: */
#define LOOK_DOUBLINGS 6
#define LATE_MS 300000 /* of the same waiting twice: a person hears of it within ten minutes */

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
	if (now != before) {
		place->looks = 0;
		entry->seen &= (uint16_t)~place_bit(place);
		entry->late &= (uint16_t)~place_bit(place);
	}
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

/* With the lock: what waits, and did the last time that this was asked; how many those are. */
static size_t note_late(publisher_place *place)
{
	const book *b = &place->publisher->book;
	const uint16_t bit = place_bit(place);
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
static void tell_late(publisher_place *place, uint32_t late_ms)
{
	emr_publisher *p = place->publisher;
	char said[EMR_IPFS_SAID_BYTES];
	size_t late;

	if (publisher_now_ns() < place->late_ns)
		return;
	place->late_ns = publisher_now_ns() + (int64_t)late_ms * 1000000;
	late = note_late(place);
	if (late == 0)
		return;
	snprintf(said, sizeof said, "%zu, for over %u s", late, late_ms / 1000);
	pthread_mutex_unlock(&p->lock);
	place_complains(place, emr_ipfs_cluster(place->node), EMR_IPFS_UNFINISHED, said);
	pthread_mutex_lock(&p->lock);
}

void cluster_unwait(publisher_place *place)
{
	const book *b = &place->publisher->book;
	const uint32_t late_ms = place->publisher->options.late_ms;

	if (place->look_ns == 0 || publisher_now_ns() < place->look_ns)
		return;
	tell_late(place, late_ms != 0 ? late_ms : LATE_MS);
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

/* The cluster was asked only just now. */
static bool is_early(publisher_place *place)
{
	bool is;

	pthread_mutex_lock(&place->publisher->lock);
	is = place->looks < HEARS_LOOKS;
	pthread_mutex_unlock(&place->publisher->lock);
	return is;
}

/* Peers that could not, or too few that are to: they are asked once more, looked at for some
 * seconds, and then it is left alone for a while, so that no record keeps the others back. A root
 * that no peer has, and the node neither (it is another by now, or has lost it), is left to be
 * sent: nobody could pin it. */
static emr_status ask_again(publisher_place *place, pick *one, const emr_ipfs_pinning *pinning)
{
	emr_ipfs *cluster = emr_ipfs_cluster(place->node);
	char said[EMR_IPFS_SAID_BYTES];
	bool is_there = true;

	if (urge(place, &one->root)) {
		emr_ipfs_fault fault;

		EMR_TRY(pinning->pinned == 0 ? place_ask(place, &one->root, &is_there, &fault)
					     : EMR_OK);
		return is_there ? cluster_pin(place, one) : EMR_OK;
	}
	if (is_early(place)) {
		wait_for(place, one);
		return EMR_OK;
	}
	snprintf(said, sizeof said, "%u of %u peers%s%.200s", pinning->pinned, place->copies,
		pinning->failed > 0 ? ", " : "", pinning->said);
	place_complains(place, cluster, EMR_IPFS_NOT_KEPT, said);
	place_stick(place, one);
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
