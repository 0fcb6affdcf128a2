/* This file decides for the open folder whether a file of a de-identified dataset is a copy by the
 * dataset's rules. It believes the scan, and no word of the participant's computer. */
#include "mount/service.h"

#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "kit/beside.h"
#include "record/derived.h"
#include "sharing/copies.h"

static unsigned year_now(void)
{
	time_t now = time(NULL);
	struct tm day;

	return gmtime_r(&now, &day) != NULL ? (unsigned)day.tm_year + 1900 : 0;
}

static emr_status prepare(emr_copy_scan *scan, const emr_copy_claim *claim)
{
	EMR_AUTO_FREE char *program = NULL;
	emr_deidentify_rules by;

	if (scan->deidentifier != NULL && emr_id32_equal(scan->participant, claim->participant) &&
		emr_id32_equal(scan->terms_id, claim->terms_id))
		return EMR_OK;
	emr_copy_scan_end(scan);
	program = emr_beside("deidentify");
	if (program == NULL) {
		emr_log(EMR_LOG_ERROR, "datasets: the program that looks at copies is missing");
		return EMR_IO;
	}
	scan->terms_id = claim->terms_id;
	scan->participant = claim->participant;
	by = emr_copies_rules_of(claim->terms);
	return emr_deidentifier_open(program, &by, &scan->deidentifier);
}

emr_status emr_copy_scan_look(void *arg, const emr_copy_claim *claim, bool *out_is_copy)
{
	emr_copy_scan *scan = arg;
	uint8_t expected[32];
	emr_withheld why = EMR_WITHHELD_STOPPED;
	emr_status status;

	*out_is_copy = false;
	emr_derived_rules(EMR_DEIDENTIFY_TABLE, claim->terms_id, expected);
	if (claim->rules == NULL || memcmp(claim->rules, expected, sizeof expected) != 0)
		return EMR_OK;
	status = prepare(scan, claim);
	if (status == EMR_OK)
		status = emr_deidentify_scan(
			scan->deidentifier, claim->size, year_now(), claim->read, claim->arg, &why);
	*out_is_copy = status == EMR_OK && why == EMR_WITHHELD_NOT;
	return status;
}

void emr_copy_scan_end(emr_copy_scan *scan)
{
	emr_deidentifier_close(scan->deidentifier);
	*scan = (emr_copy_scan){.deidentifier = NULL};
}
