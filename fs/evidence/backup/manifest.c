/* This file reads and writes the list of a backup: which files it has, how long they are, and
 * their hashes. It refuses a list that was changed or cut, and names that would lead out of the
 * backup. */
#include "backup/manifest.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/segment_file.h"

#define FIRST_LINE "emrfs backup 2\n"
#define LINE_MAX_BYTES 400
#define SUM_LINE_BYTES (4 + 64 + 1) /* "sum ", hex, newline */

void emr_backup_manifest_free(emr_backup_manifest *manifest)
{
	free(manifest->files);
	*manifest = (emr_backup_manifest){0};
}

emr_status emr_backup_manifest_add(emr_backup_manifest *manifest, const emr_backup_file *file)
{
	if (manifest->n == manifest->capacity) {
		size_t capacity = manifest->capacity * 2 + 16;
		emr_backup_file *grown = realloc(manifest->files, capacity * sizeof *grown);

		if (grown == NULL)
			return EMR_NO_MEMORY;
		manifest->files = grown;
		manifest->capacity = capacity;
	}
	manifest->files[manifest->n++] = *file;
	return EMR_OK;
}

const emr_backup_file *emr_backup_manifest_find(
	const emr_backup_manifest *manifest, const char *path)
{
	for (size_t i = 0; i < manifest->n; i++) {
		if (strcmp(manifest->files[i].path, path) == 0)
			return &manifest->files[i];
	}
	return NULL;
}

uint64_t emr_backup_manifest_bytes(const emr_backup_manifest *manifest)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < manifest->n; i++)
		bytes += manifest->files[i].bytes;
	return bytes;
}

/* ---- names ---- */

static bool is_hex32(const char *text)
{
	return strspn(text, "0123456789abcdef") >= 32;
}

static bool is_block_file(const char *name, emr_backup_kind *out_kind)
{
	emr_id16 writer;
	uint64_t number;

	*out_kind = EMR_BACKUP_SEGMENT;
	if (emr_segment_file_parse(name, &writer, &number))
		return true;
	*out_kind = EMR_BACKUP_HEAD;
	if (strncmp(name, "journal-", 8) == 0 && is_hex32(name + 8) &&
		strcmp(name + 40, ".head") == 0)
		return true;
	*out_kind = EMR_BACKUP_STORE_FORMAT;
	return strcmp(name, "format") == 0;
}

emr_backup_kind emr_backup_kind_of(const char *path)
{
	static const struct {
		const char *path;
		emr_backup_kind kind;
	} fixed[] = {{"keyfile", EMR_BACKUP_KEYFILE}, {"profile", EMR_BACKUP_PROFILE},
		{"people", EMR_BACKUP_PEOPLE}, {"guardians", EMR_BACKUP_GUARDIANS},
		{EMR_BACKUP_NETWORK_PATH, EMR_BACKUP_NETWORK},
		{EMR_BACKUP_CHANNEL_PATH, EMR_BACKUP_CHANNEL}, {"replica.hw", EMR_BACKUP_MARK},
		{EMR_BACKUP_KEPT_PATH, EMR_BACKUP_SPILL},
		{"ledger/descriptor", EMR_BACKUP_DESCRIPTOR},
		{"ledger/ledger.sqlite", EMR_BACKUP_LEDGER}, {"annex/joined", EMR_BACKUP_ANNEX},
		{"annex/replica.hw", EMR_BACKUP_ANNEX},
		{"annex/ledger/descriptor", EMR_BACKUP_ANNEX},
		{"annex/ledger/ledger.sqlite", EMR_BACKUP_ANNEX}};
	emr_backup_kind kind;

	/* The ledger that was left before lies in the one that was left. */
	while (strncmp(path, "annex/annex/", 12) == 0)
		path += 6;
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
		if (strcmp(path, fixed[i].path) == 0)
			return fixed[i].kind;
	}
	if (strncmp(path, "blocks/", 7) == 0 && is_block_file(path + 7, &kind))
		return kind;
	if (strncmp(path, "spill/", 6) == 0 && is_hex32(path + 6) && path[38] == '\0')
		return EMR_BACKUP_SPILL;
	return EMR_BACKUP_NONE;
}

static bool is_stored_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && name[0] != '.' && strcmp(name, "lock") != 0 &&
	       strcmp(name, "partial") != 0 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

/* ---- writing ---- */

static emr_status append_text(emr_buf *out, const char *text)
{
	return emr_buf_append(out, text, strlen(text));
}

static emr_status append_sum(emr_buf *out)
{
	uint8_t sum[32];
	char line[SUM_LINE_BYTES + 1] = "sum ";

	crypto_hash_sha256(sum, out->data, out->len);
	emr_hex(sum, sizeof sum, line + 4);
	line[SUM_LINE_BYTES - 1] = '\n';
	line[SUM_LINE_BYTES] = '\0';
	return append_text(out, line);
}

emr_status emr_backup_manifest_write(const emr_backup_manifest *manifest, emr_buf *out)
{
	EMR_AUTO_BUF text = {0};
	char line[LINE_MAX_BYTES], hex[65], root[65];
	emr_status status = append_text(&text, FIRST_LINE);

	emr_hex(manifest->net_id.b, sizeof manifest->net_id.b, hex);
	emr_hex(manifest->root, sizeof manifest->root, root);
	snprintf(line, sizeof line,
		"network %s\nmade %" PRIu64 "\nentries %" PRIu64 "\nroot %s\nrecords %" PRIu64 "\n",
		hex, manifest->made_unix_s, manifest->entries, root, manifest->records);
	if (status == EMR_OK)
		status = append_text(&text, line);
	for (size_t i = 0; i < manifest->n && status == EMR_OK; i++) {
		const emr_backup_file *file = &manifest->files[i];

		emr_hex(file->sha256, sizeof file->sha256, hex);
		snprintf(line, sizeof line, "file %" PRIu64 " %s %s %s\n", file->bytes, hex,
			file->stored, file->path);
		status = append_text(&text, line);
	}
	if (status == EMR_OK)
		status = append_sum(&text);
	return status == EMR_OK ? emr_buf_append(out, text.data, text.len) : status;
}

/* ---- reading ---- */

/* The next line of TEXT without its newline; false at the end, or for one that is too long or has a
 * NUL. */
static bool next_line(emr_bytes *text, char out[LINE_MAX_BYTES])
{
	const uint8_t *end = text->len > 0 ? memchr(text->data, '\n', text->len) : NULL;
	size_t len = end != NULL ? (size_t)(end - text->data) : LINE_MAX_BYTES;

	if (len >= LINE_MAX_BYTES || memchr(text->data, '\0', len) != NULL)
		return false;
	memcpy(out, text->data, len);
	out[len] = '\0';
	*text = emr_bytes_of(text->data + len + 1, text->len - len - 1);
	return true;
}

/* "NAME NUMBER", the number as we write it. */
static bool read_number(emr_bytes *text, const char *name, uint64_t *out)
{
	char line[LINE_MAX_BYTES], again[LINE_MAX_BYTES];
	size_t len = strlen(name);

	if (!next_line(text, line) || strncmp(line, name, len) != 0 || line[len] != ' ')
		return false;
	*out = strtoull(line + len + 1, NULL, 10);
	snprintf(again, sizeof again, "%s %" PRIu64, name, *out);
	return strcmp(line, again) == 0;
}

static bool read_file(emr_bytes *text, emr_backup_file *out)
{
	char line[LINE_MAX_BYTES], again[LINE_MAX_BYTES], hex[65], stored[EMR_BACKUP_STORED_BYTES],
		path[EMR_BACKUP_PATH_BYTES];

	if (!next_line(text, line) || sscanf(line, "file %" SCNu64 " %64s %119s %79s", &out->bytes,
					      hex, stored, path) != 4)
		return false;
	snprintf(again, sizeof again, "file %" PRIu64 " %s %s %s", out->bytes, hex, stored, path);
	if (strcmp(line, again) != 0 || emr_unhex(hex, out->sha256, sizeof out->sha256) != EMR_OK)
		return false;
	snprintf(out->stored, sizeof out->stored, "%s", stored);
	snprintf(out->path, sizeof out->path, "%s", path);
	return is_stored_name(out->stored) && emr_backup_kind_of(out->path) != EMR_BACKUP_NONE;
}

/* TEXT without its last line, which must be the sum of the others. */
static emr_status check_sum(emr_bytes *text)
{
	EMR_AUTO_BUF again = {0};
	emr_bytes whole = *text;

	if (text->len < SUM_LINE_BYTES)
		return EMR_DAMAGED;
	text->len -= SUM_LINE_BYTES;
	EMR_TRY(emr_buf_append(&again, text->data, text->len));
	EMR_TRY(append_sum(&again));
	return emr_bytes_equal(emr_buf_view(&again), whole) ? EMR_OK : EMR_DAMAGED;
}

static emr_status check_first_line(emr_bytes *text)
{
	char line[LINE_MAX_BYTES];
	unsigned format;

	if (!next_line(text, line) || sscanf(line, "emrfs backup %9u", &format) != 1)
		return EMR_DAMAGED;
	if (format > 2)
		return emr_newer_format(format, 2);
	return strcmp(line, "emrfs backup 2") == 0 ? EMR_OK : EMR_DAMAGED;
}

static emr_status read_head(emr_bytes *text, emr_backup_manifest *out)
{
	char line[LINE_MAX_BYTES];

	if (!next_line(text, line) || strncmp(line, "network ", 8) != 0 ||
		emr_unhex(line + 8, out->net_id.b, sizeof out->net_id.b) != EMR_OK ||
		!read_number(text, "made", &out->made_unix_s) ||
		!read_number(text, "entries", &out->entries) || !next_line(text, line) ||
		strncmp(line, "root ", 5) != 0 ||
		emr_unhex(line + 5, out->root, sizeof out->root) != EMR_OK ||
		!read_number(text, "records", &out->records))
		return EMR_DAMAGED;
	return EMR_OK;
}

emr_status emr_backup_manifest_read(emr_bytes text, emr_backup_manifest *out_manifest)
{
	EMR_AUTO_MANIFEST made = {0};
	emr_bytes rest = text;

	EMR_TRY(check_sum(&text));
	/* Every format ends with its sum: a number that rotted is none of a newer program. */
	EMR_TRY(check_first_line(&rest));
	rest.len -= SUM_LINE_BYTES;
	EMR_TRY(read_head(&rest, &made));
	while (rest.len > 0) {
		emr_backup_file file = {.bytes = 0};

		EMR_TRY(read_file(&rest, &file) ? emr_backup_manifest_add(&made, &file)
						: EMR_DAMAGED);
	}
	*out_manifest = made;
	made = (emr_backup_manifest){0};
	return EMR_OK;
}
