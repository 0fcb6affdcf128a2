/* This file reads from the countersignatures of the ledger's head when each agent spoke last. It
 * believes no signature that it has not checked. */
#include "session/heard.h"

#include <string.h>

#include "contract/codes.h"
#include "ledger/checkpoint.h"
#include "replica/ask.h"

/* One who did not sign the newest head was silent since the ledger grew, which on a busy one is a
 * moment ago: others may just have signed one that is longer. */
static emr_heard_agent hear_agent(const emr_checkpoint *head, const emr_heard *before,
	const emr_known_person *person, uint64_t last_entry)
{
	emr_heard_agent one = {.id = person->signer_id};
	bool is_signed = emr_checkpoint_verify(head, one.id, person->row.log_pk) == EMR_OK;

	memcpy(one.org, person->row.org, sizeof one.org);
	for (size_t i = 0; is_signed && i < head->n_sigs; i++)
		if (memcmp(head->sigs[i].name_id, one.id.b, 8) == 0) {
			one.unix_s = head->sigs[i].time;
			break;
		}
	if (one.unix_s == 0)
		one.unix_s = last_entry;
	for (size_t i = 0; i < before->n; i++)
		if (emr_id32_equal(before->list[i].id, one.id) &&
			before->list[i].unix_s > one.unix_s)
			one.unix_s = before->list[i].unix_s;
	return one;
}

emr_status emr_heard_look(
	emr_ledger *ledger, emr_replica *replica, uint64_t now_unix_s, emr_heard *heard)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;
	emr_replica_position at;
	emr_known_person person;
	emr_heard now = {.n = 0};
	bool is_active = false;

	EMR_TRY(emr_ledger_checkpoint(ledger, &note));
	EMR_TRY(emr_checkpoint_parse(emr_buf_view(&note), &head));
	EMR_TRY(emr_replica_at(replica, &at));
	EMR_ASK(asked, replica, PEOPLE);
	while (now.n < EMR_HEARD_MAX && emr_next(&asked, &person)) {
		emr_heard_agent *one = &now.list[now.n];

		if ((person.row.roles & EMR_ROLE_AGENT) == 0)
			continue;
		EMR_TRY(emr_replica_person_is_active(replica, &person, now_unix_s, &is_active));
		if (!is_active)
			continue;
		*one = hear_agent(&head, heard, &person, at.last_time);
		one->is_silent = one->unix_s + EMR_AGENT_SILENT_S < now_unix_s;
		now.n++;
	}
	EMR_TRY(asked.status);
	*heard = now;
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
