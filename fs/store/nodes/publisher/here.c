/* This file knows which records are not whole on this computer, so that it is not counted as a copy
 * of them, and says which no node holds.  A thread looks at all of them soon after the folder is
 * opened, once a day, and when somebody wants to know.  It has brought home what others left in the
 * owner's folder, at once: until then the depositor alone keeps it.  It mends nothing else. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "node.h"
#include "store/car_store.h"
#include "store/unixfs.h"

#define PORTION 64		     /* records between two looks at the clock */
#define SHARE 5			     /* of the time at most one part in so many */
#define REST 10			     /* times as long as it took, before it is looked again */
#define FIRST_NS INT64_C(2000000000) /* once whoever opened the folder has looked into it */
#define DAY_NS INT64_C(86400000000000)
#define AGAIN_NS INT64_C(5000000000) /* the list of pins was not whole, or memory was short */
#define BRING_AGAIN_NS INT64_C(30000000000) /* what did not come is asked for again */

/* ---- One record ---- */

static emr_status look_at_block(void *arg, const emr_cid *cid)
{
	uint64_t bytes;

	return emr_unixfs_is_hole(cid, 0) ? EMR_OK : emr_store_size_known(arg, cid, &bytes);
}

static emr_status look_at(emr_store *store, const emr_cid *root, bool *out_is)
{
	emr_status status =
		emr_store_walk(emr_store_blocks(store), root, look_at_block, store, NULL);

	if (status == EMR_NO_MEMORY)
		return status;
	*out_is = status == EMR_OK;
	return EMR_OK;
}

/* Where ROOT is, or would be, among those of SORTED. */
static size_t place_of(const emr_buf *sorted, const emr_cid *root)
{
	const emr_cid *all = (const void *)sorted->data;
	size_t from = 0, to = sorted->len / sizeof *all;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (book_compare(&all[middle], root) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

bool here_lacks(const emr_publisher *p, const emr_cid *root)
{
	return wanted_has(&p->lacking, root);
}

static emr_status put(emr_buf *sorted, const emr_cid *root)
{
	const size_t at = place_of(sorted, root) * sizeof *root;

	EMR_TRY(emr_buf_append(sorted, root, sizeof *root));
	memmove(sorted->data + at + sizeof *root, sorted->data + at,
		sorted->len - at - sizeof *root);
	memcpy(sorted->data + at, root, sizeof *root);
	return EMR_OK;
}

/* With the lock: ROOT, which was not whole here, is, and waits for no later turn at a node. */
static void note_come(emr_publisher *p, const emr_cid *root)
{
	book_entry *entry = book_find(&p->book, root);

	if (entry == NULL)
		return;
	entry->stuck = 0;
	pthread_cond_broadcast(&p->wake);
}

/* With the lock. */
static emr_status note_whole(emr_publisher *p, const emr_cid *root, bool is_whole)
{
	const size_t at = place_of(&p->lacking, root) * sizeof *root;

	if (here_lacks(p, root) != is_whole)
		return EMR_OK;
	if (!is_whole) {
		if (wanted_has(&p->left, root))
			p->bring_ns = 0;
		return put(&p->lacking, root);
	}
	p->lacking.len -= sizeof *root;
	memmove(p->lacking.data + at, p->lacking.data + at + sizeof *root, p->lacking.len - at);
	note_come(p, root);
	return EMR_OK;
}

void here_note_lacking(emr_publisher *p, const emr_cid *root)
{
	pthread_mutex_lock(&p->lock);
	(void)!note_whole(p, root, false); /* what there is no memory for is found again */
	pthread_mutex_unlock(&p->lock);
}

bool emr_publisher_is_here(emr_publisher *p, const emr_cid *root)
{
	bool is = true;

	if (!p->is_started || look_at(p->options.store, root, &is) != EMR_OK)
		return true;
	pthread_mutex_lock(&p->lock);
	(void)!note_whole(p, root, is); /* what there is no memory for is found again */
	pthread_mutex_unlock(&p->lock);
	return is;
}

/* ---- What others left ---- */

void emr_publisher_came(void *publisher, const emr_cid *root)
{
	emr_publisher *p = publisher;

	if (p == NULL || p->options.bring == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	/* Not known to be whole; if memory is short, it is found at the next look. */
	if (!wanted_has(&p->left, root) && put(&p->left, root) == EMR_OK)
		(void)!note_whole(p, root, false);
	p->here_asked += p->is_looking; /* which does not have it */
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

static emr_status note_left(void *arg, const emr_cid *root)
{
	emr_publisher *p = arg;
	emr_status status = EMR_OK;

	pthread_mutex_lock(&p->lock);
	if (here_lacks(p, root) && !wanted_has(&p->left, root))
		status = put(&p->left, root);
	pthread_mutex_unlock(&p->lock);
	return status;
}

uint64_t here_coming(const emr_publisher *p, emr_cid *out_next)
{
	uint64_t n = 0;

	*out_next = (emr_cid){{0}};
	for (size_t at = 0; at < p->left.len; at += sizeof(emr_cid)) {
		const emr_cid *root = (const void *)(p->left.data + at);

		if (!here_lacks(p, root))
			continue;
		if (is_none(out_next) && book_compare(root, &p->brought) > 0)
			*out_next = *root;
		n++;
	}
	return n;
}

/* With the lock, which it gives back meanwhile.  False: nothing is to be asked for now. */
static bool bring_one(emr_publisher *p)
{
	emr_status status;
	emr_cid root;
	uint64_t n;

	if (publisher_now_ns() < p->bring_ns)
		return false;
	n = here_coming(p, &root);
	p->brought = root;
	p->bring_ns = n == 0 ? INT64_MAX : publisher_now_ns() + BRING_AGAIN_NS;
	if (is_none(&root))
		return false;
	pthread_mutex_unlock(&p->lock);
	status = p->options.bring(p->options.arg, &root);
	if (status == EMR_OK)
		(void)emr_publisher_is_here(p, &root);
	pthread_mutex_lock(&p->lock);
	/* Where no node answers, or there is no room, none of them comes. */
	if (status == EMR_OK || status == EMR_MISSING_DATA || status == EMR_DAMAGED)
		p->bring_ns = 0;
	return true;
}

/* ---- All of them ---- */

/* False: it ends. */
static bool give_way(emr_publisher *p, int64_t begun_ns)
{
	const int64_t until = publisher_now_ns() + (SHARE - 1) * (publisher_now_ns() - begun_ns);
	bool goes_on;

	pthread_mutex_lock(&p->lock);
	while (!p->is_stopping && publisher_now_ns() < until)
		publisher_wait_until(p, until);
	goes_on = !p->is_stopping;
	pthread_mutex_unlock(&p->lock);
	return goes_on;
}

static emr_status look_at_all(emr_publisher *p, const emr_buf *roots, emr_buf *lacking)
{
	const emr_cid *all = (const void *)roots->data;
	const size_t n = roots->len / sizeof *all;
	int64_t begun_ns = publisher_now_ns();

	for (size_t i = 0; i < n; i++) {
		bool is = true;

		if (i > 0 && i % PORTION == 0) {
			if (!give_way(p, begun_ns))
				return EMR_INTERRUPTED;
			begun_ns = publisher_now_ns();
		}
		EMR_TRY(look_at(p->options.store, &all[i], &is));
		if (!is)
			EMR_TRY(emr_buf_append(lacking, &all[i], sizeof all[i]));
	}
	return EMR_OK;
}

/* With the lock. */
static bool is_held(const emr_publisher *p, const emr_cid *root, uint16_t but)
{
	const book_entry *entry = book_find(&p->book, root);
	uint16_t nodes = 0;

	for (size_t i = 0; i < p->count; i++)
		nodes |= node_is_unsynced(&p->nodes[i]) ? 0 : node_bit(&p->nodes[i]);
	return p->is_started && entry != NULL && (entry->held & nodes & ~but) != 0;
}

void here_unheld(emr_publisher *p, const emr_cid *root, uint16_t but)
{
	bool is;

	pthread_mutex_lock(&p->lock);
	is = is_held(p, root, but);
	pthread_mutex_unlock(&p->lock);
	if (!is && p->options.unheld != NULL)
		p->options.unheld(p->options.arg, root);
}

/* With look_lock, given back meanwhile.  False: it ends, or somebody else has said all of it by
 * now.
 */
static bool rest_of_saying(emr_publisher *p, int64_t begun_ns)
{
	const uint64_t before = p->looks;
	bool goes_on;

	pthread_mutex_unlock(&p->look_lock);
	goes_on = give_way(p, begun_ns);
	pthread_mutex_lock(&p->look_lock);
	return goes_on && p->looks == before;
}

/* Before it is looked what is whole here: what is told may mend that.  A_WATCHER gives way. */
static emr_status say_all(emr_publisher *p, const emr_buf *roots, bool is_watcher)
{
	const emr_cid *all = (const void *)roots->data;
	const size_t n = roots->len / sizeof *all;
	const uint64_t before = p->looks;
	int64_t begun_ns = publisher_now_ns();

	for (size_t i = 0; i < n; i++) {
		if (is_watcher && i > 0 && i % PORTION == 0) {
			if (!rest_of_saying(p, begun_ns))
				return p->looks != before ? EMR_OK : EMR_INTERRUPTED;
			begun_ns = publisher_now_ns();
		}
		here_unheld(p, &all[i], 0);
	}
	p->looks++;
	if (p->options.looked != NULL)
		p->options.looked(p->options.arg);
	return EMR_OK;
}

/* One look at a time: what is said in one holds until the next one is over, which says it again. */
static emr_status say_unheld(emr_publisher *p, const emr_buf *roots, bool is_watcher)
{
	emr_status status;

	pthread_mutex_lock(&p->look_lock);
	status = say_all(p, roots, is_watcher);
	pthread_mutex_unlock(&p->look_lock);
	return status;
}

emr_status emr_publisher_save(emr_publisher *p)
{
	EMR_AUTO_BUF roots = {0};
	emr_store *store;

	if (p == NULL)
		return EMR_OK;
	pthread_mutex_lock(&p->lock); /* it may be being started */
	store = p->options.store;
	pthread_mutex_unlock(&p->lock);
	if (store == NULL)
		return EMR_OK;
	EMR_TRY(wanted_roots(store, &roots));
	return say_unheld(p, &roots, false);
}

static emr_status pass(emr_publisher *p)
{
	EMR_AUTO_BUF roots = {0};
	emr_buf lacking = {0};
	emr_status status = wanted_roots(p->options.store, &roots);

	if (status == EMR_OK)
		status = say_unheld(p, &roots, true);
	if (status == EMR_OK)
		status = look_at_all(p, &roots, &lacking);
	if (status == EMR_OK) {
		emr_buf before;

		pthread_mutex_lock(&p->lock);
		p->versions = roots.len / sizeof(emr_cid);
		before = p->lacking;
		p->lacking = lacking;
		for (size_t at = 0; at < before.len; at += sizeof(emr_cid)) {
			const emr_cid *root = (const void *)(before.data + at);

			if (!here_lacks(p, root))
				note_come(p, root);
		}
		p->bring_ns = p->options.bring != NULL ? 0 : INT64_MAX;
		pthread_mutex_unlock(&p->lock);
		lacking = before;
	}
	emr_buf_free(&lacking);
	if (status == EMR_OK && p->lacking.len > 0 && p->options.bring != NULL)
		status = p->options.each_left(p->options.arg, note_left, p);
	return status;
}

void *here_watch(void *arg)
{
	emr_publisher *p = arg;
	int64_t due_ns = publisher_now_ns() + FIRST_NS;

	publisher_step_back();
	pthread_mutex_lock(&p->lock);
	while (!p->is_stopping) {
		const uint64_t asked = p->here_asked;
		const int64_t begun_ns = publisher_now_ns();
		emr_status status;

		if (begun_ns < due_ns && asked == p->here_answered) {
			if (!bring_one(p))
				publisher_wait_until(
					p, p->bring_ns < due_ns ? p->bring_ns : due_ns);
			continue;
		}
		p->is_looking = true;
		pthread_mutex_unlock(&p->lock);
		status = pass(p);
		if (status != EMR_OK && status != EMR_INTERRUPTED)
			emr_log(EMR_LOG_WARN, "publisher: what is whole here: %s",
				emr_status_text(status));
		pthread_mutex_lock(&p->lock);
		p->is_looking = false;
		p->here_answered = asked;
		p->here_rests_ns = publisher_now_ns() + REST * (publisher_now_ns() - begun_ns);
		due_ns = publisher_now_ns() + (status == EMR_OK ? DAY_NS : AGAIN_NS);
		pthread_cond_broadcast(&p->wake);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

void emr_publisher_look_here(emr_publisher *p, int64_t wait_ns)
{
	const int64_t until = publisher_now_ns() + wait_ns;
	uint64_t mine;

	pthread_mutex_lock(&p->lock);
	if (p->has_watcher && !p->is_stopping && publisher_now_ns() >= p->here_rests_ns) {
		mine = ++p->here_asked;
		pthread_cond_broadcast(&p->wake);
		while (p->here_answered < mine && !p->is_stopping && publisher_now_ns() < until)
			publisher_wait_until(p, until);
	}
	pthread_mutex_unlock(&p->lock);
}
