/* This kit is shared by tests of the background publisher: a store with a publisher, the rest of
 * the folder as the publisher sees it, and nodes by the names of their sockets. It decides nothing
 * of its own: a test says what is saved, erased and waited for. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "fake_nodes.h"
#include "publisher/publisher.h"

#define PLACES_MAX 4
#define LEAF_BYTES 262400

typedef struct scene {
	char path[512];
	int state_fd;
	emr_store *store;
	emr_unit_key *unit_key;
	emr_publisher *publisher;
	unsigned copies; /* beside this computer, that are wanted */
	uint32_t import_ms;
	uint64_t first_bytes;
	uint32_t patience_ms, still_ms, back_ms;
	bool is_awaited;   /* by the ledger */
	bool has_programs; /* that work in the folder */
	_Atomic bool are_at_work;
	_Atomic size_t gave_way; /* how often it was asked while they are */
	pthread_mutex_t lock;
	emr_buf leaving; /* emr_cid, as the journal would have them */
	emr_buf living;	 /* emr_cid, as the ledger would name them */
	_Atomic bool is_ledger_away;
	bool is_still;	/* the disk takes nothing */
	emr_buf unheld; /* emr_cid, that no node was known to hold, as often as that was said */
	_Atomic size_t looks;
	pthread_t speaker; /* who said the last one, if that was since the last look */
	bool is_said;
	size_t mixed;		  /* how often another one had said it since then */
	_Atomic size_t lost;	  /* roots whose pins were said to be lost */
	_Atomic size_t said;	  /* how often a node was said to fail */
	_Atomic int niceness;	  /* of the thread that told of copies last */
	_Atomic bool was_written; /* that a node holds something, in the file, when that was told */
	_Atomic size_t copied;	  /* how often who waits for copies was told of more */
	emr_publisher_node last;  /* of which that was said */
	emr_buf others;		  /* emr_cid, that others left, as the ledger would name them */
	_Atomic bool can_bring;	  /* a node answers and gives what is `lost` */
	_Atomic size_t bring_asked; /* how often */
} scene;

/* ---- A folder ---- */

void scene_begin(scene *s, const char *name); /* with a store of its own, of that name */
void scene_start(scene *s, size_t count, const char *const *names);	      /* with these nodes */
emr_status scene_try_start(scene *s, size_t count, const char *const *names); /* the same */
/* The same with opened ones, of which COPIES are wanted. */
emr_status scene_start_at(
	scene *s, emr_ipfs **nodes, size_t count, unsigned copies, uint32_t late_ms);
void scene_stop(scene *s);
void scene_end(scene *s);
emr_cid scene_put(scene *s, emr_codec codec, emr_bytes bytes);
void scene_pin(scene *s, const emr_cid *root, bool unpin);
/* A record of a raw block below a node; TEXT is in the block. */
emr_cid scene_save(scene *s, const char *text, size_t number);
emr_cid scene_save_held(scene *s, const char *text, size_t number); /* by all who are wanted */
void scene_save_all(scene *s, const char *text, size_t count, emr_cid *out_roots);
emr_cid scene_save_lacking(scene *s); /* of a leaf "lost", which is not here */
/* A record of LEAVES times LEAF_BYTES, with tags; those of other numbers have other bytes. */
emr_cid scene_save_leaves(scene *s, size_t number, size_t leaves);
/* The pin is lost from the index, of a record that the ledger goes on naming. */
void scene_lose_pin(scene *s, const emr_cid *root);
void scene_erase(scene *s, const emr_cid *root);
/* How many copies are said to be there: this computer's, and those of nodes. */
unsigned scene_held(scene *s, const emr_cid *root);
void wait_held(scene *s, const emr_cid *root, unsigned wanted);
void wait_all_held(scene *s, const emr_cid *roots, size_t count, unsigned wanted);
void wait_sent_again(scene *s, const emr_cid *root); /* what `good` had lost */
emr_publisher_node scene_look(scene *s, size_t node);
uint64_t short_of(scene *s); /* records that have fewer copies than wanted */
size_t leaving_count(scene *s);
size_t unheld_count(scene *s, const emr_cid *root);

extern uint32_t kit_store_ms;  /* how often hosts are asked for it */
void store_is(const char *id); /* of the blocks of `good` */
