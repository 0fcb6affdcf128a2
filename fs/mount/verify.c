/* The open folder answers `emrfs verify` here: it reads every record and checks its hashes, its
 * signature and its author, then the blocks and the whole ledger. It puts right what it can, and
 * always says what was wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "fetch/fetch.h"
#include "kit/language.h"
#include "kit/out.h"
#include "people/origin.h"
#include "publisher/publisher.h"
#include "session/annex.h"
#include "report/report.h"
#include "session/fetching.h"
#include "settle/whose.h"
#include "view/walk.h"

#include "answers.h"

#define BAD_MAX 1000 /* said; all are counted */
#define DEPTH_MAX 4096
#define OPENING_BLOCKS_MAX 16 /* bundle, manifest, nodes, the last leaf */

/* One live record, as much of it as must be kept between finding and checking. */
typedef struct record {
	emr_place place;
	emr_id16 parent;
	emr_meta_type type;
	char *name; /* owned */
} record;

typedef struct verification {
	emr_session *session;
	const emr_request *request;
	const emr_sink *sink;
	record *records; /* sorted by object once all are found */
	size_t n, cap;
	uint64_t checked, failed, versions;
	bool mended; /* rows of the ledger or of the local copy were put right */
	int64_t last_progress_ns;
	emr_fetch_count brought; /* from nodes */
} verification;

/* ---- finding ---- */

static emr_status keep_records(verification *v, uint64_t *out_damaged)
{
	EMR_AUTO_FACTS_WALK all = emr_facts_all(v->session->facts);
	record one = {.name = NULL};
	emr_meta meta;

	while (emr_facts_next(&all, &one.place, &meta)) {
		EMR_TRY(emr_array_room(&v->records, v->n, &v->cap, sizeof *v->records));
		one.parent = meta.parent;
		one.type = meta.type;
		one.name = strndup((const char *)meta.name.data, meta.name.len);
		EMR_TRY(one.name != NULL ? EMR_OK : EMR_NO_MEMORY);
		v->records[v->n++] = one;
	}
	*out_damaged = all.damaged;
	return all.status;
}

static int by_object(const void *a, const void *b)
{
	return memcmp(((const record *)a)->place.object.b, ((const record *)b)->place.object.b, 16);
}

static const record *find_record(const verification *v, emr_id16 object)
{
	record key = {.place.object = object};

	return v->n == 0 ? NULL : bsearch(&key, v->records, v->n, sizeof key, by_object);
}

/* ROOT itself or below it. */
static bool is_below(const verification *v, const record *r, emr_id16 root)
{
	for (int depth = 0; r != NULL && depth < DEPTH_MAX; depth++) {
		if (emr_id16_equal(r->place.object, root))
			return true;
		r = find_record(v, r->parent);
	}
	return false;
}

/* Names from the top, as the ledger has them; "" for the top. */
static char *path_of(const verification *v, const record *r)
{
	char *path = strdup("");

	for (int depth = 0; path != NULL && r != NULL && depth < DEPTH_MAX; depth++) {
		char *longer = NULL;

		if (r->name[0] != '\0') {
			if (asprintf(&longer, "%s%s%s", r->name, path[0] != '\0' ? "/" : "", path) <
				0)
				longer = NULL;
			free(path);
			path = longer;
		}
		r = find_record(v, r->parent);
	}
	return path;
}

/* ---- saying ---- */

static emr_status say_bad(verification *v, const char *path, const char *place, const char *error)
{
	char shown[4096]; /* keeps the answer below the size of a frame */

	v->failed++;
	if (v->failed > BAD_MAX)
		return EMR_OK;
	emr_show(path, shown, sizeof shown);
	return emr_emit(v->sink, json_pack("{s:{s:s, s:s, s:s}}", "fault", "path", shown, "where",
					 place, "error", error));
}

static const char *error_of(emr_status status)
{
	switch ((int)status) {
	case EMR_MISSING_DATA:
	case EMR_NOT_FOUND:
		return "missing-data";
	case EMR_BAD_SIGNATURE:
		return "bad-signature";
	case EMR_NEWER_FORMAT:
		return "newer-format";
	case EMR_ROLLBACK:
		return "rollback";
	}
	return emr_status_is_local(status) ? "failed" : "bad-data";
}

/* The length of the parts that follow is not known. */
static emr_status say_part(verification *v, const char *part)
{
	return emr_emit(v->sink, json_pack("{s:{s:s}}", "progress", "part", part));
}

/* ---- one record ---- */

static emr_status check_blocks(
	verification *v, const emr_content *content, const emr_content_key *key)
{
	emr_fetcher *fetcher = emr_session_fetcher(v->session);
	emr_fetch_count brought;
	emr_content_reader *reader = NULL;
	bool is_present = false;
	emr_status status = emr_content_reader_open(v->session->records, content, key, &reader);

	EMR_TRY(status);
	emr_fetcher_wait_begin(fetcher, !v->session->read_only);
	if (v->request->quick)
		status = emr_content_reader_present(reader, &is_present, NULL);
	else
		status = emr_content_reader_verify(reader);
	brought = emr_fetcher_wait_end(fetcher);
	v->brought.bytes += brought.bytes;
	if (status == EMR_OK && v->request->quick && !is_present)
		status = EMR_MISSING_DATA;
	emr_content_reader_free(reader);
	return status;
}

static emr_status check_once(verification *v, const record *r)
{
	emr_content content;
	emr_content_key *key = NULL;
	emr_whose whose;
	emr_status status;

	/* Of links and directories the metadata is all; it was authenticated when it was found. */
	if (r->type != EMR_META_FILE)
		return EMR_OK;
	/* The signed statement is about this content, this record and this person, by a key that
	 * was in force. */
	status = emr_facts_open_signed(v->session->facts, emr_ledger_descriptor(v->session->ledger),
		&r->place, &content, &key, &whose);
	if (status == EMR_BAD_SIGNATURE)
		emr_log(EMR_LOG_ERROR, "verify: fault %d, verdict %d", (int)whose.is.fault,
			(int)whose.is.verdict);
	EMR_TRY(status);
	status = check_blocks(v, &content, key);
	emr_content_key_free(key);
	return status;
}

static emr_status take_block_home(void *arg, const emr_cid *cid)
{
	(void)emr_fetcher_take_home(arg, cid); /* what has no room stays in the cache */
	return EMR_OK;
}

/* Blocks that were brought before lie in a cache, which no backup has and which `erase` empties. */
static void take_home(const verification *v, const record *r)
{
	emr_fetcher *fetcher = emr_session_fetcher(v->session);
	emr_status status;

	if (fetcher == NULL || v->session->read_only || r->type != EMR_META_FILE)
		return;
	status = emr_store_walk(
		emr_fetcher_blocks(fetcher), &r->place.root, take_block_home, fetcher, NULL);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		emr_log(EMR_LOG_WARN, "verify: not all of a record is kept here: %s",
			emr_status_text(status));
}

/* A block that is missing on this disk, or went bad there, may come from elsewhere: opening the
 * file needs a few of them, one after the other. */
static emr_status check_record(verification *v, const record *r)
{
	emr_fetcher *fetcher = emr_session_fetcher(v->session);
	emr_status status = EMR_OK, came = EMR_OK;
	emr_cid missed;

	for (int i = 0; i < OPENING_BLOCKS_MAX && came == EMR_OK; i++) {
		emr_fetcher_begin(fetcher);
		status = check_once(v, r);
		if ((status != EMR_MISSING_DATA && status != EMR_DAMAGED) ||
			!emr_fetcher_missed(fetcher, &missed))
			break;
		came = emr_fetcher_await(fetcher, &missed, !v->session->read_only, &v->brought);
	}
	/* The folder is being closed: nobody knows yet whether it can be brought. */
	if (came == EMR_INTERRUPTED)
		return came;
	if (status == EMR_MISSING_DATA || status == EMR_DAMAGED)
		emr_publisher_doubt(v->session->publisher, &r->place.root);
	take_home(v, r);
	return status;
}

static emr_status check_and_say(verification *v, const record *r)
{
	EMR_AUTO_FREE char *path = NULL;
	char id[33];
	emr_status status = check_record(v, r);

	v->checked++;
	if (status == EMR_OK || status == EMR_NO_MEMORY || status == EMR_INTERRUPTED)
		return status;
	emr_hex(r->place.object.b, 16, id);
	emr_log(EMR_LOG_ERROR, "verify: record %s: %s", id, emr_status_text(status));
	path = path_of(v, r);
	return path != NULL ? say_bad(v, path, id, error_of(status)) : EMR_NO_MEMORY;
}

static emr_status check_records(verification *v, const emr_id16 *root)
{
	uint64_t damaged = 0;

	EMR_TRY(keep_records(v, &damaged));
	EMR_SORT(v->records, v->n, by_object);
	for (uint64_t i = 0; i < damaged; i++) {
		v->checked++;
		EMR_TRY(say_bad(v, "", _("a record whose name cannot be read; the log has its id"),
			"bad-data"));
	}
	for (size_t i = 0; i < v->n; i++) {
		if (root == NULL || is_below(v, &v->records[i], *root))
			EMR_TRY(check_and_say(v, &v->records[i]));
		EMR_TRY(emr_answer_progress(v->sink, &v->last_progress_ns, i + 1, v->n));
	}
	return EMR_OK;
}

/* ---- what no living record reads ---- */

static int by_cid(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(emr_cid));
}

static emr_status must_be_here(void *arg, const emr_cid *cid)
{
	return emr_block_store_has(arg, cid) ? EMR_OK : EMR_MISSING_DATA;
}

/* All blocks below ROOT are here, or came. */
static emr_status look_below(verification *v, const emr_cid *root)
{
	emr_fetcher *fetcher = emr_session_fetcher(v->session);
	emr_block_store *blocks =
		fetcher != NULL ? emr_fetcher_blocks(fetcher) : emr_store_blocks(v->session->store);
	emr_status status = emr_store_walk(blocks, root, must_be_here, blocks, NULL);

	if (status == EMR_OK || status == EMR_NO_MEMORY || fetcher == NULL || v->session->read_only)
		return status;
	return emr_bring_version(fetcher, root, &v->brought);
}

static emr_status check_version(verification *v, const emr_pin *needed)
{
	char text[EMR_CID_TEXT_CHARS + 1];
	emr_status status = look_below(v, &needed->root);

	v->checked++;
	if (status == EMR_OK || status == EMR_NO_MEMORY || status == EMR_INTERRUPTED ||
		emr_status_is_full(status))
		return status;
	emr_cid_text(&needed->root, text);
	return say_bad(v, text,
		needed->state == EMR_PIN_REGISTERED ? _("an earlier or deleted version")
						    : _("bytes that are not on the ledger yet"),
		error_of(status));
}

/* All that must be here, but for the living records, which are read anyway. */
static emr_status check_versions(verification *v)
{
	EMR_AUTO_BUF needed = {0}, living = {0};
	emr_status status = emr_store_needed(v->session->store, false, &needed);
	const emr_pin *all = (const void *)needed.data;

	for (size_t i = 0; i < v->n && status == EMR_OK; i++)
		status = emr_buf_append(&living, &v->records[i].place.root, sizeof(emr_cid));
	emr_buf_sort(&living, sizeof(emr_cid), by_cid);
	for (size_t i = 0; i < needed.len / sizeof *all && status == EMR_OK; i++) {
		v->versions += all[i].state != EMR_PIN_WRITTEN;
		if (v->n == 0 ||
			bsearch(&all[i].root, living.data, v->n, sizeof(emr_cid), by_cid) == NULL)
			status = check_version(v, &all[i]);
	}
	return status;
}

/* The promised bytes of files that are not on the ledger yet. */
static emr_status check_promises(verification *v)
{
	uint64_t nodes[BAD_MAX];
	size_t n =
		v->session->view != NULL ? emr_view_went_back(v->session->view, nodes, BAD_MAX) : 0;
	emr_status status = EMR_OK;

	for (size_t i = 0; i < n && status == EMR_OK; i++) {
		EMR_AUTO_FREE char *path = NULL;

		if (emr_view_path(v->session->view, nodes[i], &path) == EMR_OK)
			status =
				say_bad(v, path, _("what was last saved and flushed"), "went-back");
	}
	return status;
}

/* ---- blocks and chain ---- */

static void note_damage(void *context, const emr_store_damage *damage)
{
	verification *v = context;
	char place[160];

	snprintf(place, sizeof place, "%.100s at %llu, %llu bytes", damage->segment,
		(unsigned long long)damage->offset, (unsigned long long)damage->len);
	emr_log(EMR_LOG_ERROR, "verify: damage: %s%s", place, damage->torn ? " (torn)" : "");
	if (!damage->torn && say_bad(v, "", place, "bad-data") != EMR_OK)
		emr_log(EMR_LOG_ERROR, "verify: the list of damage is not whole");
}

static emr_status check_store(verification *v)
{
	emr_status status;

	EMR_TRY(say_part(v, "blocks"));
	status = (v->session->read_only ? emr_store_check : emr_store_mend)(
		v->session->store, &(emr_store_damage_to){note_damage, v});
	v->checked++;
	/* Findings of the check are listed; anything else is a failure of the check itself. */
	return status == EMR_DAMAGED ? EMR_OK : status;
}

static emr_status say_chain_bad(
	verification *v, const emr_ledger_trouble *trouble, emr_status status)
{
	char place[200];

	snprintf(place, sizeof place, "ledger entry %llu: %s", (unsigned long long)trouble->seq,
		trouble->cause);
	emr_log(EMR_LOG_ERROR, "verify: %s", place);
	return say_bad(v, "", place, status == EMR_ROLLBACK ? "rollback" : "ledger-damaged");
}

/* Entries that the verified copy has whole are put right at once; where that cannot be, nothing
 * more is saved here. */
static emr_status mend_chain(verification *v, emr_status fault)
{
	emr_session *s = v->session;
	emr_replica_mended mended = {.missing = 0};
	emr_status status = fault;

	if (s->read_only || s->view == NULL)
		return EMR_OK;
	if (fault == EMR_DAMAGED)
		status = emr_replica_mend(s->replica, &mended);
	v->mended = mended.ledger || mended.own;
	if (status != EMR_OK && mended.missing == 0)
		emr_view_distrust_ledger(
			s->view, status == EMR_BAD_SIGNATURE ? EMR_DAMAGED : status);
	return EMR_OK;
}

static bool is_chain_fault(emr_status status)
{
	return status == EMR_DAMAGED || status == EMR_FORK || status == EMR_ROLLBACK ||
	       status == EMR_BAD_SIGNATURE;
}

/* Ledger, copy and high-water mark lie in the clear, and may have been put back together: what this
 * computer has seen stands in the sealed journal besides. */
static emr_status check_seen(verification *v, emr_ledger_trouble *trouble)
{
	uint64_t seen = 0;
	emr_status status = emr_settle_compare_seen(v->session->settle, &seen);

	if (!is_chain_fault(status))
		return status;
	*trouble = (emr_ledger_trouble){.status = status, .seq = seen > 0 ? seen - 1 : 0};
	snprintf(trouble->cause, sizeof trouble->cause, "%s",
		status == EMR_ROLLBACK ? "the ledger is older than what this computer has seen"
		: status == EMR_FORK
			? "up to here the ledger is another than this computer has seen"
			: "how far this computer has seen the ledger cannot be read");
	return status;
}

/* The ledger against a fresh replay of the contract, then our own copy of it against the ledger.
 * While it is away, our own copy alone.  Both against what this computer has seen. */
static emr_status check_chain(verification *v, json_t **out_chain)
{
	emr_ledger_trouble trouble = {0};
	emr_ledger_absence absence;
	emr_replica_position at = {0};
	char root[65];
	uint64_t size = 0, awaited = 0, first = 0;
	emr_status status;

	emr_ledger_look(v->session->ledger, &absence);
	v->checked++;
	if (absence.status != EMR_OK && absence.status != EMR_OFFLINE) {
		status = say_bad(v, "", _("the ledger: what is in its place cannot be used"),
			absence.status == EMR_NEWER_FORMAT ? "newer-format" : "ledger-damaged");
		EMR_TRY(status);
	}
	if (absence.status == EMR_OK) {
		status = emr_replica_verify_chain(v->session->replica, &trouble, &size);
		if (status == EMR_OFFLINE) /* it went meanwhile */
			absence.status = status;
	}
	if (absence.status != EMR_OK)
		status = emr_replica_verify_own(v->session->replica, &trouble, &size);
	if (status == EMR_OK)
		status = check_seen(v, &trouble);
	if (is_chain_fault(status)) {
		EMR_TRY(say_chain_bad(v, &trouble, status));
		status = mend_chain(v, status);
	}
	/* Those that were left, in the same way: the past rests on them. */
	if (status == EMR_OK) {
		status = emr_annex_check(v->session, &v->checked);
		if (is_chain_fault(status))
			status = say_bad(v, "", "the ledger from before you joined does not fit",
				"ledger-damaged");
	}
	if (status == EMR_OK)
		status = emr_replica_at(v->session->replica, &at);
	if (status == EMR_OK && emr_ledger_brings_parts_later(v->session->ledger))
		status = emr_replica_missing(v->session->replica, &awaited, &first);
	EMR_TRY(status);
	emr_hex(at.root, sizeof at.root, root);
	*out_chain = json_pack("{s:s, s:I, s:s, s:b, s:b, s:I, s:o}", "kind",
		emr_ledger_kind(v->session->ledger), "size", (json_int_t)at.size, "root", root,
		"reached", absence.status == EMR_OK, "mended", v->mended, "awaited",
		(json_int_t)awaited, "restarts", emr_restarts_json(v->session));
	return *out_chain != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- the whole ---- */

emr_status emr_answer_find(emr_session *session, const char *path, emr_id16 *out_object,
	bool *out_is_published, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *id = NULL;
	EMR_AUTO_FREE char *state = NULL;
	emr_attr attr;
	emr_status status = emr_view_find(session->view, path, &attr);

	if (status == EMR_OK)
		status = emr_attribute_text(session->view, attr.node, "id", &id);
	if (status == EMR_OK)
		status = emr_attribute_text(session->view, attr.node, "state", &state);
	if (status == EMR_OK)
		status = emr_unhex(id, out_object->b, sizeof out_object->b);
	if (status != EMR_OK)
		return EMR_PROBLEM(
			EMR_NOT_FOUND, out_problem, EMR_SAY_NO_SUCH_PATH, "path", path, NULL);
	*out_is_published = strncmp(state, "confirmed", 9) == 0;
	return EMR_OK;
}

void emr_answer_say_unsent(emr_session *session, const char *path, emr_problem *out_problem)
{
	emr_record_facts facts;
	emr_attr attr;

	if (emr_view_find(session->view, path, &attr) == EMR_OK &&
		emr_view_record(session->view, attr.node, &facts) == EMR_OK && facts.is_local)
		emr_problem_set(out_problem, EMR_SAY_LEFT_LOCAL, "path", path, NULL);
	else
		emr_problem_set(out_problem, EMR_SAY_UNSENT, "n", _("Its last"), NULL);
}

/* signer, time and tx of a single file. */
static int put_origin(verification *v, json_t *answer)
{
	static const char *const names[][2] = {
		{"signature", "signer"}, {"signed-at", "time"}, {"tx", "tx"}};
	json_t *origin = NULL;
	emr_attr attr;
	int failed = 0;

	if (!v->request->has_path ||
		emr_view_find(v->session->view, v->request->path, &attr) != EMR_OK ||
		attr.type != EMR_META_FILE)
		return 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		EMR_AUTO_FREE char *value = NULL;

		if (emr_attribute_text(v->session->view, attr.node, names[i][0], &value) == EMR_OK)
			failed |= json_object_set_new(answer, names[i][1], emr_json_text(value));
	}
	if (emr_origin_json(v->session, attr.node, &origin) == EMR_OK)
		failed |= json_object_set_new(answer, "signed", origin);
	return failed;
}

static emr_status emit_answer(verification *v, json_t *chain)
{
	json_t *answer = json_pack("{s:b, s:I, s:I, s:I, s:I, s:o*}", "done", 1, "checked",
		(json_int_t)v->checked, "versions", (json_int_t)v->versions, "bad_count",
		(json_int_t)v->failed, "brought_bytes", (json_int_t)v->brought.bytes, "chain",
		chain);

	if (answer == NULL || put_origin(v, answer) != 0) {
		json_decref(answer);
		return EMR_NO_MEMORY;
	}
	return emr_emit(v->sink, answer);
}

static emr_status check_all(verification *v, const emr_id16 *root)
{
	const emr_request *request = v->request;
	bool is_whole = root == NULL;
	json_t *chain = NULL;
	emr_status status = EMR_OK;

	if (!request->chain)
		status = check_records(v, root);
	if (status == EMR_OK && is_whole && !request->chain)
		status = check_versions(v);
	if (status == EMR_OK && is_whole && !request->chain)
		status = check_promises(v);
	if (status == EMR_OK && is_whole && !request->chain)
		status = emr_gaps_answer(v->session, v->sink);
	if (status == EMR_OK && is_whole && !request->chain && !request->quick)
		status = check_store(v);
	if (status == EMR_OK && (request->chain || is_whole))
		status = say_part(v, "ledger");
	if (status == EMR_OK && (request->chain || is_whole))
		status = check_chain(v, &chain);
	if (status != EMR_OK) {
		json_decref(chain);
		return status;
	}
	return emit_answer(v, chain);
}

emr_status emr_answer_verify(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	verification v = {.session = session,
		.request = request,
		.sink = sink,
		.last_progress_ns = emr_clock_boot_ns(emr_clock_system())};
	bool has_root = request->has_path && request->path[0] != '\0', is_published = true;
	emr_id16 root = {{0}};
	emr_status status = EMR_OK;

	if (has_root)
		status = emr_answer_find(session, request->path, &root, &is_published, out_problem);
	if (status == EMR_OK && !is_published) {
		emr_answer_say_unsent(session, request->path, out_problem);
		status = EMR_CONFLICT;
	} else if (status == EMR_OK) {
		status = check_all(&v, has_root ? &root : NULL);
		if (status != EMR_OK)
			emr_problem_set_status(out_problem, status, "verify");
	}
	for (size_t i = 0; i < v.n; i++)
		free(v.records[i].name);
	free(v.records);
	return status;
}
