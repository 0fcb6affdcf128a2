/* Bytes that somebody else signed are compared with the signed root once, in the background. Until
 * then it is known that they are the bytes that the signer sealed (CID and tags); only the root
 * says that they are what the signer read when signing.  A file that does not fit is not opened
 * again.
 *
 * A result is about the bytes that a CID names, not about a place on a disk, so it is good for the
 * life of a mount: every read hashes what it gives out against that CID (record/held.h), and
 * whatever else lies in the segments since is refused there.  Larger files are not compared here,
 * and nothing says that they were.
 *
 * A thread of its own, made when there is something to do and gone when there is not; without
 * threads the publisher's turn does it. */
#pragma once

#include "node.h"

#define COMPARE_BYTES_MAX                                                                          \
	(UINT64_C(1) << 30) /* of a file of one's own; larger ones wait for `emrfs verify` */
#define COMPARE_SHARED_MAX                                                                         \
	(UINT64_C(16)                                                                              \
		<< 20) /* of what another shares: its keys must not outlive the grant for long */

/* Without view->lock: READER opens the content of N at ROOT, which another has signed.  False: no
 * memory; the next opening asks again. */
bool compare_note(emr_view *view, const node *n, const emr_cid *root, emr_content_reader *reader);
typedef enum compare_result { COMPARE_NOT_YET, COMPARE_FITS, COMPARE_DIFFERS } compare_result;
/* Takes view->lock; the second is called under it. */
compare_result compare_of(emr_view *view, const emr_cid *root);
compare_result compare_known(const emr_view *view, const emr_cid *root);
/* In the calling thread, without view->lock: everything that waits. */
void compare_turn(emr_view *view);
/* Ends the thread; before the nodes go. */
void compare_free(emr_view *view);
