/* This file keeps letters of invitations for their two sides: the reply of the invited, who has no
 * key on the ledger yet, and the answer of the administrator, who finds and leaves them as files.
 * An invitation's id is 128 random bits that nobody else knows; what a letter says is verified by
 * whoever reads it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "served_private.h"

#define ID_CHARS 32

/* "HEX.STEP", where STEP is what this side may do. */
static bool is_name(const char *name, const char *step)
{
	return strspn(name, "0123456789abcdef") == ID_CHARS && name[ID_CHARS] == '.' &&
	       strcmp(name + ID_CHARS + 1, step) == 0;
}

static emr_status has_room(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	size_t n = 0;

	if (listing == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return EMR_IO;
	}
	while (n <= WIRE_LETTERS_MAX && readdir(listing) != NULL)
		n++;
	(void)closedir(listing);
	return n <= WIRE_LETTERS_MAX ? EMR_OK : EMR_LETTERS_SPENT;
}

emr_status served_leave_letter(emr_served *served, emr_serve_call *call)
{
	if (served->mail_dirfd < 0 || !is_name(call->path, "reply"))
		return EMR_NOT_FOUND;
	EMR_TRY(has_room(served->mail_dirfd));
	return emr_file_replace(served->mail_dirfd, call->path, emr_buf_view(&call->body), 0600);
}

emr_status served_find_letter(emr_served *served, emr_serve_call *call)
{
	if (served->mail_dirfd < 0 || !is_name(call->path, "certificate"))
		return EMR_NOT_FOUND;
	return emr_file_read(served->mail_dirfd, call->path, WIRE_LETTER_MAX, &call->out);
}
