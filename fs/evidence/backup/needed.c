/* Members of a network share one store of blocks. This file finds which of its files belong into
 * one member's backup: the member's own, and those of others that hold a block which these need. It
 * needs no key for that. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "backup_private.h"
#include "store/car_store.h"
#include "store/segment_file.h"

typedef struct need {
	emr_store *store;
	moment *m;
	emr_buf names; /* of char[EMR_SEGMENT_NAME_MAX] */
	char last[EMR_SEGMENT_NAME_MAX];
} need;

static emr_status note_name(need *n, const char *name)
{
	if (strcmp(n->last, name) == 0)
		return EMR_OK;
	memcpy(n->last, name, sizeof n->last);
	for (size_t at = 0; at < n->names.len; at += EMR_SEGMENT_NAME_MAX)
		if (strcmp((const char *)n->names.data + at, name) == 0)
			return EMR_OK;
	return emr_buf_append(&n->names, n->last, sizeof n->last);
}

/* A block that is missing is missing here, too: `verify` says so. */
static emr_status note_block(void *arg, const emr_cid *cid)
{
	need *n = arg;
	emr_store_position at;
	char name[EMR_SEGMENT_NAME_MAX] = "";
	emr_status status = emr_store_locate(n->store, cid, &at);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_OK : status;
	emr_store_segment_name(n->store, at.segment, name);
	return note_name(n, name);
}

static emr_status look_below(need *n, const emr_cid *root)
{
	emr_cid missing;
	emr_status status =
		emr_store_walk(emr_store_blocks(n->store), root, note_block, n, &missing);

	return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA || status == EMR_DAMAGED
		       ? EMR_OK
		       : status;
}

static bool is_needed(const need *n, const char *name)
{
	for (size_t at = 0; at < n->names.len; at += EMR_SEGMENT_NAME_MAX)
		if (strcmp((const char *)n->names.data + at, name) == 0)
			return true;
	return false;
}

/* EMR_NOT_FOUND: one came into being after the listing; the moment is another now. */
static emr_status all_listed(const need *n)
{
	for (size_t at = 0; at < n->names.len; at += EMR_SEGMENT_NAME_MAX) {
		bool is = false;

		for (size_t i = 0; i < n->m->n; i++)
			is = is || strcmp(n->m->segments[i].path + strlen("blocks/"),
					   (const char *)n->names.data + at) == 0;
		if (!is)
			return EMR_NOT_FOUND;
	}
	return EMR_OK;
}

static void keep_needed(const need *n)
{
	moment *m = n->m;
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++)
		if (emr_id16_equal(m->segments[i].writer, m->device) ||
			is_needed(n, m->segments[i].path + strlen("blocks/")))
			m->segments[kept++] = m->segments[i];
	m->n = kept;
}

emr_status moment_is_shared(moment *m)
{
	struct stat st;
	emr_status status;

	if (fstatat(m->options->state_fd, "blocks", &st, AT_SYMLINK_NOFOLLOW) != 0)
		return emr_status_from_errno(errno);
	if (!S_ISLNK(st.st_mode))
		return EMR_OK;
	status = backup_device(m->options->state_fd, &m->device);
	m->is_shared = status == EMR_OK;
	if (status == EMR_DAMAGED)
		backup_found(
			m->options, "device", "it is damaged; opening the folder writes it again");
	return status == EMR_OK ? EMR_OK : EMR_MISSING_DATA;
}

emr_status moment_keep_needed(moment *m)
{
	char path[4400], index[4400];
	emr_store_options options = {
		.path = path, .index_path = index, .writer = m->device, .read_only = true};
	need n = {.m = m};
	emr_status status;

	if (!m->is_shared)
		return EMR_OK;
	snprintf(path, sizeof path, "%.4200s/blocks", m->options->state_path);
	snprintf(index, sizeof index, "%.4200s/index", m->options->state_path);
	EMR_TRY(emr_store_open(&options, &n.store));
	m->pins.len = 0; /* of an earlier try */
	status = emr_store_needed(n.store, false, &m->pins);
	EMR_EACH (const emr_pin, pin, &m->pins)
		status = status == EMR_OK ? look_below(&n, &pin->root) : status;
	if (status == EMR_OK)
		status = all_listed(&n);
	if (status == EMR_OK)
		keep_needed(&n);
	emr_store_close(n.store);
	emr_buf_free(&n.names);
	return status;
}
