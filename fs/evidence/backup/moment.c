/* This file finds one moment of a state that another process may be changing: which bytes of its
 * files, and which ledger, belong together.
 *
 * Segments only grow, so a length is a moment of the blocks and the journal; a read transaction is
 * one of the ledger.  The two belong together when the ledger did not grow while the lengths were
 * taken: between two entries that is nearly always so.  The copy is what a crash at that moment
 * would have left, and is opened the same way. */
#include "backup_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "replica/replica.h"
#include "store/car_store.h"
#include "store/segment_file.h"
#include "kit/language.h"
#include "kit/places.h"

#define TRIES 400
#define SPILL_TRIES 20 /* then working copies are taken as they were found */
#define PAUSE_NS 5000000L

static void drop_segments(moment *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->segments[i].fd >= 0)
			close(m->segments[i].fd);
	}
	m->n = 0;
}

void moment_end(moment *m)
{
	drop_segments(m);
	free(m->segments);
	emr_buf_free(&m->pins);
	emr_buf_free(&m->rotten);
	emr_ledger_copy_close(m->ledger);
	if (m->blocks_fd >= 0)
		close(m->blocks_fd);
	*m = (moment){.blocks_fd = -1};
}

/* ---- small files ---- */

/* A file that is not whole takes the place of no whole one. */
static emr_status keep_small(moment *m, const char *path, bool *out_is_kept)
{
	moment_rotten rotten = {.is_kept = false};
	emr_status status = target_keep(m->target, path, &rotten.is_kept);

	*out_is_kept = rotten.is_kept;
	snprintf(rotten.path, sizeof rotten.path, "%s", path);
	return status == EMR_OK ? emr_buf_append(&m->rotten, &rotten, sizeof rotten) : status;
}

void moment_tell_rotten(const moment *m, emr_backup_report *report)
{
	const moment_rotten *all = (const moment_rotten *)(const void *)m->rotten.data;

	report->rotten = m->rotten.len / sizeof *all;
	for (size_t i = 0; i < report->rotten; i++)
		backup_found(m->options, all[i].path,
			all[i].is_kept ? N_("it is damaged on this computer; the backup keeps the "
					    "one that it had")
			: emr_backup_kind_of(all[i].path) == EMR_BACKUP_CHANNEL
				? N_("it is damaged on this computer, and was copied as it is")
				: N_("it is damaged on this computer, and was left out"));
}

static emr_status put_small(
	moment *m, int dirfd, const char *name, const char *path, bool is_needed)
{
	EMR_AUTO_BUF bytes = {0};
	bool is_kept;
	emr_status status = emr_file_read(dirfd, name, SMALL_MAX, &bytes);

	if (status == EMR_NOT_FOUND)
		return is_needed ? EMR_MISSING_DATA : EMR_OK;
	if (status == EMR_LIMIT || status == EMR_IO ||
		(status == EMR_OK && !backup_is_whole(path, emr_buf_view(&bytes))))
		return keep_small(m, path, &is_kept);
	return status == EMR_OK ? target_put(m->target, path, emr_buf_view(&bytes)) : status;
}

/* It is constant, and so made again and not copied; but not what a newer program has written. */
static emr_status put_format(moment *m)
{
	EMR_AUTO_BUF text = {0};
	emr_status status =
		m->is_shared ? emr_file_read(m->options->state_fd, "index/format", SMALL_MAX, &text)
			     : emr_file_read(m->blocks_fd, "format", SMALL_MAX, &text);

	if (status == EMR_OK && emr_store_format_check(emr_buf_view(&text)) == EMR_NEWER_FORMAT)
		return EMR_NEWER_FORMAT;
	return target_put(m->target, "blocks/format", emr_store_format());
}

static emr_status put_descriptor(moment *m)
{
	EMR_AUTO_BUF bytes = {0};

	EMR_TRY(emr_ledger_copy_descriptor(m->ledger, &bytes));
	return target_put(m->target, "ledger/descriptor", emr_buf_view(&bytes));
}

/* The network's directory is the state's own, as of who joined from elsewhere: it goes with the
 * state, and what leads to the network is all there is to keep of it. */
static bool is_in_state(int state_fd)
{
	struct stat network, parent;

	return fstatat(state_fd, EMR_STATE_NETWORK, &network, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(state_fd, EMR_STATE_LEDGER "/..", &parent, 0) == 0 &&
	       network.st_dev == parent.st_dev && network.st_ino == parent.st_ino;
}

/* Without the way to the network a restored member would begin a second ledger: where the backup
 * has no whole one, the damaged one stands for it, and who restores is asked. */
static emr_status put_channel(moment *m)
{
	const emr_bytes way = m->options->channel;
	bool is_kept = false;

	if (!backup_is_whole(EMR_BACKUP_CHANNEL_PATH, way))
		EMR_TRY(keep_small(m, EMR_BACKUP_CHANNEL_PATH, &is_kept));
	return is_kept ? EMR_OK : target_put(m->target, EMR_BACKUP_CHANNEL_PATH, way);
}

/* Where the ledger of several members is, when it is not the state's own: there a restored member
 * goes on. */
static emr_status put_network(moment *m)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(m->options->state_fd, EMR_STATE_LEDGER, target, sizeof target);

	if (n < 0)
		return errno == EINVAL || errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	if (m->options->channel.len > 0 || is_in_state(m->options->state_fd))
		EMR_TRY(put_channel(m));
	if (is_in_state(m->options->state_fd))
		return EMR_OK;
	return target_put(m->target, EMR_BACKUP_NETWORK_PATH,
		emr_bytes_of((const uint8_t *)target, (size_t)n));
}

/* The mark is read while the ledger is held still, so it is never ahead of it. */
static emr_status put_smalls(moment *m)
{
	int state_fd = m->options->state_fd;

	EMR_TRY(put_small(m, state_fd, "keyfile", "keyfile", true));
	EMR_TRY(put_small(m, state_fd, "profile", "profile", false));
	EMR_TRY(put_small(m, state_fd, "people", "people", false));
	EMR_TRY(put_small(m, state_fd, "guardians", "guardians", false));
	EMR_TRY(put_small(m, state_fd, "replica.hw", "replica.hw", false));
	EMR_TRY(put_format(m));
	EMR_TRY(put_network(m));
	return put_descriptor(m);
}

/* ---- listing ---- */

typedef emr_status (*name_fn)(moment *m, int dirfd, const char *name);

static emr_status each_name(moment *m, int at, const char *directory, name_fn fn)
{
	int fd = openat(at, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (listing == NULL) {
		status = errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
		if (fd >= 0)
			close(fd);
		return status;
	}
	while (status == EMR_OK && (entry = readdir(listing)) != NULL)
		status = fn(m, fd, entry->d_name);
	closedir(listing);
	return status;
}

/* "journal-WRITER.head" of this member. */
static bool is_ours(const moment *m, const char *name)
{
	char hex[33];

	emr_hex(m->device.b, sizeof m->device.b, hex);
	return !m->is_shared || strstr(name, hex) != NULL;
}

/* Heads come before segments are measured: what a head points at is in the lengths that follow. */
static emr_status put_head(moment *m, int dirfd, const char *name)
{
	char path[EMR_BACKUP_PATH_BYTES];
	int n = snprintf(path, sizeof path, "blocks/%s", name);

	if (n >= (int)sizeof path || emr_backup_kind_of(path) != EMR_BACKUP_HEAD ||
		!is_ours(m, name))
		return EMR_OK;
	return put_small(m, dirfd, name, path, false);
}

static emr_status put_spill(moment *m, int dirfd, const char *name)
{
	EMR_AUTO_FD fd = -1;
	char path[EMR_BACKUP_PATH_BYTES];
	int n = snprintf(path, sizeof path, "spill/%s", name);
	emr_status status;

	if (n >= (int)sizeof path || emr_backup_kind_of(path) != EMR_BACKUP_SPILL)
		return EMR_OK;
	status = emr_segment_file_open(dirfd, name, O_RDONLY, &fd);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	return target_put_fd(m->target, path, fd);
}

static emr_status note_segment(moment *m, int dirfd, const char *name)
{
	moment_segment segment = {.fd = -1};
	struct stat st;

	if (!emr_segment_file_parse(name, &segment.writer, &segment.number))
		return EMR_OK;
	/* As the store does: it reads nothing else, and nothing of its own stands there. */
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
		return EMR_OK;
	snprintf(segment.path, sizeof segment.path, "blocks/%.*s", (int)sizeof segment.path - 8,
		name);
	if (m->n == m->capacity) {
		size_t capacity = m->capacity * 2 + 64;
		moment_segment *grown = realloc(m->segments, capacity * sizeof *grown);

		if (grown == NULL)
			return EMR_NO_MEMORY;
		m->segments = grown;
		m->capacity = capacity;
	}
	m->segments[m->n++] = segment;
	return EMR_OK;
}

static int compare_segments(const void *x, const void *y)
{
	const moment_segment *a = x, *b = y;
	int writers = memcmp(a->writer.b, b->writer.b, sizeof a->writer.b);

	if (writers != 0)
		return writers;
	return a->number < b->number ? -1 : a->number > b->number;
}

static emr_status list_segments(moment *m)
{
	emr_status status;

	drop_segments(m);
	status = each_name(m, m->blocks_fd, ".", note_segment);
	EMR_SORT(m->segments, m->n, compare_segments);
	for (size_t i = 0; i < m->n; i++)
		m->segments[i].is_last =
			i + 1 == m->n ||
			memcmp(m->segments[i].writer.b, m->segments[i + 1].writer.b, 16) != 0;
	return status == EMR_OK ? moment_keep_needed(m) : status;
}

/* ---- lengths ---- */

/* Later tries add notes; the newest one counts. */
static const emr_backup_file *last_note(const emr_backup_manifest *scanned, const char *path)
{
	for (size_t i = scanned->n; i > 0; i--) {
		if (strcmp(scanned->files[i - 1].path, path) == 0)
			return &scanned->files[i - 1];
	}
	return NULL;
}

/* Scanned before, in an earlier try or an earlier backup: a length that is the end of a section. */
static uint64_t scanned_to(const moment *m, const char *path, const emr_backup_manifest *earlier)
{
	const emr_backup_file *file = last_note(earlier, path);
	uint64_t to = target_scanned(m->target, path, UINT64_MAX);

	return file != NULL && file->bytes > to ? file->bytes : to;
}

/* Once for each segment: what was copied before must be what it begins with still. */
static emr_status check_known(
	moment *m, const moment_segment *segment, const emr_backup_manifest *scanned)
{
	const emr_backup_file *known = target_known(m->target, segment->path, segment->end);
	uint8_t sha256[32];
	emr_status status;

	if (known == NULL || known->bytes == segment->end ||
		emr_backup_manifest_find(scanned, segment->path) != NULL)
		return EMR_OK;
	status = backup_hash(segment->fd, known->bytes, m->target->buffer, sha256);
	if (status != EMR_OK)
		return status == EMR_DAMAGED ? EMR_IO : status;
	if (memcmp(sha256, known->sha256, sizeof sha256) == 0)
		return EMR_OK;
	return emr_backup_manifest_add(&m->target->strangers, known);
}

/* The last segment of a writer may be growing while we look. */
static emr_status measure_last(
	moment *m, moment_segment *segment, const emr_backup_manifest *scanned)
{
	uint64_t from = scanned_to(m, segment->path, scanned), size = segment->end;
	emr_segment_extent extent = {0};
	emr_status status = emr_segment_file_extent(segment->fd, from <= size ? from : 0, &extent);

	if (status == EMR_OK)
		segment->end = extent.end;
	/* These bytes must be on the disk here before they are on another: a power cut would take
	 * the rest. */
	if ((status == EMR_OK || status == EMR_DAMAGED) && fdatasync(segment->fd) != 0)
		return emr_status_from_errno(errno);
	return status == EMR_DAMAGED ? EMR_OK : status;
}

/* A segment that has a successor does not change any more. */
static emr_status measure_segment(moment *m, moment_segment *segment, emr_backup_manifest *scanned)
{
	emr_backup_file note = {.bytes = 0};
	const emr_backup_file *known;
	struct stat st;
	emr_status status;

	status = emr_segment_file_open(
		m->blocks_fd, segment->path + strlen("blocks/"), O_RDONLY, &segment->fd);
	if (status != EMR_OK)
		return status == EMR_INVALID ? EMR_IO : status;
	if (fstat(segment->fd, &st) != 0)
		return emr_status_from_errno(errno);
	segment->end = (uint64_t)st.st_size;
	EMR_TRY(check_known(m, segment, scanned));
	if (segment->is_last)
		EMR_TRY(measure_last(m, segment, scanned));
	note.bytes = segment->is_last ? segment->end : 0;
	snprintf(note.path, sizeof note.path, "%s", segment->path);
	known = target_known(m->target, segment->path, segment->end);
	if (!segment->is_last && known != NULL && known->bytes == segment->end) {
		close(segment->fd);
		segment->fd = -1;
	}
	return emr_backup_manifest_add(scanned, &note);
}

static emr_status measure_all(moment *m, emr_backup_manifest *scanned)
{
	for (size_t i = 0; i < m->n; i++)
		EMR_TRY(measure_segment(m, &m->segments[i], scanned));
	return EMR_OK;
}

/* Whether the segments that may grow have not. */
static emr_status has_grown(const moment *m, bool *out_has_grown)
{
	*out_has_grown = false;
	for (size_t i = 0; i < m->n; i++) {
		emr_segment_extent extent;
		emr_status status;

		if (!m->segments[i].is_last)
			continue;
		status = emr_segment_file_extent(m->segments[i].fd, m->segments[i].end, &extent);
		if (status != EMR_OK && status != EMR_DAMAGED)
			return status;
		*out_has_grown |= status == EMR_OK && extent.end != m->segments[i].end;
	}
	return EMR_OK;
}

/* ---- a try ---- */

/* *OUT_GOOD 2: one moment; 1: but working copies may be of another; 0: not one. */
static emr_status try_once(moment *m, emr_backup_manifest *scanned, int *out_good)
{
	bool is_newest = false, grew = false;

	m->target->made.n = 0;
	m->target->new_bytes = 0;
	m->rotten.len = 0;
	EMR_TRY(emr_ledger_copy_renew(m->ledger));
	EMR_TRY(put_smalls(m));
	EMR_TRY(m->is_shared ? each_name(m, m->options->state_fd, "index", put_head)
			     : each_name(m, m->blocks_fd, ".", put_head));
	EMR_TRY(list_segments(m));
	EMR_TRY(measure_all(m, scanned));
	EMR_TRY(emr_ledger_copy_is_newest(m->ledger, &is_newest));
	if (!is_newest)
		return EMR_OK;
	*out_good = 1;
	EMR_TRY(each_name(m, m->options->state_fd, "spill", put_spill));
	EMR_TRY(has_grown(m, &grew));
	if (!grew)
		*out_good = 2;
	return EMR_OK;
}

/* A segment that went, or became shorter, while we looked: look again. */
static bool may_pass(emr_status status)
{
	return status == EMR_NOT_FOUND || status == EMR_IO || status == EMR_BUSY;
}

static emr_status find_moment(moment *m, emr_backup_manifest *scanned)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	emr_status last = EMR_TIMEOUT;

	for (int i = 0; i < TRIES; i++) {
		int good = 0;
		emr_status status = try_once(m, scanned, &good);

		if (status != EMR_OK && !may_pass(status))
			return status;
		last = status == EMR_OK ? EMR_TIMEOUT : status;
		if (status == EMR_OK && (good == 2 || (good == 1 && i >= SPILL_TRIES)))
			return EMR_OK;
		nanosleep(&pause, NULL);
	}
	return last;
}

/* ---- the ledger, or what was verified of it ---- */

/* This computer's own copy, when it is whole and as new as anything that was seen here. */
static emr_status open_own(moment *m, emr_ledger_copy **out_copy)
{
	EMR_AUTO_LEDGER_COPY own = NULL;
	emr_ledger_copy_facts facts;
	emr_ledger_trouble trouble;
	uint64_t reaches = 0;
	uint8_t root[32];
	emr_status status = emr_replica_reaches(m->options->state_fd, &reaches, root);

	if (status == EMR_OK)
		status = emr_ledger_copy_open_own(m->options->state_path, &own);
	if (status == EMR_OK)
		status = emr_ledger_copy_tell(own, &facts);
	if (status == EMR_OK && facts.entries < reaches)
		status = EMR_ROLLBACK;
	if (status == EMR_OK)
		status = emr_ledger_copy_check(own, m->options->is_served, &trouble);
	if (status != EMR_OK) {
		emr_log(EMR_LOG_WARN, "backup: the own copy of the ledger: %s",
			emr_status_text(status));
		return EMR_OFFLINE;
	}
	*out_copy = own;
	own = NULL;
	return EMR_OK;
}

/* The ledger in its place is the one that was verified here, and not an older state of it. */
static emr_status is_believed(moment *m, uint64_t reaches, const uint8_t root[32], bool *out_is)
{
	uint8_t theirs_root[32];
	EMR_AUTO_BUF ours = {0};
	EMR_AUTO_BUF theirs = {0};
	emr_ledger_copy_facts facts;

	EMR_TRY(emr_ledger_copy_descriptor(m->ledger, &theirs));
	EMR_TRY(emr_ledger_copy_tell(m->ledger, &facts));
	*out_is = facts.entries >= reaches;
	/* A damaged tree says nothing; the replay that follows does. */
	if (*out_is && reaches > 0 &&
		emr_ledger_copy_root(m->ledger, reaches, theirs_root) == EMR_OK)
		*out_is = memcmp(theirs_root, root, sizeof theirs_root) == 0;
	if (emr_replica_descriptor(m->options->state_fd, &ours) == EMR_OK)
		*out_is = *out_is && emr_bytes_equal(emr_buf_view(&ours), emr_buf_view(&theirs));
	return EMR_OK;
}

static bool is_absence(emr_status status)
{
	return status == EMR_NOT_FOUND || status == EMR_DAMAGED || status == EMR_IO ||
	       status == EMR_DENIED;
}

static emr_status use_own(moment *m)
{
	emr_ledger_copy_close(m->ledger);
	m->ledger = NULL;
	m->is_own_copy = true;
	m->is_mended = false;
	return open_own(m, &m->ledger);
}

static emr_status choose_ledger(moment *m)
{
	char path[4400];
	bool is_good = false;
	uint64_t reaches = 0;
	uint8_t root[32];
	emr_status status;

	if (m->options->is_served)
		return use_own(m);
	/* Before the ledger is looked at: it may grow meanwhile, and the mark with it. */
	if (emr_replica_reaches(m->options->state_fd, &reaches, root) != EMR_OK)
		reaches = 0;
	snprintf(path, sizeof path, "%.4200s/ledger", m->options->state_path);
	status = emr_ledger_copy_open(path, &m->ledger);
	if (status == EMR_OK)
		status = is_believed(m, reaches, root, &is_good);
	if ((status != EMR_OK && !is_absence(status)) || is_good)
		return status;
	return use_own(m);
}

/* ---- nothing is written that was not verified ---- */

static void note_missing(void *arg, uint64_t seq)
{
	moment *m = arg;
	char what[160];

	m->missing++;
	snprintf(what, sizeof what,
		_("entry %llu: the sealed data of an item is damaged, there and in this computer's "
		  "own copy"),
		(unsigned long long)seq);
	backup_found(m->options, "ledger/ledger.sqlite", what);
}

/* The whole ledger of the moment is replayed; what is damaged in it comes from the verified copy,
 * and what is whole in neither is said.  A ledger that has an entry which is whole in neither gives
 * way to the copy, if that is whole. */
static emr_status make_whole(moment *m)
{
	emr_status status;

	if (m->is_own_copy)
		return EMR_OK; /* replayed when it was opened, and held since */
	status = emr_ledger_copy_make_whole(
		m->ledger, m->options->state_path, note_missing, m, &m->is_mended);
	return status == EMR_DAMAGED || status == EMR_FORK ? EMR_OFFLINE : status;
}

/* The moment goes on from the backup that is there: its entries are the first of these. */
static emr_status check_ancestor(moment *m)
{
	const emr_backup_manifest *old = &m->target->old;
	uint8_t root[32];
	emr_status status;

	if (!m->target->has_old)
		return EMR_OK;
	if (!emr_id16_equal(old->net_id, m->facts.net_id))
		return EMR_CONFLICT;
	status = emr_ledger_copy_root(m->ledger, old->entries, root);
	if (status == EMR_ROLLBACK)
		return EMR_FORK;
	if (status == EMR_DAMAGED)
		return EMR_OK; /* its tree is mended first, and this asked once more */
	if (status != EMR_OK)
		return status;
	return memcmp(root, old->root, sizeof root) == 0 ? EMR_OK : EMR_FORK;
}

/* Writes the ledger's facts into the list. */
static emr_status describe_ledger(moment *m)
{
	EMR_TRY(emr_ledger_copy_tell(m->ledger, &m->facts));
	EMR_TRY(check_ancestor(m));
	return emr_ledger_copy_root(m->ledger, m->facts.entries, m->target->made.root);
}

emr_status moment_take(moment *m, backup_target *target, const emr_backup_options *options)
{
	EMR_AUTO_MANIFEST scanned = {0};
	emr_status status;

	m->options = options;
	m->target = target;
	m->blocks_fd = openat(options->state_fd, "blocks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->blocks_fd < 0)
		return errno == ENOENT ? EMR_MISSING_DATA : emr_status_from_errno(errno);
	EMR_TRY(moment_is_shared(m));
	EMR_TRY(choose_ledger(m));
	EMR_TRY(emr_ledger_copy_tell(m->ledger, &m->facts));
	EMR_TRY(check_ancestor(m));
	if (target->has_partial && !emr_id16_equal(target->partial.net_id, m->facts.net_id))
		target->has_partial = false;
	target->made.net_id = m->facts.net_id;
	status = find_moment(m, &scanned);
	if (status == EMR_OK)
		status = make_whole(m);
	if (status == EMR_OFFLINE && !m->is_own_copy) {
		m->missing = 0;
		status = use_own(m);
		if (status == EMR_OK)
			status = find_moment(m, &scanned);
	}
	/* Once more: the moment that is held now is a later one. */
	return status == EMR_OK ? describe_ledger(m) : status;
}
