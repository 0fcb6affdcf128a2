/* This file works out the names that thumbnails of a folder's files have: the MD5 of each file's
 * address. */
#include <fts.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/id.h"
#include "kit/message.h"
#include "traces_private.h"

/* GLib leaves these as they are in a path (g_filename_to_uri); all else becomes %XX. */
static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "!$&'()*+,-./:=@_~";

static emr_status make_uri(const char *folder, const char *about, emr_buf *out)
{
	EMR_AUTO_FREE char *path = NULL;

	if (asprintf(&path, "%s%s%s", folder, about[0] != '\0' ? "/" : "", about) < 0) {
		path = NULL;
		return EMR_NO_MEMORY;
	}
	EMR_TRY(emr_buf_append(out, "file://", 7));
	for (const char *at = path; *at != '\0'; at++) {
		char escaped[4];

		snprintf(escaped, sizeof escaped, "%%%02X", (unsigned char)*at);
		EMR_TRY(strchr(plain, *at) != NULL ? emr_buf_append(out, at, 1)
						   : emr_buf_append(out, escaped, 3));
	}
	return EMR_OK;
}

static emr_status add_name(
	const char *folder, const char *about, const json_t *wanted, json_t *names)
{
	EMR_AUTO_BUF uri = {0};
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t len = 0;
	char name[2 * EVP_MAX_MD_SIZE + 8], shown[8400];

	EMR_TRY(make_uri(folder, about, &uri));
	if (EVP_Q_digest(NULL, "MD5", NULL, uri.data, uri.len, digest, &len) != 1)
		return EMR_UNSUPPORTED;
	emr_hex(digest, len, name);
	memcpy(name + 2 * len, ".png", sizeof ".png");
	if (json_object_get(wanted, name) == NULL)
		return EMR_OK;
	emr_show(about, shown, sizeof shown);
	return json_object_set_new(names, name, json_string(shown)) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* Names everything below START, as if it lay below FOLDER. */
static emr_status walk(const char *start, const char *folder, const json_t *wanted, json_t *names)
{
	EMR_AUTO_FREE char *copy = strdup(start);
	char *starts[] = {copy, NULL};
	FTS *all = copy != NULL ? fts_open(starts, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL)
				: NULL;
	emr_status status = all != NULL ? EMR_OK : EMR_NO_MEMORY;
	size_t len = strlen(start);
	const FTSENT *entry;

	while (status == EMR_OK && (entry = fts_read(all)) != NULL)
		if (entry->fts_level > 0 && entry->fts_info != FTS_DP)
			status = add_name(folder, entry->fts_path + len + 1, wanted, names);
	if (all != NULL)
		fts_close(all);
	return status;
}

emr_status emr_traces_name_files(const char *folder, const json_t *wanted, json_t *out_names)
{
	EMR_AUTO_FREE char *deleted = NULL;

	EMR_TRY(walk(folder, folder, wanted, out_names));
	if (asprintf(&deleted, "%s/.emrfs/deleted", folder) < 0) {
		deleted = NULL;
		return EMR_NO_MEMORY;
	}
	return walk(deleted, folder, wanted, out_names);
}
