/* These are the files of .emrfs that are made when they are asked for: their sizes, and their bytes
 * as one reader has them. They cannot be written to. */
#pragma once

#include "kind.h"

extern const node_kind special_file_kind; /* of those whose bytes the options make */

/* Without view->lock: N's size is that of its newest bytes, which are not older than
 * SPECIAL_FRESH_NS; N is a special file. */
void special_learn(emr_view *view, node *n);
/* Without view->lock: new bytes for HANDLE, and N's size and time after them. */
emr_status special_open(emr_view *view, emr_handle *handle);
/* The bytes that read(2) gives. A program that reads on at the end, as tail -f does, gets the text
 * that was added since. */
emr_status special_read(emr_handle *handle, uint64_t at, void *data, size_t len, size_t *out_len);

/* The end of HANDLE's bytes.  A large file was made of many small pieces: their memory goes back to
 * the system. */
void special_close(emr_handle *handle);

#define SPECIAL_FRESH_NS INT64_C(1000000000)
