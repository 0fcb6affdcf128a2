/* This file verifies what others share, by reading it through the open folder as any program
 * would, and names missing numbers of its authors. It puts nothing right there. */
#include "mount/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "kit/language.h"
#include "kit/text.h"
#include "people/origin.h"
#include "view/received.h"

#define SHARED "shared-with-me/"
#define DATASETS "datasets/"
#define CHUNK ((size_t)1 << 20)

/* PLACE with its slash: it, or what is in it. */
static bool is_in(const char *path, const char *place)
{
	const size_t len = strlen(place) - 1;

	return strncmp(path, place, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

bool emr_is_shared_path(const emr_reach *reach, const emr_request *request)
{
	return reach->client.fd >= 0 && reach->folder != NULL && request->has_path &&
	       (reach->is_study || is_in(request->path, SHARED) || is_in(request->path, DATASETS));
}

/* One who signed what is read, by the key in `signed-number`. */
typedef struct signer {
	char key[65];
	char *by;	 /* owned */
	emr_buf numbers; /* u64, ... */
} signer;

typedef struct reading {
	emr_out *out;
	const emr_reach *reach;
	uint8_t *buffer; /* CHUNK bytes; owned */
	json_t *bad;
	uint64_t checked;
	signer *signers; /* owned */
	size_t n;
} reading;

static void reading_free(reading *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->signers[i].by);
		emr_buf_free(&r->signers[i].numbers);
	}
	free(r->signers);
	free(r->buffer);
	json_decref(r->bad);
}

/* The word of participants.tsv for who gave INSIDE, which is not there to be asked any more. */
static bool read_word(const emr_reach *reach, const char *inside, char word[32])
{
	EMR_AUTO_FREE char *path = NULL;
	char line[100], who[64];
	bool is_found = false;
	FILE *table;

	if (!reach->is_study || asprintf(&path, "%s/participants.tsv", reach->folder) < 0)
		return false;
	table = fopen(path, "re");
	while (table != NULL && !is_found && fgets(line, sizeof line, table) != NULL)
		is_found = sscanf(line, "sub-%63s %*s %31s", who, word) == 2 &&
			   strncmp(inside, who, strlen(who)) == 0;
	if (table != NULL)
		(void)fclose(table);
	return is_found;
}

/* The word of participants.tsv for what is in a dataset: a paper must not mistake who ended the
 * reading. */
static const char *error_of(const emr_reach *reach, int error, const char *path, char word[32])
{
	ssize_t len = lgetxattr(path, "user.emrfs.opens", word, 31);

	word[len > 0 ? len : 0] = '\0';
	if (error == EKEYREVOKED && len <= 0 &&
		read_word(reach, path + strlen(reach->folder) + 1, word))
		return word;
	if (error != EIO && len > 0 && strcmp(word, emr_opens_word(true)) != 0 &&
		strcmp(word, emr_opens_word(false)) != 0)
		return word;
	switch (error) {
	case EIO:
		return "bad-data";
	case EKEYREVOKED:
		return "grant-revoked";
	case EKEYEXPIRED:
		return "grant-expired";
	case ETIMEDOUT:
		return "no-release";
	case EHOSTUNREACH:
		return "offline";
	}
	return "failed";
}

/* The whole file; errno, 0 when every byte was good. */
static int read_all(const reading *r, const char *path)
{
	EMR_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = 1;

	if (fd < 0)
		return errno;
	while (n > 0 || (n < 0 && errno == EINTR))
		n = read(fd, r->buffer, CHUNK);
	return n < 0 ? errno : 0;
}

/* ---- numbers ---- */

static signer *signer_of(reading *r, const char *key, const char *path)
{
	char by[1200] = "";
	ssize_t len;
	signer *more;

	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->signers[i].key, key) == 0)
			return &r->signers[i];
	more = reallocarray(r->signers, r->n + 1, sizeof *more);
	if (more == NULL)
		return NULL;
	r->signers = more;
	len = lgetxattr(path, "user.emrfs.signed-by", by, sizeof by - 1);
	by[len > 0 ? (size_t)len : 0] = '\0';
	more[r->n] = (signer){.by = strdup(by)};
	if (more[r->n].by == NULL)
		return NULL;
	snprintf(more[r->n].key, sizeof more->key, "%.64s", key);
	return &more[r->n++];
}

static emr_status note_number(reading *r, const char *path)
{
	char text[96], *key;
	ssize_t len = lgetxattr(path, "user.emrfs.signed-number", text, sizeof text - 1);
	uint64_t number;
	signer *s;

	if (len <= 0)
		return EMR_OK; /* the owner's own */
	text[len] = '\0';
	number = strtoull(text, &key, 10);
	if (*key != ' ')
		return EMR_OK;
	s = signer_of(r, key + 1, path);
	return s != NULL ? emr_buf_append(&s->numbers, &number, sizeof number) : EMR_NO_MEMORY;
}

/* Numbers are counted over everything of one patient, so nothing follows from those of a part of
 * what she shares. */
static const char *whole_of(const emr_request *request)
{
	const char *owner = request->path + strlen(SHARED);

	return strncmp(request->path, SHARED, strlen(SHARED)) == 0 && owner[0] != '\0' &&
			       strchr(owner, '/') == NULL
		       ? owner
		       : NULL;
}

static emr_status say_gap(reading *r, signer *s, const char *owner, json_t *gaps)
{
	emr_issued issued = {.unread = 0};
	json_t *gap;
	EMR_AUTO_FREE char *text = NULL;

	emr_issued_compare((uint64_t *)(void *)s->numbers.data, s->numbers.len / sizeof(uint64_t),
		&issued.gap);
	if (issued.gap.missing == 0)
		return EMR_OK;
	snprintf(issued.by, sizeof issued.by, "%s", s->by);
	gap = emr_gap_json(&issued);
	if (gap == NULL || json_object_set_new(gap, "key", json_string(s->key)) != 0 ||
		json_array_append_new(gaps, gap) != 0)
		return EMR_NO_MEMORY;
	text = emr_gap_text(gap, owner);
	if (text != NULL)
		emr_say(r->out, "%s", text);
	return EMR_OK;
}

static emr_status say_gaps(reading *r, const char *owner)
{
	json_t *gaps = json_array();
	emr_status status = gaps != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (size_t i = 0; i < r->n && status == EMR_OK; i++)
		status = say_gap(r, &r->signers[i], owner, gaps);
	if (status == EMR_OK && json_array_size(gaps) > 0)
		emr_say(r->out, EMR_GAP_MEANS);
	if (status == EMR_OK)
		emr_out_put(r->out, "gaps", gaps);
	else
		json_decref(gaps);
	return status;
}

/* ---- files ---- */

static emr_status note_bad(reading *r, const char *path, int error)
{
	const char *inside = path + strlen(r->reach->folder) + 1;
	char shown[4200], word[32];
	const char *why = error_of(r->reach, error, path, word);
	json_t *one;

	emr_show(inside, shown, sizeof shown);
	emr_say(r->out, "  %-14s %s\n", why, shown);
	one = json_pack("{s:o, s:s}", "path", emr_json_text(inside), "error", why);
	return one != NULL && json_array_append_new(r->bad, one) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status check_file(reading *r, const char *path)
{
	int error = read_all(r, path);

	r->checked++;
	return error == 0 ? note_number(r, path) : note_bad(r, path, error);
}

static int take_none(const struct dirent *entry)
{
	(void)entry;
	return 0;
}

/* A folder that cannot be listed is not empty, as fts(3) takes it to be. */
static emr_status check_listing(reading *r, const char *path)
{
	struct dirent **none = NULL;
	const int error = scandir(path, &none, take_none, NULL) < 0 ? errno : 0;

	free((void *)none);
	r->checked += error != 0;
	return error == 0 ? EMR_OK : note_bad(r, path, error);
}

/* The files in which a dataset's folder says what it is are nobody's records. */
static bool is_about_it(const reading *r, const FTSENT *entry)
{
	return r->reach->is_study && entry->fts_level == 1 &&
	       entry->fts_pathlen == strlen(r->reach->folder) + 1 + entry->fts_namelen;
}

static emr_status check_tree(reading *r, char *top)
{
	char *const tops[] = {top, NULL};
	FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	emr_status status = EMR_OK;
	FTSENT *entry;

	if (tree == NULL)
		return emr_status_from_errno(errno);
	while (status == EMR_OK && (entry = fts_read(tree)) != NULL) {
		if (entry->fts_info == FTS_F && !is_about_it(r, entry))
			status = check_file(r, entry->fts_path);
		else if (entry->fts_info == FTS_D)
			status = check_listing(r, entry->fts_path);
		else if (entry->fts_info == FTS_NS && entry->fts_errno != ENOENT) {
			r->checked++;
			status = note_bad(r, entry->fts_path, entry->fts_errno);
		} else if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
			status = emr_status_from_errno(entry->fts_errno);
	}
	(void)fts_close(tree);
	return status;
}

/* The findings of the mount about the one file. */
static void put_origin(emr_reach *reach, const emr_request *request, emr_out *out)
{
	static const char *const names[][2] = {
		{"signature", "signer"}, {"signed_at", "time"}, {"tx", "tx"}, {"signed", "signed"}};
	emr_request about = {.ask = EMR_ASK_STATUS, .has_path = true};
	emr_problem ignored = {0};
	json_t *report = NULL;
	EMR_AUTO_FREE char *text = NULL;

	memcpy(about.path, request->path, sizeof about.path);
	if (emr_client_ask(&reach->client, &about, EMR_CLIENT_REPORT_MS, &report, &ignored) !=
		EMR_OK)
		return;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_object_get(report, names[i][0]) != NULL)
			emr_out_put(out, names[i][1],
				json_incref(json_object_get(report, names[i][0])));
	if (json_object_get(report, "signed") != NULL)
		text = emr_origin_text(json_object_get(report, "signed"));
	if (text != NULL)
		emr_say(out, "%s", text);
	json_decref(report);
}

static emr_status conclude(
	reading *r, emr_reach *reach, const emr_request *request, emr_problem *out_problem)
{
	char n[EMR_TEXT_BYTES], m[EMR_TEXT_BYTES];

	emr_out_number(r->out, "checked", r->checked);
	emr_out_put(r->out, "bad", json_incref(r->bad));
	emr_number_text(json_array_size(r->bad), n);
	emr_number_text(r->checked, m);
	if (json_array_size(r->bad) > 0)
		return EMR_PROBLEM(
			EMR_DAMAGED, out_problem, EMR_SAY_VERIFY_BAD, "n", n, "m", m, NULL);
	emr_say(r->out,
		emr_text_of(
			r->checked, "%s check, nothing wrong.\n", "%s checks, nothing wrong.\n"),
		m);
	put_origin(reach, request, r->out);
	return EMR_OK;
}

emr_status emr_verify_shared(
	emr_reach *reach, const emr_request *request, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(reading_free)))
	reading r = {.out = out, .reach = reach, .buffer = malloc(CHUNK), .bad = json_array()};
	EMR_AUTO_FREE char *path = NULL;
	emr_status status;

	if (r.buffer == NULL || asprintf(&path, "%s/%s", reach->folder, request->path) < 0)
		return EMR_NO_MEMORY;
	status = check_tree(&r, path);
	if (status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", request->path, NULL);
	else if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, request->path);
	if (status == EMR_OK && whole_of(request) != NULL)
		status = say_gaps(&r, whole_of(request));
	return status == EMR_OK ? conclude(&r, reach, request, out_problem) : status;
}
