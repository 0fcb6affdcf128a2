/*
 * The bytes of one file in memory, as pages shared between copies until one of them is changed.
 * It refuses sizes over 1 TiB; running out of memory ends the program.
 *
 * Not thread-safe: the replay works in processes, each with images of its own.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PC_PAGE = 4096 };

struct powercut_page;

struct powercut_image {
	uint64_t size;
	struct powercut_page **pages; /* NULL: zeros */
	size_t page_count;
};

/* DATA NULL writes zeros.  Writing behind the end grows the file. */
void powercut_image_write(
	struct powercut_image *image, uint64_t offset, const void *data, uint64_t length);

/* Bytes behind a smaller size are gone; a larger size shows zeros. */
void powercut_image_resize(struct powercut_image *image, uint64_t size);

/* Makes [offset, offset + length) of TO what it is in FROM; the size of TO does not change. */
void powercut_image_take(struct powercut_image *to, const struct powercut_image *from,
	uint64_t offset, uint64_t length);

/* A second image of the same bytes, cheap until one is changed. */
struct powercut_image powercut_image_copy(const struct powercut_image *image);
void powercut_image_free(struct powercut_image *image);

/* Writes the image to the new file FD, leaving pages of zeros as holes. */
void powercut_image_save(const struct powercut_image *image, int fd);
