/* These functions say who signed what a node shows, open a version only when its signed
 * statement fits, and remember which of these versions a program has read. */
#pragma once

#include "settle/whose.h"
#include "share/read.h"

#include "node.h"

/* The content at PLACE, for N, with its statement judged.  EMR_BAD_SIGNATURE. */
emr_status signed_open(
	emr_view *view, const node *n, const emr_place *place, emr_content_reader **out_reader);
/* The same where the bytes are to be saved again, or wrapped for somebody else. */
emr_status signed_content(emr_view *view, const emr_place *place, emr_content *out_content,
	emr_content_key **out_key);
/* "valid by=... at=..." and "NAME, ORGANISATION" of the version at PLACE.  IS_DERIVED: it was
 * marked here as a copy for research. */
emr_status signed_say(emr_view *view, const emr_place *place, bool is_derived, emr_buf *out);
emr_status signed_say_by(emr_view *view, const emr_place *place, emr_buf *out);
/* "NUMBER KEY": which of his statements for this patient it is, as somebody else numbered it, and
 * whose key. */
emr_status signed_say_number(emr_view *view, const emr_place *place, emr_buf *out);
/* As emr_whose has it: of what stands here without the entry with which it came. */
emr_status signed_at(emr_view *view, const emr_place *place, uint64_t *out_unix_s);

/* Tells a person whose signature on N does not fit; false: nobody claims it. */
bool signed_tell(emr_view *view, node *n);

/* The same of what another shares, known since it was opened here.  TAKE: the bytes of READER may
 * be shown, or EMR_BAD_SIGNATURE. OWNER is what user.emrfs.patient says. */
emr_status signed_take_shared(
	emr_view *view, node *n, emr_content_reader *reader, const emr_shared_word *word);
/* Without locks: READER, which was taken with WORD, is what N is read by now: its bytes are
 * compared, and a person is told what must be told. */
void signed_note_shared(
	emr_view *view, node *n, emr_content_reader *reader, const emr_shared_word *word);
/* Under view->lock: nothing is known that speaks against the bytes of N, which is shown in its
 * present version. */
bool signed_stands(const emr_view *view, const node *n);
emr_status signed_shared_say(emr_view *view, const emr_cid *root, const char *owner, emr_buf *out);
emr_status signed_shared_by(emr_view *view, const emr_cid *root, const char *owner, emr_buf *out);
emr_status signed_shared_number(emr_view *view, const emr_cid *root, emr_buf *out);
/* EMR_NO_ATTRIBUTE: not opened yet. */
emr_status signed_shared_at(emr_view *view, const emr_cid *root, uint64_t *out_unix_s);
void signed_free(emr_view *view); /* before the view goes */

/* ---- originals.c ---- */
/* These functions remember what somebody else has signed and a program has read since the folder
 * was opened: whoever makes a copy has read what he copies. Kept in memory only, and no bytes of
 * it: how long it is, and a hash of how it begins. */

#define ORIGINALS_MAX 4096	 /* the latest read */
#define ORIGINAL_HEAD_BYTES 4096 /* enough to tell the slices of a series apart */

typedef struct original {
	emr_cid root;
	uint64_t node, size;
	emr_id32 head;
} original;

/* Without view->lock: READER, new, opens the content of N at ROOT, which another has signed. */
void originals_note(emr_view *view, const node *n, const emr_cid *root, emr_content_reader *reader);
/* The hash of how READER's content begins. */
emr_status originals_head(emr_content_reader *reader, emr_id32 *out_head);
/* Under view->lock: appends those that are SIZE bytes long. */
emr_status originals_of_size(const emr_view *view, uint64_t size, emr_buf *out);
