/* DICOM files of a few elements, in each way of writing them, and copies of them in memory, for
 * tests of de-identification. */
#pragma once

#include "base/bytes.h"
#include "deidentify/deidentify.h"

typedef enum made_syntax { MADE_EXPLICIT, MADE_IMPLICIT, MADE_BIG } made_syntax;

/* The caller frees BYTES. */
typedef struct made {
	emr_buf bytes;
	made_syntax syntax;
} made;

/* Preamble and file meta; UID: of the transfer syntax, NULL: that of SYNTAX. */
void made_begin(made *m, made_syntax syntax, const char *uid);
void made_bytes(made *m, uint32_t tag, const char *vr, const void *value, size_t len);
void made_text(made *m, uint32_t tag, const char *vr, const char *text); /* padded */
void made_u16(made *m, uint32_t tag, uint16_t value);
/* A header alone: of a sequence, or one that lies. */
void made_header(made *m, uint32_t tag, const char *vr, uint32_t len);
void made_item(made *m); /* without length, as are sequences */
void made_item_end(made *m);
void made_sequence_end(made *m);

/* Elements of a CT of 2 x 2 pixels, rising: each takes those of its groups, so that a test can add
 * its own between. */
void made_ct_08(made *m); /* to (0008,0060) */
void made_ct_18(made *m); /* slice thickness 5 mm, chest */
void made_ct_20(made *m); /* UIDs */
void made_ct_28(made *m); /* 2 x 2, 16 bits */
void made_ct_pixels(made *m);
/* All of them. */
void made_ct(made *m, made_syntax syntax);

/* A file in memory. */
int made_memory(emr_bytes bytes);
/* The copy of M, by the writer, with the key and the name of PERSON ('a' ...); OUT is freed
 * by the caller.
 */
emr_withheld made_copy(const made *m, char person, const emr_deidentify_rules *rules, emr_buf *out);
/* The copy of a CT with what ADD puts between its groups 0008 and 0010; the caller frees it. */
emr_buf made_copy_with(void (*add)(made *m), made_syntax syntax, const emr_deidentify_rules *rules);
/* Whether BYTES has TEXT in it. */
bool made_has(emr_bytes bytes, const char *text);
/* The value of the first element of TAG with VR (explicit little endian), padding left out. */
const char *made_value(emr_bytes bytes, uint32_t tag, const char *vr);
