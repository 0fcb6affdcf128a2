/* This file finds thumbnails of a folder's files (freedesktop.org's thumbnail rules), and
 * removes them: PNG files in directories by size, and in fail/PROGRAM for what could not be
 * shown, which names the file all the same. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "traces_private.h"

#define SIGNATURE_BYTES 8
#define NAME_DIGITS 32
#define CHUNK_MAX (1 << 20) /* of text: a thumbnail has some hundred bytes */

/* libpng's own messages are for programmers. */
static void on_error(png_structp png, png_const_charp message)
{
	(void)message;
	png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
	(void)png;
	(void)message;
}

static char *uri_in(png_structp png, png_infop info)
{
	png_textp texts = NULL;
	int n = 0;

	(void)png_get_text(png, info, &texts, &n);
	for (int i = 0; i < n; i++)
		if (strcmp(texts[i].key, "Thumb::URI") == 0 && texts[i].text != NULL)
			return strdup(texts[i].text);
	return NULL;
}

typedef struct reading {
	FILE *file;
	png_structp png;
	png_infop info;
	char *uri; /* found; owned */
} reading;

static void reading_end(reading *r)
{
	if (r->png != NULL)
		png_destroy_read_struct(&r->png, &r->info, NULL);
	if (r->file != NULL)
		fclose(r->file);
	free(r->uri);
}

/* Every fault that libpng finds ends in here; everything that lives longer is in R. The texts of a
 * thumbnail stand in front of its pixels, where all who make them put them, and only that much is
 * read. */
static void read_uri(reading *r)
{
	if (setjmp(png_jmpbuf(r->png)) != 0)
		return;
	png_set_chunk_malloc_max(r->png, CHUNK_MAX);
	png_init_io(r->png, r->file);
	png_read_info(r->png, r->info);
	r->uri = uri_in(r->png, r->info);
}

/* The file's Thumb::URI in R, NULL when it has none or is no PNG. */
static emr_status look_into(const char *path, reading *r)
{
	unsigned char head[SIGNATURE_BYTES];
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	r->file = fd >= 0 ? fdopen(fd, "rb") : NULL;
	if (r->file == NULL && fd >= 0)
		close(fd);
	if (r->file == NULL || fread(head, 1, sizeof head, r->file) != sizeof head ||
		png_sig_cmp(head, 0, sizeof head) != 0)
		return EMR_OK;
	rewind(r->file);
	r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
	r->info = r->png != NULL ? png_create_info_struct(r->png) : NULL;
	if (r->info == NULL)
		return EMR_NO_MEMORY;
	read_uri(r);
	return EMR_OK;
}

/* Whether NAME is that of a thumbnail: 32 hexadecimal digits and .png. */
static bool trace_is_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == NAME_DIGITS &&
	       strcmp(name + NAME_DIGITS, ".png") == 0;
}

typedef struct looking {
	const char *folder;
	const json_t *names;
	bool remove;
	json_t *nameless; /* borrowed */
	json_t *traces;	  /* borrowed */
} looking;

typedef emr_status (*look_fn)(looking *l, const FTSENT *file);

/* By its address, or without one by its name. */
static emr_status find_about(const looking *l, const char *uri, const char *name, char **out_about)
{
	const char *known;

	if (uri != NULL)
		return emr_trace_about(uri, l->folder, out_about);
	known = trace_is_name(name) ? json_string_value(json_object_get(l->names, name)) : NULL;
	if (known == NULL)
		return EMR_NOT_FOUND;
	*out_about = strdup(known);
	return *out_about != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status look_at(looking *l, const FTSENT *file)
{
	__attribute__((cleanup(reading_end))) reading r = {.file = NULL};
	EMR_AUTO_FREE char *about = NULL;
	const char *path = file->fts_accpath;
	emr_status status = look_into(path, &r);
	bool removed;

	if (status == EMR_OK)
		status = find_about(l, r.uri, file->fts_name, &about);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	removed = l->remove && (unlink(path) == 0 || errno == ENOENT);
	return emr_trace_add(l->traces, "thumbnail", path, about, removed);
}

static emr_status look_for_nameless(looking *l, const FTSENT *file)
{
	__attribute__((cleanup(reading_end))) reading r = {.file = NULL};

	if (!trace_is_name(file->fts_name))
		return EMR_OK;
	EMR_TRY(look_into(file->fts_accpath, &r));
	if (r.uri == NULL && json_object_set_new(l->nameless, file->fts_name, json_null()) != 0)
		return EMR_NO_MEMORY;
	return EMR_OK;
}

/* A directory or file that cannot be looked at; one that is gone holds nothing. */
static emr_status unreadable(const FTSENT *entry)
{
	bool is_error = entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
			entry->fts_info == FTS_NS;

	if (!is_error || entry->fts_errno == ENOENT || entry->fts_errno == ENOTDIR)
		return EMR_OK;
	return emr_status_from_errno(entry->fts_errno);
}

/* Through all of it, whatever cannot be read: the first of that is the result.  The directory
 * itself may be a symbolic link to where the thumbnails are. */
static emr_status walk(const char *directory, look_fn look, looking *l)
{
	EMR_AUTO_FREE char *start = strdup(directory);
	char *starts[] = {start, NULL};
	FTS *all = start != NULL
			   ? fts_open(starts, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR | FTS_XDEV,
				     NULL)
			   : NULL;
	emr_status status = all != NULL ? EMR_OK : EMR_NO_MEMORY, passed_over = EMR_OK;
	const FTSENT *entry = NULL;

	while (status == EMR_OK && (entry = fts_read(all)) != NULL) {
		if (entry->fts_info == FTS_F)
			status = look(l, entry);
		if (passed_over == EMR_OK)
			passed_over = unreadable(entry);
	}
	if (status == EMR_OK && errno != 0) /* the end of the walk is told as 0 */
		status = emr_status_from_errno(errno);
	if (all != NULL)
		fts_close(all);
	return status == EMR_OK ? passed_over : status;
}

emr_status emr_traces_nameless(const char *directory, json_t *out_names)
{
	looking l = {.nameless = out_names};

	return walk(directory, look_for_nameless, &l);
}

emr_status emr_traces_of_thumbnails(const char *directory, const char *folder, const json_t *names,
	bool remove, json_t *out_traces)
{
	looking l = {.folder = folder, .names = names, .remove = remove, .traces = out_traces};

	return walk(directory, look_at, &l);
}
