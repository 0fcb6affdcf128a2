/* This file finds out what belongs to the frozen state of a dataset: which folders were in it at
 * that entry of the ledger, and which of their contents are still the present ones. It keeps no
 * file of it. */
#include "share/frozen.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "contract/pubs_share.h"
#include "contract/rows_share.h"
#include "crypto/merkle.h"
#include "record/format.h"
#include "replica/ask.h"

void emr_frozen_look_free(emr_frozen_look *look)
{
	emr_buf_free(&look->domains);
}

bool emr_dataset_is_same(const emr_team *a, const emr_team *b)
{
	return a->kind == EMR_TEAM_DATASET && b->kind == EMR_TEAM_DATASET &&
	       strcmp(a->name, b->name) == 0 &&
	       memcmp(a->row.steward, b->row.steward, sizeof a->row.steward) == 0 &&
	       emr_id32_equal(a->terms_id, b->terms_id);
}

/* ---- one record ---- */

/* A row on its way through its items. */
typedef struct then {
	emr_replica *replica;
	uint64_t log_size;
	emr_replica_head head;
	emr_buf content; /* the part that brought the content of then */
	emr_id32 pitem;	 /* its item */
	bool is_there, is_over;
} then;

static emr_status part_of(
	emr_replica *replica, const emr_replica_head *head, uint64_t version, emr_buf *out)
{
	const emr_part_key key = {.family = EMR_FAMILY_OBJECT,
		.domain = head->domain,
		.object = head->object,
		.version = version};

	return emr_replica_part(replica, &key, out);
}

static void stand_at(then *t, const emr_replica_item *item)
{
	t->head.version = item->version;
	t->head.item_id = item->item_id;
	t->head.seq = item->seq;
	t->head.ledger_time = item->ledger_time;
	if (item->op == EMR_OP_META)
		return;
	t->head.pversion = item->version;
	t->head.pitem = item->item_id;
	t->head.epoch = item->epoch;
}

/* The same content for another key: what readers of today can open. */
static emr_status is_same(const then *t, const emr_replica_item *item, bool *out_is)
{
	EMR_AUTO_BUF bytes = {0};
	emr_put_part was, is;
	emr_status status = part_of(t->replica, &t->head, item->version, &bytes);

	*out_is = false;
	if (status != EMR_OK || emr_put_part_decode(emr_buf_view(&t->content), &was) != EMR_OK ||
		emr_put_part_decode(emr_buf_view(&bytes), &is) != EMR_OK)
		return emr_status_is_local(status) ? status : EMR_OK;
	*out_is = was.cver == is.cver && emr_id16_equal(was.record_id, is.record_id) &&
		  emr_cid_equal(&was.root, &is.root);
	return EMR_OK;
}

static emr_status pass(then *t, const emr_replica_item *item)
{
	const bool is_content = item->op == EMR_OP_PUT || item->op == EMR_OP_REWRAP;
	const bool is_before = item->seq < t->log_size;
	bool goes_on = item->op == EMR_OP_META;
	emr_status status = EMR_OK;

	if (is_before && item->op == EMR_OP_UNLINK)
		t->is_there = false;
	if (!is_content && item->op != EMR_OP_META)
		return EMR_OK;
	if (is_before) {
		t->is_there = goes_on = true;
		t->pitem = is_content ? item->item_id : t->pitem;
	} else if (!t->is_there) {
		t->is_over = true;
	} else if (is_content) {
		if (t->content.len == 0)
			status = part_of(t->replica, &t->head, t->head.pversion, &t->content);
		EMR_TRY(emr_status_is_local(status) ? EMR_IO : EMR_OK);
		EMR_TRY(is_same(t, item, &goes_on));
		t->is_over = !goes_on;
	}
	if (goes_on && !t->is_over)
		stand_at(t, item);
	return EMR_OK;
}

emr_status emr_frozen_head(
	emr_replica *replica, uint64_t log_size, emr_replica_head *io, emr_id32 *out_item)
{
	then t = {.replica = replica, .log_size = log_size, .head = *io, .pitem = io->pitem};
	emr_replica_item item;
	emr_status status = EMR_OK;

	/* Folders are shown as they are called now. */
	if (log_size == 0 ||
		(io->state == EMR_OBJECT_LIVE && (io->pversion == 0 || io->seq < log_size))) {
		if (out_item != NULL)
			*out_item = t.pitem;
		return EMR_OK;
	}
	t.head.state = EMR_OBJECT_LIVE;
	t.head.pversion = 0;
	EMR_ASK(items, replica, HISTORY, .family = EMR_FAMILY_OBJECT, .domain = io->domain,
		.object = io->object);
	while (status == EMR_OK && !t.is_over && emr_next(&items, &item))
		status = pass(&t, &item);
	emr_buf_free(&t.content);
	EMR_TRY(status == EMR_OK ? items.status : status);
	if (!t.is_there)
		return EMR_NOT_FOUND;
	*io = t.head;
	if (out_item != NULL)
		*out_item = t.pitem;
	return EMR_OK;
}

emr_status emr_frozen_keeps(emr_replica *replica, const emr_team *dataset,
	const emr_replica_head *head, uint64_t version, bool *out_keeps)
{
	EMR_AUTO_BUF all = {0};

	*out_keeps = false;
	EMR_TRY(emr_frozen_each(replica, dataset, &all));
	EMR_EACH (const emr_frozen, frozen, &all) {
		emr_replica_head was = *head;
		emr_status status = emr_frozen_head(replica, frozen->seq, &was, NULL);

		*out_keeps |= status == EMR_OK && was.pversion == version;
		EMR_TRY(status == EMR_NOT_FOUND ? EMR_OK : status);
	}
	return EMR_OK;
}

/* ---- folders ---- */

/* A time in which one was granted to the dataset, in entries; END: UINT64_MAX, it goes on. */
typedef struct span {
	emr_id16 domain;
	uint64_t begin, end;
	uint32_t epoch;
	bool is_open, is_root; /* readers have it now; IS_ROOT: it took part itself */
} span;

typedef struct looking {
	emr_replica *replica;
	const emr_team *dataset, *one;
	uint64_t log_size, now;
	emr_buf spans;	/* span */
	emr_buf leaves; /* emr_id32 */
	uint32_t epoch; /* of the folder in hand: nobody gives keys of earlier ones */
	emr_frozen_look *out;
} looking;

static emr_status note_grant(looking *l, const emr_known_grant *grant)
{
	const emr_grant_phase phase = emr_grant_phase_at(grant, l->now);
	/* A participant's clock that is ahead of this one takes nobody out. */
	const bool is_given = phase == EMR_GRANT_IN_FORCE || phase == EMR_GRANT_COMING;
	const bool is_open = l->one->row.head.state == EMR_DATASET_OPEN;
	/* A closed one is read by nobody, and yet what is given to it was not taken back. */
	const bool goes_on = is_given && (is_open || emr_id16_equal(l->one->id, l->dataset->id));
	EMR_AUTO_BUF bytes = {0};
	emr_key_text key;
	emr_status status;
	span s = {.domain = grant->domain,
		.begin = grant->seq,
		.end = goes_on ? UINT64_MAX : grant->last_seq,
		.epoch = grant->row.head.epoch,
		.is_open = goes_on && is_open};

	emr_key_in_domain("J", grant->domain.b, l->one->id.b, &key);
	status = emr_replica_state_get(l->replica, key.text, &bytes);
	s.is_root = status == EMR_OK;
	EMR_TRY(status == EMR_NOT_FOUND ? EMR_OK : status);
	/* One that ended by its date, or with its dataset, has no entry of its end. */
	if (phase != EMR_GRANT_IS_REVOKED && !goes_on)
		s.end = UINT64_MAX - 1;
	return emr_buf_append(&l->spans, &s, sizeof s);
}

/* The time of a folder in the dataset, without a break: a key that follows another is given before
 * the other ends, and whoever comes back is somebody who left. */
typedef struct stay {
	bool was_in, is_in, is_given, is_root;
	uint32_t epoch;
} stay;

static stay stay_of(const looking *l, emr_id16 domain)
{
	stay is = {.epoch = UINT32_MAX};
	uint64_t reach = 0, before = UINT64_MAX;

	EMR_EACH (const span, s, &l->spans)
		if (emr_id16_equal(s->domain, domain)) {
			is.is_root |= s->is_root;
			if (s->begin < l->log_size && s->end >= l->log_size)
				reach = s->end > reach ? s->end : reach;
			if (s->is_open && s->epoch < is.epoch)
				is.epoch = s->epoch;
		}
	is.was_in = reach > 0;
	while (reach != before) {
		before = reach;
		EMR_EACH (const span, s, &l->spans)
			if (emr_id16_equal(s->domain, domain) && s->begin <= reach &&
				s->end > reach)
				reach = s->end;
	}
	is.is_given = reach == UINT64_MAX;
	is.is_in = is.is_given && is.epoch != UINT32_MAX;
	return is;
}

/* ---- versions ---- */

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(emr_id32));
}

static emr_status count_versions(looking *l, emr_frozen_look *out)
{
	size_t n = l->leaves.len / sizeof(emr_id32);
	EMR_AUTO_FREE emr_merkle_hash *leaves = calloc(n + 1, sizeof *leaves);

	if (n > UINT32_MAX)
		return EMR_LIMIT;
	if (leaves == NULL)
		return EMR_NO_MEMORY;
	if (n > 1)
		qsort(l->leaves.data, n, sizeof(emr_id32), by_bytes);
	for (size_t i = 0; i < n; i++)
		emr_merkle_leaf(
			l->leaves.data + i * sizeof(emr_id32), sizeof(emr_id32), leaves[i].b);
	emr_merkle_root(leaves, n, out->root.b);
	out->n = (uint32_t)n;
	return EMR_OK;
}

static emr_status look_at_record(looking *l, const emr_replica_head *today)
{
	emr_replica_head head = *today;
	EMR_AUTO_BUF part = {0};
	emr_id32 item;
	emr_status status = emr_frozen_head(l->replica, l->log_size, &head, &item);

	if (status != EMR_OK || head.pversion == 0)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (l->epoch == 0) {
		l->out->left++;
		return EMR_OK;
	}
	if (today->state != EMR_OBJECT_LIVE || head.pversion != today->pversion)
		status = part_of(l->replica, &head, head.pversion, &part);
	if (emr_status_is_local(status))
		return status;
	if (status != EMR_NOT_FOUND && head.epoch >= l->epoch)
		return emr_buf_append(&l->leaves, &item, sizeof item);
	l->out->erased += status == EMR_NOT_FOUND;
	l->out->dropped += status != EMR_NOT_FOUND;
	return EMR_OK;
}

/* EPOCH 0: they have left. */
static emr_status look_at_folder(looking *l, emr_id16 domain, uint32_t epoch)
{
	emr_replica_head head;
	EMR_ASK(heads, l->replica, HEADS, .domain = domain);

	l->epoch = epoch;
	while (emr_next(&heads, &head))
		EMR_TRY(look_at_record(l, &head));
	return heads.status;
}

emr_status emr_frozen_files(
	emr_replica *replica, const emr_known_grant *grant, uint64_t log_size, uint64_t *io_n)
{
	emr_frozen_look out = {.n = 0};
	looking l = {.replica = replica, .log_size = log_size, .out = &out};
	emr_status status =
		log_size == 0 ? EMR_ASK_ALL(&l.leaves, replica, CONTENTS, .domain = grant->domain)
			      : look_at_folder(&l, grant->domain, grant->row.head.epoch);

	*io_n += status == EMR_OK ? l.leaves.len / sizeof(emr_id32) : 0;
	emr_buf_free(&l.leaves);
	return status;
}

static emr_status gather_folders(looking *l, emr_frozen_look *out)
{
	/* Earlier keys of the dataset count, too: they are closed once all have followed. */
	EMR_ASK(asked, l->replica, TEAMS);
	EMR_AUTO_BUF seen = {0};
	emr_team team;

	while (emr_team_next(&asked, &team)) {
		emr_known_grant grant;
		EMR_ASK(grants, l->replica, GRANTS_TO, .who = team.grantee);

		l->one = &team;
		while (emr_dataset_is_same(&team, l->dataset) && emr_next(&grants, &grant))
			EMR_TRY(note_grant(l, &grant));
		EMR_TRY(grants.status);
	}
	EMR_TRY(asked.status);
	EMR_EACH (const span, s, &l->spans) {
		const emr_bytes domain = emr_bytes_of(s->domain.b, sizeof s->domain);
		const stay is = stay_of(l, s->domain);

		if (!is.was_in || emr_buf_has(&seen, domain))
			continue;
		EMR_TRY(emr_buf_append(&seen, domain.data, domain.len));
		out->withdrawn += !is.is_given && is.is_root;
		if (is.is_in)
			EMR_TRY(emr_buf_append(&out->domains, domain.data, domain.len));
		if (is.is_in || !is.is_given)
			EMR_TRY(look_at_folder(l, s->domain, is.is_in ? is.epoch : 0));
	}
	return count_versions(l, out);
}

emr_status emr_frozen_look_at(emr_replica *replica, const emr_team *dataset, uint64_t log_size,
	uint64_t now_unix_s, emr_frozen_look *out)
{
	looking l = {.replica = replica,
		.dataset = dataset,
		.log_size = log_size,
		.now = now_unix_s,
		.out = out};
	emr_status status;

	*out = (emr_frozen_look){.n = 0};
	status = gather_folders(&l, out);
	emr_buf_free(&l.spans);
	emr_buf_free(&l.leaves);
	if (status != EMR_OK)
		emr_frozen_look_free(out);
	return status;
}

/* ---- by its id ---- */

emr_status emr_frozen_each(emr_replica *replica, const emr_team *dataset, emr_buf *out)
{
	emr_known_state state;
	EMR_ASK(states, replica, STATES);

	while (emr_next(&states, &state)) {
		const emr_frozen frozen = {.id = state.state,
			.seq = state.seq,
			.log_size = state.pub.log_size,
			.n = state.pub.n,
			.root = EMR_ID32_AT(state.pub.root),
			.time_unix_s = state.ledger_time};
		emr_team team;
		emr_status status = EMR_NOT_FOUND;

		/* One that is still to come is no state. */
		if (state.pub.log_size <= state.seq)
			status = emr_team_get(replica, EMR_ID16_AT(state.pub.dataset), &team);
		if (status == EMR_OK && emr_dataset_is_same(&team, dataset))
			status = emr_buf_append(out, &frozen, sizeof frozen);
		EMR_TRY(status == EMR_NOT_FOUND ? EMR_OK : status);
	}
	return states.status;
}

emr_status emr_frozen_find(
	emr_replica *replica, const emr_team *dataset, const char *text, emr_frozen *out)
{
	size_t len = strlen(text), n = 0;
	EMR_AUTO_BUF all = {0};

	if (len < EMR_FROZEN_ID_CHARS - 1 || len > 32 ||
		strspn(text, "0123456789abcdefABCDEF") != len)
		return EMR_INVALID;
	EMR_TRY(emr_frozen_each(replica, dataset, &all));
	EMR_EACH (const emr_frozen, frozen, &all) {
		char id[33];

		emr_hex(frozen->id.b, sizeof frozen->id, id);
		if (strncasecmp(id, text, len) != 0)
			continue;
		*out = *frozen;
		n++;
	}
	return n == 1 ? EMR_OK : n == 0 ? EMR_NOT_FOUND : EMR_CONFLICT;
}
