/* A folder that is closed says nothing of itself. This file looks for the owner's computers on the
 * ledger, so that a reader whom nobody else could answer is told soon that the folder is closed. */
#include <string.h>

#include "contract/codes.h"

#include "shared_private.h"

/* The first key of the person who uses KEY, on whichever computer. EMR_NOT_FOUND: nobody does. */
static emr_status root_of(emr_replica *replica, emr_id32 key, uint8_t out[32])
{
	emr_known_person person;
	emr_status status = emr_replica_person(replica, key, &person);

	if (status == EMR_OK && (person.row.roles & EMR_ROLE_DEVICE) != 0) {
		memcpy(key.b, person.row.ref, sizeof key.b);
		status = emr_replica_person(replica, key, &person);
	}
	if (status == EMR_OK)
		memcpy(out, person.row.root, 32);
	return status;
}

typedef struct looking {
	emr_replica *replica;
	uint64_t asked_seq;
	uint8_t owner[32]; /* root */
	bool is_there;
} looking;

static emr_status look_at_newer(void *arg, const emr_replica_listing *line)
{
	looking *l = arg;
	uint8_t root[32];
	emr_status status;

	if (line->item.seq <= l->asked_seq)
		return EMR_EXISTS; /* those before it are older */
	status = root_of(l->replica, line->item.submitter_id, root);
	l->is_there = status == EMR_OK && memcmp(root, l->owner, sizeof root) == 0;
	return status == EMR_NOT_FOUND ? EMR_OK : l->is_there ? EMR_EXISTS : status;
}

static emr_status look(const emr_ask *ask, looking *l)
{
	const emr_shared *shared = ask->shared;
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item asked;
	emr_status status = share_item(shared->share, EMR_FAMILY_ACCESS, ask->release.domain,
		ask->release.access, 1, &bytes, &asked);

	l->replica = shared->share->o.replica;
	l->asked_seq = asked.seq;
	if (status == EMR_OK)
		status = root_of(l->replica, shared->received.card.signer_id, l->owner);
	if (status == EMR_OK)
		status = emr_replica_recent(l->replica, NULL, NULL, SIZE_MAX, look_at_newer, l);
	return status == EMR_EXISTS ? EMR_OK : status;
}

bool emr_ask_owner_is_quiet(const emr_ask *ask)
{
	const emr_received *r = &ask->shared->received;
	looking l = {.is_there = false};
	emr_id32 honest[EMR_AGENTS_MAX];
	bool opens = true;
	unsigned n = 0;
	emr_status status;

	for (unsigned i = 0; i < r->agents_count; i++)
		if (!shared_is_liar(ask->shared, r->agents[i]))
			honest[n++] = r->agents[i];
	status = emr_share_opens_away(ask->shared->share, &r->grant, honest, n, &opens);
	return status == EMR_OK && !opens && look(ask, &l) == EMR_OK && !l.is_there;
}
