/* This file tells whose key signed something: the owner of the folder, one of the owner's
 * computers, or somebody else, by name. A key that is registered nowhere is a domain's, and so the
 * owner's. */
#include "people/authors.h"

#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "keyring/coowned.h"
#include "ledger/hash.h"
#include "replica/people.h"
#include "view/received.h"

void emr_authors_free(emr_authors *authors)
{
	free(authors->list);
	emr_crowd_close(&authors->crowd);
	*authors = (emr_authors){0};
}

/* Of a device the person whose it is. */
static emr_status find_me(emr_authors *authors, const emr_session *session)
{
	uint8_t pk[32];
	emr_bytes bytes = emr_bytes_of(pk, sizeof pk);
	emr_status status =
		authors->knows_me ? EMR_OK : emr_keyring_person_pk(session->keyring, pk);

	if (status != EMR_OK || authors->knows_me)
		return status;
	authors->me = emr_sha256_of(&bytes, 1);
	authors->knows_me = true;
	return EMR_OK;
}

/* A domain's key is registered nowhere: it is the owner's. */
static emr_status judge_author(emr_authors *authors, const emr_session *session, emr_id32 signer,
	uint64_t seq, emr_author *out)
{
	emr_known_person key;
	emr_id32 person;
	const emr_annex *left = session->annexes;
	emr_replica *replica = session->replica;
	emr_bytes descriptor = emr_ledger_descriptor(session->ledger);
	emr_status status = emr_replica_person(replica, signer, &key);

	/* Signers of a network that was left are known there. */
	for (; status == EMR_NOT_FOUND && left->facts != NULL; left++) {
		replica = left->replica;
		descriptor = emr_ledger_descriptor(left->ledger);
		status = emr_replica_person(replica, signer, &key);
	}
	*out = (emr_author){.signer_id = signer,
		.is_me = status == EMR_NOT_FOUND,
		.who = {.until_seq = UINT64_MAX}};
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	person = (key.row.roles & EMR_ROLE_DEVICE) != 0 ? EMR_ID32_AT(key.row.ref) : signer;
	out->is_me = emr_keyring_is_self(session->keyring, person);
	if (!out->is_me) /* this may be a second computer, which has its own keys alone */
		status = emr_replica_is_same_person(replica, person, authors->me, &out->is_me);
	if (status != EMR_OK || out->is_me)
		return status;
	if (authors->crowd.replica == NULL)
		status = emr_crowd_open(session, &authors->crowd);
	authors->crowd.replica = replica;
	authors->crowd.descriptor = descriptor;
	if (status == EMR_OK)
		status = emr_who_at(&authors->crowd, signer,
			left == session->annexes ? seq : UINT64_MAX, &out->who);
	if (left != session->annexes)
		out->who.from_seq = 0; /* of another count */
	return status;
}

emr_status emr_session_named(void *arg, emr_id32 signer, char *out, size_t size)
{
	const emr_session *session = arg;
	EMR_AUTO_AUTHORS me = {0};
	emr_known_person key;
	emr_author author;
	emr_status status = emr_replica_person(session->replica, signer, &key);

	if (status == EMR_OK)
		status = find_me(&me, session);
	if (status == EMR_OK)
		status = judge_author(&me, session, signer, UINT64_MAX, &author);
	out[0] = '\0';
	if (status == EMR_OK && !author.is_me)
		emr_who_text(&author.who, out, size);
	return status;
}

emr_status emr_session_names(void *arg, const emr_id32 *ids, size_t n, emr_owner_called *out)
{
	EMR_AUTO_CROWD crowd = {0};
	emr_who who;

	EMR_TRY(emr_crowd_open(arg, &crowd));
	for (size_t i = 0; i < n; i++) {
		EMR_TRY(emr_who_of(&crowd, ids[i], &who));
		emr_who_name(&who, out[i].name, sizeof out[i].name);
		emr_who_handle(&crowd, &who, out[i].handle, sizeof out[i].handle, &out[i].number);
	}
	return EMR_OK;
}

const emr_author *emr_authors_known(const emr_authors *authors, emr_id32 signer, uint64_t seq)
{
	for (size_t i = authors->n; i-- > 0;)
		if (emr_id32_equal(authors->list[i].signer_id, signer) &&
			emr_who_holds_at(&authors->list[i].who, seq))
			return &authors->list[i];
	return NULL;
}

emr_status emr_authors_find(emr_authors *authors, const emr_session *session, emr_id32 signer,
	uint64_t seq, const emr_author **out)
{
	const emr_author *known = emr_authors_known(authors, signer, seq);
	emr_author *grown, found;

	if (known != NULL) {
		*out = known;
		return EMR_OK;
	}
	EMR_TRY(find_me(authors, session));
	EMR_TRY(judge_author(authors, session, signer, seq, &found));
	grown = realloc(authors->list, (authors->n + 1) * sizeof *grown);
	if (grown == NULL)
		return EMR_NO_MEMORY;
	authors->list = grown;
	grown[authors->n] = found;
	*out = &grown[authors->n++];
	return EMR_OK;
}
