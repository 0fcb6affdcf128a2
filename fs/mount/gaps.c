/* `verify` has this to say of others. Each author numbers the entries that the author signs: this
 * file tells which numbers are missing here, so that a version that was held back does not go
 * unseen. It checks nothing that others share: reading does. */
#include <stdio.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/paths.h"
#include "kit/text.h"
#include "mount/verify.h"
#include "settle/issued.h"
#include "sharing/received.h"

#include "answers.h"

static json_t *gap_json(const emr_issued *issued)
{
	char key[65];

	emr_hex(issued->issuer.b, sizeof issued->issuer.b, key);
	return json_pack("{s:o, s:o, s:s, s:I, s:I, s:s, s:I}", "by", emr_json_text(issued->by),
		"organisation", emr_json_text(issued->organisation), "key", key, "last",
		(json_int_t)issued->gap.last, "missing", (json_int_t)issued->gap.missing, "numbers",
		issued->gap.numbers, "unread", (json_int_t)issued->unread);
}

emr_status emr_gaps_answer(emr_session *session, const emr_sink *sink)
{
	EMR_AUTO_BUF gaps = {0};

	EMR_TRY(emr_issued_gaps(session->facts, emr_ledger_descriptor(session->ledger), &gaps));
	EMR_EACH (const emr_issued, issued, &gaps)
		EMR_TRY(emr_emit(sink, json_pack("{s:o}", "gap", gap_json(issued))));
	return EMR_OK;
}

void emr_gap_say(emr_out *out, const json_t *gap)
{
	char by[1200], last[EMR_TEXT_BYTES], missing[EMR_TEXT_BYTES], unread[EMR_TEXT_BYTES];
	char more[EMR_PROBLEM_TEXT_BYTES] = "";

	emr_show(emr_json_text_at(gap, "by"), by, sizeof by);
	if (by[0] == '\0')
		snprintf(by, sizeof by, _("Key %s"), emr_json_text_at(gap, "key"));
	emr_number_text(emr_json_number_at(gap, "last"), last);
	emr_number_text(emr_json_number_at(gap, "missing"), missing);
	emr_number_text(emr_json_number_at(gap, "unread"), unread);
	if (emr_json_number_at(gap, "unread") > 0)
		snprintf(more, sizeof more,
			_(" Of what the ledger shows of theirs %s cannot be read any more."),
			unread);
	emr_say(out, "%s signed for you up to number %s. Not here: %s (%s in all).%s\n", by, last,
		emr_json_text_at(gap, "numbers"), missing, more);
}

emr_status emr_verify_own(
	const emr_reach *reach, const emr_request *request, emr_problem *out_problem)
{
	if (request->path[0] == '\0' || (!reach->is_study && !emr_path_is_shared(request->path) &&
						emr_path_below("datasets", request->path) == NULL))
		return EMR_OK;
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_VERIFY_OTHERS, NULL);
}
