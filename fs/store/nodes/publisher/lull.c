/* Sending gives way to the programs that work in the folder, because they want the same processor
 * and the same disk: an import begins only after they have changed nothing for a moment, and one
 * that runs waits between two blocks.  Both waits have an end. */
#include "node.h"

#define MOMENT_NS INT64_C(200000000) /* as long as what is saved waits before it is a version */
#define PATIENCE_MS 15000
#define PAUSE_NS INT64_C(5000000000) /* in one import: the node's collection waits for it */

/* How long until it is quiet; 0: it is.  Called and left with the lock, which whoever changes
 * something in the folder may be waiting for, so it is not held while the folder is asked. */
static int64_t noise_ns(publisher_node *node)
{
	emr_publisher *p = node->publisher;
	int64_t quiet;

	if (p->options.quiet_ns == NULL)
		return 0;
	pthread_mutex_unlock(&p->lock);
	quiet = p->options.quiet_ns(p->options.arg);
	pthread_mutex_lock(&p->lock);
	return quiet >= MOMENT_NS ? 0 : MOMENT_NS - (quiet > 0 ? quiet : 0);
}

static int64_t patience_ns(const emr_publisher *p)
{
	return INT64_C(1000000) *
	       (p->options.patience_ms != 0 ? p->options.patience_ms : PATIENCE_MS);
}

static bool has_lost_patience(const publisher_node *node)
{
	return node->patient_until_ns != 0 && publisher_now_ns() >= node->patient_until_ns;
}

bool lull_has_come(publisher_node *node)
{
	const int64_t noise = noise_ns(node), now = publisher_now_ns();
	int64_t until = now + noise;

	if (noise == 0) {
		node->patient_until_ns = 0;
		return true;
	}
	if (node->patient_until_ns == 0)
		node->patient_until_ns = now + patience_ns(node->publisher);
	if (has_lost_patience(node))
		return true;
	if (until > node->patient_until_ns)
		until = node->patient_until_ns;
	if (!node->publisher->is_stopping)
		publisher_wait_until(node->publisher, until);
	return false;
}

void lull_is_not_waited_for(publisher_node *node)
{
	node->patient_until_ns = 0;
}

void lull_await(void *arg)
{
	lull *one = arg;
	publisher_node *node = one->node;
	emr_publisher *p = node->publisher;
	int64_t noise, begun_ns;

	pthread_mutex_lock(&p->lock);
	while (!p->is_stopping && one->paused_ns < PAUSE_NS && !has_lost_patience(node)) {
		noise = noise_ns(node);
		if (noise == 0 || p->is_stopping)
			break;
		begun_ns = publisher_now_ns();
		if (noise > PAUSE_NS - one->paused_ns)
			noise = PAUSE_NS - one->paused_ns;
		publisher_wait_until(p, begun_ns + noise);
		one->paused_ns += publisher_now_ns() - begun_ns;
	}
	pthread_mutex_unlock(&p->lock);
}
