/* This is everything that .emrfs/report.html shows, gathered in one walk over the tree and one
 * over the history. It refuses to grow with the folder beyond its lists: sums are exact, lists
 * are cut and say so. */
#pragma once

#include "report/deeds.h"
#include "sharing/notices.h"
#include "sharing/shares.h"

#include "page_notes.h"

#define PAGE_RECORDS_MAX 20000 /* files that are grouped into lines; further ones are counted */

typedef struct page_sum {
	char *name;
	uint64_t files, bytes;
} page_sum;

typedef struct page_sums {
	page_sum *all;
	size_t n, cap;
} page_sums;

/* One line of the list of records: files of one directory that say the same of themselves. */
typedef struct page_record {
	char date[16]; /* of the examination, else of the file: YYYY[-MM[-DD]] */
	bool is_plain; /* says nothing of itself: LABEL is its name */
	char *directory, *label, *organisation, *path; /* PATH of the first file */
	uint64_t files, bytes;
} page_record;

typedef struct page_revised {
	char *path;
	uint64_t versions, changed_unix_s;
} page_revised;

#define PAGE_REVISED_MAX 8
#define PAGE_POINTS_MAX 160

typedef struct page_point {
	uint64_t time_unix_s, files, bytes;
} page_point;

typedef struct page_facts {
	json_t *report; /* emr_report_folder */
	emr_deeds deeds;
	page_sums kinds, folders, years;
	page_record *records; /* newest first, grouped */
	size_t n_records, cap_records;
	uint64_t uncounted; /* files beyond PAGE_RECORDS_MAX */
	page_revised revised[PAGE_REVISED_MAX];
	size_t n_revised;
	uint64_t files, bytes, versions;
	page_point points[PAGE_POINTS_MAX + 2]; /* rising in time */
	size_t n_points;
	uint64_t now_unix_s;
	emr_share_rows shares; /* by path */
	json_t *datasets; /* as org/datasets.h says, with their readers; NULL: takes part in none;
			     owned */
	unsigned waiting; /* requests for access */
	page_notes notes;
} page_facts;

emr_status page_facts_gather(emr_session *session, emr_notices *notices, page_facts *out);
void page_facts_free(page_facts *facts);
#define AUTO_PAGE_FACTS __attribute__((cleanup(page_facts_free))) page_facts
