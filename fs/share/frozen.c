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

static emr_status note_grant(looking *l, const emr_known_grant *grant)
{
	const emr_grant_phase phase = emr_grant_phase_at(grant, l->now);
	/* A participant's clock that is ahead of this one takes nobody out. */
	const bool is_given = phase == EMR_GRANT_IN_FORCE || phase == EMR_GRANT_COMING;
	const bool is_open = l->one->row.head.state == EMR_DATASET_OPEN;
	folder *f = folder_of(l, grant->domain);

	if (f == NULL)
		return EMR_NO_MEMORY;
	f->was_in = f->was_in ||
		    (grant->seq < l->log_size &&
			    (phase != EMR_GRANT_IS_REVOKED || grant->last_seq >= l->log_size));
	/* A closed one is read by nobody, and yet what is given to it was not taken back. */
	f->is_in = f->is_in || (is_open && is_given);
	f->is_given = f->is_given ||
		      (is_given && (is_open || emr_id16_equal(l->one->id, l->dataset->id)));
	return note_joined(l, f);
}

static emr_status note_line(looking *l, const emr_team *team)
{
	emr_known_grant grant;
	EMR_ASK(grants, l->replica, GRANTS_TO, .who = team->grantee);

	l->one = team;
	while (emr_dataset_is_same(team, l->dataset) && emr_next(&grants, &grant))
		EMR_TRY(note_grant(l, &grant));
	return grants.status;
}

/* ---- versions ---- */

emr_status emr_frozen_files(
	emr_replica *replica, emr_id16 domain, uint64_t log_size, uint64_t *io_n)
{
	EMR_AUTO_BUF items = {0}; /* emr_id32 */

	EMR_TRY(EMR_ASK_ALL(&items, replica, CONTENTS, .domain = domain, .at = log_size));
	*io_n += items.len / sizeof(emr_id32);
	return EMR_OK;
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
		EMR_TRY(EMR_ASK_ALL(
			&l->leaves, l->replica, CONTENTS, .domain = f->domain, .at = l->log_size));
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
