/* This file keeps letters for their two sides: the reply of the invited, who has no key on the
 * ledger yet, and the answer of the administrator; and applications of organisations. An
 * invitation's id is 128 random bits that nobody else knows; what a letter says is verified by
 * whoever reads it. Letters that nobody took away go after a year. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/hash.h"
#include "served_private.h"

#define ID_CHARS 32
#define APPLICATION "application"
#define KEPT_S ((uint64_t)366 * 86400)

/* "HEX.STEP". */
static bool is_name(const char *name, const char *step)
{
	return strspn(name, "0123456789abcdef") == ID_CHARS && name[ID_CHARS] == '.' &&
	       strcmp(name + ID_CHARS + 1, step) == 0;
}

static bool is_old(const emr_served *served, const char *name)
{
	struct stat st;

	return fstatat(served->mail_dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_mtime + KEPT_S < emr_clock_unix_s(served->clock);
}

typedef emr_status (*name_fn)(const emr_served *served, const char *name, void *arg);

static emr_status each_name(const emr_served *served, name_fn fn, void *arg)
{
	int fd = openat(served->mail_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (listing == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return EMR_IO;
	}
	while (status == EMR_OK && (entry = readdir(listing)) != NULL)
		status = fn(served, entry->d_name, arg);
	(void)closedir(listing);
	return status;
}

static emr_status count_name(const emr_served *served, const char *name, void *arg)
{
	size_t *n = arg;

	if (is_old(served, name) && unlinkat(served->mail_dirfd, name, 0) == 0)
		return EMR_OK;
	return ++*n <= WIRE_LETTERS_MAX ? EMR_OK : EMR_LETTERS_SPENT;
}

/* Its name says its content, so that nobody can put another one in its place. */
static emr_status check_application(const emr_serve_call *call)
{
	emr_bytes body = {call->body.data, call->body.len};
	emr_id32 hash = emr_sha256_of(&body, 1);
	char hex[ID_CHARS + 1];

	emr_hex(hash.b, ID_CHARS / 2, hex);
	return strncmp(call->path, hex, ID_CHARS) == 0 ? EMR_OK : EMR_INVALID;
}

/* The invited and those who apply are strangers; who answers them is a member. */
emr_status served_leave_letter(emr_served *served, emr_serve_call *call)
{
	size_t n = 0;

	if (served->mail_dirfd < 0)
		return EMR_NOT_FOUND;
	if (is_name(call->path, "certificate"))
		EMR_TRY(emr_served_check(served, call));
	else if (is_name(call->path, APPLICATION))
		EMR_TRY(check_application(call));
	else if (!is_name(call->path, "reply"))
		return EMR_NOT_FOUND;
	EMR_TRY(each_name(served, count_name, &n));
	return emr_file_replace(served->mail_dirfd, call->path, emr_buf_view(&call->body), 0600);
}

emr_status served_find_letter(emr_served *served, emr_serve_call *call)
{
	if (served->mail_dirfd < 0)
		return EMR_NOT_FOUND;
	if (is_name(call->path, "reply"))
		EMR_TRY(emr_served_check(served, call));
	else if (!is_name(call->path, "certificate"))
		return EMR_NOT_FOUND;
	return emr_file_read(served->mail_dirfd, call->path, WIRE_LETTER_MAX, &call->out);
}

/* One that is gone meanwhile, or none of ours, is passed over; what has no room waits until others
 * have ended. */
static emr_status put_application(const emr_served *served, const char *name, void *arg)
{
	emr_serve_call *call = arg;
	EMR_AUTO_BUF letter = {0};

	if (!is_name(name, APPLICATION) || call->out.len >= WIRE_PORTION ||
		emr_file_read(served->mail_dirfd, name, WIRE_LETTER_MAX, &letter) != EMR_OK ||
		letter.len == 0)
		return EMR_OK;
	return wire_put_part(emr_buf_view(&letter), &call->out);
}

emr_status served_give_applications(emr_served *served, emr_serve_call *call)
{
	return served->mail_dirfd >= 0 ? each_name(served, put_application, call) : EMR_OK;
}
