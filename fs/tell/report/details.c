/* This file writes what `emrfs status --details` adds to either report: what the ledger and the
 * tools of IPFS call a record, and the members who have countersigned. */
#include <stdio.h>
#include <stdlib.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/text.h"
#include "report/report.h"

/* Of the report itself, or of the object IN of it. */
static const struct {
	const char *in, *name, *label;
} details[] = {
	{NULL, "id", N_("Record")},
	{NULL, "cid", N_("Content, for tools of IPFS")},
	{NULL, "stored_bytes", N_("Bytes as they are stored")},
	{NULL, "network", N_("Network")},
	{NULL, "state", N_("State")},
	{NULL, "signature", N_("Signature")},
	{"signed", "entry", N_("Entry of the ledger")},
	{"signed", "tx", N_("Transaction")},
	{"signed", "witnesses", N_("Countersigned by")},
	{"ledger", "kind", N_("Kind of the ledger")},
	{"ledger", "size", N_("Entries of the ledger")},
};

static void put_value(FILE *to, const char *label, const json_t *value)
{
	char shown[4200], number[24];

	if (json_is_integer(value))
		snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
	emr_show(json_is_integer(value) ? number : json_string_value(value), shown, sizeof shown);
	fprintf(to, "  %s: %s\n", emr_text(label), shown);
}

char *emr_report_details(const json_t *report)
{
	char *text = NULL;
	size_t size, k;
	FILE *to = open_memstream(&text, &size);

	for (size_t i = 0; to != NULL && i < sizeof details / sizeof *details; i++) {
		const json_t *in = details[i].in != NULL ? json_object_get(report, details[i].in)
							 : report,
			     *value = json_object_get(in, details[i].name), *one;

		if (json_is_string(value) || json_is_integer(value))
			put_value(to, details[i].label, value);
		json_array_foreach(value, k, one) put_value(to, details[i].label, one);
	}
	return to != NULL && fclose(to) == 0 ? text : (free(text), NULL);
}
