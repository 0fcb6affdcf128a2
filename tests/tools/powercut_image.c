/* This file holds the bytes of one file in memory, with pages shared between copies, so that
 * thousands of power cuts can be tried. */
#include "powercut_image.h"

#include "tool_kit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t size_max = 1ULL << 40;

struct powercut_page {
	unsigned users;
	unsigned char bytes[PC_PAGE];
};

static void page_drop(struct powercut_page **page)
{
	if (*page != NULL && --(*page)->users == 0)
		free(*page);
	*page = NULL;
}

static void reserve(struct powercut_image *image, size_t count)
{
	if (count <= image->page_count)
		return;
	if (count < image->page_count * 2)
		count = image->page_count * 2;
	image->pages = realloc(image->pages, count * sizeof(*image->pages));
	if (image->pages == NULL)
		emr_kit_die("no memory for a file's pages");
	memset(image->pages + image->page_count, 0,
		(count - image->page_count) * sizeof(*image->pages));
	image->page_count = count;
}

/* The page for changing: our own, whatever it was. */
static unsigned char *own_page(struct powercut_image *image, size_t index)
{
	struct powercut_page *old, *page;

	reserve(image, index + 1);
	old = image->pages[index];
	if (old != NULL && old->users == 1)
		return old->bytes;
	page = emr_kit_alloc(sizeof(*page));
	page->users = 1;
	if (old != NULL) {
		memcpy(page->bytes, old->bytes, PC_PAGE);
		old->users--;
	}
	image->pages[index] = page;
	return page->bytes;
}

static void change(
	struct powercut_image *image, uint64_t offset, const unsigned char *data, uint64_t length)
{
	while (length > 0) {
		size_t index = offset / PC_PAGE, at = offset % PC_PAGE;
		size_t part = PC_PAGE - at < length ? PC_PAGE - at : length;

		if (data == NULL && part == PC_PAGE) {
			if (index < image->page_count)
				page_drop(&image->pages[index]);
		} else if (data == NULL) {
			memset(own_page(image, index) + at, 0, part);
		} else {
			memcpy(own_page(image, index) + at, data, part);
			data += part;
		}
		offset += part;
		length -= part;
	}
}

void powercut_image_write(
	struct powercut_image *image, uint64_t offset, const void *data, uint64_t length)
{
	errno = 0;
	if (offset > size_max || length > size_max)
		emr_kit_die("a file over 1 TiB");
	change(image, offset, data, length);
	if (length > 0 && offset + length > image->size)
		image->size = offset + length;
}

void powercut_image_resize(struct powercut_image *image, uint64_t size)
{
	size_t first = (size + PC_PAGE - 1) / PC_PAGE;

	if (size > size_max)
		emr_kit_die("a file over 1 TiB");
	for (size_t i = first; i < image->page_count; i++)
		page_drop(&image->pages[i]);
	if (size % PC_PAGE != 0 && size / PC_PAGE < image->page_count &&
		image->pages[size / PC_PAGE] != NULL)
		change(image, size, NULL, PC_PAGE - size % PC_PAGE);
	image->size = size;
}

void powercut_image_take(struct powercut_image *to, const struct powercut_image *from,
	uint64_t offset, uint64_t length)
{
	while (length > 0) {
		size_t index = offset / PC_PAGE, at = offset % PC_PAGE;
		size_t part = PC_PAGE - at < length ? PC_PAGE - at : length;
		const struct powercut_page *page =
			index < from->page_count ? from->pages[index] : NULL;

		change(to, offset, page == NULL ? NULL : page->bytes + at, part);
		offset += part;
		length -= part;
	}
}

struct powercut_image powercut_image_copy(const struct powercut_image *image)
{
	struct powercut_image copy = {.size = image->size};

	reserve(&copy, image->page_count);
	for (size_t i = 0; i < image->page_count; i++) {
		copy.pages[i] = image->pages[i];
		if (copy.pages[i] != NULL)
			copy.pages[i]->users++;
	}
	return copy;
}

void powercut_image_free(struct powercut_image *image)
{
	for (size_t i = 0; i < image->page_count; i++)
		page_drop(&image->pages[i]);
	free(image->pages);
	*image = (struct powercut_image){0};
}

void powercut_image_save(const struct powercut_image *image, int fd)
{
	if (ftruncate(fd, (off_t)image->size) != 0)
		emr_kit_die("cannot size a reconstructed file");
	for (size_t i = 0; i < image->page_count && i * PC_PAGE < image->size; i++) {
		uint64_t left = image->size - i * PC_PAGE;
		size_t part = left < PC_PAGE ? left : PC_PAGE;

		if (image->pages[i] != NULL && pwrite(fd, image->pages[i]->bytes, part,
						       (off_t)(i * PC_PAGE)) != (ssize_t)part)
			emr_kit_die("cannot write a reconstructed file");
	}
}
