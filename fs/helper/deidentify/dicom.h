/* This header declares what the parts of the writer share: a DICOM file as a list of elements that
 * are not in memory. */
#pragma once

#include "base/bytes.h"
#include "deidentify/deidentify.h"
#include "helper/flat.h"

#include "table.h"

/* No real file comes near; a hostile one ends here. */
#define DICOM_DEPTH_MAX 32	   /* sequences inside sequences */
#define DICOM_ELEMENTS_MAX 400000  /* with items and sequences */
#define DICOM_FRAGMENTS_MAX 200000 /* of compressed pixels */
#define DICOM_TEXT_MAX 16384	   /* bytes of a value that is looked into */
#define DICOM_UNDEFINED 0xffffffffu

#define TAG_ITEM 0xfffee000u
#define TAG_ITEM_END 0xfffee00du
#define TAG_SEQUENCE_END 0xfffee0ddu
#define TAG_PIXELS 0x7fe00010u

#define SOURCE_PIECE ((size_t)64 << 10) /* the most that is asked for at once */

/* ---- its elements ---- */

typedef enum element_kind {
	ELEMENT_VALUE,
	ELEMENT_SEQUENCE,  /* its items follow, up to `end` */
	ELEMENT_ITEM,	   /* its elements follow, up to `end` */
	ELEMENT_FRAGMENTS, /* compressed pixels: file.fragments */
} element_kind;

typedef struct element {
	uint32_t tag;
	uint32_t end; /* index of what follows it and all that is in it */
	uint64_t at;  /* of the value */
	uint32_t len;
	char vr[2];
	uint8_t kind;
} element;

typedef struct fragment {
	uint64_t at;
	uint32_t len;
	bool begins_image; /* set by pixels_look */
} fragment;

typedef struct dicom {
	flat_file in;
	const syntax *syntax;
	element *elements;
	uint32_t count;
	size_t room;
	fragment *fragments; /* the first is the table of offsets */
	uint32_t fragment_count;
	size_t fragment_room;
} dicom;

/* Reads all headers of the file that D->in is.  Whatever comes out is freed with dicom_free. */
emr_withheld dicom_parse(dicom *d);
void dicom_free(dicom *d);

uint16_t dicom_u16(const dicom *d, const uint8_t *p);
uint32_t dicom_u32(const dicom *d, const uint8_t *p);

/* The index of TAG among the siblings from FIRST to END; END: not there. */
uint32_t dicom_find(const dicom *d, uint32_t first, uint32_t end, uint32_t tag);
/* The value of E as text: cut at SIZE - 1, without padding at its end; "" when there is none. */
void dicom_text(dicom *d, const element *e, char *out, size_t size);
/* As above, of a top-level TAG of the table; "": not there, or with another VR, which does not
 * stay. */
void dicom_text_of(dicom *d, uint32_t tag, char *out, size_t size);
/* The first number of a top-level US; FALLBACK: not there. */
uint32_t dicom_number_of(dicom *d, uint32_t tag, uint32_t fallback);

/* ---- what is not copied at all ---- */

emr_withheld kind_of(dicom *d, const emr_deidentify_rules *rules);
/* A part of the body, in the standard's words, in which no head can be. */
bool kind_is_without_head(const char *part);

/* ---- pixels ---- */

/* Bytes of a fragment that are left out: comments and application data of JPEG. */
typedef struct cut {
	uint32_t fragment, at, len;
} cut;

typedef struct pixel_plan {
	cut *cuts; /* in order */
	uint32_t count;
	size_t room;
} pixel_plan;

typedef struct image {
	uint64_t rows, columns, samples, frames;
	uint64_t bits, stored, high; /* of a sample: all, those of the image, the last of those */
	bool is_signed;
} image;

/* False: it cannot be an image. */
bool pixels_image(dicom *d, image *out);
/* Clears bits of whole samples at P that are not the image's; above a signed sample's they repeat
 * its sign, which all programs read as the same number. */
void pixels_clear(const image *i, bool is_big, uint8_t *p, size_t len);
emr_withheld pixels_look_rle(dicom *d, const image *i);

/* Are the pixels as long as the image says, what has to be cut out of compressed ones, and where
 * does each image begin? */
emr_withheld pixels_look(dicom *d, pixel_plan *out);
void pixels_free(pixel_plan *plan);
