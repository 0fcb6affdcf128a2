/* This file tells an administrator what an agent holds: how many fragments, for how many grants,
 * which questions wait for their turn, and how old its receiving key is. It tells ids and
 * numbers only, never whose records they are. */
#include "agency.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/file.h"

static emr_status count_file(
	void *arg, emr_id16 domain, emr_id16 grant, uint32_t epoch, const char *name)
{
	(void)domain;
	(void)grant;
	(void)epoch;
	(void)name;
	++*(size_t *)arg;
	return EMR_OK;
}

emr_status emr_agency_count(emr_agency *agency, size_t *out_n)
{
	size_t n = 0;

	EMR_TRY(agency_each(agency, count_file, &n));
	*out_n = n;
	return EMR_OK;
}

/* A grant has a fragment for each epoch. */
typedef struct grant_ids {
	emr_id16 *all;
	size_t n, cap;
} grant_ids;

static emr_status note_grant(
	void *arg, emr_id16 domain, emr_id16 grant, uint32_t epoch, const char *name)
{
	grant_ids *ids = arg;

	(void)domain;
	(void)epoch;
	(void)name;
	if (emr_array_room(&ids->all, ids->n, &ids->cap, sizeof *ids->all) != EMR_OK)
		return EMR_NO_MEMORY;
	ids->all[ids->n++] = grant;
	return EMR_OK;
}

static int by_id(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(emr_id16));
}

emr_status emr_agency_grants(emr_agency *agency, size_t *out_n)
{
	grant_ids ids = {0};
	emr_status status = agency_each(agency, note_grant, &ids);
	size_t n = 0;

	if (ids.n > 1)
		qsort(ids.all, ids.n, sizeof *ids.all, by_id);
	for (size_t i = 0; i < ids.n; i++)
		n += i == 0 || !emr_id16_equal(ids.all[i], ids.all[i - 1]);
	free(ids.all);
	if (status == EMR_OK)
		*out_n = n;
	return status;
}

size_t emr_agency_waiting(const emr_agency *agency, emr_id16 *out_questions, size_t cap)
{
	for (size_t i = 0; i < agency->waiting_n && i < cap; i++)
		out_questions[i] = agency->waiting[i].access;
	return agency->waiting_n;
}

emr_status emr_agency_key_time(const emr_agency *agency, uint64_t *out_unix_s)
{
	struct stat st;

	if (fstatat(agency->dirfd, AGENCY_BOX_PRESENT, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return emr_status_from_errno(errno);
	*out_unix_s = st.st_mtime > 0 ? (uint64_t)st.st_mtime : 0;
	return EMR_OK;
}
