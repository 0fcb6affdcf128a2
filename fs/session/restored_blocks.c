/* After `init --restore` a member's blocks are in the network's directory and in the second copy.
 * This file finds which of the two logs is the later, brings each block that is needed and lacks
 * from the other one, and counts what is in neither. */
#include "session/restored_blocks.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "journal/journal.h"
#include "kit/places.h"
#include "session/network_dir.h"
#include "session/stage.h"

/* ---- which is the later ---- */

#define INDEX_OF_LOOK "index.look" /* in the state; there while it is looked */

/* The last number of the journal in PATH; 0: there is none.  INDEX, LOCK: as in emr_store_options.
 */
static emr_status last_number(const emr_session *session, const char *path, const char *index,
	const char *lock, uint64_t *out_seq)
{
	const emr_store_options options = {.path = path,
		.index_path = index,
		.lock_path = lock,
		.writer = emr_keyring_device_id(session->keyring)};
	emr_store *store = NULL;
	emr_journal *journal = NULL;
	emr_status status = emr_store_open(&options, &store);

	if (status == EMR_OK)
		status = emr_journal_open(store, session->keyring, &journal);
	if (status == EMR_OK)
		*out_seq = emr_journal_state_get(journal).last_seq;
	emr_journal_close(journal);
	emr_store_close(store);
	return status;
}

/* In the network's directory somebody else may hold the index that stands there. */
static emr_status last_number_there(const emr_session *session, const char *dir, uint64_t *out_seq)
{
	char path[4400], index[4400];
	EMR_AUTO_FREE char *writers = emr_places_writers();
	emr_status status, removed;

	if (writers == NULL)
		return EMR_NO_MEMORY;
	snprintf(path, sizeof path, "%.4200s/" EMR_NETWORK_DIR_BLOCKS, dir);
	snprintf(index, sizeof index, "%.4200s/" INDEX_OF_LOOK, session->state_path);
	status = last_number(session, path, index, writers, out_seq);
	removed = emr_stage_remove_tree(session->state_fd, INDEX_OF_LOOK);
	return status == EMR_OK ? removed : status;
}

static emr_status open_source(const emr_session *session, const char *path, bool is_only_read,
	emr_restored_blocks *blocks)
{
	const emr_store_options options = {.path = path,
		.writer = emr_keyring_device_id(session->keyring),
		.read_only = is_only_read};
	emr_status status = emr_store_open(&options, &blocks->sources[blocks->count]);

	blocks->count += status == EMR_OK;
	return status;
}

/* The copy's files may be the directory's, too, by hard links: only the session writes them. */
static emr_status open_sources(const emr_session *session, emr_restored_blocks *blocks)
{
	char path[4400];

	snprintf(path, sizeof path, "%.4200s/" EMR_STATE_BLOCKS_COPIED, session->state_path);
	EMR_TRY(open_source(session, path, true, blocks));
	if (blocks->aside[0] == '\0')
		return EMR_OK;
	snprintf(path, sizeof path, "%.4200s/" EMR_NETWORK_DIR_BLOCKS "/%s", blocks->dir,
		blocks->aside);
	return open_source(session, path, false, blocks);
}

emr_status emr_restored_blocks_settle(const emr_session *session, const char *dir,
	emr_restored_blocks *out, emr_problem *out_problem)
{
	char copied[4400];
	uint64_t of_copy = 0, of_dir = 0;

	snprintf(copied, sizeof copied, "%.4200s/" EMR_STATE_BLOCKS, session->state_path);
	out->dir = strdup(dir);
	if (out->dir == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(last_number(session, copied, NULL, NULL, &of_copy));
	EMR_TRY(last_number_there(session, dir, &of_dir));
	EMR_TRY(emr_blocks_share_restored(session->state_fd, dir,
		emr_keyring_device_id(session->keyring), of_dir < of_copy, out->aside,
		out_problem));
	EMR_TRY(open_sources(session, out));
	if (out->aside[0] != '\0')
		emr_log(EMR_LOG_WARN,
			"restore: the blocks in the network's directory end before those of the "
			"copy; they were put aside in %s",
			out->aside);
	return EMR_OK;
}

/* ---- what is needed ---- */

typedef struct bringing {
	emr_block_store face; /* first: nodes from wherever they are */
	const emr_restored_blocks *blocks;
	emr_store *to;
	emr_buf needed; /* of emr_pin; by root, then by owner */
	emr_buf known;	/* of emr_pin: those of TO */
	emr_blocks_found found;
	bool lacks;	 /* of the root at hand */
	bool is_damaged; /* a place of TO's segments */
} bringing;

static void bringing_end(bringing *b)
{
	emr_buf_free(&b->needed);
	emr_buf_free(&b->known);
}

static emr_status note_known(void *arg, const emr_pin *pin)
{
	bringing *b = arg;

	EMR_TRY(emr_buf_append(&b->known, pin, sizeof *pin));
	return emr_buf_append(&b->needed, pin, sizeof *pin);
}

/* The later log knows what became of bytes and batches that the other one says are on their way: a
 * pin of those would never end. */
static emr_status note_pin(void *arg, const emr_pin *pin)
{
	bringing *b = arg;

	return pin->state == EMR_PIN_WRITTEN || pin->state == EMR_PIN_SENT
		       ? EMR_OK
		       : emr_buf_append(&b->needed, pin, sizeof *pin);
}

static int by_root(const void *x, const void *y)
{
	const emr_pin *a = x, *b = y;
	int roots = memcmp(a->root.b, b->root.b, sizeof a->root.b);

	return roots != 0 ? roots : memcmp(a->owner.b, b->owner.b, sizeof a->owner.b);
}

static emr_status gather(emr_session *session, bringing *b)
{
	emr_status status = emr_store_each_pin(b->to, note_known, b);
	bool lacks;

	for (size_t i = 0; status == EMR_OK && i < b->blocks->count; i++)
		status = emr_store_each_pin(b->blocks->sources[i], note_pin, b);
	if (status == EMR_OK) /* parts that are gone are named by whoever looks for them */
		status = emr_facts_bundles(session->facts, false, &lacks, &b->needed);
	if (status == EMR_OK) {
		emr_buf_sort(&b->needed, sizeof(emr_pin), by_root);
		emr_buf_sort(&b->known, sizeof(emr_pin), by_root);
	}
	return status;
}

/* ---- bringing it ---- */

/* A disk that cannot read one block keeps no other from coming back. */
static bool is_no_block(emr_status status)
{
	return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA || status == EMR_DAMAGED ||
	       status == EMR_IO;
}

static emr_status get_from_sources(const bringing *b, const emr_cid *cid, emr_buf *out)
{
	emr_status status = EMR_NOT_FOUND;

	for (size_t i = 0; i < b->blocks->count && is_no_block(status); i++)
		status = emr_store_get_verified(b->blocks->sources[i], cid, out);
	return status;
}

/* The one call of a store that emr_store_walk makes. */
static emr_status get_node(emr_block_store *store, const emr_cid *cid, emr_buf *out)
{
	const bringing *b = (const bringing *)(const void *)store;
	emr_status status = emr_store_get_verified(b->to, cid, out);

	return is_no_block(status) ? get_from_sources(b, cid, out) : status;
}

static const emr_block_store_ops only_reads = {.get_verified = get_node};

static emr_status bring_block(void *arg, const emr_cid *cid)
{
	bringing *b = arg;
	EMR_AUTO_BUF bytes = {0};
	emr_block block = {.cid = *cid};
	emr_status status = emr_store_get_verified(b->to, cid, &bytes);

	if (!is_no_block(status))
		return status;
	b->is_damaged |= status == EMR_DAMAGED;
	status = get_from_sources(b, cid, &bytes);
	if (is_no_block(status)) {
		b->lacks = true;
		return EMR_OK;
	}
	block.data = emr_buf_view(&bytes);
	if (status == EMR_OK)
		status = emr_store_append(b->to, &block, 1, NULL);
	b->found.brought += status == EMR_OK;
	return status;
}

static emr_status bring_root(bringing *b, const emr_cid *root)
{
	emr_cid missing;
	emr_status status;

	b->lacks = false;
	status = emr_store_walk(&b->face, root, bring_block, b, &missing);
	b->lacks |= is_no_block(status);
	b->found.lacking += b->lacks;
	return is_no_block(status) ? EMR_OK : status;
}

/* Blocks that nobody pins here are pinned by their owner, also where some are missing: a node may
 * have them. */
static emr_status pin_needed(bringing *b)
{
	const emr_pin *pins = (const void *)b->needed.data, *known = (const void *)b->known.data;
	const size_t n = b->needed.len / sizeof *pins, n_known = b->known.len / sizeof *known;
	EMR_AUTO_BUF changes = {0};

	for (size_t i = 0; i < n; i++) {
		const emr_pin_change change = {.pin = pins[i]};

		if ((i > 0 && by_root(&pins[i - 1], &pins[i]) == 0) ||
			(n_known > 0 &&
				bsearch(&pins[i], known, n_known, sizeof *known, by_root) != NULL))
			continue;
		EMR_TRY(emr_buf_append(&changes, &change, sizeof change));
	}
	return changes.len > 0 ? emr_store_pin(b->to, (const void *)changes.data,
					 changes.len / sizeof(emr_pin_change))
			       : EMR_OK;
}

/* Damaged blocks go into quarantine, so that nobody meets them again. */
static emr_status clear_damage(const bringing *b)
{
	emr_status status = b->is_damaged ? emr_store_mend(b->to, NULL) : EMR_OK;

	return status == EMR_DAMAGED ? EMR_OK : status;
}

emr_status emr_restored_blocks_bring(emr_session *session, const emr_restored_blocks *blocks,
	emr_blocks_progress_fn progress, void *arg, emr_blocks_found *out_found)
{
	__attribute__((cleanup(bringing_end)))
	bringing b = {.face = {.ops = &only_reads}, .blocks = blocks, .to = session->store};
	emr_status status = gather(session, &b);
	const emr_pin *pins = (const void *)b.needed.data;
	const size_t n = b.needed.len / sizeof *pins;
	bool is_version = false;

	for (size_t i = 0; i < n && status == EMR_OK; i++) {
		is_version |= pins[i].state != EMR_PIN_WRITTEN;
		if (i + 1 < n && emr_cid_equal(&pins[i].root, &pins[i + 1].root))
			continue;
		*(is_version ? &b.found.versions : &b.found.others) += 1;
		is_version = false;
		status = bring_root(&b, &pins[i].root);
		if (progress != NULL)
			progress(arg, i + 1, n);
	}
	if (status == EMR_OK)
		status = pin_needed(&b);
	if (status == EMR_OK)
		status = emr_store_flush(session->store);
	if (status == EMR_OK)
		status = clear_damage(&b);
	*out_found = b.found;
	return status;
}

/* ---- afterwards ---- */

static void close_sources(emr_restored_blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++)
		emr_store_close(blocks->sources[i]);
	blocks->count = 0;
}

emr_status emr_restored_blocks_done(
	const emr_session *session, emr_restored_blocks *blocks, const emr_blocks_found *found)
{
	EMR_AUTO_FD there = -1;

	if (blocks->dir == NULL)
		return EMR_OK;
	close_sources(blocks);
	EMR_TRY(emr_stage_remove_tree(session->state_fd, EMR_STATE_BLOCKS_COPIED));
	if (found->lacking > 0 || blocks->aside[0] == '\0')
		return EMR_OK;
	there = openat(session->state_fd, EMR_STATE_BLOCKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return there >= 0 ? emr_stage_remove_tree(there, blocks->aside) : EMR_IO;
}

void emr_restored_blocks_free(emr_restored_blocks *blocks)
{
	close_sources(blocks);
	free(blocks->dir);
	*blocks = EMR_RESTORED_BLOCKS_NONE;
}
