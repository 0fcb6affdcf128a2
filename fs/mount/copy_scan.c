/* This file decides for the open folder whether a file of a de-identified dataset is a copy by the
 * dataset's rules. It believes the scan, and no word of the participant's computer. */
#include "mount/copy_scan.h"

#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "kit/beside.h"
#include "record/derived.h"
#include "share/terms.h"

static unsigned year_now(void)
{
	time_t now = time(NULL);
	struct tm day;

	return gmtime_r(&now, &day) != NULL ? (unsigned)day.tm_year + 1900 : 0;
}

static emr_status prepare(
	emr_copy_scan *scan, emr_id32 participant, const emr_deidentify_rules *rules)
{
	EMR_AUTO_FREE char *program = NULL;

	if (scan->deidentifier != NULL && emr_id32_equal(scan->participant, participant) &&
		scan->rules.without_dates == rules->without_dates &&
		scan->rules.with_characteristics == rules->with_characteristics)
		return EMR_OK;
	emr_copy_scan_end(scan);
	program = emr_beside("deidentify");
	if (program == NULL) {
		emr_log(EMR_LOG_ERROR, "datasets: the program that looks at copies is missing");
		return EMR_IO;
	}
	scan->rules = *rules;
	scan->participant = participant;
	return emr_deidentifier_open(program, rules, &scan->deidentifier);
}

emr_status emr_copy_scan_look(void *arg, const emr_copy_claim *claim, bool *out_is_copy)
{
	emr_copy_scan *scan = arg;
	const emr_deidentify_rules rules = {.without_dates = claim->terms->without_dates,
		.with_characteristics = claim->terms->with_characteristics};
	uint8_t expected[32];
	emr_withheld why = EMR_WITHHELD_STOPPED;
	emr_status status;

	*out_is_copy = false;
	emr_derived_rules(EMR_DEIDENTIFY_TABLE, claim->terms_id, expected);
	if (claim->rules == NULL || memcmp(claim->rules, expected, sizeof expected) != 0)
		return EMR_OK;
	status = prepare(scan, claim->participant, &rules);
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
