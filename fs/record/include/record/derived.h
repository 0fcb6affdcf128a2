/* A copy for research says from which version and by which rules it was made. Only its maker can
 * open which version that is. It refuses to name the original: a reader of the copy learns neither
 * its id nor whether two datasets have copies of the same. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "base/secret.h"

/* As it stands in the signed statement (FORMAT.md, "A derived copy"). */
typedef struct emr_derivation {
	uint8_t source[32]; /* commitment to record and version of the original */
	uint8_t rules[32];
} emr_derivation;

/* SECRET, 32 bytes, is the participant's for one dataset.  The key of one original: a reader who is
 * shown it, with RECORD and CVER, can check that one commitment, and no other. */
void emr_derived_opening(
	const emr_secret *secret, emr_id16 record, uint64_t cver, uint8_t out_key[32]);
void emr_derived_source(const uint8_t key[32], emr_id16 record, uint64_t cver, uint8_t out[32]);
/* TABLE: the version of the table that decides what stays (deidentify/deidentify.h), at most 255
 * bytes; TERMS: SHA-256 of the dataset's terms. */
void emr_derived_rules(const char *table, emr_id32 terms, uint8_t out[32]);

/* The rules as the document type of the manifest, which the statement's type hash covers. */
#define EMR_DERIVED_DOC_BYTES 72
void emr_derived_doc(const uint8_t rules[32], char out[EMR_DERIVED_DOC_BYTES + 1]);
bool emr_derived_doc_read(emr_bytes doc, uint8_t out_rules[32]);

/* A file that is to be signed as such a copy has a mark among its attributes, which no program is
 * shown.  It holds while the file has the time that it had when it was marked: what is written
 * afterwards is signed as the writer's own. */
#define EMR_DERIVED_KEY "emrfs.derived"
#define EMR_DERIVED_MARK_BYTES 72
void emr_derived_mark(
	const emr_derivation *from, int64_t mtime_ns, uint8_t out[EMR_DERIVED_MARK_BYTES]);
bool emr_derived_mark_read(emr_bytes xattrs, int64_t mtime_ns, emr_derivation *out);
/* SHA-256 of the copy's bytes stands beside it, and holds as long: for who may read the list. */
#define EMR_DERIVED_SUM_KEY "emrfs.sum"
bool emr_derived_sum_read(emr_bytes xattrs, int64_t mtime_ns, uint8_t out[32]);
