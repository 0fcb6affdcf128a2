/* This file reads from the countersignatures of the ledger's head when each agent spoke last. It
 * believes no signature that it has not checked. */
#include "session/heard.h"

#include <string.h>

#include "contract/codes.h"
#include "ledger/checkpoint.h"
#include "replica/people.h"

typedef struct hearing {
	emr_replica *replica;
	const emr_checkpoint *head;
	const emr_heard *before;
	uint64_t now, last_entry;
	emr_heard heard;
} hearing;

/* One who did not sign the newest head was silent since the ledger grew, which on a busy one is a
 * moment ago: others may just have signed one that is longer. */
static emr_status hear_agent(void *arg, const emr_known_person *person)
{
	hearing *h = arg;
	emr_heard_agent one = {.id = person->signer_id};
	bool is_active = false, is_signed;

	if ((person->row.roles & EMR_ROLE_AGENT) == 0 || h->heard.n == EMR_HEARD_MAX)
		return EMR_OK;
	EMR_TRY(emr_replica_person_is_active(h->replica, person, h->now, &is_active));
	if (!is_active)
		return EMR_OK;
	memcpy(one.org, person->row.org, sizeof one.org);
	is_signed = emr_checkpoint_verify(h->head, person->signer_id, person->row.log_pk) == EMR_OK;
	for (size_t i = 0; is_signed && i < h->head->n_sigs; i++)
		if (memcmp(h->head->sigs[i].name_id, person->signer_id.b, 8) == 0) {
			one.unix_s = h->head->sigs[i].time;
			break;
		}
	if (one.unix_s == 0)
		one.unix_s = h->last_entry;
	for (size_t i = 0; i < h->before->n; i++)
		if (emr_id32_equal(h->before->list[i].id, one.id) &&
			h->before->list[i].unix_s > one.unix_s)
			one.unix_s = h->before->list[i].unix_s;
	one.is_silent = one.unix_s + EMR_AGENT_SILENT_S < h->now;
	h->heard.list[h->heard.n++] = one;
	return EMR_OK;
}

emr_status emr_heard_look(
	emr_ledger *ledger, emr_replica *replica, uint64_t now_unix_s, emr_heard *heard)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;
	emr_replica_position at;
	hearing h = {.replica = replica, .head = &head, .before = heard, .now = now_unix_s};

	if (strcmp(emr_ledger_kind(ledger), "fabric") == 0)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_ledger_checkpoint(ledger, &note));
	EMR_TRY(emr_checkpoint_parse(emr_buf_view(&note), &head));
	EMR_TRY(emr_replica_at(replica, &at));
	h.last_entry = at.last_time;
	EMR_TRY(emr_replica_people(replica, hear_agent, &h));
	*heard = h.heard;
	return EMR_OK;
}

unsigned emr_heard_silent(const emr_heard *heard, const emr_id32 *agents, unsigned n)
{
	unsigned silent = 0;

	for (unsigned i = 0; i < n; i++)
		for (size_t j = 0; j < heard->n; j++)
			silent += heard->list[j].is_silent &&
				  emr_id32_equal(heard->list[j].id, agents[i]);
	return silent;
}
