/* The parts of the view answer extended attributes (user.emrfs.*) with these types and functions: a
 * part that answers some names of its own gives an attribute_source. Here are also the codes that
 * confirm a value, the attribute `keep`, and how facts become text. It refuses to
 * set an attribute that only emrfs may say. */
#pragma once

#include "headers/headers.h"
#include "replica/replica.h"
#include "view/view.h"

#include "kind.h"
#include "node.h"
#include "tree.h"

/* Attributes that a part answers by their names, of whatever node.  All without view->lock. */
typedef struct attribute_source {
	bool (*has)(const char *name);
	bool (*may_set)(const char *name);
	emr_status (*get)(emr_view *view, uint64_t number, const char *name, emr_buf *out);
	emr_status (*set)(emr_view *view, uint64_t number, const char *name, emr_bytes value);
	emr_status (*remove)(emr_view *view, uint64_t number, const char *name);
} attribute_source;

/* Facts that are found in another way for a record of one's own than for what another shares; all
 * but the state are of a file's version. */
typedef enum attribute_fact {
	FACT_STATE,
	FACT_TX,
	FACT_SIGNATURE,
	FACT_SIGNED_BY,
	FACT_SIGNED_AT,
	FACT_SIGNED_NUMBER,
	FACTS,
} attribute_fact;

struct attribute_subject;
typedef emr_status (*attribute_say)(const struct attribute_subject *s, emr_buf *out);

/* A copy of what the answers need, so that they are put together without view->lock. A part that
 * needs more for its facts has this as the first member of its own. */
typedef struct attribute_subject {
	emr_view *view;
	const attribute_say *facts; /* by attribute_fact */
	bool has_id, has_root, has_version, has_owner, has_owner_id;
	emr_id16 id;
	emr_cid root;	       /* of the version, which is on the ledger */
	uint64_t cver, padded; /* of a version */
	node_owner owner;      /* access "": there is none */
	const char *opens;     /* a literal; NULL: it opens as all that is one's own */
	emr_headers headers;
} attribute_subject;

/* Appends the value of NAME, "user.emrfs...", for S; EMR_NO_ATTRIBUTE. */
emr_status attributes_say(const attribute_subject *s, const char *name, emr_buf *out);
/* The headers of N's content when it was sealed, as its metadata has them; kind NONE when there are
 * none, or they cannot be read. Under view->lock. */
void attributes_headers(const node *n, emr_headers *out);
/* Whether the metadata of N has room for ATTRIBUTES, whatever N is called later:
 * EMR_ATTRIBUTE_SPACE. */
emr_status attributes_fit(const node *n, emr_bytes attributes, uint16_t count);

/* ---- confirm.c ---- */
/* A person types a code to let others see more by an attribute: `confirm=CODE` in its value.
 * Whatever copies attributes (cp -a, rsync -X, tar) brings values from wherever it copies, and can
 * bring no code: the code is another one for each node and each opening of the folder, and is
 * listed nowhere. It refuses to keep anything: the code follows from the view's random key.
 *
 * All under view->lock. */

#define CONFIRM_KEY "user.emrfs.confirm"

/* Appends the code of N.  EMR_NO_ATTRIBUTE: nothing can be confirmed of it. */
emr_status confirm_say(const emr_view *view, const node *n, emr_buf *out);
/* Appends VALUE without its words `confirm=...`; *OUT_IS_RIGHT: there was one, and it is the code
 * of N. */
emr_status confirm_take(
	const emr_view *view, const node *n, emr_bytes value, emr_buf *out, bool *out_is_right);

/* ---- keep.c ---- */
/* A person says with the attribute user.emrfs.keep what is to stay on this computer: of a file,
 * or of a directory and then of everything in it that says nothing else. This finds what holds
 * where. */

#define KEEP_KEY "user.emrfs.keep"

/* "yes" or "no", else EMR_INVALID. */
emr_status keep_check(emr_bytes value);
/* ATTRIBUTES say whether a person wants the bytes here. */
bool keep_is_said(emr_bytes attributes, emr_bytes *out_value);
/* Whether saying VALUE of N itself would change what it says: a copy (rsync -X) writes what is
 * there. */
bool keep_differs(const node *n, emr_bytes value);
/* Whether the store has every block below ROOTS (emr_cid, ...).  Without view->lock. */
emr_status keep_look(emr_view *view, const emr_buf *roots, bool *out_is_here);
emr_status keep_say(const node *n, emr_buf *out);
/* emr_view_each_kept, of what is one's own. */
emr_status keep_each(emr_view *view, const char *path, emr_kept_fn fn, void *arg);

/* ---- fact_text.c ---- */
/* These functions write the facts about a record that attributes show (user.emrfs.*), the same for
 * one's own records and for what others share. Every function appends to OUT, and gives
 * EMR_NO_MEMORY at worst, unless it says more. */

emr_status fact_text(const char *text, emr_buf *out);
emr_status fact_number(uint64_t number, emr_buf *out);
/* Hexadecimal. */
emr_status fact_id(emr_id16 id, emr_buf *out);
emr_status fact_cid(const emr_cid *cid, emr_buf *out);
/* The whole key of CARD's holder, as `emrfs people --json` says it: what programs find him by. */
emr_status fact_owner_id(const emr_card *card, emr_buf *out);
/* Of the file NUMBER, a copy for research: of which content by which rules. EMR_NOT_FOUND,
 * EMR_NO_ATTRIBUTE. */
emr_status fact_derived(emr_view *view, uint64_t number, emr_buf *out);
/* RFC 3339 in UTC. */
emr_status fact_time(uint64_t unix_s, emr_buf *out);
void fact_time_text(uint64_t unix_s, char out[32]);
/* Of a content with PADDED bytes, sealed in chunks (fs/record/FORMAT.md). */
emr_status fact_stored_bytes(uint64_t padded, emr_buf *out);
/* Where ITEM stands on the ledger: its entry and its batch. */
emr_status fact_tx(const emr_replica_item *item, emr_buf *out);
/* How old what this computer has of the ledger is; EMR_NO_ATTRIBUTE when that is not known. */
emr_status fact_freshness(const emr_view *view, emr_buf *out);
