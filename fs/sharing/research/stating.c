/* Counts what this person's folders in datasets hold, by kind, modality and her age, and has that
 * told to the datasets' stewards, sealed: no name, no file, no day. Of a de-identified dataset the
 * copies count, of another the files. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "contract/codes.h"
#include "crypto/kdf.h"
#include "headers/headers.h"
#include "session/walk.h"
#include "share/counts.h"

#include "private.h"

#define LOOK_NS (INT64_C(3600) * 1000000000) /* what is due after a day is looked for so often */

typedef struct stating {
	emr_session *session;
	emr_counts counts;
} stating;

/* ---- what is counted ---- */

/* What is not on the ledger yet is read by nobody. */
static bool is_read(emr_session *session, uint64_t node, emr_record_facts *out)
{
	return emr_view_record(session->view, node, out) == EMR_OK && out->is_confirmed &&
	       out->cver > 0 && !out->is_local;
}

static bool is_table(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && strcasecmp(name + len - 4, ".csv") == 0;
}

static bool count_file(void *arg, const char *path, const emr_attr *attr)
{
	stating *s = arg;
	emr_record_facts facts;
	const char *kind;

	if (attr->type != EMR_META_FILE || !is_read(s->session, attr->node, &facts))
		return true;
	kind = emr_header_kind_text(facts.headers.kind);
	if (kind[0] == '\0')
		kind = is_table(path) ? "csv" : "";
	emr_counts_add(&s->counts, kind, facts.headers.modality);
	return true;
}

/* Copies have no headers: what they were made of says which modality it is. */
static emr_status count_copies(stating *s, const emr_team *dataset)
{
	AUTO_CLEANER c = {0};
	AUTO_PASS p = {0};
	emr_status status = cleaner_find(s->session, dataset, &c);

	if (status == EMR_OK)
		status = pass_begin(&c, &p);
	if (status == EMR_OK)
		status = pass_gather(&p, "");
	if (status != EMR_OK)
		return status;
	pass_match(&p);
	for (size_t i = 0; i < p.n; i++) {
		const copy_there *copy = there_by_source(&p.there, p.all[i].source);
		emr_record_facts facts;

		if (!p.all[i].has_copy || !is_read(s->session, p.all[i].node, &facts))
			continue;
		emr_counts_add(
			&s->counts, is_table(copy->name) ? "csv" : "dicom", facts.headers.modality);
	}
	/* Their originals have another version by now, or are gone. */
	for (size_t i = 0; i < p.there.n; i++) {
		const copy_there *copy = &p.there.all[i];

		if (copy->is_of_today && !copy->is_wanted)
			emr_counts_add(&s->counts, is_table(copy->name) ? "csv" : "dicom", "");
	}
	return EMR_OK;
}

/* ---- one folder ---- */

static void key_of(const emr_copies *copies, const char *what, uint8_t out[32])
{
	emr_hmac_sha256(emr_bytes_of(copies->secret.data, copies->secret.len),
		emr_bytes_of(what, strlen(what)), out);
}

static emr_status state_one(
	emr_research *r, emr_share *share, const emr_share_row *row, const emr_team *dataset)
{
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	int64_t begun = emr_clock_boot_ns(emr_clock_system());
	stating s = {.session = r->session};
	emr_copies copies = {0};
	uint8_t who[32], mark[32];
	emr_status status = emr_copies_of(r->session, dataset, &copies);

	if (status != EMR_OK)
		return status;
	key_of(&copies, "emrfs/v1/counts who", who);
	key_of(&copies, "emrfs/v1/counts mark", mark);
	emr_secret_free(&copies.secret);
	memcpy(s.counts.who.b, who, sizeof s.counts.who);
	s.counts.band = emr_counts_band(r->session->profile.born, now);
	status = dataset->terms.is_deidentified
			 ? count_copies(&s, dataset)
			 : emr_walk(r->session->view, row->path, count_file, &s);
	r->looked_ns += emr_clock_boot_ns(emr_clock_system()) - begun;
	if (status == EMR_OK)
		status = emr_share_state_counts(
			share, row->domain, dataset->grantee, mark, &s.counts);
	emr_wipe(mark, sizeof mark);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* she left meanwhile */
}

/* *OUT_WAITS: something is asked for and not on the ledger yet. */
static emr_status state_row(
	emr_research *r, emr_share *share, const emr_share_row *row, bool *out_waits)
{
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_team dataset;
	bool is_due = false;
	emr_status status;

	*out_waits = *out_waits || (row->who.is_dataset && row->state == EMR_SHARE_QUEUED);
	if (!row->who.is_dataset || row->state != EMR_SHARE_CONFIRMED || !row->who.is_active ||
		row->is_deleted)
		return EMR_OK;
	status = emr_team_of_grantee(r->session->replica, row->who.root, &dataset);
	if (status == EMR_OK && dataset.terms.until_unix_s > now)
		status = emr_share_counts_due(share, row->domain, dataset.grantee, &is_due);
	if (status == EMR_OK && is_due)
		status = state_one(r, share, row, &dataset);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Any other status ends the walk: a folder joined, or left. */
static emr_status is_of_joining(void *arg, const emr_replica_change *change)
{
	(void)arg;
	return change->family == EMR_FAMILY_JOIN ? EMR_EXISTS : EMR_OK;
}

/* The ledger of a busy network moves all the time, and mostly nothing is to be stated. */
static emr_status is_time(emr_research *r, const emr_replica_position *at, bool *out_is)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());
	emr_status status;

	*out_is = r->counted_boot_ns == 0 || now - r->counted_boot_ns >= LOOK_NS;
	if (*out_is)
		return EMR_OK;
	status = emr_replica_since(r->session->replica, r->counted_size, is_of_joining, NULL);
	*out_is = status == EMR_EXISTS;
	if (status == EMR_OK)
		r->counted_size = at->size;
	return *out_is ? EMR_OK : status;
}

static emr_status state_all(emr_research *r, bool *out_waits)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_SHARES rows = {0};
	emr_share *share = NULL;
	emr_status status = emr_crowd_open(r->session, &crowd);

	if (status == EMR_OK)
		status = emr_shares_collect(r->session, &crowd, NULL, false, &rows);
	if (status == EMR_OK)
		status = emr_sharing_handle(r->session, &share);
	for (size_t i = 0; i < rows.n && status == EMR_OK; i++)
		status = state_row(r, share, &rows.list[i], out_waits);
	emr_share_free(share);
	return status;
}

emr_status research_state_counts(emr_research *r)
{
	emr_replica_position at;
	bool is_now = false, waits = false;
	emr_status status = emr_replica_at(r->session->replica, &at);

	if (status == EMR_OK)
		status = is_time(r, &at, &is_now);
	if (status != EMR_OK || !is_now)
		return status;
	status = state_all(r, &waits);
	if (status == EMR_OK && !waits) {
		r->counted_size = at.size;
		r->counted_boot_ns = emr_clock_boot_ns(emr_clock_system());
	}
	return status;
}
