/* This file of the state lists which node has which root. It only grows while it is open. It is a
 * memory and no proof: a damaged row is asked for again, because nodes and ledger know all of it.
 */
#pragma once

#include "base/bytes.h"
#include "publisher/publisher.h"
#include "store/cid.h"

/* Bits: one a node, by its number in book.nodes. */
typedef struct book_entry {
	emr_cid root;
	uint16_t held;	  /* said that it keeps all of it */
	uint16_t sent;	  /* may have it: is asked before it is sent, and told when it goes */
	uint16_t doubted; /* sent, for all that is known: what the file said is lost */
	uint16_t listed;  /* among the pins of the node, when it was asked for all of them */
	uint16_t asked;	  /* about it next, before the round goes on; of this process */
	uint16_t going;	  /* is being sent by a thread of that node; of this process */
	uint16_t stuck;	  /* does not take it alone either; of this process */
	uint16_t waits;	  /* its cluster was asked, and is looked at later; of this process */
	uint16_t urged;	  /* and was asked once more, as too few of its peers had it */
	uint16_t seen;	  /* waiting, for a while, with no peer more that has it */
	uint16_t late;	  /* and for twice as long: a person is told */
	uint64_t peers;	  /* 4 bits a node: copies in its cluster, by the last look */
	uint8_t sticks;	  /* how often it was stuck, since a node took it; of this process */
	bool is_wanted;	  /* by this computer */
	bool is_piece;	  /* of a large record on its way; of this process */
	bool is_noted;	  /* that it goes stands elsewhere, too: see emr_publisher_options */
} book_entry;

typedef struct book {
	int dirfd, fd; /* fd -1: nothing is written, or not yet */
	bool is_still;
	char *nodes[EMR_PUBLISHER_NODES_MAX];
	size_t node_count;
	char stores[EMR_PUBLISHER_NODES_MAX][33]; /* of blocks, at each node; "": it has no id */
	int64_t store_due_ns[EMR_PUBLISHER_NODES_MAX]; /* it is asked again then; 0: for none */
	int64_t doubt_due_ns[EMR_PUBLISHER_NODES_MAX]; /* not asked for an old root before */
	uint16_t unsynced; /* nodes that do not sync their blocks, by their own configuration */
	emr_buf entries;   /* of book_entry, by root */
	emr_buf lines;	   /* not written yet */
	bool is_doubtful;  /* something of it is lost: what is not held may be there all the same */
} book;

/* NAMES: the file.  A node of NAMES that the file does not know is added to it.  OUT_NUMBERS: of
 * each of NAMES.  IS_STILL: nothing is written. */
emr_status book_open(book *b, int dirfd, bool is_still, const char *const *names, size_t count,
	uint8_t *out_numbers);
void book_close(book *b);

size_t book_count(const book *b);
book_entry *book_at(const book *b, size_t index);
book_entry *book_find(const book *b, const emr_cid *root); /* NULL: none */
/* The first whose root is not before ROOT; book_count when there is none. */
size_t book_from(const book *b, const emr_cid *root);
emr_status book_add(book *b, const emr_cid *root, book_entry **out_entry);
/* WANTED, sorted and each once, are those from now on. A root that nobody wants and no node has is
 * dropped. */
emr_status book_want(book *b, const emr_cid *wanted, size_t count);

typedef enum book_mark { BOOK_SENT = 's', BOOK_HELD = 'h', BOOK_GONE = 'g' } book_mark;
/* BOOK_SENT also takes back BOOK_HELD. */
emr_status book_set(book *b, book_entry *entry, size_t node, book_mark mark);
emr_status book_set_unsynced(book *b, size_t node, bool is_unsynced);
/* NODE holds nothing for all that is known: each root is asked for again. */
emr_status book_forget(book *b, size_t node);
/* NODE has the store of blocks with that ID now.  *OUT_IS_OTHER: it is another one than before, and
 * may lack all that the node had. */
emr_status book_set_store(book *b, size_t node, const char *id, bool *out_is_other);
/* Takes the lines that were added since the last time, for the file. */
emr_buf book_take_lines(book *b);
/* On the disk when it returns.  One at a time. */
emr_status book_write(book *b, const emr_buf *lines);

int book_compare(const void *a, const void *b); /* emr_cid */
