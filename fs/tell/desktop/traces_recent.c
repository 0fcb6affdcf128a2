/* This file finds entries of a folder's files in the list of recent files (XBEL, freedesktop.org's
 * desktop bookmarks), and removes them. expat reads the list; a removed entry is cut out of its
 * bytes, so that all the rest stays as the programs wrote it. */
#include <errno.h>
#include <expat.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "traces_private.h"

/* expat 2.9 has other names for them, and warns of these. */
#if XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION < 9
#define XML_GetCurrentByteIndex64 XML_GetCurrentByteIndex
#define XML_GetCurrentByteCount64 XML_GetCurrentByteCount
#endif

#define LIST_MAX (64 << 20)
#define TRIES 5 /* while programs write the list at the same time */

typedef struct entry {
	size_t from, to; /* bytes of the list */
	char *about;	 /* owned */
} entry;

typedef struct list {
	const char *folder;
	XML_Parser parser;
	entry *entries; /* owned */
	size_t n;
	size_t depth; /* of the bookmark that is cut, 0 = in none */
	emr_status status;
} list;

static void list_end(list *l)
{
	if (l->parser != NULL)
		XML_ParserFree(l->parser);
	for (size_t i = 0; i < l->n; i++)
		free(l->entries[i].about);
	free(l->entries);
}

static void stop(list *l, emr_status status)
{
	l->status = status;
	(void)XML_StopParser(l->parser, XML_FALSE);
}

static emr_status add_entry(list *l, const char *href)
{
	entry *grown, found = {.from = (size_t)XML_GetCurrentByteIndex64(l->parser)};

	EMR_TRY(emr_trace_about(href, l->folder, &found.about));
	grown = realloc(l->entries, (l->n + 1) * sizeof *grown);
	if (grown == NULL) {
		free(found.about);
		return EMR_NO_MEMORY;
	}
	l->entries = grown;
	l->entries[l->n++] = found;
	return EMR_OK;
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	list *l = arg;
	emr_status status = EMR_NOT_FOUND;

	if (l->depth > 0) {
		l->depth++;
		return;
	}
	for (size_t i = 0; strcmp(name, "bookmark") == 0 && attributes[i] != NULL; i += 2)
		if (strcmp(attributes[i], "href") == 0)
			status = add_entry(l, attributes[i + 1]);
	if (status == EMR_OK)
		l->depth = 1;
	else if (status != EMR_NOT_FOUND)
		stop(l, status);
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	list *l = arg;

	(void)name;
	if (l->depth > 0 && --l->depth == 0)
		l->entries[l->n - 1].to = (size_t)XML_GetCurrentByteIndex64(l->parser) +
					  (size_t)XML_GetCurrentByteCount64(l->parser);
}

/* Before anything that it declares is read: what an entity stands for has no place of its own in
 * the bytes, and cutting there would take others' entries. */
static void XMLCALL on_document_type(void *arg, const XML_Char *name, const XML_Char *system,
	const XML_Char *public, int has_subset)
{
	(void)name;
	(void)system;
	(void)public;
	(void)has_subset;
	stop(arg, EMR_OK);
}

/* A file that is no XML, or has a document type, which no desktop writes, has no entries. */
static emr_status find_entries(list *l, emr_bytes bytes)
{
	l->parser = XML_ParserCreate(NULL);
	if (l->parser == NULL)
		return EMR_NO_MEMORY;
	XML_SetUserData(l->parser, l);
	XML_SetElementHandler(l->parser, on_start, on_end);
	XML_SetStartDoctypeDeclHandler(l->parser, on_document_type);
	if (XML_Parse(l->parser, (const char *)bytes.data, (int)bytes.len, XML_TRUE) ==
		XML_STATUS_OK)
		return EMR_OK;
	if (XML_GetErrorCode(l->parser) == XML_ERROR_NO_MEMORY)
		l->status = EMR_NO_MEMORY;
	for (size_t i = 0; i < l->n; i++)
		free(l->entries[i].about);
	l->n = 0;
	return l->status;
}

static emr_status without_entries(const list *l, emr_bytes bytes, emr_buf *out)
{
	size_t at = 0;

	for (size_t i = 0; i < l->n; i++) {
		EMR_TRY(emr_buf_append(out, bytes.data + at, l->entries[i].from - at));
		at = l->entries[i].to;
	}
	return emr_buf_append(out, bytes.data + at, bytes.len - at);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* One look.  EMR_BUSY: a program wrote the list meanwhile, and it was left alone.  Programs replace
 * the list without a lock, so one that writes between this comparison and the rename is lost, as
 * between two of them. */
static emr_status look_once(int dirfd, const char *name, list *l, bool remove, bool *out_removed)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF rest = {0};
	struct stat before, now;

	*out_removed = false;
	if (fstatat(dirfd, name, &before, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(before.st_mode))
		return EMR_NOT_FOUND;
	EMR_TRY(emr_file_read(dirfd, name, LIST_MAX, &bytes));
	EMR_TRY(find_entries(l, emr_buf_view(&bytes)));
	if (!remove || l->n == 0)
		return EMR_OK;
	EMR_TRY(without_entries(l, emr_buf_view(&bytes), &rest));
	if (fstatat(dirfd, name, &now, AT_SYMLINK_NOFOLLOW) != 0 || !is_same_file(&before, &now))
		return EMR_BUSY;
	*out_removed =
		emr_file_replace(dirfd, name, emr_buf_view(&rest), before.st_mode & 0777) == EMR_OK;
	return EMR_OK;
}

static emr_status recent_look(
	int dirfd, const char *name, const char *file, const char *folder, bool remove, json_t *out)
{
	emr_status status = EMR_BUSY;

	for (int i = 0; i < TRIES && status == EMR_BUSY; i++) {
		__attribute__((cleanup(list_end))) list l = {.folder = folder, .status = EMR_OK};
		bool removed, is_last = i + 1 == TRIES;

		status = look_once(dirfd, name, &l, remove, &removed);
		if (status != EMR_OK && !(status == EMR_BUSY && is_last))
			continue;
		status = EMR_OK;
		for (size_t at = 0; at < l.n && status == EMR_OK; at++)
			status = emr_trace_add(out, "recent", file, l.entries[at].about, removed);
	}
	return status == EMR_NOT_FOUND || status == EMR_LIMIT ? EMR_OK : status;
}

emr_status emr_traces_of_recent(
	const char *file, const char *folder, bool remove, json_t *out_traces)
{
	/* Some have it elsewhere, with a symbolic link here. */
	EMR_AUTO_FREE char *real = realpath(file, NULL);
	char *slash = real != NULL ? strrchr(real, '/') : NULL;
	EMR_AUTO_FD dirfd = -1;

	if (slash == NULL)
		return errno == ENOMEM ? EMR_NO_MEMORY : EMR_OK;
	*slash = '\0';
	dirfd = open(slash == real ? "/" : real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd >= 0 ? recent_look(dirfd, slash + 1, file, folder, remove, out_traces)
			  : EMR_OK;
}
