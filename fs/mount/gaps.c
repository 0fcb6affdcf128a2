/* Each author numbers the entries that the author signs. This file tells which numbers of others
 * are missing here, so that a version that was held back does not go unseen. */
#include "mount/verify.h"

#include <stdio.h>
#include <stdlib.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/message.h"
#include "kit/out.h"
#include "kit/text.h"

json_t *emr_gap_json(const emr_issued *issued)
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
		EMR_TRY(emr_emit(sink, json_pack("{s:o}", "gap", emr_gap_json(issued))));
	return EMR_OK;
}

char *emr_gap_text(const json_t *gap, const char *of)
{
	char by[1200], whose[600], last[EMR_TEXT_BYTES], missing[EMR_TEXT_BYTES],
		unread[EMR_TEXT_BYTES];
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return NULL;
	emr_show(emr_json_text_at(gap, "by"), by, sizeof by);
	emr_show(of, whose, sizeof whose);
	emr_number_text(emr_json_number_at(gap, "last"), last);
	emr_number_text(emr_json_number_at(gap, "missing"), missing);
	emr_number_text(emr_json_number_at(gap, "unread"), unread);
	if (by[0] == '\0')
		snprintf(by, sizeof by, _("Key %s"), emr_json_text_at(gap, "key"));
	fprintf(to, _("%s signed for %s up to number %s. Not here: %s (%s in all)."), by, whose,
		last, emr_json_text_at(gap, "numbers"), missing);
	if (emr_json_number_at(gap, "unread") > 0)
		fprintf(to, _(" Of what the ledger shows of theirs %s cannot be read any more."),
			unread);
	fputc('\n', to);
	return fclose(to) == 0 ? text : (free(text), NULL);
}
