/* This file has the two helpers started, gives them one file after the other and waits for their
 * answers. It believes little of those: a helper that dies, is late or says what cannot be
 * leaves no copy, and no helper sees the files of two participants. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "deidentify/deidentify.h"
#include "helper/helper.h"

#include "protocol.h"

#define FILE_MS 120000
#define WORK_MAX 1000 /* of one helper: files, and pieces of 16 MiB */

typedef struct worker {
	emr_helper helper;
	uint64_t work; /* that it was given */
} worker;

struct emr_deidentifier {
	char *program;
	protocol_look look; /* the rules */
	worker writer, checker, scanner;
	emr_secret key; /* whose files the writer sees */
};

/* ---- processes ---- */

static void worker_stop(worker *w)
{
	emr_helper_stop(&w->helper);
	w->work = 0;
}

static emr_status worker_start(worker *w, const char *program, const char *role)
{
	if (w->helper.pid != 0 && w->work < WORK_MAX)
		return EMR_OK;
	worker_stop(w);
	return emr_helper_start(&w->helper, program, role, PROTOCOL_VERSION);
}

/* Reads a helper's answer about one file; the helper is stopped unless the file left it as it was.
 */
static emr_withheld worker_ask(worker *w, uint32_t deadline_ms, const protocol_file *file,
	const int fds[2], protocol_result *out)
{
	int64_t usual_ms = FILE_MS + (int64_t)(file->look.size >> 12);
	int64_t end_ms = emr_helper_end_ms(deadline_ms != 0 ? deadline_ms : usual_ms);
	emr_status status = EMR_IO;
	size_t got = 0;

	w->work += 1 + (file->look.size >> 24);
	if (emr_helper_tell(&w->helper, file, sizeof *file, fds, 2, end_ms))
		status = emr_helper_hear(&w->helper, out, sizeof *out, &got, end_ms);
	if (status == EMR_OK && (got != sizeof *out || out->kind != PROTOCOL_RESULT ||
					out->status >= EMR_STATUS_COUNT ||
					(unsigned)out->what.withheld >= EMR_WITHHELD_COUNT))
		status = EMR_IO;
	if (status == EMR_OK && out->what.withheld != EMR_WITHHELD_NOT_DICOM &&
		out->what.withheld != EMR_WITHHELD_DAMAGED &&
		out->what.withheld != EMR_WITHHELD_TOO_COMPLEX)
		return out->what.withheld;
	worker_stop(w);
	if (status == EMR_OK)
		return out->what.withheld;
	*out = (protocol_result){0};
	return status == EMR_TIMEOUT ? EMR_WITHHELD_LATE : EMR_WITHHELD_STOPPED;
}

/* ---- files ---- */

static emr_status check_fds(int in_fd, int out_fd, uint64_t *out_size)
{
	struct stat in, out;

	if (fstat(in_fd, &in) != 0 || fstat(out_fd, &out) != 0 || !S_ISREG(in.st_mode) ||
		!S_ISREG(out.st_mode) || out.st_size != 0 ||
		(fcntl(in_fd, F_GETFL) & O_ACCMODE) == O_WRONLY ||
		(fcntl(out_fd, F_GETFL) & O_ACCMODE) != O_RDWR)
		return EMR_INVALID;
	*out_size = (uint64_t)in.st_size;
	return EMR_OK;
}

/* Another descriptor of FD's file that cannot write, so that who reads it cannot change it. */
static emr_status open_for_reading(int fd, int *out_fd)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	*out_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *out_fd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

static bool is_made_of(const char *text, size_t size, const char *letters)
{
	size_t len = strnlen(text, size);

	return len > 0 && len < size && strspn(text, letters) == len;
}

/* A helper that a file has taken over may say anything. */
static bool is_plausible(const emr_deidentified *what, int out_fd)
{
	static const char digits[] = "0123456789.";
	struct stat out;

	if (fstat(out_fd, &out) != 0 || (uint64_t)out.st_size != what->size ||
		(unsigned)what->form >= EMR_COPY_FORMS)
		return false;
	if (what->form != EMR_COPY_PICTURE)
		return what->study_uid[0] == '\0' && what->series_uid[0] == '\0' &&
		       what->instance_uid[0] == '\0' && what->modality[0] == '\0';
	return is_made_of(what->study_uid, sizeof what->study_uid, digits) &&
	       is_made_of(what->series_uid, sizeof what->series_uid, digits) &&
	       is_made_of(what->instance_uid, sizeof what->instance_uid, digits) &&
	       is_made_of(what->modality, sizeof what->modality, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* The writer's turn, then the checker's. */
static emr_status write_and_check(
	emr_deidentifier *d, protocol_file *file, const int fds[3], emr_deidentified *out)
{
	protocol_result written = {0}, checked = {0};
	const int check_fds[] = {fds[0], fds[2]};

	out->withheld = worker_ask(&d->writer, d->look.rules.deadline_ms, file, fds, &written);
	emr_wipe(file->key, sizeof file->key);
	if (written.status != EMR_OK)
		return (emr_status)written.status;
	if (out->withheld == EMR_WITHHELD_NOT && !is_plausible(&written.what, fds[1]))
		out->withheld = EMR_WITHHELD_STOPPED;
	if (out->withheld != EMR_WITHHELD_NOT)
		return EMR_OK;
	file->copy_size = written.what.size;
	file->form = written.what.form;
	out->withheld =
		worker_ask(&d->checker, d->look.rules.deadline_ms, file, check_fds, &checked);
	if (out->withheld == EMR_WITHHELD_NOT)
		*out = written.what;
	return EMR_OK;
}

/* One participant's files to one writer. */
static emr_status begin_key(emr_deidentifier *d, const emr_secret *key)
{
	if (d->key.len == key->len && memcmp(d->key.data, key->data, key->len) == 0)
		return EMR_OK;
	worker_stop(&d->writer);
	if (d->key.len == 0)
		EMR_TRY(emr_secret_new(EMR_DEIDENTIFY_KEY_BYTES, &d->key));
	memcpy(d->key.data, key->data, key->len);
	return EMR_OK;
}

emr_status emr_deidentify_file(emr_deidentifier *d, const emr_secret *key, const char *pseudonym,
	int in_fd, int out_fd, emr_deidentified *out)
{
	static const char name_letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const time_t now = time(NULL);
	protocol_file file = {.look = d->look};
	EMR_AUTO_FD in = -1, copy = -1;
	emr_deidentified what = {0};
	emr_status status;
	struct tm day;

	if (key->len != EMR_DEIDENTIFY_KEY_BYTES ||
		!is_made_of(pseudonym, sizeof file.pseudonym, name_letters))
		return EMR_INVALID;
	EMR_TRY(check_fds(in_fd, out_fd, &file.look.size));
	EMR_TRY(open_for_reading(in_fd, &in));
	EMR_TRY(open_for_reading(out_fd, &copy));
	EMR_TRY(begin_key(d, key));
	EMR_TRY(worker_start(&d->writer, d->program, PROTOCOL_WRITE));
	EMR_TRY(worker_start(&d->checker, d->program, PROTOCOL_CHECK));
	file.look.kind = PROTOCOL_FILE;
	file.look.year = gmtime_r(&now, &day) != NULL ? (uint32_t)day.tm_year + 1900 : 0;
	memcpy(file.key, key->data, sizeof file.key);
	strcpy(file.pseudonym, pseudonym);
	status = write_and_check(d, &file, (const int[]){in, out_fd, copy}, &what);
	emr_wipe(file.key, sizeof file.key);
	if ((status != EMR_OK || what.withheld != EMR_WITHHELD_NOT) && ftruncate(out_fd, 0) != 0)
		return EMR_IO;
	if (status == EMR_OK)
		*out = what;
	return status;
}

/* ---- what others share ---- */

#define SCAN_MS 20000

typedef struct scanning {
	worker *w;
	uint64_t size;
	emr_scan_read_fn read;
	void *arg;
	int64_t left_ms;
	emr_status source; /* what READ said last */
} scanning;

static emr_status give_piece(scanning *s, const protocol_want *want)
{
	uint8_t piece[PROTOCOL_PIECE];

	if (want->kind != PROTOCOL_WANT || want->len == 0 || want->len > sizeof piece ||
		want->at > s->size || want->len > s->size - want->at)
		return EMR_INVALID; /* the helper is not what it was */
	s->source = s->read(s->arg, want->at, piece, want->len);
	if (s->source != EMR_OK)
		return s->source;
	return emr_helper_tell(
		       &s->w->helper, piece, want->len, NULL, 0, emr_helper_end_ms(s->left_ms))
		       ? EMR_OK
		       : EMR_INVALID;
}

/* Until it says what it found.  Time that READ takes is not the helper's, and what READ says is no
 * finding, whatever it is. */
static emr_status serve_scan(scanning *s, emr_withheld *out)
{
	union {
		protocol_want want;
		protocol_result result;
	} said;
	size_t len = 0;
	emr_status status = EMR_OK;

	*out = EMR_WITHHELD_STOPPED;
	while (status == EMR_OK) {
		int64_t end_ms = emr_helper_end_ms(s->left_ms);

		status = emr_helper_hear(&s->w->helper, &said, sizeof said, &len, end_ms);
		s->left_ms = end_ms - emr_helper_end_ms(0);
		if (status != EMR_OK || len != sizeof said.want)
			break;
		status = give_piece(s, &said.want);
	}
	if (s->source == EMR_OK && (status == EMR_TIMEOUT || (status == EMR_OK && s->left_ms <= 0)))
		*out = EMR_WITHHELD_LATE;
	else if (s->source == EMR_OK && status == EMR_OK && len == sizeof said.result &&
		 said.result.kind == PROTOCOL_RESULT &&
		 (unsigned)said.result.what.withheld < EMR_WITHHELD_COUNT)
		*out = said.result.what.withheld;
	if (*out == EMR_WITHHELD_STOPPED || *out == EMR_WITHHELD_LATE)
		worker_stop(s->w); /* it may wait for a piece still */
	return s->source;
}

emr_status emr_deidentify_scan(emr_deidentifier *d, uint64_t size, unsigned year,
	emr_scan_read_fn read, void *arg, emr_withheld *out)
{
	protocol_look look = d->look;
	scanning s = {.w = &d->scanner, .size = size, .read = read, .arg = arg};
	bool is_first = false;
	emr_status status = EMR_OK;

	look.kind = PROTOCOL_LOOK;
	look.year = year;
	look.size = size;
	/* The end of a helper that has served before may be the fault of an earlier file, or of
	 * this computer. */
	*out = EMR_WITHHELD_STOPPED;
	while (status == EMR_OK && *out == EMR_WITHHELD_STOPPED && !is_first) {
		status = worker_start(&d->scanner, d->program, PROTOCOL_SCAN);
		is_first = d->scanner.work++ == 0;
		s.left_ms = d->look.rules.deadline_ms != 0 ? d->look.rules.deadline_ms : SCAN_MS;
		if (status == EMR_OK && emr_helper_tell(&d->scanner.helper, &look, sizeof look,
						NULL, 0, emr_helper_end_ms(s.left_ms)))
			status = serve_scan(&s, out);
		else
			worker_stop(&d->scanner);
	}
	return status;
}

emr_status emr_deidentifier_open(
	const char *program, const emr_deidentify_rules *rules, emr_deidentifier **out)
{
	emr_deidentifier *d = calloc(1, sizeof *d);

	if (d == NULL)
		return EMR_NO_MEMORY;
	d->program = strdup(program);
	d->look.rules = *rules;
	d->writer.helper = d->checker.helper = d->scanner.helper = EMR_HELPER_NONE;
	if (d->program == NULL) {
		emr_deidentifier_close(d);
		return EMR_NO_MEMORY;
	}
	*out = d;
	return EMR_OK;
}

void emr_deidentifier_close(emr_deidentifier *d)
{
	if (d == NULL)
		return;
	worker_stop(&d->writer);
	worker_stop(&d->checker);
	worker_stop(&d->scanner);
	emr_secret_free(&d->key);
	free(d->program);
	free(d);
}
