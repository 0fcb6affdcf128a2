/* This file is the thread that serves one node: it sends records (imports.c), lets go of erased
 * ones and asks again what the node has (kept.c), one after the other. It waits while there is
 * nothing to do. */
#include "ipfs/cluster.h"
#include "place.h"

#define PROBE_MS 20000

/* A place that did not answer last time, or not yet, is asked for little before it is given much.
 */
static bool answers(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	emr_ipfs_call call = place_call(place, PROBE_MS);
	char version[EMR_IPFS_VERSION_BYTES];
	emr_ipfs *at = place->node;
	/* Nobody tells when such a place is mended: it starts again. */
	bool is_well = place->has_answered && place->fault == EMR_IPFS_FINE &&
		       (publisher_now_ns() < place->ask_sync_ns ||
			       (place->ask_sync_ns == 0 && !place_is_unsynced(place)));

	if (is_well)
		return true;
	pthread_mutex_unlock(&p->lock);
	is_well = emr_ipfs_version(at, &call, version) == EMR_OK;
	if (is_well && place_is_clustered(place)) {
		at = emr_ipfs_cluster(place->node);
		is_well = emr_ipfs_version(at, &call, version) == EMR_OK;
	}
	if (!is_well)
		place_fails(place, at, &call);
	pthread_mutex_lock(&p->lock);
	place->was_away = place->was_away || (!is_well && place_is_away(call.fault));
	if (is_well)
		place_look_whether_it_syncs(place);
	place->has_answered = place->has_answered || is_well;
	return is_well;
}

/* With the lock. */
static void unstick(publisher_place *place)
{
	const book *b = &place->publisher->book;

	if (place->unstick_ns == 0 || publisher_now_ns() < place->unstick_ns)
		return;
	place->unstick_ns = 0;
	for (size_t i = 0; i < book_count(b); i++) {
		book_at(b, i)->stuck &= (uint16_t)~place_bit(place);
		book_at(b, i)->urged &= (uint16_t)~place_bit(place);
	}
}

static int64_t next_ns(const publisher_place *place)
{
	int64_t next = place->next_check_ns;

	if (place->was_away && place->back_ns < next) /* it is asked then, also if it stays */
		next = place->back_ns;
	if (place->unstick_ns != 0 && place->unstick_ns < next)
		next = place->unstick_ns;
	if (place_is_unsynced(place) && publisher_now_ns() + PLACE_UNSYNCED_NS < next)
		next = publisher_now_ns() + PLACE_UNSYNCED_NS;
	if (place->ask_sync_ns != 0 && place->ask_sync_ns < next)
		next = place->ask_sync_ns;
	return place->look_ns != 0 && place->look_ns < next ? place->look_ns : next;
}

/* With the lock. */
static void serve_once(publisher_place *place)
{
	emr_publisher *p = place->publisher;

	if (publisher_now_ns() < place->retry_ns) {
		publisher_wait_until(p, place->retry_ns);
		return;
	}
	unstick(place);
	cluster_unwait(place);
	if (!answers(place))
		return;
	place_comes_back(place);
	place_read_list(place);
	/* The root that is let go of may take the room that is missing. */
	if (place->is_full && place->at_work == 0 && place_let_one_go(place))
		return;
	if (place_send_some(place))
		return;
	if (place->at_work > 0) { /* what is let go of may be what another thread sends */
		publisher_wait_until(p, INT64_MAX);
		return;
	}
	if (place_let_one_go(place) || place_check_one(place) || p->is_stopping)
		return;
	place_works_now(place);
	if (!place_tells_unsynced(place))
		publisher_wait_until(p, next_ns(place));
}

/* With the lock: only to a place that is known to take what it is given. */
static void send_beside(publisher_place *place)
{
	emr_publisher *p = place->publisher;
	const bool is_well = place->has_taken && place->failures == 0 && place->at_work > 0 &&
			     publisher_now_ns() >= place->retry_ns;

	if (!is_well || !place_send_some(place))
		publisher_wait_until(p, INT64_MAX);
}

void *place_serve(void *arg)
{
	publisher_lane *lane = arg;
	publisher_place *place = lane->place;
	emr_publisher *p = place->publisher;

	publisher_step_back();
	pthread_mutex_lock(&p->lock);
	while (!p->is_stopping) {
		if (!p->has_looked)
			publisher_wait_until(p, INT64_MAX);
		else if (lane != &place->lanes[0])
			send_beside(place);
		else
			serve_once(place);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}
