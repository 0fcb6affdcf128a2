/* This file tells an administrator what an agent holds: how many fragments, for how many grants,
 * which questions wait for their turn, and how old its receiving key is. It tells ids and
 * numbers only, never whose records they are. */
#include "agency.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

emr_status emr_agency_count(emr_agency *agency, size_t *out_n)
{
	EMR_AUTO_BUF files = {0};

	EMR_TRY(agency_list(agency, &files));
	*out_n = files.len / sizeof(agency_file);
	return EMR_OK;
}

static int by_grant(const void *a, const void *b)
{
	const agency_file *one = a, *other = b;

	return memcmp(one->grant.b, other->grant.b, sizeof one->grant);
}

/* A grant has a fragment for each epoch. */
emr_status emr_agency_grants(emr_agency *agency, size_t *out_n)
{
	EMR_AUTO_BUF files = {0};
	const agency_file *last = NULL;

	EMR_TRY(agency_list(agency, &files));
	emr_buf_sort(&files, sizeof *last, by_grant);
	*out_n = 0;
	EMR_EACH (const agency_file, file, &files) {
		*out_n += last == NULL || by_grant(last, file) != 0;
		last = file;
	}
	return EMR_OK;
}

size_t emr_agency_waiting(const emr_agency *agency, emr_id16 *out_questions, size_t cap)
{
	size_t n = 0;

	EMR_EACH (const deferred, one, &agency->waiting) {
		if (n < cap)
			out_questions[n] = one->access;
		n++;
	}
	return n;
}

emr_status emr_agency_key_time(const emr_agency *agency, uint64_t *out_unix_s)
{
	struct stat st;

	if (fstatat(agency->dirfd, AGENCY_BOX_PRESENT, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return emr_status_from_errno(errno);
	*out_unix_s = st.st_mtime > 0 ? (uint64_t)st.st_mtime : 0;
	return EMR_OK;
}
