/* The nodes of tests/support/fake_node.py, by the names of their sockets: what they are told to do,
 * what they were asked, and what one of them, `good`, holds. */
#pragma once

#include "emr_test.h"

#include "ipfs/node.h"

#define PATIENCE_MS 600000
#define LOOKS_MAX 300000 /* a millisecond each: the thing does not come any more */
/* Looks again and again until IT is so. */
#define UNTIL(it)                                                                                  \
	for (size_t looks = 0; !(it); usleep(1000))                                                \
	assert_true(looks++ < LOOKS_MAX)

/* The texts stay as those of `printed` do. */
const char *node_address(const char *name);
const char *node_file(const char *name);
emr_ipfs *open_node(const char *name, emr_ipfs_kind kind);
/* `good` is given COUNT blocks below ROOT, or lets go of it. */
void give_good(const emr_cid *root, const emr_block *blocks, size_t count);
void good_loses(const emr_cid *root);
bool is_kept(const emr_cid *root); /* by `good`'s own word: pinned, and every block there */
size_t pins_of_good(void);
size_t asked(const char *words); /* how many lines of what nodes noted have them */
size_t asked_of(const emr_cid *cid);
void forget_asked(void);
/* Files that tell nodes what to do (fake_node.py), such as "full". */
void make_node_file(const char *name);
void remove_node_file(const char *name);
void gate_is(bool is_open);
