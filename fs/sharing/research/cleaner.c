/* This file reads an original, has a de-identified copy of it made, and saves the copy, which is
 * signed as one when it is published. It never gives an original. */
#include "cleaner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/hashsig.h"
#include "fetch/fetch.h"
#include "kit/beside.h"
#include "record/derived.h"
#include "session/fetching.h"
#include "view/leaving.h"
#include "view/names.h"

/* Original and copy lie in memory until the copy is written: larger files are withheld. */
#define FILE_MAX_BYTES ((uint64_t)1 << 30)
#define PIECE_BYTES ((size_t)1 << 20)
#define BLOCKS_MAX 100000 /* of one file that are brought one after the other */
#define DAY_S 86400
#define DERIVED "user.emrfs.derived"
#define DERIVED_CHARS (2 * (sizeof(emr_derivation) + 32))

/* ---- what it is made with ---- */

emr_status cleaner_find(emr_session *session, const emr_team *dataset, cleaner *out)
{
	*out = (cleaner){.session = session,
		.terms_id = dataset->terms_id,
		.dataset_id = emr_copies_dataset_id(dataset)};
	return emr_copies_of(session, dataset, &out->copies);
}

emr_status cleaner_open(emr_session *session, const emr_team *dataset, cleaner *out)
{
	emr_deidentify_rules by;
	EMR_AUTO_FREE char *program = emr_beside("deidentify");
	AUTO_CLEANER c = {0};

	if (program == NULL)
		return EMR_UNSUPPORTED;
	EMR_TRY(cleaner_find(session, dataset, &c));
	EMR_TRY(emr_deidentify_key(&c.copies.secret,
		emr_bytes_of(c.copies.pseudonym, strlen(c.copies.pseudonym)), &c.key));
	by = emr_copies_rules_of(&dataset->terms);
	EMR_TRY(emr_deidentifier_open(program, &by, &c.deidentifier));
	*out = c;
	c = (cleaner){0};
	return EMR_OK;
}

void cleaner_close(cleaner *c)
{
	emr_deidentifier_close(c->deidentifier);
	emr_secret_free(&c->key);
	emr_secret_free(&c->copies.secret);
	*c = (cleaner){0};
}

/* ---- where it is from ---- */

emr_status cleaner_version(const cleaner *c, uint64_t node, version *out)
{
	emr_record_facts facts;

	EMR_TRY(emr_view_record(c->session->view, node, &facts));
	*out = (version){.object = facts.object, .number = facts.cver};
	return facts.is_confirmed && facts.cver > 0 && !facts.is_local ? EMR_OK : EMR_BUSY;
}

void cleaner_source(const cleaner *c, const version *v, uint8_t out[32])
{
	uint8_t key[32];

	emr_derived_opening(&c->copies.secret, v->object, v->number, key);
	emr_derived_source(key, v->object, v->number, out);
	emr_wipe(key, sizeof key);
}

void cleaner_rules(const cleaner *c, uint8_t out[32])
{
	emr_derived_rules(EMR_DEIDENTIFY_TABLE, c->terms_id, out);
}

/* ---- making one ---- */

static void short_of(const char *uid, size_t chars, char *out)
{
	uint8_t hash[32];
	char text[53];

	emr_sha256(uid, strlen(uid), hash);
	emr_base32(hash, sizeof hash, text);
	memcpy(out, text, chars);
	out[chars] = '\0';
}

/* The same picture has the same name at every time, because its new UIDs are the same. */
static void name_picture(const emr_deidentified *what, char out[COPY_NAME_BYTES])
{
	char study[9], series[9], instance[13];

	short_of(what->study_uid, 8, study);
	short_of(what->series_uid, 8, series);
	short_of(what->instance_uid, 12, instance);
	snprintf(out, COPY_NAME_BYTES, "STUDY-%s/SERIES-%s/%06u-%s.dcm", study, series,
		(unsigned)what->instance_number, instance);
}

/* All else says nothing of itself: the copy is called after the record, of which no version is 0.
 */
static void name_other(const cleaner *c, emr_id16 object, emr_copy_form form, char *out)
{
	/* As emr_copy_form has them. */
	static const char *const ends[EMR_COPY_FORMS] = {
		"dcm", "nii", "edf", "bdf", "vcf", "vcf.gz", "bam", "cram", "nii.gz"};
	const version none = {.object = object};
	uint8_t source[32];
	char text[53];

	cleaner_source(c, &none, source);
	emr_base32(source, sizeof source, text);
	snprintf(out, COPY_NAME_BYTES, COPY_FILES "/FILE-%.12s.%s", text, ends[form]);
}

/* Bytes that are elsewhere are waited for; EMR_BUSY: they do not come now. */
static emr_status read_piece(
	const cleaner *c, emr_handle *handle, uint64_t at, uint8_t *piece, size_t *out_len)
{
	struct emr_fetcher *fetcher = emr_session_fetcher(c->session);
	emr_fetch_count count = {0};
	emr_status status = EMR_BUSY;
	emr_cid missed;

	for (int i = 0; i < BLOCKS_MAX && status == EMR_BUSY; i++) {
		emr_fetcher_begin(fetcher);
		status = emr_view_read(handle, at, piece, PIECE_BYTES, out_len);
		if (status == EMR_BUSY &&
			(!emr_fetcher_missed(fetcher, &missed) ||
				emr_fetcher_await(fetcher, &missed, false, &count) != EMR_OK))
			break;
	}
	return status;
}

static emr_status read_original(
	const cleaner *c, uint64_t node, int fd, uint8_t *piece, const char **out_why)
{
	emr_handle *handle = NULL;
	uint64_t at = 0;
	size_t len = PIECE_BYTES;
	emr_attr attr;
	emr_status status = emr_view_attr(c->session->view, node, &attr);

	if (status == EMR_OK && attr.size_bytes > FILE_MAX_BYTES) {
		*out_why = "too-large"; /* not a byte of it lies in memory */
		return EMR_OK;
	}
	if (status == EMR_OK)
		status = emr_view_open_file(c->session->view, node, O_RDONLY, &handle);
	while (status == EMR_OK && len == PIECE_BYTES && at <= FILE_MAX_BYTES) {
		status = read_piece(c, handle, at, piece, &len);
		if (status == EMR_OK)
			status = emr_pwrite_all(fd, piece, len, (off_t)at);
		at += status == EMR_OK ? len : 0;
	}
	if (handle != NULL)
		emr_view_release(handle);
	if (status == EMR_OK && at > FILE_MAX_BYTES)
		*out_why = "too-large";
	if (status == EMR_DAMAGED || status == EMR_MISSING_DATA || status == EMR_DENIED)
		*out_why = "unreadable";
	return *out_why != NULL ? EMR_OK : status;
}

emr_status cleaner_make(cleaner *c, uint64_t node, const version *v, int *out_fd,
	emr_deidentified *what, char name[COPY_NAME_BYTES], const char **out_why)
{
	EMR_AUTO_FREE uint8_t *piece = malloc(PIECE_BYTES);
	EMR_AUTO_FD in = memfd_create("original", MFD_CLOEXEC);
	EMR_AUTO_FD copy = memfd_create("copy", MFD_CLOEXEC);
	version after;

	*out_why = NULL;
	EMR_TRY(piece != NULL && in >= 0 && copy >= 0 ? read_original(c, node, in, piece, out_why)
						      : EMR_NO_MEMORY);
	if (*out_why != NULL)
		return EMR_OK;
	if (cleaner_version(c, node, &after) != EMR_OK || after.number != v->number ||
		!emr_id16_equal(after.object, v->object)) {
		*out_why = "changed";
		return EMR_OK;
	}
	EMR_TRY(emr_deidentify_file(c->deidentifier, &c->key, c->copies.pseudonym, in, copy, what));
	if (what->withheld != EMR_WITHHELD_NOT)
		*out_why = emr_withheld_text(what->withheld);
	if (*out_why != NULL)
		return EMR_OK;
	if (what->form != EMR_COPY_PICTURE)
		name_other(c, v->object, what->form, name);
	else
		name_picture(what, name);
	*out_fd = copy;
	copy = -1;
	return EMR_OK;
}

/* ---- saving it ---- */

/* Each folder of PATH, from the top.  *MADE counts those that were not there, and starts again at
 * one that was. */
static emr_status make_folders(emr_view *view, const char *path, unsigned *made, uint64_t *out_node)
{
	emr_attr at, next;
	char name[EMR_NAME_MAX + 1];
	emr_status status = emr_view_find(view, "", &at);

	while (status == EMR_OK && *path != '\0') {
		size_t len = strcspn(path, "/");

		if (len == 0 || len >= sizeof name)
			return EMR_INVALID;
		memcpy(name, path, len);
		name[len] = '\0';
		path += len + (path[len] == '/');
		status = emr_view_lookup(view, at.node, name, &next);
		if (status == EMR_OK) {
			*made = 0;
			status = next.type == EMR_META_DIR ? EMR_OK : EMR_NOT_DIRECTORY;
			emr_view_forget(view, next.node, 1);
		} else if (status == EMR_NOT_FOUND) {
			status = emr_view_mkdir(view, at.node, name, 0700, &next);
			*made += status == EMR_OK ? 1 : 0;
			if (status == EMR_OK) {
				emr_view_forget(view, next.node, 1);
				emr_view_tell_entry(view, at.node, name);
			}
		}
		at = next;
	}
	*out_node = at.node;
	return status;
}

static emr_status pour(emr_handle *to, int from, uint8_t out_sum[32])
{
	EMR_AUTO_FREE uint8_t *piece = malloc(PIECE_BYTES);
	off_t at = 0, size = lseek(from, 0, SEEK_END);
	emr_sha256_ctx sum;

	if (piece == NULL)
		return EMR_NO_MEMORY;
	emr_sha256_init(&sum);
	for (size_t len; at < size; at += (off_t)len) {
		len = size - at < (off_t)PIECE_BYTES ? (size_t)(size - at) : PIECE_BYTES;
		EMR_TRY(emr_pread_all(from, piece, len, at));
		EMR_TRY(emr_view_write(to, (uint64_t)at, emr_bytes_of(piece, len)));
		emr_sha256_update(&sum, piece, len);
	}
	emr_sha256_final(&sum, out_sum);
	return EMR_OK;
}

/* The copy will be signed as what it is.  Its readers get its time with it, and find the entries of
 * a day with that, but not one of them. */
static emr_status mark(const cleaner *c, const version *v, uint64_t node, const uint8_t sum[32])
{
	const uint64_t now_s = emr_clock_unix_s(emr_clock_system());
	emr_attr wanted = {.mtime_ns = (int64_t)(now_s - now_s % DAY_S) * 1000000000}, attr;
	emr_derivation from;
	char text[DERIVED_CHARS + 1];

	EMR_TRY(emr_view_set_attr(c->session->view, node, EMR_SET_MTIME, &wanted, &attr));
	cleaner_source(c, v, from.source);
	cleaner_rules(c, from.rules);
	emr_hex(from.source, sizeof from.source, text);
	emr_hex(from.rules, sizeof from.rules, text + 2 * sizeof from.source);
	emr_hex(sum, 32, text + 2 * sizeof from);
	return emr_view_set_attribute(
		c->session->view, node, DERIVED, emr_bytes_of(text, DERIVED_CHARS), 0);
}

static emr_status write_half(
	const cleaner *c, uint64_t parent, const char *half, int fd, const version *v)
{
	emr_view *view = c->session->view;
	emr_handle *handle = NULL;
	uint8_t sum[32];
	emr_attr attr;
	emr_status status = emr_view_unlink(view, parent, half); /* of somebody who was killed */

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(emr_view_create(view, parent, half, 0600, O_WRONLY | O_EXCL, &attr, &handle));
	status = pour(handle, fd, sum);
	if (status == EMR_OK)
		status = mark(c, v, attr.node, sum);
	if (status == EMR_OK)
		status = emr_view_flush(handle);
	emr_view_release(handle);
	emr_view_forget(view, attr.node, 1);
	return status;
}

emr_status cleaner_put(cleaner *c, int fd, const char *name, const version *v, unsigned *out_made)
{
	emr_view *view = c->session->view;
	const char *last = strrchr(name, '/') + 1;
	char folder[sizeof c->copies.path + COPY_NAME_BYTES], half[COPY_NAME_BYTES + 8];
	unsigned made = 0, below = 0;
	uint64_t parent;
	emr_status status = make_folders(view, c->copies.path, &made, &parent);

	if (out_made != NULL && made > *out_made)
		*out_made = made;
	snprintf(folder, sizeof folder, "%s/%.*s", c->copies.path, (int)(last - 1 - name), name);
	snprintf(half, sizeof half, "%s" COPY_HALF, last);
	if (status == EMR_OK)
		status = make_folders(view, folder, &below, &parent);
	if (status == EMR_OK)
		status = write_half(c, parent, half, fd, v);
	if (status == EMR_OK)
		status = emr_view_rename(view, parent, half, parent, last, 0);
	if (status != EMR_OK && emr_view_unlink(view, parent, half) == EMR_OK)
		emr_log(EMR_LOG_INFO, "copies: what was half written is gone");
	emr_view_tell_entry(view, parent, last);
	emr_view_tell_entry(view, parent, half);
	return status;
}

emr_status cleaner_remove(cleaner *c, const char *name, bool *out_was)
{
	emr_view *view = c->session->view;
	char path[sizeof c->copies.path + COPY_NAME_BYTES + 8];
	size_t top = strlen(c->copies.path);
	emr_status status = EMR_OK;

	snprintf(path, sizeof path, "%s/%s", c->copies.path, name);
	for (bool is_file = true; status == EMR_OK && strlen(path) > top; is_file = false) {
		char *slash = strrchr(path, '/');
		emr_attr parent;

		*slash = '\0';
		status = emr_view_find(view, path, &parent);
		if (status == EMR_OK)
			status = is_file ? emr_view_unlink_first(view, parent.node, slash + 1)
					 : emr_view_rmdir(view, parent.node, slash + 1);
		*out_was = *out_was || (is_file && status == EMR_OK);
		if (status == EMR_OK)
			emr_view_tell_entry(view, parent.node, slash + 1);
	}
	return status == EMR_NOT_EMPTY || status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status cleaner_erase(cleaner *c, const char *name, bool *out_was)
{
	char path[sizeof c->copies.path + COPY_NAME_BYTES + 8];
	const emr_erase what = {.path = path};
	emr_erased erased = {0};
	emr_status status;

	snprintf(path, sizeof path, "%s/%s", c->copies.path, name);
	status = emr_view_erase(c->session->view, &what, &erased);
	*out_was = *out_was || status == EMR_OK;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status cleaner_rmdir(cleaner *c, uint64_t parent, const char *name)
{
	EMR_TRY(emr_view_rmdir(c->session->view, parent, name));
	emr_view_tell_entry(c->session->view, parent, name);
	return EMR_OK;
}
