/* This file makes the copies that somebody gives to a de-identified dataset. Originals are read
 * through the open folder and copied in memory by the helper that may do nothing else; only what it
 * let through is written, and only into the folder again, where it is encrypted. It refuses to give
 * what others share, and to follow links. */
#include "copies_clean.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "crypto/hashsig.h"
#include "kit/beside.h"
#include "kit/language.h"
#include "kit/text.h"
#include "record/derived.h"

/* A copy lies in memory until it is written: larger files are withheld. */
#define FILE_MAX ((off_t)1 << 30)
#define PIECE_BYTES ((size_t)1 << 20)
#define NAMES_SHOWN 3
#define LEDGER_MS 30000 /* in all, for originals that were just saved */
#define LOOK_MS 50
#define COPY_NAME "STUDY-[a-z2-7]*/SERIES-[a-z2-7]*/[0-9]*-[a-z2-7]*.dcm"

static char *inside(const emr_cleaning *c, const char *path)
{
	char *whole = NULL;

	return asprintf(&whole, "%s%s%s", c->folder, path[0] != '\0' ? "/" : "", path) >= 0 ? whole
											    : NULL;
}

static const char *path_of(const emr_cleaning *c, const char *whole)
{
	const char *rest = whole + strlen(c->folder);

	return rest[0] == '/' ? rest + 1 : rest;
}

/* ---- why not ---- */

static const struct {
	const char *why, *sentence;
} reasons[] = {
	{"not-dicom", N_("no DICOM file")},
	{"damaged", N_("damaged")},
	{"too-complex", N_("more complex than any real file")},
	{"compression", N_("compressed in a way that is not looked into")},
	{"unknown-kind", N_("of a kind that no rule knows")},
	{"screenshot", N_("scanned, or of a screen: a name may stand in the picture")},
	{"photograph", N_("of a kind of picture that a name often stands in")},
	{"burned-in", N_("nothing says that no name stands in the picture")},
	{"document", N_("a document")},
	{"report", N_("a report")},
	{"presentation", N_("graphics and labels on pictures")},
	{"waveform", N_("a waveform")},
	{"treatment", N_("of a treatment: its labels may name somebody")},
	{"directory", N_("a list of other files")},
	{"segment-text", N_("has descriptions in words")},
	{"face", N_("a face can be drawn from it")},
	{"hidden-graphics", N_("something is hidden in its pixels")},
	{"found-again", N_("something of the original stood in the copy still")},
	{"stopped", N_("it broke the program that read it")},
	{"late", N_("reading it took too long")},
	{"no-column", N_("a table without a column that the dataset asks for")},
	{"unreadable", N_("could not be read")},
	{"too-large", N_("larger than 1 GiB")},
	{"no-file", N_("a link, or no file")},
	{"twice", N_("the same picture is there already")},
	{"changed", N_("changed meanwhile")},
	{"pending", N_("not on the ledger yet: join again when it is")},
};
#define REASONS (sizeof reasons / sizeof *reasons)

static emr_status withhold(emr_cleaning *c, const char *whole, const char *why)
{
	json_t *one = json_pack("{s:o, s:s}", "path", emr_json_text(path_of(c, whole)), "why", why);

	return json_array_append_new(c->withheld, one) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- one file ---- */

static void short_of(const char *uid, size_t chars, char *out)
{
	uint8_t hash[32];
	char text[53];

	emr_sha256(uid, strlen(uid), hash);
	emr_base32(hash, sizeof hash, text);
	memcpy(out, text, chars);
	out[chars] = '\0';
}

/* The same file has the same name at every time, because its new UIDs are the same. */
static void name_copy(const emr_deidentified *what, char out[64])
{
	char study[9], series[9], instance[13];

	short_of(what->study_uid, 8, study);
	short_of(what->series_uid, 8, series);
	short_of(what->instance_uid, 12, instance);
	snprintf(out, 64, "STUDY-%s/SERIES-%s/%06u-%s.dcm", study, series,
		(unsigned)what->instance_number, instance);
}

/* ---- which version ---- */

static bool attribute(int fd, const char *name, char *out, size_t size)
{
	ssize_t len = fgetxattr(fd, name, out, size - 1);

	if (len < 0)
		return false;
	out[len] = '\0';
	return true;
}

/* The version that the bytes of FD are; false: they are none (yet). */
static bool version_of(emr_cleaning *c, int fd, emr_id16 *out_record, uint64_t *out_version)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	char state[100], id[40], version[24];

	while (attribute(fd, "user.emrfs.state", state, sizeof state) &&
		strcmp(state, "pending") == 0 && c->waited_ms < LEDGER_MS) {
		nanosleep(&pause, NULL);
		c->waited_ms += LOOK_MS;
	}
	if (strncmp(state, "confirmed", strlen("confirmed")) != 0 ||
		!attribute(fd, "user.emrfs.id", id, sizeof id) ||
		!attribute(fd, "user.emrfs.version", version, sizeof version) ||
		emr_unhex(id, out_record->b, sizeof out_record->b) != EMR_OK)
		return false;
	*out_version = strtoull(version, NULL, 10);
	return *out_version > 0;
}

/* As the attribute of a copy says where it is from. */
#define DERIVED "user.emrfs.derived"
#define DERIVED_CHARS (2 * sizeof(emr_derivation))

typedef struct version {
	emr_id16 record;
	uint64_t number;
} version;

static void derived_text(const emr_cleaning *c, const version *of, char out[DERIVED_CHARS + 1])
{
	emr_derivation from;
	uint8_t key[32];

	emr_derived_opening(&c->secret, of->record, of->number, key);
	emr_derived_source(key, of->record, of->number, from.source);
	emr_wipe(key, sizeof key);
	emr_derived_rules(EMR_DEIDENTIFY_TABLE, c->terms, from.rules);
	emr_hex(from.source, sizeof from.source, out);
	emr_hex(from.rules, sizeof from.rules, out + 2 * sizeof from.source);
}

/* The copy in TO will be signed as what it is.  The time is set by hand: a kernel that collects
 * writes would give it another one after the mark. */
static emr_status mark(const emr_cleaning *c, const version *of, int to)
{
	char text[DERIVED_CHARS + 1];
	struct timespec times[2];

	derived_text(c, of, text);
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[1] = times[0];
	if (futimens(to, times) != 0 || fsetxattr(to, DERIVED, text, DERIVED_CHARS, 0) != 0)
		return emr_status_from_errno(errno);
	return EMR_OK;
}

/* A whole copy of this version by these rules lies there; one of another is written again. */
static bool is_there(
	const emr_cleaning *c, const char *target, const emr_deidentified *what, const version *of)
{
	char wanted[DERIVED_CHARS + 1], said[DERIVED_CHARS + 1] = "";
	struct stat is;

	derived_text(c, of, wanted);
	return lstat(target, &is) == 0 && S_ISREG(is.st_mode) &&
	       (uint64_t)is.st_size == what->size &&
	       lgetxattr(target, DERIVED, said, DERIVED_CHARS) == (ssize_t)DERIVED_CHARS &&
	       strcmp(said, wanted) == 0;
}

/* *OUT_FD: the copy, in memory.  *OUT_WHY: why there is none, or NULL. */
static emr_status clean(emr_cleaning *c, const char *whole, int *out_fd, emr_deidentified *what,
	version *out_version, const char **out_why)
{
	version after;
	EMR_AUTO_FD in = open(whole, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat is;
	emr_status status;

	*out_why = NULL;
	if (in < 0 || fstat(in, &is) != 0 || !S_ISREG(is.st_mode))
		*out_why = "unreadable";
	else if (is.st_size > FILE_MAX)
		*out_why = "too-large";
	else if (!version_of(c, in, &out_version->record, &out_version->number))
		*out_why = "pending";
	if (*out_why != NULL)
		return EMR_OK;
	*out_fd = memfd_create("copy", MFD_CLOEXEC);
	if (*out_fd < 0)
		return EMR_NO_MEMORY;
	status = emr_deidentify_file(c->deidentifier, &c->key, c->pseudonym, in, *out_fd, what);
	if (status == EMR_OK && what->withheld != EMR_WITHHELD_NOT)
		*out_why = emr_withheld_text(what->withheld);
	else if (status == EMR_OK && (!version_of(c, in, &after.record, &after.number) ||
					     after.number != out_version->number))
		*out_why = "changed";
	return status;
}

static emr_status keep(
	emr_cleaning *c, const char *whole, const emr_deidentified *what, const version *of)
{
	EMR_AUTO_FREE char *target = NULL;
	emr_clean_copy copy = {0};

	name_copy(what, copy.to);
	if (json_object_get(c->names, copy.to) != NULL)
		return withhold(c, whole, "twice");
	if (c->n == c->room) {
		size_t room = c->room > 0 ? 2 * c->room : 64;
		emr_clean_copy *grown = realloc(c->copies, room * sizeof *grown);

		if (grown == NULL)
			return EMR_NO_MEMORY;
		c->copies = grown;
		c->room = room;
	}
	if (json_object_set_new(c->names, copy.to, json_true()) != 0 ||
		asprintf(&target, "%s/%s/%s", c->folder, c->to, copy.to) < 0 ||
		(copy.from = strdup(whole)) == NULL)
		return EMR_NO_MEMORY;
	copy.is_there = is_there(c, target, what, of);
	c->copies[c->n++] = copy;
	c->n_new += copy.is_there ? 0 : 1;
	c->changed += what->elements_changed;
	c->removed += what->elements_removed;
	return EMR_OK;
}

static emr_status look_at(emr_cleaning *c, const char *whole)
{
	EMR_AUTO_FD copy = -1;
	emr_deidentified what = {0};
	const char *why = NULL;
	version of;
	emr_status status = clean(c, whole, &copy, &what, &of, &why);

	emr_progress_of(c->out, N_("Looked at"), EMR_PROGRESS_RECORDS, ++c->looked_at, 0);
	if (status != EMR_OK)
		return status;
	return why != NULL ? withhold(c, whole, why) : keep(c, whole, &what, &of);
}

/* ---- all of them ---- */

/* What others share, copies themselves, and what is no record. */
static bool is_never_given(const char *path)
{
	static const char *const tops[] = {"Research", "shared-with-me", "datasets", ".emrfs"};
	size_t len = strcspn(path, "/");

	for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
		if (strlen(tops[i]) == len && strncmp(path, tops[i], len) == 0)
			return true;
	return false;
}

/* Where a link leads may be others' records, and is never gone through. */
static emr_status look_for_links(const emr_cleaning *c, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *whole = inside(c, c->from);
	EMR_AUTO_FREE char *top = realpath(c->folder, NULL), *real = NULL;
	size_t len = top != NULL ? strlen(top) : 0;

	if (whole == NULL)
		return EMR_NO_MEMORY;
	real = realpath(whole, NULL);
	if (real == NULL || top == NULL)
		return emr_status_from_errno(errno);
	if (strncmp(real, top, len) == 0 && strcmp(real + len, whole + strlen(c->folder)) == 0 &&
		!is_never_given(c->from))
		return EMR_OK;
	emr_problem_set(out_problem, EMR_SAY_NEVER_SHARED, "path", c->from, NULL);
	return EMR_DENIED;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static emr_status open_tree(const char *whole, FTS **out)
{
	char *tops[] = {(char *)(uintptr_t)whole, NULL};

	*out = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	return *out != NULL ? EMR_OK : emr_status_from_errno(errno);
}

static emr_status visit(emr_cleaning *c, FTS *tree, FTSENT *one)
{
	const char *path = path_of(c, one->fts_path);

	switch (one->fts_info) {
	case FTS_D:
		if (path[0] != '\0' && is_never_given(path))
			fts_set(tree, one, FTS_SKIP);
		return EMR_OK;
	case FTS_DP:
		return EMR_OK;
	case FTS_F:
		return look_at(c, one->fts_path);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return withhold(c, one->fts_path, "unreadable");
	default:
		return withhold(c, one->fts_path, "no-file");
	}
}

static emr_status look_at_all(emr_cleaning *c)
{
	EMR_AUTO_FREE char *whole = inside(c, c->from);
	FTS *tree = NULL;
	FTSENT *one;
	emr_status status = whole != NULL ? open_tree(whole, &tree) : EMR_NO_MEMORY;

	while (status == EMR_OK && (errno = 0, one = fts_read(tree)) != NULL)
		status = visit(c, tree, one);
	if (status == EMR_OK && errno != 0)
		status = emr_status_from_errno(errno);
	if (tree != NULL)
		fts_close(tree);
	return status;
}

/* Nothing but copies lies in the folder of copies. */
static emr_status look_for_others(const emr_cleaning *c, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *whole = inside(c, c->to);
	FTS *tree = NULL;
	FTSENT *one;
	struct stat is;
	emr_status status = EMR_OK;

	if (whole == NULL)
		return EMR_NO_MEMORY;
	if (lstat(whole, &is) != 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	status = open_tree(whole, &tree);
	while (status == EMR_OK && (errno = 0, one = fts_read(tree)) != NULL) {
		const char *rest = one->fts_path + strlen(whole);

		if (one->fts_info == FTS_D || one->fts_info == FTS_DP ||
			(one->fts_info == FTS_F && rest[0] == '/' &&
				fnmatch(COPY_NAME, rest + 1, FNM_PATHNAME | FNM_PERIOD) == 0))
			continue;
		emr_problem_set(out_problem, EMR_SAY_NOT_COPIES, "path", path_of(c, one->fts_path),
			"what", c->dataset, NULL);
		status = EMR_DENIED;
	}
	if (status == EMR_OK && errno != 0)
		status = emr_status_from_errno(errno);
	if (tree != NULL)
		fts_close(tree);
	return status;
}

static emr_status open_deidentifier(emr_cleaning *c, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *program = emr_beside("deidentify");
	emr_status status = emr_deidentify_key(
		&c->secret, emr_bytes_of(c->pseudonym, strlen(c->pseudonym)), &c->key);

	if (status == EMR_OK && program == NULL) {
		emr_problem_set(out_problem, EMR_SAY_FAILED, "what", c->dataset, "cause",
			_("the program that makes copies is not installed"), NULL);
		return EMR_UNSUPPORTED;
	}
	return status == EMR_OK ? emr_deidentifier_open(program, &c->rules, &c->deidentifier)
				: status;
}

emr_status emr_cleaning_look(emr_cleaning *c, emr_problem *out_problem)
{
	emr_status status;

	c->names = json_object();
	c->withheld = json_array();
	status = c->names != NULL && c->withheld != NULL ? EMR_OK : EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = look_for_links(c, out_problem);
	if (status == EMR_OK)
		status = look_for_others(c, out_problem);
	if (status == EMR_OK)
		status = open_deidentifier(c, out_problem);
	if (status == EMR_OK)
		status = look_at_all(c);
	emr_progress_end(c->out);
	if (status == EMR_NOT_FOUND && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", c->from, NULL);
	return status;
}

/* ---- in words ---- */

static void say_withheld(const emr_cleaning *c, const char *why, const char *sentence)
{
	char names[1000] = "", count[EMR_COUNT_BYTES], one[300];
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(c->withheld); i++) {
		const json_t *file = json_array_get(c->withheld, i);

		if (strcmp(json_string_value(json_object_get(file, "why")), why) != 0 ||
			n++ >= NAMES_SHOWN)
			continue;
		emr_show(json_string_value(json_object_get(file, "path")), one, sizeof one);
		snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s",
			n > 1 ? ", " : "", one);
	}
	if (n == 0)
		return;
	emr_count_text(n, "file is", "files are", count);
	emr_say(c->out, "  %s withheld, %s: %s%s\n", count, _(sentence), names,
		n > NAMES_SHOWN ? ", ..." : "");
}

void emr_cleaning_say(const emr_cleaning *c)
{
	char count[EMR_COUNT_BYTES];

	emr_count_text(c->n, "copy", "copies", count);
	emr_say(c->out,
		"%s for it, under the name %s: %llu elements emptied or changed, %llu "
		"removed.\n",
		count, c->pseudonym, (unsigned long long)c->changed,
		(unsigned long long)c->removed);
	if (c->n_new < c->n) {
		emr_count_text(c->n - c->n_new, "of them lies", "of them lie", count);
		emr_say(c->out, "  %s in %s already.\n", count, c->to);
	}
	for (size_t i = 0; i < REASONS; i++)
		say_withheld(c, reasons[i].why, reasons[i].sentence);
}

/* ---- writing ---- */

/* Each folder of PATH, below the mount.  *MADE counts those that were not there, and starts again
 * at one that was. */
static emr_status make_folders(const char *folder, const char *path, unsigned *made)
{
	EMR_AUTO_FREE char *whole = NULL;
	struct stat is;
	char *at;

	if (asprintf(&whole, "%s/%s", folder, path) < 0)
		return EMR_NO_MEMORY;
	at = whole + strlen(folder) + 1;
	for (bool is_last = false; !is_last;) {
		at += strcspn(at, "/");
		is_last = *at == '\0';
		*at = '\0';
		if (mkdir(whole, 0700) == 0)
			++*made;
		else if (errno == EEXIST && lstat(whole, &is) == 0 && S_ISDIR(is.st_mode))
			*made = 0;
		else
			return emr_status_from_errno(errno);
		if (!is_last)
			*at++ = '/';
	}
	return EMR_OK;
}

static emr_status pour(int from, int to)
{
	EMR_AUTO_FREE uint8_t *piece = malloc(PIECE_BYTES);
	off_t at = 0, size = lseek(from, 0, SEEK_END);
	emr_status status = piece != NULL ? EMR_OK : EMR_NO_MEMORY;

	while (status == EMR_OK && at < size) {
		size_t len = size - at < (off_t)PIECE_BYTES ? (size_t)(size - at) : PIECE_BYTES;

		status = emr_pread_all(from, piece, len, at);
		if (status == EMR_OK)
			status = emr_pwrite_all(to, piece, len, at);
		at += (off_t)len;
	}
	return status;
}

/* What is there of another size was left half by something that stopped. */
static emr_status put(const emr_cleaning *c, const char *name, int copy, const version *of)
{
	EMR_AUTO_FREE char *whole = NULL;
	unsigned unused = 0;
	char folder[64];
	int to;
	emr_status status;

	snprintf(folder, sizeof folder, "%s", name);
	*strrchr(folder, '/') = '\0';
	if (asprintf(&whole, "%s/%s", c->folder, c->to) < 0)
		return EMR_NO_MEMORY;
	status = make_folders(whole, folder, &unused);
	if (status != EMR_OK)
		return status;
	free(whole);
	whole = NULL;
	if (asprintf(&whole, "%s/%s/%s", c->folder, c->to, name) < 0)
		return EMR_NO_MEMORY;
	to = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to < 0)
		return emr_status_from_errno(errno);
	status = pour(copy, to);
	if (status == EMR_OK)
		status = mark(c, of, to);
	if (close(to) != 0 && status == EMR_OK)
		status = emr_status_from_errno(errno);
	return status;
}

static emr_status write_one(emr_cleaning *c, const emr_clean_copy *one)
{
	EMR_AUTO_FD copy = -1;
	emr_deidentified what = {0};
	const char *why = NULL;
	char name[64];
	version of;
	emr_status status = clean(c, one->from, &copy, &what, &of, &why);

	if (status != EMR_OK)
		return status;
	if (why == NULL)
		name_copy(&what, name);
	if (why != NULL || strcmp(name, one->to) != 0) {
		return withhold(c, one->from, "changed");
	}
	status = put(c, name, copy, &of);
	c->n_written += status == EMR_OK ? 1 : 0;
	return status;
}

emr_status emr_cleaning_write(emr_cleaning *c, emr_problem *out_problem)
{
	uint64_t done = 0;
	emr_status status = make_folders(c->folder, c->to, &c->made);

	for (size_t i = 0; i < c->n && status == EMR_OK; i++) {
		if (c->copies[i].is_there)
			continue;
		status = write_one(c, &c->copies[i]);
		emr_progress_of(c->out, N_("Copied"), EMR_PROGRESS_RECORDS, ++done, c->n_new);
	}
	emr_progress_end(c->out);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, c->to);
	return status;
}

bool emr_cleaning_undo(emr_cleaning *c)
{
	EMR_AUTO_FREE char *whole = inside(c, c->to);
	FTS *tree = NULL;
	FTSENT *one;
	bool is_gone = whole != NULL && c->made > 0 && open_tree(whole, &tree) == EMR_OK;

	while (is_gone && (one = fts_read(tree)) != NULL)
		if (one->fts_info == FTS_F)
			is_gone = unlink(one->fts_path) == 0;
		else if (one->fts_info == FTS_DP)
			is_gone = rmdir(one->fts_path) == 0;
	if (tree != NULL)
		fts_close(tree);
	for (unsigned i = 1; is_gone && i < c->made; i++) {
		*strrchr(whole, '/') = '\0';
		is_gone = rmdir(whole) == 0;
	}
	c->made = 0;
	return is_gone;
}

void emr_cleaning_end(emr_cleaning *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->copies[i].from);
	free(c->copies);
	json_decref(c->names);
	json_decref(c->withheld);
	emr_deidentifier_close(c->deidentifier);
	emr_secret_free(&c->key);
}
