/* This file counts what is in a dataset: the steward's computer opens what participants have
 * stated and sums it up, and everybody's finds the newest table that the steward has signed. It
 * refuses statements that do not open or are out of bounds. */
#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "contract/item.h"
#include "contract/rows_share.h"
#include "share/counts.h"

#define AT_ONCE 256u /* parts */

/* ---- the steward's ---- */

typedef struct counting {
	emr_replica *replica;
	const emr_team *dataset, *one; /* ONE of the same line: in hand */
	const emr_box_key *box;
	uint64_t now;
	emr_buf keys;	 /* emr_part_key, of folders that are in */
	size_t fetched;	 /* of them: before those in hand */
	emr_counts *all; /* room for one of each of KEYS; wiped at the end */
	size_t n;	 /* of them: that are sound */
} counting;

static emr_status note_grant(void *arg, const emr_known_grant *grant)
{
	counting *c = arg;
	emr_part_key key = {
		.family = EMR_FAMILY_JOIN, .domain = grant->domain, .object = c->one->id};
	EMR_AUTO_BUF bytes = {0};
	emr_key_text name;
	emr_row_join row;
	bool is_in = false;

	if (emr_grant_phase_at(grant, c->now) == EMR_GRANT_IN_FORCE)
		EMR_TRY(emr_dataset_has(c->replica, c->one, grant, &is_in));
	if (!is_in)
		return EMR_OK;
	emr_key_in_domain("J", grant->domain.b, c->one->id.b, &name);
	EMR_TRY(emr_replica_state_get(c->replica, name.text, &bytes));
	if (emr_row_join_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	key.version = row.head.version;
	return emr_buf_append(&c->keys, &key, sizeof key);
}

/* Nobody's word stops the counting: what is not sound, or not its item's, is left out. */
static emr_status take_stated(void *arg, size_t index, emr_bytes part)
{
	counting *c = arg;
	uint8_t plain[EMR_COUNTS_PLAIN_BYTES];
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_part_key key;
	emr_status status;

	if (part.data == NULL)
		return EMR_OK;
	memcpy(&key, c->keys.data + (c->fetched + index) * sizeof key, sizeof key);
	status = emr_replica_item_get(c->replica, &key, &bytes, &item);
	if (status == EMR_OK)
		status = emr_counts_part_open(c->box, item.bytes, part, plain);
	if (status == EMR_OK)
		status = emr_counts_decode(plain, &c->all[c->n]);
	c->n += status == EMR_OK && !emr_counts_say_nothing(&c->all[c->n]) ? 1 : 0;
	emr_wipe(plain, sizeof plain);
	return status == EMR_NO_MEMORY ? status : EMR_OK;
}

/* Parts of others' folders are not in the local copy. */
static emr_status fetch_stated(counting *c, emr_ledger *ledger)
{
	const emr_part_key *keys = (const emr_part_key *)(const void *)c->keys.data;
	size_t n = c->keys.len / sizeof *keys;

	c->all = calloc(n + 1, sizeof *c->all);
	if (c->all == NULL)
		return EMR_NO_MEMORY;
	for (c->fetched = 0; c->fetched < n; c->fetched += AT_ONCE)
		EMR_TRY(emr_ledger_fetch(ledger, keys + c->fetched,
			n - c->fetched < AT_ONCE ? n - c->fetched : AT_ONCE, take_stated, c));
	return EMR_OK;
}

static emr_status note_line(void *arg, const emr_team *team)
{
	counting *c = arg;

	if (!emr_dataset_is_same(team, c->dataset))
		return EMR_OK;
	c->one = team;
	return emr_replica_grants_to(c->replica, team->grantee, note_grant, c);
}

emr_status emr_counts_collect(emr_replica *replica, emr_ledger *ledger, const emr_team *dataset,
	const emr_box_key *box, uint64_t now_unix_s, emr_counts_table *out)
{
	counting c = {.replica = replica, .dataset = dataset, .box = box, .now = now_unix_s};
	emr_status status = emr_teams_open(replica, note_line, &c);

	if (status == EMR_OK)
		status = fetch_stated(&c, ledger);
	if (status == EMR_OK)
		emr_counts_sum(c.all, c.n, out);
	if (c.all != NULL)
		emr_wipe(c.all, (c.keys.len / sizeof(emr_part_key) + 1) * sizeof *c.all);
	free(c.all);
	emr_buf_free(&c.keys);
	return status;
}

/* ---- everybody's ---- */

typedef struct newest {
	emr_replica *replica;
	emr_counts_table table;
	emr_frozen state;
	bool is_there;
} newest;

static emr_status note_state(void *arg, const emr_frozen *frozen)
{
	newest *n = arg;
	const emr_part_key key = {
		.family = EMR_FAMILY_SNAPSHOT, .version = 1, .object = frozen->id};
	EMR_AUTO_BUF part = {0};
	emr_counts_table table;
	emr_status status;

	if (n->is_there && frozen->seq < n->state.seq)
		return EMR_OK;
	status = emr_replica_part(n->replica, &key, &part);
	if (status != EMR_OK) /* EMR_NOT_FOUND: a state without one */
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (emr_counts_table_decode(emr_buf_view(&part), &table) != EMR_OK)
		return EMR_OK; /* it tells of a few people, or is none */
	n->table = table;
	n->state = *frozen;
	n->is_there = true;
	return EMR_OK;
}

emr_status emr_counts_newest(
	emr_replica *replica, const emr_team *dataset, emr_counts_table *out, emr_frozen *out_state)
{
	newest n = {.replica = replica};

	EMR_TRY(emr_frozen_each(replica, dataset, note_state, &n));
	if (!n.is_there)
		return EMR_NOT_FOUND;
	*out = n.table;
	*out_state = n.state;
	return EMR_OK;
}

bool emr_counts_would_tell(const emr_counts_table *before, const emr_counts_table *table)
{
	return table->people < 2 * (before->people + EMR_COUNTS_FLOOR);
}
