/* This file writes facts about a record as the text of an attribute. It decides nothing about who
 * may read them. */
#include "attributes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "record/derived.h"

#include "node.h"

emr_status fact_text(const char *text, emr_buf *out)
{
	return emr_buf_append(out, text, strlen(text));
}

emr_status fact_number(uint64_t number, emr_buf *out)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, number);
	return fact_text(text, out);
}

emr_status fact_id(emr_id16 id, emr_buf *out)
{
	char text[2 * sizeof id + 1];

	emr_hex(id.b, sizeof id.b, text);
	return fact_text(text, out);
}

emr_status fact_owner_id(const emr_card *card, emr_buf *out)
{
	char text[2 * sizeof card->signer_id + 1];

	emr_hex(card->signer_id.b, sizeof card->signer_id.b, text);
	return fact_text(text, out);
}

emr_status fact_cid(const emr_cid *cid, emr_buf *out)
{
	char text[EMR_CID_TEXT_CHARS + 1];

	emr_cid_text(cid, text);
	return fact_text(text, out);
}

void fact_time_text(uint64_t unix_s, char out[32])
{
	time_t t = (time_t)unix_s;
	struct tm tm = {.tm_mday = 1}; /* what no calendar has */

	gmtime_r(&t, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

emr_status fact_time(uint64_t unix_s, emr_buf *out)
{
	char text[32];

	fact_time_text(unix_s, text);
	return fact_text(text, out);
}

emr_status fact_stored_bytes(uint64_t padded, emr_buf *out)
{
	return fact_number(padded + 16 * (padded / 16384 + 1), out);
}

emr_status fact_tx(const emr_replica_item *item, emr_buf *out)
{
	char text[96], id[2 * sizeof item->batch_id + 1];

	emr_hex(item->batch_id.b, sizeof item->batch_id.b, id);
	snprintf(text, sizeof text, "%" PRIu64 ":%s", item->seq, id);
	return fact_text(text, out);
}

emr_status fact_freshness(const emr_view *view, emr_buf *out)
{
	emr_replica_position at;

	EMR_TRY(emr_replica_at(view->options.replica, &at));
	return at.freshness_s < 0 ? EMR_NO_ATTRIBUTE : fact_number((uint64_t)at.freshness_s, out);
}

/* Not listed: who copies a file with all its attributes copies no mark. */
emr_status fact_derived(emr_view *view, uint64_t number, emr_buf *out)
{
	char text[2 * sizeof(emr_derivation) + 1];
	emr_derivation from;
	emr_status status = EMR_NO_ATTRIBUTE;
	const node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n == NULL)
		status = EMR_NOT_FOUND;
	else if (emr_derived_mark_read(node_attributes(n), n->mtime_ns, &from))
		status = EMR_OK;
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK)
		return status;
	emr_hex(from.source, sizeof from.source, text);
	emr_hex(from.rules, sizeof from.rules, text + 2 * sizeof from.source);
	return fact_text(text, out);
}
