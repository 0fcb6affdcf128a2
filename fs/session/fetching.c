/* This file opens the nodes of the settings and the cache of what they give, and puts both behind
 * the block store of the folder. */
#include "session/fetching.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "fetch/fetch.h"
#include "session/stage.h"

#define CACHE_BLOCKS "blocks" /* in the directory of the cache */

typedef struct emr_fetching {
	emr_ipfs *nodes[EMR_NODES_MAX];
	size_t node_count;
	emr_block_cache *cache;
	emr_fetcher *fetcher;
} emr_fetching;

/* One that does not do is told where records are given to it (fs/mount). */
static void open_nodes(emr_fetching *fetching, const emr_session *session,
	const emr_settings *settings, bool are_gateways)
{
	for (size_t i = 0; i < settings->node_count; i++) {
		emr_problem problem = {0};

		emr_node_setting node = settings->nodes[i];

		if (node.is_gateway != are_gateways)
			continue;
		node.cluster = NULL; /* nothing is read from it */
		emr_status status = emr_node_open(&node, &session->keyring,
			&fetching->nodes[fetching->node_count], NULL, &problem);

		if (status == EMR_OK)
			fetching->node_count++;
		else
			emr_log(EMR_LOG_ERROR, "fetch: a node of the settings is not asked: %s",
				emr_status_text(status));
	}
}

static void open_cache(emr_fetching *fetching, const emr_settings *settings, const char *directory)
{
	EMR_AUTO_FREE char *path = NULL;
	emr_block_cache_options options = {.max_bytes = settings->cache_bytes,
		.max_days = settings->cache_days,
		.clock = emr_clock_system(),
		.is_held = true};
	emr_status status;

	if (settings->cache_bytes == 0 || directory == NULL)
		return;
	if (asprintf(&path, "%s/" CACHE_BLOCKS, directory) < 0) {
		path = NULL;
		return;
	}
	options.path = path;
	status = emr_block_cache_open(&options, &fetching->cache);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "fetch: nothing that is brought is kept: %s",
			emr_status_text(status));
}

emr_status emr_fetching_open(emr_session *session, const emr_settings *settings, const char *cache)
{
	emr_fetcher_options options = {
		.store = emr_store_blocks(session->store), .clock = emr_clock_system()};
	emr_fetching *fetching;
	emr_status status;

	if (settings == NULL || settings->node_count == 0)
		return EMR_OK;
	fetching = calloc(1, sizeof *fetching);
	if (fetching == NULL)
		return EMR_NO_MEMORY;
	session->fetching = fetching;
	open_nodes(fetching, session, settings, false);
	open_nodes(fetching, session, settings, true);
	open_cache(fetching, settings, cache);
	options.cache = fetching->cache;
	options.nodes = fetching->nodes;
	options.node_count = fetching->node_count;
	status = emr_fetcher_open(&options, &fetching->fetcher);
	if (status != EMR_OK)
		emr_fetching_close(session);
	return status;
}

void emr_fetching_close(emr_session *session)
{
	emr_fetching *fetching = session->fetching;

	if (fetching == NULL)
		return;
	emr_fetcher_close(fetching->fetcher);
	emr_block_cache_close(fetching->cache);
	for (size_t i = 0; i < fetching->node_count; i++)
		emr_ipfs_close(fetching->nodes[i]);
	free(fetching);
	session->fetching = NULL;
}

emr_block_store *emr_session_blocks(const emr_session *session)
{
	return session->fetching != NULL ? emr_fetcher_blocks(session->fetching->fetcher)
					 : emr_store_blocks(session->store);
}

emr_fetcher *emr_session_fetcher(const emr_session *session)
{
	return session->fetching != NULL ? session->fetching->fetcher : NULL;
}

void emr_fetching_purge(const emr_session *session, uint64_t *out_bytes)
{
	emr_block_cache *cache = session->fetching != NULL ? session->fetching->cache : NULL;

	*out_bytes = cache != NULL ? emr_block_cache_bytes(cache) : 0;
	emr_fetcher_forget(emr_session_fetcher(session), INT64_MAX);
	if (cache != NULL)
		*out_bytes -= emr_block_cache_bytes(cache);
}

bool emr_fetching_is_empty(const emr_session *session)
{
	emr_block_cache *cache = session->fetching != NULL ? session->fetching->cache : NULL;

	return cache != NULL && emr_block_cache_bytes(cache) == 0;
}

bool emr_fetching_has_left(const emr_places *places)
{
	EMR_AUTO_FD fd = open(places->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int blocks = fd >= 0 ? openat(fd, CACHE_BLOCKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *listing = blocks >= 0 ? fdopendir(blocks) : NULL;
	const struct dirent *entry;

	if (listing == NULL) {
		if (blocks >= 0)
			(void)close(blocks);
		return false;
	}
	do
		entry = readdir(listing);
	while (entry != NULL && entry->d_name[0] == '.');
	(void)closedir(listing);
	return entry != NULL;
}

emr_status emr_fetching_remove(const emr_places *places)
{
	EMR_AUTO_FD fd = open(places->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	return fstatat(fd, CACHE_BLOCKS, &st, AT_SYMLINK_NOFOLLOW) == 0
		       ? emr_stage_remove_tree(fd, CACHE_BLOCKS)
		       : EMR_OK;
}
