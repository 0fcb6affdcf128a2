/* These functions look in a copy for the words of the original about a person. They share no
 * reading code with the writer, so that a mistake there is not made twice, and believe neither
 * file. */
#pragma once

#include "deidentify/deidentify.h"

#include "copied.h"

/* How pixels are compressed, and the bits of a sample that are the image's. */
typedef struct coding {
	syntax_pixels codec;
	uint32_t bits;
	bool is_signed;
} coding;

/* Whether the compressed pixels at COPY_AT are those at ORIGINAL_AT (both: behind the header of
 * (7FE0,0010)), image by image: without segments that a copy must not have, each image in one
 * fragment with at most a zero byte behind it, and each in the table of offsets. ORIGINAL is COPY,
 * and so are the places: whether they are those of any copy.  Where samples are wider than the
 * image's they are decoded.  EMR_WITHHELD_NOT: they are; EMR_WITHHELD_HIDDEN_GRAPHICS: but for bits
 * that are not the image's, or those could not be seen; EMR_WITHHELD_COMPRESSION. */
emr_withheld check_pixels(flat_file *original, uint64_t original_at, flat_file *copy,
	uint64_t copy_at, const coding *c);
/* The same of LEN bytes of native ones: all bits that are the image's by S, which is ok, are the
 * original's, and all others are as a copy has them. */
bool check_native(flat_file *original, uint64_t original_at, flat_file *copy, uint64_t copy_at,
	uint32_t len, const copied_samples *s, bool is_big);

struct words; /* words.h */
/* Whether the copy has a word of LEAST characters from FROM to END, as it is and with all zero
 * bytes left out, which is what UTF-16 of plain letters is. */
bool check_found(const struct words *all, size_t least, flat_file *f, uint64_t from, uint64_t end);

/* EMR_WITHHELD_NOT: nothing was found, and pixels are the same.
 * EMR_WITHHELD_FOUND_AGAIN: something was.  EMR_WITHHELD_COMPRESSION: they are not.  Else why it
 * cannot say.  WITH: of emr_private, the private elements that the copy may have; their numbers are
 * no words to look for. */
emr_withheld check_dicom(
	int original_fd, uint64_t original_size, int copy_fd, uint64_t copy_size, unsigned with);
