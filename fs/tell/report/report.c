/* This file makes the report that `emrfs status` shows: for the whole folder or one path, as
 * JSON. It is bounded in size, because it must fit into one answer of the socket. */
#include "report/report.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/day.h"
#include "base/log.h"
#include "kit/json.h"
#include "kit/out.h"
#include "kit/text.h"
#include "people/origin.h"
#include "publisher/publisher.h"
#include "session/session.h"
#include "session/absence.h"
#include "session/network_dir.h"
#include "session/registered.h"
#include "session/second_copy.h"
#include "share/strangers.h"
#include "share/write.h"
#include "sharing/received.h"
#include "sharing/opening.h"
#include "view/walk.h"

#include "special_private.h"

typedef struct lists {
	json_t *unsent, *local;
	size_t room; /* bytes of names that still fit: the report is one frame of the socket */
	emr_status status;
} lists;

static bool sort_out(void *arg, const char *path, uint64_t size_bytes, bool is_local)
{
	lists *l = arg;
	json_t *list = is_local ? l->local : l->unsent;
	size_t len = 2 * strlen(path); /* quotes and backslashes double */

	(void)size_bytes;
	if (json_array_size(list) < EMR_REPORT_LIST_MAX && len <= l->room) {
		l->room -= len;
		if (json_array_append_new(list, emr_json_text(path)) != 0)
			l->status = EMR_NO_MEMORY;
	}
	return l->status == EMR_OK && (json_array_size(l->unsent) < EMR_REPORT_LIST_MAX ||
					      json_array_size(l->local) < EMR_REPORT_LIST_MAX);
}

emr_status emr_report_unsent(
	emr_session *session, const emr_view_counts *counts, json_t *unsent, json_t *local)
{
	lists l = {.unsent = unsent, .local = local, .room = 16384};

	/* The walk costs a look at every name: only when there is something to list. */
	if (counts->local + counts->pending + counts->failed == 0)
		return EMR_OK;
	EMR_TRY(emr_view_each_unsent(session->view, "", sort_out, &l));
	return l.status;
}

/* Counts the kernel's requests since the mount began, and the chunks that were decrypted for it and
 * for us. */
static json_t *requests_report(emr_session *session)
{
	const size_t kinds = session->front != NULL ? session->front->request_kinds : 0;
	json_t *report = json_object();
	uint64_t count = 0;

	for (size_t kind = 0; report != NULL && kind < kinds; kind++) {
		const char *name = session->front->request(kind, &count);

		if (name != NULL && count > 0 &&
			json_object_set_new(report, name, json_integer((json_int_t)count)) != 0) {
			json_decref(report);
			return NULL;
		}
	}
	count = emr_record_ctx_chunks_opened(session->records);
	if (report != NULL && json_object_set_new(report, "chunks_opened",
				      json_integer((json_int_t)count)) != 0) {
		json_decref(report);
		return NULL;
	}
	return report;
}

/* While it is away, or shows less or something else than before, its size is what this computer has
 * verified of it; WHY says the rest. */
static json_t *ledger_report(emr_session *session, const emr_problem *why)
{
	emr_absence absence;
	emr_replica_position at = {0};
	uint64_t size = 0;
	emr_replica_trouble trouble;
	emr_problem clock = {0};
	uint64_t alone_since = 0;
	bool is_away;

	(void)!emr_replica_alone_since(session->replica, &alone_since);
	emr_absence_look(session, &absence);
	emr_replica_last_trouble(session->replica, &trouble);
	is_away = absence.status != EMR_OK || trouble.status == EMR_ROLLBACK ||
		  trouble.status == EMR_FORK || trouble.status == EMR_NEWER_RULES;
	if (is_away || emr_ledger_size(session->ledger, &size) != EMR_OK)
		size = emr_replica_at(session->replica, &at) == EMR_OK ? at.size : 0;
	is_away = is_away && why->is_set;
	if (!is_away && absence.ahead_s != 0) {
		emr_absence_say_clock(session->state_path, absence.ahead_s, &clock);
		is_away = true;
		why = &clock;
	}
	return json_pack("{s:s, s:o, s:o, s:I, s:o, s:I, s:o, s:I, s:o, s:o, s:o}", "kind",
		emr_ledger_kind(session->ledger), "stands_in", emr_standing_json(session),
		"not_taken", emr_unsent_json(session), "size", (json_int_t)size,
		"unwitnessed_since", emr_json_time(alone_since), "unwitnessed_unix",
		(json_int_t)alone_since, "away_at", emr_json_time(absence.since_unix_s),
		"away_unix", (json_int_t)absence.since_unix_s, "error",
		is_away ? json_string(emr_message_get(why->message)->id) : json_null(), "message",
		is_away ? emr_json_text(why->text) : json_null(), "hint",
		is_away ? emr_json_text(why->hint) : json_null());
}

#define WRITTEN_MAX 20

/* Keys that may do what the owner may, or read or write by the word of such a one. */
static json_t *strangers_report(const emr_session *session)
{
	EMR_AUTO_BUF strangers = {0};
	json_t *keys = json_array();
	emr_status status = emr_strangers(session->keyring, session->replica,
		(uint64_t)emr_clock_unix_s(emr_clock_system()), &strangers);
	char key[17];

	EMR_EACH (const emr_stranger, s, &strangers) {
		bool is_there = false;

		emr_hex(s->who.b, 8, key);
		for (size_t i = 0; i < json_array_size(keys); i++)
			is_there |= strcmp(json_string_value(json_array_get(keys, i)), key) == 0;
		if (!is_there && json_array_append_new(keys, json_string(key)) != 0)
			status = EMR_NO_MEMORY;
	}
	if (status != EMR_OK && status != EMR_NO_MEMORY)
		emr_log(EMR_LOG_WARN, "who may manage the folders could not be looked up: %s",
			emr_status_text(status));
	return keys;
}

/* The first N of NODES whose paths have room. */
static json_t *paths_report(emr_session *session, const uint64_t *nodes, size_t n)
{
	json_t *report = json_array();
	size_t room = 4096;

	for (size_t i = 0; report != NULL && i < n; i++) {
		EMR_AUTO_FREE char *path = NULL;

		if (emr_view_path(session->view, nodes[i], &path) != EMR_OK ||
			2 * strlen(path) > room)
			continue;
		room -= 2 * strlen(path);
		if (json_array_append_new(report, emr_json_text(path)) != 0) {
			json_decref(report);
			return NULL;
		}
	}
	return report;
}

/* Copies that wait for a person to choose; OF: how many there are, which a report of one frame may
 * not hold. */
static json_t *conflicts_report(emr_session *session, uint64_t of)
{
	uint64_t nodes[WRITTEN_MAX];

	return paths_report(
		session, nodes, of > 0 ? emr_view_conflicts(session->view, nodes, WRITTEN_MAX) : 0);
}

/* Lists files that a power cut, or closing, would take back; OF: how many there are. */
json_t *emr_report_not_safe(emr_session *session, uint64_t of)
{
	uint64_t nodes[WRITTEN_MAX];

	return paths_report(
		session, nodes, of > 0 ? emr_view_not_safe(session->view, nodes, WRITTEN_MAX) : 0);
}

json_t *emr_report_disk(emr_session *session, uint64_t not_safe)
{
	emr_status status = emr_view_disk(session->view);

	if (status == EMR_IO)
		return json_string("disk-refuses");
	return status == EMR_NO_SPACE && not_safe > 0 ? json_string("disk-full") : json_null();
}

/* Lists files that are being copied now. */
static json_t *writing_report(emr_session *session)
{
	emr_view_written written[WRITTEN_MAX];
	size_t n = emr_view_writing(session->view, written, WRITTEN_MAX), room = 4096;
	json_t *report = json_array();

	for (size_t i = 0; report != NULL && i < n; i++) {
		EMR_AUTO_FREE char *path = NULL;

		/* Its name may be gone by now; and the report is one frame of the socket. */
		if (emr_view_path(session->view, written[i].node, &path) != EMR_OK ||
			2 * strlen(path) > room)
			continue;
		room -= 2 * strlen(path);
		if (json_array_append_new(
			    report, json_pack("{s:o, s:I}", "path", emr_json_text(path), "bytes",
					    (json_int_t)written[i].bytes)) != 0) {
			json_decref(report);
			return NULL;
		}
	}
	return report;
}

/* Of several members; null and 0 where the ledger is one's own. */
static json_t *network_name(const emr_session *session)
{
	EMR_AUTO_FREE char *dir = NULL;
	char name[256];

	if (emr_network_dir_of(session->state_fd, &dir) != EMR_OK ||
		emr_network_dir_name(dir, name) != EMR_OK)
		return json_null();
	return emr_json_text(name);
}

static json_int_t count_members(const emr_session *session)
{
	uint64_t n = 0;

	if (emr_registered_count(session->replica, emr_clock_unix_s(emr_clock_system()), &n) !=
		EMR_OK)
		return 0;
	return (json_int_t)n;
}

bool emr_report_needs_copy(const json_t *report)
{
	if (emr_json_flag_at(report, "second_copy") || emr_json_number_at(report, "copies") > 1)
		return false;
	return emr_json_number_at(report, "files") > 0 ||
	       (emr_json_number_at(report, "shares_received") == 0 &&
		       json_array_size(json_object_get(report, "places")) == 0);
}

/* Every backup that is remembered, also one that was deleted since. */
static json_t *backups_report(const emr_session *session)
{
	EMR_AUTO_FREE emr_second_copy *all = calloc(EMR_SECOND_COPIES_MAX, sizeof *all);
	size_t n = all != NULL
			   ? emr_second_copies_read(session->state_fd, all, EMR_SECOND_COPIES_MAX)
			   : 0;
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < n; i++)
		if (json_array_append_new(list,
			    json_pack("{s:o, s:o, s:I, s:b, s:b}", "dir", emr_json_text(all[i].dir),
				    "made_at", emr_json_time(all[i].made_unix_s), "made_unix",
				    (json_int_t)all[i].made_unix_s, "gone", all[i].is_gone,
				    "same_disk", all[i].is_same_disk)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* NULL unless guardians open it: then, from the 18th birthday on, true. */
static json_t *of_age(const emr_session *session, const emr_profile *profile)
{
	char today[EMR_DAY_BYTES], day[32];

	if (faccessat(session->state_fd, EMR_STATE_GUARDIANS, F_OK, AT_SYMLINK_NOFOLLOW) != 0 ||
		!emr_day_is(profile->born))
		return json_null();
	emr_day_of(emr_clock_unix_s(emr_clock_system()), today);
	snprintf(day, sizeof day, "%04d%.6s", atoi(profile->born) + 18, profile->born + 4);
	return json_boolean(strcmp(today, day) >= 0);
}

json_t *emr_report_folder(emr_session *session, emr_notices *notices)
{
	emr_shared_with_me_counts received;
	emr_view_counts counts;
	emr_problem why = {0};
	bool is_read_only = emr_session_is_read_only(session, &why);
	char net[33];
	emr_id16 net_id = emr_ledger_net_id(session->ledger);
	emr_publisher_totals totals = {.least = 1};
	EMR_AUTO_BUF unmoved = {0};
	emr_second_copy copy;
	emr_study_sums study;
	emr_profile profile;
	json_t *unsent = json_array(), *local = json_array();
	json_t *errors = notices != NULL ? emr_notices_errors(notices, NULL, 20) : json_array();

	emr_view_count(session->view, &counts);
	(void)!emr_session_unmoved(session, &unmoved, NULL);
	if (emr_study_sum(session->view, &study) != EMR_OK)
		study = (emr_study_sums){.files = 0};
	emr_second_copy_read(session->state_fd, &copy);
	if (emr_shared_with_me_count(session, &received) != EMR_OK)
		received = (emr_shared_with_me_counts){0};
	if (session->publisher != NULL)
		emr_publisher_sum(session->publisher, &totals);
	/* Another process may have tested the words since. */
	if (emr_profile_load(session->keyring, session->state_fd, &profile) != EMR_OK)
		profile = session->profile;
	if (unsent != NULL && local != NULL &&
		emr_report_unsent(session, &counts, unsent, local) == EMR_NO_MEMORY) {
		json_decref(unsent);
		unsent = NULL;
	}
	emr_hex(net_id.b, sizeof net_id.b, net);
	return json_pack(
		"{s:o, s:o, s:s, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:o, s:o, s:I, s:I, "
		"s:I, s:I, s:o, "
		"s:i, s:b, s:o, s:o,"
		" s:I, s:o, s:s, s:s, s:b, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, "
		"s:I, s:o, s:I,"
		" s:I, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, "
		"s:o, s:o, s:o}",
		"folder", session->folder != NULL ? emr_json_text(session->folder) : json_null(),
		"owner", emr_json_text(session->profile.name), "code", session->code, "files",
		(json_int_t)(counts.files + study.files), "participants",
		(json_int_t)study.participants, "directories", (json_int_t)counts.directories,
		"bytes", (json_int_t)counts.bytes, "local", local, "local_files",
		(json_int_t)counts.local, "unreadable",
		(json_int_t)emr_facts_unreadable(session->facts), "strangers",
		strangers_report(session), "unsent", unsent, "pending", (json_int_t)counts.pending,
		"failed", (json_int_t)counts.failed, "pinned",
		(json_int_t)(totals.records > 0 || session->is_apart ? totals.pinned
								     : counts.confirmed),
		"confirmed", (json_int_t)counts.confirmed, "conflicts",
		conflicts_report(session, counts.conflicts), "copies", (int)totals.least,
		"second_copy", copy.is_known, "backups", backups_report(session), "backup_at",
		emr_json_time(copy.made_unix_s), "backup_unix", (json_int_t)copy.made_unix_s,
		"backup_dir", copy.is_known ? emr_json_text(copy.dir) : json_null(), "network", net,
		"state_dir", session->state_path, "read_only", is_read_only, "ledger",
		ledger_report(session, &why), "waiting_requests",
		(json_int_t)atomic_load(&session->waiting_requests), "former_key_folders",
		(json_int_t)(unmoved.len / sizeof(emr_id16)), "words_tested_at",
		emr_json_time(profile.words_tested_unix_s), "trustees_tested_at",
		emr_json_time(profile.trustees_tested_unix_s), "errors", errors, "kernel_requests",
		requests_report(session), "writing",
		counts.writing > 0 ? writing_report(session) : json_array(), "writing_files",
		(json_int_t)counts.writing, "writing_bytes", (json_int_t)counts.writing_bytes,
		"pending_bytes", (json_int_t)counts.pending_bytes, "memory_only_files",
		(json_int_t)counts.unhanded, "network_name", network_name(session), "member_count",
		count_members(session), "shares_received", (json_int_t)received.open,
		"shares_received_until", emr_json_time(received.until_unix_s),
		"shares_received_until_unix", (json_int_t)received.until_unix_s,
		"shares_received_while_open", (json_int_t)received.while_open, "not_safe_files",
		(json_int_t)counts.not_safe, "not_safe",
		emr_report_not_safe(session, counts.not_safe), "disk_error",
		emr_report_disk(session, counts.not_safe), "places", emr_nodes_json(session),
		"versions", (json_int_t)totals.versions, "not_whole",
		(json_int_t)(session->is_apart ? counts.confirmed : totals.lacking - totals.coming),
		"coming", (json_int_t)totals.coming, "spared_bytes",
		(json_int_t)counts.spared_bytes, "awaiting_copies", (json_int_t)counts.awaiting,
		"copies_first", (json_int_t)emr_settle_copies_first(session->settle),
		"agents_silent", emr_agents_silent_json(session), "restarts",
		emr_restarts_json(session), "of_age", of_age(session, &profile));
}

/* ---- one path ---- */

static const char *const attribute_names[] = {"version", "stored-bytes", "freshness", "id", "cid",
	"state", "tx", "signature", "signed-by", "signed-at", "owner", "access", "opens",
	"shared-with", "software"};

static int put_attributes(emr_view *view, uint64_t node, json_t *report)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof attribute_names / sizeof *attribute_names; i++) {
		EMR_AUTO_FREE char *value = NULL;
		char name[32];

		if (emr_attribute_text(view, node, attribute_names[i], &value) != EMR_OK)
			continue;
		snprintf(name, sizeof name, "%s", attribute_names[i]);
		for (char *dash = name; (dash = strchr(dash, '-')) != NULL;)
			*dash = '_';
		failed |= json_object_set_new(report, name, /* first the numbers */
			i < 3 ? json_integer(atoll(value)) : emr_json_text(value));
	}
	return failed;
}

/* Lists the others to whom DOMAIN's content is given: a name, the end of it, and whether it opens.
 */
static emr_status readers_of(emr_session *session, emr_id16 domain, json_t *out)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_SHARES rows = {0};

	EMR_TRY(emr_crowd_open(session, &crowd));
	EMR_TRY(emr_shares_collect(session, &crowd, NULL, EMR_SHARES_INNER, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const emr_share_row *row = &rows.list[i];
		char name[EMR_WHO_TEXT_BYTES], state[200];

		if (!emr_id16_equal(row->domain, domain) || emr_rights_of_reading(row->rights) == 0)
			continue;
		emr_who_text(&row->who, name, sizeof name);
		emr_share_state_text(row, state, sizeof state);
		if (json_array_append_new(
			    out, json_pack("{s:o, s:o, s:s, s:b, s:s}", "name", emr_json_text(name),
					 "until",
					 row->until_unix_s >= EMR_FOREVER_UNIX_S
						 ? json_null()
						 : emr_json_time(row->until_unix_s),
					 "state", state, "opens_now", row->why_not[0] == '\0',
					 "why_not", row->why_not)) != 0)
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}

/* Only of what is one's own and on the ledger. */
static emr_status put_readers(emr_session *session, const char *path, json_t *report)
{
	const char *access = json_string_value(json_object_get(report, "access"));
	emr_path_domain d;
	json_auto_t *readers = NULL;

	if (access == NULL || strcmp(access, "owner") != 0 ||
		emr_view_domain_of(session->view, path, &d) != EMR_OK || d.is_local)
		return EMR_OK;
	readers = json_array();
	EMR_TRY(readers != NULL ? readers_of(session, d.domain, readers) : EMR_NO_MEMORY);
	return json_object_set(report, "readers", readers) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_report_path(emr_session *session, emr_notices *notices, const char *path,
	json_t **out_report, emr_problem *out_problem)
{
	static const char *const types[] = {[EMR_META_FILE] = "file",
		[EMR_META_DIR] = "directory",
		[EMR_META_SYMLINK] = "link"};
	EMR_AUTO_FOUND found = {.view = session->view};
	char at[EMR_TEXT_BYTES];
	emr_status status = emr_find_anywhere(session->view, path, &found);
	const emr_attr attr = found.attr;
	json_auto_t *report = NULL;
	json_t *origin = NULL;
	unsigned copies = 1;

	if (status != EMR_OK) {
		if (status == EMR_NOT_FOUND || status == EMR_NOT_DIRECTORY)
			emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", path, NULL);
		else
			emr_problem_set_status(out_problem, status, path);
		return EMR_NOT_FOUND;
	}
	emr_time_json(attr.mtime_ns / 1000000000, at);
	report = json_pack("{s:o, s:s, s:I, s:s, s:I, s:i, s:o}", "path", emr_json_text(path),
		"type", types[attr.type], "bytes", (json_int_t)attr.size_bytes, "modified_at", at,
		"modified_unix", (json_int_t)(attr.mtime_ns / 1000000000), "copies", 1, "errors",
		notices != NULL ? emr_notices_errors(notices, path, 20) : json_array());
	if (report == NULL || put_attributes(session->view, attr.node, report) != 0)
		return EMR_PROBLEM_STATUS(out_problem, EMR_NO_MEMORY, "status");
	if (sscanf(json_string_value(json_object_get(report, "state")) != NULL
			    ? json_string_value(json_object_get(report, "state"))
			    : "",
		    "confirmed %u", &copies) == 1 &&
		json_object_set_new(report, "copies", json_integer(copies)) != 0)
		return EMR_NO_MEMORY;
	if (attr.type == EMR_META_FILE && emr_origin_json(session, attr.node, &origin) == EMR_OK &&
		json_object_set_new(report, "signed", origin) != 0)
		return EMR_NO_MEMORY;
	status = put_readers(session, path, report);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, "status");
	*out_report = json_incref(report);
	return EMR_OK;
}
