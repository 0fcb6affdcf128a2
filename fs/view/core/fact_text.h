/* These functions write the facts about a record that attributes show (user.emrfs.*), the same for
 * one's own records and for what others share. Every function appends to OUT, and gives
 * EMR_NO_MEMORY at worst, unless it says more. */
#pragma once

#include "replica/replica.h"
#include "view/view.h"

emr_status fact_text(const char *text, emr_buf *out);
emr_status fact_number(uint64_t number, emr_buf *out);
/* Hexadecimal. */
emr_status fact_id(emr_id16 id, emr_buf *out);
emr_status fact_cid(const emr_cid *cid, emr_buf *out);
/* RFC 3339 in UTC. */
emr_status fact_time(uint64_t unix_s, emr_buf *out);
void fact_time_text(uint64_t unix_s, char out[32]);
/* Of a content with PADDED bytes, sealed in chunks (fs/record/FORMAT.md). */
emr_status fact_stored_bytes(uint64_t padded, emr_buf *out);
/* Where ITEM stands on the ledger: its entry and its batch. */
emr_status fact_tx(const emr_replica_item *item, emr_buf *out);
/* How old what this computer has of the ledger is; EMR_NO_ATTRIBUTE when that is not known. */
emr_status fact_freshness(const emr_view *view, emr_buf *out);
