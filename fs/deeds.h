/* What happened to the records, from the ledger's history: for `emrfs log`, .emrfs/log and .emrfs/log.json.  It refuses to
 * say more than the ledger does: what other people opened is not in it. */
#pragma once

#include "cmd/frame.h"
#include "session.h"
#include "settle/chronicle.h"

typedef struct emr_deeds {
	emr_event *events;	/* oldest first; path and from are owned */
	size_t n, cap;
} emr_deeds;

/* Everything, or what happened to PATH (a clean path; NULL: all) since SINCE_UNIX_S (0: ever): to the file that is there
 * now under all its names, to what was deleted from there, and to everything below a directory.  EMR_NOT_FOUND when PATH is
 * not there and never was. */
emr_status emr_deeds_collect(emr_session *session, const char *path, uint64_t since_unix_s, emr_deeds *out);
void emr_deeds_free(emr_deeds *deeds);
#define EMR_AUTO_DEEDS __attribute__((cleanup(emr_deeds_free))) emr_deeds

/* "saved", "renamed", ... */
const char *emr_deed_text(emr_deed deed);
/* One entry of the JSON answer; NULL without memory. */
json_t *emr_deed_json(const emr_session *session, const emr_event *event);
/* One line for people, made of that entry; owned by the caller; NULL without memory. */
char *emr_deed_line(const json_t *entry);
#define EMR_DEEDS_LEGEND "proven: on the ledger, signed by your key.  entry: its number there (emrfs ledger)."

/* .emrfs/log and .emrfs/log.json. */
emr_status emr_deeds_text(emr_session *session, emr_buf *out);
emr_status emr_deeds_json(emr_session *session, emr_buf *out);
