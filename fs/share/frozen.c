/* This file finds out what belongs to the frozen state of a dataset: which folders were in it at
 * that entry of the ledger, and which of their contents are still the present ones. It keeps no
 * file of it. */
#include "share/frozen.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "contract/pubs_share.h"
#include "contract/rows_share.h"
#include "crypto/merkle.h"

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

/* ---- folders ---- */

/* One that was, or is, granted to the dataset. */
typedef struct folder {
	emr_id16 domain;
	bool was_in, is_in, is_given, is_root; /* IS_ROOT: it took part itself */
} folder;

typedef struct looking {
	emr_replica *replica;
	const emr_team *dataset, *one;
	uint64_t log_size, now;
	emr_buf folders; /* folder */
	emr_buf leaves;	 /* emr_id32 */
} looking;

static folder *folder_of(looking *l, emr_id16 domain)
{
	const folder none = {.domain = domain};

	EMR_EACH (folder, f, &l->folders)
		if (emr_id16_equal(f->domain, domain))
			return f;
	if (emr_buf_append(&l->folders, &none, sizeof none) != EMR_OK)
		return NULL;
	return (folder *)(void *)(l->folders.data + l->folders.len - sizeof none);
}

static emr_status seq_of(
	const looking *l, const emr_known_grant *grant, uint64_t version, uint64_t *out_seq)
{
	const emr_part_key key = {.family = EMR_FAMILY_GRANT,
		.domain = grant->domain,
		.object = grant->grant,
		.version = version};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_status status = emr_replica_item_get(l->replica, &key, &bytes, &item);

	*out_seq = item.seq;
	return status;
}

static emr_status note_joined(const looking *l, folder *f)
{
	EMR_AUTO_BUF bytes = {0};
	emr_key_text key;
	emr_status status;

	emr_key_in_domain("J", f->domain.b, l->one->id.b, &key);
	status = emr_replica_state_get(l->replica, key.text, &bytes);
	f->is_root = f->is_root || status == EMR_OK;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status note_grant(void *arg, const emr_known_grant *grant)
{
	looking *l = arg;
	const emr_grant_phase phase = emr_grant_phase_at(grant, l->now);
	/* A participant's clock that is ahead of this one takes nobody out. */
	const bool is_given = phase == EMR_GRANT_IN_FORCE || phase == EMR_GRANT_COMING;
	const bool is_open = l->one->row.head.state == EMR_DATASET_OPEN;
	uint64_t from = 0, to = UINT64_MAX;
	folder *f = folder_of(l, grant->domain);

	EMR_TRY(f != NULL ? seq_of(l, grant, 1, &from) : EMR_NO_MEMORY);
	if (grant->row.head.state == EMR_GRANT_REVOKED)
		EMR_TRY(seq_of(l, grant, grant->row.head.version, &to));
	f->was_in = f->was_in || (from < l->log_size && to >= l->log_size);
	/* A closed one is read by nobody, and yet what is given to it was not taken back. */
	f->is_in = f->is_in || (is_open && is_given);
	f->is_given = f->is_given ||
		      (is_given && (is_open || emr_id16_equal(l->one->id, l->dataset->id)));
	return note_joined(l, f);
}

static emr_status note_line(looking *l, const emr_team *team)
{
	if (!emr_dataset_is_same(team, l->dataset))
		return EMR_OK;
	l->one = team;
	return emr_replica_grants_to(l->replica, team->grantee, note_grant, l);
}

/* ---- versions ---- */

/* Whether HEAD's content stands before the state.  Its entry is read only where something was said
 * of the record since: it is never later than that of the last item. */
static emr_status is_content_before(const looking *l, const emr_replica_head *head, bool *out_is)
{
	const emr_part_key key = {.family = EMR_FAMILY_OBJECT,
		.domain = head->domain,
		.object = head->object,
		.version = head->pversion};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item = {.seq = head->seq};
	emr_status status = head->seq < l->log_size
				    ? EMR_OK
				    : emr_replica_item_get(l->replica, &key, &bytes, &item);

	*out_is = item.seq < l->log_size;
	return status;
}

static emr_status note_head(void *arg, const emr_replica_head *head)
{
	looking *l = arg;
	bool is_before;

	if (head->state != EMR_OBJECT_LIVE || head->pversion == 0)
		return EMR_OK;
	EMR_TRY(is_content_before(l, head, &is_before));
	if (!is_before)
		return EMR_OK;
	return emr_buf_append(&l->leaves, head->pitem.b, sizeof head->pitem);
}

emr_status emr_frozen_files(
	emr_replica *replica, emr_id16 domain, uint64_t log_size, uint64_t *io_n)
{
	looking l = {.replica = replica, .log_size = log_size != 0 ? log_size : UINT64_MAX};
	emr_status status = emr_replica_each_head(replica, &domain, note_head, &l);

	*io_n += l.leaves.len / sizeof(emr_id32);
	emr_buf_free(&l.leaves);
	return status;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(emr_id32));
}

static emr_status count_versions(looking *l, emr_frozen_look *out)
{
	size_t n = l->leaves.len / sizeof(emr_id32);
	emr_merkle_hash *leaves;

	if (n > UINT32_MAX)
		return EMR_LIMIT;
	leaves = calloc(n > 0 ? n : 1, sizeof *leaves);
	if (leaves == NULL)
		return EMR_NO_MEMORY;
	if (n > 1)
		qsort(l->leaves.data, n, sizeof(emr_id32), by_bytes);
	for (size_t i = 0; i < n; i++)
		emr_merkle_leaf(
			l->leaves.data + i * sizeof(emr_id32), sizeof(emr_id32), leaves[i].b);
	emr_merkle_root(leaves, n, out->root.b);
	out->n = (uint32_t)n;
	free(leaves);
	return EMR_OK;
}

static emr_status gather_folders(looking *l, emr_frozen_look *out)
{
	/* Earlier keys of the dataset count, too: they are closed once all have followed. */
	EMR_ASK(asked, l->replica, TEAMS);
	emr_team team;

	while (emr_team_next(&asked, &team))
		EMR_TRY(note_line(l, &team));
	EMR_TRY(asked.status);
	EMR_EACH (const folder, f, &l->folders) {
		out->withdrawn += f->was_in && !f->is_given && f->is_root;
		if (!f->was_in || !f->is_in)
			continue;
		EMR_TRY(emr_buf_append(&out->domains, f->domain.b, sizeof f->domain));
		EMR_TRY(emr_replica_each_head(l->replica, &f->domain, note_head, l));
	}
	return count_versions(l, out);
}

emr_status emr_frozen_look_at(emr_replica *replica, const emr_team *dataset, uint64_t log_size,
	uint64_t now_unix_s, emr_frozen_look *out)
{
	looking l = {
		.replica = replica, .dataset = dataset, .log_size = log_size, .now = now_unix_s};
	emr_status status;

	*out = (emr_frozen_look){.n = 0};
	status = gather_folders(&l, out);
	emr_buf_free(&l.folders);
	emr_buf_free(&l.leaves);
	if (status != EMR_OK)
		emr_frozen_look_free(out);
	return status;
}

/* ---- by its id ---- */

typedef struct finding {
	emr_replica *replica;
	const emr_team *dataset;
	emr_frozen found;
	unsigned n;
	emr_frozen_fn fn; /* NULL: the last is FOUND */
	void *arg;
} finding;

/* Which dataset a state is of stands in its item alone. */
static emr_status is_of(const finding *f, const uint8_t dataset[16], bool *out_is)
{
	emr_team team;
	emr_id16 id;
	emr_status status;

	memcpy(id.b, dataset, sizeof id.b);
	status = emr_team_get(f->replica, id, &team);
	*out_is = status == EMR_OK && emr_dataset_is_same(&team, f->dataset);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status note_state(void *arg, const char *name, emr_bytes row)
{
	finding *f = arg;
	emr_part_key key = {.family = EMR_FAMILY_SNAPSHOT, .version = 1};
	EMR_AUTO_BUF bytes = {0};
	emr_pub_dataset_snapshot pub;
	emr_replica_item item;
	bool is = false;
	emr_status status = emr_unhex(name + strlen("SN/"), key.object.b, sizeof key.object);

	(void)row;
	if (status == EMR_OK)
		status = emr_replica_item_get(f->replica, &key, &bytes, &item);
	if (status != EMR_OK)
		return status;
	if (item.bytes.len < EMR_ITEM_BYTES ||
		!emr_pub_dataset_snapshot_parse((emr_span){item.bytes.data + EMR_ITEM_BYTES,
							item.bytes.len - EMR_ITEM_BYTES},
			&pub))
		return EMR_DAMAGED;
	/* An entry that is still to come is no state. */
	if (pub.log_size > item.seq)
		return EMR_OK;
	EMR_TRY(is_of(f, pub.dataset, &is));
	if (!is)
		return EMR_OK;
	f->found = (emr_frozen){.id = key.object,
		.seq = item.seq,
		.log_size = pub.log_size,
		.n = pub.n,
		.time_unix_s = item.ledger_time};
	memcpy(f->found.root.b, pub.root, sizeof f->found.root);
	f->n++;
	return f->fn != NULL ? f->fn(f->arg, &f->found) : EMR_OK;
}

emr_status emr_frozen_each(
	emr_replica *replica, const emr_team *dataset, emr_frozen_fn fn, void *arg)
{
	finding f = {.replica = replica, .dataset = dataset, .fn = fn, .arg = arg};

	return emr_replica_each_row(replica, "SN/", note_state, &f);
}

emr_status emr_frozen_find(
	emr_replica *replica, const emr_team *dataset, const char *text, emr_frozen *out)
{
	finding f = {.replica = replica, .dataset = dataset};
	size_t len = strlen(text);
	char prefix[3 + 32 + 1] = "SN/";

	if (len < EMR_FROZEN_ID_CHARS - 1 || len > 32)
		return EMR_INVALID;
	for (size_t i = 0; i < len; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return EMR_INVALID;
		prefix[3 + i] = (char)tolower((unsigned char)text[i]);
	}
	EMR_TRY(emr_replica_each_row(replica, prefix, note_state, &f));
	if (f.n != 1)
		return f.n == 0 ? EMR_NOT_FOUND : EMR_CONFLICT;
	*out = f.found;
	return EMR_OK;
}
