/* This file gathers who could ever read a dataset, from every admission there was: in each team
 * of its line, open or closed, each time that somebody was in. It also lists its frozen states. */
#include "org_private.h"

#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "kit/json.h"
#include "kit/text.h"
#include "replica/names.h"
#include "replica/ask.h"
#include "share/frozen.h"

/* One time that one person was in. */
typedef struct stay {
	emr_id32 root;
	uint64_t from, to;	   /* seconds; TO as it stands now, may be ahead */
	uint64_t entry, ended_seq; /* ended_seq 0: by its date, or not yet */
} stay;

typedef struct gathering {
	const emr_team *team; /* of the dataset's line: in hand */
	emr_id32 founder;     /* the first key of its steward */
	uint64_t closed;      /* 0: it is open */
	uint64_t first_grant; /* entry of the first one to it; UINT64_MAX: there was none */
	emr_buf *all;	      /* stay */
} gathering;

/* ---- one person in one team ---- */

/* The steward is in what he makes, and goes out again, to keep its key: nothing was granted to it
 * yet, so there was nothing to read, and that was no stay. */
static emr_status keep_stay(const gathering *g, stay *s)
{
	stay one = *s;

	*s = (stay){.root = s->root};
	if (one.from == 0 || (emr_id32_equal(one.root, g->founder) && one.ended_seq != 0 &&
				     one.ended_seq < g->first_grant))
		return EMR_OK;
	if (g->closed != 0 && g->closed < one.to)
		one.to = g->closed;
	return emr_buf_append(g->all, &one, sizeof one);
}

/* A reader who was in and is admitted again stays in, as long as the new admission says; S is the
 * stay in hand, or one with no FROM. */
static emr_status take_item(const gathering *g, const emr_replica_item *item, stay *s)
{
	emr_span pub = {item->bytes.data + EMR_ITEM_BYTES, item->bytes.len - EMR_ITEM_BYTES};
	emr_pub_dataset_admit admit;

	if (item->op == EMR_OP_DATASET_DROP) {
		s->ended_seq = item->seq;
		if (item->ledger_time < s->to)
			s->to = item->ledger_time;
		return keep_stay(g, s);
	}
	if (!emr_pub_dataset_admit_parse(pub, &admit))
		return EMR_DAMAGED;
	if (s->from != 0 && item->ledger_time > s->to)
		EMR_TRY(keep_stay(g, s));
	if (s->from == 0) {
		s->from = item->ledger_time;
		s->entry = item->seq;
	}
	s->to = admit.not_after_unix_s;
	return EMR_OK;
}

/* None of the items may be missing: one that is not found would be a reader who is not told. */
static emr_status note_member(emr_replica *replica, const gathering *g, const emr_row_member *row)
{
	stay s = {.root = EMR_ID32_AT(row->member)};
	emr_replica_item item;
	emr_id16 object;
	uint64_t n = 0;

	emr_object_member(g->team->id.b, row->member, object.b);
	EMR_ASK(asked, replica, HISTORY, .family = EMR_FAMILY_MEMBER, .object = object);
	for (; emr_next(&asked, &item); n++)
		EMR_TRY(take_item(g, &item, &s));
	EMR_TRY(asked.status == EMR_OK && n < row->head.version ? EMR_DAMAGED : asked.status);
	return keep_stay(g, &s);
}

/* ---- one team ---- */

emr_status dataset_closed(const emr_crowd *crowd, const emr_team *team, uint64_t *out_unix_s)
{
	const emr_part_key key = {.family = EMR_FAMILY_DATASET,
		.object = team->id,
		.version = team->row.head.version};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	*out_unix_s = 0;
	if (team->row.head.state == EMR_DATASET_OPEN)
		return EMR_OK;
	EMR_TRY(emr_replica_item_get(crowd->replica, &key, &bytes, &item));
	*out_unix_s = item.ledger_time;
	return EMR_OK;
}

static emr_status first_grant(emr_replica *replica, const emr_team *team, uint64_t *out_seq)
{
	EMR_ASK(asked, replica, GRANTS_TO, .who = team->grantee);
	emr_known_grant grant;

	*out_seq = UINT64_MAX;
	while (emr_next(&asked, &grant)) {
		const emr_part_key key = {.family = EMR_FAMILY_GRANT,
			.domain = grant.domain,
			.object = grant.grant,
			.version = 1};
		EMR_AUTO_BUF bytes = {0};
		emr_replica_item item;

		EMR_TRY(emr_replica_item_get(replica, &key, &bytes, &item));
		*out_seq = item.seq < *out_seq ? item.seq : *out_seq;
	}
	return asked.status;
}

/* Readers of the dataset's former teams read as well, as long as owners' computers have not
 * followed: so every team of the line counts, also when it is closed. */
static emr_status gather_stays(emr_crowd *crowd, const emr_team *dataset, emr_buf *all)
{
	EMR_ASK(teams, crowd->replica, TEAMS);
	emr_row_member row;
	emr_team team;

	while (emr_team_next(&teams, &team)) {
		gathering g = {.team = &team, .all = all};

		if (!emr_dataset_is_same(&team, dataset))
			continue;
		EMR_TRY(first_grant(crowd->replica, &team, &g.first_grant));
		EMR_TRY(emr_replica_account(
			crowd->replica, EMR_ID32_AT(team.row.steward), &g.founder));
		EMR_TRY(dataset_closed(crowd, &team, &g.closed));
		EMR_ASK(members, crowd->replica, MEMBERS, .team = team.id);
		while (emr_next(&members, &row))
			EMR_TRY(note_member(crowd->replica, &g, &row));
		EMR_TRY(members.status);
	}
	return teams.status;
}

/* ---- all of them ---- */

static int by_time(const void *a, const void *b)
{
	const stay *one = a, *other = b;

	return (one->entry > other->entry) - (one->entry < other->entry);
}

static int by_person_and_time(const void *a, const void *b)
{
	const stay *one = a, *other = b;
	int order = memcmp(one->root.b, other->root.b, sizeof one->root.b);

	if (order == 0)
		order = (one->from > other->from) - (one->from < other->from);
	return order != 0 ? order : by_time(a, b);
}

/* A reader who goes on in the team that took the dataset's place was never out.  By time. */
static void join_stays(emr_buf *all)
{
	stay *last = NULL;

	if (all->len == 0)
		return;
	emr_buf_sort(all, sizeof *last, by_person_and_time);
	EMR_EACH (const stay, s, all) {
		if (last != NULL && emr_id32_equal(last->root, s->root) && s->from <= last->to) {
			last->to = last->to > s->to ? last->to : s->to;
			continue;
		}
		last = last != NULL ? last + 1 : (stay *)(void *)all->data;
		*last = *s;
	}
	all->len = (size_t)((uint8_t *)(last + 1) - all->data);
	emr_buf_sort(all, sizeof *last, by_time);
}

static emr_status put_stay(
	emr_crowd *crowd, const emr_team *dataset, const stay *s, bool is_over, json_t *list)
{
	char agreed[EMR_TEXT_BYTES] = "", code[EMR_KEY_CODE_MAX + 1], id[65], since[EMR_TEXT_BYTES],
	     until[EMR_TEXT_BYTES];
	uint64_t signed_unix_s = 0;
	emr_who who;

	if (emr_dataset_has_agreement(dataset))
		EMR_TRY(emr_agreement_signed(crowd->replica, dataset, s->root, &signed_unix_s));
	if (signed_unix_s != 0)
		emr_time_json((int64_t)signed_unix_s, agreed);
	EMR_TRY(emr_who_of(crowd, s->root, &who));
	emr_key_code(s->root, EMR_KEY_CODE_NAMES, code); /* it can be typed: dataset drop */
	emr_hex(s->root.b, sizeof s->root.b, id);
	emr_time_json((int64_t)s->from, since);
	emr_time_json((int64_t)s->to, until);
	return json_array_append_new(list,
		       json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:I, s:s, s:s*}", "who",
			       emr_json_text(who.called), "name", emr_json_text(who.name),
			       "organisation", emr_json_text(who.organisation), "says",
			       emr_json_text(who.says), "code", code, "id", id, "since", since,
			       "entry", (json_int_t)s->entry, is_over ? "until" : "admitted_until",
			       until, "agreed", agreed[0] != '\0' ? agreed : NULL)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

emr_status emr_dataset_readers(emr_crowd *crowd, const emr_team *dataset, emr_id32 me,
	json_t *readers, json_t *former, bool *out_is_reader)
{
	EMR_AUTO_BUF all = {0};
	bool is_reader = false;
	emr_status status = gather_stays(crowd, dataset, &all);

	if (status != EMR_OK) /* an entry that is not there */
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	join_stays(&all);
	EMR_EACH (const stay, s, &all) {
		bool is_over = s->to <= crowd->now_unix_s;

		is_reader = is_reader || (!is_over && emr_id32_equal(s->root, me));
		EMR_TRY(put_stay(crowd, dataset, s, is_over, is_over ? former : readers));
	}
	*out_is_reader = is_reader;
	return EMR_OK;
}

/* ---- frozen states ---- */

/* By time. */
static emr_status list_frozen(json_t *list, const emr_frozen *frozen)
{
	char id[33], root[65], at[EMR_TEXT_BYTES];
	size_t i = json_array_size(list);

	emr_hex(frozen->id.b, sizeof frozen->id.b, id);
	emr_hex(frozen->root.b, sizeof frozen->root.b, root);
	emr_time_json((int64_t)frozen->time_unix_s, at);
	while (i > 0 && strcmp(emr_json_text_at(json_array_get(list, i - 1), "at"), at) > 0)
		i--;
	return json_array_insert_new(list, i,
		       json_pack("{s:s, s:s, s:s, s:I, s:I}", "snapshot", id, "at", at, "root",
			       root, "versions", (json_int_t)frozen->n, "ledger_entries",
			       (json_int_t)frozen->log_size)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

emr_status dataset_add_frozen(emr_replica *replica, const emr_team *dataset, json_t *one)
{
	EMR_AUTO_BUF states = {0};
	json_t *list = json_array();

	if (json_object_set_new(one, "frozen", list) != 0)
		return EMR_NO_MEMORY;
	EMR_TRY(emr_frozen_each(replica, dataset, &states));
	EMR_EACH (const emr_frozen, state, &states)
		EMR_TRY(list_frozen(list, state));
	return EMR_OK;
}

/* ---- in frames ---- */

/* Three lists begin in one frame of 64 KiB (kit/frame.h), beside the terms.  Bytes are counted, not
 * readers: four names of 255 bytes each are up to six times as long when they are escaped. */
#define PORTION_BYTES 10922

static const char *const lists[] = {"readers", "former", "frozen"};
#define LISTS (sizeof lists / sizeof *lists)

/* The members of ALL from *IO_AT on, as many as fit and one at least, and *IO_AT behind them; a new
 * reference, or NULL. */
static json_t *portion_of(const json_t *all, size_t *io_at)
{
	json_t *portion = json_array();
	size_t bytes = 0;

	for (; portion != NULL && *io_at < json_array_size(all); (*io_at)++) {
		json_t *reader = json_array_get(all, *io_at);

		bytes += json_dumpb(reader, NULL, 0, JSON_COMPACT) + 1; /* a comma */
		if (bytes > PORTION_BYTES && json_array_size(portion) > 0)
			break;
		if (json_array_append(portion, reader) != 0) {
			json_decref(portion);
			return NULL;
		}
	}
	return portion;
}

static emr_status add_more(const char *name, const json_t *all, size_t at, json_t *frames)
{
	while (at < json_array_size(all)) {
		json_t *portion = portion_of(all, &at);

		if (portion == NULL || json_array_append_new(frames,
					       json_pack("{s:{s:o}}", "more", name, portion)) != 0)
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}

emr_status emr_dataset_frames(json_t *one, json_t **out_frames)
{
	json_auto_t *frames = json_pack("[{s:[O]}]", "datasets", one);
	emr_status status = frames != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (size_t i = 0; i < LISTS && status == EMR_OK; i++) {
		json_auto_t *all = json_incref(json_object_get(one, lists[i]));
		size_t told = 0;

		status = json_object_set_new(one, lists[i], portion_of(all, &told)) == 0
				 ? add_more(lists[i], all, told, frames)
				 : EMR_NO_MEMORY;
	}
	if (status == EMR_OK)
		*out_frames = json_incref(frames);
	return status;
}

emr_status emr_dataset_take(json_t *io_list, const json_t *frame)
{
	const json_t *more = json_object_get(frame, "more");
	json_t *portion = json_object_get(frame, "datasets"),
	       *last = json_array_get(io_list, json_array_size(io_list) - 1);

	if (portion != NULL && json_array_extend(io_list, portion) != 0)
		return EMR_NO_MEMORY;
	for (size_t i = 0; more != NULL && i < LISTS; i++) {
		portion = json_object_get(more, lists[i]);
		if (portion != NULL &&
			json_array_extend(json_object_get(last, lists[i]), portion) != 0)
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}
