/* These functions decide where the blocks of an open folder come from: its own store and, with
 * IPFS nodes in the settings, those nodes and a cache. They never keep a folder from opening:
 * without node and cache everything that is here can be read. They refuse a token for a node
 * that others could read. */
#pragma once

#include "ipfs/node.h"
#include "kit/places.h"
#include "session/session.h"

struct emr_fetcher;

/* After the store is open.  CACHE: the directory of what can be had again.  EMR_NO_MEMORY;
 * whatever else is wrong is in the log, and then the folder does without. */
emr_status emr_fetching_open(emr_session *session, const emr_settings *settings, const char *cache);
void emr_fetching_close(emr_session *session);

/* All blocks that can be read at once. */
emr_block_store *emr_session_blocks(const emr_session *session);
/* NULL: there is none. */
struct emr_fetcher *emr_session_fetcher(const emr_session *session);
/* Forgets everything that was brought and may go.  *OUT_BYTES: how much that was. */
void emr_fetching_purge(const emr_session *session, uint64_t *out_bytes);
/* There is a cache, and nothing in it. */
bool emr_fetching_is_empty(const emr_session *session);
/* Blocks are in the cache of a folder that is closed. */
bool emr_fetching_has_left(const emr_places *places);
/* Removes the cache of a folder that is closed, in which nothing is that somebody could miss. */
emr_status emr_fetching_remove(const emr_places *places);

/* ---- nodes.c ---- */
/* These functions open the IPFS nodes of the settings, and say in a sentence what is wrong with
 * one. They refuse a token that others could read. */

/* The host of the network that the state in STATE_FD belongs to, if it has one, is a node like
 * those of the settings, and the first. */
emr_status emr_nodes_add_host(int state_fd, emr_settings *settings);
/* Speaks to nobody.  *KEYRING, which may come later, asks the network\'s host for tokens;
 * it is borrowed; NULL: none are shown.
 * *OUT_IS_TOKEN (may be NULL): it is the file of the token that does not do. */
emr_status emr_node_open(const emr_node_setting *setting, emr_keyring *const *keyring,
	emr_ipfs **out_node, bool *out_is_token, emr_problem *out_problem);
/* NODE: its address; SAID: its own words, or "". */
void emr_node_say(
	const char *node, emr_ipfs_fault fault, const char *said, emr_problem *out_problem);
