/* With this file the program emrfs is one that its owner has changed: EMR_DISHONEST says in which
 * of these ways. Stories put it in the place of emrfs, on any ledger.
 *
 *   lies      an agent gives another answer than it has
 *   reckless  an agent answers every question, whatever has ended
 *   keeps     an agent destroys no fragment
 *   silent    an owner's open folder answers nobody
 *   colludes  a reader has the state of the agent in EMR_FRIEND, and its passphrase in EMR_PASS,
 * and opens by its fragments, which the ledger never hears of
 *   between   a host shows a member so many entries as the file KEY says in EMR_BETWEEN, a
 * directory, and takes what a member hands in with a yes, and nowhere, while KEY.lost is there
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "ledger/backend.h"

#include "agency.h"
#include "letters_private.h"
#include "served_private.h"
#include "shared_private.h"

static bool is(const char *word)
{
	const char *said = getenv("EMR_DISHONEST");

	return said != NULL && strstr(said, word) != NULL;
}

/* The function NAME of emrfs is what follows; __real_NAME is the one that it was. */
#define CHANGED(name, ...)                                                                         \
	emr_status __real_##name(__VA_ARGS__);                                                     \
	emr_status __wrap_##name(__VA_ARGS__);                                                     \
	emr_status __wrap_##name(__VA_ARGS__)

/* ---- an agent ---- */

CHANGED(emr_fragment_convert, const emr_fragment *fragment, const uint8_t ctx[32],
	const uint8_t capsule[EMR_CAPSULE_BYTES], emr_id32 req,
	uint8_t out_cfrag[EMR_PRE_CFRAG_BYTES])
{
	emr_status status = __real_emr_fragment_convert(fragment, ctx, capsule, req, out_cfrag);

	out_cfrag[0] ^= is("lies");
	return status;
}

CHANGED(desk_judge, desk *d, const question *q, uint8_t *out_code)
{
	if (!is("reckless"))
		return __real_desk_judge(d, q, out_code);
	*out_code = EMR_RESULT_APPLIED;
	return EMR_OK;
}

/* One that is reckless minds nothing, and its log has what the ledger said to answers. */
CHANGED(agency_send, emr_agency *agency, emr_release_tally *tally)
{
	size_t n = agency->out.n;
	emr_status status = __real_agency_send(agency, tally);

	if (n == 0 || (status != EMR_DENIED && status != EMR_REFUSED) || !is("reckless"))
		return status;
	emr_log(EMR_LOG_INFO, "dishonest: %zu answers refused", n);
	return EMR_OK;
}

CHANGED(emr_replica_person_is_active, emr_replica *replica, const emr_known_person *person,
	uint64_t now_unix_s, bool *out_is_active)
{
	emr_status status =
		__real_emr_replica_person_is_active(replica, person, now_unix_s, out_is_active);

	*out_is_active = *out_is_active || is("reckless");
	return status;
}

CHANGED(agency_shred, emr_agency *agency, const char *name)
{
	return is("keeps") ? EMR_OK : __real_agency_shred(agency, name);
}

/* ---- an owner ---- */

CHANGED(emr_release_run, emr_release *release, emr_release_tally *out_tally)
{
	if (!is("silent"))
		return __real_emr_release_run(release, out_tally);
	*out_tally = (emr_release_tally){.next_ms = -1};
	return EMR_OK;
}

/* ---- a reader ---- */

static emr_share friend;
static emr_agency office = {.desk = {.share = &friend}};

/* The agent's keyring and fragments, once: one thread asks and collects. */
static emr_status open_friend(void)
{
	EMR_AUTO_BUF passphrase = {0};
	EMR_AUTO_FD state = open(getenv("EMR_FRIEND"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	emr_status status = EMR_OK;

	if (friend.o.keyring != NULL)
		return EMR_OK;
	office.dirfd = openat(state, "agent", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	status = emr_file_read(AT_FDCWD, getenv("EMR_PASS"), 1024, &passphrase);
	if (status == EMR_OK && passphrase.len > 0)
		passphrase.len--; /* the end of its line */
	if (status == EMR_OK)
		status = emr_keyring_open(
			state, "keyfile", emr_buf_view(&passphrase), &friend.o.keyring, NULL);
	return status == EMR_OK ? emr_keyring_public(friend.o.keyring, &friend.me) : status;
}

typedef struct plot {
	emr_ask *ask;
	asked_slot *slot;
	capsule_facts capsule; /* of the same content, as it was at some time */
} plot;

/* As combine.c does with an answer. */
static emr_status use_fragment(const plot *p, const emr_fragment *fragment)
{
	emr_shared *shared = p->ask->shared;
	const capsule_facts *c = &p->capsule;
	emr_pre_share share;
	emr_kem_key *kem = NULL;
	emr_content_key *key = NULL;
	emr_status status = emr_fragment_convert(
		fragment, c->ctx, c->capsule, p->ask->release.req, share.cfrag);

	memcpy(share.agent_id, friend.me.signer_id.b, sizeof share.agent_id);
	if (status == EMR_OK)
		status = emr_kem_key_combine(
			shared->me, c->A, fragment->bond.X, c->ctx, c->capsule, &share, 1, &kem);
	if (status == EMR_OK)
		status = emr_content_key_open_kem(kem, c->ctx, c->wdek, &key);
	if (status == EMR_OK)
		status = shared_keep_content_key(
			shared, p->slot->slot.object_id, p->slot->slot.version, key, false);
	emr_kem_key_free(kem);
	return status;
}

static void try_fragment(plot *p, const agency_file *file)
{
	emr_shared *shared = p->ask->shared;
	AUTO_GRANT_FACTS facts = {0};
	emr_fragment *fragment = NULL;
	emr_status status;

	if (p->slot->is_there || !emr_id16_equal(file->domain, p->ask->release.domain) ||
		file->epoch != p->capsule.epoch)
		return;
	status = share_grant_facts(shared->share, file->domain, file->grant, &facts);
	if (status == EMR_OK)
		status = agency_fetch(&office, file->name, shared->owner_pk, &facts.terms,
			p->capsule.A, facts.read.B, &fragment);
	if (status == EMR_OK)
		status = use_fragment(p, fragment);
	emr_fragment_free(fragment);
	p->slot->is_there = status == EMR_OK;
}

CHANGED(ask_combine, emr_ask *ask, size_t i)
{
	emr_status status = __real_ask_combine(ask, i);
	plot p = {.ask = ask, .slot = &ask->slots[i]};
	EMR_AUTO_BUF files = {0};
	emr_access_slot at = p.slot->slot;

	if (!is("colludes") || at.kind != EMR_CAPSULE_CONTENT || open_friend() != EMR_OK)
		return status;
	status = status == EMR_OK ? agency_list(&office, &files) : status;
	for (; at.version > 0 && status == EMR_OK && !p.slot->is_there; at.version--)
		if (share_capsule(ask->shared->share, ask->release.domain, &at, &p.capsule) ==
			EMR_OK)
			EMR_EACH (const agency_file, file, &files)
				try_fragment(&p, file);
	return status;
}

/* ---- a host ---- */

/* In the directory EMR_BETWEEN, of MEMBER. */
static bool has_between(emr_id32 member, const char *kind, emr_buf *out)
{
	EMR_AUTO_FD between = open(getenv("EMR_BETWEEN"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[80];

	emr_hex(member.b, sizeof member.b, name);
	strcat(name, kind);
	return between >= 0 && emr_file_read(between, name, 32, out) == EMR_OK;
}

CHANGED(served_check_reader, emr_served *served, emr_serve_call *call, uint64_t *out_below)
{
	emr_status status = __real_served_check_reader(served, call, out_below);
	EMR_AUTO_BUF said = {0};
	uint64_t shown;

	if (status == EMR_OK && is("between") && has_between(call->asks, "", &said) &&
		emr_buf_append(&said, "", 1) == EMR_OK &&
		sscanf((const char *)said.data, "%" SCNu64, &shown) == 1 && shown < *out_below)
		*out_below = shown;
	return status;
}

/* As if all items of it had been applied. */
CHANGED(emr_embedded_take, emr_ledger *ledger, emr_id32 submitter, const uint8_t sig[64],
	emr_bytes batch, emr_ledger_answer *out)
{
	EMR_AUTO_BUF said = {0};
	emr_header header;

	if (!is("between") || !has_between(submitter, ".lost", &said))
		return __real_emr_embedded_take(ledger, submitter, sig, batch, out);
	if (emr_header_parse((emr_span){batch.data, EMR_HEADER_BYTES}, &header) != EMR_CONTRACT_OK)
		return EMR_INVALID;
	emr_batch_id(batch.data, out->batch_id.b);
	out->ledger_time = header.time_unix_s;
	out->n_results = header.count;
	return emr_ledger_size(ledger, &out->seq);
}
