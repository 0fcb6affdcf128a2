/* This file is the background publisher: one thread looks which records there are to be, and one a
 * node sends what that node lacks, asks it again what it holds, and tells it what was erased.  A
 * node that fails is left alone for a while, and never holds up another. */
#include "publisher/publisher.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "book.h"
#include "ipfs/cluster.h"
#include "load.h"
#include "node.h"

#define ROOTS_FIRST 16			    /* of the first import; twice as many in each more */
#define CHECK_BEGIN_NS INT64_C(60000000000) /* after the start */
#define LOOK_PAUSE_NS INT64_C(200000000)    /* after a change, for those that follow it */
#define LOOK_SHARE 10			    /* looking takes at most one part in so many */
#define LOOK_AGAIN_NS INT64_C(5000000000)   /* after one that failed */

emr_status emr_publisher_new(emr_ipfs *const *nodes, size_t count, emr_publisher **out_publisher)
{
	emr_publisher *p = calloc(1, sizeof *p);

	if (p == NULL || count > EMR_PUBLISHER_NODES_MAX) {
		for (size_t i = 0; i < count; i++)
			emr_ipfs_close(nodes[i]);
		free(p);
		return p == NULL ? EMR_NO_MEMORY : EMR_LIMIT;
	}
	p->book = (book){.dirfd = -1, .fd = -1};
	p->count = count;
	p->copies = 1;
	p->bring_ns = INT64_MAX;
	for (size_t i = 0; i < count; i++)
		p->nodes[i] = (publisher_node){.publisher = p,
			.client = nodes[i],
			.copies = emr_ipfs_copies(nodes[i]),
			.roots_max = ROOTS_FIRST,
			.room_max = LOAD_BYTES_MAX};
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->write_lock, NULL);
	pthread_mutex_init(&p->look_lock, NULL);
	emr_cond_init(&p->wake);
	emr_worker_init(&p->looker);
	p->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (p->stop_fd < 0) {
		emr_publisher_free(p);
		return EMR_NO_MEMORY;
	}
	*out_publisher = p;
	return EMR_OK;
}

void emr_publisher_free(emr_publisher *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->count; i++) {
		emr_ipfs_close(p->nodes[i].client);
		free(p->nodes[i].name);
	}
	book_close(&p->book);
	emr_buf_free(&p->lacking);
	emr_buf_free(&p->left);
	if (p->stop_fd >= 0)
		close(p->stop_fd);
	emr_worker_free(&p->looker);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->look_lock);
	pthread_mutex_destroy(&p->write_lock);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* ---- Looking which records there are to be ---- */

static int64_t boot_ns(void)
{
	return emr_clock_boot_ns(emr_clock_system());
}

static void *look(void *arg)
{
	emr_publisher *p = arg;
	emr_status said = EMR_OK;
	int64_t next_ns = 0;
	bool is_changed = true, is_awaited;

	if (!p->options.is_awaited)
		publisher_step_back();
	while (emr_worker_wait(&p->looker, is_changed ? next_ns : EMR_NEVER_NS)) {
		const int64_t begun_ns = boot_ns();
		emr_status status;

		is_changed = true;
		pthread_mutex_lock(&p->lock);
		is_awaited = p->wanted_answered < p->wanted_asked && said == EMR_OK;
		pthread_mutex_unlock(&p->lock);
		if (begun_ns < next_ns && !is_awaited)
			continue;
		status = wanted_look(p);
		if (status != EMR_OK && status != said)
			emr_log(EMR_LOG_WARN, "publisher: what is to be where: %s",
				emr_status_text(status));
		said = status;
		next_ns = boot_ns() + (status == EMR_OK ? LOOK_PAUSE_NS : LOOK_AGAIN_NS) +
			  LOOK_SHARE * (boot_ns() - begun_ns);
		is_changed = status != EMR_OK;
	}
	return NULL;
}

/* ---- Beginning and end ---- */

/* A cluster is one thread's: what it is asked takes longer than what its node is sent. */
static emr_status start_node(publisher_node *node)
{
	const size_t lanes = emr_ipfs_cluster(node->client) != NULL ? 1 : PUBLISHER_LANES;

	node->next_check_ns = publisher_now_ns() + CHECK_BEGIN_NS;
	for (size_t i = 0; i < lanes; i++) {
		publisher_lane *lane = &node->lanes[i];

		lane->node = node;
		if (pthread_create(&lane->thread, NULL, node_serve, lane) != 0)
			return EMR_NO_MEMORY;
		lane->has_thread = true;
	}
	return EMR_OK;
}

static void join_node(publisher_node *node)
{
	for (size_t i = 0; i < PUBLISHER_LANES; i++) {
		if (node->lanes[i].has_thread)
			pthread_join(node->lanes[i].thread, NULL);
		node->lanes[i].has_thread = false;
	}
}

static emr_status start_threads(emr_publisher *p)
{
	EMR_TRY(emr_worker_start(&p->looker, "publisher", look, p));
	for (size_t i = 0; i < p->count; i++)
		EMR_TRY(start_node(&p->nodes[i]));
	return EMR_OK;
}

/* With the lock: this computer and what each node stands for, or what the rules want. */
static unsigned wanted_of(const emr_publisher *p)
{
	unsigned wanted = 1;

	for (size_t i = 0; i < p->count; i++)
		wanted += p->nodes[i].copies;
	return p->copies > wanted ? p->copies : wanted;
}

/* The pins of one cluster are not those of another, or of more of its peers. */
static emr_status name_node(publisher_node *node)
{
	const emr_ipfs *cluster = emr_ipfs_cluster(node->client);
	const char *address = emr_ipfs_address(node->client);

	free(node->name);
	if (cluster == NULL)
		node->name = strdup(address);
	else if (asprintf(&node->name, "%s %u at %s", address, node->copies,
			 emr_ipfs_address(cluster)) < 0)
		node->name = NULL;
	return node->name != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static uint64_t first_bytes(const emr_publisher_options *options, const emr_ipfs *node)
{
	if (options->first_bytes != 0)
		return options->first_bytes;
	return emr_ipfs_is_near(node) ? LOAD_BYTES_NEAR : LOAD_BYTES;
}

emr_status emr_publisher_start(emr_publisher *p, const emr_publisher_options *options)
{
	const char *names[EMR_PUBLISHER_NODES_MAX];
	uint8_t numbers[EMR_PUBLISHER_NODES_MAX];
	emr_status status = EMR_OK;

	pthread_mutex_lock(&p->lock);
	p->options = *options;
	p->copies = options->copies;
	p->copies = wanted_of(p);
	for (size_t i = 0; status == EMR_OK && i < p->count; i++) {
		p->nodes[i].room = first_bytes(options, p->nodes[i].client);
		status = name_node(&p->nodes[i]);
		names[i] = p->nodes[i].name;
	}
	if (status == EMR_OK) /* without nodes it tells of former ones */
		status = book_open(&p->book, options->state_dirfd,
			options->is_still || p->count == 0, names, p->count, numbers);
	for (size_t i = 0; status == EMR_OK && i < p->count; i++)
		p->nodes[i].number = numbers[i];
	p->is_started = status == EMR_OK;
	if (status == EMR_OK)
		p->has_watcher = pthread_create(&p->watcher, NULL, here_watch, p) == 0;
	pthread_mutex_unlock(&p->lock);
	if (status != EMR_OK || p->count == 0)
		return status;
	if (options->is_still) {
		(void)wanted_look_now(p, 0); /* again when somebody asks */
		return EMR_OK;
	}
	status = start_threads(p);
	if (status != EMR_OK)
		emr_publisher_stop(p);
	return status;
}

void emr_publisher_stop(emr_publisher *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->is_stopping = true;
	(void)eventfd_write(p->stop_fd, 1);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	emr_worker_stop(&p->looker);
	if (p->has_watcher)
		pthread_join(p->watcher, NULL);
	pthread_mutex_lock(&p->lock); /* whoever still asks for a look sees that there is none */
	p->has_watcher = false;
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->count; i++)
		join_node(&p->nodes[i]);
}

bool wanted_look_now(emr_publisher *p, int64_t wait_ns)
{
	const int64_t until = publisher_now_ns() + wait_ns;
	const bool has_thread = p->count > 0 && !p->options.is_still;
	emr_status status = EMR_OK;
	uint64_t mine;
	bool is_answered;

	if (!p->is_started)
		return false;
	pthread_mutex_lock(&p->lock);
	mine = ++p->wanted_asked;
	if (has_thread) {
		emr_worker_wake(&p->looker);
	} else {
		pthread_mutex_unlock(&p->lock);
		status = wanted_look(p);
		pthread_mutex_lock(&p->lock);
	}
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "publisher: what is to be where: %s",
			emr_status_text(status));
	while (has_thread && p->wanted_answered < mine && !p->is_stopping &&
		publisher_now_ns() < until)
		publisher_wait_until(p, until);
	is_answered = p->wanted_answered >= mine;
	pthread_mutex_unlock(&p->lock);
	return is_answered;
}

void emr_publisher_wake(void *publisher)
{
	emr_publisher *p = publisher;

	emr_worker_wake(&p->looker);
}

void emr_publisher_repair(emr_publisher *p)
{
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->count; i++) {
		p->nodes[i].retry_ns = 0;
		p->nodes[i].failures = 0;
		p->nodes[i].has_hurry = p->nodes[i].is_called_for = true;
		p->nodes[i].was_away = true; /* for all that is known */
		p->nodes[i].back_ns = 0;
		p->nodes[i].ask_sync_ns = publisher_now_ns();
	}
	for (size_t i = 0; i < book_count(&p->book); i++)
		book_at(&p->book, i)->stuck = book_at(&p->book, i)->waits =
			book_at(&p->book, i)->urged = book_at(&p->book, i)->seen =
				book_at(&p->book, i)->late = 0;
	p->here_asked++;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	emr_publisher_wake(p);
}

/* With the lock: a node that answers has not been asked for everything yet. */
static bool is_asking(const emr_publisher *p)
{
	for (size_t i = 0; i < p->count; i++) {
		const publisher_node *node = &p->nodes[i];
		const bool answers = node->failures == 0 || node->fault == EMR_IPFS_ERROR;

		if (node->lanes[0].has_thread && (node->is_called_for || node->has_hurry) &&
			answers)
			return true;
	}
	return false;
}

void emr_publisher_await_asked(emr_publisher *p)
{
	pthread_mutex_lock(&p->lock);
	while (is_asking(p) && !p->is_stopping)
		publisher_wait_until(p, INT64_MAX);
	/* One that does not answer has said nothing of what it still has. */
	for (size_t i = 0; i < p->count; i++)
		if (p->nodes[i].failures > 0 && p->nodes[i].fault != EMR_IPFS_ERROR &&
			book_forget(&p->book, p->nodes[i].number) != EMR_OK)
			emr_log(EMR_LOG_WARN, "publisher: what is unknown could not be noted");
	pthread_mutex_unlock(&p->lock);
}

/* ---- What is where ---- */

static unsigned held_of(const emr_publisher *p, const emr_cid *root, const book_entry *entry)
{
	unsigned held = !p->options.has_nothing && !here_lacks(p, root);

	for (size_t i = 0; entry != NULL && i < p->count; i++)
		held += node_is_unsynced(&p->nodes[i]) ? 0 : cluster_copies(&p->nodes[i], entry);
	return held;
}

void emr_publisher_count(
	void *publisher, const emr_cid *root, unsigned *out_held, unsigned *out_wanted)
{
	emr_publisher *p = publisher;

	pthread_mutex_lock(&p->lock);
	*out_held = held_of(p, root, p->is_started ? book_find(&p->book, root) : NULL);
	*out_wanted = wanted_of(p);
	pthread_mutex_unlock(&p->lock);
}

void emr_publisher_count_to_register(
	void *publisher, const emr_cid *root, unsigned *out_held, unsigned *out_wanted)
{
	emr_publisher *p = publisher;

	emr_publisher_count(p, root, out_held, out_wanted);
	EMR_LOCKED(&p->lock);
	if (here_lacks(p, root) && *out_held < *out_wanted)
		*out_held = *out_wanted;
}

unsigned emr_publisher_wanted(emr_publisher *p)
{
	unsigned wanted;

	pthread_mutex_lock(&p->lock);
	wanted = wanted_of(p);
	pthread_mutex_unlock(&p->lock);
	return wanted;
}

void emr_publisher_sum(emr_publisher *p, emr_publisher_totals *out_totals)
{
	emr_cid ignored;

	*out_totals = (emr_publisher_totals){.least = 1};
	pthread_mutex_lock(&p->lock);
	out_totals->versions = p->versions;
	out_totals->lacking = p->lacking.len / sizeof(emr_cid);
	out_totals->coming = here_coming(p, &ignored);
	out_totals->least = out_totals->lacking == 0 && !p->options.has_nothing;
	for (size_t i = 0; p->count > 0 && i < book_count(&p->book); i++) {
		const book_entry *entry = book_at(&p->book, i);
		unsigned held = held_of(p, &entry->root, entry);

		if (!entry->is_wanted)
			continue;
		if (out_totals->records++ == 0 || held < out_totals->least)
			out_totals->least = held;
		out_totals->pinned += held >= p->copies;
	}
	pthread_mutex_unlock(&p->lock);
}

bool emr_publisher_short(emr_publisher *p, int64_t wait_ns, uint64_t *out_short)
{
	emr_publisher_totals totals = {0};

	if (p != NULL && p->count > 0) {
		if (!wanted_look_now(p, wait_ns))
			return false;
		emr_publisher_sum(p, &totals);
	}
	*out_short = totals.records - totals.pinned;
	return true;
}

size_t emr_publisher_node_count(const emr_publisher *p)
{
	return p->count;
}

bool emr_publisher_holds(emr_publisher *p, size_t index, const emr_cid *root)
{
	const book_entry *entry;
	bool holds;

	pthread_mutex_lock(&p->lock);
	entry = book_find(&p->book, root);
	holds = entry != NULL && (entry->held >> p->nodes[index].number & 1) != 0;
	pthread_mutex_unlock(&p->lock);
	return holds;
}
