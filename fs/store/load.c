/* This file brings a store up to date when it is opened, and later when others have written: it
 * takes what the index knows, reads what the index does not know yet from the ends of the segments,
 * and makes a damaged index again. It believes no index that does not fit its segments. */
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#define LOCK_WAIT_MS 5000
#define LOCK_POLL_MS 5

/* ---- What the index knows -> slots ---- */

typedef struct load_rows {
	emr_store *store;
	emr_buf dead;	/* of int64_t: rows of segments that are no longer there */
	uint64_t last;	/* of the numbers of own segments */
	bool lacks_own; /* one of its own is not there */
} load_rows;

static emr_status load_row(void *context, const emr_index_segment *row)
{
	load_rows *load = context;
	emr_store *store = load->store;
	bool is_own = emr_id16_equal(row->writer, store->writer);
	char name[EMR_SEGMENT_NAME_MAX];

	if (is_own && row->number > load->last)
		load->last = row->number;
	pthread_mutex_lock(&store->map_lock);
	for (size_t i = 0; i < store->segment_count; i++) {
		emr_segment *segment = store->segments[i];

		if (segment->gone || segment->number != row->number ||
			!emr_id16_equal(segment->writer, row->writer))
			continue;
		/* Another file has the name since: a member came back from a second copy. */
		if (store->has_own_index && !segment->own && segment->file != row->file) {
			pthread_mutex_unlock(&store->map_lock);
			return emr_buf_append(&load->dead, &row->id, sizeof row->id);
		}
		segment->index_id = row->id;
		segment->is_kept = store->has_own_index && !segment->own;
		/* The one being written is ahead of the index, or is read again from its start. */
		if (segment->known_to < row->indexed && segment != emr_store_current(store))
			segment->known_to = row->indexed;
		pthread_mutex_unlock(&store->map_lock);
		return EMR_OK;
	}
	pthread_mutex_unlock(&store->map_lock);
	/* Another writer may have begun it since we listed; its tail is found at the next refresh.
	 */
	emr_segment_name_of(row->writer, row->number, name);
	if (faccessat(store->dirfd, name, F_OK, 0) == 0)
		return EMR_OK;
	/* A backup may have the only copy of it, under this name. */
	load->lacks_own |= is_own;
	if (is_own && row->number > store->lost_number)
		store->lost_number = row->number;
	return emr_buf_append(&load->dead, &row->id, sizeof row->id);
}

/* An index of a moment before has not heard the last words of an own segment that went.  One
 * is gone whose row stands there, or one never had a row: numbers follow each other. */
static bool is_behind(emr_store *store, const load_rows *load)
{
	uint64_t next = UINT64_MAX;
	EMR_LOCKED(&store->map_lock);

	for (size_t i = 0; i < store->segment_count; i++) {
		const emr_segment *segment = store->segments[i];

		if (segment->own && !segment->gone && segment->number > load->last &&
			segment->number < next)
			next = segment->number;
	}
	return load->lacks_own || (next != UINT64_MAX && next != load->last + 1);
}

/* At a start; before the rows go that show it. */
static emr_status doubt_pins(emr_store *store, const load_rows *load)
{
	if (!store->states_pins || store->current != NULL || !is_behind(store, load))
		return EMR_OK;
	EMR_TRY(emr_index_begin(store->index));
	(void)emr_index_doubt_pins(store->index, store->writer);
	return emr_index_commit(store->index);
}

/* Takes segment rows into slots; rows of vanished files go, unless this process only reads. */
static emr_status load_index(emr_store *store)
{
	load_rows load = {.store = store};
	emr_status status = emr_index_each_segment(store->index, load_row, &load);

	if (status == EMR_OK && !store->read_only)
		status = doubt_pins(store, &load);
	if (status == EMR_OK && !store->read_only && load.dead.len > 0)
		status = emr_index_drop_segments(
			store->index, (void *)load.dead.data, load.dead.len / sizeof(int64_t));
	if (emr_status_is_full(status)) /* what they name is not there; the next start drops them */
		status = EMR_OK;
	emr_buf_free(&load.dead);
	return status;
}

/* ---- Tails ---- */

static bool is_closed(emr_store *store, const emr_segment *segment)
{
	EMR_LOCKED(&store->map_lock);

	return emr_segment_is_closed(store, segment);
}

/* The first segment at or after slot *I that is there and own or not; NULL at the end.  *I moves
 * behind it. */
static emr_segment *next_segment(emr_store *store, size_t *i, bool own)
{
	emr_segment *found = NULL;
	EMR_LOCKED(&store->map_lock);

	while (found == NULL && *i < store->segment_count) {
		emr_segment *segment = store->segments[(*i)++];

		if (!segment->gone && segment->own == own)
			found = segment;
	}
	return found;
}

/* A file shorter than what was synced and indexed: its rows go, and it is read again from the
 * start.  Locks: load_own_tail. */
static emr_status check_size(emr_store *store, emr_segment *segment)
{
	uint64_t known = segment->known_to;
	struct stat st;
	emr_status status = EMR_OK;
	int fd;

	EMR_TRY(emr_segment_use(store, segment, &fd));
	if (fstat(fd, &st) != 0)
		status = EMR_IO;
	emr_segment_unuse(store, segment);
	if (status != EMR_OK || (uint64_t)st.st_size >= known || known == EMR_SEGMENT_PREFIX_BYTES)
		return status;
	EMR_TRY(emr_store_note_damage(
		store, segment, (uint64_t)st.st_size, known - (uint64_t)st.st_size, false));
	/* The rows lead to nothing, and there they stay. */
	if (store->is_still)
		return EMR_DAMAGED;
	EMR_TRY(emr_index_drop_segments(store->index, &segment->index_id, 1));
	pthread_mutex_lock(&store->map_lock);
	segment->known_to = EMR_SEGMENT_PREFIX_BYTES;
	segment->index_id = 0;
	pthread_mutex_unlock(&store->map_lock);
	return EMR_OK;
}

/* Everything of a segment that is not the last of its writer was synced when the next one began.
 * index_lock held, and append_lock when there is a current segment: with both, nobody else changes
 * known_to of own segments. */
static emr_status load_own_tail(emr_store *store, emr_segment *segment)
{
	uint64_t known = segment->known_to;

	if (segment == emr_store_current(store))
		return emr_store_take_tail(store, segment, false, UINT64_MAX);
	EMR_TRY(check_size(store, segment));
	if (is_closed(store, segment))
		return emr_store_take_tail(store, segment, false, UINT64_MAX);
	return emr_store_take_tail(
		store, segment, true, known == EMR_SEGMENT_PREFIX_BYTES ? 0 : known);
}

/* Writes what is pending to the index; index_lock held. */
static emr_status write_index(emr_store *store);

/* The end of another's last segment may be what a power cut left of it, until he repairs it: only
 * what fits its hash stays as it is then.
 * index_lock held; for own segments also append_lock, as above. */
static emr_status load_tails(emr_store *store, bool own)
{
	emr_status status = EMR_OK;
	emr_segment *segment;
	size_t i = 0;

	while (status == EMR_OK && (segment = next_segment(store, &i, own)) != NULL) {
		status = own ? load_own_tail(store, segment)
			     : emr_store_take_tail(
				       store, segment, !is_closed(store, segment), UINT64_MAX);
		if (status == EMR_NOT_FOUND)
			status = EMR_OK; /* reclaimed by its writer meanwhile */
		if (status == EMR_OK && (own || store->has_own_index) &&
			store->pending.count > EMR_PENDING_ROWS_MAX * 4 && store->current == NULL &&
			!store->read_only)
			status = write_index(store);
	}
	return status;
}

/* ---- Opening ---- */

static bool has_segments(emr_store *store, emr_id16 writer)
{
	bool some = false;
	EMR_LOCKED(&store->map_lock);

	for (size_t i = 0; !some && i < store->segment_count; i++)
		some = !store->segments[i]->gone &&
		       emr_id16_equal(store->segments[i]->writer, writer);
	return some;
}

emr_status emr_store_pins_are_stated(emr_store *store)
{
	EMR_TRY(emr_index_begin(store->index));
	(void)emr_index_state_pins(store->index, store->writer);
	return emr_index_commit(store->index);
}

/* Processes that make or remove the index do so one after the other: two tables of one name would
 * look like damage, and what one has just made the other would remove.  -1 when there can be no
 * lock (a reader needs none, nor who has one of his own).  That is work of moments: who holds it
 * for longer is not at work, and is not waited for. */
static int lock_index(emr_store *store)
{
	int fd = store->read_only || store->has_own_index
			 ? -1
			 : openat(store->dirfd, "index.lock",
				   O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	for (int64_t waited_ms = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
		waited_ms += LOCK_POLL_MS) {
		if (waited_ms >= LOCK_WAIT_MS || (errno != EWOULDBLOCK && errno != EINTR)) {
			emr_log(EMR_LOG_WARN, "store: somebody holds index.lock and does not let "
					      "go; going on without it");
			break;
		}
		nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_MS * 1000000}, NULL);
	}
	return fd;
}

/* Opens the index, replacing one that cannot be used; a reader can do without.  index.lock held. */
static emr_status open_index(emr_store *store)
{
	bool fresh = false;
	emr_status status = emr_index_open(
		store->index_dir, store->read_only, store->is_still, &store->index, &fresh);

	if (store->read_only &&
		(status == EMR_NOT_FOUND || status == EMR_DAMAGED || status == EMR_DENIED ||
			(store->is_still && status == EMR_IO)))
		return EMR_OK;
	/* A damaged file can look like a failing disk; a failing disk will fail again just below. A
	 * file that may not be opened was put there by somebody else. */
	if (status == EMR_DAMAGED || status == EMR_IO || status == EMR_DENIED) {
		emr_log(EMR_LOG_WARN, "store: the index is damaged and made again");
		status = emr_index_remove(store->index_dir);
		if (status == EMR_OK)
			status = emr_index_open(
				store->index_dir, false, false, &store->index, &fresh);
	}
	/* One that was lost has no room on a full disk: what it would say is kept in memory. */
	return emr_status_is_full(status) && store->current != NULL ? EMR_OK : status;
}

/* index_lock held, and append_lock when there is a current segment. */
static emr_status load_everything(emr_store *store)
{
	EMR_TRY(emr_segment_list(store));
	if (store->index != NULL)
		EMR_TRY(load_index(store));
	/* A writer without segments has no pins to state. */
	if (!store->read_only && !has_segments(store, store->writer))
		EMR_TRY(emr_store_pins_are_stated(store));
	EMR_TRY(load_tails(store, true));
	return load_tails(store, false);
}

static void forget_maps(emr_store *store)
{
	EMR_LOCKED(&store->map_lock);

	emr_pending_free(&store->pending);
	emr_pending_free(&store->flushing);
	emr_pending_free(&store->foreign);
	emr_store_cache_clear(store);
	for (size_t i = 0; i < store->segment_count; i++) {
		store->segments[i]->index_id = 0;
		store->segments[i]->known_to = EMR_SEGMENT_PREFIX_BYTES;
		store->segments[i]->is_kept = false;
	}
	store->pin_count = 0;
	emr_buf_clear(&store->foreign_pins);
}

/* index_swap held for writing.  REMAKE: the index that is open is not to be trusted, unless another
 * process has put a new one in its place already. */
static emr_status replace_index(emr_store *store, bool remake)
{
	EMR_AUTO_FD lock = lock_index(store);

	(void)lock; /* held until the return */
	if (remake && store->index != NULL && emr_index_was_replaced(store->index))
		remake = false;
	emr_index_close(store->index);
	store->index = NULL;
	if (remake && store->is_still)
		return EMR_OK; /* everything is kept in memory */
	if (remake)
		EMR_TRY(emr_index_remove(store->index_dir));
	return open_index(store);
}

static size_t damages_of(emr_store *store)
{
	EMR_LOCKED(&store->map_lock);

	return store->damage_count;
}

/* This writer's segments are whole and were read from their first byte: what their frames say is
 * what he pinned. */
static emr_status state_again(emr_store *store, bool had_stated, size_t damages_before)
{
	pthread_mutex_lock(&store->map_lock);
	had_stated = had_stated && store->damage_count == damages_before && !store->has_bad_frame;
	pthread_mutex_unlock(&store->map_lock);
	return had_stated && store->index != NULL ? emr_store_pins_are_stated(store) : EMR_OK;
}

/* index_lock and append_lock held.  REMAKE: the index on disk is not to be trusted. */
static emr_status reopen_index(emr_store *store, bool remake)
{
	size_t damages_before = damages_of(store);
	const bool was_in_maps = store->indexed.is_in_maps && store->current != NULL && !remake;
	bool had_stated = false;
	emr_status status;

	pthread_rwlock_wrlock(&store->index_swap);
	/* Only who has been writing here can say so: at a start it is for the caller to say. */
	if (store->index != NULL && store->current != NULL && !remake &&
		emr_index_pins_stated(store->index, store->writer, &had_stated) != EMR_OK)
		had_stated = false;
	status = replace_index(store, remake);
	if (status == EMR_OK) {
		if (!was_in_maps || store->index != NULL)
			forget_maps(store);
		status = load_everything(store);
		if (status == EMR_DAMAGED && emr_store_may_rebuild(store)) {
			had_stated = false;
			status = replace_index(store, true);
			forget_maps(store);
			if (status == EMR_OK)
				status = load_everything(store);
		}
	}
	store->indexed.is_in_maps = status == EMR_OK && store->index == NULL;
	if (status == EMR_OK)
		status = state_again(store, had_stated, damages_before);
	pthread_rwlock_unlock(&store->index_swap);
	return status;
}

bool emr_store_may_rebuild(const emr_store *store)
{
	return !store->read_only || store->is_still;
}

emr_status emr_store_load(emr_store *store)
{
	EMR_LOCKED(&store->index_lock);

	return reopen_index(store, false);
}

emr_status emr_store_rebuild(emr_store *store)
{
	emr_status status;
	bool is_ours;

	if (!emr_store_may_rebuild(store))
		return EMR_READ_ONLY;
	EMR_LOCKED(&store->index_lock);
	pthread_mutex_lock(&store->append_lock);
	/* An index that looks like a lie may be one that another process has just made. */
	is_ours = store->index == NULL || !emr_index_was_replaced(store->index);
	store->indexed.was_rebuilt |= is_ours;
	status = reopen_index(store, is_ours);
	pthread_mutex_unlock(&store->append_lock);
	return status != EMR_OK || store->read_only ? status : write_index(store);
}

/* On a disk that takes nothing an index that was not there is not looked for again at each miss:
 * what it would say is in memory. */
static emr_status refresh_locked(emr_store *store)
{
	if (store->index != NULL ? emr_index_was_replaced(store->index) : !store->is_still) {
		EMR_LOCKED(&store->append_lock);

		return reopen_index(store, false);
	}
	EMR_TRY(emr_segment_list(store));
	if (store->index != NULL)
		EMR_TRY(load_index(store));
	return load_tails(store, false);
}

emr_status emr_store_look_again(emr_store *store, bool *out_has)
{
	emr_segment *segment;
	size_t i = 0;
	emr_status status = EMR_OK;

	pthread_mutex_lock(&store->index_lock);
	*out_has = store->has_own_index && !store->has_looked_again;
	store->has_looked_again = true;
	while (*out_has && (segment = next_segment(store, &i, false)) != NULL) {
		pthread_mutex_lock(&store->map_lock);
		segment->known_to = EMR_SEGMENT_PREFIX_BYTES;
		pthread_mutex_unlock(&store->map_lock);
	}
	if (*out_has)
		status = load_tails(store, false);
	pthread_mutex_unlock(&store->index_lock);
	return status;
}

emr_status emr_store_refresh(emr_store *store)
{
	EMR_LOCKED(&store->index_lock);

	return refresh_locked(store);
}

/* ---- Pending -> index ---- */

/* The rows that one batch writes, taken in one moment, so that they and `indexed` agree. */
typedef struct batch {
	emr_pending_row *rows;
	size_t row_count;
	emr_pin_change *pins;
	size_t pin_count;
	emr_segment **segments;
	uint64_t *indexed; /* by slot */
	int64_t *ids;	   /* by slot */
	size_t slots;
} batch;

static void batch_free(batch *b)
{
	free(b->rows);
	free(b->pins);
	free(b->segments);
	free(b->indexed);
	free(b->ids);
}
#define AUTO_BATCH __attribute__((cleanup(batch_free))) batch

/* Moves pending into flushing, which still has rows when the last batch failed.  append_lock,
 * map_lock held: savers wait for them. */
static emr_status move_pending(emr_store *store)
{
	emr_pending *from = &store->pending;

	if (store->flushing.count == 0) {
		emr_pending_free(&store->flushing);
		store->flushing = *from;
		*from = (emr_pending){0};
		return EMR_OK;
	}
	EMR_TRY(emr_pending_reserve(&store->flushing, from->count));
	for (size_t i = 0; i < from->capacity; i++)
		if (from->slots[i].at.segment != 0)
			emr_pending_put(&store->flushing, from->slots[i].digest, from->slots[i].at);
	emr_pending_free(from);
	return EMR_OK;
}

/* All but the rows.  append_lock, map_lock held. */
static emr_status take_batch(emr_store *store, batch *b)
{
	EMR_TRY(move_pending(store));
	b->pin_count = store->pin_count;
	b->slots = store->segment_count;
	b->indexed = calloc(b->slots + 1, sizeof *b->indexed);
	b->ids = calloc(b->slots + 1, sizeof *b->ids);
	b->segments = calloc(b->slots + 1, sizeof(emr_segment *));
	b->pins = calloc(b->pin_count + 1, sizeof *b->pins);
	if (b->indexed == NULL || b->ids == NULL || b->segments == NULL || b->pins == NULL)
		return EMR_NO_MEMORY;
	if (b->pin_count > 0)
		memcpy(b->pins, store->pins, b->pin_count * sizeof *b->pins);
	if (b->slots > 0)
		memcpy(b->segments, store->segments, b->slots * sizeof(emr_segment *));
	for (size_t i = 0; i < b->slots; i++)
		if ((store->segments[i]->own || store->segments[i]->is_kept) &&
			!store->segments[i]->gone)
			b->indexed[i] = store->segments[i]->known_to;
	return EMR_OK;
}

/* The holder of index_lock alone changes what is being flushed: sorting it keeps nobody waiting. */
static emr_status take_rows(const emr_store *store, batch *b)
{
	b->rows = emr_pending_sorted(&store->flushing);
	b->row_count = store->flushing.count;
	return b->rows != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* Another's copy of a block that this writer has himself: it may be gone tomorrow. */
static bool is_spare(emr_store *store, const emr_pending_row *row)
{
	const emr_segment *segment;
	emr_index_place stands;
	bool is;

	pthread_mutex_lock(&store->map_lock);
	is = !emr_segment_by_handle(store, row->at.segment)->own;
	pthread_mutex_unlock(&store->map_lock);
	if (!is || emr_index_find(store->index, row->digest, &stands) != EMR_OK)
		return false;
	pthread_mutex_lock(&store->map_lock);
	segment = emr_segment_by_index_id(store, stands.segment);
	is = segment != NULL && segment->own && !segment->gone;
	pthread_mutex_unlock(&store->map_lock);
	return is;
}

static emr_status put_rows(emr_store *store, batch *b)
{
	const emr_foreign_pin *foreign = (const void *)store->foreign_pins.data;

	for (size_t i = 0; i < b->slots; i++) {
		const emr_segment *segment = b->segments[i];

		if (b->indexed[i] != 0)
			EMR_TRY(emr_index_put_segment(store->index,
				&(emr_index_segment){.writer = segment->writer,
					.number = segment->number,
					.indexed = b->indexed[i],
					.file = segment->file},
				&b->ids[i]));
	}
	for (size_t i = 0; i < b->row_count; i++) {
		const emr_store_position *at = &b->rows[i].at;
		emr_index_place place = {b->ids[at->segment - 1], at->offset, at->len};

		if (place.segment != 0 && !is_spare(store, &b->rows[i]))
			EMR_TRY(emr_index_put_block(store->index, b->rows[i].digest, &place));
	}
	for (size_t i = 0; i < b->pin_count; i++)
		EMR_TRY(emr_index_put_pin(store->index, store->writer, &b->pins[i]));
	for (size_t i = 0; i < store->foreign_pins.len / sizeof *foreign; i++)
		EMR_TRY(emr_index_put_pin(store->index, foreign[i].writer, &foreign[i].change));
	return EMR_OK;
}

static void batch_done(emr_store *store, const batch *b)
{
	pthread_mutex_lock(&store->append_lock);
	pthread_mutex_lock(&store->map_lock);
	emr_pending_free(&store->flushing);
	for (size_t i = 0; i < b->slots; i++)
		if (b->ids[i] != 0)
			b->segments[i]->index_id = b->ids[i];
	store->pin_count -= b->pin_count;
	if (store->pin_count > 0)
		memmove(store->pins, store->pins + b->pin_count,
			store->pin_count * sizeof *store->pins);
	pthread_mutex_unlock(&store->map_lock);
	pthread_mutex_unlock(&store->append_lock);
}

/* While opening nothing is current yet, and what was found may still be in the page cache only. */
static emr_status sync_own(emr_store *store)
{
	emr_segment *segment;
	size_t i = 0;

	while ((segment = next_segment(store, &i, true)) != NULL) {
		emr_status status;
		int fd;

		if (is_closed(store, segment))
			continue;
		status = emr_segment_use(store, segment, &fd);
		if (status != EMR_OK)
			return status;
		if (fdatasync(fd) != 0)
			status = EMR_IO;
		emr_segment_unuse(store, segment);
		return status;
	}
	return EMR_OK;
}

static emr_status commit_batch(emr_store *store, batch *b)
{
	EMR_TRY(emr_index_begin(store->index));
	(void)put_rows(store, b); /* the first failure is kept for commit */
	return emr_index_commit(store->index);
}

static emr_status write_index(emr_store *store)
{
	AUTO_BATCH b = {0};
	bool is_opening;
	emr_status status;

	pthread_mutex_lock(&store->append_lock);
	is_opening = store->current == NULL;
	pthread_mutex_lock(&store->map_lock);
	status = take_batch(store, &b);
	pthread_mutex_unlock(&store->map_lock);
	pthread_mutex_unlock(&store->append_lock);
	if (status == EMR_OK)
		status = take_rows(store, &b);
	/* The index must never know more than the disk has. */
	if (status == EMR_OK)
		status = is_opening ? sync_own(store) : emr_store_flush(store);
	if (status == EMR_OK)
		status = commit_batch(store, &b);
	if (status == EMR_OK) {
		batch_done(store, &b);
		emr_buf_clear(&store->foreign_pins);
	}
	return status;
}

/* index_lock held. */
static emr_status index_locked(emr_store *store)
{
	if (emr_index_was_replaced(store->index)) {
		EMR_LOCKED(&store->append_lock);

		EMR_TRY(reopen_index(store, false));
	}
	return write_index(store);
}

emr_status emr_store_index_now(emr_store *store)
{
	bool was_rebuilt;
	emr_status status;

	if (store->read_only)
		return EMR_OK;
	pthread_mutex_lock(&store->index_lock);
	status = index_locked(store);
	if (status == EMR_IO && emr_index_was_replaced(store->index)) /* lost meanwhile */
		status = index_locked(store);
	was_rebuilt = store->indexed.was_rebuilt;
	pthread_mutex_unlock(&store->index_lock);
	return status == EMR_DAMAGED && !was_rebuilt ? emr_store_rebuild(store) : status;
}
