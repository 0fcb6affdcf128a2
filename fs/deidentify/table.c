/* The tables as arrays, and looking things up in them. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

static const table_row rows[] = {
#include "table_rows.inc"
};

static const char *const uids[] = {
#include "table_uids.inc"
};

static int compare_row(const void *key, const void *row)
{
	uint32_t tag = *(const uint32_t *)key, other = ((const table_row *)row)->tag;

	return tag < other ? -1 : tag > other;
}

const table_row *dicom_row(uint32_t tag)
{
	return bsearch(&tag, rows, sizeof rows / sizeof *rows, sizeof *rows, compare_row);
}

bool dicom_row_has_vr(const table_row *row, const char vr[2])
{
	for (const char *at = row->vrs; at[0] != '\0'; at += 2)
		if (memcmp(at, vr, 2) == 0)
			return true;
	return false;
}

static int compare_uid(const void *key, const void *uid)
{
	return strcmp(key, *(const char *const *)uid);
}

bool dicom_uid_is_registered(const char *uid)
{
	return bsearch(uid, uids, sizeof uids / sizeof *uids, sizeof *uids, compare_uid) != NULL;
}

const table_row *dicom_rows(uint32_t *out_count)
{
	*out_count = sizeof rows / sizeof *rows;
	return rows;
}
