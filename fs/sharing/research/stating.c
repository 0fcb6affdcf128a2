/* This file counts what this person's folders in datasets hold, by kind, modality and the person's
 * age, and has the counts told to the datasets' stewards, sealed: no name, no file, no day. In a
 * de-identified dataset the copies count, in another the files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "contract/codes.h"
#include "crypto/kdf.h"
#include "headers/headers.h"
#include "share/counts.h"
#include "view/walk.h"

#include "private.h"

#define LOOK_NS (INT64_C(3600) * 1000000000) /* what is due after a day is looked for so often */

typedef struct stating {
	emr_research *research;
	emr_session *session;
	emr_counts counts;
	bool is_stopped;
} stating;

/* The statement about one folder; it is sent once nobody waits for the counting any more. */
typedef struct statement {
	emr_id16 domain;
	emr_id32 grantee;
	emr_counts counts;
	uint8_t mark_key[EMR_COUNTS_MARK_KEY_BYTES];
	char name[EMR_TEAM_NAME_MAX + 1]; /* of the dataset */
	char *path;			  /* owned */
	bool is_first;			  /* she is told that its steward is */
} statement;

typedef struct statements {
	statement *list; /* all zeros at first: it has room for each share there is */
	size_t n, room;
} statements;

static void statements_free(statements *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->list[i].path);
	if (all->list != NULL)
		emr_wipe(all->list, all->room * sizeof *all->list);
	free(all->list);
}
#define AUTO_STATEMENTS __attribute__((cleanup(statements_free))) statements

/* ---- what is counted ---- */

/* A version that is not on the ledger yet is read by nobody. */
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

	s->is_stopped = research_has_to_stop(s->research);
	if (s->is_stopped)
		return false;
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
	AUTO_PASS p = {.stops = research_has_to_stop, .stops_arg = s->research};

	EMR_TRY(cleaner_find(s->session, dataset, &c));
	EMR_TRY(pass_begin(&c, &p));
	EMR_TRY(pass_gather(&p, ""));
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

static emr_status count_folder(stating *s, const emr_share_row *row, const emr_team *dataset)
{
	if (dataset->terms.is_deidentified)
		return count_copies(s, dataset);
	EMR_TRY(emr_walk(s->session->view, row->path, count_file, s));
	return s->is_stopped ? EMR_INTERRUPTED : EMR_OK;
}

static emr_status count_one(
	emr_research *r, const emr_share_row *row, const emr_team *dataset, statements *io)
{
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	int64_t begun = emr_clock_boot_ns(emr_clock_system());
	statement *one = &io->list[io->n];
	stating s = {.research = r, .session = r->session};
	emr_copies copies = {0};
	uint8_t who[32];
	emr_status status = EMR_OK;

	EMR_TRY(emr_copies_of(r->session, dataset, &copies));
	key_of(&copies, "emrfs/v1/counts who", who);
	key_of(&copies, "emrfs/v1/counts mark", one->mark_key);
	emr_secret_free(&copies.secret);
	memcpy(s.counts.who.b, who, sizeof s.counts.who);
	if (!r->session->tells_no_counts) {
		s.counts.band = emr_counts_band(r->session->profile.born, now);
		status = count_folder(&s, row, dataset);
	}
	r->looked_ns += emr_clock_boot_ns(emr_clock_system()) - begun;
	one->path = status == EMR_OK ? strdup(row->path) : NULL;
	if (status == EMR_OK && one->path == NULL)
		status = EMR_NO_MEMORY;
	if (status == EMR_OK) {
		one->domain = row->domain;
		one->grantee = dataset->grantee;
		one->counts = s.counts;
		snprintf(one->name, sizeof one->name, "%s", dataset->name);
		io->n++;
	}
	emr_wipe(who, sizeof who);
	emr_wipe(&s.counts, sizeof s.counts);
	return status;
}

/* *OUT_WAITS: something is asked for and not on the ledger yet. */
static emr_status count_row(emr_research *r, emr_share *share, const emr_share_row *row,
	statements *io, bool *out_waits)
{
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_team dataset;
	bool is_due = false, is_stated = false, was_stated = false,
	     says_nothing = r->session->tells_no_counts;

	*out_waits = *out_waits || (row->who.is_dataset && row->state == EMR_SHARE_QUEUED);
	if (!row->who.is_dataset || row->state != EMR_SHARE_CONFIRMED || !row->who.is_active ||
		row->is_deleted)
		return EMR_OK;
	EMR_TRY(emr_team_of_grantee(r->session->replica, row->who.root, &dataset));
	if (dataset.terms.until_unix_s > now)
		EMR_TRY(emr_share_counts_due(
			share, row->domain, dataset.grantee, &is_due, &is_stated));
	/* A refusal takes back what was stated, at once. */
	if (!(says_nothing ? is_stated : is_due))
		return EMR_OK;
	if (!is_stated)
		EMR_TRY(emr_share_counts_ever(share, row->domain, dataset.grantee, &was_stated));
	io->list[io->n].is_first = !is_stated && !was_stated;
	return count_one(r, row, &dataset, io);
}

/* ---- all of them ---- */

/* A failure with one folder is said, and keeps no other from being stated; *IO_FIRST is then the
 * status of the whole. False: nothing more is to be done now. */
static bool goes_on(emr_status status, emr_status *io_first)
{
	if (status == EMR_OK || status == EMR_NOT_FOUND) /* she left meanwhile */
		return true;
	if (*io_first == EMR_OK || status == EMR_INTERRUPTED)
		*io_first = status;
	if (status == EMR_INTERRUPTED)
		return false;
	emr_log(EMR_LOG_WARN, "datasets: what one folder holds is not stated now: %s",
		emr_status_text(status));
	return true;
}

/* Under WORK: nobody makes copies or takes them back meanwhile. */
static emr_status count_all(emr_research *r, emr_share *share, statements *out, bool *out_waits)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_SHARES rows = {0};
	emr_status status = emr_crowd_open(r->session, &crowd);

	if (status == EMR_OK)
		status = emr_shares_collect(r->session, &crowd, NULL, false, &rows);
	out->list = status == EMR_OK ? calloc(rows.n + 1, sizeof *out->list) : NULL;
	if (status == EMR_OK && out->list == NULL)
		status = EMR_NO_MEMORY;
	if (status != EMR_OK)
		return status;
	out->room = rows.n + 1;
	for (size_t i = 0; i < rows.n; i++) {
		emr_status one = research_has_to_stop(r)
					 ? EMR_INTERRUPTED
					 : count_row(r, share, &rows.list[i], out, out_waits);

		if (!goes_on(one, &status))
			break;
	}
	return status;
}

static emr_status state_one(emr_research *r, emr_share *share, const statement *one)
{
	bool is_sent = false; /* else it says what stands there already, as of who refuses */
	emr_status status = atomic_load(&r->stop)
				    ? EMR_INTERRUPTED
				    : emr_share_state_counts(share, one->domain, one->grantee,
					      one->mark_key, &one->counts, &is_sent);

	if (is_sent && one->is_first) {
		emr_notices_add_that(
			r->notices, one->path, EMR_SAY_COUNTS_TOLD, "dataset", one->name, NULL);
	} else if (is_sent && r->session->tells_no_counts)
		emr_log(EMR_LOG_INFO, "datasets: a steward is told nothing any more");
	return status;
}

static emr_status state_all(emr_research *r, bool *out_waits)
{
	AUTO_STATEMENTS all = {.n = 0};
	emr_share *share = NULL;
	emr_status status = emr_sharing_handle(r->session, &share);

	if (status == EMR_OK) {
		pthread_mutex_lock(&r->work);
		status = count_all(r, share, &all, out_waits);
		pthread_mutex_unlock(&r->work);
	}
	for (size_t i = 0; i < all.n; i++) {
		emr_status sent = state_one(r, share, &all.list[i]);

		if (!goes_on(sent, &status) || emr_status_is_away(sent))
			break; /* nor would the next one be taken */
	}
	emr_share_free(share);
	return status;
}

/* ---- when ---- */

/* Any other status than EMR_OK ends the walk. Others' joinings and statements are as many as there
 * are participants: one that woke all computers would cost the network the square of it. */
static emr_status is_own_joining(void *arg, const emr_replica_change *change)
{
	bool is_mine = false;

	EMR_TRY(change->family == EMR_FAMILY_JOIN
			? emr_replica_is_mine(arg, change->domain, &is_mine)
			: EMR_OK);
	return is_mine ? EMR_EXISTS : EMR_OK;
}

/* The ledger of a busy network moves all the time, and mostly nothing is to be stated. */
static emr_status is_time(emr_research *r, const emr_replica_position *at, bool *out_is)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());
	emr_status status;

	*out_is = r->counted_boot_ns == 0 || now - r->counted_boot_ns >= LOOK_NS;
	if (*out_is)
		return EMR_OK;
	status = emr_replica_since(
		r->session->replica, r->counted_size, is_own_joining, r->session->replica);
	*out_is = status == EMR_EXISTS;
	if (status == EMR_OK)
		r->counted_size = at->size;
	return *out_is ? EMR_OK : status;
}

emr_status research_state_counts(emr_research *r)
{
	emr_replica_position at;
	bool is_now = false, waits = false;

	EMR_TRY(emr_replica_at(r->session->replica, &at));
	EMR_TRY(is_time(r, &at, &is_now));
	if (!is_now)
		return EMR_OK;
	EMR_TRY(state_all(r, &waits));
	if (!waits) {
		r->counted_size = at.size;
		r->counted_boot_ns = emr_clock_boot_ns(emr_clock_system());
	}
	return EMR_OK;
}
