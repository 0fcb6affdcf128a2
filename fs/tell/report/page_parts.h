/* The parts of the data of report.html, as JSON: each adds its members to PAGE.  They refuse to
 * grow with the folder: sums are exact, lists are cut and say so. Ids and transactions stay out of
 * a page that its owner may hand to others. */
#pragma once

#include "report/deeds.h"

/* The members of FROM that are called as NAMES says (with blanks between), and no others; NULL
 * without memory.  The caller's. */
json_t *page_pick(const json_t *from, const char *names);

/* page_facts.c: sums by kind, folder and year, growth, records with alike ones as one, versions,
 * and which records need a person's look.  EMR_NO_MEMORY; what a walk says. */
emr_status page_facts(
	emr_session *session, const emr_deeds *deeds, uint64_t now_unix_s, json_t *page);

/* page_people.c: who can see what and how long still, and who opened what lately. Keys are proven,
 * openings told by the reader's computer: they are counted apart. */
emr_status page_people(
	emr_session *session, const emr_deeds *deeds, uint64_t now_unix_s, json_t *page);

/* page_log.c: what happened lately, the newest first, with alike events as one entry of so many
 * `files`. Openings have their own part.  EMR_NO_MEMORY. */
emr_status page_log(const emr_session *session, const emr_deeds *deeds, json_t *page);
/* Adds one entry as log.json has it, of what a page shows, to LIST: EVENT, else TOLD.  Borrowed;
 * NULL without memory. */
json_t *page_entry(const emr_session *session, const emr_deeds *deeds, const emr_event *event,
	const emr_told *told, json_t *list);
