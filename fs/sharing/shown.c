/* This file sums up what a question shows, so that the yes to it is none to anything else. */
#include "sharing/shown.h"

#include <string.h>

#include "ledger/hash.h"

static emr_bytes text_of(const char *text)
{
	return emr_bytes_of(text, strlen(text) + 1); /* with its end, so that no two join */
}

static void sum(const emr_bytes *pieces, size_t n, char out[EMR_SHOWN_CHARS])
{
	emr_id32 hash = emr_sha256_of(pieces, n);

	emr_hex(hash.b, sizeof hash.b, out);
}

void emr_shown_share(
	const emr_order *order, const char *path, const char *who, char out[EMR_SHOWN_CHARS])
{
	const emr_bytes pieces[] = {text_of("share"),
		emr_bytes_of(order->domain.b, sizeof order->domain.b),
		emr_bytes_of(order->grantee.b, sizeof order->grantee.b),
		emr_bytes_of(&order->rights, sizeof order->rights),
		emr_bytes_of(&order->purposes, sizeof order->purposes),
		emr_bytes_of(&order->until_unix_s, sizeof order->until_unix_s), text_of(path),
		text_of(who), text_of(order->reason)};

	sum(pieces, sizeof pieces / sizeof pieces[0], out);
}

void emr_shown_copies(emr_id32 dataset, emr_id16 object, char out[EMR_SHOWN_CHARS])
{
	const emr_bytes pieces[] = {text_of("copies"), emr_bytes_of(dataset.b, sizeof dataset.b),
		emr_bytes_of(object.b, sizeof object.b)};

	sum(pieces, sizeof pieces / sizeof pieces[0], out);
}

void emr_shown_ends(const emr_share_rows *ends, const emr_who *who, char out[EMR_SHOWN_CHARS])
{
	char one[EMR_SHOWN_CHARS] = "";

	for (size_t i = 0; i <= ends->n; i++) {
		const emr_share_row *row = i < ends->n ? &ends->list[i] : NULL;
		const emr_bytes pieces[] = {text_of("revoke"), text_of(one),
			emr_bytes_of(who->root.b, sizeof who->root.b),
			emr_bytes_of(row != NULL ? row->domain.b : NULL,
				row != NULL ? sizeof row->domain.b : 0),
			text_of(row != NULL ? row->path : "")};

		sum(pieces, sizeof pieces / sizeof pieces[0], i < ends->n ? one : out);
	}
}

emr_status emr_shown_check(const emr_request *request, const char *shown, emr_problem *out_problem)
{
	if (request->shown[0] == '\0' || strcmp(request->shown, shown) == 0)
		return EMR_OK;
	return EMR_PROBLEM(EMR_CONFLICT, out_problem, EMR_SAY_SHOWN_CHANGED, NULL);
}
