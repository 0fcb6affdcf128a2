/* A reader of what another shares is dear to make: its key is opened, and whose word its bytes are
 * is judged. It stays for ten minutes after that, so that an opening once more needs neither curves
 * nor the worker. It goes at once with the right to it, and when its bytes were not found to be
 * those that were signed; while a program has the file open, at the close. Each opening is let in
 * and reported as the first (received/shared_bytes.c). */
#pragma once

#include "node.h"

#define KEPT_NS INT64_C(600000000000)
#define KEPT_READERS 1024u

/* Under view->lock: an open of N was taken back. The number of a node whose reader goes now
 * (kept_drop), or 0. */
uint64_t kept_note_closed(emr_view *view, node *n);
/* Without locks: it goes, unless somebody has it open; 0: nothing. */
void kept_drop(emr_view *view, uint64_t number);
/* Without locks: takes back one open of N, which somebody held without a handle. */
void kept_release(emr_view *view, node *n);
/* Without locks: the bytes that the reader of NUMBER reads were not found to be right: it is not
 * kept. */
void kept_doubt(emr_view *view, uint64_t number);
/* Without locks, once a minute: those that were made KEPT_NS ago go, and what is more than
 * KEPT_READERS. */
void kept_drop_old(emr_view *view);
