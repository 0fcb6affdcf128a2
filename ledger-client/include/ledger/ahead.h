/* This window holds the next entries of the ledger. Other cores check their signatures, the most
 * expensive part of a small entry, while the entries before them are judged; the entries
 * themselves are given back in order, in the caller's thread. Nothing is judged or written here,
 * and a signature that does not fit is only not known: the follower of the entry
 * verifies as always, and says what is wrong. */
#pragma once

#include "ledger/chain.h"

typedef struct emr_ahead emr_ahead; /* one thread fills and empties it */

/* The entries are to be followed with CHAIN, which is asked for the keys of their submitters. NULL:
 * no memory.  Threads are there from the first window with as many entries as go in until it is
 * freed, and none where there is one core. */
emr_ahead *emr_ahead_new(emr_chain *chain);
void emr_ahead_free(emr_ahead *ahead);
EMR_AUTO_CALL(emr_ahead_auto, emr_ahead *, emr_ahead_free);
#define EMR_AUTO_AHEAD __attribute__((cleanup(emr_ahead_auto))) emr_ahead *

/* An emr_ledger_entry_fn on a window, which keeps a copy.  An entry that finds no room is left out,
 * and so are all behind it until the window was emptied. */
#define EMR_AHEAD_ENTRIES 64
emr_status emr_ahead_take(void *ahead, const emr_ledger_entry *entry);
bool emr_ahead_is_full(const emr_ahead *ahead);
/* The entries of SOURCE from FROM on and before END, until the window is full.  Another status than
 * EMR_OK is that of reading the one behind those that were taken. */
emr_status emr_ahead_read(emr_ahead *ahead, emr_chain *source, uint64_t from, uint64_t end);

typedef emr_status (*emr_ahead_fn)(
	void *arg, const emr_ledger_entry *entry, const emr_chain_checked *checked);
/* Calls FN with what is in the window until that fails, and empties it; *out_n = how many times it
 * was EMR_OK. */
emr_status emr_ahead_each(emr_ahead *ahead, emr_ahead_fn fn, void *arg, size_t *out_n);
